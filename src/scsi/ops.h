/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops: what the files of this directory share. One row of a drive's table is one command: its
 * handler and the checks that scsi_decide() makes before it. A new command is a handler, a row in
 * ops_cd.c or ops_disk.c (or both), and its name in sense.c.
 */
#ifndef SCSI_OPS_H
#define SCSI_OPS_H

#include "scsi/scsi.h"

/* Operation codes, SPC-3, SBC-3, MMC-5 and UFI 1.0. */
enum opcode {
	OP_TEST_UNIT_READY = 0x00,
	OP_REZERO_UNIT = 0x01,
	OP_REQUEST_SENSE = 0x03,
	OP_FORMAT_UNIT = 0x04,
	OP_READ_6 = 0x08,
	OP_WRITE_6 = 0x0A,
	OP_SEEK_6 = 0x0B,
	OP_INQUIRY = 0x12,
	OP_MODE_SELECT_6 = 0x15,
	OP_RESERVE_6 = 0x16,
	OP_RELEASE_6 = 0x17,
	OP_MODE_SENSE_6 = 0x1A,
	OP_START_STOP_UNIT = 0x1B,
	OP_SEND_DIAGNOSTIC = 0x1D,
	OP_PREVENT_ALLOW = 0x1E,
	OP_READ_FORMAT_CAPACITIES = 0x23,
	OP_READ_CAPACITY_10 = 0x25,
	OP_READ_10 = 0x28,
	OP_WRITE_10 = 0x2A,
	OP_SEEK_10 = 0x2B,
	OP_WRITE_AND_VERIFY_10 = 0x2E,
	OP_VERIFY_10 = 0x2F,
	OP_PRE_FETCH_10 = 0x34,
	OP_SYNCHRONIZE_CACHE_10 = 0x35,
	OP_WRITE_SAME_10 = 0x41,
	OP_READ_TOC = 0x43,
	OP_READ_HEADER = 0x44,
	OP_GET_CONFIGURATION = 0x46,
	OP_GET_EVENT_STATUS = 0x4A,
	OP_READ_DISC_INFORMATION = 0x51,
	OP_READ_TRACK_INFORMATION = 0x52,
	OP_MODE_SELECT_10 = 0x55,
	OP_MODE_SENSE_10 = 0x5A,
	OP_READ_16 = 0x88,
	OP_WRITE_16 = 0x8A,
	OP_WRITE_AND_VERIFY_16 = 0x8E,
	OP_VERIFY_16 = 0x8F,
	OP_PRE_FETCH_16 = 0x90,
	OP_SYNCHRONIZE_CACHE_16 = 0x91,
	OP_WRITE_SAME_16 = 0x93,
	OP_SERVICE_ACTION_IN_16 = 0x9E,
	OP_REPORT_LUNS = 0xA0,
	OP_READ_12 = 0xA8,
	OP_WRITE_12 = 0xAA,
	OP_READ_DVD_STRUCTURE = 0xAD,
	OP_WRITE_AND_VERIFY_12 = 0xAE,
	OP_VERIFY_12 = 0xAF,
	OP_READ_CD_MSF = 0xB9,
	OP_SET_CD_SPEED = 0xBB,
	OP_MECHANISM_STATUS = 0xBD,
	OP_READ_CD = 0xBE,
};

/* What scsi_decide() checks before the handler is asked. */
enum op_flag {
	TELLS_ATTENTION = 1, /* 06/28/00 once, if the medium is new */
	NEEDS_MEDIUM = 2,    /* 02/3A/00 without one, 03/30/02 if it has not a single block */
	WRITES = 4,          /* 06/28/00 once, if the medium was replaced; 07/27/00 if it is write
				protected */
	PASSES_DEFERRED = 8, /* carried out though an earlier write has failed (scsi_defer()) */
	ONLY_FLOPPY = 16,    /* 05/20/00 on a hard disk drive */
};

/*
 * Returns the sense to fail with; or SENSE_NONE with the decision in *out, which comes zeroed and
 * as SCSI_DONE.
 */
typedef uint32_t op_handler(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out);

struct op {
	op_handler *decide; /* NULL: 05/20/00 */
	unsigned flags;     /* enum op_flag */
};

extern const struct op ops_cd[256];
extern const struct op ops_disk[256];

/*
 * The end of a handler that has put len bytes into out->answer: the host gets what fits into the
 * command's allocation length and into what it wants to read (iusb-protocol 3).
 */
