/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_probe: any bytes as an image: the probe neither crashes nor reads without end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/probe.h"
#include "image/probe_source.h"

enum {
	IMAGE_MAX = 128 * 1024,
	PIECE = 64,
	READS_MAX = 1000,
};

struct memory {
	const uint8_t *bytes;
	size_t size;
	unsigned reads;
};

static int
read_memory(void *arg, uint64_t off, uint8_t *out, size_t len)
{
	struct memory *memory = arg;

	if (len > memory->size || off > memory->size - len || ++memory->reads > READS_MAX)
		abort();
	memcpy(out, memory->bytes + off, len);
	return 0;
}

static void
check(const uint8_t *bytes, size_t size)
{
	struct memory memory = { .bytes = bytes, .size = size };
	struct probe_source source = { .size = size, .read = read_memory, .arg = &memory };
	struct probe probe;
	struct reason why;

	if (probe_examine(&source, &probe, &why) != (size == 0 ? -1 : 0))
		abort();
	if (size != 0 && (probe.kind == NULL || probe.boot == NULL || probe.device >= DEVICE_COUNT))
		abort();
}

/*
 * What matters in an image is spread thinly, so the input is taken twice: as an image, and as
 * pieces of one: the first sector, then pieces with their places (in units of PIECE, two bytes).
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[IMAGE_MAX];
	size_t len, off;

	check(data, size);

	memset(image, 0, sizeof(image));
	len = size < PROBE_SECTOR ? size : PROBE_SECTOR;
	memcpy(image, data, len);
	for (data += len, size -= len; size > 2; data += len, size -= len) {
		off = (size_t)(data[0] | data[1] << 8) * PIECE % IMAGE_MAX;
		data += 2;
		size -= 2;
		len = size < PIECE ? size : PIECE;
		memcpy(image + off, data, len);
	}
	check(image, sizeof(image));
	return 0;
}
