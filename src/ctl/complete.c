/* SPDX-License-Identifier: GPL-2.0-or-later */
/* complete: what may stand where the cursor is, from the table of verbs. */
#include "ctl/complete.h"

#include <string.h>

#include "ctl/command.h"

/* The option that the word stands for, "--mode" or "-m", if it takes a value. */
static const struct command_option *
option_with_value(const struct command_option *options, const char *word)
{
	for (; options->name != NULL; options++) {
		if (options->value == NULL)
			continue;
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, options->name) == 0)
			return options;
		if (word[0] == '-' && word[1] != '\0' && word[1] == options->letter &&
			word[2] == '\0')
			return options;
	}
	return NULL;
}

static const struct command_option *
find_with_value(const struct command *command, const char *word)
{
	const struct command_option *option = option_with_value(command_globals, word);

	return option == NULL && command != NULL ? option_with_value(command->options, word)
						 : option;
}

static void
add_verbs(const char *start, struct strlist *out)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (command->family != COMMAND_UNLISTED &&
			strncmp(command->name, start, strlen(start)) == 0)
			strlist_add(out, command->name);
	}
}

static void
add_options(const struct command_option *options, const char *start, struct strlist *out)
{
	for (; options->name != NULL; options++) {
		if (strncmp(options->name, start, strlen(start)) == 0)
			strlist_addf(
				out, "--%s%s", options->name, options->value == NULL ? "" : "=");
	}
}

/* The words "a|b|c" that begin with start, each behind lead. */
static void
add_values(const char *words, const char *lead, size_t lead_len, const char *start,
	struct strlist *out)
{
	for (const char *w = words; w != NULL; w = strchr(w, '|')) {
		w += *w == '|';
		if (strncmp(w, start, strlen(start)) == 0)
			strlist_addf(out, "%.*s%.*s", (int)lead_len, lead, (int)strcspn(w, "|"), w);
	}
}

/* "--mode=r" */
static void
add_joined_values(const struct command *command, const char *word, struct strlist *out)
{
	const char *equals = strchr(word, '=');
	struct strlist name = { 0 };
	const struct command_option *option;

	strlist_addf(&name, "%.*s", (int)(equals - word), word);
	option = find_with_value(command, name.items[0]);
	if (option != NULL)
		add_values(option->words, word, (size_t)(equals - word) + 1, equals + 1, out);
	strlist_fini(&name);
}

void
complete_words(const char *const words[], size_t count, struct strlist *out)
{
	const struct command *command = NULL;
	const struct command_option *pending = NULL; /* wants the next word as its value */
	const char *last = words[count - 1];

	for (size_t i = 0; i + 1 < count; i++) {
		struct reason ignored;

		if (pending != NULL)
			pending = NULL;
		else if (words[i][0] == '-')
			pending = find_with_value(command, words[i]);
		else if (command == NULL)
			command = command_find(words[i], &ignored);
	}
	if (pending != NULL) {
		add_values(pending->words, "", 0, last, out);
	} else if (strncmp(last, "--", 2) == 0 && strchr(last, '=') != NULL) {
		add_joined_values(command, last, out);
	} else if (last[0] == '-') {
		const char *start = last + 1 + (last[1] == '-');

		if (command != NULL)
			add_options(command->options, start, out);
		add_options(command_globals, start, out);
	} else if (command == NULL || strcmp(command->name, "help") == 0) {
		add_verbs(last, out);
	}
}
