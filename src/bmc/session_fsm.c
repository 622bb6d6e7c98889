/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_fsm: the life of a session as a table, the one function that drives it, and the one that
 * changes its state. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "bmc/clock.h"
#include "bmc/session_private.h"
#include "image/image.h"

enum {
	STATE_KEPT = -1, /* the state that is shown stays what it was */
};

/* Seconds (iusb-protocol 6.2, 11.2, 11.11). */
#define LIMIT_CONNECTING     10
#define LIMIT_SECURING       15
#define LIMIT_LISTENING      1.5
#define LIMIT_AUTHENTICATING 10
#define LIMIT_SERVING        180
#define LIMIT_LAST_ANSWER    5
#define LIMIT_GOODBYE        2

/* What a phase is: its name, the state that is shown, what it holds, its deadline (0: none, or set
 * by the action that leads here), and what it means when that is over. The web interface has its
 * own limits, and waiting for one's turn at it has none. */
static const struct {
	const char *name;
	int state; /* enum session_state or STATE_KEPT */
	enum session_holding holding;
	double limit;
	enum failure failure;
	const char *overdue; /* "... 10 s" */
} phases[PHASE_COUNT] = {
	[PHASE_IDLE] = { "idle", SESSION_IDLE, HOLDS_NOTHING, 0, FAILURE_NONE, "" },
	[PHASE_PLANNING] = { "planning", STATE_KEPT, HOLDS_NOTHING, 0, FAILURE_NONE, "" },
	[PHASE_LOGIN] = { "login", SESSION_LOGIN, HOLDS_TICKET, 0, FAILURE_NONE, "" },
	[PHASE_CONNECTING] = { "connecting", SESSION_CONNECTING, HOLDS_STREAM, LIMIT_CONNECTING,
		FAILURE_UNREACHABLE, "no answer to the connection attempt within" },
	[PHASE_SECURING] = { "securing", SESSION_SECURING, HOLDS_STREAM, LIMIT_SECURING,
		FAILURE_SILENT, "was not set up within" },
	[PHASE_LISTENING] = { "listening", SESSION_AUTHENTICATING, HOLDS_STREAM, LIMIT_LISTENING,
		FAILURE_NONE, "" },
	[PHASE_AUTHENTICATING] = { "authenticating", SESSION_AUTHENTICATING, HOLDS_STREAM,
		LIMIT_AUTHENTICATING, FAILURE_SILENT, "the BMC did not speak within" },
	[PHASE_SERVING] = { "serving", SESSION_SERVING, HOLDS_STREAM, LIMIT_SERVING, FAILURE_LOST,
		"no sign of life for" },
	[PHASE_EJECTING] = { "ejecting", SESSION_SERVING, HOLDS_STREAM, LIMIT_LAST_ANSWER,
		FAILURE_NONE, "" },
	[PHASE_PARTING] = { "parting", SESSION_SERVING, HOLDS_STREAM, LIMIT_GOODBYE, FAILURE_NONE,
		"" },
	[PHASE_FINISHING] = { "finishing", SESSION_SERVING, HOLDS_STREAM, LIMIT_LAST_ANSWER,
		FAILURE_NONE, "" },
	[PHASE_LEAVING] = { "leaving", SESSION_SERVING, HOLDS_STREAM, LIMIT_GOODBYE, FAILURE_NONE,
		"" },
	[PHASE_FLUSHING] = { "flushing", STATE_KEPT, HOLDS_NOTHING, 0, FAILURE_NONE, "" },
	[PHASE_BACKOFF] = { "backoff", SESSION_BACKOFF, HOLDS_NOTHING, 0, FAILURE_NONE, "" },
	[PHASE_EJECTED] = { "ejected", SESSION_EJECTED, HOLDS_NOTHING, 0, FAILURE_NONE, "" },
};

const char *
session_phase_name(enum session_phase phase)
{
	return phases[phase].name;
}

/* ---- what the drive reports ---- */

static void
log_lost_writes(const struct session *session, int error, const char *words)
{
	if (error)
		session_log(session, LOG_LEVEL_ERROR, words,
			"cannot flush, what the host wrote may be lost");
}

static void
flushed_cb(void *arg, int error, const char *words)
{
	log_lost_writes(arg, error, words);
	session_raise(arg, EVENT_FLUSHED);
}

void
session_saved_cb(void *arg, int error, const char *words)
{
	log_lost_writes(arg, error, words);
}

/* ---- actions ---- */

