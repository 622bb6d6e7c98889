/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webanswer: the answer of a BMC's web server, as far as anybody looks at it. Bounded; any bytes
 * are allowed. */
#ifndef BMC_WEBANSWER_H
#define BMC_WEBANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "bmc/portal.h"

enum {
	WEBANSWER_BODY_MAX = 256 * 1024,
	WEBANSWER_LOCATION_SIZE = 512,
};

struct webanswer {
	int status;                             /* 0: none was seen */
	char location[WEBANSWER_LOCATION_SIZE]; /* of a redirect; "" if none, or too long */
	bool wants_digest;                      /* WWW-Authenticate: Digest */
	const char *cookie_name;                /* that is looked for in Set-Cookie; NULL: none */
	char cookie[COOKIE_SIZE];
	char *body; /* NUL terminated; may have NULs. Never NULL after webanswer_init() */
	size_t len, room;
};

/* cookie_name is not copied. */
void webanswer_init(struct webanswer *answer, const char *cookie_name);

/* What is in it may be a secret: it is erased. Zero-initialised is allowed. */
void webanswer_fini(struct webanswer *answer);

/* A line of the head. A status line starts it anew. */
void webanswer_line(struct webanswer *answer, const char *line, size_t len);

/* Bytes of the body. False: it is longer than WEBANSWER_BODY_MAX. */
bool webanswer_add(struct webanswer *answer, const char *bytes, size_t len) MUST_CHECK;

/* True if text can be the value of a cookie: printable ASCII, and none of " ,;\ and space. */
bool cookie_is_valid(const char *text) MUST_CHECK;

/* True if the body is markup rather than data. */
bool webanswer_is_page(const struct webanswer *answer);

/* True if the body says, in whatever words, that a login was refused. */
bool webanswer_says_refused(const struct webanswer *answer);

/* True if the body says, in whatever words, that no more web sessions are free. */
bool webanswer_says_full(const struct webanswer *answer);

#endif
