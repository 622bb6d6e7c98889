/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_stream: connections on the loopback, and every way in which they begin and end. */
#include <event2/dns.h>
#include <event2/dns_struct.h>

#include "bmc/resolve.h"
#include "stream_world.h"

static void
start(const char *address, uint16_t port)
{
	start_stream(&(struct stream_conf){ .address = address, .port = port });
	ck_assert_ptr_null(stream_tls(w.stream));
}

static void
connect_both(void)
{
	start("127.0.0.1", w.port);
	LOOP_UNTIL(w.base, has_told('C') && w.peer);
}

START_TEST(test_connects)
{
	char expected[64];

	connect_both();
	ck_assert_str_eq(w.told, "C");
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", w.port);
	ck_assert_str_eq(stream_peer(w.stream), expected);
}
END_TEST

START_TEST(test_not_listening)
{
	struct sockaddr_in sin = loopback();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char expected[64];

	/* Bound, but it does not listen: nobody else can take the port. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	start("127.0.0.1", port_of(fd));
	LOOP_UNTIL(w.base, has_told('F'));
	snprintf(expected, sizeof(expected), "not listening on %u", port_of(fd));
	ck_assert_str_eq(w.why.text, expected);
	ck_assert_int_eq(w.failure, FAILURE_UNREACHABLE);
	ck_assert_str_eq(w.told, "F");
	close(fd);
}
END_TEST

/* connect() itself fails here; it is told from the loop all the same. */
START_TEST(test_fails_at_once)
{
	start("255.255.255.255", 5123);
	ck_assert_str_eq(w.told, "");
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_ne(w.why.text, "");
}
END_TEST

START_TEST(test_bytes_both_ways)
{
	struct evbuffer *data = evbuffer_new();
	char got[16] = { 0 };

	connect_both();
	bufferevent_write(w.peer, "hello", 5);
	LOOP_UNTIL(w.base, input_len() == 5);
	evbuffer_remove(stream_input(w.stream), got, 5);
	ck_assert_str_eq(got, "hello");

	evbuffer_add(data, "cde", 3);
	w.is_inside = true;
	stream_write(w.stream, "ab", 2, data);
	w.is_inside = false;
	ck_assert_uint_eq(stream_pending(w.stream), 5);
	ck_assert_uint_eq(evbuffer_get_length(data), 0);
	LOOP_UNTIL(w.base, has_told('D') && evbuffer_get_length(at_peer()) == 5);
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	evbuffer_remove(at_peer(), got, 5);
	ck_assert_str_eq(got, "abcde");
	evbuffer_free(data);
}
END_TEST

/* The largest answer there is goes out, and "drained" comes when it has. */
START_TEST(test_largest_answer)
{
	static uint8_t big[PACKET_SCSI_LEN + PACKET_DATA_MAX];

	memset(big, 0xA5, sizeof(big));
	connect_both();
	stream_write(w.stream, big, sizeof(big), NULL);
	LOOP_UNTIL(w.base, has_told('D'));
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_input(w.peer)) == sizeof(big));
}
END_TEST

START_TEST(test_input_is_bounded)
{
	enum { TOTAL = 8 * PACKET_MAX };
	static uint8_t flood[TOTAL];
	size_t got = 0;

	connect_both();
	bufferevent_write(w.peer, flood, sizeof(flood));
	while (got < TOTAL) {
		size_t expected = TOTAL - got < PACKET_MAX ? TOTAL - got : PACKET_MAX;

		LOOP_UNTIL(w.base, input_len() >= expected);
		/* More turns do not bring more. */
		for (int i = 0; i < 3; i++)
			event_base_loop(w.base, EVLOOP_NONBLOCK);
		ck_assert_uint_eq(input_len(), expected);
		evbuffer_drain(stream_input(w.stream), expected);
		got += expected;
	}
}
END_TEST

START_TEST(test_input_not_wanted)
{
	connect_both();
	stream_want_input(w.stream, false);
	bufferevent_write(w.peer, "later", 5);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_output(w.peer)) == 0);
	for (int i = 0; i < 10; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(input_len(), 0);
	ck_assert_str_eq(w.told, "C");
	stream_want_input(w.stream, true);
	LOOP_UNTIL(w.base, input_len() == 5);
	ck_assert_str_eq(w.told, "CI");
}
END_TEST

