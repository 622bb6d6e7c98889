/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_session_login: from the wish to AUTH: what the web interface says, which dialect it is, and
 * what is remembered of it; tunnel and TLS on the way. */
#include <unistd.h>

#include <event2/bufferevent_ssl.h>

#include "portal_world.h"
#include "tls_certs.h"

enum {
	TUR = 0x00,
};

static const struct dialect *
named(const char *name)
{
	return dialect_find(name);
}

/* The BMC has closed nothing, and has got nothing. */
static void
expect_silence(void)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert(!bmc.is_ended);
}

/* A port at which nobody listens, while its descriptor is open. */
static int
dead_port(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* ---- the token ---- */

START_TEST(test_login)
{
	start_session(IMAGE_RO);
	ck_assert(is_in(SESSION_LOGIN));
	ck_assert_int_eq(status.transport, -1);
	ck_assert_uint_eq(portal.asked, 1);
	ck_assert_int_eq(portal.ticket->device, DEVICE_CD);
	/* The portal has its own limits, and a queue. */
	ck_assert(!evtimer_pending(session->deadline, NULL));
	grant_token(named("asp"), "AbCd");
	ck_assert(is_in(SESSION_CONNECTING));
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	expect_silence(); /* no DEVICE_INFO */
	ck_assert_uint_eq(portal.accepted, 0);
	accept_session();
	ck_assert_uint_eq(portal.accepted, 1);
	ck_assert(portal.needs_web); /* the next instance needs it (iusb-protocol 5.3) */
	ck_assert_ptr_eq(status.dialect, named("asp"));
	ck_assert_int_eq(status.transport, TRANSPORT_DIRECT);
	ck_assert_ptr_null(status.tls);
	ck_assert_uint_eq(portal.freed, 0);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_int_eq(status.transport, -1);
	ck_assert_str_eq(trail, "login connecting authenticating serving idle");
	/* Configured, so nothing to remember. */
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

START_TEST(test_login_fails)
{
	start_session(IMAGE_RO);
	fake_portal_fail(&portal, FAILURE_LOGIN, "login refused for user admin");
	expect_failure(FAILURE_LOGIN, "login refused for user admin");
	ck_assert(failure_policy(status.failure)->is_refusal);
	ck_assert_double_gt(status.retry_at - status.since, 250);
	ck_assert_str_eq(trail, "login backoff");
	/* Anew, when asked to. */
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	ck_assert_str_eq(status.reason.text, "login refused for user admin");
	ck_assert_uint_eq(portal.asked, 2);
	grant_token(named("asp"), "EfGh");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "EfGh");
	accept_session();
	ck_assert_str_eq(status.reason.text, "");
}
END_TEST

/* Each attempt has a token of its own; what is behind the old one is not used any more. */
START_TEST(test_a_new_token_for_each_session)
{
	serve_session("asp", IMAGE_RO);
	fake_bmc_hang_up(&bmc);
	expect_failure(FAILURE_LOST, "the BMC closed the connection");
	ck_assert_uint_eq(portal.freed, 1);
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	grant_token(named("asp"), "EfGh");
	reach_bmc(2, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "EfGh");
	accept_session();
	ck_assert_uint_eq(status.sessions, 2);
}
END_TEST

/* Found out by the web interface: no connection is made. */
START_TEST(test_slot_is_not_there)
{
	struct grant grant = fake_grant(named("asp"), "AbCd");

	wish.instance = 2;
	start_session(IMAGE_RO);
	grant.port[DEVICE_CD] = bmc.port;
	if (_i == 0) {
		grant.slots[DEVICE_CD] = 2;
		fake_portal_grant(&portal, &grant);
		expect_failure(FAILURE_CONFIGURATION, "the BMC has 2 cd slots: there is no cd2");
	} else if (_i == 1) {
		grant.licence = 0;
		fake_portal_grant(&portal, &grant);
		expect_failure(FAILURE_REFUSED, "licence missing");
	} else {
		grant.is_attached[DEVICE_CD] = 0;
		fake_portal_grant(&portal, &grant);
		expect_failure(FAILURE_REFUSED, "cd is detached in the BMC's attach mode");
	}
	ck_assert_str_eq(trail, "login backoff");
	ck_assert_uint_eq(bmc.accepts, 0);
}
END_TEST

START_TEST(test_stop_when_logging_in)
{
	start_session(IMAGE_RW);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert(fake.is_closed);
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_str_eq(trail, "login idle");
}
END_TEST

START_TEST(test_free_when_logging_in)
{
	start_session(IMAGE_RW);
	session_free(session);
	session = NULL;
	ck_assert_uint_eq(portal.freed, 1);
}
END_TEST

START_TEST(test_reconnect_when_logging_in)
{
	start_session(IMAGE_RO);
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	ck_assert_uint_eq(portal.asked, 1);
}
END_TEST

START_TEST(test_no_login_for_legacy)
{
	wish.dialect = named("legacy");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	ck_assert(is_in(SESSION_CONNECTING));
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_silence();
	accept_session();
	ck_assert_uint_eq(portal.asked, 0);
	ck_assert_ptr_eq(status.dialect, named("legacy"));
}
END_TEST

START_TEST(test_no_way_to_log_in)
{
	wish.portal = NULL;
	wish.dialect = named("rest");
	start_session(IMAGE_RO);
	expect_failure(FAILURE_CONFIGURATION, "dialect rest: it needs a login");
	/* Told again when it fails again, although the state is the same. */
	session_reconnect(session);
	ck_assert_uint_eq(status.attempts, 2);
	ck_assert_str_eq(trail, "backoff backoff");
}
END_TEST

/* ---- auto: the web interface tells ---- */

START_TEST(test_auto_by_login)
{
	wish.dialect = named("auto");
	start_session(IMAGE_RO);
	ck_assert(is_in(SESSION_LOGIN));
	ck_assert_ptr_eq(status.dialect, named("auto"));
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	expect_device_info(false);
	session_status(session, &status);
	ck_assert_ptr_eq(status.dialect, named("rest"));
	/* Kept only when it has worked. */
	ck_assert_ptr_null(facts.dialect);
	accept_session();
	ck_assert_ptr_eq(facts.dialect, named("rest"));
	ck_assert_uint_eq(facts_changes, 1);
	session_stop(session, "detached");
	expect_goodbye();
	LOOP_UNTIL(base, is_in(SESSION_IDLE));
	ck_assert_ptr_eq(status.dialect, named("rest"));
}
END_TEST

START_TEST(test_auto_is_not_remembered_when_refused)
{
	wish.dialect = named("auto");
	start_session(IMAGE_RO);
	grant_token(named("asp"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	fake_bmc_ack(&bmc, ACK_IN_USE, "10.0.0.7");
	expect_failure(FAILURE_BUSY, "in use by 10.0.0.7");
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

/* The board got other firmware. */
START_TEST(test_known_asp_is_rest_now)
{
	wish.dialect = named("auto");
	facts.dialect = named("asp");
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	expect_device_info(false);
	accept_session();
	ck_assert_ptr_eq(facts.dialect, named("rest"));
}
END_TEST

/* Its pages are gone: forgotten, and found out again. */
START_TEST(test_known_asp_has_no_pages)
{
	wish.dialect = named("auto");
	facts.dialect = named("asp");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	fake_portal_fail(&portal, FAILURE_CONFIGURATION, "no login page (404)");
	expect_failure(FAILURE_CONFIGURATION, "no login page (404)");
	ck_assert_ptr_null(facts.dialect);
	ck_assert_uint_eq(facts_changes, 1);
	session_reconnect(session);
	fake_portal_fail(&portal, FAILURE_CONFIGURATION, "no login page (404)");
	reach_bmc(1, PHASE_LISTENING);
	accept_session();
	ck_assert_ptr_eq(facts.dialect, named("legacy"));
}
END_TEST

/* Other failures say nothing about the dialect. */
START_TEST(test_known_asp_is_down)
{
	static const enum failure failures[] = { FAILURE_UNREACHABLE, FAILURE_BUSY, FAILURE_LOGIN,
		FAILURE_BANNED, FAILURE_TLS, FAILURE_CERTIFICATE };

	wish.dialect = named("auto");
	facts.dialect = named("asp");
	start_session(IMAGE_RO);
	fake_portal_fail(&portal, failures[_i], "it is so");
	expect_failure(failures[_i], "it is so");
	ck_assert_ptr_eq(facts.dialect, named("asp"));
	ck_assert_uint_eq(bmc.accepts, 0);
}
END_TEST

/* A configured dialect is never doubted. */
START_TEST(test_configured_asp_has_no_pages)
{
	facts.dialect = named("rest");
	start_session(IMAGE_RO);
	fake_portal_fail(&portal, FAILURE_CONFIGURATION, "no login page (404)");
	expect_failure(FAILURE_CONFIGURATION, "no login page (404)");
	ck_assert_uint_eq(facts_changes, 0);
	ck_assert_uint_eq(bmc.accepts, 0);
}
END_TEST

/* ---- auto: the BMC tells ---- */

/* Connects to a BMC that may be a `legacy` one: nothing is sent. */
static void
listen_to_bmc(void)
{
	wish.dialect = named("auto");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	if (wish.portal)
		fake_portal_fail(&portal, FAILURE_UNREACHABLE, "no route to host");
	reach_bmc(1, PHASE_LISTENING);
	ck_assert(is_in(SESSION_AUTHENTICATING));
	ck_assert_ptr_eq(status.dialect, named("auto"));
	expect_silence();
}

START_TEST(test_auto_speaks_first)
{
	if (_i == 1)
		wish.portal = NULL;
	listen_to_bmc();
	accept_session();
	ck_assert_ptr_eq(status.dialect, named("legacy"));
	ck_assert_ptr_eq(facts.dialect, named("legacy"));
	ck_assert_uint_eq(portal.accepted, 0);
	ask(TUR);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	/* The next time nothing is guessed, and nobody asked. */
	fake_bmc_hang_up(&bmc);
	expect_failure(FAILURE_LOST, "the BMC closed the connection");
	session_reconnect(session);
	reach_bmc(2, PHASE_AUTHENTICATING);
	accept_session();
	ck_assert_uint_eq(portal.asked, _i == 1 ? 0 : 1);
	ck_assert_uint_eq(facts_changes, 1);
}
END_TEST

START_TEST(test_auto_refused_by_legacy)
{
	wish.portal = NULL;
	listen_to_bmc();
	fake_bmc_ack(&bmc, ACK_IN_USE, "10.0.0.7");
	expect_failure(FAILURE_BUSY, "in use by 10.0.0.7");
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

START_TEST(test_auto_hears_nothing)
{
	if (_i == 1)
		wish.portal = NULL;
	listen_to_bmc();
	session_raise(session, EVENT_DEADLINE);
	if (_i == 1)
		expect_failure(FAILURE_CONFIGURATION,
			"the BMC waits for authentication: its dialect is asp or rest, it needs a "
			"login");
	else
		expect_failure(FAILURE_UNREACHABLE,
			"the BMC waits for authentication, and a login failed: no route to host");
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

START_TEST(test_stop_when_listening)
{
	listen_to_bmc();
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

/* 1.5 s, by itself. */
START_TEST(test_auto_waits_a_moment)
{
	wish.portal = NULL;
	wish.dialect = named("auto");
	wish.port = bmc.port;
	session = session_new(base, &wish, told_cb, &session);
	session_start(session, fake_open(IMAGE_RO, FAKE_SIZE));
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, FAILURE_CONFIGURATION);
	ck_assert_str_eq(trail, "connecting authenticating backoff");
}
END_TEST

START_TEST(test_auto_nobody_there)
{
	char expected[128];
	int fd;

	if (_i == 1)
		wish.portal = NULL;
	wish.dialect = named("auto");
	fd = dead_port(&wish.port);
	start_session(IMAGE_RO);
	if (wish.portal)
		fake_portal_fail(&portal, FAILURE_UNREACHABLE, "no answer from port 443");
	snprintf(expected, sizeof(expected), "not listening on %u%s", wish.port,
		_i == 0 ? "; web interface: no answer from port 443" : "");
	expect_failure(FAILURE_UNREACHABLE, expected);
	close(fd);
}
END_TEST

/* A ready-made token is shown to a BMC that does not speak first. */
START_TEST(test_auto_with_a_token)
{
	wish.dialect = named("auto");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	grant_token(NULL, "AbCd");
	reach_bmc(1, PHASE_LISTENING);
	expect_silence();
	session_raise(session, EVENT_DEADLINE);
	ck_assert_int_eq(session->phase, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	expect_silence();
	accept_session();
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_ptr_eq(facts.dialect, named("asp"));
	ck_assert_uint_eq(portal.accepted, 1);
	ck_assert_str_eq(trail, "login connecting authenticating serving");
}
END_TEST

START_TEST(test_auto_with_an_empty_token)
{
	wish.dialect = named("auto");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	grant_token(NULL, "");
	reach_bmc(1, PHASE_LISTENING);
	session_raise(session, EVENT_DEADLINE);
	expect_failure(FAILURE_CONFIGURATION,
		"the BMC waits for authentication: its dialect is asp or rest, it needs a login");
}
END_TEST

/* Where `asp` has the floppy at another port, that one gets the token. */
START_TEST(test_auto_at_another_port)
{
	struct dialect legacy = *named("legacy");
	struct grant grant = fake_grant(NULL, "AbCd");
	int fd = -1;

	wish.device = DEVICE_FD;
	wish.dialect = named("auto");
	start_session(IMAGE_RO);
	/* The ports of a real BMC cannot be listened on: the plan is what it would be. */
	portal.ticket->grant = grant;
	portal.ticket->is_answered = portal.ticket->is_granted = true;
	session->grant = &portal.ticket->grant;
	legacy.port[DEVICE_FD] = bmc.port;
	session->plan = (struct plan){ .dialect = &legacy, .is_guess = true, .port = bmc.port };
	if (_i == 1) {
		fd = dead_port(&session->plan.port);
		session_raise(session, EVENT_PLANNED);
	} else {
		session_raise(session, EVENT_PLANNED);
		reach_bmc(1, PHASE_LISTENING);
		session_raise(session, EVENT_DEADLINE);
	}
	LOOP_UNTIL(base, session->plan.dialect == named("asp"));
	ck_assert_uint_eq(session->plan.port, 5122);
	if (_i == 0) {
		ck_assert(is_in(SESSION_CONNECTING));
		LOOP_UNTIL(base, bmc.is_ended);
		ck_assert(fake_bmc_has_read_all(&bmc));
	}
	if (fd >= 0)
		close(fd);
}
END_TEST

/* ---- auto: what is known is doubted ---- */

START_TEST(test_known_legacy_is_silent)
{
	wish.dialect = named("auto");
	facts.dialect = named("legacy");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	reach_bmc(1, PHASE_AUTHENTICATING);
	session_raise(session, EVENT_DEADLINE);
	expect_failure(FAILURE_SILENT, "the BMC did not speak within 10 s");
	ck_assert_ptr_null(facts.dialect);
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	grant_token(named("asp"), "AbCd");
	reach_bmc(2, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	accept_session();
	ck_assert_ptr_eq(facts.dialect, named("asp"));
}
END_TEST

START_TEST(test_configured_legacy_is_silent)
{
	wish.dialect = named("legacy");
	facts.dialect = named("legacy");
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	reach_bmc(1, PHASE_AUTHENTICATING);
	session_raise(session, EVENT_DEADLINE);
	expect_failure(FAILURE_SILENT, "the BMC did not speak within 10 s");
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

/* Nobody listens where it did: the web interface is asked, and what is known stays. */
START_TEST(test_known_legacy_is_not_there)
{
	int fd;

	wish.dialect = named("auto");
	facts.dialect = named("legacy");
	fd = dead_port(&wish.port);
	start_session(IMAGE_RO);
	ck_assert(is_in(SESSION_CONNECTING));
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_int_eq(status.failure, FAILURE_UNREACHABLE);
	ck_assert_uint_eq(portal.asked, 0);
	session->conf.port = bmc.port;
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	fake_portal_fail(&portal, FAILURE_UNREACHABLE, "no route to host");
	reach_bmc(1, PHASE_LISTENING);
	ck_assert_ptr_eq(facts.dialect, named("legacy"));
	accept_session();
	ck_assert_uint_eq(facts_changes, 0);
	close(fd);
}
END_TEST

/* An instance that is not there gets no answer, which says nothing about the dialect. */
START_TEST(test_known_asp_is_silent)
{
	wish.dialect = named("auto");
	wish.instance = _i;
	facts.dialect = named("asp");
	start_session(IMAGE_RO);
	grant_token(named("asp"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	session_raise(session, EVENT_DEADLINE);
	expect_failure(FAILURE_SILENT, _i == 0 ? "no answer to AUTH within 10 s"
					       : "no answer to AUTH within 10 s; is there a cd1?");
	ck_assert_ptr_eq(facts.dialect, named("asp"));
}
END_TEST

/* ---- on the way: TLS, tunnel ---- */

START_TEST(test_securing)
{
	static const char *const reasons[] = { "TLS was not set up within 15 s",
		"the tunnel was not set up within 15 s",
		"the WebSocket was not set up within 15 s" };

	wish.dialect = named("rest");
	wish.transport = (enum transport_choice)_i;
	wish.tls_mode = _i == TRANSPORT_DIRECT ? TLS_ON : TLS_OFF;
	wish.web_port = bmc.port;
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_SECURING);
	ck_assert(is_in(SESSION_SECURING));
	ck_assert_int_eq(status.transport, _i);
	session_raise(session, EVENT_DEADLINE);
	expect_failure(FAILURE_SILENT, reasons[_i]);
	/* Stopped in the middle of it. */
	session_reconnect(session);
	grant_token(named("rest"), "AbCd");
	reach_bmc(2, PHASE_SECURING);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(portal.freed, 2);
	ck_assert_str_eq(trail, "login connecting securing backoff login connecting securing idle");
}
END_TEST

START_TEST(test_hung_up_when_securing)
{
	wish.dialect = named("rest");
	wish.transport = (enum transport_choice)_i;
	wish.tls_mode = _i == TRANSPORT_DIRECT ? TLS_ON : TLS_OFF;
	wish.web_port = bmc.port;
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_SECURING);
	fake_bmc_hang_up(&bmc);
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_str_ne(status.reason.text, "");
	ck_assert_int_ne(status.failure, FAILURE_NONE);
}
END_TEST

START_TEST(test_tunnel)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\n";
	struct grant grant = fake_grant(named("asp"), "AbCd");
	struct evbuffer *input;
	struct evbuffer_ptr end;
	char text[512];

	start_session(IMAGE_RO);
	grant.web_port = bmc.port;
	grant.is_single_port = 1;
	grant.is_secure = 0;
	grant.web_secure_port = 4443;
	strcpy(grant.cookie, "CookieOfTheWeb");
	fake_portal_grant(&portal, &grant);
	reach_bmc(1, PHASE_SECURING);
	input = bufferevent_get_input(bmc.bev);
	LOOP_UNTIL(base, (end = evbuffer_search(input, "JVIEWER CDMEDIA", 15, NULL)).pos >= 0);
	LOOP_UNTIL(base, (end = evbuffer_search(input, "\r\n\r\n", 4, &end)).pos >= 0);
	ck_assert_int_lt(end.pos, (long)sizeof(text) - 5);
	evbuffer_remove(input, text, (size_t)end.pos + 4);
	text[end.pos + 4] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "CONNECT 127.0.0.1:4443 "));
	ck_assert_ptr_nonnull(strstr(text, "CookieOfTheWeb"));
	fake_bmc_send(&bmc, ok, strlen(ok));
	LOOP_UNTIL(base, session->phase == PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	accept_session();
	ck_assert_int_eq(status.transport, TRANSPORT_TUNNEL);
	/* It goes through the web server: the web session stays. */
	ck_assert(portal.needs_web);
	ask(TUR);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	ck_assert_str_eq(trail, "login connecting securing authenticating serving");
}
END_TEST

static SSL_CTX *bmc_tls;

static void
tls_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len,
	void *arg)
{
	(void)listener, (void)sa, (void)len;
	ck_assert_ptr_eq(arg, &bmc);
	if (bmc.bev)
		bufferevent_free(bmc.bev);
	bmc.bev = bufferevent_openssl_socket_new(
		base, fd, SSL_new(bmc_tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_openssl_set_allow_dirty_shutdown(bmc.bev, 1);
	bmc.is_ended = false;
	bmc.accepts++;
	bufferevent_enable(bmc.bev, EV_READ | EV_WRITE);
}

/* The certificate that is seen first is kept, and the log says how the BMC is spoken to. */
START_TEST(test_tls)
{
	const struct cert_conf bmc_conf = { .name = "bmc" };
	struct cert cert = cert_make(&bmc_conf);
	struct grant grant = fake_grant(named("rest"), "AbCd");
	char fingerprint[FINGERPRINT_SIZE], line[512], expected[128];
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	bool is_logged = false;

	ck_assert_ptr_nonnull(log);
	bmc_tls = cert_server(&cert);
	cert_fingerprint(&cert, fingerprint);
	evconnlistener_set_cb(bmc.listener, tls_accept_cb, &bmc);
	wish.dialect = named("rest");
	wish.tls.verify = TLS_VERIFY_PIN;
	if (_i == 1)
		facts_set_pin(&facts, PIN_MEDIA,
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	start_session(IMAGE_RO);
	grant.is_secure = 1;
	grant.port[DEVICE_CD] = bmc.port;
	fake_portal_grant(&portal, &grant);
	if (_i == 1) {
		LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
		ck_assert_int_eq(status.failure, FAILURE_CERTIFICATE);
		ck_assert_ptr_eq(
			strstr(status.reason.text, "certificate changed: "), status.reason.text);
		ck_assert_str_eq(trail, "login connecting securing backoff");
		ck_assert_uint_eq(portal.freed, 1);
	} else {
		reach_bmc(1, PHASE_AUTHENTICATING);
		expect_auth(AUTH_WEB_TOKEN, "AbCd");
		expect_device_info(false);
		log_set_level(LOG_LEVEL_INFO);
		dup2(fileno(log), STDERR_FILENO);
		accept_session();
		dup2(saved, STDERR_FILENO);
		ck_assert_int_eq(status.transport, TRANSPORT_DIRECT);
		ck_assert_ptr_nonnull(status.tls);
		ck_assert_str_eq(status.tls->fingerprint, fingerprint);
		ck_assert_str_eq(facts.pin[PIN_MEDIA], fingerprint);
		ck_assert_str_eq(facts.pin[PIN_WEB], "");
		snprintf(expected, sizeof(expected),
			"accepted by 127.0.0.1:%u (rest, direct, %s), serving /fake.img (ro)\n",
			bmc.port, status.tls->version);
		rewind(log);
		while (fgets(line, sizeof(line), log))
			is_logged |= strstr(line, expected) != NULL;
		ck_assert(is_logged);
		ask(TUR);
		ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
		ck_assert_str_eq(trail, "login connecting securing authenticating serving");
	}
	close(saved);
	fclose(log);
	SSL_CTX_free(bmc_tls);
	cert_free(&cert);
}
END_TEST

static TCase *
new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, open_world, close_world);
	suite_add_tcase(suite, tc);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("session_login");
	TCase *tc = new_case(suite, "token");

	tcase_add_test(tc, test_login);
	tcase_add_test(tc, test_login_fails);
	tcase_add_test(tc, test_a_new_token_for_each_session);
	tcase_add_loop_test(tc, test_slot_is_not_there, 0, 3);
	tcase_add_test(tc, test_stop_when_logging_in);
	tcase_add_test(tc, test_free_when_logging_in);
	tcase_add_test(tc, test_reconnect_when_logging_in);
	tcase_add_test(tc, test_no_login_for_legacy);
	tcase_add_test(tc, test_no_way_to_log_in);

	tc = new_case(suite, "auto");
	tcase_add_test(tc, test_auto_by_login);
	tcase_add_test(tc, test_auto_is_not_remembered_when_refused);
	tcase_add_test(tc, test_known_asp_is_rest_now);
	tcase_add_test(tc, test_known_asp_has_no_pages);
	tcase_add_loop_test(tc, test_known_asp_is_down, 0, 6);
	tcase_add_test(tc, test_configured_asp_has_no_pages);
	tcase_add_loop_test(tc, test_auto_speaks_first, 0, 2);
	tcase_add_test(tc, test_auto_refused_by_legacy);
	tcase_add_loop_test(tc, test_auto_hears_nothing, 0, 2);
	tcase_add_test(tc, test_stop_when_listening);
	tcase_add_test(tc, test_auto_waits_a_moment);
	tcase_add_loop_test(tc, test_auto_nobody_there, 0, 2);
	tcase_add_test(tc, test_auto_with_a_token);
	tcase_add_test(tc, test_auto_with_an_empty_token);
	tcase_add_loop_test(tc, test_auto_at_another_port, 0, 2);
	tcase_add_test(tc, test_known_legacy_is_silent);
	tcase_add_test(tc, test_configured_legacy_is_silent);
	tcase_add_test(tc, test_known_legacy_is_not_there);
	tcase_add_loop_test(tc, test_known_asp_is_silent, 0, 2);

	tc = new_case(suite, "securing");
	tcase_add_loop_test(tc, test_securing, 0, 3);
	tcase_add_loop_test(tc, test_hung_up_when_securing, 0, 3);
	tcase_add_test(tc, test_tunnel);
	tcase_add_loop_test(tc, test_tls, 0, 2);
	return unit_run(suite);
}
