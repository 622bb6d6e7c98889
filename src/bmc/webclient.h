/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webclient: requests to the web server of one BMC, one at a time, by libcurl, each on a connection
 * of its own: many of these servers close after an answer whatever they promised. No redirect is
 * followed, no proxy is used, and a password goes to that server only.
 */
#ifndef BMC_WEBCLIENT_H
#define BMC_WEBCLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/failure.h"
#include "bmc/tls.h"
#include "bmc/webanswer.h"

struct event_base;
struct webclient;

struct webclient_conf {
	const char *address;        /* not copied: outlives the client; tls, too */
	uint16_t port;              /* 0: 443, or 80 without TLS */
	const struct tls_conf *tls; /* NULL: HTTP instead of HTTPS */
};

/* Seconds. */
struct webclient_limits {
	double connect; /* until the server is connected, TLS included */
	double whole;   /* until the answer is there */
};

enum web_method {
	WEB_GET,
	WEB_POST,
	WEB_DELETE,
};

enum {
	WEBREQUEST_PATH_SIZE = 1024,
	WEBREQUEST_HEADER_SIZE = COOKIE_SIZE + 64,
};

/* Zero-initialised = GET of "". */
struct webrequest {
	enum web_method method;
	char path[WEBREQUEST_PATH_SIZE];     /* and query: encoded, begins with a slash */
	char cookie[WEBREQUEST_HEADER_SIZE]; /* "NAME=VALUE"; "": none */
	char csrf[WEBREQUEST_HEADER_SIZE];   /* a whole header line; "": none */
	char *form;              /* of POST; owned, erased when it is sent. NULL: empty */
	const char *cookie_name; /* looked for in the answer; NULL: none */
	/* For HTTP Digest, which is the only method that is ever spoken; copied. NULL: none. */
	const char *user, *password;
};

/* Frees what it owns, erases what it holds. */
void webrequest_fini(struct webrequest *request);

/*
 * The answer, whatever its status, with FAILURE_NONE; else the failure, its reason, and as much of
 * an answer as has come (status 0: nothing). The answer lives until the callback returns; the
 * receiver may call any webclient_ function.
 */
typedef void webclient_cb(
	void *arg, const struct webanswer *answer, enum failure failure, const struct reason *why);

struct webclient *webclient_new(struct event_base *base, const struct webclient_conf *conf,
	webclient_cb *cb, void *arg) MUST_CHECK;

/* Ends a request that is under way without its callback. NULL is allowed. */
void webclient_free(struct webclient *client);

/* Sends the request, which is webrequest_fini()'d; the callback comes from the loop, once. One at a
 * time (asserted). */
void webclient_ask(struct webclient *client, struct webrequest *request,
	const struct webclient_limits *limits);

/* For tests: the time for the request that is under way is over now. */
void webclient_expire(struct webclient *client);

#endif
