/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_registry: attachments, the store and the configuration, with real sessions to a simulated
 * BMC. */
#include "daemon/registry.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "daemon_world.h"

static struct world world;

#define UNTIL(condition) WORLD_UNTIL(&world, condition)

/* Two targets, nothing attached. */
static const char plain[] =
	"image_dirs = [ \"@D\" ];\n"
	"images = ( { name = \"named\"; path = \"@D/dos.img\"; } );\n"
	"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P },\n"
	"            { name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n";

/* One target with a standing attachment; %s is the image. */
static const char standing[] =
	"image_dirs = [ \"@D\" ];\n"
	"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P\n"
	"  attach = ( { device = \"fd\"; image = \"%s\"; } ); } );\n";

static const char *
standing_of(const char *image)
{
	static char text[512];

	snprintf(text, sizeof(text), standing, image);
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

static struct reason why;
static bool was_there;

static enum registry_error
attach_mode(const char *target, enum device device, const char *image, enum image_mode mode)
{
	struct registry_attachment attachment = {
		.target = conf_target_find(registry_conf(world.registry), target),
		.device = device,
	};
	char *path = conf_image_path(registry_conf(world.registry), image, &why);

	ck_assert_msg(path != NULL, "%s", why.text);
	ck_assert_ptr_nonnull(attachment.target);
	ck_assert_uint_eq(registry_attach(world.registry, &attachment, 1, image, path, mode, 1000),
		attachment.slot != NULL ? 1 : 0);
	ck_assert((attachment.slot != NULL) == (attachment.error == REGISTRY_OK));
	free(path);
	why = attachment.why;
	was_there = attachment.was_there;
	return attachment.error;
}

static enum registry_error
attach(const char *target, enum device device, const char *image)
{
	return attach_mode(target, device, image, IMAGE_RO);
}

static enum registry_error
detach(const char *name)
{
	struct slot *slot = world_slot(&world, name);

	ck_assert_ptr_nonnull(slot);
	return registry_detach(world.registry, &slot, 1, &why);
}

static void
detach_wholly(const char *name)
{
	ck_assert_int_eq(detach(name), REGISTRY_OK);
	UNTIL(world_slot(&world, name) == NULL);
}

/* The names in the lists, as "+a ~b -c ". */
static const char *
apply(const char *text)
{
	static char names[256];
	struct strlist added = { 0 }, changed = { 0 }, removed = { 0 };

	registry_apply(world.registry, world_conf(&world, text), &added, &changed, &removed);
	names[0] = '\0';
	for (size_t i = 0; i < added.count; i++)
		strcat(strcat(strcat(names, "+"), added.items[i]), " ");
	for (size_t i = 0; i < changed.count; i++)
		strcat(strcat(strcat(names, "~"), changed.items[i]), " ");
	for (size_t i = 0; i < removed.count; i++)
		strcat(strcat(strcat(names, "-"), removed.items[i]), " ");
	strlist_fini(&added);
	strlist_fini(&changed);
	strlist_fini(&removed);
	return names;
}

static bool
is_serving(const char *name)
{
	return world_state(&world, name) == SESSION_SERVING;
}

/* --- attach and detach --- */

START_TEST(attaches)
{
	world_start(&world, plain);
	ck_assert_uint_eq(registry_count(world.registry), 0);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert(!was_there);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "dos.img");
	ck_assert_uint_eq(world_slot(&world, "a/fd")->size, 1474560);
	ck_assert(!world_slot(&world, "a/fd")->is_standing);
}
END_TEST

START_TEST(detaches)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_CD, "other.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd") && is_serving("a/cd"));
	detach_wholly("a/fd");
	ck_assert_str_eq(world_stored(&world), "a/cd=other.img(ro) ");
	UNTIL(port(DEVICE_FD)->client == NULL);
	ck_assert(is_serving("a/cd"));
}
END_TEST

