/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_scsi: which commands the BMC answers itself, refuses or forwards, what it answers, and how it
 * cuts transfers (iusb-protocol 9.1, 9.6 and 10.3). Pure. */
#ifndef BMCSIM_BMC_SCSI_H
#define BMCSIM_BMC_SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slot.h"
#include "bmcsim/bmc.h"

/* KEY << 16 | ASC << 8 | ASCQ (iusb-protocol 9.5) */
enum bmc_sense {
	SENSE_NONE = 0,
	SENSE_NO_MEDIUM = 0x023A00,
	SENSE_INVALID_OPCODE = 0x052000,
	SENSE_OUT_OF_RANGE = 0x052100,
	SENSE_INVALID_FIELD = 0x052400,
	SENSE_MEDIUM_CHANGED = 0x062800,
	SENSE_WRITE_PROTECTED = 0x072700,
};

enum scsi_opcode {
	SCSI_TEST_UNIT_READY = 0x00,
	SCSI_REQUEST_SENSE = 0x03,
	SCSI_INQUIRY = 0x12,
	SCSI_MODE_SENSE_6 = 0x1A,
	SCSI_START_STOP = 0x1B,
	SCSI_PREVENT_ALLOW = 0x1E,
	SCSI_READ_FORMAT_CAPACITIES = 0x23,
	SCSI_READ_CAPACITY = 0x25,
	SCSI_READ_10 = 0x28,
	SCSI_WRITE_10 = 0x2A,
	SCSI_SEEK_10 = 0x2B,
	SCSI_WRITE_VERIFY_10 = 0x2E,
	SCSI_VERIFY_10 = 0x2F,
	SCSI_SYNC_CACHE = 0x35,
	SCSI_READ_TOC = 0x43,
	SCSI_GET_EVENT_STATUS = 0x4A,
	SCSI_MODE_SENSE_10 = 0x5A,
	SCSI_READ_12 = 0xA8,
	SCSI_WRITE_12 = 0xAA,
	SCSI_SET_CD_SPEED = 0xBB,
};

enum {
	INQUIRY_LEN = 36,
	SENSE_LEN = 18,
};

enum bmc_route {
	ROUTE_FORWARD, /* to the client */
	ROUTE_INSIDE,  /* the BMC answers: bmc_scsi_answer() */
	ROUTE_REFUSE,  /* 05/20/00 */
};

/* Who answers opcode behind that filter. */
enum bmc_route bmc_scsi_route(enum device device, uint8_t opcode, enum bmc_filter filter);

/*
 * The BMC's own answer to a command that is routed inside; *sense is the kept sense, and is set to
 * what is kept afterwards. Returns true for success, with *len bytes (INQUIRY_LEN at most, not yet
 * clipped to what the host asked for) in out.
 */
bool bmc_scsi_answer(enum device device, int instance, const uint8_t cdb[16], uint32_t *sense,
	uint8_t out[INQUIRY_LEN], uint32_t *len);

/* Bytes of a block: 2048 on a CD, else 512. */
uint32_t bmc_scsi_block_len(enum device device);

/* The range that a READ(10), READ(12), WRITE(10), WRITE(12) or WRITE AND VERIFY(10) names; false
 * for any other command. */
bool bmc_scsi_range(const uint8_t cdb[16], uint32_t *lba, uint32_t *blocks);

/* Writes another range into such a command. */
void bmc_scsi_set_range(uint8_t cdb[16], uint32_t lba, uint32_t blocks);

#endif
