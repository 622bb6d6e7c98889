/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_portal: logins to web servers of all kinds, everything that goes wrong in them, and that no
 * web session is ever left behind. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "bmc/portal.h"
#include "bmc/portal_private.h"
#include "fake_web.h"
#include "loop.h"
#include "tls_certs.h"
#include "unit.h"

enum {
	WEBS = 3,
	ASKERS = 4,
	NEVER = 100000, /* seconds */
};

static const char password[] = "p&ss w\xc3\xb6rd=1";
static const char password_encoded[] = "p%26ss%20w%C3%B6rd%3D1";

/* Who has asked for a ticket, and what came. */
struct asker {
	struct ticket *ticket;
	unsigned calls;
	bool is_granted;
	struct grant grant;
	enum failure failure;
	struct reason why;
	/* From within the callback: */
	bool frees, frees_portal, asks_again;
	struct portal *portal;
	enum device device;
};

static struct world {
	struct event_base *base;
	struct portals *portals;
	struct portal *portal[WEBS];
	struct fake_web web[WEBS];
	struct asker asker[ASKERS];
	struct facts facts;
	unsigned facts_changes;
	char secret_file[64];
	bool is_stopped;
} w;

#define WEB (&w.web[0])

/* ---- the world ---- */

static void
write_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void
changed_cb(void *arg, const struct facts *facts)
{
	(void)arg, (void)facts;
	w.facts_changes++;
}

