/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_packet: every vector, every split of the stream in two, every header bit flipped, every
 * limit. */
#include <string.h>

#include "base/bytes.h"
#include "iusb/packet.h"
#include "unit.h"
#include "vector.h"

/* clang-format off */
static const struct vector {
	const char *name;
	size_t bytes;
	uint8_t op;
	uint32_t seq, tag, read_len;
	size_t data_len;
	bool is_from_bmc;
} vectors[] = {
	{ "ack-accepted", 87, OP_ACK, 0, 0, 0, 26, true },
	{ "ack-in-use", 87, OP_ACK, 0, 0, 0, 26, true },
	{ "tur-request", 61, 0x00, 1, 2, 0, 0, true },
	{ "tur-good", 61, 0x00, 1, 2, 0, 0, false },
	{ "tur-unit-attention", 61, 0x00, 1, 2, 0, 0, false },
	{ "cd-read-capacity-request", 61, 0x25, 7, 0x11, 8, 0, true },
	{ "cd-read-capacity-response", 69, 0x25, 7, 0x11, 8, 8, false },
	{ "cd-read10-request", 61, 0x28, 8, 0x12, 2048, 0, true },
	{ "cd-read10-response", 2109, 0x28, 8, 0x12, 2048, 2048, false },
	{ "hd-write10-request", 573, 0x2A, 9, 0x13, 0, 512, true },
	{ "hd-write10-good", 61, 0x2A, 9, 0x13, 0, 0, false },
	{ "hd-write10-protected", 61, 0x2A, 9, 0x13, 0, 0, false },
	{ "keepalive-request", 62, OP_KEEP_ALIVE, 0, 0, 0, 1, true },
	{ "keepalive-answer-a", 61, OP_KEEP_ALIVE, 0, 0, 0, 0, false },
	{ "keepalive-answer-b", 62, OP_KEEP_ALIVE, 0, 0, 0, 1, false },
	{ "auth-160", 160, OP_AUTH, 0, 0, 0, 99, false },
	{ "device-info-322", 322, OP_DEVICE_INFO, 0, 0, 0, 261, false },
	{ "disconnect", 62, OP_DISCONNECT, 0, 0, 0, 1, false },
};
/* clang-format on */

START_TEST(test_vector)
{
	const struct vector *v = &vectors[_i];
	uint8_t buf[4096];
	struct packet p;
	struct reason why = { 0 };
	size_t n = vector_read(v->name, buf, sizeof(buf));

	ck_assert_uint_eq(n, v->bytes);
	ck_assert_int_eq(packet_decode(buf, n, &p, &why), PACKET_READY);
	ck_assert_uint_eq(p.total, v->bytes);
	ck_assert_uint_eq(p.op, v->op);
	ck_assert_uint_eq(p.seq, v->seq);
	ck_assert_uint_eq(p.tag, v->tag);
	ck_assert_uint_eq(p.read_len, v->read_len);
	ck_assert_uint_eq(p.data_len, v->data_len);
	ck_assert_ptr_eq(p.data, buf + OFF_DATA);
	ck_assert_uint_eq(
		p.head[OFF_DIRECTION], v->is_from_bmc ? DIRECTION_TO_CLIENT : DIRECTION_TO_BMC);
	ck_assert_str_eq(why.text, "");
}
END_TEST

START_TEST(test_vector_split_in_two)
{
	const struct vector *v = &vectors[_i];
	uint8_t buf[4096];
	struct packet p;
	struct reason why;
	size_t n = vector_read(v->name, buf, sizeof(buf));

	for (size_t i = 0; i < n; i++) {
		uint8_t *part = malloc(i + 1); /* exact, so that a read beyond it is seen */

		memcpy(part, buf, i);
		ck_assert_int_eq(packet_decode(part, i, &p, &why), PACKET_NEED_MORE);
		free(part);
	}
	ck_assert_int_eq(packet_decode(buf, n, &p, &why), PACKET_READY);
}
END_TEST

START_TEST(test_greeting_is_two_packets)
{
	uint8_t buf[256], ack[128], tur[128];
	size_t n = vector_read("greeting-2015", buf, sizeof(buf));
	struct packet p;
	struct reason why;

	ck_assert_uint_eq(n, 148);
	ck_assert_int_eq(packet_decode(buf, n, &p, &why), PACKET_READY);
	ck_assert_uint_eq(p.total, 87);
	ck_assert_uint_eq(p.op, OP_ACK);
	ck_assert(!packet_is_keep_alive(&p));
	vector_read("ack-accepted", ack, sizeof(ack));
	ck_assert_mem_eq(buf, ack, 87);
	ck_assert_int_eq(packet_decode(buf + 87, n - 87, &p, &why), PACKET_READY);
	ck_assert_uint_eq(p.total, 61);
	ck_assert_uint_eq(p.op, 0x00);
	vector_read("tur-request", tur, sizeof(tur));
	ck_assert_mem_eq(buf + 87, tur, 61);
}
END_TEST

/* Signature bits end the stream, length bits change what is waited for, no other bit matters
 * (2.1, 11.1). */
