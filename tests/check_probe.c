/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_probe: images made by hand, and what the probe says of each. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "image/probe.h"
#include "image/probe_source.h"
#include "unit.h"

enum {
	KIB = 1024,
	MIB = 1024 * 1024,
	CD = 2048,
};

/* --- making images ---------------------------------------------------------- */

static uint8_t *image; /* exactly image_size bytes */
static size_t image_size;

static void
make_zeros(size_t size)
{
	free(image);
	image = calloc(1, size);
	ck_assert_ptr_nonnull(image);
	image_size = size;
}

static void
tear_down(void)
{
	free(image);
	image = NULL;
}

static void
put_le16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put_text(size_t off, const char *text)
{
	memcpy(image + off, text, strlen(text));
}

static void
put_signature(void)
{
	image[510] = 0x55;
	image[511] = 0xAA;
}

static void
put_descriptor(unsigned sector, unsigned type, const char *id)
{
	image[sector * CD] = (uint8_t)type;
	put_text(sector * CD + 1, id);
}

static void
make_iso(void)
{
	make_zeros(100 * CD);
	put_descriptor(16, 1, "CD001");
	put_descriptor(17, 255, "CD001");
}

static uint8_t *
catalog_entry(unsigned i)
{
	return image + 20 * CD + (size_t)i * 32;
}

static void
put_entry(unsigned i, unsigned id, unsigned sector)
{
	catalog_entry(i)[0] = (uint8_t)id;
	put_le32(catalog_entry(i) + 8, sector);
}

static void
put_section(unsigned i, unsigned id, unsigned platform, unsigned count)
{
	catalog_entry(i)[0] = (uint8_t)id;
	catalog_entry(i)[1] = (uint8_t)platform;
	put_le16(catalog_entry(i) + 2, count);
}

/* An ISO with a catalogue in sector 20 and a bootable default entry. */
static void
make_el_torito(unsigned platform)
{
	uint8_t *entry;
	unsigned i, sum = 0;

	make_iso();
	put_descriptor(17, 0, "CD001");
	put_text(17 * CD + 7, "EL TORITO SPECIFICATION");
	put_le32(image + 17 * CD + 71, 20);
	put_descriptor(18, 255, "CD001");
	entry = catalog_entry(0);
	entry[0] = 1;
	entry[1] = (uint8_t)platform;
	entry[30] = 0x55;
	entry[31] = 0xAA;
	for (i = 0; i < 32; i += 2)
		sum += get_le16(entry + i);
	put_le16(entry + 28, 0x10000 - (sum & 0xFFFF));
	put_entry(1, 0x88, 40);
}

static void
make_bios_and_uefi(void)
{
	make_el_torito(0);
	put_section(2, 0x91, 0xEF, 1);
	put_entry(3, 0x88, 50);
}

static void
iso_plain(void)
{
	make_iso();
}

static void
iso_bios(void)
{
	make_el_torito(0);
}

static void
iso_uefi(void)
{
	make_el_torito(0xEF);
}

static void
iso_both(void)
{
	make_bios_and_uefi();
}

/* Two sections, and an extension behind the first one's only entry. */
static void
iso_sections(void)
{
	make_el_torito(0);
	put_entry(1, 0x00, 40);
	put_section(2, 0x90, 0x01, 1);
	put_entry(3, 0x88, 41);
	put_entry(4, 0x44, 0);
	put_section(5, 0x91, 0xEF, 2);
	put_entry(6, 0x00, 42);
	put_entry(7, 0x88, 43);
}

static void
iso_last_section_said_less(void)
{
	make_el_torito(0);
	put_section(2, 0x91, 0xEF, 1);
	put_entry(3, 0x00, 50);
	put_entry(4, 0x88, 50);
}

static void
iso_bad_checksum(void)
{
	make_bios_and_uefi();
	catalog_entry(0)[4] ^= 1;
}

static void
iso_bad_key(void)
{
	make_bios_and_uefi();
	put_le16(catalog_entry(0) + 28, get_le16(catalog_entry(0) + 28) + 1);
	put_le16(catalog_entry(0) + 30, get_le16(catalog_entry(0) + 30) - 1);
}

