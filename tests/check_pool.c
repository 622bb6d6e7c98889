/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_pool: order within an owner, work side by side between owners, and a clean end. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <event2/event.h>

#include "base/compiler.h"
#include "image/pool.h"
#include "unit.h"

enum {
	OWNERS = 3,
	JOBS = 60, /* of each owner */
};

static struct event_base *base;
static struct pool *pool;
static sem_t gate; /* lets through one job for each post */

static void
set_up(void)
{
	base = event_base_new();
	pool = pool_new(base);
	sem_init(&gate, 0, 0);
}

/* Also after a test that failed half-way: whoever still waits at the gate must get through. */
static void
tear_down(void)
{
	unsigned i;

	for (i = 0; i < 2 * POOL_THREADS; i++)
		sem_post(&gate);
	pool_free(pool);
	sem_destroy(&gate);
	event_base_free(base);
}

/* Turns the loop until count jobs are done. The test case's time limit ends it otherwise. */
static void
wait_for(const unsigned *count, unsigned wanted)
{
	while (*count < wanted)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(*count, wanted);
}

struct job {
	unsigned owner, number;
	atomic_uint runs;
	unsigned dones;
	bool ran_before_done;
};

static struct job jobs[OWNERS][JOBS];
static const char owners[OWNERS];
static atomic_uint running[OWNERS]; /* jobs of this owner that are in a thread now */
static atomic_uint overlaps;        /* times that two of one owner were */
static unsigned run_order[OWNERS];  /* the number of the job to run next */
static atomic_uint run_misorders;
static unsigned done_order[OWNERS];
static unsigned done_count;
static pthread_t loop_thread;

static void
count_run(void *arg)
{
	struct job *job = arg;

	if (atomic_fetch_add(&running[job->owner], 1) != 0)
		atomic_fetch_add(&overlaps, 1);
	if (run_order[job->owner]++ != job->number)
		atomic_fetch_add(&run_misorders, 1);
	atomic_fetch_add(&job->runs, 1);
	if (pthread_equal(pthread_self(), loop_thread))
		abort();
	atomic_fetch_sub(&running[job->owner], 1);
}

static void
count_done(void *arg)
{
	struct job *job = arg;

	ck_assert(pthread_equal(pthread_self(), loop_thread));
	ck_assert_uint_eq(done_order[job->owner]++, job->number);
	job->dones++;
	job->ran_before_done = atomic_load(&job->runs) == 1;
	done_count++;
}

START_TEST(test_order)
{
	unsigned i, k;

	memset(jobs, 0, sizeof(jobs));
	loop_thread = pthread_self();
	for (k = 0; k < JOBS; k++) {
		for (i = 0; i < OWNERS; i++) {
			jobs[i][k].owner = i;
			jobs[i][k].number = k;
			pool_submit(pool, &owners[i], count_run, count_done, &jobs[i][k]);
		}
	}
	ck_assert_uint_eq(done_count, 0);
	wait_for(&done_count, OWNERS * JOBS);
	ck_assert_uint_eq(atomic_load(&overlaps), 0);
	ck_assert_uint_eq(atomic_load(&run_misorders), 0);
	for (k = 0; k < JOBS; k++) {
		for (i = 0; i < OWNERS; i++) {
			ck_assert_uint_eq(jobs[i][k].dones, 1);
			ck_assert(jobs[i][k].ran_before_done);
		}
	}
}
END_TEST

static void
count_up(void *arg)
{
	unsigned *count = arg;

	(*count)++;
}

static void
nothing(void *arg UNUSED)
{
}

static pthread_barrier_t barrier;

static void
meet(void *arg UNUSED)
{
	pthread_barrier_wait(&barrier);
}

/* As many jobs as there are threads meet at a barrier: none passes unless all are in a thread. */
START_TEST(test_side_by_side)
{
	static const char many[POOL_THREADS];
	unsigned i, round, done = 0;

	pthread_barrier_init(&barrier, NULL, POOL_THREADS);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < POOL_THREADS; i++)
			pool_submit(pool, &many[i], meet, count_up, &done);
		wait_for(&done, round * POOL_THREADS);
	}
	pthread_barrier_destroy(&barrier);
}
END_TEST

static void
wait_for_gate(void *arg UNUSED)
{
	while (sem_wait(&gate) != 0)
		continue;
}

/* One owner is stuck, with more of its jobs behind it; another one's jobs all get done. */
START_TEST(test_stuck_owner)
{
	static const char stuck, other;
	static unsigned stuck_done;
	unsigned i, done = 0;

	stuck_done = 0;
	for (i = 0; i < 5; i++)
		pool_submit(pool, &stuck, wait_for_gate, count_up, &stuck_done);
	for (i = 0; i < 50; i++)
		pool_submit(pool, &other, nothing, count_up, &done);
	wait_for(&done, 50);
	ck_assert_uint_eq(stuck_done, 0);
	for (i = 0; i < 5; i++)
		sem_post(&gate);
	wait_for(&stuck_done, 5);
}
END_TEST

