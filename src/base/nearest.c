/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nearest: the word that a mistyped one was probably meant to be. */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

enum {
	WORD_MAX = 64,
	DISTANCE_MAX = 3,
};

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: insertions, deletions, changes, and swaps of neighbours. */
static size_t
distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= bn; j++)
		last[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			bool is_same = a[i - 1] == b[j - 1];

			row[j] = min3(row[j - 1] + 1, last[j] + 1, last[j - 1] + !is_same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[bn];
}

const char *
nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t len = strlen(word);
	size_t best = len / 3 < 1 ? 1 : len / 3;
	const char *found = NULL;

	if (len > WORD_MAX)
		return NULL;
	if (best > DISTANCE_MAX)
		best = DISTANCE_MAX;
	best++;
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(candidates[i]);
		size_t d = n > WORD_MAX ? best : distance(word, len, candidates[i], n);

		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
