/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portals: all of them: whose turn it is, and the end. */
#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/portal_private.h"

enum { /* seconds */
	TIME_CONNECT = 10,
	TIME_WHOLE = 20,
	TIME_BAN = 200, /* the BMC's own is about three minutes (iusb-protocol 8.2) */
};

struct portals *
portals_new(struct event_base *base, unsigned parallel)
{
	struct portals *portals = mem_new(1, sizeof(*portals));

	portals->base = base;
	portals->times = (struct portal_times){
		.limits = { .connect = TIME_CONNECT, .whole = TIME_WHOLE },
		.ban = TIME_BAN,
	};
	TAILQ_INIT(&portals->all);
	TAILQ_INIT(&portals->queue);
	portals_set_parallel(portals, parallel);
	return portals;
}

struct portal_times *
portals_times(struct portals *portals)
{
	return &portals->times;
}

/* ---- places ---- */

static uint16_t
web_port(const struct portal_conf *conf)
{
	if (conf->port != 0)
		return conf->port;
	return conf->is_plain ? 80 : 443;
}

bool
portals_are_same(const struct portal *a, const struct portal *b)
{
	return web_port(&a->conf) == web_port(&b->conf) &&
	       strcasecmp(a->conf.address, b->conf.address) == 0;
}

/* One request at a time, and one web session, per BMC, also where it has several portals: after a
 * change of its configuration, the old one may still be logging out. */
static bool
must_wait_for(const struct portal *portal, const struct portal *other)
{
	if (other == portal || !portals_are_same(portal, other))
		return false;
	return other->has_place ||
	       (other->is_orphan && other->login.is_open && !portal_must_log_out(portal));
}

static bool
is_blocked(const struct portal *portal)
{
	struct portal *other;

	TAILQ_FOREACH (other, &portal->portals->all, all_link)
		if (must_wait_for(portal, other))
			return true;
	return false;
}

/* The end has a time limit: of hundreds of BMCs, few would be logged out if they took turns. */
static bool
has_room(const struct portals *portals)
{
	return portals->is_stopping || portals->active < portals->parallel;
}

static void
give_places(struct portals *portals)
{
	struct portal *portal, *next;

	for (portal = TAILQ_FIRST(&portals->queue); portal && has_room(portals); portal = next) {
		next = TAILQ_NEXT(portal, queue_link);
		if (is_blocked(portal))
			continue;
		TAILQ_REMOVE(&portals->queue, portal, queue_link);
		portal->is_in_queue = false;
		portal->has_place = true;
		portals->active++;
		portal_kick(portal);
	}
}

void
portals_set_parallel(struct portals *portals, unsigned parallel)
{
	portals->parallel = parallel > 0 ? parallel : 1;
	give_places(portals);
}

void
portals_enter(struct portals *portals, struct portal *portal, bool is_urgent)
{
	assert(!portal->is_in_queue && !portal->has_place);
	if (is_urgent)
		TAILQ_INSERT_HEAD(&portals->queue, portal, queue_link);
	else
		TAILQ_INSERT_TAIL(&portals->queue, portal, queue_link);
	portal->is_in_queue = true;
	give_places(portals);
}

void
portals_leave(struct portals *portals, struct portal *portal)
{
	if (portal->is_in_queue)
		TAILQ_REMOVE(&portals->queue, portal, queue_link);
	else if (portal->has_place)
		portals->active--;
	portal->is_in_queue = portal->has_place = false;
	give_places(portals);
}

/* ---- the end ---- */

void
portals_settle(struct portals *portals)
{
	struct portal *portal;

	if (!portals->is_stopping || !portals->done)
		return;
	TAILQ_FOREACH (portal, &portals->all, all_link)
		if (portal_is_active(portal))
			return;
	event_active(portals->stopped, EV_TIMEOUT, 0);
}

static void
stopped_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct portals *portals = arg;
	void (*done)(void *arg) = portals->done;

	event_del(portals->limit);
	portals->done = NULL;
	if (done)
		done(portals->done_arg);
}

static void
limit_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct portals *portals = arg;
	struct portal *portal, *next;

	for (portal = TAILQ_FIRST(&portals->all); portal; portal = next) {
		next = TAILQ_NEXT(portal, all_link);
		if (portal->state == PORTAL_VISITING)
			visit_abort(portal);
		portal_forget_login(portal);
	}
	give_places(portals); /* they find that there is nothing to do any more */
	portals_settle(portals);
}

void
portals_stop(struct portals *portals, double limit, void (*done)(void *arg), void *arg)
{
	struct portal *portal;

	assert(!portals->is_stopping);
	portals->is_stopping = true;
	portals->done = done;
	portals->done_arg = arg;
	portals->stopped = evtimer_new(portals->base, stopped_cb, portals);
	portals->limit = evtimer_new(portals->base, limit_cb, portals);
	clock_arm(portals->limit, limit);
	TAILQ_FOREACH (portal, &portals->all, all_link)
		portal_kick(portal);
	give_places(portals);
	portals_settle(portals);
}

void
portals_free(struct portals *portals)
{
	struct portal *portal;

	if (!portals)
		return;
	while ((portal = TAILQ_FIRST(&portals->all)) != NULL) {
		assert(portal->is_orphan);
		if (portal->state == PORTAL_VISITING)
			visit_abort(portal);
		portal_forget_login(portal);
		portal_destroy(portal);
	}
	if (portals->stopped)
		event_free(portals->stopped);
	if (portals->limit)
		event_free(portals->limit);
	free(portals);
}
