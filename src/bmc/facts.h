/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: what has been learned of one BMC and outlives a connection. The daemon keeps them in its
 * database; the sessions and the portal of the target share them. */
#ifndef BMC_FACTS_H
#define BMC_FACTS_H

#include "iusb/dialect.h"

enum pin { /* certificates: the web server's and the media service's can differ */
	PIN_WEB,
	PIN_MEDIA,
	PIN_COUNT,
};

enum {
	FINGERPRINT_SIZE = 65, /* SHA-256 of the certificate (DER), 64 lowercase hex digits, NUL */
};

struct facts {
	const struct dialect *dialect;         /* NULL: not known yet; never an `is_auto` one */
	char pin[PIN_COUNT][FINGERPRINT_SIZE]; /* "": not seen yet */

	/* Called after a change, to make it durable; may be NULL. Must not call back. */
	void (*changed)(void *arg, const struct facts *facts);
	void *arg;
};

/* "web" or "media". */
const char *pin_name(enum pin pin);

/* Change one fact, and tell, if it is another one. dialect may be NULL: forgotten. */
void facts_set_dialect(struct facts *facts, const struct dialect *dialect);
void facts_set_pin(struct facts *facts, enum pin pin, const char *fingerprint);

#endif
