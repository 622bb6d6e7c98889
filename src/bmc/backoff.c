/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backoff: full jitter, doubling to a ceiling. */
#include "bmc/backoff.h"

enum {
	DOUBLINGS_MAX = 32, /* more would be longer than anyone's maximum */
};

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

double
backoff_next(struct backoff *backoff, enum failure failure, double random)
{
	const struct failure_policy *policy = failure_policy(failure);
	double floor = larger(backoff->min, policy->min_delay);
	double top = larger(larger(backoff->max, policy->max_delay), floor);
	double ceiling;

	if (backoff->attempts < UINT32_MAX)
		backoff->attempts++;
	ceiling = floor *
		  (double)(UINT64_C(1) << (backoff->attempts < DOUBLINGS_MAX ? backoff->attempts
									     : DOUBLINGS_MAX));
	if (ceiling > top)
		ceiling = top;
	return floor + random * (ceiling - floor);
}

void
backoff_reset(struct backoff *backoff)
{
	backoff->attempts = 0;
}
