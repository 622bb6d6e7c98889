/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostlist: "node[001-128,200]" to the names it stands for. */
#include "base/hostlist.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DIGITS_MAX = 9,        /* of a bound */
	EXPRESSION_MAX = 1024, /* characters of an expression and of a name */
	BRACKETS_MAX = 4,
};

struct range { /* one element of a bracket: "001-128" or "7" */
	uint32_t first, last;
	int width; /* digits to pad to, 0 = none */
};

/* Reads a bound; returns the character behind it, NULL if there is no number or a too long one. */
static const char *
parse_bound(const char *p, uint32_t *value, int *width)
{
	const char *start = p;

	*value = 0;
	while (*p >= '0' && *p <= '9' && p - start <= DIGITS_MAX)
		*value = *value * 10 + (uint32_t)(*p++ - '0');
	if (p == start || p - start > DIGITS_MAX)
		return NULL;
	*width = *start == '0' && p - start > 1 ? (int)(p - start) : 0;
	return p;
}

/*
 * Reads the element at p, which ends before ',' or ']'. Returns the character behind it, or NULL
 * with the reason.
 */
static const char *
parse_range(const char *text, const char *p, struct range *out, struct reason *why)
{
	int ignored;

	p = parse_bound(p, &out->first, &out->width);
	out->last = out->first;
	if (p && *p == '-')
		p = parse_bound(p + 1, &out->last, &ignored);
	if (!p || (*p != ',' && *p != ']')) {
		reason_set(why, "bad range in \"%.100s\": write it as node[001-128,200]", text);
		return NULL;
	}
	if (out->last < out->first) {
		reason_set(why, "reversed range in \"%.100s\": %" PRIu32 " comes before %" PRIu32,
			text, out->last, out->first);
		return NULL;
	}
	return p;
}

bool
hostlist_is_range(const char *text)
{
	return strchr(text, '[') != NULL;
}

/* Expands the rest of the expression behind the prefix of len characters that stands in name. */
static int
expand(const char *text, const char *rest, char *name, size_t len, size_t limit,
	struct strlist *names, struct reason *why)
{
	const char *open = strchr(rest, '[');
	size_t plain = open ? (size_t)(open - rest) : strlen(rest);
	const char *close, *p;

	if (memchr(rest, ']', plain))
		return reason_set(why, "\"%.100s\" has a ] without a [", text);
	if (len + plain >= EXPRESSION_MAX)
		return reason_set(why, "\"%.100s\" is too long", text);
	memcpy(name + len, rest, plain);
	len += plain;
	if (!open) {
		name[len] = '\0';
		if (names->count >= limit)
			return reason_set(why, "\"%.100s\" stands for more than %d names", text,
				HOSTLIST_MAX);
		strlist_add(names, name);
		return 0;
	}
	close = strchr(open, ']');
	if (!close)
		return reason_set(why, "\"%.100s\" has a [ without a ]", text);
	for (p = open; *p != ']';) {
		struct range range;

		p = parse_range(text, p + 1, &range, why);
		if (!p)
			return -1;
		for (uint32_t i = range.first;; i++) {
			int n = snprintf(
				name + len, EXPRESSION_MAX - len, "%0*" PRIu32, range.width, i);

			if (n < 0 || len + (size_t)n >= EXPRESSION_MAX)
				return reason_set(why, "\"%.100s\" is too long", text);
			if (expand(text, close + 1, name, len + (size_t)n, limit, names, why) < 0)
				return -1;
			if (i == range.last)
				break;
		}
	}
	return 0;
}

static size_t
count_brackets(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '[';
	return n;
}

int
hostlist_expand(const char *text, struct strlist *names, struct reason *why)
{
	size_t before = names->count;
	char name[EXPRESSION_MAX];

	if (*text == '\0')
		return reason_set(why, "an empty name");
	if (count_brackets(text) > BRACKETS_MAX)
		return reason_set(why, "\"%.100s\" has more than %d brackets", text, BRACKETS_MAX);
	if (expand(text, text, name, 0, before + HOSTLIST_MAX, names, why) == 0)
		return 0;
	while (names->count > before) {
		free(names->items[--names->count]);
		names->items[names->count] = NULL;
	}
	return -1;
}

static bool has(const char *text, const char *name);

/* The bracket at open against the number at the start of name, then the rest of both. A number of
 * fewer digits may match as well, when digits follow the bracket. */
static bool
bracket_has(const char *open, const char *name)
{
	const char *close = strchr(open, ']');
	const char *end = name;

	if (!close)
		return false;
	while (*end >= '0' && *end <= '9' && end - name < DIGITS_MAX)
		end++;
	for (; end > name; end--) {
		char digits[DIGITS_MAX + 1] = { 0 };
		const char *p = open;
		uint32_t value;

		memcpy(digits, name, (size_t)(end - name));
		value = (uint32_t)strtoul(digits, NULL, 10);
		while (p && *p != ']') {
			char padded[DIGITS_MAX + 2];
			struct range range;

			p = parse_range(open, p + 1, &range, NULL);
			if (!p)
				return false;
			snprintf(padded, sizeof(padded), "%0*" PRIu32, range.width, value);
			if (value >= range.first && value <= range.last &&
				strcmp(padded, digits) == 0 && has(close + 1, end))
				return true;
		}
	}
	return false;
}

static bool
has(const char *text, const char *name)
{
	while (*text && *text != '[' && *text != ']') {
		if (*text++ != *name++)
			return false;
	}
	if (*text == '[')
		return bracket_has(text, name);
	return *text == '\0' && *name == '\0';
}

bool
hostlist_has(const char *text, const char *name)
{
	return *name && count_brackets(text) <= BRACKETS_MAX && has(text, name);
}
