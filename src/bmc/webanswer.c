/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webanswer: status, cookie, redirect and body of an answer. */
#include "bmc/webanswer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "bmc/secret.h"

enum {
	BODY_FIRST = 2048, /* room at the start; most answers are shorter */
};

void
webanswer_init(struct webanswer *answer, const char *cookie_name)
{
	*answer = (struct webanswer){ .cookie_name = cookie_name, .room = BODY_FIRST };
	answer->body = mem_new(1, BODY_FIRST);
}

void
webanswer_fini(struct webanswer *answer)
{
	if (answer->body)
		secret_erase(answer->body, answer->room);
	free(answer->body);
	secret_erase(answer, sizeof(*answer));
}

/* ---- the head ---- */

static int
status_of_line(const char *line, size_t len)
{
	const char *code = memchr(line, ' ', len), *end = line + len;
	int status = 0;

	if (!code)
		return 0;
	while (code < end && *code == ' ')
		code++;
	for (int i = 0; i < 3; i++, code++) {
		if (code >= end || *code < '0' || *code > '9')
			return 0;
		status = status * 10 + (*code - '0');
	}
	return status;
}

/* The value of a header line that has that name, without the space around it. */
static bool
is_header(const char *line, size_t len, const char *name, const char **value, size_t *value_len)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		len--;
	*value = line;
	*value_len = len;
	return true;
}

bool
cookie_is_valid(const char *text)
{
	if (!text[0])
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\",;\\", *text))
			return false;
	return true;
}

/* NAME=VALUE; the attributes behind it, whatever they are, are nothing to us. */
static void
take_cookie(struct webanswer *answer, const char *text, size_t len)
{
	size_t name_len = strlen(answer->cookie_name);
	const char *end, *value = text + name_len;
	char cookie[COOKIE_SIZE];

	if (len <= name_len || strncmp(text, answer->cookie_name, name_len) != 0)
		return;
	len -= name_len;
	while (len > 0 && *value == ' ')
		value++, len--;
	if (len == 0 || *value != '=')
		return;
	value++, len--;
	while (len > 0 && *value == ' ')
		value++, len--;
	end = memchr(value, ';', len);
	if (end)
		len = (size_t)(end - value);
	while (len > 0 && value[len - 1] == ' ')
		len--;
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"')
		value++, len -= 2;
	if (len == 0 || len >= sizeof(cookie) || memchr(value, '\0', len))
		return;
	memcpy(cookie, value, len);
	cookie[len] = '\0';
	if (cookie_is_valid(cookie))
		memcpy(answer->cookie, cookie, len + 1);
	secret_erase(cookie, sizeof(cookie));
}

void
webanswer_line(struct webanswer *answer, const char *line, size_t len)
{
	const char *value;
	size_t value_len;

	if (len > 5 && strncmp(line, "HTTP/", 5) == 0) {
		answer->status = status_of_line(line, len);
		answer->location[0] = answer->cookie[0] = '\0';
		answer->wants_digest = false;
	} else if (is_header(line, len, "Location", &value, &value_len)) {
		if (value_len < sizeof(answer->location) && !memchr(value, '\0', value_len)) {
			memcpy(answer->location, value, value_len);
			answer->location[value_len] = '\0';
		}
	} else if (is_header(line, len, "WWW-Authenticate", &value, &value_len)) {
		answer->wants_digest |= value_len > 6 && strncasecmp(value, "Digest", 6) == 0;
	} else if (answer->cookie_name && is_header(line, len, "Set-Cookie", &value, &value_len)) {
		take_cookie(answer, value, value_len);
	}
}

/* ---- the body ---- */

/* As realloc(), but nothing of it stays behind. */
static void
grow(struct webanswer *answer, size_t room)
{
	char *body = mem_new(1, room);

	memcpy(body, answer->body, answer->len);
	secret_erase(answer->body, answer->room);
	free(answer->body);
	answer->body = body;
	answer->room = room;
}

bool
webanswer_add(struct webanswer *answer, const char *bytes, size_t len)
{
	size_t room = answer->room;

	if (len > WEBANSWER_BODY_MAX - answer->len)
		return false;
	while (room <= answer->len + len)
		room *= 2;
	if (room != answer->room)
		grow(answer, room);
	memcpy(answer->body + answer->len, bytes, len);
	answer->len += len;
	answer->body[answer->len] = '\0';
	return true;
}

bool
webanswer_is_page(const struct webanswer *answer)
{
	return answer->body[strspn(answer->body, " \t\r\n")] == '<';
}

static bool
has_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

bool
webanswer_says_refused(const struct webanswer *answer)
{
	static const char *const words[] = { "invalid", "incorrect", "wrong", "denied", "refused",
		"fail", "unauthori", NULL };

	return has_one_of(answer->body, words);
}

bool
webanswer_says_full(const struct webanswer *answer)
{
	static const char *const what[] = { "session", "users", NULL };
	static const char *const words[] = { "full", "limit", "maximum", "max_", "too many",
		"exceed", "in use", "no free", "no more", "out of", "not available", NULL };

	return has_one_of(answer->body, what) && has_one_of(answer->body, words);
}
