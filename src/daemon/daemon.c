/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon: from the command line to READY, in the order of the layers. */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/human.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/background.h"
#include "daemon/conf.h"
#include "daemon/daemon_private.h"
#include "daemon/methods.h"
#include "daemon/notify.h"
#include "daemon/registry.h"
#include "daemon/state_dir.h"
#include "daemon/store.h"
#include "image/pool.h"

/* --- configuration --- */

/* With no file where we look by default we run on the built-in settings, but say so. */
static const char *
config_path(const struct daemon *daemon)
{
	if (daemon->config != NULL)
		return daemon->config;
	if (access(conf_default_path, F_OK) == 0 || errno != ENOENT)
		return conf_default_path;
	log_msg(LOG_LEVEL_WARNING, "there is no %s: no targets are configured", conf_default_path);
	return "";
}

static void
override(char **setting, const char *value)
{
	if (value == NULL)
		return;
	free(*setting);
	*setting = mem_strdup(value);
}

struct conf *
daemon_load(const struct daemon *daemon, struct strlist *errors)
{
	struct conf *conf = conf_load(config_path(daemon), errors);

	if (conf != NULL) {
		override(&conf->socket, daemon->options->socket);
		override(&conf->state_dir, daemon->options->state_dir);
	}
	return conf;
}

/* --check-config and --print-config */
static int
look_at_config(const struct options *options)
{
	const char *path = options->config != NULL ? options->config : conf_default_path;
	const struct daemon daemon = {
		.options = options,
		.config = (char *)(uintptr_t)path,
	};
	struct strlist errors = { 0 };
	struct conf *conf = daemon_load(&daemon, &errors);
	char targets[HUMAN_SIZE], images[HUMAN_SIZE];

	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.items[i]);
	strlist_fini(&errors);
	if (conf == NULL)
		return EXIT_FAILED;
	if (options->print_config)
		conf_print(conf, stdout);
	else
		printf("%s: configuration is good: %s, %s\n", path,
			human_count(targets, conf->target_count, "target"),
			human_count(images, conf->image_count, "image"));
	conf_free(conf);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "iusbd: cannot write: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* Reads the configuration for the first time. */
static struct conf *
load(struct daemon *daemon)
{
	struct strlist errors = { 0 };
	struct conf *conf = daemon_load(daemon, &errors);

	for (size_t i = 0; i < errors.count; i++)
		log_msg(LOG_LEVEL_ERROR, "%s", errors.items[i]);
	strlist_fini(&errors);
	if (conf == NULL)
		return NULL;
	daemon->socket = mem_strdup(conf->socket);
	daemon->state_dir = mem_strdup(conf->state_dir);
	return conf;
}

/* --- start --- */

static void
libevent_log_cb(int severity, const char *message)
{
	static const enum log_level levels[] = {
		[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
		[EVENT_LOG_MSG] = LOG_LEVEL_INFO,
		[EVENT_LOG_WARN] = LOG_LEVEL_WARNING,
		[EVENT_LOG_ERR] = LOG_LEVEL_ERROR,
	};

	log_msg(levels[severity], "event loop: %s", message);
}

/* A slot takes a connection and an image; a client one more. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static char *
absolute(const char *path)
{
	char *cwd, *joined;

	if (path[0] == '/' || (cwd = getcwd(NULL, 0)) == NULL)
		return mem_strdup(path);
	joined = mem_printf("%s/%s", cwd, path);
	free(cwd);
	return joined;
}

static int
go_to_background(struct daemon *daemon, struct reason *why)
{
	char *socket = absolute(daemon->socket), *state_dir = absolute(daemon->state_dir);

	free(daemon->socket);
	free(daemon->state_dir);
	daemon->socket = socket;
	daemon->state_dir = state_dir;
	daemon->background = background_start(why);
	return daemon->background < 0 ? -1 : 0;
}

/* What must be there before sessions start. */
static int
open_state(struct daemon *daemon, struct reason *why)
{
	daemon->lock = state_dir_lock(daemon->state_dir, why);
	if (daemon->lock < 0)
		return -1;
	daemon->store = store_open(daemon->state_dir, why);
	return daemon->store != NULL ? 0 : -1;
}

/* Takes conf. The socket comes before the sessions: who cannot be controlled does not start. */
static int
start(struct daemon *daemon, struct conf *conf, struct reason *why)
{
	int fd = notify_socket();

	daemon->base = event_base_new();
	if (daemon->base == NULL) {
		(void)reason_set(why, "no event loop: %s", strerror(errno));
		goto error;
	}
	daemon->world.base = daemon->base;
	daemon->world.reload = daemon_reload;
	daemon->world.arg = daemon;
	daemon->methods = methods_new(&daemon->world);
	daemon->server = varlink_server_new(
		daemon->base, daemon->socket, fd, &methods_interface, daemon->methods, why);
	if (daemon->server == NULL)
		goto error;
	daemon->pool = daemon->world.pool = pool_new(daemon->base);
	daemon->registry = daemon->world.registry =
		registry_new(daemon->base, daemon->pool, daemon->store, conf);
	return 0;
error:
	conf_free(conf);
	return -1;
}

static void
give_up(int number)
{
	(void)number;
	_exit(EXIT_FAILED);
}

/* Waits for the worker threads, but not for ever: one may be stuck in an image that does not
 * answer, whose session has long been given up. */
static void
stop_pool(struct pool *pool)
{
	signal(SIGALRM, give_up);
	alarm(DAEMON_STOP_LIMIT);
	pool_free(pool);
	alarm(0);
}

static void
stop(struct daemon *daemon)
{
	varlink_server_free(daemon->server);
	methods_free(daemon->methods);
	registry_free(daemon->registry);
	store_close(daemon->store);
	if (daemon->is_forced)
		_exit(EXIT_FAILED); /* a thread may be stuck in an image */
	if (daemon->pool != NULL)
		stop_pool(daemon->pool);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	if (daemon->lock >= 0)
		close(daemon->lock);
	free(daemon->config);
	free(daemon->socket);
	free(daemon->state_dir);
}

static int
serve(const struct options *options)
{
	struct daemon daemon = {
		.options = options,
		.config = options->config != NULL ? absolute(options->config) : NULL,
		.background = -1,
		.lock = -1,
	};
	struct conf *conf = load(&daemon);
	int status = EXIT_FAILED;
	struct reason why;

	if (conf == NULL)
		goto out;
	if (!options->is_foreground && !notify_is_managed() && go_to_background(&daemon, &why) < 0)
		goto bad;
	raise_limits();
	if (open_state(&daemon, &why) < 0)
		goto bad;
	if (start(&daemon, conf, &why) < 0) {
		conf = NULL;
		goto bad;
	}
	conf = NULL;
	daemon_run(&daemon);
	status = EXIT_DONE;
	goto out;
bad:
	log_msg(LOG_LEVEL_ERROR, "%s", why.text);
	conf_free(conf);
out:
	stop(&daemon);
	return status;
}

int
daemon_main(int argc, char **argv)
{
	struct options options;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
	case OPTIONS_BAD:
		return EXIT_USAGE;
	}
	log_init("iusbd");
	log_set_level(options.log_level);
	event_set_log_callback(libevent_log_cb);
	umask(0027);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes fails the write, as a full disk does */
	if (options.check_config || options.print_config)
		return look_at_config(&options);
	return serve(&options);
}
