/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registry_apply: what the configuration and the store say is merged into the table of slots. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/board.h"
#include "daemon/conf_image.h"
#include "daemon/registry_private.h"
#include "daemon/store.h"

/* --- what begins --- */

/* Puts an attachment into a slot that is empty or about to be. */
static void
start_slot(struct registry *registry, const struct conf_target *target, enum device device,
	int instance, const char *image, enum image_mode mode, bool is_standing)
{
	struct slot *slot = registry_find(registry, target, device, instance);

	if (slot != NULL) {
		slot_revive(slot, image, mode, is_standing);
		return;
	}
	slot = slot_new(registry, target, device, instance);
	slot_set_image(slot, image, mode, is_standing);
	registry_insert(registry, slot);
	slot_log(LOG_LEVEL_INFO, slot, NULL, "%s %s (%s)",
		is_standing ? "standing attachment of" : "restored", slot->image,
		image_mode_name(slot->mode));
	slot_try(slot);
}

static bool
is_taken(struct registry *registry, const struct conf_target *target, enum device device,
	int instance)
{
	const struct slot *slot = registry_find(registry, target, device, instance);

	return slot != NULL && slot->phase != SLOT_LEAVING;
}

static void
restore_cb(void *arg, const struct store_attachment *row)
{
	struct registry *registry = arg;
	const struct log_about about = { .slot = row->slot, .image = row->image };
	const char *slash = strchr(row->slot, '/');
	const struct conf_target *target;
	enum image_mode mode;
	enum device device;
	int instance;
	char *name;

	if (slash == NULL || slot_parse_suffix(slash + 1, &device, &instance, NULL) < 0 ||
		!image_mode_parse(row->mode, &mode)) {
		log_about(LOG_LEVEL_WARNING, &about,
			"a stored attachment is not understood and left as it is (mode %s)",
			row->mode);
		return;
	}
	name = mem_strdup(row->slot);
	name[slash - row->slot] = '\0';
	target = conf_target_find(registry->conf, name);
	free(name);
	if (target == NULL)
		log_about(LOG_LEVEL_WARNING, &about,
			"the target is not configured; its attachment of %s is kept until it is",
			row->image);
	else if (!is_taken(registry, target, device, instance))
		start_slot(registry, target, device, instance, row->image, mode, false);
}

void
registry_restore(struct registry *registry)
{
	struct reason why;

	if (registry->store != NULL &&
		store_each_attachment(registry->store, restore_cb, registry, &why) < 0)
		log_about(LOG_LEVEL_ERROR, &(struct log_about){ .reason = why.text },
			"attachments could not be restored");
}

static const struct conf_attach *
find_standing(const struct conf_target *target, enum device device, int instance)
{
	for (size_t i = 0; i < target->attach_count; i++)
		if (target->attach[i].device == device && target->attach[i].instance == instance)
			return &target->attach[i];
	return NULL;
}

static bool
is_same_standing(const struct conf_attach *a, const struct conf_attach *b)
{
	return a != NULL && b != NULL && strcmp(a->image, b->image) == 0 && a->mode == b->mode;
}

void
registry_start_standing(struct registry *registry, const struct conf *old)
{
	const struct conf *conf = registry->conf;

	for (size_t i = 0; i < conf->target_count; i++) {
		const struct conf_target *target = &conf->targets[i], *before = NULL;

		if (old != NULL && target->attach_count > 0)
			before = conf_target_find(old, target->name);
		for (size_t j = 0; j < target->attach_count; j++) {
			const struct conf_attach *attach = &target->attach[j];

			if (before != NULL &&
				is_same_standing(attach,
					find_standing(before, attach->device, attach->instance)))
				continue; /* it runs, or somebody detached it */
			if (is_taken(registry, target, attach->device, attach->instance))
				continue;
			start_slot(registry, target, attach->device, attach->instance,
				attach->image, attach->mode, true);
		}
	}
}

/* --- what changes --- */

static bool
is_same_way(const struct conf_target *a, const struct conf_target *b, enum device device)
{
	return board_is_same_way(a, b) && a->port[device] == b->port[device] &&
	       a->transport == b->transport && a->tls_mode == b->tls_mode;
}

static bool
is_same_patience(const struct conf_target *a, const struct conf_target *b)
{
	return a->backoff_min == b->backoff_min && a->backoff_max == b->backoff_max;
}

