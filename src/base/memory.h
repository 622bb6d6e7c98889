/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory: small allocations that cannot be done without; running out of memory ends the program. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include "base/compiler.h"

/*
 * Zeroed memory, never NULL: when the system has none left, the program logs that and aborts.
 * For objects whose number and size we choose ourselves; what a peer sends is never sized by it
 * (every such buffer has a fixed maximum). Owned by the caller, freed with free().
 */
void *mem_new(size_t count, size_t size) MUST_CHECK __attribute__((malloc));

/* As realloc(), never NULL for a size above 0; the new part is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size) MUST_CHECK;

/* A copy of the string; a null text gives NULL. */
char *mem_strdup(const char *text) MUST_CHECK;

/* A new formatted string, never NULL. */
char *mem_printf(const char *fmt, ...) MUST_CHECK PRINTF_LIKE(1, 2);

#endif
