/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session: one slot of one BMC, kept served: connect, greeting, serve, keep-alive, reconnect with
 * back-off (iusb-protocol 1, 4, 6 and 11). A table {states, event, action, next} and one driver
 * function; one writer of the state, one teardown, every state has its deadline, every failure its
 * reason. What the host writes is flushed a while later, too (drive_watch()); a flush that fails is
 * logged as an error.
 */
#ifndef BMC_SESSION_H
#define BMC_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmc/drive.h"
#include "bmc/failure.h"
#include "iusb/dialect.h"

struct event_base;
struct image;
struct session;

enum session_state { /* in the order they are lived; the same words everywhere */
	SESSION_IDLE,
	SESSION_LOGIN,
	SESSION_CONNECTING,
	SESSION_SECURING,
	SESSION_AUTHENTICATING,
	SESSION_SERVING,
	SESSION_BACKOFF,
	SESSION_EJECTED,
};

/* "idle", "login", ... */
const char *session_state_name(enum session_state state);

/* Where the slot is and how patient we are. Copied by session_new(). */
struct session_conf {
	const char *target; /* the target's name, for the log */
	const char *address;
	uint16_t port;
	enum device device;
	int instance;
	const struct dialect *dialect;
	double backoff_min, backoff_max; /* seconds */
};

/* What a session is doing, as a snapshot. */
struct session_status {
	enum session_state state;
	double since;         /* seconds since the epoch: entry into this state */
	struct reason reason; /* of the last failure, while it matters: "" when serving */
	enum failure failure;
	double retry_at;      /* seconds since the epoch, in BACKOFF; else 0 */
	unsigned sessions;    /* times the BMC accepted since session_start() */
	unsigned attempts;    /* failures in a row; 0 again when the first packet is answered */
	uint64_t keep_alives; /* answered */
	const struct drive_counters
		*counters; /* NULL without a drive; lives until the next session_ call */
};

/* Called from the loop or from session_start()/session_stop() whenever state or reason has changed.
 * The receiver may call any session_ function but session_free(). */
typedef void session_cb(void *arg, struct session *session);

struct session *session_new(struct event_base *base, const struct session_conf *conf,
	session_cb *cb, void *arg) MUST_CHECK;

/* Ends the connection at once. A null session is allowed. Not from within its own callback. */
void session_free(struct session *session);

/* Puts the image (owned from now on) into the slot and keeps it served. Only in SESSION_IDLE. */
void session_start(struct session *session, struct image *image);

/*
 * Ends cleanly (iusb-protocol 6.3, 11.12): the answer in work is finished and sent (5 s at most),
 * what was written is flushed, the connection closed, the image closed; then the state is
 * SESSION_IDLE, and until then the state stays what it was. A flush that fails is logged as an
 * error. In SESSION_IDLE nothing happens; a second stop changes nothing. reason says why for the
 * log ("detached", "shutting down").
 */
void session_stop(struct session *session, const char *reason);

/* As drive_swap_cb; error is ECANCELED if the session is stopped first. May call no session_
 * function but session_status(). */
typedef struct image *session_swap_cb(void *arg, int error, const char *words);

/*
 * Changes the medium; the connection and its state stay. cb is called once, at once or from the
 * loop, when the answer in work is done and what was written is flushed, and the image that it
 * returns (owned from now on) takes the place of the old one; not if the session is freed before.
 * The host is told by one unit attention (iusb-protocol 11.7). Without a connection the next one
 * serves the new medium. In SESSION_EJECTED the new medium ends that state: the session connects.
 * In SESSION_IDLE, and while the session stops, cb gets ECANCELED at once. One at a time (asserts
 * it).
 */
void session_swap(struct session *session, session_swap_cb *cb, void *arg);

/* The image that is in the slot, NULL in SESSION_IDLE. */
struct image *session_image(const struct session *session);

/* In SESSION_BACKOFF or SESSION_EJECTED: tries at once. Else nothing. */
void session_reconnect(struct session *session);

void session_status(const struct session *session, struct session_status *out);

#endif
