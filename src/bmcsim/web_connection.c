/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_connection: one connection to the web server: request, answer, request, ...; or an upgrade.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/memory.h"
#include "bmcsim/web_parts.h"

enum {
	LINGER = 10,         /* seconds in which the client may read our last word */
	PATIENCE = 120,      /* seconds for a request to come, or an answer to go */
	SLOW_PIECES = 8,     /* about as many for an answer */
	SLOW_MOMENT = 30000, /* microseconds before each */
};

/* Bytes of an answer gone, all of them, or the connection is. */
enum sent {
	SENT_ALL,
	SENT_SOME,
	SENT_NEVER,
};

static void
set_state(struct web_connection *connection, enum connection_state state)
{
	struct timeval limit = { state == CONNECTION_LINGERING ? LINGER : PATIENCE, 0 };

	connection->state = state;
	event_add(connection->deadline, &limit);
}

static void
begin(struct web_connection *connection)
{
	if (connection->client)
		return;
	connection->client = web_client_find(connection->web, connection->address);
	web_client_begin(connection->web, connection->client);
}

static void
end(struct web_connection *connection)
{
	if (connection->client)
		web_client_end(connection->client);
	connection->client = NULL;
}

void
web_connection_free(struct web_connection *connection, bool is_reset)
{
	struct web *web = connection->web;

	end(connection);
	TAILQ_REMOVE(&web->connections, connection, entry);
	web->connection_count--;
	event_free(connection->deadline);
	event_free(connection->slow);
	evbuffer_free(connection->out);
	link_free(connection->link, is_reset);
	free(connection);
}

/* ---- answers ---- */

static void
put_status_line(struct web_connection *connection, const char *version, int status)
{
	evbuffer_add_printf(
		connection->out, "%s %d %s\r\n", version, status, web_status_text(status));
}

/* The answer as this web server would send it. */
static void
put_answer(struct web_connection *connection, struct web_answer *answer)
{
	struct web *web = connection->web;
	bool is_10 = web->conf.quirks & WEB_HTTP_10;
	const char *version = is_10 ? "HTTP/1.0" : "HTTP/1.1";

	if (is_10)
		connection->after = AFTER_CLOSE;
	put_status_line(connection, version, answer->status);
	if (web->conf.quirks & WEB_STATUS_TWICE)
		put_status_line(connection, version, answer->status);
	evbuffer_add_printf(connection->out, "Server: %s\r\nCache-Control: no-store\r\n",
		web->conf.flow == WEB_FLOW_REST ? "lighttpd" : "GoAhead-Webs");
	evbuffer_add_buffer(connection->out, answer->head);
	evbuffer_add_printf(connection->out, "Content-Type: %s\r\n", answer->type);
	if (!is_10)
		evbuffer_add_printf(connection->out, "Content-Length: %zu\r\n",
			evbuffer_get_length(answer->body));
	if (connection->after == AFTER_CLOSE)
		evbuffer_add_printf(connection->out, "Connection: close\r\n");
	evbuffer_add_printf(connection->out, "\r\n");
	evbuffer_add_buffer(connection->out, answer->body);
}

/* One that has only a status, and is the last. */
static void
refuse(struct web_connection *connection, int status)
{
	struct web_answer answer = {
		.status = status,
		.type = "text/html",
		.head = evbuffer_new(),
		.body = evbuffer_new(),
	};

	evbuffer_add_printf(answer.body, "%d %s\n", status, web_status_text(status));
	connection->after = AFTER_CLOSE;
	put_answer(connection, &answer);
	evbuffer_free(answer.head);
	evbuffer_free(answer.body);
}

static bool
is_last(const struct web_request *request)
{
	if (web_request_has(request, "Connection", "close"))
		return true;
	return request->is_http_10 && !web_request_has(request, "Connection", "keep-alive");
}

static void
serve_request(struct web_connection *connection, const struct web_request *request)
{
	struct web_answer answer = {
		.status = 404,
		.type = "text/html",
		.head = evbuffer_new(),
		.body = evbuffer_new(),
	};
	bool is_upgrade = web_upgrade_is_websocket(request);

	connection->after =
		is_upgrade || connection->is_media || is_last(request) ? AFTER_CLOSE : AFTER_NEXT;
	if (is_upgrade && web_upgrade_websocket(connection, request, &answer)) {
		evbuffer_free(answer.head);
		evbuffer_free(answer.body);
		return;
	}
	if (!is_upgrade && !connection->is_media)
		web_page_serve(connection->web, request, connection->is_secure, &answer);
	else
		evbuffer_add_printf(
			answer.body, "%d %s\n", answer.status, web_status_text(answer.status));
	put_answer(connection, &answer);
	evbuffer_free(answer.head);
	evbuffer_free(answer.body);
}

