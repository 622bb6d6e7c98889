/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listener: making, taking over and removing the control socket. */
#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	BACKLOG = 64,
};

static int
fail(const char *path, struct reason *why)
{
	return reason_set(why, "cannot serve on %s: %s", path, strerror(errno));
}

/* Removes what is at the address, if it is a socket that nobody serves. */
static int
clear_path(const struct sockaddr_un *address, struct reason *why)
{
	struct stat st;
	int fd, rc, error;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(address->sun_path, why);
	if (!S_ISSOCK(st.st_mode))
		return reason_set(
			why, "cannot serve on %s: it exists and is no socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(address->sun_path, why);
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	error = errno;
	close(fd);
	if (rc == 0 || error == EAGAIN)
		return reason_set(
			why, "cannot serve on %s: another daemon serves there", address->sun_path);
	if (error != ECONNREFUSED)
		return reason_set(
			why, "cannot serve on %s: %s", address->sun_path, strerror(error));
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return fail(address->sun_path, why);
	return 0;
}

/* /run is empty after a boot: the last directory is made when it can be. */
static void
make_parent(const char *path)
{
	char *parent = mem_strdup(path), *slash = strrchr(parent, '/');

	if (slash != NULL && slash != parent) {
		*slash = '\0';
		if (mkdir(parent, 0755) == 0)
			(void)!chmod(parent, 0755); /* whatever the umask says */
	}
	free(parent);
}

/* Lets a group connect beside the socket's own, by an ACL. Where that is not possible, only those
 * get in that the mode lets in. */
static void
admit(const char *path, gid_t gid)
{
	enum {
		READ_WRITE = ACL_READ | ACL_WRITE,
		ENTRIES = 5,
	};
	const struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[ENTRIES] = {
		{ ACL_USER_OBJ, READ_WRITE, ACL_UNDEFINED_ID },
		{ ACL_GROUP_OBJ, READ_WRITE, ACL_UNDEFINED_ID },
		{ ACL_GROUP, READ_WRITE, gid },
		{ ACL_MASK, READ_WRITE, ACL_UNDEFINED_ID },
		{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
	};
	uint8_t acl[4 + 8 * ENTRIES], *p = acl;

	put_le32(p, POSIX_ACL_XATTR_VERSION);
	p += 4;
	for (int i = 0; i < ENTRIES; i++, p += 8) {
		put_le32(p, entries[i].tag | (uint32_t)entries[i].perm << 16);
		put_le32(p + 4, entries[i].id);
	}
	if (setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0) < 0)
		log_msg(LOG_LEVEL_WARNING, "group %u gets no access to %s: %s", (unsigned)gid, path,
			strerror(errno));
}

static int
bind_path(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0117);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(mask);
	return rc;
}

int
listener_open(struct listener *listener, const char *path, const struct listener_groups *groups,
	struct reason *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return reason_set(why, "a socket's path has %zu characters at most: %s",
			sizeof(address.sun_path) - 1, path);
	strcpy(address.sun_path, path);
	make_parent(path);
	if (clear_path(&address, why) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(path, why);
	if (bind_path(fd, &address) < 0) {
		(void)fail(path, why);
		close(fd);
		return -1;
	}
	/* Not being a member of the group is no error: then only root and we ourselves get in. */
	if (groups->has_owner)
		(void)!chown(path, (uid_t)-1, groups->owner);
	if (groups->has_other)
		admit(path, groups->other);
	if (listen(fd, BACKLOG) < 0 || stat(path, &st) < 0) {
		(void)fail(path, why);
		unlink(path);
		close(fd);
		return -1;
	}
	listener->fd = fd;
	listener->path = mem_strdup(path);
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	return 0;
}

static int
socket_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

int
listener_take(
	struct listener *listener, int fd, const struct listener_groups *groups, struct reason *why)
{
	struct sockaddr_un address = { 0 };
	socklen_t len = sizeof(address) - 1;
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
		socket_option(fd, SO_ACCEPTCONN) != 1)
		return reason_set(
			why, "the socket that was passed is no listening Unix stream socket");
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return reason_set(why, "the socket that was passed: %s", strerror(errno));
	if (groups->has_other && getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
		address.sun_path[0] == '/' && stat(address.sun_path, &st) == 0 &&
		st.st_uid == geteuid())
		admit(address.sun_path, groups->other);
	listener->fd = fd;
	listener->path = NULL;
	return 0;
}

void
listener_close(struct listener *listener)
{
	struct stat st;

	close(listener->fd);
	if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
		st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	free(listener->path);
}
