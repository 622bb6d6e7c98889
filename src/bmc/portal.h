/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portal: the web interface of one BMC, where a token for a media session is got (iusb-protocol 8),
 * by libcurl's multi interface on the libevent loop. BMC web servers are fragile: one request at a
 * time and one web session at most per BMC (address and port of the web server), always logged out,
 * and not more than so many BMCs at once in all.
 */
#ifndef BMC_PORTAL_H
#define BMC_PORTAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmc/facts.h"
#include "bmc/failure.h"
#include "bmc/tls.h"
#include "iusb/auth.h"
#include "iusb/dialect.h"

struct event_base;
struct portal;
struct portals;
struct ticket;

enum {
	COOKIE_SIZE = 512, /* of a cookie's value, and its NUL */
};

/* ---- all of them ---- */

/* parallel: how many BMCs are logged in to or out of at once, at least 1. Never NULL. */
struct portals *portals_new(struct event_base *base, unsigned parallel) MUST_CHECK;
void portals_set_parallel(struct portals *portals, unsigned parallel);

/*
 * Every web session that is there is logged out, those of all BMCs at once; done is called from the
 * loop when that is over, at the latest after limit seconds. No ticket is issued any more. Once.
 */
void portals_stop(struct portals *portals, double limit, void (*done)(void *arg), void *arg);

/* Ends what is left at once, without a logout. After all portals were freed. NULL is allowed. */
void portals_free(struct portals *portals);

/* ---- one BMC ---- */

enum portal_method {
	PORTAL_NONE,  /* no token is needed, or it is empty */
	PORTAL_TOKEN, /* a ready-made token: what secret_file holds */
	PORTAL_ASP,   /* where that is not there, the login by HTTP Digest of the iRMC S4 */
	PORTAL_REST,
	PORTAL_FIND, /* tries REST; 404 or 405 means ASP (iusb-protocol 8). What was found is
			remembered */
};

/* Copied by portal_new(), but for tls.facts, which is shared. */
struct portal_conf {
	const char *target; /* for the log */
	const char *address;
	uint16_t port; /* of the web server; 0: 443, or 80 without TLS */
	bool is_plain; /* HTTP instead of HTTPS */
	enum portal_method method;
	const char *user;
	/*
	 * Where the password, or the token, is: a file, or "credential:NAME" of systemd
	 * ($CREDENTIALS_DIRECTORY/NAME); NULL: none. Read anew for each login, its first line; what
	 * was read is erased as soon as it is sent.
	 */
	const char *secret_file;
	struct tls_conf tls;
};

/* Never NULL. */
struct portal *portal_new(struct portals *portals, const struct portal_conf *conf) MUST_CHECK;

/* The web session is logged out in the background; the portal is gone for its user at once. All its
 * tickets must have been freed. NULL is allowed. */
void portal_free(struct portal *portal);

/* What the web interface says. What it did not say is 0, "" or as commented. */
struct grant {
	const struct dialect *dialect; /* asp or rest, by the flow that worked; NULL: not known */
	char token[AUTH_TOKEN_SIZE];
	enum auth_kind kind;           /* SSI or AUTH_BROWSER where it must be */
	int is_secure;                 /* media over TLS: 0, 1, -1 not said */
	uint16_t port[DEVICE_COUNT];   /* that fits is_secure */
	int slots[DEVICE_COUNT];       /* instances of each device; -1: not said */
	int is_single_port;            /* 0, 1, -1 */
	uint16_t web_port;             /* of the web server without TLS: a plain tunnel's */
	uint16_t web_secure_port;      /* what the tunnel's CONNECT names */
	char cookie[COOKIE_SIZE];      /* -webcookie or SessionCookie for the tunnel, QSESSIONID for
					  WebSocket */
	int licence;                   /* virtual media is licensed: 0, 1, -1 */
	int is_attached[DEVICE_COUNT]; /* attach mode of the device: 0 detached, 1, -1 */
	bool has_fd;                   /* false: this firmware offers no floppy (JViewer 2.x) */
};

/* failure is FAILURE_NONE and grant is set, or why says why there is none: "login refused for user
 * admin", "all web sessions of the BMC are in use", "banned by the BMC's web server (403)". The
 * grant lives as long as the ticket. May call ticket_free(). */
typedef void portal_cb(
	void *arg, const struct grant *grant, enum failure failure, const struct reason *why);

/*
 * Asks for what a media session needs. Logs in unless somebody of this BMC is; waits its turn if
 * another request is under way or too many BMCs are at it. While another ticket of the same device
 * is held that has a token which was not refused, that token is given once more (iusb-protocol 5.3,
 * 11.9), else a new one is fetched. cb is called exactly once, from the loop; not if the ticket is
 * freed before. After a 403 it is FAILURE_BANNED without a request for a while, and after
 * portals_stop() FAILURE_LOST.
 */
struct ticket *portal_ask(
	struct portal *portal, enum device device, portal_cb *cb, void *arg) MUST_CHECK;

/* The BMC has accepted the media session: without needs_web the web session may end. With it
 * (tunnel, WebSocket, asp) it stays until the ticket is freed. */
void ticket_accepted(struct ticket *ticket, bool needs_web);

/* The BMC refused the token (ACK 3): it is not given to anybody any more. */
void ticket_refused(struct ticket *ticket);

/* The media session is over, or has never begun. With the last one of a device its token is
 * forgotten, with the last one of all the web session is logged out. NULL is allowed. */
void ticket_free(struct ticket *ticket);

/* True while a web session is there, or is being made or ended. For tests and the daemon's stop. */
bool portal_is_active(const struct portal *portal);

/* True if nothing of it would be missed: it is not active, and no ban has to be waited for. */
bool portal_is_idle(const struct portal *portal);

#endif
