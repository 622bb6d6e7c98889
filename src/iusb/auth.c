/* SPDX-License-Identifier: GPL-2.0-or-later */
/* auth: AUTH, DEVICE_INFO and DISCONNECT. */
#include "iusb/auth.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

enum {
	OFF_TOKEN = 63,
	OFF_CLIENT_TYPE = 62,
	OFF_IMAGE_NAME = 66,
	TYPE_CLIENT = 0x05, /* DeviceType of what a client originates (iusb-protocol 2.2) */
	PROTOCOL_SCSI = 1,
	CLIENT_JVIEWER = 2, /* client types of DEVICE_INFO */
	CLIENT_BROWSER = 3,
};

static const size_t auth_len[] = {
	[AUTH_WEB_TOKEN] = 160,
	[AUTH_SSI_TOKEN] = 272,
	[AUTH_BROWSER] = 193,
};

/* A packet of len bytes that the client sends on its own: zeros but for header and opcode. */
static void
begin(uint8_t *out, size_t len, int instance, uint8_t op)
{
	memset(out, 0, len);
	memcpy(out + OFF_SIGNATURE, packet_signature, PACKET_SIGNATURE_LEN);
	out[OFF_MAJOR] = 1;
	out[OFF_HEADER_LEN] = PACKET_HEADER_LEN;
	put_le32(out + OFF_DATA_PKT_LEN, (uint32_t)(len - PACKET_HEADER_LEN));
	out[OFF_DEVICE_TYPE] = TYPE_CLIENT;
	out[OFF_PROTOCOL] = PROTOCOL_SCSI;
	out[OFF_DIRECTION] = DIRECTION_TO_BMC;
	out[OFF_INSTANCE] = (uint8_t)instance;
	out[OFF_CDB] = op;
}

size_t
auth_token_max(enum auth_kind kind)
{
	return auth_len[kind] - OFF_TOKEN - 1;
}

size_t
auth_build(uint8_t out[AUTH_LEN_MAX], enum auth_kind kind, enum device device, int instance,
	const char *token)
{
	size_t len = strlen(token);

	assert(len <= auth_token_max(kind));
	begin(out, auth_len[kind], instance, OP_AUTH);
	if (device == DEVICE_HD)
		out[OFF_CLIENT_DATA] = DEVICE_TYPE_REMOVABLE;
	memcpy(out + OFF_TOKEN, token, len);
	packet_seal(out);
	return auth_len[kind];
}

size_t
device_info_build(uint8_t out[DEVICE_INFO_LEN], bool is_browser, int instance, const char *name)
{
	size_t total = is_browser ? DEVICE_INFO_BROWSER_LEN : DEVICE_INFO_LEN;
	size_t len = strlen(name), room = total - OFF_IMAGE_NAME - 1;

	begin(out, total, instance, OP_DEVICE_INFO);
	put_le32(out + OFF_CLIENT_TYPE, is_browser ? CLIENT_BROWSER : CLIENT_JVIEWER);
	memcpy(out + OFF_IMAGE_NAME, name, len < room ? len : room);
	packet_seal(out);
	return total;
}

void
disconnect_build(uint8_t out[CONTROL_LEN], int instance)
{
	begin(out, CONTROL_LEN, instance, OP_DISCONNECT);
	packet_seal(out);
}

bool
auth_parse(const struct packet *packet, struct auth *out)
{
	size_t skip = OFF_TOKEN - OFF_DATA, len;

	*out = (struct auth){ 0 };
	if (packet->op != OP_AUTH || packet->data_len <= skip)
		return false;
	out->instance = packet->instance;
	out->drive_type = packet->head[OFF_CLIENT_DATA];
	len = packet->data_len - skip;
	if (len > sizeof(out->token) - 1)
		len = sizeof(out->token) - 1;
	memcpy(out->token, packet->data + skip, strnlen((const char *)packet->data + skip, len));
	return true;
}
