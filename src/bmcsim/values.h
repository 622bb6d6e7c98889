/* SPDX-License-Identifier: GPL-2.0-or-later */
/* values: numbers, seconds and switches that a person types. */
#ifndef BMCSIM_VALUES_H
#define BMCSIM_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

/* Each returns 0, or -1 with the reason and *out unchanged. */

/* A decimal number from min to max. */
int value_number(
	const char *text, uint32_t min, uint32_t max, uint32_t *out, struct reason *why) MUST_CHECK;

/* Seconds from min to a day, "0.5" as well. */
int value_seconds(const char *text, double min, double *out, struct reason *why) MUST_CHECK;

/* "on" or "off". */
int value_switch(const char *text, bool *out, struct reason *why) MUST_CHECK;

#endif
