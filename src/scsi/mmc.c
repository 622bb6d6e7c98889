/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmc: what the CD drive itself is asked: events, its mechanism, its speed (MMC-5 6.6, 6.10, 6.37;
 * iusb-protocol 9.2 and 10.2). */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_POLLED = 0x01, /* byte 1 of GET EVENT STATUS NOTIFICATION */
	EVENT_HEADER = 4,
	EVENT_LEN = 8,
	EVENT_NEA = 0x80, /* none of the classes asked for */
	EVENT_NEW_MEDIUM = 2,
	EVENT_MEDIUM_REMOVED = 3,
	STATUS_PRESENT = 0x02,
	POWER_ACTIVE = 1,

	MECHANISM_LEN = 8,
};

/* Classes of events, in the order of their importance. */
enum { CLASS_OPERATIONAL = 1, CLASS_POWER = 2, CLASS_MEDIA = 4, CLASS_COUNT = 8 };

enum { CLASSES = 1 << CLASS_OPERATIONAL | 1 << CLASS_POWER | 1 << CLASS_MEDIA };

/* The class that is told of: that of the event that waits, else the first one asked for. 0 if none
 * of them is known here. */
static uint8_t
class_to_tell(const struct scsi_drive *drive, uint8_t asked)
{
	asked &= CLASSES;
	if (drive->has_event && (asked & 1 << CLASS_MEDIA))
		return CLASS_MEDIA;
	for (uint8_t class = 1; class < CLASS_COUNT; class ++) {
		if (asked & 1 << class)
			return class;
	}
	return 0;
}

uint32_t
mmc_get_event_status(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint32_t allocation = get_be16(cdb + 7);
	uint8_t class = class_to_tell(drive, cdb[4]);
	uint8_t *p = out->answer;
	uint32_t sense;

	if (!(cdb[1] & CDB_POLLED))
		return SENSE_INVALID_FIELD_IN_CDB;
	p[3] = CLASSES;
	if (class == 0) {
		put_be16(p, EVENT_HEADER - 2);
		p[2] = EVENT_NEA;
		return op_answer(command, out, EVENT_HEADER, allocation);
	}
	put_be16(p, EVENT_LEN - 2);
	p[2] = class;
	if (class == CLASS_POWER)
		p[5] = POWER_ACTIVE;
	if (class == CLASS_MEDIA) {
		if (drive->has_event)
			p[4] = drive->has_medium ? EVENT_NEW_MEDIUM : EVENT_MEDIUM_REMOVED;
		p[5] = drive->has_medium ? STATUS_PRESENT : 0;
	}
	sense = op_answer(command, out, EVENT_LEN, allocation);
	if (class == CLASS_MEDIA && out->len > EVENT_HEADER) /* the header alone tells nothing */
		drive->has_event = false;
	return sense;
}

/* Idle, its door closed, one slot that is no changer's. */
uint32_t
mmc_mechanism_status(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
	struct scsi_decision *out)
{
	out->answer[5] = 1;
	return op_answer(command, out, MECHANISM_LEN, get_be16(command->cdb + 8));
}

/* A drive takes the nearest speed that it has (MMC-5 6.37); this one has one. */
uint32_t
mmc_set_cd_speed(struct scsi_drive *drive UNUSED, const struct scsi_command *command UNUSED,
	struct scsi_decision *out UNUSED)
{
	return SENSE_NONE;
}