static void
iso_not_bootable(void)
{
	make_el_torito(0);
	put_entry(1, 0x00, 40);
}

static void
iso_cut_off(void)
{
	make_el_torito(0);
	put_entry(1, 0x88, 100);
}

static void
iso_catalog_beyond(void)
{
	make_el_torito(0);
	put_le32(image + 17 * CD + 71, 0xFFFFFFFF);
}

static void
iso_hybrid(void)
{
	make_bios_and_uefi();
	image[0] = 0xFA;
	image[446] = 0x80;
	image[446 + 4] = 0x17;
	put_le32(image + 446 + 12, 400);
	put_signature();
}

static void
iso_endless_descriptors(void)
{
	unsigned i;

	make_zeros(200 * CD);
	for (i = 16; i < 200; i++)
		put_descriptor(i, 2, "CD001");
}

static void
udf_nsr02(void)
{
	make_zeros(100 * CD);
	put_descriptor(16, 0, "BEA01");
	put_descriptor(17, 0, "NSR02");
	put_descriptor(18, 0, "TEA01");
}

static void
udf_nsr03(void)
{
	make_zeros(100 * CD);
	put_descriptor(16, 0, "BEA01");
	put_descriptor(17, 0, "NSR03");
}

static void
udf_bridge(void)
{
	make_el_torito(0);
	put_descriptor(19, 0, "BEA01");
	put_descriptor(20, 1, "CD001");
}

static void
udf_osta(void)
{
	make_zeros(100 * CD);
	put_text(35 * CD + 217, "*OSTA UDF Compliant");
}

static void
cd001_in_second(void)
{
	make_zeros(100 * CD);
	put_descriptor(17, 1, "CD001");
}

/* --- FAT --- */

static const unsigned fat_reserved = 4;
static unsigned fat_size, fat_root_sectors;

/* Only the metadata is there: the image ends behind room clusters. */
static void
make_fat(unsigned width, unsigned clusters, unsigned room)
{
	unsigned root_entries = width == 32 ? 0 : 112;
	unsigned total;

	fat_size = (unsigned)((clusters + 2) * (uint64_t)width / 8 / 512 + 1);
	fat_root_sectors = root_entries * 32 / 512;
	total = fat_reserved + 2 * fat_size + fat_root_sectors + clusters;
	make_zeros((size_t)(fat_reserved + 2 * fat_size + fat_root_sectors + room) * 512);
	image[0] = 0xEB;
	image[1] = 0x58;
	image[2] = 0x90;
	put_text(3, "MSWIN4.1");
	put_le16(image + 11, 512);
	image[13] = 1;
	put_le16(image + 14, fat_reserved);
	image[16] = 2;
	put_le16(image + 17, root_entries);
	if (total < 65536)
		put_le16(image + 19, total);
	else
		put_le32(image + 32, total);
	image[21] = 0xF0;
	if (width == 32) {
		put_le32(image + 36, fat_size);
		put_le32(image + 44, 2);
	} else {
		put_le16(image + 22, fat_size);
	}
	put_signature();
}

static void
put_fat_code(void)
{
	put_text(0x5A, "\xFA\x31\xC0");
}

static void
put_stub(void)
{
	put_text(0x5A, "\x0E\x1FThis is not a bootable disk.  Please insert a bootable floppy");
}

static size_t
root_off(void)
{
	return (size_t)(fat_reserved + 2 * fat_size) * 512;
}

static size_t
cluster_off(unsigned cluster)
{
	return root_off() + (size_t)(fat_root_sectors + cluster - 2) * 512;
}

static void
put_dir_entry(size_t off, const char *name, unsigned attributes, unsigned cluster)
{
	put_text(off, name);
	image[off + 11] = (uint8_t)attributes;
	put_le16(image + off + 20, cluster >> 16);
	put_le16(image + off + 26, cluster & 0xFFFF);
}

