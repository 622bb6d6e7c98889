/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_optical: ISO 9660 and UDF volumes, and the El Torito boot catalogue. */
#include "config.h"

#include <string.h>

#include "base/bytes.h"
#include "image/probe_source.h"

enum {
	CD_SECTOR = 2048,
	FIRST_DESCRIPTOR = 16, /* sector of the first volume descriptor */
	DESCRIPTORS_MAX = 64,

	OFF_DESCRIPTOR_TYPE = 0, /* of a volume descriptor (ECMA-119 8.1) */
	OFF_DESCRIPTOR_ID = 1,
	OFF_BOOT_SYSTEM = 7,   /* of a boot record (ECMA-119 8.2) */
	OFF_BOOT_CATALOG = 71, /* u32, sector (El Torito 2.0) */
	DESCRIPTOR_HEAD = 80,  /* as much of a descriptor as is of interest */
	ID_LEN = 5,
	TYPE_BOOT_RECORD = 0,

	OSTA_SECTOR = 35, /* where BMCs look for UDF (iusb-protocol 9.7) */
	OSTA_OFFSET = 217,

	ENTRY_LEN = 32, /* of the boot catalogue (El Torito 2.1 to 2.5) */
	ENTRIES = CD_SECTOR / ENTRY_LEN,
	OFF_ENTRY_ID = 0,
	OFF_PLATFORM = 1,
	OFF_SECTION_COUNT = 2,
	OFF_LOAD_SECTOR = 8,
	OFF_KEY = 30,
	ID_VALIDATION = 0x01,
	ID_EXTENSION = 0x44,
	ID_BOOTABLE = 0x88,
	ID_SECTION = 0x90,
	ID_LAST_SECTION = 0x91,
	PLATFORM_X86 = 0x00,
	PLATFORM_EFI = 0xEF,
};

static const char el_torito[] = "EL TORITO SPECIFICATION";

static bool
has_id(const uint8_t *descriptor, const char *id)
{
	return memcmp(descriptor + OFF_DESCRIPTOR_ID, id, ID_LEN) == 0;
}

/* The validation entry: its key, and all of its 16-bit words add up to 0. */
static bool
catalog_is_valid(const uint8_t *entry)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < ENTRY_LEN; i += 2)
		sum += get_le16(entry + i);
	return entry[OFF_ENTRY_ID] == ID_VALIDATION && entry[OFF_KEY] == 0x55 &&
	       entry[OFF_KEY + 1] == 0xAA && (sum & 0xFFFF) == 0;
}

/* An entry that can boot loads something that is inside the image. */
static void
take_entry(const struct probe_source *source, const uint8_t *entry, uint8_t platform,
	struct probe *out)
{
	uint64_t off = (uint64_t)get_le32(entry + OFF_LOAD_SECTOR) * CD_SECTOR;

	if (entry[OFF_ENTRY_ID] != ID_BOOTABLE || off == 0 || off >= source->size)
		return;
	if (platform == PLATFORM_X86)
		out->boots_bios = true;
	else if (platform == PLATFORM_EFI)
		out->boots_uefi = true;
}

/* Validation entry, default entry, then sections: a header and as many entries as it says, each
 * maybe followed by extensions. Firmware looks at no more than the first sector either. */
static void
read_catalog(struct probe_source *source, uint32_t sector, struct probe *out)
{
	uint8_t catalog[CD_SECTOR];
	const uint8_t *entry;
	unsigned i, left = 0;
	uint8_t platform;

	if (!probe_source_get(source, (uint64_t)sector * CD_SECTOR, catalog, sizeof(catalog)) ||
		!catalog_is_valid(catalog))
		return;
	platform = catalog[OFF_PLATFORM];
	take_entry(source, catalog + ENTRY_LEN, platform, out);
	for (i = 2; i < ENTRIES; i++) {
		entry = catalog + (size_t)i * ENTRY_LEN;
		if (entry[OFF_ENTRY_ID] == ID_EXTENSION)
			continue;
		if (left > 0) {
			take_entry(source, entry, platform, out);
			left--;
		} else if (entry[OFF_ENTRY_ID] == ID_SECTION ||
			   entry[OFF_ENTRY_ID] == ID_LAST_SECTION) {
			platform = entry[OFF_PLATFORM];
			left = get_le16(entry + OFF_SECTION_COUNT);
		} else {
			break;
		}
	}
}

/* ISO 9660 and UDF descriptors share one sequence, which ends with whatever is neither. */
static void
read_descriptors(struct probe_source *source, bool *is_iso, bool *is_udf, uint32_t *catalog)
{
	uint8_t head[DESCRIPTOR_HEAD];
	uint64_t off;
	unsigned i;

	for (i = 0; i < DESCRIPTORS_MAX; i++) {
		off = (uint64_t)(FIRST_DESCRIPTOR + i) * CD_SECTOR;
		if (!probe_source_get(source, off, head, sizeof(head)))
			return;
		if (has_id(head, "CD001")) {
			*is_iso = *is_iso || i == 0;
			if (*catalog == 0 && head[OFF_DESCRIPTOR_TYPE] == TYPE_BOOT_RECORD &&
				memcmp(head + OFF_BOOT_SYSTEM, el_torito, sizeof(el_torito) - 1) ==
					0)
				*catalog = get_le32(head + OFF_BOOT_CATALOG);
		} else if (has_id(head, "NSR02") || has_id(head, "NSR03")) {
			*is_udf = true;
		} else if (!has_id(head, "BEA01") && !has_id(head, "BOOT2") &&
			   !has_id(head, "CDW02") && !has_id(head, "TEA01")) {
			return;
		}
	}
}

static bool
has_osta_mark(struct probe_source *source)
{
	static const char osta[] = "*OSTA UDF Compliant";
	uint8_t text[sizeof(osta) - 1];

	return probe_source_get(
		       source, OSTA_SECTOR * CD_SECTOR + OSTA_OFFSET, text, sizeof(text)) &&
	       memcmp(text, osta, sizeof(text)) == 0;
}

bool
probe_optical(struct probe_source *source, const uint8_t *sector, struct probe *out)
{
	bool is_iso = false, is_udf = false;
	struct probe as_disk = { 0 };
	uint32_t catalog = 0;

	read_descriptors(source, &is_iso, &is_udf, &catalog);
	if (!is_iso && !is_udf && !has_osta_mark(source))
		return false;
	out->kind = is_iso ? "ISO 9660" : "UDF";
	out->is_optical = true;
	if (catalog != 0)
		read_catalog(source, catalog, out);
	if (out->boots_bios && out->boots_uefi)
		out->boot = "El Torito BIOS+UEFI";
	else if (out->boots_bios)
		out->boot = "El Torito BIOS";
	else if (out->boots_uefi)
		out->boot = "El Torito UEFI";
	out->is_hybrid = probe_partitions(source, sector, &as_disk) &&
			 (as_disk.boots_bios || as_disk.boots_uefi);
	return true;
}
