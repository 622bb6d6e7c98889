/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf: the configuration file, read whole and validated into one fresh object. */
#include "daemon/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/conf_error.h"
#include "daemon/conf_read.h"
#include "daemon/conf_text.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif

enum {
	LOGIN_PARALLEL = 8, /* BMCs at once, unless the configuration says something else */
};

const char *const conf_default_path = SYSCONFDIR "/iusbd/iusbd.conf";
const char *const conf_default_socket = "/run/iusbd/org.iusbd";
const char *const conf_default_state_dir = LOCALSTATEDIR "/lib/iusbd";

static int
compare_targets(const void *a, const void *b)
{
	const struct conf_target *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
sort_targets(struct conf *conf)
{
	if (conf->target_count == 0)
		return;
	conf->by_name = mem_new(conf->target_count, sizeof(*conf->by_name));
	for (size_t i = 0; i < conf->target_count; i++)
		conf->by_name[i] = &conf->targets[i];
	qsort(conf->by_name, conf->target_count, sizeof(*conf->by_name), compare_targets);
}

struct conf *
conf_load(const char *path, struct strlist *errors)
{
	struct conf *conf = mem_new(1, sizeof(*conf));
	struct conf_errors found = { 0 };
	struct conf_text text = { 0 };
	bool is_good;

	conf->path = mem_strdup(path);
	conf->socket = mem_strdup(conf_default_socket);
	conf->state_dir = mem_strdup(conf_default_state_dir);
	conf->login_parallel = LOGIN_PARALLEL;
	if (*path)
		conf_text_read(&text, path, &found);
	conf_read(conf, &text, &found);
	is_good = found.count == 0;
	conf_errors_list(&found, errors);
	conf_errors_fini(&found);
	conf_text_fini(&text);
	if (is_good) {
		sort_targets(conf);
		return conf;
	}
	conf_free(conf);
	return NULL;
}

static char *
copy_text(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

void
conf_target_copy(struct conf_target *out, const struct conf_target *target)
{
	*out = *target;
	out->name = copy_text(target->name);
	out->address = copy_text(target->address);
	out->login_user = copy_text(target->login_user);
	out->login_secret = copy_text(target->login_secret);
	out->labels =
		target->label_count ? mem_new(target->label_count, sizeof(*out->labels)) : NULL;
	for (size_t i = 0; i < target->label_count; i++)
		out->labels[i] = (struct conf_label){ .key = mem_strdup(target->labels[i].key),
			.value = mem_strdup(target->labels[i].value) };
	out->attach =
		target->attach_count ? mem_new(target->attach_count, sizeof(*out->attach)) : NULL;
	for (size_t i = 0; i < target->attach_count; i++) {
		out->attach[i] = target->attach[i];
		out->attach[i].image = copy_text(target->attach[i].image);
	}
}

void
conf_target_fini(struct conf_target *target)
{
	free(target->name);
	free(target->address);
	for (size_t i = 0; i < target->label_count; i++) {
		free(target->labels[i].key);
		free(target->labels[i].value);
	}
	free(target->labels);
	free(target->login_user);
	free(target->login_secret);
	for (size_t i = 0; i < target->attach_count; i++)
		free(target->attach[i].image);
	free(target->attach);
}

void
conf_free(struct conf *conf)
{
	if (!conf)
		return;
	free(conf->path);
	free(conf->socket);
	free(conf->state_dir);
	strlist_fini(&conf->image_dirs);
	for (size_t i = 0; i < conf->image_count; i++) {
		free(conf->images[i].name);
		free(conf->images[i].path);
	}
	free(conf->images);
	for (size_t i = 0; i < conf->target_count; i++)
		conf_target_fini(&conf->targets[i]);
	free(conf->targets);
	free(conf->by_name);
	free(conf);
}

const struct conf_target *
conf_target_find(const struct conf *conf, const char *name)
{
	size_t low = 0, high = conf->target_count;

	if (!conf->by_name) {
		for (size_t i = 0; i < conf->target_count; i++)
			if (strcmp(conf->targets[i].name, name) == 0)
				return &conf->targets[i];
		return NULL;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, conf->by_name[middle]->name);

		if (order == 0)
			return conf->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
