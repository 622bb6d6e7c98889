/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_websocket: the handshake, the frames in any pieces, and a stream of them. The server's side
 * is written out here byte by byte. */
#include <stdlib.h>

#include "base/bytes.h"
#include "bmc/websocket.h"
#include "stream_world.h"
#include "tls_certs.h"

enum { /* opcodes */
	CONTINUATION = 0,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
	PING = 9,
	PONG = 10,
};

enum { FIN = 0x80, MASKED = 0x80 };

/* A server's frame: unmasked. */
static void
add_frame(struct evbuffer *out, uint8_t first, const void *payload, size_t len)
{
	uint8_t head[10] = { first };
	size_t head_len = 2;

	if (len < 126) {
		head[1] = (uint8_t)len;
	} else if (len < 65536) {
		head[1] = 126;
		put_be16(head + 2, (uint16_t)len);
		head_len = 4;
	} else {
		head[1] = 127;
		put_be32(head + 6, (uint32_t)len);
		head_len = 10;
	}
	evbuffer_add(out, head, head_len);
	evbuffer_add(out, payload, len);
}

/* Takes one client's frame off the buffer, and checks that it is masked. Returns its first byte,
 * or 0 if it has not arrived completely. */
static uint8_t
take_frame(struct evbuffer *in, uint8_t *payload, size_t size, size_t *len)
{
	size_t have = evbuffer_get_length(in), head = 6;
	const uint8_t *p = evbuffer_pullup(in, -1), *mask;
	uint8_t first;

	if (have < 2)
		return 0;
	ck_assert_int_eq(p[1] & MASKED, MASKED);
	*len = p[1] & 0x7F;
	if (*len >= 126)
		head += *len == 126 ? 2 : 8;
	if (have < head)
		return 0;
	if (*len == 126)
		*len = get_be16(p + 2);
	else if (*len == 127)
		*len = get_be32(p + 6);
	if (have < head + *len)
		return 0;
	ck_assert_uint_le(*len, size);
	mask = p + head - 4;
	for (size_t i = 0; i < *len; i++)
		payload[i] = p[head + i] ^ mask[i % 4];
	first = p[0];
	evbuffer_drain(in, head + *len);
	return first;
}

/* ---- the handshake ---- */

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* the example of RFC 6455 */

