/* SPDX-License-Identifier: GPL-2.0-or-later */
/* failure: the table of the kinds of failure, and the ACKs that stand for them. */
#include "bmc/failure.h"

#include <assert.h>
#include <stddef.h>

#include "base/compiler.h"
#include "iusb/control.h"

/* Seconds: a person has to act; a BMC locks accounts and bans addresses (iusb-protocol 8.2). */
enum {
	DELAY_CREDENTIALS = 300,
	DELAY_BAN = 200,
	DELAY_PATIENT = 600,
	DELAY_HOUR = 3600,
};

/* clang-format off */
static const struct failure_policy policies[] = {
	[FAILURE_NONE]          = { .name = "none" },
	[FAILURE_UNREACHABLE]   = { .name = "unreachable" },
	[FAILURE_SILENT]        = { .name = "silent" },
	[FAILURE_BUSY]          = { .name = "busy", .is_refusal = true, .min_delay = 15 },
	[FAILURE_REFUSED]       = { .name = "refused", .is_refusal = true, .min_delay = 30,
				    .max_delay = DELAY_PATIENT },
	[FAILURE_TOKEN]         = { .name = "token", .is_refusal = true, .min_delay = 30 },
	[FAILURE_LOGIN]         = { .name = "login", .is_refusal = true,
				    .min_delay = DELAY_CREDENTIALS, .max_delay = DELAY_HOUR },
	[FAILURE_BANNED]        = { .name = "banned", .is_refusal = true, .min_delay = DELAY_BAN },
	[FAILURE_TLS]           = { .name = "tls", .is_refusal = true, .min_delay = 30 },
	[FAILURE_CERTIFICATE]   = { .name = "certificate", .is_refusal = true, .min_delay = 60,
				    .max_delay = DELAY_PATIENT },
	[FAILURE_CONFIGURATION] = { .name = "configuration", .is_refusal = true, .min_delay = 60,
				    .max_delay = DELAY_PATIENT },
	[FAILURE_PROTOCOL]      = { .name = "protocol", .min_delay = 5 },
	[FAILURE_LOST]          = { .name = "lost" },
	[FAILURE_KILLED]        = { .name = "killed" },
	[FAILURE_IMAGE]         = { .name = "image" },
};

static const struct {
	uint8_t status;
	enum failure failure;
} acks[] = {
	{ ACK_ACCEPTED, FAILURE_NONE },
	{ ACK_ACCEPTED_BOOST, FAILURE_NONE },
	{ ACK_ACCEPTED_NO_BOOST, FAILURE_NONE },
	{ ACK_DENIED, FAILURE_REFUSED },
	{ ACK_TOKEN_INVALID, FAILURE_TOKEN },
	{ ACK_IN_USE, FAILURE_BUSY },
	{ ACK_NO_PRIVILEGE, FAILURE_REFUSED },
	{ ACK_OTHER_ERROR, FAILURE_LOST }, /* worth one more try */
	{ ACK_DETACHED, FAILURE_REFUSED },
	{ ACK_TOO_MANY, FAILURE_BUSY },
	{ ACK_NOT_REACHABLE, FAILURE_BUSY },
	{ ACK_NO_LICENCE, FAILURE_REFUSED },
};
/* clang-format on */

const struct failure_policy *
failure_policy(enum failure failure)
{
	assert((size_t)failure < ARRAY_SIZE(policies));
	return &policies[failure];
}

enum failure
failure_of_ack(uint8_t status)
{
	for (size_t i = 0; i < ARRAY_SIZE(acks); i++)
		if (acks[i].status == status)
			return acks[i].failure;
	return FAILURE_REFUSED;
}
