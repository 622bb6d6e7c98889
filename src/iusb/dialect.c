/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dialect: the table of firmware generations. */
#include "iusb/dialect.h"

#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "iusb/packet.h"

/* clang-format off */
#define LEGACY_PORTS { [DEVICE_CD] = 5120, [DEVICE_HD] = 5122, [DEVICE_FD] = 5123 }
#define ASP_PORTS    { [DEVICE_CD] = 5120, [DEVICE_FD] = 5122, [DEVICE_HD] = 5123 }

static const struct dialect dialects[] = {
	{ .name = "legacy", .is_supported = true, .bmc_speaks_first = true, .ping = OP_ACK,
	  .port = LEGACY_PORTS },
	{ .name = "asp", .ping = OP_KEEP_ALIVE, .port = ASP_PORTS },
	{ .name = "rest", .ping = OP_KEEP_ALIVE, .port = ASP_PORTS },
	{ .name = "rest-gadget", .ping = OP_KEEP_ALIVE, .port = ASP_PORTS },
	/* Waits for a BMC that speaks first, and so finds `legacy` (iusb-protocol 11.2). */
	{ .name = "auto", .is_supported = true, .bmc_speaks_first = true, .ping = OP_ACK,
	  .port = LEGACY_PORTS },
};
/* clang-format on */

const struct dialect *
dialect_at(unsigned i)
{
	return i < ARRAY_SIZE(dialects) ? &dialects[i] : NULL;
}

const struct dialect *
dialect_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		if (strcmp(name, dialects[i].name) == 0)
			return &dialects[i];
	return NULL;
}
