/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock: the time of day, the time that passes, and deadlines, in seconds. */
#ifndef BMC_CLOCK_H
#define BMC_CLOCK_H

#include <time.h>

#include <event2/event.h>

static inline double
clock_seconds(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds since the epoch, for people. */
static inline double
clock_now(void)
{
	return clock_seconds(CLOCK_REALTIME);
}

/* Seconds that pass, for differences. */
static inline double
clock_monotonic(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

/* The event fires in that many seconds (0 or more); an earlier time that was set is forgotten. */
static inline void
clock_arm(struct event *deadline, double seconds)
{
	struct timeval delay;

	delay.tv_sec = (time_t)seconds;
	delay.tv_usec = (suseconds_t)((seconds - (double)delay.tv_sec) * 1e6);
	event_add(deadline, &delay);
}

#endif
