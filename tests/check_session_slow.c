/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_session_slow: a session over an image that takes its time: what happens to the answer in
 * work and to what was written when the host ejects, the BMC goes, or the session is stopped. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	TUR = 0x00,
	START_STOP = 0x1B,
	READ_10 = 0x28,
	WRITE_10 = 0x2A,
};

static struct event_base *base;
static struct fake_bmc bmc;
static struct session *session;
static struct session_status status;
static char trail[512];
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
accept_session(void)
{
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
	fake_bmc_ack(&bmc, ACK_ACCEPTED, "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
}

/* Serves a writable image that is fast until the test says otherwise. */
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
	session = session_new(base, &conf, told_cb, NULL);
	session_start(session, fake_open(IMAGE_RW, FAKE_SIZE));
	accept_session();
	fake.reads = 0;
}

static void
teardown(void)
{
	session_free(session);
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
	fake_bmc_close(&bmc);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}

static void
ask_read(uint32_t lba)
{
	fake_bmc_send(&bmc, other, fake_bmc_request(&bmc, other, READ_10, lba, 1, BLOCK, NULL, 0));
}

static void
ask_write(uint32_t lba)
{
	static uint8_t data[BLOCK];

	memset(data, 0x5A, sizeof(data));
	fake_bmc_send(&bmc, other,
		fake_bmc_request(&bmc, other, WRITE_10, lba, 1, 0, data, sizeof(data)));
}

static void
ask_eject(void)
{
	size_t len = fake_bmc_request(&bmc, other, START_STOP, 0, 0, 0, NULL, 0);

	other[OFF_CDB + 4] = 2;
	fake_bmc_send(&bmc, other, len);
}

/* The next response, which is to op. */
static uint32_t
expect_response(uint8_t op)
{
	struct packet response;

	fake_bmc_response(&bmc, buf, &response);
	ck_assert_uint_eq(response.op, op);
	return get_be24(response.status + 1);
}

/* Something was written and is not on stable storage. */
static void
make_dirty(void)
{
	ask_write(3);
	ck_assert_uint_eq(expect_response(WRITE_10), 0);
	LOOP_UNTIL(base, stream_pending(session->stream) == 0);
}

static void
read_arrived(uint32_t lba)
{
	struct packet response;

	fake_bmc_response(&bmc, buf, &response);
	ck_assert_uint_eq(response.op, READ_10);
	ck_assert_uint_eq(response.status[0], 0);
	ck_assert_uint_eq(response.data_len, BLOCK);
	ck_assert_mem_eq(response.data, fake.bytes + lba * BLOCK, BLOCK);
}

static void
raise_foreign_events(void)
{
	enum session_phase phase = session->phase;

	for (int event = 0; event < EVENT_COUNT; event++) {
		/* Of finishing, this one ends the phase when nothing is in work any more. */
		if (phase == PHASE_FINISHING && event == EVENT_DRAINED)
			continue;
		if (session_next_phase(phase, (enum session_event)event) != phase)
			continue;
		session_raise(session, (enum session_event)event);
		ck_assert_int_eq(session->phase, phase);
	}
}

/* ---- one at a time ---- */

START_TEST(test_one_at_a_time)
{
	fake.is_slow = true;
	ask_read(1);
	ask_read(2);
	control_plain(buf, CONTROL_LEN, 0, OP_KEEP_ALIVE);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	ask_read(3);
	for (uint32_t lba = 1; lba <= 3; lba++) {
		LOOP_UNTIL(base, fake_waiting() == 'r');
		ck_assert_uint_eq(fake.reads, lba);
		for (int i = 0; i < 5; i++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_uint_eq(fake.reads, lba);
		ck_assert(fake_bmc_has_read_all(&bmc));
		fake_complete();
		read_arrived(lba);
		if (lba == 2)
			ck_assert_uint_eq(expect_response(OP_KEEP_ALIVE), 0);
	}
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

/* An image that hangs: the host is told, and the session goes on. */
START_TEST(test_image_hangs)
{
	drive_set_limit(session->drive, 0.01);
	fake.is_slow = true;
	ask_read(1);
	ck_assert_uint_eq(expect_response(READ_10), SENSE_READ_ERROR);
	session_status(session, &status);
	ck_assert_str_eq(
		status.counters->last_error.text, "READ(10): image did not answer within 0.01 s");
	fake.is_slow = false;
	ask_read(2);
	read_arrived(2);
}
END_TEST

/* ---- the connection is lost ---- */

START_TEST(test_lost_while_reading)
{
	fake.is_slow = true;
	ask_read(1);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	/* Nothing is read meanwhile, so a close shows when the answer is sent at the latest. */
	fake_bmc_reset(&bmc);
	fake_complete();
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, FAILURE_LOST);
	fake.is_slow = false;
	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts == 2);
	accept_session();
	ask_read(2);
	read_arrived(2);
}
END_TEST