static void
setup(void)
{
	int fd;

	memset(&w, 0, sizeof(w));
	signal(SIGPIPE, SIG_IGN);
	w.base = event_base_new();
	w.portals = portals_new(w.base, 8);
	portals_times(w.portals)->limits = (struct webclient_limits){ NEVER, NEVER };
	w.facts.changed = changed_cb;
	strcpy(w.secret_file, "/tmp/check_portal.XXXXXX");
	fd = mkstemp(w.secret_file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	write_file(w.secret_file, password, sizeof(password) - 1, 0600);
}

static void
teardown(void)
{
	for (int i = 0; i < ASKERS; i++)
		ticket_free(w.asker[i].ticket);
	for (int i = 0; i < WEBS; i++)
		portal_free(w.portal[i]);
	portals_free(w.portals);
	for (int i = 0; i < WEBS; i++)
		fake_close(&w.web[i]);
	event_base_free(w.base);
	unlink(w.secret_file);
}

/* Many cases in one test: a process of its own for each takes valgrind minutes. */
static void
start_again(void)
{
	teardown();
	setup();
}

static struct portal_conf
conf_of(enum portal_method method, const struct fake_web *web)
{
	return (struct portal_conf){
		.target = "node1",
		.address = "127.0.0.1",
		.port = web->port,
		.is_plain = web->tls == NULL,
		.method = method,
		.user = "admin",
		.secret_file = w.secret_file,
		.tls = { .verify = TLS_VERIFY_PIN, .facts = &w.facts },
	};
}

/* A web server and its portal. */
static void
begin_at(int i, enum fake_kind kind, enum portal_method method)
{
	struct portal_conf conf;

	w.web[i].kind = kind;
	fake_listen(&w.web[i], w.base);
	conf = conf_of(method, &w.web[i]);
	w.portal[i] = portal_new(w.portals, &conf);
}

static void
begin(enum fake_kind kind, enum portal_method method)
{
	begin_at(0, kind, method);
}

static void
answered_cb(void *arg, const struct grant *grant, enum failure failure, const struct reason *why)
{
	struct asker *asker = arg;

	asker->calls++;
	asker->failure = failure;
	asker->why = *why;
	asker->is_granted = failure == FAILURE_NONE;
	ck_assert_int_eq(grant != NULL, asker->is_granted);
	if (grant)
		asker->grant = *grant;
	if (asker->frees || asker->frees_portal) {
		ticket_free(asker->ticket);
		asker->ticket = NULL;
	}
	if (asker->asks_again)
		asker->ticket = portal_ask(w.portal[0], asker->device, answered_cb, asker);
	asker->asks_again = false;
	if (asker->frees_portal) {
		portal_free(w.portal[0]);
		w.portal[0] = NULL;
	}
}

static struct asker *
ask_at(int i, int portal, enum device device)
{
	struct asker *asker = &w.asker[i];

	ticket_free(asker->ticket);
	*asker = (struct asker){ .device = device };
	asker->ticket = portal_ask(w.portal[portal], device, answered_cb, asker);
	ck_assert_uint_eq(asker->calls, 0);
	return asker;
}

static struct asker *
ask(int i, enum device device)
{
	return ask_at(i, 0, device);
}

static void
let_go(struct asker *asker)
{
	ticket_free(asker->ticket);
	asker->ticket = NULL;
}

/* The loop has had every chance to do what it must not do. */
static void
spin(void)
{
	static const struct timeval tick = { 0, 1000 };

	for (int i = 0; i < 30; i++) {
		event_base_once(w.base, -1, EV_TIMEOUT, loop_tick_cb, NULL, &tick);
		event_base_loop(w.base, EVLOOP_ONCE);
	}
}

static void
until_granted(struct asker *asker)
{
	LOOP_UNTIL(w.base, asker->calls > 0);
	ck_assert_msg(asker->is_granted, "%s", asker->why.text);
	ck_assert_uint_eq(asker->calls, 1);
}

static void
until_denied(struct asker *asker, enum failure failure, const char *words)
{
	LOOP_UNTIL(w.base, asker->calls > 0);
	ck_assert_uint_eq(asker->calls, 1);
	ck_assert_msg(asker->failure == failure && strstr(asker->why.text, words),
		"%s: \"%s\" instead of %s: \"%s\"", failure_policy(asker->failure)->name,
		asker->why.text, failure_policy(failure)->name, words);
}

static void
until_quiet(int i)
{
	LOOP_UNTIL(w.base, !portal_is_active(w.portal[i]));
}

/* Everything a BMC can ask of us. */
static void
check_manners(const struct fake_web *web)
{
	ck_assert_uint_eq(web->sessions, 0);
	ck_assert_uint_le(web->sessions_most, 1);
	ck_assert_uint_eq(web->overlaps, 0);
}

#define check_trace(web, expected) ck_assert_str_eq((web)->trace, expected)

static const struct fake_request *
request_of(const struct fake_web *web, char what)
{
	const char *at = strchr(web->trace, what);

	ck_assert_ptr_nonnull(at);
	return &web->requests[at - web->trace];
}

/* ---- flows ---- */

START_TEST(asp)
{
	const struct grant *grant;
	struct asker *asker;

	begin(FAKE_ASP, PORTAL_ASP);
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	check_trace(WEB, "LSJ");
	ck_assert(portal_is_active(w.portal[0]));
	grant = &asker->grant;
	ck_assert_ptr_eq(grant->dialect, dialect_find("asp"));
	ck_assert_str_eq(grant->token, "token1");
	ck_assert_int_eq(grant->kind, AUTH_WEB_TOKEN);
	ck_assert_int_eq(grant->is_secure, 1);
	ck_assert_int_eq(grant->port[DEVICE_CD], 6124);
	ck_assert_int_eq(grant->port[DEVICE_FD], 6126);
	ck_assert_int_eq(grant->port[DEVICE_HD], 6127);
	ck_assert_int_eq(grant->slots[DEVICE_CD], 2);
	ck_assert_int_eq(grant->slots[DEVICE_HD], 4);
	ck_assert_int_eq(grant->is_single_port, 1);
	ck_assert_int_eq(grant->web_secure_port, 8443);
	ck_assert_int_eq(grant->web_port, 8080);
	ck_assert_str_eq(grant->cookie, "webtoken1");
	ck_assert_int_eq(grant->licence, 1);
	ck_assert_int_eq(grant->is_attached[DEVICE_CD], 1);
	ck_assert_int_eq(grant->is_attached[DEVICE_FD], 0);
	ck_assert(grant->has_fd);
	ticket_accepted(asker->ticket, false);
	until_quiet(0);
	check_trace(WEB, "LSJO");
	check_manners(WEB);
	ck_assert_str_eq(request_of(WEB, 'J')->query, "EXTRNIP=127.0.0.1&JNLPSTR=JViewer");
	ck_assert_str_eq(request_of(WEB, 'J')->cookie, "SessionCookie=session1");
	ck_assert_str_eq(request_of(WEB, 'O')->cookie, "SessionCookie=session1");
	ck_assert_str_eq(request_of(WEB, 'L')->body,
		fake_format("WEBVAR_USERNAME=admin&WEBVAR_PASSWORD=%s", password_encoded));
	ck_assert_str_eq(request_of(WEB, 'L')->host, fake_format("127.0.0.1:%u", WEB->port));
}
END_TEST

/* Nothing but a token: the rest is not said. */
START_TEST(asp_says_little)
{
	struct asker *asker;

	WEB->jnlp = "<jnlp><argument>-kvmtoken</argument><argument>abc</argument></jnlp>";
	WEB->settings = "";
	begin(FAKE_ASP, PORTAL_ASP);
	asker = ask(0, DEVICE_HD);
	until_granted(asker);
	ck_assert_str_eq(asker->grant.token, "abc");
	ck_assert_int_eq(asker->grant.is_secure, -1);
	ck_assert_int_eq(asker->grant.port[DEVICE_HD], 0);
	ck_assert_int_eq(asker->grant.slots[DEVICE_HD], -1);
	ck_assert_int_eq(asker->grant.is_attached[DEVICE_HD], -1);
	ck_assert_int_eq(asker->grant.licence, -1);
	ck_assert_int_eq(asker->grant.is_single_port, -1);
	ck_assert_int_eq(asker->grant.web_port, WEB->port);
	ck_assert_int_eq(asker->grant.web_secure_port, 0);
	ck_assert_str_eq(asker->grant.cookie, "session1");
	ck_assert(!asker->grant.has_fd);
	let_go(asker);
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

/* The settings speak of plain ports, the JNLP names none, as plain as they. */
START_TEST(asp_ports_of_settings)
{
	struct asker *asker;

	WEB->jnlp = "<jnlp><argument>-kvmtoken</argument><argument>abc</argument>"
		    "<argument>-vmsecure</argument><argument>0</argument></jnlp>";
	begin(FAKE_ASP, PORTAL_ASP);
	asker = ask(0, DEVICE_HD);
	until_granted(asker);
	ck_assert_int_eq(asker->grant.is_secure, 0);
	ck_assert_int_eq(asker->grant.port[DEVICE_HD], 7123);
	ck_assert_int_eq(asker->grant.is_attached[DEVICE_HD], 0);
	ck_assert(asker->grant.has_fd);
}
END_TEST

/* A JNLP that names no token: the session token. One that cannot be read: the same. */
START_TEST(asp_token_without_jnlp)
{
	static const char *const jnlps[] = {
		"<jnlp><argument>-cdport</argument><argument>5120</argument></jnlp>",
		"<jnlp><argument>10.0.0.1</argument><argument>7578</argument></jnlp>",
		"what?",
	};
	struct asker *asker;

	WEB->jnlp = jnlps[_i];
	begin(FAKE_ASP, PORTAL_ASP);
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	/* The fake has spent one on the JNLP. */
	ck_assert_str_eq(asker->grant.token, "token2");
	let_go(asker);
	until_quiet(0);
	check_trace(WEB, "LSJTO");
	check_manners(WEB);
}
END_TEST

START_TEST(asp_ssi_token)
{
	struct asker *asker;

	WEB->jnlp = "<jnlp><argument>-kvmtoken</argument><argument>abc</argument>"
		    "<argument>-kvmtokentype</argument><argument>1</argument></jnlp>";
	begin(FAKE_ASP, PORTAL_ASP);
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	ck_assert_int_eq(asker->grant.kind, AUTH_SSI_TOKEN);
}
END_TEST

START_TEST(rest)
{
	const struct grant *grant;
	struct asker *asker;

	begin(FAKE_REST, PORTAL_REST);
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	check_trace(WEB, "LST");
	grant = &asker->grant;
	ck_assert_ptr_eq(grant->dialect, dialect_find("rest"));
	ck_assert_str_eq(grant->token, "token1");
	ck_assert_int_eq(grant->kind, AUTH_WEB_TOKEN);
	ck_assert_int_eq(grant->is_secure, 1);
	ck_assert_int_eq(grant->port[DEVICE_CD], 8124);
	ck_assert_int_eq(grant->port[DEVICE_FD], 0);
	ck_assert_int_eq(grant->port[DEVICE_HD], 8127);
	ck_assert_int_eq(grant->slots[DEVICE_CD], 1);
	ck_assert_int_eq(grant->slots[DEVICE_FD], -1);
	ck_assert_int_eq(grant->slots[DEVICE_HD], 2);
	ck_assert_int_eq(grant->is_single_port, 0);
	ck_assert_str_eq(grant->cookie, "session1");
	ck_assert_int_eq(grant->licence, 1);
	ck_assert_int_eq(grant->is_attached[DEVICE_CD], 1);
	ck_assert_int_eq(grant->is_attached[DEVICE_HD], 0);
	ck_assert(!grant->has_fd);
	let_go(asker);
	until_quiet(0);
	check_trace(WEB, "LSTO");
	check_manners(WEB);
	ck_assert_str_eq(request_of(WEB, 'L')->body,
		fake_format("username=admin&password=%s", password_encoded));
	ck_assert_str_eq(request_of(WEB, 'L')->csrf, "");
	ck_assert_str_eq(request_of(WEB, 'T')->csrf, "Csrf0123");
	ck_assert_str_eq(request_of(WEB, 'O')->cookie, "QSESSIONID=session1");
}
END_TEST

START_TEST(rest_h5viewer_token)
{
	struct asker *asker;

	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/kvm/token", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	ck_assert_str_eq(asker->grant.token, "token1");
	check_trace(WEB, "LSTH");
}
END_TEST

/* Early firmware has no CSRF token, and then none is sent. */
START_TEST(rest_without_csrf)
{
	struct asker *asker;

	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/session",
		"HTTP/1.1 200 OK\r\nset-cookie:QSESSIONID = abc\r\n\r\n{ \"ok\": 0 }");
	fake_rule(
		WEB, NULL, "HTTP/1.1 200 OK\r\n\r\n[ { \"token\": \"xyz\", \"cd_port\": \"1\" } ]");
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	ck_assert_str_eq(asker->grant.token, "xyz");
	ck_assert_int_eq(asker->grant.port[DEVICE_CD], 1);
	ck_assert_str_eq(asker->grant.cookie, "abc");
	ck_assert_str_eq(request_of(WEB, 'T')->cookie, "QSESSIONID=abc");
	ck_assert_str_eq(request_of(WEB, 'T')->csrf, "");
	let_go(asker);
	until_quiet(0);
	check_trace(WEB, "LSTO");
}
END_TEST

START_TEST(digest)
{
	struct asker *asker;

	begin(FAKE_DIGEST, PORTAL_FIND);
	asker = ask(0, DEVICE_FD);
	until_granted(asker);
	check_trace(WEB, "??LLJ");
	ck_assert_ptr_eq(asker->grant.dialect, dialect_find("asp"));
	ck_assert_str_eq(asker->grant.token, "token1");
	ck_assert_str_eq(asker->grant.cookie, "webtoken1");
	ck_assert_str_eq(request_of(WEB, 'J')->query, "sid=session1");
	ck_assert_ptr_nonnull(strstr(WEB->requests[3].authorization, "Digest username=\"admin\""));
	ck_assert_str_eq(WEB->requests[3].body, "");
	let_go(asker);
	until_quiet(0);
	check_trace(WEB, "??LLJO");
	check_manners(WEB);
}
END_TEST

START_TEST(digest_refused)
{
	begin(FAKE_DIGEST, PORTAL_ASP);
	fake_rule(WEB, "/login",
		"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n\r\n");
	until_denied(ask(0, DEVICE_CD), FAILURE_LOGIN, "login refused for user admin");
	until_quiet(0);
}
END_TEST

/* A server that wants HTTP Digest for whatever it is. */
START_TEST(digest_everywhere)
{
	static const char who[] = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", "
				  "nonce=\"1\"\r\nContent-Length: 0\r\n\r\n";

	begin(FAKE_DIGEST, PORTAL_FIND);
	fake_rule(WEB, "/api/session", who);
	fake_rule(WEB, "/rpc/WEBSES/create.asp", who);
	until_granted(ask(0, DEVICE_FD));
	check_trace(WEB, "??LLJ");
}
END_TEST

/* A server that wants the password as it is does not get it. */
START_TEST(no_basic)
{
	begin(FAKE_DIGEST, PORTAL_ASP);
	fake_rule(WEB, "/login", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n");
	until_denied(ask(0, DEVICE_CD), FAILURE_LOGIN, "login refused");
	check_trace(WEB, "?L");
	ck_assert_str_eq(request_of(WEB, 'L')->authorization, "");
}
END_TEST

/* REST first; what was found is remembered until it is not there any more. */
START_TEST(find)
{
	struct asker *asker;

	begin(FAKE_ASP, PORTAL_FIND);
	asker = ask(0, DEVICE_CD);
	until_granted(asker);
	check_trace(WEB, "?LSJ");
	ck_assert_ptr_eq(asker->grant.dialect, dialect_find("asp"));
	let_go(asker);
	until_quiet(0);
	until_granted(ask(0, DEVICE_CD));
	check_trace(WEB, "?LSJOLSJ");
	let_go(&w.asker[0]);
	until_quiet(0);
	check_manners(WEB);

	WEB->kind = FAKE_REST; /* new firmware */
	WEB->n = 0;
	memset(WEB->trace, 0, sizeof(WEB->trace));
	until_denied(ask(0, DEVICE_CD), FAILURE_CONFIGURATION, "no login page that is known");
	until_granted(ask(0, DEVICE_CD));
	check_trace(WEB, "??LST");
	let_go(&w.asker[0]);
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

START_TEST(find_rest)
{
	begin(FAKE_REST, PORTAL_FIND);
	until_granted(ask(0, DEVICE_CD));
	check_trace(WEB, "LST");
}
END_TEST

START_TEST(find_in_spite_of_pages)
{
	static const char *const answers[] = {
		"HTTP/1.0 405 No\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nLocation: /index.html\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Moved\r\nLocation: http://127.0.0.1/login\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n <!DOCTYPE html><title>Welcome</title>",
	};

	begin(FAKE_ASP, PORTAL_FIND);
	fake_rule(WEB, "/api/session", answers[_i]);
	until_granted(ask(0, DEVICE_CD));
	check_trace(WEB, "?LSJ");
}
END_TEST

START_TEST(find_nothing)
{
	begin(FAKE_NOTHING, PORTAL_FIND);
	until_denied(ask(0, DEVICE_CD), FAILURE_CONFIGURATION, "no login page that is known");
	ck_assert_str_eq(WEB->requests[0].path, "/api/session");
	ck_assert_str_eq(WEB->requests[1].path, "/rpc/WEBSES/create.asp");
	ck_assert_str_eq(WEB->requests[2].path, "/login");
	ck_assert_uint_eq(WEB->n, 3);
	until_quiet(0);
}
END_TEST

START_TEST(rest_only)
{
	begin(FAKE_ASP, PORTAL_REST);
	until_denied(ask(0, DEVICE_CD), FAILURE_CONFIGURATION, "no login page of REST (404)");
	check_trace(WEB, "?");
}
END_TEST

/* ---- without the web ---- */

START_TEST(offline_none)
{
	const struct portal_conf conf = { .target = "n", .address = "127.0.0.1", .port = 1 };
	struct asker *asker;

	w.portal[0] = portal_new(w.portals, &conf);
	asker = ask(0, DEVICE_HD);
	until_granted(asker);
	ck_assert_str_eq(asker->grant.token, "");
	ck_assert_ptr_null(asker->grant.dialect);
	ck_assert(asker->grant.has_fd);
	ck_assert_int_eq(asker->grant.is_secure, -1);
	ck_assert(!portal_is_active(w.portal[0]));
}
END_TEST

START_TEST(offline_token)
{
	char token[AUTH_TOKEN_SIZE + 1];
	struct asker *asker;

	begin(FAKE_NOTHING, PORTAL_TOKEN);
	write_file(w.secret_file, "abc\r\nsecond line\n", 17, 0600);
	asker = ask(0, DEVICE_HD);
	until_granted(asker);
	ck_assert_str_eq(asker->grant.token, "abc");
	ck_assert_int_eq(asker->grant.kind, AUTH_WEB_TOKEN);

	memset(token, 'x', sizeof(token));
	write_file(w.secret_file, token, auth_token_max(AUTH_SSI_TOKEN), 0600);
	asker = ask(1, DEVICE_CD); /* another device: read anew */
	until_granted(asker);
	ck_assert_uint_eq(strlen(asker->grant.token), auth_token_max(AUTH_SSI_TOKEN));
	ck_assert_int_eq(asker->grant.kind, AUTH_SSI_TOKEN);

	write_file(w.secret_file, token, sizeof(token), 0600);
	until_denied(ask(2, DEVICE_FD), FAILURE_LOGIN, "longer than");
	ck_assert_uint_eq(WEB->n, 0);
}
END_TEST

/* ---- what goes wrong ---- */

static const char longest[] =
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

#define R(status, body) "HTTP/1.1 " status "\r\nServer: x\r\n\r\n" body
#define REST_OK         "HTTP/1.1 200 OK\r\nSet-Cookie: QSESSIONID=abc\r\n"

static const struct bad {
	enum fake_kind kind;
	const char *path, *answer;
	enum failure failure;
	const char *words, *trace;
} bads[] = {
	/* credentials */
	{ FAKE_REST, "/api/session", R("401 Unauthorized", "{\"error\":\"Invalid\",\"code\":1000}"),
		FAILURE_LOGIN, "login refused for user admin", "L" },
	{ FAKE_REST, "/api/session", R("200 OK", "{\"cc\":7,\"error\":\"Invalid\"}"), FAILURE_LOGIN,
		"login refused for user admin", "L" },
	{ FAKE_REST, "/api/session", REST_OK "\r\n{\"cc\":7,\"error\":\"Invalid Authentication\"}",
		FAILURE_LOGIN, "login refused for user admin", "L" },
	{ FAKE_REST, "/api/session", R("200 OK", "<html>Login failed</html>"), FAILURE_LOGIN,
		"login refused for user admin", "L" },
	{ FAKE_REST, "/api/session", R("200 OK", ""), FAILURE_LOGIN, "login refused", "L" },
	{ FAKE_ASP, "/rpc/WEBSES/create.asp",
		R("200 OK", "{ 'SESSION_COOKIE' : 'Failure_Login_IPMI_Then_LDAP' }, HAPI_STATUS:0"),
		FAILURE_LOGIN, "login refused for user admin", "L" },
	{ FAKE_ASP, "/rpc/WEBSES/create.asp",
		R("200 OK", "{ 'SESSION_COOKIE' : 'abc' }, HAPI_STATUS:-1"), FAILURE_LOGIN,
		"login refused for user admin", "L" },
	{ FAKE_ASP, "/rpc/WEBSES/create.asp", R("401 No", ""), FAILURE_LOGIN, "login refused",
		"L" },
	/* no room */
	{ FAKE_REST, "/api/session", R("200 OK", "{\"cc\":1,\"error\":\"Session limit reached\"}"),
		FAILURE_BUSY, "all web sessions of the BMC are in use", "L" },
	{ FAKE_REST, "/api/session", R("401 No", "{\"error\":\"Maximum number of users\"}"),
		FAILURE_BUSY, "all web sessions of the BMC are in use", "L" },
	{ FAKE_REST, "/api/session", R("503 Busy", ""), FAILURE_BUSY, "503", "L" },
	{ FAKE_REST, "/api/session", R("429 Slow", ""), FAILURE_BUSY, "429", "L" },
	{ FAKE_ASP, "/rpc/WEBSES/create.asp",
		R("200 OK", "{ 'SESSION_COOKIE' : 'Failure_Session_Full' }, HAPI_STATUS:4"),
		FAILURE_BUSY, "all web sessions of the BMC are in use", "L" },
	/* redirects */
	{ FAKE_REST, "/api/session",
		"HTTP/1.1 301 M\r\nLocation: https://10.0.0.7/api/session\r\n\r\n",
		FAILURE_CONFIGURATION, "wants HTTPS (it redirects to https://10.0.0.7)", "L" },
	{ FAKE_REST, "/api/session", "HTTP/1.1 302 M\r\nLocation: http://evil/x?a=b\r\n\r\n",
		FAILURE_CONFIGURATION, "redirects (302) to evil", "L" },
	{ FAKE_REST, "/api/kvm/token", "HTTP/1.1 302 M\r\nLocation: /login.html\r\n\r\n",
		FAILURE_PROTOCOL, "redirects (302) to another page", "LSTHO" },
	/* answers that make no sense */
	{ FAKE_REST, "/api/session", R("200 OK", "{\"CSRFToken\":\"abc\"}"), FAILURE_PROTOCOL,
		"no usable cookie", "L" },
	{ FAKE_REST, "/api/session", R("500 Oops", ""), FAILURE_PROTOCOL, "with 500", "L" },
	{ FAKE_REST, "/api/session", "hello", FAILURE_PROTOCOL, "is no web server", "L" },
	{ FAKE_REST, "/api/session", "", FAILURE_LOST, "closed the connection without an answer",
		"L" },
	{ FAKE_REST, "/api/session", REST_OK "\r\n[[[[", FAILURE_PROTOCOL, "no JSON object", "LO" },
	{ FAKE_REST, "/api/session",
		REST_OK "Content-Length: 100\r\n\r\n{\"CSRFToken\":\"Csrf0123\"}", FAILURE_LOST,
		"in the middle of an answer", "LO" },
	{ FAKE_REST, "/api/session", REST_OK "\r\n{\"CSRFToken\":\"a b\"}", FAILURE_PROTOCOL,
		"unusable CSRFToken", "LO" },
	{ FAKE_ASP, "/rpc/WEBSES/create.asp",
		"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n'SESSION_COOKIE':'session1'",
		FAILURE_LOST, "in the middle of an answer", "LO" },
	{ FAKE_DIGEST, "/avr.jnlp", R("200 OK", "<jnlp/>"), FAILURE_PROTOCOL,
		"the JNLP has no arguments", "?LLJO" },
	{ FAKE_DIGEST, "/avr.jnlp", R("404 No", ""), FAILURE_PROTOCOL, "has no JNLP (404)",
		"?LLJO" },
};

static enum portal_method
method_of(enum fake_kind kind)
{
	return kind == FAKE_REST ? PORTAL_REST : PORTAL_ASP;
}

static void
check_bad_answer(const struct bad *bad)
{
	struct fake_rule *rule;

	begin(bad->kind, method_of(bad->kind));
	rule = fake_rule(WEB, bad->path, bad->answer);
	if (strcmp(bad->path, "/api/kvm/token") == 0)
		fake_rule(WEB, "/api/settings/media/h5viewercfg", R("500 Oops", ""));
	if (bad->path[strlen(bad->path) - 1] != 'n' || bad->trace[1])
		rule->times = bad->trace[1] ? 1 : 0;
	until_denied(ask(0, DEVICE_CD), bad->failure, bad->words);
	until_quiet(0);
	check_trace(WEB, bad->trace);
	ck_assert_uint_eq(WEB->overlaps, 0);
	if (WEB->logins > 0)
		check_manners(WEB);
}

START_TEST(bad_answers)
{
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		check_bad_answer(&bads[i]);
		start_again();
	}
}
END_TEST

/* Every page fails in every way: whatever was opened is closed. */
static const char *const wrecks[] = { "", "HTTP/1.1 500 Oops\r\n\r\n", "HTTP/1.1 404 No\r\n\r\n",
	"HTTP/1.1 401 No\r\n\r\n", "HTTP/1.1 302 M\r\nLocation: /\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\nnonsense", "HTTP/1.1 200 OK\r\n\r\n<html>page</html>", "HTTP/1.1",
	"\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n" };

static const char *const pages[][3] = {
	[FAKE_ASP] = { "/rpc/getvmediacfg.asp", "/Java/jviewer.jnlp", "/rpc/getsessiontoken.asp" },
	[FAKE_REST] = { "/api/settings/media/instance", "/api/kvm/token",
		"/api/settings/media/h5viewercfg" },
};

static void
check_broken_pages(enum fake_kind kind, const char *answer)
{
	/* One page at a time, then all of them: there is a way around each one. */
	begin(kind, method_of(kind));
	for (int i = 0; i < 3; i++) {
		WEB->n_rules = 0;
		fake_rule(WEB, pages[kind][i], answer);
		until_granted(ask(0, DEVICE_CD));
		let_go(&w.asker[0]);
		until_quiet(0);
		check_manners(WEB);
	}
	for (int i = 0; i < 2; i++)
		fake_rule(WEB, pages[kind][i], answer);
	ask(0, DEVICE_CD);
	LOOP_UNTIL(w.base, w.asker[0].calls > 0);
	ck_assert(!w.asker[0].is_granted);
	ck_assert_str_ne(w.asker[0].why.text, "");
	until_quiet(0);
	check_manners(WEB);
}

START_TEST(broken_pages)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrecks); i++) {
		check_broken_pages(_i ? FAKE_ASP : FAKE_REST, wrecks[i]);
		start_again();
	}
}
END_TEST

