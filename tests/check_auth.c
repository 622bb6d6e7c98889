/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_auth: AUTH in its sizes, DEVICE_INFO and DISCONNECT against the vectors, and read back. */
#include <string.h>

#include "iusb/auth.h"
#include "unit.h"
#include "vector.h"

START_TEST(test_vectors)
{
	uint8_t want[512], out[DEVICE_INFO_LEN];
	size_t n;

	n = vector_read("auth-160", want, sizeof(want));
	ck_assert_uint_eq(auth_build(out, AUTH_WEB_TOKEN, DEVICE_CD, 0, "AbCdEfGh1234567"), n);
	ck_assert_mem_eq(out, want, n);
	n = vector_read("device-info-322", want, sizeof(want));
	ck_assert_uint_eq(device_info_build(out, false, 0, "test.iso"), n);
	ck_assert_mem_eq(out, want, n);
	ck_assert_uint_eq(vector_read("disconnect", want, sizeof(want)), CONTROL_LEN);
	disconnect_build(out, 0);
	ck_assert_mem_eq(out, want, CONTROL_LEN);
}
END_TEST

static const struct {
	enum auth_kind kind;
	size_t total, token_max;
} kinds[] = {
	{ AUTH_WEB_TOKEN, 160, 96 },
	{ AUTH_SSI_TOKEN, 272, 208 },
	{ AUTH_BROWSER, 193, 129 },
};

START_TEST(test_sizes)
{
	char longest[AUTH_TOKEN_SIZE] = "";
	uint8_t out[AUTH_LEN_MAX];
	struct packet packet;
	struct reason why;
	struct auth auth;

	ck_assert_uint_eq(auth_token_max(kinds[_i].kind), kinds[_i].token_max);
	memset(longest, 'x', kinds[_i].token_max);
	ck_assert_uint_eq(auth_build(out, kinds[_i].kind, DEVICE_HD, 3, longest), kinds[_i].total);
	ck_assert_uint_eq(out[22], 0x80);
	ck_assert_uint_eq(out[62], 0);
	ck_assert_uint_eq(out[kinds[_i].total - 1], 0);
	ck_assert_int_eq(packet_decode(out, kinds[_i].total, &packet, &why), PACKET_READY);
	ck_assert(auth_parse(&packet, &auth));
	ck_assert_uint_eq(auth.instance, 3);
	ck_assert_uint_eq(auth.drive_type, 0x80);
	ck_assert_str_eq(auth.token, longest);
}
END_TEST

START_TEST(test_drive_type_is_for_hd_only)
{
	uint8_t out[AUTH_LEN_MAX];

	auth_build(out, AUTH_WEB_TOKEN, DEVICE_CD, 1, "");
	ck_assert_uint_eq(out[22], 0);
	ck_assert_uint_eq(out[23], 1);
	auth_build(out, AUTH_WEB_TOKEN, DEVICE_FD, 0, "");
	ck_assert_uint_eq(out[22], 0);
}
END_TEST

START_TEST(test_long_image_name_is_cut)
{
	uint8_t out[DEVICE_INFO_LEN];
	char name[400] = "";

	memset(name, 'n', sizeof(name) - 1);
	ck_assert_uint_eq(device_info_build(out, false, 0, name), 322);
	ck_assert_uint_eq(out[320], 'n');
	ck_assert_uint_eq(out[321], 0);
	ck_assert_uint_eq(device_info_build(out, true, 2, name), 291);
	ck_assert_uint_eq(out[62], 3);
	ck_assert_uint_eq(out[23], 2);
	ck_assert_uint_eq(out[289], 'n');
	ck_assert_uint_eq(out[290], 0);
}
END_TEST

START_TEST(test_what_is_no_auth)
{
	uint8_t out[AUTH_LEN_MAX];
	struct packet packet;
	struct reason why;
	struct auth auth;

	disconnect_build(out, 0);
	ck_assert_int_eq(packet_decode(out, CONTROL_LEN, &packet, &why), PACKET_READY);
	ck_assert(!auth_parse(&packet, &auth));
	out[41] = OP_AUTH; /* no byte of a token */
	ck_assert_int_eq(packet_decode(out, CONTROL_LEN, &packet, &why), PACKET_READY);
	ck_assert(!auth_parse(&packet, &auth));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("auth");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_vectors);
	tcase_add_loop_test(tc, test_sizes, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tc, test_drive_type_is_for_hd_only);
	tcase_add_test(tc, test_long_image_name_is_cut);
	tcase_add_test(tc, test_what_is_no_auth);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
