/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file: opening and locking of image files, and whole reads and writes on them. */
#ifndef IMAGE_FILE_H
#define IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

/*
 * Opens path as image_open() says (iusbd design 4): a non-empty regular file, locked shared or
 * exclusive. Returns the descriptor (close-on-exec) and its size, or -1 with the reason, which does
 * not repeat the path. Never waits for the other end of a FIFO.
 *
 * A filesystem that has no locks is good enough for reading, and refused for writing.
 */
int file_open(const char *path, bool is_writable, uint64_t *size, struct reason *why) MUST_CHECK;

/* The same for reading and without a lock: to look at an image, whoever uses it. */
int file_open_unlocked(const char *path, uint64_t *size, struct reason *why) MUST_CHECK;

/* Another descriptor for what fd has open, under the same lock, and the size it has now. -1 with
 * the reason. */
int file_again(int fd, uint64_t *size, struct reason *why) MUST_CHECK;

/* True if path leads to the file that fd has open. */
bool file_is_at(int fd, const char *path);

/*
 * Reads all len bytes at off. Returns 0, an errno value, or -1 if the file ends before.
 * With only_cached, 0 or EAGAIN: what is not all in the page cache, or not to be had at all, takes
 * a read that may wait to tell.
 */
int file_read(int fd, uint64_t off, uint8_t *out, size_t len, bool only_cached) MUST_CHECK;

/*
 * Writes all len bytes at off. Returns 0, an errno value, or -1 if the file ends before off + len:
 * it is never made longer.
 */
int file_write(int fd, uint64_t off, const uint8_t *data, size_t len) MUST_CHECK;

#endif
