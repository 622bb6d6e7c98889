/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_input: packets out of the bytes that have come from the BMC (iusb-protocol 11.1). */
#include <event2/buffer.h>

#include "bmc/session_private.h"

enum packet_result
session_peek(struct session *session, struct packet *out, struct reason *why)
{
	struct evbuffer *input = stream_input(session->stream);
	size_t len = evbuffer_get_length(input);
	uint8_t head[PACKET_HEADER_LEN + PACKET_OP_MIN_LEN];
	enum packet_result result;
	size_t total;

	evbuffer_copyout(input, head, sizeof(head));
	result = packet_measure(head, len < sizeof(head) ? len : sizeof(head), &total, why);
	if (result != PACKET_READY)
		return result;
	if (len < total)
		return PACKET_NEED_MORE;
	return packet_decode(evbuffer_pullup(input, (ev_ssize_t)total), total, out, why);
}

void
session_consume(struct session *session, const struct packet *packet)
{
	evbuffer_drain(stream_input(session->stream), packet->total);
}

bool
session_is_input_cut(const struct session *session)
{
	struct evbuffer *input = stream_input(session->stream);
	size_t len = evbuffer_get_length(input), off = 0;
	uint8_t head[PACKET_HEADER_LEN + PACKET_OP_MIN_LEN];
	struct evbuffer_ptr at;

	while (off < len) {
		size_t n = len - off < sizeof(head) ? len - off : sizeof(head), total;

		evbuffer_ptr_set(input, &at, off, EVBUFFER_PTR_SET);
		evbuffer_copyout_from(input, &at, head, n);
		switch (packet_measure(head, n, &total, NULL)) {
		case PACKET_NEED_MORE:
			return true;
		case PACKET_BAD:
			return false;
		case PACKET_READY:
			off += total;
		}
	}
	return off > len;
}
