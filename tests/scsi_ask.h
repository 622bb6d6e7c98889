/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scsi_ask: asks a drive, with commands and decisions written as text.
 *
 * CDB, data and answer: hex, blanks ignored, "00*13" is thirteen times 00; a CDB is zero behind its
 * end, and one of 16 bytes that ends behind the twelfth has been cut by the transport. The data, if
 * it is not zeros, follows the CDB behind a "|".
 * Outcome: "KEY/ASC/ASCQ", "done", "flush", "eject", "read OFFSET LENGTH", "verify OFFSET LENGTH",
 * "check OFFSET LENGTH", "fill OFFSET LENGTH with FIRST BYTE", "write OFFSET LENGTH" (and "flush",
 * "verify"), or "= BYTES".
 */
#ifndef TESTS_SCSI_ASK_H
#define TESTS_SCSI_ASK_H

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "scsi/scsi.h"
#include "scsi_rules.h"
#include "unit.h"

enum {
	DATA_MAX = SCSI_TRANSFER_MAX + 4096,
};

/* A drive, and what was done to it before the command. */
enum setup {
	CD,            /* 1000 sectors, host has seen it */
	CD_NEW,        /* the same, just put in */
	CD_LOCKED,     /* the same, removal prevented */
	CD_EMPTY,      /* nothing was ever in it */
	CD_GONE,       /* emptied */
	CD_700,        /* 700 MiB exactly */
	CD_701,        /* one sector more */
	CD_DVD,        /* 4.7 GB */
	CD_SHORT,      /* less than a sector */
	CD_ODD,        /* 1000 sectors and 2047 bytes */
	CD_VAST,       /* more sectors than 32 bits count */
	FD,            /* 1.44 MB, no boot sector */
	FD_RO,         /* write protected */
	FD_NEW,        /* just put in */
	FD_LOCKED,     /* removal prevented */
	FD_EMPTY,      /* nothing was ever in it */
	FD_GONE,       /* emptied */
	FD_720,        /* 720 KB */
	FD_288,        /* 2.88 MB */
	FD_160,        /* 160 KB, one side */
	FD_SWAPPED,    /* read, and then replaced by another 1.44 MB */
	FD_SWAPPED_RO, /* by one that is write protected */
	FD_ODD,        /* 4096 blocks, which no floppy has */
	FD_BPB,        /* 1.44 MB, BPB of another geometry: 1 head, 9 sectors */
	HD,            /* 64 MiB, no boot sector */
	HD_RO,         /* write protected */
	HD_NEW,        /* just put in */
	HD_SWAPPED,    /* read, and then replaced by another 64 MiB */
	HD_BPB,        /* 64 MiB, FAT with 16 heads and 32 sectors */
	HD_NTFS,       /* 64 MiB, BPB with 255 heads and 63 sectors behind an E9 jump */
	HD_BAD,        /* 64 MiB, BPB with 0 heads */
	HD_EXFAT,      /* 64 MiB, the jump of a boot sector and no BPB behind it */
	HD_WIDE,       /* 64 MiB, BPB with 300 sectors */
	HD_SHORT,      /* less than a block */
	HD_2T,         /* 2^32 blocks: the last one is FFFFFFFF */
	HD_2T_1,       /* one block less */
	HD_3T,         /* 0x180000000 blocks */
	HD_MAX,        /* as many as 64 bits of size can be */
	SETUP_COUNT,
};

struct row {
	enum setup setup;
	const char *cdb;
	uint32_t read_len;
	uint32_t data_len;
	const char *want;
};

/* clang-format off */
/* Each begins with a blank, so that it can follow a "*N". */
#define VENDOR      " 41 4d 49 20*5"
#define CDROM       " 56 69 72 74 75 61 6c 20 43 44 52 4f 4d 20*3"
#define FLOPPY      " 56 69 72 74 75 61 6c 20 46 6c 6f 70 70 79 20*2"
#define HDISK       " 56 69 72 74 75 61 6c 20 48 44 69 73 6b 20*3"
#define REVISION    " 31 2e 30 30"
#define PAGE_01     " 01 0a 00*10"
#define PAGE_08     " 08 12 00*18"
#define PAGE_0A     " 0a 0a 00*10"
#define PAGE_1A     " 1a 0a 00*10"
#define PAGE_1C_UFI " 1c 06 00*6"
#define PAGE_1D     " 1d 08 00*8"
#define PAGE_2A     " 2a 12 08 00*3 29 00*13"
#define PAGE_05_144 " 05 1e 01 f4 02 12 02 00 00 50 00*9 05 1e 00*7 01 2c 00 00"
#define PAGE_05_64M " 05 1e f0 00 ff 3f 02 00 00 08 00*22"
#define PAGES_HD_64M PAGE_01 PAGE_05_64M PAGE_08 PAGE_0A PAGE_1A
#define PAGES_FD_144 PAGE_01 PAGE_05_144 PAGE_08 PAGE_1C_UFI
#define PAGES_CD     PAGE_01 PAGE_08 PAGE_1A PAGE_1D PAGE_2A
#define PROFILES_CD " 00 00 03 08 00 10 00 00 00 08 01 00"
#define PROFILES_DVD " 00 00 03 08 00 10 01 00 00 08 00 00"
#define MORPHING    " 00 02 03 04 00*4"
#define RANDOM_CD   " 00 10 01 08 00 00 08 00 00 01 01 00"
#define CD_READ     " 00 1e 09 04 00*4"
#define POWER       " 01 00 03 00"
#define TIMEOUT     " 01 05 03 00"
#define FEATURES_CD PROFILES_CD CORE MORPHING REMOVABLE RANDOM_CD CD_READ " 00 1f 04 04 00*4" POWER TIMEOUT
#define CORE        " 00 01 03 04 00 00 00 08"
#define REMOVABLE   " 00 03 03 04 29 00 00 00"
/* clang-format on */

static const uint8_t zeros[DATA_MAX];

/* What a row's setup means. */
static const struct {
	const char *name;
	enum device device;
	uint64_t size; /* 0: empty */
	bool is_read_only, is_new, is_locked, is_gone, is_swapped;
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
	[FD_SWAPPED] = { .name = "FD_SWAPPED",
		.device = DEVICE_FD,
		.size = 2880 * 512,
		.is_swapped = true },
	[FD_SWAPPED_RO] = { .name = "FD_SWAPPED_RO",
		.device = DEVICE_FD,
		.size = 2880 * 512,
		.is_read_only = true,
		.is_swapped = true },
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
	[HD_SWAPPED] = { .name = "HD_SWAPPED",
		.device = DEVICE_HD,
		.size = 64 << 20,
		.is_swapped = true },
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
static inline size_t
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
static inline struct scsi_command
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

static inline struct scsi_command
command_of(const struct row *row)
{
	return make_command(row->cdb, row->read_len, row->data_len);
}

/* A decision as scsi_rows.h writes it. */
static inline void
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
static inline void
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
static inline struct scsi_decision
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
static inline bool
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

static inline void
expect(struct scsi_drive *drive, const char *cdb, uint32_t read_len, uint32_t data_len,
	const char *want)
{
	struct row row = { .cdb = cdb, .read_len = read_len, .data_len = data_len, .want = want };

	ck_assert_msg(row_holds(drive, "the drive", &row), "\"%s\" did not give \"%s\"", cdb, want);
}

static inline struct scsi_medium
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

static inline struct scsi_drive
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
	if (setups[setup].is_swapped) {
		expect(&drive, "28 00 00000000 00 0001 00", 512, 0, "read 0 512");
		scsi_drive_replace(&drive, &medium);
	}
	return drive;
}

#endif
