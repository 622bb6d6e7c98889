/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sense: what went wrong, for the host (REQUEST SENSE) and for people; names of commands. */
#include "scsi/ops.h"

enum {
	CDB_DESC = 0x01, /* byte 1: descriptor format, which is not made here */
	SENSE_LEN = 18,
	SENSE_FIXED = 0x70, /* current error, fixed format */
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
	{ SENSE_SAVING_NOT_SUPPORTED, "saving parameters not supported" },
	{ SENSE_REMOVAL_PREVENTED, "medium removal prevented" },
	{ SENSE_MEDIUM_CHANGED, "medium may have changed" },
	{ SENSE_WRITE_PROTECTED, "write protected" },
	{ SENSE_MISCOMPARE, "data differs from the medium" },
};

/* Also of commands that hosts send and no drive here knows. */
static const char *const names[256] = {
	[OP_TEST_UNIT_READY] = "TEST UNIT READY",
	[0x01] = "REZERO UNIT",
	[OP_REQUEST_SENSE] = "REQUEST SENSE",
	[0x04] = "FORMAT UNIT",
	[0x05] = "READ BLOCK LIMITS",
	[0x07] = "REASSIGN BLOCKS",
	[OP_READ_6] = "READ(6)",
	[OP_WRITE_6] = "WRITE(6)",
	[0x0B] = "SEEK(6)",
	[OP_INQUIRY] = "INQUIRY",
	[OP_MODE_SELECT_6] = "MODE SELECT(6)",
	[0x16] = "RESERVE(6)",
	[0x17] = "RELEASE(6)",
	[OP_MODE_SENSE_6] = "MODE SENSE(6)",
	[OP_START_STOP_UNIT] = "START STOP UNIT",
	[0x1C] = "RECEIVE DIAGNOSTIC RESULTS",
	[0x1D] = "SEND DIAGNOSTIC",
	[OP_PREVENT_ALLOW] = "PREVENT ALLOW MEDIUM REMOVAL",
	[OP_READ_FORMAT_CAPACITIES] = "READ FORMAT CAPACITIES",
	[OP_READ_CAPACITY_10] = "READ CAPACITY(10)",
	[OP_READ_10] = "READ(10)",
	[OP_WRITE_10] = "WRITE(10)",
	[OP_SEEK_10] = "SEEK(10)",
	[OP_WRITE_AND_VERIFY_10] = "WRITE AND VERIFY(10)",
	[OP_VERIFY_10] = "VERIFY(10)",
	[0x34] = "PRE-FETCH(10)",
	[OP_SYNCHRONIZE_CACHE_10] = "SYNCHRONIZE CACHE(10)",
	[0x37] = "READ DEFECT DATA(10)",
	[0x3B] = "WRITE BUFFER",
	[0x3C] = "READ BUFFER",
	[0x3E] = "READ LONG(10)",
	[0x3F] = "WRITE LONG(10)",
	[0x41] = "WRITE SAME(10)",
	[0x42] = "READ SUB-CHANNEL or UNMAP",
	[OP_READ_TOC] = "READ TOC",
	[0x44] = "READ HEADER",
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
	[0x90] = "PRE-FETCH(16)",
	[OP_SYNCHRONIZE_CACHE_16] = "SYNCHRONIZE CACHE(16)",
	[0x93] = "WRITE SAME(16)",
	[OP_SERVICE_ACTION_IN_16] = "READ CAPACITY(16)",
	[OP_REPORT_LUNS] = "REPORT LUNS",
	[0xA1] = "BLANK or ATA PASS-THROUGH(12)",
	[0xA3] = "SEND KEY or MAINTENANCE IN",
	[0xA4] = "REPORT KEY",
	[0xA6] = "LOAD/UNLOAD MEDIUM",
	[OP_READ_12] = "READ(12)",
	[OP_WRITE_12] = "WRITE(12)",
	[0xAC] = "GET PERFORMANCE",
	[0xAD] = "READ DISC STRUCTURE",
	[OP_WRITE_AND_VERIFY_12] = "WRITE AND VERIFY(12)",
	[OP_VERIFY_12] = "VERIFY(12)",
	[0xB6] = "SET STREAMING",
	[0xB9] = "READ CD MSF",
	[0xBB] = "SET CD SPEED",
	[0xBD] = "MECHANISM STATUS",
	[0xBE] = "READ CD",
	[0xBF] = "SEND DISC STRUCTURE",
};

uint32_t
sense_request(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint8_t *p = out->answer;

	if (command->cdb[1] & CDB_DESC)
		return SENSE_INVALID_FIELD_IN_CDB;
	p[0] = SENSE_FIXED;
	p[2] = (uint8_t)(drive->last_sense >> 16);
	p[7] = SENSE_LEN - 8;
	p[12] = (uint8_t)(drive->last_sense >> 8);
	p[13] = (uint8_t)drive->last_sense;
	return op_answer(command, out, SENSE_LEN, command->cdb[4]);
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
