/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_find: the addresses of the BMC, which are tried in turn. */
#include <netdb.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/util.h>

#include "bmc/resolve.h"
#include "bmc/scout_private.h"

static void
no_address(struct scout *scout, const char *error)
{
	reason_set(&scout->report.why, "cannot resolve %.100s: %s", scout->conf.way.address, error);
	scout_skip(scout);
}

static void
resolve_expired(struct scout *scout)
{
	resolve_cancel(scout->resolve);
	scout->resolve = NULL;
	no_address(scout, "no answer from the name servers");
}

static void
resolved_cb(void *arg, struct evutil_addrinfo *list, const char *error)
{
	struct scout *scout = arg;

	scout->resolve = NULL;
	event_del(scout->deadline);
	scout->list = list;
	scout->at = list;
	if (list)
		scout_next(scout);
	else
		no_address(scout, error);
}

void
scout_find(struct scout *scout)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = EVUTIL_AI_NUMERICHOST,
	};
	const char *address = scout->conf.way.address;

	if (evutil_getaddrinfo(address, NULL, &hints, &scout->list) == 0) {
		scout->at = scout->list;
		scout_next(scout);
		return;
	}
	scout->list = NULL;
	scout_say(scout, "looking up its address");
	scout_expect(scout, scout->conf.times.resolve, resolve_expired);
	scout->resolve = resolve_start(scout->base, address, 0, resolved_cb, scout);
}

void
scout_note_address(struct scout *scout)
{
	const struct sockaddr *sa = scout->at->ai_addr;
	struct scout_report *report = &scout->report;

	if (getnameinfo(sa, (socklen_t)scout->at->ai_addrlen, report->address,
		    sizeof(report->address), NULL, 0, NI_NUMERICHOST) != 0)
		report->address[0] = '\0';
}