START_TEST(test_accept)
{
	char accept[WEBSOCKET_ACCEPT_SIZE], one[WEBSOCKET_KEY_SIZE], two[WEBSOCKET_KEY_SIZE];

	websocket_accept(accept, key);
	ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	websocket_make_key(one);
	websocket_make_key(two);
	ck_assert_uint_eq(strlen(one), WEBSOCKET_KEY_SIZE - 1);
	ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(test_request)
{
	struct websocket_request request = { .host = "10.0.0.7",
		.port = 443,
		.is_tls = true,
		.path = "/cd-server",
		.cookie = "abc",
		.key = key };
	struct evbuffer *out = evbuffer_new();
	char got[1024] = { 0 };
	struct reason why;

	ck_assert_int_eq(websocket_ask(out, &request, &why), 0);
	evbuffer_remove(out, got, sizeof(got) - 1);
	ck_assert_str_eq(got, "GET /cd-server HTTP/1.1\r\n"
			      "Host: 10.0.0.7\r\n"
			      "Upgrade: websocket\r\n"
			      "Connection: Upgrade\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			      "Sec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Protocol: binary\r\n"
			      "Origin: https://10.0.0.7\r\n"
			      "Cookie: QSESSIONID=abc\r\n"
			      "\r\n");
	request.host = "2001:db8::7";
	request.port = 5120;
	request.is_tls = false;
	request.cookie = NULL;
	ck_assert_int_eq(websocket_ask(out, &request, &why), 0);
	memset(got, 0, sizeof(got));
	evbuffer_remove(out, got, sizeof(got) - 1);
	ck_assert_ptr_nonnull(strstr(got, "Host: [2001:db8::7]:5120\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "Origin: http://[2001:db8::7]:5120\r\n\r\n"));
	request.cookie = "a\r\nb";
	ck_assert_int_eq(websocket_ask(out, &request, &why), -1);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_free(out);
}
END_TEST

#define SWITCH   "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE  "Upgrade: WebSocket\r\nConnection: Upgrade\r\n"
#define ACCEPT   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: binary\r\n"

static const struct {
	const char *text;
	enum failure failure;
	const char *words;
} answers[] = {
	{ SWITCH UPGRADE ACCEPT PROTOCOL "\r\n", FAILURE_NONE, "" },
	{ SWITCH UPGRADE ACCEPT "\r\n", FAILURE_NONE, "" },
	{ SWITCH "HTTP/1.1 200 OK\r\n" UPGRADE ACCEPT PROTOCOL "\r\n", FAILURE_NONE, "" },
	{ "HTTP/1.0 101 x\nupgrade: websocket\nsec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
	  "\n",
		FAILURE_NONE, "" },
	{ "HTTP/1.1 404 Not Found\r\n\r\n", FAILURE_REFUSED,
		"no WebSocket on this web server: 404 Not Found" },
	{ "HTTP/1.1 200 OK\r\n\r\n", FAILURE_REFUSED, "no WebSocket on this web server: 200 OK" },
	{ "HTTP/1.1 401 Unauthorized\r\n\r\n", FAILURE_REFUSED,
		"the web server refused the WebSocket: 401 Unauthorized" },
	{ "HTTP/1.1 403 Forbidden\r\n\r\n", FAILURE_REFUSED,
		"the web server refused the WebSocket: 403 Forbidden" },
	{ "HTTP/1.1 503 Busy\r\n\r\n", FAILURE_REFUSED,
		"the web server refused the WebSocket: 503 Busy" },
	{ SWITCH ACCEPT "\r\n", FAILURE_PROTOCOL,
		"the web server switched to something else than WebSocket" },
	{ SWITCH UPGRADE "\r\n", FAILURE_PROTOCOL,
		"the web server's WebSocket answer is to another request" },
	{ SWITCH UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		FAILURE_PROTOCOL, "the web server's WebSocket answer is to another request" },
	{ SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: base64\r\n\r\n", FAILURE_PROTOCOL,
		"the web server chose the WebSocket subprotocol base64" },
	{ SWITCH UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		FAILURE_PROTOCOL,
		"the web server chose the WebSocket extension permessage-deflate" },
};

START_TEST(test_answers)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct http_head head;
		struct reason why;

		ck_assert_int_eq(http_head_parse(answers[i].text, strlen(answers[i].text), &head),
			HTTP_READY);
		ck_assert_msg(websocket_check(&head, key, &why) == answers[i].failure,
			"answer %zu: %s", i, why.text);
		ck_assert_str_eq(why.text, answers[i].words);
	}
}
END_TEST

/* ---- frames in ---- */

static struct websocket *ws;
static struct evbuffer *wire, *raw, *payload, *out;
static struct reason why;

static void
setup_frames(void)
{
	ws = websocket_new();
	wire = evbuffer_new();
	raw = evbuffer_new();
	payload = evbuffer_new();
	out = evbuffer_new();
	reason_clear(&why);
}

static void
teardown_frames(void)
{
	websocket_free(ws);
	evbuffer_free(wire);
	evbuffer_free(raw);
	evbuffer_free(payload);
	evbuffer_free(out);
}

/* Brings the wire's bytes in pieces of that size, and takes the payload as it comes. */
static enum websocket_result
bring(size_t piece, struct evbuffer *taken)
{
	enum websocket_result result = WEBSOCKET_MORE;

	while (result == WEBSOCKET_MORE && evbuffer_get_length(wire) > 0) {
		evbuffer_remove_buffer(wire, raw, piece);
		result = websocket_decode(ws, raw, payload, PACKET_MAX, &why);
		if (result == WEBSOCKET_MORE)
			ck_assert_uint_eq(evbuffer_get_length(raw), 0);
		evbuffer_add_buffer(taken, payload);
	}
	return result;
}

static void
expect_bytes(struct evbuffer *buffer, const void *expected, size_t len)
{
	ck_assert_uint_eq(evbuffer_get_length(buffer), len);
	if (len > 0)
		ck_assert_mem_eq(evbuffer_pullup(buffer, -1), expected, len);
	evbuffer_drain(buffer, len);
}

/* Whole, fragmented, two packets in a frame, empty frames, control frames between: one stream of
 * bytes, wherever the pieces end. */
START_TEST(test_split_everywhere)
{
	static uint8_t bytes[2000];
	struct evbuffer *taken = evbuffer_new();

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + i / 256);
	for (size_t piece = 1; piece < 40; piece++) {
		teardown_frames();
		setup_frames();
		add_frame(wire, FIN | BINARY, bytes, 61);
		add_frame(wire, BINARY, bytes + 61, 30);
		add_frame(wire, FIN | PING, "ping", 4);
		add_frame(wire, CONTINUATION, bytes + 91, 0);
		add_frame(wire, CONTINUATION, bytes + 91, 9);
		add_frame(wire, FIN | PONG, "pong", 4);
		add_frame(wire, FIN | CONTINUATION, bytes + 100, 300);
		add_frame(wire, FIN | BINARY, bytes + 400, 0);
		add_frame(wire, FIN | BINARY, bytes + 400, 1600);
		ck_assert_int_eq(bring(piece, taken), WEBSOCKET_MORE);
		expect_bytes(taken, bytes, sizeof(bytes));
		/* The ping is answered. */
		websocket_encode(ws, out, 100);
		{
			uint8_t got[16];
			size_t len;

			ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | PONG);
			ck_assert_uint_eq(len, 4);
			ck_assert_mem_eq(got, "ping", 4);
		}
		ck_assert_uint_eq(evbuffer_get_length(out), 0);
	}
	evbuffer_free(taken);
}
END_TEST

