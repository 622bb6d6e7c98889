/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_print: the configuration in canonical form, by the same table that reads it. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf.h"
#include "daemon/conf_schema.h"

enum layout { /* of the settings of a group */
	ON_LINES,
	ON_ONE_LINE,
};

static void print_rows(
	FILE *out, enum conf_scope scope, const char *object, enum layout layout, int depth);

static void
print_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' || *text == 0x7F)
			fprintf(out, "\\x%02X", (unsigned)*text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

/* As many digits as it takes to read the same number back, always with a point. */
static void
print_number(FILE *out, double number)
{
	char text[40];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number && !strchr(text, 'e'))
			break;
	}
	fprintf(out, "%s%s", text, strchr(text, '.') ? "" : ".0");
}

static void
print_texts(FILE *out, const struct strlist *texts)
{
	fputs("[ ", out);
	for (size_t i = 0; i < texts->count; i++) {
		fputs(i ? ", " : "", out);
		print_text(out, texts->items[i]);
	}
	fputs(texts->count ? " ]" : "]", out);
}

static void
print_labels(FILE *out, const struct conf_target *target)
{
	fputs("{ ", out);
	for (size_t i = 0; i < target->label_count; i++) {
		fprintf(out, "%s = ", target->labels[i].key);
		print_text(out, target->labels[i].value);
		fputs("; ", out);
	}
	putc('}', out);
}

static void
indent(FILE *out, int depth)
{
	while (depth-- > 0)
		putc('\t', out);
}

static void
print_list(FILE *out, const struct conf_row *row, const char *object, int depth)
{
	const char *element;
	size_t count;

	memcpy(&element, object + row->offset, sizeof(element));
	memcpy(&count, object + row->count, sizeof(count));
	fputs(count ? "(" : "( ", out);
	for (size_t i = 0; i < count; i++, element += row->size) {
		fputs(i ? ",\n" : "\n", out);
		indent(out, depth + 1);
		if (row->inside == CONF_TARGET) {
			fputs("{\n", out);
			print_rows(out, row->inside, element, ON_LINES, depth + 2);
			indent(out, depth + 1);
			putc('}', out);
		} else {
			fputs("{ ", out);
			print_rows(out, row->inside, element, ON_ONE_LINE, 0);
			putc('}', out);
		}
	}
	if (count) {
		putc('\n', out);
		indent(out, depth);
	}
	putc(')', out);
}

static void
print_value(FILE *out, const struct conf_row *row, const char *object, int depth)
{
	const void *value = object + row->offset;
	int number;

	switch (row->kind) {
	case CONF_TEXT:
		print_text(out, *(char *const *)value);
		break;
	case CONF_TEXTS:
		print_texts(out, value);
		break;
	case CONF_NUMBER:
		print_number(out, *(const double *)value);
		break;
	case CONF_INTEGER:
		fprintf(out, "%d", *(const int *)value);
		break;
	case CONF_PORT:
		fprintf(out, "%" PRIu16, *(const uint16_t *)value);
		break;
	case CONF_BOOL:
		fputs(*(const bool *)value ? "true" : "false", out);
		break;
	case CONF_WORD:
		memcpy(&number, value, sizeof(number));
		print_text(out, conf_word_text(row->words, number));
		break;
	case CONF_DIALECT:
		print_text(out, (*(const struct dialect *const *)value)->name);
		break;
	case CONF_LABEL_SET:
		print_labels(out, (const struct conf_target *)object);
		break;
	case CONF_GROUP:
		fputs("{ ", out);
		print_rows(out, row->inside, object, ON_ONE_LINE, 0);
		putc('}', out);
		break;
	case CONF_LIST:
		print_list(out, row, object, depth);
		break;
	}
}

static bool is_printed(const struct conf_row *row, const char *object);

/* Whether something of a group is printed. */
static bool
has_printed(enum conf_scope scope, const char *object)
{
	for (const struct conf_row *row = conf_rows; row->key; row++)
		if ((row->scopes & scope) && is_printed(row, object))
			return true;
	return false;
}

/* Not printed: what is not supported yet, defaults (they have been applied), and what a target does
 * not have. */
static bool
is_printed(const struct conf_row *row, const char *object)
{
	size_t count;

	if (row->is_later || row->inside == CONF_DEFAULTS)
		return false;
	switch (row->kind) {
	case CONF_LABEL_SET:
		return ((const struct conf_target *)object)->label_count > 0;
	case CONF_TEXT:
		return *(char *const *)(object + row->offset) != NULL;
	case CONF_PORT:
		return *(const uint16_t *)(object + row->offset) != 0;
	case CONF_GROUP:
		return has_printed(row->inside, object);
	case CONF_LIST:
		memcpy(&count, object + row->count, sizeof(count));
		return row->inside != CONF_ATTACH || count > 0;
	default:
		return true;
	}
}

static void
print_rows(FILE *out, enum conf_scope scope, const char *object, enum layout layout, int depth)
{
	for (const struct conf_row *row = conf_rows; row->key; row++) {
		if (!(row->scopes & scope) || !is_printed(row, object))
			continue;
		if (layout == ON_LINES)
			indent(out, depth);
		fprintf(out, "%s = ", row->key);
		print_value(out, row, object, depth);
		fputs(layout == ON_LINES ? ";\n" : "; ", out);
	}
}

void
conf_print(const struct conf *conf, FILE *out)
{
	print_rows(out, CONF_TOP, (const char *)conf, ON_LINES, 0);
}
