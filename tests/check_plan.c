/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_plan: what is configured, what is known and what the web interface says make a way to the
 * slot, or a reason why there is none. */
#include <stdio.h>
#include <string.h>

#include "bmc/plan.h"
#include "fake_portal.h"
#include "unit.h"

enum {
	UNKNOWN = -1,
	NO_GRANT = 1, /* flags of a row */
	NO_FLOPPY = 2,
};

static const struct row {
	const char *dialect; /* NULL: nobody said */
	enum device device;
	struct session_conf conf;
	struct {
		int flags;
		const char *flow; /* whose login worked */
		uint16_t port, web_secure_port;
		int is_secure, is_single_port;
	} web;
	/* What is expected; transport -1: failure with the reason. */
	int transport;
	const char *spoken;
	uint16_t port;
	bool is_tls, is_web;
	const char *path;
	const char *why;
} rows[] = {
#define CD DEVICE_CD
#define FD DEVICE_FD
#define HD DEVICE_HD
/* transport, TLS, port, web port as configured */
#define WAY(transport_, tls_, port_, web_)                                                 \
	{                                                                                  \
		.transport = transport_, .tls_mode = tls_, .port = port_, .web_port = web_ \
	}
#define ANY CHOOSE_TRANSPORT
#define TOKEN                                   \
	{                                       \
		0, NULL, 0, 0, UNKNOWN, UNKNOWN \
	}
#define DIRECT TRANSPORT_DIRECT
#define TUNNEL TRANSPORT_TUNNEL
#define SOCKET TRANSPORT_WEBSOCKET
	/* clang-format off */
	/* by the dialect's ports */
	{ "legacy", CD, WAY(ANY, TLS_AUTO, 0, 0), { .flags = NO_GRANT }, DIRECT, "legacy", 5120, 0, 0, NULL, NULL },
	{ "legacy", FD, WAY(ANY, TLS_AUTO, 0, 0), { .flags = NO_GRANT }, DIRECT, "legacy", 5123, 0, 0, NULL, NULL },
	{ "legacy", HD, WAY(ANY, TLS_AUTO, 0, 0), { .flags = NO_GRANT }, DIRECT, "legacy", 5122, 0, 0, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), TOKEN, DIRECT, "asp", 5120, 0, 0, NULL, NULL },
	{ "asp", FD, WAY(ANY, TLS_AUTO, 0, 0), TOKEN, DIRECT, "asp", 5122, 0, 0, NULL, NULL },
	{ "asp", HD, WAY(ANY, TLS_AUTO, 0, 0), TOKEN, DIRECT, "asp", 5123, 0, 0, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_ON, 0, 0), TOKEN, DIRECT, "asp", 5124, 1, 0, NULL, NULL },
	{ "rest", HD, WAY(ANY, TLS_ON, 0, 0), TOKEN, DIRECT, "rest", 5127, 1, 0, NULL, NULL },

	/* by the web interface */
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 6120, 0, 0, 0 }, DIRECT, "asp", 6120, 0, 0, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 6124, 0, 1, 0 }, DIRECT, "asp", 6124, 1, 0, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 6120, 0, UNKNOWN, UNKNOWN },
	  DIRECT, "asp", 6120, 0, 0, NULL, NULL },
	{ "rest", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 0, 0, 1, 0 }, DIRECT, "rest", 5124, 1, 0, NULL, NULL },
	/* its port is not the one that fits */
	{ "asp", CD, WAY(ANY, TLS_ON, 0, 0), { 0, "asp", 6120, 0, 0, 0 },
	  DIRECT, "asp", 5124, 1, 0, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_OFF, 0, 0), { 0, "asp", 6124, 0, 1, 0 },
	  DIRECT, "asp", 5120, 0, 0, NULL, NULL },

	/* who names a port means it */
	{ "asp", CD, WAY(ANY, TLS_AUTO, 7, 0), { 0, "asp", 6120, 0, 0, 0 },
	  DIRECT, "asp", 7, 0, 0, NULL, NULL },
	{ "rest", CD, WAY(ANY, TLS_AUTO, 7, 0), { 0, "rest", 6124, 0, 1, 1 },
	  DIRECT, "rest", 7, 1, 0, NULL, NULL },
	{ "legacy", FD, WAY(ANY, TLS_AUTO, 7, 0), { .flags = NO_GRANT },
	  DIRECT, "legacy", 7, 0, 0, NULL, NULL },
	{ "legacy", FD, WAY(ANY, TLS_ON, 7, 0), { .flags = NO_GRANT },
	  DIRECT, "legacy", 7, 1, 0, NULL, NULL },

	/* single port */
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 0, 0, 0, 1 }, TUNNEL, "asp", 80, 0, 1, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 5120, 0, 1, 1 }, TUNNEL, "asp", 443, 1, 1, NULL, NULL },
	{ "asp", HD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 0, 4443, 1, 1 }, TUNNEL, "asp", 4443, 1, 1, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 8), { 0, "asp", 0, 4443, 1, 1 },
	  TUNNEL, "asp", 8, 1, 1, NULL, NULL },
	/* the configured one is that of HTTPS */
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 8), { 0, "asp", 0, 4443, 0, 1 },
	  TUNNEL, "asp", 80, 0, 1, NULL, NULL },
	{ "asp", CD, WAY(ANY, TLS_OFF, 0, 8), { 0, "asp", 0, 4443, 0, 1 },
	  TUNNEL, "asp", 8, 0, 1, NULL, NULL },
	{ "asp", CD, WAY(CHOOSE_TUNNEL, TLS_AUTO, 0, 8), TOKEN, TUNNEL, "asp", 8, 0, 1, NULL, NULL },
	{ "rest", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 5124, 0, 1, 1 },
	  SOCKET, "rest", 443, 1, 1, "/cd-server", NULL },
	{ "rest", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 5120, 0, 0, 1 },
	  SOCKET, "rest", 443, 1, 1, "/cd-server", NULL },
	{ "rest", CD, WAY(ANY, TLS_OFF, 0, 0), { 0, "rest", 0, 0, 1, 1 },
	  SOCKET, "rest", 80, 0, 1, "/cd-server", NULL },
	{ "rest", HD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 5127, 0, 1, 1 }, TUNNEL, "rest", 443, 1, 1, NULL, NULL },
	/* the settings could not be read: what came by HTTPS does not go out in clear text */
	{ "rest", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 0, 0, UNKNOWN, UNKNOWN },
	  DIRECT, "rest", 5124, 1, 0, NULL, NULL },
	{ "rest", HD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 0, 0, UNKNOWN, UNKNOWN },
	  DIRECT, "rest", 5127, 1, 0, NULL, NULL },
	{ "asp", FD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 0, 0, UNKNOWN, UNKNOWN },
	  TUNNEL, "asp", 443, 1, 1, NULL, NULL },
	/* no port for the device */
	{ "asp", FD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "asp", 0, 443, 0, UNKNOWN },
	  TUNNEL, "asp", 80, 0, 1, NULL, NULL },

	/* as configured */
	{ "asp", CD, WAY(CHOOSE_DIRECT, TLS_AUTO, 0, 0), { 0, "asp", 0, 0, 0, 1 },
	  DIRECT, "asp", 5120, 0, 0, NULL, NULL },
	{ "asp", CD, WAY(CHOOSE_TUNNEL, TLS_AUTO, 7, 0), { 0, "asp", 6120, 0, 0, 0 },
	  TUNNEL, "asp", 80, 0, 1, NULL, NULL },
	{ "rest", CD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 0, 0), { 0, "rest", 6124, 0, 1, 0 },
	  SOCKET, "rest", 6124, 1, 0, "/", NULL },
	{ "rest", CD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 0, 0), { 0, "rest", 6120, 0, 0, 0 },
	  SOCKET, "rest", 6120, 0, 0, "/", NULL },
	{ "rest", CD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 7, 0), TOKEN,
	  SOCKET, "rest", 7, 1, 0, "/", NULL },
	{ "rest-gadget", CD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 5124, 0, 1, UNKNOWN },
	  SOCKET, "rest-gadget", 443, 1, 1, "/cd-server", NULL },
	{ "rest-gadget", HD, WAY(CHOOSE_DIRECT, TLS_AUTO, 0, 0), { 0, "rest", 5127, 0, 1, 0 },
	  DIRECT, "rest-gadget", 5127, 1, 0, NULL, NULL },

	/* nobody said which dialect */
	{ NULL, FD, WAY(ANY, TLS_AUTO, 0, 0), TOKEN, DIRECT, "legacy", 5123, 0, 0, NULL, NULL },
	{ NULL, HD, WAY(ANY, TLS_AUTO, 0, 0), { .flags = NO_GRANT }, DIRECT, "legacy", 5122, 0, 0, NULL, NULL },
	{ NULL, CD, WAY(ANY, TLS_ON, 0, 0), TOKEN, DIRECT, "asp", 5124, 1, 0, NULL, NULL },
	{ NULL, CD, WAY(CHOOSE_TUNNEL, TLS_AUTO, 0, 0), TOKEN, TUNNEL, "asp", 80, 0, 1, NULL, NULL },
	{ NULL, CD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 0, 0), TOKEN,
	  SOCKET, "rest", 443, 1, 1, "/cd-server", NULL },

	/* what cannot work */
	{ "legacy", CD, WAY(ANY, TLS_ON, 0, 0), { .flags = NO_GRANT },
	  -1, NULL, 0, 0, 0, NULL, "dialect legacy has no TLS" },
	{ "legacy", CD, WAY(CHOOSE_TUNNEL, TLS_AUTO, 0, 0), { .flags = NO_GRANT },
	  -1, NULL, 0, 0, 0, NULL, "dialect legacy has no tunnel" },
	{ "rest-gadget", CD, WAY(CHOOSE_TUNNEL, TLS_AUTO, 0, 0), TOKEN,
	  -1, NULL, 0, 0, 0, NULL, "dialect rest-gadget has no tunnel" },
	{ "asp", CD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 0, 0), TOKEN,
	  -1, NULL, 0, 0, 0, NULL, "dialect asp has no WebSocket" },
	{ "rest", HD, WAY(CHOOSE_WEBSOCKET, TLS_AUTO, 0, 0), TOKEN,
	  -1, NULL, 0, 0, 0, NULL, "WebSocket serves cd only, and this is hd" },
	{ "rest-gadget", HD, WAY(ANY, TLS_AUTO, 0, 0), { 0, "rest", 0, 0, 1, 1 },
	  -1, NULL, 0, 0, 0, NULL, "WebSocket serves cd only, and this is hd" },
	{ "asp", CD, WAY(ANY, TLS_AUTO, 0, 0), { .flags = NO_GRANT },
	  -1, NULL, 0, 0, 0, NULL, "dialect asp: it needs a login" },
	{ NULL, CD, WAY(ANY, TLS_ON, 0, 0), { .flags = NO_GRANT },
	  -1, NULL, 0, 0, 0, NULL, "dialect asp: it needs a login" },
	{ "rest", FD, WAY(ANY, TLS_AUTO, 0, 0), { NO_FLOPPY, "rest", 0, 0, 0, 0 },
	  -1, NULL, 0, 0, 0, NULL, "this firmware has no floppy" },
	/* clang-format on */
};

