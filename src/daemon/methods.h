/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods: what org.iusbd.varlink promises, as a table of methods over the registry. One file for
 * each family: methods_status (Status, Show, Targets), methods_images (Images), methods_probe
 * (Probe), methods_attach (Attach, Detach), methods_swap (Swap), methods_daemon (Reload, Version).
 */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "base/compiler.h"
#include "base/strlist.h"
#include "daemon/varlink.h"

struct event_base;
struct methods;
struct pool;
struct registry;

struct methods_world { /* what the methods work on; it outlives them, and is complete before the
			  first call */
	struct event_base *base;
	struct pool *pool;
	struct registry *registry;

	/* Reads the configuration again. Returns 0; or -1, nothing has changed and errors has a
	 * line for each error. */
	int (*reload)(void *arg, struct strlist *added, struct strlist *changed,
		struct strlist *removed, struct strlist *errors);
	void *arg;
};

/* Never NULL. */
struct methods *methods_new(const struct methods_world *world) MUST_CHECK;

/* After the server: no call is under way any more. A null pointer is allowed. */
void methods_free(struct methods *methods);

/* The daemon stops: calls that wait are answered with org.iusbd.Stopping. */
void methods_stop(struct methods *methods);

/* The interface for varlink_server_new(); its context is a struct methods. */
extern const struct varlink_interface methods_interface;

#endif
