/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing: tells other programs where the simulated BMCs listen. */
#ifndef BMCSIM_LISTING_H
#define BMCSIM_LISTING_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

struct bmc;

/*
 * One line for each node and "ready" behind the last one: "sim001 127.0.0.1 cd=41001 hd=41002
 * fd=41003", 0 for what does not listen; if the dialect is not `legacy`, with " cd-tls=41004
 * hd-tls=41005 fd-tls=41006 web=41007 web-tls=41008 dialect=asp" behind, as far as it listens. The
 * caller frees it.
 */
char *listing_ready(struct bmc *const *bmcs, size_t count) MUST_CHECK;

/* The setting "targets = ( ... );" of iusbd.conf(5) for the nodes. secret_file holds the password
 * or token, NULL if there is none. The caller frees it. */
char *listing_targets(struct bmc *const *bmcs, size_t count, const char *secret_file) MUST_CHECK;

/* Writes text to the file at once: who sees the file sees all of it. "-" is standard output. */
int listing_write(const char *path, const char *text, struct reason *why) MUST_CHECK;

#endif
