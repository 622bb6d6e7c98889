/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream: plain TCP on a libevent bufferevent. */
#include "bmc/stream.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/memory.h"
#include "bmc/resolve.h"
#include "iusb/packet.h"

enum {
	KEEP_ALIVE_IDLE = 30, /* seconds */
	KEEP_ALIVE_INTERVAL = 10,
	KEEP_ALIVE_COUNT = 3,
	DISCARD_MAX = 64, /* reads of what a closing stream leaves unread */
	PEER_SIZE = NI_MAXHOST + 16,
};

/* Lives through: resolving (resolve), trying addresses (fd, attempt), connected (bev). */
struct stream {
	struct event_base *base;
	char *address;
	uint16_t port;
	stream_cb *cb;
	void *arg;
	struct resolve *resolve;
	struct evutil_addrinfo *list;       /* owned */
	const struct evutil_addrinfo *next; /* of list: not tried yet */
	int fd;                             /* of the attempt under way, then of bev; or -1 */
	struct event *attempt;              /* the attempt's outcome */
	struct event *failing;              /* tells STREAM_FAILED from the loop */
	struct reason why;
	struct bufferevent *bev;
	bool is_wanted;
	bool is_over;    /* nothing more will be read */
	bool is_sending; /* STREAM_DRAINED is due */
	char peer[PEER_SIZE];
};

static void
explain_connect(struct stream *stream, int error)
{
	switch (error) {
	case ECONNREFUSED:
		reason_set(&stream->why, "not listening on %u", stream->port);
		break;
	case EHOSTUNREACH:
		reason_set(&stream->why, "no route to host");
		break;
	case ENETUNREACH:
		reason_set(&stream->why, "network unreachable");
		break;
	case ETIMEDOUT:
		reason_set(&stream->why, "no answer from %.100s", stream->address);
		break;
	default:
		reason_set(&stream->why, "cannot connect: %s", strerror(error));
	}
}

static void
explain_loss(struct stream *stream, int error)
{
	switch (error) {
	case ECONNRESET:
		reason_set(&stream->why, "connection reset");
		break;
	case EPIPE:
		reason_set(&stream->why, "the BMC closed the connection");
		break;
	case ETIMEDOUT:
		reason_set(&stream->why, "no answer to TCP keep-alives");
		break;
	case 0:
		reason_set(&stream->why, "the connection broke");
		break;
	default:
		reason_set(&stream->why, "connection lost: %s", strerror(error));
	}
}

/* In an order that makes room for TLS: this is about a socket, not about a stream. */
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

static void
remember_peer(struct stream *stream)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[NI_MAXHOST], service[16];

	if (getpeername(stream->fd, (struct sockaddr *)&address, &len) != 0 ||
		getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), service,
			sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(stream->peer, sizeof(stream->peer), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
		service);
}

/*
 * Reads while input is wanted and has room. A bufferevent that is left enabled with its input full
 * calls back again and again.
 */
static void
update_reading(struct stream *stream)
{
	size_t len = evbuffer_get_length(bufferevent_get_input(stream->bev));
	bool is_reading = bufferevent_get_enabled(stream->bev) & EV_READ;
	bool shall_read = stream->is_wanted && !stream->is_over && len < PACKET_MAX;

	if (shall_read && !is_reading)
		bufferevent_enable(stream->bev, EV_READ);
	else if (!shall_read && is_reading)
		bufferevent_disable(stream->bev, EV_READ);
}

static void
input_changed_cb(
	struct evbuffer *input UNUSED, const struct evbuffer_cb_info *info UNUSED, void *arg)
{
	update_reading(arg);
}

static void
read_cb(struct bufferevent *bev UNUSED, void *arg)
{
	struct stream *stream = arg;

	stream->cb(stream->arg, STREAM_INPUT, NULL);
}

static void
write_cb(struct bufferevent *bev UNUSED, void *arg)
{
	struct stream *stream = arg;

	/* A bufferevent also calls when there was nothing to write. */
	if (!stream->is_sending)
		return;
	stream->is_sending = false;
	stream->cb(stream->arg, STREAM_DRAINED, NULL);
}

static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	int error = EVUTIL_SOCKET_ERROR();
	struct stream *stream = arg;

	stream->is_over = true;
	if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING)) {
		stream->cb(stream->arg, STREAM_CLOSED, NULL);
		return;
	}
	bufferevent_disable(bev, EV_READ | EV_WRITE);
	explain_loss(stream, what & BEV_EVENT_ERROR ? error : 0);
	stream->cb(stream->arg, STREAM_FAILED, &stream->why);
}

