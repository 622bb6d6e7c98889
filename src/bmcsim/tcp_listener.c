/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp_listener: a TCP port of a simulated BMC. */
#include "bmcsim/tcp_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "base/memory.h"

enum {
	BACKLOG = 16,
};

struct tcp_listener {
	struct event_base *base;
	struct sockaddr_in sin; /* the port is known as soon as it was bound once */
	evutil_socket_t fd;     /* while closed: bound, but not listening; -1: not even that */
	struct event *acceptable;
	struct event *later; /* accept() failed: no more files; tried again in a moment */
	tcp_listener_cb *cb;
	void *arg;
};

static void
accept_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	static const struct timeval moment = { 0, 200000 };
	struct tcp_listener *listener = arg;
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	int on = 1;
	int client = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (client >= 0) {
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		listener->cb(listener->arg, client, &from);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		event_del(listener->acceptable);
		event_add(listener->later, &moment);
	}
}

static void
later_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct tcp_listener *listener = arg;

	event_add(listener->acceptable, NULL);
}

static int
fail(struct tcp_listener *listener, struct reason *why)
{
	int error = errno;
	char address[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &listener->sin.sin_addr, address, sizeof(address));
	return reason_set(why, "cannot listen on %s port %u: %s", address,
		ntohs(listener->sin.sin_port), strerror(error));
}

static void
unbind(struct tcp_listener *listener)
{
	if (listener->acceptable)
		event_free(listener->acceptable);
	listener->acceptable = NULL;
	event_del(listener->later);
	if (listener->fd >= 0)
		evutil_closesocket(listener->fd);
	listener->fd = -1;
}

static int
bind_it(struct tcp_listener *listener, struct reason *why)
{
	socklen_t len = sizeof(listener->sin);
	int on = 1;

	if (listener->fd >= 0)
		return 0;
	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd >= 0 &&
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(listener->fd, (struct sockaddr *)&listener->sin, len) == 0 &&
		getsockname(listener->fd, (struct sockaddr *)&listener->sin, &len) == 0)
		return 0;
	fail(listener, why);
	unbind(listener);
	return -1;
}

struct tcp_listener *
tcp_listener_new(struct event_base *base, struct in_addr address, uint16_t port,
	tcp_listener_cb *cb, void *arg, struct reason *why)
{
	struct tcp_listener *listener = mem_new(1, sizeof(*listener));

	listener->base = base;
	listener->sin.sin_family = AF_INET;
	listener->sin.sin_addr = address;
	listener->sin.sin_port = htons(port);
	listener->fd = -1;
	listener->cb = cb;
	listener->arg = arg;
	listener->later = event_new(base, -1, 0, later_cb, listener);
	if (tcp_listener_set_open(listener, true, why) == 0)
		return listener;
	tcp_listener_free(listener);
	return NULL;
}

void
tcp_listener_free(struct tcp_listener *listener)
{
	if (!listener)
		return;
	unbind(listener);
	event_free(listener->later);
	free(listener);
}

uint16_t
tcp_listener_port(const struct tcp_listener *listener)
{
	return ntohs(listener->sin.sin_port);
}

int
tcp_listener_set_open(struct tcp_listener *listener, bool is_open, struct reason *why)
{
	if (is_open == (listener->acceptable != NULL))
		return 0;
	if (!is_open) {
		unbind(listener);
		return bind_it(listener, why);
	}
	if (bind_it(listener, why) < 0)
		return -1;
	if (listen(listener->fd, BACKLOG) < 0)
		return fail(listener, why);
	listener->acceptable =
		event_new(listener->base, listener->fd, EV_READ | EV_PERSIST, accept_cb, listener);
	event_add(listener->acceptable, NULL);
	return 0;
}
