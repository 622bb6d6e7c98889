/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human_detail: everything about one slot, in sections of names and values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/memory.h"
#include "ctl/field.h"
#include "ctl/human.h"

enum {
	BAR_MAX = 32,       /* characters of the longest bar */
	LABEL_WIDTH = 18,   /* of a bar's name */
	COMMANDS_MAX = 256, /* there are no more opcodes */
};

static const char *
or_dash(const char *text)
{
	return text == NULL || text[0] == '\0' ? "-" : text;
}

static void
print_bmc(struct output *output, const json_t *detail, const json_t *slot)
{
	const char *transport = field_text(detail, "transport"), *tls = field_text(detail, "tls");
	const char *fingerprint = field_text(detail, "fingerprint");

	human_section(output, "BMC");
	human_value(output, STYLE_PLAIN, "target", "%s", or_dash(field_text(slot, "target")));
	human_value(output, STYLE_PLAIN, "device", "%s, instance %llu",
		or_dash(field_text(slot, "device")),
		(unsigned long long)field_count(slot, "instance"));
	human_value(output, STYLE_PLAIN, "address", "%s port %llu",
		or_dash(field_text(detail, "address")),
		(unsigned long long)field_count(detail, "port"));
	human_value(output, STYLE_PLAIN, "dialect", "%s", or_dash(field_text(detail, "dialect")));
	if (transport != NULL)
		human_value(output, STYLE_PLAIN, "transport", "%s%s%s", transport,
			tls != NULL ? ", " : "", tls != NULL ? tls : "");
	if (fingerprint != NULL && fingerprint[0] != '\0')
		human_value(output, STYLE_PLAIN, "certificate", "SHA-256 %s", fingerprint);
}

static void
print_state(struct output *output, const json_t *detail, const json_t *slot)
{
	const char *state = field_text(slot, "state"), *reason = field_text(slot, "reason");
	const char *failure = field_text(detail, "failure");
	const double since = field_number(slot, "since"), retry = field_number(detail, "retry_at");
	const uint64_t attempts = field_count(detail, "attempts");
	const enum style style = style_of_state(state);
	char number[HUMAN_SIZE];

	human_section(output, "State");
	if (since > 0 && output->now - since >= 1)
		human_value(output, style, "state", "%s for %s", or_dash(state),
			human_age(number, output->now - since));
	else
		human_value(output, style, "state", "%s", or_dash(state));
	if (reason != NULL && reason[0] != '\0')
		human_value(output, style, "reason", "%s", reason);
	if (failure != NULL && failure[0] != '\0' && strcmp(failure, "none") != 0)
		human_value(output, STYLE_PLAIN, "failure", "%s", failure);
	if (retry > 0)
		human_value(output, STYLE_PLAIN, "next attempt", "%s%s",
			retry - output->now < 1 ? "" : "in ",
			human_age(number, retry - output->now));
	if (attempts > 0)
		human_value(output, STYLE_PLAIN, "attempts", "%s in a row",
			human_count(number, attempts, "failure"));
	human_value(output, STYLE_PLAIN, "accepted", "%s",
		human_count(number, field_count(detail, "sessions"), "time"));
}

static const char *
mode_text(const char *mode)
{
	if (mode == NULL)
		return "-";
	if (strcmp(mode, "ro") == 0)
		return "ro (read-only)";
	if (strcmp(mode, "rw") == 0)
		return "rw (writes go to the image)";
	if (strcmp(mode, "cow") == 0)
		return "cow (writes go to an overlay)";
	return mode;
}

static void
print_medium(struct output *output, const json_t *detail, const json_t *slot)
{
	const uint64_t size = field_count(detail, "size");
	const char *image = field_text(slot, "image");
	char number[HUMAN_SIZE];

	human_section(output, "Medium");
	if (image == NULL) {
		human_value(output, STYLE_PLAIN, "image", "-");
		return;
	}
	human_value(output, STYLE_PLAIN, "image", "%s", image);
	human_value(output, STYLE_PLAIN, "file", "%s", or_dash(field_text(detail, "path")));
	human_value(output, STYLE_PLAIN, "size", "%s (%llu bytes)", human_bytes(number, size),
		(unsigned long long)size);
	human_value(output, STYLE_PLAIN, "mode", "%s", mode_text(field_text(slot, "mode")));
	human_value(output, STYLE_PLAIN, "attached by", "%s",
		field_is_true(detail, "standing") ? "the configuration file" : "a command");
}

