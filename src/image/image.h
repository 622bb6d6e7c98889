/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image: something that can be put in a slot, behind one asynchronous interface. A read or write
 * may complete at once (before the call returns) or later from the event loop; what would block
 * goes to the worker pool, so that a stuck image stalls only its own users.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

struct evbuffer;
struct pool;
struct image;    /* reference counted by its operations: see image_close() */
struct image_op; /* an operation that has not completed yet */

enum image_mode {
	IMAGE_RO,  /* read only; any number of users, as long as nobody writes */
	IMAGE_RW,  /* writes go to the image; one user, and nobody else may read */
	IMAGE_COW, /* writes go to an overlay of the slot */
};

enum {
	IMAGE_WRITES_MAX = 16, /* under way for one image */
};

/* "ro", "rw", "cow"; image_mode_parse() returns false for any other text. */
const char *image_mode_name(enum image_mode mode);
bool image_mode_parse(const char *text, enum image_mode *mode);

/* error is 0 or an errno value; the reason of a failure is in image_trouble(). */
typedef void image_cb(void *arg, int error);

/*
 * Opens a regular file. IMAGE_RW takes an exclusive OFD lock, IMAGE_RO a shared one, so two
 * writers, or a writer and a reader, never meet, whichever process they are in. Returns NULL with
 * the reason: missing, not readable or not writable, a directory, empty, in use (by whom, if the
 * kernel tells), a mode or kind of image that is not supported yet. The reason does not repeat the
 * path. pool outlives the image.
 */
struct image *image_open(
	const char *path, enum image_mode mode, struct pool *pool, struct reason *why) MUST_CHECK;

/*
 * The same file once more, in the same mode, with the size that it has now; path is another name of
 * it or the same. Both share the lock, so this works where image_open() says "in use"; it is given
 * up with the last of them. NULL with the reason: the file is empty now.
 */
struct image *image_reopen(
	const struct image *image, const char *path, struct reason *why) MUST_CHECK;

/* True if path leads to the file that the image has open. */
bool image_is_at(const struct image *image, const char *path);

/*
 * Gives the image back. Operations that are still out there are cancelled (do not touch them any
 * more): writes still happen, nobody is called back, and the file is closed and unlocked behind the
 * last one. A null image is allowed.
 */
void image_close(struct image *image);

const char *image_path(const struct image *image);
enum image_mode image_mode(const struct image *image);

/* Bytes, as they were when it was opened. */
uint64_t image_size(const struct image *image);

/* The last failure in words ("the file has shrunk to 512 bytes"), "" if there was none. */
const char *image_trouble(const struct image *image);

/*
 * Appends len bytes at off to out, all or none. Returns NULL if it has completed: cb was called.
 * Else the operation; cb will be called from the event loop, unless image_cancel() comes first.
 * ERANGE beyond the image's size, EIO with image_trouble() when the file has become shorter.
 */
struct image_op *image_read(struct image *image, uint64_t off, size_t len, struct evbuffer *out,
	image_cb *cb, void *arg);

/*
 * Writes len bytes at off; data is copied if the operation outlives the call. Completes when the
 * data is in the file (page cache), see image_flush(). EROFS unless the image is writable, ERANGE
 * beyond its size, EBUSY while IMAGE_WRITES_MAX others wait for a file that does not answer: each
 * keeps its data, also when it was cancelled.
 */
struct image_op *image_write(struct image *image, uint64_t off, const uint8_t *data, size_t len,
	image_cb *cb, void *arg);

/* Completes when all that was written before is on stable storage. */
struct image_op *image_flush(struct image *image, image_cb *cb, void *arg);

/* For an operation whose cb has not been called yet: cb will not be called and out not touched; the
 * operation frees itself. A write still happens, and what is read later is read behind it. */
void image_cancel(struct image_op *op);

#endif