START_TEST(empty_token)
{
	enum fake_kind kind = _i ? FAKE_ASP : FAKE_REST;

	WEB->token = "";
	begin(kind, method_of(kind));
	until_denied(ask(0, DEVICE_CD), FAILURE_PROTOCOL, "gave no token");
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

START_TEST(long_token)
{
	enum fake_kind kind = _i ? FAKE_ASP : FAKE_REST;

	WEB->token = longest;
	begin(kind, method_of(kind));
	until_denied(ask(0, DEVICE_CD), FAILURE_PROTOCOL, "token is too long");
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

START_TEST(longer_token)
{
	char token[AUTH_TOKEN_SIZE];

	memset(token, 'x', sizeof(token));
	token[auth_token_max(AUTH_BROWSER)] = '\0';
	WEB->token = token;
	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	ck_assert_int_eq(w.asker[0].grant.kind, AUTH_BROWSER);
	ck_assert_str_eq(w.asker[0].grant.token, token);
}
END_TEST

START_TEST(endless_answer)
{
	size_t len = WEBANSWER_BODY_MAX + 100000;
	char *answer = malloc(len);
	struct fake_rule *rule;

	memset(answer, 'x', len);
	memcpy(answer, "HTTP/1.1 200 OK\r\n\r\n", 19);
	begin(FAKE_REST, PORTAL_REST);
	rule = fake_rule(WEB, "/api/session", answer);
	rule->len = len;
	until_denied(ask(0, DEVICE_CD), FAILURE_PROTOCOL, "longer than 256 KiB");
	until_quiet(0);
	free(answer);
}
END_TEST

/* HTTP/1.0 with no length, and status lines twice. */
static void
check_old_server(enum fake_kind kind, bool is_http_10, const char *between)
{
	WEB->is_http_10 = is_http_10;
	WEB->between = between;
	begin(kind, method_of(kind));
	until_granted(ask(0, DEVICE_CD));
	ck_assert_str_eq(w.asker[0].grant.token, "token1");
	let_go(&w.asker[0]);
	until_quiet(0);
	check_manners(WEB);
	ck_assert_uint_eq(WEB->connections, WEB->n);
	start_again();
}

START_TEST(old_servers)
{
	static const char *const between[] = { NULL, "", "\r\n", "HTTP/1.1 200 Words\r\n" };

	for (size_t i = 0; i < ARRAY_SIZE(between); i++) {
		check_old_server((enum fake_kind)_i, false, between[i]);
		check_old_server((enum fake_kind)_i, true, between[i]);
	}
}
END_TEST

START_TEST(unreachable)
{
	begin(FAKE_REST, PORTAL_FIND);
	fake_close(WEB);
	until_denied(ask(0, DEVICE_CD), FAILURE_UNREACHABLE, fake_format("%u", WEB->port));
	until_quiet(0);
}
END_TEST

static void
vanish_cb(void *arg, const struct fake_request *request, unsigned n)
{
	(void)request;
	if (n == *(unsigned *)arg) {
		evconnlistener_free(WEB->listener);
		WEB->listener = NULL;
	}
}

/* The web server goes away behind the n-th request. */
START_TEST(vanishing)
{
	unsigned at = (unsigned)_i + 1;

	begin(FAKE_ASP, PORTAL_ASP);
	WEB->on_request = vanish_cb;
	WEB->arg = &at;
	ask(0, DEVICE_CD);
	LOOP_UNTIL(w.base, w.asker[0].calls > 0);
	if (_i < 2)
		until_denied(&w.asker[0], FAILURE_UNREACHABLE, fake_format("%u", WEB->port));
	else
		until_granted(&w.asker[0]);
	let_go(&w.asker[0]);
	until_quiet(0);
	ck_assert_uint_eq(WEB->n, at);
}
END_TEST

START_TEST(no_credentials)
{
	struct portal_conf conf;

	fake_listen(WEB, w.base);
	conf = conf_of(PORTAL_REST, WEB);
	conf.user = NULL;
	w.portal[0] = portal_new(w.portals, &conf);
	conf.user = "admin";
	conf.secret_file = NULL;
	w.portal[1] = portal_new(w.portals, &conf);
	conf.secret_file = "/nonexistent/password";
	w.portal[2] = portal_new(w.portals, &conf);
	until_denied(ask_at(0, 0, DEVICE_CD), FAILURE_CONFIGURATION, "no user");
	until_denied(ask_at(1, 1, DEVICE_CD), FAILURE_CONFIGURATION, "no password_file");
	until_denied(ask_at(2, 2, DEVICE_CD), FAILURE_LOGIN, "/nonexistent/password: No such file");
	ck_assert_uint_eq(WEB->n, 0);
}
END_TEST

/* ---- bans ---- */

START_TEST(ban_at_login)
{
	portals_times(w.portals)->ban = NEVER;
	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/session", R("403 Forbidden", ""));
	until_denied(ask(0, DEVICE_CD), FAILURE_BANNED, "banned by the BMC's web server (403)");
	until_quiet(0);
	/* Not one request more. */
	until_denied(ask(0, DEVICE_CD), FAILURE_BANNED, "s more");
	until_denied(ask(1, DEVICE_HD), FAILURE_BANNED, "s more");
	spin();
	check_trace(WEB, "L");
}
END_TEST

/* In the middle: the web session is logged out when the ban is over, and not before. */
START_TEST(ban_in_a_flow)
{
	portals_times(w.portals)->ban = _i ? NEVER : 0.05;
	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/kvm/token", R("403 Forbidden", ""))->times = 1;
	until_denied(ask(0, DEVICE_CD), FAILURE_BANNED, "403");
	if (_i) {
		spin();
		check_trace(WEB, "LST");
		ck_assert(portal_is_active(w.portal[0]));
		return;
	}
	until_quiet(0);
	check_trace(WEB, "LSTO");
	check_manners(WEB);
	until_granted(ask(0, DEVICE_CD));
	check_trace(WEB, "LSTOLST");
}
END_TEST

/* ---- turns ---- */

START_TEST(one_at_a_time)
{
	begin(FAKE_ASP, PORTAL_ASP);
	for (int i = 0; i < 3; i++)
		ask(i, (enum device)i);
	for (int i = 0; i < 3; i++)
		until_granted(&w.asker[i]);
	/* One login, and a token for each class. */
	check_trace(WEB, "LSJJJ");
	ck_assert_str_ne(w.asker[0].grant.token, w.asker[1].grant.token);
	ck_assert_str_ne(w.asker[1].grant.token, w.asker[2].grant.token);
	ck_assert_int_eq(w.asker[2].grant.slots[DEVICE_CD], 2);
	ticket_accepted(w.asker[0].ticket, false);
	ticket_accepted(w.asker[1].ticket, false);
	spin();
	check_trace(WEB, "LSJJJ"); /* one is not decided yet */
	let_go(&w.asker[2]);
	until_quiet(0);
	check_trace(WEB, "LSJJJO");
	check_manners(WEB);
}
END_TEST

START_TEST(needs_web)
{
	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	ticket_accepted(w.asker[0].ticket, true);
	until_granted(ask(1, DEVICE_HD));
	ticket_accepted(w.asker[1].ticket, false);
	spin();
	check_trace(WEB, "LSTT");
	let_go(&w.asker[1]);
	spin();
	check_trace(WEB, "LSTT");
	let_go(&w.asker[0]);
	until_quiet(0);
	check_trace(WEB, "LSTTO");
	check_manners(WEB);
}
END_TEST

/* Slots of one class bring one token while there is one (iusb-protocol 5.3). */
START_TEST(shared_token)
{
	begin(FAKE_REST, PORTAL_REST);
	ask(0, DEVICE_CD);
	ask(1, DEVICE_CD);
	until_granted(&w.asker[0]);
	until_granted(&w.asker[1]);
	ck_assert_str_eq(w.asker[0].grant.token, "token1");
	ck_assert_str_eq(w.asker[1].grant.token, "token1");
	ticket_accepted(w.asker[0].ticket, false);
	let_go(&w.asker[1]);
	until_quiet(0);
	check_trace(WEB, "LSTO");
	/* The web session is over, the token lives on. */
	until_granted(ask(2, DEVICE_CD));
	ck_assert_str_eq(w.asker[2].grant.token, "token1");
	ticket_accepted(w.asker[2].ticket, false);
	let_go(&w.asker[0]);
	until_granted(ask(0, DEVICE_CD));
	ck_assert_str_eq(w.asker[0].grant.token, "token1");
	check_trace(WEB, "LSTO");
	/* With the last one it is forgotten. */
	let_go(&w.asker[0]);
	let_go(&w.asker[2]);
	until_granted(ask(0, DEVICE_CD));
	ck_assert_str_eq(w.asker[0].grant.token, "token2");
}
END_TEST

START_TEST(refused_token)
{
	struct ticket *old;

	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	ticket_accepted(w.asker[0].ticket, false);
	until_quiet(0);
	until_granted(ask(1, DEVICE_CD));
	ck_assert_str_eq(w.asker[1].grant.token, "token1");
	/* As a session does: the new one is asked for while the old one is held. */
	ticket_refused(w.asker[1].ticket);
	old = w.asker[1].ticket;
	w.asker[1].ticket = NULL;
	ask(1, DEVICE_CD);
	ticket_free(old);
	until_granted(&w.asker[1]);
	ck_assert_str_eq(w.asker[1].grant.token, "token2");
	until_granted(ask(2, DEVICE_CD));
	ck_assert_str_eq(w.asker[2].grant.token, "token2");
}
END_TEST

/* The new ticket keeps the web session alive. */
START_TEST(renewed_ticket)
{
	struct ticket *old;

	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	ticket_refused(w.asker[0].ticket);
	old = w.asker[0].ticket;
	w.asker[0].ticket = NULL;
	ask(0, DEVICE_CD);
	ticket_free(old);
	until_granted(&w.asker[0]);
	ck_assert_str_eq(w.asker[0].grant.token, "token2");
	check_trace(WEB, "LSTT");
	let_go(&w.asker[0]);
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

/* The BMC has forgotten a long web session: one more login. */
START_TEST(expired_session)
{
	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	ticket_accepted(w.asker[0].ticket, true);
	WEB->sessions = 0;
	until_granted(ask(1, DEVICE_HD));
	ck_assert_str_eq(w.asker[1].grant.token, "token2");
	check_trace(WEB, "LSTT"
			 "LST");
	let_go(&w.asker[0]);
	let_go(&w.asker[1]);
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

/* It has, and does not say so by 401: one more login, also while the media of another slot live. */
static const struct {
	enum fake_kind kind;
	const char *path, *other_path, *answer, *trace, *trace_again;
} expired[] = {
#define LOGIN_PAGE  R("200 OK", "<html><form>Please log in</form></html>")
#define TO_LOGIN    "HTTP/1.1 302 M\r\nLocation: /login.html\r\n\r\n"
#define REST_TOKENS FAKE_REST, "/api/kvm/token", "/api/settings/media/h5viewercfg"
#define ASP_TOKENS  FAKE_ASP, "/Java/jviewer.jnlp", "/rpc/getsessiontoken.asp"
	{ REST_TOKENS, LOGIN_PAGE, "LSTTHLST", "LSTTHLSTH" },
	{ REST_TOKENS, TO_LOGIN, "LSTTHLST", "LSTTHLSTH" },
	{ REST_TOKENS, R("200 OK", "{\"cc\":7,\"error\":\"Invalid\"}"), "LSTTHLST", "LSTTHLSTH" },
	{ ASP_TOKENS, LOGIN_PAGE, "LSJJTLSJ", "LSJJTLSJT" },
	{ ASP_TOKENS, TO_LOGIN, "LSJJTLSJ", "LSJJTLSJT" },
	{ ASP_TOKENS, R("200 OK", "{ 'SESSION_TOKEN' : 'abc' }, HAPI_STATUS:-1"), "LSJJTLSJ",
		"LSJJTLSJT" },
	{ FAKE_DIGEST, "/avr.jnlp", "/none", LOGIN_PAGE, "?LLJJLLJ", "?LLJJLLJ" },
	{ FAKE_DIGEST, "/avr.jnlp", "/none", TO_LOGIN, "?LLJJLLJ", "?LLJJLLJ" },
#undef LOGIN_PAGE
#undef TO_LOGIN
#undef REST_TOKENS
#undef ASP_TOKENS
};

/* times: of the odd answer, 0: for ever. */
static void
check_expired(size_t row, unsigned times)
{
	begin(expired[row].kind, method_of(expired[row].kind));
	until_granted(ask(0, DEVICE_CD));
	ticket_accepted(w.asker[0].ticket, true);
	WEB->sessions = 0;
	fake_rule(WEB, expired[row].path, expired[row].answer)->times = times;
	fake_rule(WEB, expired[row].other_path, expired[row].answer)->times = times;
	ask(1, DEVICE_HD);
	if (times) {
		until_granted(&w.asker[1]);
		ck_assert_str_eq(w.asker[1].grant.token, "token2");
		check_trace(WEB, expired[row].trace);
	} else {
		until_denied(&w.asker[1], FAILURE_PROTOCOL, "");
		spin();
		check_trace(WEB, expired[row].trace_again);
	}
	let_go(&w.asker[0]);
	let_go(&w.asker[1]);
	until_quiet(0);
	ck_assert_uint_eq(WEB->logins, 2);
	check_manners(WEB);
}

START_TEST(expired_without_a_word)
{
	for (size_t i = 0; i < ARRAY_SIZE(expired); i++) {
		check_expired(i, (unsigned)_i);
		start_again();
	}
}
END_TEST

/* The settings tell it, too. */
START_TEST(expired_settings)
{
	static const struct {
		enum fake_kind kind;
		const char *path, *answer, *trace;
	} rows[] = {
		{ FAKE_ASP, "/rpc/getvmediacfg.asp", R("200 OK", "<html>Log in</html>"),
			"LSJSLSJ" },
		{ FAKE_ASP, "/rpc/getvmediacfg.asp", R("200 OK", "HAPI_STATUS:-2"), "LSJSLSJ" },
		{ FAKE_REST, "/api/settings/media/instance", R("200 OK", "<html>Log in</html>"),
			"LSTSLST" },
		{ FAKE_REST, "/api/settings/media/instance", R("200 OK", "{\"cc\":7}"), "LSTSLST" },
		{ FAKE_REST, "/api/settings/media/instance", R("404 No", ""), "LSTSLST" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(rows[i].kind, method_of(rows[i].kind));
		until_granted(ask(0, DEVICE_CD));
		ticket_accepted(w.asker[0].ticket, true);
		spin();
		WEB->sessions = 0;
		w.portal[0]->login.has_settings = false; /* as if 403 had ended the first visit */
		fake_rule(WEB, rows[i].path, rows[i].answer)->times = 1;
		until_granted(ask(1, DEVICE_HD));
		check_trace(WEB, rows[i].trace);
		ck_assert_int_gt(w.asker[1].grant.slots[DEVICE_HD], 0);
		start_again();
	}
}
END_TEST

/* One that is no good any more, but is perhaps still there, is logged out first. */
START_TEST(sick_session)
{
	begin(FAKE_ASP, PORTAL_ASP);
	until_granted(ask(0, DEVICE_CD));
	ticket_refused(w.asker[0].ticket);
	fake_rule(WEB, "/Java/jviewer.jnlp", "HTTP/1.1 302 M\r\nLocation: /login.asp\r\n\r\n")
		->times = 1;
	fake_rule(WEB, "/rpc/getsessiontoken.asp", "HTTP/1.1 302 M\r\nLocation: /\r\n\r\n");
	w.asker[1].ticket = portal_ask(w.portal[0], DEVICE_CD, answered_cb, &w.asker[1]);
	let_go(&w.asker[0]);
	until_granted(&w.asker[1]);
	check_trace(WEB, "LSJ"
			 "JTO"
			 "LSJ");
	let_go(&w.asker[1]);
	until_quiet(0);
	check_manners(WEB);
}
END_TEST

START_TEST(parallel)
{
	portals_set_parallel(w.portals, 1);
	for (int i = 0; i < 3; i++) {
		begin_at(i, FAKE_REST, PORTAL_REST);
		/* The login hangs: its place is taken. */
		if (i == 0)
			fake_rule(&w.web[i], "/api/session", NULL)->times = 1;
		ask_at(i, i, DEVICE_CD);
		if (i == 0)
			LOOP_UNTIL(w.base, w.web[0].n == 1);
	}
	spin();
	ck_assert_uint_eq(w.web[1].n + w.web[2].n, 0);
	webclient_expire(w.portal[0]->client);
	until_denied(&w.asker[0], FAILURE_SILENT, "did not answer within");
	until_granted(&w.asker[1]);
	until_granted(&w.asker[2]);
	/* A web session that rests holds no place. */
	ticket_accepted(w.asker[1].ticket, true);
	until_granted(ask_at(0, 0, DEVICE_CD));
	ck_assert_str_eq(w.asker[0].grant.token, "token1");
	for (int i = 0; i < 3; i++)
		let_go(&w.asker[i]);
	for (int i = 0; i < 3; i++) {
		until_quiet(i);
		check_manners(&w.web[i]);
	}
}
END_TEST

START_TEST(more_parallel)
{
	portals_set_parallel(w.portals, 1);
	for (int i = 0; i < 3; i++) {
		begin_at(i, FAKE_REST, PORTAL_REST);
		fake_rule(&w.web[i], "/api/session", NULL);
		ask_at(i, i, DEVICE_CD);
	}
	LOOP_UNTIL(w.base, w.web[0].n == 1);
	spin();
	ck_assert_uint_eq(w.web[1].n + w.web[2].n, 0);
	portals_set_parallel(w.portals, 2);
	LOOP_UNTIL(w.base, w.web[1].n == 1);
	spin();
	ck_assert_uint_eq(w.web[2].n, 0);
}
END_TEST

/* Those who wait for a place can go. */
START_TEST(gone_from_the_queue)
{
	portals_set_parallel(w.portals, 1);
	for (int i = 0; i < 3; i++) {
		begin_at(i, FAKE_REST, PORTAL_REST);
		if (i == 0)
			fake_rule(&w.web[i], "/api/session", NULL)->times = 1;
		ask_at(i, i, DEVICE_CD);
	}
	LOOP_UNTIL(w.base, w.web[0].n == 1);
	let_go(&w.asker[1]);
	portal_free(w.portal[1]);
	w.portal[1] = NULL;
	webclient_expire(w.portal[0]->client);
	until_granted(&w.asker[2]);
	ck_assert_uint_eq(w.web[1].n, 0);
}
END_TEST

/* ---- time ---- */

struct hang {
	unsigned at; /* the request that is not answered */
	bool is_hit;
};

static void
hang_cb(void *arg, const struct fake_request *request, unsigned n)
{
	struct hang *hang = arg;

	(void)request;
	if (n == hang->at)
		hang->is_hit = true;
}

/* A request that is never answered: the flow ends, and what was opened is closed. */
START_TEST(silence)
{
	enum fake_kind kind = _i % 2 ? FAKE_ASP : FAKE_REST;
	struct hang hang = { .at = (unsigned)_i / 2 + 1 };
	struct fake_rule *rule;

	begin(kind, method_of(kind));
	rule = fake_rule(WEB, NULL, NULL);
	rule->skip = hang.at - 1;
	rule->times = 1;
	WEB->on_request = hang_cb;
	WEB->arg = &hang;
	ask(0, DEVICE_CD);
	LOOP_UNTIL(w.base, hang.is_hit || w.asker[0].calls > 0);
	if (!hang.is_hit) /* the logout */
		let_go(&w.asker[0]);
	LOOP_UNTIL(w.base, hang.is_hit);
	webclient_expire(w.portal[0]->client);
	if (hang.at == 1)
		until_denied(&w.asker[0], FAILURE_SILENT, "did not answer within");
	else if (w.asker[0].ticket)
		until_granted(&w.asker[0]); /* there is a way around it */
	let_go(&w.asker[0]);
	until_quiet(0);
	ck_assert_uint_eq(WEB->overlaps, hang.at == WEB->n ? 0 : WEB->overlaps);
	ck_assert_uint_eq(WEB->sessions, 0); /* a logout is tried twice */
}
END_TEST

/* The same by the clock. */
START_TEST(silence_in_time)
{
	portals_times(w.portals)->limits.whole = 0.05;
	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, NULL, NULL);
	until_denied(ask(0, DEVICE_CD), FAILURE_SILENT, "did not answer within");
	until_quiet(0);
}
END_TEST

/* Something that takes the connection and never speaks TLS. */
START_TEST(silent_handshake)
{
	struct portal_conf conf;

	portals_times(w.portals)->limits.connect = 0.05;
	fake_listen(WEB, w.base);
	evconnlistener_disable(WEB->listener);
	conf = conf_of(PORTAL_FIND, WEB);
	conf.is_plain = false;
	w.portal[0] = portal_new(w.portals, &conf);
	until_denied(ask(0, DEVICE_CD), FAILURE_SILENT, "did not finish the TLS handshake");
	until_quiet(0);
}
END_TEST

/* ---- giving up, at every point ---- */

enum quitting {
	QUIT_TICKET,
	QUIT_PORTAL,
	QUIT_ALL,
	QUIT_WAYS,
};

struct quit {
	unsigned at;
	enum quitting how;
	bool is_done;
};

static void
stopped_cb(void *arg)
{
	(void)arg;
	ck_assert(!w.is_stopped);
	w.is_stopped = true;
}

static void
quit(enum quitting how)
{
	switch (how) {
	case QUIT_TICKET:
		let_go(&w.asker[0]);
		break;
	case QUIT_PORTAL:
		let_go(&w.asker[0]);
		portal_free(w.portal[0]);
		w.portal[0] = NULL;
		break;
	case QUIT_ALL:
		portals_stop(w.portals, NEVER, stopped_cb, NULL);
		break;
	case QUIT_WAYS:
		break;
	}
}

static void
quit_cb(void *arg, const struct fake_request *request, unsigned n)
{
	struct quit *q = arg;

	(void)request;
	if (n != q->at)
		return;
	q->is_done = true;
	quit(q->how);
}

static bool
is_over(enum quitting how)
{
	switch (how) {
	case QUIT_TICKET:
		return !portal_is_active(w.portal[0]);
	case QUIT_PORTAL:
		return TAILQ_EMPTY(&w.portals->all);
	default:
		return w.is_stopped;
	}
}

static void
check_quitting(enum fake_kind kind, unsigned at, enum quitting how)
{
	struct quit q = { .at = at, .how = how };

	begin(kind, PORTAL_FIND);
	WEB->on_request = quit_cb;
	WEB->arg = &q;
	ask(0, DEVICE_CD);
	if (at == 0) {
		quit(how);
		q.is_done = true;
	}
	LOOP_UNTIL(w.base, q.is_done || w.asker[0].calls > 0);
	q.at = 0;
	if (!q.is_done)
		quit(how); /* with a grant that nobody has used */
	LOOP_UNTIL(w.base, is_over(how));
	spin();
	check_manners(WEB);
	if (q.is_done && how != QUIT_ALL)
		ck_assert_uint_eq(w.asker[0].calls, 0);
	if (q.is_done && how == QUIT_ALL)
		until_denied(&w.asker[0], FAILURE_LOST, "shutting down");
}

enum {
	QUIT_POINTS = 8, /* more than there are requests */
	QUIT_KINDS = 3,
};

START_TEST(quitting)
{
	for (int kind = 0; kind < QUIT_KINDS; kind++)
		for (unsigned at = 0; at < QUIT_POINTS; at++) {
			check_quitting((enum fake_kind)kind, at, (enum quitting)_i);
			start_again();
		}
}
END_TEST

/* In every state of the ticket. */
START_TEST(stop_in_states)
{
	begin(FAKE_REST, PORTAL_REST);
	until_granted(ask(0, DEVICE_CD));
	if (_i > 0)
		ticket_accepted(w.asker[0].ticket, _i == 1);
	if (_i == 3)
		until_quiet(0);
	portals_stop(w.portals, NEVER, stopped_cb, NULL);
	ck_assert(!w.is_stopped);
	LOOP_UNTIL(w.base, w.is_stopped);
	check_trace(WEB, "LSTO");
	check_manners(WEB);
	ck_assert(!portal_is_active(w.portal[0]));
	/* Nothing is issued any more. */
	until_denied(ask(1, DEVICE_HD), FAILURE_LOST, "shutting down");
	check_trace(WEB, "LSTO");
}
END_TEST

START_TEST(stop_nothing)
{
	portals_stop(w.portals, NEVER, stopped_cb, NULL);
	ck_assert(!w.is_stopped);
	LOOP_UNTIL(w.base, w.is_stopped);
}
END_TEST

/* The BMC does not answer the logout: the limit ends it. */
START_TEST(stop_with_a_limit)
{
	begin(FAKE_REST, PORTAL_REST);
	begin_at(1, FAKE_REST, PORTAL_REST);
	fake_rule(&w.web[0], "/api/session", NULL)->skip = 1;
	until_granted(ask_at(0, 0, DEVICE_CD));
	until_granted(ask_at(1, 1, DEVICE_CD));
	if (_i) {
		let_go(&w.asker[0]);
		portal_free(w.portal[0]);
		w.portal[0] = NULL;
	}
	portals_stop(w.portals, 0.2, stopped_cb, NULL);
	LOOP_UNTIL(w.base, w.is_stopped);
	if (!_i)
		ck_assert(!portal_is_active(w.portal[0]));
	ck_assert(!portal_is_active(w.portal[1]));
}
END_TEST

START_TEST(stop_while_banned)
{
	portals_times(w.portals)->ban = NEVER;
	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/kvm/token", R("403 Forbidden", ""));
	until_denied(ask(0, DEVICE_CD), FAILURE_BANNED, "403");
	portals_stop(w.portals, NEVER, stopped_cb, NULL);
	LOOP_UNTIL(w.base, w.is_stopped);
	check_trace(WEB, "LST");
}
END_TEST

START_TEST(stop_with_a_queue)
{
	portals_set_parallel(w.portals, 1);
	for (int i = 0; i < 3; i++) {
		begin_at(i, FAKE_REST, PORTAL_REST);
		until_granted(ask_at(i, i, DEVICE_CD));
	}
	portals_stop(w.portals, NEVER, stopped_cb, NULL);
	LOOP_UNTIL(w.base, w.is_stopped);
	for (int i = 0; i < 3; i++)
		check_manners(&w.web[i]);
}
END_TEST

/* ---- several portals of one BMC ---- */

static void
begin_same(int i)
{
	struct portal_conf conf = conf_of(PORTAL_REST, WEB);

	w.portal[i] = portal_new(w.portals, &conf);
}

static void
give_up_portal(int i)
{
	let_go(&w.asker[i]);
	portal_free(w.portal[i]);
	w.portal[i] = NULL;
}

START_TEST(same_server_login)
{
	begin(FAKE_REST, PORTAL_REST);
	begin_same(1);
	begin_at(2, FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/session", NULL)->times = 1;
	ask_at(0, 0, DEVICE_CD);
	LOOP_UNTIL(w.base, WEB->n == 1);
	ask_at(1, 1, DEVICE_CD);
	/* Another BMC does not wait behind it. */
	until_granted(ask_at(2, 2, DEVICE_CD));
	spin();
	check_trace(WEB, "L");
	webclient_expire(w.portal[0]->client);
	until_denied(&w.asker[0], FAILURE_SILENT, "did not answer within");
	until_granted(&w.asker[1]);
	check_trace(WEB, "LLST");
	let_go(&w.asker[1]);
	until_quiet(1);
	check_manners(WEB);
}
END_TEST

/* A reload has changed the credentials: the new login waits until the old one is logged out. */
START_TEST(same_server_logout)
{
	struct fake_rule *rule;
	struct portal *old;

	begin(FAKE_REST, PORTAL_REST);
	begin_same(1);
	rule = fake_rule(WEB, "/api/session", NULL);
	rule->skip = rule->times = 1;
	until_granted(ask_at(0, 0, DEVICE_CD));
	ticket_accepted(w.asker[0].ticket, true);
	spin();
	old = w.portal[0];
	if (_i)
		ask_at(1, 1, DEVICE_CD);
	give_up_portal(0);
	if (!_i)
		ask_at(1, 1, DEVICE_CD);
	LOOP_UNTIL(w.base, WEB->n == 4);
	spin();
	check_trace(WEB, "LSTO");
	webclient_expire(old->client);
	until_granted(&w.asker[1]);
	check_trace(WEB, "LSTOOLST");
	let_go(&w.asker[1]);
	until_quiet(1);
	check_manners(WEB);
}
END_TEST

/* They do not wait for each other for ever. */
START_TEST(same_server_two_logouts)
{
	begin(FAKE_REST, PORTAL_REST);
	begin_same(1);
	for (int i = 0; i < 2; i++) {
		until_granted(ask_at(i, i, DEVICE_CD));
		ticket_accepted(w.asker[i].ticket, true);
	}
	if (_i) {
		portals_stop(w.portals, NEVER, stopped_cb, NULL);
		LOOP_UNTIL(w.base, w.is_stopped);
	} else {
		give_up_portal(0);
		give_up_portal(1);
		LOOP_UNTIL(w.base, TAILQ_EMPTY(&w.portals->all));
	}
	check_trace(WEB, "LSTLSTOO");
	ck_assert_uint_eq(WEB->overlaps, 0);
}
END_TEST

/* A ban is for all of us, those who wait, and those who come. */
START_TEST(same_server_ban)
{
	portals_times(w.portals)->ban = NEVER;
	begin(FAKE_REST, PORTAL_REST);
	begin_same(1);
	fake_rule(WEB, NULL, R("403 Forbidden", ""));
	ask_at(0, 0, DEVICE_CD);
	ask_at(1, 1, DEVICE_CD);
	until_denied(&w.asker[0], FAILURE_BANNED, "(403)");
	until_denied(&w.asker[1], FAILURE_BANNED, "s more");
	ck_assert(!portal_is_idle(w.portal[1]));
	give_up_portal(0);
	give_up_portal(1);
	spin();
	begin_same(2);
	until_denied(ask_at(2, 2, DEVICE_CD), FAILURE_BANNED, "s more");
	check_trace(WEB, "L");
	begin_at(1, FAKE_REST, PORTAL_REST);
	until_granted(ask_at(1, 1, DEVICE_CD));
}
END_TEST

/* Then the ban is over, for who is there and for who is not any more. */
START_TEST(same_server_ban_ends)
{
	portals_times(w.portals)->ban = 0.05;
	begin(FAKE_REST, PORTAL_REST);
	begin_same(1);
	fake_rule(WEB, NULL, R("403 Forbidden", ""))->times = 1;
	until_denied(ask_at(0, 0, DEVICE_CD), FAILURE_BANNED, "(403)");
	give_up_portal(0);
	LOOP_UNTIL(w.base, portal_is_idle(w.portal[1]));
	until_granted(ask_at(1, 1, DEVICE_CD));
	check_trace(WEB, "LLST");
	give_up_portal(1);
	LOOP_UNTIL(w.base, TAILQ_EMPTY(&w.portals->all));
	check_manners(WEB);
}
END_TEST

/* ---- what the log says ---- */

struct capture {
	char path[40];
	int fd, old;
	char text[16384];
};

static void
capture_begin(struct capture *capture)
{
	strcpy(capture->path, "/tmp/check_portal.log.XXXXXX");
	capture->fd = mkstemp(capture->path);
	ck_assert_int_ge(capture->fd, 0);
	capture->old = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(capture->fd, STDERR_FILENO), 0);
}

static void
capture_end(struct capture *capture)
{
	ssize_t n;

	dup2(capture->old, STDERR_FILENO);
	close(capture->old);
	n = pread(capture->fd, capture->text, sizeof(capture->text) - 1, 0);
	ck_assert_int_ge(n, 0);
	capture->text[n] = '\0';
	close(capture->fd);
	unlink(capture->path);
}

/* What a logout is answered with, how often, and what is said of it. */
START_TEST(logouts)
{
	static const struct {
		const char *answer; /* "": a reset */
		unsigned times;
		const char *trace, *words; /* words NULL: no warning */
		unsigned sessions;
	} rows[] = {
		{ "", 1, "LSTOO", NULL, 0 },
		{ "", 2, "LSTOO", "warning: node1: the logout from the web interface failed", 1 },
		{ R("500 Oops", ""), 1, "LSTOO", NULL, 0 },
		{ R("503 Oops", ""), 2, "LSTOO", "failed: it answers 503", 1 },
		{ R("405 No", ""), 1, "LSTO", "failed: it answers 405", 1 },
		{ R("403 No", ""), 1, "LSTO", "failed: it answers 403", 1 },
		{ R("401 No", ""), 1, "LSTO", NULL, 1 },
		{ R("404 No", ""), 1, "LSTO", NULL, 1 },
		{ R("302 M", ""), 1, "LSTO", NULL, 1 },
	};
	struct capture capture;
	struct fake_rule *rule;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(FAKE_REST, PORTAL_REST);
		rule = fake_rule(WEB, "/api/session", rows[i].answer);
		rule->skip = 1;
		rule->times = rows[i].times;
		capture_begin(&capture);
		until_granted(ask(0, DEVICE_CD));
		let_go(&w.asker[0]);
		until_quiet(0);
		capture_end(&capture);
		check_trace(WEB, rows[i].trace);
		ck_assert_uint_eq(WEB->sessions, rows[i].sessions);
		if (rows[i].words)
			ck_assert_ptr_nonnull(strstr(capture.text, rows[i].words));
		else
			ck_assert_ptr_null(strstr(capture.text, "warning"));
		start_again();
	}
}
END_TEST

/* A login that the limit cuts off may have made a web session. */
START_TEST(stop_in_a_login)
{
	struct capture capture;

	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, "/api/session", NULL)->is_counted = true;
	ask(0, DEVICE_CD);
	LOOP_UNTIL(w.base, WEB->n == 1);
	capture_begin(&capture);
	portals_stop(w.portals, 0.05, stopped_cb, NULL);
	LOOP_UNTIL(w.base, w.is_stopped);
	capture_end(&capture);
	ck_assert_ptr_nonnull(strstr(capture.text, "warning: node1: "));
	ck_assert_ptr_nonnull(strstr(capture.text, "user admin may still be logged in"));
	ck_assert(!portal_is_active(w.portal[0]));
	check_trace(WEB, "L");
}
END_TEST

/* At the end all are logged out at once. */
START_TEST(stop_all_at_once)
{
	struct fake_rule *rule;

	portals_set_parallel(w.portals, 1);
	for (int i = 0; i < WEBS; i++) {
		begin_at(i, FAKE_REST, PORTAL_REST);
		rule = fake_rule(&w.web[i], "/api/session", NULL);
		rule->skip = rule->times = 1;
		until_granted(ask_at(i, i, DEVICE_CD));
	}
	/* One waits for its place when the end begins. */
	let_go(&w.asker[0]);
	let_go(&w.asker[1]);
	LOOP_UNTIL(w.base, w.web[0].n + w.web[1].n == 7);
	spin();
	ck_assert_uint_eq(w.web[0].n + w.web[1].n, 7);
	portals_stop(w.portals, NEVER, stopped_cb, NULL);
	for (int i = 0; i < WEBS; i++)
		LOOP_UNTIL(w.base, w.web[i].n == 4);
	ck_assert(!w.is_stopped);
	for (int i = 0; i < WEBS; i++)
		webclient_expire(w.portal[i]->client);
	LOOP_UNTIL(w.base, w.is_stopped);
	for (int i = 0; i < WEBS; i++) {
		check_trace(&w.web[i], "LSTOO");
		check_manners(&w.web[i]);
	}
}
END_TEST

/* ---- freed at any time ---- */

/* Everything is freed in the middle of a request. */
START_TEST(free_all)
{
	struct hang hang = { .at = (unsigned)_i + 1 };

	begin(FAKE_REST, PORTAL_REST);
	fake_rule(WEB, NULL, NULL)->skip = hang.at - 1;
	WEB->on_request = hang_cb;
	WEB->arg = &hang;
	ask(0, DEVICE_CD);
	LOOP_UNTIL(w.base, hang.is_hit);
}
END_TEST

/* From within the callback everything is allowed. */
START_TEST(from_the_callback)
{
	begin(FAKE_REST, PORTAL_REST);
	ask(0, DEVICE_CD);
	w.asker[0].frees = true;
	w.asker[0].asks_again = true;
	LOOP_UNTIL(w.base, w.asker[0].calls == 2);
	ck_assert_ptr_null(w.asker[0].ticket);
	until_quiet(0);
	ck_assert_int_eq(WEB->trace[strlen(WEB->trace) - 1], 'O');
	check_manners(WEB);

	ask(0, DEVICE_CD);
	w.asker[0].frees_portal = true;
	LOOP_UNTIL(w.base, TAILQ_EMPTY(&w.portals->all));
	ck_assert_uint_eq(w.asker[0].calls, 1);
	check_manners(WEB);
}
END_TEST

/* ---- TLS ---- */

static void
begin_tls(const struct cert *cert, enum fake_kind kind)
{
	WEB->tls = cert_server(cert);
	begin(kind, PORTAL_FIND);
}

START_TEST(https)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc" });
	char fingerprint[65];

	WEB->is_http_10 = _i;
	begin_tls(&cert, FAKE_ASP);
	until_granted(ask(0, DEVICE_CD));
	ck_assert_str_eq(w.asker[0].grant.token, "token1");
	cert_fingerprint(&cert, fingerprint);
	ck_assert_str_eq(w.facts.pin[PIN_WEB], fingerprint);
	ck_assert_str_eq(w.facts.pin[PIN_MEDIA], "");
	ck_assert_uint_eq(w.facts_changes, 1);
	let_go(&w.asker[0]);
	/* The facts may go before the logout. */
	portal_free(w.portal[0]);
	w.portal[0] = NULL;
	memset(&w.facts, 0, sizeof(w.facts));
	LOOP_UNTIL(w.base, TAILQ_EMPTY(&w.portals->all));
	check_manners(WEB);
	ck_assert_str_eq(w.facts.pin[PIN_WEB], "");
	SSL_CTX_free(WEB->tls);
	cert_free(&cert);
}
END_TEST

/* The password is not even sent. */
START_TEST(certificate_changed)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc" });

	memset(w.facts.pin[PIN_WEB], 'a', FINGERPRINT_SIZE - 1);
	begin_tls(&cert, FAKE_REST);
	until_denied(ask(0, DEVICE_CD), FAILURE_CERTIFICATE, "certificate changed: pinned aaaa");
	until_quiet(0);
	ck_assert_uint_eq(WEB->n, 0);
	SSL_CTX_free(WEB->tls);
	cert_free(&cert);
}
END_TEST

