/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmc: what only a CD drive is asked: table of contents, configuration, events, disc and track
 * information (MMC-5; iusb-protocol 9.2 and 9.3). A medium is one session with one data track. */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_MSF = 0x02, /* byte 1 of READ TOC */
	TOC_TRACKS = 0, /* formats of READ TOC */
	TOC_SESSIONS = 1,
	TRACK_DATA = 0x14, /* ADR 1, control 4: data, uninterrupted */
	LEAD_OUT = 0xAA,   /* its track number */

	CONFIG_HEADER = 8,
	CONFIG_ALL = 0, /* RT, bits 0-1 of byte 1 of GET CONFIGURATION */
	CONFIG_CURRENT = 1,
	CONFIG_ONE = 2,
	FEATURE_LEN = 8,
	FEATURE_CURRENT = 0x03, /* version 0, persistent, current */
	PROFILE_CD_ROM = 0x08,
	PROFILE_DVD_ROM = 0x10,

	CDB_POLLED = 0x01, /* byte 1 of GET EVENT STATUS NOTIFICATION */
	EVENT_HEADER = 4,
	EVENT_CLASS_MEDIA = 4,
	EVENT_MEDIA_BIT = 1 << EVENT_CLASS_MEDIA,
	EVENT_NEA = 0x80, /* none of the classes asked for */
	EVENT_NEW_MEDIUM = 2,
	EVENT_MEDIUM_REMOVED = 3,
	STATUS_PRESENT = 0x02,

	DISC_LEN = 34,
	TRACK_LEN = 36,
	TRACK_BY_LBA = 0, /* bits 0-1 of byte 1 of READ TRACK INFORMATION */
	TRACK_BY_NUMBER = 1,
	TRACK_BY_SESSION = 2,
};

#define CD_ROM_MAX (UINT64_C(700) << 20) /* bytes; what is larger is a DVD-ROM */

/* Sectors as four bytes can tell them. */
static uint32_t
sectors_of(const struct scsi_drive *drive)
{
	return drive->blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)drive->blocks;
}

static void
put_msf(uint8_t *p, uint32_t lba)
{
	enum { FRAMES = 75, SECONDS = 60, LEAD_IN = 150 };
	const uint32_t max = (255 * SECONDS + 59) * FRAMES + 74; /* FF:3B:4A, also on a DVD */
	uint32_t frames = lba > max - LEAD_IN ? max : lba + LEAD_IN;

	p[0] = 0;
	p[1] = (uint8_t)(frames / FRAMES / SECONDS);
	p[2] = (uint8_t)(frames / FRAMES % SECONDS);
	p[3] = (uint8_t)(frames % FRAMES);
}

static void
put_toc_descriptor(uint8_t *p, uint8_t track, uint32_t lba, bool is_msf)
{
	p[1] = TRACK_DATA;
	p[2] = track;
	if (is_msf)
		put_msf(p + 4, lba);
	else
		put_be32(p + 4, lba);
}

uint32_t
mmc_read_toc(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	bool is_msf = (cdb[1] & CDB_MSF) != 0;
	uint8_t format = cdb[2] & 0x0F, start = cdb[6];
	uint8_t *p = out->answer;
	uint32_t len = 4;

	if (format == 0) /* where SFF-8020 had it, and Linux looks for sessions */
		format = cdb[9] >> 6;
	switch (format) {
	case TOC_TRACKS:
		if (start > 1 && start != LEAD_OUT)
			return SENSE_INVALID_FIELD_IN_CDB;
		if (start != LEAD_OUT) {
			put_toc_descriptor(p + len, 1, 0, is_msf);
			len += 8;
		}
		put_toc_descriptor(p + len, LEAD_OUT, sectors_of(drive), is_msf);
		len += 8;
		break;
	case TOC_SESSIONS:
		put_toc_descriptor(p + len, 1, 0, is_msf);
		len += 8;
		break;
	default:
		return SENSE_INVALID_FIELD_IN_CDB;
	}
	put_be16(p, (uint16_t)(len - 2));
	p[2] = 1; /* first and last track or session */
	p[3] = 1;
	return op_answer(command, out, len, get_be16(cdb + 7));
}

