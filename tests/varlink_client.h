/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink_client: a client on the test's own event loop, and the answers that it has got. */
#ifndef TESTS_VARLINK_CLIENT_H
#define TESTS_VARLINK_CLIENT_H

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "loop.h"

struct varlink_test_client {
	struct event_base *base;
	struct bufferevent *bev;
	json_t *answers; /* array */
	bool is_closed;  /* by the server */
};

static inline void
test_client_input_cb(struct bufferevent *bev, void *arg)
{
	struct varlink_test_client *client = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	struct evbuffer_ptr end;

	while ((end = evbuffer_search(input, "", 1, NULL)).pos >= 0) {
		json_t *answer = json_loadb(
			(char *)evbuffer_pullup(input, end.pos + 1), (size_t)end.pos, 0, NULL);

		ck_assert_ptr_nonnull(answer);
		json_array_append_new(client->answers, answer);
		evbuffer_drain(input, (size_t)end.pos + 1);
	}
}

static inline void
test_client_event_cb(struct bufferevent *bev, short events, void *arg)
{
	struct varlink_test_client *client = arg;

	(void)bev;
	if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		client->is_closed = true;
}

static inline void
test_client_open(struct varlink_test_client *client, struct event_base *base, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	evutil_make_socket_nonblocking(fd);
	client->base = base;
	client->answers = json_array();
	client->is_closed = false;
	client->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->bev, test_client_input_cb, NULL, test_client_event_cb, client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

static inline void
test_client_close(struct varlink_test_client *client)
{
	if (client->bev != NULL)
		bufferevent_free(client->bev);
	client->bev = NULL;
	json_decref(client->answers);
	client->answers = NULL;
}

static inline void
test_client_send(struct varlink_test_client *client, const void *bytes, size_t len)
{
	bufferevent_write(client->bev, bytes, len);
}

/* A message, its NUL included. */
static inline void
test_client_say(struct varlink_test_client *client, const char *text)
{
	test_client_send(client, text, strlen(text) + 1);
}

static inline size_t
test_client_count(const struct varlink_test_client *client)
{
	return json_array_size(client->answers);
}

static inline json_t *
test_client_answer(const struct varlink_test_client *client, size_t i)
{
	return json_array_get(client->answers, i);
}

/* Answer i, as soon as it is there, as compact text with sorted keys. In static buffers. */
static inline const char *
test_client_text(struct varlink_test_client *client, size_t i)
{
	static char *texts[4];
	static unsigned next;
	char **text = &texts[next++ % 4];

	LOOP_UNTIL(client->base, test_client_count(client) > i);
	free(*text);
	*text = json_dumps(test_client_answer(client, i), JSON_COMPACT | JSON_SORT_KEYS);
	return *text;
}

/* Sends a call with JSON parameters and returns its last answer, which the client owns. */
static inline json_t *
test_client_call(struct varlink_test_client *client, const char *method, const char *parameters)
{
	size_t count = test_client_count(client);
	char message[2048];

	snprintf(message, sizeof(message), "{\"method\":\"%s\",\"parameters\":%s}", method,
		parameters);
	test_client_say(client, message);
	LOOP_UNTIL(client->base, test_client_count(client) > count || client->is_closed);
	ck_assert(!client->is_closed);
	return test_client_answer(client, count);
}

/* The error of an answer, "" if it is none. */
static inline const char *
test_error(const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	return error != NULL ? error : "";
}

/* A parameter of an answer. */
static inline json_t *
test_parameter(const json_t *answer, const char *name)
{
	return json_object_get(json_object_get(answer, "parameters"), name);
}

#endif
