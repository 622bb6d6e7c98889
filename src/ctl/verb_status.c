/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_status: the verbs that look at slots: status, show. */
#include "ctl/field.h"
#include "ctl/verb.h"

int
verb_status(struct verb *verb)
{
	json_t *parameters, *selectors = verb_selectors(verb, verb->line->argument_count), *answer;
	struct client_request request = { .method = "org.iusbd.Status", .timeout = VERB_TIMEOUT };
	enum exitcode code;

	if (selectors == NULL)
		return EXITCODE_USAGE;
	parameters = json_object();
	if (json_array_size(selectors) > 0)
		json_object_set(parameters, "selectors", selectors);
	json_decref(selectors);
	request.parameters = parameters;
	code = verb_call(verb, &request, false, &answer);
	json_decref(parameters);
	if (code != EXITCODE_DONE)
		return code;
	if (field_array(answer, "slots") == NULL)
		code = verb_bad_answer(verb, "slots");
	else
		verb->output->format->slots(verb->output, field_array(answer, "slots"));
	json_decref(answer);
	return code;
}

int
verb_show(struct verb *verb)
{
	json_t *slot = json_string(verb->line->arguments[0]), *answer;
	struct client_request request = { .method = "org.iusbd.Show", .timeout = VERB_TIMEOUT };
	enum exitcode code;

	if (slot == NULL)
		return verb_usage(verb, "the name of the slot is not UTF-8");
	request.parameters = json_object();
	json_object_set_new(request.parameters, "slot", slot);
	code = verb_call(verb, &request, false, &answer);
	json_decref(request.parameters);
	if (code != EXITCODE_DONE)
		return code;
	if (!json_is_object(json_object_get(answer, "detail")))
		code = verb_bad_answer(verb, "detail");
	else
		verb->output->format->detail(verb->output, json_object_get(answer, "detail"));
	json_decref(answer);
	return code;
}
