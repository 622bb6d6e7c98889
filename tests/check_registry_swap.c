/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_registry_swap: another medium in a slot, in each phase of the slot, and what stays as it
 * was when that is not possible. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "daemon/registry.h"
#include "daemon_world.h"

static struct world world;
static atomic_bool is_disk_broken;

/* The C library's own for this program, until the disk breaks. */
int
fdatasync(int fd)
{
	if (!atomic_load(&is_disk_broken))
		return (int)syscall(SYS_fdatasync, fd);
	errno = EIO;
	return -1;
}

#define UNTIL(condition) WORLD_UNTIL(&world, condition)

static const char plain[] =
	"image_dirs = [ \"@D\" ];\n"
	"images = ( { name = \"named\"; path = \"@D/dos.img\"; } );\n"
	"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P },\n"
	"            { name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n";

static const char *
standing_of(const char *image)
{
	static char text[512];

	snprintf(text, sizeof(text),
		"image_dirs = [ \"@D\" ];\n"
		"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P\n"
		"  attach = ( { device = \"fd\"; image = \"%s\"; } ); } );\n",
		image);
	return text;
}

static void
setup(void)
{
	world_init(&world);
}

static void
teardown(void)
{
	world_fini(&world);
}

static struct media_port *
port(enum device device)
{
	return &world.bmc.ports[device];
}

static bool
is_serving(const char *name)
{
	return world_state(&world, name) == SESSION_SERVING;
}

static void
attach(const char *target, enum device device, const char *image, enum image_mode mode)
{
	struct registry_attachment attachment = {
		.target = conf_target_find(registry_conf(world.registry), target),
		.device = device,
	};

	ck_assert_uint_eq(registry_attach(world.registry, &attachment, 1, image,
				  world_path(&world, image), mode, 1000),
		1);
}

static void
apply(const char *text)
{
	struct strlist lists[3] = { 0 };

	registry_apply(world.registry, world_conf(&world, text), &lists[0], &lists[1], &lists[2]);
	for (int i = 0; i < 3; i++)
		strlist_fini(&lists[i]);
}

static void
detach(const char *name)
{
	struct slot *slot = world_slot(&world, name);
	struct reason why;

	ck_assert_int_eq(registry_detach(world.registry, &slot, 1, &why), REGISTRY_OK);
}

/* How the last swap has ended. */
static unsigned done;
static enum registry_error error;
static struct reason why;

static void
done_cb(void *arg, const struct slot *slot, enum registry_error how, const struct reason *words)
{
	ck_assert_ptr_eq(arg, &done);
	done++;
	error = how;
	if (how == REGISTRY_OK) {
		ck_assert_ptr_nonnull(slot);
		reason_clear(&why);
	} else {
		ck_assert_str_ne(words->text, "");
		why = *words;
	}
}

static void
begin_mode(const char *name, const char *image, enum image_mode mode)
{
	struct slot *slot = world_slot(&world, name);
	struct reason no_path;
	char *path = conf_image_path(registry_conf(world.registry), image, &no_path);

	ck_assert_msg(path != NULL, "%s", no_path.text);
	done = 0;
	registry_swap(slot, image, path, mode, 1000, done_cb, &done);
	free(path);
}

static enum registry_error
swap_mode(const char *name, const char *image, enum image_mode mode)
{
	begin_mode(name, image, mode);
	UNTIL(done > 0);
	ck_assert_uint_eq(done, 1);
	return error;
}

static enum registry_error
swap(const char *name, const char *image)
{
	return swap_mode(name, image, world_slot(&world, name)->mode);
}

static uint64_t
written(const char *name)
{
	struct session_status status;

	registry_status(world_slot(&world, name), &status);
	return status.counters != NULL ? status.counters->written : 0;
}

/* a/fd has dos.img rw, and its host has written to it. */
static void
make_dirty(void)
{
	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RW);
	UNTIL(is_serving("a/fd") && port(DEVICE_FD)->client != NULL);
	media_port_write(port(DEVICE_FD));
	UNTIL(written("a/fd") == 512);
}

static unsigned notified;

static void
count_cb(void *arg, struct slot *slot, bool is_gone)
{
	(void)arg;
	ck_assert(!is_gone);
	notified += strcmp(slot->image, "stick.img") == 0;
}

/* --- it is done --- */

