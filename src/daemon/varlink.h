/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * varlink: a server for NUL-terminated JSON messages on a Unix socket, with peer credentials,
 * limits for each client and streams. Knows nothing of iusbd's methods: they are rows of a table
 * that is given to it.
 *
 * A client's calls are answered in their order, one at a time; what it sends meanwhile waits. A
 * client that only stops sending is served to the end. What is no JSON object with a method, or is
 * too long, ends that client. A client that does not take its answers is dropped, never waited for.
 */
#ifndef DAEMON_VARLINK_H
#define DAEMON_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct varlink_server;
struct varlink_call; /* one call that has not been answered for the last time */

enum {
	VARLINK_MESSAGE_MAX = 1024 * 1024,    /* bytes of one message */
	VARLINK_OUTPUT_MAX = 8 * 1024 * 1024, /* bytes not yet taken by a slow client; with more it
						 is dropped instead of being told more */
	VARLINK_OUTPUT_TIMEOUT = 60,          /* seconds in which a client takes nothing at all */
	VARLINK_CLIENTS_MAX = 64,
};

enum varlink_role {
	VARLINK_ROLE_NONE,
	VARLINK_ROLE_VIEW,   /* group iusb-view may look */
	VARLINK_ROLE_CHANGE, /* root, the daemon's own user and group iusb may change */
};

/* Answers the call at once or later. parameters live until it returns; never NULL, {} if the client
 * sent none. */
typedef void varlink_method_cb(void *context, struct varlink_call *call, json_t *parameters);

struct varlink_method {
	const char *name;       /* "org.iusbd.Attach" */
	enum varlink_role role; /* that a caller needs; else org.iusbd.NotAllowed (reason) */
	varlink_method_cb *run;
};

struct varlink_interface {
	const char *name;        /* "org.iusbd" */
	const char *description; /* the .varlink text */
	const struct varlink_method *methods;
	size_t method_count;
};

/*
 * Serves the interface, and org.varlink.service beside it. fd is a listening socket (socket
 * activation) that is taken over, or -1 to make one at path: mode 0660, group iusb where that group
 * exists, an ACL for group iusb-view where that exists; a stale socket there is replaced, a live
 * one, or anything else there, is an error. NULL with the reason. The groups' members are looked up
 * for each client, the groups now.
 */
struct varlink_server *varlink_server_new(struct event_base *base, const char *path, int fd,
	const struct varlink_interface *interface, void *context, struct reason *why) MUST_CHECK;

/* Ends all clients; a socket that it made is removed. A null server is allowed. */
void varlink_server_free(struct varlink_server *server);

/* The last answer to a call; takes parameters (may be NULL for none). The call is gone. */
void varlink_reply(struct varlink_call *call, json_t *parameters);

/* One more answer to a call with "more" (asserts it); others will follow. */
void varlink_reply_continue(struct varlink_call *call, json_t *parameters);

/* An error as the last answer: "org.iusbd.NoSuchTarget". Takes parameters. The call is gone. */
void varlink_error(struct varlink_call *call, const char *error, json_t *parameters);

/* org.varlink.service.InvalidParameter. The call is gone. */
void varlink_invalid(struct varlink_call *call, const char *parameter);

/* The client said that it takes more than one answer. */
bool varlink_wants_more(const struct varlink_call *call);

uid_t varlink_uid(const struct varlink_call *call);

/* gone is called from the loop, or from varlink_server_free(), if the client goes away before the
 * last answer; the call must not be used any more. */
void varlink_on_gone(struct varlink_call *call, void (*gone)(void *arg), void *arg);

#endif
