/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_scsi: the drives, command by command (scsi_rows.h), as hosts use them, and at random. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "scsi/scsi.h"
#include "scsi_rows.h"
#include "scsi_rules.h"
#include "unit.h"

enum {
	DATA_MAX = SCSI_TRANSFER_MAX + 4096,
	RANDOM_COMMANDS = 20000,
};

static const uint8_t zeros[DATA_MAX];

/* What a row's setup means. */
static const struct {
	const char *name;
	enum device device;
	uint64_t size; /* 0: empty */
	bool is_read_only, is_new, is_locked, is_gone;
	uint8_t jump;
	uint16_t block_len, heads, sectors; /* of a BPB */
} setups[SETUP_COUNT] = {
	[CD] = { .name = "CD", .device = DEVICE_CD, .size = 1000 * 2048 },
	[CD_NEW] = { .name = "CD_NEW", .device = DEVICE_CD, .size = 1000 * 2048, .is_new = true },
	[CD_LOCKED] = { .name = "CD_LOCKED",
		.device = DEVICE_CD,
		.size = 1000 * 2048,
		.is_locked = true },
	[CD_EMPTY] = { .name = "CD_EMPTY", .device = DEVICE_CD, .size = 0 },
	[CD_GONE] = { .name = "CD_GONE",
		.device = DEVICE_CD,
		.size = 1000 * 2048,
		.is_gone = true },
	[CD_700] = { .name = "CD_700", .device = DEVICE_CD, .size = 358400 * UINT64_C(2048) },
	[CD_701] = { .name = "CD_701", .device = DEVICE_CD, .size = 358401 * UINT64_C(2048) },
	[CD_DVD] = { .name = "CD_DVD", .device = DEVICE_CD, .size = 0x230540 * UINT64_C(2048) },
	[CD_SHORT] = { .name = "CD_SHORT", .device = DEVICE_CD, .size = 2047 },
	[CD_ODD] = { .name = "CD_ODD", .device = DEVICE_CD, .size = 1000 * 2048 + 2047 },
	[CD_VAST] = { .name = "CD_VAST",
		.device = DEVICE_CD,
		.size = UINT64_C(0x200000000) * 2048 },
	[FD] = { .name = "FD", .device = DEVICE_FD, .size = 2880 * 512 },
	[FD_RO] = { .name = "FD_RO",
		.device = DEVICE_FD,
		.size = 2880 * 512,
		.is_read_only = true },
	[FD_NEW] = { .name = "FD_NEW", .device = DEVICE_FD, .size = 2880 * 512, .is_new = true },
	[FD_LOCKED] = { .name = "FD_LOCKED",
		.device = DEVICE_FD,
		.size = 2880 * 512,
		.is_locked = true },
	[FD_EMPTY] = { .name = "FD_EMPTY", .device = DEVICE_FD, .size = 0 },
	[FD_GONE] = { .name = "FD_GONE", .device = DEVICE_FD, .size = 2880 * 512, .is_gone = true },
	[FD_720] = { .name = "FD_720", .device = DEVICE_FD, .size = 1440 * 512 },
	[FD_288] = { .name = "FD_288", .device = DEVICE_FD, .size = 5760 * 512 },
	[FD_160] = { .name = "FD_160", .device = DEVICE_FD, .size = 320 * 512 },
	[FD_ODD] = { .name = "FD_ODD", .device = DEVICE_FD, .size = 4096 * 512 },
	[FD_BPB] = { .name = "FD_BPB",
		.device = DEVICE_FD,
		.size = 2880 * 512,
		.jump = 0xEB,
		.block_len = 512,
		.heads = 1,
		.sectors = 9 },
	[HD] = { .name = "HD", .device = DEVICE_HD, .size = 64 << 20 },
	[HD_RO] = { .name = "HD_RO", .device = DEVICE_HD, .size = 64 << 20, .is_read_only = true },
	[HD_NEW] = { .name = "HD_NEW", .device = DEVICE_HD, .size = 64 << 20, .is_new = true },
	[HD_BPB] = { .name = "HD_BPB",
		.device = DEVICE_HD,
		.size = 64 << 20,
		.jump = 0xEB,
		.block_len = 512,
		.heads = 16,
		.sectors = 32 },
	[HD_NTFS] = { .name = "HD_NTFS",
		.device = DEVICE_HD,
		.size = 64 << 20,
		.jump = 0xE9,
		.block_len = 512,
		.heads = 255,
		.sectors = 63 },
	[HD_BAD] = { .name = "HD_BAD",
		.device = DEVICE_HD,
		.size = 64 << 20,
		.jump = 0xEB,
		.block_len = 512,
		.heads = 0,
		.sectors = 32 },
	[HD_EXFAT] = { .name = "HD_EXFAT", .device = DEVICE_HD, .size = 64 << 20, .jump = 0xEB },
	[HD_WIDE] = { .name = "HD_WIDE",
		.device = DEVICE_HD,
		.size = 64 << 20,
		.jump = 0xEB,
		.block_len = 512,
		.heads = 16,
		.sectors = 300 },
	[HD_SHORT] = { .name = "HD_SHORT", .device = DEVICE_HD, .size = 511 },
	[HD_2T] = { .name = "HD_2T", .device = DEVICE_HD, .size = UINT64_C(1) << 41 },
	[HD_2T_1] = { .name = "HD_2T_1", .device = DEVICE_HD, .size = (UINT64_C(1) << 41) - 512 },
	[HD_3T] = { .name = "HD_3T", .device = DEVICE_HD, .size = UINT64_C(3) << 40 },
	[HD_MAX] = { .name = "HD_MAX", .device = DEVICE_HD, .size = UINT64_MAX },
};

