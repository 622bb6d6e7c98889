/* SPDX-License-Identifier: GPL-2.0-or-later */
/* select: every selector marks the targets and slots that it means; the marks are read out in the
 * order of the configuration. */
#include "daemon/select.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostlist.h"
#include "base/memory.h"
#include "base/nearest.h"

enum {
	MARK_TARGET = 1, /* then one bit for each slot */
};

struct marks {
	const struct conf *conf;
	uint16_t *of; /* by target */
};

static uint16_t
slot_mark(enum device device, int instance)
{
	return (uint16_t)(MARK_TARGET << (1 + (int)device * SLOT_INSTANCES + instance));
}

static int
unknown_name(const struct marks *marks, const char *name, const char *in, struct reason *why)
{
	const char **names = mem_new(marks->conf->target_count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < marks->conf->target_count; i++)
		names[i] = marks->conf->targets[i].name;
	near = nearest(name, names, marks->conf->target_count);
	free(names);
	if (near != NULL)
		return reason_set(why, "no such target: %s; did you mean %s?", name, near);
	if (strcmp(name, in) != 0)
		return reason_set(why, "no such target: %s, one of %s", name, in);
	return reason_set(why, "no such target: %s", name);
}

/* One name or glob, already out of its range. */
static int
mark_name(struct marks *marks, const char *name, const char *in, uint16_t mark, struct reason *why)
{
	const struct conf_target *target;
	bool has_match = false;

	if (strpbrk(name, "*?") == NULL) {
		target = conf_target_find(marks->conf, name);
		if (target == NULL)
			return unknown_name(marks, name, in, why);
		marks->of[target - marks->conf->targets] |= mark;
		return 0;
	}
	for (size_t i = 0; i < marks->conf->target_count; i++)
		if (fnmatch(name, marks->conf->targets[i].name, 0) == 0) {
			marks->of[i] |= mark;
			has_match = true;
		}
	return has_match ? 0 : reason_set(why, "no target matches %s", name);
}

static int
mark_range(struct marks *marks, const char *range, uint16_t mark, struct reason *why)
{
	struct strlist names = { 0 };
	struct reason detail;
	int rc = hostlist_expand(range, &names, &detail);

	if (rc < 0)
		(void)reason_set(why, "%s: %s", range, detail.text);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = mark_name(marks, names.items[i], range, mark, why);
	strlist_fini(&names);
	return rc;
}

static bool
has_label(const struct conf_target *target, const char *key, size_t key_len, const char *value)
{
	for (size_t i = 0; i < target->label_count; i++)
		if (strlen(target->labels[i].key) == key_len &&
			memcmp(target->labels[i].key, key, key_len) == 0 &&
			strcmp(target->labels[i].value, value) == 0)
			return true;
	return false;
}

static int
mark_label(struct marks *marks, const char *label, uint16_t mark, struct reason *why)
{
	const char *equals = strchr(label, '=');
	bool has_match = false;

	if (equals == NULL || equals == label)
		return reason_set(why, "@%s: a label is selected as @label=value", label);
	for (size_t i = 0; i < marks->conf->target_count; i++)
		if (has_label(&marks->conf->targets[i], label, (size_t)(equals - label),
			    equals + 1)) {
			marks->of[i] |= mark;
			has_match = true;
		}
	return has_match ? 0 : reason_set(why, "no target has the label %s", label);
}

/* The slash in front of the device, NULL if there is none. A label's value may have slashes, and
 * then only a device is one. */
static const char *
find_suffix(const char *selector)
{
	const char *slash;
	enum device device;
	int instance;

	if (selector[0] != '@')
		return strchr(selector, '/');
	slash = strrchr(selector, '/');
	if (slash == NULL || slot_parse_suffix(slash + 1, &device, &instance, NULL) < 0)
		return NULL;
	return slash;
}

static enum select_result
mark_selector(struct marks *marks, const char *selector, const char **bad, struct reason *why)
{
	const char *slash = find_suffix(selector);
	uint16_t mark = MARK_TARGET;
	enum device device;
	struct reason detail;
	char *name;
	int instance, rc;

	*bad = selector;
	if (selector[0] == '\0' || slash == selector) {
		(void)reason_set(why, "a selector with no name: \"%s\"", selector);
		return SELECT_UNKNOWN;
	}
	if (slash != NULL) {
		if (slot_parse_suffix(slash + 1, &device, &instance, &detail) < 0) {
			*bad = slash + 1;
			(void)reason_set(why, "%s: %s", selector, detail.text);
			return SELECT_NO_DEVICE;
		}
		mark = slot_mark(device, instance);
	}
	name = mem_strdup(selector);
	if (slash != NULL)
		name[slash - selector] = '\0';
	if (name[0] == '@')
		rc = mark_label(marks, name + 1, mark, why);
	else if (hostlist_is_range(name))
		rc = mark_range(marks, name, mark, why);
	else
		rc = mark_name(marks, name, name, mark, why);
	free(name);
	return rc == 0 ? SELECT_OK : SELECT_UNKNOWN;
}

static void
add_selection(struct selection *selection, const struct conf_target *target, int slot)
{
	selection->target = target;
	selection->has_slot = slot >= 0;
	if (slot >= 0) {
		selection->device = (enum device)(slot / SLOT_INSTANCES);
		selection->instance = slot % SLOT_INSTANCES;
	}
}

static struct selection *
read_marks(const struct marks *marks, size_t *count)
{
	struct selection *out;
	size_t n = 0;

	for (size_t i = 0; i < marks->conf->target_count; i++)
		n += (size_t)__builtin_popcount(marks->of[i]);
	out = mem_new(n + 1, sizeof(*out));
	n = 0;
	for (size_t i = 0; i < marks->conf->target_count; i++)
		for (int slot = -1; slot < DEVICE_COUNT * SLOT_INSTANCES; slot++)
			if ((marks->of[i] >> (slot + 1) & 1) != 0)
				add_selection(&out[n++], &marks->conf->targets[i], slot);
	*count = n;
	return out;
}

enum select_result
select_targets(const struct conf *conf, const char *const *selectors, size_t selector_count,
	struct selection **out, size_t *count, const char **bad, struct reason *why)
{
	enum select_result result = SELECT_OK;
	struct marks marks = { .conf = conf };

	*out = NULL;
	*count = 0;
	marks.of = mem_new(conf->target_count + 1, sizeof(*marks.of));
	if (selector_count == 0)
		for (size_t i = 0; i < conf->target_count; i++)
			marks.of[i] = MARK_TARGET;
	for (size_t i = 0; result == SELECT_OK && i < selector_count; i++)
		result = mark_selector(&marks, selectors[i], bad, why);
	if (result == SELECT_OK)
		*out = read_marks(&marks, count);
	free(marks.of);
	return result;
}
