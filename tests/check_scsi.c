/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_scsi: the drives, command by command (scsi_rows.h), as hosts use them, and at random. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "scsi/scsi.h"
#include "scsi_ask.h"
#include "scsi_rows.h"
#include "unit.h"

enum {
	RANDOM_COMMANDS = 20000,
};

/* One setup: each of its rows on a drive of its own. */
START_TEST(test_rows)
{
	int held = 0, broken = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scsi_drive drive;

		if (rows[i].setup != (enum setup)_i)
			continue;
		drive = make_drive(rows[i].setup);
		if (row_holds(&drive, setups[_i].name, &rows[i]))
			held++;
		else
			broken++;
	}
	ck_assert_msg(broken == 0, "%s: %d rows do not hold", setups[_i].name, broken);
	ck_assert_msg(held > 0, "%s: no row asks it anything", setups[_i].name);
}
END_TEST

/* Every command of the table, with each shorter wish of the host: the answer is a prefix. */
START_TEST(test_clipping)
{
	enum { ALL_UP_TO = 128, STEP = 97 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scsi_command command = command_of(&rows[i]);
		struct scsi_drive fresh = make_drive(rows[i].setup), drive = fresh;
		struct scsi_decision whole = decide(&drive, &command), part;

		if (whole.action != SCSI_ANSWER)
			continue;
		for (uint32_t len = 0; len < whole.len; len += len < ALL_UP_TO ? 1 : STEP) {
			drive = fresh;
			command.read_len = len;
			part = decide(&drive, &command);
			if (part.action != (len == 0 ? SCSI_DONE : SCSI_ANSWER) ||
				part.len != len || memcmp(part.answer, whole.answer, len) != 0)
				ck_abort_msg("\"%s\" for %" PRIu32 " bytes", rows[i].cdb, len);
		}
	}
}
END_TEST

/* iusb-protocol 11.7: once, on TEST UNIT READY only; or to a REQUEST SENSE, which asks for it. */
START_TEST(test_attention_is_told_once)
{
	static const enum setup setup[] = { CD_NEW, FD_NEW, HD_NEW };

	for (size_t i = 0; i < ARRAY_SIZE(setup); i++) {
		struct scsi_drive drive = make_drive(setup[i]);
		struct scsi_medium medium = medium_of(setup[i]);

		for (unsigned opcode = 1; opcode < 256; opcode++) {
			struct scsi_command command = { .read_len = 2048 };
			struct scsi_decision d;

			command.cdb[0] = (uint8_t)opcode; /* a REQUEST SENSE of no length */
			d = decide(&drive, &command);
			ck_assert_uint_ne(d.sense, SENSE_MEDIUM_CHANGED);
		}
		expect(&drive, "00", 0, 0, "06/28/00");
		expect(&drive, "00", 0, 0, "done");
		scsi_drive_insert(&drive, &medium);
		expect(&drive, "00", 0, 0, "06/28/00");
		scsi_drive_insert(&drive, &medium);
		expect(&drive, "03 00 00 00 12 00", 18, 0, "= 70 00 06 00*4 0a 00*4 28 00*5");
		expect(&drive, "00", 0, 0, "done");
		scsi_drive_insert(&drive, &medium);
		scsi_drive_remove(&drive);
		expect(&drive, "00", 0, 0, "02/3A/00");
		scsi_drive_insert(&drive, &medium);
		expect(&drive, "00", 0, 0, "06/28/00");
		expect(&drive, "00", 0, 0, "done");
	}
}
END_TEST

/*
 * A swap under a running host. What it writes before it was told of the new medium is for the old
 * one: it fails, once, and that tells it.
 */
