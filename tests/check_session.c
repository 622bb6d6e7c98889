/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_session: a session, a real image and a BMC that is moved by hand, over the loopback; and
 * every state with every event. */
#include <unistd.h>

#include "session_fixture.h"

#include "bmc/clock.h"
#include "image/pool.h"
#include "vector.h"

enum {
	BLOCKS = 2880,
};

static struct pool *pool;
static char path[64];
static uint8_t medium[BLOCKS * BLOCK];

/* ---- the stage ---- */

/* Another session takes the place of the one that there is, if there is one. */
static void
remake_session(const char *dialect, enum device device)
{
	session_free(session);
	make_session(dialect, device, 0.01, 0.05);
}

static void
setup(void)
{
	int fd;

	open_world();
	pool = pool_new(base);
	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i / BLOCK + i * 7);
	strcpy(path, "/tmp/check_session.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, medium, sizeof(medium)), sizeof(medium));
	close(fd);
	session = NULL;
	remake_session("legacy", DEVICE_FD);
}

static void
teardown(void)
{
	session_free(session);
	pool_free(pool);
	close_world();
	unlink(path);
}

static const struct session_status *
now(void)
{
	session_status(session, &status);
	return &status;
}

static struct image *
open_image(enum image_mode mode)
{
	struct reason why;
	struct image *image = image_open(path, mode, pool, &why);

	ck_assert_msg(image != NULL, "%s", why.text);
	return image;
}

/* The BMC has accepted it. */
static void
serve_session(enum image_mode mode)
{
	connect_session(open_image(mode));
	accept_session();
}

/* The session fails, with this reason, and the BMC sees its end. */
static void
expect_failure(enum failure failure, const char *reason)
{
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, failure);
	ck_assert_str_eq(status.reason.text, reason);
	ck_assert_double_gt(status.retry_at, status.since - 1);
	ck_assert_ptr_null(session->stream);
	if (bmc.bev)
		LOOP_UNTIL(base, bmc.is_ended || bmc.accepts > 1);
}

/* Sends a request and returns the sense of the response that belongs to it; its data is in buf. */
static uint32_t
command(uint8_t op, uint32_t lba, uint16_t count, uint32_t read_len, const uint8_t *data,
	uint32_t data_len, struct packet *response)
{
	size_t len = fake_bmc_request(&bmc, other, op, lba, count, read_len, data, data_len);

	fake_bmc_send(&bmc, other, len);
	fake_bmc_response(&bmc, buf, response);
	/* Mirrored but for direction, length, checksum, status and DataLen. */
	other[OFF_DIRECTION] = DIRECTION_TO_BMC;
	other[OFF_CHECKSUM] = buf[OFF_CHECKSUM];
	memcpy(other + OFF_DATA_PKT_LEN, buf + OFF_DATA_PKT_LEN, 4);
	ck_assert_mem_eq(other, buf, OFF_STATUS);
	ck_assert_uint_eq(response->status[0], response->status[1] != 0);
	return get_be24(response->status + 1);
}

static uint32_t
test_unit_ready(void)
{
	struct packet response;
	uint32_t sense = command(TUR, 0, 0, 0, NULL, 0, &response);

	ck_assert_uint_eq(response.data_len, 0);
	return sense;
}

/* The host reads, and what it gets is what the image has. */
static void
read_and_compare(uint32_t lba, uint16_t count)
{
	struct packet response;

	ck_assert_uint_eq(
		command(READ_10, lba, count, count * (uint32_t)BLOCK, NULL, 0, &response), 0);
	ck_assert_uint_eq(response.data_len, count * (size_t)BLOCK);
	ck_assert_mem_eq(response.data, medium + lba * (size_t)BLOCK, response.data_len);
}

static void
send_vector(const char *name)
{
	fake_bmc_send(&bmc, other, vector_read(name, other, sizeof(other)));
}

static void
expect_vector(const char *name)
{
	size_t len = vector_read(name, other, sizeof(other));

	fake_bmc_receive(&bmc, buf, len);
	ck_assert_mem_eq(buf, other, len);
	ck_assert(fake_bmc_has_read_all(&bmc));
}

/* ---- the table ---- */

