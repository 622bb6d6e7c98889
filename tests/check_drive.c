/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_drive: what a drive does with an image that answers, fails, is slow, or never answers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/bytes.h"
#include "bmc/drive_private.h"
#include "disk_commands.h"
#include "fake_image.h"
#include "loop.h"
#include "scsi/scsi.h"
#include "unit.h"

enum {
	ALL_BLOCKS = FAKE_SIZE / BLOCK,
	PIECES = (FAKE_SIZE + SPAN_PIECE - 1) / SPAN_PIECE,
	FUA = 0x08,
	BYTCHK = 0x02,
	NEVER = 1000000, /* seconds */
};

static struct event_base *base;
static struct drive *drive;

/* The last answer. */
static unsigned answers;
static uint32_t sense;
static bool is_eject, frees_drive;
static uint8_t got[PACKET_DATA_MAX];
static size_t got_len;

/* The last end of a flush. */
static unsigned flushed;
static int flush_error;
static char flush_words[240];

/* Nothing is flushed but when a test or a command wants it, however long the test takes. */
static void
put_in(enum device device, struct image *image)
{
	base = event_base_new();
	drive = drive_new(base, device, image);
	drive_set_flush_delay(drive, NEVER);
}

static void
open_drive(enum device device, enum image_mode mode)
{
	put_in(device, fake_open(mode, FAKE_SIZE));
}

static void
free_drive(void)
{
	drive_free(drive);
	drive = NULL;
}

static void
setup(void)
{
	answers = flushed = 0;
	frees_drive = false;
	base = NULL;
	drive = NULL;
}

static void
teardown(void)
{
	drive_free(drive);
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
	event_base_free(base);
}

static void
answer_cb(void *arg, const struct drive_answer *answer)
{
	ck_assert_ptr_eq(arg, &answers);
	answers++;
	sense = answer->sense;
	is_eject = answer->is_eject;
	got_len = evbuffer_get_length(answer->data);
	ck_assert_uint_le(got_len, sizeof(got));
	evbuffer_remove(answer->data, got, got_len);
	if (sense)
		ck_assert_uint_eq(got_len, 0);
	if (frees_drive) {
		free_drive();
	}
}

static void
flush_cb_(void *arg, int error, const char *words)
{
	ck_assert_ptr_eq(arg, &flushed);
	flushed++;
	flush_error = error;
	snprintf(flush_words, sizeof(flush_words), "%s", words);
}

/* A request whose memory is spoilt as soon as the call has returned. */
static void
execute(uint8_t op, uint8_t flags, uint32_t lba, uint16_t count, const uint8_t *data, size_t len)
{
	struct packet *request = calloc(1, sizeof(*request));
	uint8_t *copy = malloc(len + 1);

	if (len > 0)
		memcpy(copy, data, len);
	request->op = op;
	request->cdb[0] = op;
	request->cdb[1] = flags;
	put_be32(request->cdb + 2, lba);
	put_be16(request->cdb + 7, count);
	request->read_len = op == READ_10 ? count * (uint32_t)BLOCK : 64;
	request->data = copy;
	request->data_len = len;
	drive_execute(drive, request, answer_cb, &answers);
	memset(copy, 0xEE, len);
	free(copy);
	memset(request, 0xEE, sizeof(*request));
	free(request);
}

/* A command that takes no parameters. */
static uint32_t
simple(uint8_t op)
{
	unsigned before = answers;

	execute(op, 0, 0, 0, NULL, 0);
	ck_assert_uint_eq(answers, before + 1);
	return sense;
}

static void
eject(void)
{
	struct packet request = { .cdb = { START_STOP, 0, 0, 0, 2 } };

	drive_execute(drive, &request, answer_cb, &answers);
}

/* Completes whatever waits until that many requests are answered. */
static void
complete_until(unsigned count)
{
	time_t until = 0;

	while (answers < count)
		if (fake_waiting())
			fake_complete();
		else
			ck_assert_msg(loop_turn(base, &until), "no answer");
}

/* What would happen by itself happens. */
static void
wait_a_while(void)
{
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static const uint8_t *
pattern(uint8_t seed, size_t len)
{
	static uint8_t bytes[PACKET_DATA_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed + i * 3);
	return bytes;
}

static void
write_block(uint8_t seed)
{
	execute(WRITE_10, 0, 5, 1, pattern(seed, BLOCK), BLOCK);
}

/* A disk that the host has written to. */
static void
open_written(void)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	write_block(1);
	ck_assert_uint_eq(sense, SENSE_NONE);
}

START_TEST(test_one_unit_attention)
{
	const struct drive_counters *c;

	open_drive(DEVICE_FD, IMAGE_RO);
	c = drive_counters(drive);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(simple(TUR), SENSE_NONE);
	drive_attention(drive);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(simple(TUR), SENSE_NONE);
	ck_assert_uint_eq(c->commands, 4);
	ck_assert_uint_eq(c->by_opcode[TUR], 4);
	ck_assert_uint_eq(c->failed, 0);
	ck_assert_str_eq(c->last_error.text, "");
	ck_assert_double_gt(c->last_command, 1e9);
}
END_TEST

