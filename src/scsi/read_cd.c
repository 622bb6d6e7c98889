/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_cd: READ CD and READ CD MSF (MMC-5 6.19, 6.20) of the only sectors that an image has: mode
 * 1, and of them only the user data. */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	EXPECT_ANY = 0, /* expected sector type, bits 2-4 of byte 1 */
	EXPECT_MODE_1 = 2,
	EXPECT_MAX = 5,
	USER_DATA = 0x10,     /* byte 9: what of a sector; */
	NOTHING = 0x00,       /* else sync, headers, error codes, C2 flags */
	SUB_CHANNEL = 0x07,   /* byte 10 */
	FRAMES = 75,          /* a second */
	SECONDS = 60,         /* a minute */
	LEAD_IN = 2 * FRAMES, /* MSF 00:02:00 is sector 0 */
};

static uint32_t
read_sectors(const struct scsi_drive *drive, const struct scsi_command *command, uint32_t lba,
	uint32_t count, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint8_t type = cdb[1] >> 2 & 0x07, what = cdb[9] & 0xFE;

	if (configuration_is_dvd(drive))
		return SENSE_WRONG_MEDIUM;
	if (type > EXPECT_MAX || (what != USER_DATA && what != NOTHING) || (cdb[10] & SUB_CHANNEL))
		return SENSE_INVALID_FIELD_IN_CDB;
	if (lba > drive->blocks || count > drive->blocks - lba)
		return SENSE_LBA_OUT_OF_RANGE;
	if (count > 0 && type != EXPECT_ANY && type != EXPECT_MODE_1)
		return SENSE_ILLEGAL_TRACK_MODE;
	if (what == NOTHING)
		return SENSE_NONE;
	return block_read_at(drive, command, lba, count, out);
}

uint32_t
read_cd_lba(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	return read_sectors(
		drive, command, get_be32(command->cdb + 2), get_be24(command->cdb + 6), out);
}

/* Frames from the beginning of the lead-in; false if it is no such time. */
static bool
frames_of(const uint8_t *msf, uint32_t *frames)
{
	*frames = ((uint32_t)msf[0] * SECONDS + msf[1]) * FRAMES + msf[2];
	return msf[1] < SECONDS && msf[2] < FRAMES;
}

uint32_t
read_cd_msf(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t start, end; /* end is the first one that is not read */

	if (!frames_of(command->cdb + 3, &start) || !frames_of(command->cdb + 6, &end) ||
		start > end)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (start < LEAD_IN)
		return SENSE_LBA_OUT_OF_RANGE;
	return read_sectors(drive, command, start - LEAD_IN, end - start, out);
}
