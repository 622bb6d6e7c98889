/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_parts: the inside of a BMC, shared by the files bmc*.c. Nobody else includes it. */
#ifndef BMCSIM_BMC_PARTS_H
#define BMCSIM_BMC_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "bmcsim/bmc.h"
#include "bmcsim/bmc_event.h"
#include "bmcsim/bmc_fault.h"
#include "bmcsim/bmc_wire.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "iusb/auth.h"
#include "iusb/packet.h"

enum session_state { /* in the order they are lived */
	SESSION_NONE,
	SESSION_REFUSED,  /* no session, yet the slot is taken until the client closes (5.3) */
	SESSION_GREETING, /* the BMC's own first commands */
	SESSION_SERVING,  /* the host's commands */
	SESSION_MUTE,     /* a fault struck: nothing more is said until the client closes */
	SESSION_CLOSING,  /* 0xF6 or 0xF7 was said: the client has to close */
};

enum ask_from {
	FROM_HOST,
	FROM_GREETING,
	FROM_POLL, /* of the machine that the BMC plays */
};

/* What the client owes an answer to. */
struct pending {
	bool is_open;
	enum ask_from from;
	uint8_t head[PACKET_SCSI_LEN];
	uint32_t key; /* by which its answer is known: SeqNo, on `rest-gadget` the tag */
	uint32_t read_len;
	uint32_t write_len;
};

/* One SCSI request to be sent. */
struct ask {
	const uint8_t *cdb;
	enum ask_from from;
	bool is_write;
	uint32_t read_len;
	const uint8_t *data;
	uint32_t data_len;
};

enum job_state {
	JOB_NONE,
	JOB_WAITING,  /* for the greeting or a poll to end */
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
	bool is_eject;   /* of a gadget: the client is told when the host has its answer */
	uint8_t own[64]; /* data of an answer of the BMC itself */
	uint32_t own_len;
};

enum {
	FORGOTTEN_MAX = 16, /* aborted requests whose late answer is expected */
	VISITORS_MAX = 32,
	CALLERS_MAX = 8, /* that came through the web server and wait at the door */
	ADDRESS_SIZE = 48,
	PEER_SIZE = 64,
	ACK_MAX = 108,       /* an ACK with the longest owner field */
	IMAGE_SIZE = 257,    /* the name in DEVICE_INFO */
	DOOR_IN_SIZE = 1024, /* of a first packet; a longer one is no AUTH */
};

/* Who is at the other end of a link. */
struct caller {
	struct link *link;
	char address[ADDRESS_SIZE];
	char peer[PEER_SIZE]; /* with the port */
	bool is_upgraded;     /* it comes from the web server */
};

/* A connection that gets no slot: it is left open, and what it says is ignored. */
struct visitor {
	LIST_ENTRY(visitor) entry;
	struct service *service;
	struct link *link;
};

/* One slot: its client, and the host's commands. */
struct unit {
	struct bmc *bmc;
	struct service *service;
	enum device device;
	int instance;

	enum session_state state;
	struct bmc_wire wire;
	struct caller caller;   /* its link is with the wire */
	char image[IMAGE_SIZE]; /* as the client called it */
	int disk_type;          /* as the client said: 0x00 fixed, 0x80 removable; -1: not yet */
	unsigned greeting_step;
	unsigned sent;         /* requests of this session */
	unsigned faults_shown; /* since the start */
	struct pending pending;
	bool is_ping_out;
	bool is_type_out;    /* 0xF4 was sent */
	bool is_type_told;   /* and answered */
	unsigned misses;     /* the counter of iusb-protocol 6.1 */
	struct event *timer; /* idle, or patience while something is outstanding */
	struct event *body;  /* patience in the middle of a packet */
	struct event *poll;  /* 0x4A of an idle machine */
	struct event *defer; /* the next turn of the loop: step the greeting, call done */
	uint32_t last_key;   /* answered last */
	uint32_t forgotten[FORGOTTEN_MAX];
	unsigned forgotten_next;

