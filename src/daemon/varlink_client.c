/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink_client: one client's messages: framing, dispatch, answers, and its end. */
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "daemon/varlink_private.h"

enum {
	CALLS_PER_TURN = 16,        /* then the loop sees to others */
	OUTPUT_ENOUGH = 256 * 1024, /* bytes: no further call before the client has taken them */
};

struct varlink_call {
	struct varlink_client *client;
	bool is_oneway, is_more;
	void (*gone)(void *arg);
	void *gone_arg;
};

static const struct timeval at_once = { 0 };
static const struct timeval hangup_interval = { .tv_sec = 1 };

static void
wake(struct varlink_client *client)
{
	event_add(client->wake, &at_once);
}

/* Ends a client from the loop: whoever is up the stack may still use it. */
static void
doom(struct varlink_client *client, const char *reason)
{
	if (client->is_doomed)
		return;
	client->is_doomed = true;
	bufferevent_disable(client->bev, EV_READ | EV_WRITE);
	if (reason != NULL)
		log_msg(LOG_LEVEL_WARNING, "control: client of uid %u (pid %d) dropped: %s",
			(unsigned)client->uid, (int)client->pid, reason);
	wake(client);
}

/* --- answers --- */

static void
send_message(struct varlink_client *client, json_t *message)
{
	struct evbuffer *output = bufferevent_get_output(client->bev);
	char *text;

	if (client->is_doomed)
		return;
	if (evbuffer_get_length(output) > VARLINK_OUTPUT_MAX) {
		doom(client, "it does not take its answers");
		return;
	}
	text = json_dumps(message, JSON_COMPACT);
	if (text == NULL || evbuffer_add(output, text, strlen(text) + 1) < 0)
		doom(client, "an answer could not be made");
	free(text);
}

/* Takes parameters. */
static void
send_answer(struct varlink_call *call, const char *error, json_t *parameters, bool is_continued)
{
	json_t *message = json_object();

	if (parameters == NULL)
		parameters = json_object();
	if (error != NULL)
		json_object_set_new(message, "error", json_string(error));
	json_object_set_new(message, "parameters", parameters);
	if (is_continued)
		json_object_set_new(message, "continues", json_true());
	if (!call->is_oneway)
		send_message(call->client, message);
	json_decref(message);
}

static void
finish(struct varlink_call *call)
{
	struct varlink_client *client = call->client;

	event_del(client->hangup);
	client->call = NULL;
	free(call);
	if (!client->is_reading)
		wake(client);
}

void
varlink_reply(struct varlink_call *call, json_t *parameters)
{
	send_answer(call, NULL, parameters, false);
	finish(call);
}

void
varlink_reply_continue(struct varlink_call *call, json_t *parameters)
{
	assert(call->is_more);
	send_answer(call, NULL, parameters, true);
}

void
varlink_error(struct varlink_call *call, const char *error, json_t *parameters)
{
	send_answer(call, error, parameters, false);
	finish(call);
}

void
varlink_invalid(struct varlink_call *call, const char *parameter)
{
	varlink_error(call, "org.varlink.service.InvalidParameter",
		json_pack("{s:s}", "parameter", parameter));
}

bool
varlink_wants_more(const struct varlink_call *call)
{
	return call->is_more;
}

uid_t
varlink_uid(const struct varlink_call *call)
{
	return call->client->uid;
}

void
varlink_on_gone(struct varlink_call *call, void (*gone)(void *arg), void *arg)
{
	call->gone = gone;
	call->gone_arg = arg;
}

/* --- calls --- */

/* The server's interface that a method belongs to, or -1. */
static int
find_interface(const struct varlink_server *server, const char *method)
{
	const char *dot = strrchr(method, '.');
	size_t len = dot != NULL ? (size_t)(dot - method) : 0;

	for (int i = 0; i < VARLINK_INTERFACES; i++) {
		const char *name = server->interfaces[i].interface->name;

		if (strlen(name) == len && memcmp(name, method, len) == 0)
			return i;
	}
	return -1;
}

static const struct varlink_method *
find_method(const struct varlink_interface *interface, const char *name)
{
	for (size_t i = 0; i < interface->method_count; i++)
		if (strcmp(interface->methods[i].name, name) == 0)
			return &interface->methods[i];
	return NULL;
}

