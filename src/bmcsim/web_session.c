/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_session: who is logged in, and the tokens for media (iusb-protocol 5.1, 5.3 and 8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmcsim/web_parts.h"

enum {
	COOKIE_LEN = 32,
	CSRF_LEN = 8,
	ASP_TOKEN_LEN = 16,
	REST_TOKEN_LEN = 32,
	ASP_COMPARED = 15, /* characters of a token that the firmware looks at */
};

static void
drop_ticket(struct web *web, struct web_ticket *ticket)
{
	TAILQ_REMOVE(&web->tickets, ticket, entry);
	free(ticket);
}

/* A ticket without a life of its own goes with its session. */
static void
drop_session(struct web *web, struct web_session *session)
{
	struct web_ticket *ticket, *next;

	for (ticket = TAILQ_FIRST(&web->tickets); ticket; ticket = next) {
		next = TAILQ_NEXT(ticket, entry);
		if (ticket->session != session)
			continue;
		if (ticket->until > 0)
			ticket->session = NULL;
		else
			drop_ticket(web, ticket);
	}
	TAILQ_REMOVE(&web->sessions, session, entry);
	free(session);
	web->totals.sessions--;
}

static double
sooner(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

/* Ends what is over, and comes back when the next one is. */
static void
expire(struct web *web)
{
	double now = web_now(), next_time = 0;
	struct web_session *session, *next_session;
	struct web_ticket *ticket, *next_ticket;

	for (session = TAILQ_FIRST(&web->sessions); session; session = next_session) {
		double end = session->seen + web->conf.session_life;

		next_session = TAILQ_NEXT(session, entry);
		if (web->conf.session_life <= 0)
			continue;
		if (end > now) {
			next_time = sooner(next_time, end);
			continue;
		}
		drop_session(web, session);
		web_say(web, "web session ended after %g s without a request",
			web->conf.session_life);
	}
	for (ticket = TAILQ_FIRST(&web->tickets); ticket; ticket = next_ticket) {
		next_ticket = TAILQ_NEXT(ticket, entry);
		if (ticket->until == 0)
			continue;
		if (ticket->until > now)
			next_time = sooner(next_time, ticket->until);
		else
			drop_ticket(web, ticket);
	}
	if (next_time > 0) {
		double wait = next_time - now;
		struct timeval delay = { (time_t)wait,
			(suseconds_t)((wait - (double)(time_t)wait) * 1e6) + 1000 };

		event_add(web->expiry, &delay);
	} else {
		event_del(web->expiry);
	}
}

static void
expiry_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	expire(arg);
}

/* The same in the next turn of the loop: nobody loses what he works with. */
static void
expire_soon(struct web *web)
{
	static const struct timeval at_once = { 0, 0 };

	event_add(web->expiry, &at_once);
}

void
web_session_init(struct web *web)
{
	TAILQ_INIT(&web->sessions);
	TAILQ_INIT(&web->tickets);
	web->expiry = event_new(web->base, -1, 0, expiry_cb, web);
}

void
web_session_fini(struct web *web)
{
	web_session_close_all(web);
	event_free(web->expiry);
}

struct web_session *
web_session_open(struct web *web)
{
	struct web_session *session;

	expire(web);
	if (web->totals.sessions >= web->conf.sessions_max || web->totals.sessions >= SESSIONS_MAX)
		return NULL;
	session = mem_new(1, sizeof(*session));
	web_secret(web, session->cookie, COOKIE_LEN);
	web_secret(web, session->csrf, CSRF_LEN);
	session->seen = web_now();
	TAILQ_INSERT_TAIL(&web->sessions, session, entry);
	web->totals.sessions++;
	if (web->totals.sessions > web->totals.sessions_most)
		web->totals.sessions_most = web->totals.sessions;
	expire_soon(web);
	return session;
}

struct web_session *
web_session_find(struct web *web, const char *cookie)
{
	struct web_session *session;

	expire(web);
	TAILQ_FOREACH (session, &web->sessions, entry) {
		if (strcmp(session->cookie, cookie) == 0) {
			session->seen = web_now();
			return session;
		}
	}
	return NULL;
}

void
web_session_close(struct web *web, struct web_session *session)
{
	drop_session(web, session);
	expire_soon(web);
}

void
web_session_close_all(struct web *web)
{
	while (!TAILQ_EMPTY(&web->sessions))
		drop_session(web, TAILQ_FIRST(&web->sessions));
	while (!TAILQ_EMPTY(&web->tickets))
		drop_ticket(web, TAILQ_FIRST(&web->tickets));
	event_del(web->expiry);
}

static struct web_ticket *
make_ticket(struct web *web, struct web_session *session)
{
	struct web_ticket *ticket = mem_new(1, sizeof(*ticket)), *each;
	bool is_asp = web->conf.flow != WEB_FLOW_REST;
	unsigned count = 0;

	web_secret(web, ticket->token, is_asp ? ASP_TOKEN_LEN : REST_TOKEN_LEN);
	if (web->conf.quirks & WEB_TOKEN_ONCE)
		web_secret(web, ticket->cookie, COOKIE_LEN);
	else
		snprintf(ticket->cookie, sizeof(ticket->cookie), "%s", session->cookie);
	ticket->session = session;
	if (web->conf.token_life > 0)
		ticket->until = web_now() + web->conf.token_life;
	TAILQ_FOREACH (each, &web->tickets, entry)
		count++;
	if (count >= TICKETS_MAX)
		drop_ticket(web, TAILQ_LAST(&web->tickets, web_ticket_list));
	TAILQ_INSERT_HEAD(&web->tickets, ticket, entry);
	return ticket;
}

const struct web_ticket *
web_ticket_fetch(struct web *web, struct web_session *session)
{
	bool is_once = web->conf.quirks & WEB_TOKEN_ONCE;
	struct web_ticket *ticket;

	TAILQ_FOREACH (ticket, &web->tickets, entry)
		if (!is_once && ticket->session == session &&
			(ticket->until == 0 || ticket->until > web_now()))
			return ticket;
	expire_soon(web);
	return make_ticket(web, session);
}

bool
web_cookie_is_good(struct web *web, const char *cookie)
{
	struct web_ticket *ticket;

	if (web_session_find(web, cookie))
		return true;
	TAILQ_FOREACH (ticket, &web->tickets, entry)
		if (strcmp(ticket->cookie, cookie) == 0)
			return true;
	return false;
}

static struct web_ticket *
find_token(struct web *web, const char *token)
{
	bool is_asp = web->conf.flow != WEB_FLOW_REST;
	struct web_ticket *ticket;

	TAILQ_FOREACH (ticket, &web->tickets, entry)
		if (is_asp ? strncmp(ticket->token, token, ASP_COMPARED) == 0
			   : strcmp(ticket->token, token) == 0)
			return ticket;
	return NULL;
}

enum web_token
web_check_token(struct web *web, const char *token)
{
	expire(web);
	if (!find_token(web, token))
		return WEB_TOKEN_UNKNOWN;
	if (!web->conf.has_privilege)
		return WEB_TOKEN_NO_PRIVILEGE;
	return web->conf.has_licence ? WEB_TOKEN_GOOD : WEB_TOKEN_NO_LICENCE;
}

void
web_forget_token(struct web *web, const char *token)
{
	struct web_ticket *ticket;

	while ((ticket = find_token(web, token)) != NULL)
		drop_ticket(web, ticket);
	expire_soon(web);
}

bool
web_is_unlocked(const struct web *web)
{
	const struct web_session *session;

	if (!(web->conf.quirks & WEB_PORTS_LOCKED))
		return true;
	TAILQ_FOREACH (session, &web->sessions, entry)
		if (session->has_fetched)
			return true;
	return false;
}
