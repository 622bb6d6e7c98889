/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: the bytes to and from a BMC behind one interface and one event enum. Today plain TCP;
 * TLS, tunnel and WebSocket belong behind the same interface. TCP_NODELAY, TCP keep-alive of 30 s
 * (iusb-protocol 11.11). Never more than one packet's worth of input is buffered. The process must
 * ignore SIGPIPE.
 */
#ifndef BMC_STREAM_H
#define BMC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct evbuffer;
struct stream;

enum stream_event {
	STREAM_CONNECTED,
	STREAM_INPUT,   /* bytes were added to stream_input() */
	STREAM_DRAINED, /* all output has gone to the kernel */
	STREAM_CLOSED,  /* the peer closed; what it sent before is still in stream_input() */
	STREAM_FAILED,  /* why says it: "not listening on 5123", "no route to host", "connection
			   reset" */
};

/* Called from the loop only, never from within a stream_ function. why is set for STREAM_FAILED,
 * which is the last event. The receiver may call stream_free() from it. */
typedef void stream_cb(void *arg, enum stream_event event, const struct reason *why);

/*
 * Starts to connect to address (an IP address, v4 or v6, or a host name that is resolved without
 * blocking; its addresses are tried in turn) and port. Never NULL: what goes wrong comes as
 * STREAM_FAILED. There is no time limit here.
 */
struct stream *stream_connect(struct event_base *base, const char *address, uint16_t port,
	stream_cb *cb, void *arg) MUST_CHECK;

/* Closes at once; what the kernel has taken is still delivered. A null stream is allowed. */
void stream_free(struct stream *stream);

/* What has arrived; the caller drains it. Only once it is connected. */
struct evbuffer *stream_input(struct stream *stream);

/* Stops (false) or resumes (true) reading; while it is stopped the peer is slowed down by TCP, and
 * its close is not noticed. Starts resumed. What is in stream_input() already is not told again. */
void stream_want_input(struct stream *stream, bool is_wanted);

/* Queues bytes; moves all of data when it is not NULL. Only once it is connected. */
void stream_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data);

/* Bytes that were queued and are not yet in the kernel. */
size_t stream_pending(const struct stream *stream);

/* The numeric address and port of the peer, as "10.0.0.7:5123" or "[2001:db8::7]:5123", "" before
 * it is connected. */
const char *stream_peer(const struct stream *stream);

#endif