START_TEST(test_read)
{
	open_drive(DEVICE_FD, IMAGE_RO);
	execute(READ_10, 0, 3, 256, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(got_len, 256 * BLOCK);
	ck_assert_mem_eq(got, fake.bytes + 3 * BLOCK, 256 * BLOCK);
	ck_assert_uint_eq(drive_counters(drive)->read, 256 * BLOCK);
	/* The last block, and one behind it. */
	execute(READ_10, 0, FAKE_SIZE / BLOCK - 1, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
	execute(READ_10, 0, FAKE_SIZE / BLOCK, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_LBA_OUT_OF_RANGE);
	ck_assert_uint_eq(drive_counters(drive)->read, 257 * BLOCK);
	ck_assert_uint_eq(drive_counters(drive)->failed, 1);
}
END_TEST

START_TEST(test_made_up_answer)
{
	static const uint8_t expected[8] = { 0, 0, 0x0B, 0x3F, 0, 0, 2, 0 };

	open_drive(DEVICE_FD, IMAGE_RO);
	ck_assert_uint_eq(simple(READ_CAPACITY), SENSE_NONE);
	ck_assert_uint_eq(got_len, 8);
	ck_assert_mem_eq(got, expected, 8);
	ck_assert_uint_eq(drive_counters(drive)->read, 0);
}
END_TEST

START_TEST(test_slow_read)
{
	open_drive(DEVICE_CD, IMAGE_RO);
	fake.is_slow = true;
	{
		struct packet request = { .cdb = { READ_10, [5] = 16, [8] = 2 }, .read_len = 4096 };

		drive_execute(drive, &request, answer_cb, &answers);
	}
	ck_assert_uint_eq(answers, 0);
	ck_assert(drive_is_busy(drive));
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert(!drive_is_busy(drive));
	ck_assert_uint_eq(got_len, 4096);
	ck_assert_mem_eq(got, fake.bytes + 16 * 2048, 4096);
}
END_TEST

START_TEST(test_failed_read)
{
	const struct drive_counters *c;

	open_drive(DEVICE_FD, IMAGE_RO);
	fake.error = EIO;
	fake.trouble = "the file has shrunk to 512 bytes";
	execute(READ_10, 0, 8, 4, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_READ_ERROR);
	c = drive_counters(drive);
	ck_assert_str_eq(c->last_error.text, "READ(10): the file has shrunk to 512 bytes");
	ck_assert_double_gt(c->last_error_time, 1e9);
	ck_assert_uint_eq(c->failed, 1);
	ck_assert_uint_eq(c->read, 0);
	/* Without words of its own, the system's. */
	fake.trouble = "";
	execute(READ_10, 0, 8, 4, NULL, 0);
	ck_assert_str_eq(c->last_error.text, "READ(10): Input/output error");
	fake.error = 0;
	execute(READ_10, 0, 8, 4, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
}
END_TEST

START_TEST(test_write)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = _i == 1;
	execute(WRITE_10, 0, 7, 4, pattern(9, 4 * BLOCK), 4 * BLOCK);
	if (fake.is_slow)
		fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_mem_eq(fake.bytes + 7 * BLOCK, pattern(9, 4 * BLOCK), 4 * BLOCK);
	ck_assert_uint_eq(drive_counters(drive)->written, 4 * BLOCK);
	ck_assert_uint_eq(fake.flushes, 0);
}
END_TEST

START_TEST(test_write_protected)
{
	open_drive(DEVICE_HD, IMAGE_RO);
	execute(WRITE_10, 0, 7, 1, pattern(9, BLOCK), BLOCK);
	ck_assert_uint_eq(sense, SENSE_WRITE_PROTECTED);
	ck_assert_uint_eq(fake.writes, 0);
	ck_assert_str_eq(drive_counters(drive)->last_error.text, "WRITE(10): write protected");
}
END_TEST

START_TEST(test_failed_write)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.error = ENOSPC;
	fake.trouble = "cannot write: No space left on device";
	execute(WRITE_10, 0, 7, 1, pattern(9, BLOCK), BLOCK);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert_uint_eq(drive_counters(drive)->written, 0);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"WRITE(10): cannot write: No space left on device");
}
END_TEST

START_TEST(test_unknown_opcode)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	ck_assert_uint_eq(simple(0xD7), SENSE_INVALID_OPCODE);
	ck_assert_ptr_nonnull(strstr(drive_counters(drive)->last_error.text, "opcode 0xD7: "));
}
END_TEST

/* Forced writes are answered when they are on stable storage. */
START_TEST(test_write_through)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(WRITE_10, FUA, 7, 1, pattern(9, BLOCK), BLOCK);
	ck_assert_int_eq(fake_waiting(), 'w');
	fake_complete();
	ck_assert_uint_eq(answers, 0);
	ck_assert_int_eq(fake_waiting(), 'f');
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
}
END_TEST

START_TEST(test_write_through_fails)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(WRITE_10, FUA, 7, 1, pattern(9, BLOCK), BLOCK);
	fake_complete();
	fake.error = EIO;
	fake.trouble = "cannot flush: Input/output error";
	fake_complete();
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"WRITE(10): cannot flush: Input/output error");
}
END_TEST

START_TEST(test_synchronize)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	/* Nothing was written: nothing to do. */
	ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_NONE);
	ck_assert_uint_eq(fake.flushes, 0);
	execute(WRITE_10, 0, 7, 1, pattern(9, BLOCK), BLOCK);
	fake.error = EIO;
	ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_WRITE_ERROR);
	fake.error = 0;
	/* The failure did not make it durable. */
	ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_NONE);
	ck_assert_uint_eq(fake.flushes, 2);
	ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_NONE);
	ck_assert_uint_eq(fake.flushes, 2);
}
END_TEST

