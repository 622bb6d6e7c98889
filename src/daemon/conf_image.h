/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_image: from an image's name to the file behind it, and no further than the configuration
 * allows. */
#ifndef DAEMON_CONF_IMAGE_H
#define DAEMON_CONF_IMAGE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/strlist.h"
#include "daemon/conf.h"

enum conf_image_answer {
	CONF_IMAGE_FOUND,
	CONF_IMAGE_MISSING, /* allowed, but not there: it may come */
	CONF_IMAGE_REFUSED, /* never served by this configuration */
};

/*
 * As conf_image_path(). *path, owned by the caller, is set unless the image is refused: where it is
 * or, if it is missing, where it would be.
 */
enum conf_image_answer conf_image_find(
	const struct conf *conf, const char *image, char **path, struct reason *why) MUST_CHECK;

/* True if the path, which has no symbolic links, lies below one of the directories, the links in
 * theirs resolved. */
bool conf_image_lies_in(const struct strlist *dirs, const char *real) MUST_CHECK;

#endif