START_TEST(test_not_wanted_before_connected)
{
	start("127.0.0.1", w.port);
	stream_want_input(w.stream, false);
	LOOP_UNTIL(w.base, has_told('C') && w.peer);
	bufferevent_write(w.peer, "x", 1);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_output(w.peer)) == 0);
	for (int i = 0; i < 10; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(input_len(), 0);
}
END_TEST

/* What the peer sent just before it closed is not lost. */
START_TEST(test_data_and_close)
{
	connect_both();
	bufferevent_write(w.peer, "goodbye", 7);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_output(w.peer)) == 0);
	bufferevent_free(w.peer);
	w.peer = NULL;
	LOOP_UNTIL(w.base, has_told('X'));
	ck_assert_str_eq(w.told, "CIX");
	ck_assert_uint_eq(input_len(), 7);
	/* It is told once, whatever the receiver does. */
	evbuffer_drain(stream_input(w.stream), 7);
	stream_want_input(w.stream, false);
	stream_want_input(w.stream, true);
	for (int i = 0; i < 5; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(w.closes, 1);
}
END_TEST

/* Both have arrived before the stream looks. */
START_TEST(test_data_and_close_at_once)
{
	connect_both();
	stream_want_input(w.stream, false);
	bufferevent_write(w.peer, "goodbye", 7);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_output(w.peer)) == 0);
	bufferevent_free(w.peer);
	w.peer = NULL;
	for (int i = 0; i < 3; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	stream_want_input(w.stream, true);
	LOOP_UNTIL(w.base, has_told('X'));
	ck_assert_str_eq(w.told, "CIX");
	ck_assert_uint_eq(input_len(), 7);
}
END_TEST

START_TEST(test_reset)
{
	connect_both();
	reset_peer();
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_eq(w.why.text, "connection reset");
	ck_assert_int_eq(w.failure, FAILURE_LOST);
	ck_assert_str_eq(w.told, "CF");
}
END_TEST

/* The peer is gone while we only write. */
START_TEST(test_reset_while_writing)
{
	static uint8_t big[4 * PACKET_DATA_MAX];

	connect_both();
	stream_want_input(w.stream, false);
	bufferevent_disable(w.peer, EV_READ);
	while (!has_told('F')) {
		time_t until = 0;

		if (stream_pending(w.stream) == 0)
			stream_write(w.stream, big, sizeof(big), NULL);
		if (w.peer && strlen(w.told) > 0)
			reset_peer();
		ck_assert(loop_turn(w.base, &until));
	}
	ck_assert_str_ne(w.why.text, "");
}
END_TEST

/* What the kernel has taken arrives, even when the peer is slow to read it and something from the
 * peer was left unread. */
START_TEST(test_free_delivers)
{
	static uint8_t answer[8192], got[8192 + 1];

	memset(answer, 0x77, sizeof(answer));
	shrink_window();
	connect_both();
	bufferevent_disable(w.peer, EV_READ);
	stream_want_input(w.stream, false);
	bufferevent_write(w.peer, "unread", 6);
	LOOP_UNTIL(w.base, evbuffer_get_length(bufferevent_get_output(w.peer)) == 0);
	w.free_on = 'D';
	stream_write(w.stream, answer, sizeof(answer), NULL);
	LOOP_UNTIL(w.base, !w.stream);
	bufferevent_enable(w.peer, EV_READ);
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_int_eq(w.peer_what & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_uint_eq(
		evbuffer_remove(bufferevent_get_input(w.peer), got, sizeof(got)), sizeof(answer));
	ck_assert_mem_eq(got, answer, sizeof(answer));
}
END_TEST

/* The stream may be freed from each of its events. */
START_TEST(test_free_from_callback)
{
	w.free_on = "CIDXF"[_i];
	start("127.0.0.1", w.port);
	LOOP_UNTIL(w.base, w.peer && (w.free_on == 'C' ? !w.stream : has_told('C')));
	switch (w.free_on) {
	case 'I':
		bufferevent_write(w.peer, "x", 1);
		break;
	case 'D':
		stream_write(w.stream, "x", 1, NULL);
		break;
	case 'X':
		bufferevent_free(w.peer);
		w.peer = NULL;
		break;
	case 'F':
		reset_peer();
		break;
	}
	LOOP_UNTIL(w.base, !w.stream);
}
END_TEST

START_TEST(test_free_while_connecting)
{
	start("127.0.0.1", w.port);
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.peer != NULL);
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_str_eq(w.told, "");
}
END_TEST

/* ---- names ---- */

static char conf_path[64];
static struct evdns_server_port *dns;
static unsigned questions;
static bool is_dns_silent;

