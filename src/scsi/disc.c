/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disc: what is on a CD or DVD: table of contents, header, disc and track information, structure
 * (MMC-5 6.22, 6.26 to 6.29; iusb-protocol 9.2 and 9.3). It is one session with one data track. */
#include <string.h>

#include "base/bytes.h"
#include "scsi/ops.h"

enum {
	CDB_MSF = 0x02, /* byte 1 of READ TOC and READ HEADER */
	TOC_TRACKS = 0, /* formats of READ TOC */
	TOC_SESSIONS = 1,
	TOC_FULL = 2,
	TRACK_DATA = 0x14,  /* ADR 1, control 4: data, uninterrupted */
	LEAD_OUT = 0xAA,    /* its track number */
	POINT_FIRST = 0xA0, /* of the full table: first and last track, start of the lead-out */
	POINT_LAST = 0xA1,
	POINT_LEAD_OUT = 0xA2,
	DATA_MODE_1 = 1,

	DISC_LEN = 34,
	TRACK_LEN = 36,
	TRACK_BY_LBA = 0, /* bits 0-1 of byte 1 of READ TRACK INFORMATION */
	TRACK_BY_NUMBER = 1,
	TRACK_BY_SESSION = 2,
};

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
put_address(uint8_t *p, uint32_t lba, bool is_msf)
{
	if (is_msf)
		put_msf(p, lba);
	else
		put_be32(p, lba);
}

/* ---- READ TOC ---- */

static uint32_t
put_track(uint8_t *p, uint8_t track, uint32_t lba, bool is_msf)
{
	p[1] = TRACK_DATA;
	p[2] = track;
	put_address(p + 4, lba, is_msf);
	return 8;
}

static uint32_t
fill_tracks(const struct scsi_drive *drive, bool is_msf, bool is_lead_out_only, uint8_t *p)
{
	uint32_t len = 0;

	if (!is_lead_out_only)
		len += put_track(p, 1, 0, is_msf);
	return len + put_track(p + len, LEAD_OUT, saturate_32(drive->blocks), is_msf);
}

/* An entry of the lead-in; value is four bytes of which the first does not count. */
static uint32_t
put_point(uint8_t *p, uint8_t point, const uint8_t *value)
{
	p[0] = 1; /* session */
	p[1] = TRACK_DATA;
	p[3] = point;
	memcpy(p + 8, value + 1, 3);
	return 11;
}

static uint32_t
fill_full(const struct scsi_drive *drive, uint8_t *p)
{
	static const uint8_t first_track[4] = { 0, 1 }; /* then the disc type: data or audio */
	uint8_t start[4], end[4];
	uint32_t len = 0;

	put_msf(start, 0);
	put_msf(end, saturate_32(drive->blocks));
	len += put_point(p + len, POINT_FIRST, first_track);
	len += put_point(p + len, POINT_LAST, first_track);
	len += put_point(p + len, POINT_LEAD_OUT, end);
	len += put_point(p + len, 1, start);
	return len;
}

uint32_t
disc_read_toc(
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
		len += fill_tracks(drive, is_msf, start == LEAD_OUT, p + len);
		break;
	case TOC_SESSIONS:
		len += put_track(p + len, 1, 0, is_msf);
		break;
	case TOC_FULL: /* starts with a session; a DVD has no such table */
		if (start > 1 || configuration_is_dvd(drive))
			return SENSE_INVALID_FIELD_IN_CDB;
		len += fill_full(drive, p + len);
		break;
	default:
		return SENSE_INVALID_FIELD_IN_CDB;
	}
	put_be16(p, (uint16_t)(len - 2));
	p[2] = 1; /* first and last track or session */
	p[3] = 1;
	return op_answer(command, out, len, get_be16(cdb + 7));
}

/* ---- other facts ---- */