/* The largest frame that is taken, with a payload that is taken slowly. */
START_TEST(test_bounded)
{
	enum { MAX = 1000 };
	static uint8_t bytes[WEBSOCKET_FRAME_MAX];
	size_t got = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + i / 256);
	add_frame(raw, FIN | BINARY, bytes, sizeof(bytes));
	while (got < sizeof(bytes)) {
		size_t left = evbuffer_get_length(raw), len;

		ck_assert_int_eq(websocket_decode(ws, raw, payload, MAX, &why), WEBSOCKET_MORE);
		len = evbuffer_get_length(payload);
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_le(len, MAX);
		/* Nothing is hidden inside. */
		ck_assert_uint_le(left - evbuffer_get_length(raw), len + 10);
		ck_assert_mem_eq(evbuffer_pullup(payload, -1), bytes + got, len);
		evbuffer_drain(payload, len);
		got += len;
	}
	ck_assert_uint_eq(evbuffer_get_length(raw), 0);
}
END_TEST

START_TEST(test_oversize)
{
	static const uint8_t head[] = { FIN | BINARY, 127, 0, 0, 0, 0, 0, 4, 0, 1, 'x' };
	static const uint8_t huge[] = { FIN | BINARY, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 'x' };

	evbuffer_add(raw, _i ? huge : head, sizeof(head));
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_BAD);
	ck_assert_str_eq(why.text, _i ? "a WebSocket frame of 9223372036854775807 bytes"
				      : "a WebSocket frame of 262145 bytes");
	ck_assert_uint_eq(evbuffer_get_length(payload), 0);
}
END_TEST

