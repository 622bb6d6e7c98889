/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registry_swap: another medium in a slot: the new image is opened, the old one flushed, the store
 * commits, and only then the session changes them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/registry_private.h"
#include "daemon/store.h"

struct swap { /* owned by its slot */
	struct slot *slot;
	char *name; /* of the image, as it was asked for */
	enum image_mode mode;
	uid_t uid;
	struct image *image; /* open, and owned until a session has it */
	bool is_done;        /* a session has it; slot_work() tells, when its state has followed */
	registry_swap_cb *cb;
	void *arg;
};

static void
finish(struct swap *swap, enum registry_error error, const struct reason *why)
{
	struct slot *slot = swap->slot;
	registry_swap_cb *cb = swap->cb;
	void *arg = swap->arg;

	slot->swap = NULL;
	image_close(swap->image);
	free(swap->name);
	free(swap);
	cb(arg, error == REGISTRY_OK ? slot : NULL, error, why);
}

void
slot_tell_swap(struct slot *slot)
{
	if (slot->swap != NULL && slot->swap->is_done)
		finish(slot->swap, REGISTRY_OK, NULL);
}

void
slot_end_swap(struct slot *slot, enum registry_error error, const struct reason *why)
{
	slot_tell_swap(slot);
	if (slot->swap != NULL)
		finish(slot->swap, error, why);
}

/* --- the images --- */

/* The slot's own file, whose lock would be in the way, is opened by way of what has it open. */
static struct image *
open_image(
	const struct swap *swap, const char *path, enum registry_error *error, struct reason *why)
{
	const struct slot *slot = swap->slot;
	const struct image *old = session_image(slot->session);
	struct reason detail;
	struct image *image;

	if (old == NULL || !image_is_at(old, path))
		return slot_open_path(slot->registry, swap->name, path, swap->mode, error, why);
	if (image_mode(old) != swap->mode) {
		*error = REGISTRY_IN_USE;
		(void)reason_set(why, "%s is %s in %s now; its mode changes by detach and attach",
			swap->name, image_mode_name(image_mode(old)), slot->name);
		return NULL;
	}
	image = image_reopen(old, path, &detail);
	if (image == NULL) {
		*error = REGISTRY_NO_IMAGE;
		(void)reason_set(why, "%s: %s", swap->name, detail.text);
	}
	return image;
}

static bool
is_same(const struct swap *swap)
{
	return swap->slot->mode == swap->mode && strcmp(swap->slot->image, swap->name) == 0;
}

/* Makes it durable that the slot has the new image. */
static int
commit(const struct swap *swap, struct reason *why)
{
	struct store *store = swap->slot->registry->store;
	const struct store_attachment row = {
		.slot = swap->slot->name,
		.image = swap->name,
		.mode = image_mode_name(swap->mode),
		.uid = swap->uid,
	};

	if (store == NULL || is_same(swap) || store_put_attachment(store, &row, why) == 0)
		return 0;
	slot_log(LOG_LEVEL_ERROR, swap->slot, why->text, "was not swapped for %s", swap->name);
	return -1;
}

/* The store has it: the slot says so, too. */
static void
take_over(const struct swap *swap)
{
	struct slot *slot = swap->slot;

	if (!is_same(swap))
		slot_set_image(slot, swap->name, swap->mode, false);
	slot_log(LOG_LEVEL_INFO, slot, NULL, "swapped, now %s (%s) for uid %u", slot->image,
		image_mode_name(slot->mode), (unsigned)swap->uid);
}

/* --- where it is done --- */

/* Why a session does not change its medium. */
static enum registry_error
explain(const struct swap *swap, int error, const char *words, struct reason *why)
{
	const struct slot *slot = swap->slot;

	if (slot->registry->is_stopping) {
		(void)reason_set(why, "iusbd is stopping");
		return REGISTRY_STOPPING;
	}
	if (slot->phase == SLOT_LEAVING) {
		(void)reason_set(why, "%s was detached meanwhile", slot->name);
		return REGISTRY_NOT_ATTACHED;
	}
	if (error == ECANCELED) {
		(void)reason_set(
			why, "the session of %s began anew meanwhile; try again", slot->name);
		return REGISTRY_IN_USE;
	}
	(void)reason_set(why, "%s stays in %s: what the host wrote to it is not safe, %s",
		slot->image, slot->name, words);
	return REGISTRY_NOT_FLUSHED;
}

/* The session asks for the new medium. */
static struct image *
ready_cb(void *arg, int session_error, const char *words)
{
	struct swap *swap = arg;
	struct slot *slot = swap->slot;
	enum registry_error error = REGISTRY_OK;
	struct image *image = swap->image;
	struct reason why;

	if (session_error != 0)
		error = explain(swap, session_error, words, &why);
	else if (commit(swap, &why) < 0)
		error = REGISTRY_STORE;
	if (error != REGISTRY_OK) {
		finish(swap, error, &why);
		return NULL;
	}
	swap->image = NULL;
	swap->is_done = true;
	registry_let_go(slot->registry, slot->path);
	take_over(swap);
	slot_note_image(slot, image);
	registry_notify(slot->registry, slot, false);
	return image;
}

/* No session has the old image, or none that goes on with it. */
static void
change_without_session(struct swap *swap)
{
	struct slot *slot = swap->slot;
	struct image *image = swap->image;
	struct reason why;

	if (commit(swap, &why) < 0) {
		finish(swap, REGISTRY_STORE, &why);
		return;
	}
	take_over(swap);
	if (slot->phase == SLOT_WAITING) {
		swap->image = NULL;
		slot_begin(slot, image);
	} /* else it is opened again when the session has ended */
	finish(swap, REGISTRY_OK, NULL);
	registry_notify(slot->registry, slot, false);
}

/* What forbids a swap from the start. */
static enum registry_error
refuse(struct slot *slot, struct reason *why)
{
	slot_tell_swap(slot);
	if (slot->registry->is_stopping) {
		(void)reason_set(why, "iusbd is stopping");
		return REGISTRY_STOPPING;
	}
	if (slot->phase == SLOT_LEAVING) {
		(void)reason_set(why, "%s is being detached", slot->name);
		return REGISTRY_NOT_ATTACHED;
	}
	if (slot->swap != NULL) {
		(void)reason_set(why, "%s is being swapped for %s already; try again in a moment",
			slot->name, slot->swap->name);
		return REGISTRY_IN_USE;
	}
	return REGISTRY_OK;
}

void
registry_swap(struct slot *slot, const char *image, const char *path, enum image_mode mode,
	uid_t uid, registry_swap_cb *cb, void *arg)
{
	struct reason why;
	enum registry_error error = refuse(slot, &why);
	struct swap *swap;

	if (error != REGISTRY_OK) {
		cb(arg, NULL, error, &why);
		return;
	}
	swap = mem_new(1, sizeof(*swap));
	swap->slot = slot;
	swap->name = mem_strdup(image);
	swap->mode = mode;
	swap->uid = uid;
	swap->cb = cb;
	swap->arg = arg;
	slot->swap = swap;
	swap->image = open_image(swap, path, &error, &why);
	if (swap->image == NULL)
		finish(swap, error, &why);
	else if (slot->phase == SLOT_RUNNING)
		session_swap(slot->session, ready_cb, swap);
	else
		change_without_session(swap);
}
