/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_text: the text of the configuration, its @include lines replaced by the files they name. */
#include "daemon/conf_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/conf_include.h"

enum {
	BRACKETS_MAX = 32, /* depth of brackets */
	FILES_MAX = 10,    /* depth of includes */
	LINE_SHOWN = 60,   /* bytes of a line that an error shows */
	UTF8_MAX = 4,      /* bytes of a character */
};

enum scan_state {
	IN_TEXT,
	IN_STRING,
	IN_LINE_COMMENT,
	IN_COMMENT,
};

struct bracket {
	char open;
	size_t place;
};

struct scanner {
	struct conf_text *text;
	struct conf_errors *errors;
	enum scan_state state;
	size_t place; /* of the line at hand */
	size_t began; /* place where the string or comment began */
	struct bracket brackets[BRACKETS_MAX];
	unsigned depth, base;             /* of brackets, now and where the file at hand began */
	char last;                        /* the last character that is neither blank nor comment */
	size_t comma;                     /* where in the piece it is, if it is a comma */
	bool is_seam;                     /* a file has begun or ended in a list since */
	bool wants_piece;                 /* the next line begins a new piece */
	struct conf_file open[FILES_MAX]; /* the files that include one another */
	unsigned open_count;
	size_t bytes; /* of all files so far */
};

static void scan_file(struct scanner *s, const char *path, size_t from);

/* How many of the bytes at p an error shows: no half character at the end. */
static int
shown(const char *p, size_t len)
{
	size_t n = len;

	if (len > LINE_SHOWN) {
		n = LINE_SHOWN;
		while (n > LINE_SHOWN - UTF8_MAX && (p[n] & 0xC0) == 0x80)
			n--;
	}
	return (int)n;
}

static struct conf_piece *
piece(struct scanner *s)
{
	return &s->text->pieces[s->text->count - 1];
}

static void
put(struct scanner *s, const char *data, size_t len)
{
	struct conf_piece *p = piece(s);

	if (p->room - p->len <= len) {
		p->room = 2 * p->room + len + 256;
		p->data = mem_resize(p->data, p->room, 1);
	}
	memcpy(p->data + p->len, data, len);
	p->len += len;
	p->data[p->len] = '\0';
}

static void
begin_line(struct scanner *s, size_t file, unsigned line)
{
	s->place = conf_errors_place(s->errors, file, line);
	if (!s->wants_piece) {
		piece(s)->lines++;
		return;
	}
	s->text->pieces = conf_grow(s->text->pieces, s->text->count, sizeof(*s->text->pieces));
	s->text->count++;
	piece(s)->first = s->place;
	piece(s)->lines = 1;
	put(s, "", 0);
	s->last = '\0';
	s->wants_piece = false;
}

/* True if an include here stands between two settings. */
static bool
is_between_settings(const struct scanner *s)
{
	return s->depth == 0 && s->last != '=' && s->last != ':';
}

/* An included file begins or ends here. */
static void
make_seam(struct scanner *s, bool is_own_piece)
{
	s->wants_piece = s->wants_piece || is_own_piece;
	s->is_seam = s->depth > 0 && s->brackets[s->depth - 1].open == '(' && s->last == '}';
}

/* An error that libconfig would stumble over too: later ones of the piece are but its echoes. */
static void PRINTF_LIKE(3, 4) spoil(struct scanner *s, size_t place, const char *fmt, ...)
{
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (!piece(s)->is_broken)
		conf_error(s->errors, place, "%s", what);
	piece(s)->is_broken = true;
}

static void
open_bracket(struct scanner *s, char c)
{
	if (s->is_seam && c == '{')
		put(s, ",", 1); /* files of a list need no comma between them */
	if (s->depth == BRACKETS_MAX) {
		spoil(s, s->place, "brackets are nested too deep");
		return;
	}
	s->brackets[s->depth++] = (struct bracket){ .open = c, .place = s->place };
}

static void
close_bracket(struct scanner *s, char c)
{
	static const char *const closing = ")]}", *const opening = "([{";
	char open = opening[strchr(closing, c) - closing];
	struct bracket *b = s->depth > s->base ? &s->brackets[s->depth - 1] : NULL;

	/* A comma behind the last element: libconfig 1.7 allows it, 1.5 does not. */
	if (c != '}' && s->last == ',')
		piece(s)->data[s->comma] = ' ';
	if (!b) {
		spoil(s, s->place, "this \"%c\" closes nothing", c);
		return;
	}
	if (b->open != open) {
		char *where = conf_errors_where(s->errors, b->place);

		spoil(s, s->place, "this \"%c\" does not fit the \"%c\" at %.160s", c, b->open,
			where);
		free(where);
	}
	s->depth--;
}

