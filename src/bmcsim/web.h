/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web: the web server of a simulated BMC (iusb-protocol 7.2, 7.3 and 8): login, web sessions,
 * settings, tokens, and the tunnel and WebSocket into the media service. An own small HTTP server,
 * since much of what it has to say no well-behaved one would.
 */
#ifndef BMCSIM_WEB_H
#define BMCSIM_WEB_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmcsim/link.h"

struct event_base;
struct sim_tls;
struct web;

enum web_flow {
	WEB_FLOW_NONE, /* no web server */
	WEB_FLOW_ASP,
	WEB_FLOW_REST,
	WEB_FLOW_DIGEST, /* of the Fujitsu iRMC S4: HTTP Digest, sid, avr.jnlp */
};

enum web_quirk {
	WEB_HTTP_10 = 1 << 0,       /* answers HTTP/1.0, no Content-Length, close */
	WEB_STATUS_TWICE = 1 << 1,  /* the status line twice */
	WEB_BAD_WITH_200 = 1 << 2,  /* wrong credentials: status 200 and a text that says so */
	WEB_REDIRECT = 1 << 3,      /* http to https, / to /index.html: 301 */
	WEB_EMPTY_TOKEN = 1 << 4,   /* getsessiontoken.asp: empty; the JNLP has it (ASUS ASMB8) */
	WEB_TOKEN_ONCE = 1 << 5,    /* fresh token and cookie for each fetch (Fujitsu iRMC S4) */
	WEB_TUNNEL_BARE = 1 << 6,   /* binary right after the tunnel's status line */
	WEB_101_THEN_200 = 1 << 7,  /* WebSocket: 101, then a second head with 200, then frames */
	WEB_PORTS_LOCKED = 1 << 8,  /* media ports reset until the JNLP was fetched */
	WEB_JNLP_NO_PORTS = 1 << 9, /* the JNLP names no cd/fd/hd port (iRMC S4): tunnel only */
	WEB_SLOW = 1 << 10,         /* each answer takes a moment, in odd pieces */
	WEB_LIST_500 = 1 << 11,     /* settings/media/adviser: 500 */
};

struct web_conf {
	enum web_flow flow;
	unsigned quirks;
	struct in_addr address;
	uint16_t port, secure_port; /* 0: the kernel chooses */
	bool has_plain, has_secure; /* which of the two listen */
	const char *user, *password;
	unsigned sessions_max; /* web sessions at a time (e.g. 4, at most 64); more are refused */
	double session_life;   /* seconds without a request, then it ends */
	double token_life;     /* seconds, also without its web session; 0: as long as that */
	unsigned ban_after;    /* requests within ban_window from one address; 0: never */
	double ban_window;     /* seconds; 0: 10 */
	double ban_time;       /* seconds of 403 */
	bool is_secure_media;  /* vmsecure, secure_channel */
	bool is_single_port;
	bool has_licence;
	bool has_privilege; /* the user may use virtual media */
	bool has_websocket, has_tunnel;
	unsigned slots[DEVICE_COUNT];
	bool is_attached[DEVICE_COUNT];
	enum link_frames frames; /* of the WebSockets that are set up here */
	uint32_t seed;
};

/* What the web server asks of its BMC. None may call back into the web server but upgraded(). */
struct web_calls {
	uint16_t (*port)(void *arg, enum device device, bool is_secure);
	/* A tunnel or WebSocket has been set up: the media service takes the link over, nothing is
	 * wanted of it yet. peer: "10.0.0.7:40112". */
	void (*upgraded)(void *arg, enum device device, struct link *link, const char *peer);
	/* "login admin from 127.0.0.1", "logout", "refused: 4 sessions": for the log. */
	void (*said)(void *arg, const char *what);
};

struct web *web_new(struct event_base *base, const struct web_conf *conf, struct sim_tls *tls,
	const struct web_calls *calls, void *arg, struct reason *why) MUST_CHECK;
void web_free(struct web *web);                           /* NULL is allowed */
uint16_t web_port(const struct web *web, bool is_secure); /* 0: does not listen */

/* ---- what the media service asks of the web server ---- */

enum web_token {
	WEB_TOKEN_GOOD,
	WEB_TOKEN_UNKNOWN,      /* ACK 3 */
	WEB_TOKEN_NO_PRIVILEGE, /* ACK 5 */
	WEB_TOKEN_NO_LICENCE,   /* ACK 13 */
};

/* Is the token one of a web session? Compares at most 15 characters with flow asp, as the firmware
 * does (iusb-protocol 5.1). */
enum web_token web_check_token(struct web *web, const char *token);

/* The last media session of the token's class has ended: the token is invalid from now on. */
void web_forget_token(struct web *web, const char *token);

/* False while WEB_PORTS_LOCKED holds: in no web session that lives the JNLP (with flow rest the
 * token) has been fetched yet. */
bool web_is_unlocked(const struct web *web);

/*
 * An HTTP request has arrived on a media port (what was read of it is back in the link): a
 * WebSocket for that device (iusb-protocol 7.3), or an error. The link is the web server's, until
 * upgraded() gives it back.
 */
void web_serve_upgrade(struct web *web, struct link *link, enum device device);

/* The BMC reboots: all web sessions and tokens are gone, connections are reset. */
void web_reset(struct web *web);

/* While it is down the ports refuse connections, and keep their numbers. 0, or -1 with the reason.
 */
int web_set_listening(struct web *web, bool is_listening, struct reason *why) MUST_CHECK;

struct web_totals {
	uint64_t requests, logins, refused, logouts;
	unsigned sessions;      /* now */
	unsigned sessions_most; /* at a time, since the start */
	unsigned overlaps;      /* requests of one client address while another was under way */
	uint64_t upgrades;
};

const struct web_totals *web_totals(const struct web *web);

#endif
