/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote: a Unix socket on which each line gets one line as its answer. */
#include "bmcsim/remote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmcsim/unix_listener.h"

struct visitor {
	LIST_ENTRY(visitor) entry;
	struct remote *remote;
	struct bufferevent *bev;
	bool is_leaving; /* the end of its lines was seen: hung up on when all is answered */
};

struct remote {
	struct event_base *base;
	char *path; /* removed at the end */
	struct evconnlistener *listener;
	remote_answer *answer;
	void *arg;
	LIST_HEAD(, visitor) visitors;
	unsigned count;
};

static void
hang_up(struct visitor *visitor)
{
	LIST_REMOVE(visitor, entry);
	visitor->remote->count--;
	bufferevent_free(visitor->bev);
	free(visitor);
}

static void
answer_lines(struct visitor *visitor)
{
	struct evbuffer *in = bufferevent_get_input(visitor->bev);
	struct evbuffer *out = bufferevent_get_output(visitor->bev);
	char *line;

	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF))) {
		char *text = visitor->remote->answer(visitor->remote->arg, line);

		evbuffer_add_printf(out, "%s\n", text);
		free(text);
		free(line);
	}
}

static void
read_cb(struct bufferevent *bev, void *arg)
{
	struct visitor *visitor = arg;

	answer_lines(visitor);
	if (evbuffer_get_length(bufferevent_get_input(bev)) > REMOTE_LINE_MAX)
		hang_up(visitor);
}

static void
written_cb(struct bufferevent *bev UNUSED, void *arg)
{
	struct visitor *visitor = arg;

	if (visitor->is_leaving)
		hang_up(visitor);
}

static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct visitor *visitor = arg;

	if (what & BEV_EVENT_EOF)
		answer_lines(visitor);
	visitor->is_leaving = true;
	if (!(what & BEV_EVENT_EOF) || evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		hang_up(visitor);
}

static void
accept_cb(struct evconnlistener *listener UNUSED, evutil_socket_t fd,
	struct sockaddr *address UNUSED, int address_len UNUSED, void *arg)
{
	struct remote *remote = arg;
	struct visitor *visitor;

	if (remote->count == REMOTE_CLIENTS_MAX) {
		evutil_closesocket(fd);
		return;
	}
	evutil_make_socket_nonblocking(fd);
	visitor = mem_new(1, sizeof(*visitor));
	visitor->remote = remote;
	visitor->bev = bufferevent_socket_new(remote->base, fd, BEV_OPT_CLOSE_ON_FREE);
	LIST_INSERT_HEAD(&remote->visitors, visitor, entry);
	remote->count++;
	bufferevent_setcb(visitor->bev, read_cb, written_cb, event_cb, visitor);
	bufferevent_enable(visitor->bev, EV_READ | EV_WRITE);
}

struct remote *
remote_new(struct event_base *base, const char *path, remote_answer *answer, void *arg,
	struct reason *why)
{
	struct remote *remote = mem_new(1, sizeof(*remote));

	remote->base = base;
	remote->answer = answer;
	remote->arg = arg;
	LIST_INIT(&remote->visitors);
	remote->listener = unix_listener_new(base, path, accept_cb, remote, why);
	if (!remote->listener) {
		free(remote);
		return NULL;
	}
	remote->path = mem_strdup(path);
	return remote;
}

void
remote_free(struct remote *remote)
{
	if (!remote)
		return;
	while (!LIST_EMPTY(&remote->visitors))
		hang_up(LIST_FIRST(&remote->visitors));
	evconnlistener_free(remote->listener);
	unlink(remote->path);
	free(remote->path);
	free(remote);
}
