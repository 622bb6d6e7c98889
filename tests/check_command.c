/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_command: the table of verbs, the parser, the help and the completion of iusbctl. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/strlist.h"
#include "cases.h"
#include "ctl/command.h"
#include "ctl/complete.h"
#include "ctl/exitcode.h"
#include "ctl/help.h"
#include "run_ctl.h"

START_TEST(test_every_verb_is_documented)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		ck_assert_str_ne(command->summary, "");
		ck_assert_str_ne(command->text, "");
		ck_assert(command->run != NULL);
		ck_assert_uint_le(command->min, command->max);
		ck_assert_int_le(command->family, COMMAND_UNLISTED);
		for (size_t o = 0; command->options[o].name != NULL; o++)
			ck_assert_ptr_nonnull(command->options[o].help);
	}
}
END_TEST

/* An example begins with "iusbctl", parses, and is one of its own verb. */
START_TEST(test_every_example_parses)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		for (size_t e = 0; e < COMMAND_EXAMPLES; e++) {
			const char *argv[16] = { NULL };
			char *words, *save;
			struct command_line line;
			struct reason why = { 0 };
			int argc = 0;

			ck_assert_ptr_nonnull(command->examples[e].line);
			ck_assert_ptr_nonnull(command->examples[e].help);
			words = mem_strdup(command->examples[e].line);
			for (char *w = strtok_r(words, " ", &save); w != NULL;
				w = strtok_r(NULL, " ", &save))
				argv[argc++] = w;
			ck_assert_str_eq(argv[0], "iusbctl");
			ck_assert_msg(command_parse(&line, argc, argv, &why) == 0, "%s: %s",
				command->examples[e].line, why.text);
			ck_assert(
				line.command == command || command_value(&line, "version") != NULL);
			command_line_fini(&line);
			free(words);
		}
	}
}
END_TEST

/* A screen of 24 lines of 80 columns. */
START_TEST(test_help_fits_on_a_screen)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		char *text, *save;
		size_t size, lines = 0;
		FILE *out = open_memstream(&text, &size);

		help_command(out, command);
		fclose(out);
		assert_contains(text, command->examples[0].line);
		for (const char *p = text; *p != '\0'; p++)
			lines += *p == '\n';
		ck_assert_uint_le(lines, 24);
		for (char *l = strtok_r(text, "\n", &save); l != NULL;
			l = strtok_r(NULL, "\n", &save))
			ck_assert_msg(strlen(l) <= 80, "too wide: %s", l);
		free(text);
	}
}
END_TEST

START_TEST(test_help_lists_every_verb)
{
	const struct command *command;
	struct run run = run_alone("help", NULL);

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (command->family == COMMAND_UNLISTED)
			ck_assert_ptr_null(strstr(run.out, command->summary));
		else
			assert_contains(run.out, command->summary);
	}
	for (const struct command_option *o = command_globals; o->name != NULL; o++)
		assert_contains(run.out, o->help);
	run_fini(&run);
}
END_TEST

static void
assert_in_manual(const char *manual, const char *macro, const char *name)
{
	char *key = mem_printf("%s%s", macro, name);

	ck_assert_msg(strstr(manual, key) != NULL, "the manual has no %s", key);
	free(key);
}

/* Every verb and every option is in the manual. */
START_TEST(test_manual_has_every_verb)
{
	const char *srcdir = getenv("srcdir");
	char *path = mem_printf("%s/man/iusbctl.1", srcdir == NULL ? "." : srcdir), *text;
	FILE *file = fopen(path, "r");
	const struct command *command;
	const size_t size = 200000;
	size_t len;

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	text = mem_new(size, 1);
	len = fread(text, 1, size - 1, file);
	ck_assert_uint_lt(len, size - 1);
	fclose(file);
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		assert_in_manual(text, ".It Cm ", command->name);
		for (size_t o = 0; command->options[o].name != NULL; o++)
			assert_in_manual(text, "Fl -", command->options[o].name);
	}
	for (const struct command_option *o = command_globals; o->name != NULL; o++)
		assert_in_manual(text, "Fl -", o->name);
	free(text);
	free(path);
}
END_TEST

START_TEST(test_find_verb)
{
	struct reason why = { 0 };

	ck_assert_str_eq(command_find("status", &why)->name, "status");
	ck_assert_str_eq(command_find("st", &why)->name, "status");
	ck_assert_str_eq(command_find("a", &why)->name, "attach");
	ck_assert_str_eq(command_find("det", &why)->name, "detach");
	ck_assert_ptr_null(command_find("s", &why));
	ck_assert_str_eq(why.text, "\"s\" may be one of status, show, swap");
	ck_assert_str_eq(command_find("sw", &why)->name, "swap");
	ck_assert_ptr_null(command_find("atach", &why));
	ck_assert_str_eq(why.text, "there is no verb \"atach\"; did you mean \"attach\"?");
	ck_assert_ptr_null(command_find("frobnicate", &why));
	assert_contains(why.text, "iusbctl help");
	ck_assert_ptr_null(command_find("", &why));
	/* What is for shells is known by its full name only. */
	ck_assert_str_eq(command_find("complete", &why)->name, "complete");
	ck_assert_ptr_null(command_find("comp", &why));
	ck_assert_str_eq(why.text, "there is no verb \"comp\"; \"iusbctl help\" lists them");
}
END_TEST

