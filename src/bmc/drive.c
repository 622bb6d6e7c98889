/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive: its life, its medium, and what is flushed behind the host's back. */
#include <assert.h>
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/drive_private.h"
#include "image/image.h"

enum {
	BOOT_SHARE = 4, /* the boot sector may take this part of the limit */
};

/* ---- what was written ---- */

/* What the host wrote may not be safe, and it was told that it is. */
static void
lose_writes(struct drive *drive, const char *words)
{
	reason_set(&drive->lost, "write-back: %s", words);
	drive->counters.last_error = drive->lost;
	drive->counters.last_error_time = clock_now();
	scsi_defer(&drive->scsi, SENSE_WRITE_ERROR);
}

static void
written_back_cb(void *arg, int error, const char *words)
{
	struct drive *drive = arg;

	if (drive->watch_cb)
		drive->watch_cb(drive->watch_arg, error, words);
}

void
drive_write_back_later(struct drive *drive)
{
	if (flusher_is_behind(&drive->flusher) &&
		!event_pending(drive->write_back, EV_TIMEOUT, NULL))
		clock_arm(drive->write_back, drive->flush_delay);
}

static void
write_back_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct drive *drive = arg;

	if (flusher_is_at_work(&drive->flusher))
		drive_write_back_later(drive);
	else if (flusher_is_behind(&drive->flusher))
		drive_flush(drive, written_back_cb, drive);
}

/* ---- the medium ---- */

static void settled_cb(void *arg, int error, const char *words);

/* A swap begins as soon as no request is carried out. */
static void
try_to_settle(struct drive *drive)
{
	struct flush *flush;

	if (drive->state != MEDIUM_LEAVING || (drive->cb && !drive->is_waiting))
		return;
	drive->state = MEDIUM_FLUSHING;
	flush = flush_start(&drive->flusher, settled_cb, drive);
	if (flush) /* else its callback was called, and the swap is over */
		drive->swap_flush = flush;
}

/* A medium is in: what waits for that is next, a swap first. */
static void
go_on(struct drive *drive)
{
	drive->state = drive->swap_cb ? MEDIUM_LEAVING : MEDIUM_IN;
	if (drive->swap_cb)
		try_to_settle(drive);
	else if (drive->is_waiting)
		drive_carry_out(drive);
}

static void
insert(struct drive *drive)
{
	drive->boot_op = NULL;
	event_del(drive->boot_deadline);
	evbuffer_remove(drive->boot, drive->medium.boot_sector, sizeof(drive->medium.boot_sector));
	scsi_drive_replace(&drive->scsi, &drive->medium);
	go_on(drive);
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

/* Puts the image in, as soon as its facts are known. */
static void
take_in(struct drive *drive)
{
	struct scsi_medium *medium = &drive->medium;
	size_t len = sizeof(medium->boot_sector);
	struct image_op *op;

	*medium = (struct scsi_medium){
		.size = image_size(drive->image),
		.is_read_only = image_mode(drive->image) == IMAGE_RO,
	};
	drive->state = MEDIUM_COMING;
	evbuffer_drain(drive->boot, evbuffer_get_length(drive->boot));
	if (drive->scsi.device == DEVICE_CD) {
		insert(drive);
		return;
	}
	if (len > medium->size)
		len = (size_t)medium->size;
	op = image_read(drive->image, 0, len, drive->boot, boot_read_cb, drive);
	if (op) {
		drive->boot_op = op;
		clock_arm(drive->boot_deadline, drive->limit / BOOT_SHARE);
	}
}

/* Nothing is carried out, and what was written is durable, or cannot be made so. */
static void
settled_cb(void *arg, int error, const char *words)
{
	struct drive *drive = arg;
	drive_swap_cb *cb = drive->swap_cb;
	struct image *image;

	drive->swap_flush = NULL;
	drive->swap_cb = NULL;
	if (error)
		lose_writes(drive, words);
	image = cb(drive->swap_arg, error, words);
	if (!image) {
		go_on(drive);
		return;
	}
	flusher_change(&drive->flusher, image);
	event_del(drive->write_back);
	image_close(drive->image);
	drive->image = image;
	drive->counters.read = drive->counters.written = 0;
	take_in(drive);
}

static void
settle_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	try_to_settle(arg);
}

