/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_image: operations on real files: what they do, in which order, and what goes wrong how. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/compiler.h"
#include "image/file.h"
#include "image/image.h"
#include "image/pool.h"
#include "unit.h"

enum {
	SIZE = 256 * 1024,
	NOBODY = 65534,
};

static struct event_base *base;
static struct pool *pool;
static struct evbuffer *out;
static char dir[200];
static char path[300]; /* of the image */
static uint8_t content[SIZE];

/* --- a place with an image in it -------------------------------------------- */

static void
write_file(const char *name, const uint8_t *data, size_t len)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

static void
set_up(void)
{
	const char *parent = getenv("TMPDIR");
	size_t i;

	if (parent == NULL)
		parent = getenv("builddir");
	snprintf(dir, sizeof(dir), "%s/check_image.XXXXXX", parent != NULL ? parent : ".");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/image", dir);
	for (i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 7 + i / 512);
	write_file(path, content, SIZE);
	base = event_base_new();
	pool = pool_new(base);
	out = evbuffer_new();
}

static void gate_fini(void);

static void
tear_down(void)
{
	gate_fini();
	pool_free(pool);
	evbuffer_free(out);
	event_base_free(base);
	unlink(path);
	rmdir(dir);
}

static struct image *
open_image(enum image_mode mode)
{
	struct reason why;
	struct image *image = image_open(path, mode, pool, &why);

	ck_assert_msg(image != NULL, "%s", why.text);
	return image;
}

static void
assert_refused(const char *name, enum image_mode mode, const char *text)
{
	struct reason why = { "" };
	struct image *image = image_open(name, mode, pool, &why);

	ck_assert_ptr_null(image);
	ck_assert_str_eq(why.text, text);
}

/* --- waiting for operations ------------------------------------------------- */

struct result {
	unsigned calls;
	int error;
	unsigned order; /* of this result among all */
};

static unsigned results;

static void
result_cb(void *arg, int error)
{
	struct result *result = arg;

	result->calls++;
	result->error = error;
	result->order = ++results;
}

/* Turns the loop until it is there. The test case's time limit ends it otherwise. */
static int
wait_result(const struct result *result)
{
	while (result->calls == 0)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(result->calls, 1);
	return result->error;
}

static int
read_now(struct image *image, uint64_t off, size_t len)
{
	struct result result = { 0 };
	struct image_op *op = image_read(image, off, len, out, result_cb, &result);

	ck_assert_int_eq(op == NULL, result.calls == 1);
	return wait_result(&result);
}

static int
write_now(struct image *image, uint64_t off, const void *data, size_t len)
{
	struct result result = { 0 };
	struct image_op *op = image_write(image, off, data, len, result_cb, &result);

	ck_assert_int_eq(op == NULL, result.calls == 1);
	return wait_result(&result);
}

static int
flush_now(struct image *image)
{
	struct result result = { 0 };
	struct image_op *op = image_flush(image, result_cb, &result);

	ck_assert_int_eq(op == NULL, result.calls == 1);
	return wait_result(&result);
}

static void
assert_out(const void *expected, size_t len)
{
	ck_assert_uint_eq(evbuffer_get_length(out), len);
	if (len > 0)
		ck_assert_int_eq(memcmp(evbuffer_pullup(out, -1), expected, len), 0);
	evbuffer_drain(out, len);
}

static void
assert_file(uint64_t off, const void *expected, size_t len)
{
	uint8_t found[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_uint_le(len, sizeof(found));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, found, len, (off_t)off), (ssize_t)len);
	ck_assert_int_eq(memcmp(found, expected, len), 0);
	close(fd);
}

/* --- a gate: while it is closed, no operation that needs a thread can be done - */

static sem_t gate;
static bool is_closed;
static struct result through; /* jobs that are through the gate */

static void
wait_at_gate(void *arg UNUSED)
{
	while (sem_wait(&gate) != 0)
		continue;
}

static void
through_cb(void *arg UNUSED)
{
	through.calls++;
}

static void
close_gate(void)
{
	static const char owners[POOL_THREADS];
	unsigned i;

	sem_init(&gate, 0, 0);
	is_closed = true;
	through.calls = 0;
	for (i = 0; i < POOL_THREADS; i++)
		pool_submit(pool, &owners[i], wait_at_gate, through_cb, NULL);
}

