/* SPDX-License-Identifier: GPL-2.0-or-later */
/* span: goes over a part of an image in pieces, to see whether it can be read, to compare it with
 * data, or to fill it. Between two pieces the event loop gets a turn: others are served, too. */
#ifndef BMC_SPAN_H
#define BMC_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct event;
struct event_base;
struct flusher;
struct image;
struct image_op;

enum {
	SPAN_PIECE = 256 * 1024, /* bytes */
};

enum span_work {
	SPAN_CHECK,   /* read it */
	SPAN_COMPARE, /* read it and compare it with data, which is as long */
	SPAN_FILL,    /* write data, one block of block_len bytes, over and over */
};

struct span_task {
	struct image *image;     /* not owned */
	struct flusher *flusher; /* is told of what a fill writes; not owned */
	enum span_work work;
	uint64_t offset; /* bytes */
	uint32_t len;    /* bytes; of a fill a multiple of block_len */
	uint32_t block_len;
	const uint8_t
		*data; /* to compare with: lives until cb; to fill with: until the call returns */
};

/* error is 0 or an errno value of the image; is_equal is false if the comparison failed. */
typedef void span_cb(void *arg, int error, bool is_equal);

/* Embedded in the drive. Members are its own. */
struct span {
	struct span_task task;
	uint32_t done;            /* bytes */
	uint32_t piece;           /* bytes under way */
	uint8_t *pattern;         /* what a fill writes: a piece; owned */
	struct evbuffer *scratch; /* what is read; owned */
	struct image_op *op;      /* under way, or NULL */
	struct event *turn;       /* the next piece's; owned */
	span_cb *cb;              /* NULL: idle */
	void *arg;
};

/* Idle. */
void span_init(struct span *span, struct event_base *base);

/* Of an idle span. */
void span_fini(struct span *span);

/* Starts a task of an idle span; cb is called once, at once (only if it is a single piece) or from
 * the loop, unless span_cancel() comes first. It may free the span. */
void span_start(struct span *span, const struct span_task *task, span_cb *cb, void *arg);

/* Gives up what is under way, if anything is; cb will not be called. A piece may still be written.
 */
void span_cancel(struct span *span);

#endif
