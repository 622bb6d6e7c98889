/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_varlink: the server's framing, order, limits and manners, on methods of the test's own. */
#include "daemon/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "daemon/listener.h"
#include "daemon/peer.h"
#include "unit.h"
#include "varlink_client.h"

static char dir[64];
static char path[96];
static struct event_base *base;
static struct varlink_server *server;
static struct varlink_call *held;
static unsigned held_count, gone_count;

/* --- an interface --- */

static void
echo(void *context, struct varlink_call *call, json_t *parameters)
{
	ck_assert_ptr_eq(context, dir);
	varlink_reply(call, json_incref(parameters));
}

static void
gone_cb(void *arg)
{
	ck_assert_ptr_eq(arg, &held);
	gone_count++;
	held = NULL;
}

static void
hold(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	held = call;
	held_count++;
	varlink_on_gone(call, gone_cb, &held);
}

static void
stream(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	if (varlink_wants_more(call))
		for (int i = 0; i < 2; i++)
			varlink_reply_continue(call, json_pack("{s:i}", "i", i));
	varlink_reply(call, json_pack("{s:i}", "i", 2));
}

static void
break_down(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	varlink_error(call, "org.test.Broken", json_pack("{s:s}", "reason", "it is"));
}

static void
who(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	varlink_reply(call, json_pack("{s:i}", "uid", (int)varlink_uid(call)));
}

static void
refuse(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	varlink_invalid(call, "color");
}

static void
nothing(void *context, struct varlink_call *call, json_t *parameters)
{
	(void)context, (void)parameters;
	varlink_reply(call, NULL);
}

static const struct varlink_method methods[] = {
	{ "org.test.Echo", VARLINK_ROLE_VIEW, echo },
	{ "org.test.Hold", VARLINK_ROLE_VIEW, hold },
	{ "org.test.Stream", VARLINK_ROLE_VIEW, stream },
	{ "org.test.Fail", VARLINK_ROLE_VIEW, break_down },
	{ "org.test.Who", VARLINK_ROLE_CHANGE, who },
	{ "org.test.Refuse", VARLINK_ROLE_VIEW, refuse },
	{ "org.test.Nothing", VARLINK_ROLE_NONE, nothing },
	/* A role that nobody has. */
	{ "org.test.Forbidden", VARLINK_ROLE_CHANGE + 1, nothing },
};

static const struct varlink_interface interface = {
	.name = "org.test",
	.description = "interface org.test\n\nmethod Echo() -> ()\n",
	.methods = methods,
	.method_count = ARRAY_SIZE(methods),
};

static struct varlink_server *
must_serve(int fd)
{
	struct reason why;
	struct varlink_server *made = varlink_server_new(base, path, fd, &interface, dir, &why);

	ck_assert_msg(made != NULL, "%s", why.text);
	return made;
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_init("test");
	log_set_level(getenv("V") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	strcpy(dir, "/tmp/iusbd-varlink-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	base = event_base_new();
	server = must_serve(-1);
	held = NULL;
	held_count = gone_count = 0;
}

static void
teardown(void)
{
	varlink_server_free(server);
	event_base_free(base);
	ck_assert_int_eq(access(path, F_OK), -1); /* the socket went with the server */
	rmdir(dir);
}

static void
open_client(struct varlink_test_client *client)
{
	test_client_open(client, base, path);
}

/* --- calls --- */

START_TEST(answers)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Echo\",\"parameters\":{\"a\":[1,\"x\"]}}");
	ck_assert_str_eq(test_client_text(&client, 0), "{\"parameters\":{\"a\":[1,\"x\"]}}");
	test_client_say(&client, "{\"method\":\"org.test.Echo\"}");
	ck_assert_str_eq(test_client_text(&client, 1), "{\"parameters\":{}}");
	test_client_say(&client, "{\"method\":\"org.test.Nothing\",\"parameters\":null}");
	ck_assert_str_eq(test_client_text(&client, 2), "{\"parameters\":{}}");
	test_client_say(&client, "{\"method\":\"org.test.Fail\"}");
	ck_assert_str_eq(test_client_text(&client, 3),
		"{\"error\":\"org.test.Broken\",\"parameters\":{\"reason\":\"it is\"}}");
	test_client_say(&client, "{\"method\":\"org.test.Refuse\"}");
	ck_assert_str_eq(test_client_text(&client, 4),
		"{\"error\":\"org.varlink.service.InvalidParameter\","
		"\"parameters\":{\"parameter\":\"color\"}}");
	test_client_say(&client, "{\"method\":\"org.test.Who\"}");
	ck_assert_int_eq(
		json_integer_value(test_parameter(
			(test_client_text(&client, 5), test_client_answer(&client, 5)), "uid")),
		(int)geteuid());
	test_client_close(&client);
}
END_TEST