static void
open_gate(void)
{
	unsigned i;

	for (i = 0; i < POOL_THREADS; i++)
		sem_post(&gate);
	is_closed = false;
}

static void
gate_fini(void)
{
	if (is_closed)
		open_gate();
}

/* --- reads ------------------------------------------------------------------ */

START_TEST(test_facts)
{
	struct image *image = open_image(IMAGE_RO);

	ck_assert_str_eq(image_path(image), path);
	ck_assert_int_eq(image_mode(image), IMAGE_RO);
	ck_assert_uint_eq(image_size(image), SIZE);
	ck_assert_str_eq(image_trouble(image), "");
	image_close(image);
	image_close(NULL);
}
END_TEST

START_TEST(test_mode_names)
{
	enum image_mode mode = IMAGE_RO;

	ck_assert_str_eq(image_mode_name(IMAGE_RO), "ro");
	ck_assert_str_eq(image_mode_name(IMAGE_RW), "rw");
	ck_assert_str_eq(image_mode_name(IMAGE_COW), "cow");
	ck_assert(image_mode_parse("cow", &mode));
	ck_assert_int_eq(mode, IMAGE_COW);
	ck_assert(!image_mode_parse("r", &mode));
	ck_assert(!image_mode_parse("", &mode));
	ck_assert_int_eq(mode, IMAGE_COW);
}
END_TEST

/* Each read is appended to what is in the buffer. */
START_TEST(test_read)
{
	struct image *image = open_image(IMAGE_RO);

	ck_assert_int_eq(read_now(image, 0, SIZE), 0);
	assert_out(content, SIZE);
	ck_assert_int_eq(read_now(image, 1000, 3000), 0);
	ck_assert_int_eq(read_now(image, 4000, 131072), 0);
	assert_out(content + 1000, 134072);
	ck_assert_int_eq(read_now(image, SIZE - 1, 1), 0);
	assert_out(content + SIZE - 1, 1);
	ck_assert_int_eq(read_now(image, SIZE, 0), 0);
	assert_out("", 0);
	ck_assert_str_eq(image_trouble(image), "");
	image_close(image);
}
END_TEST

static bool
is_cached(void)
{
	uint8_t sector[2048];
	struct iovec part = { sector, sizeof(sector) };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = preadv2(fd, &part, 1, 0, RWF_NOWAIT);
	close(fd);
	return n == (ssize_t)sizeof(sector);
}

/* What the page cache has is there at once, without a thread. A page may leave the cache at any
 * time, and some filesystems do not tell, so it is tried often and must work once. */
START_TEST(test_read_cached)
{
	struct image *image = open_image(IMAGE_RO);
	bool is_at_once = false, was_cached = false;
	struct result result;
	unsigned tries;

	for (tries = 0; tries < 100 && !is_at_once; tries++) {
		memset(&result, 0, sizeof(result));
		was_cached = is_cached() || was_cached;
		is_at_once = image_read(image, 0, 2048, out, result_cb, &result) == NULL;
		ck_assert_int_eq(wait_result(&result), 0);
		assert_out(content, 2048);
	}
	ck_assert(is_at_once || !was_cached);
	image_close(image);
}
END_TEST

START_TEST(test_read_uncached)
{
	struct image *image;
	unsigned i;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fsync(fd), 0);
	image = open_image(IMAGE_RO);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		ck_assert_int_eq(read_now(image, i * 4096, 131072), 0);
		assert_out(content + (size_t)i * 4096, 131072);
	}
	close(fd);
	image_close(image);
}
END_TEST

START_TEST(test_read_hole)
{
	static const uint8_t zeros[65536];
	struct image *image;

	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(truncate(path, (off_t)1 << 33), 0);
	image = open_image(IMAGE_RO);
	ck_assert_uint_eq(image_size(image), (uint64_t)1 << 33);
	ck_assert_int_eq(read_now(image, ((uint64_t)1 << 33) - 65536, 65536), 0);
	assert_out(zeros, 65536);
	image_close(image);
}
END_TEST

