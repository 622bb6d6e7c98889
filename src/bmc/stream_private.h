/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream_private: what the files of a stream share: the object, and the row of functions that each
 * transport is. stream.c is the interface and the way to an open stream, stream_direct.c,
 * stream_tunnel.c and stream_websocket.c are the transports.
 */
#ifndef BMC_STREAM_PRIVATE_H
#define BMC_STREAM_PRIVATE_H

#include <netdb.h>

#include "bmc/channel.h"
#include "bmc/stream.h"
#include "bmc/tunnel.h"
#include "bmc/websocket.h"

struct event;
struct tcp_connect;

enum stream_stage { /* in the order they are lived */
	STAGE_TCP,
	STAGE_TLS,   /* the channel gets ready, which is at once when it is plain */
	STAGE_REPLY, /* the web server's answer is awaited */
	STAGE_OPEN,
	STAGE_FAILED,
};

enum {
	STREAM_PEER_SIZE = NI_MAXHOST + 16,
};

struct stream {
	struct event_base *base;
	const struct carrier *carrier;
	char *address, *cookie, *path; /* owned; cookie and path may be NULL */
	uint16_t port, secure_port;
	enum device device;
	stream_cb *cb;
	void *arg;

	enum stream_stage stage;
	bool was_open;           /* it has been in STAGE_OPEN */
	struct tcp_connect *tcp; /* owned, in STAGE_TCP */
	struct tls_check *check; /* owned; NULL: plain */
	struct channel *channel; /* owned, from STAGE_TLS on */
	struct event *later;     /* what has to be told or done from the loop */
	bool is_wanted;
	enum failure failure;
	struct reason why;
	char peer[STREAM_PEER_SIZE];

	/* Transports with something to set up. */
	bool is_sending;   /* STREAM_DRAINED is due */
	bool has_news;     /* something that was seen is not told yet */
	bool is_peer_done; /* no more comes from the channel */

	struct tunnel tunnel; /* TRANSPORT_TUNNEL */

	/* TRANSPORT_WEBSOCKET */
	char key[WEBSOCKET_KEY_SIZE];
	struct websocket *ws;     /* owned, once it is open */
	struct evbuffer *payload; /* owned, with ws */
	bool is_closed_told;
};

/* A transport. Each function but write, pending, input, want and leave is called from the loop, and
 * may end in a call of the receiver: then the stream may be gone. */
struct carrier {
	const char *name;
	bool is_direct;                   /* there is nothing to set up */
	void (*start)(struct stream *);   /* the channel is ready */
	void (*took)(struct stream *);    /* the channel has input */
	void (*drained)(struct stream *); /* the channel has sent its output */
	void (*closed)(struct stream *);  /* the peer closed the channel */
	void (*later)(struct stream *);   /* stream->later, in STAGE_REPLY and STAGE_OPEN */
	void (*want)(struct stream *);    /* is_wanted has changed, in STAGE_OPEN */
	void (*write)(struct stream *, const void *head, size_t len, struct evbuffer *data);
	size_t (*pending)(const struct stream *);
	struct evbuffer *(*input)(struct stream *);
	void (*leave)(struct stream *); /* says goodbye, in STAGE_OPEN */
	void (*clear)(struct stream *); /* frees what is its own */
};

extern const struct carrier carrier_direct, carrier_tunnel, carrier_websocket;

/* ---- stream.c ---- */

/* These call the receiver: the last act of their caller. */
void stream_tell(struct stream *stream, enum stream_event event);
void stream_open(struct stream *stream); /* enters STAGE_OPEN, tells STREAM_CONNECTED */
void stream_fail(struct stream *stream, enum failure failure, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* carrier->later will be called from the loop. */
void stream_call_later(struct stream *stream);

/* ---- stream_direct.c: bytes as they are, for the tunnel too ---- */

void direct_took(struct stream *stream);
void direct_drained(struct stream *stream);
void direct_closed(struct stream *stream);
void direct_want(struct stream *stream);
void direct_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data);
size_t direct_pending(const struct stream *stream);
struct evbuffer *direct_input(struct stream *stream);

#endif
