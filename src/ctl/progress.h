/* SPDX-License-Identifier: GPL-2.0-or-later */
/* progress: how far long work has come: a line that is written over on a terminal, a line every few
 * seconds elsewhere. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "ctl/output.h"

struct progress { /* initialised by progress_init() */
	struct output *output;
	double next; /* seconds of work after which the next line is due (no terminal) */
	bool is_shown;
};

/* On the error stream of the output; nothing at all if that is quiet. */
void progress_init(struct progress *progress, struct output *output);

/* Says how it stands after that many seconds of work; made safe. To be called often. */
void progress_show(struct progress *progress, double elapsed, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Makes room for other lines; the next progress_show() shows again. */
void progress_clear(struct progress *progress);

#endif
