/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lun: a sparse memory file is the medium; what scsi_decide() says is done on it. */
#include "lun.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	OP_TEST_UNIT_READY = 0x00,
	OP_START_STOP = 0x1B,
	START_STOP_LOAD = 3, /* LOEJ and START, byte 4 */
};

/* One command at a time, so one buffer for all drives. */
static uint8_t buffer[SCSI_TRANSFER_MAX];

bool
lun_open(struct lun *lun)
{
	lun->fd = memfd_create(lun->name, MFD_CLOEXEC);
	if (lun->fd < 0 || ftruncate(lun->fd, (off_t)lun->size) < 0) {
		fprintf(stderr, "%s: %s\n", lun->name, strerror(errno));
		return false;
	}
	lun->medium = (struct scsi_medium){ .size = lun->size, .is_read_only = lun->is_read_only };
	scsi_drive_init(&lun->drive, lun->device);
	lun_reset(lun);
	return true;
}

void
lun_close(struct lun *lun)
{
	if (lun->fd >= 0)
		close(lun->fd);
	lun->fd = -1;
}

void
lun_reset(struct lun *lun)
{
	scsi_drive_insert(&lun->drive, &lun->medium);
}

/* Reads what fits into the buffer. */
static bool
read_medium(const struct lun *lun, uint64_t offset, uint32_t len)
{
	assert(len <= sizeof(buffer) && offset <= lun->size && len <= lun->size - offset);
	return pread(lun->fd, buffer, len, (off_t)offset) == (ssize_t)len;
}

static bool
write_medium(const struct lun *lun, uint64_t offset, const uint8_t *data, uint32_t len)
{
	assert(offset <= lun->size && len <= lun->size - offset);
	return pwrite(lun->fd, data, len, (off_t)offset) == (ssize_t)len;
}

static uint32_t
compare(const struct lun *lun, const struct scsi_decision *decision, const uint8_t *data)
{
	if (!read_medium(lun, decision->offset, decision->len))
		return SENSE_READ_ERROR;
	return memcmp(buffer, data, decision->len) == 0 ? SENSE_NONE : SENSE_MISCOMPARE;
}

/* A span that may be longer than the buffer, piece by piece: read, or written from the buffer. */
static bool
each_piece(const struct lun *lun, const struct scsi_decision *decision, bool is_write)
{
	uint32_t n;

	for (uint32_t done = 0; done < decision->len; done += n) {
		uint64_t offset = decision->offset + done;

		n = decision->len - done;
		if (n > sizeof(buffer))
			n = sizeof(buffer);
		if (is_write ? !write_medium(lun, offset, buffer, n) : !read_medium(lun, offset, n))
			return false;
	}
	return true;
}

static uint32_t
fill(const struct lun *lun, const struct scsi_decision *decision)
{
	uint32_t block = lun->drive.block_len;

	for (uint32_t at = 0; at < sizeof(buffer); at += block)
		memcpy(buffer + at, decision->answer, block);
	return each_piece(lun, decision, true) ? SENSE_NONE : SENSE_WRITE_ERROR;
}

/* Carries the decision out. Returns the sense of what went wrong. */
static uint32_t
carry_out(struct lun *lun, const struct scsi_command *command, const struct scsi_decision *decision,
	struct lun_result *result)
{
	uint32_t len = decision->len;

	switch (decision->action) {
	case SCSI_FAIL:
		return decision->sense;
	case SCSI_DONE:
	case SCSI_FLUSH: /* memory keeps nothing back */
		return SENSE_NONE;
	case SCSI_ANSWER:
		memcpy(buffer, decision->answer, len);
		result->data = buffer;
		result->len = len;
		return SENSE_NONE;
	case SCSI_READ:
		if (!read_medium(lun, decision->offset, len))
			return SENSE_READ_ERROR;
		result->data = buffer;
		result->len = len;
		return SENSE_NONE;
	case SCSI_WRITE:
		if (!write_medium(lun, decision->offset, command->data, len))
			return SENSE_WRITE_ERROR;
		result->len = len;
		return decision->verify_after ? compare(lun, decision, command->data) : SENSE_NONE;
	case SCSI_VERIFY:
		result->len = len;
		return compare(lun, decision, command->data);
	case SCSI_CHECK:
		return each_piece(lun, decision, false) ? SENSE_NONE : SENSE_READ_ERROR;
	case SCSI_FILL:
		result->len = (uint32_t)command->data_len;
		return fill(lun, decision);
	case SCSI_EJECT:
		scsi_drive_remove(&lun->drive);
		return SENSE_NONE;
	}
	return SENSE_INVALID_OPCODE;
}

/* The bytes that the drive would send to a host with room for everything: asked of a copy. */
static uint32_t
asked_len(const struct scsi_drive *drive, const struct scsi_command *command)
{
	struct scsi_drive copy = *drive;
	struct scsi_command roomy = *command;
	struct scsi_decision decision;

	roomy.read_len = SCSI_TRANSFER_MAX;
	scsi_decide(&copy, &roomy, &decision);
	return decision.action == SCSI_READ || decision.action == SCSI_ANSWER ? decision.len : 0;
}

/* The hand that puts the medium back: on "load", unless the host has locked the tray. As it was the
 * host's own wish, its unit attention is taken away. */
static uint32_t
load(struct lun *lun)
{
	struct scsi_command ready = { .cdb = { OP_TEST_UNIT_READY } };
	struct scsi_decision decision;

	if (lun->drive.is_locked)
		return SENSE_REMOVAL_PREVENTED;
	lun_reset(lun);
	scsi_decide(&lun->drive, &ready, &decision);
	return SENSE_NONE;
}

static bool
is_load(const struct lun *lun, const uint8_t *cdb)
{
	return cdb[0] == OP_START_STOP && (cdb[4] & 0xF3) == START_STOP_LOAD &&
	       !lun->drive.has_medium;
}

void
lun_execute(struct lun *lun, const struct scsi_command *command, struct lun_result *result)
{
	struct scsi_decision decision;
	const uint8_t *cdb = command->cdb;
	uint32_t asked = command->read_len > 0 ? asked_len(&lun->drive, command) : 0;

	*result = (struct lun_result){ 0 };
	if (is_load(lun, cdb)) {
		result->sense = load(lun);
		return;
	}
	scsi_decide(&lun->drive, command, &decision);
	result->sense = carry_out(lun, command, &decision, result);
	if (decision.action != SCSI_EJECT)
		scsi_complete(&lun->drive, cdb[0], result->sense);
	result->asked = asked > result->len ? asked : result->len;
}