START_TEST(test_read_range)
{
	struct image *image = open_image(IMAGE_RO);

	ck_assert_int_eq(read_now(image, SIZE, 1), ERANGE);
	ck_assert_int_eq(read_now(image, SIZE - 511, 512), ERANGE);
	ck_assert_int_eq(read_now(image, UINT64_MAX, 2), ERANGE);
	ck_assert_int_eq(read_now(image, 0, SIZE_MAX), ERANGE);
	assert_out("", 0);
	ck_assert_str_eq(image_trouble(image), "read beyond the end of the image");
	image_close(image);
}
END_TEST

START_TEST(test_many_readers)
{
	struct image *images[5];
	struct result result[5] = { { 0 } };
	struct evbuffer *outs[5];
	unsigned i;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fsync(fd), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	for (i = 0; i < 5; i++) {
		images[i] = open_image(IMAGE_RO);
		outs[i] = evbuffer_new();
		image_read(images[i], 0, SIZE, outs[i], result_cb, &result[i]);
	}
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(wait_result(&result[i]), 0);
		ck_assert_uint_eq(evbuffer_get_length(outs[i]), SIZE);
		ck_assert_int_eq(memcmp(evbuffer_pullup(outs[i], -1), content, SIZE), 0);
		evbuffer_free(outs[i]);
		image_close(images[i]);
	}
}
END_TEST

/* --- writes ----------------------------------------------------------------- */

START_TEST(test_write)
{
	struct image *image = open_image(IMAGE_RW);
	uint8_t data[4096];

	memset(data, 0xA5, sizeof(data));
	ck_assert_int_eq(write_now(image, 512, data, sizeof(data)), 0);
	assert_file(512, data, sizeof(data));
	assert_file(0, content, 512);
	assert_file(4608, content + 4608, 512);
	ck_assert_int_eq(write_now(image, SIZE - 1, "x", 1), 0);
	assert_file(SIZE - 1, "x", 1);
	ck_assert_int_eq(write_now(image, 0, "", 0), 0);
	ck_assert_int_eq(read_now(image, 512, sizeof(data)), 0);
	assert_out(data, sizeof(data));
	ck_assert_int_eq(flush_now(image), 0);
	ck_assert_str_eq(image_trouble(image), "");
	image_close(image);
}
END_TEST

START_TEST(test_write_refused)
{
	struct image *image = open_image(IMAGE_RO);

	ck_assert_int_eq(write_now(image, 0, "x", 1), EROFS);
	ck_assert_str_eq(image_trouble(image), "the image is read-only");
	ck_assert_int_eq(flush_now(image), 0);
	image_close(image);

	image = open_image(IMAGE_RW);
	ck_assert_int_eq(write_now(image, SIZE, "x", 1), ERANGE);
	ck_assert_int_eq(write_now(image, SIZE - 1, "xy", 2), ERANGE);
	ck_assert_int_eq(write_now(image, UINT64_MAX - 1, "xy", 2), ERANGE);
	ck_assert_str_eq(image_trouble(image), "write beyond the end of the image");
	image_close(image);
	assert_file(SIZE - 1, content + SIZE - 1, 1);
}
END_TEST

/* A read that comes behind a write sees it, even though the old bytes are in the page cache; and
 * what was to be written is what it was when it was handed over. */
START_TEST(test_order)
{
	struct image *image = open_image(IMAGE_RW);
	struct result result[5] = { { 0 } };
	uint8_t data[4] = "new!";
	unsigned i;

	ck_assert_int_eq(read_now(image, 0, 2048), 0);
	assert_out(content, 2048);
	close_gate();
	ck_assert_ptr_nonnull(image_write(image, 100, data, 4, result_cb, &result[0]));
	memset(data, 0, 4);
	ck_assert_ptr_nonnull(image_read(image, 100, 4, out, result_cb, &result[1]));
	ck_assert_ptr_nonnull(
		image_write(image, 102, (const uint8_t *)"er", 2, result_cb, &result[2]));
	ck_assert_ptr_nonnull(image_flush(image, result_cb, &result[3]));
	ck_assert_ptr_nonnull(image_read(image, 99, 6, out, result_cb, &result[4]));
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(result[i].calls, 0);
	open_gate();
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(wait_result(&result[i]), 0);
	for (i = 1; i < 5; i++)
		ck_assert_uint_lt(result[i - 1].order, result[i].order);
	ck_assert_uint_eq(evbuffer_get_length(out), 10);
	ck_assert_int_eq(memcmp(evbuffer_pullup(out, -1), "new!", 4), 0);
	evbuffer_drain(out, 5);
	ck_assert_int_eq(memcmp(evbuffer_pullup(out, -1), "neer", 4), 0);
	image_close(image);
}
END_TEST