START_TEST(test_verify)
{
	uint8_t data[2 * BLOCK];

	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = _i == 1;
	memcpy(data, fake.bytes + 5 * BLOCK, sizeof(data));
	execute(VERIFY_10, BYTCHK, 5, 2, data, sizeof(data));
	if (fake.is_slow)
		fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(got_len, 0);
	data[2 * BLOCK - 1] ^= 1;
	execute(VERIFY_10, BYTCHK, 5, 2, data, sizeof(data));
	if (fake.is_slow)
		fake_complete();
	ck_assert_uint_eq(answers, 2);
	ck_assert_uint_eq(sense, SENSE_MISCOMPARE);
	ck_assert_uint_eq(drive_counters(drive)->read, 0);
	/* Without data nothing is compared. */
	execute(VERIFY_10, 0, 5, 2, NULL, 0);
	if (fake_waiting())
		fake_complete();
	ck_assert_uint_eq(answers, 3);
	ck_assert_uint_eq(sense, SENSE_NONE);
}
END_TEST

START_TEST(test_verify_unreadable)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.error = EIO;
	execute(VERIFY_10, BYTCHK, 5, 1, pattern(1, BLOCK), BLOCK);
	ck_assert_uint_eq(sense, SENSE_READ_ERROR);
}
END_TEST

/* WRITE AND VERIFY: written, made durable, read back and compared. */
START_TEST(test_write_and_verify)
{
	bool is_bad = _i == 1;

	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(WRITE_AND_VERIFY_10, 0, 7, 2, pattern(9, 2 * BLOCK), 2 * BLOCK);
	ck_assert_int_eq(fake_waiting(), 'w');
	fake_complete();
	ck_assert_int_eq(fake_waiting(), 'f');
	fake_complete();
	ck_assert_uint_eq(answers, 0);
	ck_assert_int_eq(fake_waiting(), 'r');
	if (is_bad)
		fake.bytes[9 * BLOCK - 1] ^= 1;
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, is_bad ? SENSE_MISCOMPARE : SENSE_NONE);
	ck_assert_uint_eq(got_len, 0);
	ck_assert_uint_eq(drive_counters(drive)->written, 2 * BLOCK);
}
END_TEST

START_TEST(test_write_and_verify_unreadable)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(WRITE_AND_VERIFY_10, 0, 7, 1, pattern(9, BLOCK), BLOCK);
	fake_complete();
	fake_complete();
	fake.error = EIO;
	fake_complete();
	ck_assert_uint_eq(sense, SENSE_READ_ERROR);
}
END_TEST

/* VERIFY without data reads the medium, in pieces; nothing of it goes anywhere. */
START_TEST(test_check)
{
	unsigned before;

	open_drive(DEVICE_HD, IMAGE_RW);
	before = fake.reads;
	fake.is_slow = _i == 1;
	execute(VERIFY_10, 0, 0, ALL_BLOCKS, NULL, 0);
	complete_until(1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(got_len, 0);
	ck_assert_uint_eq(fake.reads, before + PIECES);
	ck_assert_uint_eq(drive_counters(drive)->read, 0);
	fake.error = EIO;
	execute(VERIFY_10, 0, 0, 1, NULL, 0);
	complete_until(2);
	ck_assert_uint_eq(sense, SENSE_READ_ERROR);
}
END_TEST

/* The second piece of a check fails. */
START_TEST(test_check_fails_later)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(VERIFY_10, 0, 0, ALL_BLOCKS, NULL, 0);
	fake_complete();
	ck_assert_uint_eq(answers, 0);
	fake.error = EIO;
	fake.trouble = "the file has shrunk to 512 bytes";
	complete_until(1);
	ck_assert_uint_eq(fake.reads, 3); /* of the boot sector, and two */
	ck_assert_uint_eq(sense, SENSE_READ_ERROR);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"VERIFY(10): the file has shrunk to 512 bytes");
}
END_TEST

START_TEST(test_write_same)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = _i == 1;
	memset(fake.bytes, 0x11, FAKE_SIZE);
	execute(WRITE_SAME_10, 0, 1, ALL_BLOCKS - 2, pattern(9, BLOCK), BLOCK);
	complete_until(1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_int_eq(fake.bytes[BLOCK - 1], 0x11);
	for (size_t i = 1; i < ALL_BLOCKS - 1; i++)
		ck_assert_msg(memcmp(fake.bytes + i * BLOCK, pattern(9, BLOCK), BLOCK) == 0,
			"block %zu", i);
	ck_assert_int_eq(fake.bytes[FAKE_SIZE - BLOCK], 0x11);
	ck_assert_uint_eq(fake.flushes, 0);
	ck_assert_uint_eq(fake.writes, PIECES);
	ck_assert_uint_eq(drive_counters(drive)->written, BLOCK); /* that is what came */
	/* It counts as a write. */
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(fake.flushes, 1);
	while (fake_waiting())
		fake_complete();
	ck_assert_uint_eq(flushed, 1);
}
END_TEST

START_TEST(test_format)
{
	static const uint8_t list[12] = { 0, 0x80, 0, 8, 0, 0, 0x0B, 0x40, 0, 0, 2, 0 };
	static const uint8_t zeros[FAKE_SIZE];

	open_drive(DEVICE_FD, IMAGE_RW);
	fake.is_slow = true;
	execute(FORMAT_UNIT, 0x17, 0, 0, list, sizeof(list));
	for (int i = 0; i < PIECES; i++) {
		LOOP_UNTIL(base, fake_waiting() == 'w');
		fake_complete();
	}
	ck_assert_uint_eq(answers, 0);
	ck_assert_int_eq(fake_waiting(), 'f');
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_mem_eq(fake.bytes, zeros, FAKE_SIZE);
	ck_assert_uint_eq(drive_counters(drive)->written, sizeof(list));
	fake.is_slow = false;
	fake.error = ENOSPC;
	execute(FORMAT_UNIT, 0x17, 0, 0, list, sizeof(list));
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
}
END_TEST