START_TEST(keeps_the_order_of_the_configuration)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("b", DEVICE_HD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("b", DEVICE_CD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_CD, "dos.img"), REGISTRY_OK);
	ck_assert_uint_eq(registry_count(world.registry), 4);
	ck_assert_str_eq(registry_at(world.registry, 0)->name, "a/cd");
	ck_assert_str_eq(registry_at(world.registry, 1)->name, "a/fd");
	ck_assert_str_eq(registry_at(world.registry, 2)->name, "b/cd");
	ck_assert_str_eq(registry_at(world.registry, 3)->name, "b/hd");
	for (size_t i = 0; i < 4; i++) {
		struct slot *slot = registry_at(world.registry, i);

		ck_assert_ptr_eq(
			registry_find(world.registry, slot->target, slot->device, slot->instance),
			slot);
		ck_assert_ptr_null(registry_find(world.registry, slot->target, slot->device, 3));
	}
}
END_TEST

START_TEST(attaches_again_what_is_attached)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert(was_there);
	ck_assert_int_eq(attach("a", DEVICE_FD, "named"), REGISTRY_OK); /* the same file */
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
}
END_TEST

/* It waits after a refusal: attaching again does not wait for the back-off. */
START_TEST(hurries_what_is_attached)
{
	world_start(&world, plain);
	world.bmc.status = ACK_DENIED;
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(world_state(&world, "a/fd") == SESSION_BACKOFF);
	world.bmc.status = ACK_ACCEPTED;
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert(was_there);
	ck_assert_int_eq(world_state(&world, "a/fd"), SESSION_CONNECTING);
	UNTIL(is_serving("a/fd"));
}
END_TEST

START_TEST(refuses_a_slot_in_use)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_FD, "other.img"), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "a/fd already has dos.img (ro); detach it first");
	ck_assert_int_eq(attach_mode("a", DEVICE_FD, "dos.img", IMAGE_RW), REGISTRY_IN_USE);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
	/* Its session has not ended yet: that takes at least a turn of the loop. */
	ck_assert_int_eq(detach("a/fd"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_FD, "other.img"), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "a/fd is still being detached; try again in a moment");
	UNTIL(world_slot(&world, "a/fd") == NULL);
	ck_assert_int_eq(attach("a", DEVICE_FD, "other.img"), REGISTRY_OK);
}
END_TEST

START_TEST(gives_rw_to_one_slot)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach_mode("a", DEVICE_FD, "dos.img", IMAGE_RW), REGISTRY_OK);
	ck_assert_int_eq(attach("b", DEVICE_FD, "dos.img"), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "dos.img is in use by a/fd (rw)");
	ck_assert_int_eq(attach_mode("b", DEVICE_FD, "named", IMAGE_RW), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "named is in use by a/fd (rw)");
	detach_wholly("a/fd");
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("b", DEVICE_FD, "dos.img"), REGISTRY_OK); /* readers may share */
	ck_assert_int_eq(attach_mode("b", DEVICE_HD, "dos.img", IMAGE_RW), REGISTRY_IN_USE);
	ck_assert_str_eq(why.text, "dos.img is in use by a/fd (ro)");
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) b/fd=dos.img(ro) ");
}
END_TEST

/* Two slots in one request. */
START_TEST(gives_rw_to_the_first_slot)
{
	const struct conf *conf;
	struct registry_attachment attachments[2] = { 0 };

	world_start(&world, plain);
	conf = registry_conf(world.registry);
	for (int i = 0; i < 2; i++) {
		attachments[i].target = &conf->targets[i];
		attachments[i].device = DEVICE_FD;
	}
	ck_assert_uint_eq(registry_attach(world.registry, attachments, 2, "dos.img",
				  world_path(&world, "dos.img"), IMAGE_RW, 0),
		1);
	ck_assert_int_eq(attachments[0].error, REGISTRY_OK);
	ck_assert_int_eq(attachments[1].error, REGISTRY_IN_USE);
	ck_assert_str_eq(attachments[1].why.text,
		"dos.img can be rw in one slot only, and that is a/fd now");
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(rw) ");
}
END_TEST

START_TEST(tells_of_another_process)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	world_start(&world, plain);
	fd = open(world_path(&world, "dos.img"), O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_IN_USE);
	ck_assert_int_eq(strncmp(why.text, "dos.img: in use", 15), 0);
	close(fd);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
}
END_TEST

