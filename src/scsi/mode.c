/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mode: MODE SENSE and MODE SELECT (SPC-3 6.7 to 6.10; iusb-protocol 9.2). Nothing is changeable:
 * MODE SELECT takes a list that says what is so anyway, and refuses every other. */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	PAGE_NONE = 0x00,       /* the header only */
	SUBPAGE_ALL = 0xFF,     /* of the page, or of all pages: no page here has one but itself */
	WRITE_PROTECTED = 0x80, /* device-specific parameter; of a CD, too (iusb-protocol 9.2),
				   where MMC-5 keeps the byte reserved */
	CDB_SAVE_PAGES = 0x01,  /* byte 1 of MODE SELECT */
	CDB_PAGE_FORMAT = 0x10,
	PAGE_CODE = 0x3F, /* byte 0 of a page */
	PAGE_SUBPAGE_FORMAT = 0x40,
	LONG_LBA = 0x01, /* byte 4 of the header of the 10-byte commands */
	BLOCK_DESCRIPTOR_LEN = 8,
};

/* Both commands come with 6 bytes and with 10, which moves the fields of CDB and header. */
static bool
is_short(const uint8_t *cdb)
{
	return cdb[0] == OP_MODE_SENSE_6 || cdb[0] == OP_MODE_SELECT_6;
}

static uint32_t
header_len(const uint8_t *cdb)
{
	return is_short(cdb) ? 4 : 8;
}

/* Allocation length or parameter list length. */
static uint32_t
list_len(const uint8_t *cdb)
{
	return is_short(cdb) ? cdb[4] : get_be16(cdb + 7);
}

static void
fill_header(const struct scsi_drive *drive, const uint8_t *cdb, uint32_t len, uint8_t *p)
{
	uint8_t device_specific = drive->is_read_only ? WRITE_PROTECTED : 0;

	if (is_short(cdb)) {
		p[0] = (uint8_t)(len - 1);
		p[1] = drive->medium_type;
		p[2] = device_specific;
	} else {
		put_be16(p, (uint16_t)(len - 2));
		p[2] = drive->medium_type;
		p[3] = device_specific;
	}
}

uint32_t
mode_sense(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	enum mode_values values = cdb[2] >> 6;
	uint8_t code = cdb[2] & PAGE_CODE, subpage = cdb[3];
	uint32_t header = header_len(cdb), len = 0;

	if (values == VALUES_SAVED)
		return SENSE_SAVING_NOT_SUPPORTED;
	if (subpage == 0 || subpage == SUBPAGE_ALL)
		len = mode_pages_fill(drive, code, values, out->answer + header);
	if (len == 0 && (code != PAGE_NONE || subpage != 0))
		return SENSE_INVALID_FIELD_IN_CDB;
	fill_header(drive, cdb, header + len, out->answer);
	return op_answer(command, out, header + len, list_len(cdb));
}

/* ---- MODE SELECT ---- */

/* A block descriptor may say what the medium has, or nothing. */
static bool
is_true_descriptor(const struct scsi_drive *drive, const uint8_t *p)
{
	uint32_t blocks = get_be32(p), len = get_be24(p + 5);

	return (blocks == 0 || blocks == saturate_32(drive->blocks)) &&
	       (len == 0 || len == drive->block_len);
}

static uint32_t
check_pages(const struct scsi_drive *drive, const uint8_t *p, size_t len)
{
	while (len > 0) {
		uint8_t ours[MODE_PAGES_MAX] = { 0 };
		uint8_t code = p[0] & PAGE_CODE; /* what MODE SENSE gave may come back with PS */
		uint32_t page_len;

		if (len < 2)
			return SENSE_PARAMETER_LIST_LENGTH;
		if (code == MODE_PAGE_ALL || (p[0] & PAGE_SUBPAGE_FORMAT))
			return SENSE_INVALID_PARAMETER_LIST;
		page_len = mode_pages_fill(drive, code, VALUES_CURRENT, ours);
		if (page_len == 0 || p[1] != page_len - 2)
			return SENSE_INVALID_PARAMETER_LIST;
		if (len < page_len)
			return SENSE_PARAMETER_LIST_LENGTH;
		if (memcmp(p + 2, ours + 2, page_len - 2) != 0)
			return SENSE_INVALID_PARAMETER_LIST;
		p += page_len;
		len -= page_len;
	}
	return SENSE_NONE;
}

static uint32_t
check_list(const struct scsi_drive *drive, const uint8_t *cdb, const uint8_t *p, size_t len)
{
	uint32_t header = header_len(cdb), descriptors;
	uint8_t medium_type;

	if (len < header)
		return SENSE_PARAMETER_LIST_LENGTH;
	/* The mode data length is reserved here, and so is the WP bit. */
	medium_type = is_short(cdb) ? p[1] : p[2];
	descriptors = is_short(cdb) ? p[3] : get_be16(p + 6);
	if (medium_type != 0 && medium_type != drive->medium_type)
		return SENSE_INVALID_PARAMETER_LIST;
	if (!is_short(cdb) && (p[4] & LONG_LBA))
		return SENSE_INVALID_PARAMETER_LIST;
	p += header;
	len -= header;
	if (descriptors != 0 && descriptors != BLOCK_DESCRIPTOR_LEN)
		return SENSE_INVALID_PARAMETER_LIST;
	if (len < descriptors)
		return SENSE_PARAMETER_LIST_LENGTH;
	if (descriptors != 0 && !is_true_descriptor(drive, p))
		return SENSE_INVALID_PARAMETER_LIST;
	return check_pages(drive, p + descriptors, len - descriptors);
}

uint32_t
mode_select(struct scsi_drive *drive, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	const uint8_t *cdb = command->cdb;
	uint32_t len = list_len(cdb);

	if (cdb[1] & CDB_SAVE_PAGES)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (len == 0)
		return SENSE_NONE;
	if (!(cdb[1] & CDB_PAGE_FORMAT))
		return SENSE_INVALID_FIELD_IN_CDB;
	if (command->data == NULL || command->data_len < len)
		return SENSE_PARAMETER_LIST_LENGTH;
	return check_list(drive, cdb, command->data, len);
}
