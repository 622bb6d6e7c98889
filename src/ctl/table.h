/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table: rows and columns, laid out by libsmartcols, that fit the terminal they are printed on. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/compiler.h"
#include "ctl/style.h"

struct table;

enum table_flags {
	TABLE_LEFT = 0,
	TABLE_RIGHT = 1 << 0, /* numbers */
	TABLE_CUT = 1 << 1,   /* on a narrow terminal the beginning may go (paths) */
	TABLE_WRAP = 1 << 2, /* on a narrow terminal it takes more lines, or goes below its row; the
			   last column only */
};

struct table_column {
	const char *name;
	unsigned flags; /* enum table_flags */
};

/* columns has count elements, 16 at most, and outlives the table. */
struct table *table_new(const struct table_column *columns, size_t count) MUST_CHECK;

void table_free(struct table *table);

/* Begins a row; its cells are empty. */
void table_row(struct table *table);

/* Fills a cell of the last row with a copy of text, made safe for a terminal; NULL and ""
 * are "-". */
void table_set(struct table *table, size_t column, const char *text, enum style style);

size_t table_rows(const struct table *table);

/*
 * Prints. width: columns of the terminal, 0 for none: then nothing is cut or wrapped. heading:
 * the names of the columns come first. A table with no rows prints nothing.
 */
void table_print(struct table *table, FILE *out, size_t width, bool heading, bool color);

#endif
