/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mode_pages: the mode pages of each drive (SPC-3 7.4, SBC-3 6.4, UFI 1.0, MMC-5 7; iusb-protocol
 * 9.4). Nothing is changeable, so current and default values are the same.
 */
#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	PAGE_ERROR_RECOVERY = 0x01,
	PAGE_FLEXIBLE_DISK = 0x05,
	PAGE_CACHING = 0x08,
	PAGE_CONTROL = 0x0A,
	PAGE_POWER_CONDITION = 0x1A,
	PAGE_FLOPPY_TIMER = 0x1C,  /* UFI: timer and protect */
	PAGE_OPTICAL_TIMER = 0x1D, /* MMC: timeout and protect */
	PAGE_CD_CAPABILITIES = 0x2A,
	BLOCKS_144 = 2880,
};

enum { ON_CD = 1, ON_FD = 2, ON_HD = 4, ON_DISK = ON_FD | ON_HD, ON_ALL = ON_CD | ON_DISK };

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
	p[2] = 0x08;                           /* reads DVD-ROM, too */
	p[6] = drive->is_locked ? 0x2B : 0x29; /* a tray; ejects; locks; is locked */
}

/*
 * Rows by page code, the order in which "all pages" gives them. What is not filled in is 00: no
 * write cache, no retries to tune, no timers. The page of informational exceptions (1C) is not
 * here: a drive that has it claims SMART.
 */
static const struct page {
	uint8_t code;
	uint8_t len; /* with the two bytes of its header */
	uint8_t where;
	void (*fill)(const struct scsi_drive *drive, uint8_t *p);
} pages[] = {
	{ PAGE_ERROR_RECOVERY, 12, ON_ALL, NULL },
	{ PAGE_FLEXIBLE_DISK, 32, ON_DISK, fill_flexible_disk },
	{ PAGE_CACHING, 20, ON_ALL, NULL },
	{ PAGE_CONTROL, 12, ON_HD, NULL },
	{ PAGE_POWER_CONDITION, 12, ON_CD | ON_HD, NULL },
	{ PAGE_FLOPPY_TIMER, 8, ON_FD, NULL },
	{ PAGE_OPTICAL_TIMER, 10, ON_CD, NULL },
	{ PAGE_CD_CAPABILITIES, 20, ON_CD, fill_cd_capabilities },
};

uint32_t
mode_pages_fill(const struct scsi_drive *drive, uint8_t code, enum mode_values values,
	uint8_t p[MODE_PAGES_MAX])
{
	static const uint8_t places[DEVICE_COUNT] = {
		[DEVICE_CD] = ON_CD,
		[DEVICE_FD] = ON_FD,
		[DEVICE_HD] = ON_HD,
	};
	uint32_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		const struct page *page = &pages[i];

		if (!(page->where & places[drive->device]) ||
			(code != MODE_PAGE_ALL && code != page->code))
			continue;
		p[len] = page->code;
		p[len + 1] = page->len - 2;
		if (page->fill != NULL && values != VALUES_CHANGEABLE)
			page->fill(drive, p + len);
		len += page->len;
	}
	return len;
}
