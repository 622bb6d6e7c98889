/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_scsi: any commands in any order to any drive with any medium, whole or in the envelope of a
 * packet, and what is decided is carried out on a small medium. Input: one byte of device, one of
 * flags, eight of medium size, then records: one byte that says what happens, 16 of CDB, four of
 * read length, four of data length, and, with their number in front of them, the first data bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../scsi_rules.h"
#include "base/bytes.h"
#include "iusb/packet.h"

enum {
	HEAD = 10,
	RECORD = 26, /* without the data bytes */
	DATA_MAX = SCSI_TRANSFER_MAX + 4096,
	DISK_MAX = 1 << 20, /* media up to here have bytes */
};

/* Flags. */
enum { IS_READ_ONLY = 1, IS_INSERTED = 2 };

/* What happens, by the bits of a record's first byte. */
enum {
	EVENT_INSERT = 1,
	EVENT_REMOVE = 2,
	EVENT_NO_DATA = 4,   /* a data length with no data behind it */
	EVENT_ERROR = 8,     /* the I/O fails */
	EVENT_ENVELOPE = 16, /* the command comes in a packet, its CDB cut */
	EVENT_DEFER = 32,    /* a write-back has failed */
	EVENT_GROW = 64,     /* the medium that is put in is larger by a block */
	EVENT_REPLACE = 128, /* another medium takes the place of the one in the drive */
};

static uint8_t data[DATA_MAX];
static uint8_t disk[DISK_MAX];
static uint8_t wire[PACKET_SCSI_LEN + DATA_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void
demand(bool is_so, uint8_t opcode, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "opcode 0x%02X: %s\n", opcode, what);
	abort();
}

/* Puts the command into a packet and takes out again what arrives. False: there is no such packet.
 */
static bool
send_command(struct scsi_command *command, struct packet *packet)
{
	struct packet_request request = { .read_len = command->read_len,
		.seq = 0x01020304,
		.key = 0x1F0238BC,
		.data_dir = command->data != NULL ? DATA_DIR_WRITE : DATA_DIR_READ,
		.leftover = { 0xA5, 0x5A, 0xA5, 0x5A } };
	size_t data_len = command->data != NULL ? command->data_len : 0;

	memcpy(request.cdb, command->cdb, PACKET_CDB_LEN);
	request.data_len = (uint32_t)data_len;
	packet_request(wire, &request);
	memcpy(wire + PACKET_SCSI_LEN, data, data_len);
	if (packet_decode(wire, PACKET_SCSI_LEN + data_len, packet, NULL) != PACKET_READY ||
		packet_is_control(packet))
		return false;
	demand(memcmp(packet->cdb, command->cdb, PACKET_CDB_LEN) == 0, packet->op, "another CDB");
	*command = (struct scsi_command){ .is_cut = true, .read_len = packet->read_len };
	memcpy(command->cdb, packet->cdb, PACKET_CDB_LEN);
	if (packet->data_len > 0) {
		command->data = packet->data;
		command->data_len = packet->data_len;
	}
	return true;
}

/* What goes back keeps to the limits of the BMC (iusb-protocol 3). */
static void
check_reply(const struct packet *packet, const struct scsi_decision *decision)
{
	bool has_data = decision->action == SCSI_ANSWER || decision->action == SCSI_READ;
	uint8_t reply[PACKET_SCSI_LEN], sum = 0;

	packet_reply(reply, packet, decision->sense, has_data ? decision->len : 0);
	for (size_t i = 0; i < PACKET_HEADER_LEN; i++)
		sum = (uint8_t)(sum + reply[i]);
	demand(sum == 0, packet->op, "a wrong checksum");
	demand(get_le32(reply + OFF_DATA_LEN) <= packet->read_len, packet->op, "too much data");
	demand(get_le32(reply + OFF_DATA_PKT_LEN) == 29 + get_le32(reply + OFF_DATA_LEN),
		packet->op, "a wrong length");
	demand((reply[OFF_STATUS] != 0) == (decision->sense != 0), packet->op, "a wrong status");
}

/* Moves the bytes, so that a wrong extent is seen. */
static uint32_t
carry_out(const struct scsi_drive *drive, const struct scsi_command *command,
	const struct scsi_decision *decision)
{
	uint64_t end = decision->offset + decision->len;

	if (drive->blocks * drive->block_len > DISK_MAX)
		return SENSE_NONE;
	switch (decision->action) {
	case SCSI_READ:
		demand(end <= DISK_MAX, command->cdb[0], "reads behind the medium");
		memcpy(wire, disk + decision->offset, decision->len);
		return SENSE_NONE;
	case SCSI_VERIFY:
		return memcmp(disk + decision->offset, command->data, decision->len) == 0
			       ? SENSE_NONE
			       : SENSE_MISCOMPARE;
	case SCSI_WRITE:
		memcpy(disk + decision->offset, command->data, decision->len);
		return SENSE_NONE;
	case SCSI_FILL:
		for (uint32_t at = 0; at < decision->len; at += drive->block_len)
			memcpy(disk + decision->offset + at, decision->answer, drive->block_len);
		return SENSE_NONE;
	default:
		return SENSE_NONE;
	}
}

static void
run(struct scsi_drive *drive, uint8_t event, struct scsi_command *command)
{
	struct scsi_drive before;
	struct scsi_decision decision;
	struct packet packet;
	const char *broken;
	uint32_t sense;

	if ((event & EVENT_ENVELOPE) && !send_command(command, &packet))
		return;
	before = *drive;
	memset(&decision, 0xA5, sizeof(decision));
	scsi_decide(drive, command, &decision);
	broken = scsi_rules_broken(&before, drive, command, &decision);
	demand(broken == NULL, command->cdb[0], broken);
	if (event & EVENT_ENVELOPE)
		check_reply(&packet, &decision);
	if (decision.action >= SCSI_READ && decision.action <= SCSI_FLUSH) {
		sense = carry_out(drive, command, &decision);
		scsi_complete(
			drive, command->cdb[0], event & EVENT_ERROR ? SENSE_READ_ERROR : sense);
	}
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
	medium.is_read_only = (input[1] & IS_READ_ONLY) != 0;
	medium.size = get_be64(input + 2);
	for (size_t i = 0; i < sizeof(medium.boot_sector); i++)
		medium.boot_sector[i] = input[i % size];
	if (input[1] & IS_INSERTED)
		scsi_drive_insert(&drive, &medium);
	for (size_t at = HEAD; size - at >= RECORD;) {
		const uint8_t *record = input + at;
		struct scsi_command command = { .read_len = get_le32(record + 17) };
		size_t prefix = record[25];

		at += RECORD;
		if (prefix > size - at)
			prefix = size - at;
		memset(data, 0, 256);
		memcpy(data, input + at, prefix);
		at += prefix;
		memcpy(command.cdb, record + 1, SCSI_CDB_MAX);
		command.data_len = get_le32(record + 21) % DATA_MAX;
		if (!(record[0] & EVENT_NO_DATA))
			command.data = data;
		if (record[0] & EVENT_GROW)
			medium.size += drive.block_len;
		if (record[0] & EVENT_REPLACE)
			scsi_drive_replace(&drive, &medium);
		else if (record[0] & EVENT_INSERT)
			scsi_drive_insert(&drive, &medium);
		else if (record[0] & EVENT_REMOVE)
			scsi_drive_remove(&drive);
		if (record[0] & EVENT_DEFER)
			scsi_defer(&drive, SENSE_WRITE_ERROR);
		run(&drive, record[0], &command);
	}
	return 0;
}