uint32_t
disc_read_header(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	uint32_t lba = get_be32(command->cdb + 2);

	if (lba >= drive->blocks)
		return SENSE_LBA_OUT_OF_RANGE;
	out->answer[0] = DATA_MODE_1;
	put_address(out->answer + 4, lba, (command->cdb[1] & CDB_MSF) != 0);
	return op_answer(command, out, 8, get_be16(command->cdb + 7));
}

uint32_t
disc_read_information(struct scsi_drive *drive UNUSED, const struct scsi_command *command,
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
disc_read_track_information(
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
	p[6] = DATA_MODE_1;
	put_be32(p + 24, saturate_32(drive->blocks));
	return op_answer(command, out, TRACK_LEN, get_be16(command->cdb + 7));
}

/* ---- READ DVD STRUCTURE ---- */

enum {
	MEDIA_TYPE = 0x0F, /* byte 1; 0 is a DVD, or whatever is in the drive */
	STRUCTURE_PHYSICAL = 0x00,
	STRUCTURE_COPYRIGHT = 0x01,
	STRUCTURE_MANUFACTURER = 0x04,
	STRUCTURE_GENERIC = 0xC0, /* from here on of any medium */
	STRUCTURE_LIST = 0xFF,
	STRUCTURE_LONG = 4 + 2048,
	STRUCTURE_SHORT = 4 + 4,
	IS_READABLE = 0x40,    /* in the list */
	DATA_START = 0x030000, /* the physical number of sector 0 */
	DATA_MAX = 0xFFFFFF - DATA_START,
};

static const struct structure {
	uint8_t format;
	uint16_t len; /* with its header of four bytes */
} structures[] = {
	{ STRUCTURE_PHYSICAL, STRUCTURE_LONG },
	{ STRUCTURE_COPYRIGHT, STRUCTURE_SHORT },   /* none, all regions: zeros */
	{ STRUCTURE_MANUFACTURER, STRUCTURE_LONG }, /* none: zeros */
};

/* A single-layer DVD-ROM of 120 mm. */
static void
fill_physical(const struct scsi_drive *drive, uint8_t *p)
{
	p[0] = 0x01; /* book type and its version */
	p[1] = 0x0F; /* size; maximum rate: not said */
	p[2] = 0x01; /* one layer, embossed */
	put_be32(p + 4, DATA_START);
	put_be32(p + 8, DATA_START + (uint32_t)drive->blocks - 1);
}

static uint32_t
fill_list(bool is_dvd, uint8_t *p)
{
	uint32_t len = 0;

	for (size_t i = 0; is_dvd && i < ARRAY_SIZE(structures); i++, len += 4) {
		p[len] = structures[i].format;
		p[len + 1] = IS_READABLE;
		put_be16(p + len + 2, structures[i].len);
	}
	p[len] = STRUCTURE_LIST;
	p[len + 1] = IS_READABLE;
	put_be16(p + len + 2, (uint16_t)(4 + len + 4));
	return len + 4;
}

uint32_t
disc_read_dvd_structure(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out)
{
	const uint8_t *cdb = command->cdb;
	uint8_t format = cdb[7];
	bool is_dvd = configuration_is_dvd(drive);
	uint32_t len = 0;

	if ((cdb[1] & MEDIA_TYPE) != 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (format == STRUCTURE_LIST)
		len = 4 + fill_list(is_dvd, out->answer + 4);
	else if (format < STRUCTURE_GENERIC && !is_dvd)
		return SENSE_WRONG_MEDIUM;
	for (size_t i = 0; i < ARRAY_SIZE(structures); i++) {
		if (structures[i].format == format)
			len = structures[i].len;
	}
	/* The layer; and a disc larger than sector numbers can tell has no such structure. */
	if (format == STRUCTURE_PHYSICAL && (cdb[6] != 0 || drive->blocks > DATA_MAX))
		len = 0;
	if (len == 0)
		return SENSE_INVALID_FIELD_IN_CDB;
	if (format == STRUCTURE_PHYSICAL)
		fill_physical(drive, out->answer + 4);
	put_be16(out->answer, (uint16_t)(len - 2));
	return op_answer(command, out, len, get_be16(cdb + 8));
}