/* --- the end of things ------------------------------------------------------ */

START_TEST(test_cancel)
{
	struct image *image = open_image(IMAGE_RW);
	struct result cancelled = { 0 }, result = { 0 };
	struct image_op *write, *read, *flush;

	close_gate();
	write = image_write(image, 0, (const uint8_t *)"still", 5, result_cb, &cancelled);
	read = image_read(image, 0, 5, out, result_cb, &cancelled);
	flush = image_flush(image, result_cb, &cancelled);
	image_cancel(write);
	image_cancel(read);
	image_cancel(flush);
	ck_assert_ptr_nonnull(image_read(image, 1, 3, out, result_cb, &result));
	open_gate();
	ck_assert_int_eq(wait_result(&result), 0);
	ck_assert_uint_eq(cancelled.calls, 0);
	assert_out("til", 3);
	image_close(image);
}
END_TEST

/* What is given up still waits, so it counts: a file that does not answer costs no more memory. */
START_TEST(test_too_many_writes)
{
	struct image *image = open_image(IMAGE_RW);
	struct result cancelled = { 0 }, refused = { 0 }, result = { 0 };
	struct image_op *op;
	unsigned i;

	close_gate();
	for (i = 0; i < IMAGE_WRITES_MAX; i++) {
		op = image_write(image, i, (const uint8_t *)"w", 1, result_cb, &cancelled);
		ck_assert_ptr_nonnull(op);
		image_cancel(op);
	}
	ck_assert_ptr_null(image_write(image, i, (const uint8_t *)"w", 1, result_cb, &refused));
	ck_assert_int_eq(wait_result(&refused), EBUSY);
	ck_assert_str_eq(image_trouble(image), "too many writes wait for the file");
	ck_assert_ptr_nonnull(image_flush(image, result_cb, &result));
	open_gate();
	ck_assert_int_eq(wait_result(&result), 0);
	ck_assert_uint_eq(cancelled.calls, 0);
	ck_assert_int_eq(write_now(image, 0, "w", 1), 0);
	image_close(image);
	assert_file(0, "wwwwwwwwwwwwwwww", IMAGE_WRITES_MAX);
	assert_file(IMAGE_WRITES_MAX, content + IMAGE_WRITES_MAX, 1);
}
END_TEST

/* The buffer is gone by the time the read would come back. */
START_TEST(test_cancel_then_free)
{
	struct image *image = open_image(IMAGE_RW);
	struct evbuffer *gone = evbuffer_new();
	struct result cancelled = { 0 }, result = { 0 };
	struct image_op *read;

	close_gate();
	image_write(image, 0, content, 1, result_cb, &result);
	read = image_read(image, 0, 4096, gone, result_cb, &cancelled);
	image_cancel(read);
	evbuffer_free(gone);
	open_gate();
	ck_assert_int_eq(wait_result(&result), 0);
	ck_assert_int_eq(flush_now(image), 0);
	ck_assert_uint_eq(cancelled.calls, 0);
	image_close(image);
}
END_TEST

/* Nobody is called back, the write is done, and the lock is held until it is. */
START_TEST(test_close_under_way)
{
	struct image *image = open_image(IMAGE_RW);
	struct evbuffer *gone = evbuffer_new();
	struct result result = { 0 };
	struct reason why;

	close_gate();
	image_write(image, 0, (const uint8_t *)"last", 4, result_cb, &result);
	image_read(image, 0, 4, gone, result_cb, &result);
	image_close(image);
	evbuffer_free(gone);
	assert_refused(path, IMAGE_RO, "in use: written by another slot or process");
	open_gate();
	while ((image = image_open(path, IMAGE_RW, pool, &why)) == NULL)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(result.calls, 0);
	image_close(image);
	assert_file(0, "last", 4);
}
END_TEST

