/* SPDX-License-Identifier: GPL-2.0-or-later */
/* medium: is it there, is it held, may it go: TEST UNIT READY, START STOP UNIT and PREVENT ALLOW
 * MEDIUM REMOVAL (SPC-3 6.33, SBC-3 5.19, 5.13; iusb-protocol 6.3 and 9.2). */
#include "scsi/ops.h"

enum {
	CDB_START = 0x01,           /* byte 4 of START STOP UNIT */
	CDB_LOEJ = 0x02,            /* load or eject */
	CDB_POWER_CONDITION = 0xF0, /* if set, the two above do not count */
	CDB_PREVENT = 0x01,         /* byte 4 of PREVENT ALLOW MEDIUM REMOVAL */
};

/* Ready: whatever could be in the way was found by the flags of its row. */
uint32_t
medium_test_unit_ready(struct scsi_drive *drive UNUSED, const struct scsi_command *command UNUSED,
	struct scsi_decision *out UNUSED)
{
	return SENSE_NONE;
}

uint32_t
medium_start_stop(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint8_t what = command->cdb[4];

	/* There is no motor: stop and start, and to load what is there, are done at once. */
	if ((what & CDB_POWER_CONDITION) || !(what & CDB_LOEJ) || (what & CDB_START))
		return SENSE_NONE;
	if (!drive->has_medium)
		return SENSE_NONE;
	if (drive->is_locked)
		return SENSE_REMOVAL_PREVENTED;
	out->action = SCSI_EJECT;
	return SENSE_NONE;
}

uint32_t
medium_prevent_allow(struct scsi_drive *drive, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	drive->is_locked = (command->cdb[4] & CDB_PREVENT) != 0;
	return SENSE_NONE;
}
