/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_parts: the inside of a link, shared by link.c (the socket), link_tls.c, link_ws.c and
 * link_tunnel.c. Nobody else includes it. */
#ifndef BMCSIM_LINK_PARTS_H
#define BMCSIM_LINK_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "iusb/packet.h"

struct evbuffer;

enum {
	LINK_CHUNK = 16384,    /* bytes of one read from the socket, or of one TLS record */
	LINK_OUT_MAX = 262144, /* no more is taken while that much waits for the kernel */
	WS_HEAD_MAX = 14,
	TUNNEL_HEAD = 16, /* header bytes up to the end of DataPktLen */
};

/* What a tunnel's read has to know to see a text between two packets. */
struct link_tunnel {
	uint8_t head[TUNNEL_HEAD];
	size_t head_len;
	uint64_t left; /* bytes of the packet in work */
};

/* WebSocket frames, in and out. */
struct link_ws {
	enum link_frames frames;
	struct chance chance;

	uint8_t head[WS_HEAD_MAX]; /* of the frame that comes in */
	size_t head_len;
	uint64_t left;    /* payload bytes of it that are to come */
	bool is_in_frame; /* the header is whole */
	bool is_final;
	uint8_t opcode;
	uint8_t mask[4];
	unsigned mask_at;
	bool is_in_message; /* fragments are to come */
	uint64_t message_len;
	uint8_t message[PACKET_SCSI_LEN]; /* its first bytes */
	struct evbuffer *in;              /* payload, for link_read() */

	struct evbuffer *packet; /* what link_write() took and no frame holds yet */
	bool is_continuing;      /* the last frame out was a fragment */
	bool is_closed;          /* a close frame went out */
};

struct link {
	struct event_base *base;
	evutil_socket_t fd;
	struct event *readable, *writable;
	struct event *now; /* the next turn of the loop: what is to be told is inside already */
	event_callback_fn cb;
	void *arg;
	short wanted;
	bool has_ended; /* the peer has no more to say */
	bool is_shut;   /* nor have we, once out is empty */
	bool is_shut_done;
	int error; /* errno, for good; 0: none */
	struct reason why;
	bool has_complaint;
	struct reason complaint;
	struct evbuffer *unread; /* read before, delivered first; below the frames */
	struct evbuffer *out;    /* taken, not with the kernel: TLS records, frames */

	struct ssl_st *ssl; /* NULL: plain; its BIOs are memory */
	bool is_secured;    /* the handshake is done */

	struct link_ws *ws; /* NULL: no frames */
	struct link_tunnel *tunnel;
};

/* ---- link.c ---- */

/* The link is lost for good: link_read() and link_write() give -1 with that errno. Returns -1. */
int link_fail(struct link *link, int error, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The client broke a rule. */
void link_complain(struct link *link, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As recv(), from the socket itself. */
ssize_t link_socket_read(struct link *link, void *buf, size_t len);

/* As recv(), without TLS, with frames. */
ssize_t link_clear_read(struct link *link, void *buf, size_t len);

/* Queues bytes in out, through TLS if there is any. */
void link_clear_put(struct link *link, const void *bytes, size_t len);

/* Sends what is in out: 0 if that was all, else -1 with errno. */
int link_flush(struct link *link);

/* ---- link_tls.c ---- */

/* 0 when the handshake is done, -1 with errno: EAGAIN, or why it never will be. */
int link_tls_handshake(struct link *link);
ssize_t link_tls_read(struct link *link, void *buf, size_t len);

/* len is at least 1. Bytes taken, or -1 with errno. */
ssize_t link_tls_write(struct link *link, const void *bytes, size_t len);
void link_tls_shut(struct link *link);
bool link_tls_has_input(const struct link *link);

/* ---- link_ws.c ---- */

ssize_t link_ws_read(struct link *link, void *buf, size_t len);
ssize_t link_ws_write(struct link *link, const void *bytes, size_t len);

/* What is no whole packet goes as it is. */
void link_ws_finish(struct link *link);
void link_ws_shut(struct link *link);
void link_ws_free(struct link_ws *ws); /* NULL is allowed */

/* ---- link_tunnel.c ---- */

ssize_t link_tunnel_read(struct link *link, void *buf, size_t len);

#endif
