/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_gadget: the USB gadget of a `rest-gadget` BMC. */
#include "bmcsim/bmc_gadget.h"

#include <string.h>

#include "base/bytes.h"
#include "bmcsim/bmc_scsi.h"

enum {
	READ_6 = 0x08,
	READ_6_BLOCKS = 256, /* for a length of 0 */
	EJECT = 2,           /* byte 4 of START STOP UNIT */
	WRITE_PROTECTED = 0x80,
	TOC_LEN = 20,
	TOC_MSF = 2,
	TRACK_DATA = 0x14,
	TRACK_LEAD_OUT = 0xAA,
	CAPACITY_LEN = 8,
	FORMAT_CAPACITIES_LEN = 12,
	FORMATTED = 2,
};

bool
bmc_gadget_read(uint8_t cdb[16])
{
	uint32_t lba, blocks;

	if (cdb[0] == READ_6) {
		lba = get_be24(cdb + 1) & 0x1FFFFF;
		blocks = cdb[4] ? cdb[4] : READ_6_BLOCKS;
	} else if (cdb[0] == SCSI_READ_10 || cdb[0] == SCSI_READ_12) {
		(void)bmc_scsi_range(cdb, &lba, &blocks);
	} else {
		return false;
	}
	memset(cdb, 0, 16);
	cdb[0] = SCSI_READ_12;
	bmc_scsi_set_range(cdb, lba, blocks);
	return true;
}

void
bmc_gadget_swap(uint8_t cdb[16])
{
	put_le32(cdb + 6, get_be32(cdb + 6));
}

bool
bmc_gadget_is_eject(const uint8_t cdb[16])
{
	return cdb[0] == SCSI_START_STOP && (cdb[4] & 3) == EJECT;
}

static void
put_address(uint8_t *out, uint32_t lba, bool is_msf)
{
	put_be32(out, lba);
	if (!is_msf)
		return;
	lba += 150;
	out[0] = 0;
	out[1] = (uint8_t)(lba / 75 / 60);
	out[2] = (uint8_t)(lba / 75 % 60);
	out[3] = (uint8_t)(lba % 75);
}

/* One data track and the lead-out (iusb-protocol 9.3, format 0). */
static void
make_toc(uint8_t out[TOC_LEN], uint32_t blocks, bool is_msf)
{
	put_be16(out, TOC_LEN - 2);
	out[2] = out[3] = 1;
	out[5] = TRACK_DATA;
	out[6] = 1;
	put_address(out + 8, 0, is_msf);
	out[13] = TRACK_DATA;
	out[14] = TRACK_LEAD_OUT;
	put_address(out + 16, blocks, is_msf);
}

static uint32_t
clip(uint32_t have, uint32_t allocation)
{
	return have < allocation ? have : allocation;
}

bool
bmc_gadget_answer(enum device device, uint32_t blocks, const uint8_t cdb[16], uint32_t *sense,
	uint8_t out[GADGET_ANSWER_MAX], uint32_t *len)
{
	bool is_cd = device == DEVICE_CD;

	memset(out, 0, GADGET_ANSWER_MAX);
	*len = 0;
	*sense = SENSE_NONE;
	switch (cdb[0]) {
	case SCSI_PREVENT_ALLOW:
	case SCSI_START_STOP:
		return true;
	case SCSI_MODE_SENSE_6:
		out[0] = 3;
		out[2] = WRITE_PROTECTED;
		*len = clip(4, cdb[4]);
		return true;
	case SCSI_MODE_SENSE_10:
		out[1] = 6;
		out[3] = WRITE_PROTECTED;
		*len = clip(8, get_be16(cdb + 7));
		return true;
	case SCSI_TEST_UNIT_READY:
	case SCSI_VERIFY_10:
	case SCSI_SYNC_CACHE:
		break;
	case SCSI_READ_CAPACITY:
		put_be32(out, blocks - 1);
		put_be32(out + 4, bmc_scsi_block_len(device));
		*len = CAPACITY_LEN;
		break;
	case SCSI_READ_FORMAT_CAPACITIES:
		out[3] = CAPACITY_LEN;
		put_be32(out + 4, blocks);
		put_be32(out + 8, bmc_scsi_block_len(device));
		out[8] = FORMATTED;
		*len = clip(FORMAT_CAPACITIES_LEN, get_be16(cdb + 7));
		break;
	case SCSI_READ_TOC:
		if (!is_cd)
			*sense = SENSE_INVALID_OPCODE;
		else if ((cdb[2] & 0x0F) != 0 || cdb[6] > 1)
			*sense = SENSE_INVALID_FIELD;
		make_toc(out, blocks, cdb[1] & TOC_MSF);
		*len = clip(TOC_LEN, get_be16(cdb + 7));
		break;
	case SCSI_WRITE_10:
	case SCSI_WRITE_12:
	case SCSI_WRITE_VERIFY_10:
		*sense = SENSE_WRITE_PROTECTED;
		break;
	default:
		*sense = SENSE_INVALID_OPCODE;
		break;
	}
	if (*sense == SENSE_NONE && blocks == 0)
		*sense = SENSE_NO_MEDIUM;
	if (*sense != SENSE_NONE)
		*len = 0;
	return *sense == SENSE_NONE;
}
