/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_session_auth: how a session of `asp` and `rest` begins and ends: AUTH and DEVICE_INFO on
 * the wire, every status of an ACK, DISCONNECT and KILL from both sides, eject, stop. */
#include "portal_world.h"
#include "vector.h"

enum {
	TUR = 0x00,
	START_STOP = 0x1B,
	READ_10 = 0x28,
	WRITE_10 = 0x2A,
};

static const struct dialect *
named(const char *name)
{
	return dialect_find(name);
}

static void
teardown(void)
{
	close_world();
	ck_assert(fake.is_closed);
	ck_assert_int_eq(fake_waiting(), 0);
}

/* ---- AUTH ---- */

START_TEST(test_auth_on_the_wire)
{
	size_t len;

	start_session(IMAGE_RO);
	grant_token(named("asp"), "AbCdEfGh1234567");
	reach_bmc(1, PHASE_AUTHENTICATING);
	len = vector_read("auth-160", other, sizeof(other));
	ck_assert_uint_eq(len, 160);
	fake_bmc_receive(&bmc, buf, len);
	ck_assert_mem_eq(buf, other, len);
	accept_session();
	ck_assert(fake_bmc_has_read_all(&bmc));
}
END_TEST

/* The kind is the token's, the drive type that of a removable disk, the instance the slot's. */
START_TEST(test_auth_kinds)
{
	struct grant grant = fake_grant(named("asp"), "a token of another kind");

	wish.device = _i == 0 ? DEVICE_HD : DEVICE_FD;
	wish.instance = 3;
	wish.port = bmc.port;
	start_session(IMAGE_RO);
	grant.kind = AUTH_SSI_TOKEN;
	fake_portal_grant(&portal, &grant);
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_SSI_TOKEN, "a token of another kind");
	ck_assert_uint_eq(get_le32(buf + OFF_DATA_PKT_LEN), 240);
	ck_assert_uint_eq(buf[OFF_CLIENT_DATA], _i == 0 ? 0x80 : 0);
	ck_assert_uint_eq(buf[OFF_INSTANCE], 3);
}
END_TEST

/* DEVICE_INFO comes right behind AUTH, before the ACK, and only on `rest`. */
START_TEST(test_device_info)
{
	wish.dialect = named("rest");
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	if (_i == 1) { /* as if it were a WebSocket, whose frames the stream would make */
		session->plan.transport = TRANSPORT_WEBSOCKET;
		session->plan.kind = AUTH_BROWSER;
	}
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(_i == 1 ? AUTH_BROWSER : AUTH_WEB_TOKEN, "AbCd");
	ck_assert_uint_eq(get_le32(buf + OFF_DATA_PKT_LEN), _i == 1 ? 161 : 128);
	expect_device_info(_i == 1);
	ck_assert(fake_bmc_has_read_all(&bmc));
	accept_session();
	ck_assert_int_eq(portal.needs_web, _i == 1);
}
END_TEST

/* ---- ACK ---- */

