/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive_private: what the files of a drive share: the object. drive.c is its life and its medium,
 * drive_request.c the request under way. */
#ifndef BMC_DRIVE_PRIVATE_H
#define BMC_DRIVE_PRIVATE_H

#include <sys/queue.h>

#include <event2/util.h>

#include "bmc/drive.h"
#include "bmc/flush.h"
#include "bmc/span.h"
#include "scsi/scsi.h"

struct event;
struct image_op;

enum medium_state {
	MEDIUM_COMING,   /* its facts are being read: requests wait */
	MEDIUM_IN,       /* requests are carried out */
	MEDIUM_LEAVING,  /* drive_swap(): the last request is carried out, others wait */
	MEDIUM_FLUSHING, /* and then what was written is flushed: requests wait */
};

/* Who asked for a flush that is no request's. */
struct waiter {
	struct drive *drive;
	drive_flush_cb *cb;
	void *arg;
	LIST_ENTRY(waiter) link;
};

struct drive {
	struct event_base *base;
	struct image *image; /* owned */
	struct scsi_drive scsi;
	struct scsi_medium medium;
	struct drive_counters counters;
	double limit; /* seconds */
	struct flusher flusher;
	LIST_HEAD(, waiter) waiters; /* owned */
	struct event *write_back;    /* the drive's own flush is due */
	double flush_delay;          /* seconds */
	drive_flush_cb *watch_cb;    /* of the drive's own flushes, or NULL */
	void *watch_arg;
	struct reason lost; /* the last flush that failed, which the host may not know of yet */

	enum medium_state state;
	struct evbuffer *boot;    /* boot sector, while it is read */
	struct image_op *boot_op; /* its read, or NULL */
	struct event *boot_deadline;

	/* The swap that is wanted, if swap_cb is set. */
	drive_swap_cb *swap_cb;
	void *swap_arg;
	struct flush *swap_flush;
	struct event *settle; /* nothing is carried out any more */

	/* The request under way, if cb is set. */
	drive_cb *cb;
	void *arg;
	bool is_waiting; /* for the medium */
	struct scsi_command command;
	uint8_t *copy; /* of the command's data, where it outlives the call; owned */
	struct scsi_decision decision;
	struct image_op *op; /* what it waits for, */
	struct flush *flush; /* or this, */
	struct span span;    /* or this */
	uint32_t io_sense;   /* if what it waits for fails */
	struct event *deadline;
	double started;        /* monotonic */
	struct evbuffer *data; /* for the host */
};

/* drive.c */

/* Has what was written, if anything was, flushed in a while. */
void drive_write_back_later(struct drive *drive);

/* drive_request.c */

/* Carries out the request under way, which waits for a medium. */
void drive_carry_out(struct drive *drive);

/* Of the request's deadline. */
void drive_overdue_cb(evutil_socket_t fd, short what, void *arg);

#endif
