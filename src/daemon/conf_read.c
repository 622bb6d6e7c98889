/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_read: libconfig's settings, read by the schema into a struct conf. */
#include "daemon/conf_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "daemon/conf_schema.h"

enum {
	BACKOFF_MIN = 1, /* seconds, unless the configuration says something else */
	BACKOFF_MAX = 60,
	CANDIDATES_MAX = 64, /* keys that a mistyped one is compared with */
	TOP_ROWS_MAX = 16,   /* rows of CONF_TOP at most, all of them first in the table */
};

static void read_group(struct conf_reader *reader, const struct conf_origin *origin,
	enum conf_scope scope, void *object);

/* --- where a setting is --------------------------------------------------- */

size_t
conf_origin_place(const struct conf_origin *origin)
{
	unsigned line = config_setting_source_line(origin->setting);

	return origin->base + (line ? line - 1 : 0);
}

struct conf_origin
conf_origin_member(const struct conf_origin *origin, const char *key)
{
	const config_setting_t *member = config_setting_get_member(origin->setting, key);

	return (struct conf_origin){ member ? member : origin->setting, origin->base };
}

struct conf_origin
conf_origin_element(const struct conf_origin *origin, int i)
{
	return (struct conf_origin){ config_setting_get_elem(origin->setting, (unsigned)i),
		origin->base };
}

/* Writes "targets.node42.ports.fd": an element of a list goes by its name, if it has one. */
static void
print_path(FILE *out, const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);
	const char *name = NULL;

	if (!parent)
		return;
	print_path(out, parent);
	if (config_setting_name(setting)) {
		fprintf(out, "%s%s", config_setting_is_root(parent) ? "" : ".",
			config_setting_name(setting));
		return;
	}
	if (config_setting_is_group(setting))
		config_setting_lookup_string(setting, "name", &name);
	if (name && *name)
		fprintf(out, ".%.100s", name);
	else
		fprintf(out, "[%d]", config_setting_index(setting));
}

void
conf_complain(
	const struct conf_reader *reader, const struct conf_origin *origin, const char *fmt, ...)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	va_list args;

	if (!out)
		abort(); /* out of memory, as in base/memory */
	print_path(out, origin->setting);
	fputs(": ", out);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fclose(out);
	conf_error(reader->errors, conf_origin_place(origin), "%s", text);
	free(text);
}

/* --- lists of groups ------------------------------------------------------ */

static void
begin_target(struct conf_target *target, const struct conf_target *defaults)
{
	*target = *defaults;
	if (defaults->login_user)
		target->login_user = mem_strdup(defaults->login_user);
	if (defaults->login_secret)
		target->login_secret = mem_strdup(defaults->login_secret);
}

/* What an element of the list starts from, at its place in the array. */
static void
begin_element(struct conf_reader *reader, const struct conf_origin *origin, enum conf_scope scope,
	void *element, size_t index)
{
	if (scope == CONF_IMAGE) {
		reader->images = conf_grow(reader->images, index, sizeof(*reader->images));
		reader->images[index] = *origin;
	} else if (scope == CONF_TARGET) {
		reader->targets = conf_grow(reader->targets, index, sizeof(*reader->targets));
		reader->targets[index] = *origin;
		begin_target(element, &reader->defaults);
	}
}

/* An attachment with an error is not compared with the others. */
static void
drop_attach(struct conf_attach *attach)
{
	free(attach->image);
	attach->image = NULL;
}

static void
read_list(struct conf_reader *reader, const struct conf_origin *origin, const struct conf_row *row,
	char *object)
{
	void **array = (void **)(object + row->offset);
	size_t *count = (size_t *)(object + row->count);
	int length = config_setting_length(origin->setting);

	if (!config_setting_is_list(origin->setting) &&
		!(config_setting_is_array(origin->setting) && length == 0)) {
		conf_complain_type(reader, origin, "a list of groups: ( { ... } )");
		return;
	}
	for (int i = 0; i < length; i++) {
		struct conf_origin element = conf_origin_element(origin, i);
		size_t errors;
		void *at;

		*array = conf_grow(*array, *count, row->size);
		at = (char *)*array + *count * row->size;
		begin_element(reader, &element, row->inside, at, *count);
		++*count;
		errors = reader->errors->count;
		read_group(reader, &element, row->inside, at);
		if (row->inside == CONF_ATTACH && reader->errors->count > errors)
			drop_attach(at);
	}
}

/* --- groups -------------------------------------------------------------- */

static void
read_setting(struct conf_reader *reader, const struct conf_origin *origin,
	const struct conf_row *row, void *object)
{
	if (row->kind == CONF_GROUP)
		read_group(reader, origin, row->inside, object);
	else if (row->kind == CONF_LIST)
		read_list(reader, origin, row, object);
	else
		conf_read_value(reader, origin, row, object);
}

static void
complain_unknown(
	const struct conf_reader *reader, const struct conf_origin *origin, enum conf_scope scope)
{
	const char *candidates[CANDIDATES_MAX], *near;
	size_t count = 0;

	for (const struct conf_row *row = conf_rows; row->key; row++)
		if ((row->scopes & scope) && count < CANDIDATES_MAX)
			candidates[count++] = row->key;
	near = nearest(config_setting_name(origin->setting), candidates, count);
	if (near)
		conf_complain(reader, origin, "unknown setting; did you mean \"%s\"?", near);
	else
		conf_complain(reader, origin, "unknown setting");
}

static void
check_backoff(
	struct conf_reader *reader, const struct conf_origin *origin, struct conf_target *target)
{
	struct conf_origin backoff = conf_origin_member(origin, "backoff");

