/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flush: which writes to an image are not on stable storage yet, and bringing them there. */
#ifndef BMC_FLUSH_H
#define BMC_FLUSH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/reason.h"

struct event_base;
struct flush; /* a flush that is under way */
struct image;

/* Embedded in the drive. Members are its own. */
struct flusher {
	struct event_base *base;
	struct image *image; /* not owned */
	double limit;        /* seconds a flush may take */
	uint64_t begun;      /* writes so far, */
	uint64_t tried;      /* how many of them a flush was started for, */
	uint64_t durable;    /* and how many of them one has covered */
	LIST_HEAD(, flush) flushes;
	/* Of a flush that nobody waited for any more. The kernel tells of it once: the next flush
	 * fails with it. */
	int error; /* an errno value, or 0 */
	struct reason words;
};

/* error is 0 or an errno value with its words (""). ETIMEDOUT if the image did not answer. */
typedef void flush_cb(void *arg, int error, const char *words);

void flusher_init(
	struct flusher *flusher, struct event_base *base, struct image *image, double limit);

/* Gives up what is under way; no callback is called. */
void flusher_fini(struct flusher *flusher);

/* Another image takes the place of the one whose writes are all durable (asserts it). Flushes under
 * way have nothing left to do and complete. */
void flusher_change(struct flusher *flusher, struct image *image);

/* A write begins. It counts even if it is given up: it may still happen. */
void flusher_note_write(struct flusher *flusher);

/* There are writes that no flush was started for. One that has failed is not tried again for what
 * it should have covered: whoever asked for it was told. */
bool flusher_is_behind(const struct flusher *flusher);

/* A flush is under way. */
bool flusher_is_at_work(const struct flusher *flusher);

/*
 * Flushes every write begun so far; with none since the last flush it completes at once. Returns
 * NULL if cb was called already; else cb is called from the loop, unless flush_cancel() comes
 * first. Any number may be under way.
 */
struct flush *flush_start(struct flusher *flusher, flush_cb *cb, void *arg);

/* cb will not be called. The image goes on with it, and the next flush waits for that: a failure is
 * not lost. */
void flush_cancel(struct flush *flush);

#endif
