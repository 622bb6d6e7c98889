/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive_request: carries the decisions of scsi out on an image, one request at a time. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/drive_private.h"
#include "image/image.h"

enum {
	SERVICE_TIME_FIRST = 16, /* microseconds: the upper end of the first bucket */
};

/* Why the image failed, in words. */
static const char *
image_words(const struct drive *drive, int error)
{
	const char *trouble = image_trouble(drive->image);

	return trouble[0] ? trouble : strerror(error);
}

static void
drain(struct evbuffer *buffer)
{
	evbuffer_drain(buffer, evbuffer_get_length(buffer));
}

/* ---- the end of a request ---- */

static void
count_time(struct drive *drive)
{
	double took = (clock_monotonic() - drive->started) * 1e6;
	double end = SERVICE_TIME_FIRST;
	unsigned i = 0;

	for (; i + 1 < DRIVE_TIME_BUCKETS && took >= end; end *= 2)
		i++;
	drive->counters.service_time[i]++;
}

static void
count_failure(struct drive *drive, uint32_t sense, const char *words)
{
	uint8_t opcode = drive->command.cdb[0];
	const char *name = scsi_opcode_name(opcode);
	struct reason *error = &drive->counters.last_error;
	char opcode_text[16], sense_text[24];

	if (sense >> 16 == SENSE_MEDIUM_CHANGED >> 16)
		return;
	snprintf(opcode_text, sizeof(opcode_text), "opcode 0x%02X", opcode);
	snprintf(sense_text, sizeof(sense_text), "sense %02X/%02X/%02X", sense >> 16 & 0xFF,
		sense >> 8 & 0xFF, sense & 0xFF);
	if (!words)
		words = scsi_sense_text(sense);
	reason_set(error, "%s: %s", name ? name : opcode_text, words ? words : sense_text);
	drive->counters.failed++;
	drive->counters.last_error_time = clock_now();
}

/* Nothing is under way any more. */
static void
forget_request(struct drive *drive)
{
	event_del(drive->deadline);
	free(drive->copy);
	drive->copy = NULL;
	drive->command.data = NULL;
	drive->op = NULL;
	drive->flush = NULL;
	drive->cb = NULL;
	drive->is_waiting = false;
	drive_write_back_later(drive);
	if (drive->state == MEDIUM_LEAVING)
		event_active(drive->settle, EV_TIMEOUT, 0);
}

/* Ends the request; the callback comes last, as the drive may be freed by it. words replaces the
 * sense's text in last_error. */
static void
answer(struct drive *drive, uint32_t sense, const char *words)
{
	struct drive_answer result = { .sense = sense, .data = drive->data };
	drive_cb *cb = drive->cb;
	void *arg = drive->arg;

	if (sense) {
		drain(drive->data);
		count_failure(drive, sense, words);
	} else if (drive->decision.action == SCSI_EJECT) {
		result.is_eject = true;
		scsi_drive_remove(&drive->scsi);
	}
	scsi_complete(&drive->scsi, drive->command.cdb[0], sense);
	count_time(drive);
	forget_request(drive);
	cb(arg, &result);
}

/* The image has failed. */
static void
fail(struct drive *drive, int error, const char *words)
{
	answer(drive, error == EROFS ? SENSE_WRITE_PROTECTED : drive->io_sense, words);
}

/* ---- the steps of a request ---- */

/* What is left of the limit, the wait for a medium counted (iusb-protocol 11.5). */
static void
arm_deadline(struct drive *drive)
{
	double left = drive->limit - (clock_monotonic() - drive->started);

	clock_arm(drive->deadline, left > 0 ? left : 0);
}

/* The request goes on when op completes. */
static void
wait_for(struct drive *drive, struct image_op *op)
{
	if (op) /* else its callback was called, and the request may be over */
		drive->op = op;
}

static void
read_done_cb(void *arg, int error)
{
	struct drive *drive = arg;

	drive->op = NULL;
	if (error) {
		fail(drive, error, image_words(drive, error));
		return;
	}
	drive->counters.read += drive->decision.len;
	answer(drive, SENSE_NONE, NULL);
}

static void
looked_cb(void *arg, int error, bool is_equal)
{
	struct drive *drive = arg;

	if (error)
		fail(drive, error, image_words(drive, error));
	else
		answer(drive, is_equal ? SENSE_NONE : SENSE_MISCOMPARE, NULL);
}

/* Reads the extent, and compares it with the command's data or with nothing. */
static void
look(struct drive *drive, enum span_work work)
{
	struct span_task task = { .image = drive->image,
		.work = work,
		.offset = drive->decision.offset,
		.len = drive->decision.len,
		.data = drive->command.data };

	drive->io_sense = SENSE_READ_ERROR;
	span_start(&drive->span, &task, looked_cb, drive);
}

static void
flushed_cb(void *arg, int error, const char *words)
{
	struct drive *drive = arg;

	drive->flush = NULL;
	if (error)
		fail(drive, error, words);
	else if (drive->decision.verify_after)
		look(drive, SPAN_COMPARE);
	else
		answer(drive, SENSE_NONE, NULL);
}

