/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_stanza: what a look at a BMC has found, as a target of the configuration (iusbd.conf(5)).
 */
#ifndef DAEMON_PROBE_STANZA_H
#define DAEMON_PROBE_STANZA_H

#include "base/compiler.h"
#include "bmc/scout.h"
#include "daemon/conf.h"

/*
 * A member of the list "targets": what target says where it says it, the rest as it was found.
 * Where only a person can say it (user, password file) there is a placeholder and a comment.
 * Owned by the caller.
 */
char *probe_stanza(const struct conf_target *target, const struct scout_report *report) MUST_CHECK;

#endif
