/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_rules: what holds for every decision of a drive, whatever it was asked. For the unit test
 * and the fuzz target. */
#ifndef TESTS_SCSI_RULES_H
#define TESTS_SCSI_RULES_H

#include <string.h>

#include "scsi/scsi.h"

static inline const char *
scsi_rules_of_failure(const struct scsi_drive *drive, const struct scsi_decision *d)
{
	if (d->sense == SENSE_NONE || scsi_sense_text(d->sense) == NULL)
		return "fails with a sense that has no name";
	if (drive->last_sense != d->sense)
		return "fails, and REQUEST SENSE will not say so";
	return NULL;
}

static inline bool
scsi_rules_is_span(const struct scsi_decision *d)
{
	return d->action == SCSI_CHECK || d->action == SCSI_FILL;
}

static inline const char *
scsi_rules_of_transfer(const struct scsi_drive *drive, const struct scsi_decision *d)
{
	uint64_t size = drive->blocks * drive->block_len;

	if (!drive->has_medium)
		return "moves blocks of a medium that is not there";
	if (d->len == 0 || d->len > (scsi_rules_is_span(d) ? SCSI_SPAN_MAX : SCSI_TRANSFER_MAX))
		return "moves nothing or too much";
	if (d->offset % drive->block_len != 0 || d->len % drive->block_len != 0)
		return "moves pieces of blocks";
	if (d->offset > size || d->len > size - d->offset)
		return "moves blocks beyond the end of the medium";
	return NULL;
}

/* True if the command of that opcode fails with that sense, or is a REQUEST SENSE that reports it.
 */
static inline bool
scsi_rules_tells(
	const struct scsi_decision *d, const struct scsi_command *c, uint8_t opcode, uint32_t sense)
{
	if (c->cdb[0] != 0x03)
		return c->cdb[0] == opcode && d->action == SCSI_FAIL && d->sense == sense;
	if (d->action != SCSI_ANSWER)
		return false;
	if (d->answer[0] >= 0x72)
		return d->answer[1] == sense >> 16 && d->answer[2] == (sense >> 8 & 0xFF);
	return d->answer[2] == sense >> 16 && d->answer[12] == (sense >> 8 & 0xFF);
}

/*
 * before and after: the drive as it was and as it is. Returns NULL, or the rule that is broken.
 */
static inline const char *
scsi_rules_broken(const struct scsi_drive *before, const struct scsi_drive *after,
	const struct scsi_command *c, const struct scsi_decision *d)
{
	bool is_transfer = d->action == SCSI_READ || d->action == SCSI_WRITE ||
			   d->action == SCSI_VERIFY || scsi_rules_is_span(d);
	const char *broken = NULL;

	if (before->has_medium != after->has_medium || before->blocks != after->blocks ||
		before->is_read_only != after->is_read_only ||
		before->block_len != after->block_len || before->device != after->device ||
		(after->is_replaced && !before->is_replaced))
		return "a command changes the medium";
	if (d->action != SCSI_FAIL && d->sense != SENSE_NONE)
		return "succeeds with a sense";
	if (!is_transfer && d->action != SCSI_ANSWER && d->len != 0)
		return "has a length and nothing to move";
	if (d->flush_after && d->action != SCSI_WRITE && d->action != SCSI_FILL)
		return "flushes what it did not write";
	if (d->verify_after && d->action != SCSI_WRITE)
		return "verifies what it did not write";
	if (before->has_changed && !after->has_changed &&
		!scsi_rules_tells(
			d, c, before->is_replaced ? c->cdb[0] : 0x00, SENSE_MEDIUM_CHANGED))
		return "the unit attention is lost";
	if (before->is_replaced != after->is_replaced && after->has_changed)
		return "a medium is replaced, or not, and the host is not told";
	if (before->is_replaced && (d->action == SCSI_WRITE || d->action == SCSI_FILL))
		return "what is for another medium is written to this one";
	if (before->deferred != SENSE_NONE && after->deferred == SENSE_NONE &&
		!scsi_rules_tells(d, c, c->cdb[0], before->deferred))
		return "the deferred error is lost";
	if (scsi_opcode_name(c->cdb[0]) == NULL &&
		(d->action != SCSI_FAIL || d->sense != SENSE_INVALID_OPCODE))
		return "a command without a name is carried out";
	if (is_transfer)
		broken = scsi_rules_of_transfer(after, d);
	if (broken != NULL)
		return broken;

	switch (d->action) {
	case SCSI_FAIL:
		return scsi_rules_of_failure(after, d);
	case SCSI_ANSWER:
		if (d->len == 0 || d->len > SCSI_INLINE_MAX || d->len > c->read_len)
			return "answers nothing or too much";
		return NULL;
	case SCSI_READ:
		return d->len > c->read_len ? "reads more than the host wants" : NULL;
	case SCSI_WRITE:
		if (after->is_read_only || after->device == DEVICE_CD)
			return "writes to a read-only medium";
		/* fall through */
	case SCSI_VERIFY:
		if (c->data == NULL || c->data_len != d->len)
			return "writes or verifies what is not there";
		return NULL;
	case SCSI_FILL:
		if (after->is_read_only || after->device == DEVICE_CD)
			return "fills a read-only medium";
		return c->data == NULL ? "fills with nothing" : NULL;
	case SCSI_CHECK:
		return c->cdb[1] & 0x06 ? "checks where it should compare" : NULL;
	case SCSI_FLUSH:
		return after->is_read_only || !after->has_medium ? "flushes nothing" : NULL;
	case SCSI_EJECT:
		return after->is_locked || !after->has_medium ? "ejects what it must not" : NULL;
	case SCSI_DONE:
		return NULL;
	}
	return "no such action";
}

#endif