/* While a piece is written, and between two of them. */
START_TEST(test_fill_given_up)
{
	bool is_between = _i >= 2;

	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(WRITE_SAME_10, 0, 0, ALL_BLOCKS, pattern(9, BLOCK), BLOCK);
	if (is_between)
		fake_complete();
	if (_i % 2 == 1) {
		free_drive();
		return;
	}
	drive_cancel(drive);
	ck_assert_uint_eq(answers, 0);
	ck_assert_uint_eq(fake.cancelled, is_between ? 0 : 1);
	fake.is_slow = false;
	wait_a_while();
	ck_assert_uint_eq(fake.writes, 1);
	execute(READ_10, 0, 6, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(got_len, BLOCK);
}
END_TEST

/* What a long command reads or writes between two turns of somebody else in the loop. */
struct neighbour {
	unsigned turns;
	unsigned seen; /* operations of the image so far */
	unsigned most; /* of them in a row */
};

static void
neighbour_cb(evutil_socket_t fd, short what, void *arg)
{
	struct neighbour *neighbour = arg;
	unsigned operations = fake.reads + fake.writes;

	(void)fd, (void)what;
	if (operations - neighbour->seen > neighbour->most)
		neighbour->most = operations - neighbour->seen;
	neighbour->seen = operations;
	neighbour->turns++;
}

/* The longest command that goes over a medium lets others work, though the image answers at once.
 */
START_TEST(test_others_get_their_turn)
{
	bool is_fill = _i == 1;
	enum { ALL = FAKE_MAX / BLOCK, ALL_PIECES = (FAKE_MAX + SPAN_PIECE - 1) / SPAN_PIECE };
	struct neighbour neighbour = { 0 };
	struct event *readable;
	int pipe_fds[2];

	fake_open(IMAGE_RW, BLOCK)->size = FAKE_MAX;
	put_in(DEVICE_HD, &fake);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1); /* there is always something to read */
	readable = event_new(base, pipe_fds[0], EV_READ | EV_PERSIST, neighbour_cb, &neighbour);
	event_add(readable, NULL);
	neighbour.seen = fake.reads;
	if (is_fill)
		execute(WRITE_SAME_10, 0, 0, ALL, pattern(9, BLOCK), BLOCK);
	else
		execute(VERIFY_10, 0, 0, ALL, NULL, 0);
	ck_assert_uint_eq(answers, 0);
	LOOP_UNTIL(base, answers == 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_ge(neighbour.turns, ALL_PIECES - 1);
	ck_assert_uint_eq(neighbour.most, 1);
	if (is_fill)
		ck_assert_mem_eq(fake.bytes + FAKE_MAX - BLOCK, pattern(9, BLOCK), BLOCK);
	event_free(readable);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

/* A write-back behind the host's back fails: its next command says so, once. */
START_TEST(test_deferred_error)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	write_block(1);
	fake.error = EIO;
	fake.trouble = "cannot flush: Input/output error";
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_int_eq(flush_error, EIO);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"write-back: cannot flush: Input/output error");
	ck_assert_double_gt(drive_counters(drive)->last_error_time, 1e9);
	ck_assert_uint_eq(drive_counters(drive)->failed, 0);
	fake.error = 0;
	fake.trouble = "";
	if (_i == 1) { /* the same after the session was lost and came back */
		drive_attention(drive);
		ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	}
	execute(WRITE_10, 0, 6, 1, pattern(2, BLOCK), BLOCK);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"WRITE(10): write-back: cannot flush: Input/output error");
	ck_assert_uint_eq(fake.writes, 1);
	execute(WRITE_10, 0, 6, 1, pattern(2, BLOCK), BLOCK);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(fake.writes, 2);
}
END_TEST

static struct image *
keep_the_old_one(void *arg, int error, const char *words UNUSED)
{
	*(int *)arg = error;
	return NULL;
}

/* The same if it fails when the medium should be changed, which stays then. */
START_TEST(test_deferred_error_of_a_swap)
{
	int error = -1;

	open_written();
	fake.error = EIO;
	drive_swap(drive, keep_the_old_one, &error);
	ck_assert_int_eq(error, EIO);
	fake.error = 0;
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
}
END_TEST

/* An image that never answers fails the command, not the drive. */
START_TEST(test_overdue)
{
	static const struct {
		uint8_t op, flags;
		uint32_t sense;
		const char *error;
	} cases[] = {
		{ READ_10, 0, SENSE_READ_ERROR, "READ(10): image did not answer within 0.01 s" },
		{ WRITE_10, 0, SENSE_WRITE_ERROR, "WRITE(10): image did not answer within 0.01 s" },
		{ VERIFY_10, BYTCHK, SENSE_READ_ERROR,
			"VERIFY(10): image did not answer within 0.01 s" },
		{ VERIFY_10, 0, SENSE_READ_ERROR,
			"VERIFY(10): image did not answer within 0.01 s" },
		{ WRITE_SAME_10, 0, SENSE_WRITE_ERROR,
			"WRITE SAME(10): image did not answer within 0.01 s" },
	};
	bool has_data = cases[_i].op != READ_10;

	open_drive(DEVICE_HD, IMAGE_RW);
	drive_set_limit(drive, 0.01);
	fake.is_slow = true;
	execute(cases[_i].op, cases[_i].flags, 5, 1, pattern(1, BLOCK), has_data ? BLOCK : 0);
	LOOP_UNTIL(base, answers == 1);
	ck_assert_uint_eq(sense, cases[_i].sense);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert_str_eq(drive_counters(drive)->last_error.text, cases[_i].error);
	ck_assert(!drive_is_busy(drive));
	fake.is_slow = false;
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_mem_eq(got, fake.bytes + 5 * BLOCK, BLOCK);
}
END_TEST

