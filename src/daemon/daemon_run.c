/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon_run: what happens in the loop: signals, reload, status for the service manager, the end.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/log.h"
#include "daemon/background.h"
#include "daemon/conf.h"
#include "daemon/daemon.h"
#include "daemon/daemon_private.h"
#include "daemon/methods.h"
#include "daemon/notify.h"
#include "daemon/registry.h"

/* --- reload --- */

static void
warn_if_fixed(const char *setting, const char *in_use, const char *configured)
{
	if (strcmp(in_use, configured) != 0)
		log_msg(LOG_LEVEL_WARNING,
			"%s is %s now, and stays %s until iusbd is started again", setting,
			configured, in_use);
}

static int
apply(struct daemon *daemon, struct strlist *added, struct strlist *changed,
	struct strlist *removed, struct strlist *errors)
{
	struct conf *conf = daemon_load(daemon, errors);
	char targets[HUMAN_SIZE];

	for (size_t i = 0; i < errors->count; i++)
		log_msg(LOG_LEVEL_ERROR, "%s", errors->items[i]);
	if (conf == NULL) {
		log_msg(LOG_LEVEL_ERROR, "the configuration is not good: nothing has changed");
		return -1;
	}
	if (daemon->options->socket == NULL)
		warn_if_fixed("socket", daemon->socket, conf->socket);
	if (daemon->options->state_dir == NULL)
		warn_if_fixed("state_dir", daemon->state_dir, conf->state_dir);
	registry_apply(daemon->registry, conf, added, changed, removed);
	log_msg(LOG_LEVEL_INFO, "configuration read again: %s added, %zu changed, %zu removed",
		human_count(targets, added->count, "target"), changed->count, removed->count);
	return 0;
}

int
daemon_reload(void *arg, struct strlist *added, struct strlist *changed, struct strlist *removed,
	struct strlist *errors)
{
	struct daemon *daemon = arg;
	int rc;

	notify_reloading();
	rc = apply(daemon, added, changed, removed, errors);
	notify_ready();
	event_active(daemon->status, EV_TIMEOUT, 0);
	return rc;
}

static void
reload_on_signal(struct daemon *daemon)
{
	struct strlist added = { 0 }, changed = { 0 }, removed = { 0 }, errors = { 0 };

	(void)!daemon_reload(daemon, &added, &changed, &removed, &errors);
	strlist_fini(&added);
	strlist_fini(&changed);
	strlist_fini(&removed);
	strlist_fini(&errors);
}

/* --- end --- */

static void
stopped_cb(void *arg)
{
	struct daemon *daemon = arg;

	log_msg(LOG_LEVEL_INFO, "stopped");
	event_base_loopbreak(daemon->base);
}

static void
force(struct daemon *daemon, const char *reason)
{
	log_msg(LOG_LEVEL_WARNING, "%s: sessions are cut off", reason);
	daemon->is_forced = true;
	event_base_loopbreak(daemon->base);
}

static void
limit_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	force(arg, "not stopped in time");
}

static void
begin_stop(struct daemon *daemon)
{
	static const struct timeval limit = { .tv_sec = DAEMON_STOP_LIMIT };

	log_msg(LOG_LEVEL_INFO, "stopping");
	notify_stopping();
	daemon->is_stopping = true;
	event_add(daemon->limit, &limit);
	methods_stop(daemon->methods);
	registry_stop(daemon->registry, stopped_cb, daemon);
}

static void
signal_cb(evutil_socket_t number, short events, void *arg)
{
	struct daemon *daemon = arg;

	(void)events;
	if (number == SIGHUP && !daemon->is_stopping)
		reload_on_signal(daemon);
	else if (number != SIGHUP && daemon->is_stopping)
		force(daemon, "told to stop once more");
	else if (number != SIGHUP)
		begin_stop(daemon);
}

/* --- status --- */

static void
status_cb(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	size_t serving = 0, count = registry_count(daemon->registry);
	char targets[HUMAN_SIZE], slots[HUMAN_SIZE];
	struct session_status status;

	(void)fd, (void)events;
	for (size_t i = 0; i < count; i++) {
		registry_status(registry_at(daemon->registry, i), &status);
		if (status.state == SESSION_SERVING)
			serving++;
	}
	notify_status("%s, %s attached, %zu serving",
		human_count(targets, registry_conf(daemon->registry)->target_count, "target"),
		human_count(slots, count, "slot"), serving);
}

static void
changed_cb(void *arg, struct slot *slot, bool is_gone)
{
	static const struct timeval soon = { .tv_sec = 1 };
	struct daemon *daemon = arg;

	(void)slot, (void)is_gone;
	if (event_pending(daemon->status, EV_TIMEOUT, NULL) == 0)
		event_add(daemon->status, &soon);
}

void
daemon_run(struct daemon *daemon)
{
	static const int numbers[DAEMON_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
	struct registry_watch *watch = registry_watch(daemon->registry, changed_cb, daemon);

	for (int i = 0; i < DAEMON_SIGNALS; i++) {
		daemon->signals[i] = evsignal_new(daemon->base, numbers[i], signal_cb, daemon);
		event_add(daemon->signals[i], NULL);
	}
	daemon->limit = evtimer_new(daemon->base, limit_cb, daemon);
	daemon->status = evtimer_new(daemon->base, status_cb, daemon);
	daemon->watchdog = notify_watchdog(daemon->base);
	log_msg(LOG_LEVEL_INFO, "ready, control socket %s", daemon->socket);
	if (daemon->background >= 0)
		background_ready(daemon->background);
	notify_ready();
	event_active(daemon->status, EV_TIMEOUT, 0);
	event_base_dispatch(daemon->base);
	registry_unwatch(daemon->registry, watch);
	if (daemon->watchdog != NULL)
		event_free(daemon->watchdog);
	event_free(daemon->status);
	event_free(daemon->limit);
	for (int i = 0; i < DAEMON_SIGNALS; i++)
		event_free(daemon->signals[i]);
}
