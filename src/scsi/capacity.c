/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capacity: how many blocks there are (SBC-3 5.12, 5.13; UFI 1.0 4.10; iusb-protocol 9.2). */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_PMI = 0x01,          /* byte 8 of READ CAPACITY(10) */
	SA_READ_CAPACITY = 0x10, /* service action of SERVICE ACTION IN(16) */
	CAPACITY_FORMATTED = 2,  /* descriptor codes of READ FORMAT CAPACITIES */
	CAPACITY_NO_MEDIUM = 3,
	DESCRIPTOR_LEN = 8,
	BLOCKS_144 = 2880, /* a 1.44 MB floppy, said to fit when nothing is in the drive */
};

uint32_t
capacity_10(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	bool is_partial = (command->cdb[8] & CDB_PMI) != 0;

	if (!is_partial && get_be32(command->cdb + 2) != 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	put_be32(out->answer, saturate_32(drive->blocks - 1));
	put_be32(out->answer + 4, drive->block_len);
	return op_answer(command, out, 8, 8);
}

uint32_t
capacity_service_action_in(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t allocation = get_be32(command->cdb + 10);

	if ((command->cdb[1] & 0x1F) != SA_READ_CAPACITY)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (command->is_cut)
		allocation = command->read_len;
	put_be64(out->answer, drive->blocks - 1);
	put_be32(out->answer + 8, drive->block_len);
	return op_answer(command, out, 32, allocation);
}

/* A floppy that can be written can be formatted, to the size that its image has. */
static bool
is_formattable(const struct scsi_drive *drive)
{
	uint16_t heads, sectors;

	return drive->device == DEVICE_FD && !drive->is_read_only &&
	       geometry_of_floppy(drive->blocks, &heads, &sectors);
}

uint32_t
capacity_format(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	bool is_formatted = drive->has_medium && drive->blocks > 0;
	uint8_t *p = out->answer;
	uint32_t len = 4;

	put_be32(p + len, is_formatted ? saturate_32(drive->blocks) : BLOCKS_144);
	p[len + 4] = is_formatted ? CAPACITY_FORMATTED : CAPACITY_NO_MEDIUM;
	put_be24(p + len + 5, drive->block_len);
	len += DESCRIPTOR_LEN;
	if (is_formatted && is_formattable(drive)) {
		put_be32(p + len, (uint32_t)drive->blocks);
		put_be24(p + len + 5, drive->block_len);
		len += DESCRIPTOR_LEN;
	}
	p[3] = (uint8_t)(len - 4);
	return op_answer(command, out, len, get_be16(command->cdb + 7));
}
