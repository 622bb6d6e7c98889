/* SPDX-License-Identifier: GPL-2.0-or-later */
/* values: numbers, seconds and switches that a person types. */
#include "bmcsim/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECONDS_MAX = 86400,
};

int
value_number(const char *text, uint32_t min, uint32_t max, uint32_t *out, struct reason *why)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < min || value > max)
		return reason_set(
			why, "\"%s\" is no number from %" PRIu32 " to %" PRIu32, text, min, max);
	*out = (uint32_t)value;
	return 0;
}

int
value_seconds(const char *text, double min, double *out, struct reason *why)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end == text || *end || !(value >= min && value <= SECONDS_MAX))
		return reason_set(why, "\"%s\" is no number of seconds from %g to %d", text, min,
			SECONDS_MAX);
	*out = value;
	return 0;
}

int
value_switch(const char *text, bool *out, struct reason *why)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return reason_set(why, "\"%s\" is neither \"on\" nor \"off\"", text);
	*out = text[1] == 'n';
	return 0;
}
