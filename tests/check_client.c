/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_client: the Varlink client of iusbctl against daemons of all kinds, and the exit codes. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cases.h"
#include "ctl/client.h"
#include "ctl/exitcode.h"
#include "ctl/field.h"
#include "ctl/interrupt.h"
#include "fake_daemon.h"

enum {
	LIMIT = 100, /* seconds: longer than any machine needs, shorter than a test may take */
};

/* --- exit codes -------------------------------------------------------------- */

START_TEST(test_exitcode_of_error)
{
	static const struct {
		const char *error;
		enum exitcode code;
	} rows[] = {
		{ "org.iusbd.NoSuchTarget", EXITCODE_NOT_FOUND },
		{ "org.iusbd.NoSuchImage", EXITCODE_NOT_FOUND },
		{ "NoSuchDevice", EXITCODE_NOT_FOUND },
		{ "org.iusbd.NotAllowed", EXITCODE_NOT_ALLOWED },
		{ "org.iusbd.InUse", EXITCODE_FAILED },
		{ "org.iusbd.NotAttached", EXITCODE_FAILED },
		{ "org.iusbd.NotSupported", EXITCODE_FAILED },
		{ "org.iusbd.BadConfig", EXITCODE_FAILED },
		{ "org.iusbd.Store", EXITCODE_FAILED },
		{ "org.iusbd.Stopping", EXITCODE_FAILED },
		{ "org.varlink.service.InvalidParameter", EXITCODE_USAGE },
		{ "org.varlink.service.MethodNotFound", EXITCODE_FAILED },
		{ "", EXITCODE_FAILED },
		{ NULL, EXITCODE_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_int_eq(exitcode_of_error(rows[i].error), rows[i].code);
}
END_TEST

START_TEST(test_exitcode_of_client)
{
	ck_assert_int_eq(exitcode_of_client(CLIENT_OK, true), EXITCODE_DONE);
	ck_assert_int_eq(exitcode_of_client(CLIENT_UNREACHABLE, true), EXITCODE_NO_DAEMON);
	ck_assert_int_eq(exitcode_of_client(CLIENT_NOT_ALLOWED, true), EXITCODE_NOT_ALLOWED);
	ck_assert_int_eq(exitcode_of_client(CLIENT_TIMEOUT, false), EXITCODE_TIMEOUT);
	ck_assert_int_eq(exitcode_of_client(CLIENT_INTERRUPTED, true), EXITCODE_TIMEOUT);
	ck_assert_int_eq(exitcode_of_client(CLIENT_LOST, true), EXITCODE_TIMEOUT);
	ck_assert_int_eq(exitcode_of_client(CLIENT_LOST, false), EXITCODE_NO_DAEMON);
	ck_assert_int_eq(exitcode_of_client(CLIENT_GARBAGE, false), EXITCODE_FAILED);
}
END_TEST

static const struct {
	bool detach;
	const char *outcomes; /* "OUTCOME[:ERROR] ..." */
	enum exitcode code;
} outcome_codes[] = {
	{ false, "accepted", EXITCODE_DONE },
	{ false, "read", EXITCODE_DONE },
	{ false, "none", EXITCODE_DONE },
	{ false, "accepted accepted", EXITCODE_DONE },
	{ false, "refused", EXITCODE_REFUSED },
	{ false, "timeout", EXITCODE_TIMEOUT },
	{ false, "detached", EXITCODE_FAILED },
	{ false, "failed", EXITCODE_FAILED },
	{ false, "failed:NoSuchDevice", EXITCODE_NOT_FOUND },
	{ false, "failed:org.iusbd.InUse", EXITCODE_FAILED },
	{ false, "whatever", EXITCODE_FAILED },
	{ false, "refused refused", EXITCODE_REFUSED },
	{ false, "timeout timeout timeout", EXITCODE_TIMEOUT },
	{ false, "refused timeout", EXITCODE_FAILED },
	{ false, "refused timeout refused", EXITCODE_FAILED },
	{ false, "accepted refused", EXITCODE_PARTIAL },
	{ false, "timeout accepted", EXITCODE_PARTIAL },
	{ false, "refused timeout accepted", EXITCODE_PARTIAL },
	{ true, "detached", EXITCODE_DONE },
	{ true, "detached detached", EXITCODE_DONE },
	{ true, "detached timeout", EXITCODE_PARTIAL },
	{ true, "accepted", EXITCODE_FAILED },
	{ true, "failed:Store failed:Store", EXITCODE_FAILED },
	{ true, "", EXITCODE_DONE },
};

START_TEST(test_exitcode_of_outcomes)
{
	char *words = mem_strdup(outcome_codes[_i].outcomes), *save;
	json_t *outcomes = json_array();

	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		char *error = strchr(w, ':');
		json_t *outcome = json_object();

		if (error != NULL) {
			*error = '\0';
			json_object_set_new(outcome, "error", json_string(error + 1));
		}
		json_object_set_new(outcome, "outcome", json_string(w));
		json_array_append_new(outcomes, outcome);
	}
	ck_assert_int_eq(
		exitcode_of_outcomes(outcomes, outcome_codes[_i].detach), outcome_codes[_i].code);
	json_decref(outcomes);
	free(words);
}
END_TEST

/* --- the client -------------------------------------------------------------- */

static enum client_status
call_fake(struct fake *fake, const struct client_request *request, struct client_reply *reply)
{
	struct reason why = { 0 };
	enum client_status status;
	struct client *client = client_open(fake->path, LIMIT, &status, &why);

	ck_assert_msg(client != NULL, "%s", why.text);
	status = client_call(client, request, reply);
	client_close(client);
	fake_stop(fake);
	return status;
}

START_TEST(test_client_answer)
{
	const struct answer answers[] = { { "{\"parameters\":{\"slots\":[]}}", 0 } };
	struct client_request request = { .method = "org.iusbd.Status", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	request.parameters = json_pack("{s:[s]}", "selectors", "a b\n");
	fake_start(&fake, answers, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_OK);
	ck_assert_ptr_nonnull(field_array(reply.parameters, "slots"));
	ck_assert_str_eq(reply.why.text, "");
	ck_assert_uint_eq(fake.requests.count, 1);
	ck_assert_str_eq(fake.requests.items[0],
		"{\"method\":\"org.iusbd.Status\",\"parameters\":{\"selectors\":[\"a b\\n\"]}}");
	json_decref(request.parameters);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

/* A byte at a time, and all answers in one packet: the same answers. */
START_TEST(test_client_framing)
{
	static const char both[] = "{\"parameters\":{\"n\":1},\"continues\":true}\0"
				   "{\"parameters\":{\"n\":2}}";
	const struct answer answers[] = { { both, sizeof(both) } };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT, .more = true };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, answers, 1, FAKE_HOLD);
	fake.is_slow = _i == 1;
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_OK);
	ck_assert_uint_eq(field_count(reply.parameters, "n"), 2);
	ck_assert_str_eq(fake.requests.items[0], "{\"method\":\"a.b.C\",\"more\":true}");
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

static void
add_up(void *arg, const json_t *parameters)
{
	uint64_t *sum = arg;

	*sum = *sum * 10 + field_count(parameters, "n");
}

START_TEST(test_client_many_answers)
{
	static const char all[] = "{\"parameters\":{\"n\":1},\"continues\":true}\0"
				  "{\"parameters\":{\"n\":2},\"continues\":true}\0"
				  "{\"continues\":false,\"parameters\":{\"n\":3}}";
	const struct answer answers[] = { { all, sizeof(all) } };
	uint64_t sum = 0;
	struct client_request request = {
		.method = "a.b.C", .timeout = LIMIT, .more = true, .arg = &sum, .on_answer = add_up
	};
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, answers, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_OK);
	ck_assert_uint_eq(sum, 12);
	ck_assert_uint_eq(field_count(reply.parameters, "n"), 3);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

/* Two calls on one connection: what was received too much belongs to the second. */
START_TEST(test_client_two_calls)
{
	const struct answer answers[] = { { "{\"parameters\":{\"n\":1}}", 0 }, { "{}", 0 } };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct reason why;
	enum client_status status;
	struct client *client;
	struct fake fake;

	fake_start(&fake, answers, 2, FAKE_HOLD);
	client = client_open(fake.path, LIMIT, &status, &why);
	ck_assert_ptr_nonnull(client);
	ck_assert_int_eq(client_call(client, &request, &reply), CLIENT_OK);
	ck_assert_uint_eq(field_count(reply.parameters, "n"), 1);
	client_reply_fini(&reply);
	ck_assert_int_eq(client_call(client, &request, &reply), CLIENT_OK);
	ck_assert_uint_eq(json_object_size(reply.parameters), 0);
	client_reply_fini(&reply);
	client_close(client);
	fake_stop(&fake);
	strlist_fini(&fake.requests);
}
END_TEST

static const struct {
	const char *answer, *error, *why;
} client_errors[] = {
	{ "{\"error\":\"org.iusbd.NoSuchTarget\",\"parameters\":{\"reason\":\"no x\"}}",
		"org.iusbd.NoSuchTarget", "no x" },
	{ "{\"error\":\"org.iusbd.Store\"}", "org.iusbd.Store",
		"iusbd answered with the error org.iusbd.Store" },
	{ "{\"error\":\"org.iusbd.Store\",\"parameters\":{\"reason\":7}}", "org.iusbd.Store",
		"iusbd answered with the error org.iusbd.Store" },
	{ "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"mode\"}}",
		"org.varlink.service.InvalidParameter", "iusbd does not accept this \"mode\"" },
	{ "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"a.B\"}}",
		"org.varlink.service.MethodNotFound",
		"iusbd does not know a.B: it is older than iusbctl" },
	/* An error is the last answer whatever it says. */
	{ "{\"error\":\"a.B\",\"continues\":true,\"parameters\":null}", "a.B",
		"iusbd answered with the error a.B" },
};

START_TEST(test_client_error)
{
	const struct answer answers[] = { { client_errors[_i].answer, 0 } };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, answers, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_ERROR);
	ck_assert_str_eq(reply.error, client_errors[_i].error);
	ck_assert_str_eq(reply.why.text, client_errors[_i].why);
	ck_assert(json_is_object(reply.parameters));
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

static const char *const garbage[] = {
	"", "HTTP/1.1 400 Bad Request", "[]", "7", "{\"parameters\":[]}", "{\"parameters\":7}",
	"{\"error\":7}", "{\"error\":{}}", "{\"parameters\":{}",
	"{\"parameters\":{\"x\":\"\xff\xfe\"}}", "{\"parameters\":{}}trailing",
	"{\"parameters\":{},\"continues\":true}", /* which was not asked for */
};

START_TEST(test_client_garbage)
{
	const struct answer answers[] = { { garbage[_i], 0 } };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, answers, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_GARBAGE);
	ck_assert_str_ne(reply.why.text, "");
	ck_assert_ptr_null(reply.parameters);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

START_TEST(test_client_closed)
{
	const struct answer half = { "{\"parameters\":{\"slots\"", 22 };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, &half, (size_t)_i, FAKE_CLOSE);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_LOST);
	if (_i == 1)
		ck_assert_str_eq(
			reply.why.text, "iusbd closed the connection in the middle of an answer");
	else
		ck_assert_str_ne(reply.why.text, "");
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

