/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strlist: a growing list of strings that owns its strings. */
#ifndef BASE_STRLIST_H
#define BASE_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* Zero-initialised = empty. items[count] is NULL whenever items is set. */
struct strlist {
	char **items;
	size_t count;
	size_t room;
};

/* Appends a copy of text. */
void strlist_add(struct strlist *list, const char *text);

/* Appends a formatted string. */
void strlist_addf(struct strlist *list, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* True if one of the strings equals text. */
bool strlist_has(const struct strlist *list, const char *text);

/* Frees the strings; the list is empty and usable again. */
void strlist_fini(struct strlist *list);

#endif