START_TEST(test_overdue_flush)
{
	open_written();
	drive_set_limit(drive, 0.01);
	fake.is_slow = true;
	execute(SYNC_CACHE, 0, 0, 0, NULL, 0);
	LOOP_UNTIL(base, answers == 2);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert_uint_eq(fake.cancelled, 0); /* its outcome is still of interest */
}
END_TEST

/* The host's eject: durable first, then out; a new session brings it back. */
START_TEST(test_eject)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	drive_attention(drive);
	simple(TUR);
	write_block(1);
	fake.is_slow = true;
	eject();
	ck_assert_int_eq(fake_waiting(), 'f');
	fake_complete();
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert(is_eject);
	ck_assert_uint_eq(simple(TUR), SENSE_NO_MEDIUM);
	ck_assert(!is_eject);
	drive_attention(drive);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(simple(TUR), SENSE_NONE);
}
END_TEST

/* Nothing pretends success: what cannot be made durable stays in the drive. */
START_TEST(test_eject_fails)
{
	open_written();
	fake.error = EIO;
	eject();
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert(!is_eject);
}
END_TEST

START_TEST(test_cancel)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	drive_cancel(drive); /* nothing to cancel */
	execute(READ_10, 0, 5, 1, NULL, 0);
	drive_cancel(drive);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert(!drive_is_busy(drive));
	/* A command that waits for its flush. */
	execute(WRITE_10, FUA, 5, 1, pattern(1, BLOCK), BLOCK);
	fake_complete();
	ck_assert_int_eq(fake_waiting(), 'f');
	drive_cancel(drive);
	ck_assert(!drive_is_busy(drive));
	fake_complete();
	/* A compare that holds a copy of its data. */
	execute(VERIFY_10, BYTCHK, 5, 1, pattern(1, BLOCK), BLOCK);
	drive_cancel(drive);
	ck_assert_uint_eq(answers, 0);
	execute(READ_10, 0, 6, 1, NULL, 0);
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_mem_eq(got, fake.bytes + 6 * BLOCK, BLOCK);
}
END_TEST

/* A flush of what the host has written is under way. */
static void
open_flushing(void)
{
	open_written();
	fake.is_slow = true;
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_int_eq(fake_waiting(), 'f');
}

START_TEST(test_flush)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(flushed, 1); /* nothing to do */
	ck_assert_uint_eq(fake.flushes, 0);
	write_block(1);
	fake.is_slow = true;
	drive_flush(drive, flush_cb_, &flushed);
	/* A second one may be asked for, and a command may go on. */
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(flushed, 1);
	fake_complete();
	fake_complete();
	ck_assert_uint_eq(flushed, 3);
	ck_assert_int_eq(flush_error, 0);
	ck_assert_str_eq(flush_words, "");
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(flushed, 4);
	ck_assert_uint_eq(fake.flushes, 2);
}
END_TEST

/* A write that comes while a flush is under way is not covered by it. */
START_TEST(test_flush_covers_what_was_before)
{
	open_flushing();
	fake.is_slow = false;
	write_block(2);
	fake_complete();
	ck_assert_uint_eq(flushed, 1);
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(flushed, 2);
	ck_assert_uint_eq(fake.flushes, 2);
}
END_TEST

/* A write that was given up may still happen, so it is flushed, too. */
START_TEST(test_flush_after_cancelled_write)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	write_block(1);
	drive_cancel(drive);
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_int_eq(fake_waiting(), 'f');
}
END_TEST

START_TEST(test_flush_fails)
{
	open_written();
	fake.error = EIO;
	fake.trouble = "cannot flush: Input/output error";
	drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(flushed, 1);
	ck_assert_int_eq(flush_error, EIO);
	ck_assert_str_eq(flush_words, "cannot flush: Input/output error");
	fake.error = 0;
	fake.is_slow = true;
	drive_set_limit(drive, 0.01);
	drive_flush(drive, flush_cb_, &flushed);
	LOOP_UNTIL(base, flushed == 2);
	ck_assert_int_eq(flush_error, ETIMEDOUT);
	ck_assert_str_eq(flush_words, "image did not answer within 0.01 s");
}
END_TEST

/* ---- flushes that nobody asks for ---- */

/* The same disk, whose writes are flushed as soon as the loop has a turn. */
static void
open_hasty(void)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	drive_watch(drive, flush_cb_, &flushed);
	drive_set_flush_delay(drive, 0);
}