START_TEST(test_replaced_medium_is_not_written)
{
	static const char write[] = "2a 00 00000013 00 0001 00", told[] = "06/28/00";
	static const char request[] = "03 00 00 00 12 00";
	static const char changed[] = "= 70 00 06 00*4 0a 00*4 28 00*5";
	struct scsi_medium medium = medium_of(HD), locked = medium_of(HD_RO);
	struct scsi_drive drive = make_drive(HD_SWAPPED);

	/* Once, and TEST UNIT READY has nothing left to tell. */
	expect(&drive, write, 0, 512, told);
	expect(&drive, request, 18, 0, changed);
	expect(&drive, "00", 0, 0, "done");
	expect(&drive, write, 0, 512, "write 9728 512");
	/* TEST UNIT READY and REQUEST SENSE tell it just as well. */
	scsi_drive_replace(&drive, &medium);
	expect(&drive, "00", 0, 0, told);
	expect(&drive, write, 0, 512, "write 9728 512");
	scsi_drive_replace(&drive, &medium);
	expect(&drive, request, 18, 0, changed);
	expect(&drive, write, 0, 512, "write 9728 512");
	/* What reads, or is no write at all, leaves it. */
	scsi_drive_replace(&drive, &medium);
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, "25", 8, 0, "= 00 01 ff ff 00 00 02 00");
	expect(&drive, "28 00 00000013 00 0001 00", 512, 0, "read 9728 512");
	expect(&drive, "03 00 00 00 00 00", 18, 0, "done");
	expect(&drive, write, 0, 512, told);
	expect(&drive, write, 0, 512, "write 9728 512");
	/* It outlives another swap, and a session: a new one is no new host. */
	scsi_drive_replace(&drive, &medium);
	scsi_drive_replace(&drive, &locked);
	expect(&drive, write, 0, 512, told);
	expect(&drive, write, 0, 512, "07/27/00");
	scsi_drive_replace(&drive, &medium);
	scsi_drive_insert(&drive, &medium);
	expect(&drive, write, 0, 512, told);
	expect(&drive, write, 0, 512, "write 9728 512");
	/* A new session alone is no change: TEST UNIT READY only is told. */
	scsi_drive_insert(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
	expect(&drive, "00", 0, 0, told);
	/* But the host behind it had been at the medium that is swapped then. */
	scsi_drive_insert(&drive, &medium);
	scsi_drive_replace(&drive, &medium);
	expect(&drive, write, 0, 512, told);
	/* A write that failed before is told of next, not instead. */
	scsi_drive_replace(&drive, &medium);
	expect(&drive, write, 0, 512, told);
	expect(&drive, "28 00 00000013 00 0001 00", 512, 0, "read 9728 512");
	scsi_drive_replace(&drive, &medium);
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, write, 0, 512, told);
	expect(&drive, write, 0, 512, "03/0C/00");
	expect(&drive, write, 0, 512, "write 9728 512");
	/* A host that ejected the old medium does not believe in it. */
	scsi_drive_remove(&drive);
	scsi_drive_replace(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
	scsi_drive_replace(&drive, &medium);
	scsi_drive_remove(&drive);
	scsi_drive_insert(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
}
END_TEST

/* As long as no host knows of a medium, a swap is no change of it (iusb-protocol 11.7). */
START_TEST(test_first_medium_is_written)
{
	static const char write[] = "2a 00 00000013 00 0001 00";
	struct scsi_medium medium = medium_of(HD), tiny = medium_of(HD_SHORT);
	struct scsi_drive drive;

	scsi_drive_init(&drive, DEVICE_HD);
	scsi_drive_replace(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
	scsi_drive_init(&drive, DEVICE_HD);
	scsi_drive_insert(&drive, &medium);
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, "1a 00 3f 00 04 00", 4, 0, "= 5b 00 00 00");
	scsi_drive_replace(&drive, &medium);
	scsi_drive_insert(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
	expect(&drive, "00", 0, 0, "06/28/00");
	scsi_drive_init(&drive, DEVICE_HD);
	scsi_drive_insert(&drive, &tiny); /* nothing to be at */
	expect(&drive, "25", 8, 0, "03/30/02");
	scsi_drive_replace(&drive, &medium);
	expect(&drive, write, 0, 512, "write 9728 512");
}
END_TEST

START_TEST(test_lock_and_eject)
{
	static const enum setup setup[] = { CD, FD, HD };

	for (size_t i = 0; i < ARRAY_SIZE(setup); i++) {
		struct scsi_drive drive = make_drive(setup[i]);
		struct scsi_medium medium = medium_of(setup[i]);

		expect(&drive, "1e 00 00 00 01 00", 0, 0, "done");
		expect(&drive, "1b 00 00 00 02 00", 0, 0, "05/53/02");
		expect(&drive, "03 00 00 00 12 00", 18, 0, "= 70 00 05 00*4 0a 00*4 53 02 00*4");
		expect(&drive, "1e 00 00 00 03 00", 0, 0, "done"); /* persistent prevent */
		expect(&drive, "1b 00 00 00 02 00", 0, 0, "05/53/02");
		expect(&drive, "1e 00 00 00 00 00", 0, 0, "done");
		expect(&drive, "1b 00 00 00 02 00", 0, 0, "eject");
		expect(&drive, "00", 0, 0, "done"); /* the owner takes it out, not the command */
		scsi_drive_remove(&drive);
		expect(&drive, "00", 0, 0, "02/3A/00");
		expect(&drive, "1b 00 00 00 02 00", 0, 0, "done");

		/* A lock holds the medium it was set on, not the next one. */
		scsi_drive_insert(&drive, &medium);
		expect(&drive, "1e 00 00 00 01 00", 0, 0, "done");
		scsi_drive_insert(&drive, &medium);
		expect(&drive, "1b 00 00 00 02 00", 0, 0, "eject");
	}
}
END_TEST

START_TEST(test_events)
{
	static const char cdb[] = "4a 01 00 00 10 00 00 0008 00";
	struct scsi_medium medium = medium_of(CD);
	struct scsi_drive drive = make_drive(CD_EMPTY);

	expect(&drive, cdb, 8, 0, "= 00 06 04 16 00 00 00 00");
	scsi_drive_insert(&drive, &medium);
	/* What the host did not see is not told. */
	expect(&drive, "4a 01 00 00 10 00 00 0004 00", 8, 0, "= 00 06 04 16");
	expect(&drive, "4a 01 00 00 48 00 00 0008 00", 8, 0, "= 00 02 80 16");
	expect(&drive, cdb, 4, 0, "= 00 06 04 16");
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 02 02 00 00");
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 00 02 00 00");
	scsi_drive_remove(&drive);
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 03 00 00 00");
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 00 00 00 00");
	scsi_drive_remove(&drive); /* nothing to remove: nothing to tell */
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 00 00 00 00");
	scsi_drive_insert(&drive, &medium); /* came and went before the host asked */
	scsi_drive_remove(&drive);
	scsi_drive_remove(&drive);
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 03 00 00 00");
	/* The event and the unit attention are independent. */
	scsi_drive_insert(&drive, &medium);
	expect(&drive, "00", 0, 0, "06/28/00");
	expect(&drive, cdb, 8, 0, "= 00 06 04 16 02 02 00 00");
}
END_TEST

START_TEST(test_sense_is_reported)
{
	static const char request[] = "03 00 00 00 12 00";
	static const char nothing[] = "= 70 00*6 0a 00*10";
	struct scsi_drive drive = make_drive(HD_RO);

	/* Told once. */
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "07/27/00");
	expect(&drive, request, 18, 0, "= 70 00 07 00*4 0a 00*4 27 00*5");
	expect(&drive, request, 18, 0, nothing);
	/* INQUIRY and REPORT LUNS leave it, another command does not. */
	expect(&drive, "28 00 00020000 00 0001 00", 512, 0, "05/21/00");
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, "a0 00*5 00000010 00 00", 16, 0, "= 00 00 00 08 00*12");
	expect(&drive, request, 18, 0, "= 70 00 05 00*4 0a 00*4 21 00*5");
	expect(&drive, "28 00 00020000 00 0001 00", 512, 0, "05/21/00");
	expect(&drive, "00", 0, 0, "done");
	expect(&drive, request, 18, 0, nothing);
	/* A failing INQUIRY or REPORT LUNS has a sense of its own. */
	expect(&drive, "12 00 80 00 05 00", 5, 0, "05/24/00");
	expect(&drive, request, 18, 0, "= 70 00 05 00*4 0a 00*4 24 00*5");
	/* What became of an I/O comes from outside. */
	expect(&drive, "28 00 00000000 00 0001 00", 512, 0, "read 0 512");
	scsi_complete(&drive, 0x28, SENSE_READ_ERROR);
	expect(&drive, request, 18, 0, "= 70 00 03 00*4 0a 00*4 11 00*5");
	expect(&drive, "2f 02 00000000 00 0001 00", 0, 512, "verify 0 512");
	scsi_complete(&drive, 0x2F, SENSE_MISCOMPARE);
	expect(&drive, request, 18, 0, "= 70 00 0e 00*4 0a 00*4 1d 00*5");
	expect(&drive, "28 00 00020000 00 0001 00", 512, 0, "05/21/00");
	expect(&drive, "28 00 00000000 00 0001 00", 512, 0, "read 0 512");
	scsi_complete(&drive, 0x28, SENSE_NONE);
	expect(&drive, request, 18, 0, nothing);
	/* In descriptor format; and what is not read is not forgotten. */
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "07/27/00");
	expect(&drive, "03 00 00 00 00 00", 18, 0, "done");
	expect(&drive, request, 0, 0, "done");
	expect(&drive, "03 01 00 00 12 00", 18, 0, "= 72 07 27 00 00*4");
	expect(&drive, request, 18, 0, nothing);
	/* A medium that goes. */
	scsi_drive_remove(&drive);
	expect(&drive, "25", 8, 0, "02/3A/00");
	expect(&drive, request, 18, 0, "= 70 00 02 00*4 0a 00*4 3a 00*5");
}
END_TEST

