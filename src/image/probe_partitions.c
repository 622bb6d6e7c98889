/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_partitions: disks with a master boot record or a GUID partition table. */
#include "config.h"

#include <string.h>

#include "base/bytes.h"
#include "image/probe_source.h"

enum {
	OFF_TABLE = 446, /* of the MBR: four entries */
	MBR_ENTRIES = 4,
	MBR_ENTRY_LEN = 16,
	MBR_CODE_END = 440, /* the disk's signature is behind the code */
	OFF_SIGNATURE = 510,

	OFF_STATUS = 0, /* of an MBR entry */
	OFF_TYPE = 4,
	OFF_START = 8,
	OFF_SECTORS = 12,
	STATUS_ACTIVE = 0x80,
	TYPE_PROTECTIVE = 0xEE,
	TYPE_ESP = 0xEF,

	OFF_ENTRIES_LBA = 72, /* of the GPT header (UEFI 5.3.2) */
	OFF_ENTRY_COUNT = 80,
	OFF_ENTRY_SIZE = 84,
	GPT_HEADER_LEN = 92,
	GPT_ENTRIES_MAX = 128,
	GPT_ENTRY_MIN = 128,
	GPT_ENTRY_MAX = 4096,
	GUID_LEN = 16,
};

/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it is on the disk */
static const uint8_t esp_guid[GUID_LEN] = { 0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA,
	0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B };

static uint64_t
get_le64(const uint8_t *p)
{
	return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

struct table {         /* what the four entries of an MBR say */
	bool is_valid; /* at least one partition, and nothing that no partition table has */
	bool has_room; /* one starts behind the MBR */
	bool has_protective;
	bool has_esp;
};

static struct table
read_table(const uint8_t *sector)
{
	struct table table = { 0 };
	const uint8_t *entry;
	unsigned i, used = 0;

	if (sector[OFF_SIGNATURE] != 0x55 || sector[OFF_SIGNATURE + 1] != 0xAA)
		return table;
	for (i = 0; i < MBR_ENTRIES; i++) {
		entry = sector + OFF_TABLE + (size_t)i * MBR_ENTRY_LEN;
		if ((entry[OFF_STATUS] & ~STATUS_ACTIVE) != 0)
			return table;
		if (entry[OFF_TYPE] == 0 || get_le32(entry + OFF_SECTORS) == 0)
			continue;
		used++;
		table.has_room |= get_le32(entry + OFF_START) != 0;
		table.has_protective |= entry[OFF_TYPE] == TYPE_PROTECTIVE;
		table.has_esp |= entry[OFF_TYPE] == TYPE_ESP;
	}
	table.is_valid = used > 0;
	return table;
}

/* True if there is a GPT; then *has_esp tells of an EFI system partition in it. */
static bool
read_gpt(struct probe_source *source, bool *has_esp)
{
	uint8_t header[GPT_HEADER_LEN], guid[GUID_LEN];
	uint32_t count, entry_size, i;
	uint64_t entries;

	if (!probe_source_get(source, PROBE_SECTOR, header, sizeof(header)) ||
		memcmp(header, "EFI PART", 8) != 0)
		return false;
	entries = get_le64(header + OFF_ENTRIES_LBA);
	count = get_le32(header + OFF_ENTRY_COUNT);
	entry_size = get_le32(header + OFF_ENTRY_SIZE);
	if (entries > source->size / PROBE_SECTOR || entry_size < GPT_ENTRY_MIN ||
		entry_size > GPT_ENTRY_MAX)
		return true;
	if (count > GPT_ENTRIES_MAX)
		count = GPT_ENTRIES_MAX;
	for (i = 0; i < count && !*has_esp; i++) {
		if (!probe_source_get(source, entries * PROBE_SECTOR + (uint64_t)i * entry_size,
			    guid, sizeof(guid)))
			break;
		*has_esp = memcmp(guid, esp_guid, sizeof(guid)) == 0;
	}
	return true;
}

bool
probe_has_partitions(const uint8_t *sector)
{
	struct table table = read_table(sector);

	return table.is_valid && table.has_room;
}

bool
probe_partitions(struct probe_source *source, const uint8_t *sector, struct probe *out)
{
	struct table table = read_table(sector);

	if (!table.is_valid)
		return false;
	out->kind = "MBR";
	if (table.has_protective && read_gpt(source, &table.has_esp))
		out->kind = "GPT";
	out->boots_bios = probe_has_code(sector, 0, MBR_CODE_END);
	out->boots_uefi = table.has_esp;
	if (out->boots_bios && out->boots_uefi)
		out->boot = "MBR+ESP";
	else if (out->boots_bios)
		out->boot = "MBR";
	else if (out->boots_uefi)
		out->boot = "ESP";
	return true;
}
