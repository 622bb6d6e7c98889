/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dialect: how one generation of BMC firmware behaves on the wire, as rows of a table
 * (iusb-protocol, Dialects, 4, 6.1, 7 and 8). Pure. */
#ifndef IUSB_DIALECT_H
#define IUSB_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slot.h"

enum web_login { /* the flow by which a token is got from the web interface (iusb-protocol 8) */
	WEB_LOGIN_NONE,
	WEB_LOGIN_ASP,
	WEB_LOGIN_REST,
};

struct dialect {
	const char *name;
	bool is_auto;                /* to be found out (iusb-protocol 11.2): is none itself */
	bool bmc_speaks_first;       /* wait for the ACK, send no AUTH */
	bool has_device_info;        /* send 0xF8 behind AUTH, and 0xF7 at the end */
	bool is_disconnect_an_eject; /* the BMC's 0xF7 says that the host ejected (7.3) */
	bool has_websocket, has_tunnel;
	uint8_t ping;                       /* opcode of the BMC's keep-alive */
	enum web_login login;               /* the flow of its web pages */
	uint16_t port[DEVICE_COUNT];        /* plain TCP, by enum device */
	uint16_t secure_port[DEVICE_COUNT]; /* TLS, 0: it has none */
};

/* The row with that name, or NULL. */
const struct dialect *dialect_find(const char *name);

/* Row i in the order of the protocol notes, then "auto"; NULL behind the last one. */
const struct dialect *dialect_at(unsigned i);

#endif
