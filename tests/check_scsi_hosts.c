/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_scsi_hosts: what the hosts that matter send to a drive when they find it, and the answers
 * they need to go on. Each host is a table. It is told twice: with every command forwarded to the
 * drive, and with the BMC's filter (iusb-protocol 9.1), where the drive sees only part of it and
 * the host, refused the rest by the BMC, goes on in another way. And with the bytes behind the end
 * of each CDB as they happen to be.
 */
#include "scsi_ask.h"

/* When a step is taken. */
enum when {
	ALWAYS,   /* though the filter keeps it to the BMC if it is not in its list */
	OPEN,     /* with every command forwarded */
	FILTERED, /* with the filter; must be in its list */
};

struct step {
	enum when when;
	const char *cdb; /* and the rest as in scsi_ask.h; or one of the two below */
	uint32_t read_len, data_len;
	const char *want;
};

/* A step that is no command: another medium takes the place of the one in the drive; the host's
 * operator, or the BMC's, puts the medium back in. */
#define SWAP(setup)                            \
	{                                      \
		ALWAYS, "swap", setup, 0, NULL \
	}
#define BACK_IN                               \
	{                                     \
		ALWAYS, "back in", 0, 0, NULL \
	}

/* clang-format off */

/* ---- what many of them send ---- */

#define INQUIRY_36(type, product) { ALWAYS, "12 00 00 00 24 00", 36, 0, "= " type " 80 00 01 1f 00*3" VENDOR product REVISION }
#define READY(want)        { ALWAYS, "00 00 00 00 00 00", 0, 0, want }
#define SENSE(key, code)   { ALWAYS, "03 00 00 00 12 00", 18, 0, "= 70 00 " key " 00*4 0a 00*4 " code " 00*5" }
#define IS_NEW             READY("06/28/00"), SENSE("06", "28"), READY("done")
#define CAPACITY(want)     { ALWAYS, "25 00*9", 8, 0, "= " want }
#define PREVENT            { ALWAYS, "1e 00 00 00 01 00", 0, 0, "done" }
#define ALLOW              { ALWAYS, "1e 00 00 00 00 00", 0, 0, "done" }
#define EJECT              { ALWAYS, "1b 00 00 00 02 00", 0, 0, "eject" }
#define CAPACITY_64M       "00 01 ff ff 00 00 02 00"
#define CAPACITY_144       "00 00 0b 3f 00 00 02 00"
#define CAPACITY_CD        "00 00 03 e7 00 00 08 00"
#define TOC_LBA            "= 00 12 01 01 00 14 01 00 00 00 00 00 00 14 aa 00 00 00 03 e8"
#define TOC_MSF            "= 00 12 01 01 00 14 01 00 00 00 02 00 00 14 aa 00 00 00 0f 19"
#define FORMAT_TRACK(cylinder, side) "04 17 " cylinder " 00 00 00 00 000c 00 00 00 | 00 b" side " 00 08 00 00 0b 40 00 00 02 00"

/* ---- Linux: usb-storage with sd and sr ---- */

static const struct step linux_disk[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "1a 00 3f 00 c0 00", 192, 0, "= 5b 00 00 00" PAGES_HD_64M }, /* write protected? */
	{ ALWAYS, "1a 00 08 00 04 00", 4, 0, "= 17 00 00 00" },                /* a write cache? */
	{ ALWAYS, "1a 00 08 00 18 00", 24, 0, "= 17 00 00 00" PAGE_08 },
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },       /* partitions */
	{ ALWAYS, "28 00 0001ff80 00 0008 00", 4096, 0, "read 67043328 4096" },
	PREVENT,
	{ ALWAYS, "28 00 00000800 00 00f0 00", 122880, 0, "read 1048576 122880" },
	{ ALWAYS, "2a 00 00000800 00 00f0 00", 0, 122880, "write 1048576 122880" },
	{ ALWAYS, "2a 08 00000800 00 0008 00", 0, 4096, "write 1048576 4096 flush" },
	{ ALWAYS, "35 00*9", 0, 0, "flush" },
	ALLOW, READY("done"),
	/* eject(1) */
	ALLOW,
	{ ALWAYS, "1b 00 00 00 01 00", 0, 0, "done" },
	EJECT, READY("02/3A/00"), SENSE("02", "3a"),
};

/* It asks for the whole of a disk with 16 bytes; a BMC that refuses that shows 2 TiB of it. */
static const struct step linux_large_disk[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	CAPACITY("ff ff ff ff 00 00 02 00"),
	{ OPEN, "9e 10 00*8 0000", 32, 0, "= 00 00 00 01 7f ff ff ff 00 00 02 00 00*20" },
	{ OPEN, "88 00 000000017ffffff8 0000", 4096, 0, "read 3298534879232 4096" },
	{ OPEN, "8a 00 000000017ffffff8 0000", 0, 4096, "write 3298534879232 4096" },
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },
	{ ALWAYS, "28 00 fffffff8 00 0007 00", 3584, 0, "read 2199023251456 3584" },
};