#define PARSE(line, why, ...)                                                              \
	command_parse(line, (int)ARRAY_SIZE(((const char *[]){ "iusbctl", __VA_ARGS__ })), \
		(const char *[]){ "iusbctl", __VA_ARGS__, NULL }, why)

START_TEST(test_parse_options_anywhere)
{
	struct command_line line;
	struct reason why = { 0 };

	ck_assert_int_eq(PARSE(&line, &why, "--json", "attach", "--device", "fd", "node42",
				 "--mode=rw", "a.img", "-t5", "-q", "--wait", "none"),
		0);
	ck_assert_str_eq(line.command->name, "attach");
	ck_assert_uint_eq(line.argument_count, 2);
	ck_assert_str_eq(line.arguments[0], "node42");
	ck_assert_str_eq(line.arguments[1], "a.img");
	ck_assert_ptr_null(line.arguments[2]);
	ck_assert_str_eq(command_value(&line, "json"), "");
	ck_assert_str_eq(command_value(&line, "quiet"), "");
	ck_assert_str_eq(command_value(&line, "device"), "fd");
	ck_assert_str_eq(command_value(&line, "mode"), "rw");
	ck_assert_str_eq(command_value(&line, "timeout"), "5");
	ck_assert_str_eq(command_value(&line, "wait"), "none");
	ck_assert_ptr_null(command_value(&line, "socket"));
	command_line_fini(&line);
}
END_TEST

START_TEST(test_parse_abbreviations_and_repeats)
{
	struct command_line line;
	struct reason why = { 0 };

	ck_assert_int_eq(
		PARSE(&line, &why, "att", "--dev=cd", "--dev", "hd", "n", "i", "--no-leg"), 0);
	ck_assert_str_eq(command_value(&line, "device"), "hd");
	ck_assert_ptr_nonnull(command_value(&line, "no-legend"));
	command_line_fini(&line);
	ck_assert_int_eq(PARSE(&line, &why, "-qh"), 0);
	ck_assert_ptr_nonnull(command_value(&line, "help"));
	ck_assert_ptr_null(line.command);
	command_line_fini(&line);
}
END_TEST

START_TEST(test_parse_double_dash)
{
	struct command_line line;
	struct reason why = { 0 };

	ck_assert_int_eq(PARSE(&line, &why, "attach", "-", "--", "--odd.img"), 0);
	ck_assert_uint_eq(line.argument_count, 2);
	ck_assert_str_eq(line.arguments[0], "-");
	ck_assert_str_eq(line.arguments[1], "--odd.img");
	command_line_fini(&line);
}
END_TEST

static const struct {
	const char *line, *error;
} usage_errors[] = {
	{ "attach a b --device usb", "--device is \"usb\", and may be: cd|fd|hd" },
	{ "attach a b --device=", "--device is \"\", and may be: cd|fd|hd" },
	{ "attach a b --mode cow", "--mode is \"cow\", and may be: ro|rw" },
	{ "attach a b --wait acc", "--wait is \"acc\", and may be: accepted|read|none" },
	{ "attach a b --timeout", "--timeout needs a value (S)" },
	{ "attach a b -t", "-t needs a value (S)" },
	{ "status --socket=", "--socket needs a value (PATH)" },
	{ "attach a b --timeout -3", "--timeout is \"-3\", and must be seconds above 0" },
	{ "attach a b --timeout 0", "--timeout is \"0\", and must be seconds above 0" },
	{ "attach a b --timeout 1e99", "--timeout is \"1e99\", and must be seconds above 0" },
	{ "attach a b --timeout 0x10", "--timeout is \"0x10\", and must be seconds above 0" },
	{ "attach a b --timeout nan", "--timeout is \"nan\", and must be seconds above 0" },
	{ "attach a b --timeout 5s", "--timeout is \"5s\", and must be seconds above 0" },
	{ "attach a b --devise cd", "there is no option \"--devise\"; did you mean \"--device\"?" },
	{ "attach a", "attach needs more arguments: iusbctl attach SELECTOR... IMAGE" },
	{ "swap node42/cd", "swap needs more arguments: iusbctl swap SLOT IMAGE" },
	{ "swap node42/cd a.iso b.iso", "too many arguments: iusbctl swap SLOT IMAGE" },
	{ "swap node42/cd a.iso -m cow", "--mode is \"cow\", and may be: ro|rw" },
	{ "swap node42/cd a.iso --wait read", "swap has no option \"--wait\"" },
	{ "detach", "detach needs an argument: iusbctl detach SELECTOR..." },
	{ "show a b", "too many arguments: iusbctl show SLOT" },
	{ "reload now", "reload takes no arguments" },
	{ "status --device cd", "status has no option \"--device\"" },
	{ "--device cd attach a b", "there is no option \"--device\" in front of the verb" },
	{ "status --json=yes", "--json takes no value" },
	{ "status -z", "there is no option \"-z\"" },
	{ "status --color=red", "--color is \"red\", and may be: auto|always|never" },
	{ "--so x --s y status", "\"--s\" may be more than one option" },
	{ "stauts", "there is no verb \"stauts\"; did you mean \"status\"?" },
	{ "help atach", "there is no verb \"atach\"; did you mean \"attach\"?" },
	{ "collect node42/cd b.iso", "there is no verb \"collect\"; \"iusbctl help\" lists them" },
};