static const struct {
	const char *call, *answer;
} service_cases[] = {
	{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	  "\"parameters\":{\"interface\":\"org.test\"}}",
		"{\"parameters\":{\"description\":"
		"\"interface org.test\\n\\nmethod Echo() -> ()\\n\"}}" },
	{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	  "\"parameters\":{\"interface\":\"org.other\"}}",
		"{\"error\":\"org.varlink.service.InterfaceNotFound\","
		"\"parameters\":{\"interface\":\"org.other\"}}" },
	{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
		"{\"error\":\"org.varlink.service.InvalidParameter\","
		"\"parameters\":{\"parameter\":\"interface\"}}" },
	{ "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{\"x\":1}}",
		"{\"error\":\"org.varlink.service.InvalidParameter\","
		"\"parameters\":{\"parameter\":\"x\"}}" },
	{ "{\"method\":\"org.test.Missing\"}",
		"{\"error\":\"org.varlink.service.MethodNotFound\","
		"\"parameters\":{\"method\":\"org.test.Missing\"}}" },
	{ "{\"method\":\"org.other.Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
					     "\"parameters\":{\"interface\":\"org.other\"}}" },
	{ "{\"method\":\"Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
				   "\"parameters\":{\"interface\":\"\"}}" },
	{ "{\"method\":\"org.test.Echo\",\"parameters\":[1]}",
		"{\"error\":\"org.varlink.service.InvalidParameter\","
		"\"parameters\":{\"parameter\":\"parameters\"}}" },
	{ "{\"method\":\"org.test.Echo\",\"parameters\":\"text\"}",
		"{\"error\":\"org.varlink.service.InvalidParameter\","
		"\"parameters\":{\"parameter\":\"parameters\"}}" },
};

START_TEST(speaks_the_service_interface)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, service_cases[_i].call);
	ck_assert_str_eq(test_client_text(&client, 0), service_cases[_i].answer);
	test_client_close(&client);
}
END_TEST

START_TEST(introduces_itself)
{
	struct varlink_test_client client;
	json_t *answer;

	open_client(&client);
	answer = test_client_call(&client, "org.varlink.service.GetInfo", "{}");
	ck_assert_str_eq(json_string_value(test_parameter(answer, "product")), "iusbd");
	ck_assert(json_is_string(test_parameter(answer, "vendor")));
	ck_assert(json_is_string(test_parameter(answer, "url")));
	ck_assert(json_is_string(test_parameter(answer, "version")));
	ck_assert_str_eq(json_string_value(json_array_get(test_parameter(answer, "interfaces"), 0)),
		"org.varlink.service");
	ck_assert_str_eq(json_string_value(json_array_get(test_parameter(answer, "interfaces"), 1)),
		"org.test");
	answer = test_client_call(&client, "org.varlink.service.GetInterfaceDescription",
		"{\"interface\":\"org.varlink.service\"}");
	ck_assert_ptr_nonnull(strstr(json_string_value(test_parameter(answer, "description")),
		"interface org.varlink.service\n"));
	test_client_close(&client);
}
END_TEST

START_TEST(streams_if_asked)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Stream\",\"more\":true}");
	ck_assert_str_eq(
		test_client_text(&client, 0), "{\"continues\":true,\"parameters\":{\"i\":0}}");
	ck_assert_str_eq(
		test_client_text(&client, 1), "{\"continues\":true,\"parameters\":{\"i\":1}}");
	ck_assert_str_eq(test_client_text(&client, 2), "{\"parameters\":{\"i\":2}}");
	test_client_say(&client, "{\"method\":\"org.test.Stream\"}");
	ck_assert_str_eq(test_client_text(&client, 3), "{\"parameters\":{\"i\":2}}");
	test_client_close(&client);
}
END_TEST

