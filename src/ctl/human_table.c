/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human_table: slots, targets and images as tables with a summary line. */
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/memory.h"
#include "ctl/field.h"
#include "ctl/human.h"
#include "ctl/table.h"

/* What a row is filled from, and where to. */
typedef void fill_fn(struct table *table, const struct output *output, const json_t *object);

static void
print_table(struct output *output, const struct table_column *columns, size_t count, fill_fn *fill,
	const json_t *objects)
{
	struct table *table = table_new(columns, count);
	json_t *object;
	size_t i;

	json_array_foreach (objects, i, object) {
		table_row(table);
		fill(table, output, object);
	}
	table_print(table, output->out, output->width, output->has_legend, output->has_color);
	table_free(table);
}

static bool
wants_summary(const struct output *output)
{
	return output->has_legend && !output->is_quiet;
}

/* --- slots ----------------------------------------------------------------- */

enum slot_column {
	SLOT_TARGET,
	SLOT_DEVICE,
	SLOT_IMAGE,
	SLOT_MODE,
	SLOT_STATE,
	SLOT_READ,
	SLOT_WRITTEN,
	SLOT_RATE,
	SLOT_SINCE,
	SLOT_REASON,
	SLOT_COLUMNS,
};

static const struct table_column slot_columns[SLOT_COLUMNS] = {
	[SLOT_TARGET] = { "TARGET", TABLE_LEFT },
	[SLOT_DEVICE] = { "DEV", TABLE_LEFT },
	[SLOT_IMAGE] = { "IMAGE", TABLE_CUT },
	[SLOT_MODE] = { "MODE", TABLE_LEFT },
	[SLOT_STATE] = { "STATE", TABLE_LEFT },
	[SLOT_READ] = { "READ", TABLE_RIGHT },
	[SLOT_WRITTEN] = { "WRITTEN", TABLE_RIGHT },
	[SLOT_RATE] = { "RATE", TABLE_RIGHT },
	[SLOT_SINCE] = { "SINCE", TABLE_RIGHT },
	[SLOT_REASON] = { "REASON", TABLE_WRAP },
};

static void
fill_slot(struct table *table, const struct output *output, const json_t *slot)
{
	const char *state = field_text(slot, "state"), *reason = field_text(slot, "reason");
	const char *device = field_text(slot, "device");
	const double since = field_number(slot, "since");
	const bool is_empty = field_text(slot, "image") == NULL;
	const enum style style = style_of_state(state);
	char number[HUMAN_SIZE], *name;

	if (field_count(slot, "instance") > 0) {
		name = mem_printf("%s%llu", device == NULL ? "?" : device,
			(unsigned long long)field_count(slot, "instance"));
		table_set(table, SLOT_DEVICE, name, STYLE_PLAIN);
		free(name);
	} else {
		table_set(table, SLOT_DEVICE, device, STYLE_PLAIN);
	}
	table_set(table, SLOT_TARGET, field_text(slot, "target"), STYLE_PLAIN);
	table_set(table, SLOT_IMAGE, field_text(slot, "image"), STYLE_PLAIN);
	table_set(table, SLOT_MODE, field_text(slot, "mode"), STYLE_PLAIN);
	table_set(table, SLOT_STATE, state, style);
	table_set(table, SLOT_READ,
		is_empty ? NULL : human_bytes(number, field_count(slot, "read")), STYLE_PLAIN);
	table_set(table, SLOT_WRITTEN,
		is_empty ? NULL : human_bytes(number, field_count(slot, "written")), STYLE_PLAIN);
	table_set(table, SLOT_RATE, human_rate(number, field_number(slot, "rate")), STYLE_PLAIN);
	table_set(table, SLOT_SINCE, since > 0 ? human_age(number, output->now - since) : NULL,
		STYLE_PLAIN);
	if (reason != NULL && reason[0] != '\0')
		table_set(table, SLOT_REASON, reason, style);
}

/* "3 slots: 2 serving, 1 in backoff". */
static void
print_slot_summary(struct output *output, const json_t *slots)
{
	size_t total = json_array_size(slots), known = 0;
	const struct style_state *state;
	char number[HUMAN_SIZE];

	fprintf(output->out, "\n%s:", human_count(number, total, "slot"));
	for (size_t s = 0; (state = style_state_at(s)) != NULL; s++) {
		size_t i, count = 0;
		json_t *slot;

		json_array_foreach (slots, i, slot) {
			const char *name = field_text(slot, "state");

			if (name != NULL && strcmp(name, state->name) == 0)
				count++;
		}
		if (count == 0)
			continue;
		fputs(known > 0 ? ", " : " ", output->out);
		output_text(output, state->style, "%zu %s", count, state->count);
		known += count;
	}
	if (known < total)
		fprintf(output->out, "%s %zu in another state", known > 0 ? "," : "",
			total - known);
	fputc('\n', output->out);
}

void
human_slots(struct output *output, const json_t *slots)
{
	print_table(output, slot_columns, SLOT_COLUMNS, fill_slot, slots);
	if (!wants_summary(output))
		return;
	if (json_array_size(slots) == 0)
		output_line(output, "no slots are attached");
	else
		print_slot_summary(output, slots);
}

/* --- targets --------------------------------------------------------------- */

enum target_column {
	TARGET_NAME,
	TARGET_ADDRESS,
	TARGET_DIALECT,
	TARGET_TRANSPORT,
	TARGET_PORTS,
	TARGET_LABELS,
	TARGET_SLOTS,
	TARGET_COLUMNS,
};