START_TEST(test_usage_errors)
{
	struct run run = run_alone(usage_errors[_i].line, NULL);
	char *expected = mem_printf("iusbctl: %s\n", usage_errors[_i].error);

	/* "--s" is unique: then the daemon is missing, which is no usage error. */
	if (strncmp(usage_errors[_i].line, "--so", 4) == 0) {
		ck_assert_int_eq(run.code, EXITCODE_NO_DAEMON);
	} else {
		ck_assert_str_eq(run.err, expected);
		ck_assert_int_eq(run.code, EXITCODE_USAGE);
		ck_assert_str_eq(run.out, "");
	}
	free(expected);
	run_fini(&run);
}
END_TEST

START_TEST(test_no_verb_is_a_usage_error)
{
	struct run run = run_alone("", NULL);

	ck_assert_int_eq(run.code, EXITCODE_USAGE);
	ck_assert_str_eq(run.out, "");
	assert_contains(run.err, "attach SELECTOR... IMAGE");
	run_fini(&run);
}
END_TEST

START_TEST(test_too_many_options)
{
	const char *argv[COMMAND_GIVEN_MAX + 4] = { "iusbctl" };
	struct command_line line;
	struct reason why = { 0 };

	for (int i = 1; i <= COMMAND_GIVEN_MAX + 1; i++)
		argv[i] = "-q";
	ck_assert_int_eq(command_parse(&line, COMMAND_GIVEN_MAX + 2, argv, &why), -1);
	ck_assert_str_eq(why.text, "too many options");
	command_line_fini(&line);
}
END_TEST

static const struct {
	const char *words; /* a '|' between two */
	const char *expected;
} completions[] = {
	{ "", "status show targets images probe attach swap detach reload version help" },
	{ "st", "status" },
	{ "s", "status show swap" },
	{ "-", "--socket= --json --no-legend --color= --quiet --help --version" },
	{ "--n", "--no-legend" },
	{ "attach|--", "--device= --mode= --wait= --timeout= --socket= --json --no-legend --color= "
		       "--quiet --help --version" },
	{ "attach|--m", "--mode=" },
	{ "attach|--mode=", "--mode=ro --mode=rw" },
	{ "swap|--m", "--mode=" },
	{ "attach|node42|-d|", "cd fd hd" },
	{ "attach|--wait|r", "read" },
	{ "--color|a", "auto always" },
	{ "--socket|x|st", "status" },
	{ "help|a", "attach" },
	{ "attach|node42|", "" },
	{ "nonsense|--q", "--quiet" },
};

START_TEST(test_complete)
{
	char *text = mem_strdup(completions[_i].words), *rest = text, *joined = mem_strdup("");
	const char *words[8];
	struct strlist out = { 0 };
	size_t count = 0;

	for (char *w; (w = strsep(&rest, "|")) != NULL;)
		words[count++] = w;
	complete_words(words, count, &out);
	for (size_t i = 0; i < out.count; i++) {
		char *longer = mem_printf("%s%s%s", joined, i > 0 ? " " : "", out.items[i]);

		free(joined);
		joined = longer;
	}
	ck_assert_str_eq(joined, completions[_i].expected);
	free(joined);
	free(text);
	strlist_fini(&out);
}
END_TEST

START_TEST(test_complete_verb)
{
	struct run run = run_alone("complete -- attach node42 --mode=", NULL);

	ck_assert_str_eq(run.err, "");
	ck_assert_str_eq(run.out, "--mode=ro\n--mode=rw\n");
	ck_assert_int_eq(run.code, EXITCODE_DONE);
	run_fini(&run);
	run = run_alone("complete", NULL);
	assert_contains(run.out, "status\nshow\n");
	ck_assert_int_eq(run.code, EXITCODE_DONE);
	run_fini(&run);
}
END_TEST

static Suite *
command_suite(void)
{
	Suite *suite = suite_create("command");

	ADD_CASE(suite, "table", test_every_verb_is_documented, test_every_example_parses,
		test_help_fits_on_a_screen, test_help_lists_every_verb, test_manual_has_every_verb,
		test_find_verb, test_parse_options_anywhere, test_parse_abbreviations_and_repeats,
		test_parse_double_dash, test_no_verb_is_a_usage_error, test_too_many_options,
		test_complete_verb);
	add_rows(suite, "usage", test_usage_errors, ARRAY_SIZE(usage_errors));
	add_rows(suite, "complete", test_complete, ARRAY_SIZE(completions));
	return suite;
}

int
main(void)
{
	return unit_run(command_suite());
}