	uint32_t sense;
	bool is_own_sense; /* of a command that the BMC itself has failed */
	struct bmc_event_state event_status;
	uint32_t blocks; /* of the medium, `rest-gadget` */
	struct job job;
};

enum door_state {
	DOOR_OPEN,   /* the next client is taken */
	DOOR_AUTH,   /* one is there, and its AUTH is awaited */
	DOOR_ASLEEP, /* one was refused */
};

/* Where clients are looked at, one after another: accept and AUTH are one loop (5.3). */
struct door {
	enum door_state state;
	struct caller caller;
	struct event *timer;
	uint8_t in[DOOR_IN_SIZE];
	size_t in_len;
	struct caller waiting[CALLERS_MAX];
	unsigned waiting_count;
};

/* One port. */
struct gate {
	struct service *service;
	bool is_secure;
	uint16_t port; /* 0: does not listen, and will not */
	evutil_socket_t fd;
	struct event *acceptable; /* NULL while it does not listen */
};

enum {
	GATE_PLAIN,
	GATE_SECURE,
	GATES,
};

/* The media server of one device class (iusb-protocol 10.1). */
struct service {
	struct bmc *bmc;
	enum device device;
	int slots;
	struct gate gate[GATES];
	struct door door;
	LIST_HEAD(, visitor) visitors;
	unsigned visitor_count;
	bool has_token;
	char token[AUTH_TOKEN_SIZE]; /* of the sessions that are there: all have the same */
	unsigned acks_shown;         /* of conf.ack */
	struct unit unit[SLOT_INSTANCES];
};

struct bmc {
	struct event_base *base;
	struct bmc_conf conf;
	char *name;
	bmc_cb *cb;
	void *arg;
	struct chance chance;
	uint32_t seq, tag; /* the next ones; shared by all devices (iusb-protocol 2.3) */
	struct sim_tls *tls;
	struct web *web;
	bool is_down; /* it reboots */
	struct event *boot;
	struct service service[DEVICE_COUNT];
	struct bmc_totals totals;
};

/* ---- bmc.c ---- */