static inline uint32_t
op_answer(const struct scsi_command *command, struct scsi_decision *out, uint32_t len,
	uint32_t allocation)
{
	if (len > allocation)
		len = allocation;
	if (len > command->read_len)
		len = command->read_len;
	out->action = len > 0 ? SCSI_ANSWER : SCSI_DONE;
	out->len = len;
	return SENSE_NONE;
}

/* The host has been told of the medium, in whatever way. */
static inline void
attention_told(struct scsi_drive *drive)
{
	drive->has_changed = false;
	drive->is_replaced = false;
	drive->is_known = true;
}

static inline bool
is_cd(const struct scsi_drive *drive)
{
	return drive->device == DEVICE_CD;
}

/* A number of blocks or an address where only four bytes are: all ones if it does not fit. */
static inline uint32_t
saturate_32(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* block.c: what moves blocks, or looks at them. */
op_handler block_read;             /* (6) (10) (12) (16) */
op_handler block_write;            /* (6) (10) (12) (16) */
op_handler block_write_and_verify; /* (10) (12) (16) */
op_handler block_write_same;       /* (10) (16) */
op_handler block_verify;           /* (10) (12) (16) */
op_handler block_pre_fetch;        /* (10) (16) */
op_handler block_synchronize;      /* (10) (16) */
op_handler block_seek;             /* REZERO UNIT, SEEK(6) and (10) */

/* The end of every command that reads count blocks at lba for the host, which may want less. */
uint32_t block_read_at(const struct scsi_drive *drive, const struct scsi_command *command,
	uint64_t lba, uint32_t count, struct scsi_decision *out);

/* capacity.c: how many blocks there are. */
op_handler capacity_10;
op_handler capacity_service_action_in; /* READ CAPACITY(16) */
op_handler capacity_format;            /* READ FORMAT CAPACITIES */

/* configuration.c: GET CONFIGURATION. */
op_handler configuration_get;
bool configuration_is_dvd(const struct scsi_drive *drive); /* by the size of the medium */

/* disc.c: what is on a CD or DVD. */
op_handler disc_read_toc;
op_handler disc_read_header;
op_handler disc_read_information;
op_handler disc_read_track_information;
op_handler disc_read_dvd_structure;

/* format.c: FORMAT UNIT. */
op_handler format_unit;

/* geometry.c: heads, sectors, cylinders. */

/* Sets heads, sectors, cylinders and medium type of a disk drive from its number of blocks and the
 * boot sector of the medium (iusb-protocol 9.4). */
void geometry_set(struct scsi_drive *drive, const uint8_t boot_sector[512]);

/* Of a floppy with that many blocks; false if there is none. */
bool geometry_of_floppy(uint64_t blocks, uint16_t *heads, uint16_t *sectors);

/* inquiry.c: who the drive is. */
op_handler inquiry_tell;
op_handler inquiry_report_luns;

/* medium.c: is it there, may it go, and does the drive work? */
op_handler medium_test_unit_ready;
op_handler medium_start_stop;
op_handler medium_prevent_allow;
op_handler medium_reserve; /* RESERVE(6), RELEASE(6) */
op_handler medium_send_diagnostic;

/* mmc.c: the CD drive itself. */
op_handler mmc_get_event_status;
op_handler mmc_mechanism_status;
op_handler mmc_set_cd_speed;

/* mode.c: mode pages. */
op_handler mode_sense;  /* (6) (10) */
op_handler mode_select; /* (6) (10) */

/* mode_pages.c */

enum mode_values { /* page control: which values of a page */
	VALUES_CURRENT,
	VALUES_CHANGEABLE,
	VALUES_DEFAULT,
	VALUES_SAVED,
};

enum {
	MODE_PAGE_ALL = 0x3F,
	MODE_PAGES_MAX = 200, /* bytes of all pages of a drive */
};

/* Puts the pages of that code (or all) at p, which is zeroed. Returns their length; 0 if the drive
 * has none. */
uint32_t mode_pages_fill(const struct scsi_drive *drive, uint8_t code, enum mode_values values,
	uint8_t p[MODE_PAGES_MAX]);

/* read_cd.c: sectors of a CD. */
op_handler read_cd_lba;
op_handler read_cd_msf;

/* sense.c */
op_handler sense_request; /* REQUEST SENSE */

#endif