START_TEST(test_header_bit_flipped)
{
	uint8_t good[128], buf[128];
	size_t n = vector_read("tur-request", good, sizeof(good));

	for (unsigned bit = 0; bit < PACKET_HEADER_LEN * 8; bit++) {
		struct reason why = { 0 };
		enum packet_result result;
		struct packet p;

		memcpy(buf, good, n);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		result = packet_decode(buf, n, &p, &why);
		if (bit / 8 < OFF_MAJOR) {
			ck_assert_int_eq(result, PACKET_BAD);
			ck_assert_str_eq(why.text, "not IUSB: the packet has a wrong signature");
		} else if (bit / 8 >= OFF_DATA_PKT_LEN && bit / 8 < OFF_DATA_PKT_LEN + 4) {
			uint32_t len = get_le32(buf + OFF_DATA_PKT_LEN);

			/* 29 was right: shorter is no SCSI command, longer is not all there */
			ck_assert_int_eq(result,
				len < 29 || len > 131072 + 30 ? PACKET_BAD : PACKET_NEED_MORE);
			ck_assert_int_eq(result == PACKET_BAD, why.text[0] != '\0');
		} else {
			ck_assert_int_eq(result, PACKET_READY);
			ck_assert_uint_eq(p.total, 61);
		}
	}
}
END_TEST

/* clang-format off */
static const struct limit {
	uint32_t data_pkt_len;
	uint8_t op;
	enum packet_result result;
	const char *reason;
} limits[] = {
	{ 0, 0, PACKET_BAD, "packet too short: DataPktLen 0 leaves no opcode" },
	{ 9, OP_KILL, PACKET_BAD, "packet too short: DataPktLen 9 leaves no opcode" },
	{ 10, OP_KILL, PACKET_READY, "" },
	{ 10, 0x00, PACKET_BAD, "packet too short: 42 bytes for a SCSI command" },
	{ 28, 0x00, PACKET_BAD, "packet too short: 60 bytes for a SCSI command" },
	{ 29, 0x00, PACKET_READY, "" },
	{ 131072 + 29, 0x2A, PACKET_READY, "" },
	{ 131072 + 30, OP_KEEP_ALIVE, PACKET_READY, "" },
	{ 131072 + 31, 0x2A, PACKET_BAD, "packet too long: DataPktLen 131103 is above 131102" },
	{ 0x7fffffff, 0x2A, PACKET_BAD, "packet too long: DataPktLen 2147483647 is above 131102" },
	{ 0xffffffff, 0x2A, PACKET_BAD, "packet too long: DataPktLen 4294967295 is above 131102" },
};
/* clang-format on */

START_TEST(test_limit)
{
	const struct limit *l = &limits[_i];
	uint8_t *buf = calloc(1, PACKET_MAX + 64);
	struct reason why = { 0 };
	struct packet p;
	size_t total = 0;
	enum packet_result result;

	vector_read("tur-request", buf, 128);
	buf[OFF_CDB] = l->op;
	put_le32(buf + OFF_DATA_PKT_LEN, l->data_pkt_len);
	ck_assert_int_eq(packet_decode(buf, PACKET_MAX + 64, &p, &why), l->result);
	ck_assert_str_eq(why.text, l->reason);

	/* the length is judged as soon as it is there, before anything is waited for */
	result = packet_measure(buf, 16, &total, &why);
	if (l->data_pkt_len < 10 || l->data_pkt_len > 131102)
		ck_assert_int_eq(result, PACKET_BAD);
	else
		ck_assert_int_eq(result, PACKET_NEED_MORE);
	free(buf);
}
END_TEST

START_TEST(test_data_len_beyond_packet)
{
	uint8_t buf[1024];
	size_t n = vector_read("hd-write10-request", buf, sizeof(buf));
	struct reason why;
	struct packet p;

	put_le32(buf + OFF_DATA_LEN, 513);
	ck_assert_int_eq(packet_decode(buf, n, &p, &why), PACKET_BAD);
	ck_assert_str_eq(why.text, "packet too short: DataLen 513, but 512 bytes of data");
	put_le32(buf + OFF_DATA_LEN, 100);
	ck_assert_int_eq(packet_decode(buf, n, &p, &why), PACKET_READY);
	ck_assert_uint_eq(p.data_len, 100);
	ck_assert_uint_eq(p.total, n);
}
END_TEST

START_TEST(test_wrong_signature_at_once)
{
	struct reason why;
	size_t total;

	ck_assert_int_eq(packet_measure((const uint8_t *)"H", 1, &total, &why), PACKET_BAD);
	ck_assert_int_eq(packet_measure((const uint8_t *)"IUSC", 4, &total, &why), PACKET_BAD);
	ck_assert_int_eq(packet_measure((const uint8_t *)"IUS", 3, &total, &why), PACKET_NEED_MORE);
	ck_assert_int_eq(packet_measure((const uint8_t *)"", 0, &total, &why), PACKET_NEED_MORE);
}
END_TEST

