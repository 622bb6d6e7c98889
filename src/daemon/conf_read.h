/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_read: libconfig's settings, read by the schema into a struct conf. */
#ifndef DAEMON_CONF_READ_H
#define DAEMON_CONF_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <libconfig.h>

#include "base/compiler.h"
#include "daemon/conf.h"
#include "daemon/conf_error.h"
#include "daemon/conf_schema.h"
#include "daemon/conf_text.h"

struct conf_origin { /* where an object of the configuration was written */
	const config_setting_t *setting;
	size_t base; /* the place of line 1 of its text */
};

struct conf_reader {
	struct conf
		*conf; /* until conf_targets_finish() its targets are as written, ranges and all */
	struct conf_errors *errors;
	struct conf_target defaults; /* what a target starts from */
	struct conf_origin *images;  /* of conf->images */
	struct conf_origin *targets; /* of conf->targets as written */
	bool has_bad_images; /* errors in images or image_dirs: no judgement on names of images */
};

/* Reads the text into conf, which has the built-in settings, and checks all of it. */
void conf_read(struct conf *conf, const struct conf_text *text, struct conf_errors *errors);

/* The place of a setting. */
size_t conf_origin_place(const struct conf_origin *origin);

/* The origin of a member of a group, or of the group itself if it has no such member. */
struct conf_origin conf_origin_member(const struct conf_origin *origin, const char *key);

/* Element i of a group or list. */
struct conf_origin conf_origin_element(const struct conf_origin *origin, int i);

/* An error: the setting's path ("targets.node42.ports.fd: "), then the text. */
void conf_complain(const struct conf_reader *reader, const struct conf_origin *origin,
	const char *fmt, ...) PRINTF_LIKE(3, 4);

/* conf_setting.c: an error of type ("must be a list, not a number"), and the value of a setting
 * that is no group and no list of groups. */
void conf_complain_type(
	const struct conf_reader *reader, const struct conf_origin *origin, const char *wanted);
void conf_read_value(struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_row *row, void *object);

/*
 * conf_target.c: checks what cannot be seen from one setting (names taken twice, attachments
 * against each other and against images) and expands the ranges.
 */
void conf_targets_finish(struct conf_reader *reader);

/* conf_way.c: fills in what is left to the dialect of a target as written, and checks what does not
 * go together. origin is the target's. */
void conf_way_finish(const struct conf_reader *reader, const struct conf_origin *origin,
	struct conf_target *target);

#endif
