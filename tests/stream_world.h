/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream_world: one stream and its peer on the loopback, plain or TLS, for the check_*.c that test
 * streams. */
#ifndef TESTS_STREAM_WORLD_H
#define TESTS_STREAM_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "bmc/stream.h"
#include "iusb/packet.h"
#include "loop.h"
#include "unit.h"

/* The letters of what the stream told: R (reached) C I D X (closed) F. */
struct world {
	struct event_base *base;
	struct evconnlistener *listener;
	uint16_t port;
	SSL_CTX *peer_tls; /* owned; the peer speaks TLS with it if it is set */
	struct bufferevent *peer;
	bool is_peer_up; /* its side of TLS is done */
	bool has_peer_ended;
	short peer_what;
	struct stream *stream;
	char told[64];
	unsigned closes;
	struct reason why;
	enum failure failure;
	char free_on;   /* frees the stream when this is told */
	bool is_inside; /* a stream_ function is being called */
};

static struct world w;

static inline bool
has_told(char c)
{
	return strchr(w.told, c) != NULL;
}

static inline void
note(char c)
{
	size_t n = strlen(w.told);

	/* Input and drained may come any number of times in a row. */
	if (n + 1 < sizeof(w.told) && (n == 0 || w.told[n - 1] != c))
		w.told[n] = c;
}

static inline void
told_cb(void *arg, enum stream_event event, const struct reason *why)
{
	static const char letters[] = {
		[STREAM_REACHED] = 'R',
		[STREAM_CONNECTED] = 'C',
		[STREAM_INPUT] = 'I',
		[STREAM_DRAINED] = 'D',
		[STREAM_CLOSED] = 'X',
		[STREAM_FAILED] = 'F',
	};
	char c = letters[event];

	ck_assert_ptr_eq(arg, &w);
	ck_assert(!w.is_inside);
	ck_assert((why != NULL) == (event == STREAM_FAILED));
	ck_assert(!has_told('F'));
	if (why) {
		w.why = *why;
		w.failure = stream_failure(w.stream);
	}
	w.closes += event == STREAM_CLOSED;
	note(c);
	if (c == w.free_on) {
		stream_free(w.stream);
		w.stream = NULL;
	}
}

static inline void
peer_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)arg;
	if (what & BEV_EVENT_CONNECTED) {
		w.is_peer_up = true;
		return;
	}
	w.has_peer_ended = true;
	w.peer_what = what;
}

/* Each write in a segment of its own, at once. */
static inline void
be_quick(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static inline void
accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len,
	void *arg)
{
	(void)listener, (void)sa, (void)len, (void)arg;
	if (w.peer)
		bufferevent_free(w.peer);
	be_quick(fd);
	if (w.peer_tls) {
		w.peer = bufferevent_openssl_socket_new(w.base, fd, SSL_new(w.peer_tls),
			BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
		bufferevent_openssl_set_allow_dirty_shutdown(w.peer, 1);
	} else {
		w.peer = bufferevent_socket_new(w.base, fd, BEV_OPT_CLOSE_ON_FREE);
		w.is_peer_up = true;
	}
	bufferevent_setcb(w.peer, NULL, NULL, peer_event_cb, NULL);
	bufferevent_enable(w.peer, EV_READ | EV_WRITE);
}

static inline struct sockaddr_in
loopback(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

static inline uint16_t
port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static inline void
world_setup(void)
{
	struct sockaddr_in sin = loopback();

	w = (struct world){ 0 };
	signal(SIGPIPE, SIG_IGN);
	w.base = event_base_new();
	w.listener = evconnlistener_new_bind(w.base, accept_cb, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, (struct sockaddr *)&sin,
		sizeof(sin));
	ck_assert_ptr_nonnull(w.listener);
	w.port = port_of(evconnlistener_get_fd(w.listener));
}

/* The kernel takes little for a peer that does not read. Before the stream starts. */
static inline void
shrink_window(void)
{
	int tiny = 1;

	ck_assert_int_eq(setsockopt(evconnlistener_get_fd(w.listener), SOL_SOCKET, SO_RCVBUF, &tiny,
				 sizeof(tiny)),
		0);
}

static inline void
turn(int times)
{
	for (int i = 0; i < times; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static inline void
drop_peer(void)
{
	if (w.peer)
		bufferevent_free(w.peer);
	w.peer = NULL;
}

/* Ends the stream and its peer, and forgets what was told: the next one may start. */
static inline void
next(void)
{
	stream_free(w.stream);
	w.stream = NULL;
	drop_peer();
	turn(3);
	drop_peer(); /* what was still in the queue of the listener */
	memset(w.told, 0, sizeof(w.told));
	w.closes = 0;
	w.is_peer_up = w.has_peer_ended = false;
	w.failure = FAILURE_NONE;
	reason_clear(&w.why);
}

static inline void
world_teardown(void)
{
	next();
	if (w.listener)
		evconnlistener_free(w.listener);
	SSL_CTX_free(w.peer_tls);
	/* Lets what was cancelled end. */
	turn(1);
	event_base_free(w.base);
}

static inline void
start_stream(const struct stream_conf *conf)
{
	w.is_inside = true;
	w.stream = stream_connect(w.base, conf, told_cb, &w);
	ck_assert_ptr_nonnull(w.stream);
	ck_assert_str_eq(stream_peer(w.stream), "");
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	w.is_inside = false;
}

static inline size_t
input_len(void)
{
	return evbuffer_get_length(stream_input(w.stream));
}

/* What the stream has received, as bytes that are taken. */
static inline size_t
take_input(void *out, size_t size)
{
	return (size_t)evbuffer_remove(stream_input(w.stream), out, size);
}

static inline struct evbuffer *
at_peer(void)
{
	return bufferevent_get_input(w.peer);
}

static inline bool
peer_has_sent(void)
{
	return evbuffer_get_length(bufferevent_get_output(w.peer)) == 0;
}

static inline void
peer_says(const void *bytes, size_t len)
{
	bufferevent_write(w.peer, bytes, len);
}

/* The bytes go out one by one, each in a segment of its own. */
static inline void
peer_says_slowly(const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		peer_says((const char *)bytes + i, 1);
		LOOP_UNTIL(w.base, peer_has_sent() || w.has_peer_ended);
		turn(1);
	}
}

static inline void
reset_peer(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	ck_assert_int_eq(setsockopt(bufferevent_getfd(w.peer), SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger)),
		0);
	drop_peer();
}

#endif
