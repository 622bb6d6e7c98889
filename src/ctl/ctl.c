/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl: the tool as a function: parse, run the verb, see that its output has arrived. */
#include "config.h"

#include "ctl/ctl.h"

#include <stdbool.h>

#include "ctl/command.h"
#include "ctl/help.h"
#include "ctl/verb.h"

static int
run_verb(const struct command_line *line, struct output *output, FILE *in)
{
	struct verb verb = {
		.line = line,
		.output = output,
		.in = in,
		.socket = command_value(line, "socket"),
	};

	if (verb.socket == NULL)
		verb.socket = VERB_DEFAULT_SOCKET;
	return line->command->run(&verb);
}

static int
run_line(const struct command_line *line, struct output *output, FILE *in)
{
	if (command_value(line, "version") != NULL) {
		output_line(output, "iusbctl %s", PACKAGE_VERSION);
		return EXITCODE_DONE;
	}
	if (command_value(line, "help") != NULL) {
		if (line->command == NULL)
			help_overview(output->out);
		else
			help_command(output->out, line->command);
		return EXITCODE_DONE;
	}
	if (line->command == NULL) {
		help_overview(output->err);
		return EXITCODE_USAGE;
	}
	return run_verb(line, output, in);
}

int
ctl_run(int argc, const char *const argv[], FILE *in, FILE *out, FILE *err)
{
	struct command_line line;
	struct output output;
	struct reason why;
	const char *color;
	int code;

	if (command_parse(&line, argc, argv, &why) < 0) {
		output_init(&output, out, err, "never");
		output_error(&output, "%s", why.text);
		command_line_fini(&line);
		return EXITCODE_USAGE;
	}
	color = command_value(&line, "color");
	output_init(&output, out, err, color == NULL ? "auto" : color);
	output.has_legend = command_value(&line, "no-legend") == NULL;
	output.is_quiet = command_value(&line, "quiet") != NULL;
	if (command_value(&line, "json") != NULL)
		output.format = &output_json;
	code = run_line(&line, &output, in);
	command_line_fini(&line);
	if (!output_finish(&output) && code == EXITCODE_DONE)
		code = EXITCODE_FAILED;
	return code;
}
