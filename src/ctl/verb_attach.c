/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_attach: the verbs that change what is in the slots: attach, detach. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/strlist.h"
#include "ctl/field.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "ctl/verb.h"

static const double default_timeout = 30; /* seconds: the interface's own */
static const double timeout_max = 7 * 86400;
static const double margin = 10; /* seconds that the daemon gets on top of what it waits */

struct attach { /* one call of Attach or Detach under way */
	struct verb *verb;
	struct output_wish wish;
	const char *image; /* attach only */
	json_t *selectors;
	size_t total;        /* slots; 0: not known */
	double timeout;      /* seconds that the daemon waits */
	json_t *outcomes;    /* those that are known */
	struct strlist seen; /* their slots */
	struct progress progress;
};

/* Notes and prints an outcome, once for each slot. */
static void
take_outcome(struct attach *attach, json_t *outcome)
{
	const char *slot = field_text(outcome, "slot");

	if (slot != NULL && strlist_has(&attach->seen, slot))
		return;
	strlist_add(&attach->seen, slot == NULL ? "" : slot);
	json_array_append(attach->outcomes, outcome);
	progress_clear(&attach->progress);
	attach->verb->output->format->outcome(attach->verb->output, outcome, &attach->wish);
}

static void
take_answer(void *arg, const json_t *parameters)
{
	struct attach *attach = arg;
	json_t *outcome;
	size_t i;

	json_array_foreach (field_array(parameters, "outcomes"), i, outcome) {
		take_outcome(attach, outcome);
	}
}

/* What the selectors are called in a sentence: the first one, and that there are more. */
static const char *
first_selector(const struct attach *attach)
{
	const char *first = json_string_value(json_array_get(attach->selectors, 0));

	return first == NULL ? "" : first;
}

static const char *
others(const struct attach *attach)
{
	return json_array_size(attach->selectors) > 1 ? " ..." : "";
}

static void
show_progress(void *arg, double elapsed)
{
	struct attach *attach = arg;
	const size_t known = json_array_size(attach->outcomes);
	char now[HUMAN_SIZE], limit[HUMAN_SIZE], slots[HUMAN_SIZE];
	const char *verb = attach->wish.detach ? "detaching" : "attaching";

	human_age(now, elapsed);
	human_age(limit, attach->timeout);
	if (attach->total > 1)
		progress_show(&attach->progress, elapsed, "%s: %zu of %zu slots done, %s of %s",
			verb, known, attach->total, now, limit);
	else if (known > 0)
		progress_show(&attach->progress, elapsed, "%s: %s done, %s of %s", verb,
			human_count(slots, known, "slot"), now, limit);
	else
		progress_show(&attach->progress, elapsed, "%s %s%s, %s of %s", verb,
			first_selector(attach), others(attach), now, limit);
}

/* How many slots there will be, for the progress only: as many as targets, if no slots are named.
 */
static size_t
count_targets(struct client *client, json_t *selectors)
{
	struct client_request request = { .method = "org.iusbd.Targets", .timeout = VERB_TIMEOUT };
	struct client_reply reply = { 0 };
	json_t *selector;
	size_t i, count = 0;

	json_array_foreach (selectors, i, selector) {
		if (strchr(json_string_value(selector), '/') != NULL)
			return 0;
	}
	request.parameters = json_object();
	json_object_set(request.parameters, "selectors", selectors);
	if (client_call(client, &request, &reply) == CLIENT_OK)
		count = json_array_size(field_array(reply.parameters, "targets"));
	json_decref(request.parameters);
	client_reply_fini(&reply);
	return count;
}

/* True if the selectors may mean more than one slot, as far as one can tell without the daemon. */
static bool
may_be_many(json_t *selectors)
{
	return json_array_size(selectors) > 1 ||
	       strpbrk(json_string_value(json_array_get(selectors, 0)), "*?[@") != NULL;
}

static void
explain_interrupt(struct attach *attach)
{
	struct output *output = attach->verb->output;

	/* Behind the "^C" of the terminal, unless that goes with the progress. */
	if (output->err_is_terminal && !attach->progress.is_shown)
		fputc('\n', output->err);
	progress_clear(&attach->progress);
	if (attach->wish.detach)
		output_error(output, "interrupted; iusbd goes on detaching");
	else if (json_array_size(attach->selectors) == 1)
		output_error(output,
			"interrupted; %s stays attached and iusbd keeps trying: \"iusbctl detach "
			"%s\" takes it out",
			attach->image, first_selector(attach));
	else
		output_error(output,
			"interrupted; %s stays attached and iusbd keeps trying: \"iusbctl detach\" "
			"takes it out",
			attach->image);
}

