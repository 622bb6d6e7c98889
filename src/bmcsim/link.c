/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link: a client's connection as bytes: the socket, its events, and what is buffered between it and
 * the layers above. */
#include "bmcsim/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <openssl/ssl.h>

#include "base/memory.h"
#include "bmcsim/link_parts.h"

static const struct timeval at_once = { 0, 0 };

/* True if link_read() would not say EAGAIN, as far as is known without asking the socket. */
static bool
has_input(const struct link *link)
{
	return link->error || link->has_ended || evbuffer_get_length(link->unread) > 0 ||
	       (link->ws && evbuffer_get_length(link->ws->in) > 0) ||
	       (link->ssl && link_tls_has_input(link));
}

static void
arm(struct event *event, bool is_on, const struct timeval *delay)
{
	if (is_on)
		event_add(event, delay);
	else
		event_del(event);
}

/* Listens for what is wanted, and for what the link itself needs. */
static void
rearm(struct link *link)
{
	bool is_dead = link->error || link->has_ended;
	bool is_inside = has_input(link);
	bool is_securing = link->ssl && !link->is_secured;

	arm(link->now,
		((link->wanted & EV_READ) && is_inside) ||
			((link->wanted & EV_WRITE) && link->error),
		&at_once);
	arm(link->readable, !is_dead && !is_inside && ((link->wanted & EV_READ) || is_securing),
		NULL);
	arm(link->writable,
		!link->error && (((link->wanted & EV_WRITE) && !is_securing) ||
					evbuffer_get_length(link->out) > 0),
		NULL);
}

/* Tells the owner, who may free the link. */
static void
tell(struct link *link, short what)
{
	what &= link->wanted;
	if (what && link->cb)
		link->cb(link->fd, what, link->arg);
}

static void
now_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct link *link = arg;
	short told = link->error ? EV_READ | EV_WRITE : EV_READ;

	rearm(link);
	tell(link, told);
}

static void
readable_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct link *link = arg;

	if (link->ssl && !link->is_secured) {
		(void)link_tls_handshake(link); /* how it ended is told next */
		rearm(link);
		return;
	}
	tell(link, EV_READ);
}

static void
writable_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct link *link = arg;
	int result = link_flush(link);

	rearm(link);
	if (result == 0)
		tell(link, EV_WRITE);
}

struct link *
link_plain(struct event_base *base, evutil_socket_t fd)
{
	struct link *link = mem_new(1, sizeof(*link));

	link->base = base;
	link->fd = fd;
	link->unread = evbuffer_new();
	link->out = evbuffer_new();
	link->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable_cb, link);
	link->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, writable_cb, link);
	link->now = event_new(base, -1, 0, now_cb, link);
	return link;
}

void
link_set_cb(struct link *link, event_callback_fn cb, void *arg)
{
	link->cb = cb;
	link->arg = arg;
}

void
link_want(struct link *link, short what)
{
	link->wanted = what & (EV_READ | EV_WRITE);
	rearm(link);
}

void
link_unread(struct link *link, const void *bytes, size_t len)
{
	struct evbuffer *to = link->ws ? link->ws->in : link->unread;

	if (len > 0)
		evbuffer_prepend(to, bytes, len);
	rearm(link);
}

int
link_fail(struct link *link, int error, const char *fmt, ...)
{
	va_list args;
	char text[sizeof(link->why.text)];

	if (!link->error) {
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		reason_set(&link->why, "%s", text);
		link->error = error;
	}
	errno = link->error;
	return -1;
}

const char *
link_error(const struct link *link)
{
	return link->why.text;
}

void
link_complain(struct link *link, const char *fmt, ...)
{
	va_list args;
	char text[sizeof(link->complaint.text)];

	if (link->has_complaint)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	reason_set(&link->complaint, "%s", text);
	link->has_complaint = true;
}

bool
link_complaint(struct link *link, struct reason *what)
{
	bool has_one = link->has_complaint;

	if (has_one)
		*what = link->complaint;
	link->has_complaint = false;
	return has_one;
}

/* What recv() or send() has said, as link_read() and link_write() do: an error but EAGAIN ends it.
 */
static ssize_t
settle(struct link *link, ssize_t n)
{
	if (n < 0 && errno == EINTR)
		errno = EAGAIN;
	if (n < 0 && errno != EAGAIN)
		return link_fail(link, errno, "%s", strerror(errno));
	return n;
}

