/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream: the way to an open stream: TCP, TLS, and what the transport wants; then its interface. */
#include "bmc/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmc/stream_private.h"
#include "bmc/tcp_connect.h"

enum {
	WEB_SECURE_PORT = 443,
};

static const struct carrier *const carriers[] = {
	[TRANSPORT_DIRECT] = &carrier_direct,
	[TRANSPORT_TUNNEL] = &carrier_tunnel,
	[TRANSPORT_WEBSOCKET] = &carrier_websocket,
};

const char *
transport_name(enum transport transport)
{
	return carriers[transport]->name;
}

/* ---- what the receiver is told ---- */

void
stream_tell(struct stream *stream, enum stream_event event)
{
	stream->cb(stream->arg, event, NULL);
}

static void
tell_failure(struct stream *stream)
{
	stream->stage = STAGE_FAILED;
	stream->cb(stream->arg, STREAM_FAILED, &stream->why);
}

void
stream_fail(struct stream *stream, enum failure failure, const char *fmt, ...)
{
	char text[sizeof(stream->why.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stream->failure = failure;
	reason_set(&stream->why, "%s", text);
	/* Nothing more is read from it. */
	if (stream->channel)
		channel_want(stream->channel, 0);
	tell_failure(stream);
}

void
stream_open(struct stream *stream)
{
	stream->stage = STAGE_OPEN;
	stream->was_open = true;
	stream->carrier->want(stream);
	stream_tell(stream, STREAM_CONNECTED);
}

void
stream_call_later(struct stream *stream)
{
	event_active(stream->later, EV_TIMEOUT, 0);
}

static void
later_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct stream *stream = arg;

	if (stream->stage == STAGE_REPLY || stream->stage == STAGE_OPEN)
		stream->carrier->later(stream);
}

/* ---- the way ---- */

static void
channel_event_cb(
	void *arg, enum channel_event event, enum failure failure, const struct reason *why)
{
	struct stream *stream = arg;

	if (stream->stage == STAGE_FAILED)
		return;
	switch (event) {
	case CHANNEL_READY:
		stream->stage = STAGE_REPLY;
		stream->carrier->start(stream);
		return;
	case CHANNEL_INPUT:
		stream->carrier->took(stream);
		return;
	case CHANNEL_DRAINED:
		stream->carrier->drained(stream);
		return;
	case CHANNEL_CLOSED:
		stream->carrier->closed(stream);
		return;
	case CHANNEL_FAILED:
		stream_fail(stream, failure, "%s", why->text);
		return;
	}
}

static void
remember_peer(struct stream *stream, int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[NI_MAXHOST], service[16];

	if (getpeername(fd, (struct sockaddr *)&address, &len) != 0 ||
		getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), service,
			sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(stream->peer, sizeof(stream->peer), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
		service);
}

static void
reached_cb(void *arg, int fd, const struct reason *why)
{
	struct stream *stream = arg;
	struct ssl_st *ssl = NULL;
	struct reason no_tls;

	stream->tcp = NULL;
	if (fd < 0) {
		stream_fail(stream, FAILURE_UNREACHABLE, "%s", why->text);
		return;
	}
	remember_peer(stream, fd);
	if (stream->check) {
		ssl = tls_client(stream->check, &no_tls);
		if (!ssl) {
			close(fd);
			stream_fail(stream, FAILURE_TLS, "%s", no_tls.text);
			return;
		}
	}
	stream->stage = STAGE_TLS;
	stream->channel =
		channel_new(stream->base, fd, ssl, stream->check, channel_event_cb, stream);
	if (stream->check || !stream->carrier->is_direct)
		stream_tell(stream, STREAM_REACHED);
}

/* ---- interface ---- */

struct stream *
stream_connect(struct event_base *base, const struct stream_conf *conf, stream_cb *cb, void *arg)
{
	struct stream *stream = mem_new(1, sizeof(*stream));

	assert((size_t)conf->transport < ARRAY_SIZE(carriers));
	stream->base = base;
	stream->carrier = carriers[conf->transport];
	stream->address = mem_strdup(conf->address);
	stream->cookie = mem_strdup(conf->cookie);
	stream->path = mem_strdup(conf->path);
	stream->port = conf->port;
	stream->secure_port = conf->secure_port ? conf->secure_port : WEB_SECURE_PORT;
	stream->device = conf->device;
	stream->cb = cb;
	stream->arg = arg;
	stream->is_wanted = true;
	if (conf->tls)
		stream->check = tls_check_new(conf->tls, conf->pin, conf->address);
	stream->later = evtimer_new(base, later_cb, stream);
	stream->tcp = tcp_connect_start(base, conf->address, conf->port, reached_cb, stream);
	return stream;
}

void
stream_free(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->stage == STAGE_OPEN)
		stream->carrier->leave(stream);
	tcp_connect_cancel(stream->tcp);
	channel_free(stream->channel);
	stream->carrier->clear(stream);
	tls_check_free(stream->check);
	event_free(stream->later);
	free(stream->address);
	free(stream->cookie);
	free(stream->path);
	free(stream);
}

enum failure
stream_failure(const struct stream *stream)
{
	return stream->failure;
}

struct evbuffer *
stream_input(struct stream *stream)
{
	assert(stream->was_open);
	return stream->carrier->input(stream);
}

void
stream_want_input(struct stream *stream, bool is_wanted)
{
	if (stream->is_wanted == is_wanted)
		return;
	stream->is_wanted = is_wanted;
	if (stream->stage == STAGE_OPEN)
		stream->carrier->want(stream);
}

void
stream_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data)
{
	assert(stream->was_open);
	stream->carrier->write(stream, head, len, data);
}

size_t
stream_pending(const struct stream *stream)
{
	return stream->was_open ? stream->carrier->pending(stream) : 0;
}

const char *
stream_peer(const struct stream *stream)
{
	return stream->peer;
}

const struct tls_seen *
stream_tls(const struct stream *stream)
{
	return stream->check ? tls_check_seen(stream->check) : NULL;
}