/* "legacy, direct" or "rest, websocket, TLSv1.3" */
static void
say_how(const struct session *session, char *out, size_t size)
{
	const struct tls_seen *tls = stream_tls(session->stream);

	snprintf(out, size, "%s, %s%s%s", session->plan.dialect->name,
		transport_name(session->plan.transport), tls ? ", " : "", tls ? tls->version : "");
}

/* The web session is part of what goes through the web server. `asp` checks a token against its web
 * session, and all instances of a device have one token (iusb-protocol 5.3): the next one needs it.
 */
static bool
needs_web(const struct plan *plan)
{
	return plan->transport != TRANSPORT_DIRECT || plan->dialect->login == WEB_LOGIN_ASP;
}

static void
do_accept(struct session *session)
{
	struct image *image = drive_image(session->drive);
	char how[64];

	session->plan.is_guess = false;
	session_learn(session, session->plan.dialect);
	if (session->grant)
		ticket_accepted(session->ticket, needs_web(&session->plan));
	session->sessions++;
	session->last = (struct session_trouble){ 0 };
	drive_attention(session->drive);
	say_how(session, how, sizeof(how));
	session_log(session, LOG_LEVEL_INFO, NULL, "accepted by %s (%s), serving %.120s (%s)",
		stream_peer(session->stream), how, image_path(image),
		image_mode_name(image_mode(image)));
	session_raise(session, EVENT_INPUT); /* the first commands may be here already */
}

static void
do_serve(struct session *session)
{
	session_touch(session);
	session_serve(session);
}

/* Neither the device's port nor the web server is there: both are told, unless it is the same. */
static void
add_web_trouble(struct session *session)
{
	const struct session_trouble *web = &session->web;
	struct session_trouble *trouble = &session->trouble;
	struct reason why = trouble->reason;

	if (web->failure == FAILURE_NONE || trouble->failure != FAILURE_UNREACHABLE ||
		strstr(why.text, web->reason.text))
		return;
	reason_set(&trouble->reason, "%.110s; web interface: %.110s", why.text, web->reason.text);
}

static void
do_back_off(struct session *session)
{
	struct session_trouble *trouble = &session->trouble;
	enum log_level level = LOG_LEVEL_WARNING;

	add_web_trouble(session);
	session->last = *trouble;
	session->has_changed = true; /* the reason, if not the state */
	session->delay = session->time_scale *
			 backoff_next(&session->backoff, trouble->failure, session->random());
	session->retry_at = clock_now() + session->delay;
	/* The same again is no news. */
	if (strcmp(session->logged.text, trouble->reason.text) == 0)
		level = LOG_LEVEL_DEBUG;
	session->logged = trouble->reason;
	session_log(session, level, trouble->reason.text, "%s, next attempt in %.1f s",
		failure_policy(trouble->failure)->name, session->delay);
	drive_flush(session->drive, session_saved_cb, session);
}

/* The BMC has not answered AUTH, or not spoken first although its dialect says so. */
static void
explain_silence(struct session *session, struct reason *why)
{
	const struct session_conf *conf = &session->conf;

	if (session->plan.dialect->bmc_speaks_first) {
		if (conf->facts->dialect == session->plan.dialect)
			session_learn(session, NULL); /* not any more */
		return;
	}
	reason_set(why, "no answer to AUTH within %d s", LIMIT_AUTHENTICATING);
	/* So it is with an instance that is not there (iusb-protocol 5.3). */
	if (conf->instance > 0)
		reason_set(why, "no answer to AUTH within %d s; is there a %s%d?",
			LIMIT_AUTHENTICATING, device_name(conf->device), conf->instance);
}

static void
do_overdue(struct session *session)
{
	static const char *const layers[] = {
		[TRANSPORT_DIRECT] = "TLS ",
		[TRANSPORT_TUNNEL] = "the tunnel ",
		[TRANSPORT_WEBSOCKET] = "the WebSocket ",
	};
	struct session_trouble *trouble = &session->trouble;
	enum session_phase phase = session->phase;

	trouble->failure = phases[phase].failure;
	reason_set(&trouble->reason, "%s%s %g s",
		phase == PHASE_SECURING ? layers[session->plan.transport] : "",
		phases[phase].overdue, phases[phase].limit);
	if (phase == PHASE_AUTHENTICATING)
		explain_silence(session, &trouble->reason);
	do_back_off(session);
}

static void
do_eject(struct session *session)
{
	stream_want_input(session->stream, false);
	session_log(session, LOG_LEVEL_INFO, NULL, "ejected by the host");
}

/* The same, as `rest-gadget` says it: nothing is left to answer. */
static void
do_take_eject(struct session *session)
{
	session_log(session, LOG_LEVEL_INFO, NULL, "ejected by the host");
	drive_flush(session->drive, session_saved_cb, session);
}

