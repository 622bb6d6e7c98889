/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text: text from elsewhere (names, reasons) made safe for a terminal, measured, cut and wrapped.
 */
#include "ctl/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/memory.h"

/* One character of the locale: its length in bytes (1 where it is none) and what it is. */
static size_t
next_char(const char *text, wchar_t *out)
{
	mbstate_t state = { 0 };
	size_t len = mbrtowc(out, text, strlen(text), &state);

	if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
		*out = L'\0';
		return 1;
	}
	return len;
}

/* Marks that change the direction of what follows, so that one name can look like another. */
static bool
changes_direction(wchar_t c)
{
	return (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x061c;
}

static bool
is_showable(wchar_t c)
{
	return c != L'\0' && iswprint((wint_t)c) && !changes_direction(c) && wcwidth(c) >= 0;
}

char *
text_safe(const char *text)
{
	char *out, *p;

	if (text == NULL)
		return mem_strdup("-");
	out = mem_new(strlen(text) * 4 + 1, 1);
	p = out;
	while (*text != '\0') {
		wchar_t c;
		size_t len = next_char(text, &c);

		if (is_showable(c)) {
			memcpy(p, text, len);
			p += len;
		} else {
			for (size_t i = 0; i < len; i++)
				p += sprintf(p, "\\x%02x", (unsigned)(uint8_t)text[i]);
		}
		text += len;
	}
	*p = '\0';
	return out;
}

/* Columns of the character at text, whose length in bytes goes to *len. */
static size_t
char_width(const char *text, size_t *len)
{
	wchar_t c;
	int width;

	*len = next_char(text, &c);
	width = c == L'\0' ? 1 : wcwidth(c);
	return width < 0 ? 1 : (size_t)width;
}

size_t
text_width(const char *text)
{
	size_t width = 0, len;

	for (; *text != '\0'; text += len)
		width += char_width(text, &len);
	return width;
}

static const char *
ellipsis(void)
{
	static const char utf8[] = "\xe2\x80\xa6";
	wchar_t c;

	return next_char(utf8, &c) == 3 && is_showable(c) ? utf8 : "~";
}

char *
text_keep_end(const char *text, size_t width)
{
	size_t now = text_width(text), len;

	if (now <= width)
		return mem_strdup(text);
	while (now > width - 1) {
		now -= char_width(text, &len);
		text += len;
	}
	return mem_printf("%s%s", ellipsis(), text);
}

char *
text_keep_start(const char *text, size_t width)
{
	size_t now = 0, bytes = 0, len, next;

	if (text_width(text) <= width)
		return mem_strdup(text);
	while (now + (next = char_width(text + bytes, &len)) <= width - 1) {
		now += next;
		bytes += len;
	}
	return mem_printf("%.*s%s", (int)bytes, text, ellipsis());
}

/* Bytes of text that go on a line of that width; *skip is what is dropped behind them. */
static size_t
line_length(const char *text, size_t width, size_t *skip)
{
	size_t bytes = 0, columns = 0, last_space = 0, len, next;

	*skip = 0;
	while (text[bytes] != '\0') {
		next = char_width(text + bytes, &len);
		if (text[bytes] == ' ' && bytes > 0)
			last_space = bytes;
		if (columns + next > width && columns > 0)
			break;
		columns += next;
		bytes += len;
	}
	if (text[bytes] == '\0' || last_space == 0)
		return bytes;
	*skip = 1;
	return last_space;
}

char *
text_wrap(const char *text, size_t width)
{
	char *out = mem_new(strlen(text) * 2 + 1, 1), *p = out;
	size_t len, skip;

	while (*text != '\0') {
		if (p != out)
			*p++ = '\n';
		len = line_length(text, width, &skip);
		memcpy(p, text, len);
		p += len;
		text += len + skip;
	}
	*p = '\0';
	return out;
}
