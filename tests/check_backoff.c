/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_backoff: delays grow, are bounded and spread, and the kind of failure has its say. */
#include <string.h>

#include "bmc/backoff.h"
#include "iusb/control.h"
#include "unit.h"

static const double almost_one = 0.999999;

START_TEST(test_doubles_to_a_ceiling)
{
	static const double ceilings[] = { 2, 4, 8, 16, 32, 60, 60, 60 };
	struct backoff b = { .min = 1, .max = 60 };

	for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
		struct backoff low = b;

		ck_assert_double_eq_tol(backoff_next(&low, FAILURE_LOST, 0), 1, 1e-9);
		ck_assert_double_eq_tol(
			backoff_next(&b, FAILURE_LOST, almost_one), ceilings[i], 1e-3);
		ck_assert_uint_eq(b.attempts, i + 1);
	}
}
END_TEST

START_TEST(test_never_overflows)
{
	struct backoff b = { .min = 0.5, .max = 1e9, .attempts = UINT32_MAX - 1 };

	for (int i = 0; i < 4; i++) {
		double delay = backoff_next(&b, FAILURE_UNREACHABLE, almost_one);

		ck_assert_double_ge(delay, 0.5);
		ck_assert_double_le(delay, 1e9);
	}
	ck_assert_uint_eq(b.attempts, UINT32_MAX);
}
END_TEST

START_TEST(test_success_starts_again)
{
	struct backoff b = { .min = 1, .max = 60 };

	for (int i = 0; i < 10; i++)
		backoff_next(&b, FAILURE_LOST, 0.5);
	backoff_reset(&b);
	ck_assert_uint_eq(b.attempts, 0);
	ck_assert_double_lt(backoff_next(&b, FAILURE_LOST, almost_one), 2);
}
END_TEST

START_TEST(test_reason_decides)
{
	static const struct {
		enum failure failure;
		double least;
	} kinds[] = {
		{ FAILURE_UNREACHABLE, 1 },
		{ FAILURE_SILENT, 1 },
		{ FAILURE_BUSY, 15 },
		{ FAILURE_REFUSED, 30 },
		{ FAILURE_TOKEN, 30 },
		{ FAILURE_LOGIN, 300 },
		{ FAILURE_BANNED, 200 },
		{ FAILURE_TLS, 30 },
		{ FAILURE_CERTIFICATE, 60 },
		{ FAILURE_CONFIGURATION, 60 },
		{ FAILURE_PROTOCOL, 5 },
		{ FAILURE_LOST, 1 },
		{ FAILURE_KILLED, 1 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct backoff b = { .min = 1, .max = 600 };
		double last = 0;

		for (int attempt = 0; attempt < 12; attempt++) {
			struct backoff low = b;
			double high = backoff_next(&b, kinds[i].failure, almost_one);

			ck_assert_double_eq_tol(
				backoff_next(&low, kinds[i].failure, 0), kinds[i].least, 1e-9);
			ck_assert_double_ge(high, last);
			ck_assert_double_le(high, kinds[i].failure == FAILURE_LOGIN ? 3600 : 600);
			last = high;
		}
		ck_assert_double_gt(last, 599);
	}
}
END_TEST

/* A small configured maximum does not make a busy BMC be asked every second. */
START_TEST(test_least_delay_beats_the_maximum)
{
	struct backoff b = { .min = 0.1, .max = 2 };

	for (int i = 0; i < 5; i++)
		ck_assert_double_eq_tol(backoff_next(&b, FAILURE_BUSY, almost_one), 15, 1e-9);
	ck_assert_double_le(backoff_next(&b, FAILURE_LOST, almost_one), 2);
}
END_TEST

/* iusb-protocol 5.2 */
START_TEST(test_acks)
{
	static const enum failure known[] = {
		[1] = FAILURE_NONE,
		[2] = FAILURE_REFUSED,
		[3] = FAILURE_TOKEN,
		[4] = FAILURE_BUSY,
		[5] = FAILURE_REFUSED,
		[6] = FAILURE_LOST,
		[7] = FAILURE_REFUSED,
		[8] = FAILURE_BUSY,
		[9] = FAILURE_BUSY,
	};

	for (int status = 0; status < 256; status++) {
		enum failure expected = FAILURE_REFUSED;

		if (status > 0 && (size_t)status < sizeof(known) / sizeof(known[0]))
			expected = known[status];
		if (status == 27 || status == 28)
			expected = FAILURE_NONE;
		ck_assert_int_eq(failure_of_ack((uint8_t)status), expected);
		ck_assert_int_eq(ack_is_accepted((uint8_t)status), expected == FAILURE_NONE);
	}
}
END_TEST

START_TEST(test_policies)
{
	for (int i = FAILURE_NONE; i <= FAILURE_IMAGE; i++) {
		const struct failure_policy *p = failure_policy((enum failure)i);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_gt(strlen(p->name), 0);
		/* Who waits is told at once when somebody has to act. */
		ck_assert(p->is_refusal == (i >= FAILURE_BUSY && i <= FAILURE_CONFIGURATION));
	}
	ck_assert_str_eq(failure_policy(FAILURE_UNREACHABLE)->name, "unreachable");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tc = tcase_create("backoff");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_doubles_to_a_ceiling);
	tcase_add_test(tc, test_never_overflows);
	tcase_add_test(tc, test_success_starts_again);
	tcase_add_test(tc, test_reason_decides);
	tcase_add_test(tc, test_least_delay_beats_the_maximum);
	tcase_add_test(tc, test_acks);
	tcase_add_test(tc, test_policies);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
