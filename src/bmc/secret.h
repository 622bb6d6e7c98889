/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret: passwords and ready-made tokens: where they are kept, and how they leave the memory. */
#ifndef BMC_SECRET_H
#define BMC_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

enum {
	SECRET_MAX = 128, /* bytes of a password */
};

/*
 * Reads the first line (without its end) of a regular file, or of a systemd credential:
 * "credential:NAME" is $CREDENTIALS_DIRECTORY/NAME. out has room for max bytes and a NUL. Returns
 * 0, or -1 with a reason that names the place and never what is in it: it cannot be read, is empty,
 * has a NUL, is longer than max. A file that group or others can read is warned of in the log,
 * unless *is_warned; that is set then. The caller erases out with secret_erase().
 */
int secret_read(
	const char *where, char *out, size_t max, bool *is_warned, struct reason *why) MUST_CHECK;

/* Zeroes memory, whatever the optimiser thinks of it. */
void secret_erase(void *memory, size_t size);

/* As free(), for a heap string that is a secret: erased first. NULL is allowed. */
void secret_free(char *text);

#endif