START_TEST(does_not_answer_oneway)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Echo\",\"oneway\":true}");
	test_client_say(&client, "{\"method\":\"org.test.Fail\",\"oneway\":true}");
	test_client_say(&client, "{\"method\":\"org.test.Missing\",\"oneway\":true}");
	test_client_say(&client, "{\"method\":\"org.test.Stream\",\"oneway\":true,\"more\":true}");
	test_client_say(&client, "{\"method\":\"org.test.Echo\",\"parameters\":{\"n\":5}}");
	ck_assert_str_eq(test_client_text(&client, 0), "{\"parameters\":{\"n\":5}}");
	test_client_close(&client);
}
END_TEST

/* More calls than fit into one turn of the loop, some of them answered late. */
START_TEST(answers_in_order)
{
	struct varlink_test_client client;
	char message[128];

	open_client(&client);
	for (int i = 0; i < 100; i++) {
		if (i == 50)
			test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
		snprintf(message, sizeof(message),
			"{\"method\":\"org.test.Echo\",\"parameters\":{\"i\":%d}}", i);
		test_client_say(&client, message);
	}
	LOOP_UNTIL(base, test_client_count(&client) == 50 && held != NULL);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(test_client_count(&client), 50); /* the others wait for their turn */
	varlink_reply(held, json_pack("{s:s}", "i", "held"));
	LOOP_UNTIL(base, test_client_count(&client) == 101);
	for (int i = 0; i < 101; i++) {
		json_t *value = test_parameter(test_client_answer(&client, (size_t)i), "i");

		if (i == 50)
			ck_assert_str_eq(json_string_value(value), "held");
		else
			ck_assert_int_eq(json_integer_value(value), i > 50 ? i - 1 : i);
	}
	test_client_close(&client);
}
END_TEST

/* Very many small calls, faster than they can be answered. */
START_TEST(takes_a_flood)
{
	struct varlink_test_client client;
	static const char message[] = "{\"method\":\"org.test.Nothing\"}";

	open_client(&client);
	for (int i = 0; i < 20000; i++)
		test_client_send(&client, message, sizeof(message));
	LOOP_UNTIL(base, test_client_count(&client) == 20000);
	test_client_close(&client);
}
END_TEST

START_TEST(takes_messages_in_pieces)
{
	static const char message[] =
		"{\"method\":\"org.test.Echo\",\"parameters\":{\"text\":\"in pieces\"}}";
	struct varlink_test_client client;

	open_client(&client);
	for (size_t i = 0; i < sizeof(message); i++) {
		test_client_send(&client, message + i, 1);
		LOOP_UNTIL(base, evbuffer_get_length(bufferevent_get_output(client.bev)) == 0);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ck_assert_str_eq(test_client_text(&client, 0), "{\"parameters\":{\"text\":\"in pieces\"}}");
	test_client_close(&client);
}
END_TEST

/* --- bad clients --- */

static const char *const malformed[] = {
	"",
	"nonsense",
	"{",
	"[]",
	"42",
	"{}",
	"{\"method\":7}",
	"{\"parameters\":{}}",
	"{\"method\":\"org.test.Echo\",\"method\":\"org.test.Echo\"}",
	"{\"method\":\"org.test.Echo\"} trailing",
	"{\"method\":\"org.test.\xff\"}",
};

/* It ends that client, and no other. */
START_TEST(ends_a_client_that_talks_nonsense)
{
	struct varlink_test_client bad, good;

	open_client(&bad);
	open_client(&good);
	test_client_say(&bad, malformed[_i]);
	test_client_say(&bad, "{\"method\":\"org.test.Echo\"}");
	LOOP_UNTIL(base, bad.is_closed);
	ck_assert_uint_eq(test_client_count(&bad), 0);
	ck_assert_str_eq(test_error(test_client_call(&good, "org.test.Echo", "{}")), "");
	test_client_close(&bad);
	test_client_close(&good);
}
END_TEST

START_TEST(ends_a_client_with_deep_nesting)
{
	struct varlink_test_client client;
	char *text = malloc(200001);

	memset(text, '[', 200000);
	text[200000] = '\0';
	open_client(&client);
	test_client_say(&client, text);
	LOOP_UNTIL(base, client.is_closed);
	free(text);
	test_client_close(&client);
}
END_TEST

static char *
long_message(size_t len)
{
	static const char head[] = "{\"method\":\"org.test.Echo\",\"parameters\":{\"x\":\"";
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - 3, "\"}}", 3);
	text[len] = '\0';
	return text;
}