static void
become_connected(struct stream *stream)
{
	stream->bev = bufferevent_socket_new(stream->base, stream->fd, 0);
	if (!stream->bev) {
		reason_set(&stream->why, "cannot connect: out of memory");
		event_active(stream->failing, EV_TIMEOUT, 0);
		return;
	}
	remember_peer(stream);
	bufferevent_setwatermark(stream->bev, EV_READ, 0, PACKET_MAX);
	/* The defaults of 16 KiB would cost an answer nine turns of the loop. */
	bufferevent_set_max_single_read(stream->bev, PACKET_MAX);
	bufferevent_set_max_single_write(stream->bev, PACKET_MAX);
	bufferevent_setcb(stream->bev, read_cb, write_cb, event_cb, stream);
	evbuffer_add_cb(bufferevent_get_input(stream->bev), input_changed_cb, stream);
	bufferevent_enable(stream->bev, EV_WRITE);
	update_reading(stream);
	stream->cb(stream->arg, STREAM_CONNECTED, NULL);
}

static void attempt_cb(evutil_socket_t fd, short what, void *arg);

/* Ends the attempt under way, if any. */
static void
drop_attempt(struct stream *stream)
{
	if (stream->attempt)
		event_free(stream->attempt);
	stream->attempt = NULL;
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

/* Starts an attempt on the next address that allows it; the last one's error stays. */
static void
try_next(struct stream *stream)
{
	drop_attempt(stream);
	while (stream->next) {
		const struct evutil_addrinfo *ai = stream->next;

		stream->next = ai->ai_next;
		stream->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (stream->fd < 0) {
			explain_connect(stream, errno);
			continue;
		}
		tune_socket(stream->fd);
		if (connect(stream->fd, ai->ai_addr, (socklen_t)ai->ai_addrlen) == 0 ||
			errno == EINPROGRESS) {
			stream->attempt =
				event_new(stream->base, stream->fd, EV_WRITE, attempt_cb, stream);
			event_add(stream->attempt, NULL);
			return;
		}
		explain_connect(stream, errno);
		drop_attempt(stream);
	}
	event_active(stream->failing, EV_TIMEOUT, 0);
}

static void
attempt_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct stream *stream = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0) {
		event_free(stream->attempt);
		stream->attempt = NULL;
		become_connected(stream);
		return;
	}
	explain_connect(stream, error);
	try_next(stream);
}

static void
resolved_cb(void *arg, struct evutil_addrinfo *list, const char *error)
{
	struct stream *stream = arg;

	stream->resolve = NULL;
	stream->list = list;
	stream->next = list;
	if (!list)
		reason_set(&stream->why, "cannot resolve %.100s: %s", stream->address, error);
	try_next(stream);
}

static void
failing_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct stream *stream = arg;

	stream->cb(stream->arg, STREAM_FAILED, &stream->why);
}

struct stream *
stream_connect(
	struct event_base *base, const char *address, uint16_t port, stream_cb *cb, void *arg)
{
	struct stream *stream = mem_new(1, sizeof(*stream));
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV,
	};
	char service[8];

	stream->base = base;
	stream->address = mem_strdup(address);
	stream->port = port;
	stream->cb = cb;
	stream->arg = arg;
	stream->fd = -1;
	stream->is_wanted = true;
	stream->failing = evtimer_new(base, failing_cb, stream);
	snprintf(service, sizeof(service), "%u", port);
	if (evutil_getaddrinfo(address, service, &hints, &stream->list) == 0) {
		stream->next = stream->list;
		try_next(stream);
	} else {
		stream->list = NULL;
		stream->resolve = resolve_start(base, address, port, resolved_cb, stream);
	}
	return stream;
}

/* Unread input would make close() a reset, which can cost the peer our last answer. */
static void
discard_unread(int fd)
{
	char unread[4096];

	for (int i = 0; i < DISCARD_MAX; i++)
		if (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) <= 0)
			break;
}

void
stream_free(struct stream *stream)
{
	if (!stream)
		return;
	resolve_cancel(stream->resolve);
	if (stream->bev) {
		/* The bufferevent itself may live on until its callbacks have returned. */
		evbuffer_remove_cb(bufferevent_get_input(stream->bev), input_changed_cb, stream);
		bufferevent_setcb(stream->bev, NULL, NULL, NULL, NULL);
		bufferevent_disable(stream->bev, EV_READ | EV_WRITE);
		bufferevent_setfd(stream->bev, -1);
		bufferevent_free(stream->bev);
		(void)shutdown(stream->fd, SHUT_WR);
		discard_unread(stream->fd);
	}
	drop_attempt(stream);
	if (stream->list)
		evutil_freeaddrinfo(stream->list);
	event_free(stream->failing);
	free(stream->address);
	free(stream);
}

struct evbuffer *
stream_input(struct stream *stream)
{
	assert(stream->bev);
	return bufferevent_get_input(stream->bev);
}

void
stream_want_input(struct stream *stream, bool is_wanted)
{
	stream->is_wanted = is_wanted;
	if (stream->bev)
		update_reading(stream);
}

void
stream_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data)
{
	assert(stream->bev);
	stream->is_sending = true;
	bufferevent_write(stream->bev, head, len);
	if (data)
		bufferevent_write_buffer(stream->bev, data);
}

size_t
stream_pending(const struct stream *stream)
{
	return stream->bev ? evbuffer_get_length(bufferevent_get_output(stream->bev)) : 0;
}

const char *
stream_peer(const struct stream *stream)
{
	return stream->peer;
}