START_TEST(test_write_back)
{
	open_hasty();
	execute(READ_10, 0, 5, 1, NULL, 0);
	wait_a_while();
	ck_assert_uint_eq(flushed, 0); /* nothing was written */
	write_block(1);
	execute(WRITE_10, 0, 6, 1, pattern(2, BLOCK), BLOCK);
	ck_assert_uint_eq(fake.flushes, 0);
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_int_eq(flush_error, 0);
	ck_assert_uint_eq(fake.flushes, 1);
	wait_a_while();
	ck_assert_uint_eq(flushed, 1); /* one is enough for both */
	execute(WRITE_SAME_10, 0, 0, 8, pattern(3, BLOCK), BLOCK);
	LOOP_UNTIL(base, flushed == 2);
	ck_assert_uint_eq(fake.flushes, 2);
	ck_assert_uint_eq(drive_counters(drive)->failed, 0);
}
END_TEST

/* Later, not at once; and the first of many writes sets the time. */
START_TEST(test_write_back_waits)
{
	base = event_base_new();
	drive = drive_new(base, DEVICE_HD, fake_open(IMAGE_RW, FAKE_SIZE));
	ck_assert(!evtimer_pending(drive->write_back, NULL));
	write_block(1);
	ck_assert_double_lt(loop_time_left(drive->write_back), DRIVE_FLUSH_DELAY + 1);
	drive_set_flush_delay(drive, NEVER);
	write_block(2);
	ck_assert_double_lt(loop_time_left(drive->write_back), DRIVE_FLUSH_DELAY + 1);
	ck_assert_uint_eq(fake.flushes, 0);
	event_del(drive->write_back);
	write_block(3);
	ck_assert_double_gt(loop_time_left(drive->write_back), NEVER / 2);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 0);
}
END_TEST

/* The host's next command is told, once, and the flush is not tried again for the same writes. */
START_TEST(test_write_back_fails)
{
	const char *words = "write-back: cannot flush: Input/output error";

	open_hasty();
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	write_block(1);
	fake.error = EIO;
	fake.trouble = "cannot flush: Input/output error";
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_int_eq(flush_error, EIO);
	ck_assert_str_eq(flush_words, fake.trouble);
	ck_assert_str_eq(drive_counters(drive)->last_error.text, words);
	fake.error = 0;
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
	ck_assert_ptr_nonnull(strstr(drive_counters(drive)->last_error.text, words));
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
	wait_a_while();
	ck_assert_uint_eq(flushed, 1);
	ck_assert_uint_eq(fake.flushes, 1);
	/* Who wants it flushed gets it, and so do later writes. */
	if (_i == 0)
		ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_NONE);
	else
		write_block(2);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 2);
	ck_assert_uint_eq(flushed, _i == 0 ? 1 : 2);
}
END_TEST

START_TEST(test_write_back_is_overdue)
{
	open_hasty();
	write_block(1);
	drive_set_limit(drive, 0.01);
	fake.is_slow = true;
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_int_eq(flush_error, ETIMEDOUT);
	ck_assert_str_eq(drive_counters(drive)->last_error.text,
		"write-back: image did not answer within 0.01 s");
	fake.is_slow = false;
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
}
END_TEST

/* Another flush is under way, of the drive's own or somebody else's: it waits for its turn. */
START_TEST(test_write_back_one_at_a_time)
{
	unsigned others = _i == 1;

	open_hasty();
	write_block(1);
	fake.is_slow = true;
	if (others)
		drive_flush(drive, flush_cb_, &flushed);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	fake.is_slow = false;
	write_block(2);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert_uint_eq(flushed, 0);
	fake_complete();
	ck_assert_uint_eq(flushed, 1);
	LOOP_UNTIL(base, flushed == 2);
	ck_assert_uint_eq(fake.flushes, 2);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 2);
}
END_TEST

/* Another flush comes first: there is nothing left to do. */
START_TEST(test_write_back_not_needed)
{
	open_hasty();
	if (_i == 0)
		execute(WRITE_10, FUA, 5, 1, pattern(1, BLOCK), BLOCK);
	else
		write_block(1);
	if (_i == 1)
		ck_assert_uint_eq(simple(SYNC_CACHE), SENSE_NONE);
	else if (_i == 2)
		eject();
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(fake.flushes, 1);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert_uint_eq(flushed, 0);
}
END_TEST

/* A write that was given up may still happen; a flush that was given up covers nothing. */
START_TEST(test_write_back_after_cancel)
{
	open_hasty();
	fake.is_slow = true;
	execute(WRITE_10, _i == 1 ? FUA : 0, 5, 1, pattern(1, BLOCK), BLOCK);
	if (_i == 1) {
		fake_complete();
		ck_assert_int_eq(fake_waiting(), 'f');
	}
	drive_cancel(drive);
	if (_i == 1)
		fake_complete(); /* the flush goes on without it: nothing is left to do */
	fake.is_slow = false;
	if (_i == 0)
		LOOP_UNTIL(base, flushed == 1);
	wait_a_while();
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert_uint_eq(flushed, _i == 1 ? 0 : 1);
}
END_TEST

/* The kernel tells of a failure once, and the flush that hears of it was given up. */
START_TEST(test_given_up_flush_fails)
{
	open_hasty();
	drive_set_flush_delay(drive, NEVER);
	fake.is_slow = true;
	execute(WRITE_10, FUA, 5, 1, pattern(1, BLOCK), BLOCK);
	fake_complete();
	ck_assert_int_eq(fake_waiting(), 'f');
	drive_cancel(drive);
	flush_error = 0;
	drive_flush(drive, flush_cb_, &flushed);
	if (_i == 1)
		drive_flush(drive, flush_cb_, &flushed);
	ck_assert_uint_eq(fake.flushes, 1); /* one waits for the other */
	fake_fail(EIO, "cannot flush: Input/output error");
	fake.is_slow = false;
	LOOP_UNTIL(base, flushed == (_i == 1 ? 2u : 1u));
	if (_i == 0) /* of two, the first one is told */
		ck_assert_int_eq(flush_error, EIO);
	ck_assert_uint_eq(fake.flushes, _i == 1 ? 2 : 1);
	/* The host is told, too. */
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_WRITE_ERROR);
}
END_TEST

