/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_probe: the verb that looks at a BMC: probe. */
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/memory.h"
#include "ctl/field.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "ctl/verb.h"

/* Seconds: each part has its limit in the daemon; a login for each slot takes longest. */
static const double probe_timeout = 90, slots_timeout = 300;

struct probe { /* one look under way */
	struct verb *verb;
	const char *what; /* the argument */
	char *doing;      /* the daemon's last word about it, or NULL */
	struct progress progress;
};

static void
take_answer(void *arg, const json_t *parameters)
{
	struct probe *probe = arg;
	const char *text = field_text(parameters, "progress");

	if (text == NULL)
		return;
	free(probe->doing);
	probe->doing = mem_strdup(text);
}

static void
show_progress(void *arg, double elapsed)
{
	struct probe *probe = arg;
	char time[HUMAN_SIZE];

	progress_show(&probe->progress, elapsed, "probing %s: %s, %s", probe->what,
		probe->doing == NULL ? "asking iusbd" : probe->doing, human_age(time, elapsed));
}

/* One call of Probe; key is "target" or "address". */
static enum client_status
call(struct probe *probe, struct client *client, const char *key, const struct interrupt *interrupt,
	struct client_reply *reply)
{
	const bool has_slots = command_value(probe->verb->line, "slots") != NULL;
	const bool trusts = command_value(probe->verb->line, "trust") != NULL;
	const struct client_request request = {
		.method = "org.iusbd.Probe",
		.parameters = json_pack("{s:s, s:b, s:b}", key, probe->what, "slots",
			(int)has_slots, "trust", (int)trusts),
		.timeout = has_slots ? slots_timeout : probe_timeout,
		.more = true,
		.arg = probe,
		.on_answer = take_answer,
		.on_tick = show_progress,
		.interrupt = interrupt,
	};
	enum client_status status = client_call(client, &request, reply);

	json_decref(request.parameters);
	return status;
}

static bool
is_no_target(enum client_status status, const struct client_reply *reply)
{
	return status == CLIENT_ERROR && strcmp(reply->error, "org.iusbd.NoSuchTarget") == 0;
}

/* The argument as a target, or else as an address. What is neither leaves both reasons. */
static enum client_status
call_either(struct probe *probe, struct client *client, const struct interrupt *interrupt,
	struct client_reply *reply)
{
	enum client_status status = call(probe, client, "target", interrupt, reply);
	struct client_reply first = *reply;

	if (!is_no_target(status, reply))
		return status;
	*reply = (struct client_reply){ 0 };
	status = call(probe, client, "address", interrupt, reply);
	if (is_no_target(status, reply)) {
		progress_clear(&probe->progress);
		output_error(probe->verb->output, "%s", first.why.text);
	}
	client_reply_fini(&first);
	return status;
}

static bool
is_any_trusted(const json_t *report)
{
	json_t *certificate;
	size_t i;

	json_array_foreach (field_array(report, "certificates"), i, certificate) {
		if (field_is_true(certificate, "trusted"))
			return true;
	}
	return false;
}

/* Prints the report; what it says about the wish. */
static enum exitcode
print(struct probe *probe, const json_t *report)
{
	struct output *output = probe->verb->output;

	output->format->probe(output, report);
	if (!field_is_true(report, "found")) {
		output_error(output, "nothing answers at %s", probe->what);
		return EXITCODE_FAILED;
	}
	if (command_value(probe->verb->line, "trust") != NULL && !is_any_trusted(report)) {
		output_error(output, "%s has shown no certificate: none is pinned", probe->what);
		return EXITCODE_FAILED;
	}
	return EXITCODE_DONE;
}

static enum exitcode
run(struct probe *probe)
{
	struct client_reply reply = { 0 };
	struct interrupt interrupt;
	enum client_status status;
	enum exitcode code;
	struct client *client = client_open(probe->verb->socket, VERB_TIMEOUT, &status, &reply.why);

	if (client == NULL)
		return verb_fail(probe->verb, status, &reply, false);
	interrupt_catch(&interrupt);
	status = call_either(probe, client, &interrupt, &reply);
	progress_clear(&probe->progress);
	if (status != CLIENT_OK)
		code = verb_fail(probe->verb, status, &reply, false);
	else if (!json_is_object(json_object_get(reply.parameters, "report")))
		code = verb_bad_answer(probe->verb, "report");
	else
		code = print(probe, json_object_get(reply.parameters, "report"));
	interrupt_release(&interrupt);
	client_reply_fini(&reply);
	client_close(client);
	return code;
}

int
verb_probe(struct verb *verb)
{
	struct probe probe = { .verb = verb, .what = verb->line->arguments[0] };
	json_t *what = json_string(probe.what);
	enum exitcode code;

	if (what == NULL)
		return verb_usage(verb, "\"%s\" is not UTF-8", probe.what);
	json_decref(what);
	progress_init(&probe.progress, verb->output);
	code = run(&probe);
	free(probe.doing);
	return code;
}
