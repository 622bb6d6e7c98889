/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_verbs: the table of what the built-in host can do, and its short verbs: enumerate, ready,
 * sense, pause, eject. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/human.h"
#include "bmcsim/host_parts.h"

enum {
	PAGE_ALL = 0x3F,
	MODE_LEN = 192, /* what Linux asks for */
	MODE_HEADER_LEN = 4,
	TOC_LEN = 804, /* room for 99 tracks */
	TOC_ONE_TRACK = 20,
	TOC_MSF = 0x02,
	MSF_OFFSET = 150, /* sectors before LBA 0 */
	FRAMES = 75,      /* sectors of a second */
	TRACK_IS_DATA = 0x04,
	LEAD_OUT = 0xAA,
};

/* --- enumerate: what an operating system does with a new USB drive --- */

static void
end_enumerate(struct host *host, const char *extra)
{
	host_pass(host, "%s, %" PRIu32 " blocks of %" PRIu32 " bytes%s", host->summary,
		host->blocks, host->block_len, extra);
}

/* Fails the step and returns false if the pages of a MODE SENSE(6) answer do not fit together. */
static bool
check_mode_pages(struct host *host, const uint8_t *data, size_t len)
{
	size_t at;

	if (len < MODE_HEADER_LEN || (len < MODE_LEN && data[0] + 1U != len)) {
		host_fail(host, "MODE SENSE(6): %zu bytes with mode data length %u", len,
			len > 0 ? data[0] : 0);
		return false;
	}
	for (at = MODE_HEADER_LEN + data[3]; at + 2 <= len; at += 2U + data[at + 1])
		;
	if (at != len && len < MODE_LEN) {
		host_fail(host, "MODE SENSE(6): a page is longer than the data");
		return false;
	}
	return true;
}

static void
mode_next(struct host *host, const struct bmc_result *result)
{
	if (!result->is_good &&
		(host->sense == SENSE_INVALID_OPCODE || host->sense == SENSE_INVALID_FIELD))
		end_enumerate(host, ", no mode pages");
	else if (!result->is_good)
		host_fail_command(host, "MODE SENSE(6)");
	else if (check_mode_pages(host, result->data, result->data_len))
		end_enumerate(host, result->data[2] & 0x80 ? ", write protected" : ", writable");
}

/* Says what is wrong with a table of contents, NULL if it is that of one data track. */
static const char *
toc_fault(const struct bmc_result *result, uint32_t first, uint32_t lead_out)
{
	const uint8_t *toc = result->data;

	if (result->data_len != TOC_ONE_TRACK || get_be16(toc) != TOC_ONE_TRACK - 2)
		return "is not that of one track";
	if (toc[2] != 1 || toc[3] != 1 || toc[6] != 1 || !(toc[5] & TRACK_IS_DATA))
		return "has no data track 1";
	if (get_be32(toc + 8) != first)
		return "starts track 1 at the wrong place";
	if (toc[14] != LEAD_OUT || get_be32(toc + 16) != lead_out)
		return "has a wrong lead-out";
	return NULL;
}

static uint32_t
msf(uint32_t lba)
{
	lba += MSF_OFFSET;
	return lba / (60 * FRAMES) << 16 | lba / FRAMES % 60 << 8 | lba % FRAMES;
}

static void
toc_msf_next(struct host *host, const struct bmc_result *result)
{
	const char *fault;

	if (!result->is_good) {
		host_fail_command(host, "READ TOC (MSF)");
		return;
	}
	fault = toc_fault(result, msf(0), msf(host->blocks));
	if (fault)
		host_fail(host, "the table of contents in MSF %s", fault);
	else
		end_enumerate(host, ", one data track");
}

static void
toc_next(struct host *host, const struct bmc_result *result)
{
	static const uint8_t cdb[] = { SCSI_READ_TOC, TOC_MSF, 0, 0, 0, 0, 0, TOC_LEN >> 8,
		TOC_LEN & 0xFF, 0 };
	const char *fault;

	if (!result->is_good) {
		host_fail_command(host, "READ TOC");
		return;
	}
	fault = toc_fault(result, 0, host->blocks);
	if (fault)
		host_fail(host, "the table of contents %s", fault);
	else
		host_read_command(host, cdb, sizeof(cdb), TOC_LEN, toc_msf_next);
}

static void
measured_next(struct host *host)
{
	static const uint8_t toc[] = { SCSI_READ_TOC, 0, 0, 0, 0, 0, 0, TOC_LEN >> 8,
		TOC_LEN & 0xFF, 0 };
	static const uint8_t mode[] = { SCSI_MODE_SENSE_6, 0, PAGE_ALL, 0, MODE_LEN, 0 };

	if (host->device == DEVICE_CD)
		host_read_command(host, toc, sizeof(toc), TOC_LEN, toc_next);
	else
		host_read_command(host, mode, sizeof(mode), MODE_LEN, mode_next);
}

static void
unit_ready_next(struct host *host, const struct bmc_result *result)
{
	if (!result->is_good)
		host_fail_command(host, "TEST UNIT READY");
	else
		host_measure(host, measured_next);
}

