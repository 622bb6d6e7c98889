/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb: what every verb needs: its command line, the daemon, the output; and the verbs themselves.
 */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/compiler.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/exitcode.h"
#include "ctl/output.h"

#define VERB_DEFAULT_SOCKET "/run/iusbd/org.iusbd"

enum {
	VERB_TIMEOUT = 30, /* seconds that a call may take that waits for nobody but the daemon */
};

struct verb {
	const struct command_line *line;
	struct output *output;
	FILE *in;           /* where the selector "-" reads */
	const char *socket; /* of the daemon */
};

/*
 * Calls a method that changes (or not) something. EXITCODE_DONE with *parameters, owned by the
 * caller; or the exit code of what went wrong, which has been said on the error stream.
 */
enum exitcode verb_call(struct verb *verb, const struct client_request *request, bool changes,
	json_t **parameters) MUST_CHECK;

/* Says what went wrong with a call and returns its exit code. */
enum exitcode verb_fail(struct verb *verb, enum client_status status,
	const struct client_reply *reply, bool changes);

/* Says that the command line is wrong; returns EXITCODE_USAGE. */
enum exitcode verb_usage(struct verb *verb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Says that an answer lacks what the interface promises; returns EXITCODE_FAILED. */
enum exitcode verb_bad_answer(struct verb *verb, const char *missing);

/*
 * The first count arguments as selectors, each "-" replaced by the words of standard input. NULL
 * after saying why; never empty unless count is 0.
 */
json_t *verb_selectors(struct verb *verb, unsigned count) MUST_CHECK;

/* Each returns an exit code (enum exitcode). */
int verb_status(struct verb *verb);   /* verb_status.c */
int verb_show(struct verb *verb);     /* verb_status.c */
int verb_targets(struct verb *verb);  /* verb_info.c */
int verb_images(struct verb *verb);   /* verb_info.c */
int verb_version(struct verb *verb);  /* verb_info.c */
int verb_help(struct verb *verb);     /* verb_info.c */
int verb_complete(struct verb *verb); /* verb_info.c */
int verb_probe(struct verb *verb);    /* verb_probe.c */
int verb_attach(struct verb *verb);   /* verb_attach.c */
int verb_swap(struct verb *verb);     /* verb_swap.c */
int verb_detach(struct verb *verb);   /* verb_attach.c */
int verb_reload(struct verb *verb);   /* verb_daemon.c */

#endif
