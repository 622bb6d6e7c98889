/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_parts: the inside of the web server, shared by the web*.c files. Nobody else includes it. */
#ifndef BMCSIM_WEB_PARTS_H
#define BMCSIM_WEB_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "bmcsim/tcp_listener.h"
#include "bmcsim/web.h"
#include "bmcsim/web_request.h"

struct evbuffer;
struct event;

enum {
	CONNECTIONS_MAX = 64,
	CLIENTS_MAX = 2 * CONNECTIONS_MAX, /* addresses that are remembered */
	SESSIONS_MAX = 64,
	TICKETS_MAX = 64,
	NONCES_MAX = 16,  /* HTTP Digest: given out and not used yet */
	SECRET_SIZE = 33, /* a cookie or token, and its NUL */
	PEER_NAME_SIZE = 32,

	HTTPS_PORT = 443,
	VIDEO_PORT = 7578,
	VIDEO_SECURE_PORT = 7582,
};

/* A user that has logged in. */
struct web_session {
	TAILQ_ENTRY(web_session) entry;
	char cookie[SECRET_SIZE];
	char csrf[SECRET_SIZE]; /* flow rest */
	double seen;            /* when its last request came */
	bool has_fetched;       /* what unlocks the media ports */
};

/* A token for media, and the cookie that goes with it through a tunnel. */
struct web_ticket {
	TAILQ_ENTRY(web_ticket) entry;
	char token[SECRET_SIZE];
	char cookie[SECRET_SIZE];
	struct web_session *session; /* that fetched it; NULL: gone, and the ticket outlives it */
	double until;                /* 0: as long as its session */
};

/* One client address. */
struct web_client {
	struct in_addr address;
	double seen;
	double window; /* when counting began; 0: the row is free */
	unsigned count;
	double banned; /* until then */
	unsigned busy; /* its requests that are under way */
};

struct web {
	struct event_base *base;
	struct web_conf conf;
	char *user, *password;
	struct sim_tls *tls;
	struct web_calls calls;
	void *arg;
	struct chance chance;
	struct tcp_listener *plain, *secure;
	TAILQ_HEAD(web_connection_list, web_connection) connections; /* the newest first */
	unsigned connection_count;
	TAILQ_HEAD(, web_session) sessions;
	TAILQ_HEAD(web_ticket_list, web_ticket) tickets; /* the newest first */
	char nonces[NONCES_MAX][SECRET_SIZE];            /* flow digest; "": used */
	unsigned next_nonce;
	struct event *expiry; /* when the next session or ticket ends */
	struct web_client clients[CLIENTS_MAX];
	struct web_totals totals;
};

/* ---- web.c ---- */

double web_now(void); /* seconds of the monotonic clock */

