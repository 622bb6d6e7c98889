/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backoff: how long to wait before the next attempt: full jitter, doubling to a ceiling. Pure. */
#ifndef BMC_BACKOFF_H
#define BMC_BACKOFF_H

#include <stdint.h>

#include "bmc/failure.h"

struct backoff {
	double min, max;   /* seconds, 0 < min <= max */
	unsigned attempts; /* failures in a row */
};

/*
 * The delay in seconds after one more failure of this kind. Counts the attempt first:
 * floor = max(min, min_delay of the policy), top = max(max, max_delay of the policy, floor),
 * ceiling = min(top, floor * 2^attempts), delay = floor + random * (ceiling - floor), where random
 * is a fraction in [0, 1). So the policy's delay holds even if the configured maximum is smaller:
 * a BMC that said "in use" is not asked again every second.
 */
double backoff_next(struct backoff *backoff, enum failure failure, double random);

/* After a success: the next failure starts from the beginning. */
void backoff_reset(struct backoff *backoff);

#endif
