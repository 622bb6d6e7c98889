/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquiry: who the drive is: INQUIRY with its vital product data, and REPORT LUNS (SPC-3 6.4, 6.21,
 * 7.6). The BMC answers both itself as a rule; then the host must not see a difference
 * (iusb-protocol 10.3). */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_EVPD = 0x01,  /* byte 1: a page of vital product data */
	CDB_CMDDT = 0x02, /* byte 1: command support data, obsolete */
	TYPE_DISK = 0x00, /* peripheral device types */
	TYPE_CD = 0x05,
	REMOVABLE = 0x80,
	STANDARD_LEN = 36,
	VENDOR_LEN = 8,
	PRODUCT_LEN = 16,
	SERIAL_LEN = 8,
	VPD_PAGES = 0x00,
	VPD_SERIAL = 0x80,
	VPD_IDENTIFICATION = 0x83,
	VPD_BLOCK_LIMITS = 0xB0,
	BLOCK_LIMITS_LEN = 60,
	BLOCK_LIMITS_WSNZ = 0x01, /* WRITE SAME of zero blocks is refused */
	LUNS_MIN = 16,            /* the shortest allocation length of REPORT LUNS */
	LUNS_ALL = 2, /* SELECT REPORT: 0 = addressable, 1 = well known only, 2 = both */
	LUNS_WELL_KNOWN = 1,
};

static const char vendor[] = "AMI     ";

static const char *const products[DEVICE_COUNT] = {
	[DEVICE_CD] = "Virtual CDROM   ",
	[DEVICE_FD] = "Virtual Floppy  ",
	[DEVICE_HD] = "Virtual HDisk   ",
};

static uint8_t
device_type(const struct scsi_drive *drive)
{
	return is_cd(drive) ? TYPE_CD : TYPE_DISK;
}

static uint32_t
fill_standard(const struct scsi_drive *drive, uint8_t *p)
{
	p[0] = device_type(drive);
	p[1] = REMOVABLE;
	p[3] = 1; /* response data format */
	p[4] = STANDARD_LEN - 5;
	memcpy(p + 8, vendor, VENDOR_LEN);
	memcpy(p + 16, products[drive->device], PRODUCT_LEN);
	memcpy(p + 32, "1.00", 4);
	return STANDARD_LEN;
}

static uint8_t
fill_pages(const struct scsi_drive *drive, uint8_t *p)
{
	static const uint8_t pages[] = { VPD_PAGES, VPD_SERIAL, VPD_IDENTIFICATION,
		VPD_BLOCK_LIMITS };
	uint8_t len = is_cd(drive) ? 3 : 4; /* a CD has no block limits */

	memcpy(p, pages, len);
	return len;
}

static uint8_t
fill_identification(const struct scsi_drive *drive, uint8_t *p)
{
	p[0] = 2; /* ASCII */
	p[1] = 1; /* of the logical unit; vendor and product */
	p[3] = VENDOR_LEN + PRODUCT_LEN;
	memcpy(p + 4, vendor, VENDOR_LEN);
	memcpy(p + 4 + VENDOR_LEN, products[drive->device], PRODUCT_LEN);
	return 4 + VENDOR_LEN + PRODUCT_LEN;
}

static uint8_t
fill_block_limits(const struct scsi_drive *drive, uint8_t *p)
{
	p[0] = BLOCK_LIMITS_WSNZ;
	put_be32(p + 4, SCSI_TRANSFER_MAX / drive->block_len); /* maximum transfer length */
	put_be64(p + 32, SCSI_SPAN_MAX / drive->block_len);    /* of WRITE SAME */
	return BLOCK_LIMITS_LEN;
}

/* Returns the length of the page, 0 if there is no such page. */
static uint32_t
fill_vpd(const struct scsi_drive *drive, uint8_t page, uint8_t *p)
{
	p[0] = device_type(drive);
	p[1] = page;
	switch (page) {
	case VPD_PAGES:
		p[3] = fill_pages(drive, p + 4);
		break;
	case VPD_SERIAL: /* spaces: there is none (SPC-3 7.6.10) */
		p[3] = SERIAL_LEN;
		memset(p + 4, ' ', SERIAL_LEN);
		break;
	case VPD_IDENTIFICATION:
		p[3] = fill_identification(drive, p + 4);
		break;
	case VPD_BLOCK_LIMITS:
		if (is_cd(drive))
			return 0;
		p[3] = fill_block_limits(drive, p + 4);
		break;
	default:
		return 0;
	}
	return 4u + p[3];
}

uint32_t
inquiry_tell(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint32_t len;

	if (cdb[1] & CDB_CMDDT)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (cdb[1] & CDB_EVPD)
		len = fill_vpd(drive, cdb[2], out->answer);
	else
		len = cdb[2] == 0 ? fill_standard(drive, out->answer) : 0;
	if (len == 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	return op_answer(command, out, len, get_be16(cdb + 3));
}

uint32_t
inquiry_report_luns(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
	struct scsi_decision *out)
{
	uint8_t which = command->cdb[2];
	uint32_t allocation = get_be32(command->cdb + 6);

	if (which > LUNS_ALL || allocation < LUNS_MIN)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (which == LUNS_WELL_KNOWN)
		return op_answer(command, out, 8, allocation);
	put_be32(out->answer, 8); /* one entry, LUN 0 */
	return op_answer(command, out, 16, allocation);
}