/* For the log; control characters become '?'. */
void web_say(struct web *web, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* len letters and digits, and a NUL. */
void web_secret(struct web *web, char *out, size_t len);

/* The web server's secure port, as the pages name it. */
uint16_t web_secure_port(const struct web *web);

/* ---- web_client.c: bursts and overlaps ---- */

struct web_client *web_client_find(struct web *web, struct in_addr address);

/* A request of the client begins, or is over. */
void web_client_begin(struct web *web, struct web_client *client);
void web_client_end(struct web_client *client);

/* Counts a request; true if it gets 403. */
bool web_client_is_banned(struct web *web, struct web_client *client);

/* ---- web_session.c: who is logged in, and the tokens ---- */

void web_session_init(struct web *web);
void web_session_fini(struct web *web);

/* NULL: there are as many as may be. */
struct web_session *web_session_open(struct web *web) MUST_CHECK;
struct web_session *web_session_find(struct web *web, const char *cookie); /* and is seen */
void web_session_close(struct web *web, struct web_session *session);
void web_session_close_all(struct web *web); /* and the tickets */

/* What the session has, or with WEB_TOKEN_ONCE a new one. Never NULL. */
const struct web_ticket *web_ticket_fetch(struct web *web, struct web_session *session);

/* Of a session that lives, or of a ticket. */
bool web_cookie_is_good(struct web *web, const char *cookie);

/* ---- web_page.c: from a request to an answer ---- */

struct web_answer {
	int status;
	const char *type;      /* of the body */
	struct evbuffer *head; /* more header lines, each with its line end */
	struct evbuffer *body;
};

typedef void web_page_fn(struct web *web, const struct web_request *request,
	struct web_session *session, struct web_answer *answer);

struct web_page {
	const char *path;
	unsigned methods;    /* bits 1 << enum web_method */
	bool needs_session;  /* else session may be NULL */
	web_page_fn *answer; /* status is 200 before */
};

/* Rows up to one with no path. */
extern const struct web_page web_asp_pages[];
extern const struct web_page web_rest_pages[];
extern const struct web_page web_digest_pages[];

/* Answers anything but tunnel and WebSocket. */
void web_page_serve(struct web *web, const struct web_request *request, bool is_secure,
	struct web_answer *answer);

/* The name and password of a login, checked; NULL if they are wrong or all sessions are in use,
 * then answer has the status: 401 (200 with WEB_BAD_WITH_200) or 503. */
struct web_session *web_page_login(struct web *web, const struct web_request *request,
	const char *user_field, const char *password_field, struct web_answer *answer) MUST_CHECK;

/* The same once the credentials are known to be good or not. */
struct web_session *web_page_admit(
	struct web *web, bool is_good, struct web_answer *answer) MUST_CHECK;

/* Counted and said. */
void web_page_logout(struct web *web, struct web_session *session);

/* The standard words of a status. */
const char *web_status_text(int status);

/* The name of the session in the request, from its cookie or query; false if it has none. */
bool web_page_cookie(
	struct web *web, const struct web_request *request, char out[SECRET_SIZE]) MUST_CHECK;

/* web_jnlp.c: the page that has the console's start file, with its arguments (iusb-protocol 8.1).
 */
void web_answer_jnlp(struct web *web, const struct web_request *request,
	struct web_session *session, struct web_answer *answer);

/* ---- web_connection.c: one connection ---- */

enum after {        /* what comes when the answer has gone */
	AFTER_NEXT, /* the next request */
	AFTER_CLOSE,
	AFTER_UPGRADE, /* the media service takes over */
	AFTER_SILENCE,
};

struct web_connection {
	TAILQ_ENTRY(web_connection) entry;
	struct web *web;
	struct link *link;
	bool is_secure;
	bool is_media; /* of a media port: only an upgrade is served */
	struct in_addr address;
	char peer[PEER_NAME_SIZE];
	enum connection_state {
		CONNECTION_READING,
		CONNECTION_ANSWERING,
		CONNECTION_LINGERING, /* said its last word: waits for the client's end */
		CONNECTION_SILENT,
	} state;
	enum after after;
	enum device device;        /* of an upgrade */
	bool is_websocket;         /* else a tunnel */
	struct web_client *client; /* set while a request is under way */
	char in[WEB_REQUEST_MAX];  /* what has arrived */
	size_t in_len, in_used;    /* in_used: of the request in work */
	struct evbuffer *out;
	size_t piece;           /* WEB_SLOW: bytes that may go now; else SIZE_MAX */
	struct event *deadline; /* of the state */
	struct event *slow;
};

void web_connection_new(struct web *web, struct link *link, bool is_secure);
void web_connection_free(struct web_connection *connection, bool is_reset);

/* ---- web_upgrade.c: tunnel and WebSocket ---- */

/* True if the request is of that kind. */
bool web_upgrade_is_tunnel(const struct web_request *request);
bool web_upgrade_is_websocket(const struct web_request *request);

/*
 * CONNECT and the JVIEWER line behind it, of which len bytes have arrived. Writes the answer and
 * sets what comes after it, in_used among it; false if more is to come.
 */
bool web_upgrade_tunnel(struct web_connection *connection, const struct web_request *request,
	const char *line, size_t len);

/* True if the WebSocket is accepted: the answer is written. Else answer has the status. */
bool web_upgrade_websocket(struct web_connection *connection, const struct web_request *request,
	struct web_answer *answer);

#endif
