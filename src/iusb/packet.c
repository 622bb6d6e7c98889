/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packet: the IUSB packet, bytes to fields and back. */
#include "iusb/packet.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

const uint8_t packet_signature[PACKET_SIGNATURE_LEN] = { 'I', 'U', 'S', 'B', ' ', ' ', ' ', ' ' };

enum {
	OP_CONTROL_FIRST = 0xF0,
	PING_LEN_MAX = 30, /* DataPktLen up to which 0xF1 is a ping and no ACK */
	DATA_PKT_LEN_MAX = PACKET_MAX - PACKET_HEADER_LEN,
	TYPE_CD = 0x05,
	TYPE_DISK = 0x00,
	TYPE_REMOVABLE = 0x80,
	PROTOCOL_SCSI = 1,
};

enum packet_result
packet_measure(const uint8_t *buf, size_t len, size_t *total, struct reason *why)
{
	size_t known = len < sizeof(packet_signature) ? len : sizeof(packet_signature);
	uint32_t data_pkt_len;

	if (known > 0 && memcmp(buf, packet_signature, known) != 0) {
		reason_set(why, "not IUSB: the packet has a wrong signature");
		return PACKET_BAD;
	}
	if (len < OFF_DATA_PKT_LEN + 4)
		return PACKET_NEED_MORE;
	data_pkt_len = get_le32(buf + OFF_DATA_PKT_LEN);
	if (data_pkt_len > DATA_PKT_LEN_MAX) {
		reason_set(why, "packet too long: DataPktLen %" PRIu32 " is above %d", data_pkt_len,
			DATA_PKT_LEN_MAX);
		return PACKET_BAD;
	}
	if (data_pkt_len < PACKET_OP_MIN_LEN) {
		reason_set(why, "packet too short: DataPktLen %" PRIu32 " leaves no opcode",
			data_pkt_len);
		return PACKET_BAD;
	}
	if (len < PACKET_HEADER_LEN)
		return PACKET_NEED_MORE;
	*total = PACKET_HEADER_LEN + data_pkt_len;
	return PACKET_READY;
}

/* What follows byte 61: all of it in a control packet, DataLen bytes in a SCSI packet. */
static enum packet_result
find_data(const uint8_t *buf, struct packet *out, struct reason *why)
{
	size_t rest = out->total > OFF_DATA ? out->total - OFF_DATA : 0;
	uint32_t data_len = get_le32(out->head + OFF_DATA_LEN);

	out->data = buf + out->total - rest;
	out->data_len = rest;
	if (packet_is_control(out))
		return PACKET_READY;
	if (out->total < PACKET_SCSI_LEN) {
		reason_set(why, "packet too short: %zu bytes for a SCSI command", out->total);
		return PACKET_BAD;
	}
	if (data_len > rest) {
		reason_set(why, "packet too short: DataLen %" PRIu32 ", but %zu bytes of data",
			data_len, rest);
		return PACKET_BAD;
	}
	out->data_len = data_len;
	return PACKET_READY;
}

enum packet_result
packet_decode(const uint8_t *buf, size_t len, struct packet *out, struct reason *why)
{
	enum packet_result result;
	size_t total;

	result = packet_measure(buf, len, &total, why);
	if (result != PACKET_READY)
		return result;
	if (len < total)
		return PACKET_NEED_MORE;
	*out = (struct packet){ .total = total };
	memcpy(out->head, buf, total < PACKET_SCSI_LEN ? total : PACKET_SCSI_LEN);
	out->op = out->head[OFF_CDB];
	out->instance = out->head[OFF_INSTANCE];
	out->seq = get_le32(out->head + OFF_SEQ);
	out->read_len = get_le32(out->head + OFF_READ_LEN);
	out->tag = get_le32(out->head + OFF_TAG);
	out->data_dir = out->head[OFF_DATA_DIR];
	memcpy(out->cdb, out->head + OFF_CDB, sizeof(out->cdb));
	memcpy(out->status, out->head + OFF_STATUS, sizeof(out->status));
	return find_data(buf, out, why);
}

bool
packet_is_control(const struct packet *packet)
{
	return packet->op >= OP_CONTROL_FIRST;
}

bool
packet_is_keep_alive(const struct packet *packet)
{
	return packet->op == OP_KEEP_ALIVE ||
	       (packet->op == OP_ACK && packet->total <= PACKET_HEADER_LEN + PING_LEN_MAX);
}

void
packet_seal(uint8_t *header)
{
	uint8_t sum = 0;

	header[OFF_CHECKSUM] = 0;
	for (int i = 0; i < PACKET_HEADER_LEN; i++)
		sum = (uint8_t)(sum + header[i]);
	header[OFF_CHECKSUM] = (uint8_t)-sum;
}

void
packet_reply(uint8_t out[PACKET_SCSI_LEN], const struct packet *request, uint32_t sense,
	uint32_t data_len)
{
	memcpy(out, request->head, PACKET_SCSI_LEN);
	out[OFF_DIRECTION] = DIRECTION_TO_BMC;
	put_le32(out + OFF_DATA_PKT_LEN, PACKET_SCSI_LEN - PACKET_HEADER_LEN + data_len);
	out[OFF_STATUS] = sense != 0;
	put_be24(out + OFF_STATUS + 1, sense);
	put_le32(out + OFF_DATA_LEN, data_len);
	packet_seal(out);
}

void
packet_request(uint8_t out[PACKET_SCSI_LEN], const struct packet_request *request)
{
	uint8_t type = TYPE_DISK;

	if (request->device == DEVICE_CD)
		type = TYPE_CD;
	if (!(request->device == DEVICE_HD && request->fixed_disk))
		type |= TYPE_REMOVABLE;
	memset(out, 0, PACKET_SCSI_LEN);
	memcpy(out + OFF_SIGNATURE, packet_signature, sizeof(packet_signature));
	out[OFF_MAJOR] = 1;
	out[OFF_HEADER_LEN] = PACKET_HEADER_LEN;
	put_le32(out + OFF_DATA_PKT_LEN, PACKET_SCSI_LEN - PACKET_HEADER_LEN + request->data_len);
	out[OFF_DEVICE_TYPE] = type;
	out[OFF_PROTOCOL] = PROTOCOL_SCSI;
	out[OFF_DIRECTION] = DIRECTION_TO_CLIENT;
	out[OFF_DEVICE_NO] = request->device_no;
	out[OFF_INTERFACE_NO] = request->interface_no;
	out[OFF_INSTANCE] = request->instance;
	put_le32(out + OFF_SEQ, request->seq);
	put_le32(out + OFF_KEY, request->key);
	put_le32(out + OFF_READ_LEN, request->read_len);
	put_le32(out + OFF_TAG, request->tag);
	out[OFF_DATA_DIR] = request->data_dir;
	memcpy(out + OFF_CDB, request->cdb, PACKET_CDB_LEN);
	memcpy(out + OFF_STATUS, request->leftover, sizeof(request->leftover));
	put_le32(out + OFF_DATA_LEN, request->data_len);
	packet_seal(out);
}
