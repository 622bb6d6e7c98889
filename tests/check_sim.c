/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_sim: iusb-bmcsim as a person starts it: options, what it prints, how it ends. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "bmcsim/listing.h"
#include "bmcsim/options.h"
#include "bmcsim/sim.h"
#include "fake_client.h"
#include "loop.h"

enum {
	ARGUMENTS_MAX = 24,
	OUTPUT_MAX = 65536,
	BLOCKS = 64,
};

static uint8_t medium[BLOCKS * 512];
static char directory[] = "/tmp/check_sim.XXXXXX";

static void
setup(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i * 13 + i / 512);
}

static void
teardown(void)
{
	unlink("image");
	unlink("targets");
	unlink("ready");
	unlink("messages");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0); /* no drafts are left behind */
}

static void
write_image(void)
{
	FILE *f = fopen("image", "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(medium, 1, sizeof(medium), f), sizeof(medium));
	ck_assert_int_eq(fclose(f), 0);
}

static void
read_file(const char *name, char *out)
{
	FILE *f = fopen(name, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, OUTPUT_MAX - 1, f);
	out[n] = '\0';
	fclose(f);
}

/* Cuts the command line at its spaces. */
static int
cut(char *line, char **argv)
{
	char *word;
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "iusb-bmcsim";
	while ((word = strsep(&line, " "))) {
		ck_assert_int_lt(argc, ARGUMENTS_MAX - 1);
		if (*word)
			argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

/* Parses with what goes to stderr in the file "messages". */
static enum options_result
parse(const char *line, struct options *options)
{
	char *argv[ARGUMENTS_MAX], *copy = strdup(line);
	int saved = dup(STDERR_FILENO);
	int file = open("messages", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum options_result result;
	int argc = cut(copy, argv);

	fflush(stderr);
	dup2(file, STDERR_FILENO);
	result = options_parse(argc, argv, options);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(file);
	free(copy);
	return result;
}

static const char *
address_of(const struct options *options, size_t i)
{
	static char text[INET_ADDRSTRLEN];
	struct in_addr in = options_address(options, i);

	return inet_ntop(AF_INET, &in, text, sizeof(text));
}

START_TEST(defaults)
{
	struct options options;

	ck_assert_int_eq(parse("", &options), OPTIONS_RUN);
	ck_assert_uint_eq(options.names.count, 1);
	ck_assert_str_eq(options.names.items[0], "sim001");
	ck_assert_str_eq(address_of(&options, 0), "127.0.0.1");
	ck_assert_uint_eq(options_port(&options, 0, DEVICE_CD), 5120);
	ck_assert_uint_eq(options_port(&options, 0, DEVICE_HD), 5122);
	ck_assert_uint_eq(options_port(&options, 0, DEVICE_FD), 5123);
	ck_assert_uint_eq(options.conf.quirks, QUIRK_ALL);
	ck_assert(options.conf.is_strict);
	ck_assert_int_eq(options.conf.filter, FILTER_OFF);
	ck_assert(options.has_device[DEVICE_CD] && options.has_device[DEVICE_HD]);
	options_fini(&options);
}
END_TEST

START_TEST(many_nodes)
{
	struct options options;

	ck_assert_int_eq(
		parse("--nodes 400 --address 127.0.1.1 --device fd,cd", &options), OPTIONS_RUN);
	ck_assert_uint_eq(options.names.count, 400);
	ck_assert_str_eq(options.names.items[399], "sim400");
	ck_assert_str_eq(address_of(&options, 399), "127.0.2.144");
	ck_assert_uint_eq(options_port(&options, 399, DEVICE_FD), 5123);
	ck_assert(options.has_device[DEVICE_FD] && options.has_device[DEVICE_CD]);
	ck_assert(!options.has_device[DEVICE_HD]);
	options_fini(&options);

	ck_assert_int_eq(
		parse("--name rack[1-2]n[01-03] --port-base 6000 --port-step 20", &options),
		OPTIONS_RUN);
	ck_assert_uint_eq(options.names.count, 6);
	ck_assert_str_eq(options.names.items[4], "rack2n02");
	ck_assert_str_eq(address_of(&options, 5), "127.0.0.1");
	ck_assert_uint_eq(options_port(&options, 5, DEVICE_CD), 6100);
	options_fini(&options);

	ck_assert_int_eq(
		parse("--name node42 --port-base 0 --same-address", &options), OPTIONS_RUN);
	ck_assert_str_eq(options.names.items[0], "node42");
	ck_assert_uint_eq(options_port(&options, 0, DEVICE_FD), 0);
	options_fini(&options);

	ck_assert_int_eq(parse("--nodes 2 --name n --fault reset:10:1 --quirks -split", &options),
		OPTIONS_RUN);
	ck_assert_str_eq(options.names.items[1], "n002");
	ck_assert_int_eq(options.conf.fault, FAULT_RESET);
	ck_assert_uint_eq(options.conf.fault_after, 10);
	ck_assert_uint_eq(options.conf.fault_times, 1);
	ck_assert_uint_eq(options.conf.quirks, QUIRK_ALL & ~QUIRK_SPLIT);
	options_fini(&options);
}
END_TEST

static const struct {
	const char *line;
	enum bmc_filter filter;
} filters[] = {
	{ "--filter off", FILTER_OFF },
	{ "--filter on", FILTER_ON },
	{ "--filter none", FILTER_NONE },
	{ "--filter none --filter off", FILTER_OFF },
};

START_TEST(filters_have_names)
{
	struct options options;

	ck_assert_int_eq(parse(filters[_i].line, &options), OPTIONS_RUN);
	ck_assert_int_eq(options.conf.filter, filters[_i].filter);
	options_fini(&options);
}
END_TEST

START_TEST(a_socket_for_each_device)
{
	struct options options;
	char *path;

	ck_assert_int_eq(parse("--nodes 2 --usbredir /run/%n-%d.sock%%", &options), OPTIONS_RUN);
	path = options_usbredir(&options, 1, DEVICE_HD);
	ck_assert_str_eq(path, "/run/sim002-hd.sock%");
	free(path);
	options_fini(&options);
	ck_assert_int_eq(parse("--device cd --usbredir cd.sock", &options), OPTIONS_RUN);
	path = options_usbredir(&options, 0, DEVICE_CD);
	ck_assert_str_eq(path, "cd.sock");
	free(path);
	options_fini(&options);
}
END_TEST

static const struct {
	const char *line, *message;
} bad_lines[] = {
	{ "--nodes 0", "--nodes: \"0\" is no number from 1 to 10000" },
	{ "--nodes 3x", "--nodes: \"3x\" is no number from 1 to 10000" },
	{ "--nodes 3 --name a[1-2]", "--name has 2 names for 3 nodes" },
	{ "--name a[2-1]", "reversed range" },
	{ "--name a/b", "\"a/b\" cannot be the name of a target" },
	{ "--address ::1", "--address: \"::1\" is no IPv4 address" },
	{ "--nodes 2 --address 255.255.255.255", "2 addresses do not fit behind --address" },
	{ "--port-base 65533", "the ports go up to 65536, above 65535" },
	{ "--port-base 0 --port-step 5", "--port-step needs a --port-base" },
	{ "--dialect asp", "--dialect: \"asp\" is not supported yet; \"legacy\" is" },
	{ "--dialect x", "--dialect: \"x\" is no dialect" },
	{ "--quirks none,split", "no quirk \"none\"" },
	{ "--fault x", "--fault: \"x\" is no fault; see iusb-bmcsim(1)" },
	{ "--fault reset:1:1:1", "is no fault" },
	{ "--fault denied:3", "\"denied\" happens at connect only, after 0 requests" },
	{ "--idle 0", "--idle: \"0\" is no number of seconds from 0.001 to 86400" },
	{ "--filter maybe", "--filter: \"maybe\" is none of on, off, none" },
	{ "--strict none", "--strict: \"none\" is neither \"on\" nor \"off\"" },
	{ "--device fd,usb", "--device: \"usb\" is no device: cd, fd, hd or all" },
	{ "--host raed", "--host: the host knows no \"raed\": did you mean \"read\"?" },
	{ "--once", "--once needs a --host script that does not loop" },
	{ "--once --host read,loop", "--once needs a --host script that does not loop" },
	{ "--host read --usbredir %d", "--host and --usbredir cannot look at the same device" },
	{ "--usbredir x", "--usbredir needs --device cd, fd or hd, or %d in its path" },
	{ "--nodes 2 --device fd --usbredir x", "--usbredir needs %n in its path" },
	{ "--log-level loud", "--log-level: \"loud\" is none of error, warning, info, debug" },
	{ "--seed -1", "--seed: \"-1\" is no number from 0 to 4294967295" },
	{ "--bogus", "Try \"iusb-bmcsim --help\"." },
	{ "disk.img", "unexpected argument \"disk.img\"" },
};

START_TEST(bad_lines_have_reasons)
{
	struct options options;
	char messages[OUTPUT_MAX];

	ck_assert_int_eq(parse(bad_lines[_i].line, &options), OPTIONS_BAD);
	read_file("messages", messages);
	ck_assert_msg(strstr(messages, bad_lines[_i].message) != NULL, "%s: %s", bad_lines[_i].line,
		messages);
}
END_TEST

START_TEST(files_are_written_whole)
{
	char text[OUTPUT_MAX];
	struct reason why;

	ck_assert_int_eq(listing_write("ready", "one\n", &why), 0);
	ck_assert_int_eq(listing_write("ready", "two\n", &why), 0);
	read_file("ready", text);
	ck_assert_str_eq(text, "two\n");
	ck_assert_int_eq(listing_write("no/such", "x", &why), -1);
	ck_assert_str_eq(why.text, "no/such: No such file or directory");
}
END_TEST

/* --- the whole program --- */

static pid_t child;
static FILE *output;

/* Runs the program in a process of its own; output is its standard output. */
static void
start(const char *line)
{
	char *argv[ARGUMENTS_MAX], *copy = strdup(line);
	struct options options;
	int pipe_fd[2], argc = cut(copy, argv), status;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(pipe_fd[1], STDOUT_FILENO);
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		log_set_level(LOG_LEVEL_ERROR);
		if (options_parse(argc, argv, &options) != OPTIONS_RUN)
			_exit(2);
		status = sim_run(&options);
		options_fini(&options);
		fflush(stdout);
		_exit(status);
	}
	close(pipe_fd[1]);
	output = fdopen(pipe_fd[0], "r");
	free(copy);
}

/* The next line of output, "" at its end. */
static const char *
next_line(void)
{
	static char line[512];

	if (!fgets(line, sizeof(line), output))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Reads what is left and waits; returns the exit status. */
static int
end(char *rest)
{
	size_t n = fread(rest, 1, OUTPUT_MAX - 1, output);
	int status;

	rest[n] = '\0';
	fclose(output);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(it_says_where_it_listens)
{
	char rest[OUTPUT_MAX], text[OUTPUT_MAX], expected[2048], lines[3][512] = { "" };
	unsigned cd[2], hd[2], fd[2];

	start("--nodes 2 --port-base 0 --same-address --ready-file ready --print-targets targets");
	for (int i = 0; i < 3; i++)
		snprintf(lines[i], sizeof(lines[i]), "%s", next_line());
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "sim%03d", i + 1);
		ck_assert_int_eq(strncmp(lines[i], name, strlen(name)), 0);
		ck_assert_int_eq(sscanf(lines[i] + strlen(name), " 127.0.0.1 cd=%u hd=%u fd=%u",
					 &cd[i], &hd[i], &fd[i]),
			3);
	}
	ck_assert_str_eq(lines[2], "ready");
	snprintf(expected, sizeof(expected), "%s\n%s\nready\n", lines[0], lines[1]);
	read_file("ready", text);
	ck_assert_str_eq(text, expected);
	snprintf(expected, sizeof(expected),
		"targets = (\n"
		"  { name = \"sim001\"; address = \"127.0.0.1\"; dialect = \"legacy\";"
		" ports = { cd = %u; fd = %u; hd = %u; }; },\n"
		"  { name = \"sim002\"; address = \"127.0.0.1\"; dialect = \"legacy\";"
		" ports = { cd = %u; fd = %u; hd = %u; }; }\n"
		");\n",
		cd[0], fd[0], hd[0], cd[1], fd[1], hd[1]);
	read_file("targets", text);
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(end(rest), 0);
	ck_assert_str_eq(rest,
		"totals: sessions 0, refused 0, requests 0, pings 0, read 0 B, written 0 B,"
		" complaints 0\n");
}
END_TEST

START_TEST(four_hundred_nodes)
{
	char rest[OUTPUT_MAX];
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2500)
		return; /* this machine does not allow it */
	limit.rlim_cur = 256;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	start("--nodes 400 --address 127.0.1.1 --port-base 0");
	ck_assert_int_eq(strncmp(next_line(), "sim001 127.0.1.1 cd=", 20), 0);
	for (int i = 0; i < 399; i++)
		ck_assert_int_eq(strncmp(next_line(), "sim", 3), 0);
	ck_assert_str_eq(next_line(), "ready");
	ck_assert_int_eq(kill(child, SIGINT), 0);
	ck_assert_int_eq(end(rest), 0);
}
END_TEST

/* Serves a medium to both nodes of a program with a built-in host. Returns its exit status. */
static int
serve_both(const char *line, tamper_fn *tamper, char *rest)
{
	struct event_base *base;
	struct fake_client clients[2];
	unsigned ports[2];

	start(line);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(sscanf(next_line(), "%*s %*s cd=%*u hd=%*u fd=%u", &ports[i]), 1);
	ck_assert_str_eq(next_line(), "ready");
	base = event_base_new();
	for (int i = 0; i < 2; i++) {
		client_init(&clients[i], base, medium, BLOCKS, 512);
		clients[i].tamper = tamper;
		client_connect(&clients[i], (uint16_t)ports[i]);
	}
	LOOP_UNTIL(base, clients[0].is_closed && clients[1].is_closed);
	for (int i = 0; i < 2; i++)
		client_fini(&clients[i]);
	event_base_free(base);
	return end(rest);
}

static const char both[] = "--nodes 2 --port-base 0 --same-address --device fd --once --host "
			   "enumerate,compare=image";

START_TEST(once_with_good_media)
{
	char rest[OUTPUT_MAX];

	write_image();
	ck_assert_int_eq(serve_both(both, NULL, rest), 0);
	ck_assert_ptr_nonnull(strstr(rest, "sim001/fd: compare image: 32768 bytes equal\n"));
	ck_assert_ptr_nonnull(strstr(rest, "sim002/fd: host script done: good\n"));
	ck_assert_ptr_nonnull(strstr(rest, "totals: sessions 2, refused 0, requests "));
	ck_assert_ptr_nonnull(strstr(rest, "read 64 KiB, written 0 B, complaints 0\n"));
}
END_TEST

START_TEST(once_with_bad_media)
{
	char rest[OUTPUT_MAX];

	write_image();
	medium[1000] ^= 1;
	ck_assert_int_eq(serve_both(both, NULL, rest), 1);
	ck_assert_ptr_nonnull(strstr(rest,
		"sim001/fd: compare image: FAIL: first difference at byte 1000 (block 1): medium "));
	ck_assert_ptr_nonnull(
		strstr(rest, "sim002/fd: host script done: bad (1 of 2 steps failed)\n"));
}
END_TEST

static void
wrong_tag(struct fake_client *from, uint8_t *answer, size_t *len)
{
	(void)from;
	(void)len;
	answer[36]++;
}

START_TEST(once_with_a_client_that_breaks_rules)
{
	char rest[OUTPUT_MAX];

	write_image();
	ck_assert_int_eq(serve_both(both, wrong_tag, rest), 1);
	ck_assert_ptr_nonnull(strstr(rest, "sim001/fd: host script done: good\n"));
	ck_assert_ptr_null(strstr(rest, "complaints 0\n"));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim");
	TCase *tc = tcase_create("options");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, many_nodes);
	tcase_add_loop_test(tc, filters_have_names, 0, ARRAY_SIZE(filters));
	tcase_add_test(tc, a_socket_for_each_device);
	tcase_add_loop_test(
		tc, bad_lines_have_reasons, 0, sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(tc, files_are_written_whole);
	suite_add_tcase(s, tc);

	tc = tcase_create("program");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_says_where_it_listens);
	tcase_add_test(tc, four_hundred_nodes);
	tcase_add_test(tc, once_with_good_media);
	tcase_add_test(tc, once_with_bad_media);
	tcase_add_test(tc, once_with_a_client_that_breaks_rules);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
