/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool: a few threads for file I/O that would block; their results come back through the event
 * loop. */
#ifndef IMAGE_POOL_H
#define IMAGE_POOL_H

#include "base/compiler.h"

struct event_base;
struct pool;

enum {
	POOL_THREADS = 4,
};

/* run is called in a worker thread (all signals blocked), done afterwards in the loop's thread.
 * done is always called, exactly once, and never before pool_submit() has returned. */
typedef void pool_run_cb(void *arg);
typedef void pool_done_cb(void *arg);

/* The pool's threads start with the first jobs. Never NULL. */
struct pool *pool_new(struct event_base *base) MUST_CHECK;

/* Jobs that have not started are done without having run; jobs in a thread are waited for. Not to
 * be called from a done callback. A null pool is allowed. */
void pool_free(struct pool *pool);

/*
 * Queues a job; jobs of one owner (any pointer, not followed) run one after the other in order of
 * submission, and their done callbacks are called in that order. Called from the loop's thread
 * only. A job that never returns keeps one thread and its own owner; all others go on as long as
 * there is another thread.
 */
void pool_submit(
	struct pool *pool, const void *owner, pool_run_cb *run, pool_done_cb *done, void *arg);

#endif
