/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason: why something failed, in words that an operator can act on. */
#ifndef BASE_REASON_H
#define BASE_REASON_H

#include "base/compiler.h"

/* Embedded by value and copied freely; always NUL terminated. Empty text means "no reason". */
struct reason {
	char text[240];
};

/*
 * Formats the reason; text that does not fit is cut. Control characters (a peer or a file may
 * have supplied some of the text) become '?'. Returns -1, so that a failing function can say
 * `return reason_set(why, ...)`. A null why is allowed and ignored.
 */
int reason_set(struct reason *why, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Makes the reason empty. */
void reason_clear(struct reason *why);

#endif