ssize_t
link_socket_read(struct link *link, void *buf, size_t len)
{
	ssize_t n = recv(link->fd, buf, len, MSG_DONTWAIT);

	if (n == 0)
		link->has_ended = true;
	return settle(link, n);
}

ssize_t
link_clear_read(struct link *link, void *buf, size_t len)
{
	if (evbuffer_get_length(link->unread) > 0)
		return evbuffer_remove(link->unread, buf, len);
	if (link->has_ended)
		return 0;
	return link->ssl ? link_tls_read(link, buf, len) : link_socket_read(link, buf, len);
}

ssize_t
link_read(struct link *link, void *buf, size_t len)
{
	ssize_t n;

	if (link->ws)
		n = link_ws_read(link, buf, len);
	else if (link->error)
		n = link_fail(link, link->error, "%s", link->why.text);
	else if (link->tunnel)
		n = link_tunnel_read(link, buf, len);
	else
		n = link_clear_read(link, buf, len);
	if (n < 0) {
		int error = errno;

		rearm(link);
		errno = error;
		return -1;
	}
	rearm(link);
	return n;
}

void
link_clear_put(struct link *link, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	if (link->ssl)
		(void)link_tls_write(link, bytes, len); /* a failure is kept in the link */
	else
		evbuffer_add(link->out, bytes, len);
}

int
link_flush(struct link *link)
{
	while (!link->error && evbuffer_get_length(link->out) > 0) {
		struct evbuffer_iovec vector;
		ssize_t n;

		if (evbuffer_peek(link->out, LINK_CHUNK, NULL, &vector, 1) < 1)
			break;
		n = send(link->fd, vector.iov_base, vector.iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			errno = EAGAIN;
			return -1;
		}
		if (n < 0)
			link_fail(link, errno, "%s", strerror(errno));
		else
			evbuffer_drain(link->out, (size_t)n);
	}
	if (link->error)
		return link_fail(link, link->error, "%s", link->why.text);
	if (link->is_shut && !link->is_shut_done) {
		shutdown(link->fd, SHUT_WR);
		link->is_shut_done = true;
	}
	return 0;
}

/* Takes what it can; what it took may still be in out. */
static ssize_t
take(struct link *link, const void *bytes, size_t len)
{
	ssize_t n;

	if (link->error)
		return link_fail(link, link->error, "%s", link->why.text);
	if (evbuffer_get_length(link->out) >= LINK_OUT_MAX) {
		errno = EAGAIN;
		return -1;
	}
	if (link->ws)
		return link_ws_write(link, bytes, len);
	if (link->ssl)
		return link_tls_write(link, bytes, len < LINK_CHUNK ? len : LINK_CHUNK);
	if (evbuffer_get_length(link->out) > 0) {
		errno = EAGAIN;
		return -1;
	}
	n = send(link->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return settle(link, n);
}

ssize_t
link_write(struct link *link, const void *bytes, size_t len)
{
	ssize_t n = 0;
	int error;

	if (len == 0 && link->ws && !link->error)
		link_ws_finish(link);
	if (link_flush(link) < 0 && (len == 0 || errno != EAGAIN))
		n = -1;
	else if (len > 0)
		n = take(link, bytes, len);
	error = errno;
	if (n > 0)
		(void)link_flush(link); /* the rest goes when it can; an error is told next */
	rearm(link);
	errno = error;
	return n;
}

bool
link_is_pending(const struct link *link)
{
	return !link->error && (evbuffer_get_length(link->out) > 0 ||
				       (link->ws && evbuffer_get_length(link->ws->packet) > 0));
}

evutil_socket_t
link_fd(const struct link *link)
{
	return link->fd;
}

void
link_shut(struct link *link)
{
	if (link->is_shut)
		return;
	if (!link->error) {
		if (link->ws)
			link_ws_shut(link);
		if (link->ssl)
			link_tls_shut(link);
	}
	link->is_shut = true;
	(void)link_flush(link); /* the rest goes when it can */
	rearm(link);
}

void
link_free(struct link *link, bool is_reset)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	if (!link)
		return;
	if (is_reset)
		setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		link_shut(link);
	event_free(link->readable);
	event_free(link->writable);
	event_free(link->now);
	if (link->ssl)
		SSL_free(link->ssl);
	link_ws_free(link->ws);
	free(link->tunnel);
	evbuffer_free(link->unread);
	evbuffer_free(link->out);
	evutil_closesocket(link->fd);
	free(link);
}