/* True for a number that libconfig 1.5 would take for another one (4294967297 for 1). */
static bool
is_too_large(const char *word, size_t len)
{
	bool is_hex = len > 1 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	char copy[128], *end;
	long long value;

	if (!isdigit((unsigned char)word[word[0] == '-' || word[0] == '+']))
		return false;
	if (len >= sizeof(copy))
		return true;
	memcpy(copy, word, len);
	copy[len] = '\0';
	errno = 0;
	value = strtoll(copy, &end, is_hex ? 16 : 10);
	if (*end == '\0')
		return errno == ERANGE || value > INT_MAX || value <= INT_MIN;
	return *end == 'L' && errno == ERANGE;
}

/* A name or number; returns how long it is. */
static size_t
scan_word(struct scanner *s, const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && (isalnum((unsigned char)p[n]) || strchr("_*-+.", p[n])))
		n++;
	if (n == 0)
		n = 1;
	if (!is_too_large(p, n)) {
		put(s, p, n);
		return n;
	}
	conf_error(s->errors, s->place, "%.*s is too large a number", (int)(n < 40 ? n : 40), p);
	put(s, CONF_TOO_LARGE_TEXT, sizeof(CONF_TOO_LARGE_TEXT) - 1);
	return n;
}

/* libconfig 1.5 loses the memory of a text that stands where none may, so it sees none. */
static bool
may_have_text(const struct scanner *s)
{
	bool is_in_list = s->depth > 0 && s->brackets[s->depth - 1].open != '{';

	return s->last && strchr(is_in_list ? "([,\"" : "=:\"", s->last);
}

/* The characters at p, outside of strings and comments; returns how many were taken. */
static size_t
scan_text(struct scanner *s, const char *p, size_t len)
{
	bool is_pair = len > 1 && p[0] == '/' && (p[1] == '/' || p[1] == '*');
	size_t n = 1;

	if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\f' || *p == '\v') {
		put(s, p, 1);
		return 1;
	}
	if (*p == '#' || is_pair) {
		s->state = is_pair && p[1] == '*' ? IN_COMMENT : IN_LINE_COMMENT;
		s->began = s->place;
		n = is_pair ? 2 : 1;
		put(s, p, n);
		return n;
	}
	if (strchr("([{", *p)) {
		open_bracket(s, *p);
	} else if (strchr(")]}", *p)) {
		close_bracket(s, *p);
	} else if (*p == '"') {
		if (!may_have_text(s))
			spoil(s, s->place, "syntax error at: %.*s", shown(p, len), p);
		s->state = IN_STRING;
		s->began = s->place;
	} else if (*p == ',') {
		s->comma = piece(s)->len;
	} else {
		n = scan_word(s, p, len);
		s->last = p[n - 1];
		s->is_seam = false;
		return n;
	}
	put(s, p, 1);
	s->last = *p;
	s->is_seam = false;
	return 1;
}

static size_t
scan_string(struct scanner *s, const char *p, size_t len)
{
	size_t n = 1;

	if (*p == '\\' && len >= 4 && (p[1] == 'x' || p[1] == 'X') && p[2] == '0' && p[3] == '0')
		spoil(s, s->place, "a string cannot hold a NUL character");
	if (*p == '\\' && len > 1)
		n = 2;
	else if (*p == '"')
		s->state = IN_TEXT;
	put(s, p, n);
	return n;
}

static void
scan_line(struct scanner *s, const char *p, size_t len)
{
	while (len > 0) {
		size_t n = 1;

		if (s->state == IN_TEXT) {
			n = scan_text(s, p, len);
		} else if (s->state == IN_STRING) {
			n = scan_string(s, p, len);
		} else {
			if (s->state == IN_COMMENT && len > 1 && p[0] == '*' && p[1] == '/') {
				s->state = IN_TEXT;
				n = 2;
			}
			put(s, p, n);
		}
		p += n;
		len -= n;
	}
	if (s->state == IN_STRING)
		spoil(s, s->place, "this line has a quote (\") without its partner");
	if (s->state != IN_COMMENT)
		s->state = IN_TEXT;
	put(s, "\n", 1);
}

static void
include(struct scanner *s, size_t from, const char *name)
{
	bool is_own_piece = is_between_settings(s);
	size_t place = s->place;
	struct strlist paths = { 0 };
	struct reason why;

	if (*name == '\0')
		conf_error(s->errors, place, "@include needs the name of a file");
	else if (conf_include_find(s->errors->files.items[from], name, &paths, &why) < 0)
		conf_error(s->errors, place, "@include \"%.200s\": %s", name, why.text);
	for (size_t i = 0; i < paths.count; i++) {
		make_seam(s, is_own_piece);
		scan_file(s, paths.items[i], place);
	}
	make_seam(s, is_own_piece);
	strlist_fini(&paths);
}