/* The medium is swapped while it looks; while a file system is mounted and has something to write. */
static const struct step linux_swap[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },
	READY("done"),
	SWAP(HD_3T),
	IS_NEW,
	CAPACITY("ff ff ff ff 00 00 02 00"),
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },
	PREVENT,
	{ ALWAYS, "2a 00 00000800 00 0008 00", 0, 4096, "write 1048576 4096" },
	SWAP(HD),
	{ ALWAYS, "2a 00 00000808 00 0008 00", 0, 4096, "06/28/00" }, SENSE("06", "28"),
	READY("done"),
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },
	{ ALWAYS, "2a 00 00000800 00 0008 00", 0, 4096, "write 1048576 4096" },
	SWAP(HD_RO),
	{ ALWAYS, "2a 00 00000808 00 0008 00", 0, 4096, "06/28/00" }, SENSE("06", "28"),
	{ ALWAYS, "1a 00 3f 00 c0 00", 192, 0, "= 5b 00 80 00" PAGES_HD_64M },
	{ ALWAYS, "2a 00 00000808 00 0008 00", 0, 4096, "07/27/00" }, SENSE("07", "27"),
};

/* A floppy of the UFI kind gets MODE SENSE(10); then as ufiformat(8) formats it. */
static const struct step linux_floppy[] = {
	INQUIRY_36("00", FLOPPY), IS_NEW,
	CAPACITY(CAPACITY_144),
	{ ALWAYS, "5a 00 3f 00*4 00c0 00", 192, 0, "= 00 4e 94 00 00*4" PAGES_FD_144 },
	{ ALWAYS, "28 00 00000000 00 0008 00", 4096, 0, "read 0 4096" },
	{ ALWAYS, "23 00*6 00ff 00", 255, 0, "= 00 00 00 10 00 00 0b 40 02 00 02 00 00 00 0b 40 00 00 02 00" },
	{ ALWAYS, "5a 00 05 00*4 00ff 00", 255, 0, "= 00 26 94 00 00*4" PAGE_05_144 },
	{ ALWAYS, FORMAT_TRACK("00", "0"), 0, 12, "fill 0 9216 with 00 flush" },
	{ ALWAYS, FORMAT_TRACK("00", "1"), 0, 12, "fill 9216 9216 with 00 flush" },
	{ ALWAYS, FORMAT_TRACK("4f", "1"), 0, 12, "fill 1465344 9216 with 00 flush" },
	{ ALWAYS, "2f 00 00000000 00 0012 00", 0, 0, "check 0 9216" },
	{ ALWAYS, "2a 00 00000000 00 0021 00", 0, 16896, "write 0 16896" }, /* mkfs.fat */
};