START_TEST(takes_the_longest_message)
{
	struct varlink_test_client client;
	char *text = long_message(VARLINK_MESSAGE_MAX);

	open_client(&client);
	test_client_say(&client, text);
	LOOP_UNTIL(base, test_client_count(&client) == 1);
	ck_assert_str_eq(test_error(test_client_answer(&client, 0)), "");
	free(text);
	test_client_close(&client);
}
END_TEST

START_TEST(ends_a_client_with_a_longer_one)
{
	struct varlink_test_client client;
	char *text = long_message(VARLINK_MESSAGE_MAX + 1);

	open_client(&client);
	test_client_say(&client, text);
	LOOP_UNTIL(base, client.is_closed);
	ck_assert_uint_eq(test_client_count(&client), 0);
	free(text);
	test_client_close(&client);
}
END_TEST

/* Never a NUL: the message has no end. */
START_TEST(ends_a_client_that_never_ends)
{
	struct varlink_test_client client;
	static char bytes[65536];

	memset(bytes, ' ', sizeof(bytes));
	open_client(&client);
	for (int i = 0; i < 17; i++)
		test_client_send(&client, bytes, sizeof(bytes));
	LOOP_UNTIL(base, client.is_closed);
	test_client_close(&client);
}
END_TEST

/* --- clients that go --- */

START_TEST(serves_a_client_that_only_stops_sending)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
	test_client_say(&client, "{\"method\":\"org.test.Echo\",\"parameters\":{\"n\":2}}");
	LOOP_UNTIL(base, held != NULL);
	ck_assert_int_eq(shutdown(bufferevent_getfd(client.bev), SHUT_WR), 0);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(gone_count, 0);
	varlink_reply(held, json_pack("{s:i}", "n", 1));
	ck_assert_str_eq(test_client_text(&client, 0), "{\"parameters\":{\"n\":1}}");
	ck_assert_str_eq(test_client_text(&client, 1), "{\"parameters\":{\"n\":2}}");
	LOOP_UNTIL(base, client.is_closed);
	test_client_close(&client);
}
END_TEST

START_TEST(tells_that_a_client_has_gone)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
	LOOP_UNTIL(base, held != NULL);
	test_client_close(&client);
	LOOP_UNTIL(base, gone_count == 1);
	ck_assert_ptr_null(held);
}
END_TEST

/* It stops sending first, and goes later. */
START_TEST(tells_that_a_half_closed_client_has_gone)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
	LOOP_UNTIL(base, held != NULL);
	ck_assert_int_eq(shutdown(bufferevent_getfd(client.bev), SHUT_WR), 0);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(gone_count, 0);
	test_client_close(&client);
	LOOP_UNTIL(base, gone_count == 1);
}
END_TEST

START_TEST(tells_of_clients_at_the_end)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
	LOOP_UNTIL(base, held != NULL);
	varlink_server_free(server);
	server = NULL;
	ck_assert_uint_eq(gone_count, 1);
	LOOP_UNTIL(base, client.is_closed);
	test_client_close(&client);
}
END_TEST

/* An unfinished message is no reason to wait. */
START_TEST(ends_with_half_a_message)
{
	struct varlink_test_client client;

	open_client(&client);
	test_client_send(&client, "{\"method\":", 10);
	LOOP_UNTIL(base, evbuffer_get_length(bufferevent_get_output(client.bev)) == 0);
	ck_assert_int_eq(shutdown(bufferevent_getfd(client.bev), SHUT_WR), 0);
	LOOP_UNTIL(base, client.is_closed);
	test_client_close(&client);
}
END_TEST

/* It goes while a call is under way and so much waits behind it that nothing more is read. */
START_TEST(tells_that_a_busy_client_has_gone)
{
	struct varlink_test_client client;
	char *text = long_message(100000);

	open_client(&client);
	test_client_say(&client, "{\"method\":\"org.test.Hold\"}");
	for (int i = 0; i < 30; i++)
		test_client_say(&client, text);
	LOOP_UNTIL(base, held != NULL);
	for (int i = 0; i < 200; i++)
		event_base_loop(base, EVLOOP_NONBLOCK); /* it comes to rest */
	ck_assert_uint_eq(gone_count, 0);
	test_client_close(&client);
	LOOP_UNTIL(base, gone_count == 1);
	free(text);
}
END_TEST