/* What is not listed leaves the phase as it is. */
static const struct {
	enum session_phase from;
	enum session_event event;
	enum session_phase to;
} moves[] = {
	{ PHASE_IDLE, EVENT_START, PHASE_PLANNING },
	{ PHASE_PLANNING, EVENT_ASK, PHASE_LOGIN },
	{ PHASE_PLANNING, EVENT_PLANNED, PHASE_CONNECTING },
	{ PHASE_PLANNING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_PLANNING, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_LOGIN, EVENT_PLANNED, PHASE_CONNECTING },
	{ PHASE_LOGIN, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_LOGIN, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_CONNECTING, EVENT_REACHED, PHASE_SECURING },
	{ PHASE_CONNECTING, EVENT_LISTEN, PHASE_LISTENING },
	{ PHASE_CONNECTING, EVENT_CONNECTED, PHASE_AUTHENTICATING },
	{ PHASE_CONNECTING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_CONNECTING, EVENT_DEADLINE, PHASE_BACKOFF },
	{ PHASE_CONNECTING, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_SECURING, EVENT_CONNECTED, PHASE_AUTHENTICATING },
	{ PHASE_SECURING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_SECURING, EVENT_DEADLINE, PHASE_BACKOFF },
	{ PHASE_SECURING, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_LISTENING, EVENT_GUESS, PHASE_CONNECTING },
	{ PHASE_LISTENING, EVENT_CONNECTED, PHASE_AUTHENTICATING },
	{ PHASE_LISTENING, EVENT_ACCEPTED, PHASE_SERVING },
	{ PHASE_LISTENING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_LISTENING, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_AUTHENTICATING, EVENT_RENEW, PHASE_LOGIN },
	{ PHASE_AUTHENTICATING, EVENT_REPEAT, PHASE_CONNECTING },
	{ PHASE_AUTHENTICATING, EVENT_ACCEPTED, PHASE_SERVING },
	{ PHASE_AUTHENTICATING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_AUTHENTICATING, EVENT_DEADLINE, PHASE_BACKOFF },
	{ PHASE_AUTHENTICATING, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_SERVING, EVENT_EJECT, PHASE_EJECTING },
	{ PHASE_SERVING, EVENT_FAILED, PHASE_BACKOFF },
	{ PHASE_SERVING, EVENT_DEADLINE, PHASE_BACKOFF },
	{ PHASE_SERVING, EVENT_STOP, PHASE_FINISHING },
	{ PHASE_SERVING, EVENT_GONE, PHASE_EJECTED },
	{ PHASE_EJECTING, EVENT_GOODBYE, PHASE_PARTING },
	{ PHASE_EJECTING, EVENT_FINISHED, PHASE_EJECTED },
	{ PHASE_EJECTING, EVENT_FAILED, PHASE_EJECTED },
	{ PHASE_EJECTING, EVENT_DEADLINE, PHASE_EJECTED },
	{ PHASE_EJECTING, EVENT_STOP, PHASE_FINISHING },
	{ PHASE_EJECTING, EVENT_SWAPPED, PHASE_SERVING },
	{ PHASE_PARTING, EVENT_FINISHED, PHASE_EJECTED },
	{ PHASE_PARTING, EVENT_FAILED, PHASE_EJECTED },
	{ PHASE_PARTING, EVENT_DEADLINE, PHASE_EJECTED },
	{ PHASE_PARTING, EVENT_STOP, PHASE_LEAVING },
	{ PHASE_PARTING, EVENT_SWAPPED, PHASE_PLANNING },
	{ PHASE_FINISHING, EVENT_GOODBYE, PHASE_LEAVING },
	{ PHASE_FINISHING, EVENT_FINISHED, PHASE_FLUSHING },
	{ PHASE_FINISHING, EVENT_FAILED, PHASE_FLUSHING },
	{ PHASE_FINISHING, EVENT_DEADLINE, PHASE_FLUSHING },
	{ PHASE_LEAVING, EVENT_FINISHED, PHASE_FLUSHING },
	{ PHASE_LEAVING, EVENT_FAILED, PHASE_FLUSHING },
	{ PHASE_LEAVING, EVENT_DEADLINE, PHASE_FLUSHING },
	{ PHASE_FLUSHING, EVENT_FLUSHED, PHASE_IDLE },
	{ PHASE_BACKOFF, EVENT_DEADLINE, PHASE_PLANNING },
	{ PHASE_BACKOFF, EVENT_RECONNECT, PHASE_PLANNING },
	{ PHASE_BACKOFF, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_EJECTED, EVENT_RECONNECT, PHASE_PLANNING },
	{ PHASE_EJECTED, EVENT_STOP, PHASE_FLUSHING },
	{ PHASE_EJECTED, EVENT_SWAPPED, PHASE_PLANNING },
};

START_TEST(test_table)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			enum session_phase expected = (enum session_phase)phase;
			enum session_phase next = session_next_phase(
				(enum session_phase)phase, (enum session_event)event);

			for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
				if ((int)moves[i].from == phase && (int)moves[i].event == event)
					expected = moves[i].to;
			ck_assert_msg(next == expected, "%s with event %d: %s instead of %s",
				session_phase_name((enum session_phase)phase), event,
				session_phase_name(next), session_phase_name(expected));
		}
	}
}
END_TEST

START_TEST(test_foreign_events)
{
	raise_foreign_events(); /* idle */
	session_start(session, open_image(IMAGE_RW));
	raise_foreign_events(); /* connecting */
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
	raise_foreign_events();
	accept_session();
	raise_foreign_events();
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	raise_foreign_events();
	ck_assert_uint_eq(test_unit_ready(), SENSE_NONE);
	fake_bmc_hang_up(&bmc);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	raise_foreign_events();
	accept_again();
	read_and_compare(0, 1);
}
END_TEST