static const struct dialect *
named(const char *name)
{
	return name ? dialect_find(name) : NULL;
}

static const struct dialect *
automatic(void)
{
	return dialect_find("auto");
}

START_TEST(test_ways)
{
	const struct row *row = &rows[_i];
	struct session_conf conf = row->conf;
	struct grant grant = fake_grant(named(row->web.flow), "AbCd");
	struct reason why = { 0 };
	struct plan plan;
	enum failure failure;

	conf.device = row->device;
	conf.dialect = row->dialect ? dialect_find(row->dialect) : automatic();
	grant.port[row->device] = row->web.port;
	grant.web_secure_port = row->web.web_secure_port;
	grant.is_secure = row->web.is_secure;
	grant.is_single_port = row->web.is_single_port;
	grant.has_fd = !(row->web.flags & NO_FLOPPY);
	failure = plan_make(
		&conf, named(row->dialect), row->web.flags & NO_GRANT ? NULL : &grant, &plan, &why);
	if (row->transport < 0) {
		ck_assert_int_eq(failure, FAILURE_CONFIGURATION);
		ck_assert_str_eq(why.text, row->why);
		return;
	}
	ck_assert_msg(failure == FAILURE_NONE, "%s", why.text);
	ck_assert_str_eq(plan.dialect->name, row->spoken);
	ck_assert_str_eq(
		transport_name(plan.transport), transport_name((enum transport)row->transport));
	ck_assert_uint_eq(plan.port, row->port);
	ck_assert_int_eq(plan.is_tls, row->is_tls);
	ck_assert_int_eq(plan.is_web, row->is_web);
	ck_assert_int_eq(plan.is_guess, !row->dialect && strcmp(row->spoken, "legacy") == 0);
	ck_assert_pstr_eq(plan.path, row->path);
	if (!(row->web.flags & NO_GRANT))
		ck_assert_int_eq(plan.kind,
			plan.transport == TRANSPORT_WEBSOCKET ? AUTH_BROWSER : AUTH_WEB_TOKEN);
}
END_TEST

