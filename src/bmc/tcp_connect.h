/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp_connect: a TCP connection to a name or an address: resolves without blocking, tries the
 * addresses in turn, and tunes the socket (iusb-protocol 11.11). */
#ifndef BMC_TCP_CONNECT_H
#define BMC_TCP_CONNECT_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct tcp_connect;

/* Called once, from the loop; the object has ended by then. fd is a connected, non-blocking socket
 * that the receiver owns, or -1 with the reason of the last address: "not listening on 5123", "no
 * route to host". */
typedef void tcp_connect_cb(void *arg, int fd, const struct reason *why);

/* There is no time limit but the kernel's. */
struct tcp_connect *tcp_connect_start(struct event_base *base, const char *address, uint16_t port,
	tcp_connect_cb *cb, void *arg) MUST_CHECK;

/* The callback will not be called. A null object is allowed. */
void tcp_connect_cancel(struct tcp_connect *tcp);

#endif
