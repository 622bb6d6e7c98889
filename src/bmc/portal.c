/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal: tickets, whose token they get, and what a portal has to do next. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/portal_private.h"
#include "bmc/secret.h"

void
portal_say(enum log_level level, const struct portal *portal, const char *fmt, ...)
{
	const struct log_about about = {
		.slot = portal->conf.target,
		.target = portal->conf.target,
	};
	char text[sizeof(struct reason) + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_about(level, &about, "%s", text);
}

/* ---- tickets ---- */

struct ticket *
portal_waiting(const struct portal *portal)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if (ticket->state == TICKET_WAITING)
			return ticket;
	return NULL;
}

/* True if somebody may still need the web session. */
static bool
needs_web(const struct portal *portal)
{
	struct ticket *ticket;

	if (portal->portals->is_stopping)
		return false;
	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if (ticket->state == TICKET_WAITING || ticket->state == TICKET_GRANTED ||
			(ticket->state == TICKET_ACCEPTED && ticket->needs_web))
			return true;
	return false;
}

static void
grant_ticket(struct ticket *ticket, const struct grant *grant)
{
	ticket->state = TICKET_GRANTED;
	ticket->grant = *grant;
	ticket->failure = FAILURE_NONE;
	reason_clear(&ticket->why);
	event_active(ticket->deliver, EV_TIMEOUT, 0);
}

void
portal_grant(struct portal *portal, enum device device, const struct grant *grant)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if (ticket->state == TICKET_WAITING && ticket->device == device)
			grant_ticket(ticket, grant);
}

void
portal_deny(struct portal *portal, enum failure failure, const struct reason *why)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link) {
		if (ticket->state != TICKET_WAITING)
			continue;
		ticket->state = TICKET_OVER;
		ticket->failure = failure;
		ticket->why = *why;
		event_active(ticket->deliver, EV_TIMEOUT, 0);
	}
}

/* While a session of the class is up, or is about to be, another one must bring the same token
 * (iusb-protocol 5.3). */
void
portal_share(struct portal *portal)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if ((ticket->state == TICKET_GRANTED || ticket->state == TICKET_ACCEPTED) &&
			!ticket->is_stale)
			portal_grant(portal, ticket->device, &ticket->grant);
}

static void
deliver_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct ticket *ticket = arg;
	struct reason why = ticket->why;
	enum failure failure = ticket->failure;

	ticket->cb(ticket->arg, failure == FAILURE_NONE ? &ticket->grant : NULL, failure, &why);
}

struct ticket *
portal_ask(struct portal *portal, enum device device, portal_cb *cb, void *arg)
{
	struct ticket *ticket = mem_new(1, sizeof(*ticket));

	ticket->portal = portal;
	ticket->device = device;
	ticket->cb = cb;
	ticket->arg = arg;
	ticket->deliver = evtimer_new(portal->portals->base, deliver_cb, ticket);
	TAILQ_INSERT_TAIL(&portal->tickets, ticket, link);
	portal_kick(portal);
	return ticket;
}

void
ticket_accepted(struct ticket *ticket, bool needs_web)
{
	if (ticket->state != TICKET_GRANTED)
		return;
	ticket->state = TICKET_ACCEPTED;
	ticket->needs_web = needs_web;
	portal_kick(ticket->portal);
}

void
ticket_refused(struct ticket *ticket)
{
	struct ticket *other;

	if (ticket->state != TICKET_GRANTED && ticket->state != TICKET_ACCEPTED)
		return;
	TAILQ_FOREACH (other, &ticket->portal->tickets, link)
		if (other->device == ticket->device &&
			strcmp(other->grant.token, ticket->grant.token) == 0)
			other->is_stale = true;
	ticket->state = TICKET_OVER;
	portal_kick(ticket->portal);
}

void
ticket_free(struct ticket *ticket)
{
	if (!ticket)
		return;
	TAILQ_REMOVE(&ticket->portal->tickets, ticket, link);
	portal_kick(ticket->portal);
	event_free(ticket->deliver);
	secret_erase(&ticket->grant, sizeof(ticket->grant));
	free(ticket);
}

/* ---- bans ---- */

bool
portal_is_banned(const struct portal *portal)
{
	return portal->quiet_until > clock_monotonic();
}

static void
ban_until(struct portal *portal, double until)
{
	portal->quiet_until = until;
	clock_arm(portal->quiet, until - clock_monotonic());
	portal_kick(portal);
}

/* It is us whom the BMC bans, not one of its users. */
void
portal_ban(struct portal *portal)
{
	double until = clock_monotonic() + portal->portals->times.ban;
	struct portal *other;

	TAILQ_FOREACH (other, &portal->portals->all, all_link)
		if (portals_are_same(portal, other))
			ban_until(other, until);
}

static void
inherit_ban(struct portal *portal)
{
	struct portal *other;

	TAILQ_FOREACH (other, &portal->portals->all, all_link)
		if (other != portal && portals_are_same(portal, other) && portal_is_banned(other))
			ban_until(portal, other->quiet_until);
}

static void
quiet_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct portal *portal = arg;

	portal->quiet_until = 0;
	portal_kick(portal);
}

/* ---- what there is to do ---- */

void
portal_kick(struct portal *portal)
{
	event_active(portal->kick, EV_TIMEOUT, 0);
}