	if (backoff.setting != origin->setting && target->backoff_min > target->backoff_max) {
		conf_complain(reader, &backoff, "min (%g) must not be above max (%g)",
			target->backoff_min, target->backoff_max);
		target->backoff_min = BACKOFF_MIN; /* no target shall repeat the error */
		target->backoff_max = BACKOFF_MAX;
	}
}

static void
read_group(struct conf_reader *reader, const struct conf_origin *origin, enum conf_scope scope,
	void *object)
{
	if (!config_setting_is_group(origin->setting)) {
		conf_complain_type(reader, origin, "a group: { ... }");
		return;
	}
	for (const struct conf_row *row = conf_rows; row->key; row++)
		if ((row->scopes & scope) && row->is_needed &&
			!config_setting_get_member(origin->setting, row->key))
			conf_complain(reader, origin, "needs \"%s\"", row->key);
	for (int i = 0; i < config_setting_length(origin->setting); i++) {
		struct conf_origin member = conf_origin_element(origin, i);
		const struct conf_row *row =
			conf_row_find(scope, config_setting_name(member.setting));

		if (row)
			read_setting(reader, &member, row, object);
		else
			complain_unknown(reader, &member, scope);
	}
	if (scope & (CONF_TARGET | CONF_DEFAULTS))
		check_backoff(reader, origin, object);
}

/* --- the whole ----------------------------------------------------------- */

struct top { /* the settings of all pieces */
	struct conf_origin *items;
	size_t count;
};

/*
 * A setting is given once; but a list of targets or images may be given once in each file, and they
 * add up. Returns false, with the error, if this one is given already. seen: item number + 1 for
 * each row and file.
 */
static bool
is_first(const struct conf_reader *reader, const struct top *top, size_t i,
	const struct conf_row *row, size_t *seen)
{
	const struct conf_errors *errors = reader->errors;
	size_t file = errors->places[conf_origin_place(&top->items[i])].file;
	char *where;

	seen += (size_t)(row - conf_rows) * errors->files.count;
	if (row->kind == CONF_LIST)
		seen += file;
	if (*seen == 0) {
		*seen = i + 1;
		return true;
	}
	where = conf_errors_where(errors, conf_origin_place(&top->items[*seen - 1]));
	conf_complain(reader, &top->items[i], "is already set at %s", where);
	free(where);
	return false;
}

static void
read_top(struct conf_reader *reader, const struct top *top)
{
	size_t *seen = mem_new(TOP_ROWS_MAX * reader->errors->files.count + 1, sizeof(*seen));

	/* Defaults apply wherever they stand, so they come first. */
	for (int wants_defaults = 1; wants_defaults >= 0; wants_defaults--) {
		for (size_t i = 0; i < top->count; i++) {
			const struct conf_origin *origin = &top->items[i];
			const struct conf_row *row =
				conf_row_find(CONF_TOP, config_setting_name(origin->setting));
			size_t errors = reader->errors->count;
			int is_defaults = row && row->inside == CONF_DEFAULTS;

			if (is_defaults != wants_defaults)
				continue;
			if (!row)
				complain_unknown(reader, origin, CONF_TOP);
			else if (is_first(reader, top, i, row, seen))
				read_setting(reader, origin, row,
					is_defaults ? (void *)&reader->defaults : reader->conf);
			if (row && (row->inside == CONF_IMAGE || row->kind == CONF_TEXTS) &&
				reader->errors->count > errors)
				reader->has_bad_images = true;
		}
	}
	free(seen);
}

static void
parse_piece(const struct conf_piece *piece, config_t *config, struct conf_errors *errors)
{
	size_t line;
	char *text;

	if (config_read_string(config, piece->data))
		return;
	line = config_error_line(config) > 0 ? (size_t)config_error_line(config) : 1;
	text = conf_text_line(piece, line);
	conf_error(errors, piece->first + (line < piece->lines ? line : piece->lines) - 1,
		*text ? "%s: %s" : "%s at the end", config_error_text(config), text);
	free(text);
	/* What was read before the error is no whole. */
	config_destroy(config);
	config_init(config);
}

void
conf_read(struct conf *conf, const struct conf_text *text, struct conf_errors *errors)
{
	struct conf_reader reader = {
		.conf = conf,
		.errors = errors,
		.defaults = {
			.dialect = dialect_find("auto"),
			.transport = CHOOSE_TRANSPORT,
			.login = CONF_LOGIN_DEFAULT,
			.tls_mode = TLS_AUTO,
			.tls_verify = TLS_VERIFY_PIN,
			.backoff_min = BACKOFF_MIN,
			.backoff_max = BACKOFF_MAX,
		},
	};
	config_t *configs = mem_new(text->count + 1, sizeof(*configs));
	struct top top = { 0 };

	for (size_t i = 0; i < text->count; i++) {
		const struct conf_piece *piece = &text->pieces[i];
		config_setting_t *root;

		config_init(&configs[i]);
		if (!piece->is_broken)
			parse_piece(piece, &configs[i], errors);
		root = config_root_setting(&configs[i]);
		for (int k = 0; k < config_setting_length(root); k++) {
			top.items = conf_grow(top.items, top.count, sizeof(*top.items));
			top.items[top.count++] =
				(struct conf_origin){ config_setting_get_elem(root, (unsigned)k),
					piece->first };
		}
	}
	reader.has_bad_images = errors->count > 0; /* some may be in what could not be read */
	read_top(&reader, &top);
	conf_targets_finish(&reader);
	for (size_t i = 0; i < text->count; i++)
		config_destroy(&configs[i]);
	conf_target_fini(&reader.defaults);
	free(configs);
	free(top.items);
	free(reader.images);
	free(reader.targets);
}
