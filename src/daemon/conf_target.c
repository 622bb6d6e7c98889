/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_target: ranges of targets expanded, and what can be seen only from all of them together. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostlist.h"
#include "base/memory.h"
#include "daemon/conf_image.h"
#include "daemon/conf_read.h"

/* --- images --------------------------------------------------------------- */

struct named { /* something with a name, and which one it is in the order of the file */
	const char *name;
	size_t index;
};

static int
compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Images that have no name or path (there is an error already) go, so that what comes later need
 * not look out for them. */
static void
drop_broken_images(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t kept = 0;

	for (size_t i = 0; i < conf->image_count; i++) {
		if (conf->images[i].name && conf->images[i].path) {
			reader->images[kept] = reader->images[i];
			conf->images[kept++] = conf->images[i];
			continue;
		}
		free(conf->images[i].name);
		free(conf->images[i].path);
	}
	conf->image_count = kept;
}

static void
check_image_names(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	struct named *names = mem_new(conf->image_count + 1, sizeof(*names));

	for (size_t i = 0; i < conf->image_count; i++)
		names[i] = (struct named){ conf->images[i].name, i };
	qsort(names, conf->image_count, sizeof(*names), compare_named);
	for (size_t i = 1; i < conf->image_count; i++) {
		const struct named *name = &names[i];
		char *where;

		if (strcmp(name[-1].name, name->name) != 0)
			continue;
		where = conf_errors_where(
			reader->errors, conf_origin_place(&reader->images[name[-1].index]));
		conf_complain(reader, &reader->images[name->index],
			"there is an image \"%.100s\" already, at %s", name->name, where);
		free(where);
	}
	free(names);
}

/* --- ranges --------------------------------------------------------------- */

struct expansion { /* the targets that come out, and where they come from */
	struct conf_target *targets;
	size_t *written; /* index of the target as written, for each */
	size_t count;
	size_t names; /* how many have been looked at, good or not */
	bool is_full;
};

/* The target as written, under one of its names. */
static void
add_target(struct expansion *all, const struct conf_target *target, size_t written,
	const char *name, const char *address)
{
	struct conf_target *copy;

	all->targets = conf_grow(all->targets, all->count, sizeof(*all->targets));
	all->written = conf_grow(all->written, all->count, sizeof(*all->written));
	copy = &all->targets[all->count];
	conf_target_copy(copy, target);
	free(copy->name);
	free(copy->address);
	copy->name = mem_strdup(name);
	copy->address = mem_strdup(address);
	all->written[all->count++] = written;
}

/* Expands the text of one member; false with the error if it or one it stands for is bad. */
static bool
expand_member(const struct conf_reader *reader, const struct conf_origin *target, const char *key,
	const char *text, struct strlist *out)
{
	struct conf_origin origin = conf_origin_member(target, key);
	bool is_name = strcmp(key, "name") == 0;
	struct reason why;

	if (*text == '\0') {
		conf_complain(reader, &origin, "must not be empty");
		return false;
	}
	if (hostlist_expand(text, out, &why) < 0) {
		conf_complain(reader, &origin, "%s", why.text);
		return false;
	}
	for (size_t i = 0; i < out->count; i++) {
		if (is_name && !target_name_is_valid(out->items[i])) {
			conf_complain(reader, &origin,
				"\"%.80s\" is not a name for a target (letters, digits, \".\", \"_\", \"-\"; "
				"%d at most)",
				out->items[i], TARGET_NAME_MAX);
			return false;
		}
		if (!is_name && conf_check_address(out->items[i], &why) < 0) {
			conf_complain(reader, &origin, "%s", why.text);
			return false;
		}
	}
	return true;
}

/* Without good addresses, an error that is told by then, the names are still taken. */
static void
add_targets(struct conf_reader *reader, struct expansion *all, size_t written,
	const struct strlist *names, const struct strlist *addresses)
{
	const struct conf_target *target = &reader->conf->targets[written];
	bool has_addresses = names->count == addresses->count;

	if (!has_addresses && addresses->count > 0) {
		struct conf_origin origin =
			conf_origin_member(&reader->targets[written], "address");

		conf_complain(reader, &origin, "%zu name%s, but %zu address%s", names->count,
			names->count == 1 ? "" : "s", addresses->count,
			addresses->count == 1 ? "" : "es");
	}
	for (size_t i = 0; i < names->count; i++)
		add_target(all, target, written, names->items[i],
			has_addresses ? addresses->items[i] : "");
}

static void
expand_target(struct conf_reader *reader, struct expansion *all, size_t written)
{
	const struct conf_target *target = &reader->conf->targets[written];
	const struct conf_origin *origin = &reader->targets[written];
	struct strlist names = { 0 }, addresses = { 0 };
	bool has_names =
		target->name && expand_member(reader, origin, "name", target->name, &names);

	if (target->address &&
		!expand_member(reader, origin, "address", target->address, &addresses))
		strlist_fini(&addresses);
	all->names += names.count > addresses.count ? names.count : addresses.count;
	if (all->names > CONF_TARGETS_MAX) {
		conf_complain(reader, origin, "more than %d targets", CONF_TARGETS_MAX);
		all->is_full = true;
	} else if (has_names) {
		add_targets(reader, all, written, &names, &addresses);
	}
	strlist_fini(&names);
	strlist_fini(&addresses);
}