/* If the line is an @include, does it and returns what is behind it; else returns NULL. */
static const char *
scan_include(struct scanner *s, size_t file, unsigned line, const char *p, const char *end)
{
	static const char word[] = "@include";
	const char *close;
	char *name;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if ((size_t)(end - p) < sizeof(word) - 1 || memcmp(p, word, sizeof(word) - 1) != 0)
		return NULL;
	begin_line(s, file, line);
	put(s, "\n", 1);
	p += sizeof(word) - 1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	close = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p - 1)) : NULL;
	if (!close) {
		conf_error(s->errors, s->place, "@include needs the name of a file in quotes");
		return end;
	}
	name = mem_printf("%.*s", (int)(close - p - 1), p + 1);
	include(s, file, name);
	free(name);
	return close + 1;
}

static void
scan_lines(struct scanner *s, size_t file, const struct conf_file *content)
{
	const char *p = content->data, *end = content->data + content->len;

	for (unsigned line = 1; p < end; line++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *rest = NULL;

		if (!eol)
			eol = end;
		if (s->state == IN_TEXT)
			rest = scan_include(s, file, line, p, eol);
		if (!rest || rest < eol) {
			begin_line(s, file, line);
			scan_line(s, rest ? rest : p, (size_t)(eol - (rest ? rest : p)));
		}
		p = eol + 1;
	}
}

/* What a file opens, it closes. */
static void
end_file(struct scanner *s)
{
	if (s->state == IN_COMMENT)
		spoil(s, s->began, "this comment is never closed");
	s->state = IN_TEXT;
	if (s->depth > s->base) {
		struct bracket *b = &s->brackets[s->base];

		spoil(s, b->place, "this \"%c\" is never closed", b->open);
		s->depth = s->base;
	}
}

/* True if the file is one of those that are being read. */
static bool
is_open(const struct scanner *s, const struct conf_file *file)
{
	for (unsigned i = 0; i < s->open_count; i++)
		if (s->open[i].dev == file->dev && s->open[i].ino == file->ino)
			return true;
	return false;
}

/* Reads one file; `from` is the place of the @include. */
static void
scan_file(struct scanner *s, const char *path, size_t from)
{
	struct conf_file *file = &s->open[s->open_count];
	unsigned base = s->base;
	struct reason why;
	size_t index;

	if (s->open_count == FILES_MAX) {
		conf_error(s->errors, from, "includes are nested deeper than %d files", FILES_MAX);
		return;
	}
	if (conf_include_read(path, s->open_count > 0, file, &why) < 0) {
		if (s->open_count > 0)
			conf_error(s->errors, from, "%s cannot be read: %s", path, why.text);
		else
			conf_error(s->errors, from, "cannot be read: %s", why.text);
		return;
	}
	s->bytes += file->len;
	if (is_open(s, file)) {
		conf_error(s->errors, from, "%s includes itself", path);
	} else if (s->bytes > CONF_BYTES_MAX) {
		conf_error(s->errors, from, "the included files have more than %d MiB",
			CONF_BYTES_MAX >> 20);
	} else if (memchr(file->data, '\0', file->len)) {
		conf_error(s->errors, from, "%s is not a text file", path);
	} else {
		s->open_count++;
		s->base = s->depth;
		index = conf_errors_file(s->errors, path);
		scan_lines(s, index, file);
		end_file(s);
		s->base = base;
		s->open_count--;
	}
	free(file->data);
}

void
conf_text_read(struct conf_text *text, const char *path, struct conf_errors *errors)
{
	struct scanner s = { .text = text, .errors = errors, .wants_piece = true };
	size_t whole = conf_errors_place(errors, conf_errors_file(errors, path), 0);

	scan_file(&s, path, whole);
}

char *
conf_text_line(const struct conf_piece *piece, size_t line)
{
	const char *p = piece->data, *end;

	for (; line > 1 && (p = strchr(p, '\n')); line--)
		p++;
	if (!p)
		return mem_strdup("");
	p += strspn(p, " \t");
	end = p + strcspn(p, "\r\n");
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - p > LINE_SHOWN) {
		return mem_printf("%.*s...", shown(p, LINE_SHOWN + 1), p);
	}
	return mem_printf("%.*s", (int)(end - p), p);
}

void
conf_text_fini(struct conf_text *text)
{
	for (size_t i = 0; i < text->count; i++)
		free(text->pieces[i].data);
	free(text->pieces);
	*text = (struct conf_text){ 0 };
}
