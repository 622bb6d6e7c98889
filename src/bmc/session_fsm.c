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

enum { /* seconds (iusb-protocol 6.2, 11.2, 11.11) */
	LIMIT_CONNECTING = 10,
	LIMIT_AUTHENTICATING = 10,
	LIMIT_SERVING = 180,
	LIMIT_LAST_ANSWER = 5,
};

/* What a phase is: its name, the state that is shown, whether it has a connection, its deadline (0:
 * none, or set by the action that leads here), and what it means when that is over. */
static const struct {
	const char *name;
	int state; /* enum session_state or STATE_KEPT */
	bool is_connected;
	int limit;
	enum failure failure;
	const char *overdue; /* "... 10 s" */
} phases[PHASE_COUNT] = {
	[PHASE_IDLE] = { "idle", SESSION_IDLE, false, 0, FAILURE_NONE, "" },
	[PHASE_LOGIN] = { "login", SESSION_LOGIN, false, 0, FAILURE_NONE, "" },
	[PHASE_CONNECTING] = { "connecting", SESSION_CONNECTING, true, LIMIT_CONNECTING,
		FAILURE_UNREACHABLE, "no answer to the connection attempt within" },
	[PHASE_SECURING] = { "securing", SESSION_SECURING, true, 0, FAILURE_NONE, "" },
	[PHASE_AUTHENTICATING] = { "authenticating", SESSION_AUTHENTICATING, true,
		LIMIT_AUTHENTICATING, FAILURE_SILENT, "the BMC did not speak within" },
	[PHASE_SERVING] = { "serving", SESSION_SERVING, true, LIMIT_SERVING, FAILURE_LOST,
		"no sign of life for" },
	[PHASE_EJECTING] = { "ejecting", SESSION_SERVING, true, LIMIT_LAST_ANSWER, FAILURE_NONE,
		"" },
	[PHASE_FINISHING] = { "finishing", SESSION_SERVING, true, LIMIT_LAST_ANSWER, FAILURE_NONE,
		"" },
	[PHASE_FLUSHING] = { "flushing", STATE_KEPT, false, 0, FAILURE_NONE, "" },
	[PHASE_BACKOFF] = { "backoff", SESSION_BACKOFF, false, 0, FAILURE_NONE, "" },
	[PHASE_EJECTED] = { "ejected", SESSION_EJECTED, false, 0, FAILURE_NONE, "" },
};

const char *
session_phase_name(enum session_phase phase)
{
	return phases[phase].name;
}

/* ---- what the stream and the drive report ---- */

static void
stream_event_cb(void *arg, enum stream_event event, const struct reason *why)
{
	struct session *session = arg;
	enum failure failure =
		session->phase == PHASE_CONNECTING ? FAILURE_UNREACHABLE : FAILURE_LOST;

	switch (event) {
	case STREAM_CONNECTED:
		session_raise(session, EVENT_CONNECTED);
		return;
	case STREAM_INPUT:
		session_raise(session, EVENT_INPUT);
		return;
	case STREAM_DRAINED:
		session_raise(session, EVENT_DRAINED);
		return;
	case STREAM_CLOSED:
		session_fail(session, failure, "%s",
			session_is_input_cut(session) ? "closed in the middle of a packet"
						      : "the BMC closed the connection");
		return;
	case STREAM_FAILED:
		session_fail(session, failure, "%s", why->text);
		return;
	}
}

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

static void
do_connect(struct session *session)
{
	session->stream = stream_connect(
		session->base, session->address, session->port, stream_event_cb, session);
}

static void
do_greet(struct session *session)
{
	session_greet(session);
}

static void
do_accept(struct session *session)
{
	struct image *image = drive_image(session->drive);

	session->sessions++;
	session->last = (struct session_trouble){ 0 };
	drive_attention(session->drive);
	session_log(session, LOG_LEVEL_INFO, NULL, "accepted by %s, serving %.150s (%s)",
		stream_peer(session->stream), image_path(image),
		image_mode_name(image_mode(image)));
	session_raise(session, EVENT_INPUT); /* the first commands may be here already */
}

