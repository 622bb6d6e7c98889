/* SPDX-License-Identifier: GPL-2.0-or-later */
/* failure: the kinds of failure of a session, as data: what each means for the next attempt and for
 * who waits (iusb-protocol 5.2). */
#ifndef BMC_FAILURE_H
#define BMC_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

enum failure {
	FAILURE_NONE,
	FAILURE_UNREACHABLE, /* no connection: refused, no route, timed out */
	FAILURE_SILENT,      /* connected, but the BMC did not speak in time */
	FAILURE_BUSY,        /* ACK 4, 8 or 9, all web sessions in use: later */
	FAILURE_REFUSED,     /* any other refusing ACK or web answer: no privilege, detached, ... */
	FAILURE_TOKEN,       /* ACK 3: the token was not accepted; a new one is worth a try */
	FAILURE_LOGIN,       /* the BMC refuses the credentials, or they cannot be read */
	FAILURE_BANNED,      /* the web server answers 403: too many requests */
	FAILURE_TLS,         /* no TLS, or none that both sides accept */
	FAILURE_CERTIFICATE, /* not trusted, or another one than pinned */
	FAILURE_CONFIGURATION, /* what is configured cannot work: a slot that does not exist, a
				  transport that the firmware does not have */
	FAILURE_PROTOCOL,      /* not IUSB, or against its limits */
	FAILURE_LOST,          /* a serving connection ended, by reset, close or silence */
	FAILURE_KILLED,        /* the BMC ended the session (0xF6, 0xF7) */
	FAILURE_IMAGE,         /* the image cannot be opened any more */
};

struct failure_policy {
	const char *name; /* "unreachable", for the log and JSON */
	bool is_refusal;  /* the BMC said no: who waits for the attachment is told at once */
	double min_delay; /* seconds; the back-off does not start below, 0 = as configured */
	double max_delay; /* seconds; it may grow up to this where the configured maximum is
			     smaller: what only a person can mend is not asked for all the time */
};

/* The row of a failure; never NULL. */
const struct failure_policy *failure_policy(enum failure failure);

/* What an ACK's status means (iusb-protocol 5.2): FAILURE_NONE for 1, 27 and 28, FAILURE_REFUSED
 * for a number that is not known. */
enum failure failure_of_ack(uint8_t status);

#endif
