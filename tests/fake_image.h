/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_image: image.h on memory, whose operations complete when the test says so. A test that
 * includes this gets nothing of libimage.a. */
#ifndef TESTS_FAKE_IMAGE_H
#define TESTS_FAKE_IMAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/buffer.h>

#include "base/compiler.h"
#include "image/image.h"

enum {
	FAKE_SIZE = 1440 * 1024,
	FAKE_MAX = 65535 * 512, /* the longest span */
};

struct image_op {
	struct image *image;
	char kind; /* 'r', 'w', 'f' */
	uint64_t off;
	size_t len;
	uint8_t *data;
	struct evbuffer *out;
	image_cb *cb;
	void *arg;
	TAILQ_ENTRY(image_op) link;
};

struct image {
	enum image_mode mode;
	uint64_t size;
	bool is_slow; /* operations wait for fake_complete() */
	int error;    /* of every operation from now on */
	const char *trouble;
	TAILQ_HEAD(, image_op) ops; /* what waits, in order */
	unsigned reads, writes, flushes, cancelled;
	bool is_closed;
	uint8_t bytes[FAKE_MAX];
};

static struct image fake;

/* Makes an image of memory, of FAKE_MAX bytes at most; they depend on the seed. */
static inline struct image *
fake_make(struct image *image, enum image_mode mode, uint64_t size, uint8_t seed)
{
	memset(image, 0, offsetof(struct image, bytes));
	image->mode = mode;
	image->size = size;
	image->trouble = "";
	TAILQ_INIT(&image->ops);
	for (size_t i = 0; i < size; i++)
		image->bytes[i] = (uint8_t)(i / 512 + i * 7 + seed);
	return image;
}

static inline struct image *
fake_open(enum image_mode mode, uint64_t size)
{
	return fake_make(&fake, mode, size, 0);
}

static int
fake_perform(struct image_op *op)
{
	struct image *image = op->image;

	if (image->error)
		return image->error;
	if (op->kind == 'r')
		evbuffer_add(op->out, image->bytes + op->off, op->len);
	else if (op->kind == 'w')
		memcpy(image->bytes + op->off, op->data, op->len);
	return 0;
}

/* The kind of the operation that has waited longest, 0 if none does. */
static inline char
fake_waiting_in(const struct image *image)
{
	return TAILQ_EMPTY(&image->ops) ? 0 : TAILQ_FIRST(&image->ops)->kind;
}

static inline char
fake_waiting(void)
{
	return fake_waiting_in(&fake);
}

static inline void
fake_end(struct image_op *op, int error)
{
	TAILQ_REMOVE(&op->image->ops, op, link);
	op->cb(op->arg, error);
	free(op->data);
	free(op);
}

/* Completes that operation. */
static inline void
fake_complete_in(struct image *image)
{
	struct image_op *op = TAILQ_FIRST(&image->ops);

	fake_end(op, fake_perform(op));
}

/* Fails it. */
static inline void
fake_fail(int error, const char *trouble)
{
	fake.trouble = trouble;
	fake_end(TAILQ_FIRST(&fake.ops), error);
}

static inline void
fake_complete(void)
{
	fake_complete_in(&fake);
}

static struct image_op *
fake_start(struct image *image, struct image_op op, const uint8_t *data)
{
	struct image_op *waiting;

	op.image = image;
	if (!image->is_slow) {
		op.data = (uint8_t *)(uintptr_t)data;
		op.cb(op.arg, fake_perform(&op));
		return NULL;
	}
	waiting = malloc(sizeof(*waiting));
	*waiting = op;
	if (data) {
		waiting->data = malloc(op.len);
		memcpy(waiting->data, data, op.len);
	}
	TAILQ_INSERT_TAIL(&image->ops, waiting, link);
	return waiting;
}

const char *
image_mode_name(enum image_mode mode)
{
	return mode == IMAGE_RW ? "rw" : "ro";
}

bool
image_mode_parse(const char *text UNUSED, enum image_mode *mode UNUSED)
{
	return false;
}

struct image *
image_open(const char *path UNUSED, enum image_mode mode UNUSED, struct pool *pool UNUSED,
	struct reason *why UNUSED)
{
	return NULL;
}

void
image_close(struct image *image)
{
	if (image)
		image->is_closed = true;
}

const char *
image_path(const struct image *image UNUSED)
{
	return "/fake.img";
}

enum image_mode
image_mode(const struct image *image)
{
	return image->mode;
}

uint64_t
image_size(const struct image *image)
{
	return image->size;
}

const char *
image_trouble(const struct image *image)
{
	return image->trouble;
}

struct image_op *
image_read(struct image *image, uint64_t off, size_t len, struct evbuffer *out, image_cb *cb,
	void *arg)
{
	struct image_op op = {
		.kind = 'r', .off = off, .len = len, .out = out, .cb = cb, .arg = arg
	};

	image->reads++;
	return fake_start(image, op, NULL);
}

struct image_op *
image_write(
	struct image *image, uint64_t off, const uint8_t *data, size_t len, image_cb *cb, void *arg)
{
	struct image_op op = { .kind = 'w', .off = off, .len = len, .cb = cb, .arg = arg };

	image->writes++;
	return fake_start(image, op, data);
}

struct image_op *
image_flush(struct image *image, image_cb *cb, void *arg)
{
	struct image_op op = { .kind = 'f', .cb = cb, .arg = arg };

	image->flushes++;
	return fake_start(image, op, NULL);
}

void
image_cancel(struct image_op *op)
{
	op->image->cancelled++;
	TAILQ_REMOVE(&op->image->ops, op, link);
	free(op->data);
	free(op);
}

#endif