static const struct step linux_cd[] = {
	INQUIRY_36("05", CDROM), IS_NEW,
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "5a 00 2a 00*4 0080 00", 128, 0, "= 00 1a 00 80 00*4" PAGE_2A },
	{ ALWAYS, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 02 02 00 00" }, /* polled */
	READY("done"),
	{ ALWAYS, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 00 02 00 00" },
	/* open */
	{ ALWAYS, "46 00 0020 00*3 0018 00", 24, 0, "= 00 00 00 0c 00 00 00 08" POWER TIMEOUT },
	{ ALWAYS, "43 00 00 00*3 00 000c 00", 12, 0, "= 00 12 01 01 00 14 01 00 00 00 00 00" },
	{ ALWAYS, "43 00 00 00*3 01 000c 00", 12, 0, "= 00 12 01 01 00 14 01 00 00 00 00 00" },
	{ ALWAYS, "43 00 00 00*3 aa 000c 00", 12, 0, "= 00 0a 01 01 00 14 aa 00 00 00 03 e8" },
	{ ALWAYS, "43 00 00 00*3 00 000c 40", 12, 0, "= 00 0a 01 01 00 14 01 00 00 00 00 00" }, /* sessions */
	{ ALWAYS, "51 00*6 0002 00", 2, 0, "= 00 20" },
	{ ALWAYS, "51 00*6 0022 00", 34, 0, "= 00 20 0e 01 01 01 01 20 00*26" },
	{ ALWAYS, "52 01 00000001 00 0008 00", 8, 0, "= 00 22 01 01 00 04 01 00" },
	PREVENT,
	{ ALWAYS, "28 00 00000000 00 0004 00", 8192, 0, "read 0 8192" },
	{ ALWAYS, "28 00 00000010 00 003c 00", 122880, 0, "read 32768 122880" },
	{ ALWAYS, "28 00 000003e6 00 0002 00", 4096, 0, "read 2043904 4096" },
	/* eject(1) with the door locked, and then without */
	{ OPEN, "1b 00 00 00 02 00", 0, 0, "05/53/02" },
	{ OPEN, "03 00 00 00 12 00", 18, 0, "= 70 00 05 00*4 0a 00*4 53 02 00*4" },
	ALLOW,
	{ ALWAYS, "1b 00 00 00 01 00", 0, 0, "done" },
	EJECT,
	{ ALWAYS, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 03 00 00 00" },
	READY("02/3A/00"), SENSE("02", "3a"),
	{ ALWAYS, "1b 00 00 00 03 00", 0, 0, "done" },
	BACK_IN, IS_NEW,
	{ ALWAYS, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 02 02 00 00" },
	CAPACITY(CAPACITY_CD),
};

/* ---- Windows: usbstor with disk, sfloppy and cdrom ---- */

static const struct step windows_disk[] = {
	INQUIRY_36("00", HDISK),
	{ ALWAYS, "12 01 80 00 ff 00", 255, 0, "= 00 80 00 08 20*8" }, /* Windows 8 on */
	{ ALWAYS, "12 01 00 00 ff 00", 255, 0, "= 00 00 00 04 00 80 83 b0" },
	{ ALWAYS, "23 00*6 00fc 00", 252, 0, "= 00 00 00 08 00 02 00 00 02 00 02 00" },
	CAPACITY(CAPACITY_64M), /* which a new medium does not keep from its answer */
	{ ALWAYS, "1a 00 1c 00 c0 00", 192, 0, "05/24/00" }, SENSE("05", "24"), /* SMART? */
	{ ALWAYS, "1a 00 3f 00 c0 00", 192, 0, "= 5b 00 00 00" PAGES_HD_64M },
	IS_NEW,
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "1a 00 08 00 c0 00", 192, 0, "= 17 00 00 00" PAGE_08 },
	{ ALWAYS, "a1 08 0e 00*9", 512, 0, "05/20/00" }, /* SMART, by ATA */
	PREVENT,
	{ ALWAYS, "28 00 00000800 00 0080 00", 65536, 0, "read 1048576 65536" },
	{ ALWAYS, "2a 00 00000800 00 0080 00", 0, 65536, "write 1048576 65536" },
	{ ALWAYS, "2f 00 00000800 00 0080 00", 0, 0, "check 1048576 65536" },
	{ ALWAYS, "35 00*9", 0, 0, "flush" },
	ALLOW, EJECT, READY("02/3A/00"), SENSE("02", "3a"),
};

static const struct step windows_floppy[] = {
	INQUIRY_36("00", FLOPPY), IS_NEW,
	{ ALWAYS, "23 00*6 00fc 00", 252, 0, "= 00 00 00 10 00 00 0b 40 02 00 02 00 00 00 0b 40 00 00 02 00" },
	{ ALWAYS, "5a 00 05 00*4 00c0 00", 192, 0, "= 00 26 94 00 00*4" PAGE_05_144 }, /* which floppy? */
	{ ALWAYS, "5a 00 3f 00*4 00c0 00", 192, 0, "= 00 4e 94 00 00*4" PAGES_FD_144 },
	CAPACITY(CAPACITY_144),
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "28 00 00000001 00 0012 00", 9216, 0, "read 512 9216" },
	/* the user formats it */
	{ ALWAYS, FORMAT_TRACK("00", "0"), 0, 12, "fill 0 9216 with 00 flush" },
	{ ALWAYS, "2f 00 00000000 00 0012 00", 0, 0, "check 0 9216" },
	{ ALWAYS, "2a 00 00000000 00 0001 00", 0, 512, "write 0 512" },
	/* and puts another one in */
	SWAP(FD_720),
	{ ALWAYS, "2a 00 00000013 00 0001 00", 0, 512, "06/28/00" }, SENSE("06", "28"),
	{ ALWAYS, "23 00*6 00fc 00", 252, 0, "= 00 00 00 10 00 00 05 a0 02 00 02 00 00 00 05 a0 00 00 02 00" },
	CAPACITY("00 00 05 9f 00 00 02 00"),
};

static const struct step windows_cd[] = {
	INQUIRY_36("05", CDROM),
	{ ALWAYS, "12 01 80 00 ff 00", 255, 0, "= 05 80 00 08 20*8" },
	{ ALWAYS, "46 00 0000 00*3 0008 00", 8, 0, "= 00 00 00 4c 00 00 00 08" },
	{ ALWAYS, "46 00 0000 00*3 0050 00", 80, 0, "= 00 00 00 4c 00 00 00 08" FEATURES_CD },
	{ ALWAYS, "46 02 0001 00*3 0010 00", 16, 0, "= 00 00 00 0c 00 00 00 08" CORE },
	{ ALWAYS, "5a 00 2a 00*4 00c0 00", 192, 0, "= 00 1a 00 80 00*4" PAGE_2A },
	{ ALWAYS, "1a 00 2a 00 c0 00", 192, 0, "= 17 00 80 00" PAGE_2A },
	IS_NEW,
	{ ALWAYS, "4a 01 00 00 10 00 00 0008 00", 8, 0, "= 00 06 04 16 02 02 00 00" },
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "43 02 00 00*3 00 0324 00", 804, 0, TOC_MSF },
	{ ALWAYS, "43 02 02 00*3 01 0004 00", 4, 0, "= 00 2e 01 01" },
	{ ALWAYS, "43 00 01 00*3 00 000c 00", 12, 0, "= 00 0a 01 01 00 14 01 00 00 00 00 00" },
	{ ALWAYS, "51 00*6 0022 00", 34, 0, "= 00 20 0e 01 01 01 01 20 00*26" },
	{ ALWAYS, "52 01 00000001 00 0024 00", 36, 0, "= 00 22 01 01 00 04 01 00 00*16 00 00 03 e8 00*8" },
	{ ALWAYS, "ad 00 00000000 00 00 0804 00 00", 2052, 0, "05/30/02" }, /* it is no DVD */
	{ ALWAYS, "a4 00*7 0008 08 00", 8, 0, "05/20/00" },
	{ ALWAYS, "28 00 00000010 00 0001 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "28 00 00000100 00 0001 00", 2048, 0, "read 524288 2048" }, /* UDF */
	{ ALWAYS, "28 00 00000010 00 0020 00", 65536, 0, "read 32768 65536" },
	PREVENT, ALLOW, EJECT, READY("02/3A/00"), SENSE("02", "3a"),
};

/* A DVD's region, layers and last block. */
static const struct step windows_dvd[] = {
	INQUIRY_36("05", CDROM), IS_NEW,
	{ ALWAYS, "46 00 0000 00*3 0008 00", 8, 0, "= 00 00 00 4c 00 00 00 10" },
	CAPACITY("00 23 05 3f 00 00 08 00"),
	{ ALWAYS, "ad 00 00000000 00 00 0014 00 00", 20, 0, "= 08 02 00 00 01 0f 01 00 00 03 00 00 00 26 05 3f 00*4" },
	{ ALWAYS, "ad 00 00000000 00 01 0008 00 00", 8, 0, "= 00 06 00*6" }, /* not protected */
	{ ALWAYS, "43 00 00 00*3 00 0324 00", 804, 0, "= 00 12 01 01 00 14 01 00 00 00 00 00 00 14 aa 00 00 23 05 40" },
	{ ALWAYS, "bd 00*7 0008 00 00", 8, 0, "= 00*5 01 00 00" },
	{ ALWAYS, "28 00 0023053f 00 0001 00", 2048, 0, "read 4700370944 2048" },
	{ ALWAYS, "a8 00 00000100 00000001 00 00", 2048, 0, "read 524288 2048" },
};

/* ---- FreeBSD: umass with da and cd ---- */

static const struct step freebsd_disk[] = {
	INQUIRY_36("00", HDISK),
	READY("06/28/00"), SENSE("06", "28"), READY("done"),
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "1a 00 3f 00 c0 00", 192, 0, "= 5b 00 00 00" PAGES_HD_64M },
	PREVENT,
	/* GEOM tastes it: both ends */
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "28 00 0001ffff 00 0001 00", 512, 0, "read 67108352 512" },
	{ ALWAYS, "28 00 00000080 00 0080 00", 65536, 0, "read 65536 65536" },
	{ ALWAYS, "2a 00 00000080 00 0080 00", 0, 65536, "write 65536 65536" },
	{ ALWAYS, "35 00*9", 0, 0, "flush" },
	ALLOW, EJECT, READY("02/3A/00"), SENSE("02", "3a"),
};

