/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_setting: one setting with one value: its type, its range, its words. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "daemon/conf_read.h"
#include "daemon/conf_schema.h"

enum {
	CANDIDATES_MAX = 16, /* words of one setting at most */
	LISTED_MAX = 200,    /* characters of a list of them */
};

/* Complains of a word that is none of the candidates. */
static void
complain_word(const struct conf_reader *reader, const struct conf_origin *origin, const char *word,
	const char *what, const char *const *candidates, size_t count)
{
	const char *near = nearest(word, candidates, count);
	char list[LISTED_MAX] = "";
	size_t len = 0;

	if (near) {
		conf_complain(reader, origin, "\"%.100s\" is not %s; did you mean \"%s\"?", word,
			what, near);
		return;
	}
	for (size_t i = 0; i < count && len < sizeof(list); i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", i ? ", " : "", candidates[i]);
	conf_complain(reader, origin, "\"%.100s\" is not %s (%s)", word, what, list);
}

static const char *
type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
	case CONFIG_TYPE_FLOAT:
		return "a number";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array";
	default:
		return "a list";
	}
}

void
conf_complain_type(
	const struct conf_reader *reader, const struct conf_origin *origin, const char *wanted)
{
	conf_complain(reader, origin, "must be %s, not %s", wanted, type_name(origin->setting));
}

/* The text of a setting that passes the check, or NULL. */
static const char *
text_of(const struct conf_reader *reader, const struct conf_origin *origin, conf_check *check)
{
	const char *text;
	struct reason why;

	if (config_setting_type(origin->setting) != CONFIG_TYPE_STRING) {
		conf_complain_type(reader, origin, "a text in quotes");
		return NULL;
	}
	text = config_setting_get_string(origin->setting);
	if (!text) /* libconfig's way to hold "" */
		text = "";
	if (conf_check_text(text, &why) < 0 || (check && check(text, &why) < 0)) {
		conf_complain(reader, origin, "%s", why.text);
		return NULL;
	}
	return text;
}

static void
read_text(struct conf_reader *reader, const struct conf_origin *origin, const struct conf_row *row,
	char **out)
{
	const char *text = text_of(reader, origin, row->check);

	if (text && row->is_later) {
		conf_complain(reader, origin, "this setting is not supported yet");
	} else if (text) {
		free(*out);
		*out = mem_strdup(text);
	}
}

static void
read_texts(struct conf_reader *reader, const struct conf_origin *origin, const struct conf_row *row,
	struct strlist *out)
{
	if (!config_setting_is_array(origin->setting) && !config_setting_is_list(origin->setting)) {
		conf_complain_type(reader, origin, "a list of texts: [ \"...\" ]");
		return;
	}
	for (int i = 0; i < config_setting_length(origin->setting); i++) {
		struct conf_origin element = conf_origin_element(origin, i);
		const char *text = text_of(reader, &element, row->check);

		if (text)
			strlist_add(out, text);
	}
}

/* Sets *out and returns true if the setting is a number in the row's range. */
static bool
number_of(const struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_row *row, double min, double max, bool is_whole, double *out)
{
	const config_setting_t *setting = origin->setting;
	int type = config_setting_type(setting);

	if (!config_setting_is_number(setting) || (is_whole && type == CONFIG_TYPE_FLOAT)) {
		if (config_setting_is_number(setting))
			conf_complain(reader, origin, "must be a whole number");
		else
			conf_complain_type(
				reader, origin, is_whole ? "a whole number" : "a number");
		return false;
	}
	if (type == CONFIG_TYPE_FLOAT)
		*out = config_setting_get_float(setting);
	else if (type == CONFIG_TYPE_INT64)
		*out = (double)config_setting_get_int64(setting);
	else
		*out = config_setting_get_int(setting);
	if (*out >= min && *out <= max)
		return true;
	if (type != CONFIG_TYPE_FLOAT && *out <= CONF_TOO_LARGE)
		return false;
	conf_complain(reader, origin, "%.10g is not %s (%g to %g)", *out, row->what, min, max);
	return false;
}

