/* SPDX-License-Identifier: GPL-2.0-or-later */
/* websocket: frames to bytes and back. */
#include "bmc/websocket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/util.h>
#include <wslay/wslay.h>

#include "base/memory.h"

enum {
	CONTROL_MAX = 125, /* payload of a control frame */
	TEXT_MAX = 4096,   /* of a second head behind the first */
	PIECE_MAX = 4096,  /* masked at once */
	CLOSE_NORMAL = 1000,
};

enum text { /* a second head behind the 101 */
	TEXT_POSSIBLE,
	TEXT_LINE_START,
	TEXT_IN_LINE,
	TEXT_OVER,
};

/* The queue holds messages, each behind its length as a size_t. */
struct websocket {
	struct wslay_frame_context *frames;
	struct evbuffer *raw, *out; /* of the call under way; not owned */
	size_t room;                /* of the call under way: payload bytes that may still come */

	enum text text;
	size_t text_len;
	bool is_in_message; /* fragments are to follow */
	bool is_closed;     /* by the server */
	bool is_bad;        /* nothing more can be read */
	struct reason why;
	uint64_t frame_off; /* payload bytes of the frame under way that have come */
	uint8_t control[CONTROL_MAX];
	size_t control_len;

	struct evbuffer *queue; /* owned */
	size_t pending;         /* bytes of messages in it, and of the one under way */
	size_t message_len, message_off;
	bool is_pong_due, is_close_due, is_close_sent;
	uint8_t pong[CONTROL_MAX];
	size_t pong_len;
};

/* ---- what libwslay calls ---- */

/* Never more than there is room for, so that nothing is left inside libwslay. */
static ssize_t
receive_cb(uint8_t *buf, size_t len, int flags UNUSED, void *arg)
{
	struct websocket *ws = arg;
	int n;

	n = evbuffer_remove(ws->raw, buf, len < ws->room ? len : ws->room);
	return n > 0 ? n : -1;
}

static ssize_t
send_cb(const uint8_t *data, size_t len, int flags UNUSED, void *arg)
{
	struct websocket *ws = arg;

	return evbuffer_add(ws->out, data, len) == 0 ? (ssize_t)len : -1;
}

static int
mask_cb(uint8_t *buf, size_t len, void *arg UNUSED)
{
	evutil_secure_rng_get_bytes(buf, len);
	return 0;
}

struct websocket *
websocket_new(void)
{
	static const struct wslay_frame_callbacks callbacks = {
		.send_callback = send_cb,
		.recv_callback = receive_cb,
		.genmask_callback = mask_cb,
	};
	struct websocket *ws = mem_new(1, sizeof(*ws));

	ws->queue = evbuffer_new();
	if (wslay_frame_context_init(&ws->frames, &callbacks, ws) != 0)
		abort(); /* out of memory, as mem_new() */
	return ws;
}

void
websocket_free(struct websocket *ws)
{
	if (!ws)
		return;
	wslay_frame_context_free(ws->frames);
	evbuffer_free(ws->queue);
	free(ws);
}

/* ---- in ---- */

/* A frame's first byte is never printable, 'H' least of all: FIN and a known opcode. */
static bool
is_printable(uint8_t byte)
{
	return (byte >= ' ' && byte <= '~') || byte == '\t';
}

/* True while the byte belongs to a second head. */
static bool
is_text(struct websocket *ws, uint8_t byte)
{
	switch (ws->text) {
	case TEXT_POSSIBLE:
		if (byte != 'H')
			return false;
		ws->text = TEXT_IN_LINE;
		return true;
	case TEXT_LINE_START:
		if (byte == '\n')
			ws->text = TEXT_POSSIBLE; /* and one more, perhaps */
		else if (is_printable(byte))
			ws->text = TEXT_IN_LINE;
		else if (byte != '\r')
			return false;
		return true;
	case TEXT_IN_LINE:
		if (byte == '\n')
			ws->text = TEXT_LINE_START;
		return true;
	case TEXT_OVER:
		break;
	}
	return false;
}

static int
skip_text(struct websocket *ws, struct reason *why)
{
	uint8_t byte;

	while (ws->text != TEXT_OVER && evbuffer_copyout(ws->raw, &byte, 1) == 1) {
		if (!is_text(ws, byte)) {
			ws->text = TEXT_OVER;
			break;
		}
		if (++ws->text_len > TEXT_MAX)
			return reason_set(
				why, "the web server sends text instead of WebSocket frames");
		evbuffer_drain(ws->raw, 1);
	}
	return 0;
}

static int
check_frame(struct websocket *ws, const struct wslay_frame_iocb *frame, struct reason *why)
{
	if (frame->mask)
		return reason_set(why, "the BMC masks its WebSocket frames");
	if (frame->rsv != 0)
		return reason_set(why, "a WebSocket frame with reserved bits");
	if (frame->payload_length > WEBSOCKET_FRAME_MAX)
		return reason_set(why, "a WebSocket frame of %llu bytes",
			(unsigned long long)frame->payload_length);
	switch (frame->opcode) {
	case WSLAY_CONTINUATION_FRAME:
		if (!ws->is_in_message)
			return reason_set(why, "a WebSocket fragment without a beginning");
		return 0;
	case WSLAY_BINARY_FRAME:
		if (ws->is_in_message)
			return reason_set(why, "a WebSocket message inside another one");
		return 0;
	case WSLAY_TEXT_FRAME:
		return reason_set(why, "a WebSocket frame of text instead of bytes");
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG:
		return 0;
	default:
		return reason_set(
			why, "a WebSocket frame with the unknown opcode %u", frame->opcode);
	}
}

