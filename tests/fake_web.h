/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_web: a BMC's web server inside a unit test, on the same loop: it keeps web sessions as a BMC
 * does, notes every request, and answers what the test wants, however odd. It watches that a client
 * asks one thing at a time.
 */
#ifndef TESTS_FAKE_WEB_H
#define TESTS_FAKE_WEB_H

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "base/compiler.h"

enum {
	FAKE_REQUESTS = 64,
	FAKE_RULES = 8,
	FAKE_TEXT = 2048,
};

enum fake_kind {
	FAKE_ASP,
	FAKE_REST,
	FAKE_DIGEST,  /* as the Fujitsu iRMC S4 */
	FAKE_NOTHING, /* 404 for all */
};

/* What the n-th and later requests to a path get instead of the usual. */
struct fake_rule {
	const char *path;   /* up to the query; NULL: any */
	unsigned skip;      /* so many are answered as usual */
	unsigned times;     /* so many get this, 0: all */
	const char *answer; /* as it is, and then the connection is closed; NULL: none comes */
	size_t len;         /* of the answer, 0: a string */
	bool is_counted;    /* a login all the same: the web session is there */
	unsigned seen;
};

struct fake_request {
	char method[8], path[256], query[512];
	char cookie[256], csrf[128], host[128], authorization[512];
	char body[512];
};

struct fake_web {
	struct event_base *base;
	struct evconnlistener *listener;
	SSL_CTX *tls; /* not owned; NULL: plain */
	uint16_t port;
	enum fake_kind kind;
	struct fake_rule rules[FAKE_RULES];
	unsigned n_rules;
	const char *jnlp, *settings, *token; /* NULL: the usual */

	bool is_http_10;     /* HTTP/1.0, no length, closes */
	const char *between; /* what stands between a status line and its repetition; NULL: none */

	/* Before it is answered. */
	void (*on_request)(void *arg, const struct fake_request *request, unsigned n);
	void *arg;

	/* Letters: L login, S settings, J JNLP, T token, H H5Viewer settings, O logout, ? other */
	char trace[FAKE_REQUESTS + 1];
	struct fake_request requests[FAKE_REQUESTS];
	unsigned n;
	unsigned sessions, sessions_most; /* web sessions */
	unsigned logins, tokens;
	char session[32]; /* the last one's cookie */
	unsigned under_way, overlaps;
	unsigned connections;
	struct fake_connection *list;
};

struct fake_connection {
	struct fake_web *web;
	struct fake_connection *next;
	struct bufferevent *bev;
	bool is_busy, is_closing;
};

static inline char *fake_format(const char *fmt, ...) PRINTF_LIKE(1, 2);

