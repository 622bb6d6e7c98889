/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session: the object and its interface; what it does is in the other session files. */
#include "bmc/session.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/session_private.h"
#include "image/image.h"

static const char *const state_names[] = {
	[SESSION_IDLE] = "idle",
	[SESSION_LOGIN] = "login",
	[SESSION_CONNECTING] = "connecting",
	[SESSION_SECURING] = "securing",
	[SESSION_AUTHENTICATING] = "authenticating",
	[SESSION_SERVING] = "serving",
	[SESSION_BACKOFF] = "backoff",
	[SESSION_EJECTED] = "ejected",
};

const char *
session_state_name(enum session_state state)
{
	return state_names[state];
}

void
session_log(const struct session *session, enum log_level level, const char *reason,
	const char *fmt, ...)
{
	struct log_about about = {
		.slot = session->slot,
		.target = session->conf.target,
		.device = device_name(session->conf.device),
		.image = session->drive ? image_path(drive_image(session->drive)) : NULL,
		.reason = reason,
	};
	char line[256];
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_about(level, &about, "%s", line);
}

static double
secure_random(void)
{
	uint32_t bits;

	evutil_secure_rng_get_bytes(&bits, sizeof(bits));
	return bits / (UINT32_MAX + 1.0);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	session_raise(arg, EVENT_DEADLINE);
}

struct session *
session_new(struct event_base *base, const struct session_conf *conf, session_cb *cb, void *arg)
{
	struct session *session = mem_new(1, sizeof(*session));

	assert(conf->dialect && conf->facts);
	session->base = base;
	session->cb = cb;
	session->arg = arg;
	session->conf = *conf;
	session->conf.target = mem_strdup(conf->target);
	session->conf.address = mem_strdup(conf->address);
	session->conf.tls.facts = conf->facts;
	slot_format(session->slot, conf->target, conf->device, conf->instance);
	session->backoff.min = conf->backoff_min;
	session->backoff.max = conf->backoff_max;
	session->since = clock_now();
	session->deadline = evtimer_new(base, deadline_cb, session);
	session->time_scale = 1;
	session->random = secure_random;
	return session;
}

void
session_free(struct session *session)
{
	if (!session)
		return;
	assert(!session->is_stepping);
	session_release(session, HOLDS_NOTHING);
	drive_free(session->drive);
	event_free(session->deadline);
	free((char *)session->conf.target);
	free((char *)session->conf.address);
	free(session);
}

void
session_start(struct session *session, struct image *image)
{
	assert(session->phase == PHASE_IDLE && !session->drive);
	session->drive = drive_new(session->base, session->conf.device, image);
	drive_watch(session->drive, session_saved_cb, session);
	session->sessions = 0;
	session->keep_alives = 0;
	backoff_reset(&session->backoff);
	reason_clear(&session->logged);
	session_raise(session, EVENT_START);
}

/* Idle, or on the way there. */
static bool
is_ending(const struct session *session)
{
	return session_next_phase(session->phase, EVENT_STOP) == session->phase;
}

/* The old medium may go, or cannot be flushed. */
static struct image *
swap_cb(void *arg, int error, const char *words)
{
	struct session *session = arg;
	session_swap_cb *cb = session->swap_cb;
	struct image *image;

	session->swap_cb = NULL;
	image = cb(session->swap_arg, error, words);
	if (image)
		session_raise(session, EVENT_SWAPPED);
	return image;
}

static void
refuse_swap(session_swap_cb *cb, void *arg)
{
	struct image *image = cb(arg, ECANCELED, "the session ends");

	assert(!image);
	(void)image;
}

void
session_swap(struct session *session, session_swap_cb *cb, void *arg)
{
	assert(!session->swap_cb);
	if (is_ending(session)) {
		refuse_swap(cb, arg);
		return;
	}
	session->swap_cb = cb;
	session->swap_arg = arg;
	drive_swap(session->drive, swap_cb, session);
}

struct image *
session_image(const struct session *session)
{
	return session->drive ? drive_image(session->drive) : NULL;
}

void
session_stop(struct session *session, const char *reason)
{
	session_swap_cb *cb = session->swap_cb;

	if (is_ending(session))
		return; /* the first reason stays */
	if (cb) {
		session->swap_cb = NULL;
		drive_keep(session->drive);
		refuse_swap(cb, session->swap_arg);
	}
	reason_set(&session->stop_reason, "%s", reason ? reason : "");
	session_raise(session, EVENT_STOP);
}

void
session_reconnect(struct session *session)
{
	session_raise(session, EVENT_RECONNECT);
}

/* That is spoken, or would be. */
static const struct dialect *
shown_dialect(const struct session *session)
{
	if (session->stream && !session->plan.is_guess)
		return session->plan.dialect;
	if (session->conf.dialect->is_auto && session->conf.facts->dialect)
		return session->conf.facts->dialect;
	return session->conf.dialect;
}

void
session_status(const struct session *session, struct session_status *out)
{
	*out = (struct session_status){
		.state = session->state,
		.since = session->since,
		.reason = session->last.reason,
		.failure = session->last.failure,
		.retry_at = session->retry_at,
		.sessions = session->sessions,
		.attempts = session->backoff.attempts,
		.keep_alives = session->keep_alives,
		.dialect = shown_dialect(session),
		.transport = session->stream ? (int)session->plan.transport : -1,
		.tls = session->stream ? stream_tls(session->stream) : NULL,
		.counters = session->drive ? drive_counters(session->drive) : NULL,
	};
}
