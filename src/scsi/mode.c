/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mode: MODE SENSE, MODE SELECT and the mode pages (SPC-3 7.4, UFI 1.0, MMC-5; iusb-protocol 9.4).
 * Nothing is changeable, so every MODE SELECT is refused. */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	PAGE_NONE = 0x00, /* the header only */
	PAGE_ERROR_RECOVERY = 0x01,
	PAGE_FLEXIBLE_DISK = 0x05,
	PAGE_CACHING = 0x08,
	PAGE_CD_CAPABILITIES = 0x2A,
	PAGE_ALL = 0x3F,
	SUBPAGE_ALL = 0xFF,
	HEADER_6 = 4, /* lengths of the mode parameter header */
	HEADER_10 = 8,
	WRITE_PROTECTED = 0x80, /* device-specific parameter */
	MEDIUM_TYPE_144 = 0x94, /* UFI: 1.44 MB */
	BLOCKS_144 = 2880,
};

/* Page control: which values of the pages. */
enum values { VALUES_CURRENT, VALUES_CHANGEABLE, VALUES_DEFAULT, VALUES_SAVED };

enum { ON_CD = 1, ON_DISK = 2 };

static void
fill_flexible_disk(const struct scsi_drive *drive, uint8_t *p)
{
	bool is_144 = drive->blocks == BLOCKS_144;

	put_be16(p + 2, is_144 ? 500 : 0xF000); /* kbit/s */
	p[4] = (uint8_t)drive->heads;
	p[5] = (uint8_t)drive->sectors;
	put_be16(p + 6, (uint16_t)drive->block_len);
	put_be16(p + 8, drive->cylinders);
	if (is_144) {
		p[19] = 5;             /* motor on delay, tenths of a second */
		p[20] = 30;            /* motor off delay */
		put_be16(p + 28, 300); /* revolutions a minute */
	}
}

static void
fill_cd_capabilities(const struct scsi_drive *drive, uint8_t *p)
{
	p[6] = drive->is_locked ? 0x2B : 0x29; /* a tray; ejects; locks; is locked */
}

/* Rows by page code, the order in which "all pages" gives them. What is not filled in is 00: no
 * write cache, no retries to tune. */
static const struct page {
	uint8_t code;
	uint8_t len; /* with the two bytes of its header */
	uint8_t where;
	void (*fill)(const struct scsi_drive *drive, uint8_t *p);
} pages[] = {
	{ PAGE_ERROR_RECOVERY, 12, ON_CD | ON_DISK, NULL },
	{ PAGE_FLEXIBLE_DISK, 32, ON_DISK, fill_flexible_disk },
	{ PAGE_CACHING, 20, ON_DISK, NULL },
	{ PAGE_CD_CAPABILITIES, 20, ON_CD, fill_cd_capabilities },
};

/* Puts the pages that code means at p, which is zeroed. Returns their length; 0 if there are none.
 */
static uint32_t
fill_pages(const struct scsi_drive *drive, uint8_t code, enum values values, uint8_t *p)
{
	uint8_t here = drive->device == DEVICE_CD ? ON_CD : ON_DISK;
	uint32_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		const struct page *page = &pages[i];

		if (!(page->where & here) || (code != PAGE_ALL && code != page->code))
			continue;
		p[len] = page->code;
		p[len + 1] = page->len - 2;
		if (page->fill != NULL && values != VALUES_CHANGEABLE)
			page->fill(drive, p + len);
		len += page->len;
	}
	return len;
}

/* Puts the pages behind a header of that length. Returns the length of both, or 0 with the sense.
 */
static uint32_t
fill_parameters(const struct scsi_drive *drive, const uint8_t *cdb, uint32_t header, uint8_t *p,
	uint32_t *sense)
{
	enum values values = cdb[2] >> 6;
	uint8_t code = cdb[2] & 0x3F, subpage = cdb[3];
	uint32_t len = 0;

	if (values == VALUES_SAVED) {
		*sense = SENSE_SAVING_NOT_SUPPORTED;
		return 0;
	}
	if (subpage == 0 || (code == PAGE_ALL && subpage == SUBPAGE_ALL))
		len = fill_pages(drive, code, values, p + header);
	if (len == 0 && (code != PAGE_NONE || subpage != 0)) {
		*sense = SENSE_INVALID_FIELD_IN_CDB;
		return 0;
	}
	*sense = SENSE_NONE;
	return header + len;
}

