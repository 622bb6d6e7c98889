/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http_head: the status line and the header that a BMC's web server answers with, out of bytes that
 * came in any pieces. Pure, and bounded. */
#ifndef BMC_HTTP_HEAD_H
#define BMC_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

enum {
	HTTP_HEAD_MAX = 8192, /* bytes up to and with the empty line */
};

enum http_result {
	HTTP_NEED_MORE,
	HTTP_READY,
	HTTP_BAD, /* not HTTP, or too long */
};

struct http_head {
	int status;         /* 100..999 */
	char words[64];     /* status and phrase, "404 Not Found"; printable */
	size_t len;         /* bytes of the whole head */
	const char *fields; /* in the caller's bytes: the lines behind the first */
	size_t fields_len;
};

/* The status line alone, of len bytes without its line end: "HTTP/1.1 200 OK" (or HTTP/1.0,
 * HTTPS/1.1). False: it is none. Sets only status and words. */
bool http_status_line(const char *line, size_t len, struct http_head *out) MUST_CHECK;

/* A head at the start of bytes, of which len have arrived. Lines end in CR LF or LF. */
enum http_result http_head_parse(const char *bytes, size_t len, struct http_head *out) MUST_CHECK;

/* Copies the value of the first field of that name (letter case does not matter), without white
 * space around it. False: there is none, or it does not fit. */
bool http_head_field(const struct http_head *head, const char *name, char *out, size_t size);

/* True if a comma-separated field has that token, in any letter case. */
bool http_head_has_token(const struct http_head *head, const char *name, const char *token);

/* True if text may stand in a line of a request: printable ASCII and no line end. */
bool http_is_safe(const char *text);

#endif
