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
#define TLS_PORTS    { [DEVICE_CD] = 5124, [DEVICE_FD] = 5126, [DEVICE_HD] = 5127 }

static const struct dialect dialects[] = {
	{ .name = "legacy", .bmc_speaks_first = true, .ping = OP_ACK, .port = LEGACY_PORTS },
	{ .name = "asp", .ping = OP_KEEP_ALIVE, .has_tunnel = true, .login = WEB_LOGIN_ASP,
	  .port = ASP_PORTS, .secure_port = TLS_PORTS },
	{ .name = "rest", .ping = OP_KEEP_ALIVE, .has_tunnel = true, .has_websocket = true,
	  .has_device_info = true, .login = WEB_LOGIN_REST,
	  .port = ASP_PORTS, .secure_port = TLS_PORTS },
	{ .name = "rest-gadget", .ping = OP_KEEP_ALIVE, .has_websocket = true,
	  .has_device_info = true, .is_disconnect_an_eject = true, .login = WEB_LOGIN_REST,
	  .port = ASP_PORTS, .secure_port = TLS_PORTS },
	/* Waits a moment for a BMC that speaks first, which finds `legacy` (iusb-protocol 11.2). */
	{ .name = "auto", .is_auto = true, .bmc_speaks_first = true, .ping = OP_ACK,
	  .has_tunnel = true, .has_websocket = true, .port = LEGACY_PORTS },
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