static bool
is_same_target(const struct conf_target *a, const struct conf_target *b)
{
	for (int device = 0; device < DEVICE_COUNT; device++)
		if (!is_same_way(a, b, (enum device)device))
			return false;
	if (!is_same_patience(a, b) || a->label_count != b->label_count ||
		a->attach_count != b->attach_count)
		return false;
	for (size_t i = 0; i < a->label_count; i++)
		if (strcmp(a->labels[i].key, b->labels[i].key) != 0 ||
			strcmp(a->labels[i].value, b->labels[i].value) != 0)
			return false;
	for (size_t i = 0; i < a->attach_count; i++)
		if (!is_same_standing(&a->attach[i],
			    find_standing(b, a->attach[i].device, a->attach[i].instance)))
			return false;
	return true;
}

static void
compare_targets(const struct conf *old, const struct conf *conf, struct strlist *added,
	struct strlist *changed, struct strlist *removed)
{
	for (size_t i = 0; i < conf->target_count; i++) {
		const struct conf_target *target = &conf->targets[i];
		const struct conf_target *before = conf_target_find(old, target->name);

		if (before == NULL)
			strlist_add(added, target->name);
		else if (!is_same_target(before, target))
			strlist_add(changed, target->name);
	}
	for (size_t i = 0; i < old->target_count; i++)
		if (conf_target_find(conf, old->targets[i].name) == NULL)
			strlist_add(removed, old->targets[i].name);
}

/* Returns false if the standing attachment was withdrawn or changed: the slot is on its way. */
static bool
merge_standing(struct slot *slot)
{
	const struct conf_attach *attach =
		find_standing(slot->target, slot->device, slot->instance);

	if (attach == NULL) {
		slot_log(LOG_LEVEL_INFO, slot, NULL, "is no longer attached in the configuration");
		slot_leave(slot, "no longer attached in the configuration");
		return false;
	}
	if (strcmp(attach->image, slot->image) == 0 && attach->mode == slot->mode)
		return true;
	slot_set_image(slot, attach->image, attach->mode, true);
	slot_log(LOG_LEVEL_INFO, slot, NULL, "gets %s (%s) by the configuration", slot->image,
		image_mode_name(slot->mode));
	slot_restart(slot, "another image in the configuration");
	return false;
}

/* True if the name of the image stands for another file now, or for none that may be served. One
 * that is only missing stays as it is open. */
static bool
has_other_path(const struct slot *slot)
{
	struct reason why;
	char *path;
	enum conf_image_answer answer =
		conf_image_find(slot->registry->conf, slot->image, &path, &why);
	bool is_other = answer == CONF_IMAGE_REFUSED ||
			(answer == CONF_IMAGE_FOUND && strcmp(path, slot->path) != 0);

	if (answer == CONF_IMAGE_MISSING)
		slot_log(LOG_LEVEL_WARNING, slot, why.text,
			"%s is not there any more; what is open goes on", slot->image);
	free(path);
	return is_other;
}

static void
merge_slot(struct slot *slot)
{
	const struct conf_target *before = slot->target;
	const struct conf_target *target = conf_target_find(slot->registry->conf, before->name);

	if (target == NULL) {
		if (slot->phase == SLOT_LEAVING)
			return;
		slot_log(LOG_LEVEL_INFO, slot, NULL, "the target is no longer configured");
		slot_leave(slot, "the target is no longer configured");
		return;
	}
	slot->target = target;
	if (slot->phase == SLOT_LEAVING || (slot->is_standing && !merge_standing(slot)))
		return;
	if (!is_same_way(before, target, slot->device))
		slot_restart(slot, "the target's configuration has changed");
	else if (slot->phase == SLOT_WAITING)
		slot_restart(slot, "the configuration was read again");
	else if (slot->phase == SLOT_RUNNING && has_other_path(slot))
		slot_restart(slot, "the name of its image stands for another file");
	else if (!is_same_patience(before, target))
		slot->has_old_patience = true;
}

static void
retire(struct registry *registry, struct conf *old)
{
	registry->retired = mem_resize(
		registry->retired, registry->retired_count + 1, sizeof(*registry->retired));
	registry->retired[registry->retired_count++] = old;
}

void
registry_apply(struct registry *registry, struct conf *conf, struct strlist *added,
	struct strlist *changed, struct strlist *removed)
{
	struct conf *old = registry->conf;

	if (registry->is_stopping) {
		conf_free(conf);
		return;
	}
	compare_targets(old, conf, added, changed, removed);
	registry->conf = conf;
	boards_set_parallel(registry->boards, (unsigned)conf->login_parallel);
	retire(registry, old);
	for (size_t i = 0; i < registry->count; i++)
		merge_slot(registry->slots[i]);
	registry_sort(registry);
	registry_restore(registry);
	registry_start_standing(registry, old);
	registry_free_retired(registry);
}
