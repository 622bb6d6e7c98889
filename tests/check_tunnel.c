/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_tunnel: the head of a web server's answer, the tunnel's text, and a stream through it. */
#include "bmc/http_head.h"
#include "bmc/tunnel.h"
#include "stream_world.h"
#include "tls_certs.h"

/* ---- the head of an answer ---- */

static enum http_result
parse(const char *text, struct http_head *head)
{
	return http_head_parse(text, strlen(text), head);
}

START_TEST(test_head)
{
	static const char text[] = "HTTP/1.1 404  Not Found \r\nServer: x\r\nX-Empty:\r\n"
				   "connection:  keep-alive, Upgrade\t\r\nServer: y\r\n\r\nbody";
	struct http_head head;
	char value[16];

	for (size_t i = 0; i < sizeof(text) - 1 - 4; i++)
		ck_assert_int_eq(http_head_parse(text, i, &head), HTTP_NEED_MORE);
	ck_assert_int_eq(parse(text, &head), HTTP_READY);
	ck_assert_int_eq(head.status, 404);
	ck_assert_str_eq(head.words, "404  Not Found");
	ck_assert_uint_eq(head.len, sizeof(text) - 1 - 4);
	ck_assert(http_head_field(&head, "server", value, sizeof(value)));
	ck_assert_str_eq(value, "x");
	ck_assert(http_head_field(&head, "X-Empty", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert(!http_head_field(&head, "Connection", value, sizeof(value))); /* too long */
	ck_assert(!http_head_field(&head, "Serve", value, sizeof(value)));
	ck_assert(http_head_has_token(&head, "Connection", "upgrade"));
	ck_assert(!http_head_has_token(&head, "Connection", "up"));
	ck_assert(!http_head_has_token(&head, "Upgrade", "websocket"));
}
END_TEST

START_TEST(test_head_kinds)
{
	static const struct {
		const char *text;
		enum http_result result;
		int status;
	} cases[] = {
		{ "HTTP/1.0 200 OK\n\n", HTTP_READY, 200 },
		{ "HTTP/1.1 200\r\n\r\n", HTTP_READY, 200 },
		{ "HTTPS/1.1 200 OK\r\n\n", HTTP_READY, 200 },
		{ "HTTP/1.1 101 Switching Protocols\r\nHTTP/1.1 200 OK\r\n\r\n", HTTP_READY, 101 },
		{ "HTTP/1.1 200 OK\r\n", HTTP_NEED_MORE, 0 },
		{ "HT", HTTP_NEED_MORE, 0 },
		{ "", HTTP_NEED_MORE, 0 },
		{ "HX", HTTP_BAD, 0 },
		{ "IUSB    ", HTTP_BAD, 0 },
		{ "HTTP/1.1\r\n\r\n", HTTP_BAD, 0 },
		{ "HTTP/1.1 20\r\n\r\n", HTTP_BAD, 0 },
		{ "HTTP/1.1 2000 OK\r\n\r\n", HTTP_BAD, 0 },
		{ "HTTP/1.1 -20 OK\r\n\r\n", HTTP_BAD, 0 },
		{ "HTTPD 200 OK\r\n\r\n", HTTP_BAD, 0 },
		{ "\r\n", HTTP_BAD, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_head head = { 0 };

		ck_assert_msg(parse(cases[i].text, &head) == cases[i].result, "case %zu", i);
		if (cases[i].result == HTTP_READY)
			ck_assert_int_eq(head.status, cases[i].status);
	}
}
END_TEST

START_TEST(test_head_limits)
{
	static char text[2 * HTTP_HEAD_MAX];
	struct http_head head;

	memset(text, 'x', sizeof(text));
	memcpy(text, "HTTP/1.1 200 ", 13);
	ck_assert_int_eq(http_head_parse(text, HTTP_HEAD_MAX - 1, &head), HTTP_NEED_MORE);
	ck_assert_int_eq(http_head_parse(text, HTTP_HEAD_MAX, &head), HTTP_BAD);
	ck_assert_int_eq(http_head_parse(text, sizeof(text), &head), HTTP_BAD);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(http_head_parse(text, sizeof(text), &head), HTTP_READY);
	ck_assert_uint_eq(strlen(head.words), sizeof(head.words) - 1);
	text[100] = '\n';
	text[200] = '\0';
	ck_assert_int_eq(http_head_parse(text, sizeof(text), &head), HTTP_BAD);
}
END_TEST

/* ---- the tunnel's text ---- */

static const struct tunnel_request request = {
	.host = "10.0.0.7",
	.secure_port = 443,
	.cookie = "c00kie",
	.device = DEVICE_FD,
};

static void
expect_text(struct evbuffer *out, const char *expected)
{
	char got[512] = { 0 };

	evbuffer_remove(out, got, sizeof(got) - 1);
	ck_assert_str_eq(got, expected);
}

START_TEST(test_request)
{
	struct evbuffer *out = evbuffer_new();
	struct tunnel_request other = request;
	struct reason why;

	ck_assert_int_eq(tunnel_ask(out, &request, &why), 0);
	expect_text(out, "CONNECT 10.0.0.7:443 HTTP/1.1\n cookie c00kie\r\n\r\n"
			 "JVIEWER FDMEDIA cookie c00kie\r\n\r\n");
	other.host = "2001:db8::7";
	other.is_tls = true;
	other.device = DEVICE_CD;
	other.secure_port = 8443;
	ck_assert_int_eq(tunnel_ask(out, &other, &why), 0);
	expect_text(out, "CONNECT [2001:db8::7]:8443 HTTPS/1.1\n cookie c00kie\r\n\r\n"
			 "JVIEWER CDMEDIA cookie c00kie\r\n\r\n");
	other.device = DEVICE_HD;
	ck_assert_int_eq(tunnel_ask(out, &other, &why), 0);
	ck_assert_ptr_nonnull(evbuffer_pullup(out, -1));
	ck_assert_ptr_nonnull(
		memmem(evbuffer_pullup(out, -1), evbuffer_get_length(out), "JVIEWER HDMEDIA ", 16));
	evbuffer_drain(out, evbuffer_get_length(out));
	tunnel_leave(out, &request);
	expect_text(out, "JVIEWER DISCONNECT Cookie c00kie\r\n\r\n");
	other.cookie = "a\r\nb";
	ck_assert_int_eq(tunnel_ask(out, &other, &why), -1);
	ck_assert_str_ne(why.text, "");
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_free(out);
}
END_TEST

/* What comes of an answer, and how many bytes of it are behind the text. rest < 0: it does not
 * come so far. closed: what an end of the connection means then. */
static const struct {
	const char *text;
	enum tunnel_result result;
	int rest;
	const char *words;
	const char *closed; /* NULL: no refusal */
} answers[] = {
	{ "HTTP/1.1 200 OK\r\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTP/1.0 200 OK\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTPS/1.1 200 Connection established\r\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTP/1.1 200 OK\r\n\r\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTP/1.1 200 OK\r\n\nI", TUNNEL_THROUGH, 1, "", NULL },
	{ "HTTP/1.1 200 OK\r\nServer: x\r\nAge: 0\r\n\r\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\nIUSB", TUNNEL_THROUGH, 4, "", NULL },
	{ "HTTP/1.1 200 OK\r\n\x01\x02", TUNNEL_THROUGH, 2, "", NULL },
	{ "HTTP/1.1 200 OK\r\n", TUNNEL_MORE, -1, "", NULL },
	{ "HTTP/1.1 200 OK", TUNNEL_MORE, -1, "", NULL },
	{ "", TUNNEL_MORE, -1, "", NULL },
	{ "HTTP/1.1 403 ERROR:3\r\n", TUNNEL_REFUSED, -1,
		"the web server refused the tunnel: ERROR:3", NULL },
	{ "HTTP/1.1 403 Forbidden\r\n\r\nERROR:17\r\n", TUNNEL_REFUSED, -1,
		"the web server refused the tunnel: ERROR:17", NULL },
	{ "ERROR:3\r\n", TUNNEL_REFUSED, -1, "the web server refused the tunnel: ERROR:3", NULL },
	{ "<html>ERROR:9</html>", TUNNEL_REFUSED, -1, "the web server refused the tunnel: ERROR:9",
		NULL },
	{ "ERROR\r\n", TUNNEL_REFUSED, -1, "the web server refused the tunnel: ERROR", NULL },
	{ "HTTP/1.1 200 OK\r\nERROR:4\r\n", TUNNEL_REFUSED, -1,
		"the web server refused the tunnel: ERROR:4", NULL },
	{ "HTTP/1.1 200 OK\r\nERROR:4", TUNNEL_MORE, -1, "",
		"the web server refused the tunnel: ERROR:4" },
	{ "HTTP/1.1 404 Not Found\r\n", TUNNEL_MORE, -1, "",
		"the web server refused the tunnel: 404 Not Found" },
	{ "HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n<html>", TUNNEL_MORE, -1, "",
		"the web server refused the tunnel: 404 Not Found" },
	{ "HTTP/1.1 404 Not Found\r\n\x01", TUNNEL_REFUSED, -1,
		"the web server refused the tunnel: 404 Not Found", NULL },
	{ "IUSB    \x01", TUNNEL_BAD, -1, "the web server does not answer in HTTP", NULL },
	{ "hello\r\n", TUNNEL_BAD, -1, "the web server does not answer in HTTP", NULL },
	{ "\r\n", TUNNEL_BAD, -1, "the web server does not answer in HTTP", NULL },
};

/* The answer arrives in pieces of that size. */
static void
check_answer(size_t i, size_t piece)
{
	const char *text = answers[i].text;
	size_t len = strlen(text), off = 0, used = 0, end = 0;
	enum tunnel_result result = TUNNEL_MORE;
	struct tunnel tunnel = { 0 };
	struct reason why = { 0 };

	while (off < len && result <= TUNNEL_OPEN) {
		if (off == end)
			end = off + piece < len ? off + piece : len;
		result = tunnel_read(&tunnel, (const uint8_t *)text + off, end - off, &used, &why);
		off += used;
		ck_assert_uint_le(off, end);
		if (result == TUNNEL_MORE)
			ck_assert_uint_eq(off, end);
		if (result == TUNNEL_OPEN)
			ck_assert_int_eq(text[off - 1], '\n');
	}
	if (result == TUNNEL_OPEN)
		result = TUNNEL_MORE;
	ck_assert_msg(
		result == answers[i].result, "answer %zu in pieces of %zu: %d", i, piece, result);
	ck_assert_str_eq(why.text, answers[i].words);
	if (answers[i].rest >= 0)
		ck_assert_uint_eq(len - off, answers[i].rest);
	if (result != TUNNEL_MORE)
		return;
	ck_assert_int_eq(tunnel_is_refused(&tunnel, &why), answers[i].closed != NULL);
	if (answers[i].closed)
		ck_assert_str_eq(why.text, answers[i].closed);
}

START_TEST(test_answers)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		for (size_t piece = 1; piece < 60; piece++)
			check_answer(i, piece);
}
END_TEST

/* Text without end. */
START_TEST(test_endless)
{
	static const char *const starts[] = { "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 500 No\r\n" };
	static const enum tunnel_result expected[] = { TUNNEL_BAD, TUNNEL_BAD, TUNNEL_REFUSED };
	static const char *const words[] = { "the web server does not answer in HTTP",
		"the web server sends text instead of IUSB",
		"the web server refused the tunnel: 500 No" };
	static uint8_t text[2 * TUNNEL_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t off = 0, used;
		struct tunnel tunnel = { 0 };
		struct reason why = { 0 };
		enum tunnel_result result;

		memset(text, 'a', sizeof(text));
		memcpy(text, starts[i], strlen(starts[i]));
		do {
			result = tunnel_read(&tunnel, text + off, sizeof(text) - off, &used, &why);
			off += used;
		} while (result == TUNNEL_OPEN);
		ck_assert_int_eq(result, expected[i]);
		ck_assert_uint_eq(off, TUNNEL_TEXT_MAX + 1);
		ck_assert_str_eq(why.text, words[i]);
	}
}
END_TEST

/* ---- a stream ---- */

static const char ask[] = "CONNECT 127.0.0.1:443 HTTP/1.1\n cookie c00kie\r\n\r\n"
			  "JVIEWER CDMEDIA cookie c00kie\r\n\r\n";

static void
start(void)
{
	start_stream(&(struct stream_conf){ .address = "127.0.0.1",
		.port = w.port,
		.transport = TRANSPORT_TUNNEL,
		.device = DEVICE_CD,
		.cookie = "c00kie" });
}

static void
expect_asked(const char *text)
{
	LOOP_UNTIL(w.base,
		has_told('F') || (w.peer && evbuffer_get_length(at_peer()) >= strlen(text)));
	ck_assert_msg(!has_told('F'), "%s", w.why.text);
	expect_text(at_peer(), text);
}

static void
expect_failure(enum failure failure, const char *words)
{
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_eq(w.why.text, words);
	ck_assert_int_eq(w.failure, failure);
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
say(const char *text)
{
	peer_says(text, strlen(text));
}

START_TEST(test_opens)
{
	start();
	expect_asked(ask);
	ck_assert_str_eq(w.told, "R");
	say("HTTP/1.1 200 OK\r\n");
	LOOP_UNTIL(w.base, has_told('C'));
	ck_assert_str_eq(w.told, "RC");
	ck_assert_uint_eq(input_len(), 0);
	w.is_inside = true;
	stream_write(w.stream, "AUTH", 4, NULL);
	w.is_inside = false;
	ck_assert_uint_eq(stream_pending(w.stream), 4);
	LOOP_UNTIL(w.base, has_told('D'));
	expect_asked("AUTH");
	say("\r\nIUSB and so on");
	expect_input("IUSB and so on");
	ck_assert_str_eq(w.told, "RCDI");
	/* What looks like text is data from now on. */
	say("\r\nHTTP/1.1 ERROR:3\r\n");
	expect_input("\r\nHTTP/1.1 ERROR:3\r\n");
	say("last");
	LOOP_UNTIL(w.base, input_len() == 4);
	drop_peer();
	LOOP_UNTIL(w.base, has_told('X'));
	ck_assert_uint_eq(input_len(), 4);
}
END_TEST

static const char *const openings[] = {
	"HTTP/1.1 200 OK\r\nIUSB",
	"HTTP/1.0 200 OK\nIUSB",
	"HTTP/1.1 200 OK\r\n\r\nIUSB",
	"HTTP/1.1 200 OK\r\nServer: lighttpd\r\n\r\nIUSB",
};

/* Status line and IUSB in one breath, and byte by byte. */
START_TEST(test_binary_at_once)
{
	const char *text = openings[_i / 2];

	start();
	expect_asked(ask);
	if (_i % 2)
		peer_says_slowly(text, strlen(text));
	else
		say(text);
	expect_input("IUSB");
	ck_assert_str_eq(w.told, "RCI");
}
END_TEST

START_TEST(test_not_wanted)
{
	start();
	stream_want_input(w.stream, false);
	expect_asked(ask);
	say("HTTP/1.1 200 OK\r\n");
	LOOP_UNTIL(w.base, has_told('C'));
	say("\r\nIUSB");
	LOOP_UNTIL(w.base, peer_has_sent());
	turn(5);
	ck_assert_str_eq(w.told, "RC");
	stream_want_input(w.stream, true);
	expect_input("IUSB");
}
END_TEST

START_TEST(test_refused)
{
	start();
	expect_asked(ask);
	say("HTTP/1.1 403 Forbidden\r\n\r\nERROR:3\r\n");
	expect_failure(FAILURE_REFUSED, "the web server refused the tunnel: ERROR:3");
	ck_assert_str_eq(w.told, "RF");
}
END_TEST

/* The reason ends with the connection, or comes never: then there is a limit. */
START_TEST(test_refused_without_end)
{
	start();
	expect_asked(ask);
	say("HTTP/1.1 503 Service Unavailable\r\n");
	LOOP_UNTIL(w.base, peer_has_sent());
	if (_i == 1)
		drop_peer();
	expect_failure(
		FAILURE_REFUSED, "the web server refused the tunnel: 503 Service Unavailable");
}
END_TEST

START_TEST(test_refused_after_opening)
{
	start();
	expect_asked(ask);
	say("HTTP/1.1 200 OK\r\nERROR:5");
	LOOP_UNTIL(w.base, peer_has_sent());
	drop_peer();
	expect_failure(FAILURE_REFUSED, "the web server refused the tunnel: ERROR:5");
	ck_assert_str_eq(w.told, "RCF");
}
END_TEST

START_TEST(test_not_http)
{
	start();
	expect_asked(ask);
	say("IUSB    \x01");
	expect_failure(FAILURE_PROTOCOL, "the web server does not answer in HTTP");
}
END_TEST

START_TEST(test_closed)
{
	start();
	expect_asked(ask);
	drop_peer();
	expect_failure(
		FAILURE_LOST, "the web server closed the connection instead of opening the tunnel");
}
END_TEST

/* A web server that says nothing is for the owner's limit. */
START_TEST(test_silence)
{
	start();
	expect_asked(ask);
	turn(5);
	ck_assert_str_eq(w.told, "R");
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_uint_eq(evbuffer_get_length(at_peer()), 0);
}
END_TEST

START_TEST(test_bad_cookie)
{
	start_stream(&(struct stream_conf){ .address = "127.0.0.1",
		.port = w.port,
		.transport = TRANSPORT_TUNNEL,
		.cookie = "a\r\nb" });
	expect_failure(FAILURE_REFUSED, "the web cookie has characters that do not belong in one");
}
END_TEST

START_TEST(test_goodbye)
{
	start();
	expect_asked(ask);
	say("HTTP/1.1 200 OK\r\n");
	LOOP_UNTIL(w.base, has_told('C'));
	stream_write(w.stream, "last", 4, NULL);
	if (_i == 1)
		LOOP_UNTIL(w.base, has_told('D'));
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.has_peer_ended);
	expect_text(at_peer(), "lastJVIEWER DISCONNECT Cookie c00kie\r\n\r\n");
}
END_TEST

/* Not into the middle of a packet. */
START_TEST(test_no_goodbye)
{
	enum { TIMES = 40 };
	static uint8_t big[PACKET_DATA_MAX];
	static const char word[] = "JVIEWER";

	shrink_window();
	start();
	expect_asked(ask);
	say("HTTP/1.1 200 OK\r\n");
	LOOP_UNTIL(w.base, has_told('C'));
	bufferevent_disable(w.peer, EV_READ);
	for (int i = 0; i < TIMES; i++)
		stream_write(w.stream, big, sizeof(big), NULL);
	turn(5);
	ck_assert_uint_gt(stream_pending(w.stream), 0);
	stream_free(w.stream);
	w.stream = NULL;
	bufferevent_enable(w.peer, EV_READ);
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_int_eq((int)evbuffer_search(at_peer(), word, strlen(word), NULL).pos, -1);
}
END_TEST

START_TEST(test_over_tls)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc" });
	struct tls_conf tls = { .verify = TLS_VERIFY_NONE };

	w.peer_tls = cert_server(&cert);
	cert_free(&cert);
	start_stream(&(struct stream_conf){ .address = "127.0.0.1",
		.port = w.port,
		.transport = TRANSPORT_TUNNEL,
		.tls = &tls,
		.device = DEVICE_HD,
		.secure_port = 8443,
		.cookie = "c00kie" });
	expect_asked("CONNECT 127.0.0.1:8443 HTTPS/1.1\n cookie c00kie\r\n\r\n"
		     "JVIEWER HDMEDIA cookie c00kie\r\n\r\n");
	say("HTTP/1.1 200 OK\r\nIUSB");
	expect_input("IUSB");
	ck_assert_str_eq(w.told, "RCI");
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.has_peer_ended);
	expect_text(at_peer(), "JVIEWER DISCONNECT Cookie c00kie\r\n\r\n");
}
END_TEST