static inline char *
fake_format(const char *fmt, ...)
{
	static char text[FAKE_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

static inline struct fake_rule *
fake_rule(struct fake_web *web, const char *path, const char *answer)
{
	struct fake_rule *rule = &web->rules[web->n_rules++];

	ck_assert_uint_le(web->n_rules, FAKE_RULES);
	*rule = (struct fake_rule){ .path = path, .answer = answer };
	return rule;
}

static inline void
fake_drop(struct fake_connection *connection)
{
	struct fake_connection **at = &connection->web->list;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	if (connection->is_busy)
		connection->web->under_way--;
	bufferevent_free(connection->bev);
	free(connection);
}

static inline void
fake_send(struct fake_connection *connection, const char *bytes, size_t len, bool is_last)
{
	connection->is_busy = false;
	connection->web->under_way--;
	connection->is_closing = is_last;
	bufferevent_write(connection->bev, bytes, len);
}

static inline void
fake_answer(struct fake_connection *connection, int status, const char *headers, const char *body)
{
	struct fake_web *web = connection->web;
	char line[64], text[2 * FAKE_TEXT];
	int n;

	snprintf(line, sizeof(line), "HTTP/1.%d %d Words\r\n", web->is_http_10 ? 0 : 1, status);
	n = snprintf(text, sizeof(text), "%s%s%sServer: fake\r\n%s", line,
		web->between ? web->between : "", web->between ? line : "", headers);
	if (!web->is_http_10)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "Content-Length: %zu\r\n",
			strlen(body));
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n%s", body);
	ck_assert_int_lt(n, (int)sizeof(text));
	fake_send(connection, text, (size_t)n, web->is_http_10);
}

static const char fake_jnlp[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jnlp spec=\"1.0+\">\n"
				"<application-desc main-class=\"com.ami.kvm.jviewer.JViewer\">\n"
				"<argument>-apptype</argument><argument>JViewer</argument>\n"
				"<argument>-title</argument><argument>-kvm &amp; media</argument>\n"
				"<argument>-hostname</argument><argument></argument>\n"
				"<argument>-kvmtoken</argument><argument>%s</argument>\n"
				"<argument>-kvmtokentype</argument><argument>0</argument>\n"
				"<argument>-kvmsecure</argument><argument>1</argument>\n"
				"<argument>-vmsecure</argument><argument>1</argument>\n"
				"<argument>-cdstate</argument><argument>1</argument>\n"
				"<argument>-cdport</argument><argument>6124</argument>\n"
				"<argument>-cdnum</argument><argument>2</argument>\n"
				"<argument>-fdstate</argument><argument>0</argument>\n"
				"<argument>-fdport</argument><argument>6126</argument>\n"
				"<argument>-fdnum</argument><argument>1</argument>\n"
				"<argument>-hdstate</argument><argument>1</argument>\n"
				"<argument>-hdport</argument><argument>6127</argument>\n"
				"<argument>-hdnum</argument><argument>4</argument>\n"
				"<argument>-webcookie</argument><argument>web%s</argument>\n"
				"<argument>-webport</argument><argument>8080</argument>\n"
				"<argument>-websecureport</argument><argument>8443</argument>\n"
				"<argument>-p</argument><argument>never look here</argument>\n"
				"<argument>-singleportenabled</argument><argument>1</argument>\n"
				"</application-desc>\n</jnlp>\n";

static const char fake_asp_settings[] =
	"//Dynamic Data Begin\n WEBVAR_JSONVAR_GETVMEDIACFG = { WEBVAR_STRUCTNAME_GETVMEDIACFG : [ "
	"{ 'V_SINGLE_PORT_ENABLED' : 0, 'V_MEDIA_LICENSE_STATUS' : 1, 'V_STR_SECURE_CHANNEL' : 0, "
	"'V_STR_CD_PORT' : 7120, 'V_STR_FD_PORT' : 7122, 'V_STR_HD_PORT' : 7123, "
	"'V_STR_CD_SECURE_PORT' : 7124, 'V_NUM_CD' : 1, 'V_NUM_FD' : 1, 'V_NUM_HD' : 1, "
	"'V_CD_STATUS' : 1, 'V_FD_STATUS' : 1, 'V_HD_STATUS' : 0 },  {} ],\n HAPI_STATUS:0 };\n";

static const char fake_rest_settings[] =
	"{ \"single_port_enabled\": 0, \"license\": 1, \"secure_channel\": 1, \"cd_port\": 8120, "
	"\"hd_port\": 8123, \"cd_secure_port\": 8124, \"hd_secure_port\": \"8127\", \"num_cd\": 1, "
	"\"num_hd\": 2, \"cd_status\": 1, \"hd_status\": 0, \"power_save_mode\": 0 }";

static inline void
fake_open_session(struct fake_web *web)
{
	web->logins++;
	snprintf(web->session, sizeof(web->session), "session%u", web->logins);
	if (++web->sessions > web->sessions_most)
		web->sessions_most = web->sessions;
}

static inline bool
fake_is_known(const struct fake_web *web, const struct fake_request *request)
{
	if (web->sessions == 0)
		return false;
	if (web->kind == FAKE_DIGEST)
		return strstr(request->query, web->session) != NULL;
	return strstr(request->cookie, web->session) != NULL;
}

static inline const char *
fake_token(struct fake_web *web)
{
	static char token[32];

	snprintf(token, sizeof(token), "token%u", ++web->tokens);
	return token;
}

static inline void
fake_serve_rest(struct fake_connection *connection, const struct fake_request *request, char what)
{
	struct fake_web *web = connection->web;

	if (what == 'L') {
		fake_open_session(web);
		fake_answer(connection, 200,
			fake_format("Set-Cookie: language=en\r\n"
				    "Set-Cookie: QSESSIONID=%s; Path=/; Secure; HttpOnly; "
				    "Domain=.elsewhere.example; SameSite=Odd; foo\r\n",
				web->session),
			"{ \"ok\": 0, \"privilege\": 4, \"extendedpriv\": 259, "
			"\"CSRFToken\": \"Csrf0123\" }");
	} else if (!fake_is_known(web, request) || strcmp(request->csrf, "Csrf0123") != 0) {
		fake_answer(connection, 401, "",
			"{ \"cc\": 7, \"error\": \"Invalid Authentication\" }");
	} else if (what == 'O') {
		web->sessions--;
		fake_answer(connection, 200, "", "{ \"ok\": 0 }");
	} else if (what == 'S') {
		fake_answer(
			connection, 200, "", web->settings ? web->settings : fake_rest_settings);
	} else if (what == 'T' || what == 'H') {
		fake_answer(connection, 200, "",
			fake_format("{ \"token\": \"%s\" }",
				web->token ? web->token : fake_token(web)));
	}
}

static inline void
fake_serve_asp(struct fake_connection *connection, const struct fake_request *request, char what)
{
	struct fake_web *web = connection->web;
	const char *token;

	if (what == 'L') {
		fake_open_session(web);
		fake_answer(connection, 200, "",
			fake_format("//Dynamic Data Begin\n WEBVAR_JSONVAR_WEB_SESSION = \n { \n "
				    "WEBVAR_STRUCTNAME_WEB_SESSION : \n [ \n "
				    "{ 'SESSION_COOKIE' : '%s','BMC_IP_ADDR' : '10.0.0.1' },  {} ],"
				    "  \n HAPI_STATUS:0 }; \n//Dynamic data end\n",
				web->session));
	} else if (!fake_is_known(web, request)) {
		fake_answer(connection, 401, "", "");
	} else if (what == 'O') {
		web->sessions--;
		fake_answer(connection, 200, "", "HAPI_STATUS:0");
	} else if (what == 'S') {
		fake_answer(connection, 200, "", web->settings ? web->settings : fake_asp_settings);
	} else if (what == 'J') {
		token = web->token ? web->token : fake_token(web);
		if (web->jnlp)
			fake_answer(connection, 200, "", web->jnlp);
		else
			fake_answer(connection, 200,
				"Content-Type: application/x-java-jnlp-file\r\n",
				fake_format(fake_jnlp, token, token));
	} else {
		fake_answer(connection, 200, "",
			fake_format("{ 'SESSION_TOKEN' : '%s' }, HAPI_STATUS:0",
				web->token ? web->token : fake_token(web)));
	}
}

static inline void
fake_serve_digest(struct fake_connection *connection, const struct fake_request *request, char what)
{
	struct fake_web *web = connection->web;
	const char *token;

	if (what == 'L' && !request->authorization[0]) {
		fake_answer(connection, 401,
			"WWW-Authenticate: Digest realm=\"iRMC S4\", nonce=\"0a1b2c3d\", "
			"qop=\"auth\", algorithm=MD5\r\n",
			"<html>who are you?</html>");
	} else if (what == 'L') {
		fake_open_session(web);
		fake_answer(connection, 302,
			fake_format("Location: /index.html?lang=en&sid=%s\r\n", web->session), "");
	} else if (!fake_is_known(web, request)) {
		fake_answer(connection, 401, "", "");
	} else if (what == 'O') {
		web->sessions--;
		fake_answer(connection, 200, "", "<html>bye</html>");
	} else {
		token = fake_token(web);
		fake_answer(connection, 200, "", fake_format(fake_jnlp, token, token));
	}
}

/* The letter of the request, '?' if this kind of server does not know it. */
static inline char
fake_what(const struct fake_web *web, const struct fake_request *request)
{
	static const struct {
		enum fake_kind kind;
		const char *method, *path;
		char what;
	} rows[] = {
		{ FAKE_REST, "POST", "/api/session", 'L' },
		{ FAKE_REST, "DELETE", "/api/session", 'O' },
		{ FAKE_REST, "GET", "/api/settings/media/instance", 'S' },
		{ FAKE_REST, "GET", "/api/kvm/token", 'T' },
		{ FAKE_REST, "GET", "/api/settings/media/h5viewercfg", 'H' },
		{ FAKE_ASP, "POST", "/rpc/WEBSES/create.asp", 'L' },
		{ FAKE_ASP, "GET", "/rpc/WEBSES/logout.asp", 'O' },
		{ FAKE_ASP, "GET", "/rpc/getvmediacfg.asp", 'S' },
		{ FAKE_ASP, "GET", "/rpc/getsessiontoken.asp", 'T' },
		{ FAKE_ASP, "GET", "/Java/jviewer.jnlp", 'J' },
		{ FAKE_DIGEST, "POST", "/login", 'L' },
		{ FAKE_DIGEST, "GET", "/logout", 'O' },
		{ FAKE_DIGEST, "GET", "/avr.jnlp", 'J' },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == web->kind && strcmp(rows[i].method, request->method) == 0 &&
			strcmp(rows[i].path, request->path) == 0)
			return rows[i].what;
	return '?';
}

static inline struct fake_rule *
fake_find_rule(struct fake_web *web, const struct fake_request *request)
{
	for (unsigned i = 0; i < web->n_rules; i++) {
		struct fake_rule *rule = &web->rules[i];

		if (rule->path && strcmp(rule->path, request->path) != 0)
			continue;
		rule->seen++;
		if (rule->seen > rule->skip &&
			(rule->times == 0 || rule->seen <= rule->skip + rule->times))
			return rule;
	}
	return NULL;
}

static inline void
fake_serve(struct fake_connection *connection, const struct fake_request *request)
{
	struct fake_web *web = connection->web;
	char what = fake_what(web, request);
	struct fake_rule *rule;

	ck_assert_uint_lt(web->n, FAKE_REQUESTS);
	web->trace[web->n] = what;
	web->requests[web->n++] = *request;
	connection->is_busy = true;
	if (++web->under_way > 1)
		web->overlaps++;
	if (web->on_request)
		web->on_request(web->arg, request, web->n);
	rule = fake_find_rule(web, request);
	if (rule) {
		if (rule->is_counted)
			fake_open_session(web);
		if (rule->answer && !rule->answer[0])
			fake_drop(connection);
		else if (rule->answer)
			fake_send(connection, rule->answer,
				rule->len ? rule->len : strlen(rule->answer), true);
		return;
	}
	if (what == '?') {
		fake_answer(connection, 404, "", "nothing here");
		return;
	}
	switch (web->kind) {
	case FAKE_REST:
		fake_serve_rest(connection, request, what);
		break;
	case FAKE_ASP:
		fake_serve_asp(connection, request, what);
		break;
	case FAKE_DIGEST:
		fake_serve_digest(connection, request, what);
		break;
	case FAKE_NOTHING:
		break;
	}
}

static inline void
fake_header(const char *head, const char *name, char *out, size_t size)
{
	const char *at = strcasestr(head, fake_format("\r\n%s: ", name));
	size_t len;

	out[0] = '\0';
	if (!at)
		return;
	at += strlen(name) + 4;
	len = strcspn(at, "\r\n");
	ck_assert_uint_lt(len, size);
	memcpy(out, at, len);
	out[len] = '\0';
}

/* A whole request, or nothing yet. */
static inline void
fake_read_cb(struct bufferevent *bev, void *arg)
{
	struct fake_connection *connection = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct fake_request request = { 0 };
	char text[4096] = "", length[32], url[768];
	size_t len = evbuffer_get_length(in), head_len, body_len;
	char *end, *query;

	ck_assert_uint_lt(len, sizeof(text));
	evbuffer_copyout(in, text, len);
	end = strstr(text, "\r\n\r\n");
	if (!end)
		return;
	head_len = (size_t)(end - text) + 4;
	fake_header(text, "Content-Length", length, sizeof(length));
	body_len = strtoul(length, NULL, 10);
	if (len < head_len + body_len)
		return;
	ck_assert_uint_eq(len, head_len + body_len); /* nothing is pipelined */
	evbuffer_drain(in, len);
	ck_assert_uint_lt(body_len, sizeof(request.body));
	memcpy(request.body, text + head_len, body_len);
	end[2] = '\0';
	ck_assert_int_eq(sscanf(text, "%7s %767s HTTP/1.1", request.method, url), 2);
	query = strchr(url, '?');
	if (query) {
		*query++ = '\0';
		snprintf(request.query, sizeof(request.query), "%s", query);
	}
	snprintf(request.path, sizeof(request.path), "%.255s", url);
	fake_header(text, "Cookie", request.cookie, sizeof(request.cookie));
	fake_header(text, "X-CSRFTOKEN", request.csrf, sizeof(request.csrf));
	fake_header(text, "Host", request.host, sizeof(request.host));
	fake_header(text, "Authorization", request.authorization, sizeof(request.authorization));
	fake_serve(connection, &request);
}

static inline void
fake_written_cb(struct bufferevent *bev, void *arg)
{
	struct fake_connection *connection = arg;

	(void)bev;
	if (connection->is_closing)
		fake_drop(connection);
}

static inline void
fake_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		fake_drop(arg);
}

static inline void
fake_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len,
	void *arg)
{
	struct fake_web *web = arg;
	struct fake_connection *connection = calloc(1, sizeof(*connection));

	(void)listener, (void)sa, (void)len;
	connection->web = web;
	connection->next = web->list;
	web->list = connection;
	web->connections++;
	connection->bev = web->tls
				  ? bufferevent_openssl_socket_new(web->base, fd, SSL_new(web->tls),
					    BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
				  : bufferevent_socket_new(web->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(
		connection->bev, fake_read_cb, fake_written_cb, fake_event_cb, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

/* The rest of *web is zero, or as the test wants it. */
static inline void
fake_listen(struct fake_web *web, struct event_base *base)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	web->base = base;
	web->listener = evconnlistener_new_bind(base, fake_accept_cb, web, LEV_OPT_CLOSE_ON_FREE,
		-1, (struct sockaddr *)&sin, sizeof(sin));
	ck_assert_ptr_nonnull(web->listener);
	ck_assert_int_eq(
		getsockname(evconnlistener_get_fd(web->listener), (struct sockaddr *)&sin, &len),
		0);
	web->port = ntohs(sin.sin_port);
}

static inline void
fake_close(struct fake_web *web)
{
	if (web->listener)
		evconnlistener_free(web->listener);
	web->listener = NULL;
	while (web->list)
		fake_drop(web->list);
}

#endif
