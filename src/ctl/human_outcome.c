/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human_outcome: what became of attachments, a line for each slot. */
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/memory.h"
#include "ctl/exitcode.h"
#include "ctl/field.h"
#include "ctl/human.h"

static const char *
or_unknown(const char *text)
{
	return text == NULL || text[0] == '\0' ? "?" : text;
}

/* "1.4 MiB, read-only". */
static void
describe_medium(char *out, size_t size, const json_t *outcome)
{
	const char *mode = field_text(outcome, "mode");
	char bytes[HUMAN_SIZE];

	human_bytes(bytes, field_count(outcome, "size"));
	if (mode == NULL)
		snprintf(out, size, "%s", bytes);
	else
		snprintf(out, size, "%s, %s", bytes,
			strcmp(mode, "ro") == 0   ? "read-only"
			: strcmp(mode, "rw") == 0 ? "writable"
						  : "copy-on-write");
}

/* With the state, where that means that no host has the medium yet. */
static void
print_swapped(struct output *output, const json_t *outcome, const char *medium)
{
	const char *slot = or_unknown(field_text(outcome, "slot"));
	const char *image = or_unknown(field_text(outcome, "image"));
	const char *state = or_unknown(field_text(outcome, "state"));
	const char *reason = field_text(outcome, "reason");

	if (strcmp(state, "serving") == 0)
		output_line(output, "%s: now %s (%s)", slot, image, medium);
	else
		output_line(output, "%s: now %s (%s), not served yet: %s%s%s", slot, image, medium,
			state, reason == NULL ? "" : ", ", reason == NULL ? "" : reason);
}

static void
print_success(struct output *output, const json_t *outcome, const struct output_wish *wish)
{
	const char *slot = or_unknown(field_text(outcome, "slot"));
	const char *image = field_text(outcome, "image"), *what = field_text(outcome, "outcome");
	char medium[HUMAN_SIZE * 2];

	if (output->is_quiet)
		return;
	if (wish->detach) {
		output_line(output, "%s: %s%sdetached", slot, image == NULL ? "" : image,
			image == NULL ? "" : " ");
		return;
	}
	describe_medium(medium, sizeof(medium), outcome);
	if (strcmp(what, "swapped") == 0) {
		print_swapped(output, outcome, medium);
		return;
	}
	output_line(output, "%s: %s attached (%s), %s", slot, or_unknown(image), medium,
		strcmp(what, "read") == 0       ? "and the host has read from it"
		: strcmp(what, "accepted") == 0 ? "accepted by the BMC"
						: "the BMC was not waited for");
}

/* What was waited for in vain. */
static const char *
missing(const struct output_wish *wish)
{
	if (wish->detach)
		return "not detached in time";
	if (wish->wait != NULL && strcmp(wish->wait, "read") == 0)
		return "not read by the host in time";
	return "not accepted by the BMC in time";
}

static void
print_failure(struct output *output, const json_t *outcome, const struct output_wish *wish)
{
	const char *slot = or_unknown(field_text(outcome, "slot"));
	const char *what = or_unknown(field_text(outcome, "outcome"));
	const char *state = or_unknown(field_text(outcome, "state"));
	const char *reason = field_text(outcome, "reason");
	char *stays =
		wish->detach
			? mem_strdup("")
			: mem_printf("; iusbd keeps trying, \"iusbctl detach %s\" gives up", slot);

	if (strcmp(what, "refused") == 0)
		output_error(output, "%s: refused: %s%s", slot,
			reason == NULL ? "the BMC gave no reason" : reason, stays);
	else if (strcmp(what, "timeout") == 0 && reason != NULL)
		output_error(output, "%s: %s: %s%s", slot, missing(wish), reason, stays);
	else if (strcmp(what, "timeout") == 0)
		output_error(output, "%s: %s, it is %s%s", slot, missing(wish), state,
			strcmp(state, "serving") == 0 && !wish->detach ? "; it stays attached"
								       : stays);
	else if (strcmp(what, "detached") == 0)
		output_error(output, "%s: somebody detached it meanwhile", slot);
	else if (reason != NULL && strstr(reason, slot) != NULL)
		output_error(output, "%s", reason);
	else if (reason != NULL)
		output_error(output, "%s: %s", slot, reason);
	else
		output_error(output, "%s: %s (%s)", slot, what,
			or_unknown(field_text(outcome, "error")));
	free(stays);
}

void
human_outcome(struct output *output, const json_t *outcome, const struct output_wish *wish)
{
	if (exitcode_of_outcome(outcome, wish->detach) == EXITCODE_DONE)
		print_success(output, outcome, wish);
	else
		print_failure(output, outcome, wish);
}

/* Each outcome has had its line: this is the summary. */
void
human_outcomes(struct output *output, const json_t *outcomes, const struct output_wish *wish)
{
	static const struct {
		const char *outcome, *text;
	} kinds[] = {
		{ "accepted", "accepted" },
		{ "read", "read by the host" },
		{ "none", "attached" },
		{ "detached", "detached" },
		{ "refused", "refused" },
		{ "timeout", "not in time" },
		{ "failed", "failed" },
	};
	const size_t total = json_array_size(outcomes);
	const char *separator = ": ";
	char number[HUMAN_SIZE];

	(void)wish;
	if (total < 2 || !output->has_legend || output->is_quiet)
		return;
	fputs(human_count(number, total, "slot"), output->out);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t i, count = 0;
		json_t *outcome;

		json_array_foreach (outcomes, i, outcome) {
			const char *what = field_text(outcome, "outcome");

			if (what != NULL && strcmp(what, kinds[k].outcome) == 0)
				count++;
		}
		if (count == 0)
			continue;
		fprintf(output->out, "%s%zu %s", separator, count, kinds[k].text);
		separator = ", ";
	}
	fputc('\n', output->out);
}
