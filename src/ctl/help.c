/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: the table of verbs as a page. */
#include "ctl/help.h"

#include <string.h>

enum {
	LEFT = 20,    /* columns of the left side */
	EXAMPLE = 44, /* columns of an example */
};

static void
print_option(FILE *out, const struct command_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", option->letter == 0 ? ' ' : '-',
		option->letter == 0 ? ' ' : option->letter, option->letter == 0 ? "  " : ", ",
		option->name, option->value == NULL ? "" : " ",
		option->value == NULL ? "" : option->value);
	fprintf(out, "  %-*s %s\n", LEFT, left, option->help);
}

void
help_overview(FILE *out)
{
	const struct command *command;

	fputs("usage: iusbctl [OPTION...] VERB [ARGUMENT...]\n"
	      "Puts disk and CD images into the virtual-media slots of BMCs.\n",
		out);
	for (unsigned family = 0; family < COMMAND_FAMILIES; family++) {
		fprintf(out, "\n%s\n", command_family_name((enum command_family)family));
		for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
			char left[64];

			if (command->family != (enum command_family)family)
				continue;
			snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
			fprintf(out, "  %-25s %s\n", left, command->summary);
		}
	}
	fputs("\nOptions, before or behind the verb\n", out);
	for (const struct command_option *o = command_globals; o->name != NULL; o++)
		print_option(out, o);
	fputs("\nA SELECTOR is a target (node42), a glob ('rack2-*'), a range (node[001-128]),\n"
	      "@label=value, or one of them with a slot behind it (node42/cd, 'rack2-*/fd');\n"
	      "\"-\" reads them from standard input. A SLOT is node42/cd or node42/cd1.\n",
		out);
}

void
help_command(FILE *out, const struct command *command)
{
	fprintf(out, "usage: iusbctl %s%s%s%s\n", command->name,
		command->options[0].name == NULL ? "" : " [OPTION...]",
		command->arguments[0] == '\0' ? "" : " ", command->arguments);
	fprintf(out, "%s: %s.\n\n%s", command->name, command->summary, command->text);
	if (command->options[0].name != NULL) {
		fputs("\nOptions (and those of \"iusbctl help\")\n", out);
		for (size_t i = 0; command->options[i].name != NULL; i++)
			print_option(out, &command->options[i]);
	}
	fputs("\nExamples\n", out);
	for (size_t i = 0; i < COMMAND_EXAMPLES; i++) {
		const struct command_example *example = &command->examples[i];

		fprintf(out, "  %-*s %s\n", EXAMPLE, example->line, example->help);
	}
}
