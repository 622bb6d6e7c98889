/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_swap: the medium of a session changes in each of its states, with a command under way, and
 * with writes that are not flushed. The images take their time when the test says so. */
#include "session_fixture.h"

#include "fake_image.h"

enum {
	NEXT_SIZE = 720 * 1024,
};

static struct image next;    /* the new medium */
static struct image *chosen; /* what the swap is given; NULL: it is called off */
static unsigned asked;       /* how often the swap asked for it */
static int swap_error;       /* with which error */
static char swap_words[128]; /* and words */

static void
setup(void)
{
	open_world();
	asked = 0;
	swap_error = -1;
	chosen = fake_make(&next, IMAGE_RO, NEXT_SIZE, 99);
	make_session("legacy", DEVICE_FD, 100, 100);
}

static void
teardown(void)
{
	session_free(session);
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
	ck_assert_int_eq(fake_waiting_in(&next), 0);
	close_world();
}

static void
start(enum image_mode mode)
{
	connect_session(fake_open(mode, FAKE_SIZE));
}

/* ---- the host ---- */

static uint32_t
command(uint8_t op)
{
	ask(op, 0);
	return response_sense(op);
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
	expect_block(image->bytes, 5);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}

/* The host knows the first medium. */
static void
serve(enum image_mode mode)
{
	start(mode);
	accept_session();
	ck_assert_uint_eq(command(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}

/* It has written to it, which the image takes its time to flush. */
static void
serve_dirty(void)
{
	serve(IMAGE_RW);
	ck_assert_uint_eq(command(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
}

/* It reads, and the image has not answered yet. */
static void
start_read(void)
{
	fake.is_slow = true;
	ask(READ_10, 3);
	LOOP_UNTIL(base, fake_waiting() == 'r');
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

	serve(IMAGE_RO);
	ask(READ_10, 1);
	expect_block(fake.bytes, 1);
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
	start_session(fake_open(IMAGE_RO, FAKE_SIZE));
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
	serve_dirty();
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
	serve(IMAGE_RO);
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
	serve_dirty();
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
	ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
	expect_new_medium(&next);
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_str_eq(trail, "connecting authenticating serving");
}
END_TEST

/* ---- a command is under way ---- */

START_TEST(test_behind_a_read)
{
	serve(IMAGE_RO);
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
	expect_block(fake.bytes, 3);
	/* The next one is the new medium's. */
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	expect_swapped();
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
	ask(READ_10, 3);
	expect_block(next.bytes, 3);
}
END_TEST

/* An image that does not answer holds the swap up as long as it may hold up the command. */
START_TEST(test_behind_a_read_that_hangs)
{
	serve(IMAGE_RO);
	drive_set_limit(session->drive, 0.01);
	fake.is_slow = true;
	ask(READ_10, 3);
	LOOP_UNTIL(base, fake_waiting() == 'r' || fake.cancelled > 0);
	swap();
	ck_assert_uint_eq(response_sense(READ_10), SENSE_READ_ERROR);
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
	start_read();
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
	serve(IMAGE_RO);
	next.is_slow = true;
	swap();
	expect_swapped();
	ck_assert_int_eq(fake_waiting_in(&next), 'r');
	ask(TUR, 0);
	LOOP_UNTIL(base, drive_is_busy(session->drive));
	ck_assert(fake_bmc_has_read_all(&bmc));
	next.is_slow = false;
	fake_complete_in(&next);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(command(TUR), SENSE_NONE);
}
END_TEST

/* The first medium's boot sector is still being read: its turn comes first. */
START_TEST(test_slow_old_medium)
{
	struct image *old = fake_open(IMAGE_RO, FAKE_SIZE);

	old->is_slow = true;
	start_session(old);
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
	next.mode = IMAGE_RW;
	serve_dirty();
	swap();
	ck_assert_int_eq(fake_waiting(), 'f');
	/* A command that comes meanwhile waits, and is not written to the old medium. */
	ask(WRITE_10, 7);
	LOOP_UNTIL(base, drive_is_busy(session->drive));
	ck_assert_uint_eq(asked, 0);
	ck_assert_uint_eq(fake.writes, 1);
	fake_complete();
	expect_swapped();
	/* Nor to the new one, of which the host did not know when it wrote. */
	ck_assert_uint_eq(response_sense(WRITE_10), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(next.writes, 0);
	ask(WRITE_10, 7);
	ck_assert_uint_eq(response_sense(WRITE_10), SENSE_NONE);
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
	serve_dirty();
	if (_i == 1)
		drive_set_limit(session->drive, 0.01);
	swap();
	if (_i == 0) {
		ask(READ_10, 2); /* and waits */
		LOOP_UNTIL(base, drive_is_busy(session->drive));
		fake_fail(EIO, trouble);
	} else {
		LOOP_UNTIL(base, asked > 0);
		drive_set_limit(session->drive, DRIVE_IO_LIMIT);
		ask(READ_10, 2);
	}
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, _i == 0 ? EIO : ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(swap_words, _i == 0 ? trouble : "did not answer"));
	ck_assert_ptr_eq(session_image(session), &fake);
	ck_assert_uint_eq(response_sense(READ_10), SENSE_WRITE_ERROR);
	fake.is_slow = false;
	ask(READ_10, 2);
	expect_block(fake.bytes, 2);
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
	serve(IMAGE_RO);
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
	serve_dirty();
	if (_i == 0) { /* while a command is under way, else while it flushes */
		start_read();
	}
	swap();
	ck_assert_uint_eq(asked, 0);
	session_stop(session, "detached");
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(swap_error, ECANCELED);
	if (_i == 0) {
		fake_complete();
		expect_block(fake.bytes, 3);
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
		start_read();
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
