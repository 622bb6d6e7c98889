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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "bmcsim/listing.h"
#include "bmcsim/options.h"
#include "bmcsim/profiles.h"
#include "bmcsim/sim.h"
#include "fake_client.h"
#include "loop.h"

enum {
	ARGUMENTS_MAX = 32,
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
	unlink("targets.secret");
	unlink("password");
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

START_TEST(asp_decides)
{
	struct options options;
	struct bmc_conf conf;

	ck_assert_int_eq(parse("--dialect asp --nodes 2 --same-address", &options), OPTIONS_RUN);
	options_node(&options, 1, &conf);
	ck_assert_str_eq(conf.name, "sim002");
	ck_assert_uint_eq(conf.port[DEVICE_CD], 5130);
	ck_assert_uint_eq(conf.port[DEVICE_FD], 5132);
	ck_assert_uint_eq(conf.port[DEVICE_HD], 5133);
	ck_assert_uint_eq(conf.secure_port[DEVICE_CD], 5134);
	ck_assert_uint_eq(conf.secure_port[DEVICE_FD], 5136);
	ck_assert_uint_eq(conf.secure_port[DEVICE_HD], 5137);
	ck_assert_uint_eq(conf.web.port, 5138);
	ck_assert_uint_eq(conf.web.secure_port, 5139);
	ck_assert_int_eq(conf.filter, FILTER_ON);
	ck_assert_int_eq(conf.media, MEDIA_PLAIN);
	ck_assert_int_eq(conf.web.flow, WEB_FLOW_ASP);
	ck_assert_uint_eq(conf.web.quirks & (WEB_HTTP_10 | WEB_EMPTY_TOKEN), WEB_HTTP_10);
	ck_assert_uint_eq(conf.owner_field, 24);
	ck_assert_uint_eq(conf.slots[DEVICE_FD], 1);
	ck_assert(conf.has_tls && conf.web.has_tunnel && !conf.web.has_websocket);
	ck_assert_str_eq(conf.web.user, "admin");
	options_fini(&options);
}
END_TEST

START_TEST(rest_decides)
{
	struct options options;

	ck_assert_int_eq(parse("--dialect rest --tls old", &options), OPTIONS_RUN);
	ck_assert_int_eq(options.conf.media, MEDIA_SECURE);
	ck_assert_int_eq(options.conf.tls_age, TLS_OLD);
	ck_assert_int_eq(options.conf.web.flow, WEB_FLOW_REST);
	ck_assert_uint_eq(options.conf.owner_field, 39);
	ck_assert_uint_eq(options.conf.slots[DEVICE_FD], 0);
	ck_assert(options.conf.web.has_tunnel && options.conf.web.has_websocket);
	options_fini(&options);
	ck_assert_int_eq(parse("--dialect rest --tls off --token secret", &options), OPTIONS_RUN);
	ck_assert_int_eq(options.conf.media, MEDIA_PLAIN);
	ck_assert_int_eq(options.conf.web.flow, WEB_FLOW_NONE);
	ck_assert_str_eq(options.conf.token, "secret");
	options_fini(&options);
	ck_assert_int_eq(parse("--dialect rest-gadget", &options), OPTIONS_RUN);
	ck_assert_uint_eq(options.conf.slots[DEVICE_CD], 1);
	ck_assert_uint_eq(options.conf.slots[DEVICE_HD], 0);
	options_fini(&options);
}
END_TEST

START_TEST(what_is_given_stands)
{
	struct options options;

	ck_assert_int_eq(parse("--filter none --media-tls both --slots cd=4,fd=0 --owner-field 45 "
			       "--owner fe80::1 --ack 13:2 --ban 5:60 --web-quirks slow,list-500 "
			       "--attach-mode always --dialect rest",
				 &options),
		OPTIONS_RUN);
	ck_assert_int_eq(options.conf.filter, FILTER_NONE);
	ck_assert_int_eq(options.conf.media, MEDIA_BOTH);
	ck_assert_uint_eq(options.conf.slots[DEVICE_CD], 4);
	ck_assert_uint_eq(options.conf.slots[DEVICE_FD], 0);
	ck_assert_uint_eq(options.conf.owner_field, 45);
	ck_assert_str_eq(options.conf.owner, "fe80::1");
	ck_assert_uint_eq(options.conf.ack, 13);
	ck_assert_uint_eq(options.conf.ack_times, 2);
	ck_assert_uint_eq(options.conf.web.ban_after, 5);
	ck_assert(options.conf.web.ban_time == 60);
	ck_assert_uint_eq(options.conf.web.quirks, WEB_SLOW | WEB_LIST_500);
	ck_assert_int_eq(options.conf.attach, ATTACH_ALWAYS);
	options_fini(&options);
}
END_TEST

START_TEST(every_profile_is_good)
{
	struct options options;
	char line[128];

	for (size_t i = 0; profile_at(i); i++) {
		snprintf(line, sizeof(line), "--profile %s", profile_at(i)->name);
		ck_assert_msg(parse(line, &options) == OPTIONS_RUN, "%s", line);
		options_fini(&options);
	}
	ck_assert_int_eq(parse("--profile irmc-s4 --slots cd=3", &options), OPTIONS_RUN);
	ck_assert_str_eq(options.conf.dialect->name, "asp");
	ck_assert_uint_eq(options.conf.slots[DEVICE_CD], 3);
	ck_assert(options.conf.web.is_single_port);
	ck_assert_uint_eq(options.conf.quirks, QUIRK_ALL & ~QUIRK_OPEN_PORTS);
	ck_assert_uint_eq(options.conf.web.quirks & WEB_JNLP_NO_PORTS, WEB_JNLP_NO_PORTS);
	options_fini(&options);
}
END_TEST

START_TEST(a_password_from_a_file)
{
	struct options options;
	FILE *f = fopen("password", "w");

	ck_assert_ptr_nonnull(f);
	fputs("top secret\n", f);
	fclose(f);
	ck_assert_int_eq(
		parse("--dialect asp --password-file password --user root", &options), OPTIONS_RUN);
	ck_assert_str_eq(options.conf.web.user, "root");
	ck_assert_str_eq(options.conf.web.password, "top secret");
	options_fini(&options);
}
END_TEST

START_TEST(a_socket_for_each_device)
{
	struct options options;
	char *path;

	ck_assert_int_eq(parse("--nodes 2 --usbredir /run/%n-%d.sock%%", &options), OPTIONS_RUN);
	path = options_usbredir(&options, 1, DEVICE_HD, 0);
	ck_assert_str_eq(path, "/run/sim002-hd.sock%");
	free(path);
	options_fini(&options);
	ck_assert_int_eq(parse("--device cd --usbredir cd.sock", &options), OPTIONS_RUN);
	path = options_usbredir(&options, 0, DEVICE_CD, 0);
	ck_assert_str_eq(path, "cd.sock");
	free(path);
	options_fini(&options);
	ck_assert_int_eq(parse("--dialect asp --slots cd=2 --device cd --usbredir %d", &options),
		OPTIONS_RUN);
	path = options_usbredir(&options, 0, DEVICE_CD, 1);
	ck_assert_str_eq(path, "cd1");
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
	{ "--dialect auto", "--dialect: \"auto\" is no dialect" },
	{ "--dialect asp --port-base 7000 --port-step 5", "--port-step: dialect asp has 10 ports" },
	{ "--web-port-base 65534 --dialect asp --nodes 2 --same-address",
		"the ports of the web servers go above 65535" },
	{ "--slots cd", "--slots: \"cd\" is no device and number, as cd=2" },
	{ "--slots cd=5", "--slots: \"5\" is no number from 0 to 4" },
	{ "--slots cd=2", "dialect legacy has one slot for each device" },
	{ "--token x", "dialect legacy has no login" },
	{ "--dialect asp --token x --web asp", "--token is for BMCs with no --web" },
	{ "--media-tls on", "dialect legacy has no TLS" },
	{ "--dialect asp --tls off --media-tls on", "--media-tls needs --tls new or old" },
	{ "--dialect asp --web off --single-port on --quirks -open-ports",
		"--single-port needs a --web server" },
	{ "--dialect asp --print-targets -", "--print-targets - has no place for a password" },
	{ "--web both", "--web: \"both\" is none of off, asp, rest, digest" },
	{ "--owner-field 12", "--owner-field: \"12\" is none of 0, 24, 39, 45" },
	{ "--owner here", "--owner: \"here\" is no address" },
	{ "--ack 256", "--ack: \"256\" is no number from 0 to 255" },
	{ "--ban 3", "--ban: \"3\" has no :SECONDS" },
	{ "--attach-mode never", "\"never\" is none of session, always, detached" },
	{ "--web-quirks slwo", "no web quirk \"slwo\": did you mean \"slow\"?" },
	{ "--profile asmb9", "no profile \"asmb9\": did you mean \"asmb8\"?" },
	{ "--password-file no/such", "--password-file: no/such: No such file or directory" },
	{ "--dialect asp --slots cd=2 --device cd --usbredir x",
		"--usbredir needs --device cd, fd or hd, or %d in its path" },
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

START_TEST(it_says_how_one_logs_in)
{
	char rest[OUTPUT_MAX], text[OUTPUT_MAX], expected[2048], where[512] = "";
	unsigned web, secure;
	struct stat st;
	const char *at;

	start("--dialect asp --name n1 --port-base 0 --print-targets targets --password pass "
	      "--tls old");
	snprintf(where, sizeof(where), "%s", next_line());
	ck_assert_int_eq(strncmp(where, "n1 127.0.0.1 cd=", 16), 0);
	at = strstr(where, " web=");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, " web=%u web-tls=%u dialect=asp", &web, &secure), 2);
	ck_assert_str_eq(next_line(), "ready");
	read_file("targets", text);
	snprintf(expected, sizeof(expected),
		"targets = (\n"
		"  { name = \"n1\"; address = \"127.0.0.1\"; dialect = \"asp\";"
		" ports = { web = %u; }; login = { method = \"asp\"; user = \"admin\";"
		" password_file = \"%s/targets.secret\"; };"
		" tls = { mode = \"auto\"; verify = \"pin\"; legacy = true; }; }\n"
		");\n",
		secure, directory);
	ck_assert_str_eq(text, expected);
	read_file("targets.secret", text);
	ck_assert_str_eq(text, "pass\n");
	ck_assert_int_eq(stat("targets.secret", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(end(rest), 0);
	ck_assert_ptr_nonnull(strstr(rest, "\nweb: requests 0, logins 0, "));
}
END_TEST

START_TEST(it_says_what_token_is_good)
{
	char rest[OUTPUT_MAX], text[OUTPUT_MAX];

	start("--dialect rest --port-base 0 --print-targets targets --token t0ken");
	next_line();
	ck_assert_str_eq(next_line(), "ready");
	read_file("targets", text);
	ck_assert_ptr_nonnull(strstr(text, "dialect = \"rest\"; ports = { cd = "));
	ck_assert_ptr_nonnull(strstr(text, " transport = \"direct\"; login = { method = \"token\";"
					   " password_file = \""));
	ck_assert_ptr_nonnull(strstr(text, " tls = { mode = \"on\"; verify = \"pin\"; }; }"));
	read_file("targets.secret", text);
	ck_assert_str_eq(text, "t0ken\n");
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(end(rest), 0);
}
END_TEST

/* One line to the control socket, and its answer. */
static const char *
tell(const char *line)
{
	static char answer[OUTPUT_MAX];
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "control" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FILE *f;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(dprintf(fd, "%s\n", line), (int)strlen(line) + 1);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	f = fdopen(fd, "r");
	answer[0] = '\0';
	ck_assert_ptr_nonnull(fgets(answer, sizeof(answer), f));
	answer[strcspn(answer, "\n")] = '\0';
	ck_assert_int_eq(fgetc(f), EOF);
	fclose(f);
	return answer;
}

START_TEST(it_does_what_it_is_told)
{
	char rest[OUTPUT_MAX];

	start("--dialect asp --nodes 2 --same-address --port-base 0 --control control "
	      "--reboot-time 3600");
	next_line(), next_line();
	ck_assert_str_eq(next_line(), "ready");
	ck_assert_ptr_nonnull(strstr(tell("status sim002"), "\"name\":\"sim002\""));
	ck_assert_ptr_nonnull(strstr(tell("status sim002"), "\"down\":false"));
	ck_assert_ptr_nonnull(strstr(tell("status sim002"),
		"{\"slot\":\"sim002/fd\",\"state\":\"free\",\"peer\":\"\",\"image\":\"\","
		"\"disk_type\":null,\"requests\":0}"));
	ck_assert_int_eq(strncmp(tell("status *"), "[{\"name\":\"sim001\"", 17), 0);
	ck_assert_str_eq(tell("status sim003"), "error: no node is called sim003");
	ck_assert_str_eq(tell("kill sim001 cd"), "error: sim001/cd has no session");
	ck_assert_str_eq(tell("disconnect sim001 hd3"), "error: sim001/hd3 has no session");
	ck_assert_int_eq(strncmp(tell("reset sim001 usb"), "error: ", 7), 0);
	ck_assert_str_eq(tell("expire *"), "ok");
	ck_assert_str_eq(tell("host-reset sim[001-002]"), "ok");
	ck_assert_str_eq(tell("renew-cert sim001"), "ok");
	ck_assert_str_eq(tell("ack sim001 4:1"), "ok");
	ck_assert_str_eq(tell("ack sim001 none"), "error: \"none\" is no number from 0 to 255");
	ck_assert_str_eq(tell("reboot sim001"), "ok");
	ck_assert_ptr_nonnull(strstr(tell("status sim001"), "\"down\":true"));
	ck_assert_ptr_nonnull(strstr(tell("status sim002"), "\"down\":false"));
	ck_assert_int_eq(strncmp(tell("dance"), "error: one of: status NODE, reboot NODE", 39), 0);
	ck_assert_int_eq(strncmp(tell("reboot"), "error: one of", 13), 0);
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(end(rest), 0);
	ck_assert_int_ne(access("control", F_OK), 0);
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
	tcase_add_test(tc, asp_decides);
	tcase_add_test(tc, rest_decides);
	tcase_add_test(tc, what_is_given_stands);
	tcase_add_test(tc, every_profile_is_good);
	tcase_add_test(tc, a_password_from_a_file);
	tcase_add_test(tc, a_socket_for_each_device);
	tcase_add_loop_test(
		tc, bad_lines_have_reasons, 0, sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(tc, files_are_written_whole);
	suite_add_tcase(s, tc);

	tc = tcase_create("program");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_says_where_it_listens);
	tcase_add_test(tc, it_says_how_one_logs_in);
	tcase_add_test(tc, it_says_what_token_is_good);
	tcase_add_test(tc, it_does_what_it_is_told);
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