/* Waits for all outcomes. EXITCODE_DONE if they are there, whatever they are. */
static enum exitcode
call(struct attach *attach, struct client_request *request)
{
	struct client_reply reply = { 0 };
	struct interrupt interrupt;
	enum client_status status;
	enum exitcode code = EXITCODE_DONE;
	struct client *client =
		client_open(attach->verb->socket, VERB_TIMEOUT, &status, &reply.why);

	if (client == NULL)
		return verb_fail(attach->verb, status, &reply, true);
	if (!attach->wish.detach && may_be_many(attach->selectors))
		attach->total = count_targets(client, attach->selectors);
	interrupt_catch(&interrupt);
	request->more = !attach->wish.detach;
	request->arg = attach;
	request->on_answer = take_answer;
	request->on_tick = show_progress;
	request->interrupt = &interrupt;
	status = client_call(client, request, &reply);
	if (status != CLIENT_INTERRUPTED)
		progress_clear(&attach->progress);
	if (status == CLIENT_OK && field_array(reply.parameters, "outcomes") == NULL) {
		code = verb_bad_answer(attach->verb, "outcomes");
	} else if (status == CLIENT_OK) {
		take_answer(attach, reply.parameters);
	} else if (status == CLIENT_INTERRUPTED) {
		explain_interrupt(attach);
		code = exitcode_of_client(status, true);
	} else {
		code = verb_fail(attach->verb, status, &reply, true);
	}
	interrupt_release(&interrupt);
	client_reply_fini(&reply);
	client_close(client);
	return code;
}

/* Calls and prints; takes request->parameters. */
static enum exitcode
run(struct attach *attach, struct client_request *request)
{
	struct output *output = attach->verb->output;
	enum exitcode code;

	attach->outcomes = json_array();
	progress_init(&attach->progress, output);
	request->timeout = attach->timeout + margin;
	json_object_set(request->parameters, "selectors", attach->selectors);
	code = call(attach, request);
	if (code == EXITCODE_DONE || json_array_size(attach->outcomes) > 0)
		output->format->outcomes(output, attach->outcomes, &attach->wish);
	if (code == EXITCODE_DONE)
		code = exitcode_of_outcomes(attach->outcomes, attach->wish.detach);
	json_decref(request->parameters);
	json_decref(attach->outcomes);
	json_decref(attach->selectors);
	strlist_fini(&attach->seen);
	return code;
}

/* Sets *seconds to the value of --timeout; false if it is no number of seconds. */
static bool
parse_seconds(const char *text, double *seconds)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	if (strpbrk(text, "xX") != NULL)
		return false;
	*seconds = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*seconds) && *seconds > 0 &&
	       *seconds <= timeout_max;
}

int
verb_attach(struct verb *verb)
{
	static const char *const passed[] = { "device", "mode", "wait" };
	const unsigned count = verb->line->argument_count;
	const char *timeout = command_value(verb->line, "timeout");
	struct client_request request = { .method = "org.iusbd.Attach" };
	struct attach attach = {
		.verb = verb,
		.wish.wait = command_value(verb->line, "wait"),
		.image = verb->line->arguments[count - 1],
		.timeout = default_timeout,
	};
	json_t *image;

	if (timeout != NULL && !parse_seconds(timeout, &attach.timeout))
		return verb_usage(
			verb, "--timeout is \"%s\", and must be seconds above 0", timeout);
	image = json_string(attach.image);
	if (image == NULL)
		return verb_usage(verb, "the name of the image is not UTF-8");
	attach.selectors = verb_selectors(verb, count - 1);
	if (attach.selectors == NULL) {
		json_decref(image);
		return EXITCODE_USAGE;
	}
	request.parameters = json_object();
	json_object_set_new(request.parameters, "image", image);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = command_value(verb->line, passed[i]);

		if (value != NULL)
			json_object_set_new(request.parameters, passed[i], json_string(value));
	}
	json_object_set_new(request.parameters, "timeout", json_real(attach.timeout));
	return run(&attach, &request);
}

int
verb_detach(struct verb *verb)
{
	struct client_request request = { .method = "org.iusbd.Detach" };
	struct attach attach = {
		.verb = verb,
		.wish.detach = true,
		.timeout = VERB_TIMEOUT - margin,
		.selectors = verb_selectors(verb, verb->line->argument_count),
	};

	if (attach.selectors == NULL)
		return EXITCODE_USAGE;
	request.parameters = json_object();
	return run(&attach, &request);
}