static const struct {
	uint8_t bytes[16];
	size_t len;
	const char *words;
} bad[] = {
	{ { FIN | BINARY, MASKED | 1, 1, 2, 3, 4, 'x' }, 7, "the BMC masks its WebSocket frames" },
	{ { FIN | BINARY, MASKED | 0, 1, 2, 3, 4 }, 6, "the BMC masks its WebSocket frames" },
	{ { FIN | 0x40 | BINARY, 1, 'x' }, 3, "a WebSocket frame with reserved bits" },
	{ { FIN | CONTINUATION, 1, 'x' }, 3, "a WebSocket fragment without a beginning" },
	{ { BINARY, 1, 'x', FIN | BINARY, 1, 'y' }, 6, "a WebSocket message inside another one" },
	{ { FIN | TEXT, 1, 'x' }, 3, "a WebSocket frame of text instead of bytes" },
	{ { FIN | 3, 1, 'x' }, 3, "a WebSocket frame with the unknown opcode 3" },
	{ { FIN | 15, 1, 'x' }, 3, "a WebSocket frame with the unknown opcode 15" },
	{ { PING, 1, 'x' }, 3, "not a WebSocket frame" },
	{ { FIN | PING, 126, 0, 126, 'x' }, 5, "not a WebSocket frame" },
	{ { FIN | BINARY, 126, 0, 5, 'x' }, 5, "not a WebSocket frame" },
	{ { FIN | BINARY, 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 'x' }, 11, "not a WebSocket frame" },
};

START_TEST(test_bad)
{
	size_t i = (size_t)_i;

	evbuffer_add(raw, bad[i].bytes, bad[i].len);
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_BAD);
	ck_assert_str_eq(why.text, bad[i].words);
	/* It stays so. */
	reason_clear(&why);
	add_frame(raw, FIN | BINARY, "more", 4);
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_BAD);
	ck_assert_str_eq(why.text, bad[i].words);
}
END_TEST

START_TEST(test_close_frame)
{
	struct evbuffer *taken = evbuffer_new();
	uint8_t got[16];
	size_t len;

	add_frame(wire, FIN | BINARY, "last", 4);
	add_frame(wire, FIN | CLOSE, "\x03\xe9 going", 8);
	add_frame(wire, FIN | BINARY, "ignored", 7);
	ck_assert_int_eq(bring(1, taken), WEBSOCKET_CLOSED);
	expect_bytes(taken, "last", 4);
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_CLOSED);
	ck_assert_uint_eq(evbuffer_get_length(payload), 0);
	/* It is answered, and nothing is sent after it. */
	websocket_encode(ws, out, 100);
	ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | CLOSE);
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(get_be16(got), 1000);
	websocket_queue(ws, "late", 4, NULL);
	websocket_encode(ws, out, 100);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_free(taken);
}
END_TEST

/* A server that answers 101, and then 200 once more. */
static const struct {
	const char *text;
	bool is_good;
} seconds[] = {
	{ "HTTP/1.1 200 OK\r\n", true },
	{ "HTTP/1.1 200 OK\r\n\r\n", true },
	{ "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n", true },
	{ "HTTP/1.1 200 OK\n\nHTTP/1.1 200 OK\n\n", true },
	{ "X", false },
	{ "IUSB", false },
};

START_TEST(test_second_head)
{
	struct evbuffer *taken = evbuffer_new();

	for (size_t piece = 1; piece < 40; piece++) {
		enum websocket_result result;

		teardown_frames();
		setup_frames();
		evbuffer_add(wire, seconds[_i].text, strlen(seconds[_i].text));
		add_frame(wire, FIN | BINARY, "IUSB", 4);
		add_frame(wire, FIN | BINARY, "HTTP/1.1 200 OK\r\n\r\n", 19);
		result = bring(piece, taken);
		ck_assert_int_eq(result == WEBSOCKET_MORE, seconds[_i].is_good);
		if (seconds[_i].is_good)
			expect_bytes(taken, "IUSBHTTP/1.1 200 OK\r\n\r\n", 23);
		evbuffer_drain(taken, evbuffer_get_length(taken));
	}
	evbuffer_free(taken);
}
END_TEST

START_TEST(test_endless_head)
{
	evbuffer_add(raw, "HTTP", 4);
	for (int i = 0; i < 2000; i++)
		evbuffer_add(raw, "text\n", 5);
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_BAD);
	ck_assert_str_eq(why.text, "the web server sends text instead of WebSocket frames");
}
END_TEST

/* ---- frames out ---- */