START_TEST(test_state_names)
{
	static const char *const names[] = { "idle", "login", "connecting", "securing",
		"authenticating", "serving", "backoff", "ejected" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_str_eq(session_state_name((enum session_state)i), names[i]);
}
END_TEST

/* ---- the greeting ---- */

START_TEST(test_life)
{
	ck_assert(is_in(SESSION_IDLE));
	ck_assert_ptr_null(now()->counters);
	serve_session(IMAGE_RO);
	ck_assert_uint_eq(now()->sessions, 1);
	ck_assert_str_eq(status.reason.text, "");
	ck_assert_int_eq(status.failure, FAILURE_NONE);
	ck_assert_ptr_nonnull(status.counters);
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(test_unit_ready(), SENSE_NONE);
	read_and_compare(0, 1);
	read_and_compare(17, 256);
	read_and_compare(BLOCKS - 1, 1);
	ck_assert_uint_eq(now()->counters->read, 258 * BLOCK);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_ptr_null(now()->counters);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

/* As it was seen on the wire: both packets in one read. */
START_TEST(test_greeting_2015)
{
	connect_session(open_image(IMAGE_RO));
	send_vector("greeting-2015");
	expect_vector("tur-unit-attention");
	send_vector("tur-request");
	expect_vector("tur-good");
}
END_TEST

/* However the stream is cut, the session reads the same. */
START_TEST(test_greeting_split)
{
	uint8_t greeting[256];
	size_t len = vector_read("greeting-2015", greeting, sizeof(greeting));

	connect_session(open_image(IMAGE_RO));
	for (size_t cut = 1; cut < len; cut++) {
		size_t unread = cut < ACK_LEN ? cut : cut - ACK_LEN;

		fake_bmc_send(&bmc, greeting, cut);
		LOOP_UNTIL(base,
			fake_bmc_has_sent(&bmc) &&
				session->phase ==
					(cut < ACK_LEN ? PHASE_AUTHENTICATING : PHASE_SERVING) &&
				evbuffer_get_length(stream_input(session->stream)) == unread);
		ck_assert(fake_bmc_has_read_all(&bmc));
		fake_bmc_send(&bmc, greeting + cut, len - cut);
		expect_vector("tur-unit-attention");
		fake_bmc_hang_up(&bmc);
		LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
		ck_assert_str_eq(status.reason.text, "the BMC closed the connection");
		session_reconnect(session);
		LOOP_UNTIL(base, bmc.accepts == cut + 1 && is_in(SESSION_AUTHENTICATING));
	}
}
END_TEST

START_TEST(test_accepted_with_or_without_boost)
{
	static const uint8_t accepted[] = { 1, 27, 28 };

	connect_session(open_image(IMAGE_RO));
	fake_bmc_ack(&bmc, accepted[_i], "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
}
END_TEST

START_TEST(test_in_use)
{
	connect_session(open_image(IMAGE_RO));
	send_vector("ack-in-use");
	expect_failure(FAILURE_BUSY, "in use by 192.168.0.77");
	ck_assert(failure_policy(status.failure)->is_refusal);
	/* Not asked again soon, although the configuration would allow it. */
	ck_assert_double_ge(status.retry_at - status.since, 14);
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_uint_eq(status.sessions, 0);
	ck_assert_uint_eq(status.attempts, 1);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_str_eq(trail, "connecting authenticating backoff");
}
END_TEST

START_TEST(test_refused)
{
	static const struct {
		uint8_t status;
		const char *owner;
		enum failure failure;
		const char *reason;
	} cases[] = {
		{ 3, "", FAILURE_TOKEN, "token refused (ACK 3)" },
		{ 4, "", FAILURE_BUSY, "in use (ACK 4)" },
		{ 5, "", FAILURE_REFUSED, "no virtual-media privilege (ACK 5)" },
		{ 8, "10.0.0.7", FAILURE_BUSY, "too many users or sessions (ACK 8, 10.0.0.7)" },
		{ 13, "", FAILURE_REFUSED, "licence missing or expired (ACK 13)" },
		{ 99, "", FAILURE_REFUSED, "refused with a status that is not known (ACK 99)" },
	};

	connect_session(open_image(IMAGE_RO));
	fake_bmc_ack(&bmc, cases[_i].status, cases[_i].owner);
	expect_failure(cases[_i].failure, cases[_i].reason);
}
END_TEST

START_TEST(test_no_ack)
{
	connect_session(open_image(IMAGE_RO));
	send_vector("tur-request");
	expect_failure(FAILURE_PROTOCOL, "the BMC began with opcode 0x00 instead of an ACK");
	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	control_plain(buf, CONTROL_LEN, 0, OP_ACK);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	expect_failure(FAILURE_PROTOCOL, "the BMC's ACK has no status");
}
END_TEST

/* Makes the deadline of the phase come soon. */
static void
hurry(void)
{
	session->time_scale = 1e-4;
	session_touch(session);
}

START_TEST(test_silent_bmc)
{
	connect_session(open_image(IMAGE_RO));
	hurry();
	expect_failure(FAILURE_SILENT, "the BMC did not speak within 10 s");
}
END_TEST

START_TEST(test_silent_bmc_auto)
{
	remake_session("auto", DEVICE_FD);
	session->time_scale = 1e4;
	connect_session(open_image(IMAGE_RO));
	hurry();
	expect_failure(FAILURE_CONFIGURATION,
		"the BMC waits for authentication: its dialect is asp or rest, it needs a login");
}
END_TEST

START_TEST(test_auto_speaks_legacy)
{
	remake_session("auto", DEVICE_FD);
	session->time_scale = 1e4;
	serve_session(IMAGE_RO);
	read_and_compare(1, 1);
}
END_TEST

/* Half an ACK does not buy more time. */
START_TEST(test_half_an_ack)
{
	uint8_t ack[ACK_LEN];

	connect_session(open_image(IMAGE_RO));
	control_ack(ack, 0, ACK_ACCEPTED, "");
	fake_bmc_send(&bmc, ack, 40);
	LOOP_UNTIL(base, evbuffer_get_length(stream_input(session->stream)) == 40);
	hurry();
	expect_failure(FAILURE_SILENT, "the BMC did not speak within 10 s");
}
END_TEST

/* ---- connections that fail ---- */

START_TEST(test_not_listening)
{
	char expected[64];

	evconnlistener_disable(bmc.listener);
	snprintf(expected, sizeof(expected), "not listening on %u", bmc.port);
	{
		/* A port that is bound and does not listen. */
		struct sockaddr_in sin = { .sin_family = AF_INET };
		socklen_t len = sizeof(sin);
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
		ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
		session->conf.port = ntohs(sin.sin_port);
		snprintf(expected, sizeof(expected), "not listening on %u", session->conf.port);
		session_start(session, open_image(IMAGE_RO));
		LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
		ck_assert_str_eq(status.reason.text, expected);
		ck_assert_int_eq(status.failure, FAILURE_UNREACHABLE);
		/* It is tried again by itself, and the reason stays while it is tried. */
		LOOP_UNTIL(base, now()->attempts >= 3);
		ck_assert_str_eq(status.reason.text, expected);
		close(fd);
	}
	session->conf.port = bmc.port;
	evconnlistener_enable(bmc.listener);
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	ck_assert_str_eq(status.reason.text, "");
	ck_assert_double_eq(status.retry_at, 0);
	/* An answered packet makes it a success. */
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(now()->attempts, 0);
}
END_TEST

START_TEST(test_no_answer_to_connect)
{
	session_start(session, open_image(IMAGE_RO));
	ck_assert(is_in(SESSION_CONNECTING));
	session_raise(session, EVENT_DEADLINE);
	ck_assert(is_in(SESSION_BACKOFF));
	ck_assert_str_eq(status.reason.text, "no answer to the connection attempt within 10 s");
	ck_assert_int_eq(status.failure, FAILURE_UNREACHABLE);
}
END_TEST

START_TEST(test_garbage)
{
	const char *garbage = "HTTP/1.1 400 Bad Request\r\n\r\n";

	connect_session(open_image(IMAGE_RO));
	if (_i == 1)
		accept_session();
	fake_bmc_send(&bmc, garbage, strlen(garbage));
	expect_failure(FAILURE_PROTOCOL, "not IUSB: the packet has a wrong signature");
}
END_TEST

/* Told in order, even when all of it is in one read. */
START_TEST(test_greeting_and_garbage)
{
	uint8_t both[ACK_LEN + 8] = { 0 };

	connect_session(open_image(IMAGE_RO));
	control_ack(both, 0, ACK_ACCEPTED, "");
	fake_bmc_send(&bmc, both, sizeof(both));
	expect_failure(FAILURE_PROTOCOL, "not IUSB: the packet has a wrong signature");
	ck_assert_str_eq(trail, "connecting authenticating serving backoff");
}
END_TEST

START_TEST(test_oversize)
{
	size_t len;

	serve_session(IMAGE_RO);
	len = vector_read("tur-request", other, sizeof(other));
	put_le32(other + OFF_DATA_PKT_LEN, PACKET_MAX - PACKET_HEADER_LEN + 1);
	fake_bmc_send(&bmc, other, len);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, FAILURE_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(status.reason.text, "too long"));
}
END_TEST

START_TEST(test_closed_in_the_middle)
{
	size_t len;

	serve_session(IMAGE_RO);
	test_unit_ready();
	len = vector_read("tur-request", other, sizeof(other));
	fake_bmc_send(&bmc, other, 1 + (size_t)_i * (len - 2) / 2);
	LOOP_UNTIL(base, fake_bmc_has_sent(&bmc));
	fake_bmc_hang_up(&bmc);
	expect_failure(FAILURE_LOST, "closed in the middle of a packet");
}
END_TEST

START_TEST(test_closed)
{
	serve_session(IMAGE_RO);
	test_unit_ready();
	fake_bmc_hang_up(&bmc);
	expect_failure(FAILURE_LOST, "the BMC closed the connection");
	/* By itself, after the back-off. */
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	ck_assert_uint_eq(status.sessions, 2);
	/* A new host: the medium is new to it. */
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(test_unit_ready(), SENSE_NONE);
	ck_assert_uint_eq(now()->counters->commands, 3);
}
END_TEST

START_TEST(test_closed_before_the_greeting)
{
	connect_session(open_image(IMAGE_RO));
	fake_bmc_hang_up(&bmc);
	expect_failure(FAILURE_LOST, "the BMC closed the connection");
}
END_TEST

START_TEST(test_reset)
{
	serve_session(IMAGE_RO);
	test_unit_ready();
	fake_bmc_reset(&bmc);
	expect_failure(FAILURE_LOST, "connection reset");
}
END_TEST

START_TEST(test_no_sign_of_life)
{
	serve_session(IMAGE_RO);
	test_unit_ready();
	LOOP_UNTIL(base, stream_pending(session->stream) == 0);
	hurry();
	expect_failure(FAILURE_LOST, "no sign of life for 180 s");
}
END_TEST

/* While serving, traffic is a sign of life; before that, only the whole greeting is. */
START_TEST(test_sign_of_life)
{
	uint8_t ack[ACK_LEN];

	connect_session(open_image(IMAGE_RO));
	ck_assert_double_lt(loop_time_left(session->deadline), 11);
	clock_arm(session->deadline, 5000);
	control_ack(ack, 0, ACK_ACCEPTED, "");
	fake_bmc_send(&bmc, ack, 40);
	LOOP_UNTIL(base, evbuffer_get_length(stream_input(session->stream)) == 40);
	ck_assert_double_gt(loop_time_left(session->deadline), 1000);
	fake_bmc_send(&bmc, ack + 40, sizeof(ack) - 40);
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
	ck_assert_double_lt(loop_time_left(session->deadline), 181);
	clock_arm(session->deadline, 5000);
	test_unit_ready();
	ck_assert_double_lt(loop_time_left(session->deadline), 181);
	clock_arm(session->deadline, 5000);
	fake_bmc_send(&bmc, ack, 1);
	LOOP_UNTIL(base, evbuffer_get_length(stream_input(session->stream)) == 1);
	ck_assert_double_lt(loop_time_left(session->deadline), 181);
}
END_TEST

START_TEST(test_killed)
{
	static const struct {
		uint8_t op;
		size_t len;
		const char *reason;
	} cases[] = {
		{ OP_KILL, CONTROL_LEN, "the BMC ended the session (kill, 0xF6)" },
		{ OP_KILL, PACKET_SCSI_LEN, "the BMC ended the session (kill, 0xF6)" },
		{ OP_DISCONNECT, CONTROL_LEN, "the BMC ended the session (disconnect, 0xF7)" },
	};

	serve_session(IMAGE_RO);
	test_unit_ready();
	control_plain(buf, cases[_i].len, 0, cases[_i].op);
	fake_bmc_send(&bmc, buf, cases[_i].len);
	expect_failure(FAILURE_KILLED, cases[_i].reason);
	if (bmc.accepts == 1) /* neither answered nor echoed */
		ck_assert(fake_bmc_has_read_all(&bmc));
	LOOP_UNTIL(base, bmc.accepts == 2);
}
END_TEST

/* The same reason again is no news for the log. */
START_TEST(test_log_is_not_flooded)
{
	char log_path[] = "/tmp/check_session_log.XXXXXX", line[1024];
	int fd = mkstemp(log_path), warnings = 0, accepted = 0, saved = dup(STDERR_FILENO);
	FILE *f;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(saved, 0);
	log_set_level(LOG_LEVEL_INFO);
	dup2(fd, STDERR_FILENO);
	connect_session(open_image(IMAGE_RO));
	for (unsigned i = 1; i <= 5; i++) {
		fake_bmc_ack(&bmc, ACK_IN_USE, "10.0.0.7");
		LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
		ck_assert_uint_eq(status.attempts, i);
		session_reconnect(session);
		LOOP_UNTIL(base, bmc.accepts == i + 1 && is_in(SESSION_AUTHENTICATING));
	}
	accept_session();
	dup2(saved, STDERR_FILENO);
	close(saved);
	f = fdopen(fd, "r");
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "warning: ")) {
			ck_assert_ptr_nonnull(strstr(line, "node42/fd: busy, next attempt in "));
			ck_assert_ptr_nonnull(strstr(line, ": in use by 10.0.0.7\n"));
			warnings++;
		}
		if (strstr(line, "node42/fd: accepted by 127.0.0.1:") && strstr(line, path))
			accepted++;
	}
	fclose(f);
	unlink(log_path);
	ck_assert_int_eq(warnings, 1);
	ck_assert_int_eq(accepted, 1);
}
END_TEST

