/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format: FORMAT UNIT of a floppy (UFI 1.0 4.2): the whole medium, or one track of one side, as the
 * formatting programs of DOS, Windows and Linux ask for it. What is formatted is written: its
 * blocks are zero. The image keeps its size, so nothing but its own capacity can be asked for.
 */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_FORMAT_DATA = 0x10,   /* byte 1: there is a parameter list */
	CDB_COMPLETE_LIST = 0x08, /* byte 1: defects, which no floppy keeps */
	CDB_DEFECT_FORMAT = 0x07,
	DEFECT_FORMAT_UFI =
		0x07,  /* what UFI wants there; SBC-3's 0 with an empty list is as good */
	LIST_LEN = 12, /* header and one descriptor */
	DESCRIPTOR_LEN = 8,
	HEADER_EXTEND = 0x40, /* byte 1 of the list */
	HEADER_SINGLE_TRACK = 0x10,
	HEADER_SIDE = 0x01,
};

/* What Immed asks for, an answer before the work is done, is no reason to lie. */
uint32_t
format_unit(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb, *list = command->data;
	uint8_t defects = cdb[1] & CDB_DEFECT_FORMAT;
	uint32_t first = 0, count = (uint32_t)drive->blocks;
	uint16_t heads, sectors;

	if (!(cdb[1] & CDB_FORMAT_DATA) || (cdb[1] & CDB_COMPLETE_LIST) ||
		(defects != 0 && defects != DEFECT_FORMAT_UFI))
		return SENSE_INVALID_FIELD_IN_CDB;
	if (list == NULL || command->data_len != LIST_LEN)
		return SENSE_PARAMETER_LIST_LENGTH;
	if (!geometry_of_floppy(drive->blocks, &heads, &sectors))
		return SENSE_CANNOT_FORMAT;
	if ((list[1] & HEADER_EXTEND) || get_be16(list + 2) != DESCRIPTOR_LEN ||
		get_be32(list + 4) != drive->blocks || get_be24(list + 9) != drive->block_len)
		return SENSE_INVALID_PARAMETER_LIST;

	if (list[1] & HEADER_SINGLE_TRACK) {
		uint32_t side = list[1] & HEADER_SIDE;

		first = (cdb[2] * heads + side) * sectors;
		count = sectors;
		if (side >= heads)
			return SENSE_INVALID_PARAMETER_LIST;
		if (first >= drive->blocks)
			return SENSE_INVALID_FIELD_IN_CDB;
	}
	out->action = SCSI_FILL;
	out->flush_after = true;
	out->offset = (uint64_t)first * drive->block_len;
	out->len = count * drive->block_len;
	return SENSE_NONE;
}
