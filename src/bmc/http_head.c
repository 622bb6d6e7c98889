/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http_head: lines of a web server's answer. */
#include "bmc/http_head.h"

#include <string.h>
#include <strings.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The line at the start of bytes: its length without the end, and with it in *whole. False: its end
 * has not arrived. */
static bool
get_line(const char *bytes, size_t len, size_t *line, size_t *whole)
{
	const char *end = memchr(bytes, '\n', len);

	if (!end)
		return false;
	*line = (size_t)(end - bytes);
	*whole = *line + 1;
	if (*line > 0 && bytes[*line - 1] == '\r')
		--*line;
	return true;
}

bool
http_status_line(const char *line, size_t len, struct http_head *out)
{
	const char *at = memchr(line, ' ', len), *end = line + len;
	size_t n;

	if (!at || (strncmp(line, "HTTP/", 5) != 0 && strncmp(line, "HTTPS/", 6) != 0))
		return false;
	while (at < end && *at == ' ')
		at++;
	if (end - at < 3 || !is_digit(at[0]) || at[0] == '0' || !is_digit(at[1]) ||
		!is_digit(at[2]) || (end - at > 3 && at[3] != ' '))
		return false;
	out->status = (at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0');
	n = (size_t)(end - at);
	while (n > 3 && is_blank(at[n - 1]))
		n--;
	if (n >= sizeof(out->words))
		n = sizeof(out->words) - 1;
	for (size_t i = 0; i < n; i++)
		out->words[i] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
	out->words[n] = '\0';
	return true;
}

/* As far as bytes have come they begin as HTTP does. */
static bool
may_be_http(const char *bytes, size_t len)
{
	static const char start[] = "HTTP";

	return memcmp(bytes, start, len < strlen(start) ? len : strlen(start)) == 0;
}

enum http_result
http_head_parse(const char *bytes, size_t len, struct http_head *out)
{
	size_t line, whole, off;

	if (!may_be_http(bytes, len))
		return HTTP_BAD;
	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	if (!get_line(bytes, len, &line, &whole))
		return len < HTTP_HEAD_MAX ? HTTP_NEED_MORE : HTTP_BAD;
	if (!http_status_line(bytes, line, out))
		return HTTP_BAD;
	out->fields = bytes + whole;
	for (off = whole; get_line(bytes + off, len - off, &line, &whole); off += whole) {
		if (memchr(bytes + off, '\0', line))
			return HTTP_BAD;
		if (line == 0) {
			out->fields_len = off - (size_t)(out->fields - bytes);
			out->len = off + whole;
			return HTTP_READY;
		}
	}
	return len < HTTP_HEAD_MAX ? HTTP_NEED_MORE : HTTP_BAD;
}

bool
http_head_field(const struct http_head *head, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name), off = 0, line, whole;

	for (; get_line(head->fields + off, head->fields_len - off, &line, &whole); off += whole) {
		const char *at = head->fields + off, *end = at + line;

		if (line <= name_len || at[name_len] != ':' || strncasecmp(at, name, name_len) != 0)
			continue;
		at += name_len + 1;
		while (at < end && is_blank(*at))
			at++;
		while (end > at && is_blank(end[-1]))
			end--;
		if ((size_t)(end - at) >= size)
			return false;
		memcpy(out, at, (size_t)(end - at));
		out[end - at] = '\0';
		return true;
	}
	return false;
}

bool
http_head_has_token(const struct http_head *head, const char *name, const char *token)
{
	char value[256], *rest = value, *part;

	if (!http_head_field(head, name, value, sizeof(value)))
		return false;
	while ((part = strsep(&rest, ", \t")))
		if (strcasecmp(part, token) == 0)
			return true;
	return false;
}

bool
http_is_safe(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}
