/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_swap: Swap: another medium in a slot, under a session that goes on. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/methods_private.h"
#include "daemon/methods_wait.h"

struct swap_call {                 /* a call under way; freed when the registry is done with it */
	struct varlink_call *call; /* NULL: the client has gone, or has its answer */
	char slot[SLOT_NAME_SIZE];
	char *image;
};

static void
gone_cb(void *arg)
{
	struct swap_call *swap = arg;

	swap->call = NULL;
}

static void
done_cb(void *arg, const struct slot *slot, enum registry_error error, const struct reason *why)
{
	struct swap_call *swap = arg;
	struct session_status status;

	if (swap->call == NULL) {
		/* nobody is there to hear it */
	} else if (error == REGISTRY_OK) {
		registry_status(slot, &status);
		varlink_reply(
			swap->call, json_pack("{s:o}", "outcome",
					    wait_outcome(swap->slot, slot, "swapped", &status)));
	} else {
		methods_fail(swap->call, error,
			error == REGISTRY_NO_IMAGE ? swap->image : swap->slot, why);
	}
	free(swap->image);
	free(swap);
}

/* Reads the mode; false, and the call is answered, if there is no such mode. */
static bool
read_mode(struct varlink_call *call, const char *text, enum image_mode *mode)
{
	struct reason why;

	if (text != NULL && !image_mode_parse(text, mode)) {
		varlink_invalid(call, "mode");
		return false;
	}
	if (*mode == IMAGE_COW) {
		(void)reason_set(&why, "mode cow is not supported yet");
		methods_fail(call, REGISTRY_NOT_SUPPORTED, NULL, &why);
		return false;
	}
	return true;
}

static void
run_swap(struct methods *methods, struct varlink_call *call, struct slot *slot, const char *image,
	enum image_mode mode)
{
	struct swap_call *swap;
	struct reason why;
	char *path = conf_image_path(registry_conf(methods->world->registry), image, &why);

	if (path == NULL) {
		methods_fail(call, REGISTRY_NO_IMAGE, image, &why);
		return;
	}
	swap = mem_new(1, sizeof(*swap));
	swap->call = call;
	swap->image = mem_strdup(image);
	memcpy(swap->slot, slot->name, sizeof(swap->slot));
	varlink_on_gone(call, gone_cb, swap);
	registry_swap(slot, image, path, mode, varlink_uid(call), done_cb, swap);
	free(path);
}

void
methods_swap(void *context, struct varlink_call *call, json_t *parameters)
{
	const char *selector, *image, *mode_text = NULL;
	const struct param params[] = {
		{ "slot", PARAM_STRING, true, &selector },
		{ "image", PARAM_STRING, true, &image },
		{ "mode", PARAM_STRING, false, &mode_text },
	};
	enum image_mode mode = IMAGE_RO;
	struct slot *slot;

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)) ||
		!read_mode(call, mode_text, &mode))
		return;
	slot = methods_find_slot(context, call, selector);
	if (slot != NULL)
		run_swap(context, call, slot, image, mode_text != NULL ? mode : slot->mode);
}