/* bmc.test is on the loopback, nothing else exists. */
static void
dns_cb(struct evdns_server_request *request, void *arg)
{
	uint32_t address = htonl(INADDR_LOOPBACK);
	int error = DNS_ERR_NOTEXIST;

	(void)arg;
	questions++;
	if (is_dns_silent) {
		evdns_server_request_drop(request);
		return;
	}
	for (int i = 0; i < request->nquestions; i++) {
		const struct evdns_server_question *q = request->questions[i];

		if (evutil_ascii_strcasecmp(q->name, "bmc.test") != 0) /* its case is random */
			continue;
		error = DNS_ERR_NONE;
		if (q->type == EVDNS_TYPE_A)
			evdns_server_request_add_a_reply(request, q->name, 1, &address, 60);
	}
	evdns_server_request_respond(request, error);
}

static void
setup_dns(void)
{
	struct sockaddr_in sin = loopback();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int conf;
	FILE *f;

	world_setup();
	questions = 0;
	is_dns_silent = false;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	dns = evdns_add_server_port_with_base(w.base, fd, 0, dns_cb, NULL);
	strcpy(conf_path, "/tmp/check_stream.XXXXXX");
	conf = mkstemp(conf_path);
	ck_assert_int_ge(conf, 0);
	f = fdopen(conf, "w");
	fprintf(f, "nameserver 127.0.0.1:%u\n", port_of(fd));
	fclose(f);
	resolve_conf_path = conf_path;
}

static void
teardown_dns(void)
{
	stream_free(w.stream);
	w.stream = NULL;
	for (int i = 0; i < 5; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	evdns_close_server_port(dns);
	unlink(conf_path);
	world_teardown();
}

START_TEST(test_name)
{
	char expected[64];

	start("bmc.test", w.port);
	LOOP_UNTIL(w.base, has_told('C') && w.peer);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", w.port);
	ck_assert_str_eq(stream_peer(w.stream), expected);
	ck_assert_uint_gt(questions, 0);
}
END_TEST

/* By the hosts file; ::1, where nobody listens, may come first. */
START_TEST(test_localhost)
{
	start("localhost", w.port);
	LOOP_UNTIL(w.base, has_told('C') && w.peer);
	ck_assert_uint_eq(questions, 0);
}
END_TEST

START_TEST(test_unknown_name)
{
	start("nosuch.test", w.port);
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_ptr_nonnull(strstr(w.why.text, "cannot resolve nosuch.test: "));
}
END_TEST

START_TEST(test_free_while_resolving)
{
	is_dns_silent = true;
	start("bmc.test", w.port);
	LOOP_UNTIL(w.base, questions > 0);
	stream_free(w.stream);
	w.stream = NULL;
	ck_assert_str_eq(w.told, "");
}
END_TEST

START_TEST(test_free_when_resolved)
{
	/* The hosts file answers at once, but it is told later. */
	start("localhost", w.port);
	stream_free(w.stream);
	w.stream = NULL;
	for (int i = 0; i < 5; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	ck_assert_str_eq(w.told, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");
	TCase *names = tcase_create("names");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, world_setup, world_teardown);
	tcase_add_test(tc, test_connects);
	tcase_add_test(tc, test_not_listening);
	tcase_add_test(tc, test_fails_at_once);
	tcase_add_test(tc, test_bytes_both_ways);
	tcase_add_test(tc, test_largest_answer);
	tcase_add_test(tc, test_input_is_bounded);
	tcase_add_test(tc, test_input_not_wanted);
	tcase_add_test(tc, test_not_wanted_before_connected);
	tcase_add_test(tc, test_data_and_close);
	tcase_add_test(tc, test_data_and_close_at_once);
	tcase_add_test(tc, test_reset);
	tcase_add_test(tc, test_reset_while_writing);
	tcase_add_test(tc, test_free_delivers);
	tcase_add_loop_test(tc, test_free_from_callback, 0, 5);
	tcase_add_test(tc, test_free_while_connecting);
	suite_add_tcase(suite, tc);

	tcase_set_timeout(names, 120);
	tcase_add_checked_fixture(names, setup_dns, teardown_dns);
	tcase_add_test(names, test_name);
	tcase_add_test(names, test_localhost);
	tcase_add_test(names, test_unknown_name);
	tcase_add_test(names, test_free_while_resolving);
	tcase_add_test(names, test_free_when_resolved);
	suite_add_tcase(suite, names);
	return unit_run(suite);
}
