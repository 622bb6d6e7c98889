/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_methods_probe: Probe of org.iusbd, from the socket to a BMC that speaks first. */
#include "daemon/board.h"
#include "daemon/probe_stanza.h"

#include "bmc/resolve.h"
#include "cases.h"
#include "methods_fixture.h"

/* Every port is one of ours, but for those of the console, which nobody may have. */
static const char configuration[] =
	"image_dirs = [ \"@D\" ];\n"
	"targets = ( { name = \"node1\"; address = \"127.0.0.1\"; dialect = \"legacy\"; @P },\n"
	"            { name = \"node2\"; address = \"127.0.0.1\"; dialect = \"auto\"; @P },\n"
	"            { name = \"node3\"; address = \"127.0.0.1\"; dialect = \"asp\"; @P\n"
	"              login = { method = \"asp\"; user = \"a\\\"b\"; password_file = \"@D/pass\"; };\n"
	"              tls = { verify = \"ca\"; }; },\n"
	"            { name = \"node4\"; address = \"nobody.invalid\"; dialect = \"legacy\"; @P } );\n";

static int
reload(void *arg, struct strlist *added, struct strlist *changed, struct strlist *removed,
	struct strlist *errors)
{
	(void)arg, (void)errors;
	registry_apply(
		world.registry, world_conf(&world, "targets = ( );"), added, changed, removed);
	return 0;
}

static void
setup(void)
{
	FILE *pass;

	world_init(&world);
	resolve_conf_path = "/dev/null";
	pass = fopen(world_path(&world, "pass"), "w");
	ck_assert_ptr_nonnull(pass);
	fclose(pass);
	open_server(configuration, reload);
}

static json_t *
probe(const char *parameters)
{
	return test_client_call(&client, "org.iusbd.Probe", parameters);
}

static json_t *
report_of(const json_t *answer)
{
	json_t *report = test_parameter(answer, "report");

	ck_assert_msg(json_is_object(report), "%s", test_error(answer));
	return report;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "(none)";
}

static const char *
reason_of(const json_t *answer)
{
	return text_of(json_object_get(answer, "parameters"), "reason");
}

/* "node1/cd=free node1/fd=unknown " */
static const char *
slots_of(const json_t *report)
{
	static char text[512];
	json_t *slot;
	size_t i;

	text[0] = '\0';
	json_array_foreach (json_object_get(report, "slots"), i, slot) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s=%s ", text_of(slot, "slot"),
			text_of(slot, "state"));
	}
	return text;
}

/* A BMC that says nothing is waited for, for longer than any test takes. */
static void
keep_waiting(void)
{
	methods->probe_times.listen = 50;
	world.bmc.status = 0;
}

/* ---- reports ---- */

START_TEST(a_target_is_looked_at)
{
	json_t *report = report_of(probe("{\"target\":\"node1\"}"));

	ck_assert(json_is_true(json_object_get(report, "found")));
	ck_assert_str_eq(text_of(report, "target"), "node1");
	ck_assert_str_eq(text_of(report, "numeric"), "127.0.0.1");
	ck_assert_str_eq(text_of(report, "dialect"), "legacy");
	ck_assert_str_eq(text_of(report, "evidence"), "it spoke first");
	ck_assert_str_eq(slots_of(report), "node1/cd=free node1/fd=unknown node1/hd=unknown ");
	ck_assert_uint_eq(world.bmc.ports[DEVICE_CD].received, 0);
}
END_TEST

START_TEST(slots_are_asked_on_demand)
{
	json_t *report;

	world.bmc.status = ACK_IN_USE;
	report = report_of(probe("{\"target\":\"node1\",\"slots\":true}"));
	ck_assert_str_eq(slots_of(report), "node1/cd=in-use node1/fd=in-use node1/hd=in-use ");
	ck_assert_str_eq(
		text_of(json_array_get(json_object_get(report, "slots"), 0), "holder"), "10.0.0.7");
}
END_TEST

