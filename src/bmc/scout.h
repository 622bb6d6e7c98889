/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scout: one look at what a BMC is: which ports are open, what TLS they speak and with which
 * certificate, what web interface there is, which dialect, and who holds the slots (iusb-protocol
 * 5, 7, 8 and 11.2). It takes no slot that is in use, makes no second web session where there is
 * one, and leaves alone what this daemon serves.
 */
#ifndef BMC_SCOUT_H
#define BMC_SCOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmc/facts.h"
#include "bmc/failure.h"
#include "bmc/portal.h"
#include "bmc/session.h"
#include "bmc/tls.h"
#include "iusb/control.h"

struct event_base;
struct scout;

enum {
	SCOUT_DOORS = 24,                            /* ports of one BMC */
	SCOUT_SLOTS = DEVICE_COUNT * SLOT_INSTANCES, /* slots of one BMC */
	SCOUT_IMAGE_SIZE = 128,
};

/* ---- ports ---- */

enum scout_use {
	SCOUT_WEB,
	SCOUT_MEDIA,
	SCOUT_CONSOLE, /* the video of the remote console */
	SCOUT_HID,     /* its keyboard and mouse (`legacy`) */
};

enum scout_state {
	SCOUT_UNTRIED,
	SCOUT_OPEN,
	SCOUT_CLOSED, /* it was said so: why */
	SCOUT_SILENT, /* no answer in time: a filter, or nobody there */
	SCOUT_OURS,   /* open: this daemon serves a slot there; it was left alone */
};

struct scout_door {
	uint16_t port;
	enum scout_use use;
	enum device device; /* with SCOUT_MEDIA */
	bool is_tls;        /* TLS is expected there */
	bool is_default;    /* the port is the dialect's own; nobody has configured it */

	/* What was found. */
	enum scout_state state;
	struct reason why;     /* SCOUT_CLOSED, SCOUT_SILENT */
	bool has_tls;          /* a handshake was done */
	bool is_old;           /* ... and only with tls.legacy */
	struct tls_seen seen;  /* with has_tls */
	struct reason tls_why; /* is_tls and open, but no handshake */
	bool was_heard;        /* it was waited for a BMC that speaks first */
	bool has_ack;          /* ... which it did */
	struct ack ack;
	struct reason ack_why; /* what else it did, "" if it kept silent */
};

/*
 * The ports to look at, by what is configured (port: by enum device, 0: none) and by the dialect's
 * own ports: the web server's, media plain and TLS, the console's. Returns how many.
 */
size_t scout_doors(struct scout_door out[SCOUT_DOORS], const struct session_conf *way,
	const uint16_t port[DEVICE_COUNT]);

/* ---- what to look at ---- */

struct scout_held { /* a slot that this daemon serves now */
	enum device device;
	int instance;
	char image[SCOUT_IMAGE_SIZE];
	const struct dialect *dialect;
	enum transport transport;
	struct tls_seen tls; /* version "": plain */
};

struct scout_times { /* seconds */
	double resolve, connect, handshake;
	double listen; /* for a BMC that speaks first (iusb-protocol 11.2) */
	double ack;    /* from the connection to the ACK of a slot */
	double login;
	double web; /* one request */
};

extern const struct scout_times scout_usual_times;

struct scout_conf {
	/* As a session would get there. target, port, device and instance are not looked at, facts
	 * may be NULL; portal NULL: without a login. Portal and facts are shared and outlive the
	 * scout, texts are copied. */
	struct session_conf way;
	uint16_t port[DEVICE_COUNT];    /* that are configured, 0: none */
	const struct scout_door *doors; /* what to look at, copied; NULL: scout_doors() */
	size_t door_count;
	struct scout_held held[SCOUT_SLOTS];
	size_t held_count;
	bool asks_slots; /* each free slot is taken for a moment: the host may see a device come and
			    go, and "boot once" may detach */
	bool trusts;     /* the certificates that are seen become the pinned ones of way.facts */
	struct scout_times times;
};

/* ---- what was found ---- */

enum scout_web {
	SCOUT_WEB_NONE, /* no web server, or it did not answer */
	SCOUT_WEB_ASP,
	SCOUT_WEB_REST,
	SCOUT_WEB_DIGEST, /* HTTP authentication, as the Fujitsu iRMC S4 */
	SCOUT_WEB_OTHER,
};

/* "asp", "rest", "digest", "other"; NULL for SCOUT_WEB_NONE. */
const char *scout_web_name(enum scout_web web);

enum scout_slot_state {
	SCOUT_SLOT_UNKNOWN, /* it was not asked */
	SCOUT_SLOT_OURS,
	SCOUT_SLOT_FREE,
	SCOUT_SLOT_IN_USE,
	SCOUT_SLOT_DETACHED, /* in the BMC's attach mode */
	SCOUT_SLOT_REFUSED,  /* why says it */
	SCOUT_SLOT_FAILED,   /* no answer, or none that can be read: why */
};

/* "unknown", "ours", "free", "in-use", "detached", "refused", "failed". */
const char *scout_slot_state_name(enum scout_slot_state state);

struct scout_slot {
	enum device device;
	int instance;
	enum scout_slot_state state;
	char holder[CONTROL_OWNER_SIZE]; /* SCOUT_SLOT_IN_USE; "" if the BMC does not say */
	char image[SCOUT_IMAGE_SIZE];    /* SCOUT_SLOT_OURS */
	struct reason why;
};

struct scout_report {
	char address[64];  /* numeric, that was looked at; "": there is none */
	struct reason why; /* ... and why */

	struct scout_door doors[SCOUT_DOORS];
	size_t door_count;
	bool is_there; /* a port is open */
	bool is_old;   /* TLS needs tls.legacy */

	char pinned[PIN_COUNT][FINGERPRINT_SIZE]; /* before */
	bool is_trusted[PIN_COUNT];               /* pinned now, by trusts */

	enum scout_web web;
	uint16_t web_port; /* 0: no web server */
	bool is_web_tls;
	struct reason web_why; /* SCOUT_WEB_NONE, SCOUT_WEB_OTHER */

	bool was_asked;          /* a login was tried, or had been made already */
	bool is_granted;         /* grant is set, without token and cookie */
	enum failure failure;    /* of the login ... */
	struct reason login_why; /* ... and its reason */
	struct grant grant;

	const struct dialect *dialect; /* NULL: not found */
	const char *evidence;          /* how it was found, static; NULL without a dialect */
	bool waits_for_auth;           /* no dialect, but a media port that does not speak first */

	int transport;       /* enum transport of the device below, -1: not known */
	enum device device;  /* the first one that can be served */
	uint16_t media_port; /* where a session would connect to; 0: not known */
	bool is_media_tls;
	struct reason plan_why; /* why none can be served, "" if one can, or nobody knows */

	struct scout_slot slots[SCOUT_SLOTS];
	size_t slot_count;
};

/* The door's certificate is one of these; -1: neither. */
int scout_pin(const struct scout_door *door);

/*
 * Called from the loop: with progress, a line for who waits, any number of times, and then once
 * with the report. The receiver may call scout_free() from that last one. Both live until it
 * returns.
 */
typedef void scout_cb(void *arg, const char *progress, const struct scout_report *report);

/* Starts to look. Never NULL. */
struct scout *scout_start(
	struct event_base *base, const struct scout_conf *conf, scout_cb *cb, void *arg) MUST_CHECK;

/* Ends the look, or what is left of it. Before way.portal and way.facts. NULL is allowed. */
void scout_free(struct scout *scout);

#endif