static struct image *closing;

static void
close_cb(void *arg, int error)
{
	image_close(closing);
	result_cb(arg, error);
}

/* From the callback of one operation, with another one still to come. */
START_TEST(test_close_in_callback)
{
	struct result first = { 0 }, second = { 0 };
	struct image *image;
	struct reason why;

	closing = open_image(IMAGE_RW);
	close_gate();
	image_write(closing, 0, (const uint8_t *)"1", 1, close_cb, &first);
	image_write(closing, 1, (const uint8_t *)"2", 1, result_cb, &second);
	open_gate();
	ck_assert_int_eq(wait_result(&first), 0);
	while ((image = image_open(path, IMAGE_RW, pool, &why)) == NULL)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(second.calls, 0);
	image_close(image);
	assert_file(0, "12", 2);

	/* A read that is done at once calls back before it returns. */
	closing = open_image(IMAGE_RO);
	memset(&first, 0, sizeof(first));
	image_read(closing, 0, 2, out, close_cb, &first);
	ck_assert_int_eq(wait_result(&first), 0);
	assert_out("12", 2);
}
END_TEST

/* The pool ends first with a read and a write still queued: they end with an error, once. */
START_TEST(test_pool_ends)
{
	struct image *image = open_image(IMAGE_RW);
	struct result result[2] = { { 0 } };

	close_gate();
	image_write(image, 0, (const uint8_t *)"x", 1, result_cb, &result[0]);
	image_read(image, 0, 1, out, result_cb, &result[1]);
	open_gate();
	pool_free(pool);
	pool = NULL;
	ck_assert_uint_eq(result[0].calls, 1);
	ck_assert_uint_eq(result[1].calls, 1);
	ck_assert(result[0].error == 0 || result[0].error == ECANCELED);
	ck_assert(result[1].error == 0 || result[1].error == ECANCELED);
	ck_assert_uint_eq(evbuffer_get_length(out), result[1].error == 0 ? 1 : 0);
	image_close(image);
}
END_TEST

/* --- files that change underneath ------------------------------------------- */

START_TEST(test_shrunk)
{
	struct image *image = open_image(IMAGE_RW);
	struct stat st;

	ck_assert_int_eq(read_now(image, 0, SIZE), 0);
	evbuffer_drain(out, SIZE);
	ck_assert_int_eq(truncate(path, 1000), 0);
	ck_assert_int_eq(read_now(image, 512, 512), EIO);
	ck_assert_str_eq(image_trouble(image), "the file has shrunk to 1000 bytes");
	assert_out("", 0);
	ck_assert_int_eq(read_now(image, 0, 512), 0);
	assert_out(content, 512);

	ck_assert_int_eq(truncate(path, 512), 0);
	ck_assert_int_eq(write_now(image, 512, content, 512), EIO);
	ck_assert_str_eq(image_trouble(image), "the file has shrunk to 512 bytes");
	ck_assert_int_eq(write_now(image, 4096, content, 4096), EIO);
	ck_assert_int_eq(write_now(image, 500, content, 13), EIO);
	ck_assert_int_eq(write_now(image, 500, "twelve bytes", 12), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 512);
	ck_assert_uint_eq(image_size(image), SIZE);
	image_close(image);
}
END_TEST

/* The name goes, the image stays. */
START_TEST(test_unlinked)
{
	struct image *image = open_image(IMAGE_RW);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(write_now(image, 0, "x", 1), 0);
	ck_assert_int_eq(read_now(image, 0, 1), 0);
	assert_out("x", 1);
	image_close(image);
}
END_TEST

START_TEST(test_odd_size)
{
	struct image *image;
	struct stat st;

	write_file(path, content, 1000);
	image = open_image(IMAGE_RW);
	ck_assert_uint_eq(image_size(image), 1000);
	ck_assert_int_eq(write_now(image, 999, "x", 1), 0);
	ck_assert_int_eq(write_now(image, 512, content, 512), ERANGE);
	ck_assert_int_eq(flush_now(image), 0);
	image_close(image);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 1000);
}
END_TEST

