/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registry_attach: what a command changes: images are opened, the store commits, sessions begin. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/registry_private.h"
#include "daemon/store.h"

struct plan { /* of one registry_attach() */
	struct registry *registry;
	const char *image, *path;
	enum image_mode mode;
	uid_t uid;
	struct registry_attachment *attachments;
	struct image **opened; /* by attachment; those that are new */
	size_t count;
};

static enum registry_error
fail(struct registry_attachment *attachment, enum registry_error error)
{
	attachment->error = error;
	return error;
}

/* An attachment is in the slot: the same one, or one in the way. */
static enum registry_error
meet(const struct plan *plan, struct registry_attachment *attachment, struct slot *slot)
{
	bool is_same = strcmp(slot->image, plan->image) == 0 ||
		       (slot->path != NULL && strcmp(slot->path, plan->path) == 0);

	if (slot->phase == SLOT_LEAVING) {
		(void)reason_set(&attachment->why,
			"%s is still being detached; try again in a moment", slot->name);
		return fail(attachment, REGISTRY_IN_USE);
	}
	if (!is_same || slot->mode != plan->mode) {
		(void)reason_set(&attachment->why, "%s already has %s (%s); detach it first",
			slot->name, slot->image, image_mode_name(slot->mode));
		return fail(attachment, REGISTRY_IN_USE);
	}
	attachment->slot = slot;
	attachment->was_there = true;
	return REGISTRY_OK;
}

/* What of this same plan keeps the image from being opened once more. */
static void
explain_plan(const struct plan *plan, size_t i, struct registry_attachment *attachment)
{
	char name[SLOT_NAME_SIZE];

	if (plan->mode != IMAGE_RW)
		return;
	for (size_t j = 0; j < i; j++)
		if (plan->opened[j] != NULL) {
			slot_format(name, plan->attachments[j].target->name,
				plan->attachments[j].device, plan->attachments[j].instance);
			(void)reason_set(&attachment->why,
				"%s can be rw in one slot only, and that is %s now", plan->image,
				name);
			attachment->error = REGISTRY_IN_USE;
			return;
		}
}

static void
prepare(struct plan *plan, size_t i)
{
	struct registry_attachment *attachment = &plan->attachments[i];
	const struct conf_target *target = attachment->target;
	struct slot *slot;

	attachment->error = REGISTRY_OK;
	attachment->slot = NULL;
	attachment->was_there = false;
	reason_clear(&attachment->why);
	if (plan->registry->is_stopping) {
		(void)reason_set(&attachment->why, "iusbd is stopping");
		(void)fail(attachment, REGISTRY_STOPPING);
		return;
	}
	if (target->transport == CHOOSE_WEBSOCKET && attachment->device != DEVICE_CD) {
		(void)reason_set(&attachment->why, "%s has no %s over WebSocket, only cd",
			target->name, device_name(attachment->device));
		(void)fail(attachment, REGISTRY_NO_DEVICE);
		return;
	}
	slot = registry_find(plan->registry, target, attachment->device, attachment->instance);
	if (slot != NULL) {
		(void)meet(plan, attachment, slot);
		return;
	}
	plan->opened[i] = slot_open_path(plan->registry, plan->image, plan->path, plan->mode,
		&attachment->error, &attachment->why);
	if (plan->opened[i] == NULL)
		explain_plan(plan, i, attachment);
}

static int
put_all(struct plan *plan, struct reason *why)
{
	struct store *store = plan->registry->store;
	char name[SLOT_NAME_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		const struct registry_attachment *attachment = &plan->attachments[i];
		const struct store_attachment row = {
			.slot = name,
			.image = plan->image,
			.mode = image_mode_name(plan->mode),
			.uid = plan->uid,
		};

		if (plan->opened[i] == NULL)
			continue;
		slot_format(
			name, attachment->target->name, attachment->device, attachment->instance);
		if (store_put_attachment(store, &row, why) < 0)
			return -1;
	}
	return 0;
}

