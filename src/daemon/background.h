/* SPDX-License-Identifier: GPL-2.0-or-later */
/* background: a daemon whose starter waits until it is ready, and learns if it does not get there.
 */
#ifndef DAEMON_BACKGROUND_H
#define DAEMON_BACKGROUND_H

#include "base/compiler.h"
#include "base/reason.h"

/*
 * Forks. Returns in the child, in a session of its own, with a descriptor for background_ready().
 * The parent does not return: it exits with 0 when the child is ready, or else as the child does.
 * -1 with the reason if there is no child. Nothing must have been started that a fork breaks:
 * event loop, threads, SQLite.
 */
int background_start(struct reason *why) MUST_CHECK;

/*
 * The child is ready: standard input and output, and standard error unless it is a file, go to
 * /dev/null, the working directory is /, and the parent exits.
 */
void background_ready(int fd);

#endif
