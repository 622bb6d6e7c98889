/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_report: what a look at a BMC has found, as type ProbeReport of org.iusbd.varlink. */
#ifndef DAEMON_PROBE_REPORT_H
#define DAEMON_PROBE_REPORT_H

#include <jansson.h>

#include "base/compiler.h"
#include "bmc/scout.h"
#include "daemon/conf.h"

/* target: as it is configured, or as it would be by default; is_configured tells which. */
json_t *probe_report(const struct conf_target *target, bool is_configured,
	const struct scout_report *report) MUST_CHECK;

#endif