/* ---- serving ---- */

START_TEST(test_keep_alive)
{
	static const struct {
		uint8_t op;
		size_t len;
		uint8_t status[4];
	} cases[] = {
		{ OP_KEEP_ALIVE, CONTROL_LEN, { 0, 0, 0, 0 } },
		{ OP_KEEP_ALIVE, PACKET_SCSI_LEN, { 0, 0, 0, 0 } },
		{ OP_ACK, CONTROL_LEN, { 1, 5, 0x20, 0 } },
		{ OP_ACK, PACKET_SCSI_LEN, { 1, 5, 0x20, 0 } },
	};

	serve_session(IMAGE_RO);
	for (unsigned i = 1; i <= 3; i++) {
		control_plain(other, cases[_i].len, 2, cases[_i].op);
		fake_bmc_send(&bmc, other, cases[_i].len);
		fake_bmc_receive(&bmc, buf, PACKET_SCSI_LEN);
		ck_assert_uint_eq(buf[OFF_CDB], cases[_i].op);
		ck_assert_uint_eq(buf[OFF_INSTANCE], 2);
		ck_assert_uint_eq(buf[OFF_DIRECTION], DIRECTION_TO_BMC);
		ck_assert_uint_eq(get_le32(buf + OFF_DATA_PKT_LEN), 29);
		ck_assert_mem_eq(buf + OFF_STATUS, cases[_i].status, 4);
		ck_assert(fake_bmc_has_read_all(&bmc));
		ck_assert_uint_eq(now()->keep_alives, i);
	}
	ck_assert_uint_eq(status.counters->commands, 0);
}
END_TEST

