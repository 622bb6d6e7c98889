/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods: the table, and what every family needs. */
#include "daemon/methods.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/methods_private.h"
#include "daemon/methods_wait.h"

static const struct varlink_method methods_table[] = {
	{ "org.iusbd.Status", VARLINK_ROLE_VIEW, methods_status },
	{ "org.iusbd.Show", VARLINK_ROLE_VIEW, methods_show },
	{ "org.iusbd.Targets", VARLINK_ROLE_VIEW, methods_targets },
	{ "org.iusbd.Images", VARLINK_ROLE_VIEW, methods_images },
	{ "org.iusbd.Probe", VARLINK_ROLE_CHANGE, methods_probe },
	{ "org.iusbd.Attach", VARLINK_ROLE_CHANGE, methods_attach },
	{ "org.iusbd.Swap", VARLINK_ROLE_CHANGE, methods_swap },
	{ "org.iusbd.Detach", VARLINK_ROLE_CHANGE, methods_detach },
	{ "org.iusbd.Reload", VARLINK_ROLE_CHANGE, methods_reload },
	{ "org.iusbd.Version", VARLINK_ROLE_VIEW, methods_version },
};

const struct varlink_interface methods_interface = {
	.name = "org.iusbd",
	.description = methods_description,
	.methods = methods_table,
	.method_count = ARRAY_SIZE(methods_table),
};

static const struct {
	const char *name, *subject; /* the error and its first parameter */
} errors[] = {
	[REGISTRY_NO_TARGET] = { "org.iusbd.NoSuchTarget", "selector" },
	[REGISTRY_NO_IMAGE] = { "org.iusbd.NoSuchImage", "image" },
	[REGISTRY_NO_DEVICE] = { "org.iusbd.NoSuchDevice", "device" },
	[REGISTRY_IN_USE] = { "org.iusbd.InUse", "slot" },
	[REGISTRY_NOT_ATTACHED] = { "org.iusbd.NotAttached", "slot" },
	[REGISTRY_NOT_SUPPORTED] = { "org.iusbd.NotSupported", NULL },
	[REGISTRY_NOT_FLUSHED] = { "org.iusbd.NotFlushed", "slot" },
	[REGISTRY_STORE] = { "org.iusbd.Store", NULL },
	[REGISTRY_STOPPING] = { "org.iusbd.Stopping", NULL },
};

json_t *
methods_text(const char *text)
{
	json_t *string;
	char *copy;

	if (text == NULL)
		return json_null();
	string = json_string(text);
	if (string != NULL)
		return string;
	copy = mem_strdup(text);
	for (char *c = copy; *c != '\0'; c++)
		if ((*c & 0x80) != 0)
			*c = '?';
	string = json_string(copy);
	free(copy);
	return string;
}

json_t *
methods_strings(const struct strlist *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, methods_text(list->items[i]));
	return array;
}

const char *
methods_error_name(enum registry_error error)
{
	return errors[error].name;
}

void
methods_fail(struct varlink_call *call, enum registry_error error, const char *subject,
	const struct reason *why)
{
	json_t *parameters = json_object();

	if (errors[error].subject != NULL)
		json_object_set_new(parameters, errors[error].subject, methods_text(subject));
	json_object_set_new(parameters, "reason", methods_text(why->text));
	varlink_error(call, errors[error].name, parameters);
}

bool
methods_select(struct methods *methods, struct varlink_call *call, const char *const *items,
	size_t item_count, struct selection **out, size_t *count)
{
	struct reason why;
	const char *bad;

	switch (select_targets(registry_conf(methods->world->registry), items, item_count, out,
		count, &bad, &why)) {
	case SELECT_OK:
		return true;
	case SELECT_UNKNOWN:
		methods_fail(call, REGISTRY_NO_TARGET, bad, &why);
		return false;
	case SELECT_NO_DEVICE:
		methods_fail(call, REGISTRY_NO_DEVICE, bad, &why);
		return false;
	}
	return false;
}

size_t
methods_find_slots(struct methods *methods, const struct selection *selection, struct slot **slots)
{
	size_t count = 0;

	for (int i = 0; i < DEVICE_COUNT * SLOT_INSTANCES; i++) {
		enum device device = (enum device)(i / SLOT_INSTANCES);
		int instance = i % SLOT_INSTANCES;
		struct slot *slot;

		if (selection->has_slot &&
			(selection->device != device || selection->instance != instance))
			continue;
		slot = registry_find(methods->world->registry, selection->target, device, instance);
		if (slot != NULL)
			slots[count++] = slot;
	}
	return count;
}

struct methods *
methods_new(const struct methods_world *world)
{
	struct methods *methods = mem_new(1, sizeof(*methods));

	methods->world = world;
	TAILQ_INIT(&methods->waits);
	TAILQ_INIT(&methods->probes);
	methods->probe_times = scout_usual_times;
	return methods;
}

void
methods_free(struct methods *methods)
{
	free(methods);
}

void
methods_stop(struct methods *methods)
{
	static const struct reason why = { "iusbd is stopping" };

	wait_fail_all(methods, REGISTRY_STOPPING, &why);
	methods_probe_stop(methods, &why);
}