/* One error for each target as written whose names are taken. */
static void
check_target_names(const struct conf_reader *reader, const struct expansion *all)
{
	struct named *names = mem_new(all->count + 1, sizeof(*names));
	bool *is_told = mem_new(reader->conf->target_count + 1, sizeof(*is_told));

	for (size_t i = 0; i < all->count; i++)
		names[i] = (struct named){ all->targets[i].name, i };
	qsort(names, all->count, sizeof(*names), compare_named);
	for (size_t i = 1; i < all->count; i++) {
		size_t written = all->written[names[i].index];
		struct conf_origin origin, other;
		char *where;

		if (strcmp(names[i - 1].name, names[i].name) != 0 || is_told[written])
			continue;
		is_told[written] = true;
		origin = conf_origin_member(&reader->targets[written], "name");
		other = conf_origin_member(
			&reader->targets[all->written[names[i - 1].index]], "name");
		where = conf_errors_where(reader->errors, conf_origin_place(&other));
		conf_complain(reader, &origin, "there is a target \"%s\" already, at %s",
			names[i].name, where);
		free(where);
	}
	free(names);
	free(is_told);
}

/* --- standing attachments --------------------------------------------------- */

struct use {        /* of an image, by a standing attachment */
	char *path; /* NULL if there is an error already */
	size_t index;
	struct conf_origin origin;
	bool is_writer;
	bool is_range; /* by more than one target */
};

struct uses {
	struct use *items;
	size_t count;
};

static int
compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return compare_named(
		&(struct named){ x->path, x->index }, &(struct named){ y->path, y->index });
}

static struct conf_origin
attach_origin(const struct conf_reader *reader, size_t written, size_t i)
{
	struct conf_origin list = conf_origin_member(&reader->targets[written], "attach");

	return conf_origin_element(&list, (int)i);
}

/* Errors of attachment i of a target as written, and how it uses its image. */
static void
check_attach(const struct conf_reader *reader, size_t written, size_t i, struct uses *uses)
{
	const struct conf_target *target = &reader->conf->targets[written];
	const struct conf_attach *attach = &target->attach[i];
	struct conf_origin origin = attach_origin(reader, written, i);
	struct reason why;
	struct use use = {
		.index = uses->count,
		.origin = origin,
		.is_writer = attach->mode == IMAGE_RW,
		.is_range = target->name && hostlist_is_range(target->name),
	};

	if (!attach->image)
		return;
	for (size_t k = 0; k < i; k++) {
		struct conf_origin other = attach_origin(reader, written, k);
		char *where;

		if (target->attach[k].device != attach->device ||
			target->attach[k].instance != attach->instance || !target->attach[k].image)
			continue;
		where = conf_errors_where(reader->errors, conf_origin_place(&other));
		conf_complain(reader, &origin, "the slot %s%.0d has an image already, at %s",
			device_name(attach->device), attach->instance, where);
		free(where);
		return;
	}
	if (conf_image_find(reader->conf, attach->image, &use.path, &why) == CONF_IMAGE_REFUSED) {
		struct conf_origin image = conf_origin_member(&origin, "image");

		if (!reader->has_bad_images)
			conf_complain(reader, &image, "%s", why.text);
		return;
	}
	uses->items = conf_grow(uses->items, uses->count, sizeof(*uses->items));
	uses->items[uses->count++] = use;
}

/* The uses from first up to end are of one image: who writes to it must be alone. */
static void
check_uses(const struct conf_reader *reader, const struct use *first, const struct use *end)
{
	bool has_writer = false;

	for (const struct use *use = first; use < end; use++)
		has_writer = has_writer || use->is_writer;
	if (!has_writer)
		return;
	for (const struct use *use = first; use < end; use++) {
		char *where;

		if (use == first) {
			if (use->is_writer && use->is_range)
				conf_complain(reader, &use->origin,
					"%s would be written by several targets", use->path);
			continue;
		}
		where = conf_errors_where(reader->errors, conf_origin_place(&first->origin));
		conf_complain(reader, &use->origin,
			"%s is used at %s too; an image that is written (rw) has one user",
			use->path, where);
		free(where);
	}
}

static void
check_attachments(const struct conf_reader *reader)
{
	struct uses uses = { 0 };

	for (size_t t = 0; t < reader->conf->target_count; t++)
		for (size_t i = 0; i < reader->conf->targets[t].attach_count; i++)
			check_attach(reader, t, i, &uses);
	if (uses.count > 0)
		qsort(uses.items, uses.count, sizeof(*uses.items), compare_uses);
	for (size_t i = 0, end; i < uses.count; i = end) {
		for (end = i + 1; end < uses.count; end++)
			if (strcmp(uses.items[i].path, uses.items[end].path) != 0)
				break;
		check_uses(reader, &uses.items[i], &uses.items[end]);
	}
	for (size_t i = 0; i < uses.count; i++)
		free(uses.items[i].path);
	free(uses.items);
}

/* --- the whole ------------------------------------------------------------ */

void
conf_targets_finish(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	struct expansion all = { 0 };

	drop_broken_images(reader);
	check_image_names(reader);
	for (size_t i = 0; i < conf->target_count; i++) {
		struct conf_target *target = &conf->targets[i];

		conf_way_finish(reader, &reader->targets[i], target);
		if (!all.is_full)
			expand_target(reader, &all, i);
	}
	check_target_names(reader, &all);
	check_attachments(reader);
	for (size_t i = 0; i < conf->target_count; i++)
		conf_target_fini(&conf->targets[i]);
	free(conf->targets);
	conf->targets = all.targets;
	conf->target_count = all.count;
	free(all.written);
}
