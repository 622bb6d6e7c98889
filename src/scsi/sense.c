/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sense: what went wrong, for the host (REQUEST SENSE) and for people; names of commands. */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_DESC = 0x01, /* byte 1: descriptor format */
	FIXED_LEN = 18,
	FIXED = 0x70,
	DESCRIPTOR_LEN = 8, /* with not a single descriptor */
	DESCRIPTOR = 0x72,
	DEFERRED = 1, /* added to the two response codes: an error of an earlier command */
};

static const struct {
	uint32_t sense;
	const char *text;
} texts[] = {
	{ SENSE_NO_MEDIUM, "no medium" },
	{ SENSE_WRITE_ERROR, "write error" },
	{ SENSE_READ_ERROR, "read error" },
	{ SENSE_UNKNOWN_FORMAT, "cannot read medium, unknown format" },
	{ SENSE_PARAMETER_LIST_LENGTH, "parameter list length error" },
	{ SENSE_INVALID_OPCODE, "command not supported" },
	{ SENSE_LBA_OUT_OF_RANGE, "beyond the end of the medium" },
	{ SENSE_INVALID_FIELD_IN_CDB, "invalid field in CDB" },
	{ SENSE_INVALID_PARAMETER_LIST, "invalid field in parameter list" },
	{ SENSE_WRONG_MEDIUM, "not for this kind of medium" },
	{ SENSE_CANNOT_FORMAT, "cannot format a medium of this size" },
	{ SENSE_ILLEGAL_TRACK_MODE, "the track has other sectors" },
	{ SENSE_SAVING_NOT_SUPPORTED, "saving parameters not supported" },
	{ SENSE_REMOVAL_PREVENTED, "medium removal prevented" },
	{ SENSE_MEDIUM_CHANGED, "medium may have changed" },
	{ SENSE_WRITE_PROTECTED, "write protected" },
	{ SENSE_MISCOMPARE, "data differs from the medium" },
};

/* Also of commands that hosts send and no drive here knows. */
static const char *const names[256] = {
	[OP_TEST_UNIT_READY] = "TEST UNIT READY",
	[OP_REZERO_UNIT] = "REZERO UNIT",
	[OP_REQUEST_SENSE] = "REQUEST SENSE",
	[OP_FORMAT_UNIT] = "FORMAT UNIT",
	[0x05] = "READ BLOCK LIMITS",
	[0x07] = "REASSIGN BLOCKS",
	[OP_READ_6] = "READ(6)",
	[OP_WRITE_6] = "WRITE(6)",
	[OP_SEEK_6] = "SEEK(6)",
	[OP_INQUIRY] = "INQUIRY",
	[OP_MODE_SELECT_6] = "MODE SELECT(6)",
	[OP_RESERVE_6] = "RESERVE(6)",
	[OP_RELEASE_6] = "RELEASE(6)",
	[OP_MODE_SENSE_6] = "MODE SENSE(6)",
	[OP_START_STOP_UNIT] = "START STOP UNIT",
	[0x1C] = "RECEIVE DIAGNOSTIC RESULTS",
	[OP_SEND_DIAGNOSTIC] = "SEND DIAGNOSTIC",
	[OP_PREVENT_ALLOW] = "PREVENT ALLOW MEDIUM REMOVAL",
	[OP_READ_FORMAT_CAPACITIES] = "READ FORMAT CAPACITIES",
	[OP_READ_CAPACITY_10] = "READ CAPACITY(10)",
	[OP_READ_10] = "READ(10)",
	[OP_WRITE_10] = "WRITE(10)",
	[OP_SEEK_10] = "SEEK(10)",
	[OP_WRITE_AND_VERIFY_10] = "WRITE AND VERIFY(10)",
	[OP_VERIFY_10] = "VERIFY(10)",
	[OP_PRE_FETCH_10] = "PRE-FETCH(10)",
	[OP_SYNCHRONIZE_CACHE_10] = "SYNCHRONIZE CACHE(10)",
	[0x37] = "READ DEFECT DATA(10)",
	[0x3B] = "WRITE BUFFER",
	[0x3C] = "READ BUFFER",
	[0x3E] = "READ LONG(10)",
	[0x3F] = "WRITE LONG(10)",
	[OP_WRITE_SAME_10] = "WRITE SAME(10)",
	[0x42] = "READ SUB-CHANNEL or UNMAP",
	[OP_READ_TOC] = "READ TOC",
	[OP_READ_HEADER] = "READ HEADER",
	[0x45] = "PLAY AUDIO(10)",
	[OP_GET_CONFIGURATION] = "GET CONFIGURATION",
	[0x47] = "PLAY AUDIO MSF",
	[OP_GET_EVENT_STATUS] = "GET EVENT STATUS NOTIFICATION",
	[0x4B] = "PAUSE/RESUME",
	[0x4C] = "LOG SELECT",
	[0x4D] = "LOG SENSE",
	[0x4E] = "STOP PLAY/SCAN",
	[OP_READ_DISC_INFORMATION] = "READ DISC INFORMATION",
	[OP_READ_TRACK_INFORMATION] = "READ TRACK INFORMATION",
	[0x53] = "RESERVE TRACK",
	[0x54] = "SEND OPC INFORMATION",
	[OP_MODE_SELECT_10] = "MODE SELECT(10)",
	[0x56] = "RESERVE(10)",
	[0x57] = "RELEASE(10)",
	[OP_MODE_SENSE_10] = "MODE SENSE(10)",
	[0x5B] = "CLOSE TRACK/SESSION",
	[0x5C] = "READ BUFFER CAPACITY",
	[0x5E] = "PERSISTENT RESERVE IN",
	[0x5F] = "PERSISTENT RESERVE OUT",
	[0x85] = "ATA PASS-THROUGH(16)",
	[OP_READ_16] = "READ(16)",
	[0x89] = "COMPARE AND WRITE",
	[OP_WRITE_16] = "WRITE(16)",
	[OP_WRITE_AND_VERIFY_16] = "WRITE AND VERIFY(16)",
	[OP_VERIFY_16] = "VERIFY(16)",
	[OP_PRE_FETCH_16] = "PRE-FETCH(16)",
	[OP_SYNCHRONIZE_CACHE_16] = "SYNCHRONIZE CACHE(16)",
	[OP_WRITE_SAME_16] = "WRITE SAME(16)",
	[OP_SERVICE_ACTION_IN_16] = "READ CAPACITY(16)",
	[OP_REPORT_LUNS] = "REPORT LUNS",
	[0xA1] = "BLANK or ATA PASS-THROUGH(12)",
	[0xA3] = "SEND KEY or MAINTENANCE IN",
	[0xA4] = "REPORT KEY",
	[0xA6] = "LOAD/UNLOAD MEDIUM",
	[OP_READ_12] = "READ(12)",
	[OP_WRITE_12] = "WRITE(12)",
	[0xAC] = "GET PERFORMANCE",
	[OP_READ_DVD_STRUCTURE] = "READ DVD STRUCTURE",
	[OP_WRITE_AND_VERIFY_12] = "WRITE AND VERIFY(12)",
	[OP_VERIFY_12] = "VERIFY(12)",
	[0xB6] = "SET STREAMING",
	[OP_READ_CD_MSF] = "READ CD MSF",
	[OP_SET_CD_SPEED] = "SET CD SPEED",
	[OP_MECHANISM_STATUS] = "MECHANISM STATUS",
	[OP_READ_CD] = "READ CD",
	[0xBF] = "SEND DISC STRUCTURE",
};

