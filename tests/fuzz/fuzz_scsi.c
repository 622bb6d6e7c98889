/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_scsi: any commands in any order to any drive. Input: two bytes of drive, eight of medium
 * size, then records of one byte that says what happens and, for a command, 16 of CDB, four of
 * read length and four of data length.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../scsi_rules.h"
#include "base/bytes.h"

enum {
	HEAD = 10,
	RECORD = 25,
	DATA_MAX = SCSI_TRANSFER_MAX + 4096,
};

/* What happens, by the low bits of a record's first byte. */
enum {
	EVENT_INSERT = 1,
	EVENT_REMOVE = 2,
	EVENT_NO_DATA = 4, /* a data length with no data behind it */
	EVENT_ERROR = 8,   /* the I/O fails */
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void
run(struct scsi_drive *drive, const uint8_t *record)
{
	static const uint8_t data[DATA_MAX];
	struct scsi_command command = { .read_len = get_le32(record + 17) };
	struct scsi_drive before = *drive;
	struct scsi_decision decision;
	const char *broken;

	memcpy(command.cdb, record + 1, SCSI_CDB_MAX);
	command.data_len = get_le32(record + 21) % DATA_MAX;
	if (!(record[0] & EVENT_NO_DATA))
		command.data = data;
	memset(&decision, 0xA5, sizeof(decision));
	scsi_decide(drive, &command, &decision);
	broken = scsi_rules_broken(&before, drive, &command, &decision);
	if (broken != NULL) {
		fprintf(stderr, "opcode 0x%02X: %s\n", command.cdb[0], broken);
		abort();
	}
	if (decision.action >= SCSI_READ && decision.action <= SCSI_FLUSH)
		scsi_complete(drive, command.cdb[0],
			record[0] & EVENT_ERROR ? SENSE_READ_ERROR : SENSE_NONE);
	if (decision.action == SCSI_EJECT)
		scsi_drive_remove(drive);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct scsi_medium medium = { 0 };
	struct scsi_drive drive;

	if (size < HEAD)
		return 0;
	scsi_drive_init(&drive, input[0] % DEVICE_COUNT);
	medium.is_read_only = (input[1] & 1) != 0;
	medium.size = get_be64(input + 2);
	for (size_t i = 0; i < sizeof(medium.boot_sector); i++)
		medium.boot_sector[i] = input[i % size];
	if (input[1] & 2)
		scsi_drive_insert(&drive, &medium);
	for (size_t at = HEAD; size - at >= RECORD; at += RECORD) {
		if (input[at] & EVENT_INSERT)
			scsi_drive_insert(&drive, &medium);
		else if (input[at] & EVENT_REMOVE)
			scsi_drive_remove(&drive);
		run(&drive, input + at);
	}
	return 0;
}
