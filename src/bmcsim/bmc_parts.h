/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_parts: the inside of a BMC, shared by bmc.c (listeners, the host's commands) and
 * bmc_session.c (the client). Nobody else includes it. */
#ifndef BMCSIM_BMC_PARTS_H
#define BMCSIM_BMC_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "bmcsim/bmc.h"
#include "bmcsim/bmc_fault.h"
#include "bmcsim/bmc_wire.h"
#include "bmcsim/chance.h"
#include "iusb/packet.h"

enum session_state { /* in the order they are lived */
	SESSION_NONE,
	SESSION_GREETING, /* the BMC's own first commands */
	SESSION_SERVING,  /* the host's commands */
	SESSION_MUTE,     /* a fault struck: nothing more is said until the client closes */
	SESSION_KILLED,   /* 0xF6 was sent: the client has to close */
};

/* What the client owes an answer to. */
struct pending {
	bool is_open;
	bool is_own; /* of the greeting, not of the host */
	uint8_t head[PACKET_SCSI_LEN];
	uint32_t seq;
	uint32_t read_len;
	uint32_t write_len;
};

/* One SCSI request to be sent. */
struct ask {
	const uint8_t *cdb;
	bool is_own;
	bool is_write;
	uint32_t read_len;
	const uint8_t *data;
	uint32_t data_len;
};

enum job_state {
	JOB_NONE,
	JOB_WAITING,  /* for the greeting to end */
	JOB_SENT,     /* all or a part of it is with the client */
	JOB_ANSWERED, /* done is called in the next turn of the loop */
};

/* The command of the host that is in work. */
struct job {
	enum job_state state;
	struct bmc_command command;
	bmc_done_cb *done;
	void *arg;
	bool has_range;       /* it names blocks, so it can be sent in parts */
	uint32_t lba, blocks; /* still to be sent */
	uint32_t part_blocks; /* of the part that is with the client */
	uint32_t moved;       /* bytes of the parts that are done */
	uint8_t *gathered;    /* their data, if it is read in parts */
	bool is_good;
	uint8_t own[64]; /* data of an answer of the BMC itself */
	uint32_t own_len;
};

/* A connection that gets no session: refused, or struck by a fault. */
struct visitor {
	LIST_ENTRY(visitor) entry;
	struct unit *unit;
	evutil_socket_t fd;
	struct event *readable;
};

enum {
	FORGOTTEN_MAX = 16, /* SeqNos of aborted requests whose late answer is expected */
	VISITORS_MAX = 32,
	PEER_SIZE = 32, /* an address as text */
};

/* One device class: its port, its client, and the host's commands. */
struct unit {
	struct bmc *bmc;
	enum device device;

	evutil_socket_t listener;
	struct event *acceptable;
	LIST_HEAD(, visitor) visitors;
	unsigned visitor_count;

	enum session_state state;
	struct bmc_wire wire;
	char peer_address[PEER_SIZE];
	unsigned greeting_step;
	unsigned sent;         /* requests of this session */
	unsigned faults_shown; /* since the start */
	struct pending pending;
	bool is_ping_out;
	unsigned misses;     /* the counter of iusb-protocol 6.1 */
	struct event *timer; /* idle, or patience while something is outstanding */
	struct event *body;  /* patience in the middle of a packet */
	struct event *defer; /* the next turn of the loop: step the greeting, call done */
	uint32_t last_seq;   /* answered last */
	uint32_t forgotten[FORGOTTEN_MAX];
	unsigned forgotten_next;

	uint32_t sense;
	bool is_own_sense; /* of a command that the BMC itself has failed */
	struct job job;
};

struct bmc {
	struct event_base *base;
	struct bmc_conf conf;
	char *name;
	bmc_cb *cb;
	void *arg;
	struct chance chance;
	uint32_t seq, tag; /* the next ones; shared by all devices (iusb-protocol 2.3) */
	struct unit unit[DEVICE_COUNT];
	struct bmc_totals totals;
};

/* bmc_session.c: the life of a session */

void bmc_session_init(struct unit *unit);
void bmc_session_fini(struct unit *unit);

/* A client connected: takes the socket, greets it or turns it away. */
void bmc_session_accept(
	struct unit *unit, evutil_socket_t fd, const char *address, const char *peer);

/* The client goes, or is thrown out; the only teardown of a session. */
void bmc_session_end(struct unit *unit, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A fault struck in the middle: the device goes, the connection stays until the client closes. */
void bmc_session_mute(struct unit *unit, enum session_state state, const char *why);

/* True while the host's commands can reach a client. */
bool bmc_session_is_up(const struct unit *unit);

/* Sends what is queued; ends the session if the connection is lost. */
void bmc_session_flush(struct unit *unit);

/* The next command of the greeting, or its end. is_ready: the last TEST UNIT READY succeeded. */
void bmc_session_greet(struct unit *unit, bool is_ready);

/* bmc_ask.c: requests out, answers in */

/* Sends a request. The session may be gone (a fault) when it returns. */
void bmc_ask_send(struct unit *unit, const struct ask *ask);

/* Forgets what is outstanding; its late answer is dropped without a complaint. */
void bmc_ask_forget(struct unit *unit);

/* True if the fault is due at this point of the session; counts it. */
bool bmc_ask_is_struck(struct unit *unit);

/* Takes a packet of the client. The session may be gone when it returns. */
void bmc_ask_receive(struct unit *unit, const struct packet *packet);

/* bmc_timer.c: keep-alive and drop rules */

void bmc_timer_init(struct unit *unit);
void bmc_timer_fini(struct unit *unit);

/* Something happened: starts idle or patience anew, by what is outstanding. */
void bmc_timer_arm(struct unit *unit);

/* Bytes of a packet came, the rest has not. */
void bmc_timer_arm_body(struct unit *unit, bool is_partial);

/* A command of the host comes while something is outstanding: counts as a miss. False if that was
 * one too many and the session is gone. */
bool bmc_timer_disturb(struct unit *unit);

/* bmc_visitor.c: connections that get no session */

/* Sends it len bytes, then ends it or serves it nothing until the client closes. */
void bmc_visitor_add(struct unit *unit, evutil_socket_t fd, const uint8_t *bytes, size_t len,
	enum fault_end end);

void bmc_visitor_close_all(struct unit *unit);

/* bmc_job.c: the host's command in work */

/* The client answered the part that is with it. */
void bmc_job_answered(struct unit *unit, const struct packet *answer, uint32_t len);

/* Sends the command, or its next part, if the host waits and the session serves. */
void bmc_job_send(struct unit *unit);

/* The job, if there is one, fails with that sense in the next turn of the loop. */
void bmc_job_fail(struct unit *unit, uint32_t sense);

/* Calls done of an answered job. */
void bmc_job_finish(struct unit *unit);

/* bmc.c */

/* Reports an event to the owner of the BMC. */
void bmc_report(struct unit *unit, enum bmc_event event, const char *why);

/* Counts and reports a broken rule, if the BMC is strict. */
void bmc_complain(struct unit *unit, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
