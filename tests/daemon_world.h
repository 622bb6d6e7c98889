/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon_world: what tests of the daemon live in: a directory with images, a configuration made of
 * text, a simulated BMC, and a registry with its store. */
#ifndef TESTS_DAEMON_WORLD_H
#define TESTS_DAEMON_WORLD_H

#include <event2/event.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "daemon/conf.h"
#include "daemon/registry.h"
#include "daemon/store.h"
#include "media_ports.h"
#include "image/pool.h"
#include "loop.h"
#include "unit.h"

struct world {
	char dir[64];
	struct event_base *base;
	struct pool *pool;
	struct store *store;
	struct registry *registry; /* NULL until world_start() */
	struct media_ports bmc;
};

/* dir/name; in one of a few static buffers. */
static inline const char *
world_path(const struct world *world, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", world->dir, name);
	return path;
}

/* A file of that size, its first bytes are its name. */
static inline void
world_image(const struct world *world, const char *name, off_t size)
{
	FILE *file = fopen(world_path(world, name), "w");

	ck_assert_ptr_nonnull(file);
	if (size > 0)
		fputs(name, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(truncate(world_path(world, name), size), 0);
}

/* Writes the configuration file. "@P" in the text becomes the ports of the BMC, "@D" the directory.
 */
static inline void
world_write_conf(const struct world *world, const char *text)
{
	FILE *file = fopen(world_path(world, "iusbd.conf"), "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "socket = \"%s/socket\"; state_dir = \"%s/state\";\n", world->dir,
		world->dir);
	for (const char *c = text; *c != '\0'; c++)
		if (strncmp(c, "@P", 2) == 0) {
			fprintf(file, "ports = { cd = %u; fd = %u; hd = %u; };",
				world->bmc.ports[DEVICE_CD].port, world->bmc.ports[DEVICE_FD].port,
				world->bmc.ports[DEVICE_HD].port);
			c++;
		} else if (strncmp(c, "@D", 2) == 0) {
			fputs(world->dir, file);
			c++;
		} else {
			putc(*c, file);
		}
	ck_assert_int_eq(fclose(file), 0);
}

static inline struct conf *
world_conf(const struct world *world, const char *text)
{
	struct strlist errors = { 0 };
	struct conf *conf;

	world_write_conf(world, text);
	conf = conf_load(world_path(world, "iusbd.conf"), &errors);
	ck_assert_msg(conf != NULL, "configuration: %s", errors.count > 0 ? errors.items[0] : "?");
	strlist_fini(&errors);
	return conf;
}

static inline void
world_init(struct world *world)
{
	struct reason why;

	memset(world, 0, sizeof(*world));
	signal(SIGPIPE, SIG_IGN);
	log_init("test");
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(world->dir, "/tmp/iusbd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world->dir));
	ck_assert_int_eq(mkdir(world_path(world, "state"), 0700), 0);
	world->base = event_base_new();
	world->pool = pool_new(world->base);
	world->store = store_open(world_path(world, "state"), &why);
	ck_assert_msg(world->store != NULL, "%s", why.text);
	media_ports_init(&world->bmc, world->base);
	world_image(world, "dos.img", 1474560);
	world_image(world, "other.img", 1474560);
	world_image(world, "stick.img", 8 << 20);
}

static inline void
world_start(struct world *world, const char *text)
{
	world->registry =
		registry_new(world->base, world->pool, world->store, world_conf(world, text));
}

/* The daemon ends without ceremony; what is stored stays. */
static inline void
world_end(struct world *world)
{
	registry_free(world->registry);
	world->registry = NULL;
}

static inline int
world_remove_cb(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void
world_fini(struct world *world)
{
	registry_free(world->registry);
	store_close(world->store);
	pool_free(world->pool);
	media_ports_fini(&world->bmc);
	event_base_free(world->base);
	nftw(world->dir, world_remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- what is in the slots --- */

/* "node42/fd" */
static inline struct slot *
world_slot(struct world *world, const char *name)
{
	for (size_t i = 0; i < registry_count(world->registry); i++)
		if (strcmp(registry_at(world->registry, i)->name, name) == 0)
			return registry_at(world->registry, i);
	return NULL;
}

/* The state of a slot, SESSION_IDLE if there is no such slot. */
static inline enum session_state
world_state(struct world *world, const char *name)
{
	struct slot *slot = world_slot(world, name);
	struct session_status status = { .state = SESSION_IDLE };

	if (slot != NULL)
		registry_status(slot, &status);
	return status.state;
}

static inline const char *
world_reason(struct world *world, const char *name)
{
	static struct session_status status;

	ck_assert_ptr_nonnull(world_slot(world, name));
	registry_status(world_slot(world, name), &status);
	return status.reason.text;
}

/* The names of the stored attachments and their images: "node42/fd=dos.img(ro) ". */
static inline void
world_stored_cb(void *arg, const struct store_attachment *attachment)
{
	char *text = arg;

	snprintf(text + strlen(text), 1024 - strlen(text), "%s=%s(%s) ", attachment->slot,
		attachment->image, attachment->mode);
}

static inline const char *
world_stored(struct world *world)
{
	static char text[1024];
	struct reason why;

	text[0] = '\0';
	ck_assert_int_eq(store_each_attachment(world->store, world_stored_cb, text, &why), 0);
	return text;
}

#define WORLD_UNTIL(world, condition) LOOP_UNTIL((world)->base, condition)

#endif
