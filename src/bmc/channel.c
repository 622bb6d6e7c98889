/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channel: a socket, its two buffers, and what is told of them. */
#include "bmc/channel.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/memory.h"
#include "bmc/channel_private.h"

enum {
	READ_SIZE = 32768, /* one read; above the 16 KiB of a TLS record */
	READ_ROUNDS = 8,   /* reads in a row, then others have their turn */
	DISCARD_MAX = 64,  /* reads of what a closing channel leaves unread */
};

/* ---- events ---- */

static bool
shall_read(const struct channel *ch)
{
	return ch->is_ready && !ch->is_dead && evbuffer_get_length(ch->in) < ch->max;
}

static void
set_event(struct event *event, bool is_wanted, short what)
{
	bool is_there = event_pending(event, what, NULL);

	if (is_wanted && !is_there)
		event_add(event, NULL);
	else if (!is_wanted && is_there)
		event_del(event);
}

/* From the loop, as if the socket were ready. */
static void
do_again(struct channel *ch, short what)
{
	ch->again_what |= what;
	event_active(ch->again, EV_TIMEOUT, 0);
}

/* What is waited for follows from the state. */
static void
update(struct channel *ch)
{
	bool reads = false, writes = false;

	if (!ch->is_ready) {
		reads = ch->handshake == EV_READ;
		writes = ch->handshake == EV_WRITE;
	} else if (!ch->is_dead) {
		if (shall_read(ch) && ch->ending == ENDING_NONE) {
			reads = !ch->read_waits_to_write;
			writes = ch->read_waits_to_write;
		}
		if (ch->is_full) {
			reads |= ch->write_waits_to_read;
			writes |= !ch->write_waits_to_read;
		}
	}
	set_event(ch->reading, reads, EV_READ);
	set_event(ch->writing, writes, EV_WRITE);
	/* What OpenSSL has taken from the socket makes no event; nor does an end that was seen. */
	if (shall_read(ch) && (ch->ending == ENDING_NONE ? ch->ssl && SSL_pending(ch->ssl) > 0
							 : !ch->is_ending_told))
		do_again(ch, EV_READ);
}

/* The last act of its caller: the receiver may free the channel. */
static void
tell(struct channel *ch, enum channel_event event)
{
	ch->cb(ch->arg, event, FAILURE_NONE, NULL);
}

static void
tell_failure(struct channel *ch)
{
	ch->is_dead = true;
	ch->handshake = 0;
	update(ch);
	ch->cb(ch->arg, CHANNEL_FAILED, ch->failure, &ch->why);
}

static void
tell_ending(struct channel *ch)
{
	ch->is_ending_told = true;
	if (ch->ending == ENDING_FAILED) {
		tell_failure(ch);
		return;
	}
	update(ch);
	tell(ch, CHANNEL_CLOSED);
}

static void
become_ready(struct channel *ch)
{
	ch->handshake = 0;
	ch->is_ready = true;
	update(ch);
	if (evbuffer_get_length(ch->out) > 0)
		do_again(ch, EV_WRITE);
	tell(ch, CHANNEL_READY);
}

static void
shake_hands(struct channel *ch)
{
	switch (channel_handshake(ch)) {
	case 0:
		become_ready(ch);
		return;
	case IO_LATER:
		update(ch);
		return;
	default:
		tell_failure(ch);
	}
}

static void
take_input(struct channel *ch)
{
	size_t before = evbuffer_get_length(ch->in), len;
	unsigned char buf[READ_SIZE];

	for (int i = 0; i < READ_ROUNDS && (len = evbuffer_get_length(ch->in)) < ch->max; i++) {
		size_t room = ch->max - len;
		int n = channel_read(ch, buf, room < sizeof(buf) ? room : sizeof(buf));

		if (n < 0) {
			if (n != IO_LATER)
				ch->ending = n == IO_CLOSED ? ENDING_CLOSED : ENDING_FAILED;
			break;
		}
		evbuffer_add(ch->in, buf, (size_t)n);
	}
	if (evbuffer_get_length(ch->in) > before) {
		update(ch);
		tell(ch, CHANNEL_INPUT);
	} else if (ch->ending != ENDING_NONE) {
		tell_ending(ch);
	} else {
		update(ch);
	}
}