START_TEST(refuses_a_bad_image)
{
	world_start(&world, plain);
	world_image(&world, "empty.img", 0);
	ck_assert_int_eq(attach("a", DEVICE_FD, "empty.img"), REGISTRY_NO_IMAGE);
	ck_assert_str_eq(why.text, "empty.img: the file is empty");
	ck_assert_int_eq(unlink(world_path(&world, "dos.img")), 0);
	ck_assert_int_eq(attach("a", DEVICE_FD, "named"), REGISTRY_NO_IMAGE);
	ck_assert_ptr_nonnull(strstr(why.text, world_path(&world, "dos.img")));
	ck_assert_uint_eq(registry_count(world.registry), 0);
	ck_assert_str_eq(world_stored(&world), "");
}
END_TEST

/* Somebody has the state file locked: nothing is attached or detached that would not last. */
START_TEST(does_nothing_that_cannot_be_stored)
{
	sqlite3 *db;

	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_CD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/cd"));
	ck_assert_int_eq(sqlite3_open(world_path(&world, "state/state.db"), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_int_eq(attach_mode("a", DEVICE_FD, "other.img", IMAGE_RW), REGISTRY_STORE);
	ck_assert_ptr_nonnull(strstr(why.text, "locked"));
	ck_assert_int_eq(detach("a/cd"), REGISTRY_STORE);
	sqlite3_close(db);
	ck_assert_uint_eq(registry_count(world.registry), 1);
	ck_assert(is_serving("a/cd"));
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 0);
	/* And the image is not kept open. */
	ck_assert_int_eq(attach_mode("a", DEVICE_FD, "other.img", IMAGE_RW), REGISTRY_OK);
}
END_TEST

/* --- restart --- */

START_TEST(comes_back_after_a_restart)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach_mode("b", DEVICE_HD, "stick.img", IMAGE_RW), REGISTRY_OK);
	UNTIL(is_serving("a/fd") && is_serving("b/hd"));
	world_end(&world);
	world_start(&world, plain);
	UNTIL(is_serving("a/fd") && is_serving("b/hd"));
	ck_assert_int_eq(world_slot(&world, "b/hd")->mode, IMAGE_RW);
	ck_assert_str_eq(world_slot(&world, "b/hd")->image, "stick.img");
}
END_TEST

START_TEST(starts_what_is_standing)
{
	world_start(&world, standing_of("dos.img"));
	ck_assert(world_slot(&world, "a/fd")->is_standing);
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(world_stored(&world), ""); /* it is in the file */
}
END_TEST

START_TEST(prefers_what_is_stored)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "other.img"), REGISTRY_OK);
	world_end(&world);
	world_start(&world, standing_of("dos.img"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "other.img");
	ck_assert(!world_slot(&world, "a/fd")->is_standing);
	ck_assert_uint_eq(registry_count(world.registry), 1);
}
END_TEST

START_TEST(keeps_a_standing_one_away)
{
	world_start(&world, standing_of("dos.img"));
	UNTIL(is_serving("a/fd"));
	detach_wholly("a/fd");
	ck_assert_str_eq(apply(standing_of("dos.img")), "");
	ck_assert_ptr_null(world_slot(&world, "a/fd"));
	/* Its entry changes. */
	ck_assert_str_eq(apply(standing_of("other.img")), "~a ");
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "other.img");
	detach_wholly("a/fd");
	/* The daemon starts again. */
	world_end(&world);
	world_start(&world, standing_of("other.img"));
	UNTIL(is_serving("a/fd"));
}
END_TEST

/* A command's attachment in the slot of a standing one that was detached. */
START_TEST(lets_a_command_take_the_slot)
{
	world_start(&world, standing_of("dos.img"));
	detach_wholly("a/fd");
	ck_assert_int_eq(attach("a", DEVICE_FD, "stick.img"), REGISTRY_OK);
	ck_assert_str_eq(apply(standing_of("other.img")), "~a ");
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "stick.img");
	world_end(&world);
	world_start(&world, standing_of("other.img"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->image, "stick.img");
}
END_TEST