/* ---- reading ---- */

static void
answer_begins(struct web_connection *connection)
{
	static const struct timeval moment = { 0, SLOW_MOMENT };

	set_state(connection, CONNECTION_ANSWERING);
	connection->piece = SIZE_MAX;
	if (connection->web->conf.quirks & WEB_SLOW) {
		connection->piece = 0;
		event_add(connection->slow, &moment);
	}
}

/* Serves what has arrived, if it is a whole request: then the state is another one. */
static void
try_request(struct web_connection *connection)
{
	struct web *web = connection->web;
	struct web_request *request;
	int status;

	if (connection->in_len == 0)
		return;
	begin(connection);
	request = mem_new(1, sizeof(*request));
	status = web_request_parse(request, connection->in, connection->in_len);
	if (status == 200) {
		bool is_tunnel = web_upgrade_is_tunnel(request) && !connection->is_media &&
				 web->conf.has_tunnel;

		connection->in_used = request->total;
		if (is_tunnel &&
			!web_upgrade_tunnel(connection, request, connection->in + request->total,
				connection->in_len - request->total)) {
			status = 0; /* its second half is to come */
		} else {
			web->totals.requests++;
			if (web_client_is_banned(web, connection->client)) {
				evbuffer_drain(
					connection->out, evbuffer_get_length(connection->out));
				refuse(connection, 403);
			} else if (!is_tunnel) {
				serve_request(connection, request);
			}
		}
	} else if (status != 0) {
		web->totals.requests++;
		connection->in_used = connection->in_len;
		refuse(connection, status);
	}
	free(request);
	if (status != 0)
		answer_begins(connection);
}

/* ---- writing ---- */

static enum sent
send_some(struct web_connection *connection)
{
	struct link *link = connection->link;

	while (evbuffer_get_length(connection->out) > 0 && connection->piece > 0) {
		struct evbuffer_iovec chunk;
		ssize_t n;

		if (evbuffer_peek(connection->out, 1, NULL, &chunk, 1) < 1)
			break;
		if (chunk.iov_len > connection->piece)
			chunk.iov_len = connection->piece;
		n = link_write(link, chunk.iov_base, chunk.iov_len);
		if (n < 0 && errno != EAGAIN)
			return SENT_NEVER;
		if (n <= 0)
			break;
		evbuffer_drain(connection->out, (size_t)n);
		if (connection->piece != SIZE_MAX)
			connection->piece -= (size_t)n;
	}
	if (evbuffer_get_length(connection->out) > 0)
		return SENT_SOME;
	if (link_write(link, NULL, 0) < 0 && errno != EAGAIN)
		return SENT_NEVER;
	return link_is_pending(link) ? SENT_SOME : SENT_ALL;
}

/* The media service takes over; the connection is no more. */
static void
hand_over(struct web_connection *connection)
{
	struct web *web = connection->web;
	struct link *link = connection->link;
	enum device device = connection->device;
	bool is_websocket = connection->is_websocket;
	char peer[PEER_NAME_SIZE];

	memcpy(peer, connection->peer, sizeof(peer));
	link_want(link, 0);
	link_set_cb(link, NULL, NULL);
	if (is_websocket) {
		link_become_websocket(link, web->conf.frames, connection->in, connection->in_len);
	} else {
		link_unread(link, connection->in, connection->in_len);
		link_become_tunnel(link);
	}
	connection->link = NULL;
	web_connection_free(connection, false);
	web->totals.upgrades++;
	web_say(web, "%s for %s", is_websocket ? "WebSocket" : "tunnel", device_name(device));
	web->calls.upgraded(web->arg, device, link, peer);
}

