/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_attach: Attach and Detach: what changes what is in the slots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/methods_private.h"
#include "daemon/methods_wait.h"
#include "image/probe.h"

enum {
	TIMEOUT_MAX = 30 * 24 * 3600, /* seconds */
};

struct attach { /* what an Attach asks for */
	struct methods *methods;
	struct varlink_call *call;
	struct param_strings selectors;
	const char *image, *device_text, *mode_text, *wait_text;
	double timeout;

	bool has_device;
	enum device device;
	int instance;
	enum image_mode mode;
	enum wait_for wait_for;
	char *path;
	struct selection *selections;
	struct registry_attachment *attachments;
	size_t count; /* of attachments, and before that of selections */
};

/* --- what is asked for --- */

static bool
check_texts(struct attach *attach)
{
	struct reason why;

	if (attach->mode_text != NULL && !image_mode_parse(attach->mode_text, &attach->mode)) {
		varlink_invalid(attach->call, "mode");
		return false;
	}
	if (attach->mode == IMAGE_COW) {
		(void)reason_set(&why, "mode cow is not supported yet");
		methods_fail(attach->call, REGISTRY_NOT_SUPPORTED, NULL, &why);
		return false;
	}
	if (attach->wait_text != NULL && !wait_for_parse(attach->wait_text, &attach->wait_for)) {
		varlink_invalid(attach->call, "wait");
		return false;
	}
	if (!(attach->timeout >= 0 && attach->timeout <= TIMEOUT_MAX)) {
		varlink_invalid(attach->call, "timeout");
		return false;
	}
	attach->has_device = attach->device_text != NULL;
	if (attach->has_device && slot_parse_suffix(attach->device_text, &attach->device,
					  &attach->instance, &why) < 0) {
		methods_fail(attach->call, REGISTRY_NO_DEVICE, attach->device_text, &why);
		return false;
	}
	return true;
}

static bool
check_stopping(struct methods *methods, struct varlink_call *call)
{
	static const struct reason why = { "iusbd is stopping" };

	if (!registry_is_stopping(methods->world->registry))
		return true;
	methods_fail(call, REGISTRY_STOPPING, NULL, &why);
	return false;
}

/* Selectors and device must not say different things. */
static bool
check_devices(struct attach *attach)
{
	char name[SLOT_NAME_SIZE];
	struct reason why;

	for (size_t i = 0; attach->has_device && i < attach->count; i++) {
		const struct selection *selection = &attach->selections[i];

		if (!selection->has_slot || (selection->device == attach->device &&
						    selection->instance == attach->instance))
			continue;
		slot_format(name, selection->target->name, selection->device, selection->instance);
		(void)reason_set(
			&why, "device %s was asked for, and slot %s", attach->device_text, name);
		methods_fail(attach->call, REGISTRY_NO_DEVICE, attach->device_text, &why);
		return false;
	}
	return true;
}

/* Finds the image, and the device that it fits where none was named. */
static bool
find_image(struct attach *attach)
{
	bool needs_device = false;
	struct reason why, detail;
	struct probe probe;

	attach->path = conf_image_path(
		registry_conf(attach->methods->world->registry), attach->image, &why);
	if (attach->path == NULL) {
		methods_fail(attach->call, REGISTRY_NO_IMAGE, attach->image, &why);
		return false;
	}
	for (size_t i = 0; !attach->has_device && i < attach->count; i++)
		needs_device = needs_device || !attach->selections[i].has_slot;
	if (!needs_device)
		return true;
	if (probe_file(attach->path, &probe, &detail) < 0) {
		(void)reason_set(&why, "%s: %s", attach->image, detail.text);
		methods_fail(attach->call, REGISTRY_NO_IMAGE, attach->image, &why);
		return false;
	}
	attach->device = probe.device;
	return true;
}

static bool
is_same_slot(const struct registry_attachment *a, const struct registry_attachment *b)
{
	return a->target == b->target && a->device == b->device && a->instance == b->instance;
}

/* One attachment a slot, even if two selectors mean it. Selections of one target are neighbours. */
static void
plan_slots(struct attach *attach)
{
	size_t count = 0;

	attach->attachments = mem_new(attach->count + 1, sizeof(*attach->attachments));
	for (size_t i = 0; i < attach->count; i++) {
		const struct selection *selection = &attach->selections[i];
		struct registry_attachment *planned = &attach->attachments[count];
		size_t before = count;

		planned->target = selection->target;
		planned->device = selection->has_slot ? selection->device : attach->device;
		planned->instance = selection->has_slot ? selection->instance : attach->instance;
		while (before > 0 && attach->attachments[before - 1].target == planned->target &&
			!is_same_slot(&attach->attachments[before - 1], planned))
			before--;
		if (before == 0 || !is_same_slot(&attach->attachments[before - 1], planned))
			count++;
	}
	attach->count = count;
}

/* --- what comes of it --- */

static void
slot_name(const struct registry_attachment *attachment, char name[SLOT_NAME_SIZE])
{
	slot_format(name, attachment->target->name, attachment->device, attachment->instance);
}

/* A single slot: its error is that of the call. */
static void
fail_single(struct attach *attach)
{
	const struct registry_attachment *attachment = &attach->attachments[0];
	char name[SLOT_NAME_SIZE];
	const char *subject = name;

	slot_name(attachment, name);
	if (attachment->error == REGISTRY_NO_IMAGE)
		subject = attach->image;
	else if (attachment->error == REGISTRY_NO_DEVICE)
		subject = device_name(attachment->device);
	methods_fail(attach->call, attachment->error, subject, &attachment->why);
}

