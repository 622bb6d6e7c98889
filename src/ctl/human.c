/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human: results as a person reads them; the rows of output_human. */
#include "config.h"

#include "ctl/human.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/memory.h"
#include "ctl/field.h"

char *
human_join(const json_t *array, const char *prefix, size_t max)
{
	const size_t size = json_array_size(array);
	char *joined = mem_strdup("");
	const size_t prefix_len = strlen(prefix);
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item) {
		const char *text = json_string_value(item);
		char *longer;

		if (text == NULL)
			continue;
		if (max > 0 && i == max && size > max + 1) {
			longer = mem_printf("%s and %zu more", joined, size - i);
			free(joined);
			return longer;
		}
		if (strncmp(text, prefix, prefix_len) == 0)
			text += prefix_len;
		longer = mem_printf("%s%s%s", joined, joined[0] == '\0' ? "" : ", ", text);
		free(joined);
		joined = longer;
	}
	return joined;
}

void
human_section(struct output *output, const char *title)
{
	fputc('\n', output->out);
	output_text(output, STYLE_TITLE, "%s", title);
	fputc('\n', output->out);
}

void
human_value(struct output *output, enum style style, const char *name, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	fprintf(output->out, "  %-14s ", name);
	output_text(output, style, "%s", text == NULL ? "-" : text);
	fputc('\n', output->out);
	free(text);
}

static void
print_names(struct output *output, const char *what, const json_t *names)
{
	char *joined;

	if (json_array_size(names) == 0)
		return;
	joined = human_join(names, "", 0);
	output_line(output, "  %-8s %s", what, joined);
	free(joined);
}

void
human_reload(struct output *output, const json_t *reload)
{
	const json_t *added = field_array(reload, "added");
	const json_t *changed = field_array(reload, "changed");
	const json_t *removed = field_array(reload, "removed");
	const size_t a = json_array_size(added), c = json_array_size(changed);
	const size_t r = json_array_size(removed);
	char targets[HUMAN_SIZE];

	if (output->is_quiet)
		return;
	if (a + c + r == 0) {
		output_line(output, "configuration read again: no target has changed");
		return;
	}
	output_line(output, "configuration read again: %s added, %zu changed, %zu removed",
		human_count(targets, a, "target"), c, r);
	print_names(output, "added", added);
	print_names(output, "changed", changed);
	print_names(output, "removed", removed);
}

void
human_version(struct output *output, const json_t *version)
{
	const json_t *features = field_array(version, "features");
	const char *number = field_text(version, "version"),
		   *config = field_text(version, "config");
	char *joined;

	output_line(output, "iusbctl %s", PACKAGE_VERSION);
	if (version == NULL)
		return;
	joined = human_join(features, "", 0);
	output_line(output, "iusbd   %s%s%s%s", number == NULL ? "?" : number,
		joined[0] == '\0' ? "" : " (", joined, joined[0] == '\0' ? "" : ")");
	output_line(output, "        process %llu, configuration %s",
		(unsigned long long)field_count(version, "pid"),
		config == NULL || config[0] == '\0' ? "-" : config);
	free(joined);
}

const struct output_format output_human = {
	.slots = human_slots,
	.detail = human_detail,
	.targets = human_targets,
	.images = human_images,
	.probe = human_probe,
	.outcome = human_outcome,
	.outcomes = human_outcomes,
	.reload = human_reload,
	.version = human_version,
};
