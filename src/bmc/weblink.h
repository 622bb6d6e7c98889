/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weblink: a connection to a BMC's web server that looks like a plain socket. TCP, TLS with our
 * verification, and repeated status lines are on this side of it, HTTP (libcurl) on the other.
 */
#ifndef BMC_WEBLINK_H
#define BMC_WEBLINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/failure.h"
#include "bmc/tls.h"

struct event_base;
struct weblink;

/* What went wrong with the connection, for whoever waits for an answer. */
struct weblink_trouble {
	enum failure failure; /* FAILURE_NONE: nothing so far */
	struct reason why;
};

struct weblink_conf {
	const char *address; /* not copied, as the others: they outlive the link */
	uint16_t port;
	const struct tls_conf *tls; /* NULL: plain */
	double limit;               /* seconds until it must be connected, TLS included */
};

/* An address of the kernel's choosing in the abstract namespace is so short. */
struct weblink_name {
	struct sockaddr address;
	socklen_t len;
};

/*
 * Starts to connect. *fd is the user's end: a socket that it has to connect() to *name, which
 * succeeds at once (nobody else can connect there); then it can write. The user closes it, and
 * calls weblink_free() before. If the connection cannot be made or breaks, *trouble says so, and
 * then the user's end is at its end of file. NULL if there are no sockets left (*trouble is set).
 */
struct weblink *weblink_open(struct event_base *base, const struct weblink_conf *conf,
	struct weblink_trouble *trouble, int *fd, struct weblink_name *name) MUST_CHECK;

/* True if it is the link with that user's end. */
bool weblink_has_fd(const struct weblink *link, int fd);

void weblink_free(struct weblink *link); /* NULL is allowed */

#endif
