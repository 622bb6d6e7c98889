/* SPDX-License-Identifier: GPL-2.0-or-later */
/* style: colours by meaning, and the states of a slot with theirs. */
#include "ctl/style.h"

#include <string.h>

#include "base/compiler.h"

static const char *const sequences[] = {
	[STYLE_PLAIN] = "",
	[STYLE_TITLE] = "\033[1m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_MOVING] = "\033[36m",
	[STYLE_WARNING] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_DIM] = "\033[90m",
};

const char *const style_end = "\033[0m";

static const struct style_state states[] = {
	{ "serving", "serving", STYLE_GOOD },
	{ "login", "in login", STYLE_MOVING },
	{ "connecting", "connecting", STYLE_MOVING },
	{ "securing", "securing", STYLE_MOVING },
	{ "authenticating", "authenticating", STYLE_MOVING },
	{ "backoff", "in backoff", STYLE_WARNING },
	{ "ejected", "ejected", STYLE_WARNING },
	{ "idle", "idle", STYLE_DIM },
};

const char *
style_sequence(enum style style)
{
	return sequences[style];
}

const struct style_state *
style_state_at(size_t i)
{
	return i < ARRAY_SIZE(states) ? &states[i] : NULL;
}

enum style
style_of_state(const char *name)
{
	const struct style_state *state;

	for (size_t i = 0; name != NULL && (state = style_state_at(i)) != NULL; i++) {
		if (strcmp(state->name, name) == 0)
			return state->style;
	}
	return STYLE_PLAIN;
}
