/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_hostlist: what a range stands for, what is no range, and the limits. */
#include <string.h>

#include "base/hostlist.h"
#include "unit.h"

/* clang-format off */
static const struct row {
	const char *text;
	const char *names; /* separated by spaces */
} rows[] = {
	{ "node42", "node42" },
	{ "node[1-3]", "node1 node2 node3" },
	{ "node[001-003,200]", "node001 node002 node003 node200" },
	{ "node[09-11]", "node09 node10 node11" },
	{ "node[0-1]", "node0 node1" },
	{ "node[00-01]", "node00 node01" },
	{ "node[7]", "node7" },
	{ "[1-2]", "1 2" },
	{ "r[1-2]n[1-2]", "r1n1 r1n2 r2n1 r2n2" },
	{ "r[1-2]-x", "r1-x r2-x" },
	{ "10.0.2.[9-11]", "10.0.2.9 10.0.2.10 10.0.2.11" },
	{ "2001:db8::[1-2]", "2001:db8::1 2001:db8::2" },
	{ "a[1][2]", "a12" },
	{ "a[3,1,3]", "a3 a1 a3" },
};

static const struct bad {
	const char *text, *reason;
} bads[] = {
	{ "", "an empty name" },
	{ "n[3-1]", "reversed range in \"n[3-1]\": 1 comes before 3" },
	{ "n[1-3", "\"n[1-3\" has a [ without a ]" },
	{ "n1-3]", "\"n1-3]\" has a ] without a [" },
	{ "n[]", "bad range in \"n[]\": write it as node[001-128,200]" },
	{ "n[1-]", "bad range in \"n[1-]\": write it as node[001-128,200]" },
	{ "n[-1]", "bad range in \"n[-1]\": write it as node[001-128,200]" },
	{ "n[1,,2]", "bad range in \"n[1,,2]\": write it as node[001-128,200]" },
	{ "n[a-b]", "bad range in \"n[a-b]\": write it as node[001-128,200]" },
	{ "n[1[2]]", "bad range in \"n[1[2]]\": write it as node[001-128,200]" },
	{ "n[1-9999999999]", "bad range in \"n[1-9999999999]\": write it as node[001-128,200]" },
	{ "n[1-65537]", "\"n[1-65537]\" stands for more than 65536 names" },
	{ "n[1-999999999][1-999999999]", "\"n[1-999999999][1-999999999]\" stands for more than 65536 names" },
	{ "a[1][1][1][1][1]", "\"a[1][1][1][1][1]\" has more than 4 brackets" },
};
/* clang-format on */

START_TEST(test_expand)
{
	struct strlist names = { 0 };
	char joined[512] = "";
	struct reason why;

	strlist_add(&names, "before");
	ck_assert_int_eq(hostlist_expand(rows[_i].text, &names, &why), 0);
	for (size_t i = 1; i < names.count; i++) {
		if (i > 1)
			strcat(joined, " ");
		strcat(joined, names.items[i]);
		ck_assert(hostlist_has(rows[_i].text, names.items[i]));
	}
	ck_assert_str_eq(joined, rows[_i].names);
	ck_assert_str_eq(names.items[0], "before");
	strlist_fini(&names);
}
END_TEST

START_TEST(test_bad)
{
	struct strlist names = { 0 };
	struct reason why = { 0 };

	strlist_add(&names, "before");
	ck_assert_int_eq(hostlist_expand(bads[_i].text, &names, &why), -1);
	ck_assert_str_eq(why.text, bads[_i].reason);
	ck_assert_uint_eq(names.count, 1);
	ck_assert_ptr_null(names.items[1]);
	strlist_fini(&names);
}
END_TEST

START_TEST(test_largest)
{
	struct strlist names = { 0 };
	struct reason why;

	ck_assert_int_eq(hostlist_expand("n[1-65536]", &names, &why), 0);
	ck_assert_uint_eq(names.count, 65536);
	ck_assert_str_eq(names.items[65535], "n65536");
	strlist_fini(&names);
}
END_TEST

START_TEST(test_has)
{
	ck_assert(!hostlist_has("node[001-128]", "node1"));
	ck_assert(!hostlist_has("node[001-128]", "node129"));
	ck_assert(!hostlist_has("node[1-9]", "node01"));
	ck_assert(!hostlist_has("node[1-9]", "node"));
	ck_assert(!hostlist_has("node[1-9]", "node5x"));
	ck_assert(!hostlist_has("node[1-", "node1"));
	ck_assert(!hostlist_has("node", "node1"));
	ck_assert(!hostlist_has("node1", "node"));
	ck_assert(!hostlist_has("", ""));
	ck_assert(hostlist_has("n[1-20]5", "n125"));
	ck_assert(hostlist_has("n[1-999999999]", "n999999999"));
	ck_assert(hostlist_is_range("n[1-2]"));
	ck_assert(!hostlist_is_range("n1-2"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostlist");
	TCase *tc = tcase_create("hostlist");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_expand, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bads));
	tcase_add_test(tc, test_largest);
	tcase_add_test(tc, test_has);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
