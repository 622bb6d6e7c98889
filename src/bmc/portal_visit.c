/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal_visit: one request after the other, from login to logout. */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmc/portal_private.h"
#include "bmc/secret.h"

static void next(struct portal *portal);
static void begin_steps(struct portal *portal);

/* ---- requests ---- */

static void
sign(const struct weblogin *login, struct webrequest *request)
{
	const struct flow *flow = login->flow;
	size_t len = strlen(request->path);

	if (!login->is_open)
		return;
	if (flow->cookie_name)
		snprintf(request->cookie, sizeof(request->cookie), "%s=%s", flow->cookie_name,
			login->cookie);
	else
		snprintf(
			request->path + len, sizeof(request->path) - len, "?sid=%s", login->cookie);
	if (login->csrf[0])
		snprintf(request->csrf, sizeof(request->csrf), "X-CSRFTOKEN: %s", login->csrf);
}

/* secret is only for the login. */
static void
send_step(struct portal *portal, const struct step *step, const char *secret)
{
	struct webrequest request = { .method = step->method };

	snprintf(request.path, sizeof(request.path), "%s", step->path);
	request.cookie_name = portal->login.flow->cookie_name;
	sign(&portal->login, &request);
	if (step->ask)
		step->ask(&portal->login, secret, &request);
	webclient_ask(portal->client, &request, &portal->portals->times.limits);
}

static void
log_out(struct portal *portal)
{
	portal->phase = VISIT_LOGOUT;
	portal->has_tried_logout = false;
	send_step(portal, &portal->login.flow->logout, NULL);
}

static void
leave(struct portal *portal)
{
	webclient_free(portal->client);
	portal->client = NULL;
	portal->state = PORTAL_RESTING;
	portals_leave(portal->portals, portal);
	portal_kick(portal);
}

/* ---- the end of the steps ---- */

static void
fail(struct portal *portal)
{
	portal_deny(portal, portal->login.failure, &portal->login.why);
	next(portal);
}

static bool
is_held(const struct portal *portal)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if (ticket->state == TICKET_GRANTED || ticket->state == TICKET_ACCEPTED)
			return true;
	return false;
}

/* The BMC knows nothing of the web session of an earlier visit. */
static bool
has_expired(const struct portal *portal, int status)
{
	return status == 401 && !portal->is_fresh && portal->login.is_open;
}

/* A web session of an earlier visit may be to blame for such a failure. */
static bool
may_be_stale(const struct portal *portal)
{
	enum failure failure = portal->login.failure;

	return !portal->is_fresh && portal->login.is_open &&
	       (failure == FAILURE_PROTOCOL || failure == FAILURE_REFUSED);
}

/* There is no token; status is that of the last answer. After one more login the web session is
 * fresh, and to blame for nothing. */
static void
renew_or_fail(struct portal *portal, int status)
{
	bool is_stale = may_be_stale(portal);

	/* What a logout would end may still carry the media of those who hold a ticket. */
	if (has_expired(portal, status) || (is_stale && is_held(portal))) {
		portal_say(LOG_LEVEL_DEBUG, portal, "the web session has ended (%s): login again",
			portal->login.why.text);
		portal->login.is_open = false;
		begin_steps(portal);
	} else if (is_stale) {
		log_out(portal); /* and in again: somebody waits */
	} else {
		fail(portal);
	}
}

static void
succeed(struct portal *portal)
{
	struct weblogin *login = &portal->login;
	struct grant *grant = &login->grant;

	grant->dialect = dialect_find(login->flow->dialect);
	if (!grant->cookie[0] && login->flow->cookie_name)
		memcpy(grant->cookie, login->cookie, sizeof(grant->cookie));
	if (portal->conf.is_plain && grant->web_port == 0)
		grant->web_port = portal->conf.port ? portal->conf.port : 80;
	if (!portal->conf.is_plain && grant->web_secure_port == 0)
		grant->web_secure_port = portal->conf.port ? portal->conf.port : 443;
	portal->found = login->flow;
	portal_grant(portal, portal->device, grant);
	secret_erase(grant, sizeof(*grant));
	next(portal);
}

static void
finish_steps(struct portal *portal)
{
	struct weblogin *login = &portal->login;

	if (login->grant.token[0]) {
		succeed(portal);
		return;
	}
	if (login->failure == FAILURE_NONE)
		step_fail(login, FAILURE_PROTOCOL, "the web interface gave no token");
	renew_or_fail(portal, 200);
}

/* ---- steps ---- */

