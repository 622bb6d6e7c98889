/* SPDX-License-Identifier: GPL-2.0-or-later */
/* failure: the kinds of failure of a session, as data: what each means for the next attempt and for
 * who waits. */
#ifndef BMC_FAILURE_H
#define BMC_FAILURE_H

#include <stdbool.h>

enum failure {
	FAILURE_NONE,
	FAILURE_UNREACHABLE, /* no connection: refused, no route, timed out */
	FAILURE_SILENT,      /* connected, but the BMC did not speak in time */
	FAILURE_BUSY,        /* ACK 4 or 8: the slot is in use */
	FAILURE_REFUSED,     /* any other refusing ACK */
	FAILURE_PROTOCOL,    /* not IUSB, or against its limits */
	FAILURE_LOST,        /* a serving connection ended, by reset, close or silence */
	FAILURE_KILLED,      /* the BMC ended the session (0xF6, 0xF7) */
	FAILURE_IMAGE,       /* the image cannot be opened any more */
};

struct failure_policy {
	const char *name; /* "unreachable", for the log and JSON */
	bool is_refusal;  /* the BMC said no: who waits for the attachment is told at once */
	double min_delay; /* seconds; the back-off does not start below, 0 = as configured */
};

/* The row of a failure; never NULL. */
const struct failure_policy *failure_policy(enum failure failure);

#endif