START_TEST(what_we_serve_is_left_alone)
{
	json_t *report;
	unsigned connects;

	test_client_call(&client, "org.iusbd.Attach",
		"{\"selectors\":[\"node1/fd\"],\"image\":\"dos.img\"}");
	UNTIL(world_state(&world, "node1/fd") == SESSION_SERVING);
	connects = world.bmc.ports[DEVICE_FD].connects;
	report = report_of(probe("{\"target\":\"node1\",\"slots\":true}"));
	ck_assert_str_eq(slots_of(report), "node1/cd=free node1/fd=ours node1/hd=free ");
	ck_assert_str_eq(
		text_of(json_array_get(json_object_get(report, "slots"), 1), "image"), "dos.img");
	ck_assert_uint_eq(world.bmc.ports[DEVICE_FD].connects, connects);
	ck_assert_int_eq(world_state(&world, "node1/fd"), SESSION_SERVING);
}
END_TEST

START_TEST(more_brings_progress)
{
	json_t *answer;
	size_t i = 0;

	test_client_say(&client,
		"{\"method\":\"org.iusbd.Probe\",\"parameters\":{\"target\":\"node1\"},"
		"\"more\":true}");
	do {
		UNTIL(test_client_count(&client) > i);
		answer = test_client_answer(&client, i++);
		ck_assert(json_is_null(test_parameter(answer, "report")) ==
			  json_is_string(test_parameter(answer, "progress")));
	} while (json_is_true(json_object_get(answer, "continues")));
	ck_assert_uint_gt(i, 1);
	ck_assert_str_eq(text_of(report_of(answer), "dialect"), "legacy");
}
END_TEST

START_TEST(a_reload_does_not_take_the_target_away)
{
	struct varlink_test_client other;
	json_t *answer;

	keep_waiting();
	test_client_open(&other, world.base, world_path(&world, "socket"));
	test_client_say(
		&client, "{\"method\":\"org.iusbd.Probe\",\"parameters\":{\"target\":\"node1\"}}");
	UNTIL(world.bmc.ports[DEVICE_CD].connects > 0);
	ck_assert_str_eq(test_error(test_client_call(&other, "org.iusbd.Reload", "{}")), "");
	media_port_drop(&world.bmc.ports[DEVICE_CD]);
	UNTIL(test_client_count(&client) > 0);
	answer = test_client_answer(&client, 0);
	ck_assert_str_eq(text_of(report_of(answer), "target"), "node1");
	test_client_close(&other);
}
END_TEST

/* ---- errors ---- */

static const struct error_row {
	const char *parameters, *error, *reason;
} error_rows[] = {
	{ "{}", "org.varlink.service.InvalidParameter", NULL },
	{ "{\"target\":\"node1\",\"address\":\"10.0.0.1\"}", "org.varlink.service.InvalidParameter",
		NULL },
	{ "{\"target\":7}", "org.varlink.service.InvalidParameter", NULL },
	{ "{\"target\":\"node1\",\"slots\":\"yes\"}", "org.varlink.service.InvalidParameter",
		NULL },
	{ "{\"target\":\"nod1\"}", "org.iusbd.NoSuchTarget", "nod1" },
	{ "{\"target\":\"node*\"}", "org.iusbd.NoSuchTarget", "means 4 targets" },
	{ "{\"target\":\"node1/cd\"}", "org.iusbd.NoSuchTarget", "is a slot" },
	{ "{\"target\":\"node4\"}", "org.iusbd.NoSuchTarget", "cannot resolve nobody.invalid" },
	{ "{\"address\":\"no such host\"}", "org.iusbd.NoSuchTarget", "no such host" },
	{ "{\"address\":\"10.0.0\"}", "org.iusbd.NoSuchTarget", "not an IPv4 address" },
	{ "{\"address\":\"10.0.0.1\",\"trust\":true}", "org.iusbd.NotSupported",
		"no configured target" },
	{ "{\"target\":\"node3\",\"trust\":true}", "org.iusbd.NotSupported", "tls.verify" },
};

START_TEST(what_cannot_be_looked_at_is_refused)
{
	const struct error_row *row = &error_rows[_i];
	json_t *answer = probe(row->parameters);

	ck_assert_str_eq(test_error(answer), row->error);
	if (row->reason)
		assert_contains(reason_of(answer), row->reason);
}
END_TEST