/* Each message is one masked frame, in pieces that the caller bounds. */
START_TEST(test_messages)
{
	enum { BOUND = 16384 };
	static const size_t sizes[] = { 1, 124, 64, 65, 65000, 65474, 65475, PACKET_DATA_MAX };
	static uint8_t bytes[PACKET_DATA_MAX], got[PACKET_SCSI_LEN + PACKET_DATA_MAX];
	struct evbuffer *data = evbuffer_new(), *sent = evbuffer_new();
	uint8_t head[PACKET_SCSI_LEN];
	size_t total = 0, len;

	memset(head, 0x5A, sizeof(head));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + i / 256);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		evbuffer_add_reference(data, bytes, sizes[i] / 2, NULL, NULL);
		evbuffer_add(data, bytes + sizes[i] / 2, sizes[i] - sizes[i] / 2);
		websocket_queue(ws, head, sizeof(head), data);
		ck_assert_uint_eq(evbuffer_get_length(data), 0);
		total += sizeof(head) + sizes[i];
		ck_assert_uint_eq(websocket_pending(ws), total);
	}
	while (websocket_pending(ws) > 0) {
		websocket_encode(ws, out, BOUND);
		ck_assert_uint_gt(evbuffer_get_length(out), 0);
		ck_assert_uint_lt(evbuffer_get_length(out), BOUND + 4096 + 14);
		evbuffer_add_buffer(sent, out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert_int_eq(take_frame(sent, got, sizeof(got), &len), FIN | BINARY);
		ck_assert_uint_eq(len, sizeof(head) + sizes[i]);
		ck_assert_mem_eq(got, head, sizeof(head));
		ck_assert_mem_eq(got + sizeof(head), bytes, sizes[i]);
	}
	ck_assert_uint_eq(evbuffer_get_length(sent), 0);
	evbuffer_free(data);
	evbuffer_free(sent);
}
END_TEST

/* A pong does not come in the middle of a frame, and a close after all. */
START_TEST(test_order)
{
	static uint8_t bytes[20000], got[20000];
	size_t len;

	websocket_queue(ws, bytes, sizeof(bytes), NULL);
	websocket_queue(ws, "second", 6, NULL);
	websocket_encode(ws, out, 1);
	add_frame(raw, FIN | PING, "one", 3);
	add_frame(raw, FIN | PING, "two", 3);
	ck_assert_int_eq(websocket_decode(ws, raw, payload, PACKET_MAX, &why), WEBSOCKET_MORE);
	websocket_close(ws);
	websocket_encode(ws, out, 100000);
	ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | BINARY);
	ck_assert_uint_eq(len, sizeof(bytes));
	/* One pong, for the last ping: a flood of pings is no flood of pongs. */
	ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | PONG);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(got, "two", 3);
	ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | BINARY);
	ck_assert_mem_eq(got, "second", 6);
	ck_assert_int_eq(take_frame(out, got, sizeof(got), &len), FIN | CLOSE);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
}
END_TEST

/* ---- a stream ---- */

static void
start(void)
{
	start_stream(&(struct stream_conf){ .address = "127.0.0.1",
		.port = w.port,
		.transport = TRANSPORT_WEBSOCKET,
		.path = "/cd-server",
		.cookie = "abc" });
}

/* Reads the request; text gets the answer that accepts it. */
static void
accept_request(char *text, size_t size)
{
	static const char field[] = "Sec-WebSocket-Key: ";
	char request[1024] = { 0 }, accept[WEBSOCKET_ACCEPT_SIZE], *at;

	LOOP_UNTIL(w.base,
		has_told('F') ||
			(w.peer && evbuffer_search(at_peer(), "\r\n\r\n", 4, NULL).pos >= 0));
	ck_assert_msg(!has_told('F'), "%s", w.why.text);
	ck_assert_str_eq(w.told, "R");
	evbuffer_remove(at_peer(), request, sizeof(request) - 1);
	ck_assert_int_eq(strncmp(request, "GET /cd-server HTTP/1.1\r\n", 25), 0);
	ck_assert_ptr_nonnull(strstr(request, "\r\nCookie: QSESSIONID=abc\r\n"));
	at = strstr(request, field);
	ck_assert_ptr_nonnull(at);
	at[strlen(field) + WEBSOCKET_KEY_SIZE - 1] = '\0';
	websocket_accept(accept, at + strlen(field));
	snprintf(text, size, SWITCH UPGRADE "Sec-WebSocket-Accept: %s\r\n" PROTOCOL "\r\n", accept);
}