/* What the JNLP calls -webport. */
START_TEST(test_plain_tunnel)
{
	const struct session_conf conf = {
		.device = DEVICE_CD,
		.dialect = dialect_find("asp"),
		.web_port = 8443,
		.transport = CHOOSE_TUNNEL,
		.tls_mode = TLS_AUTO,
	};
	struct grant grant = fake_grant(conf.dialect, "AbCd");
	struct plan plan;

	grant.web_port = 8080;
	grant.is_secure = 0;
	ck_assert_int_eq(plan_make(&conf, conf.dialect, &grant, &plan, NULL), FAILURE_NONE);
	ck_assert(!plan.is_tls);
	ck_assert_uint_eq(plan.port, 8080);
	grant.is_secure = 1;
	ck_assert_int_eq(plan_make(&conf, conf.dialect, &grant, &plan, NULL), FAILURE_NONE);
	ck_assert(plan.is_tls);
	ck_assert_uint_eq(plan.port, 8443);
}
END_TEST

/* ---- the slot ---- */

START_TEST(test_slots)
{
	static const struct {
		int slots, is_attached, licence, instance;
		enum failure failure;
		const char *why;
	} cases[] = {
		{ UNKNOWN, UNKNOWN, UNKNOWN, 3, FAILURE_NONE, "" },
		{ 2, 1, 1, 1, FAILURE_NONE, "" },
		{ 2, 1, 1, 2, FAILURE_CONFIGURATION, "the BMC has 2 cd slots: there is no cd2" },
		{ 1, 1, 1, 1, FAILURE_CONFIGURATION, "the BMC has 1 cd slot: there is no cd1" },
		{ 0, 1, 1, 0, FAILURE_CONFIGURATION, "the BMC has no cd slot" },
		{ 1, 0, 1, 0, FAILURE_REFUSED, "cd is detached in the BMC's attach mode" },
		{ 1, 1, 0, 0, FAILURE_REFUSED, "licence missing" },
	};
	const struct session_conf conf = {
		.device = DEVICE_CD,
		.instance = cases[_i].instance,
		.dialect = dialect_find("asp"),
		.transport = CHOOSE_TRANSPORT,
		.tls_mode = TLS_AUTO,
	};
	struct grant grant = fake_grant(conf.dialect, "AbCd");
	struct reason why = { 0 };
	struct plan plan;

	grant.port[DEVICE_CD] = 5120;
	grant.slots[DEVICE_CD] = cases[_i].slots;
	grant.is_attached[DEVICE_CD] = cases[_i].is_attached;
	grant.licence = cases[_i].licence;
	/* Not those of another device. */
	grant.slots[DEVICE_HD] = grant.is_attached[DEVICE_HD] = 0;
	ck_assert_int_eq(plan_make(&conf, conf.dialect, &grant, &plan, &why), cases[_i].failure);
	ck_assert_str_eq(why.text, cases[_i].why);
}
END_TEST