/* The host has ejected the old medium and gets the new one. */
static void
do_resume(struct session *session)
{
	session_log(session, LOG_LEVEL_INFO, NULL, "goes on with another medium");
	session_raise(session, EVENT_INPUT); /* what has come meanwhile */
}

/* Ends what is in work; nothing new is read. */
static void
do_finish(struct session *session)
{
	stream_want_input(session->stream, false);
	if (!session_is_at_work(session))
		session_raise(session,
			session->plan.dialect->has_device_info ? EVENT_GOODBYE : EVENT_FINISHED);
}

static void
do_say_goodbye(struct session *session)
{
	session_say_goodbye(session);
}

/* Until that has gone out. */
static void
do_wait(struct session *session)
{
	if (!session_is_at_work(session))
		session_raise(session, EVENT_FINISHED);
}

static void
do_flush(struct session *session)
{
	drive_flush(session->drive, flushed_cb, session);
}

static void
do_end(struct session *session)
{
	session->last = (struct session_trouble){ 0 };
	session_log(session, LOG_LEVEL_INFO, session->stop_reason.text, "ended");
}

/* ---- the table ---- */

#define IN(phase) (1u << PHASE_##phase)

/* Rows in the order of life. What has no row is ignored. */
static const struct row {
	unsigned phases;
	enum session_event event;
	void (*action)(struct session *session);
	enum session_phase next;
} rows[] = {
	{ IN(IDLE), EVENT_START, session_plan, PHASE_PLANNING },
	{ IN(PLANNING), EVENT_ASK, session_ask, PHASE_LOGIN },
	{ IN(PLANNING) | IN(LOGIN), EVENT_PLANNED, session_connect, PHASE_CONNECTING },

	{ IN(CONNECTING), EVENT_REACHED, NULL, PHASE_SECURING },
	{ IN(CONNECTING), EVENT_LISTEN, NULL, PHASE_LISTENING },
	{ IN(LISTENING), EVENT_DEADLINE, session_unheard, PHASE_STAY },
	{ IN(CONNECTING) | IN(LISTENING), EVENT_GUESS, session_connect, PHASE_CONNECTING },
	{ IN(CONNECTING) | IN(SECURING) | IN(LISTENING), EVENT_CONNECTED, session_authenticate,
		PHASE_AUTHENTICATING },

	{ IN(LISTENING) | IN(AUTHENTICATING), EVENT_INPUT, session_greet, PHASE_STAY },
	{ IN(LISTENING) | IN(AUTHENTICATING), EVENT_ACCEPTED, do_accept, PHASE_SERVING },
	{ IN(AUTHENTICATING), EVENT_RENEW, session_ask, PHASE_LOGIN },
	{ IN(AUTHENTICATING), EVENT_REPEAT, session_connect, PHASE_CONNECTING },

	{ IN(SERVING), EVENT_INPUT, do_serve, PHASE_STAY },
	{ IN(SERVING), EVENT_DRAINED, do_serve, PHASE_STAY },

	/* The host ejects: its answer goes out, however the connection ends. */
	{ IN(SERVING), EVENT_EJECT, do_eject, PHASE_EJECTING },
	{ IN(SERVING), EVENT_GONE, do_take_eject, PHASE_EJECTED },
	{ IN(EJECTING), EVENT_DRAINED, do_finish, PHASE_STAY },
	{ IN(EJECTING), EVENT_GOODBYE, do_say_goodbye, PHASE_PARTING },
	{ IN(PARTING), EVENT_DRAINED, do_wait, PHASE_STAY },
	{ IN(EJECTING) | IN(PARTING), EVENT_FINISHED, NULL, PHASE_EJECTED },
	{ IN(EJECTING) | IN(PARTING), EVENT_FAILED, NULL, PHASE_EJECTED },
	{ IN(EJECTING) | IN(PARTING), EVENT_DEADLINE, NULL, PHASE_EJECTED },

	/* A new medium in its place. In other phases the drive has it, and nothing else changes. */
	{ IN(EJECTING), EVENT_SWAPPED, do_resume, PHASE_SERVING },
	{ IN(PARTING) | IN(EJECTED), EVENT_SWAPPED, session_plan, PHASE_PLANNING },

	/* An attempt fails, and there is another one. */
	{ IN(PLANNING) | IN(LOGIN) | IN(CONNECTING) | IN(SECURING) | IN(LISTENING) |
			IN(AUTHENTICATING) | IN(SERVING),
		EVENT_FAILED, do_back_off, PHASE_BACKOFF },
	{ IN(CONNECTING) | IN(SECURING) | IN(AUTHENTICATING) | IN(SERVING), EVENT_DEADLINE,
		do_overdue, PHASE_BACKOFF },
	{ IN(BACKOFF), EVENT_DEADLINE, session_plan, PHASE_PLANNING },
	{ IN(BACKOFF) | IN(EJECTED), EVENT_RECONNECT, session_plan, PHASE_PLANNING },

	/* Stop: the answer in work, the DISCONNECT, the flush, the end. */
	{ IN(SERVING) | IN(EJECTING), EVENT_STOP, do_finish, PHASE_FINISHING },
	{ IN(FINISHING), EVENT_DRAINED, do_finish, PHASE_STAY },
	{ IN(FINISHING), EVENT_GOODBYE, do_say_goodbye, PHASE_LEAVING },
	{ IN(PARTING), EVENT_STOP, NULL, PHASE_LEAVING },
	{ IN(LEAVING), EVENT_DRAINED, do_wait, PHASE_STAY },
	{ IN(FINISHING) | IN(LEAVING), EVENT_FINISHED, do_flush, PHASE_FLUSHING },
	{ IN(FINISHING) | IN(LEAVING), EVENT_FAILED, do_flush, PHASE_FLUSHING },
	{ IN(FINISHING) | IN(LEAVING), EVENT_DEADLINE, do_flush, PHASE_FLUSHING },
	{ IN(PLANNING) | IN(LOGIN) | IN(CONNECTING) | IN(SECURING) | IN(LISTENING) |
			IN(AUTHENTICATING) | IN(BACKOFF) | IN(EJECTED),
		EVENT_STOP, do_flush, PHASE_FLUSHING },
	{ IN(FLUSHING), EVENT_FLUSHED, do_end, PHASE_IDLE },
};