void
portal_forget_login(struct portal *portal)
{
	if (portal->login.is_open)
		portal_say(LOG_LEVEL_WARNING, portal, "the web session could not be logged out");
	secret_erase(&portal->login, sizeof(portal->login));
}

/* Without the web: a ready-made token, or none. */
static void
grant_offline(struct portal *portal)
{
	struct weblogin *login = &portal->login;
	char secret[AUTH_TOKEN_SIZE] = "";
	struct ticket *ticket;

	grant_clear(&login->grant);
	login->failure = FAILURE_NONE;
	if (portal->conf.method == PORTAL_TOKEN) {
		if (!portal->conf.secret_file) {
			step_fail(login, FAILURE_CONFIGURATION, "no token_file is configured");
		} else if (secret_read(portal->conf.secret_file, secret, sizeof(secret) - 1,
				   &portal->is_secret_warned, &login->why) < 0) {
			login->failure = FAILURE_LOGIN;
		} else {
			(void)step_take_token(login, secret, AUTH_WEB_TOKEN);
		}
		secret_erase(secret, sizeof(secret));
	}
	while ((ticket = portal_waiting(portal)) != NULL) {
		if (login->failure != FAILURE_NONE)
			portal_deny(portal, login->failure, &login->why);
		else
			portal_grant(portal, ticket->device, &login->grant);
	}
	secret_erase(&login->grant, sizeof(login->grant));
}

/* Answers those that need no request. */
static void
answer_waiting(struct portal *portal)
{
	struct reason why;

	if (!portal_waiting(portal))
		return;
	if (portal->portals->is_stopping) {
		reason_set(&why, "shutting down");
		portal_deny(portal, FAILURE_LOST, &why);
		return;
	}
	if (portal->conf.method == PORTAL_NONE || portal->conf.method == PORTAL_TOKEN) {
		grant_offline(portal);
		return;
	}
	portal_share(portal);
	if (portal_is_banned(portal)) {
		reason_set(&why, "banned by the BMC's web server (403), for %.0f s more",
			portal->quiet_until - clock_monotonic());
		portal_deny(portal, FAILURE_BANNED, &why);
	}
}

bool
portal_must_log_out(const struct portal *portal)
{
	return portal->login.is_open && !needs_web(portal);
}

/* Nothing is asked of a web server that bans us, not even to log out. */
static bool
has_work(struct portal *portal)
{
	if (portal_waiting(portal))
		return true;
	if (!portal_must_log_out(portal))
		return false;
	if (!portal_is_banned(portal))
		return true;
	if (portal->portals->is_stopping)
		portal_forget_login(portal);
	return false;
}

static void
kick_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct portal *portal = arg;
	struct portals *portals = portal->portals;

	if (portal->state == PORTAL_VISITING)
		return;
	answer_waiting(portal);
	if (has_work(portal)) {
		if (portal->state == PORTAL_RESTING) {
			portal->state = PORTAL_QUEUED;
			portals_enter(portals, portal, portal_must_log_out(portal));
		}
		if (portal->has_place) {
			portal->state = PORTAL_VISITING;
			visit_start(portal);
		}
		return;
	}
	portal->state = PORTAL_RESTING;
	portals_leave(portals, portal);
	if (portal->is_orphan && portal_is_idle(portal))
		portal_destroy(portal);
	portals_settle(portals);
}

/* ---- life ---- */

static void
pinned_cb(void *arg, const struct facts *facts)
{
	struct portal *portal = arg;

	if (portal->user_facts)
		facts_set_pin(portal->user_facts, PIN_WEB, facts->pin[PIN_WEB]);
}

struct portal *
portal_new(struct portals *portals, const struct portal_conf *conf)
{
	struct portal *portal = mem_new(1, sizeof(*portal));

	portal->portals = portals;
	portal->conf = *conf;
	portal->conf.target = mem_strdup(conf->target);
	portal->conf.address = mem_strdup(conf->address);
	portal->conf.user = mem_strdup(conf->user);
	portal->conf.secret_file = mem_strdup(conf->secret_file);
	portal->user_facts = conf->tls.facts;
	portal->facts = (struct facts){ .changed = pinned_cb, .arg = portal };
	portal->conf.tls.facts = &portal->facts;
	portal->kick = evtimer_new(portals->base, kick_cb, portal);
	portal->quiet = evtimer_new(portals->base, quiet_cb, portal);
	TAILQ_INIT(&portal->tickets);
	TAILQ_INSERT_TAIL(&portals->all, portal, all_link);
	inherit_ban(portal);
	return portal;
}

void
portal_free(struct portal *portal)
{
	if (!portal)
		return;
	assert(TAILQ_EMPTY(&portal->tickets));
	portal->user_facts = NULL;
	portal->is_orphan = true;
	portal_kick(portal);
}

void
portal_destroy(struct portal *portal)
{
	portals_leave(portal->portals, portal);
	TAILQ_REMOVE(&portal->portals->all, portal, all_link);
	event_free(portal->kick);
	event_free(portal->quiet);
	free((char *)portal->conf.target);
	free((char *)portal->conf.address);
	free((char *)portal->conf.user);
	free((char *)portal->conf.secret_file);
	secret_erase(portal, sizeof(*portal));
	free(portal);
}

bool
portal_is_active(const struct portal *portal)
{
	return portal->state == PORTAL_VISITING || portal->login.is_open;
}

bool
portal_is_idle(const struct portal *portal)
{
	return !portal_is_active(portal) && !portal_is_banned(portal);
}
