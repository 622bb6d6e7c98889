/* SPDX-License-Identifier: GPL-2.0-or-later */
/* params: every parameter is a row; what no row asks for is refused, not ignored. */
#include "daemon/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool
read_strings(json_t *value, struct param_strings *out)
{
	size_t i, count = json_array_size(value);
	const char **items;
	json_t *item;

	if (!json_is_array(value))
		return false;
	items = mem_new(count + 1, sizeof(*items));
	json_array_foreach (value, i, item) {
		items[i] = json_string_value(item);
		if (items[i] == NULL) {
			free(items);
			return false;
		}
	}
	free(out->items);
	out->items = items;
	out->count = count;
	return true;
}

static bool
read_value(json_t *value, const struct param *param)
{
	if (value == NULL || json_is_null(value))
		return !param->is_required;
	switch (param->type) {
	case PARAM_STRING:
		*(const char **)param->out = json_string_value(value);
		return json_is_string(value);
	case PARAM_STRINGS:
		return read_strings(value, param->out);
	case PARAM_NUMBER:
		*(double *)param->out = json_number_value(value);
		return json_is_number(value);
	case PARAM_BOOL:
		*(bool *)param->out = json_is_true(value);
		return json_is_boolean(value);
	}
	return false;
}

static const char *
find_unknown(json_t *parameters, const struct param *params, size_t count)
{
	const char *name;
	json_t *value;

	json_object_foreach (parameters, name, value) {
		size_t i = 0;

		while (i < count && strcmp(params[i].name, name) != 0)
			i++;
		if (i == count)
			return name;
	}
	return NULL;
}

static void
free_strings(const struct param *params, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (params[i].type == PARAM_STRINGS) {
			struct param_strings *strings = params[i].out;

			free(strings->items);
			strings->items = NULL;
			strings->count = 0;
		}
}

bool
params_read(struct varlink_call *call, json_t *parameters, const struct param *params, size_t count)
{
	const char *bad = find_unknown(parameters, params, count);

	for (size_t i = 0; bad == NULL && i < count; i++)
		if (!read_value(json_object_get(parameters, params[i].name), &params[i]))
			bad = params[i].name;
	if (bad == NULL)
		return true;
	free_strings(params, count);
	varlink_invalid(call, bad);
	return false;
}
