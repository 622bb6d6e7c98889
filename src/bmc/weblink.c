/* SPDX-License-Identifier: GPL-2.0-or-later */
/* weblink: carries bytes between libcurl's socket and the channel to the web server. */
#include "bmc/weblink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmc/channel.h"
#include "bmc/clock.h"
#include "bmc/secret.h"
#include "bmc/tcp_connect.h"
#include "bmc/webhead.h"

enum {
	INPUT_MAX = 65536,
	PIECE = 4096,
};

struct weblink {
	struct event_base *base;
	struct weblink_conf conf;
	struct weblink_trouble *trouble;
	int listener; /* until the user's end has come, -1 then */
	int fd;       /* our end, -1 before */
	int user_fd;  /* only remembered */
	struct weblink_name user_name;
	struct tcp_connect *tcp; /* while it connects, */
	struct tls_check *check; /* NULL: plain */
	struct channel *channel; /* then this; NULL again when it has ended */
	struct event *reading, *writing, *deadline;
	struct evbuffer *out; /* to the user */
	struct webhead head;
	bool is_ready; /* the channel: bytes can be sent */
	bool has_ended;
};

/* ---- the end ---- */

static void
set_trouble(struct weblink *link, enum failure failure, const char *text)
{
	if (link->trouble->failure != FAILURE_NONE)
		return;
	link->trouble->failure = failure;
	reason_set(&link->trouble->why, "%s", text);
}

/* Sends the user what there is for it; at the end of that, the end. */
static void
push(struct weblink *link)
{
	if (link->fd < 0)
		return;
	while (evbuffer_get_length(link->out) > 0) {
		if (evbuffer_write(link->out, link->fd) < 0) {
			if (errno == EAGAIN)
				event_add(link->writing, NULL);
			return;
		}
	}
	if (link->has_ended)
		shutdown(link->fd, SHUT_RDWR);
	else
		channel_want(link->channel, INPUT_MAX);
}

static void
pass_cb(void *arg, const void *bytes, size_t len)
{
	struct weblink *link = arg;

	evbuffer_add(link->out, bytes, len);
}

static void
end(struct weblink *link)
{
	event_del(link->deadline);
	if (link->fd >= 0)
		event_del(link->reading);
	tcp_connect_cancel(link->tcp);
	link->tcp = NULL;
	channel_free(link->channel);
	link->channel = NULL;
	webhead_end(&link->head, pass_cb, link);
	link->has_ended = true;
	push(link);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct weblink *link = arg;
	struct reason why;

	if (link->tcp) {
		reason_set(&why, "no answer from the web server's port %u within %.0f s",
			link->conf.port, link->conf.limit);
		set_trouble(link, FAILURE_UNREACHABLE, why.text);
	} else {
		reason_set(&why, "the web server did not finish the TLS handshake within %.0f s",
			link->conf.limit);
		set_trouble(link, FAILURE_SILENT, why.text);
	}
	end(link);
}

/* ---- bytes ---- */

static void
take_input(struct weblink *link)
{
	struct evbuffer *in = channel_input(link->channel);
	unsigned char buf[PIECE];
	int n;

	while ((n = evbuffer_remove(in, buf, sizeof(buf))) > 0)
		webhead_feed(&link->head, buf, (size_t)n, pass_cb, link);
	secret_erase(buf, sizeof(buf));
	channel_want(link->channel, 0);
	push(link);
}

static void
channel_event_cb(
	void *arg, enum channel_event event, enum failure failure, const struct reason *why)
{
	struct weblink *link = arg;

	switch (event) {
	case CHANNEL_READY:
		event_del(link->deadline);
		link->is_ready = true;
		if (link->fd >= 0)
			event_add(link->reading, NULL);
		channel_want(link->channel, INPUT_MAX);
		break;
	case CHANNEL_INPUT:
		take_input(link);
		break;
	case CHANNEL_DRAINED:
		break;
	case CHANNEL_CLOSED:
		end(link);
		break;
	case CHANNEL_FAILED:
		set_trouble(link, failure, why->text);
		end(link);
		break;
	}
}

/* A request may carry a password. */
static void
erase_cb(const void *bytes, size_t len, void *arg)
{
	(void)bytes;
	secret_erase(arg, len);
	free(arg);
}