static const struct step freebsd_cd[] = {
	INQUIRY_36("05", CDROM),
	CAPACITY(CAPACITY_CD), /* before it was ready */
	IS_NEW,
	PREVENT,
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "43 00 00 00*3 00 0004 00", 4, 0, "= 00 12 01 01" },
	{ ALWAYS, "43 00 00 00*3 01 0014 00", 20, 0, TOC_LBA },
	{ ALWAYS, "5a 00 2a 00*4 0020 00", 32, 0, "= 00 1a 00 80 00*4 2a 12 08 00*3 2b 00*13" },
	{ ALWAYS, "28 00 00000010 00 0001 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "28 00 00000010 00 0020 00", 65536, 0, "read 32768 65536" },
	ALLOW,
};

/* ---- firmware ---- */

static const struct step seabios_disk[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" }, /* boot sector */
	{ ALWAYS, "28 00 0000003f 00 007f 00", 65024, 0, "read 32256 65024" },
	{ ALWAYS, "2a 00 0000003f 00 0001 00", 0, 512, "write 32256 512" },
};

static const struct step seabios_cd[] = {
	INQUIRY_36("05", CDROM), IS_NEW,
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "28 00 00000011 00 0001 00", 2048, 0, "read 34816 2048" }, /* boot record */
	{ ALWAYS, "28 00 00000020 00 0001 00", 2048, 0, "read 65536 2048" }, /* catalogue */
	{ ALWAYS, "28 00 00000021 00 0002 00", 4096, 0, "read 67584 4096" },
	READY("done"),
};

