/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_websocket: any bytes from a web server that is asked for a WebSocket. The first byte of the
 * input says in which pieces the rest arrives, and whether it begins with the head of the answer.
 * What is buffered stays within its bounds, and what is sent are masked frames. */
#include <assert.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "bmc/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PAYLOAD_MAX = 3000,
	OUT_MAX = 200,
};

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";

/* The bytes of the head, or 0 if the handshake has failed. */
static size_t
shake_hands(const uint8_t *data, size_t size)
{
	struct http_head head;
	struct reason why = { 0 };
	enum failure failure;

	if (http_head_parse((const char *)data, size, &head) != HTTP_READY)
		return 0;
	assert(head.len <= size && head.len <= HTTP_HEAD_MAX);
	assert(head.status >= 100 && head.status <= 999);
	assert(strlen(head.words) < sizeof(head.words));
	failure = websocket_check(&head, key, &why);
	assert((failure != FAILURE_NONE) == (why.text[0] != '\0'));
	return failure == FAILURE_NONE ? head.len : 0;
}

static void
check_frames(struct evbuffer *out)
{
	size_t len = evbuffer_get_length(out), off = 0;
	const uint8_t *p = evbuffer_pullup(out, -1);

	while (off < len) {
		size_t payload = p[off + 1] & 0x7F, head = 6;

		assert(p[off + 1] & 0x80);
		assert(payload < 126);
		off += head + payload;
	}
	assert(off == len);
	evbuffer_drain(out, len);
}

static void
receive(const uint8_t *data, size_t size, size_t piece)
{
	struct evbuffer *raw = evbuffer_new(), *payload = evbuffer_new(), *out = evbuffer_new();
	struct websocket *ws = websocket_new();
	enum websocket_result result = WEBSOCKET_MORE;
	struct reason why;

	for (size_t off = 0; off < size && result == WEBSOCKET_MORE; off += piece) {
		evbuffer_add(raw, data + off, piece < size - off ? piece : size - off);
		do {
			evbuffer_drain(payload, PAYLOAD_MAX);
			reason_clear(&why);
			result = websocket_decode(ws, raw, payload, PAYLOAD_MAX, &why);
			assert((result == WEBSOCKET_BAD) == (why.text[0] != '\0'));
			assert(evbuffer_get_length(payload) <= PAYLOAD_MAX);
			if (result == WEBSOCKET_MORE && evbuffer_get_length(raw) > 0)
				assert(evbuffer_get_length(payload) == PAYLOAD_MAX);
			websocket_encode(ws, out, OUT_MAX);
			check_frames(out);
		} while (result == WEBSOCKET_MORE && evbuffer_get_length(raw) > 0);
	}
	websocket_queue(ws, "last", 4, NULL);
	websocket_close(ws);
	websocket_encode(ws, out, OUT_MAX);
	check_frames(out);
	websocket_free(ws);
	evbuffer_free(raw);
	evbuffer_free(payload);
	evbuffer_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece, head = 0;
	bool has_head;

	if (size == 0)
		return 0;
	has_head = data[0] & 0x80;
	piece = 1 + (data[0] & 0x7F) * (size_t)37;
	data++;
	size--;
	if (has_head) {
		head = shake_hands(data, size);
		if (head == 0)
			return 0;
	}
	receive(data + head, size - head, piece);
	return 0;
}
