/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_private: what the files of a session share, and what its tests look at: the object, its
 * phases and events. session.c is the object and its interface, session_fsm.c the table and its
 * driver; then the way of a session: session_login.c from the token to the connection,
 * session_greet.c to the BMC's consent, session_serve.c the packets; session_input.c reads them.
 */
#ifndef BMC_SESSION_PRIVATE_H
#define BMC_SESSION_PRIVATE_H

#include "base/log.h"
#include "bmc/backoff.h"
#include "bmc/plan.h"
#include "bmc/portal.h"
#include "bmc/session.h"
#include "bmc/stream.h"
#include "iusb/packet.h"

struct ack;
struct event;

/* The states as the table needs them: some take more than one step. In the order they are lived. */
enum session_phase {
	PHASE_IDLE,
	PHASE_PLANNING, /* it is made out what to do first; takes no time */
	PHASE_LOGIN,
	PHASE_CONNECTING,
	PHASE_SECURING,  /* TLS, tunnel or WebSocket are set up */
	PHASE_LISTENING, /* auto: does the BMC speak first? (iusb-protocol 11.2) */
	PHASE_AUTHENTICATING,
	PHASE_SERVING,
	PHASE_EJECTING,  /* the host ejected: the answer goes out */
	PHASE_PARTING,   /* then the DISCONNECT, where the dialect has it */
	PHASE_FINISHING, /* stopped: the answer in work is finished and goes out */
	PHASE_LEAVING,   /* then the DISCONNECT, where the dialect has it */
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
	EVENT_ASK,       /* the web interface has to be asked for a token */
	EVENT_PLANNED,   /* it is known where to connect to: session->plan */
	EVENT_REACHED,   /* the stream is, but cannot be spoken on yet */
	EVENT_CONNECTED, /* the stream is; AUTH is due where the dialect has it */
	EVENT_LISTEN,    /* the stream is; the BMC may speak first */
	EVENT_GUESS,     /* another dialect at another port is worth a try: session->plan */
	EVENT_INPUT,     /* there may be packets to read */
	EVENT_ACCEPTED,  /* the BMC's greeting was good */
	EVENT_RENEW,     /* the BMC does not know the token: another one is worth a try */
	EVENT_REPEAT,    /* the BMC did not understand: the same once more is worth a try */
	EVENT_DRAINED,   /* the answer has gone out */
	EVENT_EJECT,     /* the host ejected; the answer is queued */
	EVENT_GONE,      /* the host ejected, and the BMC has ended the session */
	EVENT_SWAPPED,   /* another medium takes the place of the old one */
	EVENT_GOODBYE,   /* no answer is in work any more; a DISCONNECT is due */
	EVENT_FINISHED,  /* no answer is in work any more, and all has gone out */
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
	struct session_conf conf; /* target and address are owned */
	char slot[SLOT_NAME_SIZE];

	enum session_phase phase;
	enum session_state state;
	double since;
	bool has_changed; /* the receiver has to be told */
	bool is_stepping; /* the driver is at work */
	struct event *deadline;
	enum session_event queue[SESSION_QUEUE];
	unsigned queued;

	struct ticket *ticket;     /* owned; lives from LOGIN on as long as it is needed */
	const struct grant *grant; /* the ticket's, or NULL: not granted yet */
	struct plan plan;          /* valid with a stream */
	bool has_renewed;          /* this attempt has asked for another token */
	bool has_repeated;         /* this attempt has said the same once more */
	struct stream *stream;     /* owned; lives in the phases that have a connection */
	struct drive *drive;       /* owned; lives outside PHASE_IDLE */
	struct packet request;     /* what the drive works on; its data is gone */
	session_swap_cb *swap_cb;  /* of the swap that is wanted, or NULL */
	void *swap_arg;

	struct session_trouble trouble; /* of the event that is raised */
	struct session_trouble web;     /* why there is no token although one was asked for */
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

/* What a phase has of the BMC; more of it the further down. */
enum session_holding {
	HOLDS_NOTHING,
	HOLDS_TICKET,
	HOLDS_STREAM, /* and the ticket, if there is one */
};

/* The one teardown: gives up what is above that, and what the drive does for it. */
void session_release(struct session *session, enum session_holding holding);

/* Where the event leads from that phase, which may be the phase itself. */
enum session_phase session_next_phase(enum session_phase phase, enum session_event event);

/* "finishing" */
const char *session_phase_name(enum session_phase phase);

/* session_login.c: the actions on the way to a connection */

/* Makes out what to do first: EVENT_ASK, EVENT_PLANNED or EVENT_FAILED. */
void session_plan(struct session *session);

/* Asks the web interface: EVENT_PLANNED or EVENT_FAILED, later. A ticket that is held is given back
 * for the new one. */
void session_ask(struct session *session);

/* Connects as session->plan says, with a new stream. */
void session_connect(struct session *session);

/* The BMC has not spoken first: EVENT_CONNECTED, EVENT_GUESS or EVENT_FAILED. */
void session_unheard(struct session *session);

/* What the BMC is has been shown by what it does, or doubted by what it does not: remembered, or
 * forgotten (NULL), if it had to be found out. */
void session_learn(struct session *session, const struct dialect *dialect);

/* session_greet.c */

/* Sends AUTH, and DEVICE_INFO behind it, where the dialect has them (iusb-protocol 5.1). */
void session_authenticate(struct session *session);

/* Reads the greeting if it is there: EVENT_ACCEPTED, EVENT_RENEW, EVENT_REPEAT or EVENT_FAILED. */
void session_greet(struct session *session);

/* An ACK that is none: EVENT_RENEW, EVENT_REPEAT or EVENT_FAILED with what the status means
 * (iusb-protocol 5.2). */
void session_refused(struct session *session, const struct ack *ack);

/* Sends DISCONNECT. */
void session_say_goodbye(struct session *session);

/* session_input.c */

/* The first packet of the input; its data lives until the input changes. */
enum packet_result session_peek(struct session *session, struct packet *out, struct reason *why);

/* Done with that packet. */
void session_consume(struct session *session, const struct packet *packet);

/* True if the input ends in the middle of a packet. */
bool session_is_input_cut(const struct session *session);

/* session_serve.c */

/* Answers the next packet, if there is one and nothing is in work (iusb-protocol 11.4). */
void session_serve(struct session *session);

/* True while an answer is being made or sent. */
bool session_is_at_work(const struct session *session);

#endif
