/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image_list: every image that the configuration offers, each looked into. It reads files and
 * directories, which can take long: made to be run in the worker pool. */
#ifndef DAEMON_IMAGE_LIST_H
#define DAEMON_IMAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/strlist.h"
#include "daemon/conf.h"
#include "image/probe.h"

enum {
	IMAGE_LIST_MAX = 10000, /* files that are listed */
};

struct listed_image {
	char *name; /* by which it is attached */
	char *path; /* as configured, or below an image directory */
	char *real; /* the same without symbolic links; NULL if it is not there */
	bool is_good;
	struct probe probe; /* if it is good */
	struct reason why;  /* if not */
};

struct image_list {
	struct strlist dirs; /* input, copied */
	struct listed_image *images;
	size_t count, room;
};

/* Copies what is needed from the configuration: named images first. */
void image_list_init(struct image_list *list, const struct conf *conf);

/* Adds what lies in the directories, in the order of the directories, then of the names, and looks
 * into everything. Hidden files, and symbolic links that lead out of the directories, are not
 * listed; of two files with one name the first is. Needs no other thread. */
void image_list_read(struct image_list *list);

void image_list_fini(struct image_list *list);

#endif
