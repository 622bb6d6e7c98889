/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unix_listener: a Unix socket that takes the place of one left behind. */
#include "bmcsim/unix_listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Removes a socket that its owner left behind. */
static int
remove_stale(const struct sockaddr_un *address, struct reason *why)
{
	struct stat st;
	int fd, error;

	if (lstat(address->sun_path, &st) != 0)
		return 0; /* nothing there, or bind() will say what is wrong */
	if (!S_ISSOCK(st.st_mode))
		return reason_set(why, "%s: there is a file that is no socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return reason_set(why, "socket: %s", strerror(errno));
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN)
		return reason_set(why, "%s: another program listens there", address->sun_path);
	if (error == ECONNREFUSED && unlink(address->sun_path) != 0)
		return reason_set(why, "%s: %s", address->sun_path, strerror(errno));
	return 0;
}

struct evconnlistener *
unix_listener_new(struct event_base *base, const char *path, evconnlistener_cb cb, void *arg,
	struct reason *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct evconnlistener *listener;
	mode_t mask;

	if (strlen(path) >= sizeof(address.sun_path)) {
		reason_set(why, "%s: longer than the %zu characters of a socket's path", path,
			sizeof(address.sun_path) - 1);
		return NULL;
	}
	strcpy(address.sun_path, path);
	if (remove_stale(&address, why) != 0)
		return NULL;
	mask = umask(0077);
	listener = evconnlistener_new_bind(base, cb, arg,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8, (struct sockaddr *)&address,
		sizeof(address));
	if (listener == NULL)
		reason_set(why, "%s: %s", path, strerror(errno));
	umask(mask);
	return listener;
}