START_TEST(no_tls)
{
	struct portal_conf conf;

	fake_listen(WEB, w.base);
	fake_rule(WEB, NULL, "HTTP/1.0 400 what?\r\n\r\n");
	conf = conf_of(PORTAL_FIND, WEB);
	conf.is_plain = false;
	w.portal[0] = portal_new(w.portals, &conf);
	ask(0, DEVICE_CD);
	/* It waits for the end of a request's head that never comes. */
	LOOP_UNTIL(w.base, WEB->list != NULL);
	bufferevent_write(WEB->list->bev, "HTTP/1.0 400 what?\r\n\r\n", 22);
	until_denied(&w.asker[0], FAILURE_TLS, "no TLS on this port");
	ck_assert_uint_eq(WEB->n, 0);
}
END_TEST

/* ---- secrets ---- */

/* A BMC that says everything back: nothing of it is in the log or in a reason. */
START_TEST(secrets_stay_secret)
{
	static const char plain[] = "MyVerySecretPassword";
	char path[] = "/tmp/check_portal.log.XXXXXX", text[65536];
	int log = mkstemp(path), old = dup(STDERR_FILENO);
	struct fake_rule *rule;
	ssize_t n;

	write_file(w.secret_file, plain, sizeof(plain) - 1, 0644); /* worth a warning */
	ck_assert_int_ge(dup2(log, STDERR_FILENO), 0);
	log_set_level(LOG_LEVEL_DEBUG);
	begin(FAKE_REST, PORTAL_REST);
	rule = fake_rule(WEB, "/api/session",
		"HTTP/1.1 401 MyVerySecretPassword\r\nX: MyVerySecretPassword\r\n\r\n"
		"{ \"error\": \"password MyVerySecretPassword is wrong\" }");
	rule->times = 1;
	rule = fake_rule(WEB, "/api/session",
		"HTTP/1.1 302 M\r\nLocation: /a?b=MyVerySecretPassword\r\n\r\n");
	rule->times = 1;
	until_denied(ask(0, DEVICE_CD), FAILURE_LOGIN, "login refused");
	ck_assert_ptr_null(strstr(w.asker[0].why.text, plain));
	rule->seen = 0;
	until_denied(ask(0, DEVICE_CD), FAILURE_CONFIGURATION, "redirects");
	ck_assert_ptr_null(strstr(w.asker[0].why.text, plain));
	until_granted(ask(0, DEVICE_CD));
	let_go(&w.asker[0]);
	until_quiet(0);
	ck_assert_ptr_nonnull(strstr(request_of(WEB, 'L')->body, plain));

	dup2(old, STDERR_FILENO);
	close(old);
	n = pread(log, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "node1: web interface (REST): login"));
	ck_assert_ptr_null(strstr(text, plain));
	ck_assert_ptr_null(strstr(text, "session1"));
	ck_assert_ptr_null(strstr(text, "token1"));
	/* Of the file that others can read: once. */
	ck_assert_ptr_nonnull(strstr(text, "can be read by others (mode 644)"));
	ck_assert_ptr_null(strstr(strstr(text, "(mode 644)") + 1, "(mode 644)"));
	close(log);
	unlink(path);
}
END_TEST

