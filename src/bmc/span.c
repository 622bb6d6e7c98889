/* SPDX-License-Identifier: GPL-2.0-or-later */
/* span: goes over a part of an image in pieces. */
#include "bmc/span.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/flush.h"
#include "image/image.h"

/* Idle again. */
static void
forget(struct span *span)
{
	free(span->pattern);
	span->pattern = NULL;
	evbuffer_free(span->scratch);
	span->scratch = NULL;
	span->op = NULL;
	span->cb = NULL;
	event_del(span->turn);
}

static void
finish(struct span *span, int error, bool is_equal)
{
	span_cb *cb = span->cb;
	void *arg = span->arg;

	forget(span);
	cb(arg, error, is_equal);
}

static bool
is_piece_equal(struct span *span)
{
	const uint8_t *read = evbuffer_pullup(span->scratch, (ev_ssize_t)span->piece);

	return memcmp(read, span->task.data + span->done, span->piece) == 0;
}

static void
piece_done_cb(void *arg, int error)
{
	struct span *span = arg;

	span->op = NULL;
	if (error) {
		finish(span, error, true);
		return;
	}
	if (span->task.work == SPAN_COMPARE && !is_piece_equal(span)) {
		finish(span, 0, false);
		return;
	}
	evbuffer_drain(span->scratch, evbuffer_get_length(span->scratch));
	span->done += span->piece;
	if (span->done == span->task.len)
		finish(span, 0, true);
	else
		clock_arm(span->turn, 0);
}

static void
next_piece(struct span *span)
{
	const struct span_task *task = &span->task;
	uint64_t offset = task->offset + span->done;
	uint32_t left = task->len - span->done;
	struct image_op *op;

	span->piece = left < SPAN_PIECE ? left : SPAN_PIECE;
	if (task->work == SPAN_FILL) {
		flusher_note_write(task->flusher);
		op = image_write(
			task->image, offset, span->pattern, span->piece, piece_done_cb, span);
	} else {
		op = image_read(
			task->image, offset, span->piece, span->scratch, piece_done_cb, span);
	}
	if (op) /* else the callback was called, and the span may be gone */
		span->op = op;
}

static void
turn_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	next_piece(arg);
}

void
span_init(struct span *span, struct event_base *base)
{
	*span = (struct span){ 0 };
	span->turn = evtimer_new(base, turn_cb, span);
}

void
span_fini(struct span *span)
{
	assert(!span->cb);
	event_free(span->turn);
}

void
span_start(struct span *span, const struct span_task *task, span_cb *cb, void *arg)
{
	uint32_t len = task->len < SPAN_PIECE ? task->len : SPAN_PIECE;

	assert(!span->cb && task->len > 0);
	span->task = *task;
	span->done = 0;
	span->cb = cb;
	span->arg = arg;
	span->scratch = evbuffer_new();
	if (task->work == SPAN_FILL) {
		assert(len % task->block_len == 0 && SPAN_PIECE % task->block_len == 0);
		span->pattern = mem_new(len, 1);
		for (uint32_t at = 0; at < len; at += task->block_len)
			memcpy(span->pattern + at, task->data, task->block_len);
	}
	next_piece(span);
}

void
span_cancel(struct span *span)
{
	if (!span->cb)
		return;
	if (span->op)
		image_cancel(span->op);
	forget(span);
}