static bool
is_wanted(const struct portal *portal, const struct step *step)
{
	if (step->flags & STEP_LOGIN)
		return !portal->login.is_open;
	if (step->flags & STEP_SETTINGS)
		return !portal->login.has_settings;
	if (step->flags & STEP_IF_NO_TOKEN)
		return !portal->login.grant.token[0];
	return true;
}

static int
read_credentials(struct portal *portal, char secret[SECRET_MAX + 1])
{
	const struct portal_conf *conf = &portal->conf;
	struct weblogin *login = &portal->login;

	if (!conf->user || !conf->user[0]) {
		step_fail(login, FAILURE_CONFIGURATION, "no user is configured for the login");
		return -1;
	}
	if (!conf->secret_file) {
		step_fail(login, FAILURE_CONFIGURATION, "no password_file is configured");
		return -1;
	}
	if (secret_read(conf->secret_file, secret, SECRET_MAX, &portal->is_secret_warned,
		    &login->why) < 0) {
		login->failure = FAILURE_LOGIN;
		return -1;
	}
	return 0;
}

static void
send_login(struct portal *portal)
{
	char secret[SECRET_MAX + 1];

	if (read_credentials(portal, secret) < 0) {
		fail(portal);
		return;
	}
	send_step(portal, portal->step, secret);
	secret_erase(secret, sizeof(secret));
}

static bool
is_device_waited_for(const struct portal *portal)
{
	struct ticket *ticket;

	TAILQ_FOREACH (ticket, &portal->tickets, link)
		if (ticket->state == TICKET_WAITING && ticket->device == portal->device)
			return true;
	return false;
}

/* From portal->step on: the first one that is wanted is sent. */
static void
go_on(struct portal *portal)
{
	if (portal->portals->is_stopping || !is_device_waited_for(portal)) {
		next(portal);
		return;
	}
	while (portal->step->path && !is_wanted(portal, portal->step))
		portal->step++;
	if (!portal->step->path)
		finish_steps(portal);
	else if (portal->step->flags & STEP_LOGIN)
		send_login(portal);
	else
		send_step(portal, portal->step, NULL);
}

static const struct flow *
first_flow(const struct portal *portal)
{
	if (portal->found)
		return portal->found;
	return portal->conf.method == PORTAL_ASP ? &flow_asp : &flow_rest;
}

static void
begin_flow(struct portal *portal, const struct flow *flow)
{
	struct weblogin *login = &portal->login;

	if (!login->is_open) {
		secret_erase(login, sizeof(*login));
		login->conf = &portal->conf;
		login->flow = flow;
		grant_clear(&login->settings);
	}
	login->grant = login->settings;
	login->failure = FAILURE_NONE;
	reason_clear(&login->why);
	portal->phase = VISIT_STEPS;
	portal->step = login->flow->steps;
	go_on(portal);
}

/* A token for the next one that waits. */
static void
begin_steps(struct portal *portal)
{
	portal->device = portal_waiting(portal)->device;
	begin_flow(portal, first_flow(portal));
}

static void
next(struct portal *portal)
{
	portal_share(portal);
	if (!portal->portals->is_stopping && !portal_is_banned(portal) && portal_waiting(portal))
		begin_steps(portal);
	else if (portal_must_log_out(portal) && !portal_is_banned(portal))
		log_out(portal);
	else
		leave(portal);
}

/* ---- answers ---- */

static enum step_result
judge(struct portal *portal, const struct webanswer *answer, enum failure failure,
	const struct reason *why)
{
	struct weblogin *login = &portal->login;
	bool is_login = portal->step->flags & STEP_LOGIN;
	bool is_good = answer->status / 100 == 2;

	if (failure != FAILURE_NONE) {
		/* What was cut off may still have made a web session. */
		if (is_login && is_good)
			(void)portal->step->read(login, answer);
		login->failure = failure;
		login->why = *why;
		return STEP_FAILED;
	}
	if (answer->status == 403) {
		portal_ban(portal);
		return step_fail(login, FAILURE_BANNED, "banned by the BMC's web server (403)");
	}
	if (!is_login && !is_good)
		return step_bad_status(login, portal->step, answer);
	return portal->step->read(login, answer);
}

static bool
may_pass_over(const struct portal *portal)
{
	switch (portal->login.failure) {
	case FAILURE_BANNED:
	case FAILURE_UNREACHABLE:
	case FAILURE_TLS:
	case FAILURE_CERTIFICATE:
		return false;
	default:
		/* There may be a fallback for a token; settings that fail tell enough. */
		if ((portal->step->flags & STEP_SETTINGS) && may_be_stale(portal))
			return false;
		return portal->step->flags & STEP_OPTIONAL;
	}
}

