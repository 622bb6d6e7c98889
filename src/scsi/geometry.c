/* SPDX-License-Identifier: GPL-2.0-or-later */
/* geometry: heads, sectors and cylinders of a disk that has none (iusb-protocol 9.4). */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	BLOCKS_144 = 2880,
	MEDIUM_TYPE_144 = 0x94, /* UFI: 1.44 MB */
	HEADS_OF_A_DISK = 255,  /* what a BIOS makes up */
	SECTORS_OF_A_DISK = 63,
};

/* The BIOS parameter block of a FAT or NTFS boot sector, if there is one that makes sense. */
static bool
of_boot_sector(const uint8_t *boot_sector, uint16_t *heads, uint16_t *sectors)
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

bool
geometry_of_floppy(uint64_t blocks, uint16_t *heads, uint16_t *sectors)
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

	for (size_t i = 0; i < ARRAY_SIZE(floppies); i++) {
		if (floppies[i].blocks != blocks)
			continue;
		*heads = floppies[i].heads;
		*sectors = floppies[i].sectors;
		return true;
	}
	return false;
}

void
geometry_set(struct scsi_drive *drive, const uint8_t boot_sector[512])
{
	uint64_t cylinders;

	if (!of_boot_sector(boot_sector, &drive->heads, &drive->sectors) &&
		!geometry_of_floppy(drive->blocks, &drive->heads, &drive->sectors)) {
		drive->heads = HEADS_OF_A_DISK;
		drive->sectors = SECTORS_OF_A_DISK;
	}
	cylinders = drive->blocks / ((uint32_t)drive->heads * drive->sectors);
	drive->cylinders = cylinders > UINT16_MAX ? UINT16_MAX : (uint16_t)cylinders;
	drive->medium_type = drive->blocks == BLOCKS_144 ? MEDIUM_TYPE_144 : 0;
}
