/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block: what moves blocks or looks at them (SBC-3, UFI 1.0, iusb-protocol 9.2 and 9.6). No sum of
 * an address and a length is ever formed, so that none can overflow. The top three bits of byte 1
 * (protection in SBC-3) are not looked at: an older host has its LUN there.
 */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_FUA = 0x08,     /* byte 1 of a write: to stable storage before the answer */
	CDB_BYTCHK = 0x06,  /* byte 1 of a VERIFY: what the medium is compared with */
	BYTCHK_NONE = 0x00, /* nothing: is it readable? */
	BYTCHK_DATA = 0x02, /* the command's data */
	CDB_SAME_FLAGS =
		0x1F, /* byte 1 of WRITE SAME: unmap, anchor, addresses in the data, none */
};

struct extent {
	uint64_t lba;
	uint32_t count; /* blocks */
};

/* Address and length of a command that has both; the top three bits of the opcode say where. */
static struct extent
extent_of(const uint8_t *cdb)
{
	struct extent e = { 0, 0 };

	switch (cdb[0] >> 5) {
	case 0: /* 6 bytes */
		e.lba = get_be24(cdb + 1) & 0x1FFFFF;
		e.count = cdb[4] == 0 ? 256 : cdb[4];
		break;
	case 1: /* 10 bytes */
	case 2:
		e.lba = get_be32(cdb + 2);
		e.count = get_be16(cdb + 7);
		break;
	case 4: /* 16 bytes */
		e.lba = get_be64(cdb + 2);
		e.count = get_be32(cdb + 10);
		break;
	case 5: /* 12 bytes */
		e.lba = get_be32(cdb + 2);
		e.count = get_be32(cdb + 6);
		break;
	}
	return e;
}

/* What is left of the length is then 0, or more than any command may move. */
static bool
is_length_cut(const struct scsi_command *command)
{
	return command->is_cut && command->cdb[0] >> 5 == 4;
}

static bool
is_inside(const struct scsi_drive *drive, uint64_t lba, uint64_t count)
{
	return lba <= drive->blocks && count <= drive->blocks - lba;
}

/* The end of every action on blocks inside the medium; on none at all it is a success. */
static uint32_t
act(const struct scsi_drive *drive, struct extent e, enum scsi_action action,
	struct scsi_decision *out)
{
	uint32_t max =
		action == SCSI_CHECK || action == SCSI_FILL ? SCSI_SPAN_MAX : SCSI_TRANSFER_MAX;

	if (e.count > max / drive->block_len)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (e.count == 0)
		return SENSE_NONE;
	out->action = action;
	out->offset = e.lba * drive->block_len;
	out->len = e.count * drive->block_len;
	return SENSE_NONE;
}

/*
 * The number of blocks that a read asks for. The CDB says it, but for two transports that spoil
 * it; what the host wants to read is then the better witness. `rest-gadget` turns the bytes of
 * READ(12) around (iusb-protocol 7.3); and of a 16-byte CDB the lower half of the length may not
 * be carried at all.
 */
static uint32_t
read_count(const struct scsi_drive *drive, const struct scsi_command *command, uint32_t count)
{
	uint64_t wanted = command->read_len;

	if (command->cdb[0] == OP_READ_12 && (uint64_t)count * drive->block_len != wanted) {
		uint32_t swapped = get_le32(command->cdb + 6);

		if ((uint64_t)swapped * drive->block_len == wanted)
			return swapped;
	}
	if (is_length_cut(command) && count == 0)
		return (uint32_t)((wanted + drive->block_len - 1) / drive->block_len);
	return count;
}

uint32_t
block_read_at(const struct scsi_drive *drive, const struct scsi_command *command, uint64_t lba,
	uint32_t count, struct scsi_decision *out)
{
	struct extent e = { lba, count };
	uint32_t room = command->read_len / drive->block_len;

	if (!is_inside(drive, lba, count))
		return SENSE_LBA_OUT_OF_RANGE;
	/* A host that wants less than its CDB says gets the whole blocks that fit, as the BMC
	 * itself would have it (iusb-protocol 9.6). No block at all would be a success that is
	 * none. */
	if (e.count > room) {
		if (room == 0)
			return SENSE_INVALID_FIELD_IN_CDB;
		e.count = room;
	}
	return act(drive, e, SCSI_READ, out);
}