static void
refuse_interface(struct varlink_call *call, const char *method)
{
	const char *dot = strrchr(method, '.');
	int len = dot != NULL ? (int)(dot - method) : 0;

	varlink_error(call, "org.varlink.service.InterfaceNotFound",
		json_pack("{s:s%}", "interface", method, (size_t)len));
}

static void
refuse_role(struct varlink_call *call, const struct varlink_interface *interface,
	const struct varlink_method *method)
{
	const struct varlink_client *client = call->client;
	const char *verb = strrchr(method->name, '.') + 1;
	char *error = mem_printf("%s.NotAllowed", interface->name);
	char *reason;

	if (method->role == VARLINK_ROLE_CHANGE)
		reason = mem_printf("uid %u may not use %s: that takes root or group %s",
			(unsigned)client->uid, verb, PEER_GROUP_CHANGE);
	else
		reason = mem_printf("uid %u may not use %s: that takes root or group %s or %s",
			(unsigned)client->uid, verb, PEER_GROUP_CHANGE, PEER_GROUP_VIEW);
	varlink_error(call, error, json_pack("{s:s}", "reason", reason));
	free(reason);
	free(error);
}

static void
run_call(struct varlink_call *call, const char *name, json_t *parameters)
{
	struct varlink_client *client = call->client;
	int i = find_interface(client->server, name);
	const struct varlink_interface *interface;
	const struct varlink_method *method;

	log_msg(LOG_LEVEL_DEBUG, "control: uid %u (pid %d) calls %s", (unsigned)client->uid,
		(int)client->pid, name);
	if (i < 0) {
		refuse_interface(call, name);
		return;
	}
	interface = client->server->interfaces[i].interface;
	method = find_method(interface, name);
	if (method == NULL)
		varlink_error(call, "org.varlink.service.MethodNotFound",
			json_pack("{s:s}", "method", name));
	else if (client->role < method->role)
		refuse_role(call, interface, method);
	else
		method->run(client->server->interfaces[i].context, call, parameters);
}

/* Returns false if the message is no call. */
static bool
start_call(struct varlink_client *client, json_t *message)
{
	const char *name = json_string_value(json_object_get(message, "method"));
	json_t *parameters = json_object_get(message, "parameters");
	struct varlink_call *call;

	if (name == NULL)
		return false;
	call = mem_new(1, sizeof(*call));
	call->client = client;
	call->is_oneway = json_is_true(json_object_get(message, "oneway"));
	call->is_more = json_is_true(json_object_get(message, "more"));
	client->call = call;
	if (parameters == NULL || json_is_null(parameters))
		parameters = json_object();
	else
		json_incref(parameters);
	if (json_is_object(parameters))
		run_call(call, name, parameters);
	else
		varlink_invalid(call, "parameters");
	json_decref(parameters);
	return true;
}

/* Takes one message out of the input; NULL if there is none, or it is bad and the client ends. */
static json_t *
next_message(struct varlink_client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);
	size_t len = evbuffer_get_length(input);
	struct evbuffer_ptr from, end;
	json_t *message;

	if (client->scanned == len)
		return NULL;
	evbuffer_ptr_set(input, &from, client->scanned, EVBUFFER_PTR_SET);
	end = evbuffer_search(input, "", 1, &from);
	if (end.pos < 0) {
		client->scanned = len;
		if (len > VARLINK_MESSAGE_MAX)
			doom(client, "its message is too long");
		return NULL;
	}
	client->scanned = 0;
	len = (size_t)end.pos;
	message = len > VARLINK_MESSAGE_MAX
			  ? NULL
			  : json_loadb((const char *)evbuffer_pullup(input, end.pos + 1), len,
				    JSON_REJECT_DUPLICATES, NULL);
	evbuffer_drain(input, len + 1);
	if (message == NULL)
		doom(client, len > VARLINK_MESSAGE_MAX ? "its message is too long"
						       : "its message is no JSON");
	return message;
}

static size_t
output_length(const struct varlink_client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev));
}

static bool
is_ready(const struct varlink_client *client)
{
	return !client->is_doomed && client->call == NULL && output_length(client) < OUTPUT_ENOUGH;
}

