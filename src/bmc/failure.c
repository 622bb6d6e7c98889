/* SPDX-License-Identifier: GPL-2.0-or-later */
/* failure: the table of the kinds of failure. */
#include "bmc/failure.h"

#include <assert.h>
#include <stddef.h>

#include "base/compiler.h"

/* clang-format off */
static const struct failure_policy policies[] = {
	[FAILURE_NONE]        = { .name = "none" },
	[FAILURE_UNREACHABLE] = { .name = "unreachable" },
	[FAILURE_SILENT]      = { .name = "silent" },
	[FAILURE_BUSY]        = { .name = "busy", .is_refusal = true, .min_delay = 15 },
	[FAILURE_REFUSED]     = { .name = "refused", .is_refusal = true, .min_delay = 30 },
	[FAILURE_PROTOCOL]    = { .name = "protocol", .min_delay = 5 },
	[FAILURE_LOST]        = { .name = "lost" },
	[FAILURE_KILLED]      = { .name = "killed" },
	[FAILURE_IMAGE]       = { .name = "image" },
};
/* clang-format on */

const struct failure_policy *
failure_policy(enum failure failure)
{
	assert((size_t)failure < ARRAY_SIZE(policies));
	return &policies[failure];
}
