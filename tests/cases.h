/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cases: test cases from lists of tests and from tables of rows; and assertions about parts of
 * texts. */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <string.h>

#include "base/compiler.h"
#include "unit.h"

static inline void
assert_contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in \"%s\"", part, text);
}

static inline void
assert_lacks(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" is in \"%s\"", part, text);
}

static inline void
add_case(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
}

#define ADD_CASE(suite, name, ...)                                   \
	add_case(suite, name, (const TTest *const[]){ __VA_ARGS__ }, \
		ARRAY_SIZE(((const TTest *const[]){ __VA_ARGS__ })))

static inline void
add_rows(Suite *suite, const char *name, const TTest *test, size_t rows)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test, 0, (int)rows);
	suite_add_tcase(suite, tc);
}

#endif
