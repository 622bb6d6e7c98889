/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop: runs an event loop until something has happened, and fails the test if it never does. */
#ifndef TESTS_LOOP_H
#define TESTS_LOOP_H

#include <check.h>
#include <stdbool.h>
#include <sys/time.h>
#include <time.h>

#include <event2/event.h>

enum {
	LOOP_PATIENCE = 60, /* seconds; nothing that works comes near it */
};

static inline void
loop_tick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

/* True while patience lasts: runs the loop for one turn, which an unrelated timer ends at the
 * latest. */
static inline bool
loop_turn(struct event_base *base, time_t *until)
{
	static const struct timeval tick = { 0, 50000 };

	if (*until == 0)
		*until = time(NULL) + LOOP_PATIENCE;
	if (time(NULL) > *until)
		return false;
	event_base_once(base, -1, EV_TIMEOUT, loop_tick_cb, NULL, &tick);
	event_base_loop(base, EVLOOP_ONCE);
	return true;
}

/* The seconds until a timer fires, which is set. */
static inline double
loop_time_left(const struct event *timer)
{
	struct timeval end, at;

	ck_assert(evtimer_pending(timer, &end));
	gettimeofday(&at, NULL);
	return (double)(end.tv_sec - at.tv_sec) + (double)(end.tv_usec - at.tv_usec) / 1e6;
}

/* Runs the loop until the condition holds. */
#define LOOP_UNTIL(base, condition)                                                                \
	do {                                                                                       \
		time_t until_ = 0;                                                                 \
                                                                                                   \
		while (!(condition))                                                               \
			ck_assert_msg(loop_turn(base, &until_), "never happened: %s", #condition); \
	} while (0)

#endif
