/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_conf: tests/conf/NAME.conf in, NAME.print or NAME.errors out; image paths, limits. */
#include "daemon/conf.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "unit.h"

enum {
	TIMEOUT = 120, /* seconds for one test, on the slowest machine */
};

/* --- helpers -------------------------------------------------------------- */

static struct strlist cases; /* names of tests/conf, without ".conf", sorted */
static char *cases_dir;      /* with its slash */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
find_cases(void)
{
	const char *srcdir = getenv("srcdir");
	struct dirent *entry;
	DIR *dir;

	cases_dir = mem_printf("%s/tests/conf/", srcdir && *srcdir ? srcdir : ".");
	dir = opendir(cases_dir);
	while (dir && (entry = readdir(dir))) {
		char *name = mem_strdup(entry->d_name);
		char *dot = strrchr(name, '.');

		if (dot && strcmp(dot, ".conf") == 0) {
			*dot = '\0';
			strlist_add(&cases, name);
		}
		free(name);
	}
	if (dir)
		closedir(dir);
	if (cases.count > 0)
		qsort(cases.items, cases.count, sizeof(*cases.items), compare_names);
}

/* The content of a file, NULL if there is none. */
static char *
slurp(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!in)
		return NULL;
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = mem_strdup("");
	}
	fclose(in);
	return text;
}

/* text with every `from` replaced by `to`; frees text. */
static char *
replace(char *text, const char *from, const char *to)
{
	char *out = NULL, *p = text, *hit;
	size_t len = 0;
	FILE *stream = open_memstream(&out, &len);

	ck_assert_ptr_nonnull(stream);
	while ((hit = strstr(p, from))) {
		fprintf(stream, "%.*s%s", (int)(hit - p), p, to);
		p = hit + strlen(from);
	}
	fputs(p, stream);
	fclose(stream);
	free(text);
	return out;
}

static char *
print(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	conf_print(conf, out);
	fclose(out);
	return text;
}

/* All errors, a line each. */
static char *
join(const struct strlist *errors)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < errors->count; i++)
		fprintf(out, "%s\n", errors->items[i]);
	fclose(out);
	return text;
}

static struct conf *
load_good(const char *path)
{
	struct strlist errors = { 0 };
	struct conf *conf = conf_load(path, &errors);
	char *text = join(&errors);

	ck_assert_str_eq(text, "");
	ck_assert_ptr_nonnull(conf);
	free(text);
	strlist_fini(&errors);
	return conf;
}

/* A directory of its own for each test, with what the tests need in it. */
static char *dir;

