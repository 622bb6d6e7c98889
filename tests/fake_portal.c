/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_portal: portal.h without a web server. */
#include "fake_portal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grant
fake_grant(const struct dialect *dialect, const char *token)
{
	struct grant grant = {
		.dialect = dialect,
		.kind = AUTH_WEB_TOKEN,
		.is_secure = -1,
		.is_single_port = -1,
		.licence = -1,
		.has_fd = true,
	};

	snprintf(grant.token, sizeof(grant.token), "%s", token);
	for (int i = 0; i < DEVICE_COUNT; i++)
		grant.slots[i] = grant.is_attached[i] = -1;
	return grant;
}

bool
fake_portal_is_asked(const struct portal *portal)
{
	return portal->ticket && !portal->ticket->is_answered;
}

void
fake_portal_grant(struct portal *portal, const struct grant *grant)
{
	struct reason none = { 0 };
	struct ticket *ticket = portal->ticket;

	ck_assert(fake_portal_is_asked(portal));
	ticket->grant = *grant;
	ticket->is_answered = ticket->is_granted = true;
	ticket->cb(ticket->arg, &ticket->grant, FAILURE_NONE, &none);
}

void
fake_portal_fail(struct portal *portal, enum failure failure, const char *text)
{
	struct ticket *ticket = portal->ticket;
	struct reason why;

	ck_assert(fake_portal_is_asked(portal));
	reason_set(&why, "%s", text);
	ticket->is_answered = true;
	ticket->cb(ticket->arg, NULL, failure, &why);
}

bool
portal_is_active(const struct portal *portal)
{
	return portal->is_active;
}

struct ticket *
portal_ask(struct portal *portal, enum device device, portal_cb *cb, void *arg)
{
	struct ticket *ticket = calloc(1, sizeof(*ticket));

	ck_assert_ptr_nonnull(ticket);
	ticket->portal = portal;
	ticket->device = device;
	ticket->cb = cb;
	ticket->arg = arg;
	portal->asked++;
	portal->ticket = ticket;
	return ticket;
}

void
ticket_accepted(struct ticket *ticket, bool needs_web)
{
	ck_assert(ticket->is_granted && !ticket->is_refused);
	ticket->portal->accepted++;
	ticket->portal->needs_web = needs_web;
}

void
ticket_refused(struct ticket *ticket)
{
	ck_assert(ticket->is_granted);
	ticket->is_refused = true;
	ticket->portal->denied++;
}

void
ticket_free(struct ticket *ticket)
{
	if (!ticket)
		return;
	ticket->portal->freed++;
	if (ticket->portal->ticket == ticket)
		ticket->portal->ticket = NULL;
	/* What is used behind its end is seen. */
	memset(&ticket->grant, 0xA5, sizeof(ticket->grant));
	free(ticket);
}
