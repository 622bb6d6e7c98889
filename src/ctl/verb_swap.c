/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_swap: the verb that changes the medium in a slot: swap. */
#include "ctl/field.h"
#include "ctl/verb.h"

/* Seconds: the answer in work and the flush of the old medium may take 20 each. */
static const double swap_timeout = 60;

static json_t *
parameters(const struct verb *verb)
{
	const char *mode = command_value(verb->line, "mode");
	json_t *object = json_object();

	json_object_set_new(object, "slot", json_string(verb->line->arguments[0]));
	json_object_set_new(object, "image", json_string(verb->line->arguments[1]));
	if (mode != NULL)
		json_object_set_new(object, "mode", json_string(mode));
	return object;
}

/* Prints what the daemon has answered. */
static void
print(struct output *output, json_t *outcome)
{
	const struct output_wish wish = { 0 };
	json_t *outcomes = json_array();

	json_array_append(outcomes, outcome);
	output->format->outcome(output, outcome, &wish);
	output->format->outcomes(output, outcomes, &wish);
	json_decref(outcomes);
}

int
verb_swap(struct verb *verb)
{
	struct client_request request = { .method = "org.iusbd.Swap", .timeout = swap_timeout };
	enum exitcode code;
	json_t *answer, *outcome;

	request.parameters = parameters(verb);
	if (field_text(request.parameters, "slot") == NULL ||
		field_text(request.parameters, "image") == NULL) {
		json_decref(request.parameters);
		return verb_usage(verb, "the name of the slot or of the image is not UTF-8");
	}
	code = verb_call(verb, &request, true, &answer);
	json_decref(request.parameters);
	if (code != EXITCODE_DONE)
		return code;
	outcome = json_object_get(answer, "outcome");
	if (json_is_object(outcome)) {
		print(verb->output, outcome);
		code = exitcode_of_outcome(outcome, false);
	} else {
		code = verb_bad_answer(verb, "outcome");
	}
	json_decref(answer);
	return code;
}