START_TEST(test_tokens)
{
	static const struct {
		enum auth_kind kind;
		enum transport_choice transport;
		size_t max;
	} cases[] = {
		{ AUTH_WEB_TOKEN, CHOOSE_DIRECT, 96 },
		{ AUTH_SSI_TOKEN, CHOOSE_TUNNEL, 208 },
		{ AUTH_SSI_TOKEN, CHOOSE_WEBSOCKET, 129 },
	};
	const struct session_conf conf = {
		.device = DEVICE_CD,
		.dialect = dialect_find("rest"),
		.transport = cases[_i].transport,
		.tls_mode = TLS_AUTO,
	};
	struct grant grant = fake_grant(conf.dialect, "");
	struct reason why = { 0 };
	struct plan plan;
	char expected[128];

	grant.kind = cases[_i].kind;
	memset(grant.token, 'x', cases[_i].max);
	ck_assert_int_eq(plan_make(&conf, conf.dialect, &grant, &plan, &why), FAILURE_NONE);
	ck_assert_uint_eq(auth_token_max(plan.kind), cases[_i].max);
	if (cases[_i].max + 1 >= sizeof(grant.token))
		return;
	grant.token[cases[_i].max] = 'x';
	ck_assert_int_eq(
		plan_make(&conf, conf.dialect, &grant, &plan, &why), FAILURE_CONFIGURATION);
	snprintf(expected, sizeof(expected),
		"the token is too long: %zu characters, AUTH has room for %zu", cases[_i].max + 1,
		cases[_i].max);
	ck_assert_str_eq(why.text, expected);
}
END_TEST

