/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_swap: the medium of a session changes in each of its states, with a command under way, and
 * with writes that are not flushed. The images take their time when the test says so. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "bmc/session_private.h"
#include "fake_bmc.h"
#include "fake_image.h"
#include "loop.h"
#include "scsi/scsi.h"
#include "unit.h"

enum {
	BLOCK = 512,
	NEXT_SIZE = 720 * 1024,
	TUR = 0x00,
	START_STOP = 0x1B,
	READ_CAPACITY = 0x25,
	READ_10 = 0x28,
	WRITE_10 = 0x2A,
};

static struct event_base *base;
static struct fake_bmc bmc;
static struct session *session;
static struct session_status status;
static struct image next;    /* the new medium */
static struct image *chosen; /* what the swap is given; NULL: it is called off */
static unsigned asked;       /* how often the swap asked for it */
static int swap_error;       /* with which error */
static char swap_words[128]; /* and words */
static char trail[256];
static uint8_t buf[PACKET_MAX + 64], other[PACKET_MAX + 64];

static void
told_cb(void *arg, struct session *about)
{
	size_t n = strlen(trail);

	(void)arg;
	session_status(about, &status);
	snprintf(trail + n, sizeof(trail) - n, "%s%s", n ? " " : "",
		session_state_name(status.state));
}

static bool
is_in(enum session_state state)
{
	session_status(session, &status);
	return status.state == state;
}

static void
setup(void)
{
	struct session_conf conf = {
		.target = "node42",
		.address = "127.0.0.1",
		.device = DEVICE_FD,
		.dialect = dialect_find("legacy"),
		.backoff_min = 100,
		.backoff_max = 100,
	};

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	fake_bmc_open(&bmc, base);
	conf.port = bmc.port;
	trail[0] = '\0';
	asked = 0;
	swap_error = -1;
	chosen = fake_make(&next, IMAGE_RO, NEXT_SIZE, 99);
	session = session_new(base, &conf, told_cb, NULL);
}

static void
teardown(void)
{
	session_free(session);
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
	ck_assert_int_eq(fake_waiting_in(&next), 0);
	fake_bmc_close(&bmc);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}

static void
start(enum image_mode mode)
{
	session_start(session, fake_open(mode, FAKE_SIZE));
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
}

static void
accept_session(void)
{
	fake_bmc_ack(&bmc, ACK_ACCEPTED, "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
}

static void
accept_again(void)
{
	unsigned accepts = bmc.accepts;

	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts > accepts && is_in(SESSION_AUTHENTICATING));
	accept_session();
}

/* ---- the host ---- */

static void
ask(uint8_t op, uint32_t lba)
{
	static uint8_t data[BLOCK];
	uint32_t read_len = op == READ_10 ? BLOCK : op == READ_CAPACITY ? 8 : 0;
	size_t len;

	memset(data, 0x5A, sizeof(data));
	len = fake_bmc_request(&bmc, other, op, lba, op == READ_CAPACITY ? 0 : 1, read_len,
		op == WRITE_10 ? data : NULL, op == WRITE_10 ? BLOCK : 0);
	if (op == START_STOP)
		other[OFF_CDB + 4] = 2;
	fake_bmc_send(&bmc, other, len);
}

/* The next response, which is to op; its data is in packet. */
static uint32_t
response(uint8_t op, struct packet *packet)
{
	fake_bmc_response(&bmc, buf, packet);
	ck_assert_uint_eq(packet->op, op);
	return get_be24(packet->status + 1);
}

static uint32_t
command(uint8_t op)
{
	struct packet packet;

	ask(op, 0);
	return response(op, &packet);
}