/* Makes the new attachments durable. */
static int
commit(struct plan *plan, struct reason *why)
{
	struct store *store = plan->registry->store;
	bool has_new = false;

	for (size_t i = 0; i < plan->count; i++)
		has_new = has_new || plan->opened[i] != NULL;
	if (store == NULL || !has_new)
		return 0;
	if (store_begin(store, why) < 0)
		return -1;
	if (put_all(plan, why) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, why);
}

static void
give_up(struct plan *plan, const struct reason *why)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->opened[i] == NULL)
			continue;
		image_close(plan->opened[i]);
		plan->opened[i] = NULL;
		plan->attachments[i].error = REGISTRY_STORE;
		plan->attachments[i].why = *why;
	}
	log_about(LOG_LEVEL_ERROR, &(struct log_about){ .reason = why->text },
		"nothing was attached");
}

static void
begin(struct plan *plan, size_t i)
{
	struct registry_attachment *attachment = &plan->attachments[i];
	struct slot *slot = slot_new(
		plan->registry, attachment->target, attachment->device, attachment->instance);

	slot_set_image(slot, plan->image, plan->mode, false);
	registry_insert(plan->registry, slot);
	attachment->slot = slot;
	slot_log(LOG_LEVEL_INFO, slot, NULL, "attached %s (%s) for uid %u", slot->image,
		image_mode_name(slot->mode), (unsigned)plan->uid);
	slot_begin(slot, plan->opened[i]);
}

/* The same attachment was there: whoever waits for it is not left to wait for a timer. */
static void
hurry(struct registry_attachment *attachment)
{
	struct slot *slot = attachment->slot;

	if (slot->phase == SLOT_RUNNING) {
		session_reconnect(slot->session);
		return;
	}
	if (slot->phase != SLOT_WAITING)
		return;
	slot_try(slot);
	if (slot->phase != SLOT_WAITING)
		return;
	attachment->slot = NULL;
	attachment->why = slot->image_why;
	attachment->error = REGISTRY_NO_IMAGE;
}

size_t
registry_attach(struct registry *registry, struct registry_attachment *attachments, size_t count,
	const char *image, const char *path, enum image_mode mode, uid_t uid)
{
	struct plan plan = {
		.registry = registry,
		.image = image,
		.path = path,
		.mode = mode,
		.uid = uid,
		.attachments = attachments,
		.opened = mem_new(count + 1, sizeof(struct image *)),
		.count = count,
	};
	struct reason why;
	size_t attached = 0;

	for (size_t i = 0; i < count; i++)
		prepare(&plan, i);
	if (commit(&plan, &why) < 0)
		give_up(&plan, &why);
	for (size_t i = 0; i < count; i++) {
		if (plan.opened[i] != NULL)
			begin(&plan, i);
		else if (attachments[i].was_there)
			hurry(&attachments[i]);
		if (attachments[i].slot != NULL)
			attached++;
	}
	free(plan.opened);
	return attached;
}

static int
drop_all(struct store *store, struct slot *const *slots, size_t count, struct reason *why)
{
	if (store == NULL)
		return 0;
	if (store_begin(store, why) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (store_drop_attachment(store, slots[i]->name, why) < 0) {
			store_rollback(store);
			return -1;
		}
	return store_commit(store, why);
}

enum registry_error
registry_detach(
	struct registry *registry, struct slot *const *slots, size_t count, struct reason *why)
{
	if (registry->is_stopping) {
		(void)reason_set(why, "iusbd is stopping");
		return REGISTRY_STOPPING;
	}
	if (drop_all(registry->store, slots, count, why) < 0) {
		log_about(LOG_LEVEL_ERROR, &(struct log_about){ .reason = why->text },
			"nothing was detached");
		return REGISTRY_STORE;
	}
	for (size_t i = 0; i < count; i++) {
		if (slots[i]->phase == SLOT_LEAVING)
			continue;
		slot_log(LOG_LEVEL_INFO, slots[i], NULL, "detached %s", slots[i]->image);
		slot_leave(slots[i], "detached");
	}
	return REGISTRY_OK;
}