static const struct step ovmf_disk[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	{ ALWAYS, "1a 00 3f 00 04 00", 4, 0, "= 5b 00 00 00" },
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "28 00 00000001 00 0001 00", 512, 0, "read 512 512" }, /* GPT, at both ends */
	{ ALWAYS, "28 00 0001ffff 00 0001 00", 512, 0, "read 67108352 512" },
	{ ALWAYS, "28 00 00000800 00 0080 00", 65536, 0, "read 1048576 65536" },
	{ ALWAYS, "2a 00 00000800 00 0080 00", 0, 65536, "write 1048576 65536" },
	SWAP(HD_RO), IS_NEW,
	{ ALWAYS, "1a 00 3f 00 04 00", 4, 0, "= 5b 00 80 00" },
};

static const struct step ovmf_large_disk[] = {
	INQUIRY_36("00", HDISK), IS_NEW,
	{ ALWAYS, "1a 00 3f 00 04 00", 4, 0, "= 5b 00 00 00" },
	CAPACITY("ff ff ff ff 00 00 02 00"),
	{ OPEN, "9e 10 00*8 0000", 32, 0, "= 00 00 00 01 7f ff ff ff 00 00 02 00 00*20" },
	{ OPEN, "88 00 000000017fffffff 0000", 512, 0, "read 3298534882816 512" },
	{ FILTERED, "28 00 fffffffe 00 0001 00", 512, 0, "read 2199023254528 512" },
};

static const struct step ovmf_cd[] = {
	INQUIRY_36("05", CDROM), IS_NEW,
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "28 00 00000000 00 0001 00", 2048, 0, "read 0 2048" },
	{ ALWAYS, "28 00 00000010 00 0001 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "28 00 00000011 00 0001 00", 2048, 0, "read 34816 2048" },
	{ ALWAYS, "28 00 000003e7 00 0001 00", 2048, 0, "read 2045952 2048" },
	{ ALWAYS, "28 00 00000020 00 0020 00", 65536, 0, "read 65536 65536" },
};

/* The BMC that made the capture of iusb-protocol 1.1. */
static const struct step legacy_floppy[] = {
	READY("06/28/00"), READY("done"),
	CAPACITY(CAPACITY_144),
	ALLOW,
	{ ALWAYS, "5a 00 1c 00*4 00c0 00", 192, 0, "= 00 0e 94 00 00*4" PAGE_1C_UFI },
	{ ALWAYS, "5a 00 19 00*4 00c0 00", 192, 0, "05/24/00" },
	{ ALWAYS, "5a 00 0a 00*4 00c0 00", 192, 0, "05/24/00" },
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "28 00 00000013 00 0012 00", 9216, 0, "read 9728 9216" },
};

/* The newest BMC asks itself, never whether the drive is ready, and turns each length around
 * (iusb-protocol 7.3). */
static const struct step gadget_cd[] = {
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "a8 00 00000000 01000000 00 00", 2048, 0, "read 0 2048" },
	{ ALWAYS, "a8 00 00000010 10000000 00 00", 32768, 0, "read 32768 32768" },
	{ ALWAYS, "a8 00 00000010 40000000 00 00", 131072, 0, "read 32768 131072" },
	{ ALWAYS, "a8 00 000003e7 01000000 00 00", 2048, 0, "read 2045952 2048" },
	SWAP(CD_700),
	CAPACITY("00 05 77 ff 00 00 08 00"),
	{ ALWAYS, "a8 00 000577ff 01000000 00 00", 2048, 0, "read 734001152 2048" },
};

/* ---- boot loaders with drivers of their own, and by the firmware's ---- */

/* GRUB's own drivers ask for the sense behind every command, and for 17 bytes of it. */
#define GRUB_SENSE(sense) { OPEN, "03 00 00 00 11 00", 18, 0, "= 70 00 " sense " 00*3" }
#define GRUB_NO_SENSE     GRUB_SENSE("00*5 0a 00*6")

