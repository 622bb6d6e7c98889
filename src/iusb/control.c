/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: the control packets, 0xF0 and above. */
#include "iusb/control.h"

#include <string.h>

#include "base/bytes.h"

enum {
	OFF_ACK_STATUS = 62,
	OFF_ACK_OWNER = 63,
	SENSE_INVALID_OPCODE_PING = 0x052000, /* what the 2015 client answered to a ping */
};

static const char *const status_texts[] = {
	[ACK_ACCEPTED] = "accepted",
	[ACK_DENIED] = "denied",
	[ACK_TOKEN_INVALID] = "token refused",
	[ACK_IN_USE] = "in use",
	[ACK_NO_PRIVILEGE] = "no virtual-media privilege",
	[ACK_OTHER_ERROR] = "the BMC did not understand the first packet",
	[ACK_DETACHED] = "the device is detached in the BMC's attach mode",
	[ACK_TOO_MANY] = "too many users or sessions",
	[ACK_NOT_REACHABLE] = "the BMC's media service is not reachable",
	[ACK_NO_LICENCE] = "licence missing or expired",
	[ACK_ACCEPTED_BOOST] = "accepted, with media boost",
	[ACK_ACCEPTED_NO_BOOST] = "accepted, without media boost",
};

static bool
is_address_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == ':' || c == '%' || c == '-';
}

bool
ack_parse(const struct packet *packet, struct ack *out)
{
	size_t skip = OFF_ACK_STATUS - OFF_DATA, n;

	*out = (struct ack){ 0 };
	if (packet->op != OP_ACK || packet->data_len <= skip)
		return false;
	out->status = packet->data[skip];
	skip = OFF_ACK_OWNER - OFF_DATA;
	for (n = 0; skip + n < packet->data_len && packet->data[skip + n]; n++) {
		char c = (char)packet->data[skip + n];

		if (n + 1 >= sizeof(out->owner) || !is_address_char(c)) {
			out->owner[0] = '\0';
			return true;
		}
		out->owner[n] = c;
	}
	out->owner[n] = '\0';
	return true;
}

bool
ack_is_accepted(uint8_t status)
{
	return status == ACK_ACCEPTED || status == ACK_ACCEPTED_BOOST ||
	       status == ACK_ACCEPTED_NO_BOOST;
}

const char *
ack_status_text(uint8_t status)
{
	return status < ARRAY_SIZE(status_texts) ? status_texts[status] : NULL;
}

void
control_keep_alive_answer(uint8_t out[PACKET_SCSI_LEN], const struct packet *request)
{
	packet_reply(out, request, request->op == OP_ACK ? SENSE_INVALID_OPCODE_PING : 0, 0);
}

/* The empty header that a BMC puts before its control packets. */
static void
empty_header(uint8_t *out, size_t len, uint8_t instance, uint8_t opcode)
{
	memset(out, 0, len);
	memcpy(out, "IUSB    ", 8);
	put_le32(out + OFF_DATA_PKT_LEN, (uint32_t)(len - PACKET_HEADER_LEN));
	out[OFF_INSTANCE] = instance;
	out[OFF_CDB] = opcode;
}

void
control_ack(uint8_t out[ACK_LEN], uint8_t instance, uint8_t status, const char *owner)
{
	size_t n = strnlen(owner, ACK_LEN - OFF_ACK_OWNER - 1);

	empty_header(out, ACK_LEN, instance, OP_ACK);
	out[OFF_ACK_STATUS] = status;
	memcpy(out + OFF_ACK_OWNER, owner, n);
}

void
control_plain(uint8_t out[CONTROL_LEN], size_t len, uint8_t instance, uint8_t opcode)
{
	memset(out, 0, CONTROL_LEN);
	empty_header(out, len, instance, opcode);
}
