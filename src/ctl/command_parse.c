/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command_parse: a command line against the table of verbs (command.h). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "ctl/command.h"

enum {
	NAMES_MAX = 32, /* options of a verb and those that every verb has */
};

/* The options that count on this line so far: all that every verb has, then the verb's own. */
static size_t
list_options(const struct command *command, const struct command_option *out[NAMES_MAX])
{
	size_t count = 0;

	for (const struct command_option *o = command_globals; o->name != NULL; o++)
		out[count++] = o;
	for (size_t i = 0; command != NULL && command->options[i].name != NULL; i++)
		out[count++] = &command->options[i];
	return count;
}

/* The option whose name is the first len characters of name, or the only one that begins so. */
static const struct command_option *
find_option(const struct command *command, const char *name, size_t len, struct reason *why)
{
	const struct command_option *options[NAMES_MAX], *found = NULL;
	const size_t count = list_options(command, options);
	const char *names[NAMES_MAX], *near;
	size_t matches = 0;
	char *word;

	for (size_t i = 0; i < count; i++) {
		names[i] = options[i]->name;
		if (strncmp(names[i], name, len) != 0)
			continue;
		if (names[i][len] == '\0')
			return options[i];
		found = options[i];
		matches++;
	}
	if (matches == 1)
		return found;
	word = mem_printf("%.*s", (int)len, name);
	near = nearest(word, names, count);
	if (matches > 1)
		reason_set(why, "\"--%s\" may be more than one option", word);
	else if (near != NULL)
		reason_set(why, "there is no option \"--%s\"; did you mean \"--%s\"?", word, near);
	else if (command == NULL)
		reason_set(why, "there is no option \"--%s\" in front of the verb", word);
	else
		reason_set(why, "%s has no option \"--%s\"", command->name, word);
	free(word);
	return NULL;
}

static const struct command_option *
find_letter(const struct command *command, char letter, struct reason *why)
{
	const struct command_option *options[NAMES_MAX];
	const size_t count = list_options(command, options);

	for (size_t i = 0; i < count; i++) {
		if (options[i]->letter == letter)
			return options[i];
	}
	reason_set(why, "there is no option \"-%c\"%s", letter,
		command == NULL ? " in front of the verb" : "");
	return NULL;
}

/* True if value is one of the words "a|b|c". */
static bool
is_word(const char *words, const char *value)
{
	const size_t len = strlen(value);

	for (const char *w = words; w != NULL; w = strchr(w, '|')) {
		w += *w == '|';
		if (len > 0 && strncmp(w, value, len) == 0 && (w[len] == '|' || w[len] == '\0'))
			return true;
	}
	return false;
}

static int
add_option(struct command_line *line, const struct command_option *option, const char *value,
	struct reason *why)
{
	if (option->words != NULL && !is_word(option->words, value))
		return reason_set(
			why, "--%s is \"%s\", and may be: %s", option->name, value, option->words);
	if (option->value != NULL && *value == '\0')
		return reason_set(why, "--%s needs a value (%s)", option->name, option->value);
	if (line->given_count == COMMAND_GIVEN_MAX)
		return reason_set(why, "too many options");
	line->given[line->given_count].option = option;
	line->given[line->given_count++].value = value;
	return 0;
}

/* "--name", "--name=value", "--name value". Returns how many words of argv it took, or -1. */
static int
parse_long(struct command_line *line, const char *const argv[], struct reason *why)
{
	const char *name = argv[0] + 2, *value = strchr(name, '=');
	const size_t len = value == NULL ? strlen(name) : (size_t)(value - name);
	const struct command_option *option = find_option(line->command, name, len, why);

	if (option == NULL)
		return -1;
	if (option->value == NULL) {
		if (value != NULL)
			return reason_set(why, "--%s takes no value", option->name);
		return add_option(line, option, "", why) < 0 ? -1 : 1;
	}
	if (value != NULL)
		return add_option(line, option, value + 1, why) < 0 ? -1 : 1;
	if (argv[1] == NULL)
		return reason_set(why, "--%s needs a value (%s)", option->name, option->value);
	return add_option(line, option, argv[1], why) < 0 ? -1 : 2;
}

/* "-q", "-qh", "-d fd", "-dfd". Returns how many words of argv it took, or -1. */
static int
parse_short(struct command_line *line, const char *const argv[], struct reason *why)
{
	for (const char *p = argv[0] + 1; *p != '\0'; p++) {
		const struct command_option *option = find_letter(line->command, *p, why);

		if (option == NULL)
			return -1;
		if (option->value == NULL) {
			if (add_option(line, option, "", why) < 0)
				return -1;
			continue;
		}
		if (p[1] != '\0')
			return add_option(line, option, p + 1, why) < 0 ? -1 : 1;
		if (argv[1] == NULL)
			return reason_set(why, "-%c needs a value (%s)", *p, option->value);
		return add_option(line, option, argv[1], why) < 0 ? -1 : 2;
	}
	return 1;
}

static int
check_arguments(const struct command_line *line, struct reason *why)
{
	const struct command *command = line->command;

	if (command == NULL || command_value(line, "help") != NULL)
		return 0;
	if (line->argument_count >= command->min && line->argument_count <= command->max)
		return 0;
	if (command->max == 0)
		return reason_set(why, "%s takes no arguments", command->name);
	if (line->argument_count < command->min)
		return reason_set(why, "%s needs %s: iusbctl %s %s", command->name,
			command->min == 1 ? "an argument" : "more arguments", command->name,
			command->arguments);
	return reason_set(
		why, "too many arguments: iusbctl %s %s", command->name, command->arguments);
}

int
command_parse(struct command_line *line, int argc, const char *const argv[], struct reason *why)
{
	bool has_options = true;

	*line = (struct command_line){ 0 };
	line->arguments = mem_new((size_t)argc + 1, sizeof(*line->arguments));
	for (int i = 1; i < argc;) {
		int took = 1;

		if (has_options && strcmp(argv[i], "--") == 0)
			has_options = false;
		else if (has_options && strncmp(argv[i], "--", 2) == 0)
			took = parse_long(line, argv + i, why);
		else if (has_options && argv[i][0] == '-' && argv[i][1] != '\0')
			took = parse_short(line, argv + i, why);
		else if (line->command != NULL)
			line->arguments[line->argument_count++] = argv[i];
		else if ((line->command = command_find(argv[i], why)) == NULL)
			took = -1;
		if (took < 0)
			return -1;
		i += took;
	}
	return check_arguments(line, why);
}

void
command_line_fini(struct command_line *line)
{
	free(line->arguments);
	*line = (struct command_line){ 0 };
}

const char *
command_value(const struct command_line *line, const char *option)
{
	for (unsigned i = line->given_count; i > 0; i--) {
		if (strcmp(line->given[i - 1].option->name, option) == 0)
			return line->given[i - 1].value;
	}
	return NULL;
}
