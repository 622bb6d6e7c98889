/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_fault: what a broken or unwilling BMC sends instead of a good packet; names of faults and
 * quirks. */
#include "bmcsim/bmc_fault.h"

#include <string.h>

#include "base/bytes.h"
#include "bmcsim/flags.h"

static const char *const fault_names[] = {
	[FAULT_NONE] = "none",
	[FAULT_IN_USE] = "in-use",
	[FAULT_DENIED] = "denied",
	[FAULT_SILENT] = "silent",
	[FAULT_GARBAGE] = "garbage",
	[FAULT_SIGNATURE] = "signature",
	[FAULT_OVERSIZE] = "oversize",
	[FAULT_TRUNCATED] = "truncated",
	[FAULT_RESET] = "reset",
	[FAULT_KILL] = "kill",
};

static const char *const quirk_names[] = {
	"stale-checksum",
	"garbage-key",
	"leftovers",
	"sequence-gaps",
	"split",
	"coalesce",
	"short-ping",
	"disk-type",
	"event-poll",
	"crossing",
	"open-ports",
	"odd-frames",
};

size_t
bmc_fault_make(enum bmc_fault fault, const uint8_t *packet, size_t len, struct chance *chance,
	uint8_t out[FAULT_PACKET_MAX], enum fault_end *end)
{
	*end = FAULT_THEN_WAIT;
	memcpy(out, packet, len);
	switch (fault) {
	case FAULT_NONE:
		return len;
	case FAULT_IN_USE: /* an ACK like others, bmc_door.c */
	case FAULT_DENIED:
	case FAULT_SILENT:
		return 0;
	case FAULT_GARBAGE:
		chance_fill(chance, out, FAULT_PACKET_MAX);
		out[0] |= 0x80; /* never the start of a signature */
		return FAULT_PACKET_MAX;
	case FAULT_SIGNATURE:
		out[chance_below(chance, 8)] ^= (uint8_t)(1 + chance_below(chance, 255));
		return len;
	case FAULT_OVERSIZE:
		put_le32(out + OFF_DATA_PKT_LEN,
			PACKET_MAX - PACKET_HEADER_LEN + 1 + chance_next(chance) / 2);
		return len;
	case FAULT_TRUNCATED:
		*end = FAULT_THEN_CLOSE;
		return len / 2;
	case FAULT_RESET:
		*end = FAULT_THEN_RESET;
		return len / 2;
	case FAULT_KILL:
		control_plain(out, PACKET_SCSI_LEN, 0, OP_KILL);
		return PACKET_SCSI_LEN;
	}
	return 0;
}

bool
bmc_fault_is_refusal(enum bmc_fault fault)
{
	return fault == FAULT_IN_USE || fault == FAULT_DENIED;
}

const char *
bmc_fault_name(enum bmc_fault fault)
{
	return fault_names[fault];
}

bool
bmc_fault_parse(const char *text, enum bmc_fault *fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault_names); i++) {
		if (strcmp(text, fault_names[i]) == 0) {
			*fault = (enum bmc_fault)i;
			return true;
		}
	}
	return false;
}

const char *
bmc_quirk_name(unsigned bit)
{
	return bit < ARRAY_SIZE(quirk_names) ? quirk_names[bit] : NULL;
}

int
bmc_quirks_parse(const char *text, unsigned *quirks, struct reason *why)
{
	static const struct flags names = {
		.what = "quirk",
		.words = quirk_names,
		.count = ARRAY_SIZE(quirk_names),
	};

	return flags_parse(&names, text, quirks, why);
}