/* clang-format off */
static const struct reply {
	const char *request, *reply;
	uint32_t sense, data_len;
} replies[] = {
	{ "tur-request", "tur-good", 0, 0 },
	{ "tur-request", "tur-unit-attention", 0x062800, 0 },
	{ "cd-read-capacity-request", "cd-read-capacity-response", 0, 8 },
	{ "cd-read10-request", "cd-read10-response", 0, 2048 },
	{ "hd-write10-request", "hd-write10-good", 0, 0 },
	{ "hd-write10-request", "hd-write10-protected", 0x072700, 0 },
	{ "keepalive-request", "keepalive-answer-a", 0x052000, 0 },
};
/* clang-format on */

START_TEST(test_reply)
{
	const struct reply *r = &replies[_i];
	uint8_t request[1024], expected[4096], out[PACKET_SCSI_LEN];
	size_t n = vector_read(r->request, request, sizeof(request));
	struct reason why;
	struct packet p;

	vector_read(r->reply, expected, sizeof(expected));
	ck_assert_int_eq(packet_decode(request, n, &p, &why), PACKET_READY);
	packet_reply(out, &p, r->sense, r->data_len);
	ck_assert_mem_eq(out, expected, PACKET_SCSI_LEN);
}
END_TEST

START_TEST(test_seal_makes_header_sum_zero)
{
	uint8_t header[PACKET_HEADER_LEN], sum = 0;

	for (int i = 0; i < PACKET_HEADER_LEN; i++)
		header[i] = (uint8_t)(i * 37 + 11);
	packet_seal(header);
	for (int i = 0; i < PACKET_HEADER_LEN; i++)
		sum = (uint8_t)(sum + header[i]);
	ck_assert_uint_eq(sum, 0);
}
END_TEST

START_TEST(test_request)
{
	uint8_t expected[1024], out[PACKET_SCSI_LEN];

	vector_read("tur-request", expected, sizeof(expected));
	packet_request(out,
		&(struct packet_request){ .device = DEVICE_FD,
			.device_no = 2,
			.seq = 1,
			.key = get_le32(expected + OFF_KEY),
			.tag = 2,
			.data_dir = expected[OFF_DATA_DIR],
			.leftover = { expected[53], expected[54], expected[55], expected[56] } });
	out[OFF_INTERFACE_NO] = expected[OFF_INTERFACE_NO];
	packet_seal(out);
	ck_assert_mem_eq(out, expected, PACKET_SCSI_LEN);

	vector_read("cd-read10-request", expected, sizeof(expected));
	packet_request(out, &(struct packet_request){ .device = DEVICE_CD,
				    .device_no = expected[OFF_DEVICE_NO],
				    .interface_no = expected[OFF_INTERFACE_NO],
				    .seq = 8,
				    .key = get_le32(expected + OFF_KEY),
				    .tag = 0x12,
				    .read_len = 2048,
				    .data_dir = DATA_DIR_READ,
				    .cdb = { 0x28, 0, 0, 0, 0, 16, 0, 0, 1 } });
	ck_assert_mem_eq(out, expected, PACKET_SCSI_LEN);
}
END_TEST

START_TEST(test_keep_alive_by_what_arrives)
{
	static const struct {
		uint8_t op;
		uint32_t data_pkt_len;
		bool is_keep_alive;
	} rows[] = {
		{ OP_ACK, 29, true },
		{ OP_ACK, 30, true },
		{ OP_ACK, 31, false },
		{ OP_ACK, 55, false },
		{ OP_KEEP_ALIVE, 29, true },
		{ OP_KEEP_ALIVE, 30, true },
		{ OP_KEEP_ALIVE, 55, true },
		{ OP_KILL, 30, false },
		{ 0x00, 29, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t buf[128] = { 0 };
		struct reason why;
		struct packet p;

		vector_read("keepalive-request", buf, sizeof(buf));
		buf[OFF_CDB] = rows[i].op;
		put_le32(buf + OFF_DATA_PKT_LEN, rows[i].data_pkt_len);
		ck_assert_int_eq(packet_decode(buf, sizeof(buf), &p, &why), PACKET_READY);
		ck_assert_int_eq(packet_is_keep_alive(&p), rows[i].is_keep_alive);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("packet");
	TCase *tc = tcase_create("packet");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_vector, 0, ARRAY_SIZE(vectors));
	tcase_add_loop_test(tc, test_vector_split_in_two, 0, ARRAY_SIZE(vectors));
	tcase_add_test(tc, test_greeting_is_two_packets);
	tcase_add_test(tc, test_header_bit_flipped);
	tcase_add_loop_test(tc, test_limit, 0, ARRAY_SIZE(limits));
	tcase_add_test(tc, test_data_len_beyond_packet);
	tcase_add_test(tc, test_wrong_signature_at_once);
	tcase_add_loop_test(tc, test_reply, 0, ARRAY_SIZE(replies));
	tcase_add_test(tc, test_seal_makes_header_sum_zero);
	tcase_add_test(tc, test_request);
	tcase_add_test(tc, test_keep_alive_by_what_arrives);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
