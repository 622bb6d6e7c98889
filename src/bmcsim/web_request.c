/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_request: an HTTP/1 request as the web server of a BMC reads it. */
#include "bmcsim/web_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const method_name[] = {
	[WEB_GET] = "GET",
	[WEB_POST] = "POST",
	[WEB_DELETE] = "DELETE",
	[WEB_CONNECT] = "CONNECT",
};

/* Bytes up to and with the empty line; 0 if it is not there. A bare LF ends a line, too. */
static size_t
head_size(const char *bytes, size_t len)
{
	const char *end = bytes + len;

	for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
		if (end - p > 1 && p[1] == '\n')
			return (size_t)(p + 2 - bytes);
		if (end - p > 2 && p[1] == '\r' && p[2] == '\n')
			return (size_t)(p + 3 - bytes);
	}
	return 0;
}

/* Cuts the line that starts at *at off and moves *at behind it. */
static char *
next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*at = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

static char *
skip_space(char *p)
{
	return p + strspn(p, " \t");
}

static enum web_method
method_of(const char *name)
{
	for (int i = 0; i < WEB_OTHER; i++)
		if (strcmp(name, method_name[i]) == 0)
			return (enum web_method)i;
	return WEB_OTHER;
}

/* METHOD SP TARGET SP VERSION */
static int
parse_line(struct web_request *out, char *line)
{
	char *method = strsep(&line, " ");
	char *target = line ? strsep(&line, " ") : NULL;
	char *query;

	if (!target || !line || !method[0] || !target[0])
		return 400;
	for (const char *p = target; *p; p++)
		if (*p <= ' ' || *p > '~')
			return 400;
	out->method = method_of(method);
	if (out->method != WEB_CONNECT && target[0] != '/')
		return 400;
	out->is_https_text = strcmp(line, "HTTPS/1.1") == 0;
	out->is_http_10 = strcmp(line, "HTTP/1.0") == 0;
	if (strcmp(line, "HTTP/1.1") != 0 && !out->is_http_10 &&
		!(out->is_https_text && out->method == WEB_CONNECT))
		return 400;
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	out->path = target;
	out->query = query ? query : "";
	return 200;
}

/* NAME: VALUE; of a tunnel " cookie VALUE" (iusb-protocol 7.2). */
static int
parse_header(struct web_request *out, char *line)
{
	bool is_tunnel = out->method == WEB_CONNECT && (line[0] == ' ' || line[0] == '\t');
	char *name = is_tunnel ? skip_space(line) : line;
	char *value = name + strcspn(name, is_tunnel ? " \t" : ":");
	size_t len;

	if (!*value || value == name || strcspn(name, " \t") < (size_t)(value - name))
		return 400;
	if (out->header_count == WEB_HEADERS_MAX)
		return 431;
	*value++ = '\0';
	value = skip_space(value);
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		value[--len] = '\0';
	out->header[out->header_count].name = name;
	out->header[out->header_count].value = value;
	out->header_count++;
	return 200;
}

/* The length of the body, from 0; -1: a bad one. */
static long
body_size(const struct web_request *request)
{
	const char *text = web_request_header(request, "Content-Length");

	if (!text)
		return 0;
	if (!text[0] || strlen(text) > 9 || text[strspn(text, "0123456789")])
		return -1;
	return atol(text);
}

int
web_request_parse(struct web_request *out, const char *bytes, size_t len)
{
	size_t head = head_size(bytes, len < WEB_HEAD_MAX ? len : WEB_HEAD_MAX);
	char *at = out->text, *line;
	int status;
	long body;

	/* The ClientHello of TLS, or other rubbish, would never end. */
	if (len > 0 && !isalpha((unsigned char)bytes[0]) && !strchr("\r\n", bytes[0]))
		return 400;
	if (head == 0)
		return len < WEB_HEAD_MAX ? 0 : 431;
	if (memchr(bytes, '\0', head))
		return 400;
	memcpy(out->text, bytes, head);
	out->text[head] = '\0';
	out->header_count = 0;
	line = next_line(&at);
	if (!line)
		return 400;
	status = parse_line(out, line);
	while (status == 200 && (line = next_line(&at)) != NULL && line[0])
		status = parse_header(out, line);
	if (status != 200)
		return status;
	if (web_request_header(out, "Transfer-Encoding"))
		return 501;
	body = body_size(out);
	if (body < 0)
		return 400;
	if (body > WEB_BODY_MAX)
		return 413;
	out->total = head + (size_t)body;
	if (len < out->total)
		return 0;
	memcpy(out->text + head + 1, bytes + head, (size_t)body);
	out->text[out->total + 1] = '\0';
	out->body = out->text + head + 1;
	return 200;
}

const char *
web_request_header(const struct web_request *request, const char *name)
{
	for (unsigned i = 0; i < request->header_count; i++)
		if (strcasecmp(request->header[i].name, name) == 0)
			return request->header[i].value;
	return NULL;
}

bool
web_request_has(const struct web_request *request, const char *name, const char *word)
{
	size_t len = strlen(word);

	for (unsigned i = 0; i < request->header_count; i++) {
		const char *at = request->header[i].value;

		if (strcasecmp(request->header[i].name, name) != 0)
			continue;
		while (*at) {
			size_t n;

			at += strspn(at, ", \t");
			n = strcspn(at, ", \t");
			if (n == len && strncasecmp(at, word, len) == 0)
				return true;
			at += n;
		}
	}
	return false;
}

/* Looks for NAME=VALUE in a list of them; *len is the value's length. */
static const char *
find_pair(const char *list, const char *separators, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	while (*list) {
		size_t n;

		list += strspn(list, separators);
		n = strcspn(list, separators);
		if (n > name_len && strncmp(list, name, name_len) == 0 && list[name_len] == '=') {
			*len = n - name_len - 1;
			return list + name_len + 1;
		}
		list += n;
	}
	return NULL;
}

bool
web_request_cookie(const struct web_request *request, const char *name, char *out, size_t size)
{
	for (unsigned i = 0; i < request->header_count; i++) {
		const char *value;
		size_t len;

		if (strcasecmp(request->header[i].name, "Cookie") != 0)
			continue;
		value = find_pair(request->header[i].value, "; ", name, &len);
		if (!value || len >= size)
			continue;
		memcpy(out, value, len);
		out[len] = '\0';
		return true;
	}
	return false;
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | 0x20) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Undoes %41 and '+'. */
static bool
decode(const char *in, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i] == '+' ? ' ' : in[i];

		if (c == '%') {
			if (len - i < 3 || hex(in[i + 1]) < 0 || hex(in[i + 2]) < 0)
				return false;
			c = (char)(hex(in[i + 1]) << 4 | hex(in[i + 2]));
			i += 2;
		}
		if (n + 1 >= size || c == '\0')
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

bool
web_request_field(const struct web_request *request, const char *name, char *out, size_t size)
{
	size_t len;
	const char *value = find_pair(request->body, "&\r\n", name, &len);

	if (!value)
		value = find_pair(request->query, "&", name, &len);
	return value && decode(value, len, out, size);
}
