/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_portal: portal.h without a web server: a ticket is answered when the test says so. A program
 * that links this gets nothing of the real portal. */
#ifndef TESTS_FAKE_PORTAL_H
#define TESTS_FAKE_PORTAL_H

#include "bmc/portal.h"

struct ticket {
	struct portal *portal;
	enum device device;
	portal_cb *cb;
	void *arg;
	struct grant grant;
	bool is_answered, is_granted, is_refused;
};

struct portal {
	unsigned asked, freed;     /* tickets */
	unsigned accepted, denied; /* ticket_accepted(), ticket_refused() */
	bool needs_web;            /* of the last ticket_accepted() */
	struct ticket *ticket;     /* the last one, NULL once it is freed */
	bool is_active;            /* what portal_is_active() says */
};

/* Nothing is said but the token. */
struct grant fake_grant(const struct dialect *dialect, const char *token);

/* Answer the last ticket. */
void fake_portal_grant(struct portal *portal, const struct grant *grant);
void fake_portal_fail(struct portal *portal, enum failure failure, const char *text);

/* A ticket is there that waits for its answer. */
bool fake_portal_is_asked(const struct portal *portal);

#endif
