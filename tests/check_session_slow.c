/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_session_slow: a session over an image that takes its time: what happens to the answer in
 * work and to what was written when the host ejects, the BMC goes, or the session is stopped. */
#include <unistd.h>

#include "session_fixture.h"

#include "fake_image.h"

/* Serves a writable image that is fast until the test says otherwise. */
static void
setup(void)
{
	open_world();
	make_session("legacy", DEVICE_FD, 100, 100);
	connect_session(fake_open(IMAGE_RW, FAKE_SIZE));
	accept_session();
	fake.reads = 0;
}

static void
teardown(void)
{
	session_free(session);
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
	close_world();
}

/* The host reads, and the image has not answered yet. */
static void
start_read(void)
{
	fake.is_slow = true;
	ask(READ_10, 1);
	LOOP_UNTIL(base, fake_waiting() == 'r');
}

/* Something was written and is not on stable storage. */
static void
make_dirty(void)
{
	ask(WRITE_10, 3);
	ck_assert_uint_eq(response_sense(WRITE_10), 0);
	LOOP_UNTIL(base, stream_pending(session->stream) == 0);
}

static void
expect_read(uint32_t lba)
{
	expect_block(fake.bytes, lba);
}

/* The image is fast, and the next connection works. */
static void
come_back(void)
{
	fake.is_slow = false;
	accept_again();
	ask(READ_10, 2);
	expect_read(2);
}

/* ---- one at a time ---- */

