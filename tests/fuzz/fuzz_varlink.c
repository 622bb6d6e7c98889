/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_varlink: any bytes from a client of the control socket: every answer is Varlink, and the
 * server ends the client when all is answered. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/conf.h"
#include "daemon/methods.h"
#include "daemon/registry.h"
#include "image/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct methods_world world;
static struct methods *methods;
static struct varlink_server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* Targets, and no image that could be attached to one. */
static const char configuration[] =
	"targets = ( { name = \"node[1-3]\"; address = \"127.0.0.[1-3]\"; dialect = \"legacy\";"
	" labels = { rack = \"r1\"; }; } );\n";

static int
reload(void *arg, struct strlist *added, struct strlist *changed, struct strlist *removed,
	struct strlist *errors)
{
	(void)arg, (void)added, (void)changed, (void)removed;
	strlist_add(errors, "not here");
	return -1;
}

static struct conf *
load(void)
{
	char path[] = "/tmp/iusbd-fuzz-XXXXXX";
	struct strlist errors = { 0 };
	int fd = mkstemp(path);
	struct conf *conf;

	assert(fd >= 0 && write(fd, configuration, sizeof(configuration) - 1) > 0);
	close(fd);
	conf = conf_load(path, &errors);
	assert(conf != NULL);
	unlink(path);
	return conf;
}

static void
stop(void)
{
	varlink_server_free(server);
	methods_free(methods);
	registry_free(world.registry);
	pool_free(world.pool);
	event_base_free(base);
}

static void
start(void)
{
	struct reason why;

	signal(SIGPIPE, SIG_IGN);
	log_init("fuzz");
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	world.base = base;
	world.pool = pool_new(base);
	world.registry = registry_new(base, world.pool, NULL, load());
	world.reload = reload;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/iusbd-fuzz-%d.socket",
		(int)getpid());
	methods = methods_new(&world);
	server = varlink_server_new(base, address.sun_path, -1, &methods_interface, methods, &why);
	assert(server != NULL);
	atexit(stop);
}

static int
connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(fd >= 0);
	assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void
check_answers(const char *text, size_t len)
{
	while (len > 0) {
		size_t n = strnlen(text, len);
		json_t *answer;

		assert(n < len);
		answer = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
		assert(json_is_object(json_object_get(answer, "parameters")));
		json_decref(answer);
		text += n + 1;
		len -= n + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answers[1 << 22];
	size_t len = 0, sent = 0;
	int fd;

	if (base == NULL)
		start();
	fd = connect_client();
	for (;;) {
		ssize_t n;

		if (sent < size && (n = send(fd, data + sent, size - sent, 0)) > 0)
			sent += (size_t)n;
		if (sent == size)
			shutdown(fd, SHUT_WR);
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, answers + len, sizeof(answers) - len, 0);
		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	check_answers(answers, len);
	close(fd);
	return 0;
}
