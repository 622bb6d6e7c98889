/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_image: from an image's name to the file behind it. */
#include "daemon/conf_image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "daemon/conf_value.h"

enum {
	DIRS_SHOWN = 120, /* characters of image_dirs in a reason */
};

static const struct conf_image *
find_named(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->image_count; i++)
		if (strcmp(conf->images[i].name, name) == 0)
			return &conf->images[i];
	return NULL;
}

/* True if path (both without symbolic links) lies below dir. */
static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	while (len > 0 && dir[len - 1] == '/')
		len--;
	return strncmp(path, dir, len) == 0 && path[len] == '/' && path[len + 1] != '\0';
}

/* True if the path, as written, lies below one of image_dirs, as written. */
static bool
is_below_as_written(const struct conf *conf, const char *path)
{
	for (size_t i = 0; i < conf->image_dirs.count; i++)
		if (is_below(path, conf->image_dirs.items[i]))
			return true;
	return false;
}

bool
conf_image_lies_in(const struct strlist *dirs, const char *real)
{
	bool is_found = false;

	for (size_t i = 0; i < dirs->count && !is_found; i++) {
		char *dir = realpath(dirs->items[i], NULL);

		is_found = dir && is_below(real, dir);
		free(dir);
	}
	return is_found;
}

/* True if the path, which has no symbolic links, lies below one of image_dirs or is that of a named
 * image. */
static bool
is_served(const struct conf *conf, const char *real)
{
	bool is_found = conf_image_lies_in(&conf->image_dirs, real);

	for (size_t i = 0; i < conf->image_count && !is_found; i++) {
		char *named = realpath(conf->images[i].path, NULL);

		is_found = named && strcmp(named, real) == 0;
		free(named);
	}
	return is_found;
}

static const char *
nearest_named(const struct conf *conf, const char *name)
{
	const char **candidates = mem_new(conf->image_count + 1, sizeof(*candidates));
	const char *near;

	for (size_t i = 0; i < conf->image_count; i++)
		candidates[i] = conf->images[i].name;
	near = nearest(name, candidates, conf->image_count);
	free(candidates);
	return near;
}

static void
print_dirs(const struct conf *conf, char out[DIRS_SHOWN])
{
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < conf->image_dirs.count && len < DIRS_SHOWN; i++)
		len += (size_t)snprintf(out + len, DIRS_SHOWN - len, "%s%s", i ? ", " : "",
			conf->image_dirs.items[i]);
}

/* A path that exists, or NULL for one outside of image_dirs of which that shall not be told: found,
 * or a way out. Takes real over. */
static enum conf_image_answer
judge(const struct conf *conf, const char *image, char *real, char **path, struct reason *why)
{
	if (real && is_served(conf, real)) {
		*path = real;
		return CONF_IMAGE_FOUND;
	}
	free(real);
	reason_set(why, "%.120s is outside of image_dirs and not the path of a named image", image);
	return CONF_IMAGE_REFUSED;
}

static enum conf_image_answer
find_absolute(const struct conf *conf, const char *image, char **path, struct reason *why)
{
	char *real = realpath(image, NULL);
	int error = errno;
	bool is_allowed = is_below_as_written(conf, image);

	if (real)
		return judge(conf, image, real, path, why);
	for (size_t i = 0; i < conf->image_count; i++)
		is_allowed = is_allowed || strcmp(conf->images[i].path, image) == 0;
	if (!is_allowed) /* the same words whether it exists or not */
		return judge(conf, image, NULL, path, why);
	*path = mem_strdup(image);
	if (error == ENOENT || error == ENOTDIR)
		reason_set(why, "image not found: %.200s", image);
	else
		reason_set(why, "image not found: %.120s: %s", image, strerror(error));
	return CONF_IMAGE_MISSING;
}

static enum conf_image_answer
find_relative(const struct conf *conf, const char *image, char **path, struct reason *why)
{
	const char *near = nearest_named(conf, image);
	char dirs[DIRS_SHOWN];
	int error = ENOENT;

	for (size_t i = 0; i < conf->image_dirs.count; i++) {
		char *joined = mem_printf("%s/%s", conf->image_dirs.items[i], image);
		char *real = realpath(joined, NULL);

		if (!real && errno != ENOENT && errno != ENOTDIR)
			error = errno;
		free(joined);
		if (real)
			return judge(conf, image, real, path, why);
	}
	print_dirs(conf, dirs);
	if (near)
		reason_set(why, "image not found: %.80s; did you mean \"%.80s\"?", image, near);
	else if (conf->image_dirs.count == 0)
		reason_set(why,
			"image not found: %.80s (no image has that name, and image_dirs is not set)",
			image);
	else if (error != ENOENT)
		reason_set(why, "image not found: %.80s (in %s: %s)", image, dirs, strerror(error));
	else
		reason_set(why, "image not found: %.80s (looked in %s)", image, dirs);
	if (conf->image_dirs.count == 0)
		return CONF_IMAGE_REFUSED;
	*path = mem_printf("%s/%s", conf->image_dirs.items[0], image);
	return CONF_IMAGE_MISSING;
}

enum conf_image_answer
conf_image_find(const struct conf *conf, const char *image, char **path, struct reason *why)
{
	const struct conf_image *named = find_named(conf, image);

	*path = NULL;
	if (named) {
		*path = mem_strdup(named->path);
		return CONF_IMAGE_FOUND;
	}
	if (conf_check_text(image, NULL) < 0) {
		reason_set(why, "the name of an image is UTF-8 without control characters");
		return CONF_IMAGE_REFUSED;
	}
	if (conf_check_image(image, why) < 0)
		return CONF_IMAGE_REFUSED;
	if (*image == '/')
		return find_absolute(conf, image, path, why);
	return find_relative(conf, image, path, why);
}

char *
conf_image_path(const struct conf *conf, const char *image, struct reason *why)
{
	char *path;

	if (conf_image_find(conf, image, &path, why) == CONF_IMAGE_FOUND)
		return path;
	free(path);
	return NULL;
}