/* More than an answer may be, and never its end. */
START_TEST(test_client_huge)
{
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, NULL, 0, FAKE_FLOOD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_GARBAGE);
	ck_assert_str_eq(reply.why.text, "an answer of more than 16777216 bytes");
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

/* A large one that is allowed, in many packets. */
START_TEST(test_client_large)
{
	const size_t size = 300000;
	char *text = mem_new(size, 1);
	struct answer answer = { text, size };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct fake fake;

	memset(text, ' ', size - 1);
	memcpy(text, "{\"parameters\":{\"n\":5}}", 22);
	fake_start(&fake, &answer, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_OK);
	ck_assert_uint_eq(field_count(reply.parameters, "n"), 5);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
	free(text);
}
END_TEST

START_TEST(test_client_timeout)
{
	/* Half an answer does not help. */
	const struct answer half = { "{\"par", 5 };
	struct client_request request = { .method = "a.b.C", .timeout = 0.05 };
	struct client_reply reply;
	struct fake fake;

	fake_start(&fake, &half, 1, FAKE_HOLD);
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_TIMEOUT);
	ck_assert_str_eq(
		reply.why.text, "no answer from iusbd within 0.05 s; the outcome is unknown");
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

static void
interrupt_us(void *arg, double elapsed)
{
	(void)arg;
	ck_assert(elapsed >= 0);
	kill(getpid(), SIGINT);
}