/* The host is told once, and then sees the image. */
static void
expect_new_medium(const struct image *image)
{
	struct packet packet;

	ck_assert_uint_eq(command(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
	ask(READ_CAPACITY, 0);
	ck_assert_uint_eq(response(READ_CAPACITY, &packet), SENSE_NONE);
	ck_assert_uint_eq(get_be32(packet.data), image->size / BLOCK - 1);
	ask(READ_10, 5);
	ck_assert_uint_eq(response(READ_10, &packet), SENSE_NONE);
	ck_assert_uint_eq(packet.data_len, BLOCK);
	ck_assert_mem_eq(packet.data, image->bytes + 5 * BLOCK, BLOCK);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}

static void
expect_read(const struct image *image, uint32_t lba)
{
	struct packet packet;

	ck_assert_uint_eq(response(READ_10, &packet), SENSE_NONE);
	ck_assert_mem_eq(packet.data, image->bytes + lba * BLOCK, BLOCK);
}

/* Takes the unit attention of the first medium. */
static void
settle_host(void)
{
	ck_assert_uint_eq(command(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}

/* ---- the swap ---- */

static struct image *
swap_asks(void *arg, int error, const char *words)
{
	ck_assert_ptr_eq(arg, &chosen);
	ck_assert(!fake.is_closed);
	asked++;
	swap_error = error;
	snprintf(swap_words, sizeof(swap_words), "%s", words);
	return error ? NULL : chosen;
}

static void
swap(void)
{
	session_swap(session, swap_asks, &chosen);
}

static void
expect_swapped(void)
{
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, 0);
	ck_assert(fake.is_closed);
	ck_assert_ptr_eq(session_image(session), &next);
}

START_TEST(test_serving)
{
	double since;

	start(IMAGE_RO);
	accept_session();
	settle_host();
	ask(READ_10, 1);
	expect_read(&fake, 1);
	since = status.since;
	swap();
	expect_swapped();
	ck_assert(is_in(SESSION_SERVING));
	ck_assert_uint_eq(status.counters->read, 0);
	ck_assert_uint_gt(status.counters->commands, 0);
	expect_new_medium(&next);
	ck_assert(is_in(SESSION_SERVING));
	ck_assert_double_eq(status.since, since);
	ck_assert_uint_eq(status.sessions, 1);
	ck_assert_uint_eq(status.counters->read, BLOCK);
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_str_eq(trail, "connecting authenticating serving");
}
END_TEST

/* A medium that nobody has looked at yet is one change, not two. */
START_TEST(test_serving_before_the_first_command)
{
	start(IMAGE_RO);
	accept_session();
	swap();
	expect_swapped();
	expect_new_medium(&next);
}
END_TEST

START_TEST(test_connecting)
{
	session_start(session, fake_open(IMAGE_RO, FAKE_SIZE));
	ck_assert(is_in(SESSION_CONNECTING));
	swap();
	expect_swapped();
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	expect_new_medium(&next);
	ck_assert_uint_eq(bmc.accepts, 1);
}
END_TEST

START_TEST(test_authenticating)
{
	start(IMAGE_RO);
	swap();
	expect_swapped();
	ck_assert(is_in(SESSION_AUTHENTICATING));
	accept_session();
	expect_new_medium(&next);
	ck_assert_uint_eq(bmc.accepts, 1);
}
END_TEST

START_TEST(test_backoff)
{
	double since;

	start(IMAGE_RO);
	fake_bmc_ack(&bmc, ACK_IN_USE, "10.0.0.7");
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	since = status.since;
	swap();
	expect_swapped();
	ck_assert(is_in(SESSION_BACKOFF));
	ck_assert_double_eq(status.since, since);
	ck_assert_str_eq(status.reason.text, "in use by 10.0.0.7");
	accept_again();
	expect_new_medium(&next);
}
END_TEST

/* It is flushed once for the lost connection and the swap waits for that, too. */
START_TEST(test_backoff_with_writes)
{
	start(IMAGE_RW);
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	fake_bmc_hang_up(&bmc);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(fake_waiting(), 'f');
	swap();
	ck_assert_uint_eq(asked, 0);
	fake_complete();
	if (asked == 0)
		fake_complete();
	expect_swapped();
	accept_again();
	expect_new_medium(&next);
}
END_TEST

START_TEST(test_ejected)
{
	start(IMAGE_RO);
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(START_STOP), SENSE_NONE);
	LOOP_UNTIL(base, is_in(SESSION_EJECTED) && bmc.is_ended);
	swap();
	expect_swapped();
	ck_assert(is_in(SESSION_CONNECTING));
	LOOP_UNTIL(base, bmc.accepts == 2 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	expect_new_medium(&next);
	ck_assert_uint_eq(status.sessions, 2);
}
END_TEST

/* The answer to the eject has not gone out: the connection is kept for the new medium. */
START_TEST(test_ejecting)
{
	struct packet packet;

	start(IMAGE_RW);
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	ask(START_STOP, 0);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	if (_i == 0) { /* asked for while the eject is under way, else behind it */
		swap();
		ck_assert_uint_eq(asked, 0);
	}
	fake_complete();
	ck_assert_int_eq(session->phase, PHASE_EJECTING);
	if (_i == 1)
		swap();
	LOOP_UNTIL(base, asked > 0);
	expect_swapped();
	ck_assert_int_eq(session->phase, PHASE_SERVING);
	ck_assert_uint_eq(response(START_STOP, &packet), SENSE_NONE);
	expect_new_medium(&next);
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_str_eq(trail, "connecting authenticating serving");
}
END_TEST

/* ---- a command is under way ---- */

START_TEST(test_behind_a_read)
{
	start(IMAGE_RO);
	accept_session();
	settle_host();
	fake.is_slow = true;
	ask(READ_10, 3);
	ask(TUR, 0);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	swap();
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(asked, 0);
	ck_assert_ptr_eq(session_image(session), &fake);
	fake_complete();
	expect_read(&fake, 3);
	/* The next one is the new medium's. */
	{
		struct packet packet;

		ck_assert_uint_eq(response(TUR, &packet), SENSE_MEDIUM_CHANGED);
	}
	expect_swapped();
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
	ask(READ_10, 3);
	expect_read(&next, 3);
}
END_TEST

/* An image that does not answer holds the swap up as long as it may hold up the command. */
START_TEST(test_behind_a_read_that_hangs)
{
	struct packet packet;

	start(IMAGE_RO);
	accept_session();
	settle_host();
	drive_set_limit(session->drive, 0.01);
	fake.is_slow = true;
	ask(READ_10, 3);
	LOOP_UNTIL(base, fake_waiting() == 'r' || fake.cancelled > 0);
	swap();
	ck_assert_uint_eq(response(READ_10, &packet), SENSE_READ_ERROR);
	LOOP_UNTIL(base, asked > 0);
	expect_swapped();
	expect_new_medium(&next);
}
END_TEST

/* The BMC goes while the command is under way. */
START_TEST(test_lost_behind_a_read)
{
	start(IMAGE_RO);
	accept_session();
	fake.is_slow = true;
	ask(READ_10, 3);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	swap();
	session_raise(session, EVENT_DEADLINE);
	ck_assert(is_in(SESSION_BACKOFF));
	LOOP_UNTIL(base, asked > 0);
	expect_swapped();
	accept_again();
	expect_new_medium(&next);
}
END_TEST

/* Commands wait while the boot sector of the new medium is read. */
START_TEST(test_slow_new_medium)
{
	start(IMAGE_RO);
	accept_session();
	settle_host();
	next.is_slow = true;
	swap();
	expect_swapped();
	ck_assert_int_eq(fake_waiting_in(&next), 'r');
	ask(TUR, 0);
	LOOP_UNTIL(base, drive_is_busy(session->drive));
	ck_assert(fake_bmc_has_read_all(&bmc));
	next.is_slow = false;
	fake_complete_in(&next);
	{
		struct packet packet;

		ck_assert_uint_eq(response(TUR, &packet), SENSE_MEDIUM_CHANGED);
	}
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}
END_TEST

/* The first medium's boot sector is still being read: its turn comes first. */
START_TEST(test_slow_old_medium)
{
	struct image *old = fake_open(IMAGE_RO, FAKE_SIZE);

	old->is_slow = true;
	session_start(session, old);
	swap();
	ck_assert_uint_eq(asked, 0);
	fake_complete();
	expect_swapped();
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
	accept_session();
	expect_new_medium(&next);
}
END_TEST

/* ---- what was written ---- */

START_TEST(test_writes_are_flushed)
{
	struct packet packet;

	start(IMAGE_RW);
	next.mode = IMAGE_RW;
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	swap();
	ck_assert_int_eq(fake_waiting(), 'f');
	/* A command that comes meanwhile waits, and is not written to the old medium. */
	ask(WRITE_10, 7);
	LOOP_UNTIL(base, drive_is_busy(session->drive));
	ck_assert_uint_eq(asked, 0);
	ck_assert_uint_eq(fake.writes, 1);
	fake_complete();
	expect_swapped();
	ck_assert_uint_eq(response(WRITE_10, &packet), SENSE_NONE);
	ck_assert_uint_eq(fake.writes, 1);
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert_uint_eq(next.writes, 1);
	ck_assert_uint_eq(next.bytes[7 * BLOCK], 0x5A);
	/* And that is flushed in its turn. */
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_uint_eq(next.flushes, 1);
	ck_assert(next.is_closed);
}
END_TEST

START_TEST(test_nothing_to_flush)
{
	start(IMAGE_RW);
	accept_session();
	fake.is_slow = true;
	swap();
	expect_swapped();
	ck_assert_uint_eq(fake.flushes, 0);
}
END_TEST

/* The old medium stays, and the host is told that what it wrote is not safe. */
START_TEST(test_flush_fails)
{
	static const char trouble[] = "cannot flush: Input/output error";
	struct packet packet;

	start(IMAGE_RW);
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	if (_i == 1)
		drive_set_limit(session->drive, 0.01);
	swap();
	ask(READ_10, 2);
	if (_i == 0) {
		LOOP_UNTIL(base, drive_is_busy(session->drive));
		fake_fail(EIO, trouble);
	} else {
		LOOP_UNTIL(base, asked > 0);
	}
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, _i == 0 ? EIO : ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(swap_words, _i == 0 ? trouble : "did not answer"));
	ck_assert_ptr_eq(session_image(session), &fake);
	ck_assert_uint_eq(response(READ_10, &packet), SENSE_WRITE_ERROR);
	fake.is_slow = false;
	ask(READ_10, 2);
	expect_read(&fake, 2);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
	ck_assert(is_in(SESSION_SERVING));
	/* Another try, with an image that is well again. */
	drive_set_limit(session->drive, DRIVE_IO_LIMIT);
	asked = 0;
	swap();
	expect_swapped();
	ck_assert_uint_eq(fake.flushes, 2);
	expect_new_medium(&next);
}
END_TEST

/* ---- swaps that are called off ---- */

START_TEST(test_called_off)
{
	start(IMAGE_RO);
	accept_session();
	settle_host();
	chosen = NULL;
	swap();
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, 0);
	ck_assert_ptr_eq(session_image(session), &fake);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
	chosen = &next;
	asked = 0;
	swap();
	expect_swapped();
	expect_new_medium(&next);
}
END_TEST

START_TEST(test_stopped)
{
	start(IMAGE_RW);
	accept_session();
	settle_host();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	if (_i == 0) { /* while a command is under way, else while it flushes */
		ask(READ_10, 3);
		LOOP_UNTIL(base, fake_waiting() == 'r');
	}
	swap();
	ck_assert_uint_eq(asked, 0);
	session_stop(session, "detached");
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, ECANCELED);
	if (_i == 0) {
		fake_complete();
		expect_read(&fake, 3);
	}
	LOOP_UNTIL(base, fake_waiting() == 'f');
	/* Too late for another one. */
	swap();
	ck_assert_uint_eq(asked, 2);
	ck_assert_int_eq(swap_error, ECANCELED);
	fake_complete();
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_uint_eq(asked, 2);
	ck_assert(!next.is_closed);
}
END_TEST