/* Hex as in scsi_rows.h. Returns the number of bytes. */
static size_t
parse_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (*text != '\0') {
		char digits[3] = { 0 };
		long times = 1;

		if (*text == ' ') {
			text++;
			continue;
		}
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			ck_abort_msg("bad hex in the table: %s", text);
		memcpy(digits, text, 2);
		text += 2;
		if (*text == '*') { /* the blank behind the number ends it */
			char *end;

			times = strtol(text + 1, &end, 10);
			text = end;
		}
		for (; times > 0; times--) {
			if (n == size)
				ck_abort_msg("too much hex in the table");
			out[n++] = (uint8_t)strtoul(digits, NULL, 16);
		}
	}
	return n;
}

/* As a row writes it. Its data is valid until the next call. */
static struct scsi_command
make_command(const char *text, uint32_t read_len, uint32_t data_len)
{
	static uint8_t bytes[1024];
	struct scsi_command command = { .read_len = read_len };
	const char *bar = strchr(text, '|');
	char cdb[128];
	size_t len;

	snprintf(cdb, sizeof(cdb), "%.*s", bar != NULL ? (int)(bar - text) : 100, text);
	len = parse_hex(cdb, command.cdb, sizeof(command.cdb));
	command.is_cut = command.cdb[0] >> 5 == 4 && len == 12;
	ck_assert_uint_le(data_len, sizeof(zeros));
	if (data_len > 0) {
		command.data = zeros;
		command.data_len = data_len;
	}
	if (bar != NULL) {
		ck_assert_uint_eq(parse_hex(bar + 1, bytes, sizeof(bytes)), data_len);
		command.data = bytes;
	}
	return command;
}

static struct scsi_command
command_of(const struct row *row)
{
	return make_command(row->cdb, row->read_len, row->data_len);
}

/* A decision as scsi_rows.h writes it. */
static void
describe(const struct scsi_decision *d, char *out, size_t size)
{
	size_t at;

	switch (d->action) {
	case SCSI_FAIL:
		snprintf(out, size, "%02X/%02X/%02X", d->sense >> 16, d->sense >> 8 & 0xFF,
			d->sense & 0xFF);
		return;
	case SCSI_DONE:
		snprintf(out, size, "done");
		return;
	case SCSI_FLUSH:
		snprintf(out, size, "flush");
		return;
	case SCSI_EJECT:
		snprintf(out, size, "eject");
		return;
	case SCSI_READ:
		snprintf(out, size, "read %" PRIu64 " %" PRIu32, d->offset, d->len);
		return;
	case SCSI_WRITE:
		snprintf(out, size, "write %" PRIu64 " %" PRIu32 "%s%s", d->offset, d->len,
			d->flush_after ? " flush" : "", d->verify_after ? " verify" : "");
		return;
	case SCSI_VERIFY:
		snprintf(out, size, "verify %" PRIu64 " %" PRIu32, d->offset, d->len);
		return;
	case SCSI_CHECK:
		snprintf(out, size, "check %" PRIu64 " %" PRIu32, d->offset, d->len);
		return;
	case SCSI_FILL:
		snprintf(out, size, "fill %" PRIu64 " %" PRIu32 " with %02x%s", d->offset, d->len,
			d->answer[0], d->flush_after ? " flush" : "");
		return;
	case SCSI_ANSWER:
		at = (size_t)snprintf(out, size, "=");
		for (uint32_t i = 0; i < d->len; i++)
			at += (size_t)snprintf(out + at, size - at, " %02x", d->answer[i]);
		return;
	}
	snprintf(out, size, "action %d", (int)d->action);
}