static void
read_word(struct conf_reader *reader, const struct conf_origin *origin, const struct conf_row *row,
	void *out)
{
	const char *candidates[CANDIDATES_MAX], *text = text_of(reader, origin, NULL);
	size_t count = 0;

	if (!text)
		return;
	for (const struct conf_word *word = row->words; word->text; word++) {
		if (strcmp(word->text, text) != 0) {
			candidates[count++] = word->text;
			continue;
		}
		if (word->is_later)
			conf_complain(reader, origin, "\"%s\" is not supported yet", text);
		else
			memcpy(out, &word->value, sizeof(word->value));
		return;
	}
	complain_word(reader, origin, text, row->what, candidates, count);
}

static void
read_dialect(struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_row *row, const struct dialect **out)
{
	const char *candidates[CANDIDATES_MAX], *text = text_of(reader, origin, NULL);
	const struct dialect *dialect = text ? dialect_find(text) : NULL;
	size_t count = 0;

	if (!text)
		return;
	if (!dialect) {
		for (unsigned i = 0; i < CANDIDATES_MAX && dialect_at(i); i++)
			candidates[count++] = dialect_at(i)->name;
		complain_word(reader, origin, text, row->what, candidates, count);
	} else {
		*out = dialect;
	}
}

static bool
is_label_key(const char *key)
{
	while (isalnum((unsigned char)*key) || *key == '_' || *key == '-')
		key++;
	return *key == '\0';
}

static void
read_labels(
	struct conf_reader *reader, const struct conf_origin *origin, struct conf_target *target)
{
	if (!config_setting_is_group(origin->setting)) {
		conf_complain_type(reader, origin, "a group of labels: { key = \"...\"; }");
		return;
	}
	for (int i = 0; i < config_setting_length(origin->setting); i++) {
		struct conf_origin label = conf_origin_element(origin, i);
		const char *key = config_setting_name(label.setting);
		const char *value = text_of(reader, &label, NULL);

		if (!is_label_key(key))
			conf_complain(reader, &label,
				"the key of a label has letters, digits, \"_\" and \"-\" only");
		else if (value) {
			target->labels = conf_grow(
				target->labels, target->label_count, sizeof(*target->labels));
			target->labels[target->label_count++] =
				(struct conf_label){ .key = mem_strdup(key),
					.value = mem_strdup(value) };
		}
	}
}

void
conf_read_value(struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_row *row, void *object)
{
	void *out = (char *)object + row->offset;
	double number;

	switch (row->kind) {
	case CONF_TEXT:
		read_text(reader, origin, row, out);
		break;
	case CONF_TEXTS:
		read_texts(reader, origin, row, out);
		break;
	case CONF_NUMBER:
		if (number_of(reader, origin, row, row->min, row->max, false, &number))
			*(double *)out = number;
		break;
	case CONF_INTEGER:
		if (number_of(reader, origin, row, row->min, row->max, true, &number))
			*(int *)out = (int)number;
		break;
	case CONF_PORT:
		if (number_of(reader, origin, row, 1, UINT16_MAX, true, &number))
			*(uint16_t *)out = (uint16_t)number;
		break;
	case CONF_BOOL:
		if (config_setting_type(origin->setting) == CONFIG_TYPE_BOOL)
			*(bool *)out = config_setting_get_bool(origin->setting);
		else
			conf_complain_type(reader, origin, "true or false");
		break;
	case CONF_WORD:
		read_word(reader, origin, row, out);
		break;
	case CONF_DIALECT:
		read_dialect(reader, origin, row, out);
		break;
	case CONF_LABEL_SET:
		read_labels(reader, origin, object);
		break;
	case CONF_GROUP:
	case CONF_LIST:
		break; /* conf_read.c reads them */
	}
}
