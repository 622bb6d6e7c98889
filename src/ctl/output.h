/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output: how results are printed, for a person or as JSON. A verb hands over the daemon's answer
 * and does not know which.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/compiler.h"
#include "ctl/style.h"

struct output;

struct output_wish {      /* what outcomes are the outcomes of */
	bool detach;      /* else attach */
	const char *wait; /* attach: accepted, read or none */
};

/* One way of printing. Each function takes what its method of the interface returns. */
struct output_format {
	void (*slots)(struct output *output, const json_t *slots);
	void (*detail)(struct output *output, const json_t *detail);
	void (*targets)(struct output *output, const json_t *targets);
	void (*images)(struct output *output, const json_t *images);
	void (*probe)(struct output *output, const json_t *report);
	/* One as it is known, and all of them in the end. */
	void (*outcome)(
		struct output *output, const json_t *outcome, const struct output_wish *wish);
	void (*outcomes)(
		struct output *output, const json_t *outcomes, const struct output_wish *wish);
	void (*reload)(struct output *output, const json_t *reload);
	/* version: NULL if the daemon could not be asked. */
	void (*version)(struct output *output, const json_t *version);
};

struct output {
	const struct output_format *format;
	FILE *out, *err;
	bool has_legend; /* headings and summaries */
	bool is_quiet;   /* no progress, no summaries, nothing about success */
	bool has_color;  /* on out */
	bool err_is_terminal;
	size_t width;     /* columns of the terminal at out, 0 if there is none */
	size_t err_width; /* of the one at err */
	double now;       /* seconds since the epoch: what ages are counted from */
};

extern const struct output_format output_human;
extern const struct output_format output_json;

/* What the two streams are and the time. color: "auto", "always" or "never". */
void output_init(struct output *output, FILE *out, FILE *err, const char *color);

/* A line on out. The text is made safe for a terminal as a whole. */
void output_line(struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Text without an end of line on out, in that style if there are colours. Made safe. */
void output_text(struct output *output, enum style style, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A line about something that went wrong, on err behind "iusbctl: ". Made safe. */
void output_error(struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* False with a word on err if out did not take all that was written (a full disk). */
bool output_finish(struct output *output);

#endif