/* The same, and it succeeds: what waited for it is covered. */
START_TEST(test_given_up_flush_succeeds)
{
	open_hasty();
	drive_set_flush_delay(drive, NEVER);
	fake.is_slow = true;
	execute(WRITE_10, FUA, 5, 1, pattern(1, BLOCK), BLOCK);
	fake_complete();
	drive_cancel(drive);
	drive_flush(drive, flush_cb_, &flushed);
	fake_complete();
	fake.is_slow = false;
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_int_eq(flush_error, 0);
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(simple(TUR), SENSE_NONE);
}
END_TEST

/* A request that waits for another medium does not wait for ever. */
START_TEST(test_overdue_medium)
{
	int error = -1;

	open_hasty();
	write_block(1);
	drive_set_limit(drive, 0.05);
	fake.is_slow = true;
	drive->flusher.limit = NEVER;
	drive_swap(drive, keep_the_old_one, &error);
	execute(READ_10, 0, 5, 1, NULL, 0);
	answers = 0;
	LOOP_UNTIL(base, answers == 1);
	ck_assert_uint_eq(sense, SENSE_NO_MEDIUM);
	ck_assert(!drive_is_busy(drive));
	fake_complete();
	ck_assert_int_eq(error, 0);
	fake.is_slow = false;
	drive_set_limit(drive, DRIVE_IO_LIMIT);
	execute(READ_10, 0, 5, 1, NULL, 0);
	ck_assert_uint_eq(sense, SENSE_NONE);
}
END_TEST

/* In the middle of a long fill: what it covers is what was written by then. */
START_TEST(test_write_back_of_half_a_fill)
{
	open_hasty();
	write_block(1);
	fake.is_slow = true;
	execute(WRITE_SAME_10, 0, 0, ALL_BLOCKS, pattern(9, BLOCK), BLOCK);
	LOOP_UNTIL(base, fake.flushes == 1);
	fake.is_slow = false;
	complete_until(2);
	ck_assert_uint_eq(sense, SENSE_NONE);
	LOOP_UNTIL(base, fake.flushes == 2);
}
END_TEST

/* The old medium's writes are flushed before the swap, and the new one has none. */
static struct image *
take_next(void *arg, int error, const char *words UNUSED)
{
	ck_assert_int_eq(error, 0);
	return arg;
}

START_TEST(test_write_back_and_swap)
{
	static struct image next;

	open_hasty();
	fake_make(&next, IMAGE_RW, FAKE_SIZE, 1);
	write_block(1);
	drive_swap(drive, take_next, &next);
	ck_assert_ptr_eq(drive_image(drive), &next);
	ck_assert_uint_eq(fake.flushes, 1);
	wait_a_while();
	ck_assert_uint_eq(flushed, 0);
	ck_assert_uint_eq(next.flushes, 0);
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	write_block(2);
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_uint_eq(next.flushes, 1);
	ck_assert_uint_eq(fake.flushes, 1);
}
END_TEST

/* A swap that is given up takes its flush with it. */
START_TEST(test_write_back_after_keep)
{
	int error = -1;

	open_hasty();
	write_block(1);
	fake.is_slow = true;
	drive_swap(drive, keep_the_old_one, &error);
	ck_assert_int_eq(fake_waiting(), 'f');
	wait_a_while();
	drive_keep(drive);
	fake_fail(EIO, "cannot flush: Input/output error");
	fake.is_slow = false;
	LOOP_UNTIL(base, flushed == 1);
	ck_assert_int_eq(flush_error, EIO); /* that of the swap, which nobody has heard of */
	ck_assert_int_eq(error, -1);
}
END_TEST

/* It is due, or under way. */
START_TEST(test_write_back_and_free)
{
	open_hasty();
	write_block(1);
	fake.is_slow = true;
	if (_i == 1)
		LOOP_UNTIL(base, fake_waiting() == 'f');
	free_drive();
	wait_a_while();
	ck_assert_uint_eq(flushed, 0);
	ck_assert_uint_eq(fake.cancelled, _i == 1 ? 1 : 0);
}
END_TEST

START_TEST(test_free_at_work)
{
	open_flushing();
	drive_flush(drive, flush_cb_, &flushed);
	execute(READ_10, 0, 5, 1, NULL, 0);
	free_drive();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(flushed, 0);
	ck_assert_uint_eq(fake.cancelled, 3);
}
END_TEST

START_TEST(test_free_from_callback)
{
	open_drive(DEVICE_HD, IMAGE_RW);
	fake.is_slow = true;
	execute(READ_10, 0, 5, 1, NULL, 0);
	frees_drive = true;
	fake_complete();
	ck_assert_ptr_null(drive);
}
END_TEST

/* ---- a boot sector that takes its time ---- */

static void
open_slow(void)
{
	fake_open(IMAGE_RW, FAKE_SIZE)->is_slow = true;
	put_in(DEVICE_HD, &fake);
	ck_assert_int_eq(fake_waiting(), 'r');
}

START_TEST(test_command_waits_for_the_medium)
{
	open_slow();
	write_block(1);
	ck_assert(drive_is_busy(drive));
	fake.is_slow = false;
	fake_complete();
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_mem_eq(fake.bytes + 5 * BLOCK, pattern(1, BLOCK), BLOCK);
}
END_TEST

