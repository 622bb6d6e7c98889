/* SPDX-License-Identifier: GPL-2.0-or-later */
/* auth: what the client says on its own: AUTH, DEVICE_INFO, DISCONNECT (iusb-protocol 4, 5.1 and
 * 2.2), and how the BMC reads it. Pure. */
#ifndef IUSB_AUTH_H
#define IUSB_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slot.h"
#include "iusb/control.h"
#include "iusb/packet.h"

enum auth_kind {
	AUTH_WEB_TOKEN, /* 160 bytes: the normal one */
	AUTH_SSI_TOKEN, /* 272 bytes: -kvmtokentype 1 */
	AUTH_BROWSER,   /* 193 bytes: H5Viewer, over WebSocket */
};

enum {
	AUTH_LEN_MAX = 272,
	AUTH_TOKEN_SIZE = 209,         /* the longest token of any kind, and its NUL */
	DEVICE_INFO_LEN = 322,         /* JViewer */
	DEVICE_INFO_BROWSER_LEN = 291, /* H5Viewer */
	DEVICE_TYPE_REMOVABLE = 0x80,  /* of the harddisk class: byte 22 of AUTH, byte 61 of the
					  answer to 0xF4 */
};

/* The longest token, in characters, that a packet of that kind has room for with its NUL. */
size_t auth_token_max(enum auth_kind kind);

/*
 * Writes AUTH with the token at 63, NUL padded, and returns the packet's length. The token must
 * not be longer than auth_token_max() (asserted). For hd byte 22 says removable.
 */
size_t auth_build(uint8_t out[AUTH_LEN_MAX], enum auth_kind kind, enum device device, int instance,
	const char *token);

/*
 * Writes DEVICE_INFO: JViewer's layout, or with is_browser H5Viewer's. name is
 * the base name of the image, cut where it does not fit. Returns the packet's length.
 */
size_t device_info_build(
	uint8_t out[DEVICE_INFO_LEN], bool is_browser, int instance, const char *name);

/* Writes DISCONNECT, CONTROL_LEN bytes. */
void disconnect_build(uint8_t out[CONTROL_LEN], int instance);

/* The BMC's side. */
struct auth {
	uint8_t instance;
	uint8_t drive_type;          /* byte 22 */
	char token[AUTH_TOKEN_SIZE]; /* up to NUL or the end of the packet */
};

/* Reads AUTH, of any length from 64 bytes on. Returns false if the packet is none. */
bool auth_parse(const struct packet *packet, struct auth *out) MUST_CHECK;

#endif