START_TEST(test_accepted)
{
	static const uint8_t accepted[] = { 1, 27, 28 };

	start_session(IMAGE_RO);
	grant_token(named("asp"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	fake_bmc_ack(&bmc, accepted[_i], "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
	ck_assert_uint_eq(portal.accepted, 1);
	ck_assert_uint_eq(status.sessions, 1);
}
END_TEST

/* The owner's field in all its sizes, and none. */
START_TEST(test_owner)
{
	static const struct {
		size_t len;
		const char *owner, *reason;
	} cases[] = {
		{ 87, "10.0.0.7", "in use by 10.0.0.7" },
		{ 102, "2001:0db8:0000:0000:0000:0000:0000:0007",
			"in use by 2001:0db8:0000:0000:0000:0000:0000:0007" },
		{ 108, "0000:0000:0000:0000:0000:ffff:192.168.100.207",
			"in use by 0000:0000:0000:0000:0000:ffff:192.168.100.207" },
		{ 63, "", "in use (ACK 4)" },
		{ 87, "", "in use (ACK 4)" },
		{ 87, "127.0.0.1", "in use by the BMC's own media" },
		{ 102, "::1", "in use by the BMC's own media" },
	};
	size_t len = cases[_i].len;

	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	control_plain(other, CONTROL_LEN, 0, OP_ACK);
	memset(other + CONTROL_LEN, 0, len - CONTROL_LEN);
	put_le32(other + OFF_DATA_PKT_LEN, (uint32_t)len - PACKET_HEADER_LEN);
	other[62] = ACK_IN_USE;
	memcpy(other + 63, cases[_i].owner, strlen(cases[_i].owner));
	fake_bmc_send(&bmc, other, len);
	expect_failure(FAILURE_BUSY, cases[_i].reason);
}
END_TEST

/* Closed at once, not asked again at once, and nothing but AUTH was sent. */
START_TEST(test_refused)
{
	static const struct {
		uint8_t status;
		enum failure failure;
		const char *reason;
		double delay;
	} cases[] = {
		{ 2, FAILURE_REFUSED, "denied (ACK 2)", 30 },
		{ 4, FAILURE_BUSY, "in use (ACK 4)", 15 },
		{ 5, FAILURE_REFUSED, "no virtual-media privilege (ACK 5)", 30 },
		{ 7, FAILURE_REFUSED, "the device is detached in the BMC's attach mode (ACK 7)",
			30 },
		{ 8, FAILURE_BUSY, "too many users or sessions (ACK 8)", 15 },
		{ 9, FAILURE_BUSY, "the BMC's media service is not reachable (ACK 9)", 15 },
		{ 13, FAILURE_REFUSED, "licence missing or expired (ACK 13)", 30 },
		{ 10, FAILURE_REFUSED, "refused with a status that is not known (ACK 10)", 30 },
		{ 0, FAILURE_REFUSED, "refused with a status that is not known (ACK 0)", 30 },
		{ 255, FAILURE_REFUSED, "refused with a status that is not known (ACK 255)", 30 },
	};

	wish.backoff_min = wish.backoff_max = 0.01;
	start_session(IMAGE_RO);
	session->time_scale = 1;
	grant_token(named("asp"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	fake_bmc_ack(&bmc, cases[_i].status, "");
	expect_failure(cases[_i].failure, cases[_i].reason);
	ck_assert(failure_policy(status.failure)->is_refusal);
	ck_assert_double_gt(status.retry_at - status.since, cases[_i].delay - 1);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_uint_eq(bmc.accepts, 1);
	ck_assert_uint_eq(portal.asked, 1);
	ck_assert_uint_eq(portal.denied, 0);
	ck_assert_str_eq(trail, "login connecting authenticating backoff");
}
END_TEST

/* A token that the BMC does not know is asked for once more; then it takes its time. */
START_TEST(test_token_refused)
{
	start_session(IMAGE_RO);
	grant_token(named("asp"), "OldToken");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "OldToken");
	fake_bmc_ack(&bmc, ACK_TOKEN_INVALID, "");
	LOOP_UNTIL(base, is_in(SESSION_LOGIN) && bmc.is_ended);
	ck_assert_ptr_null(session->stream);
	ck_assert_uint_eq(status.attempts, 0);
	ck_assert_uint_eq(portal.denied, 1);
	ck_assert_uint_eq(portal.asked, 2);
	ck_assert_uint_eq(portal.freed, 1);
	grant_token(named("asp"), "NewToken");
	reach_bmc(2, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "NewToken");
	if (_i == 0) {
		accept_session();
		ck_assert_uint_eq(status.attempts, 0);
		return;
	}
	fake_bmc_ack(&bmc, ACK_TOKEN_INVALID, "");
	expect_failure(FAILURE_TOKEN, "token refused (ACK 3)");
	ck_assert_uint_eq(portal.denied, 2);
	ck_assert_uint_eq(portal.asked, 2);
	ck_assert_uint_eq(status.attempts, 1);
	/* The next attempt may have another one again. */
	session_reconnect(session);
	grant_token(named("asp"), "Third");
	reach_bmc(3, PHASE_AUTHENTICATING);
	fake_bmc_ack(&bmc, ACK_TOKEN_INVALID, "");
	LOOP_UNTIL(base, is_in(SESSION_LOGIN));
	ck_assert_uint_eq(portal.asked, 4);
}
END_TEST

/* No other token is to be had. */
START_TEST(test_token_cannot_be_renewed)
{
	wish.dialect = named("auto");
	start_session(IMAGE_RO);
	grant_token(named("asp"), "OldToken");
	reach_bmc(1, PHASE_AUTHENTICATING);
	fake_bmc_ack(&bmc, ACK_TOKEN_INVALID, "");
	LOOP_UNTIL(base, is_in(SESSION_LOGIN));
	if (_i == 0) {
		fake_portal_fail(&portal, FAILURE_UNREACHABLE, "no route to host");
		expect_failure(FAILURE_UNREACHABLE, "no route to host");
	} else {
		session_stop(session, "detached");
		LOOP_UNTIL(base, is_in(SESSION_IDLE));
		ck_assert_uint_eq(portal.freed, 2);
	}
	ck_assert_uint_eq(bmc.accepts, 1);
}
END_TEST

/* The same once more, with the same token, and then it takes its time. */
START_TEST(test_not_understood)
{
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	fake_bmc_ack(&bmc, ACK_OTHER_ERROR, "");
	reach_bmc(2, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	ck_assert_uint_eq(portal.asked, 1);
	if (_i == 0) {
		accept_session();
		ck_assert_uint_eq(portal.accepted, 1);
		ck_assert_str_eq(trail, "login connecting authenticating connecting "
					"authenticating serving");
		return;
	}
	fake_bmc_ack(&bmc, ACK_OTHER_ERROR, "");
	expect_failure(FAILURE_LOST, "the BMC did not understand the first packet (ACK 6)");
	ck_assert_uint_eq(bmc.accepts, 2);
}
END_TEST

/* An ACK in the middle of it: the token has expired, say. */
START_TEST(test_refused_when_serving)
{
	serve_session("asp", IMAGE_RO);
	fake_bmc_ack(&bmc, _i == 0 ? ACK_TOKEN_INVALID : ACK_OTHER_ERROR, "");
	if (_i == 0)
		expect_failure(FAILURE_TOKEN, "token refused (ACK 3)");
	else
		expect_failure(FAILURE_LOST, "the BMC did not understand the first packet (ACK 6)");
	ck_assert_uint_eq(portal.denied, _i == 0 ? 1 : 0);
}
END_TEST

START_TEST(test_no_ack)
{
	static const struct {
		uint8_t op;
		enum failure failure;
		const char *reason;
	} cases[] = {
		{ OP_KILL, FAILURE_KILLED, "the BMC ended the session before it began (0xF6)" },
		{ OP_DISCONNECT, FAILURE_KILLED,
			"the BMC ended the session before it began (0xF7)" },
		{ OP_KEEP_ALIVE, FAILURE_PROTOCOL,
			"the BMC began with opcode 0xF3 instead of an ACK" },
		{ OP_ACK, FAILURE_PROTOCOL, "the BMC's ACK has no status" },
	};

	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	control_plain(buf, CONTROL_LEN, 0, cases[_i].op);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	expect_failure(cases[_i].failure, cases[_i].reason);
}
END_TEST

START_TEST(test_stop_when_authenticating)
{
	start_session(IMAGE_RW);
	grant_token(named("rest"), "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	session_stop(session, "detached");
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_uint_eq(portal.accepted, 0);
}
END_TEST

/* ---- the BMC ends it ---- */

START_TEST(test_ended_by_the_bmc)
{
	static const struct {
		const char *dialect;
		uint8_t op;
	} cases[] = {
		{ "asp", OP_KILL },
		{ "rest", OP_KILL },
		{ "asp", OP_DISCONNECT },
		{ "rest", OP_DISCONNECT },
	};
	uint8_t op = cases[_i].op;

	serve_session(cases[_i].dialect, IMAGE_RO);
	control_plain(buf, CONTROL_LEN, 0, op);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	expect_failure(FAILURE_KILLED, op == OP_KILL
					       ? "the BMC ended the session (kill, 0xF6)"
					       : "the BMC ended the session (disconnect, 0xF7)");
	ck_assert(fake_bmc_has_read_all(&bmc)); /* no echo */
	/* With a new login. */
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
	ck_assert_uint_eq(portal.asked, 2);
}
END_TEST

/* The newest firmware says so when the host ejects. */
START_TEST(test_disconnect_is_an_eject)
{
	serve_session("rest", IMAGE_RO);
	session->plan.dialect = named("rest-gadget");
	control_plain(buf, CONTROL_LEN, 0, OP_DISCONNECT);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	LOOP_UNTIL(base, is_in(SESSION_EJECTED) && bmc.is_ended);
	ck_assert_str_eq(status.reason.text, "");
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert(!fake.is_closed);
	session_reconnect(session);
	ck_assert(is_in(SESSION_LOGIN));
}
END_TEST

/* That is no eject. */
START_TEST(test_kill_of_a_gadget)
{
	serve_session("rest", IMAGE_RO);
	session->plan.dialect = named("rest-gadget");
	control_plain(buf, CONTROL_LEN, 0, OP_KILL);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	expect_failure(FAILURE_KILLED, "the BMC ended the session (kill, 0xF6)");
}
END_TEST

/* It is known by its SCSI requests, which it does not count. */
START_TEST(test_gadget_is_found_out)
{
	static const char *const confs[] = { "auto", "auto", "auto", "rest" };
	bool is_counting = _i == 1, is_socket = _i != 2;
	const struct dialect *expected = named(_i == 0 ? "rest-gadget" : "rest");

	wish.dialect = named(confs[_i]);
	start_session(IMAGE_RO);
	grant_token(named("rest"), "AbCd");
	if (is_socket)
		session->plan.transport = TRANSPORT_WEBSOCKET;
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	expect_device_info(is_socket);
	accept_session();
	ck_assert_ptr_eq(status.dialect, named("rest"));
	bmc.seq = is_counting ? 41 : UINT32_MAX;
	ask(TUR);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	session_status(session, &status);
	ck_assert_ptr_eq(status.dialect, expected);
	ck_assert_ptr_eq(facts.dialect, _i == 3 ? NULL : expected);
	control_plain(buf, CONTROL_LEN, 0, OP_DISCONNECT);
	fake_bmc_send(&bmc, buf, CONTROL_LEN);
	LOOP_UNTIL(base, is_in(_i == 0 ? SESSION_EJECTED : SESSION_BACKOFF));
}
END_TEST

/* ---- the host ejects ---- */

START_TEST(test_eject)
{
	static const char *const dialects[] = { "asp", "rest" };

	serve_session(dialects[_i], IMAGE_RO);
	ask(START_STOP);
	ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
	if (_i == 1)
		expect_goodbye();
	LOOP_UNTIL(base, is_in(SESSION_EJECTED) && bmc.is_ended);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_str_eq(trail, "login connecting authenticating serving ejected");
}
END_TEST

/* The host has written, and ejects: its answer and what comes behind it have not gone out yet. */
static void
start_ejecting(void)
{
	static uint8_t data[512];
	size_t len;

	wish.device = DEVICE_HD;
	serve_session("rest", IMAGE_RW);
	len = fake_bmc_request(&bmc, other, WRITE_10, 1, 1, 0, data, sizeof(data));
	fake_bmc_send(&bmc, other, len);
	ck_assert_uint_eq(response_sense(WRITE_10), SENSE_NONE);
	fake.is_slow = true;
	ask(START_STOP);
	LOOP_UNTIL(base, fake_waiting() == 'f');
	fake_complete();
	fake.is_slow = false;
	ck_assert_int_eq(session->phase, PHASE_EJECTING);
	session_raise(session, EVENT_GOODBYE);
	ck_assert_int_eq(session->phase, PHASE_PARTING);
	ck_assert(is_in(SESSION_SERVING));
}

/* The medium is out, whatever becomes of the goodbye. */
START_TEST(test_parting)
{
	start_ejecting();
	if (_i == 1)
		session_raise(session, EVENT_FAILED);
	else if (_i == 2)
		session_raise(session, EVENT_DEADLINE);
	if (_i == 0) {
		ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
		expect_goodbye();
	}
	LOOP_UNTIL(base, is_in(SESSION_EJECTED) && bmc.is_ended);
	ck_assert_str_eq(status.reason.text, "");
	ck_assert_uint_eq(portal.freed, 1);
}
END_TEST

START_TEST(test_stop_when_parting)
{
	start_ejecting();
	session_stop(session, "detached");
	ck_assert_int_eq(session->phase, PHASE_LEAVING);
	ck_assert_uint_eq(response_sense(START_STOP), SENSE_NONE);
	expect_goodbye();
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert(fake_bmc_has_read_all(&bmc)); /* once is enough */
	ck_assert_str_eq(trail, "login connecting authenticating serving idle");
}
END_TEST

static struct image *
same_kind_cb(void *arg, int error, const char *words)
{
	(void)words;
	ck_assert_int_eq(error, 0);
	return arg;
}

/* The goodbye is said: the new medium needs a new session. */
START_TEST(test_swap_when_parting)
{
	static struct image next;

	start_ejecting();
	session_swap(session, same_kind_cb, fake_make(&next, IMAGE_RO, FAKE_SIZE, 99));
	LOOP_UNTIL(base, is_in(SESSION_LOGIN) && bmc.is_ended);
	ck_assert_uint_eq(portal.asked, 2);
	ck_assert_uint_eq(portal.freed, 1);
	grant_token(named("rest"), "EfGh");
	reach_bmc(2, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "EfGh");
	expect_device_info(false);
	accept_session();
	ask(TUR);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
}
END_TEST

/* ---- stop ---- */

START_TEST(test_stop)
{
	static const char *const dialects[] = { "asp", "rest" };

	serve_session(dialects[_i], IMAGE_RO);
	ask(TUR);
	ck_assert_uint_eq(response_sense(TUR), SENSE_MEDIUM_CHANGED);
	session_stop(session, "detached");
	if (_i == 1)
		expect_goodbye();
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert(fake_bmc_has_read_all(&bmc));
	ck_assert_int_eq(bmc.how & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_uint_eq(portal.freed, 1);
}
END_TEST

/* The answer in work first, then the goodbye. */
START_TEST(test_stop_finishes_the_answer)
{
	serve_session("rest", IMAGE_RO);
	fake.is_slow = true;
	ask(READ_10);
	LOOP_UNTIL(base, fake_waiting() == 'r');
	session_stop(session, "detached");
	ck_assert_int_eq(session->phase, PHASE_FINISHING);
	ck_assert(is_in(SESSION_SERVING));
	fake_complete();
	ck_assert_uint_eq(response_sense(READ_10), SENSE_NONE);
	expect_goodbye();
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
}
END_TEST

START_TEST(test_goodbye_cannot_be_said)
{
	serve_session("rest", IMAGE_RO);
	session_stop(session, "detached");
	ck_assert_int_eq(session->phase, PHASE_LEAVING);
	session_stop(session, "another reason");
	ck_assert_str_eq(session->stop_reason.text, "detached");
	session_reconnect(session);
	ck_assert_int_eq(session->phase, PHASE_LEAVING);
	session_raise(session, _i == 0 ? EVENT_FAILED : EVENT_DEADLINE);
	LOOP_UNTIL(base, is_in(SESSION_IDLE) && bmc.is_ended);
	ck_assert_uint_eq(portal.freed, 1);
}
END_TEST

START_TEST(test_keep_alive)
{
	serve_session("asp", IMAGE_RO);
	for (unsigned i = 1; i <= 3; i++) {
		control_plain(other, CONTROL_LEN, 0, OP_KEEP_ALIVE);
		fake_bmc_send(&bmc, other, CONTROL_LEN);
		ck_assert_uint_eq(response_sense(OP_KEEP_ALIVE), 0);
		session_status(session, &status);
		ck_assert_uint_eq(status.keep_alives, i);
	}
}
END_TEST

START_TEST(test_free)
{
	switch (_i) {
	case 0:
		start_session(IMAGE_RW);
		grant_token(named("asp"), "AbCd");
		reach_bmc(1, PHASE_AUTHENTICATING);
		break;
	case 1:
		serve_session("rest", IMAGE_RW);
		break;
	case 2:
		serve_session("rest", IMAGE_RW);
		session_stop(session, "detached");
		break;
	case 3:
		start_ejecting();
		break;
	}
	session_free(session);
	session = NULL;
	ck_assert_uint_eq(portal.freed, 1);
	LOOP_UNTIL(base, bmc.is_ended);
}
END_TEST

static TCase *
new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, open_world, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("session_auth");
	TCase *tc = new_case(suite, "auth");

	tcase_add_test(tc, test_auth_on_the_wire);
	tcase_add_loop_test(tc, test_auth_kinds, 0, 2);
	tcase_add_loop_test(tc, test_device_info, 0, 2);

	tc = new_case(suite, "ack");
	tcase_add_loop_test(tc, test_accepted, 0, 3);
	tcase_add_loop_test(tc, test_owner, 0, 7);
	tcase_add_loop_test(tc, test_refused, 0, 10);
	tcase_add_loop_test(tc, test_token_refused, 0, 2);
	tcase_add_loop_test(tc, test_token_cannot_be_renewed, 0, 2);
	tcase_add_loop_test(tc, test_not_understood, 0, 2);
	tcase_add_loop_test(tc, test_refused_when_serving, 0, 2);
	tcase_add_loop_test(tc, test_no_ack, 0, 4);
	tcase_add_test(tc, test_stop_when_authenticating);

	tc = new_case(suite, "ends");
	tcase_add_loop_test(tc, test_ended_by_the_bmc, 0, 4);
	tcase_add_test(tc, test_disconnect_is_an_eject);
	tcase_add_test(tc, test_kill_of_a_gadget);
	tcase_add_loop_test(tc, test_gadget_is_found_out, 0, 4);
	tcase_add_loop_test(tc, test_eject, 0, 2);
	tcase_add_loop_test(tc, test_parting, 0, 3);
	tcase_add_test(tc, test_stop_when_parting);
	tcase_add_test(tc, test_swap_when_parting);
	tcase_add_loop_test(tc, test_stop, 0, 2);
	tcase_add_test(tc, test_stop_finishes_the_answer);
	tcase_add_loop_test(tc, test_goodbye_cannot_be_said, 0, 2);
	tcase_add_test(tc, test_keep_alive);
	tcase_add_loop_test(tc, test_free, 0, 4);
	return unit_run(suite);
}
