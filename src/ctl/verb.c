/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb: what every verb needs: its command line, the daemon, the output. */
#include "ctl/verb.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/field.h"

enum {
	INPUT_MAX = 1024 * 1024, /* bytes of selectors: what the daemon takes in one call */
	WORD_MAX = 1024,         /* bytes of one selector */
};

enum exitcode
verb_fail(struct verb *verb, enum client_status status, const struct client_reply *reply,
	bool changes)
{
	const json_t *errors = field_array(reply->parameters, "errors");
	json_t *error;
	size_t i;

	json_array_foreach (errors, i, error) {
		if (json_is_string(error))
			output_error(verb->output, "%s", json_string_value(error));
	}
	if (status == CLIENT_LOST && changes)
		output_error(verb->output, "%s; the outcome is unknown", reply->why.text);
	else
		output_error(verb->output, "%s", reply->why.text);
	if (status == CLIENT_ERROR)
		return exitcode_of_error(reply->error);
	return exitcode_of_client(status, changes);
}

enum exitcode
verb_call(
	struct verb *verb, const struct client_request *request, bool changes, json_t **parameters)
{
	struct client_reply reply = { 0 };
	enum client_status status;
	enum exitcode code = EXITCODE_DONE;
	struct client *client = client_open(verb->socket, VERB_TIMEOUT, &status, &reply.why);

	if (client != NULL)
		status = client_call(client, request, &reply);
	client_close(client);
	if (status == CLIENT_OK)
		*parameters = json_incref(reply.parameters);
	else
		code = verb_fail(verb, status, &reply, changes);
	client_reply_fini(&reply);
	return code;
}

enum exitcode
verb_usage(struct verb *verb, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len >= 0) {
		output_error(verb->output, "%s", text);
		free(text);
	}
	return EXITCODE_USAGE;
}

enum exitcode
verb_bad_answer(struct verb *verb, const char *missing)
{
	output_error(verb->output, "iusbd has answered without \"%s\"", missing);
	return EXITCODE_FAILED;
}

static bool
add_selector(struct verb *verb, json_t *selectors, const char *text)
{
	json_t *selector = json_string(text);

	if (selector == NULL) {
		verb_usage(verb, "the selector \"%s\" is not UTF-8", text);
		return false;
	}
	json_array_append_new(selectors, selector);
	return true;
}

/* The words of standard input; a NUL ends one, too (find -print0). */
static bool
read_selectors(struct verb *verb, json_t *selectors)
{
	const size_t before = json_array_size(selectors);
	size_t total = 0, len = 0;
	char word[WORD_MAX];

	for (int c = 0; c != EOF;) {
		c = fgetc(verb->in);
		if (c != EOF && strchr(" \t\r\n", c) == NULL) {
			word[len++] = (char)c;
			if (len == sizeof(word) || ++total > INPUT_MAX) {
				verb_usage(verb, "these are no selectors on standard input");
				return false;
			}
			continue;
		}
		word[len] = '\0';
		if (len > 0 && !add_selector(verb, selectors, word))
			return false;
		len = 0;
	}
	/* An empty list means everything to the daemon, which nobody meant. */
	if (json_array_size(selectors) == before) {
		verb_usage(verb, "there is no selector on standard input");
		return false;
	}
	return true;
}

json_t *
verb_selectors(struct verb *verb, unsigned count)
{
	json_t *selectors = json_array();

	for (unsigned i = 0; i < count; i++) {
		const char *argument = verb->line->arguments[i];

		if (!(strcmp(argument, "-") == 0 ? read_selectors(verb, selectors)
						 : add_selector(verb, selectors, argument))) {
			json_decref(selectors);
			return NULL;
		}
	}
	return selectors;
}