START_TEST(swaps)
{
	struct registry_watch *watch;
	struct session_status before, after;
	struct slot *slot;

	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	UNTIL(is_serving("a/fd"));
	slot = world_slot(&world, "a/fd");
	registry_status(slot, &before);
	notified = 0;
	watch = registry_watch(world.registry, count_cb, NULL);
	ck_assert_int_eq(swap("a/fd", "stick.img"), REGISTRY_OK);
	registry_unwatch(world.registry, watch);
	ck_assert_uint_gt(notified, 0);
	ck_assert_ptr_eq(world_slot(&world, "a/fd"), slot);
	ck_assert_str_eq(slot->image, "stick.img");
	ck_assert_str_eq(slot->path, world_path(&world, "stick.img"));
	ck_assert_uint_eq(slot->size, 8 << 20);
	ck_assert_str_eq(world_stored(&world), "a/fd=stick.img(ro) ");
	registry_status(slot, &after);
	ck_assert_int_eq(after.state, SESSION_SERVING);
	ck_assert_double_eq(after.since, before.since);
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
}
END_TEST

START_TEST(changes_the_mode)
{
	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	ck_assert_int_eq(swap_mode("a/fd", "other.img", IMAGE_RW), REGISTRY_OK);
	ck_assert_int_eq(world_slot(&world, "a/fd")->mode, IMAGE_RW);
	ck_assert_str_eq(world_stored(&world), "a/fd=other.img(rw) ");
	/* The old image is free, the new one is not. */
	attach("b", DEVICE_FD, "dos.img", IMAGE_RW);
	ck_assert_int_eq(swap("b/fd", "other.img"), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "other.img is in use by a/fd (rw)");
}
END_TEST

/* From the loop, when what the host wrote is flushed. */
START_TEST(waits_for_the_flush)
{
	make_dirty();
	begin_mode("a/fd", "other.img", IMAGE_RW);
	ck_assert_uint_eq(done, 0);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(rw) ");
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "dos.img");
	/* One at a time. */
	registry_swap(world_slot(&world, "a/fd"), "stick.img", world_path(&world, "stick.img"),
		IMAGE_RO, 0, done_cb, &done);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(error, REGISTRY_IN_USE);
	ck_assert_str_eq(
		why.text, "a/fd is being swapped for other.img already; try again in a moment");
	UNTIL(done == 2);
	ck_assert_int_eq(error, REGISTRY_OK);
	ck_assert_str_eq(world_stored(&world), "a/fd=other.img(rw) ");
	ck_assert_uint_eq(written("a/fd"), 0);
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
}
END_TEST

/* The same file once more, whoever else might be in the way of a writer. */
START_TEST(reads_the_same_image_anew)
{
	enum image_mode mode = _i == 0 ? IMAGE_RO : IMAGE_RW;

	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", mode);
	UNTIL(is_serving("a/fd"));
	ck_assert_int_eq(truncate(world_path(&world, "dos.img"), 737280), 0);
	ck_assert_int_eq(swap("a/fd", "dos.img"), REGISTRY_OK);
	ck_assert_uint_eq(world_slot(&world, "a/fd")->size, 737280);
	/* By another name; a lock is held all the same. */
	ck_assert_int_eq(swap("a/fd", "named"), REGISTRY_OK);
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "named");
	attach("b", DEVICE_FD, "other.img", IMAGE_RW);
	ck_assert_int_eq(swap("b/fd", "dos.img"), REGISTRY_IN_USE);
	/* Another file of that name. */
	world_image(&world, "new", 1474560);
	ck_assert_int_eq(rename(world_path(&world, "new"), world_path(&world, "dos.img")), 0);
	ck_assert_int_eq(swap("a/fd", "named"), REGISTRY_OK);
	ck_assert_uint_eq(world_slot(&world, "a/fd")->size, 1474560);
	ck_assert_uint_eq(port(DEVICE_FD)->clients.lh_first != NULL, 1);
}
END_TEST

/* What waits for the file that was let go gets it. */
START_TEST(hands_the_old_image_on)
{
	world_start(&world, plain);
	attach("b", DEVICE_FD, "dos.img", IMAGE_RW);
	apply("image_dirs = [ \"@D\" ];\n"
	      "targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P\n"
	      "  attach = ( { device = \"cd\"; image = \"dos.img\"; } ); },\n"
	      "  { name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n");
	ck_assert_str_eq(world_reason(&world, "a/cd"), "dos.img is in use by b/fd (rw)");
	ck_assert_int_eq(swap("b/fd", "other.img"), REGISTRY_OK);
	UNTIL(is_serving("a/cd"));
}
END_TEST

