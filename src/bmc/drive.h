/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drive: an emulated drive with an image in it. Decodes nothing and decides nothing: it hands a
 * request's CDB to scsi, carries the decision out on the image and says what to answer. One request
 * at a time.
 */
#ifndef BMC_DRIVE_H
#define BMC_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "iusb/packet.h"

struct event_base;
struct evbuffer;
struct image;
struct drive;

enum {
	DRIVE_IO_LIMIT =
		20, /* seconds; an image that takes longer fails the command (iusb-protocol 11.5) */
	DRIVE_FLUSH_DELAY = 5,   /* seconds from a write until the drive flushes it by itself: the
				    host's flushes do not reach us (iusb-protocol 9.1) */
	DRIVE_TIME_BUCKETS = 24, /* service times: bucket i counts answers below 2^i * 16 us, the
				    last one all others too */
};

struct drive_counters {
	uint64_t read, written;    /* bytes of this medium that went to and came from the host */
	uint64_t commands, failed; /* failed: answered with a sense, unit attentions not counted */
	uint64_t by_opcode[256];
	uint64_t service_time[DRIVE_TIME_BUCKETS];
	double last_command;      /* seconds since the epoch, 0 = none yet */
	struct reason last_error; /* "WRITE(10): write protected", "READ(10): the file has shrunk
				     ...", "write-back: cannot flush ..." */
	double last_error_time;   /* seconds since the epoch */
};

struct drive_answer {
	uint32_t sense;        /* 0 or the triple */
	bool is_eject;         /* the host ejected: the medium is out once this answer is sent */
	struct evbuffer *data; /* what goes to the host, empty with a sense; the receiver may drain
				  it, the drive owns it */
};

typedef void drive_cb(void *arg, const struct drive_answer *answer);

/* error is 0 or an errno value with its words (""). */
typedef void drive_flush_cb(void *arg, int error, const char *words);

/*
 * The old medium may go. Returns the image that takes its place, owned by the drive from now on, or
 * NULL: the old one stays. With an error (an errno value and its words) what was written to the old
 * one could not be flushed: it stays, and NULL must be returned. May call no drive_ function that
 * changes something but drive_execute().
 */
typedef struct image *drive_swap_cb(void *arg, int error, const char *words);

/* Owns the image from now on, also when it is only half read. The medium is new to the host: one
 * unit attention. Never NULL. */
struct drive *drive_new(
	struct event_base *base, enum device device, struct image *image) MUST_CHECK;

/* Cancels what is under way; its callback is not called. A null drive is allowed. Not from within a
 * callback that drive_execute() or drive_flush() makes before it returns. */
void drive_free(struct drive *drive);

/*
 * Carries out a SCSI request. cb is called exactly once, at once or from the loop; asserts that
 * nothing is under way. The request and its data need to live until the call returns only.
 */
void drive_execute(struct drive *drive, const struct packet *request, drive_cb *cb, void *arg);

bool drive_is_busy(const struct drive *drive);

/* Gives up the request under way, if any; its callback is not called. A write may still happen. */
void drive_cancel(struct drive *drive);

/*
 * Flushes what was written. cb is called once, at once or from the loop, at the latest after
 * DRIVE_IO_LIMIT (ETIMEDOUT); not if the drive is freed before. May be called at any time, also
 * while a request or another flush is under way. With nothing written since the last flush nothing
 * is done. A failure is told to the host, too, as the deferred error of its next command.
 */
void drive_flush(struct drive *drive, drive_flush_cb *cb, void *arg);

/*
 * Changes the medium: the request under way is finished, those that come then wait
 * (DRIVE_IO_LIMIT at most, then they fail with "no medium"), what was written is flushed, and cb is
 * called once, at once or from the loop; the requests go on with what is in the drive then. The new
 * medium is new to the host, as after drive_new(), and counters.read and counters.written begin
 * anew. One at a time (asserts it).
 */
void drive_swap(struct drive *drive, drive_swap_cb *cb, void *arg);

/* Gives up a swap whose cb has not been called yet, if there is one; it will not be called. */
void drive_keep(struct drive *drive);

/* A new host behind a new session: the unit attention is due again, and a medium that the host
 * ejected is back in. */
void drive_attention(struct drive *drive);

/*
 * cb is called at the end of each flush that the drive starts by itself: a while after the end of a
 * request that has written (DRIVE_FLUSH_DELAY), unless another flush has covered it before. Not
 * more than one is under way, and none beside another flush. A failure is told to the host as with
 * drive_flush(). cb may call no drive_ function that changes something.
 */
void drive_watch(struct drive *drive, drive_flush_cb *cb, void *arg);

/* How long after a write it is flushed instead of DRIVE_FLUSH_DELAY, in seconds; from the next
 * write on. */
void drive_set_flush_delay(struct drive *drive, double seconds);

/* How long the image may take instead of DRIVE_IO_LIMIT, in seconds. */
void drive_set_limit(struct drive *drive, double seconds);

const struct drive_counters *drive_counters(const struct drive *drive);
struct image *drive_image(const struct drive *drive);

#endif
