/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nearest: the word that a mistyped one was probably meant to be. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * The candidate at the smallest edit distance from word, if that is at most a third of the word's
 * length (at least 1, at most 3); else NULL. Ties go to the first. Words above 64 characters have
 * none.
 */
const char *nearest(const char *word, const char *const *candidates, size_t count);

#endif
