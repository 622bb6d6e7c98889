/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_web: which web interface it is, found out without credentials: one request after the other
 * to pages that only one kind has (iusb-protocol 8). */
#include <string.h>

#include <event2/event.h>

#include "bmc/scout_private.h"

/* ---- pages ---- */

static bool
is_one_of(const struct webanswer *answer, int a, int b)
{
	return answer->status == a || answer->status == b;
}

/* It has the page, but not for a GET without a session. Some servers want a password for any page,
 * and say so with one. */
static bool
has_page(const struct webanswer *answer)
{
	return is_one_of(answer, 400, 405) || (answer->status == 401 && !webanswer_is_page(answer));
}

static bool
is_rest(const struct webanswer *answer)
{
	return has_page(answer) || (answer->status / 100 == 2 && !webanswer_is_page(answer));
}

static bool
is_asp(const struct webanswer *answer)
{
	return has_page(answer) ||
	       (answer->status / 100 == 2 && answer->len > 0 &&
		       (strstr(answer->body, "HAPI_STATUS") || strstr(answer->body, "WEBVAR_")));
}

static bool
is_digest(const struct webanswer *answer)
{
	return answer->status == 401;
}

static const struct {
	const char *path;
	enum scout_web web;
	bool (*is_it)(const struct webanswer *answer);
} pages[] = {
	{ "/api/session", SCOUT_WEB_REST, is_rest },
	{ "/rpc/WEBSES/create.asp", SCOUT_WEB_ASP, is_asp },
	{ "/login", SCOUT_WEB_DIGEST, is_digest },
};

const char *
scout_web_name(enum scout_web web)
{
	static const char *const names[] = {
		[SCOUT_WEB_ASP] = "asp",
		[SCOUT_WEB_REST] = "rest",
		[SCOUT_WEB_DIGEST] = "digest",
		[SCOUT_WEB_OTHER] = "other",
	};

	return names[web];
}

/* ---- requests ---- */

static void
finish(struct scout *scout, enum scout_web web, const struct reason *why)
{
	scout->report.web = web;
	scout->report.web_why = *why;
	webclient_free(scout->client);
	scout->client = NULL;
	scout_next(scout);
}

static void
ask(struct scout *scout)
{
	const struct webclient_limits limits = {
		.connect = scout->conf.times.connect + scout->conf.times.handshake,
		.whole = scout->conf.times.web,
	};
	struct webrequest request = { .method = WEB_GET };

	strcpy(request.path, pages[scout->page].path);
	webclient_ask(scout->client, &request, &limits);
}

static void
answer_cb(void *arg, const struct webanswer *answer, enum failure failure, const struct reason *why)
{
	struct scout *scout = arg;
	struct reason text = *why;

	if (failure == FAILURE_NONE && pages[scout->page].is_it(answer)) {
		finish(scout, pages[scout->page].web, &text);
	} else if (failure == FAILURE_NONE && answer->status == 403) {
		reason_set(&text, "the web server answers 403: it bans us, or every visitor");
		finish(scout, SCOUT_WEB_OTHER, &text);
	} else if (failure != FAILURE_NONE && failure != FAILURE_LOST) {
		finish(scout, SCOUT_WEB_NONE, &text);
	} else if (++scout->page < ARRAY_SIZE(pages)) {
		ask(scout);
	} else {
		if (failure == FAILURE_NONE)
			reason_set(&text, "it is none that hands out tokens for media");
		finish(scout, SCOUT_WEB_OTHER, &text);
	}
}

void
scout_detect_web(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	const struct webclient_conf conf = {
		.address = report->address,
		.port = report->web_port,
		.tls = report->is_web_tls ? &scout->web_tls : NULL,
	};

	scout->web_tls = (struct tls_conf){ .verify = TLS_VERIFY_NONE };
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].port == report->web_port)
			scout->web_tls.is_legacy = report->doors[i].is_old;
	scout->page = 0;
	scout->client = webclient_new(scout->base, &conf, answer_cb, scout);
	ask(scout);
}