static void
do_serve(struct session *session)
{
	session_touch(session);
	session_serve(session);
}

static void
do_back_off(struct session *session)
{
	const struct session_trouble *trouble = &session->trouble;
	enum log_level level = LOG_LEVEL_WARNING;

	session->last = *trouble;
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

static void
do_overdue(struct session *session)
{
	struct session_trouble *trouble = &session->trouble;
	enum session_phase phase = session->phase;
	bool is_guess =
		phase == PHASE_AUTHENTICATING && strcmp(session->dialect->name, "auto") == 0;

	trouble->failure = phases[phase].failure;
	reason_set(&trouble->reason, "%s %d s%s", phases[phase].overdue, phases[phase].limit,
		is_guess ? ", so its dialect is not legacy; other dialects are not supported yet"
			 : "");
	do_back_off(session);
}

static void
do_eject(struct session *session)
{
	stream_want_input(session->stream, false);
	session_log(session, LOG_LEVEL_INFO, NULL, "ejected by the host");
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
	{ IN(IDLE), EVENT_START, do_connect, PHASE_CONNECTING },

	{ IN(CONNECTING), EVENT_CONNECTED, NULL, PHASE_AUTHENTICATING },

	{ IN(AUTHENTICATING), EVENT_INPUT, do_greet, PHASE_STAY },
	{ IN(AUTHENTICATING), EVENT_ACCEPTED, do_accept, PHASE_SERVING },

	{ IN(SERVING), EVENT_INPUT, do_serve, PHASE_STAY },
	{ IN(SERVING), EVENT_DRAINED, do_serve, PHASE_STAY },

	/* The host ejects: its answer goes out, however the connection ends. */
	{ IN(SERVING), EVENT_EJECT, do_eject, PHASE_EJECTING },
	{ IN(EJECTING), EVENT_DRAINED, NULL, PHASE_EJECTED },
	{ IN(EJECTING), EVENT_FAILED, NULL, PHASE_EJECTED },
	{ IN(EJECTING), EVENT_DEADLINE, NULL, PHASE_EJECTED },

	/* A new medium in its place. In other phases the drive has it, and nothing else changes. */
	{ IN(EJECTING), EVENT_SWAPPED, do_resume, PHASE_SERVING },
	{ IN(EJECTED), EVENT_SWAPPED, do_connect, PHASE_CONNECTING },

	/* A connection fails, and is tried again. */
	{ IN(CONNECTING) | IN(AUTHENTICATING) | IN(SERVING), EVENT_FAILED, do_back_off,
		PHASE_BACKOFF },
	{ IN(CONNECTING) | IN(AUTHENTICATING) | IN(SERVING), EVENT_DEADLINE, do_overdue,
		PHASE_BACKOFF },
	{ IN(BACKOFF), EVENT_DEADLINE, do_connect, PHASE_CONNECTING },
	{ IN(BACKOFF) | IN(EJECTED), EVENT_RECONNECT, do_connect, PHASE_CONNECTING },

	/* Stop: the answer in work, the flush, the end. */
	{ IN(SERVING) | IN(EJECTING), EVENT_STOP, do_finish, PHASE_FINISHING },
	{ IN(FINISHING), EVENT_DRAINED, do_finish, PHASE_STAY },
	{ IN(FINISHING), EVENT_FINISHED, do_flush, PHASE_FLUSHING },
	{ IN(FINISHING), EVENT_FAILED, do_flush, PHASE_FLUSHING },
	{ IN(FINISHING), EVENT_DEADLINE, do_flush, PHASE_FLUSHING },
	{ IN(CONNECTING) | IN(AUTHENTICATING) | IN(BACKOFF) | IN(EJECTED), EVENT_STOP, do_flush,
		PHASE_FLUSHING },
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
session_teardown(struct session *session)
{
	if (session->drive)
		drive_cancel(session->drive);
	stream_free(session->stream);
	session->stream = NULL;
}

static void
start_deadline(struct session *session)
{
	int limit = phases[session->phase].limit;

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
	if (!phases[phase].is_connected)
		session_teardown(session);
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
