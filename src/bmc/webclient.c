/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webclient: a request as a libcurl transfer, an answer as its callbacks. */
#include "bmc/webclient.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/secret.h"
#include "bmc/weblink.h"
#include "bmc/webloop.h"

enum {
	LINKS = 2, /* one in use, and what libcurl has not closed yet */
	HOST_SIZE = 300,
};

struct webclient {
	struct event_base *base;
	struct webclient_conf conf;
	webclient_cb *cb;
	void *arg;
	struct webloop *loop;
	struct event *deadline;
	struct weblink *link[LINKS];

	/* The request that is under way; easy is NULL without one. */
	CURL *easy;
	struct curl_slist *headers;
	struct webrequest request;
	struct webanswer answer;
	struct webclient_limits limits;
	struct weblink_trouble trouble;
	bool is_too_long;
	bool is_failed; /* libcurl could not start it */
};

void
webrequest_fini(struct webrequest *request)
{
	secret_free(request->form);
	secret_erase(request, sizeof(*request));
}

/* ---- the connection, for libcurl ---- */

static curl_socket_t
open_socket_cb(void *arg, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	struct webclient *client = arg;
	const struct weblink_conf conf = {
		.address = client->conf.address,
		.port = client->conf.port,
		.tls = client->conf.tls,
		.limit = client->limits.connect,
	};
	struct weblink_name name;
	int fd;

	for (size_t i = 0; i < LINKS; i++) {
		if (client->link[i])
			continue;
		client->link[i] = weblink_open(client->base, &conf, &client->trouble, &fd, &name);
		if (!client->link[i])
			return CURL_SOCKET_BAD;
		/* Where libcurl goes instead. */
		address->family = AF_UNIX;
		address->addr = name.address;
		address->addrlen = name.len;
		return fd;
	}
	return CURL_SOCKET_BAD;
}

static int
close_socket_cb(void *arg, curl_socket_t fd)
{
	struct webclient *client = arg;

	for (size_t i = 0; i < LINKS; i++) {
		if (!client->link[i] || !weblink_has_fd(client->link[i], fd))
			continue;
		weblink_free(client->link[i]);
		client->link[i] = NULL;
	}
	return close(fd);
}

/* ---- the answer, from libcurl ---- */

static size_t
header_cb(char *line, size_t one UNUSED, size_t len, void *arg)
{
	struct webclient *client = arg;

	webanswer_line(&client->answer, line, len);
	return len;
}

static size_t
body_cb(char *bytes, size_t one UNUSED, size_t len, void *arg)
{
	struct webclient *client = arg;

	if (webanswer_add(&client->answer, bytes, len))
		return len;
	client->is_too_long = true;
	return 0;
}

/* ---- the end of a request ---- */

static enum failure
explain(const struct webclient *client, CURLcode result, struct reason *why)
{
	reason_clear(why);
	if (result == CURLE_OK && client->answer.status > 0)
		return FAILURE_NONE;
	if (client->is_too_long) {
		reason_set(why, "the web server's answer is longer than %d KiB",
			WEBANSWER_BODY_MAX / 1024);
		return FAILURE_PROTOCOL;
	}
	if (client->trouble.failure != FAILURE_NONE) {
		*why = client->trouble.why;
		return client->trouble.failure;
	}
	switch (result) {
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
		reason_set(why, "the web server closed the connection without an answer");
		return FAILURE_LOST;
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		reason_set(why, "the web server closed the connection in the middle of an answer");
		return FAILURE_LOST;
	case CURLE_OK:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		reason_set(why, "what listens on port %u is no web server", client->conf.port);
		return FAILURE_PROTOCOL;
	default:
		reason_set(why, "the web server's answer cannot be read: %s",
			curl_easy_strerror(result));
		return FAILURE_PROTOCOL;
	}
}

static void
forget(struct webclient *client)
{
	event_del(client->deadline);
	curl_easy_cleanup(client->easy);
	client->easy = NULL;
	curl_slist_free_all(client->headers);
	client->headers = NULL;
	client->is_failed = false;
	webrequest_fini(&client->request);
}

/* The last act of its caller. */
static void
finish(struct webclient *client, enum failure failure, const struct reason *why)
{
	struct webanswer answer = client->answer;

	client->answer = (struct webanswer){ 0 };
	forget(client);
	client->cb(client->arg, &answer, failure, why);
	webanswer_fini(&answer);
}

