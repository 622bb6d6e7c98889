/* SPDX-License-Identifier: GPL-2.0-or-later */
/* progress: how far long work has come: a line that is written over on a terminal, a line every few
 * seconds elsewhere. */
#include "ctl/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/text.h"

static const double interval = 5; /* seconds between two lines where there is no terminal */
static const double patience = 1; /* seconds of work that a terminal is told nothing about */

void
progress_init(struct progress *progress, struct output *output)
{
	*progress = (struct progress){ .output = output, .next = interval };
}

static void
show_on_terminal(struct progress *progress, const char *text)
{
	const struct output *output = progress->output;
	char *line = text_keep_start(text, output->err_width > 1 ? output->err_width - 1 : 1);

	fflush(output->out);
	fprintf(output->err, "\r%s\033[K", line);
	fflush(output->err);
	free(line);
	progress->is_shown = true;
}

void
progress_show(struct progress *progress, double elapsed, const char *fmt, ...)
{
	struct output *output = progress->output;
	char *text, *safe;
	va_list args;
	int len;

	if (output->is_quiet || elapsed < (output->err_is_terminal ? patience : progress->next))
		return;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	safe = text_safe(text);
	if (output->err_is_terminal)
		show_on_terminal(progress, safe);
	else
		fprintf(output->err, "iusbctl: %s\n", safe);
	progress->next = elapsed + interval;
	free(safe);
	free(text);
}

void
progress_clear(struct progress *progress)
{
	if (!progress->is_shown)
		return;
	fputs("\r\033[K", progress->output->err);
	fflush(progress->output->err);
	progress->is_shown = false;
}