static const struct step grub_disk[] = {
	INQUIRY_36("00", HDISK), GRUB_SENSE("06 00*4 0a 00*4 28 00"),
	{ FILTERED, "00", 0, 0, "06/28/00" },
	READY("done"), GRUB_NO_SENSE,
	CAPACITY(CAPACITY_64M), GRUB_NO_SENSE,
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" }, GRUB_NO_SENSE,
	{ ALWAYS, "28 00 00000001 00 003f 00", 32256, 0, "read 512 32256" }, GRUB_NO_SENSE,
	{ ALWAYS, "2a 00 00000900 00 0002 00", 0, 1024, "write 1179648 1024" }, GRUB_NO_SENSE,
};

static const struct step grub_cd[] = {
	INQUIRY_36("05", CDROM), GRUB_SENSE("06 00*4 0a 00*4 28 00"),
	{ FILTERED, "00", 0, 0, "06/28/00" },
	READY("done"), GRUB_NO_SENSE,
	CAPACITY(CAPACITY_CD), GRUB_NO_SENSE,
	{ ALWAYS, "a8 00 00000010 00000001 00 00", 2048, 0, "read 32768 2048" }, GRUB_NO_SENSE,
	{ ALWAYS, "a8 00 00000012 00000010 00 00", 32768, 0, "read 36864 32768" }, GRUB_NO_SENSE,
	/* through a BMC that turns the length around */
	{ ALWAYS, "a8 00 00000012 10000000 00 00", 32768, 0, "read 36864 32768" },
};

/* SYSLINUX reads a floppy by tracks, ISOLINUX a CD by up to 32 sectors, both by the BIOS. */
static const struct step syslinux_floppy[] = {
	INQUIRY_36("00", FLOPPY), IS_NEW,
	CAPACITY(CAPACITY_144),
	{ ALWAYS, "5a 00 05 00*4 0028 00", 40, 0, "= 00 26 94 00 00*4" PAGE_05_144 },
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "28 00 00000001 00 0011 00", 8704, 0, "read 512 8704" },
	{ ALWAYS, "28 00 00000012 00 0012 00", 9216, 0, "read 9216 9216" },
	{ ALWAYS, "28 00 00000b2e 00 0012 00", 9216, 0, "read 1465344 9216" },
};

static const struct step isolinux_cd[] = {
	INQUIRY_36("05", CDROM), IS_NEW,
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "43 02 00 00*3 01 0014 00", 20, 0, TOC_MSF },
	{ ALWAYS, "28 00 00000011 00 0001 00", 2048, 0, "read 34816 2048" },
	{ ALWAYS, "28 00 00000010 00 0001 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "28 00 00000021 00 0020 00", 65536, 0, "read 67584 65536" },
	{ ALWAYS, "28 00 00000021 00 0040 00", 131072, 0, "read 67584 131072" },
};

/* ---- FreeDOS with the ASPI drivers for USB, with a UFI driver, with one for CDs ---- */

static const struct step freedos_disk[] = {
	INQUIRY_36("00", HDISK),
	SENSE("06", "28"), /* clears what waits, before anything else */
	{ FILTERED, "00", 0, 0, "06/28/00" },
	READY("done"),
	{ ALWAYS, "1b 00 00 00 01 00", 0, 0, "done" },
	CAPACITY(CAPACITY_64M),
	{ ALWAYS, "1a 00 05 00 24 00", 36, 0, "= 23 00 00 00" PAGE_05_64M }, /* its geometry */
	{ ALWAYS, "01 00 00 00 00 00", 0, 0, "done" },
	{ ALWAYS, "08 00 00 00 01 00", 512, 0, "read 0 512" }, /* ASPI disk drivers: six bytes */
	{ ALWAYS, "0a 00 00 3f 01 00", 0, 512, "write 32256 512" },
	{ ALWAYS, "28 00 0000003f 00 0040 00", 32768, 0, "read 32256 32768" },
	{ ALWAYS, "2e 00 0000003f 00 0001 00", 0, 512, "write 32256 512 flush verify" }, /* VERIFY ON */
	{ ALWAYS, "2f 00 0000003f 00 0001 00", 0, 0, "check 32256 512" },
	{ ALWAYS, "2f 02 0000003f 00 0001 00", 0, 512, "verify 32256 512" },
};

