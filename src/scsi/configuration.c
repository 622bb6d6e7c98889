/* SPDX-License-Identifier: GPL-2.0-or-later */
/* configuration: GET CONFIGURATION (MMC-5 5 and 6.4): a drive for CD-ROM and DVD-ROM, with the
 * features that these two profiles demand. */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	HEADER = 8,
	WHICH_ALL = 0, /* RT, bits 0-1 of byte 1 */
	WHICH_CURRENT = 1,
	WHICH_ONE = 2,
	PROFILE_CD_ROM = 0x08,
	PROFILE_DVD_ROM = 0x10,
	FEATURE_PROFILES = 0x0000,
	FEATURE_RANDOM_READABLE = 0x0010,
	IS_CURRENT = 0x01, /* byte 2 of a feature */
	IS_PERSISTENT = 0x02,
	DATA_MAX = 8,
};

#define CD_ROM_MAX (UINT64_C(700) << 20) /* bytes; what is larger is a DVD-ROM */

/* With what in the drive a feature is current. */
enum { WITH_NONE = 1, WITH_CD = 2, WITH_DVD = 4 };

enum { ALWAYS = WITH_NONE | WITH_CD | WITH_DVD, WITH_MEDIUM = WITH_CD | WITH_DVD };

static const struct feature {
	uint16_t code;
	uint8_t flags; /* version << 2 | persistent */
	uint8_t current;
	uint8_t len;
	uint8_t data[DATA_MAX];
} features[] = {
	{ FEATURE_PROFILES, IS_PERSISTENT, ALWAYS, 8, { 0 } }, /* filled in */
	/* Core: on USB. */
	{ 0x0001, IS_PERSISTENT, ALWAYS, 4, { 0, 0, 0, 8 } },
	/* Morphing: what changes is told by GET EVENT STATUS NOTIFICATION, polled. */
	{ 0x0002, IS_PERSISTENT, ALWAYS, 4, { 0 } },
	/* Removable medium: a tray; ejects; locks. */
	{ 0x0003, IS_PERSISTENT, ALWAYS, 4, { 0x29 } },
	/* Random readable: blocks of 2048, mode page 01; blocking filled in. */
	{ FEATURE_RANDOM_READABLE, 0, WITH_MEDIUM, 8, { 0, 0, 0x08, 0, 0, 1, 0x01 } },
	/* CD read, version 2: no audio, no C2 pointers, no CD text. */
	{ 0x001E, 2 << 2, WITH_CD, 4, { 0 } },
	/* DVD read, version 1. */
	{ 0x001F, 1 << 2, WITH_DVD, 4, { 0 } },
	/* Power management. */
	{ 0x0100, IS_PERSISTENT, ALWAYS, 0, { 0 } },
	/* Timeout: mode page 1D. */
	{ 0x0105, IS_PERSISTENT, ALWAYS, 0, { 0 } },
};

bool
configuration_is_dvd(const struct scsi_drive *drive)
{
	return drive->blocks > CD_ROM_MAX / drive->block_len;
}

static uint16_t
profile_of(const struct scsi_drive *drive)
{
	if (!drive->has_medium || drive->blocks == 0)
		return 0;
	return configuration_is_dvd(drive) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static bool
is_current(const struct feature *feature, uint16_t profile)
{
	uint8_t with = WITH_NONE;

	if (profile != 0)
		with = profile == PROFILE_DVD_ROM ? WITH_DVD : WITH_CD;
	return (feature->current & with) != 0;
}

static void
put_profile(uint8_t *p, uint16_t profile, uint16_t current)
{
	put_be16(p, profile);
	p[2] = profile == current;
}

static uint32_t
fill_feature(const struct feature *feature, uint16_t profile, uint8_t *p)
{
	put_be16(p, feature->code);
	p[2] = feature->flags | (is_current(feature, profile) ? IS_CURRENT : 0);
	p[3] = feature->len;
	memcpy(p + 4, feature->data, feature->len);
	if (feature->code == FEATURE_PROFILES) {
		put_profile(p + 4, PROFILE_DVD_ROM, profile);
		put_profile(p + 8, PROFILE_CD_ROM, profile);
	}
	if (feature->code == FEATURE_RANDOM_READABLE && profile == PROFILE_DVD_ROM)
		put_be16(p + 8, 16); /* blocks that are read at once */
	return 4u + feature->len;
}

uint32_t
configuration_get(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint8_t which = cdb[1] & 0x03;
	uint16_t start = get_be16(cdb + 2), profile = profile_of(drive);
	uint32_t len = HEADER;

	if (which > WHICH_ONE)
		return SENSE_INVALID_FIELD_IN_CDB;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *feature = &features[i];

		if (which == WHICH_ONE ? feature->code != start : feature->code < start)
			continue;
		if (which == WHICH_CURRENT && !is_current(feature, profile))
			continue;
		len += fill_feature(feature, profile, out->answer + len);
	}
	put_be32(out->answer, len - 4);
	put_be16(out->answer + 6, profile);
	return op_answer(command, out, len, get_be16(cdb + 7));
}