START_TEST(leaves_alone_what_it_does_not_understand)
{
	static const struct store_attachment rows[] = {
		{ "a", "dos.img", "ro", 0 },
		{ "a/xx", "dos.img", "ro", 0 },
		{ "a/fd", "dos.img", "new-mode", 0 },
		{ "gone/fd", "dos.img", "ro", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_int_eq(store_put_attachment(world.store, &rows[i], &why), 0);
	world_start(&world, plain);
	ck_assert_uint_eq(registry_count(world.registry), 0);
	ck_assert_str_eq(world_stored(&world),
		"a=dos.img(ro) a/xx=dos.img(ro) a/fd=dos.img(new-mode) gone/fd=dos.img(ro) ");
}
END_TEST

/* --- images that cannot be opened --- */

START_TEST(waits_for_an_image)
{
	struct session_status status;

	log_set_level(LOG_LEVEL_ERROR);
	world_start(&world, standing_of("later.img"));
	registry_status(world_slot(&world, "a/fd"), &status);
	ck_assert_int_eq(status.state, SESSION_BACKOFF);
	ck_assert_int_eq(status.failure, FAILURE_IMAGE);
	ck_assert_ptr_nonnull(strstr(status.reason.text, "later.img"));
	ck_assert(status.retry_at > status.since && status.since > 0);
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 0);
	world_image(&world, "later.img", 1474560);
	ck_assert_str_eq(apply(standing_of("later.img")), "");
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(world_reason(&world, "a/fd"), "");
	ck_assert_uint_eq(world_slot(&world, "a/fd")->size, 1474560);
}
END_TEST

/* Attaching again is a try, too. */
START_TEST(tries_an_image_again_on_attach)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "named"), REGISTRY_OK);
	world_end(&world);
	ck_assert_int_eq(unlink(world_path(&world, "dos.img")), 0);
	world_start(&world, plain);
	ck_assert_int_eq(world_state(&world, "a/fd"), SESSION_BACKOFF);
	ck_assert_int_eq(attach("a", DEVICE_FD, "named"), REGISTRY_NO_IMAGE);
	ck_assert_ptr_nonnull(strstr(why.text, "no such file"));
	ck_assert_ptr_nonnull(world_slot(&world, "a/fd"));
	world_image(&world, "dos.img", 1474560);
	ck_assert_int_eq(attach("a", DEVICE_FD, "named"), REGISTRY_OK);
	ck_assert(was_there);
	UNTIL(is_serving("a/fd"));
}
END_TEST

START_TEST(detaches_what_waits)
{
	world_start(&world, standing_of("later.img"));
	detach_wholly("a/fd");
	ck_assert_uint_eq(registry_count(world.registry), 0);
}
END_TEST

/* A writer goes: who waits for its image gets it at once, not after the next half minute. */
START_TEST(hands_an_image_on)
{
	double since;

	world_start(&world, plain);
	ck_assert_int_eq(attach_mode("b", DEVICE_FD, "dos.img", IMAGE_RW), REGISTRY_OK);
	UNTIL(is_serving("b/fd"));
	apply("image_dirs = [ \"@D\" ];\n"
	      "targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P\n"
	      "  attach = ( { device = \"cd\"; image = \"dos.img\"; } ); },\n"
	      "  { name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n");
	ck_assert_int_eq(world_state(&world, "a/cd"), SESSION_BACKOFF);
	ck_assert_str_eq(world_reason(&world, "a/cd"), "dos.img is in use by b/fd (rw)");
	since = world_slot(&world, "a/cd")->image_at;
	ck_assert_int_eq(detach("b/fd"), REGISTRY_OK);
	UNTIL(world_slot(&world, "a/cd")->phase == SLOT_RUNNING);
	ck_assert(world_slot(&world, "a/cd")->image_at == since); /* no timer was needed */
	UNTIL(is_serving("a/cd"));
}
END_TEST

/* --- configuration --- */

START_TEST(does_not_disturb_what_is_unchanged)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("b", DEVICE_HD, "stick.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd") && is_serving("b/hd"));
	/* Labels, other back-off times, another target in front, and another order. */
	ck_assert_str_eq(apply("image_dirs = [ \"@D\" ];\n"
			       "targets = ( { name = \"c\"; address = \"127.0.0.1\";"
			       " dialect = \"legacy\"; @P },\n"
			       "{ name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P"
			       " labels = { rack = \"r1\"; }; },\n"
			       "{ name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P"
			       " backoff = { min = 2.0; max = 3.0; }; } );\n"),
		"+c ~b ~a ");
	for (int i = 0; i < 20; i++)
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	ck_assert(is_serving("a/fd") && is_serving("b/hd"));
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
	ck_assert_uint_eq(port(DEVICE_HD)->connects, 1);
	ck_assert_str_eq(registry_at(world.registry, 0)->name, "b/hd");
	ck_assert_str_eq(registry_at(world.registry, 1)->name, "a/fd");
	ck_assert_ptr_eq(registry_find(world.registry, &registry_conf(world.registry)->targets[2],
				 DEVICE_FD, 0),
		registry_at(world.registry, 1));
}
END_TEST

