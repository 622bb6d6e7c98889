/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive: carries the decisions of scsi out on an image. */
#include "bmc/drive.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/flush.h"
#include "image/image.h"
#include "scsi/scsi.h"

enum {
	SERVICE_TIME_FIRST = 16, /* microseconds: the upper end of the first bucket */
	BOOT_SHARE = 4,          /* the boot sector may take this part of the limit */
};

struct drive {
	struct event_base *base;
	struct image *image; /* owned */
	struct scsi_drive scsi;
	struct scsi_medium medium;
	struct drive_counters counters;
	double limit; /* seconds */
	struct flusher flusher;

	bool is_inserted;         /* the medium's facts are known: commands can be decided */
	struct evbuffer *boot;    /* boot sector, while it is read */
	struct image_op *boot_op; /* its read, or NULL */
	struct event *boot_deadline;

	/* The request under way, if cb is set. */
	drive_cb *cb;
	void *arg;
	struct scsi_command command;
	uint8_t *copy; /* of the command's data, where it outlives the call; owned */
	struct scsi_decision decision;
	struct image_op *op; /* what it waits for, */
	struct flush *flush; /* or this */
	struct event *deadline;
	double started;        /* monotonic */
	struct evbuffer *data; /* for the host */
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

/* The sense of a failed read or write. */
static uint32_t
io_sense(const struct drive *drive, int error)
{
	if (error == EROFS)
		return SENSE_WRITE_PROTECTED;
	return drive->decision.action == SCSI_READ || drive->decision.action == SCSI_VERIFY
		       ? SENSE_READ_ERROR
		       : SENSE_WRITE_ERROR;
}

/* ---- the steps of a request ---- */

/* The request goes on when op completes. */
static void
wait_for(struct drive *drive, struct image_op *op)
{
	if (op) /* else its callback was called, and the request may be over */
		drive->op = op;
}

static void
flushed_cb(void *arg, int error, const char *words)
{
	struct drive *drive = arg;

	drive->flush = NULL;
	answer(drive, error ? SENSE_WRITE_ERROR : SENSE_NONE, words);
}

static void
flush_then_answer(struct drive *drive)
{
	struct flush *flush = flush_start(&drive->flusher, flushed_cb, drive);

	if (flush)
		drive->flush = flush;
}

static void
read_done_cb(void *arg, int error)
{
	struct drive *drive = arg;

	drive->op = NULL;
	if (error) {
		answer(drive, io_sense(drive, error), image_words(drive, error));
		return;
	}
	drive->counters.read += drive->decision.len;
	answer(drive, SENSE_NONE, NULL);
}

static void
write_done_cb(void *arg, int error)
{
	struct drive *drive = arg;

	drive->op = NULL;
	if (error) {
		answer(drive, io_sense(drive, error), image_words(drive, error));
		return;
	}
	drive->counters.written += drive->decision.len;
	if (drive->decision.flush_after)
		flush_then_answer(drive);
	else
		answer(drive, SENSE_NONE, NULL);
}

static void
verify_done_cb(void *arg, int error)
{
	struct drive *drive = arg;
	size_t len = drive->decision.len;
	bool is_equal;

	drive->op = NULL;
	if (error) {
		answer(drive, io_sense(drive, error), image_words(drive, error));
		return;
	}
	is_equal = drive->command.data_len >= len &&
		   (len == 0 || memcmp(evbuffer_pullup(drive->data, (ev_ssize_t)len),
					drive->command.data, len) == 0);
	drain(drive->data);
	answer(drive, is_equal ? SENSE_NONE : SENSE_MISCOMPARE, NULL);
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

static void
carry_out(struct drive *drive)
{
	struct scsi_decision *decision = &drive->decision;

	scsi_decide(&drive->scsi, &drive->command, decision);
	switch (decision->action) {
	case SCSI_FAIL:
		answer(drive, decision->sense, NULL);
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
		clock_arm(drive->deadline, drive->limit);
		flush_then_answer(drive);
		return;
	case SCSI_READ:
		clock_arm(drive->deadline, drive->limit);
		wait_for(drive, image_read(drive->image, decision->offset, decision->len,
					drive->data, read_done_cb, drive));
		return;
	case SCSI_WRITE:
		clock_arm(drive->deadline, drive->limit);
		flusher_note_write(&drive->flusher);
		wait_for(drive, image_write(drive->image, decision->offset, drive->command.data,
					decision->len, write_done_cb, drive));
		return;
	case SCSI_VERIFY:
		clock_arm(drive->deadline, drive->limit);
		keep_data(drive);
		wait_for(drive, image_read(drive->image, decision->offset, decision->len,
					drive->data, verify_done_cb, drive));
		return;
	}
}

static void
overdue_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct drive *drive = arg;
	struct reason why;

	if (drive->op)
		image_cancel(drive->op);
	if (drive->flush)
		flush_cancel(drive->flush);
	reason_set(&why, "image did not answer within %g s", drive->limit);
	answer(drive, io_sense(drive, ETIMEDOUT), why.text);
}

void
drive_execute(struct drive *drive, const struct packet *request, drive_cb *cb, void *arg)
{
	struct scsi_command *command = &drive->command;

	assert(!drive->cb);
	drive->cb = cb;
	drive->arg = arg;
	drain(drive->data);
	*command = (struct scsi_command){ .read_len = request->read_len };
	memcpy(command->cdb, request->cdb, sizeof(request->cdb));
	if (request->data_len > 0) {
		command->data = request->data;
		command->data_len = request->data_len;
	}
	drive->started = clock_monotonic();
	drive->counters.commands++;
	drive->counters.by_opcode[request->cdb[0]]++;
	drive->counters.last_command = clock_now();
	if (drive->is_inserted)
		carry_out(drive);
	else
		keep_data(drive); /* insert() goes on with it */
}

bool
drive_is_busy(const struct drive *drive)
{
	return drive->cb != NULL;
}

void
drive_cancel(struct drive *drive)
{
	if (drive->op)
		image_cancel(drive->op);
	if (drive->flush)
		flush_cancel(drive->flush);
	forget_request(drive);
}

/* ---- the medium ---- */

static void
insert(struct drive *drive)
{
	drive->boot_op = NULL;
	event_del(drive->boot_deadline);
	evbuffer_remove(drive->boot, drive->medium.boot_sector, sizeof(drive->medium.boot_sector));
	scsi_drive_insert(&drive->scsi, &drive->medium);
	drive->is_inserted = true;
	if (drive->cb)
		carry_out(drive);
}

/* With an error the geometry is a guess; the reads that follow tell the host. */
static void
boot_read_cb(void *arg, int error UNUSED)
{
	insert(arg);
}

static void
boot_overdue_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct drive *drive = arg;

