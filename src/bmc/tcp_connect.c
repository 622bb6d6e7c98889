/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp_connect: the addresses of a host, one attempt after the other. */
#include "bmc/tcp_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/memory.h"
#include "bmc/resolve.h"

enum { /* seconds, but the last */
	KEEP_ALIVE_IDLE = 30,
	KEEP_ALIVE_INTERVAL = 10,
	KEEP_ALIVE_COUNT = 3,
};

/* Lives through: resolving (resolve), trying addresses (fd, attempt). */
struct tcp_connect {
	struct event_base *base;
	char *address;
	uint16_t port;
	tcp_connect_cb *cb;
	void *arg;
	struct resolve *resolve;
	struct evutil_addrinfo *list;       /* owned */
	const struct evutil_addrinfo *next; /* of list: not tried yet */
	int fd;                             /* of the attempt under way, or -1 */
	struct event *attempt;              /* the attempt's outcome */
	struct event *giving_up;            /* tells the failure from the loop */
	struct reason why;
};

static void
explain(struct tcp_connect *tcp, int error)
{
	switch (error) {
	case ECONNREFUSED:
		reason_set(&tcp->why, "not listening on %u", tcp->port);
		break;
	case EHOSTUNREACH:
		reason_set(&tcp->why, "no route to host");
		break;
	case ENETUNREACH:
		reason_set(&tcp->why, "network unreachable");
		break;
	case ETIMEDOUT:
		reason_set(&tcp->why, "no answer from %.100s", tcp->address);
		break;
	default:
		reason_set(&tcp->why, "cannot connect: %s", strerror(error));
	}
}

static void
tune_socket(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_COUNT },
	};

	/* What the kernel does not have, the session works without. */
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof(options[i].value));
}

/* Ends the attempt under way, if any. */
static void
drop_attempt(struct tcp_connect *tcp)
{
	if (tcp->attempt)
		event_free(tcp->attempt);
	tcp->attempt = NULL;
	if (tcp->fd >= 0)
		close(tcp->fd);
	tcp->fd = -1;
}

void
tcp_connect_cancel(struct tcp_connect *tcp)
{
	if (!tcp)
		return;
	resolve_cancel(tcp->resolve);
	drop_attempt(tcp);
	if (tcp->list)
		evutil_freeaddrinfo(tcp->list);
	event_free(tcp->giving_up);
	free(tcp->address);
	free(tcp);
}

/* Tells how it ended; the socket of the attempt, if there is one, is the receiver's. */
static void
finish(struct tcp_connect *tcp)
{
	tcp_connect_cb *cb = tcp->cb;
	struct reason why = tcp->why;
	void *arg = tcp->arg;
	int fd = tcp->fd;

	tcp->fd = -1;
	tcp_connect_cancel(tcp);
	cb(arg, fd, fd < 0 ? &why : NULL);
}

static void
giving_up_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	finish(arg);
}

static void attempt_cb(evutil_socket_t fd, short what, void *arg);

/* Starts an attempt on the next address that allows it; the last one's error stays. */
static void
try_next(struct tcp_connect *tcp)
{
	drop_attempt(tcp);
	while (tcp->next) {
		const struct evutil_addrinfo *ai = tcp->next;

		tcp->next = ai->ai_next;
		tcp->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (tcp->fd < 0) {
			explain(tcp, errno);
			continue;
		}
		tune_socket(tcp->fd);
		if (connect(tcp->fd, ai->ai_addr, (socklen_t)ai->ai_addrlen) == 0 ||
			errno == EINPROGRESS) {
			tcp->attempt = event_new(tcp->base, tcp->fd, EV_WRITE, attempt_cb, tcp);
			event_add(tcp->attempt, NULL);
			return;
		}
		explain(tcp, errno);
		drop_attempt(tcp);
	}
	event_active(tcp->giving_up, EV_TIMEOUT, 0);
}

static void
attempt_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct tcp_connect *tcp = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0) {
		finish(tcp);
		return;
	}
	explain(tcp, error);
	try_next(tcp);
}

static void
resolved_cb(void *arg, struct evutil_addrinfo *list, const char *error)
{
	struct tcp_connect *tcp = arg;

	tcp->resolve = NULL;
	tcp->list = list;
	tcp->next = list;
	if (!list)
		reason_set(&tcp->why, "cannot resolve %.100s: %s", tcp->address, error);
	try_next(tcp);
}

struct tcp_connect *
tcp_connect_start(
	struct event_base *base, const char *address, uint16_t port, tcp_connect_cb *cb, void *arg)
{
	struct tcp_connect *tcp = mem_new(1, sizeof(*tcp));
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV,
	};
	char service[8];

	tcp->base = base;
	tcp->address = mem_strdup(address);
	tcp->port = port;
	tcp->cb = cb;
	tcp->arg = arg;
	tcp->fd = -1;
	tcp->giving_up = evtimer_new(base, giving_up_cb, tcp);
	snprintf(service, sizeof(service), "%u", port);
	if (evutil_getaddrinfo(address, service, &hints, &tcp->list) == 0) {
		tcp->next = tcp->list;
		try_next(tcp);
	} else {
		tcp->list = NULL;
		tcp->resolve = resolve_start(base, address, port, resolved_cb, tcp);
	}
	return tcp;
}