START_TEST(test_free_from_callback)
{
	w.free_on = "RCIDXF"[_i];
	start();
	LOOP_UNTIL(w.base, w.peer != NULL);
	say("HTTP/1.1 200 OK\r\n");
	LOOP_UNTIL(w.base, !w.stream || has_told('C'));
	switch (w.free_on) {
	case 'I':
		say("IUSB");
		break;
	case 'D':
		stream_write(w.stream, "x", 1, NULL);
		break;
	case 'X':
		drop_peer();
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
	Suite *suite = suite_create("tunnel");
	TCase *text = tcase_create("text");
	TCase *tc = tcase_create("stream");

	tcase_set_timeout(text, 120);
	tcase_add_test(text, test_head);
	tcase_add_test(text, test_head_kinds);
	tcase_add_test(text, test_head_limits);
	tcase_add_test(text, test_request);
	tcase_add_test(text, test_answers);
	tcase_add_test(text, test_endless);
	suite_add_tcase(suite, text);

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, world_setup, world_teardown);
	tcase_add_test(tc, test_opens);
	tcase_add_loop_test(tc, test_binary_at_once, 0, 2 * ARRAY_SIZE(openings));
	tcase_add_test(tc, test_not_wanted);
	tcase_add_test(tc, test_refused);
	tcase_add_loop_test(tc, test_refused_without_end, 0, 2);
	tcase_add_test(tc, test_refused_after_opening);
	tcase_add_test(tc, test_not_http);
	tcase_add_test(tc, test_closed);
	tcase_add_test(tc, test_silence);
	tcase_add_test(tc, test_bad_cookie);
	tcase_add_loop_test(tc, test_goodbye, 0, 2);
	tcase_add_test(tc, test_no_goodbye);
	tcase_add_test(tc, test_over_tls);
	tcase_add_loop_test(tc, test_free_from_callback, 0, 6);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