static void
done_cb(void *arg, CURL *easy UNUSED, CURLcode result)
{
	struct webclient *client = arg;
	struct reason why;
	enum failure failure = explain(client, result, &why);

	finish(client, failure, &why);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct webclient *client = arg;
	struct reason why;

	if (client->is_failed) {
		reason_set(&why, "libcurl is out of memory");
		finish(client, FAILURE_LOST, &why);
		return;
	}
	webloop_abort(client->loop, client->easy);
	reason_set(&why, "the web server did not answer within %.0f s", client->limits.whole);
	finish(client, FAILURE_SILENT, &why);
}

/* ---- a request ---- */

static void
add_header(struct webclient *client, const char *line)
{
	struct curl_slist *headers = curl_slist_append(client->headers, line);

	if (headers)
		client->headers = headers;
}

/* libcurl sees neither the address nor TLS: the name is ours to say. */
static void
add_host(struct webclient *client)
{
	const struct webclient_conf *conf = &client->conf;
	bool is_v6 = strchr(conf->address, ':') != NULL;
	char line[HOST_SIZE];
	int n;

	n = snprintf(line, sizeof(line), "Host: %s%.250s%s", is_v6 ? "[" : "", conf->address,
		is_v6 ? "]" : "");
	if (conf->port != (conf->tls ? 443 : 80))
		snprintf(line + n, sizeof(line) - (size_t)n, ":%u", conf->port);
	add_header(client, line);
}

static void
set_method(CURL *easy, const struct webrequest *request)
{
	switch (request->method) {
	case WEB_GET:
		break;
	case WEB_POST:
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form ? request->form : "");
		break;
	case WEB_DELETE:
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
		break;
	}
}

static void
set_callbacks(struct webclient *client, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket_cb);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket_cb);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_cb);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_cb);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
}

static CURL *
make_transfer(struct webclient *client)
{
	const struct webrequest *request = &client->request;
	char url[sizeof("http://127.0.0.1") + WEBREQUEST_PATH_SIZE];
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	/* The connection is made by weblink, wherever that is. */
	snprintf(url, sizeof(url), "http://127.0.0.1%s", request->path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "iusbd");
	set_callbacks(client, easy);
	set_method(easy, request);
	add_host(client);
	add_header(client, "Connection: close");
	add_header(client, "Expect:");
	if (request->csrf[0])
		add_header(client, request->csrf);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
	if (request->cookie[0])
		curl_easy_setopt(easy, CURLOPT_COOKIE, request->cookie);
	if (request->user && request->password) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST);
		curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
	}
	return easy;
}

void
webclient_ask(
	struct webclient *client, struct webrequest *request, const struct webclient_limits *limits)
{
	assert(!client->easy && !client->is_failed);
	client->request = *request;
	request->form = NULL;
	webrequest_fini(request);
	client->limits = *limits;
	client->trouble = (struct weblink_trouble){ 0 };
	client->is_too_long = false;
	webanswer_init(&client->answer, client->request.cookie_name);
	client->easy = make_transfer(client);
	clock_arm(client->deadline, limits->whole);
	client->request.user = client->request.password = NULL;
	client->is_failed =
		!client->easy || !client->loop || !webloop_start(client->loop, client->easy);
	if (client->is_failed)
		event_active(client->deadline, EV_TIMEOUT, 0);
}

void
webclient_expire(struct webclient *client)
{
	event_active(client->deadline, EV_TIMEOUT, 0);
}

struct webclient *
webclient_new(
	struct event_base *base, const struct webclient_conf *conf, webclient_cb *cb, void *arg)
{
	struct webclient *client = mem_new(1, sizeof(*client));

	client->base = base;
	client->conf = *conf;
	if (client->conf.port == 0)
		client->conf.port = conf->tls ? 443 : 80;
	client->cb = cb;
	client->arg = arg;
	client->deadline = evtimer_new(base, deadline_cb, client);
	client->loop = webloop_new(base, done_cb, client);
	return client;
}

void
webclient_free(struct webclient *client)
{
	if (!client)
		return;
	if (client->easy || client->is_failed) {
		if (!client->is_failed)
			webloop_abort(client->loop, client->easy);
		forget(client);
		webanswer_fini(&client->answer);
	}
	webloop_free(client->loop);
	for (size_t i = 0; i < LINKS; i++)
		weblink_free(client->link[i]);
	event_free(client->deadline);
	free(client);
}
