/* SPDX-License-Identifier: GPL-2.0-or-later */
/* params: the parameters of a call, checked against a table. */
#ifndef DAEMON_PARAMS_H
#define DAEMON_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "daemon/varlink.h"

enum param_type {
	PARAM_STRING,  /* const char * */
	PARAM_STRINGS, /* struct param_strings */
	PARAM_NUMBER,  /* double */
	PARAM_BOOL,    /* bool */
};

struct param_strings { /* the array is the caller's, freed with free(); the strings are not */
	const char **items;
	size_t count;
};

struct param {
	const char *name;
	enum param_type type;
	bool is_required;
	void *out; /* not touched if an optional parameter is missing or null */
};

/*
 * Reads the parameters of a call. If one has the wrong type, is missing, or is in no row, the call
 * is answered with org.varlink.service.InvalidParameter, nothing is left to free, and the result is
 * false. Strings live as long as parameters.
 */
bool params_read(struct varlink_call *call, json_t *parameters, const struct param *params,
	size_t count) MUST_CHECK;

#endif
