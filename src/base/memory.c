/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory: allocations that cannot be done without. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must_have(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_new(size_t count, size_t size)
{
	return must_have(calloc(count ? count : 1, size));
}

void *
mem_resize(void *old, size_t count, size_t size)
{
	return must_have(reallocarray(old, count ? count : 1, size));
}

char *
mem_strdup(const char *text)
{
	return text ? must_have(strdup(text)) : NULL;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return must_have(n < 0 ? NULL : text);
}
