/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostlist: "node[001-128,200]" to the names it stands for, as ClusterShell and SLURM write it. */
#ifndef BASE_HOSTLIST_H
#define BASE_HOSTLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/strlist.h"

enum {
	HOSTLIST_MAX = 65536, /* names that one expression may stand for */
};

/* True if text has a bracket, that is, can stand for more than itself. */
bool hostlist_is_range(const char *text);

/*
 * Appends to names every name that text stands for, in order. "a[01-03,7]-[1-2]" expands each
 * bracket, the last one fastest; a leading zero of the first bound sets the width. A text without
 * brackets stands for itself. "2001:db8::[1-9]" works as any other text.
 * Returns 0; or -1 with the reason (empty or reversed range, missing bracket, too many names)
 * and names as it was.
 */
int hostlist_expand(const char *text, struct strlist *names, struct reason *why) MUST_CHECK;

/* True if name is one of those that text stands for; no list is built. False for a bad text. */
bool hostlist_has(const char *text, const char *name);

#endif