START_TEST(one_bmc_is_looked_at_once_at_a_time)
{
	struct varlink_test_client other;
	json_t *answer;

	keep_waiting();
	test_client_open(&other, world.base, world_path(&world, "socket"));
	test_client_say(
		&other, "{\"method\":\"org.iusbd.Probe\",\"parameters\":{\"target\":\"node1\"}}");
	UNTIL(world.bmc.ports[DEVICE_CD].connects > 0);
	/* Another target, but the same address. */
	answer = probe("{\"target\":\"node2\"}");
	ck_assert_str_eq(test_error(answer), "org.iusbd.Busy");
	assert_contains(reason_of(answer), "127.0.0.1 is being probed already");
	/* Who goes away makes room. */
	test_client_close(&other);
	world.bmc.status = ACK_ACCEPTED;
	for (;;) {
		answer = probe("{\"target\":\"node2\"}");
		if (strcmp(test_error(answer), "org.iusbd.Busy") != 0)
			break;
	}
	ck_assert_str_eq(text_of(report_of(answer), "dialect"), "legacy");
}
END_TEST

START_TEST(the_end_of_the_daemon_is_the_end_of_a_look)
{
	world.bmc.status = 0;
	test_client_say(
		&client, "{\"method\":\"org.iusbd.Probe\",\"parameters\":{\"target\":\"node1\"}}");
	UNTIL(world.bmc.ports[DEVICE_CD].connects > 0);
	methods_stop(methods);
	UNTIL(test_client_count(&client) > 0);
	ck_assert_str_eq(test_error(test_client_answer(&client, 0)), "org.iusbd.Stopping");
}
END_TEST

/* ---- the stanza ---- */

static const struct conf_target *
target(const char *name)
{
	return conf_target_find(registry_conf(world.registry), name);
}

/* The stanza is what the configuration takes; returns it as it is read back. */
static struct conf *
read_back(const char *stanza)
{
	char *text = mem_printf("targets = (\n%s);\n", stanza);
	struct conf *conf = world_conf(&world, text);

	free(text);
	ck_assert_uint_eq(conf->target_count, 1);
	return conf;
}

START_TEST(the_stanza_of_legacy)
{
	json_t *report = report_of(probe("{\"target\":\"node2\"}"));
	struct conf *conf = read_back(text_of(report, "stanza"));
	const struct conf_target *read = &conf->targets[0];

	ck_assert_str_eq(read->name, "node2");
	ck_assert_str_eq(read->address, "127.0.0.1");
	ck_assert_str_eq(read->dialect->name, "legacy");
	ck_assert_int_eq(read->transport, CHOOSE_DIRECT);
	ck_assert_int_eq(read->login, CONF_LOGIN_NONE);
	ck_assert_uint_eq(read->port[DEVICE_CD], world.bmc.ports[DEVICE_CD].port);
	ck_assert_uint_eq(read->port[DEVICE_FD], world.bmc.ports[DEVICE_FD].port);
	conf_free(conf);
}
END_TEST

START_TEST(the_stanza_of_a_login)
{
	struct scout_report report = {
		.dialect = dialect_find("asp"),
		.transport = TRANSPORT_DIRECT,
		.is_granted = true,
		.is_old = true,
		.web_port = 443,
		.is_web_tls = true,
		.grant = { .dialect = dialect_find("asp"), .is_secure = 1, .has_fd = true },
	};
	char *stanza = probe_stanza(target("node3"), &report);
	struct conf *conf = read_back(stanza);
	const struct conf_target *read = &conf->targets[0];

	ck_assert_str_eq(read->dialect->name, "asp");
	ck_assert_int_eq(read->transport, CHOOSE_DIRECT);
	ck_assert_int_eq(read->login, CONF_LOGIN_ASP);
	ck_assert_str_eq(read->login_user, "a\"b");
	ck_assert_str_eq(read->login_secret, world_path(&world, "pass"));
	ck_assert_int_eq(read->tls_mode, TLS_AUTO);
	ck_assert_int_eq(read->tls_verify, TLS_VERIFY_CA);
	ck_assert(read->tls_legacy);
	assert_lacks(stanza, "fill in");
	conf_free(conf);
	free(stanza);
}
END_TEST

/* Of an address that nobody has configured. */
static char *
stanza_of(const char *dialect, int transport, const struct grant *grant)
{
	static char name[] = "bmc-1", address[] = "2001:db8::7";
	const struct conf_target target = {
		.name = name,
		.address = address,
		.dialect = dialect_find("auto"),
		.transport = CHOOSE_TRANSPORT,
		.tls_mode = TLS_AUTO,
		.tls_verify = TLS_VERIFY_PIN,
	};
	struct scout_report report = {
		.dialect = dialect ? dialect_find(dialect) : NULL,
		.transport = transport,
		.is_granted = grant != NULL,
		.web_port = 443,
		.is_web_tls = true,
	};

	if (grant)
		report.grant = *grant;
	return probe_stanza(&target, &report);
}

