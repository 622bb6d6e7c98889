/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scout_private: what the files of the scout share. scout.c: the order of steps; scout_find.c: the
 * address; scout_report.c: what follows from what was found; scout_door.c: one port; scout_ports.c:
 * which ports there are; scout_web.c: the web interface, without credentials; scout_slot.c: the
 * slots, with a token.
 */
#ifndef BMC_SCOUT_PRIVATE_H
#define BMC_SCOUT_PRIVATE_H

#include "bmc/plan.h"
#include "bmc/scout.h"
#include "bmc/webclient.h"
#include "iusb/packet.h"

struct event;
struct evbuffer;
struct evutil_addrinfo;

struct scout_visit { /* one port that is being looked at */
	struct scout *scout;
	struct scout_door *door;
	bool listens; /* waits for an ACK */
	bool is_old;  /* this try allows old TLS */
	bool is_under_way;
	struct tcp_connect *tcp;
	struct channel *channel;
	struct tls_check *check;
	struct event *deadline; /* NULL until the first visit */
};

struct scout {
	struct event_base *base;
	struct scout_conf conf; /* address is owned */
	scout_cb *cb;
	void *arg;
	unsigned step;
	struct event *next;                   /* runs the step from the loop */
	struct event *deadline;               /* of what is waited for ... */
	void (*expired)(struct scout *scout); /* ... and what happens then */

	/* The addresses of a name are tried in turn until a port is open. */
	struct resolve *resolve;
	struct evutil_addrinfo *list; /* owned */
	const struct evutil_addrinfo *at;

	struct scout_visit visits[SCOUT_DOORS]; /* by door */
	unsigned under_way;
	bool listens; /* a BMC that speaks first may be there */

	struct webclient *client;
	struct tls_conf web_tls;
	unsigned page;

	struct ticket *ticket;
	enum device ticket_device;
	struct grant grant; /* with its token; valid with report.is_granted */
	struct plan plan;
	unsigned asked; /* scout_slot_index() of the slot that is asked */
	struct stream *stream;
	struct scout_slot answers[SCOUT_SLOTS]; /* by scout_slot_index() */

	struct scout_report report;
};

/* ---- scout.c ---- */

/* The step is done. */
void scout_next(struct scout *scout);

/* The step has failed, and nothing can follow but the report. */
void scout_skip(struct scout *scout);

void scout_say(struct scout *scout, const char *progress);

/* 0 to SCOUT_SLOTS - 1 */
unsigned scout_slot_index(enum device device, int instance);

/* The slot of ours, NULL if it is none. */
const struct scout_held *scout_held_at(const struct scout *scout, enum device device, int instance);

/* How a session for that slot would be configured. */
struct session_conf scout_way(const struct scout *scout, enum device device, int instance);

/* After that many seconds, unless the deadline is deleted before. */
void scout_expect(struct scout *scout, double seconds, void (*expired)(struct scout *scout));

/* The ticket is given back, if there is one. */
void scout_drop_ticket(struct scout *scout);

/* ---- scout_find.c ---- */

/* The step that finds the addresses. */
void scout_find(struct scout *scout);

/* Writes the one whose turn it is into the report. */
void scout_note_address(struct scout *scout);

/* ---- scout_report.c ---- */

/* Sets the report's dialect by what was found so far, the surest first. */
void scout_settle_dialect(struct scout *scout);

/* What was known before, NULL: nothing. */
const struct dialect *scout_known_dialect(const struct scout *scout);

/* The dialect to speak, NULL: nobody knows. */
const struct dialect *scout_dialect(const struct scout *scout);

/* With conf.trusts: pins the certificates that were seen so far. */
void scout_trust(struct scout *scout);

/* All that follows once everything was looked at. */
void scout_conclude(struct scout *scout);

/* ---- scout_door.c ---- */

/* Looks at the door; scout->under_way counts those that are not done. scout_next() is called when
 * the last one is. */
void scout_visit_start(struct scout *scout, struct scout_door *door, bool listens);
void scout_visit_stop(struct scout_visit *visit);

/* The ACK at the start of what a BMC has sent. PACKET_BAD with the reason: it is none. */
enum packet_result scout_read_ack(
	struct evbuffer *input, struct ack *ack, struct reason *why) MUST_CHECK;

/* ---- scout_ports.c ---- */

/* The web interface has named its ports: they are looked at, too. */
void scout_add_granted(struct scout *scout);

/* The ports of the dialect that was found are named as it does; those that it does not use, and
 * which are closed, are left out. */
void scout_tidy_doors(struct scout_report *report);

/* ---- steps ---- */

void scout_detect_web(struct scout *scout); /* scout_web.c */
void scout_ask_slots(struct scout *scout);  /* scout_slot.c */

/* What an ACK says about the slot. */
void scout_take_ack(struct scout_slot *slot, const struct ack *ack);

#endif
