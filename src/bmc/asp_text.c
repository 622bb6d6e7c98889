/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asp_text: names and values in the JavaScript text of `.asp` pages. */
#include "bmc/asp_text.h"

#include <string.h>
#include <strings.h>

enum kind {
	END,
	TEXT, /* quoted, or a bare word or number */
	MARK, /* any other character */
};

struct token {
	enum kind kind;
	const char *text; /* of TEXT without its quotes */
	size_t len;
	char mark;
};

struct scanner {
	const char *at, *end;
};

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || c == '.' || c == '-' || c == '+';
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind white space and comments. */
static void
skip_blank(struct scanner *s)
{
	while (s->at < s->end) {
		if (is_space(*s->at)) {
			s->at++;
		} else if (s->end - s->at >= 2 && s->at[0] == '/' && s->at[1] == '/') {
			while (s->at < s->end && *s->at != '\n' && *s->at != '\r')
				s->at++;
		} else if (s->end - s->at >= 2 && s->at[0] == '/' && s->at[1] == '*') {
			s->at += 2;
			while (s->at < s->end &&
				!(s->end - s->at >= 2 && s->at[0] == '*' && s->at[1] == '/'))
				s->at++;
			s->at = s->end - s->at >= 2 ? s->at + 2 : s->end;
		} else {
			return;
		}
	}
}

/* A quoted text ends with its line at the latest, so that one lost quote costs one line. */
static struct token
scan_quoted(struct scanner *s)
{
	char quote = *s->at++;
	struct token token = { .kind = TEXT, .text = s->at };

	while (s->at < s->end && *s->at != quote && *s->at != '\n')
		s->at += *s->at == '\\' && s->end - s->at >= 2 ? 2 : 1;
	token.len = (size_t)(s->at - token.text);
	if (s->at < s->end)
		s->at++;
	return token;
}

static struct token
scan(struct scanner *s)
{
	struct token token = { .kind = END };

	skip_blank(s);
	if (s->at >= s->end)
		return token;
	if (*s->at == '\'' || *s->at == '"')
		return scan_quoted(s);
	if (!is_word(*s->at)) {
		token.kind = MARK;
		token.mark = *s->at++;
		return token;
	}
	token.kind = TEXT;
	token.text = s->at;
	while (s->at < s->end && is_word(*s->at))
		s->at++;
	token.len = (size_t)(s->at - token.text);
	return token;
}

/* The value without its backslashes. */
static bool
copy_value(const struct token *value, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < value->len; i++) {
		if (value->text[i] == '\\' && i + 1 < value->len)
			i++;
		if (value->text[i] < ' ' || value->text[i] > '~' || n + 1 >= size)
			return false;
		out[n++] = value->text[i];
	}
	out[n] = '\0';
	return true;
}

bool
asp_text_find(const char *text, size_t len, const char *name, char *out, size_t size)
{
	struct scanner s = { text, text + len };
	struct scanner behind;
	struct token token, mark, value;

	out[0] = '\0';
	while ((token = scan(&s)).kind != END) {
		if (token.kind != TEXT || token.len != strlen(name) ||
			memcmp(token.text, name, token.len) != 0)
			continue;
		behind = s;
		mark = scan(&behind);
		if (mark.kind != MARK || (mark.mark != ':' && mark.mark != '='))
			continue;
		value = scan(&behind);
		if (value.kind != TEXT)
			continue;
		if (copy_value(&value, out, size))
			return true;
		out[0] = '\0';
		return false;
	}
	return false;
}

int
number_of_text(const char *text)
{
	int value = 0;

	if (strcasecmp(text, "true") == 0 || strcasecmp(text, "enabled") == 0)
		return 1;
	if (strcasecmp(text, "false") == 0 || strcasecmp(text, "disabled") == 0)
		return 0;
	if (!text[0])
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > 65535)
			return -1;
	}
	return value;
}

int
asp_text_number(const char *text, size_t len, const char *name)
{
	char value[16];

	return asp_text_find(text, len, name, value, sizeof(value)) ? number_of_text(value) : -1;
}