static const struct step freedos_floppy[] = {
	INQUIRY_36("00", FLOPPY), IS_NEW,
	{ ALWAYS, "1b 00 00 00 01 00", 0, 0, "done" },
	{ ALWAYS, "23 00*6 00fc 00 00 00", 252, 0, "= 00 00 00 10 00 00 0b 40 02 00 02 00 00 00 0b 40 00 00 02 00" },
	{ ALWAYS, "5a 00 05 00*4 0028 00 00 00", 40, 0, "= 00 26 94 00 00*4" PAGE_05_144 },
	CAPACITY(CAPACITY_144),
	{ ALWAYS, "01 00*11", 0, 0, "done" },
	{ ALWAYS, "2b 00 00000013 00*6", 0, 0, "done" },
	{ ALWAYS, "a8 00 00000000 00000012 00 00", 9216, 0, "read 0 9216" },
	{ ALWAYS, "aa 00 00000013 00000001 00 00", 0, 512, "write 9728 512" },
	{ ALWAYS, "1d 04 00*10", 0, 0, "done" },
	/* FORMAT A: */
	{ ALWAYS, FORMAT_TRACK("00", "0"), 0, 12, "fill 0 9216 with 00 flush" },
	{ ALWAYS, "2f 00 00000000 00 0012 00", 0, 0, "check 0 9216" },
	/* the next disk of a set, and a driver that looks when something fails only */
	SWAP(FD_RO),
	{ ALWAYS, "28 00 00000000 00 0001 00", 512, 0, "read 0 512" },
	{ ALWAYS, "2a 00 00000013 00 0001 00", 0, 512, "06/28/00" }, SENSE("06", "28"),
	{ ALWAYS, "2a 00 00000013 00 0001 00", 0, 512, "07/27/00" }, SENSE("07", "27"),
};