/* The deadline takes the command with it; its answer is never sent to the next host. */
START_TEST(test_dead_while_reading)
{
	fake.is_slow = true;
	ask_read(1);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	session_raise(session, EVENT_DEADLINE);
	ck_assert(is_in(SESSION_BACKOFF));
	ck_assert_uint_eq(fake.cancelled, 1);
	fake.is_slow = false;
	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts == 2);
	accept_session();
	ask_read(2);
	read_arrived(2);
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
	fake.is_slow = false;
	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts == 2);
	accept_session();
	ask_read(2);
	read_arrived(2);
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
	ask_read(1);
	ask_read(2); /* comes too late */
	LOOP_UNTIL(base, fake_waiting() == 'r');
	session_stop(session, "detached");
	ck_assert_int_eq(session->phase, PHASE_FINISHING);
	ck_assert(is_in(SESSION_SERVING));
	raise_foreign_events();
	session_stop(session, "another reason");
	ck_assert_str_eq(session->stop_reason.text, "detached");
	fake_complete();
	read_arrived(1);
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
	fake.is_slow = true;
	ask_read(1);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	session->time_scale = 1e-3;
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(fake.cancelled, 1);
}
END_TEST

START_TEST(test_bmc_goes_while_stopping)
{
	fake.is_slow = true;
	ask_read(1);
	LOOP_UNTIL(base, fake_waiting() == 'r');
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

/* What cannot be made durable is said, and does not keep the session. */
START_TEST(test_stop_with_failed_flush)
{
	char log_path[] = "/tmp/check_session_slow.XXXXXX", line[1024];
	int fd = mkstemp(log_path), errors = 0, saved = dup(STDERR_FILENO);
	FILE *f;

	ck_assert_int_ge(fd, 0);
	make_dirty();
	dup2(fd, STDERR_FILENO);
	if (_i == 0) {
		fake.error = EIO;
		fake.trouble = "cannot flush: Input/output error";
	} else {
		fake.is_slow = true;
		drive_set_limit(session->drive, 0.01);
	}
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	dup2(saved, STDERR_FILENO);
	close(saved);
	f = fdopen(fd, "r");
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		ck_assert_ptr_nonnull(
			strstr(line, "error: node42/fd: cannot flush, what the host wrote may be "
				     "lost: "));
		ck_assert_ptr_nonnull(strstr(line, _i == 0 ? fake.trouble : "did not answer"));
		errors++;
	}
	ck_assert_int_eq(errors, 1);
	fclose(f);
	unlink(log_path);
}
END_TEST

/* ---- eject ---- */

/* The host ejects, and its answer has not gone out yet. */
static void
start_ejecting(void)
{
	make_dirty();
	fake.is_slow = true;
	ask_eject();
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
	ck_assert_uint_eq(expect_response(START_STOP), 0);
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
	ck_assert_uint_eq(expect_response(START_STOP), 0);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

START_TEST(test_eject_while_stopping)
{
	make_dirty();
	fake.is_slow = true;
	ask_eject();
	LOOP_UNTIL(base, fake_waiting() == 'f');
	session_stop(session, "detached");
	fake_complete();
	ck_assert_uint_eq(expect_response(START_STOP), 0);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_str_eq(trail, "connecting authenticating serving idle");
}
END_TEST

START_TEST(test_free_at_work)
{
	fake.is_slow = true;
	if (_i == 0) { /* serving */
		ask_read(1);
		LOOP_UNTIL(base, fake_waiting() == 'r');
	} else if (_i == 1) { /* finishing */
		ask_read(1);
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
	tcase_add_test(tc, test_eject);
	tcase_add_loop_test(tc, test_eject_and_failure, 0, 2);
	tcase_add_test(tc, test_stop_while_ejecting);
	tcase_add_test(tc, test_eject_while_stopping);
	tcase_add_loop_test(tc, test_free_at_work, 0, 4);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
