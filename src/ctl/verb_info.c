/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_info: the verbs that look at what there is: targets, images, version, help, complete. */
#include "ctl/complete.h"
#include "ctl/field.h"
#include "ctl/help.h"
#include "ctl/verb.h"

int
verb_targets(struct verb *verb)
{
	json_t *selectors = verb_selectors(verb, verb->line->argument_count), *answer;
	struct client_request request = { .method = "org.iusbd.Targets", .timeout = VERB_TIMEOUT };
	enum exitcode code;

	if (selectors == NULL)
		return EXITCODE_USAGE;
	request.parameters = json_object();
	if (json_array_size(selectors) > 0)
		json_object_set(request.parameters, "selectors", selectors);
	json_decref(selectors);
	code = verb_call(verb, &request, false, &answer);
	json_decref(request.parameters);
	if (code != EXITCODE_DONE)
		return code;
	if (field_array(answer, "targets") == NULL)
		code = verb_bad_answer(verb, "targets");
	else
		verb->output->format->targets(verb->output, field_array(answer, "targets"));
	json_decref(answer);
	return code;
}

int
verb_images(struct verb *verb)
{
	struct client_request request = { .method = "org.iusbd.Images", .timeout = VERB_TIMEOUT };
	json_t *answer;
	enum exitcode code = verb_call(verb, &request, false, &answer);

	if (code != EXITCODE_DONE)
		return code;
	if (field_array(answer, "images") == NULL)
		code = verb_bad_answer(verb, "images");
	else
		verb->output->format->images(verb->output, field_array(answer, "images"));
	json_decref(answer);
	return code;
}

int
verb_version(struct verb *verb)
{
	struct client_request request = { .method = "org.iusbd.Version", .timeout = VERB_TIMEOUT };
	json_t *answer = NULL;
	enum exitcode code = verb_call(verb, &request, false, &answer);

	verb->output->format->version(verb->output, answer);
	json_decref(answer);
	return code;
}

int
verb_help(struct verb *verb)
{
	const struct command *command;
	struct reason why;

	if (verb->line->argument_count == 0) {
		help_overview(verb->output->out);
		return EXITCODE_DONE;
	}
	command = command_find(verb->line->arguments[0], &why);
	if (command == NULL)
		return verb_usage(verb, "%s", why.text);
	help_command(verb->output->out, command);
	return EXITCODE_DONE;
}

int
verb_complete(struct verb *verb)
{
	static const char *const nothing[] = { "" };
	const unsigned count = verb->line->argument_count;
	struct strlist words = { 0 };

	complete_words(count > 0 ? verb->line->arguments : nothing, count > 0 ? count : 1, &words);
	for (size_t i = 0; i < words.count; i++)
		output_line(verb->output, "%s", words.items[i]);
	strlist_fini(&words);
	return EXITCODE_DONE;
}
