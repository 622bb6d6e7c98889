/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registry: the table of slots, who watches them, and what happens to all of them from the loop. */
#include "daemon/registry.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "daemon/board.h"
#include "daemon/registry_private.h"

enum {
	LOGOUT_LIMIT = 5, /* seconds, for all web sessions at the end */
};

static const struct timeval tick_interval = { .tv_sec = 1 };

/* The weight of the last second in a smoothed rate. */
static const double rate_weight = 0.4;

static double
now_by(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
registry_now(void)
{
	return now_by(CLOCK_REALTIME);
}

/* --- table --- */

static int
compare_slots(const void *a, const void *b)
{
	const struct slot *const *x = a, *const *y = b;

	return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

size_t
registry_order(const struct registry *registry, const struct conf_target *target,
	enum device device, int instance)
{
	return ((size_t)(target - registry->conf->targets) * DEVICE_COUNT + (size_t)device) *
		       SLOT_INSTANCES +
	       (size_t)instance;
}

void
registry_insert(struct registry *registry, struct slot *slot)
{
	size_t i = registry->count;

	if (registry->count == registry->room) {
		registry->room = registry->room > 0 ? registry->room * 2 : 16;
		registry->slots =
			mem_resize(registry->slots, registry->room, sizeof(*registry->slots));
	}
	slot->order = registry_order(registry, slot->target, slot->device, slot->instance);
	for (; i > 0 && registry->slots[i - 1]->order > slot->order; i--)
		registry->slots[i] = registry->slots[i - 1];
	registry->slots[i] = slot;
	registry->count++;
}

static bool
has_target(const struct conf *conf, const struct conf_target *target)
{
	return conf->target_count > 0 && target >= conf->targets &&
	       target < conf->targets + conf->target_count;
}

void
registry_sort(struct registry *registry)
{
	size_t behind = registry->conf->target_count * DEVICE_COUNT * SLOT_INSTANCES;

	for (size_t i = 0; i < registry->count; i++) {
		struct slot *slot = registry->slots[i];

		slot->order = has_target(registry->conf, slot->target)
				      ? registry_order(registry, slot->target, slot->device,
						slot->instance)
				      : behind++;
	}
	if (registry->count > 0)
		qsort(registry->slots, registry->count, sizeof(*registry->slots), compare_slots);
}

struct slot *
registry_find(struct registry *registry, const struct conf_target *target, enum device device,
	int instance)
{
	const struct slot key = { .order = registry_order(registry, target, device, instance) };
	const struct slot *p = &key;
	struct slot **found;

	if (registry->count == 0)
		return NULL;
	found = bsearch(
		&p, registry->slots, registry->count, sizeof(*registry->slots), compare_slots);
	return found != NULL ? *found : NULL;
}

size_t
registry_count(const struct registry *registry)
{
	return registry->count;
}

struct slot *
registry_at(const struct registry *registry, size_t i)
{
	return registry->slots[i];
}

const struct conf *
registry_conf(const struct registry *registry)
{
	return registry->conf;
}

void
registry_free_retired(struct registry *registry)
{
	size_t kept = 0;

	for (size_t i = 0; i < registry->retired_count; i++) {
		struct conf *conf = registry->retired[i];
		bool is_used = false;

		for (size_t j = 0; !is_used && j < registry->count; j++)
			is_used = has_target(conf, registry->slots[j]->target);
		if (is_used)
			registry->retired[kept++] = conf;
		else
			conf_free(conf);
	}
	registry->retired_count = kept;
}

/* --- watches --- */

struct registry_watch *
registry_watch(struct registry *registry, registry_cb *cb, void *arg)
{
	struct registry_watch *watch = mem_new(1, sizeof(*watch));

	watch->cb = cb;
	watch->arg = arg;
	TAILQ_INSERT_TAIL(&registry->watches, watch, link);
	return watch;
}

static void
free_watch(struct registry *registry, struct registry_watch *watch)
{
	TAILQ_REMOVE(&registry->watches, watch, link);
	free(watch);
}

void
registry_unwatch(struct registry *registry, struct registry_watch *watch)
{
	watch->cb = NULL;
	if (registry->rounds == 0)
		free_watch(registry, watch);
}

void
registry_notify(struct registry *registry, struct slot *slot, bool is_gone)
{
	struct registry_watch *watch, *next;

	registry->rounds++;
	TAILQ_FOREACH (watch, &registry->watches, link)
		if (watch->cb != NULL)
			watch->cb(watch->arg, slot, is_gone);
	registry->rounds--;
	if (registry->rounds > 0)
		return;
	for (watch = TAILQ_FIRST(&registry->watches); watch != NULL; watch = next) {
		next = TAILQ_NEXT(watch, link);
		if (watch->cb == NULL)
			free_watch(registry, watch);
	}
}

/* --- from the loop --- */

static void
check_stopped(struct registry *registry)
{
	void (*stopped)(void *arg) = registry->stopped;

	if (!registry->is_stopping || stopped == NULL)
		return;
	for (size_t i = 0; i < registry->count; i++)
		if (!slot_is_idle(registry->slots[i]))
			return;
	registry->stopped = NULL;
	boards_stop(registry->boards, LOGOUT_LIMIT, stopped, registry->stopped_arg);
}

/* A file that has become free may be what another slot waits for. */
static void
retry_path(struct registry *registry, const char *path)
{
	if (registry->is_stopping)
		return;
	for (size_t i = 0; i < registry->count; i++) {
		struct slot *slot = registry->slots[i];

		if (slot->phase == SLOT_WAITING && slot->path != NULL &&
			strcmp(slot->path, path) == 0)
			slot_try(slot);
	}
}

/* Takes the slots whose session has ended out of the table. */
static struct slot **
take_gone(struct registry *registry, size_t *count)
{
	struct slot **gone = mem_new(registry->count + 1, sizeof(struct slot *));
	size_t kept = 0;

	*count = 0;
	for (size_t i = 0; i < registry->count; i++) {
		struct slot *slot = registry->slots[i];

		if (slot->phase == SLOT_LEAVING && slot_is_idle(slot))
			gone[(*count)++] = slot;
		else
			registry->slots[kept++] = slot;
	}
	registry->count = kept;
	return gone;
}

static void
work_cb(evutil_socket_t fd, short events, void *arg)
{
	struct registry *registry = arg;
	struct strlist freed = registry->freed;
	size_t count;
	struct slot **gone = take_gone(registry, &count);

	(void)fd, (void)events;
	registry->freed = (struct strlist){ 0 };
	for (size_t i = 0; i < count; i++) {
		registry_notify(registry, gone[i], true);
		if (gone[i]->path != NULL)
			strlist_add(&freed, gone[i]->path);
		slot_free(gone[i]);
	}
	free(gone);
	for (size_t i = 0; i < registry->count; i++)
		slot_work(registry->slots[i]);
	for (size_t i = 0; i < freed.count; i++)
		retry_path(registry, freed.items[i]);
	strlist_fini(&freed);
	registry_free_retired(registry);
	check_stopped(registry);
}

void
registry_schedule(struct registry *registry)
{
	event_active(registry->work, EV_TIMEOUT, 0);
}

void
registry_let_go(struct registry *registry, const char *path)
{
	strlist_add(&registry->freed, path);
	registry_schedule(registry);
}

/* Returns true if the slot is served. */
static bool
tick_slot(struct slot *slot, double elapsed)
{
	struct session_status status;
	uint64_t traffic, before = slot->traffic;

	registry_status(slot, &status);
	if (status.state != SESSION_SERVING || status.counters == NULL) {
		slot->rate = 0;
		return false;
	}
	traffic = status.counters->read + status.counters->written;
	slot->traffic = traffic;
	if (traffic >= before && elapsed > 0)
		slot->rate += rate_weight * ((double)(traffic - before) / elapsed - slot->rate);
	if (slot->rate < 1)
		slot->rate = 0;
	if (traffic != before)
		registry_notify(slot->registry, slot, false);
	return true;
}

static void
tick_cb(evutil_socket_t fd, short events, void *arg)
{
	struct registry *registry = arg;
	double now = now_by(CLOCK_MONOTONIC), elapsed = now - registry->ticked;
	bool is_serving = false;

	(void)fd, (void)events;
	registry->ticked = now;
	for (size_t i = 0; i < registry->count; i++)
		if (tick_slot(registry->slots[i], elapsed))
			is_serving = true;
	if (is_serving)
		event_add(registry->tick, &tick_interval);
}

void
registry_tick(struct registry *registry)
{
	if (event_pending(registry->tick, EV_TIMEOUT, NULL) != 0)
		return;
	registry->ticked = now_by(CLOCK_MONOTONIC);
	event_add(registry->tick, &tick_interval);
}

/* --- targets --- */

struct board *
registry_board(struct registry *registry, const struct conf_target *target)
{
	return board_get(registry->boards, target);
}

void
registry_retry(struct registry *registry, const char *target, enum failure failure)
{
	struct session_status status;

	for (size_t i = 0; i < registry->count; i++) {
		struct slot *slot = registry->slots[i];

		if (slot->phase != SLOT_RUNNING || strcmp(slot->target->name, target) != 0)
			continue;
		session_status(slot->session, &status);
		if (status.state == SESSION_BACKOFF && status.failure == failure)
			session_reconnect(slot->session);
	}
}

/* --- life --- */

struct registry *
registry_new(struct event_base *base, struct pool *pool, struct store *store, struct conf *conf)
{
	struct registry *registry = mem_new(1, sizeof(*registry));

	registry->base = base;
	registry->pool = pool;
	registry->store = store;
	registry->conf = conf;
	registry->boards = boards_new(base, store, (unsigned)conf->login_parallel);
	registry->work = evtimer_new(base, work_cb, registry);
	registry->tick = evtimer_new(base, tick_cb, registry);
	TAILQ_INIT(&registry->watches);
	registry_restore(registry);
	registry_start_standing(registry, NULL);
	return registry;
}

void
registry_free(struct registry *registry)
{
	struct registry_watch *watch;

	if (registry == NULL)
		return;
	while ((watch = TAILQ_FIRST(&registry->watches)) != NULL)
		free_watch(registry, watch);
	for (size_t i = 0; i < registry->count; i++)
		slot_free(registry->slots[i]);
	registry->count = 0;
	boards_free(registry->boards);
	registry_free_retired(registry);
	conf_free(registry->conf);
	strlist_fini(&registry->freed);
	event_free(registry->work);
	event_free(registry->tick);
	free(registry->retired);
	free(registry->slots);
	free(registry);
}

void
registry_stop(struct registry *registry, void (*done)(void *arg), void *arg)
{
	registry->is_stopping = true;
	registry->stopped = done;
	registry->stopped_arg = arg;
	for (size_t i = 0; i < registry->count; i++)
		session_stop(registry->slots[i]->session, "shutting down");
	registry_schedule(registry);
}

bool
registry_is_stopping(const struct registry *registry)
{
	return registry->is_stopping;
}