/* While nothing comes, the caller is asked in; that it is interrupted says that it was. */
START_TEST(test_client_ticks)
{
	struct client_request request = {
		.method = "a.b.C", .timeout = LIMIT, .on_tick = interrupt_us
	};
	struct client_reply reply;
	struct interrupt interrupt;
	struct fake fake;

	fake_start(&fake, NULL, 0, FAKE_HOLD);
	interrupt_catch(&interrupt);
	request.interrupt = &interrupt;
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_INTERRUPTED);
	interrupt_release(&interrupt);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

START_TEST(test_client_interrupted)
{
	const struct answer half = { "{\"par", 5 };
	struct client_request request = { .method = "a.b.C", .timeout = LIMIT };
	struct client_reply reply;
	struct interrupt interrupt;
	struct fake fake;

	fake_start(&fake, &half, 1, FAKE_INTERRUPT);
	interrupt_catch(&interrupt);
	request.interrupt = &interrupt;
	ck_assert_int_eq(call_fake(&fake, &request, &reply), CLIENT_INTERRUPTED);
	interrupt_release(&interrupt);
	client_reply_fini(&reply);
	strlist_fini(&fake.requests);
}
END_TEST

static struct client *
open_nobody(const char *path, enum client_status *status, struct reason *why)
{
	why->text[0] = '\0';
	return client_open(path, LIMIT, status, why);
}