START_TEST(test_disk_type)
{
	static const uint8_t none[4] = { 0 };

	serve_session(IMAGE_RO);
	control_plain(other, _i ? CONTROL_LEN : PACKET_SCSI_LEN, 1, OP_DISK_TYPE);
	fake_bmc_send(&bmc, other, _i ? CONTROL_LEN : PACKET_SCSI_LEN);
	fake_bmc_receive(&bmc, buf, CONTROL_LEN);
	ck_assert_uint_eq(get_le32(buf + OFF_DATA_PKT_LEN), 30);
	ck_assert_uint_eq(buf[OFF_CDB], OP_DISK_TYPE);
	ck_assert_uint_eq(buf[OFF_INSTANCE], 1);
	ck_assert_mem_eq(buf + OFF_STATUS, none, 4);
	ck_assert_uint_eq(buf[OFF_DATA], 0x80);
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

START_TEST(test_unknown_control)
{
	static const uint8_t ops[] = { 0xF0, 0xF2, 0xF5, 0xF8, 0xFF };
	static const uint8_t invalid[4] = { 1, 5, 0x20, 0 };

	serve_session(IMAGE_RO);
	for (size_t i = 0; i < sizeof(ops); i++) {
		control_plain(other, CONTROL_LEN, 0, ops[i]);
		fake_bmc_send(&bmc, other, CONTROL_LEN);
		fake_bmc_receive(&bmc, buf, PACKET_SCSI_LEN);
		ck_assert_uint_eq(buf[OFF_CDB], ops[i]);
		ck_assert_mem_eq(buf + OFF_STATUS, invalid, 4);
		ck_assert(fake_bmc_has_read_all(&bmc));
	}
	ck_assert(is_in(SESSION_SERVING));
}
END_TEST

/* A second ACK: good news needs no answer, bad news ends the session. */
START_TEST(test_another_ack)
{
	serve_session(IMAGE_RO);
	fake_bmc_ack(&bmc, ACK_ACCEPTED, "");
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	fake_bmc_ack(&bmc, ACK_IN_USE, "10.0.0.8");
	expect_failure(FAILURE_BUSY, "in use by 10.0.0.8");
}
END_TEST

START_TEST(test_coalesced)
{
	uint8_t all[8 * CONTROL_LEN + ACK_LEN];
	struct packet response;
	size_t n = ACK_LEN;

	/* The greeting, reads and pings in one write: answers in order, one each. */
	connect_session(open_image(IMAGE_RO));
	control_ack(all, 0, ACK_ACCEPTED, "");
	for (uint32_t i = 0; i < 3; i++) {
		n += fake_bmc_request(&bmc, all + n, READ_10, i, 1, BLOCK, NULL, 0);
		control_plain(all + n, CONTROL_LEN, 0, OP_KEEP_ALIVE);
		n += CONTROL_LEN;
	}
	fake_bmc_send(&bmc, all, n);
	for (uint32_t i = 0; i < 3; i++) {
		fake_bmc_response(&bmc, buf, &response);
		ck_assert_uint_eq(response.op, READ_10);
		ck_assert_uint_eq(response.seq, i + 1);
		ck_assert_uint_eq(response.data_len, BLOCK);
		ck_assert_mem_eq(response.data, medium + i * BLOCK, BLOCK);
		fake_bmc_response(&bmc, buf, &response);
		ck_assert_uint_eq(response.op, OP_KEEP_ALIVE);
	}
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

/* A BMC that asks and does not read is waited for, at the cost of one answer and one packet. */
START_TEST(test_bounded_memory)
{
	enum { REQUESTS = 64, COUNT = 256 };
	struct packet response;
	size_t n = 0;

	serve_session(IMAGE_RO);
	bufferevent_disable(bmc.bev, EV_READ);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		n = fake_bmc_request(&bmc, other, READ_10, i, COUNT, COUNT * BLOCK, NULL, 0);
		fake_bmc_send(&bmc, other, n);
	}
	for (uint32_t turn = 0; turn < 100; turn++) {
		time_t until = 0;

		ck_assert(loop_turn(base, &until));
		ck_assert_uint_le(
			stream_pending(session->stream), PACKET_SCSI_LEN + PACKET_DATA_MAX);
		ck_assert_uint_le(evbuffer_get_length(stream_input(session->stream)), PACKET_MAX);
	}
	bufferevent_enable(bmc.bev, EV_READ);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		fake_bmc_response(&bmc, buf, &response);
		ck_assert_uint_eq(response.seq, i + 1);
		ck_assert_uint_eq(response.data_len, COUNT * BLOCK);
		ck_assert_mem_eq(response.data, medium + i * BLOCK, COUNT * BLOCK);
	}
}
END_TEST

