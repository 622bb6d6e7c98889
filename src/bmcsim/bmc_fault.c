/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_fault: what a broken or unwilling BMC sends instead of a good packet; names of faults and
 * quirks. */
#include "bmcsim/bmc_fault.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/nearest.h"

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
};

static const char fault_owner[] = "192.168.0.77"; /* who is said to hold the slot */

static size_t
control(uint8_t out[FAULT_PACKET_MAX], uint8_t status, const char *owner)
{
	control_ack(out, 0, status, owner);
	return ACK_LEN;
}

size_t
bmc_fault_make(enum bmc_fault fault, const uint8_t *packet, size_t len, struct chance *chance,
	uint8_t out[FAULT_PACKET_MAX], enum fault_end *end)
{
	*end = FAULT_THEN_WAIT;
	memcpy(out, packet, len);
	switch (fault) {
	case FAULT_NONE:
		return len;
	case FAULT_IN_USE:
		return control(out, ACK_IN_USE, fault_owner);
	case FAULT_DENIED:
		return control(out, ACK_DENIED, "");
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

/* The bits that one word of a quirk list stands for, 0 for an unknown word. */
static unsigned
quirk_bits(const char *word)
{
	if (strcmp(word, "all") == 0)
		return QUIRK_ALL;
	for (unsigned bit = 0; bit < ARRAY_SIZE(quirk_names); bit++) {
		if (strcmp(word, quirk_names[bit]) == 0)
			return 1U << bit;
	}
	return 0;
}

static int
unknown_quirk(const char *word, struct reason *why)
{
	const char *meant = nearest(word, quirk_names, ARRAY_SIZE(quirk_names));

	if (meant)
		return reason_set(why, "no quirk \"%s\": did you mean \"%s\"?", word, meant);
	return reason_set(why, "no quirk \"%s\"", word);
}

int
bmc_quirks_parse(const char *text, unsigned *quirks, struct reason *why)
{
	unsigned found = text[0] == '-' ? QUIRK_ALL : 0;
	char *copy, *rest, *word;
	int result = 0;

	if (strcmp(text, "none") == 0) {
		*quirks = 0;
		return 0;
	}
	copy = rest = mem_strdup(text);
	while (result == 0 && (word = strsep(&rest, ","))) {
		bool is_minus = word[0] == '-';
		unsigned bits = quirk_bits(word + is_minus);

		if (bits == 0)
			result = unknown_quirk(word + is_minus, why);
		found = is_minus ? found & ~bits : found | bits;
	}
	free(copy);
	if (result == 0)
		*quirks = found;
	return result;
}
