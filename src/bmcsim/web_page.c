/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_page: from a request to an answer: redirects, sessions, and the table of pages of the flow.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "bmcsim/web_parts.h"

enum {
	FIELD_SIZE = 256,
};

const char *
web_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Payload Too Large" },
		{ 426, "Upgrade Required" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Error";
}

bool
web_page_cookie(struct web *web, const struct web_request *request, char out[SECRET_SIZE])
{
	switch (web->conf.flow) {
	case WEB_FLOW_ASP:
		return web_request_cookie(request, "SessionCookie", out, SECRET_SIZE);
	case WEB_FLOW_DIGEST:
		return web_request_field(request, "sid", out, SECRET_SIZE);
	default:
		return web_request_cookie(request, "QSESSIONID", out, SECRET_SIZE);
	}
}

struct web_session *
web_page_admit(struct web *web, bool is_good, struct web_answer *answer)
{
	struct web_session *session;

	if (!is_good) {
		web->totals.refused++;
		web_say(web, "login refused: wrong user name or password");
		answer->status = web->conf.quirks & WEB_BAD_WITH_200 ? 200 : 401;
		return NULL;
	}
	session = web_session_open(web);
	if (!session) {
		web->totals.refused++;
		web_say(web, "login refused: %u web sessions are in use", web->totals.sessions);
		answer->status = 503;
		return NULL;
	}
	web->totals.logins++;
	web_say(web, "login of %s", web->user);
	return session;
}

struct web_session *
web_page_login(struct web *web, const struct web_request *request, const char *user_field,
	const char *password_field, struct web_answer *answer)
{
	char user[FIELD_SIZE], password[FIELD_SIZE];
	bool is_good = web_request_field(request, user_field, user, sizeof(user)) &&
		       web_request_field(request, password_field, password, sizeof(password)) &&
		       strcmp(user, web->user) == 0 && strcmp(password, web->password) == 0;

	return web_page_admit(web, is_good, answer);
}

void
web_page_logout(struct web *web, struct web_session *session)
{
	web_session_close(web, session);
	web->totals.logouts++;
	web_say(web, "logout");
}

static void
redirect(struct web *web, const struct web_request *request, const char *path,
	struct web_answer *answer)
{
	char address[INET_ADDRSTRLEN] = "";
	const char *mark = request->query[0] ? "?" : "";

	inet_ntop(AF_INET, &web->conf.address, address, sizeof(address));
	answer->status = 301;
	evbuffer_add_printf(answer->head, "Location: https://%s:%u%s%s%s\r\n", address,
		web_secure_port(web), path, mark, request->query);
}

/* The session of the request; NULL: it has none that is good. */
static struct web_session *
find_session(struct web *web, const struct web_request *request)
{
	const char *csrf = web_request_header(request, "X-CSRFTOKEN");
	struct web_session *session = NULL;
	char cookie[SECRET_SIZE];

	if (web_page_cookie(web, request, cookie))
		session = web_session_find(web, cookie);
	if (session && web->conf.flow == WEB_FLOW_REST &&
		(!csrf || strcmp(csrf, session->csrf) != 0)) {
		web_say(web, "%s without the X-CSRFTOKEN of its session", request->path);
		return NULL;
	}
	return session;
}

/* A page that the flow does not have. Static pages have no POST. */
static int
status_of_unknown(const struct web *web, const struct web_request *request)
{
	bool is_api = strncmp(request->path, "/api/", strlen("/api/")) == 0;

	return web->conf.flow != WEB_FLOW_REST && is_api && request->method != WEB_GET ? 405 : 404;
}

static void
serve_table(struct web *web, const struct web_request *request, struct web_answer *answer)
{
	static const struct web_page *const pages[] = {
		[WEB_FLOW_ASP] = web_asp_pages,
		[WEB_FLOW_REST] = web_rest_pages,
		[WEB_FLOW_DIGEST] = web_digest_pages,
	};
	const struct web_page *page = pages[web->conf.flow];
	struct web_session *session = NULL;
	bool is_there = false;

	for (; page->path; page++) {
		if (strcmp(page->path, request->path) != 0)
			continue;
		is_there = true;
		if (page->methods & 1u << request->method)
			break;
	}
	if (!page->path) {
		answer->status = is_there ? 405 : status_of_unknown(web, request);
		return;
	}
	if (page->needs_session && !(session = find_session(web, request)))
		answer->status = 401;
	else
		page->answer(web, request, session, answer);
}

static void
serve_index(const struct web *web, struct web_answer *answer)
{
	answer->type = "text/html";
	evbuffer_add_printf(answer->body,
		"<html><head><title>%s</title></head><body></body></html>\n",
		web->conf.flow == WEB_FLOW_ASP    ? "Megarac SP"
		: web->conf.flow == WEB_FLOW_REST ? "MegaRAC SP-X"
						  : "iRMC S4 Web Server");
}

/* An answer without a body of its own gets one that says the status. */
static void
complete(const struct web *web, struct web_answer *answer)
{
	const char *text = web_status_text(answer->status);

	if (evbuffer_get_length(answer->body) > 0 || answer->status == 200)
		return;
	if (web->conf.flow == WEB_FLOW_REST) {
		answer->type = "application/json";
		evbuffer_add_printf(
			answer->body, "{ \"cc\": %d, \"error\": \"%s\" }\n", answer->status, text);
	} else {
		answer->type = "text/html";
		evbuffer_add_printf(answer->body, "<html><body><h1>%d %s</h1></body></html>\n",
			answer->status, text);
	}
}

void
web_page_serve(struct web *web, const struct web_request *request, bool is_secure,
	struct web_answer *answer)
{
	bool is_redirecting = web->conf.quirks & WEB_REDIRECT;
	bool is_root = strcmp(request->path, "/") == 0;

	answer->status = 200;
	answer->type = "text/html";
	if (request->method == WEB_OTHER)
		answer->status = 501;
	else if (is_redirecting && !is_secure && web->secure)
		redirect(web, request, request->path, answer);
	else if (is_redirecting && is_root && is_secure)
		redirect(web, request, "/index.html", answer);
	else if (request->method == WEB_GET &&
		 (is_root || strcmp(request->path, "/index.html") == 0))
		serve_index(web, answer);
	else
		serve_table(web, request, answer);
	complete(web, answer);
}