START_TEST(test_write_split)
{
	static const size_t cuts[] = { 1, 31, 32, 41, 60, 61, 62, 300, 572 };
	size_t len, cut = cuts[_i];
	uint8_t request[1024], sector[BLOCK];
	FILE *f;

	remake_session("legacy", DEVICE_HD);
	serve_session(IMAGE_RW);
	len = vector_read("hd-write10-request", request, sizeof(request));
	fake_bmc_send(&bmc, request, cut);
	LOOP_UNTIL(base, evbuffer_get_length(stream_input(session->stream)) == cut);
	fake_bmc_send(&bmc, request + cut, len - cut);
	expect_vector("hd-write10-good");
	ck_assert_uint_eq(now()->counters->written, BLOCK);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	f = fopen(path, "r");
	fseek(f, 19L * BLOCK, SEEK_SET);
	ck_assert_uint_eq(fread(sector, 1, BLOCK, f), BLOCK);
	fclose(f);
	for (int i = 0; i < BLOCK; i++)
		ck_assert_uint_eq(sector[i], 0xAA);
}
END_TEST

START_TEST(test_write_protected)
{
	remake_session("legacy", DEVICE_HD);
	serve_session(IMAGE_RO);
	send_vector("hd-write10-request");
	expect_vector("hd-write10-protected");
	ck_assert_uint_eq(now()->counters->failed, 1);
	ck_assert_str_eq(status.counters->last_error.text, "WRITE(10): write protected");
}
END_TEST