START_TEST(test_client_unreachable)
{
	struct fake fake = { 0 };
	struct reason why;
	enum client_status status;
	char path[300];

	ck_assert_ptr_null(open_nobody("/nonexistent/socket", &status, &why));
	ck_assert_int_eq(status, CLIENT_UNREACHABLE);
	ck_assert_str_eq(why.text,
		"iusbd is not running (no socket at /nonexistent/socket); start it: "
		"systemctl start iusbd");

	/* The socket of a daemon that has gone. */
	fake_listen(&fake);
	close(fake.fd);
	ck_assert_ptr_null(open_nobody(fake.path, &status, &why));
	ck_assert_int_eq(status, CLIENT_UNREACHABLE);
	assert_contains(why.text, "iusbd is not running (nobody listens at");
	fake_remove(&fake);

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_ptr_null(open_nobody(path, &status, &why));
	ck_assert_int_eq(status, CLIENT_UNREACHABLE);
	assert_contains(why.text, "too long");
}
END_TEST

START_TEST(test_client_not_allowed)
{
	const bool is_root = geteuid() == 0;
	struct fake fake = { 0 };
	struct reason why;
	enum client_status status;

	fake_listen(&fake);
	ck_assert_int_eq(chmod(fake.directory, 0755), 0);
	ck_assert_int_eq(chmod(fake.path, 0), 0);
	if (is_root)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_ptr_null(open_nobody(fake.path, &status, &why));
	ck_assert_int_eq(status, CLIENT_NOT_ALLOWED);
	assert_contains(why.text, "not allowed: the socket");
	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
	fake_remove(&fake);
}
END_TEST

static Suite *
client_suite(void)
{
	Suite *suite = suite_create("client");

	ADD_CASE(suite, "exitcode", test_exitcode_of_error, test_exitcode_of_client);
	add_rows(suite, "outcomes", test_exitcode_of_outcomes, ARRAY_SIZE(outcome_codes));
	ADD_CASE(suite, "client", test_client_answer, test_client_many_answers,
		test_client_two_calls, test_client_huge, test_client_large, test_client_timeout,
		test_client_ticks, test_client_interrupted, test_client_unreachable,
		test_client_not_allowed);
	add_rows(suite, "framing", test_client_framing, 2);
	add_rows(suite, "errors", test_client_error, ARRAY_SIZE(client_errors));
	add_rows(suite, "garbage", test_client_garbage, ARRAY_SIZE(garbage));
	add_rows(suite, "closed", test_client_closed, 2);
	return suite;
}

int
main(void)
{
	return unit_run(client_suite());
}
