/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flush: brings writes to stable storage, within a limit. */
#include "bmc/flush.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/memory.h"
#include "base/reason.h"
#include "bmc/clock.h"
#include "image/image.h"

struct flush { /* owned by the flusher's list */
	struct flusher *flusher;
	uint64_t upto;       /* the writes that it covers */
	struct image_op *op; /* NULL: waits for one that was given up */
	struct event *deadline;
	flush_cb *cb; /* NULL: given up */
	void *arg;
	LIST_ENTRY(flush) link;
};

void
flusher_init(struct flusher *flusher, struct event_base *base, struct image *image, double limit)
{
	*flusher = (struct flusher){ .base = base, .image = image, .limit = limit };
	LIST_INIT(&flusher->flushes);
}

static void
destroy(struct flush *flush)
{
	LIST_REMOVE(flush, link);
	event_free(flush->deadline);
	free(flush);
}

void
flusher_fini(struct flusher *flusher)
{
	struct flush *flush;

	while ((flush = LIST_FIRST(&flusher->flushes))) {
		if (flush->op)
			image_cancel(flush->op);
		destroy(flush);
	}
}

void
flusher_note_write(struct flusher *flusher)
{
	flusher->begun++;
}

bool
flusher_is_behind(const struct flusher *flusher)
{
	return flusher->tried < flusher->begun && flusher->durable < flusher->begun;
}

bool
flusher_is_at_work(const struct flusher *flusher)
{
	return !LIST_EMPTY(&flusher->flushes);
}

static void
finish(struct flush *flush, int error, const char *words)
{
	struct flusher *flusher = flush->flusher;
	flush_cb *cb = flush->cb;
	void *arg = flush->arg;

	if (error == 0 && flush->upto > flusher->durable)
		flusher->durable = flush->upto;
	destroy(flush);
	cb(arg, error, words);
}

void
flusher_change(struct flusher *flusher, struct image *image)
{
	struct flush *flush;

	assert(flusher->begun == flusher->durable);
	while ((flush = LIST_FIRST(&flusher->flushes))) {
		if (flush->op)
			image_cancel(flush->op);
		if (flush->cb)
			finish(flush, 0, "");
		else
			destroy(flush);
	}
	flusher->error = 0;
	flusher->image = image;
}

static bool
has_given_up(const struct flusher *flusher)
{
	const struct flush *flush;

	LIST_FOREACH (flush, &flusher->flushes, link)
		if (!flush->cb)
			return true;
	return false;
}

static void done_cb(void *arg, int error);

/* Hands the flush to the image, unless one that was given up has decided it: by its error, or by
 * having covered it. Returns false if its callback was called. */
static bool
begin(struct flush *flush)
{
	struct flusher *flusher = flush->flusher;
	struct image_op *op;

	if (flusher->error) {
		struct reason words = flusher->words;
		int error = flusher->error;

		flusher->error = 0;
		finish(flush, error, words.text);
		return false;
	}
	if (flush->upto <= flusher->durable) {
		finish(flush, 0, ""); /* the one that was given up has covered it */
		return false;
	}
	op = image_flush(flusher->image, done_cb, flush);
	if (!op)
		return false;
	flush->op = op;
	return true;
}

/* One that was given up is over. */
static void
end_given_up(struct flush *flush, int error, const char *words)
{
	struct flusher *flusher = flush->flusher;

	if (error) {
		flusher->error = error;
		reason_set(&flusher->words, "%s", words);
	} else if (flush->upto > flusher->durable) {
		flusher->durable = flush->upto;
	}
	destroy(flush);
	if (has_given_up(flusher))
		return;
	/* From the loop, one by one: what they call may free the drive. */
	LIST_FOREACH (flush, &flusher->flushes, link)
		if (!flush->op)
			event_active(flush->deadline, EV_TIMEOUT, 0);
}

static void
done_cb(void *arg, int error)
{
	struct flush *flush = arg;
	const char *words = image_trouble(flush->flusher->image);

	if (error == 0)
		words = "";
	else if (!words[0])
		words = strerror(error);
	if (flush->cb)
		finish(flush, error, words);
	else
		end_given_up(flush, error, words);
}

/* The limit is over, or the turn has come. */
static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct flush *flush = arg;
	struct reason why;

	if (!flush->op && !has_given_up(flush->flusher)) {
		if (begin(flush))
			clock_arm(flush->deadline, flush->flusher->limit);
		return;
	}
	if (flush->op)
		image_cancel(flush->op);
	reason_set(&why, "image did not answer within %g s", flush->flusher->limit);
	finish(flush, ETIMEDOUT, why.text);
}

struct flush *
flush_start(struct flusher *flusher, flush_cb *cb, void *arg)
{
	struct flush *flush;

	if (flusher->begun == flusher->durable) {
		cb(arg, 0, "");
		return NULL;
	}
	flush = mem_new(1, sizeof(*flush));
	flush->flusher = flusher;
	flush->upto = flusher->tried = flusher->begun;
	flush->cb = cb;
	flush->arg = arg;
	flush->deadline = evtimer_new(flusher->base, deadline_cb, flush);
	LIST_INSERT_HEAD(&flusher->flushes, flush, link);
	if (!has_given_up(flusher) && !begin(flush))
		return NULL;
	clock_arm(flush->deadline, flusher->limit);
	return flush;
}

void
flush_cancel(struct flush *flush)
{
	/* Another one has to cover them. */
	flush->flusher->tried = flush->flusher->durable;
	if (!flush->op) {
		destroy(flush);
		return;
	}
	event_del(flush->deadline);
	flush->cb = NULL;
}