static void
reading_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct channel *ch = arg;

	if (ch->is_dead)
		return;
	if (!ch->is_ready) {
		shake_hands(ch);
		return;
	}
	if (ch->write_waits_to_read) {
		ch->write_waits_to_read = false;
		do_again(ch, EV_WRITE);
	}
	if (!shall_read(ch))
		update(ch);
	else if (ch->ending == ENDING_NONE)
		take_input(ch);
	else if (!ch->is_ending_told)
		tell_ending(ch);
}

static void
writing_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct channel *ch = arg;
	int result;

	if (ch->is_dead)
		return;
	if (!ch->is_ready) {
		if (ch->ssl)
			shake_hands(ch);
		else
			become_ready(ch);
		return;
	}
	if (ch->read_waits_to_write) {
		ch->read_waits_to_write = false;
		do_again(ch, EV_READ);
	}
	result = channel_write(ch);
	ch->is_full = result == IO_LATER;
	if (result == IO_FAILED) {
		tell_failure(ch);
		return;
	}
	update(ch);
	if (result == 0 && ch->is_sending) {
		ch->is_sending = false;
		tell(ch, CHANNEL_DRAINED);
	}
}

/* One of both at a time: the channel may be gone after it. */
static void
again_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct channel *ch = arg;
	short first = ch->again_what & EV_WRITE ? EV_WRITE : EV_READ;

	ch->again_what &= ~first;
	if (ch->again_what)
		do_again(ch, ch->again_what);
	if (first == EV_WRITE)
		writing_cb(fd, EV_WRITE, ch);
	else
		reading_cb(fd, EV_READ, ch);
}

/* Room in the input: reading goes on. */
static void
input_changed_cb(struct evbuffer *input UNUSED, const struct evbuffer_cb_info *info, void *arg)
{
	if (info->n_deleted > 0)
		update(arg);
}

/* ---- interface ---- */

struct channel *
channel_new(struct event_base *base, int fd, struct ssl_st *ssl, struct tls_check *check,
	channel_cb *cb, void *arg)
{
	struct channel *ch = mem_new(1, sizeof(*ch));

	ch->fd = fd;
	ch->ssl = ssl;
	ch->check = check;
	ch->cb = cb;
	ch->arg = arg;
	ch->in = evbuffer_new();
	ch->out = evbuffer_new();
	evbuffer_add_cb(ch->in, input_changed_cb, ch);
	ch->reading = event_new(base, fd, EV_READ | EV_PERSIST, reading_cb, ch);
	ch->writing = event_new(base, fd, EV_WRITE | EV_PERSIST, writing_cb, ch);
	ch->again = evtimer_new(base, again_cb, ch);
	ch->handshake = EV_WRITE;
	if (ssl && SSL_set_fd(ssl, fd) != 1) {
		ch->failure = FAILURE_TLS;
		reason_set(&ch->why, "no TLS: out of memory");
		ch->is_ready = true;
		ch->ending = ENDING_FAILED;
		ch->max = 1;
	}
	update(ch);
	return ch;
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
channel_free(struct channel *ch)
{
	if (!ch)
		return;
	event_free(ch->reading);
	event_free(ch->writing);
	event_free(ch->again);
	if (ch->ssl && ch->is_ready && !ch->is_dead && evbuffer_get_length(ch->out) == 0) {
		(void)SSL_shutdown(ch->ssl);
		ERR_clear_error();
	}
	SSL_free(ch->ssl);
	evbuffer_free(ch->in);
	evbuffer_free(ch->out);
	(void)shutdown(ch->fd, SHUT_WR);
	discard_unread(ch->fd);
	close(ch->fd);
	free(ch);
}

struct evbuffer *
channel_input(struct channel *ch)
{
	return ch->in;
}

void
channel_want(struct channel *ch, size_t max)
{
	ch->max = max;
	update(ch);
}

struct evbuffer *
channel_output(struct channel *ch)
{
	return ch->out;
}

void
channel_send(struct channel *ch)
{
	ch->is_sending = true;
	if (ch->is_ready && !ch->is_dead && !ch->is_full)
		do_again(ch, EV_WRITE);
}

void
channel_flush(struct channel *ch)
{
	if (ch->is_ready && !ch->is_dead && channel_write(ch) == IO_FAILED)
		ch->is_dead = true;
}
