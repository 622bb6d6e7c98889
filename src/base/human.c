/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human: bytes, rates, times and counts as a person reads them. */
#include "base/human.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/compiler.h"

/* Three digits at most: "9.8", "98", "980". */
static void
digits(char *out, size_t size, double value)
{
	snprintf(out, size, value < 9.95 ? "%.1f" : "%.0f", value);
}

const char *
human_bytes(char out[HUMAN_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	char number[16];
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(out, HUMAN_SIZE, "%" PRIu64 " B", bytes);
		return out;
	}
	while (value >= 999.5 && i + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		i++;
	}
	digits(number, sizeof(number), value);
	snprintf(out, HUMAN_SIZE, "%s %s", number, units[i]);
	return out;
}

const char *
human_rate(char out[HUMAN_SIZE], double bytes_per_second)
{
	char number[HUMAN_SIZE];

	if (!(bytes_per_second >= 1))
		snprintf(out, HUMAN_SIZE, "-");
	else
		snprintf(out, HUMAN_SIZE, "%.24s/s",
			human_bytes(number, (uint64_t)bytes_per_second));
	return out;
}

const char *
human_age(char out[HUMAN_SIZE], double seconds)
{
	if (!(seconds >= 1))
		snprintf(out, HUMAN_SIZE, "now");
	else if (seconds < 60)
		snprintf(out, HUMAN_SIZE, "%d s", (int)seconds);
	else if (seconds < 3600)
		snprintf(out, HUMAN_SIZE, "%d min", (int)(seconds / 60));
	else if (seconds < 86400)
		snprintf(out, HUMAN_SIZE, "%d h", (int)(seconds / 3600));
	else
		snprintf(out, HUMAN_SIZE, "%d d",
			seconds < 86400e5 ? (int)(seconds / 86400) : 100000);
	return out;
}

const char *
human_duration(char out[HUMAN_SIZE], double seconds)
{
	char number[16];

	if (seconds < 0)
		seconds = 0;
	if (seconds < 0.9995e-3)
		snprintf(out, HUMAN_SIZE, "%.0f us", seconds * 1e6);
	else if (seconds < 0.9995) {
		digits(number, sizeof(number), seconds * 1e3);
		snprintf(out, HUMAN_SIZE, "%s ms", number);
	} else {
		digits(number, sizeof(number), seconds);
		snprintf(out, HUMAN_SIZE, "%s s", number);
	}
	return out;
}

const char *
human_count(char out[HUMAN_SIZE], uint64_t count, const char *noun)
{
	snprintf(out, HUMAN_SIZE, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
	return out;
}