static void
end_frame(struct websocket *ws, const struct wslay_frame_iocb *frame)
{
	switch (frame->opcode) {
	case WSLAY_CONNECTION_CLOSE:
		ws->is_closed = true;
		websocket_close(ws);
		break;
	case WSLAY_PING:
		memcpy(ws->pong, ws->control, ws->control_len);
		ws->pong_len = ws->control_len;
		ws->is_pong_due = true;
		break;
	case WSLAY_PONG:
		break;
	default:
		ws->is_in_message = !frame->fin;
	}
	ws->control_len = 0;
	ws->frame_off = 0;
}

static int
take_piece(struct websocket *ws, const struct wslay_frame_iocb *frame, struct evbuffer *payload,
	struct reason *why)
{
	size_t len = frame->data_length;

	if (ws->frame_off == 0 && check_frame(ws, frame, why) != 0)
		return -1;
	ws->frame_off += len;
	if (!wslay_is_ctrl_frame(frame->opcode)) {
		if (len > 0)
			evbuffer_add(payload, frame->data, len);
		ws->room -= len < ws->room ? len : ws->room;
	} else if (len > 0 && ws->control_len + len <= sizeof(ws->control)) {
		memcpy(ws->control + ws->control_len, frame->data, len);
		ws->control_len += len;
	}
	if (ws->frame_off == frame->payload_length)
		end_frame(ws, frame);
	return 0;
}

static int
take_frames(struct websocket *ws, struct evbuffer *payload, struct reason *why)
{
	struct wslay_frame_iocb frame = { 0 };
	ssize_t n;

	if (skip_text(ws, why) != 0)
		return -1;
	while (!ws->is_closed) {
		n = wslay_frame_recv(ws->frames, &frame);
		if (n == WSLAY_ERR_WANT_READ)
			return 0;
		if (n < 0)
			return reason_set(why, "not a WebSocket frame");
		if (take_piece(ws, &frame, payload, why) != 0)
			return -1;
	}
	return 0;
}

enum websocket_result
websocket_decode(struct websocket *ws, struct evbuffer *raw, struct evbuffer *payload, size_t max,
	struct reason *why)
{
	size_t len = evbuffer_get_length(payload);

	ws->raw = raw;
	ws->room = len < max ? max - len : 0;
	if (!ws->is_bad && !ws->is_closed)
		ws->is_bad = take_frames(ws, payload, &ws->why) != 0;
	if (!ws->is_bad)
		return ws->is_closed ? WEBSOCKET_CLOSED : WEBSOCKET_MORE;
	*why = ws->why;
	return WEBSOCKET_BAD;
}

/* ---- out ---- */

void
websocket_queue(struct websocket *ws, const void *head, size_t len, struct evbuffer *data)
{
	size_t total = len + (data ? evbuffer_get_length(data) : 0);

	assert(total > 0);
	evbuffer_add(ws->queue, &total, sizeof(total));
	evbuffer_add(ws->queue, head, len);
	if (data)
		evbuffer_add_buffer(ws->queue, data);
	ws->pending += total;
}

void
websocket_close(struct websocket *ws)
{
	ws->is_close_due = !ws->is_close_sent;
}

size_t
websocket_pending(const struct websocket *ws)
{
	return ws->pending;
}

static void
send_control(struct websocket *ws, uint8_t opcode, const uint8_t *data, size_t len)
{
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = opcode,
		.payload_length = len,
		.mask = 1,
		.data = data,
		.data_length = len,
	};

	(void)wslay_frame_send(ws->frames, &frame);
}

/* The next piece of the message under way; it is masked on its way to out. */
static void
send_piece(struct websocket *ws)
{
	struct evbuffer_iovec piece;
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = WSLAY_BINARY_FRAME,
		.payload_length = ws->message_len,
		.mask = 1,
	};
	size_t rest = ws->message_len - ws->message_off;
	ssize_t n;

	evbuffer_peek(ws->queue, (ev_ssize_t)rest, NULL, &piece, 1);
	frame.data = piece.iov_base;
	frame.data_length = piece.iov_len < rest ? piece.iov_len : rest;
	if (frame.data_length > PIECE_MAX)
		frame.data_length = PIECE_MAX;
	n = wslay_frame_send(ws->frames, &frame);
	assert(n > 0);
	evbuffer_drain(ws->queue, (size_t)n);
	ws->message_off += (size_t)n;
	ws->pending -= (size_t)n;
	if (ws->message_off == ws->message_len)
		ws->message_len = ws->message_off = 0;
}

void
websocket_encode(struct websocket *ws, struct evbuffer *out, size_t max)
{
	ws->out = out;
	while (evbuffer_get_length(out) < max && !ws->is_close_sent) {
		if (ws->message_len > 0) {
			send_piece(ws);
		} else if (ws->is_pong_due) {
			ws->is_pong_due = false;
			send_control(ws, WSLAY_PONG, ws->pong, ws->pong_len);
		} else if (ws->pending > 0) {
			evbuffer_remove(ws->queue, &ws->message_len, sizeof(ws->message_len));
		} else if (ws->is_close_due) {
			static const uint8_t code[] = { CLOSE_NORMAL >> 8, CLOSE_NORMAL & 0xFF };

			send_control(ws, WSLAY_CONNECTION_CLOSE, code, sizeof(code));
			ws->is_close_sent = true;
		} else {
			break;
		}
	}
}
