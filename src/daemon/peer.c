/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peer: credentials that the kernel vouches for. */
#include "daemon/peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

enum {
	GROUPS_MAX = 65536, /* the kernel's own limit, NGROUPS_MAX */
};

int
peer_init(struct peer *peer, int fd, struct reason *why)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);

	memset(peer, 0, sizeof(*peer));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return reason_set(why, "no credentials of the peer: %s", strerror(errno));
	peer->pid = credentials.pid;
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
	len = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
		return 0; /* none, or a kernel before 4.13: the primary group decides */
	if (len > GROUPS_MAX * sizeof(gid_t))
		return reason_set(why, "the peer is in too many groups");
	peer->groups = mem_new(1, len);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) < 0) {
		peer_fini(peer);
		return reason_set(why, "no groups of the peer: %s", strerror(errno));
	}
	peer->group_count = len / sizeof(gid_t);
	return 0;
}

void
peer_fini(struct peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->group_count = 0;
}

static bool
find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group == NULL)
		return false;
	*gid = group->gr_gid;
	return true;
}

void
peer_rules_init(struct peer_rules *rules)
{
	rules->self = geteuid();
	rules->has_change = find_group(PEER_GROUP_CHANGE, &rules->change);
	rules->has_view = find_group(PEER_GROUP_VIEW, &rules->view);
}

static bool
is_member(const struct peer *peer, gid_t gid)
{
	if (peer->gid == gid)
		return true;
	for (size_t i = 0; i < peer->group_count; i++)
		if (peer->groups[i] == gid)
			return true;
	return false;
}

enum varlink_role
peer_role(const struct peer *peer, const struct peer_rules *rules)
{
	if (peer->uid == 0 || peer->uid == rules->self ||
		(rules->has_change && is_member(peer, rules->change)))
		return VARLINK_ROLE_CHANGE;
	if (rules->has_view && is_member(peer, rules->view))
		return VARLINK_ROLE_VIEW;
	return VARLINK_ROLE_NONE;
}