/* Copies text of fixed width without its padding. */
static void
trim(char *out, const uint8_t *text, int len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	memcpy(out, text, (size_t)len);
	out[len] = '\0';
}

static void
inquiry_next(struct host *host, const struct bmc_result *result)
{
	static const uint8_t cdb[] = { SCSI_TEST_UNIT_READY, 0, 0, 0, 0, 0 };
	uint8_t type = host->device == DEVICE_CD ? 0x05 : 0x00;
	char vendor[9], product[17], revision[5];

	if (!result->is_good) {
		host_fail_command(host, "INQUIRY");
		return;
	}
	if (result->data_len < INQUIRY_LEN || result->data[0] != type ||
		!(result->data[1] & 0x80)) {
		host_fail(host, "INQUIRY does not describe a removable %s",
			type ? "CD drive" : "disk");
		return;
	}
	trim(vendor, result->data + 8, 8);
	trim(product, result->data + 16, 16);
	trim(revision, result->data + 32, 4);
	snprintf(host->summary, sizeof(host->summary), "%s %s %s", vendor, product, revision);
	host_read_command(host, cdb, sizeof(cdb), 0, unit_ready_next);
}

static void
start_enumerate(struct host *host)
{
	static const uint8_t cdb[] = { SCSI_INQUIRY, 0, 0, 0, INQUIRY_LEN, 0 };

	host_read_command(host, cdb, sizeof(cdb), INQUIRY_LEN, inquiry_next);
}

/* --- the others --- */

static void
ready_next(struct host *host, const struct bmc_result *result)
{
	if (result->is_good)
		host_pass(host, "the drive is ready");
	else
		host_fail_command(host, "TEST UNIT READY");
}

static void
start_ready(struct host *host)
{
	static const uint8_t cdb[] = { SCSI_TEST_UNIT_READY, 0, 0, 0, 0, 0 };

	host_read_command(host, cdb, sizeof(cdb), 0, ready_next);
}

static void
sense_next(struct host *host, const struct bmc_result *result)
{
	if (!result->is_good || result->data_len < SENSE_LEN)
		host_fail(host, "REQUEST SENSE failed");
	else
		host_pass(host, "%02x/%02x/%02x", result->data[2] & 0x0F, result->data[12],
			result->data[13]);
}

static void
start_sense(struct host *host)
{
	static const uint8_t cdb[] = { SCSI_REQUEST_SENSE, 0, 0, 0, SENSE_LEN, 0 };

	host_read_command(host, cdb, sizeof(cdb), SENSE_LEN, sense_next);
}

static void
pause_next(struct host *host, const struct bmc_result *result)
{
	char text[HUMAN_SIZE];

	if (result->is_good)
		host_pass(host, "%s", human_duration(text, host_current(host)->seconds));
	else
		host_fail_command(host, "TEST UNIT READY");
}

/* Silence, and then the drive must still be there. */
static void
pause_cb(struct host *host)
{
	static const uint8_t cdb[] = { SCSI_TEST_UNIT_READY, 0, 0, 0, 0, 0 };

	host_read_command(host, cdb, sizeof(cdb), 0, pause_next);
}

static void
start_pause(struct host *host)
{
	host->after_pause = pause_cb;
	host_kick(host, host_current(host)->seconds);
}

static void
eject_next(struct host *host, const struct bmc_result *result)
{
	if (result->is_good)
		host_pass(host, "the drive accepted it");
	else
		host_fail_command(host, "START STOP UNIT");
}

void
host_start_eject(struct host *host)
{
	static const uint8_t cdb[] = { SCSI_START_STOP, 0, 0, 0, 2, 0 };

	host_read_command(host, cdb, sizeof(cdb), 0, eject_next);
}

static const struct host_verb verbs[] = {
	{ "enumerate", TAKES_NOTHING, start_enumerate,
		"ask the drive what it is, as an operating system does" },
	{ "ready", TAKES_NOTHING, start_ready, "TEST UNIT READY" },
	{ "read", TAKES_NOTHING, host_start_read, "read the whole medium" },
	{ "compare", TAKES_FILE, host_start_compare,
		"read the whole medium and compare it with a file" },
	{ "change", TAKES_FILE, host_start_change,
		"wait until the medium is changed, then compare the new one with a file" },
	{ "write", TAKES_FILE_AND_LBA, host_start_write,
		"write a file to the medium at a block, read it back, compare" },
	{ "write-protected", TAKES_NOTHING, host_start_write_protected,
		"expect that a write is refused with 07/27/00" },
	{ "sense", TAKES_NOTHING, start_sense, "REQUEST SENSE, and say what it reports" },
	{ "pause", TAKES_SECONDS, start_pause, "do nothing, then TEST UNIT READY" },
	{ "eject", TAKES_NOTHING, host_start_eject, "eject the medium; the last step" },
};

const struct host_verb *
host_verb_at(size_t i)
{
	return i < ARRAY_SIZE(verbs) ? &verbs[i] : NULL;
}

const struct host_verb *
host_verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	}
	return NULL;
}