void
drive_swap(struct drive *drive, drive_swap_cb *cb, void *arg)
{
	assert(!drive->swap_cb && drive->state != MEDIUM_FLUSHING);
	drive->swap_cb = cb;
	drive->swap_arg = arg;
	if (drive->state == MEDIUM_IN) {
		drive->state = MEDIUM_LEAVING;
		try_to_settle(drive);
	}
}

void
drive_keep(struct drive *drive)
{
	if (!drive->swap_cb)
		return;
	drive->swap_cb = NULL;
	if (drive->swap_flush)
		flush_cancel(drive->swap_flush);
	drive->swap_flush = NULL;
	drive_write_back_later(drive);
	if (drive->state != MEDIUM_COMING)
		go_on(drive);
}

struct drive *
drive_new(struct event_base *base, enum device device, struct image *image)
{
	struct drive *drive = mem_new(1, sizeof(*drive));

	drive->base = base;
	drive->image = image;
	drive->limit = DRIVE_IO_LIMIT;
	drive->flush_delay = DRIVE_FLUSH_DELAY;
	drive->boot = evbuffer_new();
	drive->data = evbuffer_new();
	drive->deadline = evtimer_new(base, drive_overdue_cb, drive);
	drive->boot_deadline = evtimer_new(base, boot_overdue_cb, drive);
	drive->settle = evtimer_new(base, settle_cb, drive);
	drive->write_back = evtimer_new(base, write_back_cb, drive);
	span_init(&drive->span, base);
	LIST_INIT(&drive->waiters);
	flusher_init(&drive->flusher, base, image, drive->limit);
	scsi_drive_init(&drive->scsi, device);
	take_in(drive);
	return drive;
}

void
drive_free(struct drive *drive)
{
	struct waiter *waiter;

	if (!drive)
		return;
	drive_cancel(drive);
	if (drive->boot_op)
		image_cancel(drive->boot_op);
	flusher_fini(&drive->flusher);
	while ((waiter = LIST_FIRST(&drive->waiters))) {
		LIST_REMOVE(waiter, link);
		free(waiter);
	}
	image_close(drive->image);
	event_free(drive->deadline);
	event_free(drive->boot_deadline);
	event_free(drive->settle);
	event_free(drive->write_back);
	span_fini(&drive->span);
	evbuffer_free(drive->boot);
	evbuffer_free(drive->data);
	free(drive);
}

static void
waiter_flushed_cb(void *arg, int error, const char *words)
{
	struct waiter waiter = *(struct waiter *)arg;

	LIST_REMOVE((struct waiter *)arg, link);
	free(arg);
	if (error)
		lose_writes(waiter.drive, words);
	waiter.cb(waiter.arg, error, words);
}

void
drive_flush(struct drive *drive, drive_flush_cb *cb, void *arg)
{
	struct waiter *waiter = mem_new(1, sizeof(*waiter));

	*waiter = (struct waiter){ .drive = drive, .cb = cb, .arg = arg };
	LIST_INSERT_HEAD(&drive->waiters, waiter, link);
	(void)flush_start(&drive->flusher, waiter_flushed_cb, waiter);
}

void
drive_attention(struct drive *drive)
{
	if (drive->state != MEDIUM_COMING)
		scsi_drive_insert(&drive->scsi, &drive->medium);
}

void
drive_watch(struct drive *drive, drive_flush_cb *cb, void *arg)
{
	drive->watch_cb = cb;
	drive->watch_arg = arg;
}

void
drive_set_flush_delay(struct drive *drive, double seconds)
{
	drive->flush_delay = seconds;
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