static uint16_t
profile_of(const struct scsi_drive *drive)
{
	return drive->blocks * drive->block_len > CD_ROM_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

uint32_t
mmc_get_configuration(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	static const struct {
		uint16_t code;
		uint8_t data[4];
	} features[] = {
		{ 0x0000, { 0 } },             /* profiles: filled in below */
		{ 0x0001, { 0, 0, 0, 8 } },    /* core: on USB */
		{ 0x0003, { 0x29, 0, 0, 0 } }, /* removable: a tray; ejects; locks */
	};
	const uint8_t *cdb = command->cdb;
	uint8_t which = cdb[1] & 0x03;
	uint16_t start = get_be16(cdb + 2);
	uint16_t profile = profile_of(drive);
	uint32_t len = CONFIG_HEADER;

	if (which > CONFIG_ONE)
		return SENSE_INVALID_FIELD_IN_CDB;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		uint8_t *p = out->answer + len;

		if (which == CONFIG_ONE ? features[i].code != start : features[i].code < start)
			continue;
		put_be16(p, features[i].code);
		p[2] = FEATURE_CURRENT;
		p[3] = sizeof(features[i].data);
		memcpy(p + 4, features[i].data, sizeof(features[i].data));
		if (features[i].code == 0) {
			put_be16(p + 4, profile);
			p[6] = drive->has_medium;
		}
		len += FEATURE_LEN;
	}
	put_be32(out->answer, len - 4);
	put_be16(out->answer + 6, drive->has_medium ? profile : 0);
	return op_answer(command, out, len, get_be16(cdb + 7));
}

uint32_t
mmc_get_event_status(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint32_t allocation = get_be16(cdb + 7);
	uint8_t *p = out->answer;
	uint32_t sense;

	if (!(cdb[1] & CDB_POLLED))
		return SENSE_INVALID_FIELD_IN_CDB;
	p[3] = EVENT_MEDIA_BIT;
	if (!(cdb[4] & EVENT_MEDIA_BIT)) {
		put_be16(p, 2);
		p[2] = EVENT_NEA;
		return op_answer(command, out, EVENT_HEADER, allocation);
	}
	put_be16(p, 6);
	p[2] = EVENT_CLASS_MEDIA;
	if (drive->has_event)
		p[4] = drive->has_medium ? EVENT_NEW_MEDIUM : EVENT_MEDIUM_REMOVED;
	p[5] = drive->has_medium ? STATUS_PRESENT : 0;
	sense = op_answer(command, out, EVENT_HEADER + 4, allocation);
	if (out->len > EVENT_HEADER) /* the header alone tells nothing */
		drive->has_event = false;
	return sense;
}

uint32_t
mmc_read_disc_information(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
	struct scsi_decision *out)
{
	static const uint8_t disc[] = {
		0x00, DISC_LEN - 2, 0x0E, /* complete, nothing can be appended */
		1, 1, 1, 1,               /* first track; sessions; first and last track of it */
		0x20,                     /* for unrestricted use */
	};

	if (command->cdb[1] & 0x07) /* only standard disc information */
		return SENSE_INVALID_FIELD_IN_CDB;
	memcpy(out->answer, disc, sizeof(disc));
	return op_answer(command, out, DISC_LEN, get_be16(command->cdb + 7));
}

uint32_t
mmc_read_track_information(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t address = get_be32(command->cdb + 2);
	uint8_t *p = out->answer;

	switch (command->cdb[1] & 0x03) {
	case TRACK_BY_LBA:
		if (address >= drive->blocks)
			return SENSE_LBA_OUT_OF_RANGE;
		break;
	case TRACK_BY_NUMBER:
	case TRACK_BY_SESSION:
		if (address != 1)
			return SENSE_INVALID_FIELD_IN_CDB;
		break;
	default:
		return SENSE_INVALID_FIELD_IN_CDB;
	}
	put_be16(p, TRACK_LEN - 2);
	p[2] = 1;    /* track */
	p[3] = 1;    /* session */
	p[5] = 0x04; /* data, uninterrupted */
	p[6] = 0x01; /* mode 1 */
	put_be32(p + 24, sectors_of(drive));
	return op_answer(command, out, TRACK_LEN, get_be16(command->cdb + 7));
}