/* --- locks ------------------------------------------------------------------ */

START_TEST(test_locks_here)
{
	struct image *first = open_image(IMAGE_RO), *second = open_image(IMAGE_RO);

	assert_refused(path, IMAGE_RW, "in use: read by another slot or process");
	image_close(first);
	assert_refused(path, IMAGE_RW, "in use: read by another slot or process");
	image_close(second);
	first = open_image(IMAGE_RW);
	assert_refused(path, IMAGE_RW, "in use: written by another slot or process");
	assert_refused(path, IMAGE_RO, "in use: written by another slot or process");
	image_close(first);
	second = open_image(IMAGE_RO);
	image_close(second);
}
END_TEST

/* The same file once more: in nobody's way, with its new size, and locked until the last goes. */
START_TEST(test_reopen)
{
	enum image_mode mode = _i == 0 ? IMAGE_RO : IMAGE_RW;
	struct image *first = open_image(mode), *second;
	struct reason why;

	ck_assert(image_is_at(first, path));
	ck_assert(!image_is_at(first, dir));
	ck_assert(!image_is_at(first, "/nonexistent"));
	ck_assert_int_eq(truncate(path, SIZE / 2), 0);
	second = image_reopen(first, path, &why);
	ck_assert_ptr_nonnull(second);
	ck_assert_uint_eq(image_size(first), SIZE);
	ck_assert_uint_eq(image_size(second), SIZE / 2);
	ck_assert_int_eq(image_mode(second), mode);
	ck_assert_str_eq(image_path(second), path);
	image_close(first);
	assert_refused(path, IMAGE_RW,
		_i == 0 ? "in use: read by another slot or process"
			: "in use: written by another slot or process");
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_ptr_null(image_reopen(second, path, &why));
	ck_assert_str_eq(why.text, "the file is empty");
	image_close(second);
	write_file(path, content, SIZE);
	image_close(open_image(IMAGE_RW));
}
END_TEST

/* A child that does something with the image, says when it is done, and ends when it may. */
static struct child {
	pid_t pid;
	int socket;
} child;

static void
child_start(bool (*work)(void))
{
	int pair[2];
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child.pid = fork();
	ck_assert_int_ge(child.pid, 0);
	if (child.pid == 0) {
		close(pair[0]);
		if (!work() || write(pair[1], "r", 1) != 1)
			_exit(1);
		_exit(read(pair[1], &c, 1) < 0);
	}
	close(pair[1]);
	child.socket = pair[0];
	ck_assert_int_eq(read(child.socket, &c, 1), 1);
}

static void
child_end(void)
{
	int status;

	close(child.socket);
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static bool
hold_rw(void)
{
	struct reason why;
	uint64_t size;

	return file_open(path, true, &size, &why) >= 0;
}

static bool
hold_ro(void)
{
	struct reason why;
	uint64_t size;

	return file_open(path, false, &size, &why) >= 0;
}

/* As programs lock that know of no OFD locks. */
static bool
hold_classic(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1 };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
}

START_TEST(test_locks_elsewhere)
{
	struct image *image;
	char text[100];

	child_start(hold_rw);
	assert_refused(path, IMAGE_RW, "in use: written by another slot or process");
	assert_refused(path, IMAGE_RO, "in use: written by another slot or process");
	child_end();
	child_start(hold_ro);
	assert_refused(path, IMAGE_RW, "in use: read by another slot or process");
	image = open_image(IMAGE_RO);
	child_end();
	image_close(image);
	child_start(hold_classic);
	snprintf(text, sizeof(text), "in use: written by process %ld", (long)child.pid);
	assert_refused(path, IMAGE_RO, text);
	child_end();
	image = open_image(IMAGE_RW);
	image_close(image);
}
END_TEST

/* An image in use can still be looked at. */
START_TEST(test_unlocked)
{
	struct image *image = open_image(IMAGE_RW);
	struct reason why;
	uint64_t size = 0;
	int fd = file_open_unlocked(path, &size, &why);

	ck_assert_msg(fd >= 0, "%s", why.text);
	ck_assert_uint_eq(size, SIZE);
	close(fd);
	image_close(image);
	image = open_image(IMAGE_RW);
	image_close(image);
}
END_TEST