/* \EFI in cluster 5, after a label, a deleted and a long name; \EFI\BOOT in cluster 6. */
static void
put_efi_boot(size_t root)
{
	put_dir_entry(root, "EFI        ", 0x08, 9);
	put_dir_entry(root + 32,
		"\xE5"
		"FI        ",
		0x10, 9);
	put_dir_entry(root + 64, "A?", 0x0F, 0);
	put_dir_entry(root + 96, "EFI        ", 0x10, 5);
	put_dir_entry(cluster_off(5), ".          ", 0x10, 5);
	put_dir_entry(cluster_off(5) + 32, "..         ", 0x10, 0);
	put_dir_entry(cluster_off(5) + 64, "BOOT       ", 0x10, 6);
}

static void
fat12_plain(void)
{
	make_fat(12, 2847, 10);
}

static void
fat12_stub(void)
{
	make_fat(12, 2847, 10);
	put_stub();
}

static void
fat12_code(void)
{
	make_fat(12, 2847, 10);
	put_fat_code();
}

static void
fat12_code_unsigned(void)
{
	make_fat(12, 2847, 10);
	put_fat_code();
	image[510] = 0;
}

static void
fat12_efi(void)
{
	make_fat(12, 2847, 10);
	put_stub();
	put_efi_boot(root_off());
}

static void
fat12_efi_and_code(void)
{
	make_fat(12, 2847, 10);
	put_fat_code();
	put_efi_boot(root_off());
}

static void
fat12_efi_file(void)
{
	make_fat(12, 2847, 10);
	put_efi_boot(root_off());
	image[root_off() + 96 + 11] = 0x20;
}

static void
fat12_efi_alone(void)
{
	make_fat(12, 2847, 10);
	put_efi_boot(root_off());
	image[cluster_off(5) + 64] = 0xE5;
}

static void
fat12_efi_nowhere(void)
{
	make_fat(12, 2847, 10);
	put_dir_entry(root_off(), "EFI        ", 0x10, 4000);
}

/* BOOT is in the second cluster of \EFI: 5 is followed by 7. */
static void
fat12_efi_chain(void)
{
	size_t off;

	make_fat(12, 2847, 10);
	put_efi_boot(root_off());
	for (off = cluster_off(5); off < cluster_off(6); off += 32)
		put_dir_entry(off, "FILLER     ", 0x20, 0);
	put_le16(image + fat_reserved * 512 + 5 * 3 / 2, 7 << 4);
	put_dir_entry(cluster_off(7), "BOOT       ", 0x10, 6);
}

static void
fat12_efi_circle(void)
{
	size_t off;

	fat12_efi_chain();
	for (off = cluster_off(7); off < cluster_off(8); off += 32)
		put_dir_entry(off, "FILLER     ", 0x20, 0);
	put_le16(image + fat_reserved * 512 + 7 * 3 / 2, 5 << 4);
}

static void
fat16_efi_chain(void)
{
	size_t off;

	make_fat(16, 10000, 10);
	put_efi_boot(root_off());
	for (off = cluster_off(5); off < cluster_off(6); off += 32)
		put_dir_entry(off, "FILLER     ", 0x20, 0);
	put_le16(image + fat_reserved * 512 + 5 * 2, 7);
	put_dir_entry(cluster_off(7), "BOOT       ", 0x10, 6);
}

static void
fat32_plain(void)
{
	make_fat(32, 70000, 10);
}

static void
fat32_efi(void)
{
	make_fat(32, 70000, 10);
	put_efi_boot(cluster_off(2));
}

/* The root goes on in cluster 8; such small FAT32 volumes are made for EFI. */
static void
fat32_small_efi_chain(void)
{
	size_t off;

	make_fat(32, 1000, 10);
	for (off = cluster_off(2); off < cluster_off(3); off += 32)
		put_dir_entry(off, "FILLER     ", 0x20, 0);
	put_le32(image + fat_reserved * 512 + 2 * 4, 0xF0000008);
	put_efi_boot(cluster_off(8));
}

