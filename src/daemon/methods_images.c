/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_images: Images: what can be attached. Files are looked into in the worker pool. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/image_list.h"
#include "daemon/methods_private.h"
#include "image/pool.h"

struct job {
	struct methods *methods;
	struct varlink_call *call; /* NULL: the client has gone, and methods may be, too */
	struct image_list list;
};

static json_t *
user_names(const struct registry *registry, const struct listed_image *image)
{
	json_t *names = json_array();

	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct slot *slot = registry_at(registry, i);

		if (slot->path != NULL &&
			(strcmp(slot->path, image->path) == 0 ||
				(image->real != NULL && strcmp(slot->path, image->real) == 0)))
			json_array_append_new(names, json_string(slot->name));
	}
	return names;
}

static json_t *
image_row(const struct registry *registry, const struct listed_image *image)
{
	const struct probe *probe = &image->probe;
	bool boots = probe->boots_bios || probe->boots_uefi;

	if (!image->is_good)
		return json_pack("{s:o, s:o, s:i, s:n, s:n, s:n, s:o, s:o}", "image",
			methods_text(image->name), "path", methods_text(image->path), "size", 0,
			"kind", "boot", "device", "users", user_names(registry, image), "error",
			methods_text(image->why.text));
	return json_pack("{s:o, s:o, s:I, s:s, s:o, s:s, s:o, s:n}", "image",
		methods_text(image->name), "path", methods_text(image->path), "size",
		(json_int_t)probe->size, "kind", probe->kind, "boot",
		methods_text(boots ? probe->boot : NULL), "device", device_name(probe->device),
		"users", user_names(registry, image), "error");
}

static void
run_cb(void *arg)
{
	struct job *job = arg;

	image_list_read(&job->list);
}

static void
done_cb(void *arg)
{
	struct job *job = arg;

	if (job->call != NULL) {
		json_t *rows = json_array();

		for (size_t i = 0; i < job->list.count; i++)
			json_array_append_new(rows,
				image_row(job->methods->world->registry, &job->list.images[i]));
		varlink_reply(job->call, json_pack("{s:o}", "images", rows));
	}
	image_list_fini(&job->list);
	free(job);
}

static void
gone_cb(void *arg)
{
	struct job *job = arg;

	job->call = NULL;
}

void
methods_images(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	struct job *job;

	if (!params_read(call, parameters, NULL, 0))
		return;
	job = mem_new(1, sizeof(*job));
	job->methods = methods;
	job->call = call;
	image_list_init(&job->list, registry_conf(methods->world->registry));
	varlink_on_gone(call, gone_cb, job);
	pool_submit(methods->world->pool, job, run_cb, done_cb, job);
}
