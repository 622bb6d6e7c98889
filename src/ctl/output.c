/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output: the streams that results go to, and lines on them. */
#include "ctl/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "ctl/text.h"

static bool
is_terminal(FILE *stream)
{
	int fd = fileno(stream);

	return fd >= 0 && isatty(fd) == 1;
}

/* Columns of the terminal at the stream; 0 if there is none. */
static size_t
terminal_width(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long n;

	if (!is_terminal(stream))
		return 0;
	if (columns != NULL && (n = strtoul(columns, NULL, 10)) > 0 && n < 10000)
		return n;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

static bool
wants_color(FILE *stream, const char *color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (strcmp(color, "auto") != 0)
		return strcmp(color, "always") == 0;
	return is_terminal(stream) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

void
output_init(struct output *output, FILE *out, FILE *err, const char *color)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*output = (struct output){
		.format = &output_human,
		.out = out,
		.err = err,
		.has_legend = true,
		.has_color = wants_color(out, color),
		.err_is_terminal = is_terminal(err),
		.width = terminal_width(out),
		.err_width = terminal_width(err),
		.now = (double)now.tv_sec + (double)now.tv_nsec / 1e9,
	};
}

static char *safe_format(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static char *
safe_format(const char *fmt, va_list args)
{
	char *text, *safe;

	if (vasprintf(&text, fmt, args) < 0)
		return mem_strdup("out of memory");
	safe = text_safe(text);
	free(text);
	return safe;
}

void
output_line(struct output *output, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = safe_format(fmt, args);
	va_end(args);
	fprintf(output->out, "%s\n", text);
	free(text);
}

void
output_text(struct output *output, enum style style, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = safe_format(fmt, args);
	va_end(args);
	if (output->has_color && style != STYLE_PLAIN)
		fprintf(output->out, "%s%s%s", style_sequence(style), text, style_end);
	else
		fputs(text, output->out);
	free(text);
}

void
output_error(struct output *output, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = safe_format(fmt, args);
	va_end(args);
	/* In the order of events where both streams are one file. */
	fflush(output->out);
	fprintf(output->err, "iusbctl: %s\n", text);
	free(text);
}

bool
output_finish(struct output *output)
{
	bool had_error = ferror(output->out) != 0;

	if (fflush(output->out) == 0 && !had_error)
		return true;
	output_error(output, "cannot write the result: %s", strerror(errno));
	return false;
}
