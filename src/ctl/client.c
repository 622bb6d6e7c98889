/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: one blocking Varlink connection over a Unix socket: NUL-terminated JSON, one call at a
 * time, each with a deadline. Trusts nothing in the answers.
 */
#include "ctl/client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "ctl/field.h"
#include "ctl/interrupt.h"

enum {
	CHUNK = 64 * 1024, /* bytes asked for at once */
};

static const double tick = 0.2; /* seconds between two calls of on_tick */

struct client {
	int fd;
	char *buffer; /* what was received and not yet used: size bytes of room */
	size_t size, used;
};

struct wait {                   /* how long one call may take */
	double start, deadline; /* CLOCK_MONOTONIC, seconds */
	const struct client_request *request;
};

static double
monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whose permission is missing, and how to get it. */
static void
explain_permission(const char *path, struct reason *why)
{
	struct stat st;
	const struct group *group;

	if (stat(path, &st) != 0) {
		reason_set(why, "not allowed: %s: %s", path, strerror(errno));
		return;
	}
	group = getgrgid(st.st_gid);
	if (group == NULL || st.st_gid == 0 || (st.st_mode & S_IWGRP) == 0)
		reason_set(why, "not allowed: the socket %s belongs to user %u; ask as root", path,
			(unsigned)st.st_uid);
	else
		reason_set(why,
			"not allowed: the socket %s belongs to group %s; add yourself to it "
			"(usermod -aG %s USER) and log in again",
			path, group->gr_name, group->gr_name);
}

static enum client_status
explain_connect(const char *path, int error, struct reason *why)
{
	switch (error) {
	case EACCES:
	case EPERM:
		explain_permission(path, why);
		return CLIENT_NOT_ALLOWED;
	case ENOENT:
	case ENOTDIR:
		reason_set(why,
			"iusbd is not running (no socket at %s); start it: systemctl start iusbd",
			path);
		break;
	case ECONNREFUSED:
		reason_set(why,
			"iusbd is not running (nobody listens at %s); start it: "
			"systemctl start iusbd",
			path);
		break;
	case EAGAIN:
		reason_set(why, "iusbd is too busy to take a connection at %s", path);
		break;
	default:
		reason_set(why, "cannot connect to iusbd at %s: %s", path, strerror(error));
	}
	return CLIENT_UNREACHABLE;
}

struct client *
client_open(const char *path, double timeout, enum client_status *status, struct reason *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* connect() waits this long for a place in the queue of the listener. */
	struct timeval limit = { .tv_sec = (time_t)timeout, .tv_usec = 1 };
	struct client *client;
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		*status = CLIENT_UNREACHABLE;
		reason_set(why, "the path of the socket is too long (%zu characters, %zu allowed)",
			strlen(path), sizeof(address.sun_path) - 1);
		return NULL;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		*status = explain_connect(path, errno, why);
		return NULL;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		error = errno;
		close(fd);
		*status = explain_connect(path, error, why);
		return NULL;
	}
	client = mem_new(1, sizeof(*client));
	client->fd = fd;
	return client;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	close(client->fd);
	free(client->buffer);
	free(client);
}

void
client_reply_fini(struct client_reply *reply)
{
	json_decref(reply->parameters);
	free(reply->error);
	*reply = (struct client_reply){ 0 };
}

/* Waits until the socket is ready for events; CLIENT_OK when it is. */
static enum client_status
wait_ready(const struct client *client, short events, const struct wait *wait, struct reason *why)
{
	const struct client_request *request = wait->request;
	const sigset_t *mask = request->interrupt == NULL ? NULL : &request->interrupt->old_mask;

	for (;;) {
		struct pollfd p = { .fd = client->fd, .events = events };
		double now = monotonic(), left = wait->deadline - now;
		struct timespec limit;
		int ready;

		if (left < 0)
			left = 0;
		else if (request->on_tick != NULL && left > tick)
			left = tick;
		limit.tv_sec = (time_t)left;
		limit.tv_nsec = (long)((left - (double)limit.tv_sec) * 1e9);
		ready = ppoll(&p, 1, &limit, mask);
		if (ready < 0 && errno != EINTR) {
			reason_set(why, "cannot wait for iusbd: %s", strerror(errno));
			return CLIENT_LOST;
		}
		if (request->interrupt != NULL && interrupt_seen()) {
			reason_set(why, "interrupted");
			return CLIENT_INTERRUPTED;
		}
		/* The deadline holds for a peer that never stops sending, too. */
		now = monotonic();
		if (now < wait->deadline && ready > 0)
			return CLIENT_OK;
		if (now >= wait->deadline) {
			reason_set(why,
				"no answer from iusbd within %.4g s; the outcome is unknown",
				request->timeout);
			return CLIENT_TIMEOUT;
		}
		if (request->on_tick != NULL)
			request->on_tick(request->arg, now - wait->start);
	}
}

static enum client_status
send_all(const struct client *client, const char *data, size_t len, const struct wait *wait,
	struct reason *why)
{
	while (len > 0) {
		ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		enum client_status status;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			reason_set(why, "iusbd closed the connection before it took the call: %s",
				strerror(errno));
			return CLIENT_LOST;
		}
		status = wait_ready(client, POLLOUT, wait, why);
		if (status != CLIENT_OK)
			return status;
	}
	return CLIENT_OK;
}

/* Makes room for one more chunk; never above the maximum of a message and its NUL. */
static bool
make_room(struct client *client)
{
	const size_t max = (size_t)CLIENT_MESSAGE_MAX + 1;

	if (client->used >= max)
		return false;
	if (client->size - client->used < CHUNK && client->size < max) {
		client->size = client->size == 0 ? CHUNK : client->size * 2;
		if (client->size > max)
			client->size = max;
		client->buffer = mem_resize(client->buffer, client->size, 1);
	}
	return true;
}

