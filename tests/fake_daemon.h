/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_daemon: a daemon that answers one Varlink connection from a script, for the tests of the
 * tool.
 */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strlist.h"
#include "unit.h"

struct answer { /* what is sent after one request */
	const char *bytes;
	size_t len; /* 0: strlen(bytes), and a NUL behind it */
};

enum fake_end {    /* what comes behind the last answer */
	FAKE_HOLD, /* nothing, until the client goes */
	FAKE_CLOSE,
	FAKE_FLOOD,     /* bytes without an end, until the client goes */
	FAKE_INTERRUPT, /* SIGINT to this process, then FAKE_HOLD */
};

struct fake {
	char directory[64], path[80];
	int fd;
	pthread_t thread;
	const struct answer *answers;
	size_t count;
	enum fake_end end;
	bool is_slow; /* a byte at a time */
	struct strlist requests;
};

/* The next request of the client; false when it has gone. */
static inline bool
fake_take(struct fake *fake, int fd)
{
	size_t size = 0;
	char *text = NULL, c;
	FILE *request = open_memstream(&text, &size);
	bool is_whole = false;

	while (!is_whole && read(fd, &c, 1) == 1) {
		is_whole = c == '\0';
		fputc(c, request);
	}
	fclose(request);
	if (is_whole)
		strlist_add(&fake->requests, text);
	free(text);
	return is_whole;
}

static inline void
fake_send(const struct fake *fake, int fd, const struct answer *answer)
{
	size_t len = answer->len > 0 ? answer->len : strlen(answer->bytes) + 1;

	for (size_t i = 0; i < len;) {
		ssize_t n = send(fd, answer->bytes + i, fake->is_slow ? 1 : len - i, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		i += (size_t)n;
	}
}

static inline void *
fake_run(void *arg)
{
	struct fake *fake = arg;
	int fd = accept(fake->fd, NULL, NULL);
	char buffer[4096];

	if (fd < 0)
		return NULL;
	for (size_t i = 0; i < fake->count && fake_take(fake, fd); i++)
		fake_send(fake, fd, &fake->answers[i]);
	memset(buffer, 'x', sizeof(buffer));
	if (fake->end == FAKE_INTERRUPT)
		kill(getpid(), SIGINT);
	if (fake->end == FAKE_FLOOD) {
		while (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) > 0)
			continue;
	} else if (fake->end != FAKE_CLOSE) {
		while (read(fd, buffer, sizeof(buffer)) > 0)
			continue;
	}
	close(fd);
	return NULL;
}

static inline void
fake_listen(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(fake->directory, "/tmp/check_ctl.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->directory));
	snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->directory);
	strcpy(address.sun_path, fake->path);
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->fd, 0);
	ck_assert_int_eq(bind(fake->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->fd, 4), 0);
}

/* Serves one connection; the thread takes no signals. */
static inline void
fake_start(struct fake *fake, const struct answer *answers, size_t count, enum fake_end end)
{
	sigset_t all, old;

	*fake = (struct fake){ .answers = answers, .count = count, .end = end };
	fake_listen(fake);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ck_assert_int_eq(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static inline void
fake_remove(struct fake *fake)
{
	close(fake->fd);
	unlink(fake->path);
	rmdir(fake->directory);
	strlist_fini(&fake->requests);
}

/* Waits until the client's connection has been seen to its end. */
static inline void
fake_stop(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
	close(fake->fd);
	unlink(fake->path);
	rmdir(fake->directory);
}

#endif