/* ---- which dialect ---- */

START_TEST(test_dialect)
{
	static const struct {
		const char *conf, *known, *grant, *spoken;
	} cases[] = {
		{ "asp", "rest", "rest", "asp" },
		{ "legacy", NULL, NULL, "legacy" },
		{ "auto", NULL, NULL, NULL },
		{ "auto", "legacy", NULL, "legacy" },
		{ "auto", "asp", NULL, "asp" },
		{ "auto", NULL, "rest", "rest" },
		{ "auto", "asp", "rest", "rest" },
		{ "auto", "rest", "asp", "asp" },
		{ "auto", "rest-gadget", "rest", "rest-gadget" },
		{ "auto", "legacy", "asp", "asp" },
	};
	const struct session_conf conf = { .dialect = dialect_find(cases[_i].conf) };
	struct grant grant = fake_grant(named(cases[_i].grant), "AbCd");

	ck_assert_ptr_eq(
		plan_dialect(&conf, named(cases[_i].known), &grant), named(cases[_i].spoken));
	if (!cases[_i].grant)
		ck_assert_ptr_eq(
			plan_dialect(&conf, named(cases[_i].known), NULL), named(cases[_i].spoken));
}
END_TEST

START_TEST(test_guess_again)
{
	const struct session_conf conf = {
		.device = DEVICE_FD,
		.dialect = automatic(),
		.transport = CHOOSE_TRANSPORT,
		.tls_mode = TLS_AUTO,
	};
	struct grant grant = fake_grant(NULL, "AbCd"), none = fake_grant(NULL, "");
	struct plan plan;

	ck_assert_int_eq(plan_make(&conf, NULL, &grant, &plan, NULL), FAILURE_NONE);
	ck_assert(plan.is_guess);
	ck_assert(!plan_guess_again(&conf, NULL, &plan));
	ck_assert(!plan_guess_again(&conf, &none, &plan));
	ck_assert_str_eq(plan.dialect->name, "legacy");
	ck_assert_uint_eq(plan.port, 5123);
	ck_assert(plan_guess_again(&conf, &grant, &plan));
	ck_assert_str_eq(plan.dialect->name, "asp");
	ck_assert_uint_eq(plan.port, 5122);
	ck_assert(!plan.is_guess);
	/* There is no third one. */
	ck_assert(!plan_guess_again(&conf, &grant, &plan));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_ways, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, test_plain_tunnel);
	tcase_add_loop_test(tc, test_slots, 0, 7);
	tcase_add_loop_test(tc, test_tokens, 0, 3);
	tcase_add_loop_test(tc, test_dialect, 0, 10);
	tcase_add_test(tc, test_guess_again);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