static void
flush_then_go_on(struct drive *drive)
{
	struct flush *flush;

	drive->io_sense = SENSE_WRITE_ERROR;
	flush = flush_start(&drive->flusher, flushed_cb, drive);
	if (flush)
		drive->flush = flush;
}

/* The write is over; that many bytes of it came from the host. */
static void
finish_write(struct drive *drive, int error, size_t len)
{
	if (error) {
		fail(drive, error, image_words(drive, error));
		return;
	}
	drive->counters.written += len;
	if (drive->decision.flush_after)
		flush_then_go_on(drive);
	else
		answer(drive, SENSE_NONE, NULL);
}

static void
written_cb(void *arg, int error)
{
	struct drive *drive = arg;

	drive->op = NULL;
	finish_write(drive, error, drive->decision.len);
}

/* What the host sent is less than what was filled. */
static void
filled_cb(void *arg, int error, bool is_equal UNUSED)
{
	struct drive *drive = arg;

	finish_write(drive, error, drive->command.data_len);
}

static void
fill(struct drive *drive)
{
	struct span_task task = { .image = drive->image,
		.flusher = &drive->flusher,
		.work = SPAN_FILL,
		.offset = drive->decision.offset,
		.len = drive->decision.len,
		.block_len = drive->scsi.block_len,
		.data = drive->decision.answer };

	drive->io_sense = SENSE_WRITE_ERROR;
	span_start(&drive->span, &task, filled_cb, drive);
}

/* The command's data outlives the call that brought it. */
static void
keep_data(struct drive *drive)
{
	struct scsi_command *command = &drive->command;

	if (!command->data || drive->copy)
		return;
	drive->copy = mem_new(command->data_len, 1);
	memcpy(drive->copy, command->data, command->data_len);
	command->data = drive->copy;
}

void
drive_carry_out(struct drive *drive)
{
	struct scsi_decision *decision = &drive->decision;

	drive->is_waiting = false;
	scsi_decide(&drive->scsi, &drive->command, decision);
	switch (decision->action) {
	case SCSI_FAIL:
		/* Before anything is written, only an earlier write can have failed. */
		answer(drive, decision->sense,
			decision->sense == SENSE_WRITE_ERROR ? drive->lost.text : NULL);
		return;
	case SCSI_DONE:
		answer(drive, SENSE_NONE, NULL);
		return;
	case SCSI_ANSWER:
		evbuffer_add(drive->data, decision->answer, decision->len);
		answer(drive, SENSE_NONE, NULL);
		return;
	case SCSI_FLUSH:
	case SCSI_EJECT:
		arm_deadline(drive);
		flush_then_go_on(drive);
		return;
	case SCSI_READ:
		arm_deadline(drive);
		drive->io_sense = SENSE_READ_ERROR;
		wait_for(drive, image_read(drive->image, decision->offset, decision->len,
					drive->data, read_done_cb, drive));
		return;
	case SCSI_WRITE:
		arm_deadline(drive);
		if (decision->verify_after)
			keep_data(drive);
		drive->io_sense = SENSE_WRITE_ERROR;
		flusher_note_write(&drive->flusher);
		wait_for(drive, image_write(drive->image, decision->offset, drive->command.data,
					decision->len, written_cb, drive));
		return;
	case SCSI_VERIFY:
		arm_deadline(drive);
		keep_data(drive);
		look(drive, SPAN_COMPARE);
		return;
	case SCSI_CHECK:
		arm_deadline(drive);
		look(drive, SPAN_CHECK);
		return;
	case SCSI_FILL:
		arm_deadline(drive);
		fill(drive);
		return;
	}
}

/* Does not wait any longer. */
static void
give_up(struct drive *drive)
{
	if (drive->op)
		image_cancel(drive->op);
	if (drive->flush)
		flush_cancel(drive->flush);
	span_cancel(&drive->span);
}

void
drive_overdue_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct drive *drive = arg;
	struct reason why;

	if (drive->is_waiting) {
		answer(drive, SENSE_NO_MEDIUM, "the medium is being changed");
		return;
	}
	give_up(drive);
	reason_set(&why, "image did not answer within %g s", drive->limit);
	fail(drive, ETIMEDOUT, why.text);
}

void
drive_execute(struct drive *drive, const struct packet *request, drive_cb *cb, void *arg)
{
	struct scsi_command *command = &drive->command;

	assert(!drive->cb);
	drive->cb = cb;
	drive->arg = arg;
	drain(drive->data);
	*command = (struct scsi_command){ .is_cut = true, .read_len = request->read_len };
	memcpy(command->cdb, request->cdb, sizeof(request->cdb));
	if (request->data_len > 0) {
		command->data = request->data;
		command->data_len = request->data_len;
	}
	drive->started = clock_monotonic();
	drive->counters.commands++;
	drive->counters.by_opcode[request->cdb[0]]++;
	drive->counters.last_command = clock_now();
	if (drive->state == MEDIUM_IN) {
		drive_carry_out(drive);
		return;
	}
	drive->is_waiting = true;
	keep_data(drive); /* go_on() carries it out */
	arm_deadline(drive);
}

bool
drive_is_busy(const struct drive *drive)
{
	return drive->cb != NULL;
}

void
drive_cancel(struct drive *drive)
{
	give_up(drive);
	forget_request(drive);
}
