/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_fault: what a broken or unwilling BMC sends instead of a good packet (iusb-protocol 10.4).
 * Pure. */
#ifndef BMCSIM_BMC_FAULT_H
#define BMCSIM_BMC_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmcsim/bmc.h"
#include "bmcsim/chance.h"
#include "iusb/control.h"

enum fault_end {         /* what follows the bytes */
	FAULT_THEN_WAIT, /* the connection is served nothing more until the client closes */
	FAULT_THEN_CLOSE,
	FAULT_THEN_RESET,
};

enum {
	FAULT_PACKET_MAX = 128, /* the most that is sent */
};

/*
 * Writes what is sent instead of the len bytes of a good packet (a request, or an ACK) and returns
 * its length, 0 to FAULT_PACKET_MAX.
 */
size_t bmc_fault_make(enum bmc_fault fault, const uint8_t *packet, size_t len,
	struct chance *chance, uint8_t out[FAULT_PACKET_MAX], enum fault_end *end);

/* True for a fault that a BMC can only show at connect, not in the middle of a session. */
bool bmc_fault_is_refusal(enum bmc_fault fault);

/* "in-use", "kill", ...; bmc_fault_parse() returns false for an unknown word. */
const char *bmc_fault_name(enum bmc_fault fault);
bool bmc_fault_parse(const char *text, enum bmc_fault *fault);

/* The words for quirks, in the order of their bits: "stale-checksum", ... NULL behind the last. */
const char *bmc_quirk_name(unsigned bit);

/* Reads "all", "none", or words with commas between, each with a '-' before it to take it away
 * from all: "split,coalesce", "-split". */
int bmc_quirks_parse(const char *text, unsigned *quirks, struct reason *why) MUST_CHECK;

#endif
