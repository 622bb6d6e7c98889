/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_error: places in the configuration's files, and what is wrong there, in the order of the
 * file. */
#ifndef DAEMON_CONF_ERROR_H
#define DAEMON_CONF_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/strlist.h"

struct conf_place {  /* a line; includes stand where they are included */
	size_t file; /* index into files */
	unsigned line;
};

struct conf_error {
	size_t place;
	size_t number; /* errors at one place stay in the order they were found */
	char *text;    /* owned */
};

/* Zero-initialised = no places and no errors. */
struct conf_errors {
	struct strlist files;
	struct conf_place *places; /* index = place */
	size_t place_count;
	struct conf_error *items;
	size_t count;
};

/* Makes a file known and returns its index. */
size_t conf_errors_file(struct conf_errors *errors, const char *path);

/* The next place: a line of a file (line 0: the file as a whole). Places rise as the text is read.
 */
size_t conf_errors_place(struct conf_errors *errors, size_t file, unsigned line);

/* One more error. */
void conf_error(struct conf_errors *errors, size_t place, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* "file:line" of a place, for texts that refer to another one. Owned by the caller. */
char *conf_errors_where(const struct conf_errors *errors, size_t place) MUST_CHECK;

/* Appends all errors as "file:line: text" to out, sorted by place. They are UTF-8; any other byte
 * and control characters have become '?'. */
void conf_errors_list(struct conf_errors *errors, struct strlist *out);

void conf_errors_fini(struct conf_errors *errors);

/* Makes room for element number count of an array that has count elements, and zeroes it. */
void *conf_grow(void *array, size_t count, size_t size) MUST_CHECK;

#endif
