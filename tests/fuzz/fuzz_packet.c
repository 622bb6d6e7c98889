/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_packet: any bytes as a stream from a BMC: decoded packets stay inside the buffer, and what
 * is answered is IUSB. */
#include <assert.h>
#include <string.h>

#include "iusb/control.h"
#include "iusb/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size > 0) {
		uint8_t out[PACKET_SCSI_LEN];
		struct reason why = { 0 };
		struct packet p, again;
		struct ack ack;
		enum packet_result result = packet_decode(data, size, &p, &why);

		assert((result == PACKET_BAD) == (why.text[0] != '\0'));
		if (result != PACKET_READY)
			break;
		assert(p.total >= PACKET_HEADER_LEN + PACKET_OP_MIN_LEN && p.total <= size);
		assert(p.data_len <= PACKET_DATA_MAX + 1);
		assert(p.data + p.data_len <= data + p.total);
		if (ack_parse(&p, &ack))
			assert(strlen(ack.owner) < sizeof(ack.owner));
		packet_reply(out, &p, 0x052000, 0);
		assert(packet_decode(out, sizeof(out), &again, &why) == PACKET_READY);
		assert(again.total == sizeof(out) && again.op == p.op && again.seq == p.seq);
		control_keep_alive_answer(out, &p);
		data += p.total;
		size -= p.total;
	}
	return 0;
}
