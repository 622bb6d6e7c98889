/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: a client's connection to a simulated BMC as bytes in and bytes out: a plain socket, TLS, or
 * WebSocket frames on either (iusb-protocol 7). What stands behind it (bmc_wire) sees packets'
 * bytes only.
 */
#ifndef BMCSIM_LINK_H
#define BMCSIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct link;
struct sim_tls;

/* A connected, non-blocking socket; owned from now on. */
struct link *link_plain(struct event_base *base, evutil_socket_t fd) MUST_CHECK;

/* The server's side of TLS on it; the handshake happens as bytes come. */
struct link *link_tls(struct event_base *base, evutil_socket_t fd, struct sim_tls *tls) MUST_CHECK;

enum {
	LINK_FRAME_MAX = 262144, /* the BMC's buffer (iusb-protocol 7.3) */
};

enum link_frames {         /* how packets go into WebSocket frames */
	LINK_FRAMES_WHOLE, /* one packet a message, one frame */
	LINK_FRAMES_ODD, /* fragmented, two packets in a frame, frames that do not match packets */
};

/*
 * From now on the bytes are WebSocket frames: unmasked binary ones go out, masked ones must come
 * in (an unmasked one ends the link); opcodes other than 0, 1, 2, 8, 10 are ignored, a ping is not
 * answered, close ends. input: what has arrived behind the HTTP request.
 */
void link_become_websocket(
	struct link *link, enum link_frames frames, const void *input, size_t len);

/*
 * From now on the bytes are those of a tunnel (iusb-protocol 7.2): raw IUSB, until between two
 * packets the client says JVIEWER DISCONNECT. That gets its one reply, and link_read() the end.
 */
void link_become_tunnel(struct link *link);

/* Puts bytes back that were read too far: link_read() delivers them first. */
void link_unread(struct link *link, const void *bytes, size_t len);

/*
 * cb gets EV_READ when there is something to read (or the end), EV_WRITE when what link_write()
 * left is to be tried again; only for those that are wanted, and again in each turn of the loop as
 * long as that is so. Only from the loop. May call link_free().
 */
void link_set_cb(struct link *link, event_callback_fn cb, void *arg);
void link_want(struct link *link, short what); /* EV_READ | EV_WRITE */

/* As recv() and send(): bytes, 0 at the end, or -1 with errno; EAGAIN for later. A read of a
 * WebSocket gives the payload. A write of 0 bytes finishes what is buffered inside. */
ssize_t link_read(struct link *link, void *buf, size_t len);
ssize_t link_write(struct link *link, const void *bytes, size_t len);

/* What the -1 of link_read() or link_write() was, unless EAGAIN, in words; for TLS what OpenSSL
 * said. */
const char *link_error(const struct link *link);

/*
 * The first rule that the client broke since the last call: a message that is not one whole packet,
 * an unmasked frame, ... False if there was none. To be asked after link_read().
 */
bool link_complaint(struct link *link, struct reason *what);

/* The socket, to ask it things. */
evutil_socket_t link_fd(const struct link *link);

/* No more is written: once everything is with the kernel the peer sees the end, as its transport
 * says it (close frame, close_notify, FIN). Reading goes on. */
void link_shut(struct link *link);

/* True while bytes that link_write() took are not with the kernel. */
bool link_is_pending(const struct link *link);

/* Closes; with is_reset the peer sees a TCP reset. NULL is allowed. */
void link_free(struct link *link, bool is_reset);

#endif