/* A write-back that failed behind the host's back (SPC-3 4.5.5). */
START_TEST(test_deferred_error)
{
	static const char request[] = "03 00 00 00 12 00";
	static const char deferred[] = "= 71 00 03 00*4 0a 00*4 0c 00*5";
	static const char nothing[] = "= 70 00*6 0a 00*10";
	struct scsi_drive drive = make_drive(HD);
	struct scsi_medium medium = medium_of(HD);

	/* Told once, by a command that is not carried out. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "03/0C/00");
	expect(&drive, request, 18, 0, deferred);
	expect(&drive, request, 18, 0, nothing);
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "write 9728 512");
	/* Not by those that only ask who is there, nor by what is no command. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, "a0 00*5 00000010 00 00", 16, 0, "= 00 00 00 08 00*12");
	expect(&drive, "e0", 0, 0, "05/20/00");
	expect(&drive, request, 18, 0, "= 70 00 05 00*4 0a 00*4 20 00*5"); /* that one first */
	expect(&drive, "03 01 00 00 12 00", 18, 0, "= 73 03 0c 00 00*4");
	expect(&drive, "00", 0, 0, "done");
	/* INQUIRY between the failure and the question. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "00", 0, 0, "03/0C/00");
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, request, 18, 0, deferred);
	/* One that fails has a sense of its own, which is of no earlier command. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "00", 0, 0, "03/0C/00");
	expect(&drive, "12 01 c0 00 ff 00", 255, 0, "05/24/00");
	expect(&drive, request, 18, 0, "= 70 00 05 00*4 0a 00*4 24 00*5");
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "00", 0, 0, "03/0C/00");
	expect(&drive, "a0 00*5 00000008 00 00", 8, 0, "05/24/00");
	expect(&drive, "12 00 00 00 05 00", 5, 0, "= 00 80 00 01 1f");
	expect(&drive, "03 01 00 00 12 00", 18, 0, "= 72 05 24 00 00*4");
	/* An error of the command itself is none of that kind. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	expect(&drive, "00", 0, 0, "03/0C/00");
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "write 9728 512");
	scsi_complete(&drive, 0x2A, SENSE_WRITE_ERROR);
	expect(&drive, request, 18, 0, "= 70 00 03 00*4 0a 00*4 0c 00*5");
	/* It outlives the medium; a new one is told of first. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	scsi_drive_remove(&drive);
	scsi_drive_insert(&drive, &medium);
	expect(&drive, "00", 0, 0, "06/28/00");
	expect(&drive, "00", 0, 0, "03/0C/00");
	expect(&drive, "00", 0, 0, "done");
	/* But not the drive. */
	scsi_defer(&drive, SENSE_WRITE_ERROR);
	scsi_drive_init(&drive, DEVICE_HD);
	expect(&drive, "00", 0, 0, "02/3A/00");
}
END_TEST