/* --- what is not an image --------------------------------------------------- */

START_TEST(test_refused)
{
	char name[320];

	snprintf(name, sizeof(name), "%s/none", dir);
	assert_refused(name, IMAGE_RO, "no such file");
	assert_refused(name, IMAGE_RW, "no such file");
	snprintf(name, sizeof(name), "%s/below", path);
	assert_refused(name, IMAGE_RO, "no such file");
	assert_refused("", IMAGE_RO, "no such file");
	assert_refused(dir, IMAGE_RO, "a directory, not an image");
	assert_refused(dir, IMAGE_RW, "a directory, not an image");
	assert_refused("/dev/null", IMAGE_RO, "a character device, not an image");
	ck_assert_int_eq(truncate(path, 0), 0);
	assert_refused(path, IMAGE_RO, "the file is empty");
	assert_refused(path, IMAGE_RW, "the file is empty");
}
END_TEST

/* Nobody is at the other end, and opening it does not wait for anyone. */
START_TEST(test_refused_fifo)
{
	char name[320];

	snprintf(name, sizeof(name), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	assert_refused(name, IMAGE_RO, "a FIFO, not an image");
	assert_refused(name, IMAGE_RW, "a FIFO, not an image");
	unlink(name);
}
END_TEST

START_TEST(test_refused_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[320];

	/* By way of the directory, since the address has room for a short path only. */
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(name, sizeof(name), "%s/socket", dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "socket");
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_refused("socket", IMAGE_RO, "a socket, not an image");
	ck_assert_int_eq(unlink("socket"), 0);
	ck_assert_int_eq(fchdir(here), 0);
	close(here);
	close(fd);
}
END_TEST

START_TEST(test_not_yet)
{
#ifdef HAVE_LIBNBD
	const char *nbd = "an image on NBD is not supported yet";
#else
	const char *nbd = "this iusbd was built without libnbd";
#endif
	struct stat st;

	assert_refused(path, IMAGE_COW, "mode cow is not supported yet");
	assert_refused("nbd://localhost/export", IMAGE_RO, nbd);
	assert_refused("nbd+unix:///export?socket=/x", IMAGE_RW, nbd);
	assert_refused("NBDS://localhost", IMAGE_RO, nbd);
	assert_refused("nbd/a://b", IMAGE_RO, "no such file");
	if (stat("/dev/loop0", &st) == 0 && S_ISBLK(st.st_mode))
		assert_refused("/dev/loop0", IMAGE_RO, "block devices are not supported yet");
}
END_TEST

static bool
is_denied(bool is_writable, const char *text)
{
	struct reason why;
	uint64_t size;

	return file_open("image", is_writable, &size, &why) == -1 && strcmp(why.text, text) == 0;
}

/* From inside the directory, as nobody might not get there. Root would be let in everywhere; where
 * it cannot become someone else there is nothing to try. */
static bool
try_denied(void)
{
	if (chdir(dir) != 0)
		return false;
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		return true;
	return is_denied(false, "not readable: Permission denied") &&
	       is_denied(true, "not writable: Permission denied");
}

START_TEST(test_unreadable)
{
	ck_assert_int_eq(chmod(path, 0), 0);
	child_start(try_denied);
	child_end();
}
END_TEST

static Suite *
image_suite(void)
{
	const TTest *const tests[] = { test_facts, test_mode_names, test_read, test_read_cached,
		test_read_uncached, test_read_hole, test_read_range, test_many_readers, test_write,
		test_write_refused, test_order, test_cancel, test_too_many_writes,
		test_cancel_then_free, test_close_under_way, test_close_in_callback, test_pool_ends,
		test_shrunk, test_unlinked, test_odd_size, test_locks_here, test_locks_elsewhere,
		test_unlocked, test_refused, test_refused_fifo, test_refused_socket, test_not_yet,
		test_unreadable };
	Suite *suite = suite_create("image");
	TCase *tc = tcase_create("image");
	size_t i;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, test_reopen, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(image_suite());
}
