/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink_private: what the files of the Varlink server share. varlink.c accepts clients,
 * varlink_client.c has one client's messages, varlink_service.c the interface that every server
 * has. */
#ifndef DAEMON_VARLINK_PRIVATE_H
#define DAEMON_VARLINK_PRIVATE_H

#include <sys/queue.h>

#include "daemon/listener.h"
#include "daemon/peer.h"
#include "daemon/varlink.h"

struct bufferevent;
struct event;

enum {
	VARLINK_INTERFACES = 2, /* org.varlink.service and the given one */
};

struct varlink_server {
	struct event_base *base;
	struct listener listener;
	struct event *accepting;
	struct event *pause; /* the end of a time without accepting, when descriptors are scarce */
	struct peer_rules rules;
	struct {
		const struct varlink_interface *interface;
		void *context;
	} interfaces[VARLINK_INTERFACES];
	TAILQ_HEAD(, varlink_client) clients;
	size_t client_count;
	bool is_full; /* and it was logged */
};

struct varlink_client {
	struct varlink_server *server;
	struct bufferevent *bev;
	enum varlink_role role;
	uid_t uid;
	pid_t pid;
	struct varlink_call *call; /* under way, or NULL */
	size_t scanned;            /* bytes of the input that have no end of a message */
	bool is_ended;             /* it sends nothing any more */
	bool is_doomed;            /* to be freed from the loop */
	bool is_reading;           /* in the function that runs calls */
	struct event *wake;        /* continue from the loop */
	struct event *hangup;      /* while a call is under way for a client that has ended */
	TAILQ_ENTRY(varlink_client) link;
};

/* Takes a connected socket. */
void varlink_client_new(struct varlink_server *server, int fd, const struct peer *peer);
void varlink_client_free(struct varlink_client *client);

/* A client's place has become free. */
void varlink_client_left(struct varlink_server *server);

/* The org.varlink.service interface; its context is the server. */
extern const struct varlink_interface varlink_service;

#endif
