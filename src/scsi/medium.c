/* SPDX-License-Identifier: GPL-2.0-or-later */
/* medium: is it there, is it held, may it go: TEST UNIT READY, START STOP UNIT, PREVENT ALLOW
 * MEDIUM REMOVAL (SPC-3 6.33, SBC-3 5.19, 5.13; iusb-protocol 6.3 and 9.2); and what asks the drive
 * itself: RESERVE, RELEASE (SPC-2 7.21) and SEND DIAGNOSTIC (SPC-3 6.28). */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_START = 0x01,          /* byte 4 of START STOP UNIT */
	CDB_LOEJ = 0x02,           /* load or eject */
	POWER_CONDITIONS = 0x0CAE, /* in the upper half: active, idle, standby, sleep, control by
				      the drive, forced idle and standby. With one of them the
				      two bits above do not count */
	CDB_PREVENT = 0x01,        /* byte 4 of PREVENT ALLOW MEDIUM REMOVAL; persistent or not */
	CDB_THIRD_PARTY = 0x1F,    /* byte 1 of RESERVE(6): for another initiator, of extents */
	CDB_SELF_TEST_CODE = 0xE0, /* byte 1 of SEND DIAGNOSTIC */
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

	/* There is no motor: whatever it should do, to stop and start, and to load what is there,
	 * are done at once. */
	if (what >> 4 != 0)
		return POWER_CONDITIONS >> (what >> 4) & 1 ? SENSE_NONE
							   : SENSE_INVALID_FIELD_IN_CDB;
	if (!(what & CDB_LOEJ) || (what & CDB_START))
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

/* There is one host, so that it has the drive to itself anyway. */
uint32_t
medium_reserve(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	return command->cdb[1] & CDB_THIRD_PARTY ? SENSE_INVALID_FIELD_IN_CDB : SENSE_NONE;
}

/* The default self-test: this very answer shows that the drive works. There are no other tests and
 * no pages of parameters. */
uint32_t
medium_send_diagnostic(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	const uint8_t *cdb = command->cdb;

	if ((cdb[1] & CDB_SELF_TEST_CODE) || get_be16(cdb + 3) != 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	return SENSE_NONE;
}
