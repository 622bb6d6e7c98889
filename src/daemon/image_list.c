/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image_list: walks the image directories and probes what is there. */
#include "daemon/image_list.h"

#include <fts.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "daemon/conf_image.h"
#include "daemon/conf_value.h"

static void
add(struct image_list *list, const char *name, const char *path)
{
	struct listed_image *image;

	if (list->count == list->room) {
		list->room = list->room > 0 ? list->room * 2 : 64;
		list->images = mem_resize(list->images, list->room, sizeof(*list->images));
	}
	image = &list->images[list->count++];
	memset(image, 0, sizeof(*image));
	image->name = mem_strdup(name);
	image->path = mem_strdup(path);
}

void
image_list_init(struct image_list *list, const struct conf *conf)
{
	memset(list, 0, sizeof(*list));
	for (size_t i = 0; i < conf->image_dirs.count; i++)
		strlist_add(&list->dirs, conf->image_dirs.items[i]);
	for (size_t i = 0; i < conf->image_count; i++)
		add(list, conf->images[i].name, conf->images[i].path);
}

/* --- directories --- */

static int
compare_entries(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A symbolic link to a file that lies in one of the directories. */
static bool
is_good_link(const struct image_list *list, const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;
	bool is_good = real != NULL && stat(real, &st) == 0 && S_ISREG(st.st_mode) &&
		       conf_image_lies_in(&list->dirs, real);

	free(real);
	return is_good;
}

static void
visit(struct image_list *list, FTS *fts, FTSENT *entry, size_t dir_len, void **seen)
{
	const char *name = entry->fts_path + dir_len;

	while (*name == '/')
		name++;
	if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.') {
		if (entry->fts_info == FTS_D)
			fts_set(fts, entry, FTS_SKIP);
		return;
	}
	if (entry->fts_info != FTS_F &&
		!(entry->fts_info == FTS_SL && is_good_link(list, entry->fts_path)))
		return;
	if (tfind(name, seen, compare_names) != NULL)
		return;
	add(list, name, entry->fts_path);
	(void)tsearch(list->images[list->count - 1].name, seen, compare_names);
}

static void
walk(struct image_list *list, char *dir, void **seen)
{
	char *const roots[] = { dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, compare_entries);
	size_t len = strlen(dir);
	FTSENT *entry;

	if (fts == NULL)
		return;
	while (list->count < IMAGE_LIST_MAX && (entry = fts_read(fts)) != NULL)
		visit(list, fts, entry, len, seen);
	fts_close(fts);
}

static void
keep(void *name)
{
	(void)name; /* the list's */
}

/* Looks into one. What nobody could name in a call is no image, whatever is in it. */
static void
look_into(struct listed_image *image)
{
	image->real = realpath(image->path, NULL);
	if (conf_check_text(image->name, NULL) < 0)
		(void)reason_set(&image->why, "its name has control characters or is not UTF-8");
	else
		image->is_good = probe_file(image->path, &image->probe, &image->why) == 0;
}

void
image_list_read(struct image_list *list)
{
	void *seen = NULL;

	for (size_t i = 0; i < list->count; i++)
		(void)tsearch(list->images[i].name, &seen, compare_names);
	for (size_t i = 0; i < list->dirs.count; i++)
		walk(list, list->dirs.items[i], &seen);
	tdestroy(seen, keep);
	for (size_t i = 0; i < list->count; i++)
		look_into(&list->images[i]);
}

void
image_list_fini(struct image_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->images[i].name);
		free(list->images[i].path);
		free(list->images[i].real);
	}
	free(list->images);
	strlist_fini(&list->dirs);
}
