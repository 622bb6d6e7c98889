/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe: what is in this image, and how would a machine boot from it? Looks at a few sectors only.
 */
#ifndef IMAGE_PROBE_H
#define IMAGE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

struct probe_source;

enum {
	PROBE_FLOPPY_MAX = 2880 * 1024, /* the largest floppy: 2.88 MB */
};

struct probe {
	uint64_t size;    /* bytes */
	const char *kind; /* "ISO 9660", "UDF", "FAT12", "FAT16", "FAT32", "NTFS", "MBR", "GPT",
			     "data"; static text */
	bool is_optical;  /* ISO 9660 or UDF */
	bool is_hybrid;   /* optical, and a disk with a master boot record as well (isohybrid) */
	bool boots_bios;  /* El Torito BIOS entry, or a boot sector with code (55 AA) */
	bool boots_uefi; /* El Torito UEFI entry, a GPT or MBR EFI system partition, or \EFI\BOOT on
			    a FAT superfloppy */
	const char *boot; /* static text: "El Torito BIOS", "El Torito UEFI", "El Torito BIOS+UEFI",
			     "MBR" (code in it), "ESP" (EFI system partition), "MBR+ESP",
			     "superfloppy" (FAT with code or \EFI\BOOT), "boot sector" (code, but
			     neither partitions nor FAT), "-" */
	enum device device; /* where it fits: optical cd, up to PROBE_FLOPPY_MAX fd, else hd */
};

/* Probes the file, locked or not. Returns -1 with the reason if it cannot be read or is empty. */
int probe_file(const char *path, struct probe *out, struct reason *why) MUST_CHECK;

/* The same for anything that can be read (image/probe_source.h). Whatever is in it, a bounded
 * number of sectors is read. */
int probe_examine(struct probe_source *source, struct probe *out, struct reason *why) MUST_CHECK;

#endif
