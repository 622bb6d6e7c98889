/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_web: the web server of a simulated BMC, asked over real sockets on the same loop. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "bmcsim/chance.h"
#include "bmcsim/sim_tls.h"
#include "bmcsim/tcp_listener.h"
#include "bmcsim/web.h"
#include "bmcsim/web_request.h"
#include "loop.h"

enum {
	LONG = 100000, /* seconds: never */
	GOT_SIZE = 65536,
};

/* One connection of a client. */
struct client {
	int fd;
	SSL *ssl;
	char got[GOT_SIZE];
	size_t len;
	bool has_ended;
	int error;
};

static struct event_base *base;
static struct sim_tls *tls;
static SSL_CTX *client_ctx;
static struct web *web;
static struct web_conf conf;
static char log_text[8192];

/* What was handed over. */
static struct link *upgraded;
static enum device upgraded_device;
static char upgraded_peer[64];

static uint16_t
call_port(void *arg, enum device device, bool is_secure)
{
	(void)arg;
	return (uint16_t)((is_secure ? 5124 : 5120) + device);
}

static void
call_upgraded(void *arg, enum device device, struct link *link, const char *peer)
{
	(void)arg;
	ck_assert_ptr_null(upgraded);
	upgraded = link;
	upgraded_device = device;
	snprintf(upgraded_peer, sizeof(upgraded_peer), "%s", peer);
}

static void
call_said(void *arg, const char *what)
{
	size_t len = strlen(log_text);

	(void)arg;
	snprintf(log_text + len, sizeof(log_text) - len, "%s\n", what);
}

static void
setup(void)
{
	struct reason why = { "" };

	signal(SIGPIPE, SIG_IGN); /* of the client's OpenSSL */
	base = event_base_new();
	tls = sim_tls_new("sim001", "127.0.0.1", TLS_NEW, NULL, &why);
	client_ctx = SSL_CTX_new(TLS_client_method());
	web = NULL;
	upgraded = NULL;
	log_text[0] = '\0';
	conf = (struct web_conf){
		.flow = WEB_FLOW_ASP,
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.has_plain = true,
		.has_secure = true,
		.user = "admin",
		.password = "s3cret&x",
		.sessions_max = 4,
		.session_life = LONG,
		.has_licence = true,
		.has_privilege = true,
		.has_tunnel = true,
		.has_websocket = true,
		.slots = { 2, 1, 1 },
		.is_attached = { true, true, true },
		.seed = 7,
	};
}

static void
teardown(void)
{
	link_free(upgraded, false);
	web_free(web);
	sim_tls_free(tls);
	SSL_CTX_free(client_ctx);
	event_base_free(base);
}

static void
start(void)
{
	static const struct web_calls calls = { call_port, call_upgraded, call_said };
	struct reason why = { "" };

	web = web_new(base, &conf, tls, &calls, NULL, &why);
	ck_assert_msg(web != NULL, "%s", why.text);
}

static void
start_rest(void)
{
	conf.flow = WEB_FLOW_REST;
	conf.slots[DEVICE_FD] = 0;
	start();
}

/* ---- a client ---- */

/* One try of I/O: bytes, 0 at the end, -1 with errno. */
static ssize_t
client_io(struct client *client, const void *out, void *in, size_t len)
{
	int result, kind;

	if (!client->ssl)
		return out ? send(client->fd, out, len, MSG_NOSIGNAL)
			   : recv(client->fd, in, len, MSG_DONTWAIT);
	result = out ? SSL_write(client->ssl, out, (int)len) : SSL_read(client->ssl, in, (int)len);
	if (result > 0)
		return result;
	kind = SSL_get_error(client->ssl, result);
	errno = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
	return kind == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static struct client *
client_open_port(uint16_t port, bool is_secure)
{
	struct client *client = calloc(1, sizeof(*client));
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0) {
		client->error = errno;
		return client;
	}
	evutil_make_socket_nonblocking(client->fd);
	if (is_secure) {
		client->ssl = SSL_new(client_ctx);
		SSL_set_fd(client->ssl, client->fd);
		SSL_set_connect_state(client->ssl);
		LOOP_UNTIL(base, SSL_do_handshake(client->ssl) == 1);
	}
	return client;
}

static struct client *
client_open(bool is_secure)
{
	return client_open_port(web_port(web, is_secure), is_secure);
}

static void
client_free(struct client *client)
{
	SSL_free(client->ssl);
	close(client->fd);
	free(client);
}

static void
client_send(struct client *client, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = client_io(client, p, NULL, len);
		time_t until = 0;

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else {
			ck_assert_int_eq(errno, EAGAIN);
			ck_assert(loop_turn(base, &until));
		}
	}
}

static void
client_say(struct client *client, const char *text)
{
	client_send(client, text, strlen(text));
}

/* Reads what is there; true if nothing more will come. */
static bool
client_read(struct client *client)
{
	ssize_t n;

	while (!client->has_ended && !client->error) {
		size_t room = sizeof(client->got) - 1 - client->len;

		n = client_io(client, NULL, client->got + client->len, room);
		if (n > 0)
			client->len += (size_t)n;
		else if (n == 0)
			client->has_ended = true;
		else if (errno == EAGAIN)
			break;
		else
			client->error = errno;
	}
	client->got[client->len] = '\0';
	return client->has_ended || client->error;
}

/* A whole answer is there: by its Content-Length, or by the end. */
static bool
client_has_answer(struct client *client)
{
	bool is_over = client_read(client);
	const char *end = strstr(client->got, "\r\n\r\n");
	const char *length = strcasestr(client->got, "Content-Length:");

	if (is_over)
		return true;
	if (!end || !length || length > end)
		return false;
	return client->len >= (size_t)(end + 4 - client->got) + (size_t)atol(length + 15);
}