/* The wanted outcome with its bytes written out, so that it can be compared as text. */
static void
expand(const char *want, char *out, size_t size)
{
	struct scsi_decision d = { .action = SCSI_ANSWER };

	if (want[0] != '=') {
		snprintf(out, size, "%s", want);
		return;
	}
	d.len = (uint32_t)parse_hex(want + 1, d.answer, sizeof(d.answer));
	describe(&d, out, size);
}

/* Decides, and holds the decision against the rules that are always true. */
static struct scsi_decision
decide(struct scsi_drive *drive, const struct scsi_command *command)
{
	struct scsi_drive before = *drive;
	struct scsi_decision d;
	const char *broken;

	memset(&d, 0xA5, sizeof(d));
	scsi_decide(drive, command, &d);
	broken = scsi_rules_broken(&before, drive, command, &d);
	if (broken != NULL)
		ck_abort_msg("opcode %02X: %s", command->cdb[0], broken);
	return d;
}

/* Returns true if the drive decides as the row says; else says on stderr what differs. */
static bool
row_holds(struct scsi_drive *drive, const char *drive_name, const struct row *row)
{
	struct scsi_command command = command_of(row);
	struct scsi_decision d = decide(drive, &command);
	char got[8192], want[8192];

	describe(&d, got, sizeof(got));
	expand(row->want, want, sizeof(want));
	if (strcmp(got, want) == 0)
		return true;
	fprintf(stderr,
		"# %s, \"%s\", read %" PRIu32 ", data %" PRIu32 ":\n#   wanted %s\n#   got    %s\n",
		drive_name, row->cdb, row->read_len, row->data_len, want, got);
	return false;
}

static void
expect(struct scsi_drive *drive, const char *cdb, uint32_t read_len, uint32_t data_len,
	const char *want)
{
	struct row row = { .cdb = cdb, .read_len = read_len, .data_len = data_len, .want = want };

	ck_assert_msg(row_holds(drive, "the drive", &row), "\"%s\" did not give \"%s\"", cdb, want);
}

static struct scsi_medium
medium_of(enum setup setup)
{
	struct scsi_medium medium = { .size = setups[setup].size };
	uint8_t *b = medium.boot_sector;

	medium.is_read_only = setups[setup].is_read_only;
	b[0] = setups[setup].jump;
	b[12] = (uint8_t)(setups[setup].block_len >> 8);
	b[24] = (uint8_t)setups[setup].sectors;
	b[25] = (uint8_t)(setups[setup].sectors >> 8);
	b[26] = (uint8_t)setups[setup].heads;
	return medium;
}

static struct scsi_drive
make_drive(enum setup setup)
{
	struct scsi_medium medium = medium_of(setup);
	struct scsi_drive drive;

	memset(&drive, 0xA5, sizeof(drive));
	scsi_drive_init(&drive, setups[setup].device);
	if (medium.size == 0)
		return drive;
	scsi_drive_insert(&drive, &medium);
	if (setups[setup].is_new)
		return drive;
	expect(&drive, "00", 0, 0, "06/28/00");
	expect(&drive, "03 00 00 00 12 00", 18, 0, "= 70 00 06 00*4 0a 00*4 28 00*5");
	if (setups[setup].device == DEVICE_CD)
		expect(&drive, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 02 02 00 00");
	if (setups[setup].is_locked)
		expect(&drive, "1e 00 00 00 01 00", 0, 0, "done");
	if (setups[setup].is_gone)
		scsi_drive_remove(&drive);
	return drive;
}

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
	/* A failing INQUIRY has a sense of its own. */
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
	scsi_drive_insert(&drive, &large);
	expect(&drive, "25", 8, 0, "= 00 01 ff ff 00 00 02 00");
	expect(&drive, "2a 00 00000013 00 0001 00", 0, 512, "write 9728 512");
	expect(&drive, "5a 00 05 00*4 000e 00", 14, 0, "= 00 26 00 00 00*4 05 1e f0 00 10 20");
	scsi_drive_insert(&drive, &small);
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

		if (next_random(&state) % 64 == 0)
			drive = make_drive((enum setup)(next_random(&state) % SETUP_COUNT));
		if (next_random(&state) % 256 == 0)
			scsi_drive_remove(&drive);
		command = random_command(&state, &drive);
		d = decide(&drive, &command);
		if (command.cdb[0] == 0x28)
			check_read_10(&drive, &command, &d);
		if (command.cdb[0] == 0x2A)
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
