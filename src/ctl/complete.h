/* SPDX-License-Identifier: GPL-2.0-or-later */
/* complete: what may stand where the cursor is, from the table of verbs. */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include <stddef.h>

#include "base/strlist.h"

/*
 * Appends what the last of count words (behind "iusbctl"; "" where nothing is typed yet) may
 * become: a verb, an option, the value of an option. Names of targets and images are not in the
 * table and not among them.
 */
void complete_words(const char *const words[], size_t count, struct strlist *out);

#endif