/* iusb-protocol 3: what is behind the end of a short CDB is what the host left there. */
START_TEST(test_garbage_behind_the_cdb)
{
	static const uint8_t lengths[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scsi_command command = command_of(&rows[i]);
		struct scsi_drive clean = make_drive(rows[i].setup), dirty = clean;
		size_t len = lengths[command.cdb[0] >> 5];
		struct scsi_decision wanted, got;

		wanted = decide(&clean, &command);
		for (size_t at = len; len > 0 && at < SCSI_CDB_MAX; at++)
			command.cdb[at] = (uint8_t)(0x5B * at + i);
		got = decide(&dirty, &command);
		if (memcmp(&wanted, &got, sizeof(got)) != 0 ||
			memcmp(&clean, &dirty, sizeof(clean)) != 0)
			ck_abort_msg("row \"%s\"", rows[i].cdb);
	}
}
END_TEST

/* Each command that a drive has is in the table, and has a name. */
START_TEST(test_table_is_whole)
{
	static const enum setup setup[DEVICE_COUNT] = { CD, FD, HD };
	static bool is_asked[DEVICE_COUNT][256];
	bool is_whole = true;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_asked[setups[rows[i].setup].device][command_of(&rows[i]).cdb[0]] = true;
	for (int device = 0; device < DEVICE_COUNT; device++) {
		for (unsigned opcode = 0; opcode < 256; opcode++) {
			struct scsi_command command = { .read_len = 4096 };
			struct scsi_drive drive = make_drive(setup[device]);

			command.cdb[0] = (uint8_t)opcode;
			if (decide(&drive, &command).sense == SENSE_INVALID_OPCODE ||
				is_asked[device][opcode])
				continue;
			fprintf(stderr, "# device %d, opcode %02X: no row\n", device, opcode);
			is_whole = false;
		}
	}
	ck_assert(is_whole);
}
END_TEST

