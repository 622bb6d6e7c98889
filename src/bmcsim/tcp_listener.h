/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp_listener: a TCP port of a simulated BMC, which keeps its number while the BMC is down. */
#ifndef BMCSIM_TCP_LISTENER_H
#define BMCSIM_TCP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include <event2/util.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct tcp_listener;

/* A new connection: the socket is non-blocking and the receiver's, with TCP_NODELAY set. May call
 * tcp_listener_free(). */
typedef void tcp_listener_cb(void *arg, evutil_socket_t fd, const struct sockaddr_in *from);

/* Listens; port 0: the kernel chooses. NULL with the reason. */
struct tcp_listener *tcp_listener_new(struct event_base *base, struct in_addr address,
	uint16_t port, tcp_listener_cb *cb, void *arg, struct reason *why) MUST_CHECK;
void tcp_listener_free(struct tcp_listener *listener); /* NULL is allowed */

uint16_t tcp_listener_port(const struct tcp_listener *listener);

/* Closed, the port refuses connections, and nobody else can listen on it. 0, or -1 with the reason:
 * then it is closed. */
int tcp_listener_set_open(
	struct tcp_listener *listener, bool is_open, struct reason *why) MUST_CHECK;

#endif
