/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_fixture: what tests of the methods share: a registry, the Varlink server in front of it,
 * and a client. */
#ifndef TESTS_METHODS_FIXTURE_H
#define TESTS_METHODS_FIXTURE_H

#include "daemon/methods.h"
#include "daemon/methods_private.h"
#include "daemon_world.h"
#include "varlink_client.h"

static struct world world;
static struct methods_world methods_world;
static struct methods *methods;
static struct varlink_server *server;
static struct varlink_test_client client;

#define UNTIL(condition) WORLD_UNTIL(&world, condition)

/* After world_init(). What the reload does is the test's. */
static inline void
open_server(const char *configuration,
	int (*reload)(void *arg, struct strlist *added, struct strlist *changed,
		struct strlist *removed, struct strlist *errors))
{
	struct reason why;

	world_start(&world, configuration);
	methods_world.base = world.base;
	methods_world.pool = world.pool;
	methods_world.registry = world.registry;
	methods_world.reload = reload;
	methods_world.arg = &world;
	methods = methods_new(&methods_world);
	server = varlink_server_new(
		world.base, world_path(&world, "socket"), -1, &methods_interface, methods, &why);
	ck_assert_msg(server != NULL, "%s", why.text);
	test_client_open(&client, world.base, world_path(&world, "socket"));
}

static inline void
close_server(void)
{
	test_client_close(&client);
	varlink_server_free(server);
	methods_free(methods);
	world_fini(&world);
}

#endif
