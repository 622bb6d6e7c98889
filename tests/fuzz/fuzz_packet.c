/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_packet: any bytes as a stream from a BMC, or from its client: decoded packets stay inside
 * the buffer, what ACK and AUTH say is bounded, and what is answered is IUSB. */
#include <assert.h>
#include <string.h>

#include "iusb/auth.h"
#include "iusb/control.h"
#include "iusb/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An owner is an address, and nothing that could mislead who reads it. */
static void
check_ack(const struct packet *p)
{
	struct ack ack;

	if (!ack_parse(p, &ack))
		return;
	assert(p->op == OP_ACK && p->data_len >= 2);
	assert(!packet_is_keep_alive(p));
	assert(strlen(ack.owner) < sizeof(ack.owner));
	for (const char *c = ack.owner; *c; c++)
		assert(*c > ' ' && *c <= '~');
	assert(!ack_is_accepted(ack.status) || ack_status_text(ack.status));
}

/* What can be read as AUTH can be said again. */
static void
check_auth(const struct packet *p)
{
	uint8_t out[AUTH_LEN_MAX];
	struct packet again;
	struct auth auth, copy;
	size_t len;

	if (!auth_parse(p, &auth))
		return;
	assert(p->op == OP_AUTH);
	assert(strlen(auth.token) <= auth_token_max(AUTH_SSI_TOKEN));
	len = auth_build(out, AUTH_SSI_TOKEN, DEVICE_CD, auth.instance, auth.token);
	assert(packet_decode(out, len, &again, NULL) == PACKET_READY && again.total == len);
	assert(auth_parse(&again, &copy));
	assert(copy.instance == auth.instance && strcmp(copy.token, auth.token) == 0);
}

static void
check_keep_alive(const struct packet *p)
{
	uint8_t out[PACKET_SCSI_LEN];
	struct packet again;

	if (!packet_is_keep_alive(p))
		return;
	assert(packet_is_control(p) && (p->op == OP_KEEP_ALIVE || p->op == OP_ACK));
	control_keep_alive_answer(out, p);
	assert(packet_decode(out, sizeof(out), &again, NULL) == PACKET_READY);
	assert(again.op == p->op && again.instance == p->instance && again.data_len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size > 0) {
		uint8_t out[PACKET_SCSI_LEN];
		struct reason why = { 0 };
		struct packet p, again;
		enum packet_result result = packet_decode(data, size, &p, &why);

		assert((result == PACKET_BAD) == (why.text[0] != '\0'));
		if (result != PACKET_READY)
			break;
		assert(p.total >= PACKET_HEADER_LEN + PACKET_OP_MIN_LEN && p.total <= size);
		assert(p.data_len <= PACKET_DATA_MAX + 1);
		assert(p.data + p.data_len <= data + p.total);
		check_ack(&p);
		check_auth(&p);
		check_keep_alive(&p);
		packet_reply(out, &p, 0x052000, 0);
		assert(packet_decode(out, sizeof(out), &again, &why) == PACKET_READY);
		assert(again.total == sizeof(out) && again.op == p.op && again.seq == p.seq);
		data += p.total;
		size -= p.total;
	}
	return 0;
}
