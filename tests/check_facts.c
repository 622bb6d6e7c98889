/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_facts: what is learned is kept, and told once for each change. */
#include <string.h>

#include "bmc/facts.h"
#include "unit.h"

static const char one[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char two[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

static unsigned told;

static void
changed_cb(void *arg, const struct facts *facts)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert_ptr_nonnull(facts);
	told++;
}

START_TEST(test_dialect)
{
	struct facts facts = { .changed = changed_cb, .arg = &told };

	told = 0;
	facts_set_dialect(&facts, NULL);
	ck_assert_uint_eq(told, 0);
	facts_set_dialect(&facts, dialect_find("rest"));
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(facts.dialect->name, "rest");
	facts_set_dialect(&facts, dialect_find("rest"));
	ck_assert_uint_eq(told, 1);
	facts_set_dialect(&facts, dialect_find("rest-gadget"));
	ck_assert_uint_eq(told, 2);
	facts_set_dialect(&facts, NULL);
	ck_assert_uint_eq(told, 3);
	ck_assert_ptr_null(facts.dialect);
}
END_TEST

START_TEST(test_pins)
{
	struct facts facts = { .changed = changed_cb, .arg = &told };

	told = 0;
	facts_set_pin(&facts, PIN_WEB, one);
	ck_assert_str_eq(facts.pin[PIN_WEB], one);
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	facts_set_pin(&facts, PIN_WEB, one);
	ck_assert_uint_eq(told, 1);
	facts_set_pin(&facts, PIN_MEDIA, two);
	ck_assert_str_eq(facts.pin[PIN_WEB], one);
	ck_assert_str_eq(facts.pin[PIN_MEDIA], two);
	facts_set_pin(&facts, PIN_WEB, "");
	ck_assert_str_eq(facts.pin[PIN_WEB], "");
	ck_assert_uint_eq(told, 3);
	ck_assert_str_eq(pin_name(PIN_WEB), "web");
	ck_assert_str_eq(pin_name(PIN_MEDIA), "media");
}
END_TEST

/* Nobody listens. */
START_TEST(test_no_receiver)
{
	struct facts facts = { 0 };

	facts_set_dialect(&facts, dialect_find("asp"));
	facts_set_pin(&facts, PIN_WEB, one);
	ck_assert_str_eq(facts.dialect->name, "asp");
	ck_assert_str_eq(facts.pin[PIN_WEB], one);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("facts");
	TCase *tc = tcase_create("facts");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_dialect);
	tcase_add_test(tc, test_pins);
	tcase_add_test(tc, test_no_receiver);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
