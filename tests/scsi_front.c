/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_front: carries out what the drive decides. */
#include "scsi_front.h"

static void
look_at_medium(struct front *front, uint64_t size, bool is_read_only)
{
	struct scsi_medium *medium = &front->medium;

	*medium = (struct scsi_medium){ .size = size, .is_read_only = is_read_only };
	if (!front->reads_fail)
		store_read_bytes(
			front->store, 0, size < 512 ? (size_t)size : 512, medium->boot_sector);
}

void
front_init(struct front *front, enum device device, uint64_t size, bool is_read_only,
	struct store *store)
{
	memset(front, 0, sizeof(*front));
	front->store = store;
	look_at_medium(front, size, is_read_only);
	scsi_drive_init(&front->drive, device);
	scsi_drive_insert(&front->drive, &front->medium);
}

void
front_insert(struct front *front)
{
	scsi_drive_insert(&front->drive, &front->medium);
}

void
front_replace(struct front *front, uint64_t size, bool is_read_only)
{
	look_at_medium(front, size, is_read_only);
	scsi_drive_replace(&front->drive, &front->medium);
}

static bool
flush(struct front *front)
{
	if (front->is_dirty && front->flushes_fail)
		return false;
	front->is_dirty = false;
	return true;
}

bool
front_flush(struct front *front)
{
	if (flush(front))
		return true;
	scsi_defer(&front->drive, SENSE_WRITE_ERROR);
	return false;
}

/* A drive must not ask for more than the medium has. */
static void
demand_inside(const struct front *front, const struct scsi_decision *d)
{
	uint64_t size = front->medium.size;

	if (d->offset > size || d->len > size - d->offset)
		abort();
}

static uint32_t
compare(const struct front *front, const struct scsi_decision *d, const uint8_t *data)
{
	static uint8_t bytes[SCSI_TRANSFER_MAX];

	if (front->reads_fail)
		return SENSE_READ_ERROR;
	store_read_bytes(front->store, d->offset, d->len, bytes);
	return memcmp(bytes, data, d->len) == 0 ? SENSE_NONE : SENSE_MISCOMPARE;
}

static uint32_t
write_blocks(struct front *front, const struct scsi_decision *d, const uint8_t *data)
{
	front->is_dirty = true;
	if (front->writes_fail)
		return SENSE_WRITE_ERROR;
	if (d->action == SCSI_WRITE)
		store_write_bytes(front->store, d->offset, d->len, data);
	else
		for (uint32_t at = 0; at < d->len; at += STORE_BLOCK)
			store_write_bytes(front->store, d->offset + at, STORE_BLOCK, d->answer);
	if (d->flush_after && !flush(front))
		return SENSE_WRITE_ERROR;
	return d->verify_after ? compare(front, d, data) : SENSE_NONE;
}

static uint32_t
carry_out(struct front *front, const struct scsi_command *command, const struct scsi_decision *d,
	struct model_outcome *outcome)
{
	switch (d->action) {
	case SCSI_FAIL:
		return d->sense;
	case SCSI_DONE:
		return SENSE_NONE;
	case SCSI_ANSWER:
		memcpy(outcome->bytes, d->answer, d->len);
		outcome->len = d->len;
		return SENSE_NONE;
	case SCSI_READ:
		demand_inside(front, d);
		if (front->reads_fail)
			return SENSE_READ_ERROR;
		store_read_bytes(front->store, d->offset, d->len, outcome->bytes);
		outcome->len = d->len;
		return SENSE_NONE;
	case SCSI_WRITE:
	case SCSI_FILL:
		demand_inside(front, d);
		return write_blocks(front, d, command->data);
	case SCSI_VERIFY:
		demand_inside(front, d);
		return compare(front, d, command->data);
	case SCSI_CHECK:
		demand_inside(front, d);
		return front->reads_fail ? SENSE_READ_ERROR : SENSE_NONE;
	case SCSI_FLUSH:
		return flush(front) ? SENSE_NONE : SENSE_WRITE_ERROR;
	case SCSI_EJECT:
		if (!flush(front))
			return SENSE_WRITE_ERROR;
		outcome->is_eject = true;
		scsi_drive_remove(&front->drive);
		return SENSE_NONE;
	}
	abort();
}

void
front_execute(struct front *front, const struct model_request *r, struct model_outcome *outcome)
{
	struct scsi_command command = { .read_len = r->want };
	struct scsi_decision decision;

	memcpy(command.cdb, r->cdb, sizeof(command.cdb));
	if (r->data_len > 0) {
		command.data = r->data;
		command.data_len = r->data_len;
	}
	outcome->len = 0;
	outcome->is_eject = false;
	scsi_decide(&front->drive, &command, &decision);
	outcome->sense = carry_out(front, &command, &decision, outcome);
	scsi_complete(&front->drive, command.cdb[0], outcome->sense);
}
