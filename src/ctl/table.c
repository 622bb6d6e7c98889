/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table: rows and columns, laid out by libsmartcols, that fit the terminal they are printed on. */
#include "ctl/table.h"

#include <assert.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctl/text.h"

enum {
	COLUMNS_MAX = 16,
	/* What is left, on a narrow terminal, of what may be cut and of what may be wrapped: first
	 * they give way in turn, then once more. */
	CUT_FIRST = 24,
	WRAP_FIRST = 30,
	CUT_MIN = 12,
	WRAP_MIN = 16,
	NOTE_INDENT = 4, /* of what is printed below its row, for want of width */
};

struct cell {
	char *text; /* NULL: empty */
	enum style style;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct cell *cells; /* row by row; owns its texts */
	size_t rows, room;
};

struct table *
table_new(const struct table_column *columns, size_t count)
{
	struct table *table = mem_new(1, sizeof(*table));

	assert(count > 0 && count <= COLUMNS_MAX);
	table->columns = columns;
	table->column_count = count;
	return table;
}

void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->column_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void
table_row(struct table *table)
{
	const size_t row_size = table->column_count * sizeof(*table->cells);

	if (table->rows == table->room) {
		table->room = table->room == 0 ? 16 : table->room * 2;
		table->cells = mem_resize(table->cells, table->room, row_size);
	}
	memset(table->cells + table->rows * table->column_count, 0, row_size);
	table->rows++;
}

static struct cell *
cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->column_count + column];
}

void
table_set(struct table *table, size_t column, const char *text, enum style style)
{
	struct cell *cell = cell_at(table, table->rows - 1, column);

	free(cell->text);
	cell->text = text_safe(text == NULL || text[0] == '\0' ? NULL : text);
	cell->style = style;
}

size_t
table_rows(const struct table *table)
{
	return table->rows;
}

static size_t
column_width(const struct table *table, size_t column, bool heading)
{
	size_t width = heading ? strlen(table->columns[column].name) : 0;

	for (size_t row = 0; row < table->rows; row++) {
		const char *text = cell_at(table, row, column)->text;
		size_t w = text == NULL ? 0 : text_width(text);

		if (w > width)
			width = w;
	}
	return width;
}

static void
reshape_column(
	struct table *table, size_t column, size_t width, char *(*shape)(const char *, size_t))
{
	for (size_t row = 0; row < table->rows; row++) {
		struct cell *cell = cell_at(table, row, column);
		char *shaped;

		if (cell->text == NULL)
			continue;
		shaped = shape(cell->text, width);
		free(cell->text);
		cell->text = shaped;
	}
}

/* Takes the excess off the columns with that flag, none of which gets narrower than min. Returns
 * the excess that is left. */
static size_t
take_off(const struct table *table, size_t *widths, size_t excess, unsigned flag, size_t min)
{
	for (size_t i = 0; i < table->column_count && excess > 0; i++) {
		size_t less = widths[i] > min ? widths[i] - min : 0;

		if ((table->columns[i].flags & flag) == 0)
			continue;
		if (less > excess)
			less = excess;
		widths[i] -= less;
		excess -= less;
	}
	return excess;
}

/* The widths of the first count columns as they are; returns how wide that makes the table. */
static size_t
measure(const struct table *table, size_t *widths, size_t count, bool heading)
{
	size_t total = count > 0 ? count - 1 : 0;

	for (size_t i = 0; i < count; i++) {
		widths[i] = column_width(table, i, heading);
		total += widths[i];
	}
	return total;
}

/* Plans columns that are together not wider than width, as far as possible. False if that leaves
 * no reasonable room for a last column that wraps: it is then planned as a note below its row. */