static void
open_both(void)
{
	char text[256];

	start();
	accept_request(text, sizeof(text));
	peer_says(text, strlen(text));
	LOOP_UNTIL(w.base, has_told('C'));
	ck_assert_str_eq(w.told, "RC");
}

static void
peer_frame(uint8_t first, const void *bytes, size_t len)
{
	struct evbuffer *frame = evbuffer_new();

	add_frame(frame, first, bytes, len);
	bufferevent_write_buffer(w.peer, frame);
	evbuffer_free(frame);
}

static void
expect_frame(uint8_t first, const void *expected, size_t len)
{
	static uint8_t got[PACKET_MAX];
	uint8_t got_first;
	size_t got_len;

	LOOP_UNTIL(w.base, (got_first = take_frame(at_peer(), got, sizeof(got), &got_len)) != 0);
	ck_assert_int_eq(got_first, first);
	ck_assert_uint_eq(got_len, len);
	ck_assert_mem_eq(got, expected, len);
}

static void
expect_input(const char *text)
{
	char got[256] = { 0 };

	LOOP_UNTIL(w.base, has_told('I') && input_len() >= strlen(text));
	take_input(got, sizeof(got) - 1);
	ck_assert_str_eq(got, text);
}

static void
expect_failure(enum failure failure, const char *words)
{
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_eq(w.why.text, words);
	ck_assert_int_eq(w.failure, failure);
}

START_TEST(test_stream)
{
	struct evbuffer *data = evbuffer_new();

	open_both();
	evbuffer_add(data, "data", 4);
	w.is_inside = true;
	stream_write(w.stream, "AUTH", 4, NULL);
	stream_write(w.stream, "INFO", 4, data);
	w.is_inside = false;
	ck_assert_uint_gt(stream_pending(w.stream), 0);
	LOOP_UNTIL(w.base, has_told('D'));
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	expect_frame(FIN | BINARY, "AUTH", 4);
	expect_frame(FIN | BINARY, "INFOdata", 8);
	peer_frame(BINARY, "pac", 3);
	peer_frame(FIN | CONTINUATION, "ket", 3);
	expect_input("packet");
	/* A ping is answered, and nobody is told. */
	memset(w.told, 0, sizeof(w.told));
	peer_frame(FIN | PING, "p", 1);
	expect_frame(FIN | PONG, "p", 1);
	ck_assert_str_eq(w.told, "");
	evbuffer_free(data);
}
END_TEST

/* Head and frames in one breath; byte by byte; with a second head. */
START_TEST(test_at_once)
{
	struct evbuffer *all = evbuffer_new();
	char text[256];

	start();
	accept_request(text, sizeof(text));
	evbuffer_add(all, text, strlen(text));
	if (_i & 2)
		evbuffer_add_printf(all, "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n");
	add_frame(all, FIN | BINARY, "IUSB", 4);
	if (_i & 1)
		peer_says_slowly(evbuffer_pullup(all, -1), evbuffer_get_length(all));
	else
		bufferevent_write_buffer(w.peer, all);
	expect_input("IUSB");
	ck_assert_str_eq(w.told, "RCI");
	evbuffer_free(all);
}
END_TEST

