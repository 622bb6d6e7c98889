/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink: accepts clients, tells who they are, and keeps their number within limits. */
#include "daemon/varlink.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "daemon/varlink_private.h"

/* How long nobody is accepted after there was no descriptor for a client. */
static const struct timeval pause_time = { .tv_sec = 1 };

static void
greet(struct varlink_server *server, int fd)
{
	struct reason why;
	struct peer peer;

	if (server->client_count >= VARLINK_CLIENTS_MAX) {
		if (!server->is_full)
			log_msg(LOG_LEVEL_WARNING,
				"control: %d clients are connected, no more are accepted",
				VARLINK_CLIENTS_MAX);
		server->is_full = true;
		close(fd);
		return;
	}
	if (peer_init(&peer, fd, &why) < 0) {
		log_msg(LOG_LEVEL_WARNING, "control: a client was not accepted: %s", why.text);
		close(fd);
		return;
	}
	varlink_client_new(server, fd, &peer);
	peer_fini(&peer);
}

static void
accept_cb(evutil_socket_t listening, short events, void *arg)
{
	struct varlink_server *server = arg;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0) {
		greet(server, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_msg(LOG_LEVEL_WARNING, "control: a client could not be accepted: %s", strerror(errno));
	event_del(server->accepting);
	event_add(server->pause, &pause_time);
}

static void
pause_cb(evutil_socket_t fd, short events, void *arg)
{
	struct varlink_server *server = arg;

	(void)fd, (void)events;
	event_add(server->accepting, NULL);
}

void
varlink_client_left(struct varlink_server *server)
{
	server->client_count--;
	server->is_full = false;
}

struct varlink_server *
varlink_server_new(struct event_base *base, const char *path, int fd,
	const struct varlink_interface *interface, void *context, struct reason *why)
{
	struct varlink_server *server = mem_new(1, sizeof(*server));
	struct listener_groups groups;
	int rc;

	peer_rules_init(&server->rules);
	groups = (struct listener_groups){
		.has_owner = server->rules.has_change,
		.owner = server->rules.change,
		.has_other = server->rules.has_view,
		.other = server->rules.view,
	};
	if (fd >= 0)
		rc = listener_take(&server->listener, fd, &groups, why);
	else
		rc = listener_open(&server->listener, path, &groups, why);
	if (rc < 0) {
		free(server);
		return NULL;
	}
	TAILQ_INIT(&server->clients);
	server->base = base;
	server->interfaces[0].interface = &varlink_service;
	server->interfaces[0].context = server;
	server->interfaces[1].interface = interface;
	server->interfaces[1].context = context;
	server->pause = evtimer_new(base, pause_cb, server);
	server->accepting =
		event_new(base, server->listener.fd, EV_READ | EV_PERSIST, accept_cb, server);
	event_add(server->accepting, NULL);
	return server;
}

void
varlink_server_free(struct varlink_server *server)
{
	struct varlink_client *client;

	if (server == NULL)
		return;
	event_free(server->accepting);
	event_free(server->pause);
	while ((client = TAILQ_FIRST(&server->clients)) != NULL)
		varlink_client_free(client);
	listener_close(&server->listener);
	free(server);
}