static void
print_traffic(struct output *output, const json_t *detail, const json_t *slot)
{
	const double last = field_number(detail, "last_command");
	const double failed_at = field_number(detail, "last_error_time");
	const char *error = field_text(detail, "last_error");
	char number[HUMAN_SIZE];

	human_section(output, "Traffic");
	human_value(output, STYLE_PLAIN, "read by host", "%s",
		human_bytes(number, field_count(slot, "read")));
	human_value(output, STYLE_PLAIN, "written", "%s",
		human_bytes(number, field_count(slot, "written")));
	human_value(
		output, STYLE_PLAIN, "rate", "%s", human_rate(number, field_number(slot, "rate")));
	human_value(output, STYLE_PLAIN, "commands", "%llu, %llu failed",
		(unsigned long long)field_count(detail, "commands"),
		(unsigned long long)field_count(detail, "failed"));
	if (last > 0)
		human_value(output, STYLE_PLAIN, "last command", "%s%s",
			human_age(number, output->now - last),
			output->now - last < 1 ? "" : " ago");
	human_value(output, STYLE_PLAIN, "keep-alives", "%llu",
		(unsigned long long)field_count(detail, "keep_alives"));
	if (error == NULL || error[0] == '\0')
		return;
	if (failed_at > 0)
		human_value(output, STYLE_BAD, "last error", "%s (%s%s)", error,
			human_age(number, output->now - failed_at),
			output->now - failed_at < 1 ? "" : " ago");
	else
		human_value(output, STYLE_BAD, "last error", "%s", error);
}

static void
print_bar(struct output *output, const char *label, uint64_t count, uint64_t max)
{
	size_t len = max == 0 ? 0 : (size_t)((double)count / (double)max * BAR_MAX + 0.5);
	char bar[BAR_MAX + 1];

	if (len == 0 && count > 0)
		len = 1;
	if (len > BAR_MAX)
		len = BAR_MAX;
	memset(bar, '#', len);
	bar[len] = '\0';
	fputs("  ", output->out);
	output_text(output, STYLE_PLAIN, "%-*s", LABEL_WIDTH, label);
	fprintf(output->out, " %10llu%s", (unsigned long long)count, len > 0 ? "  " : "");
	output_text(output, STYLE_MOVING, "%s", bar);
	fputc('\n', output->out);
}

static uint64_t
largest_count(const json_t *rows)
{
	uint64_t max = 0;
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (field_count(row, "count") > max)
			max = field_count(row, "count");
	}
	return max;
}

static int
compare_commands(const void *a, const void *b)
{
	const uint64_t x = field_count(*(json_t *const *)a, "count");
	const uint64_t y = field_count(*(json_t *const *)b, "count");

	return (x < y) - (x > y);
}

/* The most frequent first. */
static void
print_commands(struct output *output, const json_t *commands)
{
	const uint64_t max = largest_count(commands);
	const json_t *sorted[COMMANDS_MAX];
	size_t i, count = 0;
	json_t *command;

	if (max == 0)
		return;
	json_array_foreach (commands, i, command) {
		if (count < COMMANDS_MAX && field_count(command, "count") > 0)
			sorted[count++] = command;
	}
	qsort(sorted, count, sizeof(sorted[0]), compare_commands);
	human_section(output, "Commands");
	for (i = 0; i < count; i++) {
		const char *name = field_text(sorted[i], "name");
		char opcode[HUMAN_SIZE];

		snprintf(opcode, sizeof(opcode), "opcode 0x%02llX",
			(unsigned long long)field_count(sorted[i], "opcode"));
		print_bar(
			output, name == NULL ? opcode : name, field_count(sorted[i], "count"), max);
	}
}

/* From the fastest that there was to the slowest. */
static void
print_service_times(struct output *output, const json_t *buckets)
{
	const uint64_t max = largest_count(buckets);
	const size_t size = json_array_size(buckets);
	size_t first = 0, last = size;

	if (max == 0)
		return;
	while (field_count(json_array_get(buckets, first), "count") == 0)
		first++;
	while (field_count(json_array_get(buckets, last - 1), "count") == 0)
		last--;
	human_section(output, "Service times");
	for (size_t i = first; i < last; i++) {
		const json_t *bucket = json_array_get(buckets, i);
		const double below = field_number(bucket, "below");
		char time[HUMAN_SIZE], *label;

		label = below > 0 && isfinite(below)
				? mem_printf("below %s", human_duration(time, below))
				: mem_strdup("longer");
		print_bar(output, label, field_count(bucket, "count"), max);
		free(label);
	}
}

void
human_detail(struct output *output, const json_t *detail)
{
	const json_t *slot = json_object_get(detail, "slot");
	const char *state = field_text(slot, "state");

	output_text(output, STYLE_TITLE, "%s", or_dash(field_text(slot, "slot")));
	fputs(": ", output->out);
	output_text(output, style_of_state(state), "%s", or_dash(state));
	fputc('\n', output->out);
	print_bmc(output, detail, slot);
	print_state(output, detail, slot);
	print_medium(output, detail, slot);
	if (field_text(slot, "image") == NULL)
		return;
	print_traffic(output, detail, slot);
	print_commands(output, field_array(detail, "by_command"));
	print_service_times(output, field_array(detail, "service_times"));
}
