/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: the bytes to and from a BMC behind one interface and one event enum: plain TCP or TLS,
 * and on it nothing, the tunnel through the web port, or WebSocket frames (iusb-protocol 7).
 * TCP_NODELAY, TCP keep-alive of 30 s (iusb-protocol 11.11). Never more than one packet's worth of
 * input is buffered. The process must ignore SIGPIPE.
 */
#ifndef BMC_STREAM_H
#define BMC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "bmc/failure.h"
#include "bmc/tls.h"

struct event_base;
struct evbuffer;
struct stream;

enum transport { /* design section 1 */
	TRANSPORT_DIRECT,
	TRANSPORT_TUNNEL,    /* text first, then raw IUSB (iusb-protocol 7.2) */
	TRANSPORT_WEBSOCKET, /* one packet a message (iusb-protocol 7.3) */
};

/* "direct", "tunnel", "websocket". */
const char *transport_name(enum transport transport);

/* Where to and how. Copied by stream_connect(). */
struct stream_conf {
	/* An IP address, v4 or v6, or a host name that is resolved without blocking; its addresses
	 * are tried in turn. */
	const char *address;
	uint16_t port;
	const struct tls_conf *tls; /* NULL: plain */
	enum pin pin;               /* which certificate that is */
	enum transport transport;

	/* TRANSPORT_TUNNEL */
	enum device device;   /* names the service: CDMEDIA, ... */
	uint16_t secure_port; /* of the web server: what CONNECT names; 0: 443 */
	const char *cookie;   /* the web cookie; with TRANSPORT_WEBSOCKET the QSESSIONID; may be
				 NULL */

	/* TRANSPORT_WEBSOCKET */
	const char *path; /* "/cd-server", "/" */
};

enum stream_event {
	STREAM_REACHED,   /* TCP is connected; TLS, tunnel or WebSocket are being set up. Comes only
			     if one of them is wanted */
	STREAM_CONNECTED, /* IUSB can be spoken */
	STREAM_INPUT,     /* bytes were added to stream_input() */
	STREAM_DRAINED,   /* all output has gone to the kernel */
	STREAM_CLOSED,    /* the peer closed; what it sent before is still in stream_input() */
	STREAM_FAILED,    /* why says it: "not listening on 5123", "no route to host", "connection
			     reset", "certificate changed: ..."; stream_failure() its kind */
};

/* Called from the loop only, never from within a stream_ function. why is set for STREAM_FAILED,
 * which is the last event. The receiver may call stream_free() from it. */
typedef void stream_cb(void *arg, enum stream_event event, const struct reason *why);

/* Starts to connect. Never NULL: what goes wrong comes as STREAM_FAILED. There is no time limit
 * here. */
struct stream *stream_connect(struct event_base *base, const struct stream_conf *conf,
	stream_cb *cb, void *arg) MUST_CHECK;

/*
 * Closes at once; what the kernel has taken is still delivered. Says goodbye as the transport wants
 * (TLS close_notify, WebSocket close, the tunnel's DISCONNECT) where it can do so without waiting.
 * A null stream is allowed.
 */
void stream_free(struct stream *stream);

/* Of STREAM_FAILED: FAILURE_UNREACHABLE, FAILURE_LOST, FAILURE_TLS, FAILURE_CERTIFICATE,
 * FAILURE_REFUSED (the web server said no) or FAILURE_PROTOCOL. */
enum failure stream_failure(const struct stream *stream);

/* What has arrived, without TLS and frames; the caller drains it. Only once it is connected. */
struct evbuffer *stream_input(struct stream *stream);

/* Stops (false) or resumes (true) reading; while it is stopped the peer is slowed down by TCP, and
 * its close is not noticed. Starts resumed. What is in stream_input() already is not told again. */
void stream_want_input(struct stream *stream, bool is_wanted);

/* Queues one packet; moves all of data when it is not NULL. Only once it is connected. */
void stream_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data);

/* Bytes that were queued and are not yet in the kernel. */
size_t stream_pending(const struct stream *stream);

/* The numeric address and port of the peer, as "10.0.0.7:5123" or "[2001:db8::7]:5123", "" before
 * it is reached. */
const char *stream_peer(const struct stream *stream);

/* The certificate and the TLS version, NULL on a plain stream. Lives as long as the stream. */
const struct tls_seen *stream_tls(const struct stream *stream);

#endif
