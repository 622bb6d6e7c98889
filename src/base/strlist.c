/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strlist: a growing list of strings that owns its strings. */
#include "base/strlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void
push(struct strlist *list, char *text)
{
	if (list->count + 1 >= list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->items = mem_resize(list->items, list->room, sizeof(*list->items));
	}
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void
strlist_add(struct strlist *list, const char *text)
{
	push(list, mem_strdup(text));
}

void
strlist_addf(struct strlist *list, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = mem_strdup("out of memory");
	va_end(ap);
	push(list, text);
}

bool
strlist_has(const struct strlist *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

void
strlist_fini(struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strlist){ 0 };
}