uint32_t
block_read(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);

	if (is_length_cut(command) && e.count == 0 && command->read_len == 0)
		return SENSE_INVALID_FIELD_IN_CDB; /* how many blocks, nobody knows */
	return block_read_at(drive, command, e.lba, read_count(drive, command, e.count), out);
}

/* The command's data is what the CDB announced, no byte more or less. */
static uint32_t
transfer_data(const struct scsi_drive *drive, const struct scsi_command *command, struct extent e,
	enum scsi_action action, struct scsi_decision *out)
{
	size_t data_len = command->data == NULL ? 0 : command->data_len;

	/* As in read_count(): here the data tells how much it is. With none of it, success would be
	 * a guess. */
	if (is_length_cut(command) && e.count == 0) {
		if (data_len == 0 || data_len > SCSI_TRANSFER_MAX)
			return SENSE_INVALID_FIELD_IN_CDB;
		e.count = (uint32_t)(data_len / drive->block_len);
	}
	if (!is_inside(drive, e.lba, e.count))
		return SENSE_LBA_OUT_OF_RANGE;
	if ((uint64_t)e.count * drive->block_len != data_len)
		return SENSE_INVALID_FIELD_IN_CDB;
	return act(drive, e, action, out);
}

static uint32_t
write_blocks(struct scsi_drive *drive, const struct scsi_command *command, bool is_durable,
	struct scsi_decision *out)
{
	uint32_t sense = transfer_data(drive, command, extent_of(command->cdb), SCSI_WRITE, out);

	out->flush_after = out->action == SCSI_WRITE && is_durable;
	return sense;
}

uint32_t
block_write(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	/* Byte 1 of WRITE(6) is part of the address. */
	bool is_forced = command->cdb[0] != OP_WRITE_6 && (command->cdb[1] & CDB_FUA) != 0;

	return write_blocks(drive, command, is_forced, out);
}

/* With and without BYTCHK: what was written is read back and compared. */
uint32_t
block_write_and_verify(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t sense = write_blocks(drive, command, true, out);

	out->verify_after = out->action == SCSI_WRITE;
	return sense;
}

/*
 * One block, written over and over. Zero blocks, which in SBC-3 may mean all that follow, is
 * refused, and said to be (VPD page B0, WSNZ).
 */
uint32_t
block_write_same(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);

	if ((command->cdb[1] & CDB_SAME_FLAGS) || e.count == 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (!is_inside(drive, e.lba, e.count))
		return SENSE_LBA_OUT_OF_RANGE;
	if (command->data == NULL || command->data_len != drive->block_len)
		return SENSE_INVALID_FIELD_IN_CDB;
	memcpy(out->answer, command->data, drive->block_len);
	return act(drive, e, SCSI_FILL, out);
}

uint32_t
block_verify(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);

	switch (command->cdb[1] & CDB_BYTCHK) {
	case BYTCHK_NONE:
		if (!is_inside(drive, e.lba, e.count))
			return SENSE_LBA_OUT_OF_RANGE;
		/* Nothing tells how much it is. */
		if (is_length_cut(command))
			return SENSE_INVALID_FIELD_IN_CDB;
		return act(drive, e, SCSI_CHECK, out);
	case BYTCHK_DATA:
		return transfer_data(drive, command, e, SCSI_VERIFY, out);
	default:
		return SENSE_INVALID_FIELD_IN_CDB;
	}
}

/* GOOD status says no more than that not all of it fits into a cache (SBC-3 5.8). */
uint32_t
block_pre_fetch(struct scsi_drive *drive, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	struct extent e = extent_of(command->cdb);

	return is_inside(drive, e.lba, e.count) ? SENSE_NONE : SENSE_LBA_OUT_OF_RANGE;
}

uint32_t
block_seek(struct scsi_drive *drive, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	uint64_t lba = command->cdb[0] == OP_REZERO_UNIT ? 0 : extent_of(command->cdb).lba;

	return is_inside(drive, lba, 1) ? SENSE_NONE : SENSE_LBA_OUT_OF_RANGE;
}

uint32_t
block_synchronize(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);

	if (!is_inside(drive, e.lba, e.count))
		return SENSE_LBA_OUT_OF_RANGE;
	if (!drive->is_read_only)
		out->action = SCSI_FLUSH;
	return SENSE_NONE;
}
