/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: a connected socket, plain or TLS, as one buffer of bytes in and one of bytes out on the
 * event loop. Plain output goes from its buffers to the kernel without a copy. An idle channel
 * holds no buffers.
 */
#ifndef BMC_CHANNEL_H
#define BMC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/failure.h"

struct channel;
struct event_base;
struct evbuffer;
struct ssl_st;
struct tls_check;

enum channel_event {
	CHANNEL_READY,   /* bytes can be sent; with TLS the handshake is done and the peer is
			    verified */
	CHANNEL_INPUT,   /* bytes were added to channel_input() */
	CHANNEL_DRAINED, /* all output has gone to the kernel */
	CHANNEL_CLOSED,  /* the peer sends no more; what it sent before is in channel_input() */
	CHANNEL_FAILED,  /* with its kind and reason; the last event */
};

/* Called from the loop only. The receiver may call channel_free() from it. */
typedef void channel_cb(
	void *arg, enum channel_event event, enum failure failure, const struct reason *why);

/* On a connected, non-blocking socket, owned from now on. ssl (owned) is a client's that has not
 * begun, of check (not owned); both NULL: plain. CHANNEL_READY comes in any case. */
struct channel *channel_new(struct event_base *base, int fd, struct ssl_st *ssl,
	struct tls_check *check, channel_cb *cb, void *arg) MUST_CHECK;

/* Closes at once, with a TLS close_notify where that needs no waiting. What the kernel has taken
 * is still delivered. NULL is allowed. */
void channel_free(struct channel *channel);

/* What has arrived; the receiver drains it. */
struct evbuffer *channel_input(struct channel *channel);

/* Reads while the input holds less than max bytes; 0: not at all, and then an end is not noticed.
 * Starts with 0. */
void channel_want(struct channel *channel, size_t max);

/* What is to be sent: add to it, then call channel_send(); it goes out from the loop. */
struct evbuffer *channel_output(struct channel *channel);
void channel_send(struct channel *channel);

/* Sends what the kernel takes right now, and tells nothing. For the last words. */
void channel_flush(struct channel *channel);

#endif
