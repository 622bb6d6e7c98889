/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slot: devices, and the names of slots. */
#include "base/slot.h"

#include <stdio.h>
#include <string.h>

static const char *const names[DEVICE_COUNT] = {
	[DEVICE_CD] = "cd",
	[DEVICE_FD] = "fd",
	[DEVICE_HD] = "hd",
};

const char *
device_name(enum device device)
{
	return names[device];
}

bool
device_parse(const char *text, enum device *device)
{
	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*device = (enum device)i;
			return true;
		}
	}
	return false;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
target_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > TARGET_NAME_MAX || !is_alnum(name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

void
slot_format(char out[SLOT_NAME_SIZE], const char *target, enum device device, int instance)
{
	int n = snprintf(out, SLOT_NAME_SIZE, "%.*s/%s", TARGET_NAME_MAX, target, names[device]);

	if (instance != 0)
		snprintf(out + n, (size_t)(SLOT_NAME_SIZE - n), "%d", instance);
}

int
slot_parse_suffix(const char *suffix, enum device *device, int *instance, struct reason *why)
{
	char name[3] = { 0 };

	for (int i = 0; i < 2 && suffix[i]; i++)
		name[i] = suffix[i];
	if (!device_parse(name, device))
		return reason_set(why, "no such device: \"%s\" (cd, fd or hd)", suffix);
	if (suffix[2] == '\0') {
		*instance = 0;
		return 0;
	}
	if (suffix[2] < '0' || suffix[2] >= '0' + SLOT_INSTANCES || suffix[3] != '\0')
		return reason_set(why, "no such instance: \"%s\" (%s0 to %s%d)", suffix, name, name,
			SLOT_INSTANCES - 1);
	*instance = suffix[2] - '0';
	return 0;
}