START_TEST(secret_files)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *secret, *words;
	} rows[] = {
		{ "abc", 3, "abc", "" },
		{ "abc\n", 4, "abc", "" },
		{ "a b\r\nx", 6, "a b", "" },
		{ " abc ", 5, " abc ", "" },
		{ "", 0, NULL, "is empty" },
		{ "\nabc", 4, NULL, "is empty" },
		{ "\r\nabc", 5, NULL, "is empty" },
		{ "a\0b", 3, NULL, "has a NUL" },
		{ "ab\nc\0", 5, "ab", "" },
	};
	char secret[SECRET_MAX + 1], text[SECRET_MAX + 3];
	bool is_warned = false;
	struct reason why;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(w.secret_file, rows[i].bytes, rows[i].len, 0600);
		reason_clear(&why);
		ck_assert_int_eq(secret_read(w.secret_file, secret, SECRET_MAX, &is_warned, &why),
			rows[i].secret ? 0 : -1);
		ck_assert_str_eq(secret, rows[i].secret ? rows[i].secret : "");
		ck_assert_ptr_nonnull(strstr(why.text, rows[i].words));
	}
	ck_assert(!is_warned);
	memset(text, 'x', sizeof(text));
	text[SECRET_MAX] = '\r';
	text[SECRET_MAX + 1] = '\n';
	write_file(w.secret_file, text, SECRET_MAX + 2, 0640);
	ck_assert_int_eq(secret_read(w.secret_file, secret, SECRET_MAX, &is_warned, &why), 0);
	ck_assert_uint_eq(strlen(secret), SECRET_MAX);
	ck_assert(is_warned);
	text[SECRET_MAX] = 'x';
	write_file(w.secret_file, text, SECRET_MAX + 2, 0600);
	ck_assert_int_eq(secret_read(w.secret_file, secret, SECRET_MAX, &is_warned, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "longer than 128 bytes"));
	ck_assert_int_eq(secret_read("/tmp", secret, SECRET_MAX, &is_warned, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "not a regular file"));
}
END_TEST