/* Many commands in a row, also written ones, and all of it comes back. */
START_TEST(test_write_and_read_back)
{
	static uint8_t data[64 * BLOCK];
	struct packet response;

	serve_session(IMAGE_RW);
	for (uint8_t round = 0; round < 20; round++) {
		uint32_t lba = round * 64u;

		memset(data, round + 1, sizeof(data));
		memcpy(medium + lba * BLOCK, data, sizeof(data));
		ck_assert_uint_eq(command(WRITE_10, lba, 64, 0, data, sizeof(data), &response), 0);
		ck_assert_uint_eq(response.data_len, 0);
		read_and_compare(lba, 64);
	}
	read_and_compare(0, 256);
	ck_assert_uint_eq(now()->counters->written, 20 * sizeof(data));
}
END_TEST

START_TEST(test_image_shrinks)
{
	struct packet response;

	serve_session(IMAGE_RO);
	read_and_compare(100, 4);
	ck_assert_int_eq(truncate(path, BLOCK), 0);
	ck_assert_uint_eq(
		command(READ_10, 100, 4, 4 * BLOCK, NULL, 0, &response), SENSE_READ_ERROR);
	ck_assert_uint_eq(response.data_len, 0);
	ck_assert_ptr_nonnull(strstr(now()->counters->last_error.text, "READ(10): "));
	ck_assert_ptr_nonnull(strstr(status.counters->last_error.text, "shrunk"));
	/* What is left can still be read. */
	read_and_compare(0, 1);
	ck_assert(is_in(SESSION_SERVING));
}
END_TEST

START_TEST(test_eject)
{
	serve_session(IMAGE_RW);
	test_unit_ready();
	ask(START_STOP, 0);
	ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
	LOOP_UNTIL(base, bmc.is_ended && is_in(SESSION_EJECTED));
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_str_eq(trail, "connecting authenticating serving ejected");
	ck_assert_str_eq(status.reason.text, "");
	raise_foreign_events();
	/* The image is still ours, and goes back in when asked for. */
	ck_assert_ptr_null(image_open(path, IMAGE_RW, pool, NULL));
	accept_again();
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	read_and_compare(5, 5);
}
END_TEST

/* A locked medium is not ejected, and the session goes on. */
START_TEST(test_eject_refused)
{
	struct packet response;
	size_t len;

	serve_session(IMAGE_RO);
	len = fake_bmc_request(&bmc, other, 0x1E, 0, 0, 0, NULL, 0);
	other[OFF_CDB + 4] = 1;
	fake_bmc_send(&bmc, other, len);
	fake_bmc_response(&bmc, buf, &response);
	ck_assert_uint_eq(response.status[0], 0);
	len = fake_bmc_request(&bmc, other, START_STOP, 0, 0, 0, NULL, 0);
	other[OFF_CDB + 4] = 2;
	fake_bmc_send(&bmc, other, len);
	fake_bmc_response(&bmc, buf, &response);
	ck_assert_uint_eq(get_be24(response.status + 1), SENSE_REMOVAL_PREVENTED);
	read_and_compare(5, 5);
}
END_TEST

/* ---- stop, and calls from the callback ---- */

static void
expect_idle_and_unlocked(void)
{
	struct image *image;

	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_ptr_null(now()->counters);
	ck_assert_str_eq(status.reason.text, "");
	image = image_open(path, IMAGE_RW, pool, NULL);
	ck_assert_ptr_nonnull(image);
	image_close(image);
}

START_TEST(test_stop_when_idle)
{
	session_stop(session, "detached");
	session_reconnect(session);
	ck_assert(is_in(SESSION_IDLE));
	ck_assert_str_eq(trail, "");
}
END_TEST

START_TEST(test_stop_when_connecting)
{
	session_start(session, open_image(IMAGE_RW));
	ck_assert(is_in(SESSION_CONNECTING));
	session_stop(session, "detached");
	expect_idle_and_unlocked();
	ck_assert_str_eq(trail, "connecting idle");
}
END_TEST

START_TEST(test_stop_when_authenticating)
{
	connect_session(open_image(IMAGE_RW));
	session_stop(session, "detached");
	expect_idle_and_unlocked();
	LOOP_UNTIL(base, bmc.is_ended);
}
END_TEST

START_TEST(test_stop_when_serving)
{
	serve_session(IMAGE_RW);
	test_unit_ready();
	session_stop(session, "detached");
	expect_idle_and_unlocked();
	LOOP_UNTIL(base, bmc.is_ended);
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
}
END_TEST

START_TEST(test_stop_when_backing_off)
{
	connect_session(open_image(IMAGE_RW));
	fake_bmc_ack(&bmc, ACK_IN_USE, "");
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	session_stop(session, "detached");
	expect_idle_and_unlocked();
	ck_assert_double_eq(now()->retry_at, 0);
}
END_TEST

START_TEST(test_stop_when_ejected)
{
	serve_session(IMAGE_RW);
	ask(START_STOP, 0);
	ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
	LOOP_UNTIL(base, is_in(SESSION_EJECTED));
	session_stop(session, "detached");
	expect_idle_and_unlocked();
}
END_TEST

