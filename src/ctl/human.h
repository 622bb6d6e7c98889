/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human: results as a person reads them; the rows of output_human. */
#ifndef CTL_HUMAN_H
#define CTL_HUMAN_H

#include <jansson.h>

#include "ctl/output.h"

/* Tables (human_table.c). */
void human_slots(struct output *output, const json_t *slots);
void human_targets(struct output *output, const json_t *targets);
void human_images(struct output *output, const json_t *images);

/* Everything about a slot (human_detail.c). */
void human_detail(struct output *output, const json_t *detail);

/* What a BMC is (human_probe.c). */
void human_probe(struct output *output, const json_t *report);

/* What became of attachments: what went well on out, what did not on err (human_outcome.c). */
void human_outcome(struct output *output, const json_t *outcome, const struct output_wish *wish);
void human_outcomes(struct output *output, const json_t *outcomes, const struct output_wish *wish);

/* The daemon itself (human.c). */
void human_reload(struct output *output, const json_t *reload);
void human_version(struct output *output, const json_t *version);

/* The title of a part, and a line of it: a name and its value. */
void human_section(struct output *output, const char *title);
void human_value(struct output *output, enum style style, const char *name, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/*
 * The texts of an array with ", " between them; "" for none. prefix, where a text begins with it,
 * is left out. Of more than max, the rest is only counted ("and 37 more"); 0: no limit. Owned by
 * the caller.
 */
char *human_join(const json_t *array, const char *prefix, size_t max) MUST_CHECK;

#endif