START_TEST(test_medium_is_replaced)
{
	struct scsi_medium small = medium_of(FD_RO), large = medium_of(HD_BPB);
	struct scsi_drive drive = make_drive(FD_RO);

	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "07/27/00");
	scsi_drive_replace(&drive, &large);
	expect(&drive, "25", 8, 0, "= 00 01 ff ff 00 00 02 00");
	expect(&drive, "00", 0, 0, "06/28/00");
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "write 9728 512");
	expect(&drive, "5a 00 05 00*4 000e 00", 14, 0, "= 00 26 00 00 00*4 05 1e f0 00 10 20");
	scsi_drive_replace(&drive, &small);
	expect(&drive, "25", 8, 0, "= 00 00 0b 3f 00 00 02 00");
	expect(&drive, "5a 00 05 00*4 000e 00", 14, 0, "= 00 26 94 80 00*4 05 1e 01 f4 02 12");
	scsi_drive_remove(&drive);
	expect(&drive, "5a 00 00 00*4 0008 00", 8, 0, "= 00 06 00 00 00*4");
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "02/3A/00");
}
END_TEST

/* A CD never says that it can be written, whatever the medium says. */
START_TEST(test_cd_is_read_only)
{
	struct scsi_medium medium = medium_of(CD);
	struct scsi_drive drive;

	scsi_drive_init(&drive, DEVICE_CD);
	medium.is_read_only = false;
	scsi_drive_insert(&drive, &medium);
	expect(&drive, "5a 00 00 00*4 0008 00", 8, 0, "= 00 06 00 80 00*4");
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		struct scsi_command command = { .data = zeros, .data_len = 2048 };
		struct scsi_decision d;

		command.cdb[0] = (uint8_t)opcode;
		command.cdb[8] = 1;
		d = decide(&drive, &command);
		ck_assert_int_ne(d.action, SCSI_WRITE);
		ck_assert_int_ne(d.action, SCSI_FLUSH);
	}
}
END_TEST

