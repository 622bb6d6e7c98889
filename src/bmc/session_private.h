/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_private: what the files of a session share, and what its tests look at: the object, its
 * phases and events. session.c is the object and its interface, session_fsm.c the table and its
 * driver, session_serve.c the packets.
 */
#ifndef BMC_SESSION_PRIVATE_H
#define BMC_SESSION_PRIVATE_H

#include "base/log.h"
#include "bmc/backoff.h"
#include "bmc/session.h"
#include "bmc/stream.h"

struct event;

/* The states as the table needs them: serving has two ways out that take time. In the order they
 * are lived. */
enum session_phase {
	PHASE_IDLE,
	PHASE_LOGIN, /* no row enters it yet */
	PHASE_CONNECTING,
	PHASE_SECURING, /* no row enters it yet */
	PHASE_AUTHENTICATING,
	PHASE_SERVING,
	PHASE_EJECTING,  /* the host ejected: the answer goes out */
	PHASE_FINISHING, /* stopped: the answer in work is finished and goes out */
	PHASE_FLUSHING,  /* stopped: the connection is closed, what was written is flushed */
	PHASE_BACKOFF,
	PHASE_EJECTED,
	PHASE_COUNT,
	PHASE_STAY = PHASE_COUNT, /* in a row: no change */
};

enum session_event {
	EVENT_START,     /* session_start() */
	EVENT_STOP,      /* session_stop() */
	EVENT_RECONNECT, /* session_reconnect() */
	EVENT_CONNECTED, /* the stream is */
	EVENT_INPUT,     /* there may be packets to read */
	EVENT_ACCEPTED,  /* the BMC's greeting was good */
	EVENT_DRAINED,   /* the answer has gone out */
	EVENT_EJECT,     /* the host ejected; the answer is queued */
	EVENT_SWAPPED,   /* another medium takes the place of the old one */
	EVENT_FINISHED,  /* no answer is in work any more */
	EVENT_FLUSHED,   /* of a stop: what was written is on stable storage, or cannot be brought
			    there */
	EVENT_FAILED,    /* the connection is of no use any more; session->trouble says why */
	EVENT_DEADLINE,  /* the phase took too long, or the back-off is over */
	EVENT_COUNT,
};

enum {
	SESSION_QUEUE = 4, /* events raised while another one is handled */
};

struct session_trouble { /* why a connection ends */
	enum failure failure;
	struct reason reason;
};

struct session {
	struct event_base *base;
	session_cb *cb;
	void *arg;
	char *target, *address; /* owned */
	uint16_t port;
	enum device device;
	char slot[SLOT_NAME_SIZE];
	const struct dialect *dialect;

	enum session_phase phase;
	enum session_state state;
	double since;
	bool has_changed; /* the receiver has to be told */
	bool is_stepping; /* the driver is at work */
	struct event *deadline;
	enum session_event queue[SESSION_QUEUE];
	unsigned queued;

	struct stream *stream;    /* owned; lives in the phases that have a connection */
	struct drive *drive;      /* owned; lives outside PHASE_IDLE */
	struct packet request;    /* what the drive works on; its data is gone */
	session_swap_cb *swap_cb; /* of the swap that is wanted, or NULL */
	void *swap_arg;

	struct session_trouble trouble; /* of the event that is raised */
	struct session_trouble last;    /* what the status tells */
	struct reason logged;           /* the last failure that made a warning */
	struct reason stop_reason;
	struct backoff backoff;
	double delay, retry_at;
	unsigned sessions;
	uint64_t keep_alives;

	/* Tests replace these. */
	double time_scale;      /* deadlines and delays are multiplied by it */
	double (*random)(void); /* a fraction in [0, 1) */
};

/* session.c */

/* A line in the log about this session; reason may be NULL. */
void session_log(const struct session *session, enum log_level level, const char *reason,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

/* session_fsm.c */

/* Of a flush that nothing waits for: a failure is logged. arg is the session. */
void session_saved_cb(void *arg, int error, const char *words);

/* Handles the event, or queues it if another one is being handled. */
void session_raise(struct session *session, enum session_event event);

/* Raises EVENT_FAILED with its reason. */
void session_fail(struct session *session, enum failure failure, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* A sign of life: the phase's deadline starts again. */
void session_touch(struct session *session);

/* The one teardown: closes the connection and gives up what the drive does for it. */
void session_teardown(struct session *session);

/* Where the event leads from that phase, which may be the phase itself. */
enum session_phase session_next_phase(enum session_phase phase, enum session_event event);

/* "finishing" */
const char *session_phase_name(enum session_phase phase);

/* session_serve.c */

/* Reads the greeting if it is there: EVENT_ACCEPTED or EVENT_FAILED. */
void session_greet(struct session *session);

/* Answers the next packet, if there is one and nothing is in work (iusb-protocol 11.4). */
void session_serve(struct session *session);

/* True while an answer is being made or sent. */
bool session_is_at_work(const struct session *session);

/* True if the input ends in the middle of a packet. */
bool session_is_input_cut(const struct session *session);

#endif