	image_cancel(drive->boot_op);
	insert(drive);
}

struct drive *
drive_new(struct event_base *base, enum device device, struct image *image)
{
	struct drive *drive = mem_new(1, sizeof(*drive));
	size_t len = sizeof(drive->medium.boot_sector);
	struct image_op *op;

	drive->base = base;
	drive->image = image;
	drive->limit = DRIVE_IO_LIMIT;
	drive->medium.size = image_size(image);
	drive->medium.is_read_only = image_mode(image) == IMAGE_RO;
	drive->boot = evbuffer_new();
	drive->data = evbuffer_new();
	drive->deadline = evtimer_new(base, overdue_cb, drive);
	drive->boot_deadline = evtimer_new(base, boot_overdue_cb, drive);
	flusher_init(&drive->flusher, base, image, drive->limit);
	scsi_drive_init(&drive->scsi, device);
	if (device == DEVICE_CD) {
		insert(drive);
		return drive;
	}
	if (len > drive->medium.size)
		len = (size_t)drive->medium.size;
	op = image_read(image, 0, len, drive->boot, boot_read_cb, drive);
	if (op) {
		drive->boot_op = op;
		clock_arm(drive->boot_deadline, drive->limit / BOOT_SHARE);
	}
	return drive;
}

void
drive_free(struct drive *drive)
{
	if (!drive)
		return;
	drive_cancel(drive);
	if (drive->boot_op)
		image_cancel(drive->boot_op);
	flusher_fini(&drive->flusher);
	image_close(drive->image);
	event_free(drive->deadline);
	event_free(drive->boot_deadline);
	evbuffer_free(drive->boot);
	evbuffer_free(drive->data);
	free(drive);
}

void
drive_flush(struct drive *drive, drive_flush_cb *cb, void *arg)
{
	(void)flush_start(&drive->flusher, cb, arg);
}

void
drive_attention(struct drive *drive)
{
	if (drive->is_inserted)
		scsi_drive_insert(&drive->scsi, &drive->medium);
}

void
drive_set_limit(struct drive *drive, double seconds)
{
	drive->limit = seconds;
	drive->flusher.limit = seconds;
}

const struct drive_counters *
drive_counters(const struct drive *drive)
{
	return &drive->counters;
}

struct image *
drive_image(const struct drive *drive)
{
	return drive->image;
}
