/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_dir: the directory of what survives a restart, used by one daemon at a time. */
#ifndef DAEMON_STATE_DIR_H
#define DAEMON_STATE_DIR_H

#include "base/compiler.h"
#include "base/reason.h"

/*
 * Locks the directory: returns a descriptor that holds the lock until it is closed, or -1 with the
 * reason, another daemon among them. If only the last component of the path is missing, it is made,
 * mode 0750.
 */
int state_dir_lock(const char *path, struct reason *why) MUST_CHECK;

#endif
