/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_wait: a call that waits for something to become of one or many slots, and tells the
 * outcome of each (type Outcome of org.iusbd.varlink). */
#ifndef DAEMON_METHODS_WAIT_H
#define DAEMON_METHODS_WAIT_H

#include "daemon/methods_private.h"

enum wait_for {
	WAIT_NONE,     /* nothing: attached is enough */
	WAIT_ACCEPTED, /* the BMC has accepted since wait_add(), or serves now */
	WAIT_READ,     /* and the host has read something */
	WAIT_GONE,     /* the slot is gone */
};

/* An Outcome that is not "failed"; what is its outcome. */
json_t *wait_outcome(const char *name, const struct slot *slot, const char *what,
	const struct session_status *status) MUST_CHECK;

/* "none", "accepted", "read"; false for any other text. */
bool wait_for_parse(const char *text, enum wait_for *wait_for);

/* For up to slot_max slots. timeout in seconds, below 0 for none. The call is answered, and the
 * wait freed, by wait_begin() or later. */
struct wait *wait_new(struct methods *methods, struct varlink_call *call, enum wait_for wait_for,
	double timeout, size_t slot_max) MUST_CHECK;

/* One more slot to wait for. */
void wait_add(struct wait *wait, struct slot *slot);

/* One more outcome that is known already: "failed" with this error. */
void wait_add_failed(
	struct wait *wait, const char *slot, enum registry_error error, const struct reason *why);

/* All have been added. */
void wait_begin(struct wait *wait);

/* Every wait of methods ends with an error. */
void wait_fail_all(struct methods *methods, enum registry_error error, const struct reason *why);

#endif