/* --- phases --- */

/* The image cannot be opened: the new one ends the waiting. */
START_TEST(swaps_what_waits)
{
	world_start(&world, standing_of("later.img"));
	ck_assert_int_eq(world_state(&world, "a/fd"), SESSION_BACKOFF);
	ck_assert_int_eq(swap("a/fd", "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(world_reason(&world, "a/fd"), "");
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
}
END_TEST

START_TEST(swaps_what_is_refused)
{
	world_start(&world, plain);
	world.bmc.status = ACK_DENIED;
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	UNTIL(world_state(&world, "a/fd") == SESSION_BACKOFF);
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_OK);
	ck_assert_int_eq(world_state(&world, "a/fd"), SESSION_BACKOFF);
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "other.img");
	ck_assert_str_eq(world_stored(&world), "a/fd=other.img(ro) ");
}
END_TEST

/* Its session ends and begins anew: that one has the new image, whatever the file says. */
START_TEST(swaps_what_begins_anew)
{
	world_start(&world, standing_of("dos.img"));
	UNTIL(is_serving("a/fd"));
	apply(standing_of("other.img"));
	ck_assert_int_eq(world_slot(&world, "a/fd")->phase, SLOT_RESTARTING);
	ck_assert_int_eq(swap("a/fd", "stick.img"), REGISTRY_OK);
	UNTIL(port(DEVICE_FD)->connects == 2 && is_serving("a/fd"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->path, world_path(&world, "stick.img"));
	ck_assert_str_eq(world_stored(&world), "a/fd=stick.img(ro) ");
}
END_TEST

START_TEST(does_not_swap_what_is_leaving)
{
	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	detach("a/fd");
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_NOT_ATTACHED);
	ck_assert_str_eq(world_stored(&world), "");
}
END_TEST

/* --- standing attachments --- */

