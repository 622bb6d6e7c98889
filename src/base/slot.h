/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slot: the three devices a BMC shows its host, and the names of slots ("node42/cd", "node42/cd1").
 */
#ifndef BASE_SLOT_H
#define BASE_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

enum device {
	DEVICE_CD,
	DEVICE_FD, /* floppy */
	DEVICE_HD, /* USB stick or hard disk */
};

enum {
	DEVICE_COUNT = 3,
	SLOT_INSTANCES = 4,                   /* instances 0..3 of a device (iusb-protocol 1) */
	TARGET_NAME_MAX = 63,                 /* characters of a target's name */
	SLOT_NAME_SIZE = TARGET_NAME_MAX + 8, /* a slot's name and its NUL */
};

/* "cd", "fd" or "hd". */
const char *device_name(enum device device);

/* Sets *device and returns true if text is "cd", "fd" or "hd". */
bool device_parse(const char *text, enum device *device);

/* True if name may name a target: letters, digits, '.', '_', '-'; 1 to TARGET_NAME_MAX of them, the
 * first one a letter or a digit. */
bool target_name_is_valid(const char *name);

/* Writes "TARGET/DEVICE", with the instance behind it unless it is 0. */
void slot_format(char out[SLOT_NAME_SIZE], const char *target, enum device device, int instance);

/*
 * The part behind the slash of a slot's name: "cd", "fd0", "hd3". Sets device and instance and
 * returns 0; or returns -1 with the reason.
 */
int slot_parse_suffix(
	const char *suffix, enum device *device, int *instance, struct reason *why) MUST_CHECK;

#endif