static int
status_of(const struct client *client)
{
	int status = 0;

	return sscanf(client->got, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

static const char *
body_of(const struct client *client)
{
	const char *end = strstr(client->got, "\r\n\r\n");

	return end ? end + 4 : "";
}

/* Says it on the connection and waits for the answer; its status. */
static int
ask_on(struct client *client, const char *request)
{
	client->len = 0;
	client->got[0] = '\0';
	client_say(client, request);
	LOOP_UNTIL(base, client_has_answer(client));
	ck_assert_int_eq(client->error, 0);
	return status_of(client);
}

static struct client last; /* the answer of ask() */

static int
ask(bool is_secure, const char *request)
{
	struct client *client = client_open(is_secure);
	int status = ask_on(client, request);

	memcpy(last.got, client->got, sizeof(last.got));
	last.len = client->len;
	client_free(client);
	return status;
}

static int
get_with(const char *headers, const char *method, const char *path, bool is_secure)
{
	char request[2048];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: bmc\r\n%s\r\n", method, path,
		headers);
	return ask(is_secure, request);
}

static int
post(const char *path, const char *form, bool is_secure)
{
	char request[2048];

	snprintf(request, sizeof(request),
		"POST %s HTTP/1.1\r\nHost: bmc\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		path, strlen(form), form);
	return ask(is_secure, request);
}

/* What stands behind the mark, up to one of the ends. */
static const char *
value_after(const char *mark, const char *ends)
{
	static char value[256];
	const char *at = strstr(last.got, mark);
	size_t len;

	ck_assert_msg(at != NULL, "no %s in: %s", mark, last.got);
	at += strlen(mark);
	len = strcspn(at, ends);
	ck_assert_uint_lt(len, sizeof(value));
	memcpy(value, at, len);
	value[len] = '\0';
	return value;
}

static char headers[512]; /* of somebody who is logged in */
static char cookie[128], csrf[64];

static int
login_with(const char *password)
{
	char form[256];
	bool is_asp = conf.flow == WEB_FLOW_ASP;

	snprintf(form, sizeof(form),
		is_asp ? "WEBVAR_USERNAME=admin&WEBVAR_PASSWORD=%s" : "username=admin&password=%s",
		password);
	return post(is_asp ? "/rpc/WEBSES/create.asp" : "/api/session", form, conf.has_secure);
}

static void
login(void)
{
	ck_assert_int_eq(login_with("s3cret%26x"), 200);
	if (conf.flow == WEB_FLOW_ASP) {
		ck_assert_str_eq(value_after("HAPI_STATUS:", " "), "0");
		strcpy(cookie, value_after("'SESSION_COOKIE' : '", "'"));
		snprintf(headers, sizeof(headers), "Cookie: SessionCookie=%s\r\n", cookie);
	} else {
		strcpy(cookie, value_after("Set-Cookie: QSESSIONID=", ";"));
		strcpy(csrf, value_after("\"CSRFToken\": \"", "\""));
		snprintf(headers, sizeof(headers),
			"Cookie: lang=en; QSESSIONID=%s\r\nX-CSRFTOKEN: %s\r\n", cookie, csrf);
	}
	ck_assert_uint_gt(strlen(cookie), 0);
}

static int
get(const char *path)
{
	return get_with(headers, "GET", path, conf.has_secure);
}

static int
logout(void)
{
	return conf.flow == WEB_FLOW_ASP
		       ? get("/rpc/WEBSES/logout.asp")
		       : get_with(headers, "DELETE", "/api/session", conf.has_secure);
}

/* An argument of the JNLP; NULL: it has none of that name. */
static const char *
argument(const char *name)
{
	char mark[128];

	snprintf(mark, sizeof(mark), "<argument>%s</argument>", name);
	if (!strstr(last.got, mark))
		return NULL;
	snprintf(mark, sizeof(mark), "<argument>%s</argument>\n    <argument>", name);
	return value_after(mark, "<");
}

static json_int_t
number(const char *name)
{
	json_t *object = json_loads(body_of(&last), 0, NULL), *value;
	json_int_t result;

	ck_assert_msg(json_is_object(object), "no object: %s", last.got);
	value = json_object_get(object, name);
	ck_assert_msg(json_is_integer(value), "%s is no number", name);
	result = json_integer_value(value);
	json_decref(object);
	return result;
}

/* ---- the request parser ---- */

static const struct parse_case {
	const char *text;
	int status;
} parse_cases[] = {
	{ "", 0 },
	{ "GET / HTTP/1.1\r\n", 0 },
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200 },
	{ "GET / HTTP/1.1\nHost: a\n\n", 200 },
	{ "GET / HTTP/1.0\r\n\r\n", 200 },
	{ "GET / HTTP/2.0\r\n\r\n", 400 },
	{ "GET /\r\n\r\n", 400 },
	{ "\r\n\r\n", 400 },
	{ "\n\n", 400 },
	{ " GET / HTTP/1.1\r\n\r\n", 400 },
	{ "\x16\x03\x01\x02", 400 }, /* TLS */
	{ "GET  / HTTP/1.1\r\n\r\n", 400 },
	{ "GET x HTTP/1.1\r\n\r\n", 400 },
	{ "GET /\x80 HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTPS/1.1\r\n\r\n", 400 },
	{ "CONNECT a:443 HTTPS/1.1\r\n\r\n", 200 },
	{ "CONNECT a:443 HTTPS/1.1\n cookie x\r\n\r\n", 200 },
	{ "BREW / HTTP/1.1\r\n\r\n", 200 },
	{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n: empty\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\na b: c\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd", 0 },
	{ "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", 200 },
	{ "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", 413 },
	{ "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
	{ "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
};

START_TEST(request_status)
{
	static struct web_request request;
	const struct parse_case *row = &parse_cases[_i];

	ck_assert_msg(web_request_parse(&request, row->text, strlen(row->text)) == row->status,
		"%s", row->text);
}
END_TEST

START_TEST(request_limits)
{
	static struct web_request request;
	static char text[2 * WEB_REQUEST_MAX];
	size_t len;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(web_request_parse(&request, text, WEB_HEAD_MAX - 1), 0);
	ck_assert_int_eq(web_request_parse(&request, text, WEB_HEAD_MAX), 431);
	ck_assert_int_eq(web_request_parse(&request, text, sizeof(text)), 431);

	len = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");
	for (int i = 0; i <= WEB_HEADERS_MAX; i++)
		len += (size_t)sprintf(text + len, "A: b\r\n");
	len += (size_t)sprintf(text + len, "\r\n");
	ck_assert_int_eq(web_request_parse(&request, text, len), 431);
	ck_assert_int_eq(web_request_parse(&request, "GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24), 400);

	/* the longest that is allowed */
	len = (size_t)sprintf(text, "POST / HTTP/1.1\r\nContent-Length: %d\r\nA: ", WEB_BODY_MAX);
	memset(text + len, 'x', WEB_HEAD_MAX - len);
	memcpy(text + WEB_HEAD_MAX - 4, "\r\n\r\n", 4);
	memset(text + WEB_HEAD_MAX, 'b', WEB_BODY_MAX);
	ck_assert_int_eq(web_request_parse(&request, text, WEB_REQUEST_MAX), 200);
	ck_assert_uint_eq(request.total, WEB_REQUEST_MAX);
	ck_assert_uint_eq(strlen(request.body), WEB_BODY_MAX);
}
END_TEST

START_TEST(request_parts)
{
	static const char text[] =
		"POST /a/b?x=1&pass=q%20r HTTP/1.1\r\nHost: bmc\r\nCOOKIE: a=1; bc=2;c=\r\n"
		"Connection: keep-alive, Upgrade\r\nContent-Length: 30\r\n\r\n"
		"user=ad%6din+x&bad=%zz&nul=%00GET /next";
	static struct web_request request;
	char value[16];

	ck_assert_int_eq(web_request_parse(&request, text, sizeof(text) - 1), 200);
	ck_assert_uint_eq(request.total, sizeof(text) - 1 - strlen("GET /next"));
	ck_assert_int_eq(request.method, WEB_POST);
	ck_assert_str_eq(request.path, "/a/b");
	ck_assert_str_eq(web_request_header(&request, "host"), "bmc");
	ck_assert_ptr_null(web_request_header(&request, "hos"));
	ck_assert(web_request_has(&request, "connection", "upgrade"));
	ck_assert(!web_request_has(&request, "connection", "upgrad"));
	ck_assert(web_request_cookie(&request, "bc", value, sizeof(value)));
	ck_assert_str_eq(value, "2");
	ck_assert(web_request_cookie(&request, "c", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert(!web_request_cookie(&request, "b", value, sizeof(value)));
	ck_assert(web_request_field(&request, "user", value, sizeof(value)));
	ck_assert_str_eq(value, "admin x");
	ck_assert(web_request_field(&request, "pass", value, sizeof(value)));
	ck_assert_str_eq(value, "q r");
	ck_assert(!web_request_field(&request, "bad", value, sizeof(value)));
	ck_assert(!web_request_field(&request, "nul", value, sizeof(value)));
	ck_assert(!web_request_field(&request, "user", value, 7));
	ck_assert(!web_request_field(&request, "none", value, sizeof(value)));
}
END_TEST

/* ---- flow asp ---- */

START_TEST(asp_whole_flow)
{
	char token[64];

	conf.has_plain = _i == 0;
	conf.has_secure = _i == 1;
	start();
	login();
	ck_assert_uint_eq(web_totals(web)->sessions, 1);
	ck_assert_int_eq(get("/rpc/getrole.asp"), 200);
	ck_assert_str_eq(value_after("'EXTENDED_PRIV' : ", " ,}"), "259");
	ck_assert_int_eq(get("/rpc/getadvisercfg.asp"), 200);
	value_after("'V_STR_KVM_STATUS' : ", " ,}");
	ck_assert_int_eq(get("/rpc/getvmediacfg.asp"), 200);
	ck_assert_str_eq(value_after("'V_STR_CD_PORT' : ", " ,}"), "5120");
	ck_assert_str_eq(value_after("'V_STR_HD_SECURE_PORT' : ", " ,}"), "5126");
	ck_assert_str_eq(value_after("'V_NUM_CD' : ", " ,}"), "2");
	ck_assert_str_eq(value_after("'V_MEDIA_LICENSE_STATUS' : ", " ,}"), "1");
	ck_assert_int_eq(get("/rpc/getallconfigs.asp"), 200);
	value_after("'V_STR_KVM_STATUS' : ", " ,}");
	ck_assert_str_eq(value_after("'V_STR_FD_PORT' : ", " ,}"), "5121");
	ck_assert_int_eq(get("/rpc/getsessiontoken.asp"), 200);
	strcpy(token, value_after("'SESSION_TOKEN' : '", "'"));
	ck_assert_uint_eq(strlen(token), 16);
	ck_assert_int_eq(get("/Java/jviewer.jnlp?EXTRNIP=bmc&JNLPSTR=JViewer"), 200);
	ck_assert_str_eq(argument("-kvmtoken"), token);
	ck_assert_str_eq(argument("-webcookie"), cookie);

	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	token[15] = '!'; /* is not looked at */
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	token[14] = '!';
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
	ck_assert_int_eq(web_check_token(web, ""), WEB_TOKEN_UNKNOWN);

	ck_assert_int_eq(logout(), 200);
	ck_assert_int_eq(logout(), 401);
	ck_assert_int_eq(get("/rpc/getrole.asp"), 401);
	ck_assert_uint_eq(web_totals(web)->sessions, 0);
	ck_assert_uint_eq(web_totals(web)->sessions_most, 1);
	ck_assert_uint_eq(web_totals(web)->logins, 1);
	ck_assert_uint_eq(web_totals(web)->logouts, 1);
	ck_assert_uint_eq(web_totals(web)->overlaps, 0);
	ck_assert_uint_eq(web_totals(web)->requests, 10);
	ck_assert_ptr_null(strstr(log_text, "s3cret"));
	ck_assert_ptr_nonnull(strstr(log_text, "login of admin\n"));
	ck_assert_ptr_nonnull(strstr(log_text, "logout\n"));
}
END_TEST

START_TEST(asp_jnlp_says_what_is_configured)
{
	char port[8];

	conf.is_secure_media = _i;
	conf.is_single_port = !_i;
	start();
	login();
	ck_assert_int_eq(get("/Java/jviewer.jnlp"), 200);
	ck_assert_str_eq(argument("-vmsecure"), _i ? "1" : "0");
	ck_assert_str_eq(argument("-singleportenabled"), _i ? "0" : "1");
	ck_assert_str_eq(argument("-cdport"), _i ? "5124" : "5120");
	ck_assert_str_eq(argument("-fdport"), _i ? "5125" : "5121");
	ck_assert_str_eq(argument("-hdport"), _i ? "5126" : "5122");
	ck_assert_str_eq(argument("-cdnum"), "2");
	ck_assert_str_eq(argument("-hdstate"), "1");
	ck_assert_str_eq(argument("-kvmtokentype"), "0");
	ck_assert_str_eq(argument("-u"), "");
	ck_assert_str_eq(argument("-localization"), "EN");
	ck_assert_ptr_null(argument("-launch"));
	snprintf(port, sizeof(port), "%u", web_port(web, true));
	ck_assert_str_eq(argument("-websecureport"), port);
	web_free(web);

	conf.slots[DEVICE_FD] = 0;
	conf.is_attached[DEVICE_HD] = false;
	conf.quirks = WEB_JNLP_NO_PORTS;
	start();
	login();
	ck_assert_int_eq(get("/Java/jviewer.jnlp"), 200);
	ck_assert_ptr_null(argument("-cdport"));
	ck_assert_ptr_null(argument("-hdport"));
	ck_assert_ptr_null(argument("-fdstate"));
	ck_assert_str_eq(argument("-hdstate"), "0");
	ck_assert_str_eq(argument("-launch"), "JViewer");
	ck_assert_str_eq(argument("-kvmcdnum"), "2");
}
END_TEST

START_TEST(asp_other_paths)
{
	start();
	ck_assert_int_eq(post("/api/session", "username=admin&password=x", true), 405);
	ck_assert_int_eq(get_with("", "GET", "/api/kvm/token", true), 404);
	ck_assert_int_eq(get_with("", "GET", "/rpc/WEBSES/create.asp", true), 405);
	ck_assert_int_eq(get_with("", "GET", "/nothing", true), 404);
	ck_assert_int_eq(get_with("", "BREW", "/", true), 501);
	ck_assert_int_eq(get_with("", "GET", "/", true), 200);
	ck_assert_int_eq(get_with("", "GET", "/", false), 200);
	ck_assert_int_eq(get_with("", "GET", "/rpc/getrole.asp", true), 401);
	ck_assert_int_eq(
		get_with("Cookie: SessionCookie=\r\n", "GET", "/rpc/getrole.asp", true), 401);
}
END_TEST

/* ---- flow rest ---- */

START_TEST(rest_whole_flow)
{
	char token[64], wrong[256];

	start_rest();
	login();
	ck_assert_int_eq(get("/api/settings/media/instance"), 200);
	ck_assert_int_eq(number("cd_port"), 5120);
	ck_assert_int_eq(number("hd_port"), 5122);
	ck_assert_int_eq(number("cd_secure_port"), 5124);
	ck_assert_int_eq(number("num_cd"), 2);
	ck_assert_int_eq(number("cd_status"), 1);
	ck_assert_int_eq(number("license"), 1);
	ck_assert_int_eq(number("secure_channel"), 0);
	ck_assert_int_eq(number("single_port_enabled"), 0);
	ck_assert_int_eq(get("/api/settings/media/adviser"), 200);
	ck_assert_int_eq(number("kvm_port"), 7578);
	ck_assert_int_eq(get("/api/kvm/token"), 200);
	strcpy(token, value_after("\"token\": \"", "\""));
	ck_assert_int_eq(get("/api/settings/media/h5viewercfg"), 200);
	ck_assert_str_eq(value_after("\"token\": \"", "\""), token);
	ck_assert_str_eq(value_after("\"session\": \"", "\""), cookie);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	token[20] = '!'; /* here all of it counts */
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);

	/* a cookie alone is not enough */
	snprintf(wrong, sizeof(wrong), "Cookie: QSESSIONID=%s\r\n", cookie);
	ck_assert_int_eq(get_with(wrong, "GET", "/api/kvm/token", true), 401);
	snprintf(wrong, sizeof(wrong), "Cookie: QSESSIONID=%s\r\nX-CSRFTOKEN: x\r\n", cookie);
	ck_assert_int_eq(get_with(wrong, "DELETE", "/api/session", true), 401);
	ck_assert_int_eq(get_with("", "GET", "/api/kvm/token", true), 401);

	ck_assert_int_eq(logout(), 200);
	ck_assert_int_eq(get("/api/kvm/token"), 401);
	ck_assert_uint_eq(web_totals(web)->sessions, 0);
	ck_assert_uint_eq(web_totals(web)->logouts, 1);

	ck_assert_int_eq(post("/rpc/WEBSES/create.asp", "a=b", true), 404);
	ck_assert_int_eq(get_with("", "GET", "/Java/jviewer.jnlp", true), 404);
	ck_assert_int_eq(get_with("", "GET", "/api/session", true), 405);
}
END_TEST

START_TEST(rest_login_in_the_query)
{
	start_rest();
	ck_assert_int_eq(post("/api/session?username=admin&password=s3cret%26x", "", true), 200);
	ck_assert_int_eq(post("/api/session?username=admin", "", true), 401);
}
END_TEST

/* ---- flow digest ---- */

static void
md5(char out[33], const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len;

	ck_assert(EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), digest, &len));
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The second request of a login, with the nonce of the last answer. */
static int
digest_login(const char *nonce, const char *password, bool has_qop)
{
	char text[512], who[33], what[33], response[33], line[1024];

	snprintf(text, sizeof(text), "admin:iRMC S4:%s", password);
	md5(who, text);
	md5(what, "POST:/login");
	snprintf(text, sizeof(text), has_qop ? "%s:%s:00000001:abc:auth:%s" : "%s:%s:%s", who,
		nonce, what);
	md5(response, text);
	snprintf(line, sizeof(line),
		"Authorization: Digest username=\"admin\",realm=\"iRMC S4\",nonce=\"%s\", "
		"uri=\"/login\", %sresponse=\"%s\"\r\nContent-Length: 0\r\n",
		nonce, has_qop ? "nc=00000001, cnonce=\"abc\", qop=auth, " : "", response);
	return get_with(line, "POST", "/login", true);
}

START_TEST(digest_whole_flow)
{
	char nonce[64], sid[64], path[128], token[64];

	conf.flow = WEB_FLOW_DIGEST;
	conf.quirks = WEB_JNLP_NO_PORTS | WEB_TOKEN_ONCE;
	start();
	ck_assert_int_eq(post("/api/session", "", true), 405);
	ck_assert_int_eq(post("/rpc/WEBSES/create.asp", "", true), 404);
	ck_assert_int_eq(post("/login", "", true), 401);
	strcpy(nonce, value_after("nonce=\"", "\""));
	ck_assert_int_eq(digest_login(nonce, "wrong", _i), 401);
	ck_assert_uint_eq(web_totals(web)->refused, 1);
	ck_assert_int_eq(digest_login(nonce, "s3cret&x", _i), 401); /* was used */
	strcpy(nonce, value_after("nonce=\"", "\""));
	ck_assert_int_eq(digest_login(nonce, "s3cret&x", _i), 302);
	strcpy(sid, value_after("sid=", "\r"));
	ck_assert_uint_eq(web_totals(web)->logins, 1);
	ck_assert_uint_eq(web_totals(web)->refused, 1);

	ck_assert_int_eq(get_with("", "GET", "/avr.jnlp", true), 401);
	snprintf(path, sizeof(path), "/avr.jnlp?sid=%s", sid);
	ck_assert_int_eq(get_with("", "GET", path, true), 200);
	strcpy(token, argument("-kvmtoken"));
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	ck_assert_ptr_null(argument("-cdport"));
	snprintf(path, sizeof(path), "/logout?sid=%s", sid);
	ck_assert_int_eq(get_with("", "GET", path, true), 200);
	ck_assert_uint_eq(web_totals(web)->sessions, 0);
	ck_assert_uint_eq(web_totals(web)->logouts, 1);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(digest_headers_that_are_none)
{
	static const char *const lines[] = {
		"Authorization: Digest\r\n",
		"Authorization: Digest \r\n",
		"Authorization: Digest nonce\r\n",
		"Authorization: Digest nonce=\r\n",
		"Authorization: Digest nonce=\"\r\n",
		"Authorization: Digest ,,=,=\"=\"\"\r\n",
		"Authorization: Basic YTpi\r\n",
	};

	conf.flow = WEB_FLOW_DIGEST;
	start();
	ck_assert_int_eq(get_with(lines[_i], "GET", "/login", true), 401);
	ck_assert_uint_eq(web_totals(web)->refused, 0);
}
END_TEST

/* ---- logins that fail ---- */

START_TEST(login_with_wrong_credentials)
{
	bool is_asp = _i & 1, has_200 = _i & 2;

	conf.flow = is_asp ? WEB_FLOW_ASP : WEB_FLOW_REST;
	conf.quirks = has_200 ? WEB_BAD_WITH_200 : 0;
	start();
	ck_assert_int_eq(login_with("wrong"), has_200 ? 200 : 401);
	ck_assert_ptr_null(strstr(last.got, "QSESSIONID"));
	if (is_asp)
		ck_assert_str_eq(value_after("HAPI_STATUS:", " "), "1");
	else
		ck_assert_int_eq(number("cc"), 7);
	ck_assert_uint_eq(web_totals(web)->refused, 1);
	ck_assert_uint_eq(web_totals(web)->logins, 0);
	ck_assert_uint_eq(web_totals(web)->sessions, 0);
	ck_assert_ptr_null(strstr(log_text, "wrong\n"));
}
END_TEST

START_TEST(login_when_all_sessions_are_in_use)
{
	conf.flow = _i ? WEB_FLOW_ASP : WEB_FLOW_REST;
	conf.sessions_max = 2;
	start();
	login();
	login();
	ck_assert_int_eq(login_with("s3cret%26x"), 503);
	ck_assert_ptr_nonnull(strcasestr(last.got, "session"));
	ck_assert_uint_eq(web_totals(web)->refused, 1);
	ck_assert_uint_eq(web_totals(web)->sessions, 2);
	ck_assert_uint_eq(web_totals(web)->sessions_most, 2);
	ck_assert_int_eq(logout(), 200);
	login();
	ck_assert_uint_eq(web_totals(web)->sessions_most, 2);
}
END_TEST

/* ---- sessions and tokens ---- */

static void
fetch_token(char token[64])
{
	if (conf.flow == WEB_FLOW_ASP) {
		ck_assert_int_eq(get("/Java/jviewer.jnlp"), 200);
		strcpy(token, argument("-kvmtoken"));
	} else {
		ck_assert_int_eq(get("/api/kvm/token"), 200);
		strcpy(token, value_after("\"token\": \"", "\""));
	}
}

START_TEST(session_ends_when_nobody_asks)
{
	char token[64];

	start();
	login();
	fetch_token(token);
	web_free(web);
	conf.session_life = 0.05;
	start();
	login();
	LOOP_UNTIL(base, web_totals(web)->sessions == 0);
	ck_assert_int_eq(get("/rpc/getrole.asp"), 401);
	ck_assert_ptr_nonnull(strstr(log_text, "web session ended"));
}
END_TEST

START_TEST(token_ends_with_its_session)
{
	char token[64];

	conf.flow = _i ? WEB_FLOW_ASP : WEB_FLOW_REST;
	start();
	login();
	fetch_token(token);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	ck_assert_int_eq(logout(), 200);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(token_with_a_life_of_its_own)
{
	char token[64];

	conf.token_life = LONG;
	start();
	login();
	fetch_token(token);
	ck_assert_int_eq(logout(), 200);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	web_free(web);

	conf.token_life = 0.05;
	start();
	login();
	fetch_token(token);
	LOOP_UNTIL(base, web_check_token(web, token) == WEB_TOKEN_UNKNOWN);
	ck_assert_uint_eq(web_totals(web)->sessions, 1);
}
END_TEST

START_TEST(token_is_forgotten_after_use)
{
	char token[64], next[64];

	start();
	login();
	fetch_token(token);
	fetch_token(next);
	ck_assert_str_eq(token, next);
	web_forget_token(web, token);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
	fetch_token(next);
	ck_assert_str_ne(token, next);
	ck_assert_int_eq(web_check_token(web, next), WEB_TOKEN_GOOD);
}
END_TEST

START_TEST(token_without_privilege_or_licence)
{
	char token[64];

	conf.has_privilege = _i;
	conf.has_licence = false;
	start();
	login();
	fetch_token(token);
	ck_assert_int_eq(
		web_check_token(web, token), _i ? WEB_TOKEN_NO_LICENCE : WEB_TOKEN_NO_PRIVILEGE);
	ck_assert_int_eq(get("/rpc/getrole.asp"), 200);
	ck_assert_str_eq(value_after("'EXTENDED_PRIV' : ", " ,}"), _i ? "259" : "0");
	ck_assert_int_eq(get("/rpc/getvmediacfg.asp"), 200);
	ck_assert_str_eq(value_after("'V_MEDIA_LICENSE_STATUS' : ", " ,}"), "0");
}
END_TEST

START_TEST(tokens_are_bounded)
{
	char first[64], token[64];

	conf.quirks = WEB_TOKEN_ONCE;
	start();
	login();
	fetch_token(first);
	for (int i = 0; i < 64; i++)
		fetch_token(token);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	ck_assert_int_eq(web_check_token(web, first), WEB_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(reset_forgets_everything)
{
	struct client *client;
	struct reason why;
	char token[64];
	uint16_t port;

	start();
	login();
	fetch_token(token);
	client = client_open(false);
	ck_assert_int_eq(ask_on(client, "GET / HTTP/1.1\r\n\r\n"), 200);
	port = web_port(web, false);
	web_reset(web);
	ck_assert_int_eq(web_set_listening(web, false, &why), 0);
	LOOP_UNTIL(base, client_read(client));
	ck_assert_int_eq(client->error, ECONNRESET);
	client_free(client);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
	ck_assert_uint_eq(web_totals(web)->sessions, 0);
	ck_assert_uint_eq(web_totals(web)->logins, 1);

	client = client_open(false);
	ck_assert_int_eq(client->error, ECONNREFUSED);
	client_free(client);
	ck_assert_int_eq(web_set_listening(web, true, &why), 0);
	ck_assert_uint_eq(web_port(web, false), port);
	ck_assert_int_eq(get("/rpc/getrole.asp"), 401);
	login();
}
END_TEST

/* ---- quirks ---- */

START_TEST(quirk_http_10)
{
	struct client *client;

	conf.quirks = WEB_HTTP_10;
	start();
	client = client_open(_i);
	ask_on(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert(client->has_ended);
	ck_assert_ptr_eq(strstr(client->got, "HTTP/1.0 200 OK\r\n"), client->got);
	ck_assert_ptr_null(strcasestr(client->got, "Content-Length"));
	ck_assert_ptr_nonnull(strstr(client->got, "</html>"));
	client_free(client);
	login();
}
END_TEST

START_TEST(quirk_status_twice)
{
	conf.quirks = WEB_STATUS_TWICE;
	start();
	ck_assert_int_eq(get_with("", "GET", "/", true), 200);
	ck_assert_ptr_eq(strstr(last.got, "HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n"), last.got);
	login();
}
END_TEST

START_TEST(quirk_redirect)
{
	char expected[64];

	conf.quirks = WEB_REDIRECT;
	start();
	ck_assert_int_eq(get_with("", "GET", "/a/b?c=d", false), 301);
	snprintf(expected, sizeof(expected), "https://127.0.0.1:%u/a/b?c=d", web_port(web, true));
	ck_assert_str_eq(value_after("Location: ", "\r"), expected);
	ck_assert_int_eq(get_with("", "GET", "/", true), 301);
	snprintf(
		expected, sizeof(expected), "https://127.0.0.1:%u/index.html", web_port(web, true));
	ck_assert_str_eq(value_after("Location: ", "\r"), expected);
	ck_assert_int_eq(get_with("", "GET", "/index.html", true), 200);
	login();
}
END_TEST

START_TEST(quirk_empty_token)
{
	char token[64];

	conf.quirks = WEB_EMPTY_TOKEN;
	start();
	login();
	ck_assert_int_eq(get("/rpc/getsessiontoken.asp"), 200);
	ck_assert_str_eq(value_after("'SESSION_TOKEN' : '", "'"), "");
	fetch_token(token);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
}
END_TEST

START_TEST(quirk_token_once)
{
	char token[64], web_cookie[64];

	conf.quirks = WEB_TOKEN_ONCE;
	start();
	login();
	fetch_token(token);
	strcpy(web_cookie, argument("-webcookie"));
	ck_assert_str_ne(web_cookie, cookie);
	ck_assert_int_eq(get("/Java/jviewer.jnlp"), 200);
	ck_assert_str_ne(argument("-kvmtoken"), token);
	ck_assert_str_ne(argument("-webcookie"), web_cookie);
	ck_assert_int_eq(web_check_token(web, argument("-kvmtoken")), WEB_TOKEN_GOOD);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	ck_assert_int_eq(logout(), 200);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(quirk_ports_locked)
{
	char token[64];

	conf.quirks = WEB_PORTS_LOCKED;
	conf.flow = _i ? WEB_FLOW_ASP : WEB_FLOW_REST;
	start();
	ck_assert(!web_is_unlocked(web));
	login();
	ck_assert(!web_is_unlocked(web));
	fetch_token(token);
	ck_assert(web_is_unlocked(web));
	ck_assert_int_eq(logout(), 200);
	ck_assert(!web_is_unlocked(web));
	web_free(web);
	conf.quirks = 0;
	start();
	ck_assert(web_is_unlocked(web));
}
END_TEST

START_TEST(quirk_list_500)
{
	conf.quirks = WEB_LIST_500;
	start_rest();
	login();
	ck_assert_int_eq(get("/api/settings/media/adviser"), 500);
	ck_assert_int_eq(get("/api/settings/media/instance"), 200);
}
END_TEST

START_TEST(quirk_slow)
{
	char token[64];

	conf.quirks = WEB_SLOW | (_i ? WEB_HTTP_10 : 0);
	start();
	login();
	fetch_token(token);
	ck_assert_int_eq(web_check_token(web, token), WEB_TOKEN_GOOD);
	ck_assert_int_eq(logout(), 200);
	ck_assert_uint_eq(web_totals(web)->overlaps, 0);
}
END_TEST

/* ---- bursts and overlaps ---- */

START_TEST(ban_after_a_burst)
{
	struct client *client;

	conf.ban_after = 5;
	conf.ban_window = conf.ban_time = LONG;
	start();
	client = client_open(_i);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask_on(client, "GET / HTTP/1.1\r\n\r\n"), 200);
	ck_assert_int_eq(ask_on(client, "GET / HTTP/1.1\r\n\r\n"), 403);
	client_free(client);
	ck_assert_int_eq(get_with("", "GET", "/", _i), 403);
	ck_assert_int_eq(login_with("s3cret%26x"), 403);
	ck_assert_uint_eq(web_totals(web)->logins, 0);
	ck_assert_int_eq(ask(false, "CONNECT a:443 HTTP/1.1\n cookie x\r\n\r\n"
				    "JVIEWER CDMEDIA cookie x\r\n\r\n"),
		403);
	web_reset(web);
	ck_assert_int_eq(get_with("", "GET", "/", _i), 200);
}
END_TEST

START_TEST(ban_ends)
{
	conf.ban_after = 1;
	conf.ban_window = LONG;
	conf.ban_time = 0.2;
	start();
	ck_assert_int_eq(get_with("", "GET", "/", false), 200);
	ck_assert_int_eq(get_with("", "GET", "/", false), 403);
	LOOP_UNTIL(base, get_with("", "GET", "/", false) == 200);
}
END_TEST

START_TEST(overlapping_requests_are_counted)
{
	struct client *one, *two;

	start();
	one = client_open(false);
	two = client_open(true);
	client_say(one, "GET / HT"); /* it has begun */
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(ask_on(two, "GET / HTTP/1.1\r\n\r\n"), 200);
	LOOP_UNTIL(base, web_totals(web)->overlaps == 1);
	ck_assert_int_eq(ask_on(one, "TP/1.1\r\n\r\n"), 200);
	/* one behind the other is none */
	ck_assert_int_eq(ask_on(two, "GET / HTTP/1.1\r\n\r\n"), 200);
	ck_assert_int_eq(ask_on(one, "GET / HTTP/1.1\r\n\r\n"), 200);
	ck_assert_uint_eq(web_totals(web)->overlaps, 1);
	client_free(one);
	client_free(two);
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
	struct client *client;
	unsigned count = 0;

	start();
	client = client_open(_i);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask_on(client, "GET / HTTP/1.1\r\n\r\n"), 200);
	client->len = 0;
	/* three at once, the last one asks for the end */
	client_say(client, "GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
			   "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
	LOOP_UNTIL(base, client_read(client));
	ck_assert(client->has_ended);
	for (const char *p = client->got; (p = strstr(p, "HTTP/1.1 ")) != NULL; p++)
		count++;
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(web_totals(web)->requests, 6);
	client_free(client);
}
END_TEST

/* ---- tunnel ---- */

/* CONNECT and JVIEWER as the client would say it; %s is the line end. */
static void
say_tunnel(struct client *client, const char *end, uint16_t port, const char *service,
	const char *its_cookie)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"CONNECT 127.0.0.1:%u %s/1.1%s cookie %s\r\n\r\nJVIEWER %s cookie %s\r\n\r\n", port,
		client->ssl ? "HTTPS" : "HTTP", end, its_cookie, service, its_cookie);
	client_say(client, text);
}

START_TEST(tunnel_opens)
{
	static const char *const services[] = { "CDMEDIA", "FDMEDIA", "HDMEDIA" };
	bool is_secure = _i & 1, is_crlf = _i & 2, is_bare = _i & 4;
	struct client *client;
	char text[64];

	conf.quirks = is_bare ? WEB_TUNNEL_BARE : 0;
	start();
	login();
	client = client_open(is_secure);
	say_tunnel(client, is_crlf ? "\r\n" : "\n", web_port(web, true), services[_i % 3], cookie);
	client_say(client, "IUSB    and so on");
	LOOP_UNTIL(base, upgraded != NULL);
	LOOP_UNTIL(base, (client_read(client), strchr(client->got, '\n')) != NULL);
	ck_assert_str_eq(client->got, is_bare ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
	ck_assert_int_eq(upgraded_device, _i % 3);
	ck_assert_msg(strncmp(upgraded_peer, "127.0.0.1:", 10) == 0, "%s", upgraded_peer);
	ck_assert_uint_eq(web_totals(web)->upgrades, 1);

	/* the bytes behind the text are not lost */
	for (size_t len = 0; len < 17;) {
		ssize_t n = link_read(upgraded, text + len, sizeof(text) - len);
		time_t until = 0;

		if (n > 0)
			len += (size_t)n;
		else
			ck_assert(n < 0 && errno == EAGAIN && loop_turn(base, &until));
	}
	ck_assert_mem_eq(text, "IUSB    and so on", 17);
	client->len = 0;
	ck_assert_int_eq(link_write(upgraded, "ACK", 3), 3);
	LOOP_UNTIL(base, (client_read(client), client->len) == 3);
	client_free(client);
}
END_TEST

START_TEST(tunnel_in_small_pieces)
{
	struct client *client;
	char text[512];

	start();
	login();
	client = client_open(false);
	snprintf(text, sizeof(text),
		"CONNECT a:443 HTTP/1.1\n cookie %s\r\n\r\nJVIEWER CDMEDIA cookie %s\r\n\r\n",
		cookie, cookie);
	for (const char *p = text; *p; p++) {
		client_send(client, p, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	LOOP_UNTIL(base, upgraded != NULL);
	client_free(client);
}
END_TEST

static const struct refusal {
	const char *service;
	bool has_cookie;
	const char *words;
} refusals[] = {
	{ "CDMEDIA", false, "ERROR:3" },
	{ "VIDEO", true, "ERROR:9" },
	{ "FDMEDIA", true, "ERROR:9" }, /* there is none */
	{ "NOSUCH", true, "ERROR:9" },
};

START_TEST(tunnel_is_refused)
{
	const struct refusal *row = &refusals[_i];
	struct client *client;

	conf.slots[DEVICE_FD] = 0;
	start();
	login();
	client = client_open(false);
	say_tunnel(client, "\n", 443, row->service, row->has_cookie ? cookie : "wrong");
	LOOP_UNTIL(base, client_read(client));
	ck_assert(client->has_ended);
	ck_assert_msg(strstr(client->got, row->words) != NULL, "%s", client->got);
	ck_assert_ptr_null(upgraded);
	client_free(client);
}
END_TEST

START_TEST(tunnel_text_that_is_none)
{
	char text[2048];
	struct client *client;

	start();
	login();
	ck_assert_int_eq(
		ask(false, "CONNECT a:443 HTTP/1.1\r\n\r\nJVIEWER CDMEDIA cookie x\r\n\r\n"), 401);
	ck_assert_int_eq(ask(false, "CONNECT a:443 HTTP/1.1\n cookie x\r\n\r\nIUSB\r\n\r\n"), 400);
	ck_assert_int_eq(ask(false, "CONNECT a:443 HTTP/1.1\n cookie x\r\n\r\n\r\n\r\n"), 400);
	memset(text, 'x', sizeof(text));
	client = client_open(false);
	client_say(client, "CONNECT a:443 HTTP/1.1\n cookie x\r\n\r\n");
	client_send(client, text, sizeof(text));
	LOOP_UNTIL(base, client_read(client));
	ck_assert_int_eq(status_of(client), 400);
	client_free(client);
	web_free(web);
	conf.has_tunnel = false;
	start();
	ck_assert_int_eq(ask(false, "CONNECT a:443 HTTP/1.1\n cookie x\r\n\r\n"), 404);
}
END_TEST

START_TEST(tunnel_to_port_80_is_silent)
{
	struct client *client;
	time_t until = 0;

	start();
	login();
	client = client_open(false);
	say_tunnel(client, "\n", 80, "CDMEDIA", cookie);
	LOOP_UNTIL(base, (client_read(client), strstr(client->got, "200 OK\r\n\r\n")) != NULL);
	client_say(client, "IUSB    ");
	client->len = 0;
	for (int i = 0; i < 5; i++)
		ck_assert(loop_turn(base, &until));
	client_read(client);
	ck_assert_uint_eq(client->len, 0);
	ck_assert(!client->has_ended && !client->error);
	ck_assert_ptr_null(upgraded);
	client_free(client);
}
END_TEST

START_TEST(tunnel_takes_the_cookie_of_a_jnlp)
{
	struct client *client;
	char web_cookie[64];

	conf.quirks = WEB_TOKEN_ONCE | WEB_SLOW;
	start();
	login();
	ck_assert_int_eq(get("/Java/jviewer.jnlp"), 200);
	strcpy(web_cookie, argument("-webcookie"));
	client = client_open(true);
	say_tunnel(client, "\n", 443, "HDMEDIA", web_cookie);
	LOOP_UNTIL(base, upgraded != NULL);
	ck_assert_int_eq(upgraded_device, DEVICE_HD);
	client_free(client);
}
END_TEST

START_TEST(tunnel_disconnect)
{
	struct client *client;

	start();
	login();
	client = client_open(false);
	say_tunnel(client, "\n", 443, "DISCONNECT", cookie);
	LOOP_UNTIL(base, client_read(client));
	ck_assert_int_eq(status_of(client), 200);
	ck_assert_ptr_null(upgraded);
	client_free(client);
}
END_TEST

/* ---- WebSocket ---- */

#define WS_KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* RFC 6455 1.3 */
#define WS_ACCEPT  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define WS_REST    "Host: bmc\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define WS_VERSION "Sec-WebSocket-Version: 13\r\n"
#define WS_BINARY  "Sec-WebSocket-Protocol: binary, base64\r\n"

static void
say_websocket(struct client *client, const char *path, const char *lines, const char *its_cookie)
{
	char text[1024];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n%sCookie: QSESSIONID=%s\r\n\r\n", path,
		lines, its_cookie);
	client_say(client, text);
}

START_TEST(websocket_opens)
{
	static const uint8_t frame[] = { 0x82, 0x83, 1, 2, 3, 4, 'a' ^ 1, 'b' ^ 2, 'c' ^ 3 };
	bool is_secure = _i & 1, has_200 = _i & 2;
	struct client *client;
	char text[16];

	conf.quirks = has_200 ? WEB_101_THEN_200 : 0;
	start_rest();
	login();
	client = client_open(is_secure);
	say_websocket(client, _i & 1 ? "/hd-server" : "/cd-server",
		WS_REST WS_KEY WS_VERSION WS_BINARY, cookie);
	client_send(client, frame, sizeof(frame));
	LOOP_UNTIL(base, upgraded != NULL);
	LOOP_UNTIL(base, (client_read(client), strstr(client->got, "\r\n\r\n")) != NULL);
	ck_assert_int_eq(status_of(client), 101);
	ck_assert_ptr_nonnull(strstr(client->got, WS_ACCEPT));
	ck_assert_ptr_nonnull(strstr(client->got, "Sec-WebSocket-Protocol: binary\r\n"));
	ck_assert_int_eq(strstr(client->got, "HTTP/1.1 200 OK\r\n") != NULL, has_200);
	ck_assert_int_eq(upgraded_device, _i & 1 ? DEVICE_HD : DEVICE_CD);
	for (ssize_t n = -1; n < 0;) {
		time_t until = 0;

		n = link_read(upgraded, text, sizeof(text));
		ck_assert(n == 3 || (n < 0 && errno == EAGAIN && loop_turn(base, &until)));
	}
	ck_assert_mem_eq(text, "abc", 3);
	client_free(client);
}
END_TEST

static const struct websocket_case {
	const char *path, *lines;
	bool has_cookie;
	int status;
} websocket_cases[] = {
	{ "/cd-server", WS_REST WS_KEY WS_VERSION WS_BINARY, false, 401 },
	{ "/fd-server", WS_REST WS_KEY WS_VERSION WS_BINARY, true, 404 },
	{ "/", WS_REST WS_KEY WS_VERSION WS_BINARY, true, 404 },
	{ "/cd-server", WS_REST WS_KEY "Sec-WebSocket-Version: 8\r\n" WS_BINARY, true, 426 },
	{ "/cd-server", WS_REST WS_KEY WS_BINARY, true, 426 },
	{ "/cd-server", WS_REST WS_VERSION WS_BINARY, true, 400 },
	{ "/cd-server", WS_REST WS_VERSION WS_BINARY "Sec-WebSocket-Key: c2hvcnQ=\r\n", true, 400 },
	{ "/cd-server", WS_REST WS_KEY WS_VERSION "Sec-WebSocket-Protocol: base64\r\n", true, 400 },
	{ "/cd-server", WS_REST WS_KEY WS_VERSION, true, 400 },
	{ "/cd-server", "Host: a\r\nUpgrade: websocket\r\n" WS_KEY WS_VERSION WS_BINARY, true,
		400 },
	{ "/cd-server", "Host: a\r\n" WS_KEY WS_VERSION WS_BINARY, true, 404 }, /* no upgrade */
};

START_TEST(websocket_is_refused)
{
	const struct websocket_case *row = &websocket_cases[_i];
	struct client *client;

	start_rest();
	login();
	client = client_open(false);
	say_websocket(client, row->path, row->lines, row->has_cookie ? cookie : "wrong");
	LOOP_UNTIL(base, client_has_answer(client));
	ck_assert_int_eq(status_of(client), row->status);
	ck_assert_ptr_null(upgraded);
	client_free(client);
	web_free(web);

	conf.has_websocket = false;
	start_rest();
	login();
	client = client_open(false);
	say_websocket(client, "/cd-server", WS_REST WS_KEY WS_VERSION WS_BINARY, cookie);
	LOOP_UNTIL(base, client_has_answer(client));
	ck_assert_int_eq(status_of(client), 404);
	client_free(client);
}
END_TEST

/* A media port of somebody else: it gives what comes to the web server. */
static void
media_accept_cb(void *arg, evutil_socket_t fd, const struct sockaddr_in *from)
{
	struct link *link = link_plain(base, fd);

	(void)arg, (void)from;
	link_unread(link, "GET ", 4); /* as if that had been looked at */
	web_serve_upgrade(web, link, DEVICE_HD);
}

START_TEST(websocket_on_a_media_port)
{
	struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };
	struct reason why = { "" };
	struct tcp_listener *listener =
		tcp_listener_new(base, address, 0, media_accept_cb, NULL, &why);
	struct client *client;
	char text[1024];

	ck_assert_msg(listener != NULL, "%s", why.text);
	start_rest();
	login();
	client = client_open_port(tcp_listener_port(listener), false);
	client_say(client, "/api/session HTTP/1.1\r\n\r\n");
	LOOP_UNTIL(base, client_read(client));
	ck_assert_int_eq(status_of(client), 404);
	client_free(client);

	client = client_open_port(tcp_listener_port(listener), false);
	snprintf(text, sizeof(text), "/ HTTP/1.1\r\n%sCookie: QSESSIONID=%s\r\n\r\n",
		WS_REST WS_KEY WS_VERSION WS_BINARY, cookie);
	client_say(client, text);
	LOOP_UNTIL(base, upgraded != NULL);
	ck_assert_int_eq(upgraded_device, DEVICE_HD);
	LOOP_UNTIL(base, (client_read(client), strstr(client->got, "\r\n\r\n")) != NULL);
	ck_assert_int_eq(status_of(client), 101);
	client_free(client);
	tcp_listener_free(listener);
}
END_TEST

/* ---- what a web server has to bear ---- */

START_TEST(bad_requests_are_refused)
{
	static char text[3 * WEB_REQUEST_MAX];
	struct client *client;

	start();
	ck_assert_int_eq(ask(false, "hello\r\n\r\n"), 400);
	ck_assert_int_eq(ask(false, "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"), 413);
	memset(text, 'a', sizeof(text) - 1);
	client = client_open(_i);
	client_say(client, text);
	LOOP_UNTIL(base, client_read(client));
	ck_assert(client->has_ended);
	ck_assert_int_eq(status_of(client), 431);
	client_free(client);
	ck_assert_int_eq(ask(true, "GET / HTTP/1.1\r\n\r\n"), 200);
}
END_TEST

START_TEST(silent_connections_do_not_keep_others_out)
{
	enum {
		MANY = 80,
	};
	struct client *silent[MANY];
	unsigned reset = 0;

	start();
	for (int i = 0; i < MANY; i++) {
		silent[i] = client_open(false);
		ck_assert_int_eq(silent[i]->error, 0);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_eq(ask(false, "GET / HTTP/1.1\r\n\r\n"), 200);
	for (int i = 0; i < MANY; i++) {
		reset += client_read(silent[i]);
		client_free(silent[i]);
	}
	ck_assert_uint_ge(reset, MANY - 64);
}
END_TEST

START_TEST(noise)
{
	static const char *const seeds[] = {
		"POST /rpc/WEBSES/create.asp HTTP/1.1\r\nContent-Length: 20\r\n\r\nWEBVAR_USERNAME=ab&x",
		"GET /Java/jviewer.jnlp?EXTRNIP=a HTTP/1.1\r\nCookie: SessionCookie=a; b=c\r\n\r\n",
		"CONNECT a:443 HTTPS/1.1\n cookie abc\r\n\r\nJVIEWER CDMEDIA cookie abc\r\n\r\n",
		"GET /cd-server HTTP/1.1\r\n" WS_REST WS_KEY WS_VERSION WS_BINARY "\r\n",
	};
	struct chance chance;

	chance_init(&chance, (uint32_t)_i);
	conf.session_life = 0.001;
	start();
	for (int i = 0; i < 100; i++) {
		struct client *client = client_open(false);
		char text[512];
		size_t len = strlen(strcpy(text, seeds[chance_below(&chance, 4)]));

		for (unsigned n = chance_below(&chance, 5); n > 0; n--)
			text[chance_below(&chance, (uint32_t)len)] =
				"\r\n :/=%&;,\0\xff"
				"A1"[chance_below(&chance, 14)];
		client_send(client, text, 1 + chance_below(&chance, (uint32_t)len));
		shutdown(client->fd, SHUT_WR);
		LOOP_UNTIL(base, client_read(client));
		client_free(client);
	}
	ck_assert_int_eq(ask(false, "GET / HTTP/1.1\r\n\r\n"), 200);
	ck_assert_ptr_null(upgraded);
}
END_TEST

START_TEST(port_in_use)
{
	static const struct web_calls calls = { call_port, call_upgraded, call_said };
	struct reason why = { "" };

	start();
	conf.port = web_port(web, false);
	ck_assert_ptr_null(web_new(base, &conf, tls, &calls, NULL, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "cannot listen on 127.0.0.1 port"));
}
END_TEST

START_TEST(no_web_server)
{
	conf.flow = WEB_FLOW_NONE;
	start();
	ck_assert_uint_eq(web_port(web, false), 0);
	ck_assert_uint_eq(web_port(web, true), 0);
}
END_TEST

static Suite *
web_suite(void)
{
	Suite *suite = suite_create("web");
	TCase *request = tcase_create("request"), *flow = tcase_create("flow");
	TCase *token = tcase_create("token"), *quirk = tcase_create("quirk");
	TCase *upgrade = tcase_create("upgrade"), *bear = tcase_create("bear");
	TCase *all[] = { request, flow, token, quirk, upgrade, bear };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		tcase_set_timeout(all[i], 120);
		tcase_add_checked_fixture(all[i], setup, teardown);
		suite_add_tcase(suite, all[i]);
	}
	tcase_add_loop_test(request, request_status, 0, ARRAY_SIZE(parse_cases));
	tcase_add_test(request, request_limits);
	tcase_add_test(request, request_parts);
	tcase_add_loop_test(flow, asp_whole_flow, 0, 2);
	tcase_add_loop_test(flow, asp_jnlp_says_what_is_configured, 0, 2);
	tcase_add_test(flow, asp_other_paths);
	tcase_add_test(flow, rest_whole_flow);
	tcase_add_test(flow, rest_login_in_the_query);
	tcase_add_loop_test(flow, digest_whole_flow, 0, 2);
	tcase_add_loop_test(flow, digest_headers_that_are_none, 0, 7);
	tcase_add_loop_test(flow, login_with_wrong_credentials, 0, 4);
	tcase_add_loop_test(flow, login_when_all_sessions_are_in_use, 0, 2);
	tcase_add_test(token, session_ends_when_nobody_asks);
	tcase_add_loop_test(token, token_ends_with_its_session, 0, 2);
	tcase_add_test(token, token_with_a_life_of_its_own);
	tcase_add_test(token, token_is_forgotten_after_use);
	tcase_add_loop_test(token, token_without_privilege_or_licence, 0, 2);
	tcase_add_test(token, tokens_are_bounded);
	tcase_add_test(token, reset_forgets_everything);
	tcase_add_loop_test(quirk, quirk_http_10, 0, 2);
	tcase_add_test(quirk, quirk_status_twice);
	tcase_add_test(quirk, quirk_redirect);
	tcase_add_test(quirk, quirk_empty_token);
	tcase_add_test(quirk, quirk_token_once);
	tcase_add_loop_test(quirk, quirk_ports_locked, 0, 2);
	tcase_add_test(quirk, quirk_list_500);
	tcase_add_loop_test(quirk, quirk_slow, 0, 2);
	tcase_add_loop_test(quirk, ban_after_a_burst, 0, 2);
	tcase_add_test(quirk, ban_ends);
	tcase_add_test(quirk, overlapping_requests_are_counted);
	tcase_add_loop_test(quirk, a_connection_serves_many_requests, 0, 2);
	tcase_add_loop_test(upgrade, tunnel_opens, 0, 8);
	tcase_add_test(upgrade, tunnel_in_small_pieces);
	tcase_add_loop_test(upgrade, tunnel_is_refused, 0, ARRAY_SIZE(refusals));
	tcase_add_test(upgrade, tunnel_text_that_is_none);
	tcase_add_test(upgrade, tunnel_to_port_80_is_silent);
	tcase_add_test(upgrade, tunnel_takes_the_cookie_of_a_jnlp);
	tcase_add_test(upgrade, tunnel_disconnect);
	tcase_add_loop_test(upgrade, websocket_opens, 0, 4);
	tcase_add_loop_test(upgrade, websocket_is_refused, 0, ARRAY_SIZE(websocket_cases));
	tcase_add_test(upgrade, websocket_on_a_media_port);
	tcase_add_loop_test(bear, bad_requests_are_refused, 0, 2);
	tcase_add_test(bear, silent_connections_do_not_keep_others_out);
	tcase_add_loop_test(bear, noise, 0, 4);
	tcase_add_test(bear, port_in_use);
	tcase_add_test(bear, no_web_server);
	return suite;
}

int
main(void)
{
	return unit_run(web_suite());
}