static const struct stanza_row {
	const char *dialect;
	int transport;
	bool is_granted;
	int hd_slots;
	uint16_t cd_port;
	const char *part, *login;
} stanza_rows[] = {
	{ "legacy", TRANSPORT_DIRECT, false, 0, 0, "dialect = \"legacy\"; transport = \"direct\";",
		"login = { method = \"none\"; };" },
	{ "asp", TRANSPORT_DIRECT, false, 0, 0, "dialect = \"asp\"; transport = \"auto\";",
		"login = { method = \"asp\"; user = \"USER\"; "
		"password_file = \"/etc/iusbd/bmc-1.pass\"; };" },
	{ "asp", TRANSPORT_TUNNEL, true, 1, 0, "transport = \"tunnel\";", "method = \"asp\";" },
	{ "rest", TRANSPORT_DIRECT, true, 1, 7124, "ports = { cd = 7124; };",
		"method = \"rest\";" },
	{ "rest", TRANSPORT_WEBSOCKET, true, 1, 0, "transport = \"auto\";", "method = \"rest\";" },
	{ "rest", TRANSPORT_WEBSOCKET, true, 0, 0, "transport = \"websocket\";",
		"method = \"rest\";" },
	{ NULL, -1, false, 0, 0, "dialect = \"auto\"; transport = \"auto\";",
		"login = { method = \"auto\"; user = \"USER\";" },
};

START_TEST(the_stanza_of_an_address)
{
	const struct stanza_row *row = &stanza_rows[_i];
	const struct grant grant = {
		.dialect = row->dialect ? dialect_find(row->dialect) : NULL,
		.is_secure = 1,
		.slots = { [DEVICE_HD] = row->hd_slots },
		.port = { [DEVICE_CD] = row->cd_port ? row->cd_port : 5124,
			[DEVICE_FD] = 5126,
			[DEVICE_HD] = 5127 },
	};
	char *stanza = stanza_of(row->dialect, row->transport, row->is_granted ? &grant : NULL);

	assert_contains(stanza, "name = \"bmc-1\"; address = \"2001:db8::7\";");
	assert_contains(stanza, row->part);
	assert_contains(stanza, row->login);
	if (!row->cd_port)
		assert_lacks(stanza, "ports");
	free(stanza);
}
END_TEST

START_TEST(nobody_is_led_to_plain_passwords)
{
	struct scout_report report = {
		.dialect = dialect_find("asp"),
		.transport = -1,
		.web_port = 80,
		.doors = { { .port = 80, .state = SCOUT_OPEN },
			{ .port = 443, .is_tls = true, .state = SCOUT_OPEN } },
		.door_count = 2,
	};
	char *with_tls = probe_stanza(target("node2"), &report), *without;

	report.doors[1].state = SCOUT_CLOSED;
	without = probe_stanza(target("node2"), &report);
	assert_contains(with_tls, "mode = \"auto\";");
	assert_contains(without, "mode = \"off\";");
	free(with_tls);
	free(without);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("methods_probe");
	TCase *tc = tcase_create("probe");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, close_server);
	tcase_add_test(tc, a_target_is_looked_at);
	tcase_add_test(tc, slots_are_asked_on_demand);
	tcase_add_test(tc, what_we_serve_is_left_alone);
	tcase_add_test(tc, more_brings_progress);
	tcase_add_test(tc, a_reload_does_not_take_the_target_away);
	tcase_add_loop_test(
		tc, what_cannot_be_looked_at_is_refused, 0, (int)ARRAY_SIZE(error_rows));
	tcase_add_test(tc, one_bmc_is_looked_at_once_at_a_time);
	tcase_add_test(tc, the_end_of_the_daemon_is_the_end_of_a_look);
	tcase_add_test(tc, the_stanza_of_legacy);
	tcase_add_test(tc, the_stanza_of_a_login);
	tcase_add_loop_test(tc, the_stanza_of_an_address, 0, (int)ARRAY_SIZE(stanza_rows));
	tcase_add_test(tc, nobody_is_led_to_plain_passwords);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
