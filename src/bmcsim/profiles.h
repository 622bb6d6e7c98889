/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profiles: real boards that the simulator can be like, as options. */
#ifndef BMCSIM_PROFILES_H
#define BMCSIM_PROFILES_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

struct profile {
	const char *name;
	const char *help;
	const char
		*options; /* "--dialect asp --slots cd=2": each with a value, one space between */
};

/* NULL with the reason. */
const struct profile *profile_find(const char *name, struct reason *why) MUST_CHECK;

/* Profile i, NULL behind the last one. */
const struct profile *profile_at(size_t i);

/* Prints them all. */
void profiles_print(void);

#endif