START_TEST(test_idle)
{
	fake_open(IMAGE_RO, FAKE_SIZE);
	swap();
	ck_assert_int_eq(swap_error, ECANCELED);
	ck_assert_ptr_null(session_image(session));
	fake.is_closed = true;
}
END_TEST

START_TEST(test_freed)
{
	start(IMAGE_RW);
	accept_session();
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	if (_i == 0) {
		ask(READ_10, 3);
		LOOP_UNTIL(base, fake_waiting() == 'r');
	}
	swap();
	session_free(session);
	session = NULL;
	ck_assert_uint_eq(asked, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("swap");
	TCase *tc = tcase_create("swap");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_serving);
	tcase_add_test(tc, test_serving_before_the_first_command);
	tcase_add_test(tc, test_connecting);
	tcase_add_test(tc, test_authenticating);
	tcase_add_test(tc, test_backoff);
	tcase_add_test(tc, test_backoff_with_writes);
	tcase_add_test(tc, test_ejected);
	tcase_add_loop_test(tc, test_ejecting, 0, 2);
	tcase_add_test(tc, test_behind_a_read);
	tcase_add_test(tc, test_behind_a_read_that_hangs);
	tcase_add_test(tc, test_lost_behind_a_read);
	tcase_add_test(tc, test_slow_new_medium);
	tcase_add_test(tc, test_slow_old_medium);
	tcase_add_test(tc, test_writes_are_flushed);
	tcase_add_test(tc, test_nothing_to_flush);
	tcase_add_loop_test(tc, test_flush_fails, 0, 2);
	tcase_add_test(tc, test_called_off);
	tcase_add_loop_test(tc, test_stopped, 0, 2);
	tcase_add_test(tc, test_idle);
	tcase_add_loop_test(tc, test_freed, 0, 2);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
