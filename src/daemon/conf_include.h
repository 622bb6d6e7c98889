/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_include: finds and reads the files that make up the configuration. */
#ifndef DAEMON_CONF_INCLUDE_H
#define DAEMON_CONF_INCLUDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/strlist.h"

enum {
	CONF_BYTES_MAX = 64 << 20, /* of one file, and of all of them together */
};

struct conf_file {
	char *data; /* NUL terminated, owned */
	size_t len;
	dev_t dev;
	ino_t ino;
};

/*
 * Appends the paths that an @include of the file `from` stands for: relative ones are looked up in
 * its directory; a pattern (* ? [...]) gives its matches sorted by name, maybe none. Returns -1
 * with the reason if a directory cannot be read.
 */
int conf_include_find(
	const char *from, const char *name, struct strlist *paths, struct reason *why) MUST_CHECK;

/* Reads a whole file. is_included: only a regular file will do. Returns -1 with the reason. */
int conf_include_read(
	const char *path, bool is_included, struct conf_file *out, struct reason *why) MUST_CHECK;

#endif