/* A second life, with other counters. */
START_TEST(test_start_again)
{
	serve_session(IMAGE_RO);
	test_unit_ready();
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	session_start(session, open_image(IMAGE_RO));
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	ck_assert_uint_eq(test_unit_ready(), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(now()->counters->commands, 1);
	ck_assert_uint_eq(status.sessions, 1);
}
END_TEST

static void
stop_when_serving(enum session_state state)
{
	if (state == SESSION_SERVING)
		session_stop(session, "enough");
}

START_TEST(test_stop_from_callback)
{
	on_state = stop_when_serving;
	connect_session(open_image(IMAGE_RW));
	/* More is behind the ACK, and is not served any more. */
	send_vector("greeting-2015");
	expect_idle_and_unlocked();
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

static void
reconnect_at_once(enum session_state state)
{
	if (state == SESSION_BACKOFF)
		session_reconnect(session);
}

START_TEST(test_reconnect_from_callback)
{
	on_state = reconnect_at_once;
	serve_session(IMAGE_RO);
	control_plain(buf, CONTROL_LEN, 0, OP_KILL);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	ck_assert_str_eq(status.reason.text, "the BMC ended the session (kill, 0xF6)");
	accept_session();
	read_and_compare(0, 1);
}
END_TEST

static void
start_when_idle(enum session_state state)
{
	if (state == SESSION_IDLE)
		session_start(session, open_image(IMAGE_RO));
}

START_TEST(test_start_from_callback)
{
	on_state = start_when_idle;
	serve_session(IMAGE_RO);
	session_stop(session, "swap");
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	ck_assert_str_eq(trail, "connecting authenticating serving idle connecting authenticating");
}
END_TEST

START_TEST(test_free_in_every_state)
{
	switch (_i) {
	case 0:
		session_start(session, open_image(IMAGE_RW));
		break;
	case 1:
		connect_session(open_image(IMAGE_RW));
		break;
	case 2:
		serve_session(IMAGE_RW);
		break;
	case 3:
		connect_session(open_image(IMAGE_RW));
		fake_bmc_ack(&bmc, ACK_IN_USE, "");
		LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
		break;
	}
	session_free(session);
	session = NULL;
	if (bmc.bev)
		LOOP_UNTIL(base, bmc.is_ended);
}
END_TEST

static TCase *
new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = new_case(suite, "table");

	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_foreign_events);
	tcase_add_test(tc, test_state_names);

	tc = new_case(suite, "greeting");
	tcase_add_test(tc, test_life);
	tcase_add_test(tc, test_greeting_2015);
	tcase_add_test(tc, test_greeting_split);
	tcase_add_loop_test(tc, test_accepted_with_or_without_boost, 0, 3);
	tcase_add_test(tc, test_in_use);
	tcase_add_loop_test(tc, test_refused, 0, 6);
	tcase_add_test(tc, test_no_ack);
	tcase_add_test(tc, test_silent_bmc);
	tcase_add_test(tc, test_silent_bmc_auto);
	tcase_add_test(tc, test_auto_speaks_legacy);
	tcase_add_test(tc, test_half_an_ack);

	tc = new_case(suite, "failures");
	tcase_add_test(tc, test_not_listening);
	tcase_add_test(tc, test_no_answer_to_connect);
	tcase_add_loop_test(tc, test_garbage, 0, 2);
	tcase_add_test(tc, test_greeting_and_garbage);
	tcase_add_test(tc, test_oversize);
	tcase_add_loop_test(tc, test_closed_in_the_middle, 0, 3);
	tcase_add_test(tc, test_closed);
	tcase_add_test(tc, test_closed_before_the_greeting);
	tcase_add_test(tc, test_reset);
	tcase_add_test(tc, test_no_sign_of_life);
	tcase_add_test(tc, test_sign_of_life);
	tcase_add_loop_test(tc, test_killed, 0, 3);
	tcase_add_test(tc, test_log_is_not_flooded);

	tc = new_case(suite, "serving");
	tcase_add_loop_test(tc, test_keep_alive, 0, 4);
	tcase_add_loop_test(tc, test_disk_type, 0, 2);
	tcase_add_test(tc, test_unknown_control);
	tcase_add_test(tc, test_another_ack);
	tcase_add_test(tc, test_coalesced);
	tcase_add_test(tc, test_bounded_memory);
	tcase_add_loop_test(tc, test_write_split, 0, 9);
	tcase_add_test(tc, test_write_protected);
	tcase_add_test(tc, test_write_and_read_back);
	tcase_add_test(tc, test_image_shrinks);
	tcase_add_test(tc, test_eject);
	tcase_add_test(tc, test_eject_refused);

	tc = new_case(suite, "stop");
	tcase_add_test(tc, test_stop_when_idle);
	tcase_add_test(tc, test_stop_when_connecting);
	tcase_add_test(tc, test_stop_when_authenticating);
	tcase_add_test(tc, test_stop_when_serving);
	tcase_add_test(tc, test_stop_when_backing_off);
	tcase_add_test(tc, test_stop_when_ejected);
	tcase_add_test(tc, test_start_again);
	tcase_add_test(tc, test_stop_from_callback);
	tcase_add_test(tc, test_reconnect_from_callback);
	tcase_add_test(tc, test_start_from_callback);
	tcase_add_loop_test(tc, test_free_in_every_state, 0, 4);
	return unit_run(suite);
}
