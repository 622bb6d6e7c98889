/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unit: what every check_*.c includes: libcheck, and a main() that speaks TAP to automake's driver.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/*
 * Runs the suite: TAP on standard output, each test in a process of its own unless CK_FORK=no.
 * Use: int main(void) { return unit_run(my_suite()); }
 */
static inline int
unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
