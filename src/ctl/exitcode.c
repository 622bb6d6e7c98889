/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exitcode: the exit status of the tool (iusbctl(1), EXIT STATUS) and what leads to which. */
#include "ctl/exitcode.h"

#include <string.h>

#include "base/compiler.h"
#include "ctl/field.h"

static const struct {
	const char *error;
	enum exitcode code;
} error_codes[] = {
	{ "NoSuchTarget", EXITCODE_NOT_FOUND },
	{ "NoSuchImage", EXITCODE_NOT_FOUND },
	{ "NoSuchDevice", EXITCODE_NOT_FOUND },
	{ "NotAllowed", EXITCODE_NOT_ALLOWED },
	{ "PermissionDenied", EXITCODE_NOT_ALLOWED },
	{ "InvalidParameter", EXITCODE_USAGE },
	{ "InUse", EXITCODE_FAILED },
	{ "Busy", EXITCODE_FAILED },
	{ "NotAttached", EXITCODE_FAILED },
	{ "NotSupported", EXITCODE_FAILED },
	{ "BadConfig", EXITCODE_FAILED },
	{ "NotFlushed", EXITCODE_FAILED },
	{ "Store", EXITCODE_FAILED },
	{ "Stopping", EXITCODE_FAILED },
};

enum exitcode
exitcode_of_error(const char *name)
{
	const char *dot;

	if (name == NULL)
		return EXITCODE_FAILED;
	dot = strrchr(name, '.');
	if (dot != NULL)
		name = dot + 1;
	for (size_t i = 0; i < ARRAY_SIZE(error_codes); i++) {
		if (strcmp(error_codes[i].error, name) == 0)
			return error_codes[i].code;
	}
	return EXITCODE_FAILED;
}

enum exitcode
exitcode_of_client(enum client_status status, bool changes)
{
	switch (status) {
	case CLIENT_OK:
		return EXITCODE_DONE;
	case CLIENT_UNREACHABLE:
		return EXITCODE_NO_DAEMON;
	case CLIENT_NOT_ALLOWED:
		return EXITCODE_NOT_ALLOWED;
	case CLIENT_LOST:
		return changes ? EXITCODE_TIMEOUT : EXITCODE_NO_DAEMON;
	case CLIENT_TIMEOUT:
	case CLIENT_INTERRUPTED:
		return EXITCODE_TIMEOUT;
	case CLIENT_ERROR:
	case CLIENT_GARBAGE:
		break;
	}
	return EXITCODE_FAILED;
}

enum exitcode
exitcode_of_outcome(const json_t *outcome, bool detach)
{
	const char *what = field_text(outcome, "outcome");

	if (what == NULL)
		return EXITCODE_FAILED;
	if (strcmp(what, "detached") == 0)
		return detach ? EXITCODE_DONE : EXITCODE_FAILED;
	if (strcmp(what, "accepted") == 0 || strcmp(what, "read") == 0 ||
		strcmp(what, "none") == 0 || strcmp(what, "swapped") == 0)
		return detach ? EXITCODE_FAILED : EXITCODE_DONE;
	if (strcmp(what, "refused") == 0)
		return EXITCODE_REFUSED;
	if (strcmp(what, "timeout") == 0)
		return EXITCODE_TIMEOUT;
	return exitcode_of_error(field_text(outcome, "error"));
}

enum exitcode
exitcode_of_outcomes(const json_t *outcomes, bool detach)
{
	size_t i, done = 0;
	json_t *outcome;
	enum exitcode common = EXITCODE_DONE;

	json_array_foreach (outcomes, i, outcome) {
		enum exitcode code = exitcode_of_outcome(outcome, detach);

		if (code == EXITCODE_DONE)
			done++;
		else if (common == EXITCODE_DONE)
			common = code;
		else if (common != code)
			common = EXITCODE_FAILED;
	}
	if (common != EXITCODE_DONE && done > 0)
		return EXITCODE_PARTIAL;
	return common;
}
