/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool: the queue of jobs, the threads that work on it, and the way back into the event loop. */
#include "config.h"

#include "image/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/memory.h"

struct pool_job { /* owned by the pool, in exactly one of its queues */
	const void *owner;
	pool_run_cb *run;
	pool_done_cb *done;
	void *arg;
	TAILQ_ENTRY(pool_job) link;
};

TAILQ_HEAD(job_queue, pool_job);

struct pool {
	int wakeup; /* eventfd: readable while finished is not empty */
	struct event *event;
	unsigned thread_count; /* used by the loop's thread only, as is threads */
	pthread_t threads[POOL_THREADS];

	pthread_mutex_t mutex;    /* guards all below */
	pthread_cond_t has_work;  /* a job may have become ready to run, or is_stopping was set */
	struct job_queue waiting; /* in order of submission */
	struct job_queue running;
	struct job_queue finished; /* for the loop's thread, in order of completion */
	unsigned waiting_count;
	unsigned idle_count; /* threads that wait for has_work */
	bool is_stopping;
};

/* The first waiting job whose owner has none running, or NULL. */
static struct pool_job *
next_ready(const struct pool *pool)
{
	struct pool_job *job, *other;

	TAILQ_FOREACH (job, &pool->waiting, link) {
		TAILQ_FOREACH (other, &pool->running, link) {
			if (other->owner == job->owner)
				break;
		}
		if (other == NULL)
			return job;
	}
	return NULL;
}

/* Hands a job to the loop's thread. The mutex is held. */
static void
finish(struct pool *pool, struct pool_job *job)
{
	const uint64_t one = 1;
	bool is_first = TAILQ_EMPTY(&pool->finished);

	TAILQ_INSERT_TAIL(&pool->finished, job, link);
	/* The counter cannot overflow, so the write cannot fail: one for each time it is emptied.
	 */
	if (is_first && write(pool->wakeup, &one, sizeof(one)) < 0)
		log_msg(LOG_LEVEL_ERROR, "pool: cannot wake the event loop: %s", strerror(errno));
}

static void *
worker(void *arg)
{
	struct pool *pool = arg;
	struct pool_job *job;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->is_stopping) {
		job = next_ready(pool);
		if (job == NULL) {
			pool->idle_count++;
			pthread_cond_wait(&pool->has_work, &pool->mutex);
			pool->idle_count--;
			continue;
		}
		TAILQ_REMOVE(&pool->waiting, job, link);
		pool->waiting_count--;
		TAILQ_INSERT_TAIL(&pool->running, job, link);
		pthread_mutex_unlock(&pool->mutex);

		job->run(job->arg);

		pthread_mutex_lock(&pool->mutex);
		TAILQ_REMOVE(&pool->running, job, link);
		finish(pool, job);
		/* The owner's next job is ready now, and this thread may take another one first. */
		if (pool->idle_count > 0 && !TAILQ_EMPTY(&pool->waiting))
			pthread_cond_broadcast(&pool->has_work);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* One more thread, if there may be one and it can be had. Signals stay with the loop's thread. */
static void
start_thread(struct pool *pool)
{
	sigset_t all, before;
	int error;

	if (pool->thread_count == POOL_THREADS)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&pool->threads[pool->thread_count], NULL, worker, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0) {
		pthread_setname_np(pool->threads[pool->thread_count], "image-io");
		pool->thread_count++;
	} else {
		log_msg(LOG_LEVEL_WARNING, "pool: cannot start a thread: %s", strerror(error));
	}
}

/* Calls done for all that is finished. */
static void
deliver(struct pool *pool)
{
	struct job_queue ready = TAILQ_HEAD_INITIALIZER(ready);
	struct pool_job *job;

	pthread_mutex_lock(&pool->mutex);
	TAILQ_CONCAT(&ready, &pool->finished, link);
	pthread_mutex_unlock(&pool->mutex);

	while ((job = TAILQ_FIRST(&ready)) != NULL) {
		TAILQ_REMOVE(&ready, job, link);
		job->done(job->arg);
		free(job);
	}
}

static void
wakeup_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	uint64_t count;

	/* First reset, then deliver: what finishes in between wakes the loop again. */
	if (read((int)fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_msg(LOG_LEVEL_ERROR, "pool: cannot read its eventfd: %s", strerror(errno));
	deliver(arg);
}

struct pool *
pool_new(struct event_base *base)
{
	struct pool *pool = mem_new(1, sizeof(*pool));

	TAILQ_INIT(&pool->waiting);
	TAILQ_INIT(&pool->running);
	TAILQ_INIT(&pool->finished);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->has_work, NULL);
	pool->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->wakeup >= 0)
		pool->event = event_new(base, pool->wakeup, EV_READ | EV_PERSIST, wakeup_cb, pool);
	if (pool->event == NULL || event_add(pool->event, NULL) != 0) {
		log_msg(LOG_LEVEL_ERROR, "pool: cannot be made: %s", strerror(errno));
		abort();
	}
	return pool;
}

void
pool_free(struct pool *pool)
{
	unsigned i;

	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->is_stopping = true;
	pthread_cond_broadcast(&pool->has_work);
	pthread_mutex_unlock(&pool->mutex);
	for (i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);

	/* No thread is left; a done callback may still submit, which adds to finished. */
	TAILQ_CONCAT(&pool->finished, &pool->waiting, link);
	while (!TAILQ_EMPTY(&pool->finished))
		deliver(pool);
	event_free(pool->event);
	close(pool->wakeup);
	pthread_cond_destroy(&pool->has_work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

void
pool_submit(struct pool *pool, const void *owner, pool_run_cb *run, pool_done_cb *done, void *arg)
{
	struct pool_job *job = mem_new(1, sizeof(*job));
	bool needs_thread;

	job->owner = owner;
	job->run = run;
	job->done = done;
	job->arg = arg;

	pthread_mutex_lock(&pool->mutex);
	if (pool->is_stopping) {
		finish(pool, job);
		needs_thread = false;
	} else {
		TAILQ_INSERT_TAIL(&pool->waiting, job, link);
		pool->waiting_count++;
		needs_thread = pool->waiting_count > pool->idle_count;
		pthread_cond_signal(&pool->has_work);
	}
	pthread_mutex_unlock(&pool->mutex);

	if (needs_thread)
		start_thread(pool);
	if (needs_thread && pool->thread_count == 0) {
		/* Better a loop that waits for the disk than a job that never ends. */
		pthread_mutex_lock(&pool->mutex);
		TAILQ_REMOVE(&pool->waiting, job, link);
		pool->waiting_count--;
		pthread_mutex_unlock(&pool->mutex);
		job->run(job->arg);
		pthread_mutex_lock(&pool->mutex);
		finish(pool, job);
		pthread_mutex_unlock(&pool->mutex);
	}
}
