/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason: why something failed, in words. */
#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>

int
reason_set(struct reason *why, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return -1;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	for (char *p = why->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return -1;
}

void
reason_clear(struct reason *why)
{
	why->text[0] = '\0';
}