/* The answer has gone. False: so has the connection. */
static bool
answer_ends(struct web_connection *connection)
{
	connection->in_len -= connection->in_used;
	memmove(connection->in, connection->in + connection->in_used, connection->in_len);
	connection->in_used = 0;
	end(connection);
	switch (connection->after) {
	case AFTER_NEXT:
		set_state(connection, CONNECTION_READING);
		return true;
	case AFTER_CLOSE:
		set_state(connection, CONNECTION_LINGERING);
		link_shut(connection->link);
		return true;
	case AFTER_SILENCE:
		set_state(connection, CONNECTION_SILENT);
		return true;
	case AFTER_UPGRADE:
		break;
	}
	hand_over(connection);
	return false;
}

/* Does all that can be done now. */
static void
advance(struct web_connection *connection)
{
	short wanted = EV_READ;

	for (bool goes_on = true; goes_on;) {
		switch (connection->state) {
		case CONNECTION_READING:
			try_request(connection);
			goes_on = connection->state != CONNECTION_READING;
			break;
		case CONNECTION_ANSWERING:
			switch (send_some(connection)) {
			case SENT_ALL:
				if (!answer_ends(connection))
					return;
				break;
			case SENT_SOME:
				if (connection->piece > 0)
					wanted |= EV_WRITE;
				goes_on = false;
				break;
			case SENT_NEVER:
				web_connection_free(connection, false);
				return;
			}
			break;
		default:
			goes_on = false;
		}
	}
	if (connection->state == CONNECTION_ANSWERING &&
		connection->in_len == sizeof(connection->in))
		wanted &= ~EV_READ;
	link_want(connection->link, wanted);
}

/* False: the client is gone, and the connection too. */
static bool
receive(struct web_connection *connection)
{
	bool is_deaf =
		connection->state == CONNECTION_LINGERING || connection->state == CONNECTION_SILENT;
	char ignored[4096];
	char *to = is_deaf ? ignored : connection->in + connection->in_len;
	size_t room = is_deaf ? sizeof(ignored) : sizeof(connection->in) - connection->in_len;
	ssize_t n = link_read(connection->link, to, room);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		if (n < 0)
			web_say(connection->web, "%s: %s", connection->peer,
				link_error(connection->link));
		web_connection_free(connection, false);
		return false;
	}
	if (n > 0 && !is_deaf)
		connection->in_len += (size_t)n;
	return true;
}

static void
link_cb(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct web_connection *connection = arg;

	if (!(what & EV_READ) || receive(connection))
		advance(connection);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	web_connection_free(arg, false);
}

/* The next piece of a slow answer. */
static void
slow_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	static const struct timeval moment = { 0, SLOW_MOMENT };
	struct web_connection *connection = arg;
	size_t left = evbuffer_get_length(connection->out);
	uint32_t most = (uint32_t)(left < SLOW_PIECES ? SLOW_PIECES : left) * 2 / SLOW_PIECES;

	if (connection->state != CONNECTION_ANSWERING)
		return;
	connection->piece += 1 + chance_below(&connection->web->chance, most);
	event_add(connection->slow, &moment);
	advance(connection);
}

void
web_connection_new(struct web *web, struct link *link, bool is_secure)
{
	struct web_connection *connection = mem_new(1, sizeof(*connection));
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	char address[INET_ADDRSTRLEN] = "?";

	/* One that says nothing must not keep others out. */
	while (web->connection_count >= CONNECTIONS_MAX)
		web_connection_free(TAILQ_LAST(&web->connections, web_connection_list), true);
	getpeername(link_fd(link), (struct sockaddr *)&from, &len);
	inet_ntop(AF_INET, &from.sin_addr, address, sizeof(address));
	snprintf(
		connection->peer, sizeof(connection->peer), "%s:%u", address, ntohs(from.sin_port));
	connection->web = web;
	connection->link = link;
	connection->is_secure = is_secure;
	connection->address = from.sin_addr;
	connection->out = evbuffer_new();
	connection->deadline = event_new(web->base, -1, 0, deadline_cb, connection);
	connection->slow = event_new(web->base, -1, 0, slow_cb, connection);
	TAILQ_INSERT_HEAD(&web->connections, connection, entry);
	web->connection_count++;
	set_state(connection, CONNECTION_READING);
	link_set_cb(link, link_cb, connection);
	link_want(link, EV_READ);
}

void
web_serve_upgrade(struct web *web, struct link *link, enum device device)
{
	web_connection_new(web, link, false);
	TAILQ_FIRST(&web->connections)->is_media = true;
	TAILQ_FIRST(&web->connections)->device = device;
}
