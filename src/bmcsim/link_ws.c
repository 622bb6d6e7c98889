/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_ws: WebSocket frames on a link, as the BMC reads and writes them (RFC 6455 section 5,
 * iusb-protocol 7.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bmcsim/link_parts.h"

enum {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PONG = 10,

	WS_FINAL = 0x80,
	WS_RESERVED = 0x70,
	WS_MASKED = 0x80,
	WS_LEN_16 = 126, /* two bytes of length follow */
	WS_LEN_64 = 127, /* eight */
	WS_CONTROL_MAX = 125,

	WS_ODD_MAX = 70000, /* bytes of an odd frame: all three kinds of length come */
	READS_AT_ONCE = 16, /* for one link_read(): then others have their turn */
	TAKEN_AT_ONCE = 65536,
};

void
link_become_websocket(struct link *link, enum link_frames frames, const void *input, size_t len)
{
	struct link_ws *ws = mem_new(1, sizeof(*ws));

	ws->frames = frames;
	chance_init(&ws->chance, 1);
	ws->in = evbuffer_new();
	ws->packet = evbuffer_new();
	link_unread(link, input, len); /* below the frames, therefore before there are any */
	link->ws = ws;
}

void
link_ws_free(struct link_ws *ws)
{
	if (!ws)
		return;
	evbuffer_free(ws->in);
	evbuffer_free(ws->packet);
	free(ws);
}

/* ---- in ---- */

static bool
is_data(uint8_t opcode)
{
	return opcode <= WS_BINARY;
}

/* Bytes of the header, as far as it is known; 0 while it is not. */
static size_t
head_size(const struct link_ws *ws)
{
	size_t size = 2;

	if (ws->head_len < 2)
		return 0;
	if ((ws->head[1] & ~WS_MASKED) == WS_LEN_16)
		size += 2;
	else if ((ws->head[1] & ~WS_MASKED) == WS_LEN_64)
		size += 8;
	return ws->head[1] & WS_MASKED ? size + sizeof(ws->mask) : size;
}

static void
check_order(struct link *link)
{
	struct link_ws *ws = link->ws;

	if (!is_data(ws->opcode)) {
		if (ws->left > WS_CONTROL_MAX || !ws->is_final)
			link_complain(link, "control frame of %llu bytes%s",
				(unsigned long long)ws->left, ws->is_final ? "" : ", a fragment");
		else if (ws->opcode < WS_CLOSE || ws->opcode > WS_PONG)
			link_complain(link, "frame with opcode %u", ws->opcode);
		return;
	}
	if (ws->opcode == WS_CONTINUATION && !ws->is_in_message)
		link_complain(link, "continuation frame without a message");
	if (ws->opcode != WS_CONTINUATION && ws->is_in_message)
		link_complain(link, "a message begins inside another");
	if (ws->opcode == WS_TEXT)
		link_complain(link, "text frame where binary was agreed upon");
	if (!ws->is_in_message || ws->opcode != WS_CONTINUATION)
		ws->message_len = 0;
	ws->is_in_message = true;
}

/* The header is whole. */
static void
begin_frame(struct link *link)
{
	struct link_ws *ws = link->ws;
	size_t size = head_size(ws);

	ws->is_final = ws->head[0] & WS_FINAL;
	ws->opcode = ws->head[0] & 0x0f;
	ws->left = ws->head[1] & ~WS_MASKED;
	if (ws->left == WS_LEN_16)
		ws->left = get_be16(ws->head + 2);
	else if (ws->left == WS_LEN_64)
		ws->left = get_be64(ws->head + 2);
	ws->head_len = 0;
	ws->is_in_frame = true;
	ws->mask_at = 0;
	if (ws->head[0] & WS_RESERVED) {
		link_complain(link, "frame with reserved bits set");
		link_fail(link, EPROTO, "frame with reserved bits set");
		return;
	}
	if (!(ws->head[1] & WS_MASKED)) {
		link_complain(link, "unmasked frame");
		link_fail(link, EPROTO, "unmasked frame");
		return;
	}
	memcpy(ws->mask, ws->head + size - sizeof(ws->mask), sizeof(ws->mask));
	check_order(link);
	if (ws->left > LINK_FRAME_MAX ||
		(is_data(ws->opcode) && ws->message_len + ws->left > LINK_FRAME_MAX)) {
		link_complain(link, "message longer than %d bytes", LINK_FRAME_MAX);
		link_fail(link, EPROTO, "message longer than %d bytes", LINK_FRAME_MAX);
	}
}

/*
 * A message is over: it should be one packet. SCSI counts by DataLen, as the BMC does; control
 * packets have 0 there (iusb-protocol 12.9) and count by DataPktLen.
 */
static void
check_message(struct link *link)
{
	struct link_ws *ws = link->ws;
	uint64_t wanted;

	ws->is_in_message = false;
	if (ws->message_len < PACKET_SCSI_LEN) {
		link_complain(link, "message of %llu bytes is no packet",
			(unsigned long long)ws->message_len);
		return;
	}
	if (ws->message[OFF_CDB] >= 0xf0)
		wanted = (uint64_t)get_le32(ws->message + OFF_DATA_PKT_LEN) + PACKET_HEADER_LEN;
	else
		wanted = (uint64_t)get_le32(ws->message + OFF_DATA_LEN) + PACKET_SCSI_LEN;
	if (ws->message_len != wanted)
		link_complain(link, "message of %llu bytes with a packet of %llu",
			(unsigned long long)ws->message_len, (unsigned long long)wanted);
}

static void
end_frame(struct link *link)
{
	struct link_ws *ws = link->ws;

	ws->is_in_frame = false;
	if (is_data(ws->opcode) && ws->is_final)
		check_message(link);
	if (ws->opcode == WS_CLOSE) {
		link->has_ended = true;
		link_ws_shut(link);
	}
}

/* Payload, as much as there is of it. */
static size_t
take_payload(struct link_ws *ws, uint8_t *bytes, size_t len)
{
	size_t n = len < ws->left ? len : (size_t)ws->left;

	for (size_t i = 0; i < n; i++)
		bytes[i] ^= ws->mask[ws->mask_at++ % sizeof(ws->mask)];
	if (is_data(ws->opcode)) {
		if (ws->message_len < sizeof(ws->message)) {
			size_t room = sizeof(ws->message) - (size_t)ws->message_len;

			memcpy(ws->message + ws->message_len, bytes, n < room ? n : room);
		}
		ws->message_len += n;
		evbuffer_add(ws->in, bytes, n);
	}
	ws->left -= n;
	return n;
}

static void
take_bytes(struct link *link, uint8_t *bytes, size_t len)
{
	struct link_ws *ws = link->ws;
	size_t at = 0;

	while (at < len && !link->error && !link->has_ended) {
		if (ws->is_in_frame) {
			at += take_payload(ws, bytes + at, len - at);
		} else {
			ws->head[ws->head_len++] = bytes[at++];
			if (ws->head_len == head_size(ws))
				begin_frame(link);
		}
		if (!link->error && ws->is_in_frame && ws->left == 0)
			end_frame(link);
	}
}

ssize_t
link_ws_read(struct link *link, void *buf, size_t len)
{
	struct link_ws *ws = link->ws;
	uint8_t chunk[LINK_CHUNK];

	for (int i = 0; evbuffer_get_length(ws->in) == 0; i++) {
		ssize_t n;

		if (link->error)
			return link_fail(link, link->error, "%s", link->why.text);
		if (i == READS_AT_ONCE) {
			errno = EAGAIN;
			return -1;
		}
		n = link_clear_read(link, chunk, sizeof(chunk));
		if (n <= 0)
			return n;
		take_bytes(link, chunk, (size_t)n);
		if (link->has_ended) /* by a close frame: what comes behind it is nothing */
			evbuffer_drain(link->unread, evbuffer_get_length(link->unread));
	}
	return evbuffer_remove(ws->in, buf, len);
}

/* ---- out ---- */

/* The first len bytes of what is to be sent become one frame. */
static void
put_frame(struct link *link, uint8_t first, size_t len)
{
	struct evbuffer *from = link->ws->packet;
	uint8_t *frame = mem_new(WS_HEAD_MAX + len, 1);
	size_t at = 0;

	frame[at++] = first;
	if (len < WS_LEN_16) {
		frame[at++] = (uint8_t)len;
	} else if (len <= UINT16_MAX) {
		frame[at++] = WS_LEN_16;
		put_be16(frame + at, (uint16_t)len);
		at += 2;
	} else {
		frame[at++] = WS_LEN_64;
		put_be64(frame + at, len);
		at += 8;
	}
	evbuffer_remove(from, frame + at, len);
	link_clear_put(link, frame, at + len);
	free(frame);
}

/* Frames of any size, fragments and messages as chance has it; the last one ends a message. */
static void
put_odd(struct link *link)
{
	struct link_ws *ws = link->ws;
	size_t left;

	while ((left = evbuffer_get_length(ws->packet)) > 0) {
		size_t most = left < WS_ODD_MAX ? left : WS_ODD_MAX;
		size_t size = chance_one_in(&ws->chance, 3)
				      ? most
				      : 1 + chance_below(&ws->chance, (uint32_t)most);
		bool is_final = size == left || chance_one_in(&ws->chance, 3);
		uint8_t first = ws->is_continuing ? WS_CONTINUATION : WS_BINARY;

		put_frame(link, is_final ? first | WS_FINAL : first, size);
		ws->is_continuing = !is_final;
	}
}

/* Each whole packet becomes a message; what is none goes as it is. */
static void
put_whole(struct link *link)
{
	struct evbuffer *from = link->ws->packet;
	size_t have;

	while ((have = evbuffer_get_length(from)) > 0) {
		size_t total, seen = have < PACKET_HEADER_LEN ? have : PACKET_HEADER_LEN;
		struct reason why;

		switch (packet_measure(
			evbuffer_pullup(from, (ev_ssize_t)seen), seen, &total, &why)) {
		case PACKET_NEED_MORE:
			return;
		case PACKET_READY:
			if (total > have)
				return;
			break;
		case PACKET_BAD:
			total = have;
			break;
		}
		put_frame(link, WS_FINAL | WS_BINARY, total);
	}
}

ssize_t
link_ws_write(struct link *link, const void *bytes, size_t len)
{
	struct link_ws *ws = link->ws;
	size_t n = len < TAKEN_AT_ONCE ? len : TAKEN_AT_ONCE;

	if (ws->is_closed)
		return link_fail(link, EPIPE, "closed by the client");
	evbuffer_add(ws->packet, bytes, n);
	if (ws->frames == LINK_FRAMES_ODD)
		put_odd(link);
	else
		put_whole(link);
	if (link->error)
		return link_fail(link, link->error, "%s", link->why.text);
	return (ssize_t)n;
}

void
link_ws_finish(struct link *link)
{
	size_t len = evbuffer_get_length(link->ws->packet);

	if (len > 0)
		put_frame(link, WS_FINAL | WS_BINARY, len);
}

void
link_ws_shut(struct link *link)
{
	static const uint8_t close_normal[] = { WS_FINAL | WS_CLOSE, 2, 0x03, 0xe8 };

	if (link->ws->is_closed || link->error)
		return;
	link_ws_finish(link);
	link_clear_put(link, close_normal, sizeof(close_normal));
	link->ws->is_closed = true;
}
