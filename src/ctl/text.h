/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text: text from elsewhere (names, reasons) made safe for a terminal, measured, cut and wrapped.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stddef.h>

#include "base/compiler.h"

/*
 * A copy in which everything that could move the cursor, change the colour or the direction of
 * writing, or that the locale cannot show, is written as "\xNN" byte by byte. A null text gives
 * "-". Owned by the caller.
 */
char *text_safe(const char *text) MUST_CHECK;

/* Columns that a safe text takes on a terminal. */
size_t text_width(const char *text);

/* A copy that takes at most width columns (1 or more): where it was longer, an ellipsis stands for
 * its beginning. */
char *text_keep_end(const char *text, size_t width) MUST_CHECK;

/* The same for its end. */
char *text_keep_start(const char *text, size_t width) MUST_CHECK;

/* A copy broken by '\n' into lines of at most width columns (1 or more), at spaces where there are
 * any. */
char *text_wrap(const char *text, size_t width) MUST_CHECK;

#endif