/* All of it and the end arrive before anybody looks. */
START_TEST(test_all_and_close)
{
	struct evbuffer *all = evbuffer_new();
	char text[256];

	start();
	accept_request(text, sizeof(text));
	evbuffer_add(all, text, strlen(text));
	add_frame(all, FIN | BINARY, "last", 4);
	if (_i)
		add_frame(all, FIN | CLOSE, "", 0);
	bufferevent_write_buffer(w.peer, all);
	LOOP_UNTIL(w.base, peer_has_sent());
	if (!_i)
		drop_peer();
	LOOP_UNTIL(w.base, has_told('X'));
	ck_assert_str_eq(w.told, "RCIX");
	ck_assert_uint_eq(input_len(), 4);
	if (_i)
		expect_frame(FIN | CLOSE, "\x03\xe8", 2);
	evbuffer_drain(stream_input(w.stream), 4);
	stream_want_input(w.stream, false);
	stream_want_input(w.stream, true);
	turn(5);
	ck_assert_uint_eq(w.closes, 1);
	evbuffer_free(all);
}
END_TEST

START_TEST(test_largest_answer)
{
	static uint8_t big[PACKET_SCSI_LEN + PACKET_DATA_MAX];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	open_both();
	stream_write(w.stream, big, sizeof(big), NULL);
	LOOP_UNTIL(w.base, has_told('D'));
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	expect_frame(FIN | BINARY, big, sizeof(big));
}
END_TEST

START_TEST(test_input_is_bounded)
{
	enum { TIMES = 6 };
	static uint8_t flood[PACKET_MAX], got[PACKET_MAX];

	for (size_t i = 0; i < sizeof(flood); i++)
		flood[i] = (uint8_t)(i * 5 + i / 253);
	open_both();
	for (int i = 0; i < TIMES; i++)
		peer_frame(FIN | BINARY, flood, sizeof(flood));
	for (int i = 0; i < TIMES; i++) {
		LOOP_UNTIL(w.base, input_len() >= PACKET_MAX);
		turn(3);
		ck_assert_uint_eq(input_len(), PACKET_MAX);
		take_input(got, sizeof(got));
		ck_assert_mem_eq(got, flood, sizeof(flood));
	}
}
END_TEST

START_TEST(test_input_not_wanted)
{
	open_both();
	stream_want_input(w.stream, false);
	peer_frame(FIN | BINARY, "later", 5);
	LOOP_UNTIL(w.base, peer_has_sent());
	turn(10);
	ck_assert_uint_eq(input_len(), 0);
	ck_assert_str_eq(w.told, "RC");
	stream_want_input(w.stream, true);
	expect_input("later");
}
END_TEST

START_TEST(test_bad_frame)
{
	open_both();
	/* What came before it is not lost. */
	peer_frame(FIN | BINARY, "good", 4);
	peer_frame(FIN | TEXT, "bad", 3);
	expect_failure(FAILURE_PROTOCOL, "a WebSocket frame of text instead of bytes");
	ck_assert_str_eq(w.told, "RCIF");
	ck_assert_uint_eq(input_len(), 4);
}
END_TEST

START_TEST(test_refused)
{
	char text[256];

	start();
	accept_request(text, sizeof(text));
	peer_says("HTTP/1.1 404 Not Found\r\n\r\n", 26);
	expect_failure(FAILURE_REFUSED, "no WebSocket on this web server: 404 Not Found");
	ck_assert_str_eq(w.told, "RF");
	ck_assert_uint_eq(stream_pending(w.stream), 0);
}
END_TEST

START_TEST(test_no_answer)
{
	char text[256];

	start();
	accept_request(text, sizeof(text));
	if (_i) {
		peer_says("IUSB    ", 8);
		expect_failure(FAILURE_PROTOCOL, "the web server does not answer in HTTP");
	} else {
		drop_peer();
		expect_failure(FAILURE_LOST, "the web server closed the connection instead of "
					     "opening the WebSocket");
	}
}
END_TEST

/* The peer's answer to the request of before. */
START_TEST(test_wrong_accept)
{
	char text[256];

	start();
	accept_request(text, sizeof(text));
	next();
	start();
	{
		char other[256];

		accept_request(other, sizeof(other));
	}
	peer_says(text, strlen(text));
	expect_failure(FAILURE_PROTOCOL, "the web server's WebSocket answer is to another request");
}
END_TEST