static uint8_t
device_specific(const struct scsi_drive *drive)
{
	return drive->is_read_only ? WRITE_PROTECTED : 0;
}

uint32_t
mode_sense_6(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint8_t *p = out->answer;
	uint32_t sense;
	uint32_t len = fill_parameters(drive, command->cdb, HEADER_6, p, &sense);

	if (len == 0)
		return sense;
	p[0] = (uint8_t)(len - 1);
	p[1] = drive->medium_type;
	p[2] = device_specific(drive);
	return op_answer(command, out, len, command->cdb[4]);
}

uint32_t
mode_sense_10(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint8_t *p = out->answer;
	uint32_t sense;
	uint32_t len = fill_parameters(drive, command->cdb, HEADER_10, p, &sense);

	if (len == 0)
		return sense;
	put_be16(p, (uint16_t)(len - 2));
	p[2] = drive->medium_type;
	p[3] = device_specific(drive);
	return op_answer(command, out, len, get_be16(command->cdb + 7));
}

uint32_t
mode_select(struct scsi_drive *drive UNUSED, const struct scsi_command *command UNUSED,
	struct scsi_decision *out UNUSED)
{
	return SENSE_INVALID_PARAMETER_LIST;
}

/* The BIOS parameter block of a FAT or NTFS boot sector, if there is one that makes sense. */
static bool
geometry_of_boot_sector(const uint8_t *boot_sector, uint16_t *heads, uint16_t *sectors)
{
	enum { BPB_BLOCK_LEN = 11, BPB_SECTORS = 24, BPB_HEADS = 26 };

	if (boot_sector[0] != 0xEB && boot_sector[0] != 0xE9)
		return false;
	if (get_le16(boot_sector + BPB_BLOCK_LEN) != 512)
		return false;
	*sectors = get_le16(boot_sector + BPB_SECTORS);
	*heads = get_le16(boot_sector + BPB_HEADS);
	return *sectors >= 1 && *sectors <= 255 && *heads >= 1 && *heads <= 255;
}

/* What floppies of that size have; else what a BIOS makes up for a disk. */
static void
geometry_of_size(uint64_t blocks, uint16_t *heads, uint16_t *sectors)
{
	static const struct {
		uint16_t blocks;
		uint8_t heads, sectors;
	} floppies[] = {
		/* 160 to 360 KB, 720 KB, 1.2, 1.44, 1.68 and 2.88 MB */
		{ 320, 1, 8 },
		{ 360, 1, 9 },
		{ 640, 2, 8 },
		{ 720, 2, 9 },
		{ 1440, 2, 9 },
		{ 2400, 2, 15 },
		{ BLOCKS_144, 2, 18 },
		{ 3360, 2, 21 },
		{ 5760, 2, 36 },
	};

	*heads = 255;
	*sectors = 63;
	for (size_t i = 0; i < ARRAY_SIZE(floppies); i++) {
		if (floppies[i].blocks == blocks) {
			*heads = floppies[i].heads;
			*sectors = floppies[i].sectors;
		}
	}
}

void
mode_set_geometry(struct scsi_drive *drive, const uint8_t boot_sector[512])
{
	uint64_t cylinders;

	if (!geometry_of_boot_sector(boot_sector, &drive->heads, &drive->sectors))
		geometry_of_size(drive->blocks, &drive->heads, &drive->sectors);
	cylinders = drive->blocks / ((uint32_t)drive->heads * drive->sectors);
	drive->cylinders = cylinders > UINT16_MAX ? UINT16_MAX : (uint16_t)cylinders;
	drive->medium_type = drive->blocks == BLOCKS_144 ? MEDIUM_TYPE_144 : 0;
}