/* It asks for a stream and reads nothing of it. */
START_TEST(drops_a_slow_client)
{
	struct varlink_test_client client;
	static char text[1 << 20];

	memset(text, 'x', sizeof(text) - 1);
	open_client(&client);
	bufferevent_disable(client.bev, EV_READ);
	test_client_say(&client, "{\"method\":\"org.test.Hold\",\"more\":true}");
	LOOP_UNTIL(base, held != NULL);
	for (int i = 0; i < 32 && held != NULL; i++) {
		varlink_reply_continue(held, json_pack("{s:s}", "x", text));
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	LOOP_UNTIL(base, gone_count == 1);
	ck_assert_ptr_null(held);
	test_client_close(&client);
}
END_TEST

/* It asks and asks and reads nothing: no answers pile up, and nobody else waits. */
START_TEST(does_not_pile_up_answers)
{
	struct varlink_test_client greedy, good;
	char *text = long_message(100000);

	open_client(&greedy);
	open_client(&good);
	bufferevent_disable(greedy.bev, EV_READ);
	for (int i = 0; i < 100; i++)
		test_client_say(&greedy, text);
	for (int i = 0; i < 200; i++)
		event_base_loop(base, EVLOOP_NONBLOCK); /* it comes to rest */
	ck_assert(!greedy.is_closed);
	ck_assert_uint_gt(evbuffer_get_length(bufferevent_get_output(greedy.bev)), 0);
	ck_assert_str_eq(test_error(test_client_call(&good, "org.test.Echo", "{}")), "");
	bufferevent_enable(greedy.bev, EV_READ);
	LOOP_UNTIL(base, test_client_count(&greedy) == 100);
	free(text);
	test_client_close(&greedy);
	test_client_close(&good);
}
END_TEST

START_TEST(limits_the_number_of_clients)
{
	struct varlink_test_client clients[VARLINK_CLIENTS_MAX], extra;

	for (int i = 0; i < VARLINK_CLIENTS_MAX; i++) {
		open_client(&clients[i]);
		test_client_call(&clients[i], "org.test.Echo", "{}");
	}
	open_client(&extra);
	LOOP_UNTIL(base, extra.is_closed);
	test_client_close(&extra);
	ck_assert_str_eq(test_error(test_client_call(&clients[0], "org.test.Echo", "{}")), "");
	/* A place becomes free. */
	test_client_close(&clients[1]);
	for (;;) {
		open_client(&extra);
		test_client_say(&extra, "{\"method\":\"org.test.Echo\"}");
		LOOP_UNTIL(base, extra.is_closed || test_client_count(&extra) == 1);
		if (!extra.is_closed)
			break;
		test_client_close(&extra);
	}
	test_client_close(&extra);
	for (int i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (i != 1)
			test_client_close(&clients[i]);
}
END_TEST

/* --- who may --- */

START_TEST(refuses_a_role)
{
	struct varlink_test_client client;
	json_t *answer;

	open_client(&client);
	answer = test_client_call(&client, "org.test.Forbidden", "{}");
	ck_assert_str_eq(test_error(answer), "org.test.NotAllowed");
	ck_assert_ptr_nonnull(strstr(
		json_string_value(test_parameter(answer, "reason")), "may not use Forbidden"));
	test_client_close(&client);
}
END_TEST

static const struct {
	uid_t uid;
	gid_t gid, groups[2];
	enum varlink_role role;
} role_cases[] = {
	{ 0, 0, { 0, 0 }, VARLINK_ROLE_CHANGE },
	{ 500, 500, { 500, 500 }, VARLINK_ROLE_CHANGE }, /* the daemon itself */
	{ 1000, 1000, { 1000, 1000 }, VARLINK_ROLE_NONE },
	{ 1000, 1000, { 7, 61 }, VARLINK_ROLE_CHANGE }, { 1000, 61, { 7, 8 }, VARLINK_ROLE_CHANGE },
	{ 1000, 1000, { 62, 7 }, VARLINK_ROLE_VIEW }, { 1000, 62, { 7, 8 }, VARLINK_ROLE_VIEW },
	{ 1000, 62, { 7, 61 }, VARLINK_ROLE_CHANGE },
	{ 1000, 0, { 0, 0 }, VARLINK_ROLE_NONE }, /* group root is nobody */
};

START_TEST(knows_roles)
{
	const struct peer_rules rules = {
		.self = 500, .has_change = true, .change = 61, .has_view = true, .view = 62
	};
	const struct peer_rules no_groups = { .self = 500 };
	gid_t groups[2] = { role_cases[_i].groups[0], role_cases[_i].groups[1] };
	const struct peer peer = {
		.uid = role_cases[_i].uid,
		.gid = role_cases[_i].gid,
		.groups = groups,
		.group_count = 2,
	};

	ck_assert_int_eq(peer_role(&peer, &rules), role_cases[_i].role);
	ck_assert_int_eq(peer_role(&peer, &no_groups),
		peer.uid == 0 || peer.uid == 500 ? VARLINK_ROLE_CHANGE : VARLINK_ROLE_NONE);
}
END_TEST

START_TEST(reads_credentials)
{
	gid_t groups[65536];
	int count = getgroups((int)ARRAY_SIZE(groups), groups);
	struct reason why;
	struct peer peer;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(peer_init(&peer, fds[0], &why), 0);
	ck_assert_int_eq((int)peer.uid, (int)geteuid());
	ck_assert_int_eq((int)peer.gid, (int)getegid());
	ck_assert_int_eq((int)peer.pid, (int)getpid());
	ck_assert_uint_eq(peer.group_count, (size_t)count);
	for (int i = 0; i < count; i++)
		ck_assert_uint_eq(peer.groups[i], groups[i]);
	peer_fini(&peer);
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(peer_init(&peer, fds[0], &why), -1);
}
END_TEST

/* --- the socket --- */

START_TEST(makes_a_private_socket)
{
	const struct group *group = getgrnam("iusb");
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	if (group != NULL && geteuid() == 0)
		ck_assert_uint_eq(st.st_gid, group->gr_gid);
}
END_TEST

/* The ACL of a socket, as far as it tells who gets in beside the owner. */
static bool
admits(const char *at, gid_t gid)
{
	uint8_t acl[256];
	ssize_t len = getxattr(at, "system.posix_acl_access", acl, sizeof(acl));

	for (ssize_t i = 4; i + 8 <= len; i += 8)
		if (get_le16(acl + i) == ACL_GROUP && get_le32(acl + i + 4) == gid &&
			get_le16(acl + i + 2) == (ACL_READ | ACL_WRITE))
			return true;
	return false;
}

START_TEST(lets_another_group_in)
{
	const struct listener_groups groups = { .has_other = true, .other = getegid() };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct listener listener;
	struct reason why;
	char other[96];
	struct stat st;
	int fd;

	snprintf(other, sizeof(other), "%s/other", dir);
	ck_assert_int_eq(listener_open(&listener, other, &groups, &why), 0);
	if (!admits(other, getegid())) { /* a file system without ACLs */
		listener_close(&listener);
		return;
	}
	ck_assert_int_eq(stat(other, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	listener_close(&listener);
	/* One that was passed to us. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, other);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(listener_take(&listener, fd, &groups, &why), 0);
	ck_assert(admits(other, getegid()));
	listener_close(&listener);
	ck_assert_int_eq(unlink(other), 0);
}
END_TEST

START_TEST(refuses_a_live_socket)
{
	struct reason why = { 0 };

	ck_assert_ptr_null(varlink_server_new(base, path, -1, &interface, dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "another daemon"));
	ck_assert_ptr_nonnull(strstr(why.text, path));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* As a daemon leaves it that was killed. */
static void
leave_socket(const char *at)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, at);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	close(fd);
}

START_TEST(replaces_a_stale_socket)
{
	struct varlink_test_client client;

	varlink_server_free(server);
	leave_socket(path);
	server = must_serve(-1);
	open_client(&client);
	test_client_call(&client, "org.test.Echo", "{}");
	test_client_close(&client);
}
END_TEST

START_TEST(does_not_touch_another_file)
{
	struct reason why = { 0 };
	char other[96];
	FILE *file;

	snprintf(other, sizeof(other), "%s/file", dir);
	file = fopen(other, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_ptr_null(varlink_server_new(base, other, -1, &interface, dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "no socket"));
	ck_assert_int_eq(unlink(other), 0);
	snprintf(other, sizeof(other), "%s/no/such/dir/socket", dir);
	ck_assert_ptr_null(varlink_server_new(base, other, -1, &interface, dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, other));
}
END_TEST

START_TEST(refuses_a_long_path)
{
	struct reason why = { 0 };
	char other[140];

	memset(other, 'x', sizeof(other));
	memcpy(other, "/tmp/", 5);
	other[sizeof(other) - 1] = '\0';
	ck_assert_ptr_null(varlink_server_new(base, other, -1, &interface, dir, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "107 characters"));
}
END_TEST

START_TEST(makes_the_last_directory)
{
	struct varlink_server *made;
	struct reason why;
	char other[128];

	snprintf(other, sizeof(other), "%s/run/socket", dir);
	made = varlink_server_new(base, other, -1, &interface, dir, &why);
	ck_assert_msg(made != NULL, "%s", why.text);
	varlink_server_free(made);
	ck_assert_int_eq(access(other, F_OK), -1);
	*strrchr(other, '/') = '\0';
	ck_assert_int_eq(rmdir(other), 0);
}
END_TEST

/* Another daemon has taken the place meanwhile: its socket is not ours to remove. */
START_TEST(leaves_another_ones_socket)
{
	ck_assert_int_eq(unlink(path), 0);
	leave_socket(path);
	varlink_server_free(server);
	server = NULL;
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(takes_a_socket_that_was_passed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct varlink_test_client client;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	varlink_server_free(server);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	server = must_serve(fd);
	open_client(&client);
	test_client_call(&client, "org.test.Echo", "{}");
	test_client_close(&client);
	varlink_server_free(server);
	server = NULL;
	ck_assert_int_eq(access(path, F_OK), 0); /* it is the service manager's */
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(refuses_what_else_is_passed)
{
	struct reason why = { 0 };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_ptr_null(varlink_server_new(base, path, fds[0], &interface, dir, &why));
	ck_assert_str_ne(why.text, "");
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_ptr_null(varlink_server_new(base, path, fds[0], &interface, dir, &why));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static Suite *
varlink_suite(void)
{
	Suite *suite = suite_create("varlink");
	TCase *tc = tcase_create("varlink");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers);
	tcase_add_loop_test(tc, speaks_the_service_interface, 0, (int)ARRAY_SIZE(service_cases));
	tcase_add_test(tc, introduces_itself);
	tcase_add_test(tc, streams_if_asked);
	tcase_add_test(tc, does_not_answer_oneway);
	tcase_add_test(tc, answers_in_order);
	tcase_add_test(tc, takes_a_flood);
	tcase_add_test(tc, takes_messages_in_pieces);
	tcase_add_loop_test(tc, ends_a_client_that_talks_nonsense, 0, (int)ARRAY_SIZE(malformed));
	tcase_add_test(tc, ends_a_client_with_deep_nesting);
	tcase_add_test(tc, takes_the_longest_message);
	tcase_add_test(tc, ends_a_client_with_a_longer_one);
	tcase_add_test(tc, ends_a_client_that_never_ends);
	tcase_add_test(tc, serves_a_client_that_only_stops_sending);
	tcase_add_test(tc, tells_that_a_client_has_gone);
	tcase_add_test(tc, tells_that_a_half_closed_client_has_gone);
	tcase_add_test(tc, tells_that_a_busy_client_has_gone);
	tcase_add_test(tc, tells_of_clients_at_the_end);
	tcase_add_test(tc, ends_with_half_a_message);
	tcase_add_test(tc, drops_a_slow_client);
	tcase_add_test(tc, does_not_pile_up_answers);
	tcase_add_test(tc, limits_the_number_of_clients);
	tcase_add_test(tc, refuses_a_role);
	tcase_add_loop_test(tc, knows_roles, 0, (int)ARRAY_SIZE(role_cases));
	tcase_add_test(tc, reads_credentials);
	tcase_add_test(tc, makes_a_private_socket);
	tcase_add_test(tc, lets_another_group_in);
	tcase_add_test(tc, refuses_a_live_socket);
	tcase_add_test(tc, replaces_a_stale_socket);
	tcase_add_test(tc, does_not_touch_another_file);
	tcase_add_test(tc, refuses_a_long_path);
	tcase_add_test(tc, makes_the_last_directory);
	tcase_add_test(tc, leaves_another_ones_socket);
	tcase_add_test(tc, takes_a_socket_that_was_passed);
	tcase_add_test(tc, refuses_what_else_is_passed);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(varlink_suite());
}
