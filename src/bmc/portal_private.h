/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portal_private: what the files of the portal share. portals.c: all BMCs and their turns;
 * portal.c: tickets, and what a portal has to do; portal_visit.c: the requests, from login to
 * logout; portal_asp.c, portal_rest.c: the flows as tables of steps, pure; portal_answer.c: what
 * they share.
 */
#ifndef BMC_PORTAL_PRIVATE_H
#define BMC_PORTAL_PRIVATE_H

#include <sys/queue.h>

#include "base/log.h"
#include "bmc/portal.h"
#include "bmc/secret.h"
#include "bmc/webclient.h"

/* ---- a flow: the requests of one kind of web interface ---- */

enum {
	CSRF_SIZE = 256,
};

struct flow;

/* A web session as the steps of a flow see it, and what they have found out. No secrets but what
 * the BMC gave. */
struct weblogin {
	const struct portal_conf *conf;
	const struct flow *flow;
	bool is_open; /* there is a web session: it has to be logged out */
	char cookie[COOKIE_SIZE];
	char csrf[CSRF_SIZE];
	bool has_settings;     /* `settings` was asked for in this web session */
	struct grant settings; /* all but the token */
	struct grant grant;    /* settings and token */

	/* Why the last step failed, or why an optional one did. */
	enum failure failure;
	struct reason why;
};

enum step_result {
	STEP_DONE,
	STEP_FAILED,    /* failure and why say it */
	STEP_ELSEWHERE, /* not this kind of web interface; the same */
};

enum step_flag {
	STEP_LOGIN = 1 << 0,       /* with the credentials; makes the web session */
	STEP_OPTIONAL = 1 << 1,    /* its failure is passed over */
	STEP_SETTINGS = 1 << 2,    /* once in a web session */
	STEP_IF_NO_TOKEN = 1 << 3, /* not if there is a token already */
};

struct step {
	const char *what; /* for reasons */
	enum web_method method;
	const char *path;
	unsigned flags;
	/* Adds to the request (method, path, cookie and CSRF header are there). May be NULL. */
	void (*ask)(const struct weblogin *login, const char *secret, struct webrequest *request);
	/* Of a login step any status but 403, of the others 2xx only. */
	enum step_result (*read)(struct weblogin *login, const struct webanswer *answer);
};

enum {
	FLOW_STEPS = 5, /* with the end */
};

struct flow {
	const char *name;
	const char *dialect;
	const char *cookie_name;       /* NULL: what is kept goes into the query as "sid" */
	struct step steps[FLOW_STEPS]; /* the first is the login; ended by one with no path */
	struct step logout;
	const struct flow *elsewhere; /* what is tried next */
};

extern const struct flow flow_rest, flow_asp, flow_digest;

/* ---- portal_answer.c: for the steps ---- */

/* Nothing is said yet. */
void grant_clear(struct grant *grant);

