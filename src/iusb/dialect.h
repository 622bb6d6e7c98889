/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dialect: how one generation of BMC firmware behaves on the wire, as rows of a table
 * (iusb-protocol, Dialects, 4, 6.1 and 7.1). Pure. */
#ifndef IUSB_DIALECT_H
#define IUSB_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slot.h"

struct dialect {
	const char *name;
	bool is_supported;           /* iusbd can speak it; else refused in the configuration */
	bool bmc_speaks_first;       /* wait for the ACK, send no AUTH */
	uint8_t ping;                /* opcode of the BMC's keep-alive */
	uint16_t port[DEVICE_COUNT]; /* plain TCP, by enum device */
};

/* The row with that name, or NULL. */
const struct dialect *dialect_find(const char *name);

/* Row i in the order of the protocol notes, NULL behind the last one. */
const struct dialect *dialect_at(unsigned i);

#endif
