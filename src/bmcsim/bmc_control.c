/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_control: control packets of a session: KEEP-ALIVE, the harddisk's type, DEVICE_INFO, KILL and
 * DISCONNECT (iusb-protocol 4, 6.1 and 6.3). */
#include <stdio.h>
#include <string.h>

#include "bmcsim/bmc_parts.h"
#include "iusb/control.h"

enum {
	OFF_TYPE = 61,       /* of the answer to 0xF4 */
	OFF_IMAGE_NAME = 66, /* of DEVICE_INFO */
};

void
bmc_control_ping(struct unit *unit)
{
	struct bmc *bmc = unit->bmc;
	size_t len = CONTROL_LEN;
	uint8_t ping[CONTROL_LEN];

	if (bmc_is_legacy(bmc) && (bmc->conf.quirks & QUIRK_SHORT_PING) &&
		bmc->totals.pings % 2 == 0)
		len = PACKET_SCSI_LEN;
	control_plain(ping, len, (uint8_t)unit->instance, bmc->conf.dialect->ping);
	unit->is_ping_out = true;
	bmc->totals.pings++;
	bmc_wire_queue(&unit->wire, ping, len);
}

void
bmc_control_ask_type(struct unit *unit)
{
	uint8_t question[CONTROL_LEN];

	control_plain(question, CONTROL_LEN, (uint8_t)unit->instance, OP_DISK_TYPE);
	unit->is_type_out = true;
	bmc_wire_queue(&unit->wire, question, CONTROL_LEN);
	bmc_timer_arm(unit);
	bmc_session_flush(unit);
}

void
bmc_control_close(struct unit *unit, uint8_t opcode, const char *why)
{
	uint8_t packet[CONTROL_LEN];

	control_plain(packet, CONTROL_LEN, (uint8_t)unit->instance, opcode);
	bmc_wire_queue(&unit->wire, packet, CONTROL_LEN);
	bmc_session_mute(unit, SESSION_CLOSING, why);
	bmc_session_flush(unit);
}

/* ---- what comes in ---- */

/* The media server itself would not mind the direction, and 0xF3 is safe at any time (2.3). */
static void
receive_ping(struct unit *unit, const struct packet *packet)
{
	if (!unit->is_ping_out && packet->op == OP_ACK)
		bmc_complain(unit, "answer to a ping that was not sent");
	if (!unit->is_ping_out)
		return;
	if (packet->head[OFF_DIRECTION] != DIRECTION_TO_BMC)
		bmc_complain(unit, "answer to the ping: Direction is 0x%02x, not 0x80",
			packet->head[OFF_DIRECTION]);
	unit->is_ping_out = false;
}

static void
receive_type(struct unit *unit, const struct packet *packet)
{
	unit->is_type_out = false;
	unit->is_type_told = true;
	if (packet->data_len <= OFF_TYPE - OFF_DATA) {
		bmc_complain(unit, "answer to 0xf4 with no drive type at 61");
	} else {
		unit->disk_type = packet->data[OFF_TYPE - OFF_DATA];
		if (unit->disk_type != 0 && unit->disk_type != DEVICE_TYPE_REMOVABLE)
			bmc_complain(unit, "answer to 0xf4: drive type 0x%02x", unit->disk_type);
	}
	bmc_greeting_next(unit, NULL);
}

static void
receive_info(struct unit *unit, const struct packet *packet)
{
	size_t skip = OFF_IMAGE_NAME - OFF_DATA, len;

	if (packet->data_len <= skip) {
		bmc_complain(unit, "DEVICE_INFO of %zu bytes has no name", packet->total);
		return;
	}
	len = strnlen((const char *)packet->data + skip, packet->data_len - skip);
	snprintf(unit->image, sizeof(unit->image), "%.*s", (int)len,
		(const char *)packet->data + skip);
}

/* It reaches the USB side, where with nothing outstanding a SeqNo of 0 is the awaited one (2.3). */
static void
receive_stray(struct unit *unit, const struct packet *packet)
{
	bool is_trap = packet->seq == 0 && !unit->pending.is_open && !bmc_is_legacy(unit->bmc);

	bmc_complain(unit, "unsolicited control packet 0x%02x%s", packet->op,
		is_trap ? ": the host gets a status that it never asked for" : "");
}

void
bmc_control_receive(struct unit *unit, const struct packet *packet)
{
	const struct dialect *dialect = unit->bmc->conf.dialect;

	if (packet->op == dialect->ping)
		receive_ping(unit, packet);
	else if (packet->op == OP_DISK_TYPE && unit->is_type_out)
		receive_type(unit, packet);
	else if (packet->op == OP_DEVICE_INFO && dialect->has_device_info)
		receive_info(unit, packet);
	else if (packet->op == OP_DISCONNECT && dialect->has_device_info)
		bmc_session_mute(unit, SESSION_CLOSING, "the client disconnects (0xf7)");
	else
		receive_stray(unit, packet);
}