static bool
plan(const struct table *table, size_t *widths, size_t width, bool heading)
{
	const size_t last = table->column_count - 1;
	size_t total = measure(table, widths, table->column_count, heading), excess;

	excess = total > width ? total - width : 0;
	excess = take_off(table, widths, excess, TABLE_CUT, CUT_FIRST);
	excess = take_off(table, widths, excess, TABLE_WRAP, WRAP_FIRST);
	excess = take_off(table, widths, excess, TABLE_CUT, CUT_MIN);
	excess = take_off(table, widths, excess, TABLE_WRAP, WRAP_MIN);
	if (excess == 0 || (table->columns[last].flags & TABLE_WRAP) == 0)
		return true;
	total = measure(table, widths, last, heading);
	if (total > width)
		(void)take_off(table, widths, total - width, TABLE_CUT, CUT_MIN);
	widths[last] = width > NOTE_INDENT + WRAP_MIN ? width - NOTE_INDENT : WRAP_MIN;
	return false;
}

/* Makes the table fit the width as planned; returns what plan() did. */
static bool
fit(struct table *table, size_t width, bool heading)
{
	size_t widths[COLUMNS_MAX];
	const bool has_room = plan(table, widths, width, heading);

	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].flags & TABLE_CUT)
			reshape_column(table, i, widths[i], text_keep_end);
		else if (table->columns[i].flags & TABLE_WRAP)
			reshape_column(table, i, widths[i], text_wrap);
	}
	return has_room;
}

static void
fill_line(const struct table *table, size_t row, size_t count, struct libscols_line *line)
{
	for (size_t i = 0; i < count; i++) {
		const struct cell *cell = cell_at(table, row, i);

		if (cell->text == NULL || scols_line_set_data(line, i, cell->text) != 0)
			continue;
		if (cell->style != STYLE_PLAIN)
			scols_cell_set_color(
				scols_line_get_cell(line, i), style_sequence(cell->style));
	}
}

/* The first count columns as a table of libsmartcols. */
static struct libscols_table *
lay_out(const struct table *table, size_t count)
{
	struct libscols_table *out = scols_new_table();

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct table_column *column = &table->columns[i];
		int flags = column->flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0;
		struct libscols_column *c;

		if (column->flags & TABLE_WRAP)
			flags |= SCOLS_FL_WRAP;
		c = scols_table_new_column(out, column->name, 0, flags);
		if (c != NULL && column->flags & TABLE_WRAP) {
			scols_column_set_wrapfunc(
				c, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
			scols_column_set_safechars(c, "\n");
		}
	}
	for (size_t row = 0; row < table->rows; row++) {
		struct libscols_line *line = scols_table_new_line(out, NULL);

		if (line != NULL)
			fill_line(table, row, count, line);
	}
	return out;
}

/* What the last column has for a row, below it. */
static void
print_note(const struct cell *cell, FILE *out, bool color)
{
	const char *line = cell->text;

	while (line != NULL && *line != '\0') {
		const size_t len = strcspn(line, "\n");

		fprintf(out, "%*s%s%.*s%s\n", NOTE_INDENT, "",
			color ? style_sequence(cell->style) : "", (int)len, line,
			color && cell->style != STYLE_PLAIN ? style_end : "");
		line += len + (line[len] == '\n');
	}
}

/* The table without its last column, which goes below each row. */
static void
print_with_notes(const struct table *table, struct libscols_table *print, FILE *out, bool heading,
	bool color)
{
	char *text = NULL, *line;
	size_t row = 0;

	if (scols_print_table_to_string(print, &text) != 0 || text == NULL)
		return;
	for (line = text; *line != '\0';) {
		const size_t len = strcspn(line, "\n");

		fprintf(out, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
		if (heading)
			heading = false;
		else if (row < table->rows)
			print_note(cell_at(table, row++, table->column_count - 1), out, color);
	}
	free(text);
}

void
table_print(struct table *table, FILE *out, size_t width, bool heading, bool color)
{
	const bool has_room = width == 0 || fit(table, width, heading);
	struct libscols_table *print;

	if (table->rows == 0)
		return;
	print = lay_out(table, table->column_count - (has_room ? 0 : 1));
	if (print == NULL)
		return;
	scols_table_set_stream(print, out);
	/* The cells are safe and fit already. */
	scols_table_enable_noencoding(print, 1);
	scols_table_set_termforce(print, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(print, color);
	scols_table_enable_noheadings(print, !heading);
	if (has_room)
		scols_print_table(print);
	else
		print_with_notes(table, print, out, heading, color);
	scols_unref_table(print);
}