/* Sets the failure and returns STEP_FAILED. */
enum step_result step_fail(struct weblogin *login, enum failure failure, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* A login that was answered, but not with a web session: credentials refused, all sessions in use,
 * a redirect, or no such page (STEP_ELSEWHERE). */
enum step_result step_login_refused(struct weblogin *login, const struct webanswer *answer);

/* A login that was answered with a page instead of data: some web servers answer any path so. */
enum step_result step_login_page(struct weblogin *login, const struct webanswer *answer);

/* A status that is none of 2xx (nor 403), of a step that is no login. */
enum step_result step_bad_status(
	struct weblogin *login, const struct step *step, const struct webanswer *answer);

/* Sets the grant's token and kind, if it can be sent. An empty one is STEP_DONE, too. */
enum step_result step_take_token(struct weblogin *login, const char *token, enum auth_kind kind);

/* Appends NAME=VALUE in form encoding; form is a heap string, or NULL. The old one is erased. */
char *form_add(char *form, const char *name, const char *value) MUST_CHECK;

/* ---- all portals ---- */

/* Seconds; what the web session's times are is for tests to change. */
struct portal_times {
	struct webclient_limits limits;
	double ban; /* no request after a 403 */
};

TAILQ_HEAD(portal_list, portal);

struct portals {
	struct event_base *base;
	unsigned parallel;
	unsigned active; /* portals that hold a place */
	struct portal_list all;
	struct portal_list queue; /* wait for a place */
	struct portal_times times;

	bool is_stopping;
	struct event *limit, *stopped; /* NULL until portals_stop() */
	void (*done)(void *arg);
	void *done_arg;
};

struct portal_times *portals_times(struct portals *portals);

/* A place: taken at once (has_place is set), or portal_kick()ed when it is there. */
void portals_enter(struct portals *portals, struct portal *portal, bool is_urgent);
/* Out of the queue, or the place is given on. */
void portals_leave(struct portals *portals, struct portal *portal);
/* A portal has come to rest. */
void portals_settle(struct portals *portals);
/* True if both are for one web server: the same address and port. */
bool portals_are_same(const struct portal *a, const struct portal *b);

/* ---- one portal ---- */

enum ticket_state {
	TICKET_WAITING,
	TICKET_GRANTED, /* the BMC's answer to the token is not known yet */
	TICKET_ACCEPTED,
	TICKET_OVER, /* failed or refused */
};

struct ticket {
	struct portal *portal;
	TAILQ_ENTRY(ticket) link;
	enum device device;
	enum ticket_state state;
	bool needs_web;
	bool is_stale; /* its token was refused to another one: nobody else gets it */
	portal_cb *cb;
	void *arg;
	struct event *deliver; /* calls cb */
	struct grant grant;
	enum failure failure;
	struct reason why;
};

enum portal_state {
	PORTAL_RESTING,
	PORTAL_QUEUED,   /* wants a place, or has just got one */
	PORTAL_VISITING, /* requests are made */
};

enum visit_phase {
	VISIT_STEPS,
	VISIT_LOGOUT,
};

struct portal {
	struct portals *portals;
	TAILQ_ENTRY(portal) all_link, queue_link;
	bool is_in_queue, has_place;
	bool is_orphan;          /* its user has freed it */
	struct portal_conf conf; /* owned copies; tls.facts is ours, below */
	struct facts *user_facts;
	struct facts facts; /* what a connection reads and writes: can outlive the user's */
	bool is_secret_warned;
	enum portal_state state;
	struct event *kick; /* runs portal_run() from the loop */
	TAILQ_HEAD(, ticket) tickets;

	double quiet_until; /* banned until then, on clock_monotonic() */
	struct event *quiet;

	const struct flow *found; /* the flow that worked, with PORTAL_FIND */
	struct weblogin login;

	/* PORTAL_VISITING */
	struct webclient *client;
	enum visit_phase phase;
	const struct step *step;
	enum device device; /* whose token is being fetched */
	bool is_fresh;      /* the web session was made in this visit */
	bool has_tried_logout;
};

/* A line of the log about it. No secrets. */
void portal_say(enum log_level level, const struct portal *portal, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* What is there to do? is looked at from the loop. */
void portal_kick(struct portal *portal);

/* The next one that waits, NULL if none does. */
struct ticket *portal_waiting(const struct portal *portal);

/* Gives the grant to all that wait for a token of that device. */
void portal_grant(struct portal *portal, enum device device, const struct grant *grant);

/* Gives the token of a ticket that is held to those that wait for one of the same device. */
void portal_share(struct portal *portal);

/* Tells all that wait that there is none. */
void portal_deny(struct portal *portal, enum failure failure, const struct reason *why);

/* 403: no requests for a while, by none that is for the same web server. */
void portal_ban(struct portal *portal);
bool portal_is_banned(const struct portal *portal);

/* There is a web session, and nobody needs it. */
bool portal_must_log_out(const struct portal *portal);

/* The web session is not there any more; is_open: a warning that it may be. */
void portal_forget_login(struct portal *portal);

/* With a place: requests until nobody waits and the web session is logged out or needed. */
void visit_start(struct portal *portal);

/* Ends the visit as it is, without a request more; a warning if a login is under way. */
void visit_abort(struct portal *portal);

/* The orphan ends, when no ban has to be remembered. */
void portal_destroy(struct portal *portal);

#endif
