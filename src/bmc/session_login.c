/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_login: from the wish to a connection: is a token needed, and which dialect is it
 * (iusb-protocol 8 and 11.2), then the stream. */
#include <assert.h>

#include "bmc/session_private.h"

/* ---- what is known of the BMC ---- */

void
session_learn(struct session *session, const struct dialect *dialect)
{
	if (session->conf.dialect->is_auto)
		facts_set_dialect(session->conf.facts, dialect);
}

/* The dialect that was found before. If nobody listens where a `legacy` BMC would, and another one
 * could be found out by its web interface, it may be another one by now. */
static const struct dialect *
known_dialect(const struct session *session)
{
	const struct dialect *dialect = session->conf.facts->dialect;

	if (dialect && dialect->bmc_speaks_first && session->conf.portal &&
		session->last.failure == FAILURE_UNREACHABLE)
		return NULL;
	return dialect;
}

/* ---- the plan ---- */

static void
make_plan(struct session *session, const struct dialect *dialect)
{
	struct reason why;
	enum failure failure =
		plan_make(&session->conf, dialect, session->grant, &session->plan, &why);

	if (failure != FAILURE_NONE)
		session_fail(session, failure, "%s", why.text);
	else
		session_raise(session, EVENT_PLANNED);
}

void
session_plan(struct session *session)
{
	const struct dialect *dialect = plan_dialect(&session->conf, known_dialect(session), NULL);

	session->has_renewed = session->has_repeated = false;
	session->web = (struct session_trouble){ 0 };
	if (session->conf.portal && !(dialect && dialect->bmc_speaks_first))
		session_raise(session, EVENT_ASK);
	else
		make_plan(session, dialect);
}

/* Without its web interface a BMC whose dialect nobody knows may still be a `legacy` one. */
static bool
may_be_legacy(const struct session *session, enum failure failure)
{
	return (failure == FAILURE_UNREACHABLE || failure == FAILURE_CONFIGURATION) &&
	       !session->has_renewed &&
	       !plan_dialect(&session->conf, known_dialect(session), NULL) &&
	       session->conf.tls_mode != TLS_ON &&
	       (session->conf.transport == CHOOSE_TRANSPORT ||
		       session->conf.transport == CHOOSE_DIRECT);
}

static void
granted_cb(void *arg, const struct grant *grant, enum failure failure, const struct reason *why)
{
	struct session *session = arg;
	const struct dialect *known = known_dialect(session);

	if (failure == FAILURE_NONE) {
		session->grant = grant;
		make_plan(session, plan_dialect(&session->conf, known, grant));
	} else if (may_be_legacy(session, failure)) {
		session->web.failure = failure;
		session->web.reason = *why;
		make_plan(session, NULL);
	} else {
		/* Its web pages are not there: it is another one by now. */
		if (failure == FAILURE_CONFIGURATION)
			session_learn(session, NULL);
		session_fail(session, failure, "%s", why->text);
	}
}

void
session_ask(struct session *session)
{
	struct ticket *old = session->ticket;

	/* The new one first: the web session stays. */
	session->grant = NULL;
	session->ticket =
		portal_ask(session->conf.portal, session->conf.device, granted_cb, session);
	ticket_free(old);
}

/* ---- the connection ---- */

/* A guess that was wrong: another one at another port. */
static bool
is_guessing_again(struct session *session)
{
	uint16_t port = session->plan.port;

	return plan_guess_again(&session->conf, session->grant, &session->plan) &&
	       session->plan.port != port;
}

static void
lose(struct session *session, enum failure failure, const char *text)
{
	if (session->phase == PHASE_CONNECTING && failure == FAILURE_UNREACHABLE &&
		is_guessing_again(session))
		session_raise(session, EVENT_GUESS);
	else
		session_fail(session, failure, "%s", text);
}

static void
stream_event_cb(void *arg, enum stream_event event, const struct reason *why)
{
	struct session *session = arg;
	bool is_cut;

	switch (event) {
	case STREAM_REACHED:
		session_raise(session, EVENT_REACHED);
		return;
	case STREAM_CONNECTED:
		session_raise(session, session->plan.is_guess ? EVENT_LISTEN : EVENT_CONNECTED);
		return;
	case STREAM_INPUT:
		session_raise(session, EVENT_INPUT);
		return;
	case STREAM_DRAINED:
		session_raise(session, EVENT_DRAINED);
		return;
	case STREAM_CLOSED:
		is_cut = session->phase > PHASE_SECURING && session_is_input_cut(session);
		session_fail(session, FAILURE_LOST, "%s",
			is_cut ? "closed in the middle of a packet"
			       : "the BMC closed the connection");
		return;
	case STREAM_FAILED:
		lose(session, stream_failure(session->stream), why->text);
		return;
	}
}

void
session_connect(struct session *session)
{
	const struct session_conf *conf = &session->conf;
	const struct plan *plan = &session->plan;
	const struct grant *grant = session->grant;
	const struct stream_conf to = {
		.address = conf->address,
		.port = plan->port,
		.tls = plan->is_tls ? &conf->tls : NULL,
		.pin = plan->is_web ? PIN_WEB : PIN_MEDIA,
		.transport = plan->transport,
		.device = conf->device,
		.secure_port = grant ? grant->web_secure_port : 0,
		.cookie = grant && grant->cookie[0] ? grant->cookie : NULL,
		.path = plan->path,
	};

	stream_free(session->stream); /* of the attempt before, at another port or the same */
	session->stream = stream_connect(session->base, &to, stream_event_cb, session);
}

void
session_unheard(struct session *session)
{
	uint16_t port = session->plan.port;

	if (plan_guess_again(&session->conf, session->grant, &session->plan))
		session_raise(session, session->plan.port == port ? EVENT_CONNECTED : EVENT_GUESS);
	else if (session->web.failure != FAILURE_NONE)
		session_fail(session, session->web.failure,
			"the BMC waits for authentication, and a login failed: %s",
			session->web.reason.text);
	else
		session_fail(session, FAILURE_CONFIGURATION,
			"the BMC waits for authentication: its dialect is asp or rest, it needs a "
			"login");
}