START_TEST(test_attention_before_the_medium)
{
	open_slow();
	drive_attention(drive);
	fake_complete();
	ck_assert_uint_eq(simple(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_uint_eq(simple(TUR), SENSE_NONE);
}
END_TEST

START_TEST(test_cancelled_before_the_medium)
{
	open_slow();
	write_block(1);
	drive_cancel(drive);
	fake_complete();
	ck_assert_uint_eq(answers, 0);
	ck_assert_uint_eq(fake.writes, 0);
}
END_TEST

START_TEST(test_boot_sector_fails)
{
	open_slow();
	execute(READ_CAPACITY, 0, 0, 0, NULL, 0);
	fake.error = EIO;
	fake_complete();
	ck_assert_uint_eq(sense, SENSE_NONE);
	ck_assert_uint_eq(got_len, 8);
}
END_TEST

START_TEST(test_free_before_the_medium)
{
	open_slow();
	execute(READ_CAPACITY, 0, 0, 0, NULL, 0);
	free_drive();
	ck_assert_uint_eq(answers, 0);
	ck_assert_uint_eq(fake.cancelled, 1);
}
END_TEST

START_TEST(test_tiny_image)
{
	put_in(DEVICE_HD, fake_open(IMAGE_RO, 100));
	simple(TUR);
	ck_assert_uint_ne(simple(READ_CAPACITY), SENSE_NONE);
}
END_TEST

START_TEST(test_service_times)
{
	const struct drive_counters *c;
	uint64_t sum = 0;

	open_drive(DEVICE_HD, IMAGE_RO);
	c = drive_counters(drive);
	for (int i = 0; i < 20; i++)
		execute(READ_10, 0, 5, 1, NULL, 0);
	for (int i = 0; i < DRIVE_TIME_BUCKETS; i++)
		sum += c->service_time[i];
	ck_assert_uint_eq(sum, 20);
	ck_assert_uint_eq(c->by_opcode[READ_10], 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drive");
	TCase *tc = tcase_create("drive");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_one_unit_attention);
	tcase_add_test(tc, test_read);
	tcase_add_test(tc, test_made_up_answer);
	tcase_add_test(tc, test_slow_read);
	tcase_add_test(tc, test_failed_read);
	tcase_add_loop_test(tc, test_write, 0, 2);
	tcase_add_test(tc, test_write_protected);
	tcase_add_test(tc, test_failed_write);
	tcase_add_test(tc, test_unknown_opcode);
	tcase_add_test(tc, test_write_through);
	tcase_add_test(tc, test_write_through_fails);
	tcase_add_test(tc, test_synchronize);
	tcase_add_loop_test(tc, test_verify, 0, 2);
	tcase_add_test(tc, test_verify_unreadable);
	tcase_add_loop_test(tc, test_write_and_verify, 0, 2);
	tcase_add_test(tc, test_write_and_verify_unreadable);
	tcase_add_loop_test(tc, test_check, 0, 2);
	tcase_add_test(tc, test_check_fails_later);
	tcase_add_loop_test(tc, test_write_same, 0, 2);
	tcase_add_test(tc, test_format);
	tcase_add_loop_test(tc, test_fill_given_up, 0, 4);
	tcase_add_loop_test(tc, test_others_get_their_turn, 0, 2);
	tcase_add_loop_test(tc, test_deferred_error, 0, 2);
	tcase_add_test(tc, test_deferred_error_of_a_swap);
	tcase_add_loop_test(tc, test_overdue, 0, 5);
	tcase_add_test(tc, test_overdue_flush);
	tcase_add_test(tc, test_eject);
	tcase_add_test(tc, test_eject_fails);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_flush);
	tcase_add_test(tc, test_flush_covers_what_was_before);
	tcase_add_test(tc, test_flush_after_cancelled_write);
	tcase_add_test(tc, test_flush_fails);
	tcase_add_test(tc, test_write_back);
	tcase_add_test(tc, test_write_back_waits);
	tcase_add_loop_test(tc, test_write_back_fails, 0, 2);
	tcase_add_test(tc, test_write_back_is_overdue);
	tcase_add_loop_test(tc, test_write_back_one_at_a_time, 0, 2);
	tcase_add_loop_test(tc, test_write_back_not_needed, 0, 3);
	tcase_add_loop_test(tc, test_write_back_after_cancel, 0, 2);
	tcase_add_loop_test(tc, test_given_up_flush_fails, 0, 2);
	tcase_add_test(tc, test_given_up_flush_succeeds);
	tcase_add_test(tc, test_overdue_medium);
	tcase_add_test(tc, test_write_back_of_half_a_fill);
	tcase_add_test(tc, test_write_back_and_swap);
	tcase_add_test(tc, test_write_back_after_keep);
	tcase_add_loop_test(tc, test_write_back_and_free, 0, 2);
	tcase_add_test(tc, test_free_at_work);
	tcase_add_test(tc, test_free_from_callback);
	tcase_add_test(tc, test_command_waits_for_the_medium);
	tcase_add_test(tc, test_attention_before_the_medium);
	tcase_add_test(tc, test_cancelled_before_the_medium);
	tcase_add_test(tc, test_boot_sector_fails);
	tcase_add_test(tc, test_free_before_the_medium);
	tcase_add_test(tc, test_tiny_image);
	tcase_add_test(tc, test_service_times);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
