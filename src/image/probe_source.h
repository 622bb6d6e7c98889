/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_source: the bytes that a probe looks at, and the parts of the probe that look at them. */
#ifndef IMAGE_PROBE_SOURCE_H
#define IMAGE_PROBE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/probe.h"

enum {
	PROBE_SECTOR = 512,
};

/* Reads all len bytes at off. Returns 0, an errno value, or -1 if there are none that far. */
typedef int probe_read_cb(void *arg, uint64_t off, uint8_t *out, size_t len);

/* Filled by whoever probes; error is 0 at first and keeps the first errno value that read gave. */
struct probe_source {
	uint64_t size; /* bytes; read is not called for what is beyond */
	probe_read_cb *read;
	void *arg;
	int error;
};

/* True if out has len bytes from off. False beyond the end and on an error; after an error, always,
 * so a probe need not look at each. */
bool probe_source_get(struct probe_source *source, uint64_t off, uint8_t *out, size_t len);

/*
 * Each part fills what it finds out into out (kind, boot, what boots) and returns true if the
 * source is what it looks for. sector is the first PROBE_SECTOR bytes.
 */

/* ISO 9660 (ECMA-119), UDF (ECMA-167 2/8, 3/9) and El Torito 1.0. */
bool probe_optical(struct probe_source *source, const uint8_t *sector, struct probe *out);

/* A FAT volume without partitions. */
bool probe_fat(struct probe_source *source, const uint8_t *sector, struct probe *out);

/* A disk with an MBR or GPT. */
bool probe_partitions(struct probe_source *source, const uint8_t *sector, struct probe *out);

/* True if the sector has a partition table that leaves room for itself. A FAT boot sector can look
 * as if it had one: mformat puts an entry on its floppies that starts at sector 0. */
bool probe_has_partitions(const uint8_t *sector);

/* The signature 55 AA is there, and so is code in [from, to), other than what formatting tools
 * put there when there is nothing to boot: to say so, or to start the first hard disk instead. */
bool probe_has_code(const uint8_t *sector, size_t from, size_t to);

#endif