static void
fat_4084(void)
{
	make_fat(12, 4084, 1);
}

static void
fat_4085(void)
{
	make_fat(16, 4085, 1);
}

static void
fat_65524(void)
{
	make_fat(16, 65524, 1);
}

static void
fat_65525(void)
{
	make_fat(32, 65525, 1);
}

static void
fat_bad_media(void)
{
	make_fat(12, 2847, 10);
	image[21] = 0x12;
}

static void
fat_no_room(void)
{
	make_fat(12, 2847, 10);
	put_le16(image + 19, fat_reserved + 2 * fat_size);
}

/* --- disks --- */

static void
put_partition(unsigned i, unsigned type, unsigned start, unsigned sectors)
{
	uint8_t *entry = image + 446 + (size_t)i * 16;

	entry[4] = (uint8_t)type;
	put_le32(entry + 8, start);
	put_le32(entry + 12, sectors);
	put_signature();
}

static void
mbr_plain(void)
{
	make_zeros(4 * MIB);
	put_partition(0, 0x83, 2048, 4096);
}

static void
mbr_code(void)
{
	mbr_plain();
	image[446] = 0x80;
	image[0] = 0x33;
}

static void
mbr_esp(void)
{
	make_zeros(4 * MIB);
	put_partition(3, 0xEF, 2048, 4096);
}

static void
mbr_code_and_esp(void)
{
	mbr_code();
	put_partition(1, 0xEF, 6144, 1000);
}

/* A boot loader was put over a FAT volume that is no more. */
static void
mbr_over_fat(void)
{
	fat12_code();
	put_partition(0, 0x83, 63, 1000);
}

/* As mformat makes them. */
static void
fat_with_entry_at_0(void)
{
	fat12_plain();
	memcpy(image + 0x5A, "\xB8\x01\x02\xBB\x00\x7C\xBA\x80\x00\xB9\x01\x00\xCD\x13\x72\x05",
		16);
	put_partition(0, 0x01, 0, 2880);
	image[446] = 0x80;
}

static void
mbr_bad_status(void)
{
	mbr_code();
	image[446 + 16] = 0x41;
}

static void
mbr_small(void)
{
	make_zeros(MIB);
	put_partition(0, 0x06, 1, 2047);
}

static void
make_gpt(void)
{
	make_zeros(4 * MIB);
	put_partition(0, 0xEE, 1, 8191);
	put_text(512, "EFI PART");
	put_le32(image + 512 + 72, 2);
	put_le32(image + 512 + 80, 128);
	put_le32(image + 512 + 84, 128);
	/* Linux filesystem data */
	memcpy(image + 1024, "\xAF\x3D\xC6\x0F\x83\x84\x72\x47\x8E\x79\x3D\x69\xD8\x47\x7D\xE4",
		16);
}

static void
put_gpt_esp(unsigned i)
{
	memcpy(image + 1024 + (size_t)i * 128,
		"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B", 16);
}

static void
gpt_plain(void)
{
	make_gpt();
}

static void
gpt_esp(void)
{
	make_gpt();
	put_gpt_esp(1);
}

static void
gpt_esp_last(void)
{
	make_gpt();
	put_gpt_esp(127);
	image[0] = 0xEB;
}

static void
gpt_absurd(void)
{
	make_gpt();
	put_gpt_esp(1);
	put_le32(image + 512 + 76, 0xFFFFFFFF);
	put_le32(image + 512 + 80, 0xFFFFFFFF);
}

static void
gpt_entry_size_0(void)
{
	make_gpt();
	put_gpt_esp(1);
	put_le32(image + 512 + 84, 0);
}

static void
gpt_endless(void)
{
	make_gpt();
	put_le32(image + 512 + 80, 0xFFFFFFFF);
}

static void
gpt_without_header(void)
{
	make_gpt();
	image[512] = 0;
}

static void
ntfs_plain(void)
{
	make_zeros(4 * MIB);
	put_text(0, "\xEB\x52\x90NTFS    ");
	put_stub();
	put_signature();
}

