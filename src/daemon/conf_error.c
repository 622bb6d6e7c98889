/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_error: places in the configuration's files, and what is wrong there. */
#include "daemon/conf_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/conf_value.h"

enum {
	TEXT_MAX = 1024, /* characters of one error */
};

void *
conf_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) == 0)
		array = mem_resize(array, count ? 2 * count : 1, size);
	memset((char *)array + count * size, 0, size);
	return array;
}

size_t
conf_errors_file(struct conf_errors *errors, const char *path)
{
	strlist_add(&errors->files, path);
	return errors->files.count - 1;
}

size_t
conf_errors_place(struct conf_errors *errors, size_t file, unsigned line)
{
	errors->places = conf_grow(errors->places, errors->place_count, sizeof(*errors->places));
	errors->places[errors->place_count] = (struct conf_place){ .file = file, .line = line };
	return errors->place_count++;
}

void
conf_error(struct conf_errors *errors, size_t place, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	errors->items = conf_grow(errors->items, errors->count, sizeof(*errors->items));
	errors->items[errors->count] = (struct conf_error){
		.place = place, .number = errors->count, .text = mem_strdup(text)
	};
	errors->count++;
}

char *
conf_errors_where(const struct conf_errors *errors, size_t place)
{
	const struct conf_place *p = &errors->places[place];
	const char *file = errors->files.items[p->file];

	return p->line ? mem_printf("%s:%u", file, p->line) : mem_strdup(file);
}

static int
compare_errors(const void *a, const void *b)
{
	const struct conf_error *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Control characters and what is no UTF-8 become '?': errors go to terminals and into JSON. */
static void
make_printable(char *text)
{
	while (*text) {
		size_t n = conf_utf8_length(text);

		if (n == 0 || (unsigned char)*text < ' ' || *text == 0x7F) {
			*text = '?';
			n = 1;
		}
		text += n;
	}
}

void
conf_errors_list(struct conf_errors *errors, struct strlist *out)
{
	if (errors->count > 1)
		qsort(errors->items, errors->count, sizeof(*errors->items), compare_errors);
	for (size_t i = 0; i < errors->count; i++) {
		char *where = conf_errors_where(errors, errors->items[i].place);
		char *line = mem_printf("%s: %s", where, errors->items[i].text);

		make_printable(line);
		strlist_add(out, line);
		free(line);
		free(where);
	}
}

void
conf_errors_fini(struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->items[i].text);
	free(errors->items);
	free(errors->places);
	strlist_fini(&errors->files);
	*errors = (struct conf_errors){ 0 };
}
