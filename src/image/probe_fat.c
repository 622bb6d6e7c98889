/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_fat: FAT volumes without partitions ("superfloppies"), and whether \EFI\BOOT is on them. */
#include "config.h"

#include <string.h>

#include "base/bytes.h"
#include "image/probe_source.h"

enum {
	OFF_JUMP = 0, /* of the boot sector (FAT specification 1.03, section 3) */
	OFF_BYTES_PER_SECTOR = 11,
	OFF_SECTORS_PER_CLUSTER = 13,
	OFF_RESERVED = 14,
	OFF_FATS = 16,
	OFF_ROOT_ENTRIES = 17,
	OFF_TOTAL_16 = 19,
	OFF_MEDIA = 21,
	OFF_FAT_SIZE_16 = 22,
	OFF_TOTAL_32 = 32,
	OFF_FAT_SIZE_32 = 36,
	OFF_ROOT_CLUSTER = 44, /* FAT32 only, as is the offset of its code */
	OFF_CODE_16 = 62,
	OFF_CODE_32 = 90,
	OFF_SIGNATURE = 510,
	CLUSTER_MAX = 65536, /* bytes */
	FAT12_CLUSTERS = 4085,
	FAT16_CLUSTERS = 65525,

	DIR_ENTRY_LEN = 32, /* of a directory entry (section 6) */
	NAME_LEN = 11,
	OFF_ATTRIBUTES = 11,
	OFF_CLUSTER_HIGH = 20,
	OFF_CLUSTER_LOW = 26,
	NAME_END = 0x00,
	ATTRIBUTE_VOLUME = 0x08, /* a label, or a part of a long name */
	ATTRIBUTE_DIRECTORY = 0x10,

	DIR_SECTORS_MAX = 128, /* as much of a directory is looked through: 2048 entries */
};

struct fat {
	unsigned width;        /* 12, 16 or 32 bits */
	uint32_t cluster_len;  /* bytes */
	uint32_t clusters;     /* numbered from 2 */
	uint32_t root_cluster; /* 0: the root is at root_off, root_len bytes */
	uint64_t fat_off, root_off, root_len, data_off; /* bytes */
};