/* The new back-off times come with the next failure. */
START_TEST(takes_new_patience_after_a_failure)
{
	static const char text[] =
		"image_dirs = [ \"@D\" ];\n"
		"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P"
		" backoff = { min = %s; max = %s; }; } );\n";
	char before[512], after[512];

	snprintf(before, sizeof(before), text, "3000.0", "3600.0");
	snprintf(after, sizeof(after), text, "0.1", "0.2");
	world_start(&world, before);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(apply(after), "~a ");
	UNTIL(port(DEVICE_FD)->client != NULL);
	media_port_drop(port(DEVICE_FD));
	UNTIL(port(DEVICE_FD)->connects == 2 && is_serving("a/fd"));
}
END_TEST

START_TEST(moves_with_the_port)
{
	char text[512];

	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("a", DEVICE_HD, "stick.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd") && is_serving("a/hd"));
	/* fd goes where cd was, cd elsewhere. */
	snprintf(text, sizeof(text),
		"image_dirs = [ \"@D\" ];\n"
		"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\";\n"
		"ports = { cd = %u; fd = %u; hd = %u; }; } );\n",
		port(DEVICE_FD)->port, port(DEVICE_CD)->port, port(DEVICE_HD)->port);
	ck_assert_str_eq(apply(text), "~a -b ");
	UNTIL(port(DEVICE_CD)->connects == 1 && is_serving("a/fd"));
	ck_assert(is_serving("a/hd"));
	ck_assert_uint_eq(port(DEVICE_HD)->connects, 1);
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) a/hd=stick.img(ro) ");
}
END_TEST

static const char only_b[] =
	"image_dirs = [ \"@D\" ];\n"
	"targets = ( { name = \"b\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );\n";

START_TEST(goes_and_comes_with_its_target)
{
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(apply(only_b), "-a ");
	ck_assert(registry_is_leaving(world_slot(&world, "a/fd")));
	ck_assert_str_eq(registry_at(world.registry, 0)->target->name, "a"); /* still readable */
	UNTIL(world_slot(&world, "a/fd") == NULL);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
	ck_assert_str_eq(apply(plain), "+a ");
	UNTIL(is_serving("a/fd"));
}
END_TEST

static unsigned gone_count;

static void
count_gone_cb(void *arg, struct slot *slot, bool is_gone)
{
	(void)arg, (void)slot;
	gone_count += is_gone;
}

/* It comes back before its session has ended. */
START_TEST(comes_back_in_the_middle)
{
	struct registry_watch *watch;

	gone_count = 0;
	world_start(&world, plain);
	watch = registry_watch(world.registry, count_gone_cb, NULL);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	apply(only_b);
	apply(only_b);
	ck_assert_str_eq(apply(plain), "+a ");
	ck_assert(!registry_is_leaving(world_slot(&world, "a/fd")));
	ck_assert_uint_eq(gone_count, 1); /* who waited for the old one knows */
	UNTIL(port(DEVICE_FD)->connects == 2 && is_serving("a/fd"));
	registry_unwatch(world.registry, watch);
}
END_TEST

START_TEST(follows_a_standing_entry)
{
	world_start(&world, standing_of("dos.img"));
	UNTIL(is_serving("a/fd"));
	ck_assert_str_eq(apply(standing_of("other.img")), "~a ");
	UNTIL(port(DEVICE_FD)->connects == 2 && is_serving("a/fd"));
	ck_assert_str_eq(world_slot(&world, "a/fd")->path, world_path(&world, "other.img"));
	/* The entry goes, the target stays. */
	ck_assert_str_eq(apply("image_dirs = [ \"@D\" ]; targets = ( { name = \"a\";"
			       " address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );"),
		"~a ");
	UNTIL(world_slot(&world, "a/fd") == NULL);
}
END_TEST

