/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_store: attachments survive what they should survive. */
#include "daemon/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char dir[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/iusbd-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *
path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static void
teardown(void)
{
	unlink(path("state.db"));
	unlink(path("state.db-wal"));
	unlink(path("state.db-shm"));
	rmdir(dir);
}

static struct store *
must_open(void)
{
	struct reason why;
	struct store *store = store_open(dir, &why);

	ck_assert_msg(store != NULL, "%s", why.text);
	return store;
}

static void
put(struct store *store, const char *slot, const char *image, const char *mode)
{
	const struct store_attachment row = { slot, image, mode, 1000 };
	struct reason why;

	ck_assert_msg(store_put_attachment(store, &row, &why) == 0, "%s", why.text);
}

static void
list_cb(void *arg, const struct store_attachment *row)
{
	char *text = arg;

	snprintf(text + strlen(text), 1024 - strlen(text), "%s=%s,%s,%u;", row->slot, row->image,
		row->mode, row->uid);
}

static const char *
list(struct store *store)
{
	static char text[1024];
	struct reason why;

	text[0] = '\0';
	ck_assert_msg(store_each_attachment(store, list_cb, text, &why) == 0, "%s", why.text);
	return text;
}

/* What is written straight into the file, as another program or version would. */
static void
execute(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path("state.db"), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

START_TEST(keeps_attachments)
{
	struct store *store = must_open();

	put(store, "b/fd", "dos.img", "ro");
	put(store, "a/cd1", "debian.iso", "ro");
	put(store, "a/hd", "stick \xc3\xa4 'x'.img", "rw");
	store_close(store);
	store = must_open();
	ck_assert_str_eq(list(store), "b/fd=dos.img,ro,1000;a/cd1=debian.iso,ro,1000;"
				      "a/hd=stick \xc3\xa4 'x'.img,rw,1000;");
	store_close(store);
}
END_TEST

START_TEST(has_one_attachment_a_slot)
{
	struct store *store = must_open();

	put(store, "a/fd", "one.img", "ro");
	put(store, "b/fd", "two.img", "ro");
	put(store, "a/fd", "three.img", "rw");
	ck_assert_str_eq(list(store), "b/fd=two.img,ro,1000;a/fd=three.img,rw,1000;");
	store_close(store);
}
END_TEST

/* What takes another one's place does so wholly or not at all. */
START_TEST(replaces_or_keeps)
{
	struct store *store = must_open();
	struct reason why;

	put(store, "a/fd", "one.img", "ro");
	ck_assert_int_eq(store_begin(store, &why), 0);
	put(store, "a/fd", "two.img", "rw");
	store_rollback(store);
	ck_assert_str_eq(list(store), "a/fd=one.img,ro,1000;");
	put(store, "a/fd", "two.img", "rw");
	store_close(store);
	store = must_open();
	ck_assert_str_eq(list(store), "a/fd=two.img,rw,1000;");
	store_close(store);
}
END_TEST

START_TEST(drops)
{
	struct store *store = must_open();
	struct reason why;

	put(store, "a/fd", "one.img", "ro");
	ck_assert_int_eq(store_drop_attachment(store, "b/fd", &why), 0);
	ck_assert_str_eq(list(store), "a/fd=one.img,ro,1000;");
	ck_assert_int_eq(store_drop_attachment(store, "a/fd", &why), 0);
	ck_assert_str_eq(list(store), "");
	store_close(store);
}
END_TEST

START_TEST(commits_all_or_nothing)
{
	struct store *store = must_open();
	struct reason why;

	ck_assert_int_eq(store_begin(store, &why), 0);
	put(store, "a/fd", "one.img", "ro");
	put(store, "b/fd", "one.img", "ro");
	store_rollback(store);
	ck_assert_str_eq(list(store), "");
	ck_assert_int_eq(store_begin(store, &why), 0);
	put(store, "a/fd", "one.img", "ro");
	put(store, "b/fd", "one.img", "ro");
	ck_assert_int_eq(store_commit(store, &why), 0);
	ck_assert_int_eq(store_begin(store, &why), 0);
	put(store, "c/fd", "one.img", "ro");
	store_close(store); /* not committed */
	store = must_open();
	ck_assert_str_eq(list(store), "a/fd=one.img,ro,1000;b/fd=one.img,ro,1000;");
	store_close(store);
}
END_TEST

/* The process dies without closing: what was committed is there. */
START_TEST(survives_a_kill)
{
	static struct store *store; /* never closed in the child */
	pid_t child = fork();

	if (child == 0) {
		store = must_open();
		put(store, "a/fd", "one.img", "ro");
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	store = must_open();
	ck_assert_str_eq(list(store), "a/fd=one.img,ro,1000;");
	store_close(store);
}
END_TEST

START_TEST(refuses_a_newer_version)
{
	struct reason why = { 0 };

	store_close(must_open());
	execute("PRAGMA user_version = 99");
	ck_assert_ptr_null(store_open(dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "newer iusbd"));
	ck_assert_ptr_nonnull(strstr(why.text, "state.db"));
}
END_TEST

START_TEST(refuses_what_is_no_database)
{
	struct reason why = { 0 };
	FILE *file = fopen(path("state.db"), "w");

	for (int i = 0; i < 4096; i++)
		fputs("no database ", file);
	fclose(file);
	ck_assert_ptr_null(store_open(dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "state.db"));
}
END_TEST

START_TEST(needs_its_directory)
{
	struct reason why = { 0 };

	ck_assert_ptr_null(store_open("/nonexistent/iusbd", &why));
	ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent/iusbd/state.db"));
	store_close(NULL);
}
END_TEST

/* Somebody has it locked: the change fails with a reason, and can be made later. */
START_TEST(fails_while_it_is_locked)
{
	const struct store_attachment row = { "a/fd", "one.img", "ro", 0 };
	struct store *store = must_open();
	struct reason why = { 0 };
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path("state.db"), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(store_put_attachment(store, &row, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "locked"));
	ck_assert_int_eq(store_begin(store, &why), -1);
	ck_assert_str_eq(list(store), "");
	sqlite3_close(db);
	put(store, "a/fd", "one.img", "ro");
	ck_assert_str_eq(list(store), "a/fd=one.img,ro,1000;");
	store_close(store);
}
END_TEST

static Suite *
store_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keeps_attachments);
	tcase_add_test(tc, has_one_attachment_a_slot);
	tcase_add_test(tc, replaces_or_keeps);
	tcase_add_test(tc, drops);
	tcase_add_test(tc, commits_all_or_nothing);
	tcase_add_test(tc, survives_a_kill);
	tcase_add_test(tc, refuses_a_newer_version);
	tcase_add_test(tc, refuses_what_is_no_database);
	tcase_add_test(tc, needs_its_directory);
	tcase_add_test(tc, fails_while_it_is_locked);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(store_suite());
}
