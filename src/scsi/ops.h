/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops: what the files of this directory share. One row of a drive's table is one command: its
 * handler and the checks that scsi_decide() makes before it. A new command is a handler, a row in
 * ops_cd.c or ops_disk.c (or both), and its name in sense.c.
 */
#ifndef SCSI_OPS_H
#define SCSI_OPS_H

#include "scsi/scsi.h"

/* Operation codes, SPC-3, SBC-3 and MMC-5. */
enum opcode {
	OP_TEST_UNIT_READY = 0x00,
	OP_REQUEST_SENSE = 0x03,
	OP_READ_6 = 0x08,
	OP_WRITE_6 = 0x0A,
	OP_INQUIRY = 0x12,
	OP_MODE_SELECT_6 = 0x15,
	OP_MODE_SENSE_6 = 0x1A,
	OP_START_STOP_UNIT = 0x1B,
	OP_PREVENT_ALLOW = 0x1E,
	OP_READ_FORMAT_CAPACITIES = 0x23,
	OP_READ_CAPACITY_10 = 0x25,
	OP_READ_10 = 0x28,
	OP_WRITE_10 = 0x2A,
	OP_SEEK_10 = 0x2B,
	OP_WRITE_AND_VERIFY_10 = 0x2E,
	OP_VERIFY_10 = 0x2F,
	OP_SYNCHRONIZE_CACHE_10 = 0x35,
	OP_READ_TOC = 0x43,
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
	OP_SYNCHRONIZE_CACHE_16 = 0x91,
	OP_SERVICE_ACTION_IN_16 = 0x9E,
	OP_REPORT_LUNS = 0xA0,
	OP_READ_12 = 0xA8,
	OP_WRITE_12 = 0xAA,
	OP_WRITE_AND_VERIFY_12 = 0xAE,
	OP_VERIFY_12 = 0xAF,
};

/* What scsi_decide() checks before the handler is asked, in this order. */
enum op_flag {
	TELLS_ATTENTION = 1, /* 06/28/00 once, if the medium is new */
	NEEDS_MEDIUM = 2,    /* 02/3A/00 without one, 03/30/02 if it has not a single block */
	WRITES = 4,          /* 07/27/00 if write protected */
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

/* block.c: what moves blocks or tells how many there are. */
op_handler block_read;              /* (6) (10) (12) (16) */
op_handler block_write;             /* (6) (10) (12) (16) */
op_handler block_write_and_verify;  /* (10) (12) (16) */
op_handler block_verify;            /* (10) (12) (16) */
op_handler block_seek;              /* (10) */
op_handler block_synchronize;       /* (10) (16) */
op_handler block_capacity_10;       /* READ CAPACITY(10) */
op_handler block_service_action_in; /* READ CAPACITY(16) */
op_handler block_format_capacities; /* READ FORMAT CAPACITIES */

/* inquiry.c: who the drive is. */
op_handler inquiry_tell;
op_handler inquiry_report_luns;

/* medium.c: is it there, may it go? */
op_handler medium_test_unit_ready;
op_handler medium_start_stop;
op_handler medium_prevent_allow;

/* mmc.c: what only a CD drive is asked. */
op_handler mmc_read_toc;
op_handler mmc_get_configuration;
op_handler mmc_get_event_status;
op_handler mmc_read_disc_information;
op_handler mmc_read_track_information;

/* mode.c: mode pages. */
op_handler mode_sense_6;
op_handler mode_sense_10;
op_handler mode_select;

/* Sets heads, sectors, cylinders and medium type of a disk drive from its number of blocks and the
 * boot sector of the medium (iusb-protocol 9.4). */
void mode_set_geometry(struct scsi_drive *drive, const uint8_t boot_sector[512]);

/* sense.c: REQUEST SENSE. */
op_handler sense_request;

#endif