START_TEST(follows_a_named_image)
{
	char *moved = mem_strdup(plain);

	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_HD, "named"), REGISTRY_OK);
	UNTIL(is_serving("a/hd"));
	memcpy(strstr(moved, "/dos.img"), "/stick.i", 8);
	ck_assert_int_eq(link(world_path(&world, "stick.img"), world_path(&world, "stick.i")), 0);
	ck_assert_str_eq(apply(moved), "");
	UNTIL(port(DEVICE_HD)->connects == 2 && is_serving("a/hd"));
	ck_assert_uint_eq(world_slot(&world, "a/hd")->size, 8 << 20);
	free(moved);
}
END_TEST

/* A file that is only missing is served on; one that must not be served any more is not. */
START_TEST(stops_what_may_not_be_served)
{
	log_set_level(LOG_LEVEL_ERROR);
	world_start(&world, plain);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_int_eq(unlink(world_path(&world, "dos.img")), 0);
	apply(plain);
	for (int i = 0; i < 20; i++)
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	ck_assert(is_serving("a/fd"));
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
	apply("targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P } );");
	UNTIL(world_slot(&world, "a/fd")->phase == SLOT_WAITING);
	ck_assert_str_ne(world_reason(&world, "a/fd"), "");
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) ");
}
END_TEST

/* --- traffic, watches and the end --- */

static unsigned traffic_count;

static void
traffic_cb(void *arg, struct slot *slot, bool is_gone)
{
	struct session_status status;

	(void)arg, (void)is_gone;
	registry_status(slot, &status);
	if (status.state == SESSION_SERVING && status.counters->read >= 512)
		traffic_count++;
}

START_TEST(measures_traffic)
{
	struct registry_watch *watch;

	traffic_count = 0;
	world_start(&world, plain);
	watch = registry_watch(world.registry, traffic_cb, NULL);
	ck_assert_int_eq(attach("a", DEVICE_HD, "stick.img"), REGISTRY_OK);
	UNTIL(is_serving("a/hd") && port(DEVICE_HD)->client != NULL);
	ck_assert(world_slot(&world, "a/hd")->rate == 0);
	media_port_read(port(DEVICE_HD));
	UNTIL(traffic_count > 0 && world_slot(&world, "a/hd")->rate > 0);
	UNTIL(port(DEVICE_HD)->received >= PACKET_SCSI_LEN + 512);
	/* With no more traffic it goes down to nothing, and at once when nothing is served. */
	media_port_drop(port(DEVICE_HD));
	UNTIL(!is_serving("a/hd"));
	ck_assert(world_slot(&world, "a/hd")->rate == 0);
	registry_unwatch(world.registry, watch);
}
END_TEST

static struct registry_watch *watches[3];
static unsigned calls[3];

/* The first one ends the second. */
static void
ending_cb(void *arg, struct slot *slot, bool is_gone)
{
	unsigned i = *(unsigned *)arg;

	(void)slot, (void)is_gone;
	calls[i]++;
	if (i == 0 && watches[1] != NULL) {
		registry_unwatch(world.registry, watches[1]);
		watches[1] = NULL;
	}
}

START_TEST(ends_a_watch_from_a_watch)
{
	static unsigned numbers[3] = { 0, 1, 2 };

	world_start(&world, plain);
	memset(calls, 0, sizeof(calls));
	for (int i = 0; i < 3; i++)
		watches[i] = registry_watch(world.registry, ending_cb, &numbers[i]);
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	ck_assert_uint_gt(calls[0], 0);
	ck_assert_uint_eq(calls[1], 0);
	ck_assert_uint_eq(calls[2], calls[0]);
	registry_unwatch(world.registry, watches[0]);
	registry_unwatch(world.registry, watches[2]);
	detach_wholly("a/fd");
}
END_TEST

static bool is_stopped;

static void
stopped_cb(void *arg)
{
	ck_assert_ptr_eq(arg, &world);
	is_stopped = true;
}

