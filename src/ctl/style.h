/* SPDX-License-Identifier: GPL-2.0-or-later */
/* style: colours by meaning, and the states of a slot with theirs. */
#ifndef CTL_STYLE_H
#define CTL_STYLE_H

#include <stddef.h>

enum style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_GOOD,    /* as it should be */
	STYLE_MOVING,  /* on its way there */
	STYLE_WARNING, /* not as it should be; something is being done about it */
	STYLE_BAD,     /* somebody has to do something about it */
	STYLE_DIM,     /* nothing to look at */
};

struct style_state {
	const char *name;  /* as the daemon calls it */
	const char *count; /* behind a number: "2 in backoff" */
	enum style style;
};

/* The sequence that switches a terminal to the style; "" for STYLE_PLAIN. */
const char *style_sequence(enum style style);

/* The sequence that ends any style. */
extern const char *const style_end;

/* Row i of the states in the order of a summary, NULL behind the last. */
const struct style_state *style_state_at(size_t i);

/* The style of a state's name; STYLE_PLAIN for a state that nobody knows. */
enum style style_of_state(const char *name);

#endif
