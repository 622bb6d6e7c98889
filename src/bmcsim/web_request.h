/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_request: an HTTP/1 request as the web server of a BMC reads it. Pure and bounded. */
#ifndef BMCSIM_WEB_REQUEST_H
#define BMCSIM_WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

enum {
	WEB_HEAD_MAX = 8192, /* bytes up to the empty line */
	WEB_BODY_MAX = 4096,
	WEB_REQUEST_MAX = WEB_HEAD_MAX + WEB_BODY_MAX,
	WEB_HEADERS_MAX = 64,
};

enum web_method {
	WEB_GET,
	WEB_POST,
	WEB_DELETE,
	WEB_CONNECT,
	WEB_OTHER, /* a method that nothing here has */
};

/* Everything points into it: it must not be moved. */
struct web_request {
	enum web_method method;
	const char *path;  /* begins with '/'; of CONNECT host:port */
	const char *query; /* behind the '?', or "" */
	bool is_http_10;
	bool is_https_text; /* HTTPS/1.1, as a tunnel under TLS says (iusb-protocol 7.2) */
	struct {
		const char *name, *value;
	} header[WEB_HEADERS_MAX];
	unsigned header_count;
	const char *body; /* NUL terminated */
	size_t total;     /* bytes of all of it */
	char text[WEB_REQUEST_MAX + 2];
};

/*
 * Reads the request at the start of bytes. 0: more is needed; 200: it is there; else the status
 * that says what is wrong with it (400, 413, 431, 501), which also ends the connection.
 */
int web_request_parse(struct web_request *out, const char *bytes, size_t len) MUST_CHECK;

/* The value of the first header of that name, whatever its case; NULL: there is none. */
const char *web_request_header(const struct web_request *request, const char *name);

/* True if the header has that word in its list, whatever the case: "Connection: keep-alive,
 * Upgrade".
 */
bool web_request_has(const struct web_request *request, const char *name, const char *word);

/* The value of a cookie. False if there is none or it does not fit. */
bool web_request_cookie(
	const struct web_request *request, const char *name, char *out, size_t size) MUST_CHECK;

/* A field of the form in the body, or of the query, decoded. False if there is none or it does not
 * fit. */
bool web_request_field(
	const struct web_request *request, const char *name, char *out, size_t size) MUST_CHECK;

#endif
