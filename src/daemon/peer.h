/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peer: who is at the other end of a Unix socket, and what he may do. */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "daemon/varlink.h"

#define PEER_GROUP_CHANGE "iusb"
#define PEER_GROUP_VIEW   "iusb-view"

struct peer { /* as the kernel saw it when it connected */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary */
	size_t group_count;
};

struct peer_rules {
	uid_t self; /* the daemon's own user */
	bool has_change, has_view;
	gid_t change, view;
};

/* SO_PEERCRED and SO_PEERGROUPS of a connected socket. peer_fini() frees. */
int peer_init(struct peer *peer, int fd, struct reason *why) MUST_CHECK;
void peer_fini(struct peer *peer);

/* Looks up our effective user and the groups. */
void peer_rules_init(struct peer_rules *rules);

enum varlink_role peer_role(const struct peer *peer, const struct peer_rules *rules);

#endif
