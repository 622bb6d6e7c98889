/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image: operations on an open image: at once from the page cache, or through the pool in order. */
#include "config.h"

#include "image/image.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/memory.h"
#include "image/file.h"
#include "image/pool.h"

enum op_kind {
	OP_READ,
	OP_WRITE,
	OP_FLUSH,
};

/*
 * An operation in the pool. The loop's thread owns it before and after, the worker while it runs;
 * only is_cancelled is looked at by both.
 */
struct image_op {
	struct image *image; /* one reference */
	enum op_kind kind;
	uint64_t off;
	size_t len;
	uint8_t *data; /* owned: the bytes to write, or those that were read */
	int error;
	struct reason why;        /* of the error */
	atomic_bool is_cancelled; /* nobody waits for it any more */
	struct evbuffer *out;
	image_cb *cb;
	void *arg;
	TAILQ_ENTRY(image_op) link;
};

/* Freed with the last reference: one is the opener's, one each operation's. */
struct image {
	char *path;
	enum image_mode mode;
	int fd;
	uint64_t size;
	struct pool *pool;
	struct reason trouble;
	unsigned references;
	unsigned writes; /* operations that are writes: a read must wait for them */
	TAILQ_HEAD(, image_op) ops;
};

static const char *const mode_names[] = {
	[IMAGE_RO] = "ro",
	[IMAGE_RW] = "rw",
	[IMAGE_COW] = "cow",
};

const char *
image_mode_name(enum image_mode mode)
{
	return mode_names[mode];
}

bool
image_mode_parse(const char *text, enum image_mode *mode)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mode_names); i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*mode = (enum image_mode)i;
			return true;
		}
	}
	return false;
}

/* Takes fd. */
static struct image *
image_new(int fd, uint64_t size, const char *path, enum image_mode mode, struct pool *pool)
{
	struct image *image = mem_new(1, sizeof(*image));

	image->path = mem_strdup(path);
	image->mode = mode;
	image->fd = fd;
	image->size = size;
	image->pool = pool;
	image->references = 1;
	TAILQ_INIT(&image->ops);
	return image;
}

struct image *
image_open(const char *path, enum image_mode mode, struct pool *pool, struct reason *why)
{
	uint64_t size;
	int fd;

	if (mode == IMAGE_COW) {
		reason_set(why, "mode cow is not supported yet");
		return NULL;
	}
	fd = file_open(path, mode == IMAGE_RW, &size, why);
	return fd < 0 ? NULL : image_new(fd, size, path, mode, pool);
}

struct image *
image_reopen(const struct image *image, const char *path, struct reason *why)
{
	uint64_t size;
	int fd = file_again(image->fd, &size, why);

	return fd < 0 ? NULL : image_new(fd, size, path, image->mode, image->pool);
}

bool
image_is_at(const struct image *image, const char *path)
{
	return file_is_at(image->fd, path);
}

static void
image_unref(struct image *image)
{
	assert(image->references > 0);
	if (--image->references > 0)
		return;
	close(image->fd);
	free(image->path);
	free(image);
}

void
image_close(struct image *image)
{
	struct image_op *op;

	if (image == NULL)
		return;
	TAILQ_FOREACH (op, &image->ops, link)
		image_cancel(op);
	image_unref(image);
}

const char *
image_path(const struct image *image)
{
	return image->path;
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
	return image->trouble.text;
}

/* A failure before anything was started. */
static struct image_op *
fail_at_once(struct image *image, int error, const char *why, image_cb *cb, void *arg)
{
	reason_set(&image->trouble, "%s", why);
	cb(arg, error);
	return NULL;
}

static bool
is_inside(const struct image *image, uint64_t off, size_t len)
{
	return off <= image->size && len <= image->size - off;
}

/* The file ended too early; runs in the worker. */
static int
explain_shrunk(struct image_op *op)
{
	struct stat st;

	if (fstat(op->image->fd, &st) == 0 && (uint64_t)st.st_size < op->image->size)
		reason_set(
			&op->why, "the file has shrunk to %" PRIu64 " bytes", (uint64_t)st.st_size);
	else
		reason_set(&op->why, "the file was cut short while it was in use");
	return EIO;
}

static void
run_read(struct image_op *op)
{
	op->data = malloc(op->len);
	op->error = op->data == NULL ? ENOMEM
				     : file_read(op->image->fd, op->off, op->data, op->len, false);
	if (op->error < 0)
		op->error = explain_shrunk(op);
	else if (op->error > 0)
		reason_set(&op->why, "cannot read: %s", strerror(op->error));
}

static void
run_write(struct image_op *op)
{
	op->error = file_write(op->image->fd, op->off, op->data, op->len);
	if (op->error < 0)
		op->error = explain_shrunk(op);
	else if (op->error > 0)
		reason_set(&op->why, "cannot write: %s", strerror(op->error));
}