START_TEST(takes_the_place_of_a_standing_one)
{
	world_start(&world, standing_of("dos.img"));
	UNTIL(is_serving("a/fd"));
	ck_assert_int_eq(swap("a/fd", "stick.img"), REGISTRY_OK);
	ck_assert(!world_slot(&world, "a/fd")->is_standing);
	apply(standing_of("dos.img"));
	apply(standing_of("other.img"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "stick.img");
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
	world_end(&world);
	world_start(&world, standing_of("other.img"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "stick.img");
}
END_TEST

/* Read anew, it is still what the file says. */
START_TEST(keeps_a_standing_one_standing)
{
	world_start(&world, standing_of("dos.img"));
	UNTIL(is_serving("a/fd"));
	ck_assert_int_eq(swap("a/fd", "dos.img"), REGISTRY_OK);
	ck_assert(world_slot(&world, "a/fd")->is_standing);
	ck_assert_str_eq(world_stored(&world), "");
}
END_TEST

/* --- it cannot be done --- */

START_TEST(keeps_the_old_one)
{
	static const struct {
		const char *image;
		enum image_mode mode;
		enum registry_error error;
		const char *why;
	} cases[] = {
		{ "empty.img", IMAGE_RO, REGISTRY_NO_IMAGE, "empty.img: the file is empty" },
		{ "busy.img", IMAGE_RO, REGISTRY_IN_USE, "busy.img: in use" },
		{ "dos.img", IMAGE_RW, REGISTRY_IN_USE,
			"dos.img is ro in a/fd now; its mode changes by detach and attach" },
		{ "stick.img", IMAGE_RO, REGISTRY_IN_USE, "stick.img is in use by b/hd (rw)" },
	};
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	world_image(&world, "empty.img", 0);
	world_image(&world, "busy.img", 1474560);
	fd = open(world_path(&world, "busy.img"), O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	attach("b", DEVICE_HD, "stick.img", IMAGE_RW);
	UNTIL(is_serving("a/fd"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(swap_mode("a/fd", cases[i].image, cases[i].mode), cases[i].error);
		ck_assert_msg(strstr(why.text, cases[i].why) == why.text, "%s", why.text);
	}
	close(fd);
	ck_assert(is_serving("a/fd"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "dos.img");
	ck_assert_str_eq(world_slot(&world, "a/fd")->path, world_path(&world, "dos.img"));
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) b/hd=stick.img(rw) ");
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
}
END_TEST

/* Somebody has the state file locked: no host gets what would not outlive a restart. */
START_TEST(does_nothing_that_cannot_be_stored)
{
	sqlite3 *db;

	make_dirty();
	ck_assert_int_eq(sqlite3_open(world_path(&world, "state/state.db"), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_STORE);
	ck_assert_ptr_nonnull(strstr(why.text, "locked"));
	sqlite3_close(db);
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "dos.img");
	/* It goes on with the old one, and the new one is not kept open. */
	media_port_write(port(DEVICE_FD));
	UNTIL(written("a/fd") == 1024);
	attach("b", DEVICE_HD, "other.img", IMAGE_RW);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(rw) b/hd=other.img(rw) ");
}
END_TEST

/* What the host wrote is not safe: the old one stays until it is. */
START_TEST(does_not_lose_what_was_written)
{
	make_dirty();
	atomic_store(&is_disk_broken, true);
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_NOT_FLUSHED);
	atomic_store(&is_disk_broken, false);
	ck_assert_str_eq(why.text, "dos.img stays in a/fd: what the host wrote to it is not safe, "
				   "cannot flush: Input/output error");
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "dos.img");
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(rw) ");
	ck_assert(is_serving("a/fd"));
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_OK);
}
END_TEST

static void
stopped_cb(void *arg)
{
	*(bool *)arg = true;
}

/* What ends the session ends the swap. */
START_TEST(ends_with_the_session)
{
	static const enum registry_error errors[] = { REGISTRY_NOT_ATTACHED, REGISTRY_STOPPING,
		REGISTRY_IN_USE, REGISTRY_STOPPING };
	bool is_stopped = false;

	make_dirty();
	begin_mode("a/fd", "other.img", IMAGE_RW);
	ck_assert_uint_eq(done, 0);
	if (_i == 0) {
		detach("a/fd");
	} else if (_i == 1) {
		registry_stop(world.registry, stopped_cb, &is_stopped);
	} else if (_i == 2) {
		char text[512];

		/* fd is where cd was. */
		snprintf(text, sizeof(text),
			"image_dirs = [ \"@D\" ];\n"
			"targets = ( { name = \"a\"; address = \"127.0.0.1\";"
			" dialect = \"legacy\"; ports = { fd = %u; }; } );\n",
			port(DEVICE_CD)->port);
		apply(text);
	} else {
		world_end(&world);
	}
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(error, errors[_i]);
	if (_i == 0)
		UNTIL(world_slot(&world, "a/fd") == NULL);
	else if (_i == 1)
		UNTIL(is_stopped);
	else if (_i == 2)
		UNTIL(port(DEVICE_CD)->connects == 1 && is_serving("a/fd"));
	ck_assert_str_eq(world_stored(&world), _i == 0 ? "" : "a/fd=dos.img(rw) ");
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(swaps_nothing_while_it_stops)
{
	bool is_stopped = false;

	world_start(&world, plain);
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	registry_stop(world.registry, stopped_cb, &is_stopped);
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_STOPPING);
	UNTIL(is_stopped);
}
END_TEST

START_TEST(works_without_a_store)
{
	world.registry = registry_new(world.base, world.pool, NULL, world_conf(&world, plain));
	attach("a", DEVICE_FD, "dos.img", IMAGE_RO);
	ck_assert_int_eq(swap("a/fd", "other.img"), REGISTRY_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("registry_swap");
	TCase *tc = tcase_create("registry_swap");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, swaps);
	tcase_add_test(tc, changes_the_mode);
	tcase_add_test(tc, waits_for_the_flush);
	tcase_add_loop_test(tc, reads_the_same_image_anew, 0, 2);
	tcase_add_test(tc, hands_the_old_image_on);
	tcase_add_test(tc, swaps_what_waits);
	tcase_add_test(tc, swaps_what_is_refused);
	tcase_add_test(tc, swaps_what_begins_anew);
	tcase_add_test(tc, does_not_swap_what_is_leaving);
	tcase_add_test(tc, takes_the_place_of_a_standing_one);
	tcase_add_test(tc, keeps_a_standing_one_standing);
	tcase_add_test(tc, keeps_the_old_one);
	tcase_add_test(tc, does_nothing_that_cannot_be_stored);
	tcase_add_test(tc, does_not_lose_what_was_written);
	tcase_add_loop_test(tc, ends_with_the_session, 0, 4);
	tcase_add_test(tc, swaps_nothing_while_it_stops);
	tcase_add_test(tc, works_without_a_store);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
