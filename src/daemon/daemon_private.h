/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon_private: what the files of the daemon share. daemon.c has the command line and the order
 * of things, daemon_run.c what happens in the loop: signals, reload and the end. */
#ifndef DAEMON_DAEMON_PRIVATE_H
#define DAEMON_DAEMON_PRIVATE_H

#include <stdbool.h>

#include "base/strlist.h"
#include "daemon/methods.h"
#include "daemon/options.h"

struct conf;
struct event;
struct event_base;
struct store;
struct varlink_server;

enum {
	DAEMON_SIGNALS = 3,
};

struct daemon { /* in the order in which it is made, and unmade backwards */
	const struct options *options;
	char *config;             /* the file's path, absolute; NULL: the default */
	char *socket, *state_dir; /* in use */
	int background;           /* of background_start(), or -1 */
	int lock;
	struct event_base *base;
	struct pool *pool;
	struct store *store;
	struct methods_world world;
	struct methods *methods;
	struct varlink_server *server;
	struct registry *registry;

	struct event *signals[DAEMON_SIGNALS];
	struct event *watchdog; /* or NULL */
	struct event *status;   /* a new line for the service manager is due */
	struct event *limit;    /* of the end */
	bool is_stopping;
	bool is_forced; /* the end did not come by itself */
};

/* Reads the configuration, with what the command line says instead. */
struct conf *daemon_load(const struct daemon *daemon, struct strlist *errors) MUST_CHECK;

/* From READY to the end. */
void daemon_run(struct daemon *daemon);

/* As struct methods_world wants it; arg is a struct daemon. */
int daemon_reload(void *arg, struct strlist *added, struct strlist *changed,
	struct strlist *removed, struct strlist *errors) MUST_CHECK;

#endif
