/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output_json: results as one array of objects, with the keys of the interface. */
#include "config.h"

#include "ctl/output.h"

#include "ctl/field.h"

/* ASCII only: nothing in a name can act on a terminal. */
static void
print_array(struct output *output, const json_t *array)
{
	json_dumpf(array, output->out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', output->out);
}

/* Takes the object. */
static void
print_object(struct output *output, json_t *object)
{
	json_t *array = json_array();

	json_array_append_new(array, object);
	print_array(output, array);
	json_decref(array);
}

static void
print_detail(struct output *output, const json_t *detail)
{
	print_object(output, json_copy((json_t *)detail));
}

static void
print_outcome(struct output *output, const json_t *outcome, const struct output_wish *wish)
{
	/* All of them come in one array in the end. */
	(void)output;
	(void)outcome;
	(void)wish;
}

static void
print_outcomes(struct output *output, const json_t *outcomes, const struct output_wish *wish)
{
	(void)wish;
	print_array(output, outcomes);
}

static void
print_version(struct output *output, const json_t *version)
{
	json_t *object;

	if (version == NULL)
		return;
	object = json_copy((json_t *)version);
	json_object_set_new(object, "client", json_string(PACKAGE_VERSION));
	print_object(output, object);
}

const struct output_format output_json = {
	.slots = print_array,
	.detail = print_detail,
	.targets = print_array,
	.images = print_array,
	.probe = print_detail,
	.outcome = print_outcome,
	.outcomes = print_outcomes,
	.reload = print_detail,
	.version = print_version,
};
