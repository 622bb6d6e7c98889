/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block: reads, writes, verifies and capacities (SBC-3, UFI 1.0, iusb-protocol 9.2 and 9.6).
 * No sum of an address and a length is ever formed, so that none can overflow.
 */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_FUA = 0x08,          /* byte 1 of a write: to stable storage before the answer */
	CDB_BYTCHK = 0x06,       /* byte 1 of a VERIFY: what the medium is compared with */
	BYTCHK_NONE = 0x00,      /* nothing: is it readable? */
	BYTCHK_DATA = 0x02,      /* the command's data */
	CDB_PMI = 0x01,          /* byte 8 of READ CAPACITY(10) */
	SA_READ_CAPACITY = 0x10, /* service action of SERVICE ACTION IN(16) */
	CAPACITY_FORMATTED = 2,  /* descriptor codes of READ FORMAT CAPACITIES */
	CAPACITY_NO_MEDIUM = 3,
	BLOCKS_144 = 2880, /* a 1.44 MB floppy, said to fit when nothing is in the drive */
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

static bool
is_16_byte(const uint8_t *cdb)
{
	return cdb[0] >> 5 == 4;
}

static bool
is_inside(const struct scsi_drive *drive, uint64_t lba, uint64_t count)
{
	return lba <= drive->blocks && count <= drive->blocks - lba;
}

/* The end of every transfer of blocks inside the medium; none at all is a success. */
static uint32_t
transfer(const struct scsi_drive *drive, struct extent e, enum scsi_action action,
	struct scsi_decision *out)
{
	if (e.count > SCSI_TRANSFER_MAX / drive->block_len)
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
 * READ(12) around (iusb-protocol 7.3); and of a 16-byte CDB the last four bytes, with the lower
 * half of the length, are not carried at all.
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
	if (is_16_byte(command->cdb) && count == 0)
		return (uint32_t)(wanted / drive->block_len);
	return count;
}

uint32_t
block_read(struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);
	uint32_t room = command->read_len / drive->block_len;

	e.count = read_count(drive, command, e.count);
	if (!is_inside(drive, e.lba, e.count))
		return SENSE_LBA_OUT_OF_RANGE;
	/* A host that wants less than its CDB says gets the whole blocks that fit, as the BMC
	 * itself would have it (iusb-protocol 9.6). No block at all would be a success that is
	 * none. */
	if (e.count > room) {
		if (room == 0)
			return SENSE_INVALID_FIELD_IN_CDB;
		e.count = room;
	}
	return transfer(drive, e, SCSI_READ, out);
}

/* The command's data is what the CDB announced, no byte more or less. */
static uint32_t
transfer_data(const struct scsi_drive *drive, const struct scsi_command *command, struct extent e,
	enum scsi_action action, struct scsi_decision *out)
{
	size_t data_len = command->data == NULL ? 0 : command->data_len;

	/* As in read_count(): here the data tells how much it is. */
	if (is_16_byte(command->cdb) && e.count == 0) {
		if (data_len > SCSI_TRANSFER_MAX)
			return SENSE_INVALID_FIELD_IN_CDB;
		e.count = (uint32_t)(data_len / drive->block_len);
	}
	if (!is_inside(drive, e.lba, e.count))
		return SENSE_LBA_OUT_OF_RANGE;
	if ((uint64_t)e.count * drive->block_len != data_len)
		return SENSE_INVALID_FIELD_IN_CDB;
	return transfer(drive, e, action, out);
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

uint32_t
block_write_and_verify(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	return write_blocks(drive, command, true, out);
}

uint32_t
block_verify(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	struct extent e = extent_of(command->cdb);

	switch (command->cdb[1] & CDB_BYTCHK) {
	case BYTCHK_NONE: /* moves nothing, so it may be of any length */
		return is_inside(drive, e.lba, e.count) ? SENSE_NONE : SENSE_LBA_OUT_OF_RANGE;
	case BYTCHK_DATA:
		return transfer_data(drive, command, e, SCSI_VERIFY, out);
	default:
		return SENSE_INVALID_FIELD_IN_CDB;
	}
}

uint32_t
block_seek(struct scsi_drive *drive, const struct scsi_command *command,
	struct scsi_decision *out UNUSED)
{
	return is_inside(drive, get_be32(command->cdb + 2), 1) ? SENSE_NONE
							       : SENSE_LBA_OUT_OF_RANGE;
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

/* A number of blocks or an address where only four bytes are: all ones if it does not fit. */
static uint32_t
saturate(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

uint32_t
block_capacity_10(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	bool is_partial = (command->cdb[8] & CDB_PMI) != 0;

	if (!is_partial && get_be32(command->cdb + 2) != 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	put_be32(out->answer, saturate(drive->blocks - 1));
	put_be32(out->answer + 4, drive->block_len);
	return op_answer(command, out, 8, 8);
}

uint32_t
block_service_action_in(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t allocation = get_be32(command->cdb + 10);

	if ((command->cdb[1] & 0x1F) != SA_READ_CAPACITY)
		return SENSE_INVALID_FIELD_IN_CDB;
	/* Its lower half does not come through (read_count()); read_len is the limit then. */
	if (allocation == 0)
		allocation = command->read_len;
	put_be64(out->answer, drive->blocks - 1);
	put_be32(out->answer + 8, drive->block_len);
	return op_answer(command, out, 32, allocation);
}

uint32_t
block_format_capacities(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	bool is_formatted = drive->has_medium && drive->blocks > 0;
	uint8_t *p = out->answer;

	p[3] = 8; /* one descriptor */
	put_be32(p + 4, is_formatted ? saturate(drive->blocks) : BLOCKS_144);
	p[8] = is_formatted ? CAPACITY_FORMATTED : CAPACITY_NO_MEDIUM;
	put_be24(p + 9, drive->block_len);
	return op_answer(command, out, 12, get_be16(command->cdb + 7));
}