START_TEST(test_goodbye)
{
	open_both();
	stream_write(w.stream, "last", 4, NULL);
	if (_i)
		LOOP_UNTIL(w.base, has_told('D'));
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.has_peer_ended);
	expect_frame(FIN | BINARY, "last", 4);
	expect_frame(FIN | CLOSE, "\x03\xe8", 2);
	ck_assert_uint_eq(evbuffer_get_length(at_peer()), 0);
}
END_TEST

START_TEST(test_over_tls)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc" });
	struct tls_conf tls = { .verify = TLS_VERIFY_NONE };
	static uint8_t big[PACKET_SCSI_LEN + PACKET_DATA_MAX];
	char text[256];

	w.peer_tls = cert_server(&cert);
	cert_free(&cert);
	start_stream(&(struct stream_conf){ .address = "127.0.0.1",
		.port = w.port,
		.tls = &tls,
		.transport = TRANSPORT_WEBSOCKET,
		.path = "/cd-server",
		.cookie = "abc" });
	accept_request(text, sizeof(text));
	peer_says(text, strlen(text));
	LOOP_UNTIL(w.base, has_told('C'));
	stream_write(w.stream, big, sizeof(big), NULL);
	LOOP_UNTIL(w.base, has_told('D'));
	expect_frame(FIN | BINARY, big, sizeof(big));
	peer_frame(FIN | BINARY, "packet", 6);
	expect_input("packet");
}
END_TEST

START_TEST(test_free_from_callback)
{
	char text[256];

	w.free_on = "RCIDXF"[_i];
	start();
	if (w.free_on == 'R') {
		LOOP_UNTIL(w.base, !w.stream);
		return;
	}
	accept_request(text, sizeof(text));
	peer_says(text, strlen(text));
	LOOP_UNTIL(w.base, !w.stream || has_told('C'));
	switch (w.free_on) {
	case 'I':
		peer_frame(FIN | BINARY, "x", 1);
		break;
	case 'D':
		stream_write(w.stream, "x", 1, NULL);
		break;
	case 'X':
		peer_frame(FIN | CLOSE, "", 0);
		break;
	case 'F':
		reset_peer();
		break;
	}
	LOOP_UNTIL(w.base, !w.stream);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("websocket");
	TCase *handshake = tcase_create("handshake");
	TCase *frames = tcase_create("frames");
	TCase *tc = tcase_create("stream");

	tcase_set_timeout(handshake, 120);
	tcase_add_test(handshake, test_accept);
	tcase_add_test(handshake, test_request);
	tcase_add_test(handshake, test_answers);
	suite_add_tcase(suite, handshake);

	tcase_set_timeout(frames, 120);
	tcase_add_checked_fixture(frames, setup_frames, teardown_frames);
	tcase_add_test(frames, test_split_everywhere);
	tcase_add_test(frames, test_bounded);
	tcase_add_loop_test(frames, test_oversize, 0, 2);
	tcase_add_loop_test(frames, test_bad, 0, ARRAY_SIZE(bad));
	tcase_add_test(frames, test_close_frame);
	tcase_add_loop_test(frames, test_second_head, 0, ARRAY_SIZE(seconds));
	tcase_add_test(frames, test_endless_head);
	tcase_add_test(frames, test_messages);
	tcase_add_test(frames, test_order);
	suite_add_tcase(suite, frames);

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, world_setup, world_teardown);
	tcase_add_test(tc, test_stream);
	tcase_add_loop_test(tc, test_at_once, 0, 4);
	tcase_add_loop_test(tc, test_all_and_close, 0, 2);
	tcase_add_test(tc, test_largest_answer);
	tcase_add_test(tc, test_input_is_bounded);
	tcase_add_test(tc, test_input_not_wanted);
	tcase_add_test(tc, test_bad_frame);
	tcase_add_test(tc, test_refused);
	tcase_add_loop_test(tc, test_no_answer, 0, 2);
	tcase_add_test(tc, test_wrong_accept);
	tcase_add_loop_test(tc, test_goodbye, 0, 2);
	tcase_add_test(tc, test_over_tls);
	tcase_add_loop_test(tc, test_free_from_callback, 0, 6);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
