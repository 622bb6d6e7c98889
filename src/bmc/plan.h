/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan: how a slot is reached: dialect, transport, port and TLS, by what is configured, what is
 * known of the BMC and what its web interface says (iusb-protocol 5.1, 7 and 11.2). Pure. */
#ifndef BMC_PLAN_H
#define BMC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/failure.h"
#include "bmc/session.h"
#include "bmc/stream.h"
#include "iusb/auth.h"
#include "iusb/dialect.h"

struct grant;

struct plan {
	const struct dialect *dialect; /* never an `is_auto` one */
	bool is_guess; /* nobody said so: a BMC that does not speak first is another one */
	enum transport transport;
	uint16_t port;
	bool is_tls;
	bool is_web;      /* it is the web server's port, not the device's */
	const char *path; /* of TRANSPORT_WEBSOCKET; static */
	enum auth_kind kind;
};

/*
 * The dialect to speak: the configured one; with "auto" the one whose login worked, else the known
 * one (where the login is the same, the known one: it is more precise). NULL: nobody said. known
 * and grant may be NULL.
 */
const struct dialect *plan_dialect(
	const struct session_conf *conf, const struct dialect *known, const struct grant *grant);

/*
 * Fills *out. dialect NULL: a guess, `legacy` where that is possible. grant NULL: the web interface
 * was not asked. FAILURE_CONFIGURATION or FAILURE_REFUSED with the reason: that cannot work, since
 * the BMC does not have the device or instance, has it detached, is not licensed, or the dialect
 * does not have what is configured.
 */
enum failure plan_make(const struct session_conf *conf, const struct dialect *dialect,
	const struct grant *grant, struct plan *out, struct reason *why) MUST_CHECK;

/*
 * The BMC did not speak first where *plan had guessed that it would, or does not listen there: the
 * next guess (`asp` at its own port), if grant holds a token to show. False: there is none, and
 * *plan is as it was.
 */
bool plan_guess_again(
	const struct session_conf *conf, const struct grant *grant, struct plan *plan) MUST_CHECK;

#endif