static void
run_flush(struct image_op *op)
{
	op->error = fdatasync(op->image->fd) == 0 ? 0 : errno;
	if (op->error != 0)
		reason_set(&op->why, "cannot flush: %s", strerror(op->error));
}

/* In a worker thread. What was to be written is written, whether someone waits for it or not. */
static void
run_cb(void *arg)
{
	struct image_op *op = arg;

	switch (op->kind) {
	case OP_READ:
		if (!atomic_load(&op->is_cancelled))
			run_read(op);
		break;
	case OP_WRITE:
		run_write(op);
		break;
	case OP_FLUSH:
		run_flush(op);
		break;
	}
}

/* Back in the loop's thread. */
static void
done_cb(void *arg)
{
	struct image_op *op = arg;
	struct image *image = op->image;
	bool is_wanted = !atomic_load(&op->is_cancelled);
	image_cb *cb = op->cb;
	void *cb_arg = op->arg;
	int error = op->error;

	if (op->kind == OP_WRITE)
		image->writes--;
	TAILQ_REMOVE(&image->ops, op, link);
	if (is_wanted && op->kind == OP_READ && error == 0 &&
		evbuffer_add(op->out, op->data, op->len) != 0) {
		error = ENOMEM;
		reason_set(&op->why, "cannot read: %s", strerror(error));
	}
	if (error != 0 && (is_wanted || op->kind != OP_READ))
		image->trouble = op->why;
	free(op->data);
	free(op);
	/* The callback may close the image. */
	if (is_wanted)
		cb(cb_arg, error);
	image_unref(image);
}

static struct image_op *
op_new(struct image *image, enum op_kind kind, uint64_t off, size_t len, image_cb *cb, void *arg)
{
	struct image_op *op = mem_new(1, sizeof(*op));

	op->image = image;
	op->kind = kind;
	op->off = off;
	op->len = len;
	op->cb = cb;
	op->arg = arg;
	/* What stays if the pool ends before the operation's turn. */
	op->error = ECANCELED;
	reason_set(&op->why, "the operation was abandoned");
	return op;
}

/* The image is the owner of its jobs, so they are done in order. */
static struct image_op *
op_submit(struct image_op *op)
{
	struct image *image = op->image;

	image->references++;
	TAILQ_INSERT_TAIL(&image->ops, op, link);
	if (op->kind == OP_WRITE)
		image->writes++;
	pool_submit(image->pool, image, run_cb, done_cb, op);
	return op;
}

/* Straight into the buffer if the page cache has it all. */
static bool
read_cached(struct image *image, uint64_t off, size_t len, struct evbuffer *out)
{
	struct evbuffer_iovec space;

	if (evbuffer_reserve_space(out, (ev_ssize_t)len, &space, 1) != 1)
		return false;
	if (file_read(image->fd, off, space.iov_base, len, true) != 0)
		return false;
	space.iov_len = len;
	return evbuffer_commit_space(out, &space, 1) == 0;
}

struct image_op *
image_read(struct image *image, uint64_t off, size_t len, struct evbuffer *out, image_cb *cb,
	void *arg)
{
	struct image_op *op;

	if (!is_inside(image, off, len))
		return fail_at_once(image, ERANGE, "read beyond the end of the image", cb, arg);
	if (len == 0 || (image->writes == 0 && read_cached(image, off, len, out))) {
		cb(arg, 0);
		return NULL;
	}
	op = op_new(image, OP_READ, off, len, cb, arg);
	op->out = out;
	return op_submit(op);
}

struct image_op *
image_write(
	struct image *image, uint64_t off, const uint8_t *data, size_t len, image_cb *cb, void *arg)
{
	struct image_op *op;

	if (image->mode == IMAGE_RO)
		return fail_at_once(image, EROFS, "the image is read-only", cb, arg);
	if (!is_inside(image, off, len))
		return fail_at_once(image, ERANGE, "write beyond the end of the image", cb, arg);
	if (len == 0) {
		cb(arg, 0);
		return NULL;
	}
	if (image->writes == IMAGE_WRITES_MAX)
		return fail_at_once(image, EBUSY, "too many writes wait for the file", cb, arg);
	op = op_new(image, OP_WRITE, off, len, cb, arg);
	op->data = mem_resize(NULL, len, 1);
	memcpy(op->data, data, len);
	return op_submit(op);
}

struct image_op *
image_flush(struct image *image, image_cb *cb, void *arg)
{
	if (image->mode == IMAGE_RO) {
		cb(arg, 0);
		return NULL;
	}
	return op_submit(op_new(image, OP_FLUSH, 0, 0, cb, arg));
}

void
image_cancel(struct image_op *op)
{
	atomic_store(&op->is_cancelled, true);
}