/* Data that is announced and is not there counts as no data. */
START_TEST(test_null_data)
{
	struct scsi_drive drive = make_drive(HD);
	struct scsi_command command = make_command("2a 00 00000013 00 0001 00", 0, 0);

	command.data_len = 512;
	ck_assert_uint_eq(decide(&drive, &command).sense, SENSE_INVALID_FIELD_IN_CDB);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(scsi_opcode_name(0x00), "TEST UNIT READY");
	ck_assert_str_eq(scsi_opcode_name(0x28), "READ(10)");
	ck_assert_str_eq(scsi_opcode_name(0x12), "INQUIRY");
	ck_assert_str_eq(scsi_opcode_name(0x2E), "WRITE AND VERIFY(10)");
	ck_assert_str_eq(scsi_opcode_name(0x04), "FORMAT UNIT");
	ck_assert_ptr_null(scsi_opcode_name(0xE0));
	ck_assert_ptr_null(scsi_opcode_name(0xF1));
	ck_assert_str_eq(scsi_sense_text(SENSE_WRITE_PROTECTED), "write protected");
	ck_assert_str_eq(scsi_sense_text(SENSE_NO_MEDIUM), "no medium");
	ck_assert_ptr_null(scsi_sense_text(SENSE_NONE));
	ck_assert_ptr_null(scsi_sense_text(0x0B0000));
	ck_assert_ptr_null(scsi_sense_text(UINT32_MAX));
}
END_TEST

/* xorshift64*: the same numbers everywhere for the same seed. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint64_t
seed_of_run(void)
{
	const char *text = getenv("CHECK_SCSI_SEED");
	struct timespec now;

	if (text != NULL)
		return strtoull(text, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid()) | 1;
}

/* A command that has a good chance to be about the medium. */
static struct scsi_command
random_command(uint64_t *state, const struct scsi_drive *drive)
{
	static const uint8_t transfers[] = { 0x08, 0x0A, 0x28, 0x2A, 0x2E, 0x2F, 0x41, 0x88, 0x8A,
		0x8F, 0x93, 0xA8, 0xAA, 0xBE };
	struct scsi_command command = { 0 };
	uint64_t near = drive->blocks + next_random(state) % 5 - 2;
	uint64_t lba = next_random(state) & 1 ? near : next_random(state) % (drive->blocks + 1);
	uint32_t count = (uint32_t)(next_random(state) % 300);
	uint32_t bytes = count * drive->block_len + (next_random(state) % 8 == 0);

	for (size_t i = 0; i < sizeof(command.cdb); i++)
		command.cdb[i] = (uint8_t)next_random(state);
	if (next_random(state) % 4 != 0) {
		command.cdb[0] = transfers[next_random(state) % ARRAY_SIZE(transfers)];
		switch (command.cdb[0] >> 5) {
		case 0:
			put_be24(command.cdb + 1, lba & 0x1FFFFF);
			command.cdb[4] = (uint8_t)count;
			break;
		case 1:
			put_be32(command.cdb + 2, (uint32_t)lba);
			put_be16(command.cdb + 7, (uint16_t)count);
			break;
		case 4:
			put_be64(command.cdb + 2, lba);
			put_be32(command.cdb + 10, next_random(state) & 1 ? count : 0);
			break;
		case 5:
			put_be32(command.cdb + 2, (uint32_t)lba);
			put_be32(command.cdb + 6, count);
			break;
		}
	}
	command.is_cut = (next_random(state) & 1) != 0;
	command.read_len = next_random(state) % 4 == 0 ? (uint32_t)next_random(state) : bytes;
	command.data_len = bytes % DATA_MAX;
	command.data = next_random(state) % 8 == 0 ? NULL : zeros;
	return command;
}

/* READ(10), worked out again in the plainest way. */
static void
check_read_10(const struct scsi_drive *drive, const struct scsi_command *command,
	const struct scsi_decision *d)
{
	uint64_t lba = get_be32(command->cdb + 2), count = get_be16(command->cdb + 7);
	uint64_t fits = command->read_len / drive->block_len;
	uint64_t bytes = (count < fits ? count : fits) * drive->block_len;

	if (!drive->has_medium)
		ck_assert_uint_eq(d->sense, SENSE_NO_MEDIUM);
	else if (drive->blocks == 0)
		ck_assert_uint_eq(d->sense, SENSE_UNKNOWN_FORMAT);
	else if (lba + count > drive->blocks)
		ck_assert_uint_eq(d->sense, SENSE_LBA_OUT_OF_RANGE);
	else if (count == 0)
		ck_assert_int_eq(d->action, SCSI_DONE);
	else if (bytes == 0 || bytes > SCSI_TRANSFER_MAX)
		ck_assert_uint_eq(d->sense, SENSE_INVALID_FIELD_IN_CDB);
	else {
		ck_assert_int_eq(d->action, SCSI_READ);
		ck_assert_uint_eq(d->offset, lba * drive->block_len);
		ck_assert_uint_eq(d->len, bytes);
	}
}

