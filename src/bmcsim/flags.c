/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flags: sets of words that a person types, as bits. */
#include "bmcsim/flags.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"

static unsigned
all_of(const struct flags *flags)
{
	return (1U << flags->count) - 1;
}

/* The bits that one word of a list stands for, 0 for an unknown word. */
static unsigned
bits_of(const struct flags *flags, const char *word)
{
	if (strcmp(word, "all") == 0)
		return all_of(flags);
	for (size_t bit = 0; bit < flags->count; bit++) {
		if (strcmp(word, flags->words[bit]) == 0)
			return 1U << bit;
	}
	return 0;
}

static int
unknown(const struct flags *flags, const char *word, struct reason *why)
{
	const char *meant = nearest(word, flags->words, flags->count);

	if (meant)
		return reason_set(
			why, "no %s \"%s\": did you mean \"%s\"?", flags->what, word, meant);
	return reason_set(why, "no %s \"%s\"", flags->what, word);
}

int
flags_parse(const struct flags *flags, const char *text, unsigned *out, struct reason *why)
{
	unsigned found = text[0] == '-' ? all_of(flags) : 0;
	char *copy, *rest, *word;
	int result = 0;

	if (strcmp(text, "none") == 0) {
		*out = 0;
		return 0;
	}
	copy = rest = mem_strdup(text);
	while (result == 0 && (word = strsep(&rest, ","))) {
		bool is_minus = word[0] == '-';
		unsigned bits = bits_of(flags, word + is_minus);

		if (bits == 0)
			result = unknown(flags, word + is_minus, why);
		found = is_minus ? found & ~bits : found | bits;
	}
	free(copy);
	if (result == 0)
		*out = found;
	return result;
}