static const struct row *
find_row(enum session_phase phase, enum session_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((rows[i].phases & 1u << phase) && rows[i].event == event)
			return &rows[i];
	return NULL;
}

enum session_phase
session_next_phase(enum session_phase phase, enum session_event event)
{
	const struct row *row = find_row(phase, event);

	return row && row->next != PHASE_STAY ? row->next : phase;
}

/* ---- the driver ---- */

void
session_release(struct session *session, enum session_holding holding)
{
	if (holding < HOLDS_STREAM) {
		if (session->drive)
			drive_cancel(session->drive);
		stream_free(session->stream);
		session->stream = NULL;
	}
	if (holding < HOLDS_TICKET) {
		ticket_free(session->ticket);
		session->ticket = NULL;
		session->grant = NULL;
	}
}

static void
start_deadline(struct session *session)
{
	double limit = phases[session->phase].limit;

	if (session->phase == PHASE_BACKOFF)
		clock_arm(session->deadline, session->delay);
	else if (limit > 0)
		clock_arm(session->deadline, limit * session->time_scale);
	else
		event_del(session->deadline);
}

void
session_touch(struct session *session)
{
	start_deadline(session);
}

/* The only writer of phase and state. */
static void
enter_state(struct session *session, enum session_phase phase)
{
	session_release(session, phases[phase].holding);
	session->phase = phase;
	start_deadline(session);
	if (phase != PHASE_BACKOFF)
		session->retry_at = 0;
	if (phase == PHASE_IDLE) {
		drive_free(session->drive);
		session->drive = NULL;
	}
	if (phases[phase].state == STATE_KEPT || phases[phase].state == (int)session->state)
		return;
	session->state = (enum session_state)phases[phase].state;
	session->since = clock_now();
	session->has_changed = true;
}

static void
step(struct session *session, enum session_event event)
{
	const struct row *row = find_row(session->phase, event);

	if (!row)
		return;
	session->is_stepping = true;
	if (row->action)
		row->action(session);
	if (row->next != PHASE_STAY)
		enter_state(session, row->next);
	session->is_stepping = false;
}

void
session_raise(struct session *session, enum session_event event)
{
	assert(session->queued < SESSION_QUEUE);
	session->queue[session->queued++] = event;
	while (session->queued > 0 && !session->is_stepping) {
		event = session->queue[0];
		memmove(session->queue, session->queue + 1,
			--session->queued * sizeof(session->queue[0]));
		step(session, event);
		/* Told between two steps: the receiver may raise events itself. */
		if (session->has_changed) {
			session->has_changed = false;
			session->cb(session->arg, session);
		}
	}
}

void
session_fail(struct session *session, enum failure failure, const char *fmt, ...)
{
	struct session_trouble *trouble = &session->trouble;
	char text[sizeof(trouble->reason.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trouble->failure = failure;
	reason_set(&trouble->reason, "%s", text);
	session_raise(session, EVENT_FAILED);
}