static void
reading_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct weblink *link = arg;
	unsigned char buf[PIECE];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n > 0) {
		char *copy = mem_new(1, (size_t)n);

		memcpy(copy, buf, (size_t)n);
		secret_erase(buf, (size_t)n);
		evbuffer_add_reference(
			channel_output(link->channel), copy, (size_t)n, erase_cb, copy);
		channel_send(link->channel);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		event_del(link->reading);
	}
}

static void
writing_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	push(arg);
}

/* ---- the beginning ---- */

static void
connected_cb(void *arg, int fd, const struct reason *why)
{
	struct weblink *link = arg;
	struct ssl_st *ssl = NULL;
	struct reason trouble;

	link->tcp = NULL;
	if (fd < 0) {
		set_trouble(link, FAILURE_UNREACHABLE, why->text);
		end(link);
		return;
	}
	if (link->conf.tls) {
		link->check = tls_check_new(link->conf.tls, PIN_WEB, link->conf.address);
		ssl = tls_client(link->check, &trouble);
		if (!ssl) {
			close(fd);
			set_trouble(link, FAILURE_TLS, trouble.text);
			end(link);
			return;
		}
	}
	link->channel = channel_new(link->base, fd, ssl, link->check, channel_event_cb, link);
}

/* Only the user's end knows its own name. */
static bool
is_user(const struct weblink *link, int fd)
{
	struct weblink_name name = { .len = sizeof(name.address) };

	return getpeername(fd, &name.address, &name.len) == 0 && name.len == link->user_name.len &&
	       memcmp(&name.address, &link->user_name.address, name.len) == 0;
}

static void
accept_cb(evutil_socket_t listener, short what UNUSED, void *arg)
{
	struct weblink *link = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!is_user(link, fd)) {
		close(fd);
		return;
	}
	event_free(link->reading);
	close(link->listener);
	link->listener = -1;
	link->fd = fd;
	link->reading = event_new(link->base, fd, EV_READ | EV_PERSIST, reading_cb, link);
	link->writing = event_new(link->base, fd, EV_WRITE, writing_cb, link);
	if (link->has_ended)
		push(link);
	else if (link->is_ready)
		event_add(link->reading, NULL);
}

/* A socket with a name that the kernel has chosen; -1 with errno. */
static int
named_socket(struct weblink_name *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	memset(name, 0, sizeof(*name));
	name->address.sa_family = AF_UNIX;
	name->len = sizeof(name->address);
	if (bind(fd, &name->address, sizeof(name->address.sa_family)) < 0 ||
		getsockname(fd, &name->address, &name->len) < 0 ||
		name->len > sizeof(name->address)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct weblink *
weblink_open(struct event_base *base, const struct weblink_conf *conf,
	struct weblink_trouble *trouble, int *fd, struct weblink_name *name)
{
	struct weblink_name user_name;
	struct weblink *link;
	int listener = named_socket(name), user = named_socket(&user_name);

	if (listener < 0 || user < 0 || listen(listener, 1) < 0) {
		trouble->failure = FAILURE_UNREACHABLE;
		reason_set(&trouble->why, "no sockets left: %s", strerror(errno));
		if (listener >= 0)
			close(listener);
		if (user >= 0)
			close(user);
		return NULL;
	}
	link = mem_new(1, sizeof(*link));
	link->base = base;
	link->conf = *conf;
	link->trouble = trouble;
	link->listener = listener;
	link->fd = -1;
	*fd = link->user_fd = user;
	link->user_name = user_name;
	link->out = evbuffer_new();
	link->reading = event_new(base, listener, EV_READ | EV_PERSIST, accept_cb, link);
	event_add(link->reading, NULL);
	link->deadline = evtimer_new(base, deadline_cb, link);
	clock_arm(link->deadline, conf->limit);
	link->tcp = tcp_connect_start(base, conf->address, conf->port, connected_cb, link);
	return link;
}

bool
weblink_has_fd(const struct weblink *link, int fd)
{
	return link->user_fd == fd;
}

void
weblink_free(struct weblink *link)
{
	if (!link)
		return;
	tcp_connect_cancel(link->tcp);
	channel_free(link->channel);
	tls_check_free(link->check);
	event_free(link->reading);
	if (link->writing)
		event_free(link->writing);
	event_free(link->deadline);
	evbuffer_free(link->out);
	if (link->listener >= 0)
		close(link->listener);
	if (link->fd >= 0)
		close(link->fd);
	free(link);
}
