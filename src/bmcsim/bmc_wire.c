/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_wire: the BMC's end of one connection. */
#include "bmcsim/bmc_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/memory.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "iusb/packet.h"

enum {
	PIECE_MAX = 4096, /* bytes of an odd piece */
};

void
bmc_wire_init(struct bmc_wire *wire, struct chance *chance, bool is_splitting)
{
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
bmc_wire_open(struct bmc_wire *wire, struct link *link, event_callback_fn cb, void *arg)
{
	if (!wire->in)
		wire->in = mem_new(PACKET_MAX, 1);
	wire->link = link;
	wire->in_len = 0;
	link_set_cb(link, cb, arg);
	link_want(link, EV_READ);
}

void
bmc_wire_close(struct bmc_wire *wire, bool is_reset)
{
	if (!wire->link)
		return;
	link_free(wire->link, is_reset);
	wire->link = NULL;
	wire->in_len = 0;
	evbuffer_drain(wire->out, evbuffer_get_length(wire->out));
}

const char *
bmc_wire_error(const struct bmc_wire *wire)
{
	return wire->link ? link_error(wire->link) : "";
}

bool
bmc_wire_is_open(const struct bmc_wire *wire)
{
	return wire->link != NULL;
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
	if (!wire->is_splitting || len == 0 || chance_one_in(wire->chance, 2))
		return len;
	return 1 + chance_below(wire->chance, (uint32_t)(len < PIECE_MAX ? len : PIECE_MAX));
}

/* Hands at most limit bytes of what is queued to the link. */
static enum wire_result
write_some(struct bmc_wire *wire, size_t limit)
{
	struct evbuffer_iovec chunk;
	size_t len;
	ssize_t sent;

	do {
		if (evbuffer_peek(wire->out, 1, NULL, &chunk, 1) < 1)
			chunk = (struct evbuffer_iovec){ 0 }; /* finishes what is in the link */
		len = chunk.iov_len < limit ? chunk.iov_len : limit;
		sent = link_write(wire->link, chunk.iov_base, len);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return WIRE_LOST;
		if (sent > 0)
			evbuffer_drain(wire->out, (size_t)sent);
		limit -= sent > 0 ? (size_t)sent : 0;
	} while (sent > 0 && limit > 0 && evbuffer_get_length(wire->out) > 0);
	if (evbuffer_get_length(wire->out) == 0 && !link_is_pending(wire->link)) {
		link_want(wire->link, EV_READ);
		return WIRE_OK;
	}
	link_want(wire->link, EV_READ | EV_WRITE);
	return WIRE_LATER;
}

static bool
has_more(const struct bmc_wire *wire)
{
	return evbuffer_get_length(wire->out) > 0 || link_is_pending(wire->link);
}

enum wire_result
bmc_wire_flush(struct bmc_wire *wire)
{
	if (!has_more(wire))
		return WIRE_OK;
	if (wire->is_corked)
		return WIRE_LATER;
	return write_some(wire, piece(wire, evbuffer_get_length(wire->out)));
}

enum wire_result
bmc_wire_flush_whole(struct bmc_wire *wire)
{
	return has_more(wire) ? write_some(wire, evbuffer_get_length(wire->out)) : WIRE_OK;
}

enum wire_result
bmc_wire_receive(struct bmc_wire *wire)
{
	ssize_t n = link_read(wire->link, wire->in + wire->in_len, PACKET_MAX - wire->in_len);

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
