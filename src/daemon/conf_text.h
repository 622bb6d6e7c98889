/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_text: the text of the configuration, its @include lines replaced by the files they name.
 *
 * libconfig reads includes itself only since 1.7 with patterns, and never tells an included list
 * from a repeated one. So its text is put together here: an include between two settings begins a
 * piece of its own, which libconfig reads for itself (a file in targets.d/ may have its own
 * "targets = (...)"); an include within a list or group is text in its place.
 */
#ifndef DAEMON_CONF_TEXT_H
#define DAEMON_CONF_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/conf_error.h"

/* What stands in a piece for a number that is too large for libconfig; the error is there already.
 */
#define CONF_TOO_LARGE      INT_MIN
#define CONF_TOO_LARGE_TEXT "-2147483648"

struct conf_piece {
	char *data; /* NUL terminated, owned */
	size_t len, room;
	size_t first; /* the place of its line 1; the next lines have the next places */
	size_t lines;
	bool is_broken; /* an error was found that libconfig would only find again */
};

/* Zero-initialised = empty. */
struct conf_text {
	struct conf_piece *pieces;
	size_t count;
};

/*
 * Reads the file and all it includes. Errors: files that cannot be read or include themselves,
 * what is not text, strings, comments and brackets that are not closed, numbers that libconfig
 * would take for others.
 */
void conf_text_read(struct conf_text *text, const char *path, struct conf_errors *errors);

/* Line number line (from 1) of a piece, without blanks around it, cut to a readable length. Owned
 * by the caller. */
char *conf_text_line(const struct conf_piece *piece, size_t line) MUST_CHECK;

void conf_text_fini(struct conf_text *text);

#endif
