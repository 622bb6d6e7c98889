/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exitcode: the exit status of the tool (iusbctl(1), EXIT STATUS) and what leads to which. */
#ifndef CTL_EXITCODE_H
#define CTL_EXITCODE_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/client.h"

enum exitcode {
	EXITCODE_DONE = 0,
	EXITCODE_FAILED = 1,
	EXITCODE_USAGE = 2,
	EXITCODE_NO_DAEMON = 3,   /* not reachable */
	EXITCODE_NOT_FOUND = 4,   /* no such target, device or image */
	EXITCODE_REFUSED = 5,     /* by the BMC */
	EXITCODE_TIMEOUT = 6,     /* outcome unknown */
	EXITCODE_PARTIAL = 7,     /* some of several failed */
	EXITCODE_NOT_ALLOWED = 8, /* to this user */
};

/* Of an error of the interface, with or without "org.iusbd." in front. NULL and errors that nobody
 * knows: EXITCODE_FAILED. */
enum exitcode exitcode_of_error(const char *name);

/* Of a call that was not answered as it should be. changes: the call would have changed something,
 * so that a lost connection leaves the outcome unknown. CLIENT_ERROR has an error: see above. */
enum exitcode exitcode_of_client(enum client_status status, bool changes);

/* Of what became of one slot; detach: it was to be detached, not attached. */
enum exitcode exitcode_of_outcome(const json_t *outcome, bool detach);

/* Of several slots: done if all are; partial if some are; else what they have in common, or
 * EXITCODE_FAILED. */
enum exitcode exitcode_of_outcomes(const json_t *outcomes, bool detach);

#endif