/* Returns true if there may be more to do at once. */
static bool
read_turn(struct varlink_client *client)
{
	for (int turn = 0; turn < CALLS_PER_TURN; turn++) {
		json_t *message = is_ready(client) ? next_message(client) : NULL;

		if (message == NULL)
			return false;
		if (!start_call(client, message))
			doom(client, "its message is no call");
		json_decref(message);
	}
	return true;
}

/* Reads on unless more than a whole message waits for its turn. (A high watermark would do, but
 * libevent 2.1 calls back without end while the buffer is full.) */
static void
adjust_reading(struct varlink_client *client)
{
	size_t len = evbuffer_get_length(bufferevent_get_input(client->bev));

	if (!client->is_ended && len <= VARLINK_MESSAGE_MAX) {
		bufferevent_enable(client->bev, EV_READ);
		return;
	}
	bufferevent_disable(client->bev, EV_READ);
	/* Nobody tells us now if it goes. */
	if (client->call != NULL)
		event_add(client->hangup, &hangup_interval);
}

/* Runs the calls that have arrived, until one is not answered at once. */
static void
read_calls(struct varlink_client *client)
{
	bool is_more;

	client->is_reading = true;
	is_more = read_turn(client);
	client->is_reading = false;
	if (client->is_doomed)
		return;
	if (!is_more && client->is_ended && client->call == NULL && output_length(client) == 0) {
		doom(client, NULL); /* answered to the end */
		return;
	}
	adjust_reading(client);
	if (is_more)
		wake(client);
}

/* --- events --- */

static void
input_cb(struct bufferevent *bev, void *arg)
{
	(void)bev;
	read_calls(arg);
}

static void
output_cb(struct bufferevent *bev, void *arg)
{
	(void)bev;
	read_calls(arg);
}

static void
wake_cb(evutil_socket_t fd, short events, void *arg)
{
	struct varlink_client *client = arg;

	(void)fd, (void)events;
	if (client->is_doomed)
		varlink_client_free(client);
	else
		read_calls(client);
}

/* Has the client gone altogether, or does it only send nothing any more? */
static bool
has_hung_up(const struct varlink_client *client)
{
	struct pollfd pollfd = { .fd = bufferevent_getfd(client->bev) };

	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & (POLLHUP | POLLERR)) != 0;
}

/* With nothing to read or to write, the loop does not tell of a hang-up. */
static void
hangup_cb(evutil_socket_t fd, short events, void *arg)
{
	struct varlink_client *client = arg;

	(void)fd, (void)events;
	if (has_hung_up(client))
		doom(client, NULL);
	else
		event_add(client->hangup, &hangup_interval);
}

static void
event_cb(struct bufferevent *bev, short events, void *arg)
{
	struct varlink_client *client = arg;

	(void)bev;
	if ((events & BEV_EVENT_TIMEOUT) != 0) {
		doom(client, "it does not take its answers");
		return;
	}
	if ((events & BEV_EVENT_EOF) == 0 || (client->call != NULL && has_hung_up(client))) {
		doom(client, NULL);
		return;
	}
	client->is_ended = true;
	wake(client);
}

void
varlink_client_new(struct varlink_server *server, int fd, const struct peer *peer)
{
	static const struct timeval output_timeout = { .tv_sec = VARLINK_OUTPUT_TIMEOUT };
	struct varlink_client *client = mem_new(1, sizeof(*client));

	client->server = server;
	client->role = peer_role(peer, &server->rules);
	client->uid = peer->uid;
	client->pid = peer->pid;
	client->wake = evtimer_new(server->base, wake_cb, client);
	client->hangup = evtimer_new(server->base, hangup_cb, client);
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->bev, input_cb, output_cb, event_cb, client);
	bufferevent_set_timeouts(client->bev, NULL, &output_timeout);
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	server->client_count++;
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

void
varlink_client_free(struct varlink_client *client)
{
	struct varlink_call *call = client->call;

	TAILQ_REMOVE(&client->server->clients, client, link);
	varlink_client_left(client->server);
	event_free(client->wake);
	event_free(client->hangup);
	bufferevent_free(client->bev);
	if (call != NULL && call->gone != NULL)
		call->gone(call->gone_arg);
	free(call);
	free(client);
}