/* Receives until the buffer begins with a whole message, whose length without its NUL is *len. */
static enum client_status
receive(struct client *client, size_t *len, const struct wait *wait, struct reason *why)
{
	size_t seen = 0;

	for (;;) {
		const char *end = client->used == seen ? NULL
						       : memchr(client->buffer + seen, '\0',
								 client->used - seen);
		enum client_status status;
		ssize_t n;

		if (end != NULL) {
			*len = (size_t)(end - client->buffer);
			return CLIENT_OK;
		}
		seen = client->used;
		if (!make_room(client)) {
			reason_set(why, "an answer of more than %d bytes", CLIENT_MESSAGE_MAX);
			return CLIENT_GARBAGE;
		}
		status = wait_ready(client, POLLIN, wait, why);
		if (status != CLIENT_OK)
			return status;
		n = recv(client->fd, client->buffer + client->used, client->size - client->used,
			MSG_DONTWAIT);
		if (n > 0) {
			client->used += (size_t)n;
		} else if (n == 0) {
			reason_set(why, "iusbd closed the connection %s",
				client->used > 0 ? "in the middle of an answer"
						 : "before it answered");
			return CLIENT_LOST;
		} else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
			reason_set(why, "the connection to iusbd was lost: %s", strerror(errno));
			return CLIENT_LOST;
		}
	}
}

/* Takes the message of len bytes off the buffer. NULL with the reason if it is not an answer. */
static json_t *
take_message(struct client *client, size_t len, struct reason *why)
{
	json_error_t error;
	json_t *message = json_loadb(client->buffer, len, 0, &error);

	client->used -= len + 1;
	memmove(client->buffer, client->buffer + len + 1, client->used);
	if (message == NULL) {
		reason_set(why, "not JSON: %s", error.text);
	} else if (!json_is_object(message)) {
		reason_set(why, "not an object");
	} else {
		const json_t *parameters = json_object_get(message, "parameters");
		const json_t *name = json_object_get(message, "error");

		if (parameters != NULL && !json_is_object(parameters) && !json_is_null(parameters))
			reason_set(why, "parameters that are not an object");
		else if (name != NULL && !json_is_string(name) && !json_is_null(name))
			reason_set(why, "an error that is not a name");
		else
			return message;
	}
	json_decref(message);
	return NULL;
}

/* The parameters of a message, always an object, owned by the caller. */
static json_t *
take_parameters(const json_t *message)
{
	json_t *parameters = json_object_get(message, "parameters");

	return json_is_object(parameters) ? json_incref(parameters) : json_object();
}

static enum client_status
fill_error(struct client_reply *reply, const char *name)
{
	const char *reason = field_text(reply->parameters, "reason");
	const char *parameter = field_text(reply->parameters, "parameter");
	const char *method = field_text(reply->parameters, "method");

	reply->error = mem_strdup(name);
	if (reason != NULL && reason[0] != '\0')
		reason_set(&reply->why, "%s", reason);
	else if (strcmp(name, "org.varlink.service.InvalidParameter") == 0)
		reason_set(&reply->why, "iusbd does not accept this \"%s\"",
			parameter == NULL ? "parameter" : parameter);
	else if (strcmp(name, "org.varlink.service.MethodNotFound") == 0)
		reason_set(&reply->why, "iusbd does not know %s: it is older than iusbctl",
			method == NULL ? "the method" : method);
	else
		reason_set(&reply->why, "iusbd answered with the error %s", name);
	return CLIENT_ERROR;
}

static enum client_status
receive_answers(struct client *client, const struct wait *wait, struct client_reply *reply)
{
	const struct client_request *request = wait->request;

	for (;;) {
		enum client_status status;
		struct reason detail;
		const char *name;
		json_t *message;
		size_t len;

		status = receive(client, &len, wait, &reply->why);
		if (status == CLIENT_OK && (message = take_message(client, len, &detail)) == NULL) {
			reason_set(&reply->why, "what answers there is not iusbd: %s", detail.text);
			status = CLIENT_GARBAGE;
		}
		if (status != CLIENT_OK)
			return status;
		name = field_text(message, "error");
		reply->parameters = take_parameters(message);
		if (name == NULL && field_is_true(message, "continues")) {
			json_decref(message);
			if (!request->more) {
				client_reply_fini(reply);
				reason_set(&reply->why, "more answers than were asked for");
				return CLIENT_GARBAGE;
			}
			if (request->on_answer != NULL)
				request->on_answer(request->arg, reply->parameters);
			client_reply_fini(reply);
			continue;
		}
		status = name == NULL ? CLIENT_OK : fill_error(reply, name);
		json_decref(message);
		return status;
	}
}

enum client_status
client_call(struct client *client, const struct client_request *request, struct client_reply *reply)
{
	struct wait wait = { .start = monotonic(), .request = request };
	json_t *message = json_object();
	enum client_status status;
	char *text;

	*reply = (struct client_reply){ 0 };
	wait.deadline = wait.start + request->timeout;
	json_object_set_new(message, "method", json_string(request->method));
	if (request->parameters != NULL)
		json_object_set(message, "parameters", request->parameters);
	if (request->more)
		json_object_set_new(message, "more", json_true());
	text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (text == NULL) {
		reason_set(&reply->why, "the call is not UTF-8");
		return CLIENT_GARBAGE;
	}
	status = send_all(client, text, strlen(text) + 1, &wait, &reply->why);
	free(text);
	if (status != CLIENT_OK)
		return status;
	return receive_answers(client, &wait, reply);
}
