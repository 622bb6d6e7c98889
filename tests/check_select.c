/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_select: selectors mean what design section 6 says. */
#include "daemon/select.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strlist.h"
#include "unit.h"

static struct conf *conf;

static void
setup(void)
{
	struct strlist errors = { 0 };
	char path[] = "/tmp/iusbd-select-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	dprintf(fd,
		"targets = (\n"
		"{ name = \"node42\"; address = \"10.0.0.42\"; dialect = \"legacy\";\n"
		"  labels = { rack = \"r1\"; path = \"a/b\"; odd = \"a/cd\"; }; },\n"
		"{ name = \"node7\"; address = \"10.0.0.7\"; dialect = \"legacy\";\n"
		"  labels = { rack = \"r2\"; }; },\n"
		"{ name = \"rack2-[01-03]\"; address = \"10.0.2.[1-3]\"; dialect = \"legacy\";\n"
		"  labels = { rack = \"r2\"; }; },\n"
		"{ name = \"Alpha\"; address = \"10.0.3.1\"; dialect = \"legacy\"; } );\n");
	close(fd);
	conf = conf_load(path, &errors);
	unlink(path);
	ck_assert_msg(conf != NULL, "%s", errors.count > 0 ? errors.items[0] : "");
	strlist_fini(&errors);
}

static void
teardown(void)
{
	conf_free(conf);
}

/* Words, separated by blanks, to what they select, in the same form. */
static const char *
chosen(const char *words)
{
	static char text[1024];
	char copy[256], *save = NULL;
	const char *selectors[16], *bad = NULL;
	struct selection *out;
	struct reason why = { 0 };
	size_t n = 0, count;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		selectors[n++] = word;
	text[0] = '\0';
	switch (select_targets(conf, selectors, n, &out, &count, &bad, &why)) {
	case SELECT_OK:
		break;
	case SELECT_UNKNOWN:
		snprintf(text, sizeof(text), "unknown %s: %s", bad, why.text);
		ck_assert_ptr_null(out);
		return text;
	case SELECT_NO_DEVICE:
		snprintf(text, sizeof(text), "no device %s: %s", bad, why.text);
		ck_assert_ptr_null(out);
		return text;
	}
	for (size_t i = 0; i < count; i++) {
		char name[SLOT_NAME_SIZE];

		snprintf(name, sizeof(name), "%s", out[i].target->name);
		if (out[i].has_slot)
			slot_format(name, out[i].target->name, out[i].device, out[i].instance);
		strcat(strcat(text, i > 0 ? " " : ""), name);
	}
	free(out);
	return text;
}

static const struct {
	const char *words, *means;
} cases[] = {
	{ "", "node42 node7 rack2-01 rack2-02 rack2-03 Alpha" },
	{ "node42", "node42" },
	{ "Alpha node42", "node42 Alpha" }, /* the order of the configuration */
	{ "node42 node42", "node42" },
	{ "*", "node42 node7 rack2-01 rack2-02 rack2-03 Alpha" },
	{ "rack2-*", "rack2-01 rack2-02 rack2-03" },
	{ "node?", "node7" },
	{ "rack2-[01-02]", "rack2-01 rack2-02" },
	{ "rack2-[03,01]", "rack2-01 rack2-03" },
	{ "@rack=r2", "node7 rack2-01 rack2-02 rack2-03" },
	{ "@rack=r1 @rack=r2/cd", "node42 node7/cd rack2-01/cd rack2-02/cd rack2-03/cd" },
	{ "@path=a/b", "node42" },
	{ "@path=a/b/fd2", "node42/fd2" },
	{ "@odd=a/cd/cd", "node42/cd" },
	{ "node42/cd", "node42/cd" },
	{ "node42/cd0", "node42/cd" },
	{ "node42/hd3 node42/cd node42", "node42 node42/cd node42/hd3" },
	{ "rack2-[01-02]/fd1", "rack2-01/fd1 rack2-02/fd1" },
	{ "node*/fd", "node42/fd node7/fd" },

	{ "node43", "unknown node43: no such target: node43; did you mean node42?" },
	{ "nothing-like-it", "unknown nothing-like-it: no such target: nothing-like-it" },
	{ "node42 NODE42", "unknown NODE42: no such target: NODE42" },
	{ "x*", "unknown x*: no target matches x*" },
	{ "rack2-[02-04]",
		"unknown rack2-[02-04]: no such target: rack2-04; did you mean rack2-01?" },
	{ "@rack=r9", "unknown @rack=r9: no target has the label rack=r9" },
	{ "@rack", "unknown @rack: @rack: a label is selected as @label=value" },
	{ "@=r1", "unknown @=r1: @=r1: a label is selected as @label=value" },
	{ "/cd", "unknown /cd: a selector with no name: \"/cd\"" },
};

START_TEST(means)
{
	ck_assert_str_eq(chosen(cases[_i].words), cases[_i].means);
}
END_TEST

static const struct {
	const char *words, *bad;
} device_cases[] = {
	{ "node42/xx", "no device xx: node42/xx: " },
	{ "node42/", "no device : node42/: " },
	{ "node42/cd4", "no device cd4: node42/cd4: " },
	{ "node42/cd/fd", "no device cd/fd: node42/cd/fd: " },
	{ "rack2-*/usb", "no device usb: rack2-*/usb: " },
};

START_TEST(names_the_device_that_is_none)
{
	const char *bad = device_cases[_i].bad;

	ck_assert_int_eq(strncmp(chosen(device_cases[_i].words), bad, strlen(bad)), 0);
}
END_TEST

START_TEST(refuses_an_empty_selector)
{
	const char *const selectors[] = { "" };
	const char *bad;
	struct selection *out;
	struct reason why = { 0 };
	size_t count;

	ck_assert_int_eq(
		select_targets(conf, selectors, 1, &out, &count, &bad, &why), SELECT_UNKNOWN);
	ck_assert_str_ne(why.text, "");
}
END_TEST

/* The reason of a malformed range is that of hostlist, with the range in front. */
START_TEST(explains_a_bad_range)
{
	const char *text = chosen("rack2-[03-01]");

	ck_assert_int_eq(strncmp(text, "unknown rack2-[03-01]: rack2-[03-01]: ", 38), 0);
	ck_assert_ptr_nonnull(strstr(chosen("rack2-[01"), "unknown rack2-[01: "));
}
END_TEST

static Suite *
select_suite(void)
{
	Suite *suite = suite_create("select");
	TCase *tc = tcase_create("select");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, means, 0, (int)ARRAY_SIZE(cases));
	tcase_add_loop_test(tc, names_the_device_that_is_none, 0, (int)ARRAY_SIZE(device_cases));
	tcase_add_test(tc, refuses_an_empty_selector);
	tcase_add_test(tc, explains_a_bad_range);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(select_suite());
}