/* What there is to tell is told once, what the last command met with before what waits for the next
 * one (SPC-3 6.27, 4.5.5). */
static uint32_t
take_sense(struct scsi_drive *drive, bool *is_deferred)
{
	uint32_t sense = drive->last_sense;

	*is_deferred = sense != SENSE_NONE && drive->is_last_deferred;
	drive->last_sense = SENSE_NONE;
	drive->is_last_deferred = false;
	if (sense != SENSE_NONE)
		return sense;
	if (drive->deferred != SENSE_NONE) {
		sense = drive->deferred;
		drive->deferred = SENSE_NONE;
		*is_deferred = true;
		return sense;
	}
	if (!drive->has_changed)
		return SENSE_NONE;
	attention_told(drive);
	return SENSE_MEDIUM_CHANGED;
}

uint32_t
sense_request(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	bool is_descriptor = (command->cdb[1] & CDB_DESC) != 0, is_deferred;
	uint8_t *p = out->answer;
	uint32_t sense;

	/* Where nothing is told, nothing is forgotten. */
	if (command->cdb[4] == 0 || command->read_len == 0)
		return SENSE_NONE;
	sense = take_sense(drive, &is_deferred);
	if (is_descriptor) {
		p[0] = is_deferred ? DESCRIPTOR + DEFERRED : DESCRIPTOR;
		put_be24(p + 1, sense);
		return op_answer(command, out, DESCRIPTOR_LEN, command->cdb[4]);
	}
	p[0] = is_deferred ? FIXED + DEFERRED : FIXED;
	p[2] = (uint8_t)(sense >> 16);
	p[7] = FIXED_LEN - 8;
	put_be16(p + 12, (uint16_t)sense);
	return op_answer(command, out, FIXED_LEN, command->cdb[4]);
}

const char *
scsi_opcode_name(uint8_t opcode)
{
	return names[opcode];
}

const char *
scsi_sense_text(uint32_t sense)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].sense == sense)
			return texts[i].text;
	}
	return NULL;
}
