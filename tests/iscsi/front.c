/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * front: the drives of src/scsi as iSCSI targets on a loopback port, for judges that speak iSCSI.
 * Prints the port and serves until its standard input ends. Not for use outside of the tests.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "connection.h"

enum { MIB = 1 << 20 };

static struct lun luns[] = {
	{ .name = "cd", .device = DEVICE_CD, .size = 32 * MIB },
	{ .name = "fd", .device = DEVICE_FD, .size = 2880 * 512 },
	{ .name = "hd", .device = DEVICE_HD, .size = 64 * MIB },
	{ .name = "hd-ro", .device = DEVICE_HD, .size = 64 * MIB, .is_read_only = true },
	{ .name = "hd-big", .device = DEVICE_HD, .size = 3ULL << 40 },
};

static void
accept_cb(struct evconnlistener *listener UNUSED, evutil_socket_t fd,
	struct sockaddr *address UNUSED, int len UNUSED, void *arg)
{
	connection_new(arg, fd);
}

static void
stdin_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	char byte;

	if (read(fd, &byte, 1) <= 0)
		event_base_loopexit(arg, NULL);
}

/* Listens on a free port of the loopback interface and prints it. NULL if it cannot. */
static struct evconnlistener *
listen_somewhere(struct portal *portal)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int room = MIB;
	struct evconnlistener *listener = evconnlistener_new_bind(portal->base, accept_cb, portal,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, (struct sockaddr *)&address,
		sizeof(address));

	/* Accepted sockets inherit it: a whole write in one go. */
	if (listener)
		setsockopt(evconnlistener_get_fd(listener), SOL_SOCKET, SO_RCVBUF, &room,
			sizeof(room));
	if (!listener || getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address,
				 &len) < 0) {
		perror("front: listen");
		return listener;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

int
main(void)
{
	struct portal portal = { .luns = luns, .count = ARRAY_SIZE(luns) };
	struct evconnlistener *listener;
	struct event *input;
	bool is_ready = true;

	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&portal.connections);
	for (size_t i = 0; i < portal.count; i++)
		luns[i].fd = -1;
	for (size_t i = 0; i < portal.count && is_ready; i++)
		is_ready = lun_open(&luns[i]);
	portal.base = event_base_new();
	input = event_new(portal.base, STDIN_FILENO, EV_READ | EV_PERSIST, stdin_cb, portal.base);
	if (event_add(input, NULL) < 0)
		is_ready = false;
	listener = is_ready ? listen_somewhere(&portal) : NULL;
	if (listener)
		event_base_dispatch(portal.base);

	while (!TAILQ_EMPTY(&portal.connections))
		connection_free(TAILQ_FIRST(&portal.connections));
	if (listener)
		evconnlistener_free(listener);
	event_free(input);
	event_base_free(portal.base);
	for (size_t i = 0; i < portal.count; i++)
		lun_close(&luns[i]);
	return listener ? 0 : 1;
}