static char *
in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void
write_file(const char *name, const void *data, size_t len)
{
	char *path = in_dir(name);
	FILE *out = fopen(path, "w");

	ck_assert_msg(out != NULL, "%s cannot be written", path);
	ck_assert_uint_eq(fwrite(data, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
	free(path);
}

static void
write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void
make_dir(const char *name)
{
	char *path = in_dir(name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(path);
}

static void
make_link(const char *to, const char *name)
{
	char *path = in_dir(name);

	ck_assert_int_eq(symlink(to, path), 0);
	free(path);
}

/* Writes test.conf; "@" in the text stands for the directory. Returns its path. */
static char *
write_conf(const char *text)
{
	char *full = replace(mem_strdup(text), "@", dir);

	write_text("test.conf", full);
	free(full);
	return in_dir("test.conf");
}

static struct conf *
load_text(const char *text)
{
	char *path = write_conf(text);
	struct conf *conf = load_good(path);

	free(path);
	return conf;
}

/* Loads a bad file; the errors must be those, "@" standing for the directory. */
static void
check_errors(const char *path, const char *expected)
{
	struct strlist errors = { 0 };
	struct conf *conf = conf_load(path, &errors);
	char *text, *wanted = replace(mem_strdup(expected), "@", dir);

	ck_assert_ptr_null(conf);
	text = join(&errors);
	ck_assert_str_eq(text, wanted);
	free(text);
	free(wanted);
	strlist_fini(&errors);
}

static void
set_up(void)
{
	char template[] = "/tmp/check_conf.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(template));
	dir = realpath(template, NULL);
	ck_assert_ptr_nonnull(dir);
}

static void
remove_all(const char *path)
{
	struct dirent *entry;
	DIR *d = opendir(path);

	while (d && (entry = readdir(d))) {
		char *inner;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		inner = mem_printf("%s/%s", path, entry->d_name);
		if (unlink(inner) < 0)
			remove_all(inner);
		free(inner);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static void
tear_down(void)
{
	remove_all(dir);
	free(dir);
	dir = NULL;
}

/* --- files ---------------------------------------------------------------- */

/* Good: the canonical print, which reads back to itself. */
static void
check_print(const char *path, char *expected)
{
	struct conf *conf = load_good(path), *again;
	char *first = print(conf), *second;
	char *copy;

	expected = replace(expected, "@STATE_DIR@", conf_default_state_dir);
	ck_assert_str_eq(first, expected);
	ck_assert_str_eq(conf->path, path);
	write_text("copy.conf", first);
	copy = in_dir("copy.conf");
	again = load_good(copy);
	second = print(again);
	ck_assert_str_eq(second, first);
	free(copy);
	free(first);
	free(second);
	free(expected);
	conf_free(conf);
	conf_free(again);
}

/* Bad: no object, and exactly these errors in this order. */
static void
check_error_text(const char *path, char *expected)
{
	struct strlist errors = { 0 };
	struct conf *conf = conf_load(path, &errors);
	char *text;

	ck_assert_ptr_null(conf);
	text = replace(join(&errors), cases_dir, "");
	ck_assert_str_eq(text, expected);
	free(text);
	free(expected);
	strlist_fini(&errors);
}

START_TEST(file)
{
	char *base = mem_printf("%s%s", cases_dir, cases.items[_i]);
	char *path = mem_printf("%s.conf", base);
	char *print_path = mem_printf("%s.print", base);
	char *errors_path = mem_printf("%s.errors", base);
	char *expected_print = slurp(print_path), *expected_errors = slurp(errors_path);

	ck_assert_msg(!expected_print != !expected_errors,
		"%s needs either a .print or an .errors file", path);
	if (expected_print)
		check_print(path, expected_print);
	else
		check_error_text(path, expected_errors);
	free(base);
	free(path);
	free(print_path);
	free(errors_path);
}
END_TEST

START_TEST(there_are_cases)
{
	ck_assert_msg(cases.count >= 40, "%zu cases in %s", cases.count, cases_dir);
}
END_TEST

START_TEST(the_shipped_example_is_valid)
{
	char *path = mem_printf("%s../../conf/iusbd.conf", cases_dir);
	struct conf *conf = load_good(path);

	ck_assert_str_eq(conf->socket, conf_default_socket);
	ck_assert_uint_eq(conf->target_count, 0);
	conf_free(conf);
	free(path);
}
END_TEST

/* The examples in the comments of the shipped file are right, too: with their "#" taken away they
 * load. */
START_TEST(the_shipped_example_is_valid_uncommented)
{
	char *path = mem_printf("%s../../conf/iusbd.conf", cases_dir);
	char *text = slurp(path), *line, *rest = text;
	char *out = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&out, &len);
	struct conf *conf;

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(stream);
	while ((line = strsep(&rest, "\n")))
		fprintf(stream, "%s\n", line + (line[0] == '#' && line[1] != ' '));
	fclose(stream);
	write_text("example.conf", out);
	free(path);
	path = in_dir("example.conf");
	conf = load_good(path);
	ck_assert_uint_gt(conf->target_count, 1);
	ck_assert_uint_gt(conf->image_count, 0);
	conf_free(conf);
	free(path);
	free(out);
	free(text);
}
END_TEST

START_TEST(no_file)
{
	struct conf *conf = load_good("");

	ck_assert_str_eq(conf->path, "");
	ck_assert_str_eq(conf->socket, "/run/iusbd/org.iusbd");
	ck_assert_str_eq(conf->state_dir, conf_default_state_dir);
	ck_assert_uint_eq(conf->target_count, 0);
	ck_assert_ptr_null(conf_target_find(conf, "a"));
	conf_free(conf);
	conf_free(NULL);
}
END_TEST

START_TEST(a_file_that_cannot_be_read)
{
	char *path = in_dir("missing.conf");

	check_errors(path, "@/missing.conf: cannot be read: No such file or directory\n");
	free(path);
	check_errors(dir, "@: cannot be read: Is a directory\n");
}
END_TEST

START_TEST(a_file_that_is_no_text)
{
	static const char data[] = "socket = \"/run/a\";\n\0socket = 1;\n";
	char *path = in_dir("binary.conf");

	write_file("binary.conf", data, sizeof(data) - 1);
	check_errors(path, "@/binary.conf: @/binary.conf is not a text file\n");
	free(path);
}
END_TEST

START_TEST(errors_are_appended)
{
	struct strlist errors = { 0 };
	char *path = write_conf("a = 1;\nb = 2;");

	strlist_add(&errors, "before");
	ck_assert_ptr_null(conf_load(path, &errors));
	ck_assert_uint_eq(errors.count, 3);
	ck_assert_str_eq(errors.items[0], "before");
	free(path);
	strlist_fini(&errors);
}
END_TEST

/* --- includes ------------------------------------------------------------- */

START_TEST(an_include_is_relative_to_its_file)
{
	char *path = in_dir("main.conf");
	struct conf *conf;

	make_dir("sub");
	write_text("main.conf", "@include \"sub/a.inc\"\n");
	write_text("sub/a.inc", "@include \"b.inc\"\nstate_dir = \"/a\";\n");
	write_text("sub/b.inc", "socket = \"/b\"; # no line end");
	conf = load_good(path);
	ck_assert_str_eq(conf->state_dir, "/a");
	ck_assert_str_eq(conf->socket, "/b");
	conf_free(conf);
	free(path);
}
END_TEST

START_TEST(an_absolute_include)
{
	char *path = in_dir("main.conf");
	char *text = replace(mem_strdup("@include \"DIR/sub/*.inc\"\n"), "DIR", dir);
	struct conf *conf;

	make_dir("sub");
	write_text("main.conf", text);
	write_text("sub/b.inc", "socket = \"/b\";\n");
	conf = load_good(path);
	ck_assert_str_eq(conf->socket, "/b");
	conf_free(conf);
	free(text);
	free(path);
}
END_TEST

START_TEST(a_fifo_is_not_waited_for)
{
	char *fifo = in_dir("x.inc"), *path = in_dir("main.conf");

	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	write_text("main.conf", "@include \"*.inc\"\n");
	check_errors(path, "@/main.conf:1: @/x.inc cannot be read: it is not a regular file\n");
	free(fifo);
	free(path);
}
END_TEST

START_TEST(a_pattern_in_a_directory_with_special_characters)
{
	char *path = in_dir("odd [dir]*\\/main.conf");
	struct conf *conf;

	make_dir("odd [dir]*\\");
	write_text("odd [dir]*\\/main.conf", "@include \"?.inc\"\n");
	write_text("odd [dir]*\\/a.inc", "socket = \"/run/a\";");
	conf = load_good(path);
	ck_assert_str_eq(conf->socket, "/run/a");
	conf_free(conf);
	free(path);
}
END_TEST

/* --- targets -------------------------------------------------------------- */

START_TEST(a_range_of_forty)
{
	struct conf *conf =
		load_text("targets = ( { name = \"rack2-[01-40]\"; dialect = \"legacy\";\n"
			  "address = \"10.0.2.[1-40]\"; labels = { rack = \"r2\"; }; } );");
	const struct conf_target *target;

	ck_assert_uint_eq(conf->target_count, 40);
	for (int i = 0; i < 40; i++) {
		char *name = mem_printf("rack2-%02d", i + 1);
		char *address = mem_printf("10.0.2.%d", i + 1);

		target = conf_target_find(conf, name);
		ck_assert_ptr_eq(target, &conf->targets[i]);
		ck_assert_str_eq(target->name, name);
		ck_assert_str_eq(target->address, address);
		ck_assert_str_eq(target->dialect->name, "legacy");
		ck_assert_str_eq(target->labels[0].value, "r2");
		ck_assert_uint_eq(target->port[DEVICE_FD], 5123);
		free(name);
		free(address);
	}
	ck_assert_ptr_null(conf_target_find(conf, "rack2-41"));
	ck_assert_ptr_null(conf_target_find(conf, "rack2-1"));
	ck_assert_ptr_null(conf_target_find(conf, ""));
	conf_free(conf);
}
END_TEST

START_TEST(find_without_an_index)
{
	struct conf_target targets[] = { { .name = (char[]){ "b" } }, { .name = (char[]){ "a" } } };
	struct conf conf = { .targets = targets, .target_count = 2 };

	ck_assert_ptr_eq(conf_target_find(&conf, "a"), &targets[1]);
	ck_assert_ptr_null(conf_target_find(&conf, "c"));
}
END_TEST

START_TEST(as_many_targets_as_there_may_be)
{
	struct conf *conf = load_text("targets = ( { name = \"n[1-65536]\";\n"
				      "address = \"10.0.[0-255].[0-255]\"; } );");
	const struct conf_target *target = conf_target_find(conf, "n65536");

	ck_assert_uint_eq(conf->target_count, CONF_TARGETS_MAX);
	ck_assert_ptr_nonnull(target);
	ck_assert_str_eq(target->address, "10.0.255.255");
	conf_free(conf);
}
END_TEST

START_TEST(too_many_targets)
{
	char *path =
		write_conf("targets = ( { name = \"n[1-65535]\"; address = \"a[1-65535]\"; },\n"
			   "{ name = \"m[1-2]\"; address = \"10.0.0.[1-2]\"; },\n"
			   "{ name = \"o\"; address = \"10.0.0.3\"; } );");

	check_errors(path, "@/test.conf:2: targets.m[1-2]: more than 65536 targets\n");
	free(path);
}
END_TEST

/* --- images --------------------------------------------------------------- */

static const char images_conf[] =
	"image_dirs = [ \"@/images\", \"@/missing\", \"@/more/\" ];\n"
	"images = ( { name = \"bios\"; path = \"@/fw/bios.img\"; },\n"
	"           { name = \"gone\"; path = \"@/fw/gone.img\"; },\n"
	"           { name = \"linked\"; path = \"@/fw/link.img\"; } );\n";

static struct conf *
make_images(void)
{
	make_dir("images");
	make_dir("images/sub");
	make_dir("images-not");
	make_dir("more");
	make_dir("fw");
	write_file("images/dos.img", "x", 1);
	write_file("images/both.img", "x", 1);
	write_file("images/sub/deep.img", "x", 1);
	write_file("images-not/a.img", "x", 1);
	write_file("more/both.img", "x", 1);
	write_file("more/two.img", "x", 1);
	write_file("fw/bios.img", "x", 1);
	write_file("fw/secret.img", "x", 1);
	write_file("fw/real.img", "x", 1);
	make_link("real.img", "fw/link.img");
	make_link("../fw/secret.img", "images/escape.img");
	make_link("../fw/bios.img", "images/to-bios.img");
	make_link("dos.img", "images/inner.img");
	make_link("loop.img", "images/loop.img");
	return load_text(images_conf);
}

struct image_case {
	const char *image;
	const char *path; /* below the directory, or NULL */
	const char *why;  /* "@" stands for the directory */
};

#define OUTSIDE " is outside of image_dirs and not the path of a named image"
#define LOOKED  " (looked in @/images, @/missing, @/more/)"

static const struct image_case image_cases[] = {
	{ "bios", "fw/bios.img", NULL },
	{ "gone", "fw/gone.img", NULL },
	{ "linked", "fw/link.img", NULL },
	{ "dos.img", "images/dos.img", NULL },
	{ "./dos.img", "images/dos.img", NULL },
	{ "both.img", "images/both.img", NULL },
	{ "two.img", "more/two.img", NULL },
	{ "sub/deep.img", "images/sub/deep.img", NULL },
	{ "inner.img", "images/dos.img", NULL },
	{ "to-bios.img", "fw/bios.img", NULL },
	{ "@/images/dos.img", "images/dos.img", NULL },
	{ "@//images//sub/./deep.img", "images/sub/deep.img", NULL },
	{ "@/more/two.img", "more/two.img", NULL },
	{ "@/fw/bios.img", "fw/bios.img", NULL },
	{ "@/fw/link.img", "fw/real.img", NULL },
	{ "@/fw/real.img", "fw/real.img", NULL },
	{ "none.img", NULL, "image not found: none.img" LOOKED },
	{ "bois", NULL, "image not found: bois; did you mean \"bios\"?" },
	{ "@/images/none.img", NULL, "image not found: @/images/none.img" },
	{ "@/fw/gone.img", NULL, "image not found: @/fw/gone.img" },
	{ "loop.img", NULL,
		"image not found: loop.img (in @/images, @/missing, @/more/: Too many levels of "
		"symbolic links)" },
	{ "escape.img", NULL, "escape.img" OUTSIDE },
	{ "@/images/escape.img", NULL, "@/images/escape.img" OUTSIDE },
	{ "@/fw/secret.img", NULL, "@/fw/secret.img" OUTSIDE },
	{ "@/fw/none.img", NULL, "@/fw/none.img" OUTSIDE },
	{ "@/images-not/a.img", NULL, "@/images-not/a.img" OUTSIDE },
	{ "@/images", NULL, "@/images" OUTSIDE },
	{ "/etc/passwd", NULL, "/etc/passwd" OUTSIDE },
	{ ".", NULL, "." OUTSIDE },
	{ "../fw/secret.img", NULL,
		"\"../fw/secret.img\": \"..\" is refused in the path of an image" },
	{ "sub/..", NULL, "\"sub/..\": \"..\" is refused in the path of an image" },
	{ "", NULL, "must name an image" },
	{ "nbd://host/x", NULL, "\"nbd://host/x\": an image on NBD is not supported yet" },
	{ "a\nb", NULL, "the name of an image is UTF-8 without control characters" },
};

START_TEST(the_path_of_an_image)
{
	const struct image_case *c = &image_cases[_i];
	struct conf *conf = make_images();
	char *image = replace(mem_strdup(c->image), "@", dir);
	struct reason why;
	char *path = conf_image_path(conf, image, &why);

	if (c->path) {
		char *expected = in_dir(c->path);

		ck_assert_ptr_nonnull(path);
		ck_assert_str_eq(path, expected);
		free(expected);
	} else {
		char *expected = replace(mem_strdup(c->why), "@", dir);

		ck_assert_ptr_null(path);
		ck_assert_str_eq(why.text, expected);
		free(expected);
	}
	free(path);
	free(image);
	conf_free(conf);
}
END_TEST

START_TEST(image_path_without_dirs)
{
	struct conf *conf = load_text("images = ( { name = \"bios\"; path = \"/bios.img\"; } );");
	struct reason why;

	ck_assert_ptr_null(conf_image_path(conf, "dos.img", &why));
	ck_assert_str_eq(why.text,
		"image not found: dos.img (no image has that name, and image_dirs is not set)");
	conf_free(conf);
}
END_TEST

/* Two names for one file are one image. */
START_TEST(one_image_by_two_names_written_twice)
{
	char *path;

	conf_free(make_images());
	path = write_conf("image_dirs = [ \"@/images\" ];\n"
			  "targets = ( { name = \"a\"; address = \"::1\"; attach = (\n"
			  "{ device = \"fd\"; image = \"dos.img\"; mode = \"rw\"; },\n"
			  "{ device = \"hd\"; image = \"inner.img\"; mode = \"rw\"; },\n"
			  "{ device = \"cd\"; image = \"escape.img\"; } ); } );");
	check_errors(path,
		"@/test.conf:4: targets.a.attach[1]: @/images/dos.img is used at @/test.conf:3 too; an "
		"image that is written (rw) has one user\n"
		"@/test.conf:5: targets.a.attach[2].image: escape.img" OUTSIDE "\n");
	free(path);
}
END_TEST

static Suite *
conf_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *files = tcase_create("files"), *images = tcase_create("images");
	TCase *rest = tcase_create("rest");

	tcase_set_timeout(files, TIMEOUT);
	tcase_add_checked_fixture(files, set_up, tear_down);
	tcase_add_test(files, there_are_cases);
	tcase_add_loop_test(files, file, 0, (int)cases.count);
	suite_add_tcase(suite, files);

	tcase_set_timeout(rest, TIMEOUT);
	tcase_add_checked_fixture(rest, set_up, tear_down);
	tcase_add_test(rest, the_shipped_example_is_valid);
	tcase_add_test(rest, the_shipped_example_is_valid_uncommented);
	tcase_add_test(rest, no_file);
	tcase_add_test(rest, a_file_that_cannot_be_read);
	tcase_add_test(rest, a_file_that_is_no_text);
	tcase_add_test(rest, errors_are_appended);
	tcase_add_test(rest, an_include_is_relative_to_its_file);
	tcase_add_test(rest, an_absolute_include);
	tcase_add_test(rest, a_fifo_is_not_waited_for);
	tcase_add_test(rest, a_pattern_in_a_directory_with_special_characters);
	tcase_add_test(rest, a_range_of_forty);
	tcase_add_test(rest, find_without_an_index);
	tcase_add_test(rest, as_many_targets_as_there_may_be);
	tcase_add_test(rest, too_many_targets);
	suite_add_tcase(suite, rest);

	tcase_set_timeout(images, TIMEOUT);
	tcase_add_checked_fixture(images, set_up, tear_down);
	tcase_add_loop_test(images, the_path_of_an_image, 0, ARRAY_SIZE(image_cases));
	tcase_add_test(images, image_path_without_dirs);
	tcase_add_test(images, one_image_by_two_names_written_twice);
	suite_add_tcase(suite, images);
	return suite;
}

int
main(void)
{
	int status;

	find_cases();
	status = unit_run(conf_suite());
	strlist_fini(&cases);
	free(cases_dir);
	return status;
}