START_TEST(stops)
{
	world_start(&world, plain);
	is_stopped = false;
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	ck_assert_int_eq(attach("b", DEVICE_HD, "stick.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	registry_stop(world.registry, stopped_cb, &world);
	ck_assert(registry_is_stopping(world.registry));
	ck_assert(!is_stopped); /* from the loop only */
	ck_assert_int_eq(attach("a", DEVICE_CD, "dos.img"), REGISTRY_STOPPING);
	ck_assert_int_eq(detach("b/hd"), REGISTRY_STOPPING);
	ck_assert_str_eq(apply(only_b), "");
	UNTIL(is_stopped);
	ck_assert_int_eq(world_state(&world, "a/fd"), SESSION_IDLE);
	ck_assert_int_eq(world_state(&world, "b/hd"), SESSION_IDLE);
	ck_assert_str_eq(world_stored(&world), "a/fd=dos.img(ro) b/hd=stick.img(ro) ");
}
END_TEST

/* While a slot is on its way to another image. */
START_TEST(stops_in_the_middle)
{
	world_start(&world, standing_of("dos.img"));
	is_stopped = false;
	UNTIL(is_serving("a/fd"));
	apply(standing_of("later.img"));
	registry_stop(world.registry, stopped_cb, &world);
	UNTIL(is_stopped);
	ck_assert_uint_eq(port(DEVICE_FD)->connects, 1);
}
END_TEST

START_TEST(stops_with_nothing_to_do)
{
	world_start(&world, plain);
	is_stopped = false;
	registry_stop(world.registry, stopped_cb, &world);
	UNTIL(is_stopped);
}
END_TEST

START_TEST(works_without_a_store)
{
	world.registry = registry_new(world.base, world.pool, NULL, world_conf(&world, plain));
	ck_assert_int_eq(attach("a", DEVICE_FD, "dos.img"), REGISTRY_OK);
	UNTIL(is_serving("a/fd"));
	detach_wholly("a/fd");
	registry_free(NULL);
}
END_TEST

static Suite *
registry_suite(void)
{
	Suite *suite = suite_create("registry");
	TCase *tc = tcase_create("registry");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, attaches);
	tcase_add_test(tc, detaches);
	tcase_add_test(tc, keeps_the_order_of_the_configuration);
	tcase_add_test(tc, attaches_again_what_is_attached);
	tcase_add_test(tc, hurries_what_is_attached);
	tcase_add_test(tc, refuses_a_slot_in_use);
	tcase_add_test(tc, gives_rw_to_one_slot);
	tcase_add_test(tc, gives_rw_to_the_first_slot);
	tcase_add_test(tc, tells_of_another_process);
	tcase_add_test(tc, refuses_a_bad_image);
	tcase_add_test(tc, does_nothing_that_cannot_be_stored);
	tcase_add_test(tc, comes_back_after_a_restart);
	tcase_add_test(tc, starts_what_is_standing);
	tcase_add_test(tc, prefers_what_is_stored);
	tcase_add_test(tc, keeps_a_standing_one_away);
	tcase_add_test(tc, lets_a_command_take_the_slot);
	tcase_add_test(tc, leaves_alone_what_it_does_not_understand);
	tcase_add_test(tc, waits_for_an_image);
	tcase_add_test(tc, tries_an_image_again_on_attach);
	tcase_add_test(tc, detaches_what_waits);
	tcase_add_test(tc, hands_an_image_on);
	tcase_add_test(tc, does_not_disturb_what_is_unchanged);
	tcase_add_test(tc, takes_new_patience_after_a_failure);
	tcase_add_test(tc, moves_with_the_port);
	tcase_add_test(tc, goes_and_comes_with_its_target);
	tcase_add_test(tc, comes_back_in_the_middle);
	tcase_add_test(tc, follows_a_standing_entry);
	tcase_add_test(tc, follows_a_named_image);
	tcase_add_test(tc, stops_what_may_not_be_served);
	tcase_add_test(tc, measures_traffic);
	tcase_add_test(tc, ends_a_watch_from_a_watch);
	tcase_add_test(tc, stops);
	tcase_add_test(tc, stops_in_the_middle);
	tcase_add_test(tc, stops_with_nothing_to_do);
	tcase_add_test(tc, works_without_a_store);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(registry_suite());
}
