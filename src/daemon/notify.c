/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify: readiness, reload, status, watchdog and socket activation by libsystemd. */
#include "config.h"

#include "daemon/notify.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/log.h"

#ifdef HAVE_SYSTEMD

bool
notify_is_managed(void)
{
	return getenv("NOTIFY_SOCKET") != NULL || sd_listen_fds(0) > 0;
}

int
notify_socket(void)
{
	int count = sd_listen_fds(1), found = -1;

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
		if (found < 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0) {
			found = fd;
			continue;
		}
		log_msg(LOG_LEVEL_WARNING,
			"descriptor %d was passed and is not the control socket: closed", fd);
		close(fd);
	}
	return found;
}

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

static void
watchdog_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events, (void)arg;
	sd_notify(0, "WATCHDOG=1");
}

struct event *
notify_watchdog(struct event_base *base)
{
	uint64_t limit;
	struct timeval interval;
	struct event *event;

	if (sd_watchdog_enabled(0, &limit) <= 0)
		return NULL;
	limit /= 2; /* microseconds */
	interval.tv_sec = (time_t)(limit / 1000000);
	interval.tv_usec = (suseconds_t)(limit % 1000000);
	event = event_new(base, -1, EV_PERSIST, watchdog_cb, NULL);
	event_add(event, &interval);
	return event;
}

#else

bool
notify_is_managed(void)
{
	return false;
}

int
notify_socket(void)
{
	return -1;
}

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_status(const char *fmt, ...)
{
	(void)fmt;
}

struct event *
notify_watchdog(struct event_base *base)
{
	(void)base;
	return NULL;
}

#endif
