/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_wire: the BMC's end of one connection. */
#include "bmcsim/bmc_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>

#include "base/memory.h"
#include "bmcsim/chance.h"
#include "iusb/packet.h"

enum {
	PIECE_MAX = 4096, /* bytes of an odd piece */
	VECTORS = 8,
};

void
bmc_wire_init(
	struct bmc_wire *wire, struct event_base *base, struct chance *chance, bool is_splitting)
{
	wire->fd = -1;
	wire->base = base;
	wire->out = evbuffer_new();
	wire->chance = chance;
	wire->is_splitting = is_splitting;
}

void
bmc_wire_fini(struct bmc_wire *wire)
{
	bmc_wire_close(wire, false);
	if (wire->out)
		evbuffer_free(wire->out);
	free(wire->in);
}

void
bmc_wire_open(struct bmc_wire *wire, evutil_socket_t fd, event_callback_fn cb, void *arg)
{
	if (!wire->in)
		wire->in = mem_new(PACKET_MAX, 1);
	wire->fd = fd;
	wire->in_len = 0;
	wire->readable = event_new(wire->base, fd, EV_READ | EV_PERSIST, cb, arg);
	wire->writable = event_new(wire->base, fd, EV_WRITE, cb, arg);
	event_add(wire->readable, NULL);
}

void
bmc_wire_close(struct bmc_wire *wire, bool is_reset)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	if (wire->fd < 0)
		return;
	event_free(wire->readable);
	event_free(wire->writable);
	if (is_reset)
		setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	evutil_closesocket(wire->fd);
	wire->fd = -1;
	wire->in_len = 0;
	evbuffer_drain(wire->out, evbuffer_get_length(wire->out));
}

bool
bmc_wire_is_open(const struct bmc_wire *wire)
{
	return wire->fd >= 0;
}

void
bmc_wire_queue(struct bmc_wire *wire, const void *bytes, size_t len)
{
	evbuffer_add(wire->out, bytes, len);
}

/* How much of len bytes the next write may take. */
static size_t
piece(struct bmc_wire *wire, size_t len)
{
	if (!wire->is_splitting || chance_one_in(wire->chance, 2))
		return len;
	return 1 + chance_below(wire->chance, (uint32_t)(len < PIECE_MAX ? len : PIECE_MAX));
}

/* Writes at most limit bytes (1 or more) of what is queued. */
static enum wire_result
write_some(struct bmc_wire *wire, size_t limit)
{
	struct evbuffer_iovec vector[VECTORS];
	struct msghdr message = { .msg_iov = vector };
	ssize_t sent;
	int n;

	n = evbuffer_peek(wire->out, (ev_ssize_t)limit, NULL, vector, VECTORS);
	n = n < VECTORS ? n : VECTORS;
	message.msg_iovlen = (size_t)n;
	for (int i = 0; i < n; i++) {
		if (vector[i].iov_len > limit)
			vector[i].iov_len = limit;
		limit -= vector[i].iov_len;
	}
	sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return WIRE_LOST;
	if (sent > 0)
		evbuffer_drain(wire->out, (size_t)sent);
	if (evbuffer_get_length(wire->out) == 0)
		return WIRE_OK;
	event_add(wire->writable, NULL);
	return WIRE_LATER;
}

enum wire_result
bmc_wire_flush(struct bmc_wire *wire)
{
	size_t len = evbuffer_get_length(wire->out);

	if (len == 0)
		return WIRE_OK;
	return wire->is_corked ? WIRE_LATER : write_some(wire, piece(wire, len));
}

enum wire_result
bmc_wire_flush_whole(struct bmc_wire *wire)
{
	size_t len = evbuffer_get_length(wire->out);

	return len == 0 ? WIRE_OK : write_some(wire, len);
}

enum wire_result
bmc_wire_receive(struct bmc_wire *wire)
{
	ssize_t n =
		recv(wire->fd, wire->in + wire->in_len, PACKET_MAX - wire->in_len, MSG_DONTWAIT);

	if (n == 0)
		return WIRE_ENDED;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? WIRE_LATER : WIRE_LOST;
	wire->in_len += (size_t)n;
	return WIRE_OK;
}

void
bmc_wire_consume(struct bmc_wire *wire, size_t n)
{
	wire->in_len -= n;
	memmove(wire->in, wire->in + n, wire->in_len);
}