/* All owners but one are stuck: one thread is left, and enough. */
START_TEST(test_last_thread)
{
	static const char stuck[POOL_THREADS - 1], others[10];
	static unsigned stuck_done;
	unsigned i, done = 0;

	stuck_done = 0;
	for (i = 0; i < POOL_THREADS - 1; i++)
		pool_submit(pool, &stuck[i], wait_for_gate, count_up, &stuck_done);
	for (i = 0; i < 100; i++)
		pool_submit(pool, &others[i % 10], nothing, count_up, &done);
	wait_for(&done, 100);
	ck_assert_uint_eq(stuck_done, 0);
	for (i = 0; i < POOL_THREADS - 1; i++)
		sem_post(&gate);
	wait_for(&stuck_done, POOL_THREADS - 1);
}
END_TEST

static unsigned chain_left;

static void
chain_done(void *arg)
{
	if (--chain_left > 0)
		pool_submit(pool, NULL, nothing, chain_done, arg);
	else
		count_up(arg);
}

/* A done callback may submit the next job; a null owner is an owner too. */
START_TEST(test_submit_from_done)
{
	unsigned done = 0;

	chain_left = 100;
	pool_submit(pool, NULL, nothing, chain_done, &done);
	wait_for(&done, 1);
}
END_TEST

static sigset_t worker_mask;

static void
ask_mask(void *arg UNUSED)
{
	pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
}

START_TEST(test_signals_blocked)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1 };
	sigset_t mine;
	unsigned done = 0;
	size_t i;

	pool_submit(pool, NULL, ask_mask, count_up, &done);
	wait_for(&done, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		ck_assert_int_eq(sigismember(&worker_mask, all[i]), 1);
		ck_assert_int_eq(sigismember(&mine, all[i]), 0);
	}
}
END_TEST

START_TEST(test_free_unused)
{
	struct pool *unused = pool_new(base);

	pool_free(unused);
	pool_free(NULL);
}
END_TEST

struct ending {
	struct pool *pool;
	atomic_uint started, ended; /* runs */
	unsigned submitted, done;
	atomic_bool late_ran;
	unsigned late_done;
};

static void
ending_run(void *arg)
{
	struct ending *ending = arg;

	atomic_fetch_add(&ending->started, 1);
	wait_for_gate(NULL);
	atomic_fetch_add(&ending->ended, 1);
}

static void
late_run(void *arg)
{
	struct ending *ending = arg;

	atomic_store(&ending->late_ran, true);
}

static void
late_done(void *arg)
{
	struct ending *ending = arg;

	ending->late_done++;
}

/* Called by pool_free(), as the loop does not turn: too late to submit anything that runs. */
static void
ending_done(void *arg)
{
	struct ending *ending = arg;

	if (ending->done++ == 0)
		pool_submit(ending->pool, NULL, late_run, late_done, ending);
}

static void *
open_gate(void *arg)
{
	struct ending *ending = arg;
	unsigned i;

	for (i = 0; i < ending->submitted; i++)
		sem_post(&gate);
	return NULL;
}

/* All threads are busy and more is queued: what runs is waited for, and all is done once. */
START_TEST(test_free_busy)
{
	static const char many[POOL_THREADS];
	struct ending ending = { 0 };
	pthread_t opener;
	unsigned i;

	ending.pool = pool_new(base);
	ending.submitted = POOL_THREADS * 20;
	for (i = 0; i < ending.submitted; i++)
		pool_submit(ending.pool, &many[i % POOL_THREADS], ending_run, ending_done, &ending);
	ck_assert_int_eq(pthread_create(&opener, NULL, open_gate, &ending), 0);
	pool_free(ending.pool);
	ck_assert_uint_eq(atomic_load(&ending.started), atomic_load(&ending.ended));
	ck_assert_uint_eq(ending.done, ending.submitted);
	ck_assert(!atomic_load(&ending.late_ran));
	ck_assert_uint_eq(ending.late_done, 1);
	pthread_join(opener, NULL);
}
END_TEST

static Suite *
pool_suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_side_by_side);
	tcase_add_test(tc, test_stuck_owner);
	tcase_add_test(tc, test_last_thread);
	tcase_add_test(tc, test_submit_from_done);
	tcase_add_test(tc, test_signals_blocked);
	tcase_add_test(tc, test_free_unused);
	tcase_add_test(tc, test_free_busy);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(pool_suite());
}
