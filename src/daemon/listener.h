/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listener: the Unix socket that clients find, made and removed without taking another's place. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/reason.h"

struct listener {
	int fd;     /* non-blocking, close-on-exec, listening */
	char *path; /* NULL for a socket that was passed to us: it is not ours to remove */
	dev_t dev;  /* of the socket at path, as we made it */
	ino_t ino;
};

struct listener_groups { /* who else may connect */
	bool has_owner, has_other;
	gid_t owner; /* the socket's group */
	gid_t other; /* let in by an ACL, where the file system has them */
};

/*
 * Makes a socket at path: mode 0660, with those groups. The last directory of the path is made
 * if it is missing. A socket that nobody serves is replaced; one that is served, or anything else
 * that is there, is an error. Returns 0, or -1 with the reason.
 */
int listener_open(struct listener *listener, const char *path, const struct listener_groups *groups,
	struct reason *why) MUST_CHECK;

/* Takes over a listening Unix stream socket. The other group is let in if the socket is ours. */
int listener_take(struct listener *listener, int fd, const struct listener_groups *groups,
	struct reason *why) MUST_CHECK;

/* Closes; removes the socket at path if it is still the one that was made. */
void listener_close(struct listener *listener);

#endif
