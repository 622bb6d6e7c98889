/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bmc_gadget: the USB gadget of a `rest-gadget` BMC (iusb-protocol 7.3): a read-only drive that
 * answers its host by itself, from the capacity that it was told, and wants nothing of the client
 * but blocks, by READ(12). Pure.
 */
#ifndef BMCSIM_BMC_GADGET_H
#define BMCSIM_BMC_GADGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slot.h"

enum {
	GADGET_ANSWER_MAX = 64,
};

/* Makes READ(12) of a READ(6), (10) or (12), length still big-endian; false for any other. */
bool bmc_gadget_read(uint8_t cdb[16]);

/* The length of READ(12) as this firmware writes it: little-endian. Call it on what is sent. */
void bmc_gadget_swap(uint8_t cdb[16]);

/* True for START STOP UNIT that ejects. */
bool bmc_gadget_is_eject(const uint8_t cdb[16]);

/*
 * The answer to any other command but INQUIRY and REQUEST SENSE; blocks is 0 with no medium. True
 * for success, with *len bytes in out, not yet clipped to what the host asked for; else *sense is
 * set.
 */
bool bmc_gadget_answer(enum device device, uint32_t blocks, const uint8_t cdb[16], uint32_t *sense,
	uint8_t out[GADGET_ANSWER_MAX], uint32_t *len);

#endif
