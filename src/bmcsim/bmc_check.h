/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_check: holds a client's answer to the rules (iusb-protocol 2.3 and 3). Pure. */
#ifndef BMCSIM_BMC_CHECK_H
#define BMCSIM_BMC_CHECK_H

#include <stdint.h>

#include "iusb/packet.h"

typedef void bmc_check_cb(void *arg, const char *what);

/*
 * Compares the answer to a SCSI request with the request's 61 bytes as they were sent: what must be
 * mirrored, and lengths, direction and status that must fit together. cb is called once for each
 * rule that is broken.
 */
void bmc_check_answer(const uint8_t request[PACKET_SCSI_LEN], const struct packet *answer,
	bmc_check_cb *cb, void *arg);

#endif