static const struct table_column target_columns[TARGET_COLUMNS] = {
	[TARGET_NAME] = { "TARGET", TABLE_LEFT },
	[TARGET_ADDRESS] = { "ADDRESS", TABLE_LEFT },
	[TARGET_DIALECT] = { "DIALECT", TABLE_LEFT },
	[TARGET_TRANSPORT] = { "TRANSPORT", TABLE_LEFT },
	[TARGET_PORTS] = { "PORTS", TABLE_LEFT },
	[TARGET_LABELS] = { "LABELS", TABLE_LEFT },
	[TARGET_SLOTS] = { "SLOTS", TABLE_WRAP },
};

/* "cd:5120 fd:5123"; owned by the caller. */
static char *
join_ports(const json_t *ports)
{
	char *joined = mem_strdup("");
	json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		const char *device = field_text(port, "device");
		char *longer = mem_printf("%s%s%s:%llu", joined, i > 0 ? " " : "",
			device == NULL ? "?" : device,
			(unsigned long long)field_count(port, "port"));

		free(joined);
		joined = longer;
	}
	return joined;
}

/* "rack=r1 row=2"; owned by the caller. */
static char *
join_labels(const json_t *labels)
{
	char *joined = mem_strdup("");
	json_t *label;
	size_t i;

	json_array_foreach (labels, i, label) {
		const char *key = field_text(label, "key"), *value = field_text(label, "value");
		char *longer = mem_printf("%s%s%s=%s", joined, i > 0 ? " " : "",
			key == NULL ? "?" : key, value == NULL ? "" : value);

		free(joined);
		joined = longer;
	}
	return joined;
}

/* Takes the text. */
static void
set_joined(struct table *table, size_t column, char *text)
{
	table_set(table, column, text, STYLE_PLAIN);
	free(text);
}

static void
fill_target(struct table *table, const struct output *output, const json_t *target)
{
	const char *name = field_text(target, "target");
	char *prefix = mem_printf("%s/", name == NULL ? "" : name);

	(void)output;
	table_set(table, TARGET_NAME, name, STYLE_PLAIN);
	table_set(table, TARGET_ADDRESS, field_text(target, "address"), STYLE_PLAIN);
	table_set(table, TARGET_DIALECT, field_text(target, "dialect"), STYLE_PLAIN);
	table_set(table, TARGET_TRANSPORT, field_text(target, "transport"), STYLE_PLAIN);
	set_joined(table, TARGET_PORTS, join_ports(field_array(target, "ports")));
	set_joined(table, TARGET_LABELS, join_labels(field_array(target, "labels")));
	set_joined(table, TARGET_SLOTS, human_join(field_array(target, "slots"), prefix, 0));
	free(prefix);
}

void
human_targets(struct output *output, const json_t *targets)
{
	char number[HUMAN_SIZE];

	print_table(output, target_columns, TARGET_COLUMNS, fill_target, targets);
	if (!wants_summary(output))
		return;
	if (json_array_size(targets) == 0)
		output_line(output, "no targets are configured");
	else
		fprintf(output->out, "\n%s\n",
			human_count(number, json_array_size(targets), "target"));
}

/* --- images ---------------------------------------------------------------- */

enum image_column {
	IMAGE_NAME,
	IMAGE_BYTES,
	IMAGE_KIND,
	IMAGE_BOOT,
	IMAGE_DEVICE,
	IMAGE_USERS,
	IMAGE_COLUMNS,
};

static const struct table_column image_columns[IMAGE_COLUMNS] = {
	[IMAGE_NAME] = { "IMAGE", TABLE_CUT },
	[IMAGE_BYTES] = { "SIZE", TABLE_RIGHT },
	[IMAGE_KIND] = { "KIND", TABLE_LEFT },
	[IMAGE_BOOT] = { "BOOT", TABLE_LEFT },
	[IMAGE_DEVICE] = { "DEV", TABLE_LEFT },
	[IMAGE_USERS] = { "USERS", TABLE_WRAP },
};

enum {
	USERS_MAX = 5, /* that are named, in one row */
};

static void
fill_image(struct table *table, const struct output *output, const json_t *image)
{
	const char *error = field_text(image, "error");
	char number[HUMAN_SIZE];

	(void)output;
	table_set(table, IMAGE_NAME, field_text(image, "image"), STYLE_PLAIN);
	table_set(table, IMAGE_KIND, field_text(image, "kind"), STYLE_PLAIN);
	table_set(table, IMAGE_BOOT, field_text(image, "boot"), STYLE_PLAIN);
	table_set(table, IMAGE_DEVICE, field_text(image, "device"), STYLE_PLAIN);
	if (error != NULL) {
		table_set(table, IMAGE_BYTES, NULL, STYLE_PLAIN);
		table_set(table, IMAGE_KIND, "unusable", STYLE_BAD);
		table_set(table, IMAGE_USERS, error, STYLE_BAD);
		return;
	}
	table_set(table, IMAGE_BYTES, human_bytes(number, field_count(image, "size")), STYLE_PLAIN);
	set_joined(table, IMAGE_USERS, human_join(field_array(image, "users"), "", USERS_MAX));
}

void
human_images(struct output *output, const json_t *images)
{
	char number[HUMAN_SIZE];

	print_table(output, image_columns, IMAGE_COLUMNS, fill_image, images);
	if (!wants_summary(output))
		return;
	if (json_array_size(images) == 0)
		output_line(output, "there are no images: see image_dirs and images in "
				    "iusbd.conf(5)");
	else
		fprintf(output->out, "\n%s\n",
			human_count(number, json_array_size(images), "image"));
}
