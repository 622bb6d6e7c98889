/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session: one slot of one BMC, kept served: a token from the web interface, connect, AUTH, serve,
 * keep-alive, reconnect with back-off (iusb-protocol 1, 4, 5, 6 and 11). A table {states, event,
 * action, next} and one driver function; one writer of the state, one teardown, every state has its
 * deadline, every failure its reason. What the host writes is flushed a while later, too
 * (drive_watch()); a flush that fails is logged as an error.
 */
#ifndef BMC_SESSION_H
#define BMC_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmc/drive.h"
#include "bmc/facts.h"
#include "bmc/failure.h"
#include "bmc/stream.h"
#include "bmc/tls.h"
#include "iusb/dialect.h"

struct event_base;
struct image;
struct portal;
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

enum transport_choice { /* iusb-protocol 7 */
	CHOOSE_DIRECT = TRANSPORT_DIRECT,
	CHOOSE_TUNNEL = TRANSPORT_TUNNEL,
	CHOOSE_WEBSOCKET = TRANSPORT_WEBSOCKET,
	CHOOSE_TRANSPORT, /* by what the web interface says */
};

enum tls_choice {
	TLS_OFF,
	TLS_ON,
	TLS_AUTO, /* by what the web interface says; what it does not say is plain, but for a
		     WebSocket (iusb-protocol 7.3) */
};

/* Where the slot is and how patient we are. Copied by session_new(), but for portal and facts,
 * which are shared by all sessions of the target and outlive them. */
struct session_conf {
	const char *target; /* the target's name, for the log */
	const char *address;
	uint16_t port; /* of the device, and so no tunnel unless transport says it; 0: by the web
			  interface, else by the dialect */
	uint16_t web_port; /* of the web server, for tunnel and WebSocket; 0: 443, or 80 */
	enum device device;
	int instance;
	const struct dialect *dialect; /* may be "auto": found out, and kept in facts */
	enum transport_choice transport;
	enum tls_choice tls_mode;
	struct tls_conf tls;   /* tls.facts is taken from below */
	struct portal *portal; /* where tokens come from; NULL: none is needed (`legacy`) */
	struct facts *facts;   /* never NULL */
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
	const struct dialect *dialect; /* that is spoken, or would be; may be "auto" */
	int transport;                 /* enum transport of the connection, -1 without one */
	const struct tls_seen *tls;    /* NULL: plain, or no connection. Lives until the next
					  session_ call */
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
 * Ends cleanly (iusb-protocol 6.3, 6.4, 11.12): the answer in work is finished and sent (5 s at
 * most), behind it a DISCONNECT where the dialect has it (2 s), the connection closed and the
 * ticket given back, what was written is flushed, the image closed; then the state is SESSION_IDLE,
 * and until then the state stays what it was. A flush that fails is logged as an error. In
 * SESSION_IDLE nothing happens; a second stop changes nothing. reason says why for the log
 * ("detached", "shutting down").
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