static const struct step freedos_cd[] = {
	INQUIRY_36("05", CDROM),
	SENSE("06", "28"),
	{ FILTERED, "00", 0, 0, "06/28/00" },
	READY("done"),
	CAPACITY(CAPACITY_CD),
	{ ALWAYS, "43 02 00 00*3 00 000c 00", 12, 0, "= 00 12 01 01 00 14 01 00 00 00 02 00" },
	{ ALWAYS, "5a 00 01 00*4 0014 00", 20, 0, "= 00 12 00 80 00*4" PAGE_01 },
	{ ALWAYS, "55 10 00*5 0014 00 | 00*8" PAGE_01, 0, 20, "done" },
	{ ALWAYS, "2b 00 00000010 00*4", 0, 0, "done" },
	{ ALWAYS, "28 00 00000010 00 0001 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "a8 00 00000010 00000010 00 00", 32768, 0, "read 32768 32768" },
	{ ALWAYS, "be 00 00000010 000001 10 00 00", 2048, 0, "read 32768 2048" },
	{ ALWAYS, "42 02 40 01 00*3 0010 00", 16, 0, "05/20/00" }, SENSE("05", "20"), /* audio */
};

#define STEPS(table) table, ARRAY_SIZE(table)

static const struct host {
	const char *name; /* "as ... begins" */
	enum setup setup; /* what is in the drive; the host has not seen it */
	const struct step *steps;
	size_t count;
} hosts[] = {
	{ "Linux with a disk", HD, STEPS(linux_disk) },
	{ "Linux with a disk above 2 TiB", HD_3T, STEPS(linux_large_disk) },
	{ "Linux, its disk swapped", HD, STEPS(linux_swap) },
	{ "Linux with a floppy", FD, STEPS(linux_floppy) },
	{ "Linux with a CD", CD, STEPS(linux_cd) },
	{ "Windows with a disk", HD, STEPS(windows_disk) },
	{ "Windows with a floppy", FD, STEPS(windows_floppy) },
	{ "Windows with a CD", CD, STEPS(windows_cd) },
	{ "Windows with a DVD", CD_DVD, STEPS(windows_dvd) },
	{ "FreeBSD with a disk", HD, STEPS(freebsd_disk) },
	{ "FreeBSD with a CD", CD, STEPS(freebsd_cd) },
	{ "SeaBIOS with a disk", HD, STEPS(seabios_disk) },
	{ "SeaBIOS with a CD", CD, STEPS(seabios_cd) },
	{ "OVMF with a disk", HD, STEPS(ovmf_disk) },
	{ "OVMF with a disk above 2 TiB", HD_3T, STEPS(ovmf_large_disk) },
	{ "OVMF with a CD", CD, STEPS(ovmf_cd) },
	{ "a legacy BMC with a floppy", FD, STEPS(legacy_floppy) },
	{ "the newest BMC with a CD", CD, STEPS(gadget_cd) },
	{ "GRUB with a disk", HD, STEPS(grub_disk) },
	{ "GRUB with a CD", CD, STEPS(grub_cd) },
	{ "SYSLINUX on a floppy", FD, STEPS(syslinux_floppy) },
	{ "ISOLINUX on a CD", CD, STEPS(isolinux_cd) },
	{ "FreeDOS with a disk", HD, STEPS(freedos_disk) },
	{ "FreeDOS with a floppy", FD, STEPS(freedos_floppy) },
	{ "FreeDOS with a CD", CD, STEPS(freedos_cd) },
};

/* What the BMC forwards, by class (iusb-protocol 9.1). */
static const char *const filters[DEVICE_COUNT] = {
	[DEVICE_CD] = "00 25 28 a8 43 1b 4a",
	[DEVICE_FD] = "00 25 23 28 a8 2a aa 2e 2f 1e 1b 5a 1a",
	[DEVICE_HD] = "00 25 23 28 a8 2a aa 2e 2f 1e 1b 5a 1a",
};
/* clang-format on */

enum variation { VARIATION_FILTER = 1, VARIATION_GARBAGE = 2, VARIATIONS = 4 };

static bool
is_forwarded(enum device device, uint8_t opcode)
{
	uint8_t list[32];
	size_t n = parse_hex(filters[device], list, sizeof(list));

	return memchr(list, opcode, n) != NULL;
}

/* True if the drive sees that step of the host's. */
static bool
is_seen(const struct step *step, enum device device, bool is_filtered)
{
	uint8_t opcode = make_command(step->cdb, 0, step->data_len).cdb[0];

	if (step->when == FILTERED && !is_forwarded(device, opcode))
		ck_abort_msg("\"%s\" cannot be for the filter", step->cdb);
	if (step->when != ALWAYS)
		return is_filtered == (step->when == FILTERED);
	return !is_filtered || is_forwarded(device, opcode);
}

/* Behind the end of a short CDB there is what the host has left there. */
static void
add_garbage(struct scsi_command *command)
{
	static const uint8_t lengths[8] = { 6, 10, 10, 12, 12, 12, 12, 12 };

	for (size_t at = lengths[command->cdb[0] >> 5]; at < 12; at++)
		command->cdb[at] = (uint8_t)(0x5A + at);
}

/* Takes a step that the drive sees. */
static void
take_step(struct scsi_drive *drive, const char *name, const struct step *step, bool has_garbage)
{
	struct scsi_command command = make_command(step->cdb, step->read_len, step->data_len);
	struct scsi_decision d;
	char got[8192], want[8192];

	command.is_cut = true; /* it comes in a packet */
	if (has_garbage)
		add_garbage(&command);
	d = decide(drive, &command);
	describe(&d, got, sizeof(got));
	expand(step->want, want, sizeof(want));
	ck_assert_msg(strcmp(got, want) == 0, "as %s begins, \"%s\":\nwanted %s\ngot    %s", name,
		step->cdb, want, got);
	if (d.action == SCSI_EJECT)
		scsi_drive_remove(drive);
	else
		scsi_complete(drive, command.cdb[0], d.sense);
}

START_TEST(test_host)
{
	const struct host *host = &hosts[_i / VARIATIONS];
	unsigned variation = (unsigned)_i % VARIATIONS, seen = 0;
	struct scsi_medium medium = medium_of(host->setup);
	struct scsi_drive drive;

	scsi_drive_init(&drive, setups[host->setup].device);
	scsi_drive_insert(&drive, &medium);
	for (size_t i = 0; i < host->count; i++) {
		const struct step *step = &host->steps[i];

		if (strcmp(step->cdb, "swap") == 0) {
			medium = medium_of((enum setup)step->read_len);
			scsi_drive_replace(&drive, &medium);
		} else if (strcmp(step->cdb, "back in") == 0) {
			scsi_drive_insert(&drive, &medium);
		} else if (is_seen(step, drive.device, variation & VARIATION_FILTER)) {
			take_step(&drive, host->name, step, variation & VARIATION_GARBAGE);
			seen++;
		}
	}
	ck_assert_uint_gt(seen, 4);
}
END_TEST

/* Each command that a BMC forwards is one that some host here sends to such a drive. */
START_TEST(test_filter_is_used)
{
	bool is_sent[DEVICE_COUNT][256] = { { false } };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		for (size_t k = 0; k < hosts[i].count; k++) {
			const struct step *step = &hosts[i].steps[k];
			enum device device = setups[hosts[i].setup].device;

			if (step->want != NULL && step->when != OPEN)
				is_sent[device][make_command(step->cdb, 0, step->data_len).cdb[0]] =
					true;
		}
	}
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		if (is_forwarded(DEVICE_CD, (uint8_t)opcode))
			ck_assert_msg(is_sent[DEVICE_CD][opcode], "CD: %02X", opcode);
		if (is_forwarded(DEVICE_HD, (uint8_t)opcode))
			ck_assert_msg(is_sent[DEVICE_HD][opcode] || is_sent[DEVICE_FD][opcode],
				"disk: %02X", opcode);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scsi hosts");
	TCase *tc = tcase_create("hosts");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_host, 0, (int)ARRAY_SIZE(hosts) * VARIATIONS);
	tcase_add_test(tc, test_filter_is_used);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
