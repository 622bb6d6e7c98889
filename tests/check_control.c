/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_control: ACKs of every size and status, keep-alive answers, the dialect table. */
#include <string.h>

#include "base/bytes.h"
#include "iusb/control.h"
#include "iusb/dialect.h"
#include "unit.h"
#include "vector.h"

static void
decode(const uint8_t *buf, size_t n, struct packet *p)
{
	struct reason why;

	ck_assert_int_eq(packet_decode(buf, n, p, &why), PACKET_READY);
}

START_TEST(test_ack_vectors)
{
	uint8_t buf[256];
	struct packet p;
	struct ack ack;

	decode(buf, vector_read("ack-accepted", buf, sizeof(buf)), &p);
	ck_assert(ack_parse(&p, &ack));
	ck_assert_uint_eq(ack.status, ACK_ACCEPTED);
	ck_assert_str_eq(ack.owner, "");
	decode(buf, vector_read("ack-in-use", buf, sizeof(buf)), &p);
	ck_assert(ack_parse(&p, &ack));
	ck_assert_uint_eq(ack.status, ACK_IN_USE);
	ck_assert_str_eq(ack.owner, "192.168.0.77");
}
END_TEST

/* An owner field of field bytes with text in it, NUL padded. */
static bool
parse_owner(size_t field, const char *text, size_t len, struct ack *ack)
{
	uint8_t buf[512] = { 0 };
	struct packet p;

	control_ack(buf, 0, ACK_IN_USE, "");
	put_le32(buf + OFF_DATA_PKT_LEN, (uint32_t)(31 + field));
	memcpy(buf + 63, text, len);
	decode(buf, 63 + field, &p);
	return ack_parse(&p, ack);
}

START_TEST(test_ack_owner)
{
	static const char longest[] = "2001:0db8:0000:0000:0000:ffff:192.168.100.200";
	struct ack ack;

	ck_assert(parse_owner(0, "", 0, &ack));
	ck_assert_str_eq(ack.owner, "");
	ck_assert(parse_owner(24, "10.0.0.7", 8, &ack));
	ck_assert_str_eq(ack.owner, "10.0.0.7");
	ck_assert(parse_owner(39, "2001:db8::77", 12, &ack));
	ck_assert_str_eq(ack.owner, "2001:db8::77");
	ck_assert(parse_owner(45, longest, 45, &ack)); /* no NUL: up to the end */
	ck_assert_str_eq(ack.owner, longest);
	ck_assert(parse_owner(46, "1234567890123456789012345678901234567890123456", 46, &ack));
	ck_assert_str_eq(ack.owner, "");
	ck_assert(parse_owner(24, "\033[31mred", 8, &ack));
	ck_assert_str_eq(ack.owner, "");
}
END_TEST

START_TEST(test_no_ack)
{
	uint8_t buf[512] = { 0 };
	struct packet p;
	struct ack ack;

	control_plain(buf, CONTROL_LEN, 0, OP_ACK); /* a ping has no status */
	decode(buf, CONTROL_LEN, &p);
	ck_assert(!ack_parse(&p, &ack));
	decode(buf, vector_read("keepalive-request", buf, sizeof(buf)), &p);
	ck_assert(!ack_parse(&p, &ack));
	decode(buf, vector_read("device-info-322", buf, sizeof(buf)), &p);
	ck_assert(!ack_parse(&p, &ack));
}
END_TEST

START_TEST(test_ack_status)
{
	for (unsigned i = 0; i < 256; i++) {
		bool is_accepted = i == 1 || i == 27 || i == 28;
		bool is_known = (i >= 1 && i <= 9) || i == 13 || is_accepted;

		ck_assert_int_eq(ack_is_accepted((uint8_t)i), is_accepted);
		ck_assert_int_eq(ack_status_text((uint8_t)i) != NULL, is_known);
	}
}
END_TEST

START_TEST(test_keep_alive_answer)
{
	uint8_t request[128], expected[128], out[PACKET_SCSI_LEN];
	struct packet p;

	decode(request, vector_read("keepalive-request", request, sizeof(request)), &p);
	vector_read("keepalive-answer-a", expected, sizeof(expected));
	control_keep_alive_answer(out, &p);
	memset(expected + OFF_STATUS, 0, 4); /* style A with the recommended status 0 */
	ck_assert_mem_eq(out, expected, PACKET_SCSI_LEN);

	/* the `legacy` ping, 61 and 62 bytes, gets what was seen on the wire */
	for (size_t len = PACKET_SCSI_LEN; len <= CONTROL_LEN; len++) {
		control_plain(request, len, 3, OP_ACK);
		decode(request, len, &p);
		ck_assert(packet_is_keep_alive(&p));
		control_keep_alive_answer(out, &p);
		ck_assert_uint_eq(out[OFF_CDB], OP_ACK);
		ck_assert_uint_eq(out[OFF_DIRECTION], DIRECTION_TO_BMC);
		ck_assert_uint_eq(out[OFF_INSTANCE], 3);
		ck_assert_uint_eq(get_le32(out + OFF_DATA_PKT_LEN), 29);
		ck_assert_uint_eq(get_be32(out + OFF_STATUS), 0x01052000);
	}
}
END_TEST

START_TEST(test_bmc_side)
{
	uint8_t out[ACK_LEN], expected[128];

	control_ack(out, 0, ACK_ACCEPTED, "");
	vector_read("ack-accepted", expected, sizeof(expected));
	ck_assert_mem_eq(out, expected, ACK_LEN);
	control_ack(out, 0, ACK_IN_USE, "192.168.0.77");
	vector_read("ack-in-use", expected, sizeof(expected));
	ck_assert_mem_eq(out, expected, ACK_LEN);
	control_plain(out, CONTROL_LEN, 0, OP_KEEP_ALIVE);
	vector_read("keepalive-request", expected, sizeof(expected));
	ck_assert_mem_eq(out, expected, CONTROL_LEN);
}
END_TEST

START_TEST(test_dialects)
{
	const struct dialect *legacy = dialect_find("legacy");

	ck_assert_ptr_nonnull(legacy);
	ck_assert(legacy->bmc_speaks_first && !legacy->is_auto);
	ck_assert_uint_eq(legacy->port[DEVICE_CD], 5120);
	ck_assert_uint_eq(legacy->port[DEVICE_FD], 5123);
	ck_assert_uint_eq(legacy->port[DEVICE_HD], 5122);
	ck_assert_uint_eq(dialect_find("asp")->port[DEVICE_FD], 5122);
	ck_assert_uint_eq(dialect_find("asp")->port[DEVICE_HD], 5123);
	ck_assert(!dialect_find("rest")->bmc_speaks_first);
	ck_assert_ptr_null(dialect_find("Legacy"));
	ck_assert_ptr_null(dialect_at(5));
	for (unsigned i = 0; dialect_at(i); i++)
		ck_assert_ptr_eq(dialect_find(dialect_at(i)->name), dialect_at(i));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("control");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_ack_vectors);
	tcase_add_test(tc, test_ack_owner);
	tcase_add_test(tc, test_no_ack);
	tcase_add_test(tc, test_ack_status);
	tcase_add_test(tc, test_keep_alive_answer);
	tcase_add_test(tc, test_bmc_side);
	tcase_add_test(tc, test_dialects);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
