/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi: a drive, its medium, and the one way from a CDB to a decision. */
#include <string.h>

#include "scsi/ops.h"
#include "scsi/scsi.h"

enum {
	CD_BLOCK = 2048,
	DISK_BLOCK = 512,
};

void
scsi_drive_init(struct scsi_drive *drive, enum device device)
{
	memset(drive, 0, sizeof(*drive));
	drive->device = device;
	drive->block_len = is_cd(drive) ? CD_BLOCK : DISK_BLOCK;
	drive->is_read_only = is_cd(drive);
}

/* Forgets the medium and all that belongs to it. */
static void
empty(struct scsi_drive *drive)
{
	uint32_t deferred = drive->deferred;

	scsi_drive_init(drive, drive->device);
	drive->deferred = deferred;
}

void
scsi_drive_insert(struct scsi_drive *drive, const struct scsi_medium *medium)
{
	bool is_known = drive->is_known, is_replaced = drive->is_replaced;

	empty(drive);
	drive->is_known = is_known;
	drive->is_replaced = is_replaced;
	drive->has_medium = true;
	drive->has_changed = true;
	drive->has_event = true;
	drive->blocks = medium->size / drive->block_len;
	if (!is_cd(drive)) {
		drive->is_read_only = medium->is_read_only;
		geometry_set(drive, medium->boot_sector);
	}
}

void
scsi_drive_replace(struct scsi_drive *drive, const struct scsi_medium *medium)
{
	drive->is_replaced = drive->is_replaced || drive->is_known;
	drive->is_known = false;
	scsi_drive_insert(drive, medium);
}

void
scsi_drive_remove(struct scsi_drive *drive)
{
	bool has_event = drive->has_medium || drive->has_event;

	empty(drive);
	drive->has_event = has_event;
}

void
scsi_defer(struct scsi_drive *drive, uint32_t sense)
{
	drive->deferred = sense;
}

/* Is this the command that the unit attention waits for? */
static bool
is_attention_due(const struct scsi_drive *drive, const struct op *op)
{
	return (drive->has_changed && (op->flags & TELLS_ATTENTION)) ||
	       (drive->is_replaced && (op->flags & WRITES));
}

/* The checks that are common to many commands, by the flags of the command's row. */
static uint32_t
admit(struct scsi_drive *drive, const struct op *op)
{
	if (op->decide == NULL || ((op->flags & ONLY_FLOPPY) && drive->device != DEVICE_FD))
		return SENSE_INVALID_OPCODE;
	if (is_attention_due(drive, op)) {
		attention_told(drive);
		return SENSE_MEDIUM_CHANGED;
	}
	if (drive->deferred != SENSE_NONE && !(op->flags & PASSES_DEFERRED)) {
		uint32_t sense = drive->deferred;

		drive->deferred = SENSE_NONE;
		drive->is_last_deferred = true;
		return sense;
	}
	if (op->flags & NEEDS_MEDIUM) {
		if (!drive->has_medium)
			return SENSE_NO_MEDIUM;
		if (drive->blocks == 0)
			return SENSE_UNKNOWN_FORMAT;
		drive->is_known = true;
	}
	if ((op->flags & WRITES) && drive->is_read_only)
		return SENSE_WRITE_PROTECTED;
	return SENSE_NONE;
}

/* SPC-3 5.3.3 and 6.4: asking who is there, or what went wrong, does not disturb what did.
 * (sense_request() forgets what it has told.) */
static bool
is_innocent(uint8_t opcode)
{
	return opcode == OP_INQUIRY || opcode == OP_REPORT_LUNS || opcode == OP_REQUEST_SENSE;
}

/* True if nothing is left to be done that could still fail. */
static bool
is_final(enum scsi_action action)
{
	return action == SCSI_FAIL || action == SCSI_DONE || action == SCSI_ANSWER ||
	       action == SCSI_EJECT;
}

void
scsi_decide(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint8_t opcode = command->cdb[0];
	const struct op *op = is_cd(drive) ? &ops_cd[opcode] : &ops_disk[opcode];
	uint32_t sense;

	memset(out, 0, sizeof(*out));
	out->action = SCSI_DONE;
	if (!is_innocent(opcode))
		drive->is_last_deferred = false;
	sense = admit(drive, op);
	if (sense == SENSE_NONE) {
		sense = op->decide(drive, command, out);
		if (sense != SENSE_NONE) /* its own, also of an innocent one */
			drive->is_last_deferred = false;
	}
	if (sense != SENSE_NONE) {
		out->action = SCSI_FAIL;
		out->sense = sense;
	}
	if (is_final(out->action))
		scsi_complete(drive, opcode, sense);
}

void
scsi_complete(struct scsi_drive *drive, uint8_t opcode, uint32_t sense)
{
	if (sense == SENSE_NONE && is_innocent(opcode))
		return;
	drive->last_sense = sense;
}