/* WRITE(10) likewise. */
static void
check_write_10(const struct scsi_drive *drive, const struct scsi_command *command,
	const struct scsi_decision *d)
{
	uint64_t lba = get_be32(command->cdb + 2), count = get_be16(command->cdb + 7);
	uint64_t bytes = count * drive->block_len;

	if (drive->device == DEVICE_CD)
		ck_assert_uint_eq(d->sense, SENSE_INVALID_OPCODE);
	else if (!drive->has_medium)
		ck_assert_uint_eq(d->sense, SENSE_NO_MEDIUM);
	else if (drive->blocks == 0)
		ck_assert_uint_eq(d->sense, SENSE_UNKNOWN_FORMAT);
	else if (drive->is_read_only)
		ck_assert_uint_eq(d->sense, SENSE_WRITE_PROTECTED);
	else if (lba + count > drive->blocks)
		ck_assert_uint_eq(d->sense, SENSE_LBA_OUT_OF_RANGE);
	else if (bytes != (command->data ? command->data_len : 0) || bytes > SCSI_TRANSFER_MAX)
		ck_assert_uint_eq(d->sense, SENSE_INVALID_FIELD_IN_CDB);
	else if (bytes == 0)
		ck_assert_int_eq(d->action, SCSI_DONE);
	else {
		ck_assert_int_eq(d->action, SCSI_WRITE);
		ck_assert_uint_eq(d->offset, lba * drive->block_len);
		ck_assert_uint_eq(d->len, bytes);
		ck_assert_int_eq(d->flush_after, (command->cdb[1] & 8) != 0);
	}
}

START_TEST(test_random)
{
	uint64_t seed = seed_of_run(), state = seed | 1;
	struct scsi_drive drive = make_drive(CD);

	/* To see the same commands again: CHECK_SCSI_SEED=... tests/check_scsi */
	fprintf(stderr, "# check_scsi: CHECK_SCSI_SEED=%" PRIu64 "\n", seed);
	for (int i = 0; i < RANDOM_COMMANDS; i++) {
		struct scsi_command command;
		struct scsi_decision d;
		bool is_replaced;

		if (next_random(&state) % 64 == 0)
			drive = make_drive((enum setup)(next_random(&state) % SETUP_COUNT));
		if (next_random(&state) % 256 == 0)
			scsi_drive_remove(&drive);
		is_replaced = drive.is_replaced;
		command = random_command(&state, &drive);
		d = decide(&drive, &command);
		if (command.cdb[0] == 0x28)
			check_read_10(&drive, &command, &d);
		if (command.cdb[0] == 0x2A && is_replaced)
			ck_assert_uint_eq(d.sense, SENSE_MEDIUM_CHANGED);
		else if (command.cdb[0] == 0x2A)
			check_write_10(&drive, &command, &d);
		if (d.action == SCSI_EJECT)
			scsi_drive_remove(&drive);
	}
}
END_TEST

static Suite *
scsi_suite(void)
{
	Suite *suite = suite_create("scsi");
	TCase *table = tcase_create("table"), *life = tcase_create("life");

	tcase_set_timeout(table, 120);
	tcase_add_loop_test(table, test_rows, 0, SETUP_COUNT);
	suite_add_tcase(suite, table);

	tcase_set_timeout(life, 120);
	tcase_add_test(life, test_clipping);
	tcase_add_test(life, test_attention_is_told_once);
	tcase_add_test(life, test_replaced_medium_is_not_written);
	tcase_add_test(life, test_first_medium_is_written);
	tcase_add_test(life, test_lock_and_eject);
	tcase_add_test(life, test_events);
	tcase_add_test(life, test_sense_is_reported);
	tcase_add_test(life, test_deferred_error);
	tcase_add_test(life, test_garbage_behind_the_cdb);
	tcase_add_test(life, test_table_is_whole);
	tcase_add_test(life, test_medium_is_replaced);
	tcase_add_test(life, test_cd_is_read_only);
	tcase_add_test(life, test_null_data);
	tcase_add_test(life, test_names);
	tcase_add_test(life, test_random);
	suite_add_tcase(suite, life);
	return suite;
}

int
main(void)
{
	return unit_run(scsi_suite());
}