static void
ntfs_code(void)
{
	ntfs_plain();
	memset(image + 0x5A, 0x90, 100);
}

static void
boot_sector(void)
{
	make_zeros(MIB);
	image[0] = 0xEA;
	put_signature();
}

static void
floppy_max(void)
{
	make_zeros(PROBE_FLOPPY_MAX);
}

static void
floppy_max_and_one(void)
{
	make_zeros(PROBE_FLOPPY_MAX + 1);
}

static void
tiny(void)
{
	make_zeros(100);
	image[0] = 0xEB;
}

static void
one_sector(void)
{
	make_zeros(512);
	put_signature();
}

/* --- the table -------------------------------------------------------------- */

static const struct probe_case {
	const char *name;
	void (*make)(void);
	const char *kind, *boot;
	enum device device;
	bool bios, uefi, hybrid;
} cases[] = {
	{ "ISO", iso_plain, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, BIOS", iso_bios, "ISO 9660", "El Torito BIOS", DEVICE_CD, 1, 0, 0 },
	{ "ISO, UEFI", iso_uefi, "ISO 9660", "El Torito UEFI", DEVICE_CD, 0, 1, 0 },
	{ "ISO, both", iso_both, "ISO 9660", "El Torito BIOS+UEFI", DEVICE_CD, 1, 1, 0 },
	{ "ISO, sections", iso_sections, "ISO 9660", "El Torito UEFI", DEVICE_CD, 0, 1, 0 },
	{ "ISO, entry behind the last section", iso_last_section_said_less, "ISO 9660",
		"El Torito BIOS", DEVICE_CD, 1, 0, 0 },
	{ "ISO, checksum", iso_bad_checksum, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, key", iso_bad_key, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, not bootable", iso_not_bootable, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, cut off", iso_cut_off, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, catalogue beyond", iso_catalog_beyond, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "ISO, hybrid", iso_hybrid, "ISO 9660", "El Torito BIOS+UEFI", DEVICE_CD, 1, 1, 1 },
	{ "ISO, endless", iso_endless_descriptors, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "UDF, NSR02", udf_nsr02, "UDF", "-", DEVICE_CD, 0, 0, 0 },
	{ "UDF, NSR03", udf_nsr03, "UDF", "-", DEVICE_CD, 0, 0, 0 },
	{ "UDF, bridge", udf_bridge, "ISO 9660", "-", DEVICE_CD, 0, 0, 0 },
	{ "UDF, OSTA", udf_osta, "UDF", "-", DEVICE_CD, 0, 0, 0 },
	{ "CD001 too late", cd001_in_second, "data", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12", fat12_plain, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, stub", fat12_stub, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, code", fat12_code, "FAT12", "superfloppy", DEVICE_FD, 1, 0, 0 },
	{ "FAT12, no 55AA", fat12_code_unsigned, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, EFI", fat12_efi, "FAT12", "superfloppy", DEVICE_FD, 0, 1, 0 },
	{ "FAT12, both", fat12_efi_and_code, "FAT12", "superfloppy", DEVICE_FD, 1, 1, 0 },
	{ "FAT12, EFI is a file", fat12_efi_file, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, EFI without BOOT", fat12_efi_alone, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, EFI nowhere", fat12_efi_nowhere, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT12, chain", fat12_efi_chain, "FAT12", "superfloppy", DEVICE_FD, 0, 1, 0 },
	{ "FAT12, circle", fat12_efi_circle, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT16, chain", fat16_efi_chain, "FAT16", "superfloppy", DEVICE_FD, 0, 1, 0 },
	{ "FAT32", fat32_plain, "FAT32", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT32, EFI", fat32_efi, "FAT32", "superfloppy", DEVICE_FD, 0, 1, 0 },
	{ "FAT32, chain", fat32_small_efi_chain, "FAT32", "superfloppy", DEVICE_FD, 0, 1, 0 },
	{ "FAT, 4084 clusters", fat_4084, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT, 4085 clusters", fat_4085, "FAT16", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT, 65524 clusters", fat_65524, "FAT16", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT, 65525 clusters", fat_65525, "FAT32", "-", DEVICE_FD, 0, 0, 0 },
	{ "FAT, media byte", fat_bad_media, "data", "boot sector", DEVICE_FD, 1, 0, 0 },
	{ "FAT, no clusters", fat_no_room, "data", "boot sector", DEVICE_FD, 1, 0, 0 },
	{ "MBR", mbr_plain, "MBR", "-", DEVICE_HD, 0, 0, 0 },
	{ "MBR, code", mbr_code, "MBR", "MBR", DEVICE_HD, 1, 0, 0 },
	{ "MBR, ESP", mbr_esp, "MBR", "ESP", DEVICE_HD, 0, 1, 0 },
	{ "MBR, both", mbr_code_and_esp, "MBR", "MBR+ESP", DEVICE_HD, 1, 1, 0 },
	{ "MBR over FAT", mbr_over_fat, "MBR", "MBR", DEVICE_FD, 1, 0, 0 },
	{ "FAT, entry at 0", fat_with_entry_at_0, "FAT12", "-", DEVICE_FD, 0, 0, 0 },
	{ "MBR, no table", mbr_bad_status, "data", "boot sector", DEVICE_HD, 1, 0, 0 },
	{ "MBR, small", mbr_small, "MBR", "-", DEVICE_FD, 0, 0, 0 },
	{ "GPT", gpt_plain, "GPT", "-", DEVICE_HD, 0, 0, 0 },
	{ "GPT, ESP", gpt_esp, "GPT", "ESP", DEVICE_HD, 0, 1, 0 },
	{ "GPT, both", gpt_esp_last, "GPT", "MBR+ESP", DEVICE_HD, 1, 1, 0 },
	{ "GPT, absurd", gpt_absurd, "GPT", "-", DEVICE_HD, 0, 0, 0 },
	{ "GPT, entries of no size", gpt_entry_size_0, "GPT", "-", DEVICE_HD, 0, 0, 0 },
	{ "GPT, endless", gpt_endless, "GPT", "-", DEVICE_HD, 0, 0, 0 },
	{ "GPT, no header", gpt_without_header, "MBR", "-", DEVICE_HD, 0, 0, 0 },
	{ "NTFS", ntfs_plain, "NTFS", "-", DEVICE_HD, 0, 0, 0 },
	{ "NTFS, code", ntfs_code, "NTFS", "boot sector", DEVICE_HD, 1, 0, 0 },
	{ "boot sector", boot_sector, "data", "boot sector", DEVICE_FD, 1, 0, 0 },
	{ "largest floppy", floppy_max, "data", "-", DEVICE_FD, 0, 0, 0 },
	{ "a byte more", floppy_max_and_one, "data", "-", DEVICE_HD, 0, 0, 0 },
	{ "100 bytes", tiny, "data", "-", DEVICE_FD, 0, 0, 0 },
	{ "one sector", one_sector, "data", "-", DEVICE_FD, 0, 0, 0 },
};

static unsigned reads;
static uint64_t bad_off; /* reading this byte fails; 0 = none does */

static int
read_image(void *arg, uint64_t off, uint8_t *out, size_t len)
{
	const size_t *size = arg;

	ck_assert_uint_le(len, *size);
	ck_assert_uint_le(off, *size - len);
	if (bad_off != 0 && off <= bad_off && bad_off < off + len)
		return EIO;
	memcpy(out, image + off, len);
	reads++;
	return 0;
}

static int
examine(size_t size, struct probe *probe, struct reason *why)
{
	struct probe_source source = { .size = size, .read = read_image, .arg = &size };

	reads = 0;
	return probe_examine(&source, probe, why);
}

START_TEST(test_table)
{
	const struct probe_case *c = &cases[_i];
	struct probe probe;

	c->make();
	ck_assert_int_eq(examine(image_size, &probe, NULL), 0);
	ck_assert_msg(strcmp(probe.kind, c->kind) == 0, "%s: kind %s", c->name, probe.kind);
	ck_assert_msg(strcmp(probe.boot, c->boot) == 0, "%s: boot %s", c->name, probe.boot);
	ck_assert_msg(probe.boots_bios == c->bios, "%s: BIOS %d", c->name, probe.boots_bios);
	ck_assert_msg(probe.boots_uefi == c->uefi, "%s: UEFI %d", c->name, probe.boots_uefi);
	ck_assert_msg(probe.is_hybrid == c->hybrid, "%s: hybrid %d", c->name, probe.is_hybrid);
	ck_assert_msg(
		probe.device == c->device, "%s: device %s", c->name, device_name(probe.device));
	ck_assert_uint_eq(probe.size, image_size);
	ck_assert_int_eq(
		probe.is_optical, strcmp(c->kind, "ISO 9660") == 0 || strcmp(c->kind, "UDF") == 0);
	ck_assert_uint_le(reads, 1000);
}
END_TEST

/* However much of an image is missing, nothing is read behind its end. */
START_TEST(test_truncated)
{
	struct probe probe;
	struct reason why;
	size_t size;

	cases[_i].make();
	for (size = image_size; size > 0; size -= size / 20 + 1)
		ck_assert_int_eq(examine(size, &probe, &why), 0);
	ck_assert_int_eq(examine(0, &probe, &why), -1);
	ck_assert_str_eq(why.text, "the file is empty");
}
END_TEST

START_TEST(test_read_error)
{
	struct probe probe;
	struct reason why;

	iso_both();
	bad_off = 20 * CD;
	ck_assert_int_eq(examine(image_size, &probe, &why), -1);
	bad_off = 0;
	ck_assert_str_eq(why.text, "cannot read: Input/output error");
}
END_TEST

/* --- files ------------------------------------------------------------------ */

static char dir[200];

static const char *
in_dir(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
make_dir(void)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL)
		parent = getenv("builddir");
	snprintf(dir, sizeof(dir), "%s/check_probe.XXXXXX", parent != NULL ? parent : ".");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
	unlink(in_dir("image"));
	unlink(in_dir("fifo"));
	rmdir(dir);
	tear_down();
}

START_TEST(test_file)
{
	struct probe probe;
	struct reason why;
	FILE *file;

	iso_both();
	file = fopen(in_dir("image"), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(image, 1, image_size, file), image_size);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_msg(probe_file(in_dir("image"), &probe, &why) == 0, "%s", why.text);
	ck_assert_str_eq(probe.kind, "ISO 9660");
	ck_assert_str_eq(probe.boot, "El Torito BIOS+UEFI");
	ck_assert_uint_eq(probe.size, image_size);

	/* A sparse terabyte takes no longer. */
	ck_assert_int_eq(truncate(in_dir("image"), (off_t)1 << 40), 0);
	ck_assert_msg(probe_file(in_dir("image"), &probe, &why) == 0, "%s", why.text);
	ck_assert_uint_eq(probe.size, (uint64_t)1 << 40);
}
END_TEST

START_TEST(test_file_refused)
{
	struct probe probe;
	struct reason why;
	int fd;

	ck_assert_int_eq(probe_file(in_dir("image"), &probe, &why), -1);
	ck_assert_str_eq(why.text, "no such file");
	ck_assert_int_eq(probe_file(dir, &probe, &why), -1);
	ck_assert_str_eq(why.text, "a directory, not an image");
	ck_assert_int_eq(mkfifo(in_dir("fifo"), 0600), 0);
	ck_assert_int_eq(probe_file(in_dir("fifo"), &probe, &why), -1);
	ck_assert_str_eq(why.text, "a FIFO, not an image");
	fd = open(in_dir("image"), O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(probe_file(in_dir("image"), &probe, &why), -1);
	ck_assert_str_eq(why.text, "the file is empty");
}
END_TEST

static Suite *
probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *tc = tcase_create("memory");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_loop_test(tc, test_table, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(tc, test_truncated, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, test_read_error);
	suite_add_tcase(suite, tc);

	tc = tcase_create("files");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_file_refused);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(probe_suite());
}