static void
step_elsewhere(struct portal *portal)
{
	const struct flow *flow = portal->login.flow->elsewhere;

	portal->found = NULL;
	if (portal->conf.method == PORTAL_REST)
		flow = NULL;
	if (flow)
		begin_flow(portal, flow);
	else
		fail(portal);
}

/* Is one more logout worth a try? */
static bool
may_log_out_again(const struct webanswer *answer, enum failure failure)
{
	switch (failure) {
	case FAILURE_NONE:
		return answer->status / 100 == 5;
	case FAILURE_TLS:
	case FAILURE_CERTIFICATE:
		return false;
	default:
		return true;
	}
}

/* The web session is not there any more. 401: it was not before. 404: a page that was a guess. */
static bool
is_logged_out(int status)
{
	return status / 100 == 2 || status / 100 == 3 || status == 401 || status == 404;
}

static void
logged_out(struct portal *portal, const struct webanswer *answer, enum failure failure,
	const struct reason *why)
{
	if (may_log_out_again(answer, failure) && !portal->has_tried_logout) {
		portal->has_tried_logout = true;
		portal_say(LOG_LEVEL_DEBUG, portal, "the logout failed, once more: %d%s%s",
			answer->status, failure == FAILURE_NONE ? "" : ": ",
			failure == FAILURE_NONE ? "" : why->text);
		send_step(portal, &portal->login.flow->logout, NULL);
		return;
	}
	if (failure != FAILURE_NONE)
		portal_say(LOG_LEVEL_WARNING, portal,
			"the logout from the web interface failed: %s", why->text);
	else if (!is_logged_out(answer->status))
		portal_say(LOG_LEVEL_WARNING, portal,
			"the logout from the web interface failed: it answers %d", answer->status);
	else
		portal_say(LOG_LEVEL_DEBUG, portal, "logged out of the web interface: %d",
			answer->status);
	if (answer->status == 403)
		portal_ban(portal);
	portal->login.is_open = false;
	portal_forget_login(portal);
	next(portal); /* if somebody waits, the web session was an old one that was no good */
}

/* Whether they were told or not, they are not asked for again. */
static void
keep_settings(struct weblogin *login)
{
	login->failure = FAILURE_NONE;
	login->has_settings = true;
	login->grant = login->settings;
}

static void
answer_cb(void *arg, const struct webanswer *answer, enum failure failure, const struct reason *why)
{
	struct portal *portal = arg;
	bool was_open = portal->login.is_open;
	enum failure before = portal->login.failure;
	struct reason why_before = portal->login.why;
	enum step_result result;

	if (portal->phase != VISIT_STEPS) {
		logged_out(portal, answer, failure, why);
		return;
	}
	result = judge(portal, answer, failure, why);
	portal_say(LOG_LEVEL_DEBUG, portal, "web interface (%s): %s: %d%s%s",
		portal->login.flow->name, portal->step->what, answer->status,
		result == STEP_DONE ? "" : ": ", result == STEP_DONE ? "" : portal->login.why.text);
	if (portal->login.is_open && !was_open)
		portal->is_fresh = true;
	if (result == STEP_FAILED && may_pass_over(portal) && !has_expired(portal, answer->status))
		result = STEP_DONE;
	/* A second way to the token that is not there either: the first one's reason counts. */
	if ((portal->step->flags & STEP_IF_NO_TOKEN) && result == STEP_DONE &&
		before != FAILURE_NONE) {
		portal->login.failure = before;
		portal->login.why = why_before;
	}
	if ((portal->step->flags & STEP_SETTINGS) && result == STEP_DONE)
		keep_settings(&portal->login);
	switch (result) {
	case STEP_DONE:
		portal->step++;
		go_on(portal);
		break;
	case STEP_FAILED:
		renew_or_fail(portal, answer->status);
		break;
	case STEP_ELSEWHERE:
		step_elsewhere(portal);
		break;
	}
}

/* ---- interface ---- */

void
visit_start(struct portal *portal)
{
	const struct webclient_conf conf = {
		.address = portal->conf.address,
		.port = portal->conf.port,
		.tls = portal->conf.is_plain ? NULL : &portal->conf.tls,
	};

	if (portal->user_facts)
		memcpy(portal->facts.pin, portal->user_facts->pin, sizeof(portal->facts.pin));
	portal->is_fresh = false;
	portal->client = webclient_new(portal->portals->base, &conf, answer_cb, portal);
	next(portal);
}

void
visit_abort(struct portal *portal)
{
	if (portal->phase == VISIT_STEPS && (portal->step->flags & STEP_LOGIN))
		portal_say(LOG_LEVEL_WARNING, portal,
			"a login to the web interface was under way: user %s may still be logged "
			"in",
			portal->conf.user);
	leave(portal);
}
