/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flags: sets of words that a person types, as bits. */
#ifndef BMCSIM_FLAGS_H
#define BMCSIM_FLAGS_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

/* The words of a set, in the order of their bits. */
struct flags {
	const char *what; /* "quirk", for messages */
	const char *const *words;
	size_t count;
};

/*
 * Reads "all", "none", or words with commas between, each with a '-' before it to take it away;
 * a list that begins with such a one takes away from all: "split,coalesce", "-split". 0, or -1 with
 * the reason and *out unchanged.
 */
int flags_parse(
	const struct flags *flags, const char *text, unsigned *out, struct reason *why) MUST_CHECK;

#endif
