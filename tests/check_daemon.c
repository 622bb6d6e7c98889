/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_daemon: iusbd as a process: command line, start, service manager, signals, end. */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf.h"
#include "daemon/options.h"
#include "daemon/state_dir.h"
#include "unit.h"

enum {
	PATIENCE = 60 * 1000, /* ms; nothing that works comes near it */
};

static char dir[64];

/* dir/name; in one of a few static buffers. */
static const char *
path(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *text = paths[next++ % 8];

	snprintf(text, sizeof(paths[0]), "%s/%s", dir, name);
	return text;
}

static void write_file(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);
static pid_t start(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
write_file(const char *name, const char *fmt, ...)
{
	FILE *file = fopen(path(name), "w");
	va_list ap;

	ck_assert_ptr_nonnull(file);
	va_start(ap, fmt);
	vfprintf(file, fmt, ap);
	va_end(ap);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *
read_file(const char *name)
{
	static char texts[4][4096];
	static unsigned next;
	char *text = texts[next++ % 4];
	FILE *file = fopen(path(name), "r");
	size_t n = 0;

	if (file != NULL) {
		n = fread(text, 1, sizeof(texts[0]) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

static void
write_conf(const char *targets)
{
	write_file("iusbd.conf", "socket = \"%s/run/socket\";\nstate_dir = \"%s/state\";\n%s\n",
		dir, dir, targets);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/iusbd-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_conf(
		"targets = ( { name = \"a\"; address = \"127.0.0.1\"; dialect = \"legacy\"; } );");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("JOURNAL_STREAM");
	unsetenv("WATCHDOG_USEC");
}

static int
remove_cb(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(file);
}

static void
teardown(void)
{
	nftw(dir, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- options --- */

static const struct {
	const char *line;
	enum options_result result;
	const char *config, *socket, *state_dir;
	bool is_foreground, check_config, print_config;
	enum log_level level;
} option_cases[] = {
	{ "", OPTIONS_RUN, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "-c a.conf", OPTIONS_RUN, "a.conf", NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "-ca.conf --foreground", OPTIONS_RUN, "a.conf", NULL, NULL, true, false, false,
		LOG_LEVEL_INFO },
	{ "--config=b --socket=/s --state-dir=/d --log-level=debug", OPTIONS_RUN, "b", "/s", "/d",
		false, false, false, LOG_LEVEL_DEBUG },
	{ "--socket /s --state-dir /d --log-level error", OPTIONS_RUN, NULL, "/s", "/d", false,
		false, false, LOG_LEVEL_ERROR },
	{ "--check-config --print-config", OPTIONS_RUN, NULL, NULL, NULL, false, true, true,
		LOG_LEVEL_INFO },
	{ "--version", OPTIONS_DONE, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "--help", OPTIONS_DONE, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "--bogus", OPTIONS_BAD, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "-x", OPTIONS_BAD, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "-c", OPTIONS_BAD, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "extra", OPTIONS_BAD, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "--socket=", OPTIONS_BAD, NULL, "", NULL, false, false, false, LOG_LEVEL_INFO },
	{ "--state-dir=", OPTIONS_BAD, NULL, NULL, "", false, false, false, LOG_LEVEL_INFO },
	{ "--config=", OPTIONS_BAD, "", NULL, NULL, false, false, false, LOG_LEVEL_INFO },
	{ "--foreground=yes", OPTIONS_BAD, NULL, NULL, NULL, false, false, false, LOG_LEVEL_INFO },
};

static int
split(char *line, char **argv)
{
	static char name[] = "iusbd";
	char *save;
	int argc = 0;

	argv[argc++] = name;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

/* What it prints is not the test's. */
static enum options_result
parse_quietly(struct options *options, int argc, char **argv)
{
	int null = open("/dev/null", O_WRONLY), out, err;
	enum options_result result;

	fflush(NULL);
	out = dup(STDOUT_FILENO);
	err = dup(STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	optind = 0;
	result = options_parse(options, argc, argv);
	fflush(NULL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(null);
	close(out);
	close(err);
	return result;
}

START_TEST(parses_options)
{
	struct options options;
	char line[256], *argv[16];
	int argc;

	snprintf(line, sizeof(line), "%s", option_cases[_i].line);
	argc = split(line, argv);
	ck_assert_int_eq(parse_quietly(&options, argc, argv), option_cases[_i].result);
	ck_assert_pstr_eq(options.config, option_cases[_i].config);
	ck_assert_pstr_eq(options.socket, option_cases[_i].socket);
	ck_assert_pstr_eq(options.state_dir, option_cases[_i].state_dir);
	ck_assert_int_eq(options.is_foreground, option_cases[_i].is_foreground);
	ck_assert_int_eq(options.check_config, option_cases[_i].check_config);
	ck_assert_int_eq(options.print_config, option_cases[_i].print_config);
	ck_assert_int_eq(options.log_level, option_cases[_i].level);
}
END_TEST

/* --- the state directory --- */

START_TEST(locks_the_state_directory)
{
	struct reason why = { 0 };
	char text[256];
	int first = state_dir_lock(path("new"), &why), second;
	struct stat st;

	ck_assert_msg(first >= 0, "%s", why.text);
	ck_assert_int_eq(stat(path("new"), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0027, 0);
	second = state_dir_lock(path("new"), &why);
	ck_assert_int_eq(second, -1);
	snprintf(text, sizeof(text), "another iusbd uses state_dir %s: process %d", path("new"),
		(int)getpid());
	ck_assert_str_eq(why.text, text);
	close(first);
	second = state_dir_lock(path("new"), &why);
	ck_assert_int_ge(second, 0);
	close(second);
}
END_TEST

START_TEST(explains_a_bad_state_directory)
{
	struct reason why = { 0 };

	ck_assert_int_eq(state_dir_lock(path("no/such"), &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "the directory above it is missing"));
	ck_assert_int_eq(state_dir_lock(path("iusbd.conf"), &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "is no directory"));
	ck_assert_int_eq(mkdir(path("taken"), 0700), 0);
	ck_assert_int_eq(mkdir(path("taken/lock"), 0700), 0);
	ck_assert_int_eq(state_dir_lock(path("taken"), &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "taken/lock"));
}
END_TEST

/* --- processes --- */

/* Runs iusbd with these options; its standard output and error go to files. */
static pid_t
start(const char *fmt, ...)
{
	char line[512], *argv[16];
	va_list ap;
	pid_t child;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child > 0)
		return child;
	if (freopen(path("out"), "w", stdout) == NULL || freopen(path("err"), "w", stderr) == NULL)
		_exit(99);
	setvbuf(stderr, NULL, _IONBF, 0);
	optind = 0;
	if (getenv("LISTEN_FDS") != NULL) {
		char pid[32];

		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
	}
	_exit(daemon_main(split(line, argv), argv));
}

static int
wait_exit(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int
run(const char *options)
{
	return wait_exit(start("-c %s %s", path("iusbd.conf"), options));
}

static int
connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path(name));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One call, blocking. */
static const char *
ask(const char *name, const char *message)
{
	static char answer[4096];
	int fd = connect_to(name);
	size_t len = 0;

	ck_assert_msg(fd >= 0, "cannot connect: %s", strerror(errno));
	ck_assert_int_eq(write(fd, message, strlen(message) + 1), (ssize_t)strlen(message) + 1);
	do {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		ck_assert_int_eq(poll(&pollfd, 1, PATIENCE), 1);
		n = read(fd, answer + len, sizeof(answer) - len);
		ck_assert_int_gt(n, 0);
		len += (size_t)n;
	} while (answer[len - 1] != '\0');
	close(fd);
	return answer;
}

static const char version[] = "{\"method\":\"org.iusbd.Version\"}";

START_TEST(checks_the_configuration)
{
	char text[256];

	ck_assert_int_eq(run("--check-config"), 0);
	snprintf(text, sizeof(text), "%s: configuration is good: 1 target, 0 images\n",
		path("iusbd.conf"));
	ck_assert_str_eq(read_file("out"), text);
	ck_assert_str_eq(read_file("err"), "");
	write_conf("targets = ( { name = \"a\"; } );\nbogus = 1;");
	ck_assert_int_eq(run("--check-config"), 1);
	ck_assert_str_eq(read_file("out"), "");
	ck_assert_ptr_nonnull(strstr(read_file("err"), "iusbd.conf:4: "));
	ck_assert_int_eq(wait_exit(start("--check-config -c %s", path("none.conf"))), 1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "none.conf"));
	ck_assert_int_eq(run("--bogus"), 2);
}
END_TEST

/* With what the command line says instead; and it can be read again. */
START_TEST(prints_the_configuration)
{
	ck_assert_int_eq(run("--print-config --socket=/other/socket"), 0);
	ck_assert_ptr_nonnull(strstr(read_file("out"), "socket = \"/other/socket\";"));
	ck_assert_ptr_nonnull(strstr(read_file("out"), "name = \"a\";"));
	ck_assert_int_eq(rename(path("out"), path("iusbd.conf")), 0);
	ck_assert_int_eq(run("--check-config"), 0);
}
END_TEST

START_TEST(does_not_start_with_errors)
{
	write_conf("bogus = 1;");
	ck_assert_int_eq(run(""), 1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "iusbd.conf:3: "));
	write_conf("");
	ck_assert_int_eq(run("--state-dir=/nonexistent/a/b"), 1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "/nonexistent/a/b"));
	ck_assert_int_eq(run("--foreground --socket=/nonexistent/a/b"), 1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "/nonexistent/a/b"));
	ck_assert_int_eq(access(path("run/socket"), F_OK), -1);
}
END_TEST

/* It waits until it is ready, and then leaves a daemon behind. */
START_TEST(goes_to_the_background)
{
	pid_t daemon;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* it will be our child */
	ck_assert_int_eq(run(""), 0);
	daemon = atoi(read_file("state/lock"));
	ck_assert_int_gt(daemon, 0);
	ck_assert_int_ne(daemon, getpid());
	ck_assert_ptr_nonnull(strstr(ask("run/socket", version), "\"version\""));
	ck_assert_ptr_nonnull(strstr(read_file("err"), "ready"));
	/* Another one finds it there. */
	ck_assert_int_eq(run("--socket=/tmp/iusbd-unused"), 1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "another iusbd uses state_dir"));
	ck_assert_int_eq(kill(daemon, SIGTERM), 0);
	ck_assert_int_eq(wait_exit(daemon), 0);
	ck_assert_int_eq(access(path("run/socket"), F_OK), -1);
}
END_TEST

#ifdef HAVE_SYSTEMD

static int notify = -1;
static char notified[4096]; /* everything that came, a line each */

/* The service manager's end. */
static void
open_notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path("notify"));
	ck_assert_int_eq(bind(notify, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path("notify"), 1);
	notified[0] = '\0';
}

/* Waits for a message with that line, forgetting what was before it. */
static void
wait_notify(const char *line)
{
	while (strstr(notified, line) == NULL) {
		struct pollfd pollfd = { .fd = notify, .events = POLLIN };
		size_t len = strlen(notified);
		ssize_t n;

		ck_assert_msg(poll(&pollfd, 1, PATIENCE) == 1, "no %s", line);
		ck_assert_uint_lt(len, sizeof(notified) - 1024);
		n = recv(notify, notified + len, 1000, 0);
		ck_assert_int_gt(n, 0);
		strcpy(notified + len + n, "\n");
	}
	memmove(notified, strstr(notified, line) + strlen(line),
		strlen(strstr(notified, line) + strlen(line)) + 1);
}

START_TEST(tells_the_service_manager)
{
	pid_t child;

	open_notify();
	child = start("-c %s", path("iusbd.conf"));
	wait_notify("READY=1");
	wait_notify("STATUS=1 target, 0 slots attached, 0 serving");
	ck_assert_ptr_nonnull(strstr(ask("run/socket", version), "\"version\""));
	ck_assert_int_eq(kill(child, SIGHUP), 0);
	wait_notify("RELOADING=1\nMONOTONIC_USEC=");
	wait_notify("READY=1");
	write_conf("targets = ();");
	ck_assert_int_eq(kill(child, SIGHUP), 0);
	wait_notify("RELOADING=1");
	wait_notify("READY=1");
	wait_notify("STATUS=0 targets, ");
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	wait_notify("STOPPING=1");
	ck_assert_int_eq(wait_exit(child), 0);
	ck_assert_int_eq(access(path("run/socket"), F_OK), -1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "1 removed"));
}
END_TEST

START_TEST(survives_a_bad_reload)
{
	pid_t child;

	open_notify();
	child = start("-c %s --log-level=warning", path("iusbd.conf"));
	wait_notify("READY=1");
	write_conf("bogus = 1;");
	ck_assert_ptr_nonnull(strstr(
		ask("run/socket", "{\"method\":\"org.iusbd.Reload\"}"), "org.iusbd.BadConfig"));
	ck_assert_int_eq(kill(child, SIGHUP), 0);
	wait_notify("RELOADING=1"); /* of the call */
	wait_notify("RELOADING=1"); /* of the signal */
	wait_notify("READY=1");
	ck_assert_ptr_nonnull(
		strstr(ask("run/socket", "{\"method\":\"org.iusbd.Targets\"}"), "\"127.0.0.1\""));
	/* The socket's place does not change while it runs. */
	write_file("iusbd.conf", "socket = \"/elsewhere\"; state_dir = \"/nowhere\";");
	ck_assert_ptr_nonnull(strstr(
		ask("run/socket", "{\"method\":\"org.iusbd.Reload\"}"), "\"removed\":[\"a\"]"));
	ck_assert_int_eq(kill(child, SIGINT), 0);
	ck_assert_int_eq(wait_exit(child), 0);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "iusbd.conf:3: "));
	ck_assert_ptr_nonnull(strstr(read_file("err"), "nothing has changed"));
	ck_assert_ptr_nonnull(strstr(read_file("err"), "socket is /elsewhere now"));
	ck_assert_ptr_nonnull(strstr(read_file("err"), "state_dir is /nowhere now"));
}
END_TEST

/* The socket, and a descriptor that is none. */
START_TEST(takes_the_socket_that_is_passed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = open("/dev/null", O_RDONLY);
	pid_t child;

	strcpy(address.sun_path, path("passed"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	open_notify();
	/* Out of the way first: they may be 3 and 4 themselves. */
	fd = fcntl(fd, F_DUPFD, 100);
	other = fcntl(other, F_DUPFD, 100);
	notify = fcntl(notify, F_DUPFD_CLOEXEC, 100);
	ck_assert_int_eq(dup2(other, 3), 3);
	ck_assert_int_eq(dup2(fd, 4), 4);
	setenv("LISTEN_FDS", "2", 1);
	child = start("-c %s", path("iusbd.conf"));
	wait_notify("READY=1");
	ck_assert_ptr_nonnull(strstr(ask("passed", version), "\"version\""));
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(wait_exit(child), 0);
	ck_assert_int_eq(access(path("passed"), F_OK), 0); /* the service manager's */
	ck_assert_int_eq(access(path("run/socket"), F_OK), -1);
	ck_assert_ptr_nonnull(strstr(read_file("err"), "descriptor 3"));
}
END_TEST

START_TEST(feeds_the_watchdog)
{
	pid_t child;

	open_notify();
	setenv("WATCHDOG_USEC", "200000", 1);
	child = start("-c %s", path("iusbd.conf"));
	wait_notify("READY=1");
	wait_notify("WATCHDOG=1");
	wait_notify("WATCHDOG=1");
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(wait_exit(child), 0);
}
END_TEST

#endif

static Suite *
daemon_suite(void)
{
	Suite *suite = suite_create("daemon");
	TCase *tc = tcase_create("daemon");

	tcase_set_timeout(tc, 180);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, parses_options, 0, (int)ARRAY_SIZE(option_cases));
	tcase_add_test(tc, locks_the_state_directory);
	tcase_add_test(tc, explains_a_bad_state_directory);
	tcase_add_test(tc, checks_the_configuration);
	tcase_add_test(tc, prints_the_configuration);
	tcase_add_test(tc, does_not_start_with_errors);
	tcase_add_test(tc, goes_to_the_background);
#ifdef HAVE_SYSTEMD
	tcase_add_test(tc, tells_the_service_manager);
	tcase_add_test(tc, survives_a_bad_reload);
	tcase_add_test(tc, takes_the_socket_that_is_passed);
	tcase_add_test(tc, feeds_the_watchdog);
#endif
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(daemon_suite());
}