/* Reports an event to the owner of the BMC. */
void bmc_report(struct unit *unit, enum bmc_event event, const char *why);
void bmc_say(struct bmc *bmc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Counts and reports a broken rule, if the BMC is strict. */
void bmc_complain(struct unit *unit, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What a firmware is; conf.dialect says the rest. */
bool bmc_is_legacy(const struct bmc *bmc);
bool bmc_is_asp(const struct bmc *bmc);
bool bmc_is_gadget(const struct bmc *bmc);

/* A timer that runs out after that time. */
void bmc_start_timer(struct event *timer, double seconds);

/* ---- bmc_power.c: TLS, the web server, and both with all ports going down and up ---- */

/* Starts everything that listens; the kernel's choice of ports is written to conf. */
int bmc_power_up(struct bmc *bmc, struct reason *why) MUST_CHECK;

/* Ends everything that listens, and the web sessions. */
void bmc_power_down(struct bmc *bmc);

/* ---- bmc_service.c: the ports of a device class ---- */

void bmc_service_init(struct service *service, struct bmc *bmc, enum device device);
void bmc_service_fini(struct service *service);
int bmc_service_listen(struct service *service, struct reason *why) MUST_CHECK;

/* Nothing listens any more; with who is at the door. */
void bmc_service_close(struct service *service);

/* Takes new clients, or leaves them to the kernel's backlog. */
void bmc_service_accept(struct service *service, bool is_on);

/* The instance that has a session, NULL if none has. */
struct unit *bmc_service_holder(struct service *service);

/* ---- bmc_door.c: AUTH and what is said to it ---- */

void bmc_door_init(struct service *service);
void bmc_door_fini(struct service *service);

/* A client came: it is greeted or turned away (`legacy`), or its AUTH is awaited, at once or as
 * soon as the door is open. Takes the caller's link over. */
void bmc_door_enter(struct service *service, const struct caller *caller);

/* The slot is free again: without another session of its class the token is invalid. */
void bmc_door_slot_freed(struct service *service);

/* An ACK; field is 0, 24, 39 or 45. Returns its length. */
size_t bmc_ack_make(
	uint8_t out[ACK_MAX], int instance, uint8_t status, const char *owner, unsigned field);

/* ---- bmc_session.c: the life of a session ---- */

void bmc_session_init(struct unit *unit);
void bmc_session_fini(struct unit *unit);

/* The client gets the slot, with the ACK that says so; or with another one, then it only holds it.
 * Takes the caller's link over. auth is NULL for `legacy`. */
void bmc_session_start(struct unit *unit, const struct caller *caller, const struct auth *auth,
	uint8_t status, const char *owner);

/* The client goes, or is thrown out; the only teardown of a session. */
void bmc_session_end(struct unit *unit, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The device goes, the connection stays until the client closes. state is SESSION_MUTE or
 * SESSION_CLOSING. */
void bmc_session_mute(struct unit *unit, enum session_state state, const char *why);

/* True while the host's commands can reach a client. */
bool bmc_session_is_up(const struct unit *unit);

/* Sends what is queued; ends the session if the connection is lost. */
void bmc_session_flush(struct unit *unit);

/* ---- bmc_greeting.c: what the BMC asks on its own ---- */

void bmc_greeting_init(struct unit *unit);
void bmc_greeting_fini(struct unit *unit);

/* Its next command, or its end; answer is what the last one got, NULL at the start. */
void bmc_greeting_next(struct unit *unit, const struct packet *answer);

/* The poll was answered. */
void bmc_greeting_polled(struct unit *unit, const struct packet *answer);

/* The session is over. */
void bmc_greeting_stop(struct unit *unit);

/* ---- bmc_ask.c: requests out, answers in ---- */

/* Sends a request. The session may be gone (a fault) when it returns. */
void bmc_ask_send(struct unit *unit, const struct ask *ask);

/* Forgets what is outstanding; its late answer is dropped without a complaint. */
void bmc_ask_forget(struct unit *unit);

/* True if the fault is due at this point of the session; counts it. */
bool bmc_ask_is_struck(struct unit *unit);

/* Takes a packet of the client. The session may be gone when it returns. */
void bmc_ask_receive(struct unit *unit, const struct packet *packet);

/* ---- bmc_control.c: control packets, but for AUTH and ACK ---- */

/* KEEP-ALIVE or ping, queued. */
void bmc_control_ping(struct unit *unit);

/* 0xF4, queued. */
void bmc_control_ask_type(struct unit *unit);

/* Takes a control packet of the client. The session may be gone when it returns. */
void bmc_control_receive(struct unit *unit, const struct packet *packet);

/* Says KILL or DISCONNECT. */
void bmc_control_close(struct unit *unit, uint8_t opcode, const char *why);

/* ---- bmc_timer.c: keep-alive and drop rules ---- */

void bmc_timer_init(struct unit *unit);
void bmc_timer_fini(struct unit *unit);

/* Something happened: starts idle or patience anew, by what is outstanding. */
void bmc_timer_arm(struct unit *unit);

/* Bytes of a packet came, the rest has not. */
void bmc_timer_arm_body(struct unit *unit, bool is_partial);

/* A command of the host comes while something is outstanding: counts as a miss. False if that was
 * one too many and the session is gone. */
bool bmc_timer_disturb(struct unit *unit);

/* ---- bmc_visitor.c: connections that get no slot ---- */

/* Sends it len bytes, then ends it or serves it nothing until the client closes. */
void bmc_visitor_add(struct service *service, struct link *link, const uint8_t *bytes, size_t len,
	enum fault_end end);

void bmc_visitor_close_all(struct service *service, bool is_reset);

/* ---- bmc_job.c: the host's command in work ---- */

/* The client answered the part that is with it. */
void bmc_job_answered(struct unit *unit, const struct packet *answer, uint32_t len);

/* Sends the command, or its next part, if the host waits and the session serves. */
void bmc_job_send(struct unit *unit);

/* The job, if there is one, fails with that sense in the next turn of the loop. */
void bmc_job_fail(struct unit *unit, uint32_t sense);

/* Calls done of an answered job. */
void bmc_job_finish(struct unit *unit);

#endif