static void
wait_for_slots(struct attach *attach)
{
	struct wait *wait = wait_new(
		attach->methods, attach->call, attach->wait_for, attach->timeout, attach->count);
	char name[SLOT_NAME_SIZE];

	for (size_t i = 0; i < attach->count; i++) {
		const struct registry_attachment *attachment = &attach->attachments[i];

		if (attachment->slot != NULL) {
			wait_add(wait, attachment->slot);
			continue;
		}
		slot_name(attachment, name);
		wait_add_failed(wait, name, attachment->error, &attachment->why);
	}
	wait_begin(wait);
}

static void
run_attach(struct attach *attach)
{
	size_t attached;

	if (!check_texts(attach) || !check_stopping(attach->methods, attach->call) ||
		!methods_select(attach->methods, attach->call, attach->selectors.items,
			attach->selectors.count, &attach->selections, &attach->count) ||
		!check_devices(attach) || !find_image(attach))
		return;
	plan_slots(attach);
	attached = registry_attach(attach->methods->world->registry, attach->attachments,
		attach->count, attach->image, attach->path, attach->mode,
		varlink_uid(attach->call));
	if (attach->count == 1 && attached == 0)
		fail_single(attach);
	else
		wait_for_slots(attach);
}

void
methods_attach(void *context, struct varlink_call *call, json_t *parameters)
{
	struct attach attach = {
		.methods = context,
		.call = call,
		.mode = IMAGE_RO,
		.wait_for = WAIT_ACCEPTED,
		.timeout = 30,
	};
	const struct param params[] = {
		{ "selectors", PARAM_STRINGS, true, &attach.selectors },
		{ "image", PARAM_STRING, true, &attach.image },
		{ "device", PARAM_STRING, false, &attach.device_text },
		{ "mode", PARAM_STRING, false, &attach.mode_text },
		{ "wait", PARAM_STRING, false, &attach.wait_text },
		{ "timeout", PARAM_NUMBER, false, &attach.timeout },
	};

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	if (attach.selectors.count == 0)
		varlink_invalid(call, "selectors");
	else
		run_attach(&attach);
	free(attach.selectors.items);
	free(attach.path);
	free(attach.selections);
	free(attach.attachments);
}

/* --- Detach --- */

struct detach {
	struct methods *methods;
	struct varlink_call *call;
	const char *selector; /* the first one, for a reason */
	struct selection *selections;
	size_t selection_count;
	struct slot **slots;
	size_t slot_count;
};

static bool
has_slot(const struct detach *detach, const struct slot *slot)
{
	for (size_t i = detach->slot_count; i > 0; i--) {
		if (detach->slots[i - 1] == slot)
			return true;
		if (detach->slots[i - 1]->target != slot->target)
			break;
	}
	return false;
}

static void
find_slots(struct detach *detach)
{
	struct slot *found[DEVICE_COUNT * SLOT_INSTANCES];

	detach->slots = mem_new(
		registry_count(detach->methods->world->registry) + 1, sizeof(struct slot *));
	for (size_t i = 0; i < detach->selection_count; i++) {
		size_t count = methods_find_slots(detach->methods, &detach->selections[i], found);

		for (size_t j = 0; j < count; j++)
			if (!has_slot(detach, found[j]))
				detach->slots[detach->slot_count++] = found[j];
	}
}

/* Slots that were named, and have no attachment, each have an outcome that says so. */
static void
add_missing(struct detach *detach, struct wait *wait)
{
	struct slot *found[DEVICE_COUNT * SLOT_INSTANCES];
	char name[SLOT_NAME_SIZE];
	struct reason why;

	for (size_t i = 0; i < detach->selection_count; i++) {
		const struct selection *selection = &detach->selections[i];

		if (!selection->has_slot ||
			methods_find_slots(detach->methods, selection, found) > 0)
			continue;
		slot_format(name, selection->target->name, selection->device, selection->instance);
		(void)reason_set(&why, "nothing is attached to %s", name);
		wait_add_failed(wait, name, REGISTRY_NOT_ATTACHED, &why);
	}
}

static void
run_detach(struct detach *detach)
{
	enum registry_error error;
	struct reason why;
	struct wait *wait;

	find_slots(detach);
	if (detach->slot_count == 0) {
		(void)reason_set(&why, "nothing is attached to %s",
			detach->selector != NULL ? detach->selector : "what was selected");
		methods_fail(detach->call, REGISTRY_NOT_ATTACHED,
			detach->selector != NULL ? detach->selector : "", &why);
		return;
	}
	error = registry_detach(
		detach->methods->world->registry, detach->slots, detach->slot_count, &why);
	if (error != REGISTRY_OK) {
		methods_fail(detach->call, error, detach->slots[0]->name, &why);
		return;
	}
	wait = wait_new(detach->methods, detach->call, WAIT_GONE, -1,
		detach->slot_count + detach->selection_count);
	for (size_t i = 0; i < detach->slot_count; i++)
		wait_add(wait, detach->slots[i]);
	add_missing(detach, wait);
	wait_begin(wait);
}

void
methods_detach(void *context, struct varlink_call *call, json_t *parameters)
{
	struct detach detach = { .methods = context, .call = call };
	struct param_strings selectors = { 0 };
	const struct param params[] = {
		{ "selectors", PARAM_STRINGS, true, &selectors },
	};

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	if (selectors.count == 1)
		detach.selector = selectors.items[0];
	if (selectors.count == 0)
		varlink_invalid(call, "selectors");
	else if (check_stopping(detach.methods, call) &&
		 methods_select(detach.methods, call, selectors.items, selectors.count,
			 &detach.selections, &detach.selection_count))
		run_detach(&detach);
	free(selectors.items);
	free(detach.selections);
	free(detach.slots);
}
