/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe: asks each part in turn, and says which device an image fits. */
#include "config.h"

#include "image/probe.h"

#include <string.h>
#include <unistd.h>

#include "image/file.h"
#include "image/probe_source.h"

enum {
	OFF_OEM_NAME = 3,
	OFF_NTFS_CODE = 84,
	OFF_SIGNATURE = 510,
};

bool
probe_source_get(struct probe_source *source, uint64_t off, uint8_t *out, size_t len)
{
	int error;

	if (source->error != 0 || off > source->size || len > source->size - off)
		return false;
	error = source->read(source->arg, off, out, len);
	if (error > 0)
		source->error = error;
	return error == 0;
}

bool
probe_has_code(const uint8_t *sector, size_t from, size_t to)
{
	static const char mkfs[] = "not a bootable disk";
	/* read sector 1 of drive 80h to 7C00 */
	static const char mformat[] = "\xB8\x01\x02\xBB\x00\x7C\xBA\x80\x00\xB9\x01\x00\xCD\x13";
	size_t i;

	if (sector[OFF_SIGNATURE] != 0x55 || sector[OFF_SIGNATURE + 1] != 0xAA)
		return false;
	if (memmem(sector, PROBE_SECTOR, mkfs, sizeof(mkfs) - 1) != NULL ||
		memmem(sector, PROBE_SECTOR, mformat, sizeof(mformat) - 1) != NULL)
		return false;
	for (i = from; i < to; i++) {
		if (sector[i] != 0)
			return true;
	}
	return false;
}

/* Neither partitions nor FAT: NTFS, or whatever else has a boot sector. */
static void
examine_rest(const uint8_t *sector, struct probe *out)
{
	size_t code = 0;

	if (memcmp(sector + OFF_OEM_NAME, "NTFS    ", 8) == 0 && sector[OFF_SIGNATURE] == 0x55 &&
		sector[OFF_SIGNATURE + 1] == 0xAA) {
		out->kind = "NTFS";
		code = OFF_NTFS_CODE;
	}
	if (probe_has_code(sector, code, OFF_SIGNATURE)) {
		out->boots_bios = true;
		out->boot = "boot sector";
	}
}

int
probe_examine(struct probe_source *source, struct probe *out, struct reason *why)
{
	uint8_t sector[PROBE_SECTOR];

	memset(out, 0, sizeof(*out));
	out->size = source->size;
	out->kind = "data";
	out->boot = "-";
	if (source->size == 0)
		return reason_set(why, "the file is empty");
	if (probe_source_get(source, 0, sector, sizeof(sector)) &&
		!probe_optical(source, sector, out) && !probe_fat(source, sector, out) &&
		!probe_partitions(source, sector, out))
		examine_rest(sector, out);
	if (source->error != 0)
		return reason_set(why, "cannot read: %s", strerror(source->error));

	if (out->is_optical)
		out->device = DEVICE_CD;
	else
		out->device = out->size <= PROBE_FLOPPY_MAX ? DEVICE_FD : DEVICE_HD;
	return 0;
}

static int
read_file(void *arg, uint64_t off, uint8_t *out, size_t len)
{
	const int *fd = arg;

	return file_read(*fd, off, out, len, false);
}

int
probe_file(const char *path, struct probe *out, struct reason *why)
{
	struct probe_source source = { 0 };
	int fd, result;

	fd = file_open_unlocked(path, &source.size, why);
	if (fd < 0)
		return -1;
	source.read = read_file;
	source.arg = &fd;
	result = probe_examine(&source, out, why);
	close(fd);
	return result;
}