static bool
is_power_of_2(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* Returns false unless all fields make sense together. */
static bool
decode(const uint8_t *sector, struct fat *fat)
{
	uint32_t bytes = get_le16(sector + OFF_BYTES_PER_SECTOR);
	uint32_t per_cluster = sector[OFF_SECTORS_PER_CLUSTER];
	uint32_t reserved = get_le16(sector + OFF_RESERVED);
	uint32_t fats = sector[OFF_FATS];
	uint32_t root_entries = get_le16(sector + OFF_ROOT_ENTRIES);
	uint32_t total = get_le16(sector + OFF_TOTAL_16);
	uint32_t fat_size = get_le16(sector + OFF_FAT_SIZE_16);
	uint8_t media = sector[OFF_MEDIA];
	bool is_32 = fat_size == 0;
	uint64_t root_sectors, overhead;

	if (total == 0)
		total = get_le32(sector + OFF_TOTAL_32);
	if (is_32)
		fat_size = get_le32(sector + OFF_FAT_SIZE_32);
	if ((sector[OFF_JUMP] != 0xEB && sector[OFF_JUMP] != 0xE9) || !is_power_of_2(bytes) ||
		bytes < 512 || bytes > 4096 || !is_power_of_2(per_cluster) ||
		bytes * per_cluster > CLUSTER_MAX || reserved == 0 || fats < 1 || fats > 2 ||
		(media != 0xF0 && media < 0xF8) || fat_size == 0 || is_32 != (root_entries == 0))
		return false;
	root_sectors = ((uint64_t)root_entries * DIR_ENTRY_LEN + bytes - 1) / bytes;
	overhead = reserved + (uint64_t)fats * fat_size + root_sectors;
	if (total <= overhead)
		return false;

	fat->cluster_len = bytes * per_cluster;
	fat->clusters = (uint32_t)((total - overhead) / per_cluster);
	fat->root_cluster = is_32 ? get_le32(sector + OFF_ROOT_CLUSTER) : 0;
	fat->fat_off = (uint64_t)reserved * bytes;
	fat->root_off = (overhead - root_sectors) * bytes;
	fat->root_len = root_sectors * bytes;
	fat->data_off = overhead * bytes;
	/* The count decides, but only FAT32 has no 16-bit size, and small ones are often made. */
	if (is_32 || fat->clusters >= FAT16_CLUSTERS)
		fat->width = 32;
	else
		fat->width = fat->clusters < FAT12_CLUSTERS ? 12 : 16;
	return true;
}

static bool
is_cluster(const struct fat *fat, uint32_t cluster)
{
	return cluster >= 2 && cluster - 2 < fat->clusters;
}

/* The cluster behind this one; 0 at the end of the chain. */
static uint32_t
next_cluster(struct probe_source *source, const struct fat *fat, uint32_t cluster)
{
	uint64_t off = fat->fat_off + (uint64_t)cluster * fat->width / 8;
	uint8_t raw[4];
	uint32_t next;

	if (!probe_source_get(source, off, raw, fat->width == 32 ? 4 : 2))
		return 0;
	if (fat->width == 32)
		next = get_le32(raw) & 0x0FFFFFFF;
	else if (fat->width == 16)
		next = get_le16(raw);
	else
		next = (cluster & 1) != 0 ? get_le16(raw) >> 4 : get_le16(raw) & 0xFFF;
	return is_cluster(fat, next) ? next : 0;
}

struct search {
	const char *name; /* of a directory, as in its entry */
	unsigned left;    /* sectors that may still be looked at */
	bool is_over;     /* found, the end of the directory, or enough of it */
	uint32_t cluster; /* of the directory if it was found, else 0 */
};

static void
search_extent(struct probe_source *source, const struct fat *fat, uint64_t off, uint64_t len,
	struct search *search)
{
	uint8_t sector[PROBE_SECTOR];
	const uint8_t *entry;
	uint64_t end = off + len;

	for (; off < end && !search->is_over; off += sizeof(sector)) {
		if (search->left == 0 || !probe_source_get(source, off, sector, sizeof(sector))) {
			search->is_over = true;
			return;
		}
		search->left--;
		for (entry = sector; entry < sector + sizeof(sector); entry += DIR_ENTRY_LEN) {
			if (entry[0] == NAME_END) {
				search->is_over = true;
				return;
			}
			if ((entry[OFF_ATTRIBUTES] & ATTRIBUTE_VOLUME) != 0 ||
				(entry[OFF_ATTRIBUTES] & ATTRIBUTE_DIRECTORY) == 0 ||
				memcmp(entry, search->name, NAME_LEN) != 0)
				continue;
			search->cluster = get_le16(entry + OFF_CLUSTER_LOW);
			if (fat->width == 32)
				search->cluster |= (uint32_t)get_le16(entry + OFF_CLUSTER_HIGH)
						   << 16;
			search->is_over = true;
			return;
		}
	}
}

/* The first cluster of the directory name in the directory at parent (0: a root without clusters),
 * or 0. A chain that goes in circles ends with the sectors that may be looked at. */
static uint32_t
find_directory(
	struct probe_source *source, const struct fat *fat, uint32_t parent, const char *name)
{
	struct search search = { .name = name, .left = DIR_SECTORS_MAX };

	if (parent == 0) {
		search_extent(source, fat, fat->root_off, fat->root_len, &search);
		return search.cluster;
	}
	while (is_cluster(fat, parent) && !search.is_over) {
		search_extent(source, fat,
			fat->data_off + (uint64_t)(parent - 2) * fat->cluster_len, fat->cluster_len,
			&search);
		if (!search.is_over)
			parent = next_cluster(source, fat, parent);
	}
	return search.cluster;
}

bool
probe_fat(struct probe_source *source, const uint8_t *sector, struct probe *out)
{
	struct fat fat;
	uint32_t efi;

	if (!decode(sector, &fat) || probe_has_partitions(sector))
		return false;
	out->kind = fat.width == 12 ? "FAT12" : fat.width == 16 ? "FAT16" : "FAT32";
	out->boots_bios =
		probe_has_code(sector, fat.width == 32 ? OFF_CODE_32 : OFF_CODE_16, OFF_SIGNATURE);
	efi = find_directory(source, &fat, fat.root_cluster, "EFI        ");
	out->boots_uefi = efi != 0 && find_directory(source, &fat, efi, "BOOT       ") != 0;
	if (out->boots_bios || out->boots_uefi)
		out->boot = "superfloppy";
	return true;
}