START_TEST(test_one_at_a_time)
{
	fake.is_slow = true;
	ask(READ_10, 1);
	ask(READ_10, 2);
	control_plain(buf, CONTROL_LEN, 0, OP_KEEP_ALIVE);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	ask(READ_10, 3);
	for (uint32_t lba = 1; lba <= 3; lba++) {
		LOOP_UNTIL(base, fake_waiting() == 'r');
		ck_assert_uint_eq(fake.reads, lba);
		for (int i = 0; i < 5; i++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_uint_eq(fake.reads, lba);
		ck_assert(fake_bmc_has_read_all(&bmc));
		fake_complete();
		expect_read(lba);
		if (lba == 2)
			ck_assert_uint_eq(response_sense(OP_KEEP_ALIVE), 0);
	}
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

/* An image that hangs: the host is told, and the session goes on. */
START_TEST(test_image_hangs)
{
	drive_set_limit(session->drive, 0.01);
	fake.is_slow = true;
	ask(READ_10, 1);
	ck_assert_uint_eq(response_sense(READ_10), SENSE_READ_ERROR);
	session_status(session, &status);
	ck_assert_str_eq(
		status.counters->last_error.text, "READ(10): image did not answer within 0.01 s");
	fake.is_slow = false;
	ask(READ_10, 2);
	expect_read(2);
}
END_TEST

/* ---- the connection is lost ---- */

START_TEST(test_lost_while_reading)
{
	start_read();
	/* Nothing is read meanwhile, so a close shows when the answer is sent at the latest. */
	fake_bmc_reset(&bmc);
	fake_complete();
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, FAILURE_LOST);
	come_back();
}
END_TEST

/* The deadline takes the command with it; its answer is never sent to the next host. */
START_TEST(test_dead_while_reading)
{
	start_read();
	session_raise(session, EVENT_DEADLINE);
	ck_assert(is_in(SESSION_BACKOFF));
	ck_assert_uint_eq(fake.cancelled, 1);
	come_back();
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

/* What was written is flushed when the BMC goes, and a new session need not wait for that. */
START_TEST(test_lost_is_flushed)
{
	make_dirty();
	fake.is_slow = true;
	fake_bmc_hang_up(&bmc);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(fake_waiting(), 'f');
	raise_foreign_events();
	come_back();
	fake_complete();
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_uint_eq(fake.flushes, 1);
}
END_TEST

/* ---- stop ---- */

START_TEST(test_stop_finishes_the_answer)
{
	fake.is_slow = true;
	ask(READ_10, 1);
	ask(READ_10, 2); /* comes too late */
	LOOP_UNTIL(base, fake_waiting() == 'r');
	session_stop(session, "detached");
	ck_assert_int_eq(session->phase, PHASE_FINISHING);
	ck_assert(is_in(SESSION_SERVING));
	raise_foreign_events();
	session_stop(session, "another reason");
	ck_assert_str_eq(session->stop_reason.text, "detached");
	fake_complete();
	expect_read(1);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_uint_eq(fake.reads, 1);
	ck_assert(fake.is_closed);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

START_TEST(test_stop_waits_not_for_ever)
{
	start_read();
	session->time_scale = 1e-3;
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(fake.cancelled, 1);
}
END_TEST

START_TEST(test_bmc_goes_while_stopping)
{
	start_read();
	session_stop(session, "detached");
	fake_bmc_reset(&bmc);
	fake_complete();
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

/* The connection closes first, then the flush; idle means it is on stable storage. */
START_TEST(test_stop_flushes)
{
	make_dirty();
	fake.is_slow = true;
	session_stop(session, "detached");
	LOOP_UNTIL(base, bmc.is_ended);
	ck_assert_int_eq(session->phase, PHASE_FLUSHING);
	ck_assert_int_eq(fake_waiting(), 'f');
	ck_assert(is_in(SESSION_SERVING));
	raise_foreign_events();
	session_stop(session, "another reason");
	session_reconnect(session);
	ck_assert(!fake.is_closed);
	fake_complete();
	ck_assert(is_in(SESSION_IDLE));
	ck_assert(fake.is_closed);
}
END_TEST

/* Stopped in back-off while the flush of the lost connection is still under way. */
START_TEST(test_stop_waits_for_its_own_flush)
{
	make_dirty();
	fake.is_slow = true;
	fake_bmc_hang_up(&bmc);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	session_stop(session, "detached");
	ck_assert(is_in(SESSION_BACKOFF));
	fake_complete();
	ck_assert(is_in(SESSION_BACKOFF));
	fake_complete();
	ck_assert(is_in(SESSION_IDLE));
}
END_TEST

/* ---- what cannot be made durable ---- */

static struct {
	char path[64];
	int fd, saved;
} caught; /* the log */

static void
catch_log(void)
{
	strcpy(caught.path, "/tmp/check_session_slow.XXXXXX");
	caught.fd = mkstemp(caught.path);
	caught.saved = dup(STDERR_FILENO);
	ck_assert_int_ge(caught.fd, 0);
	dup2(caught.fd, STDERR_FILENO);
}

/* All that was logged is one line, which says that writes are lost, and why. */
static void
expect_lost_writes(const char *why)
{
	unsigned lines = 0;
	char line[1024];
	FILE *f = fdopen(caught.fd, "r");

	dup2(caught.saved, STDERR_FILENO);
	close(caught.saved);
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		ck_assert_ptr_nonnull(
			strstr(line, "error: node42/fd: cannot flush, what the host wrote may be "
				     "lost: "));
		ck_assert_ptr_nonnull(strstr(line, why));
		lines++;
	}
	ck_assert_uint_eq(lines, 1);
	fclose(f);
	unlink(caught.path);
}

/* It is said, and does not keep the session. */
START_TEST(test_stop_with_failed_flush)
{
	make_dirty();
	catch_log();
	if (_i == 0) {
		fake.error = EIO;
		fake.trouble = "cannot flush: Input/output error";
	} else {
		fake.is_slow = true;
		drive_set_limit(session->drive, 0.01);
	}
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	expect_lost_writes(_i == 0 ? fake.trouble : "did not answer");
}
END_TEST

/* The host goes on: its writes are flushed all the same, and it is told, and so are we. */
START_TEST(test_write_back_fails)
{
	const char *words = "write-back: cannot flush: Input/output error";

	ask(TUR, 0);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	fake.is_slow = true;
	ask(WRITE_10, 3);
	LOOP_UNTIL(base, fake_waiting() == 'w');
	drive_set_flush_delay(session->drive, 0);
	fake_complete();
	ck_assert_uint_eq(response_sense(WRITE_10), SENSE_NONE);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	catch_log();
	fake_fail(EIO, "cannot flush: Input/output error");
	expect_lost_writes(fake.trouble);
	ck_assert(is_in(SESSION_SERVING));
	ck_assert_str_eq(status.counters->last_error.text, words);
	fake.is_slow = false;
	ask(READ_10, 2);
	ck_assert_uint_eq(response_sense(READ_10), SENSE_WRITE_ERROR);
	ask(READ_10, 2);
	expect_read(2);
	ck_assert(is_in(SESSION_SERVING));
	ck_assert_ptr_nonnull(strstr(status.counters->last_error.text, words));
	ck_assert_uint_eq(fake.flushes, 1);
}
END_TEST

/* ---- eject ---- */

/* The host ejects, and its answer has not gone out yet. */
static void
start_ejecting(void)
{
	make_dirty();
	fake.is_slow = true;
	ask(START_STOP, 0);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	fake_complete();
	fake.is_slow = false;
	ck_assert_int_eq(session->phase, PHASE_EJECTING);
	ck_assert(is_in(SESSION_SERVING));
	raise_foreign_events();
}

START_TEST(test_eject)
{
	start_ejecting();
	ck_assert_uint_eq(response_sense(START_STOP), 0);
	LOOP_UNTIL(base, is_in(SESSION_EJECTED) && bmc.is_ended);
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_uint_eq(fake.flushes, 1);
}
END_TEST

/* The medium is out, whatever becomes of the answer. */
START_TEST(test_eject_and_failure)
{
	start_ejecting();
	session_raise(session, _i ? EVENT_FAILED : EVENT_DEADLINE);
	ck_assert(is_in(SESSION_EJECTED));
	ck_assert_str_eq(status.reason.text, "");
	LOOP_UNTIL(base, bmc.is_ended);
}
END_TEST

START_TEST(test_stop_while_ejecting)
{
	start_ejecting();
	session_stop(session, "detached");
	ck_assert_uint_eq(response_sense(START_STOP), 0);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

START_TEST(test_eject_while_stopping)
{
	make_dirty();
	fake.is_slow = true;
	ask(START_STOP, 0);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	session_stop(session, "detached");
	fake_complete();
	ck_assert_uint_eq(response_sense(START_STOP), 0);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

START_TEST(test_free_at_work)
{
	fake.is_slow = true;
	if (_i == 0) { /* serving */
		ask(READ_10, 1);
		LOOP_UNTIL(base, fake_waiting() == 'r');
	} else if (_i == 1) { /* finishing */
		ask(READ_10, 1);
		LOOP_UNTIL(base, fake_waiting() == 'r');
		session_stop(session, "detached");
	} else if (_i == 2) { /* flushing */
		fake.is_slow = false;
		make_dirty();
		fake.is_slow = true;
		session_stop(session, "detached");
		LOOP_UNTIL(base, fake_waiting() == 'f');
	} else { /* ejecting */
		fake.is_slow = false;
		start_ejecting();
	}
	session_free(session);
	session = NULL;
	LOOP_UNTIL(base, bmc.is_ended);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session_slow");
	TCase *tc = tcase_create("slow");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_one_at_a_time);
	tcase_add_test(tc, test_image_hangs);
	tcase_add_test(tc, test_lost_while_reading);
	tcase_add_test(tc, test_dead_while_reading);
	tcase_add_test(tc, test_lost_is_flushed);
	tcase_add_test(tc, test_stop_finishes_the_answer);
	tcase_add_test(tc, test_stop_waits_not_for_ever);
	tcase_add_test(tc, test_bmc_goes_while_stopping);
	tcase_add_test(tc, test_stop_flushes);
	tcase_add_test(tc, test_stop_waits_for_its_own_flush);
	tcase_add_loop_test(tc, test_stop_with_failed_flush, 0, 2);
	tcase_add_test(tc, test_write_back_fails);
	tcase_add_test(tc, test_eject);
	tcase_add_loop_test(tc, test_eject_and_failure, 0, 2);
	tcase_add_test(tc, test_stop_while_ejecting);
	tcase_add_test(tc, test_eject_while_stopping);
	tcase_add_loop_test(tc, test_free_at_work, 0, 4);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
