/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: one blocking Varlink connection over a Unix socket: NUL-terminated JSON, one call at a
 * time, each with a deadline. Trusts nothing in the answers.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/reason.h"

struct client;
struct interrupt;

enum {
	CLIENT_MESSAGE_MAX = 16 * 1024 * 1024, /* bytes of one answer */
};

enum client_status {
	CLIENT_OK,
	CLIENT_ERROR,       /* the answer is an error of the interface */
	CLIENT_UNREACHABLE, /* nobody there */
	CLIENT_NOT_ALLOWED, /* the socket is not for this user */
	CLIENT_TIMEOUT,     /* no last answer before the deadline */
	CLIENT_LOST,        /* the connection ended before the last answer */
	CLIENT_GARBAGE,     /* an answer that is not Varlink, or too large */
	CLIENT_INTERRUPTED, /* SIGINT while waiting (request.interrupt) */
};

struct client_request {
	const char *method; /* "org.iusbd.Status" */
	json_t *parameters; /* borrowed; NULL for none */
	double timeout;     /* seconds until the last answer has to be there */
	bool more;          /* answers before the last one are welcome */
	void *arg;          /* of the two functions, which may both be NULL */
	void (*on_answer)(void *arg, const json_t *parameters); /* each answer before the last */
	void (*on_tick)(void *arg, double elapsed); /* a few times a second while waiting */
	const struct interrupt *interrupt;          /* caught before the call, or NULL */
};

struct client_reply {       /* zero-initialise before the first use */
	json_t *parameters; /* of the last answer or error, an object; NULL unless CLIENT_OK or
			       CLIENT_ERROR */
	char *error;        /* "org.iusbd.NoSuchTarget"; NULL unless CLIENT_ERROR */
	struct reason why;  /* for a person; empty only with CLIENT_OK */
};

/*
 * Connects within timeout seconds. NULL with *status (CLIENT_UNREACHABLE, CLIENT_NOT_ALLOWED) and
 * the reason, which says what to do about it.
 */
struct client *client_open(const char *path, double timeout, enum client_status *status,
	struct reason *why) MUST_CHECK;

/* A null client is allowed. */
void client_close(struct client *client);

/* Calls and waits for the last answer. After anything but CLIENT_OK and CLIENT_ERROR the client is
 * good for client_close() only. */
enum client_status client_call(struct client *client, const struct client_request *request,
	struct client_reply *reply) MUST_CHECK;

/* Frees what client_call() put there. */
void client_reply_fini(struct client_reply *reply);

#endif
