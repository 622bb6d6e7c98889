/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_scsi: which commands the BMC answers itself, refuses or forwards, and what it answers. */
#include "bmcsim/bmc_scsi.h"

#include <string.h>

#include "base/bytes.h"

enum op_flags {
	OP_CD = 1 << 0,        /* the filter lets it through to a CD */
	OP_DISK = 1 << 1,      /* the filter lets it through to a floppy or disk */
	OP_INSIDE = 1 << 2,    /* answered inside, with the filter and as `legacy` does */
	OP_CD_INSIDE = 1 << 3, /* answered inside for a CD when the filter is on */
};

enum {
	OP_VENDOR_FIRST = 0xE0, /* a vendor group that never leaves the BMC */
	OP_VENDOR_LAST = 0xEF,
	PRODUCT_DIGIT = 16 + 13, /* where a CD's product has its slot */
	TYPE_DISK = 0x00,
	TYPE_CD = 0x05,
};

static const uint8_t ops[256] = {
	[SCSI_TEST_UNIT_READY] = OP_CD | OP_DISK,
	[SCSI_REQUEST_SENSE] = OP_INSIDE,
	[SCSI_INQUIRY] = OP_INSIDE,
	[SCSI_MODE_SENSE_6] = OP_DISK,
	[SCSI_START_STOP] = OP_CD | OP_DISK,
	[SCSI_PREVENT_ALLOW] = OP_CD_INSIDE | OP_DISK,
	[SCSI_READ_FORMAT_CAPACITIES] = OP_DISK,
	[SCSI_READ_CAPACITY] = OP_CD | OP_DISK,
	[SCSI_READ_10] = OP_CD | OP_DISK,
	[SCSI_WRITE_10] = OP_DISK,
	[SCSI_SEEK_10] = OP_CD_INSIDE,
	[SCSI_WRITE_VERIFY_10] = OP_DISK,
	[SCSI_VERIFY_10] = OP_DISK,
	[SCSI_SYNC_CACHE] = OP_CD_INSIDE,
	[SCSI_READ_TOC] = OP_CD,
	[SCSI_MODE_SENSE_10] = OP_DISK,
	[SCSI_READ_12] = OP_CD | OP_DISK,
	[SCSI_WRITE_12] = OP_DISK,
	[SCSI_SET_CD_SPEED] = OP_INSIDE,
};

static const char products[DEVICE_COUNT][17] = {
	[DEVICE_CD] = "Virtual CDROM0  ",
	[DEVICE_FD] = "Virtual Floppy  ",
	[DEVICE_HD] = "Virtual HDisk   ",
};

enum bmc_route
bmc_scsi_route(enum device device, uint8_t opcode, enum bmc_filter filter)
{
	uint8_t flags = ops[opcode];

	if (filter == FILTER_NONE)
		return ROUTE_FORWARD;
	if (flags & OP_INSIDE)
		return ROUTE_INSIDE;
	if (opcode >= OP_VENDOR_FIRST && opcode <= OP_VENDOR_LAST)
		return ROUTE_REFUSE;
	if (filter == FILTER_OFF)
		return ROUTE_FORWARD;
	if (device == DEVICE_CD && (flags & OP_CD_INSIDE))
		return ROUTE_INSIDE;
	return flags & (device == DEVICE_CD ? OP_CD : OP_DISK) ? ROUTE_FORWARD : ROUTE_REFUSE;
}

static uint32_t
at_most(uint32_t have, uint32_t allocation)
{
	return have < allocation ? have : allocation;
}

bool
bmc_scsi_answer(enum device device, int instance, const uint8_t cdb[16], uint32_t *sense,
	uint8_t out[INQUIRY_LEN], uint32_t *len)
{
	*len = 0;
	memset(out, 0, INQUIRY_LEN);
	switch (cdb[0]) {
	case SCSI_INQUIRY:
		if (cdb[1] & 1 || cdb[2] != 0) { /* no vital product data */
			*sense = SENSE_INVALID_FIELD;
			return false;
		}
		memcpy(out,
			"\x00\x80\x00\x01\x1F\x00\x00\x00"
			"AMI     ",
			16);
		out[0] = device == DEVICE_CD ? TYPE_CD : TYPE_DISK;
		memcpy(out + 16, products[device], 16);
		if (device == DEVICE_CD)
			out[PRODUCT_DIGIT] = (uint8_t)('0' + instance);
		memcpy(out + 32, "1.00", 4);
		*len = at_most(INQUIRY_LEN, get_be16(cdb + 3));
		return true;
	case SCSI_REQUEST_SENSE:
		out[0] = 0x70;
		out[2] = (uint8_t)(*sense >> 16);
		out[7] = 10;
		out[12] = (uint8_t)(*sense >> 8);
		out[13] = (uint8_t)*sense;
		*len = at_most(SENSE_LEN, cdb[4]);
		*sense = SENSE_NONE;
		return true;
	default:
		*sense = SENSE_NONE;
		return true;
	}
}

uint32_t
bmc_scsi_block_len(enum device device)
{
	return device == DEVICE_CD ? 2048 : 512;
}

bool
bmc_scsi_range(const uint8_t cdb[16], uint32_t *lba, uint32_t *blocks)
{
	switch (cdb[0]) {
	case SCSI_READ_10:
	case SCSI_WRITE_10:
	case SCSI_WRITE_VERIFY_10:
		*lba = get_be32(cdb + 2);
		*blocks = get_be16(cdb + 7);
		return true;
	case SCSI_READ_12:
	case SCSI_WRITE_12:
		*lba = get_be32(cdb + 2);
		*blocks = get_be32(cdb + 6);
		return true;
	default:
		return false;
	}
}

void
bmc_scsi_set_range(uint8_t cdb[16], uint32_t lba, uint32_t blocks)
{
	put_be32(cdb + 2, lba);
	if (cdb[0] == SCSI_READ_12 || cdb[0] == SCSI_WRITE_12)
		put_be32(cdb + 6, blocks);
	else
		put_be16(cdb + 7, (uint16_t)blocks);
}