START_TEST(secret_credentials)
{
	char secret[SECRET_MAX + 1], dir[] = "/tmp/check_portal.cred.XXXXXX", path[64];
	bool is_warned = false;
	struct reason why;

	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(secret_read("credential:bmc", secret, SECRET_MAX, &is_warned, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "given no credentials"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	snprintf(path, sizeof(path), "%s/bmc", dir);
	write_file(path, "abc\n", 4, 0440);
	ck_assert_int_eq(secret_read("credential:bmc", secret, SECRET_MAX, &is_warned, &why), 0);
	ck_assert_str_eq(secret, "abc");
	ck_assert(!is_warned);
	ck_assert_int_eq(secret_read("credential:x", secret, SECRET_MAX, &is_warned, &why), -1);
	ck_assert_int_eq(
		secret_read("credential:../bmc", secret, SECRET_MAX, &is_warned, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "no name of a credential"));
	unlink(path);
	rmdir(dir);
	unsetenv("CREDENTIALS_DIRECTORY");
}
END_TEST

/* ---- */

static Suite *
portal_suite(void)
{
	Suite *suite = suite_create("portal");
	TCase *tc = tcase_create("portal");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, asp);
	tcase_add_test(tc, asp_says_little);
	tcase_add_test(tc, asp_ports_of_settings);
	tcase_add_loop_test(tc, asp_token_without_jnlp, 0, 3);
	tcase_add_test(tc, asp_ssi_token);
	tcase_add_test(tc, rest);
	tcase_add_test(tc, rest_h5viewer_token);
	tcase_add_test(tc, rest_without_csrf);
	tcase_add_test(tc, digest);
	tcase_add_test(tc, digest_everywhere);
	tcase_add_test(tc, digest_refused);
	tcase_add_test(tc, no_basic);
	tcase_add_test(tc, find);
	tcase_add_test(tc, find_rest);
	tcase_add_loop_test(tc, find_in_spite_of_pages, 0, 4);
	tcase_add_test(tc, find_nothing);
	tcase_add_test(tc, rest_only);
	tcase_add_test(tc, offline_none);
	tcase_add_test(tc, offline_token);
	tcase_add_test(tc, bad_answers);
	tcase_add_loop_test(tc, broken_pages, 0, 2);
	tcase_add_loop_test(tc, empty_token, 0, 2);
	tcase_add_loop_test(tc, long_token, 0, 2);
	tcase_add_test(tc, longer_token);
	tcase_add_test(tc, endless_answer);
	tcase_add_loop_test(tc, old_servers, 0, 3);
	tcase_add_test(tc, unreachable);
	tcase_add_loop_test(tc, vanishing, 0, 3);
	tcase_add_test(tc, no_credentials);
	tcase_add_test(tc, ban_at_login);
	tcase_add_loop_test(tc, ban_in_a_flow, 0, 2);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, needs_web);
	tcase_add_test(tc, shared_token);
	tcase_add_test(tc, refused_token);
	tcase_add_test(tc, renewed_ticket);
	tcase_add_test(tc, expired_session);
	tcase_add_loop_test(tc, expired_without_a_word, 0, 2);
	tcase_add_test(tc, expired_settings);
	tcase_add_test(tc, sick_session);
	tcase_add_test(tc, parallel);
	tcase_add_test(tc, more_parallel);
	tcase_add_test(tc, gone_from_the_queue);
	tcase_add_loop_test(tc, silence, 0, 8);
	tcase_add_test(tc, silence_in_time);
	tcase_add_test(tc, silent_handshake);
	tcase_add_loop_test(tc, quitting, 0, QUIT_WAYS);
	tcase_add_loop_test(tc, stop_in_states, 0, 4);
	tcase_add_test(tc, stop_nothing);
	tcase_add_loop_test(tc, stop_with_a_limit, 0, 2);
	tcase_add_test(tc, stop_while_banned);
	tcase_add_test(tc, stop_with_a_queue);
	tcase_add_test(tc, same_server_login);
	tcase_add_loop_test(tc, same_server_logout, 0, 2);
	tcase_add_loop_test(tc, same_server_two_logouts, 0, 2);
	tcase_add_test(tc, same_server_ban);
	tcase_add_test(tc, same_server_ban_ends);
	tcase_add_test(tc, logouts);
	tcase_add_test(tc, stop_in_a_login);
	tcase_add_test(tc, stop_all_at_once);
	tcase_add_loop_test(tc, free_all, 0, 3);
	tcase_add_test(tc, from_the_callback);
	tcase_add_loop_test(tc, https, 0, 2);
	tcase_add_test(tc, certificate_changed);
	tcase_add_test(tc, no_tls);
	tcase_add_test(tc, secrets_stay_secret);
	tcase_add_test(tc, secret_files);
	tcase_add_test(tc, secret_credentials);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(portal_suite());
}
