/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_ctl: the verbs of iusbctl against a daemon that answers from a script, and their output,
 * word for word. */
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cases.h"
#include "ctl/exitcode.h"
#include "ctl/field.h"
#include "ctl/human.h"
#include "ctl/text.h"
#include "run_ctl.h"

/* --- the verbs --------------------------------------------------------------- */

#define SLOT_42                                                                           \
	"{\"slot\":\"node42/fd\",\"target\":\"node42\",\"device\":\"fd\",\"instance\":0," \
	"\"image\":\"dos.img\",\"mode\":\"ro\",\"state\":\"serving\",\"reason\":null,"    \
	"\"read\":1474560,\"written\":0,\"rate\":2500000.0,\"since\":999700.0}"
#define SLOT_43                                                                            \
	"{\"slot\":\"node43/cd1\",\"target\":\"node43\",\"device\":\"cd\",\"instance\":1," \
	"\"image\":\"/srv/images/debian-12.5.0-amd64-netinst.iso\",\"mode\":\"ro\","       \
	"\"state\":\"backoff\",\"reason\":\"in use by 192.168.0.77\","                     \
	"\"read\":0,\"written\":0,\"rate\":0.0,\"since\":999988.0}"
#define SLOT_44                                                                           \
	"{\"slot\":\"node44/hd\",\"target\":\"node44\",\"device\":\"hd\",\"instance\":0," \
	"\"state\":\"idle\",\"read\":0,\"written\":0,\"rate\":0,\"since\":1000000.0}"
#define SLOTS "[" SLOT_42 "," SLOT_43 "," SLOT_44 "]"

#define OUTCOME(slot, outcome, reason)                                                         \
	"{\"slot\":\"" slot "\",\"outcome\":\"" outcome "\",\"error\":null,\"reason\":" reason \
	",\"image\":\"dos.img\",\"mode\":\"ro\",\"state\":\"serving\",\"size\":1474560}"

START_TEST(test_status)
{
	struct run run = run_answer("status 'a*' b", "{\"parameters\":{\"slots\":" SLOTS "}}");

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.err, "");
	assert_contains(run.out, "in use by 192.168.0.77\n");
	assert_contains(run.out, "\n3 slots: 1 serving, 1 in backoff, 1 idle\n");
	ck_assert_str_eq(run.requests.items[0],
		"{\"method\":\"org.iusbd.Status\",\"parameters\":{\"selectors\":[\"'a*'\",\"b\"]}}");
	run_fini(&run);
}
END_TEST

/* No selector is not the same as an empty list of them. */
START_TEST(test_status_of_all)
{
	struct run run = run_answer("status", "{\"parameters\":{\"slots\":[]}}");

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.out, "no slots are attached\n");
	ck_assert_str_eq(
		run.requests.items[0], "{\"method\":\"org.iusbd.Status\",\"parameters\":{}}");
	run_fini(&run);
	run = run_answer("status --no-legend", "{\"parameters\":{\"slots\":[]}}");
	ck_assert_str_eq(run.out, "");
	run_fini(&run);
	run = run_answer("status -q", "{\"parameters\":{\"slots\":[" SLOT_42 "]}}");
	assert_contains(run.out, "TARGET");
	assert_lacks(run.out, "1 slot");
	run_fini(&run);
}
END_TEST

/* Always an array of objects, with the daemon's keys; numbers stay numbers. */
static json_t *
assert_json(const char *line, const char *answer, size_t count)
{
	struct run run = run_answer(line, answer);
	json_t *array = json_loads(run.out, 0, NULL), *object;
	size_t i;

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.err, "");
	ck_assert_msg(json_is_array(array), "not an array: %s", run.out);
	ck_assert_uint_eq(json_array_size(array), count);
	json_array_foreach (array, i, object)
		ck_assert(json_is_object(object));
	run_fini(&run);
	return array;
}

START_TEST(test_json)
{
	json_t *array = assert_json("status --json", "{\"parameters\":{\"slots\":" SLOTS "}}", 3),
	       *object;

	object = json_array_get(array, 0);
	ck_assert_str_eq(field_text(object, "slot"), "node42/fd");
	ck_assert(json_is_integer(json_object_get(object, "read")));
	ck_assert(json_is_real(json_object_get(object, "since")));
	json_decref(array);
	json_decref(assert_json("--json status", "{\"parameters\":{\"slots\":[]}}", 0));
	array = assert_json("show node42/fd --json",
		"{\"parameters\":{\"detail\":{\"slot\":" SLOT_42 ",\"port\":5123}}}", 1);
	object = json_array_get(array, 0);
	ck_assert_uint_eq(field_count(object, "port"), 5123);
	json_decref(array);
	json_decref(assert_json("targets --json",
		"{\"parameters\":{\"targets\":[{\"target\":\"a\"},{\"target\":\"b\"}]}}", 2));
	json_decref(assert_json(
		"images --json", "{\"parameters\":{\"images\":[{\"image\":\"a\"}]}}", 1));
	json_decref(assert_json("reload --json",
		"{\"parameters\":{\"added\":[\"a\"],\"changed\":[],\"removed\":[]}}", 1));
	array = assert_json("version --json", "{\"parameters\":{\"version\":\"9.9\"}}", 1);
	object = json_array_get(array, 0);
	ck_assert_str_eq(field_text(object, "version"), "9.9");
	ck_assert_ptr_nonnull(field_text(object, "client"));
	json_decref(array);
	json_decref(assert_json("attach node42 dos.img --json",
		"{\"parameters\":{\"outcomes\":[" OUTCOME("node42/fd", "accepted", "null") "]}}",
		1));
	json_decref(assert_json("swap node42/fd dos.img --json",
		"{\"parameters\":{\"outcome\":" OUTCOME("node42/fd", "swapped", "null") "}}", 1));
	json_decref(assert_json("detach node42 --json",
		"{\"parameters\":{\"outcomes\":[" OUTCOME("node42/fd", "detached", "null") "]}}",
		1));
}
END_TEST

/* An error is on the error stream, and there is nothing to read for the script. */
START_TEST(test_json_error)
{
	struct run run = run_answer("status nod --json",
		"{\"error\":\"org.iusbd.NoSuchTarget\",\"parameters\":{\"reason\":\"no \\\"nod\\\"\"}}");

	ck_assert_int_eq(run.code, EXITCODE_NOT_FOUND);
	ck_assert_str_eq(run.out, "");
	ck_assert_str_eq(run.err, "iusbctl: no \"nod\"\n");
	run_fini(&run);
}
END_TEST

/* No name or reason gets a control character to a terminal. */
START_TEST(test_nothing_acts_on_the_terminal)
{
	static const char *const lines[] = { "status", "status --json", "status --no-legend" };
	static const char answer[] =
		"{\"parameters\":{\"slots\":[{\"slot\":\"a/cd\",\"target\":\"a\\u001b[2J\","
		"\"device\":\"cd\",\"instance\":0,\"image\":\"x\\ny\\r\\u0007\\u009b\\u202e\","
		"\"state\":\"\\u001b]0;hi\\u0007\",\"reason\":\"one\\ntwo\\u001bc\"}]}}";

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run run = run_answer(lines[i], answer);

		ck_assert_int_eq(run.code, EXITCODE_DONE);
		for (const char *p = run.out; *p != '\0'; p++)
			ck_assert((*p >= 0x20 && *p < 0x7f) || *p == '\n');
		run_fini(&run);
	}
}
END_TEST

START_TEST(test_error_is_escaped)
{
	struct run run = run_answer("status x",
		"{\"error\":\"org.iusbd.NoSuchTarget\",\"parameters\":{\"reason\":\"a\\u001b[2Jb\"}}");

	assert_lacks(run.err, "\033");
	assert_contains(run.err, "iusbctl: a");
	run_fini(&run);
	run = run_alone("sta\033[2Jtus", NULL);
	assert_lacks(run.err, "\033");
	run_fini(&run);
}
END_TEST

static const struct {
	const char *outcome; /* JSON */
	const char *out, *err;
	enum exitcode code;
} attach_lines[] = {
	{ OUTCOME("node42/fd", "accepted", "null"),
		"node42/fd: dos.img attached (1.4 MiB, read-only), accepted by the BMC\n", "",
		EXITCODE_DONE },
	{ OUTCOME("node42/fd", "read", "null"),
		"node42/fd: dos.img attached (1.4 MiB, read-only), and the host has read from it\n",
		"", EXITCODE_DONE },
	{ OUTCOME("node42/fd", "none", "null"),
		"node42/fd: dos.img attached (1.4 MiB, read-only), the BMC was not waited for\n",
		"", EXITCODE_DONE },
	{ OUTCOME("node42/fd", "refused", "\"in use by 192.168.0.77\""), "",
		"iusbctl: node42/fd: refused: in use by 192.168.0.77; iusbd keeps trying, "
		"\"iusbctl detach node42/fd\" gives up\n",
		EXITCODE_REFUSED },
	{ OUTCOME("node42/fd", "timeout", "\"connection timed out\""), "",
		"iusbctl: node42/fd: not accepted by the BMC in time: connection timed out; iusbd "
		"keeps trying, \"iusbctl detach node42/fd\" gives up\n",
		EXITCODE_TIMEOUT },
	{ OUTCOME("node42/fd", "timeout", "null"), "",
		"iusbctl: node42/fd: not accepted by the BMC in time, it is serving; it stays "
		"attached\n",
		EXITCODE_TIMEOUT },
	{ OUTCOME("node42/fd", "detached", "null"), "",
		"iusbctl: node42/fd: somebody detached it meanwhile\n", EXITCODE_FAILED },
	{ "{\"slot\":\"node42/fd\",\"outcome\":\"failed\",\"error\":\"org.iusbd.InUse\","
	  "\"reason\":\"has a.img\",\"state\":\"idle\",\"size\":0}",
		"", "iusbctl: node42/fd: has a.img\n", EXITCODE_FAILED },
	{ "{\"slot\":\"node42/fd\",\"outcome\":\"failed\",\"error\":\"org.iusbd.NoSuchDevice\"}",
		"", "iusbctl: node42/fd: failed (org.iusbd.NoSuchDevice)\n", EXITCODE_NOT_FOUND },
	{ "{}", "", "iusbctl: ?: ? (?)\n", EXITCODE_FAILED },
};

START_TEST(test_attach_one)
{
	char *answer = mem_printf("{\"parameters\":{\"outcomes\":[%s]}}", attach_lines[_i].outcome);
	struct run run = run_answer("attach node42 dos.img", answer);

	ck_assert_str_eq(run.out, attach_lines[_i].out);
	ck_assert_str_eq(run.err, attach_lines[_i].err);
	ck_assert_int_eq(run.code, attach_lines[_i].code);
	run_fini(&run);
	run = run_answer("-q attach node42 dos.img", answer);
	ck_assert_str_eq(run.out, "");
	ck_assert_str_eq(run.err, attach_lines[_i].err);
	ck_assert_int_eq(run.code, attach_lines[_i].code);
	run_fini(&run);
	free(answer);
}
END_TEST

#define SWAPPED(state, reason)                                                              \
	"{\"slot\":\"node42/cd\",\"outcome\":\"swapped\",\"error\":null,\"reason\":" reason \
	",\"image\":\"disk2.iso\",\"mode\":\"ro\",\"state\":\"" state "\",\"size\":4194304}"

static const struct {
	const char *answer; /* JSON */
	const char *out, *err;
	enum exitcode code;
} swap_lines[] = {
	{ "{\"parameters\":{\"outcome\":" SWAPPED("serving", "null") "}}",
		"node42/cd: now disk2.iso (4.0 MiB, read-only)\n", "", EXITCODE_DONE },
	{ "{\"parameters\":{\"outcome\":" SWAPPED("connecting", "null") "}}",
		"node42/cd: now disk2.iso (4.0 MiB, read-only), not served yet: connecting\n", "",
		EXITCODE_DONE },
	{ "{\"parameters\":{\"outcome\":" SWAPPED("backoff", "\"in use by 10.0.0.7\"") "}}",
		"node42/cd: now disk2.iso (4.0 MiB, read-only), not served yet: backoff, in use by "
		"10.0.0.7\n",
		"", EXITCODE_DONE },
	{ "{\"error\":\"org.iusbd.NotFlushed\",\"parameters\":{\"slot\":\"node42/cd\","
	  "\"reason\":\"a.img stays\"}}",
		"", "iusbctl: a.img stays\n", EXITCODE_FAILED },
	{ "{\"error\":\"org.iusbd.NoSuchImage\",\"parameters\":{\"reason\":\"no b.img\"}}", "",
		"iusbctl: no b.img\n", EXITCODE_NOT_FOUND },
	{ "{\"error\":\"org.iusbd.NotAllowed\",\"parameters\":{\"reason\":\"no\"}}", "",
		"iusbctl: no\n", EXITCODE_NOT_ALLOWED },
	{ "{\"parameters\":{}}", "", "iusbctl: iusbd has answered without \"outcome\"\n",
		EXITCODE_FAILED },
};

START_TEST(test_swap)
{
	struct run run = run_answer("swap node42/cd disk2.iso", swap_lines[_i].answer);

	ck_assert_str_eq(run.out, swap_lines[_i].out);
	ck_assert_str_eq(run.err, swap_lines[_i].err);
	ck_assert_int_eq(run.code, swap_lines[_i].code);
	run_fini(&run);
	run = run_answer("-q swap node42/cd disk2.iso", swap_lines[_i].answer);
	ck_assert_str_eq(run.out, "");
	ck_assert_str_eq(run.err, swap_lines[_i].err);
	ck_assert_int_eq(run.code, swap_lines[_i].code);
	run_fini(&run);
}
END_TEST

START_TEST(test_swap_parameters)
{
	for (int has_mode = 0; has_mode < 2; has_mode++) {
		struct run run = run_answer(
			has_mode ? "swap node42/cd disk2.iso -m rw" : "swap node42/cd disk2.iso",
			swap_lines[0].answer);
		json_t *request = json_loads(run.requests.items[0], 0, NULL);
		const json_t *parameters = json_object_get(request, "parameters");

		ck_assert_str_eq(field_text(request, "method"), "org.iusbd.Swap");
		ck_assert(!field_is_true(request, "more"));
		ck_assert_str_eq(field_text(parameters, "slot"), "node42/cd");
		ck_assert_str_eq(field_text(parameters, "image"), "disk2.iso");
		ck_assert_uint_eq(json_object_size(parameters), has_mode ? 3 : 2);
		if (has_mode)
			ck_assert_str_eq(field_text(parameters, "mode"), "rw");
		json_decref(request);
		run_fini(&run);
	}
}
END_TEST

START_TEST(test_attach_parameters)
{
	struct run run = run_answer("attach node42/fd a.img -d fd --mode rw --wait read -t 2.5",
		"{\"parameters\":{\"outcomes\":[" OUTCOME("node42/fd", "timeout", "null") "]}}");
	json_t *request = json_loads(run.requests.items[0], 0, NULL);
	const json_t *parameters = json_object_get(request, "parameters");

	ck_assert_str_eq(field_text(request, "method"), "org.iusbd.Attach");
	ck_assert(field_is_true(request, "more"));
	ck_assert_str_eq(field_text(parameters, "image"), "a.img");
	ck_assert_str_eq(field_text(parameters, "device"), "fd");
	ck_assert_str_eq(field_text(parameters, "mode"), "rw");
	ck_assert_str_eq(field_text(parameters, "wait"), "read");
	ck_assert(field_number(parameters, "timeout") == 2.5);
	ck_assert_str_eq(json_string_value(json_array_get(field_array(parameters, "selectors"), 0)),
		"node42/fd");
	assert_contains(run.err, "not read by the host in time");
	json_decref(request);
	run_fini(&run);
}
END_TEST

/* Each slot has its line once, as it becomes known; the summary is last. */
START_TEST(test_attach_many)
{
#define OUTCOME_A OUTCOME("a/fd", "accepted", "null")
#define OUTCOME_B OUTCOME("b/fd", "accepted", "null")
#define OUTCOME_C OUTCOME("c/fd", "refused", "\"busy\"")
	static const char all[] =
		"{\"continues\":true,\"parameters\":{\"outcomes\":[" OUTCOME_A "]}}\0"
		"{\"parameters\":{\"outcomes\":[" OUTCOME_A "," OUTCOME_B "," OUTCOME_C "]}}";
	const struct answer answers[] = {
		{ "{\"parameters\":{\"targets\":[{},{},{}]}}", 0 },
		{ all, sizeof(all) },
	};
	struct run run = run_with("attach a b c dos.img", NULL, answers, 2, FAKE_HOLD);

	ck_assert_int_eq(run.code, EXITCODE_PARTIAL);
	ck_assert_str_eq(run.out,
		"a/fd: dos.img attached (1.4 MiB, read-only), accepted by the BMC\n"
		"b/fd: dos.img attached (1.4 MiB, read-only), accepted by the BMC\n"
		"3 slots: 2 accepted, 1 refused\n");
	ck_assert_str_eq(run.err,
		"iusbctl: c/fd: refused: busy; iusbd keeps trying, \"iusbctl detach c/fd\" gives "
		"up\n");
	run_fini(&run);
	run = run_with("attach a b c dos.img --json", NULL, answers, 2, FAKE_HOLD);
	ck_assert_int_eq(run.code, EXITCODE_PARTIAL);
	ck_assert_str_eq(run.err, "");
	{
		json_t *array = json_loads(run.out, 0, NULL);

		ck_assert_uint_eq(json_array_size(array), 3);
		json_decref(array);
	}
	run_fini(&run);
}
END_TEST

/* A reason that names the slot is not told behind its name once more. */
START_TEST(test_attach_many_failed)
{
	struct run run = run_answer("detach a b/fd",
		"{\"parameters\":{\"outcomes\":[" OUTCOME("a/fd", "detached", "null") "," OUTCOME(
			"b/fd", "failed", "\"nothing is attached to b/fd\"") "]}}");

	ck_assert_int_eq(run.code, EXITCODE_PARTIAL);
	ck_assert_str_eq(run.err, "iusbctl: nothing is attached to b/fd\n");
	run_fini(&run);
}
END_TEST

START_TEST(test_attach_error)
{
	struct run run = run_answer("attach node42 no.img",
		"{\"error\":\"org.iusbd.NoSuchImage\",\"parameters\":{\"image\":\"no.img\","
		"\"reason\":\"there is no image no.img\"}}");

	ck_assert_int_eq(run.code, EXITCODE_NOT_FOUND);
	ck_assert_str_eq(run.out, "");
	ck_assert_str_eq(run.err, "iusbctl: there is no image no.img\n");
	run_fini(&run);
}
END_TEST

/* Ctrl-C: what is known is told, the rest stays attached and the tool says so. */
START_TEST(test_attach_interrupted)
{
	static const char first[] = "{\"continues\":true,\"parameters\":{\"outcomes\":[" OUTCOME(
		"a/fd", "accepted", "null") "]}}";
	const struct answer answers[] = { { first, sizeof(first) } };
	struct run run = run_with("attach a/fd dos.img", NULL, answers, 1, FAKE_INTERRUPT);

	ck_assert_int_eq(run.code, EXITCODE_TIMEOUT);
	assert_contains(run.err, "interrupted; dos.img stays attached");
	assert_contains(run.err, "\"iusbctl detach a/fd\"");
	run_fini(&run);
}
END_TEST

START_TEST(test_attach_lost)
{
	struct run run = run_with("attach a dos.img", NULL, NULL, 0, FAKE_CLOSE);

	ck_assert_int_eq(run.code, EXITCODE_TIMEOUT);
	assert_contains(run.err, "the outcome is unknown");
	run_fini(&run);
	run = run_with("status", NULL, NULL, 0, FAKE_CLOSE);
	ck_assert_int_eq(run.code, EXITCODE_NO_DAEMON);
	run_fini(&run);
}
END_TEST

START_TEST(test_detach)
{
	struct run run = run_answer("detach node42/fd",
		"{\"parameters\":{\"outcomes\":[" OUTCOME("node42/fd", "detached", "null") "]}}");

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.out, "node42/fd: dos.img detached\n");
	ck_assert_str_eq(run.err, "");
	ck_assert_str_eq(run.requests.items[0],
		"{\"method\":\"org.iusbd.Detach\",\"parameters\":{\"selectors\":[\"node42/fd\"]}}");
	run_fini(&run);
	run = run_answer("detach node42/fd",
		"{\"error\":\"org.iusbd.NotAttached\",\"parameters\":{\"reason\":\"node42/fd is "
		"empty\"}}");
	ck_assert_int_eq(run.code, EXITCODE_FAILED);
	ck_assert_str_eq(run.err, "iusbctl: node42/fd is empty\n");
	run_fini(&run);
}
END_TEST

START_TEST(test_selectors_on_standard_input)
{
	const struct answer answers[] = { { "{\"parameters\":{\"outcomes\":[]}}", 0 } };
	struct run run =
		run_with("detach x -", " node1\nnode2\r\n\n\tnode3", answers, 1, FAKE_HOLD);

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.requests.items[0],
		"{\"method\":\"org.iusbd.Detach\",\"parameters\":{\"selectors\":[\"x\",\"node1\","
		"\"node2\",\"node3\"]}}");
	run_fini(&run);
}
END_TEST

/* Nothing on standard input is not everything. */
START_TEST(test_no_selector_on_standard_input)
{
	static const char *const lines[] = { "detach -", "status -", "attach - a.img" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run run = run_alone(lines[i], " \n\n");

		ck_assert_int_eq(run.code, EXITCODE_USAGE);
		ck_assert_str_eq(run.err, "iusbctl: there is no selector on standard input\n");
		run_fini(&run);
	}
}
END_TEST

START_TEST(test_bad_selectors)
{
	char *huge = mem_new(5000, 1);
	struct run run;

	memset(huge, 'a', 4999);
	run = run_alone("detach -", huge);
	ck_assert_int_eq(run.code, EXITCODE_USAGE);
	run_fini(&run);
	run = run_alone("detach \xff\xfe", NULL);
	ck_assert_int_eq(run.code, EXITCODE_USAGE);
	assert_contains(run.err, "not UTF-8");
	run_fini(&run);
	run = run_alone("attach a \xff\xfe", NULL);
	ck_assert_int_eq(run.code, EXITCODE_USAGE);
	run_fini(&run);
	free(huge);
}
END_TEST

START_TEST(test_no_daemon)
{
	static const char *const lines[] = { "status", "show a/cd", "targets", "images",
		"attach a b", "detach a", "reload", "version" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run run = run_alone(lines[i], NULL);

		ck_assert_int_eq(run.code, EXITCODE_NO_DAEMON);
		ck_assert_str_eq(run.err,
			"iusbctl: iusbd is not running (no socket at /nonexistent/socket); start "
			"it: systemctl start iusbd\n");
		run_fini(&run);
	}
}
END_TEST

/* An answer that is Varlink, but not this interface. */
START_TEST(test_other_answers)
{
	static const char *const lines[] = { "status", "show a/cd", "targets", "images",
		"attach a b", "detach a" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run run = run_answer(lines[i],
			"{\"parameters\":{\"slots\":7,\"detail\":[],\"targets\":{},\"images\":null}}");

		ck_assert_int_eq(run.code, EXITCODE_FAILED);
		assert_contains(run.err, "iusbctl: iusbd has answered without");
		run_fini(&run);
	}
}
END_TEST

/* Members of other types than promised: dashes, and no harm. */
START_TEST(test_other_members)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "status",
			"{\"parameters\":{\"slots\":[7,null,{},{\"slot\":7,\"state\":[],"
			"\"read\":-5,\"since\":\"x\"},{\"state\":\"strange\",\"since\":1e300}]}}" },
		{ "targets",
			"{\"parameters\":{\"targets\":[{},{\"ports\":[7,{}],\"labels\":[null,{}],"
			"\"slots\":[7]}]}}" },
		{ "images", "{\"parameters\":{\"images\":[{},{\"users\":[{}],\"size\":\"x\"}]}}" },
		{ "show a/cd",
			"{\"parameters\":{\"detail\":{\"slot\":{\"image\":\"x\"},"
			"\"by_command\":[{},7,{\"count\":1e300},{\"count\":9}],"
			"\"service_times\":[{},{\"count\":2},{\"below\":-1,\"count\":1}]}}}" },
		{ "show a/cd", "{\"parameters\":{\"detail\":{}}}" },
		{ "reload", "{\"parameters\":{\"added\":7,\"changed\":[7]}}" },
		{ "version", "{\"parameters\":{\"version\":7,\"features\":[7,\"a\"]}}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run run = run_answer(rows[i].line, rows[i].answer);

		ck_assert_int_eq(run.code, EXITCODE_DONE);
		ck_assert_str_ne(run.out, "");
		run_fini(&run);
	}
}
END_TEST

START_TEST(test_reload)
{
	struct run run = run_answer("reload",
		"{\"parameters\":{\"added\":[\"a\",\"b\"],\"changed\":[],\"removed\":[\"c\"]}}");

	ck_assert_str_eq(run.out,
		"configuration read again: 2 targets added, 0 changed, 1 removed\n"
		"  added    a, b\n"
		"  removed  c\n");
	run_fini(&run);
	run = run_answer("reload", "{\"parameters\":{\"added\":[],\"changed\":[],\"removed\":[]}}");
	ck_assert_str_eq(run.out, "configuration read again: no target has changed\n");
	run_fini(&run);
	run = run_answer("reload",
		"{\"error\":\"org.iusbd.BadConfig\",\"parameters\":{\"errors\":[\"f:1: x\",\"f:2: "
		"y\"],\"reason\":\"2 errors\"}}");
	ck_assert_int_eq(run.code, EXITCODE_FAILED);
	ck_assert_str_eq(run.err, "iusbctl: f:1: x\niusbctl: f:2: y\niusbctl: 2 errors\n");
	run_fini(&run);
}
END_TEST

START_TEST(test_not_allowed_answer)
{
	struct run run = run_answer("detach a",
		"{\"error\":\"org.iusbd.NotAllowed\",\"parameters\":{\"reason\":\"group iusb may\"}}");

	ck_assert_int_eq(run.code, EXITCODE_NOT_ALLOWED);
	ck_assert_str_eq(run.err, "iusbctl: group iusb may\n");
	run_fini(&run);
}
END_TEST

START_TEST(test_version)
{
	struct run run = run_answer("version",
		"{\"parameters\":{\"version\":\"9.9\",\"features\":[\"+systemd\",\"-libnbd\"],"
		"\"pid\":42,\"config\":\"/etc/iusbd/iusbd.conf\"}}");

	assert_contains(run.out, "iusbctl ");
	assert_contains(run.out, "iusbd   9.9 (+systemd, -libnbd)\n");
	assert_contains(run.out, "process 42, configuration /etc/iusbd/iusbd.conf\n");
	run_fini(&run);
	run = run_alone("--version", NULL);
	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_int_eq(strncmp(run.out, "iusbctl ", 8), 0);
	run_fini(&run);
	run = run_alone("attach --help", NULL);
	ck_assert_int_eq(run.code, EXITCODE_DONE);
	assert_contains(run.out, "Examples");
	run_fini(&run);
}
END_TEST

/* A result that could not be written is not a success. */
START_TEST(test_full_disk)
{
	const char *argv[] = { "iusbctl", "help", NULL };
	char *err_text;
	size_t size;
	FILE *out = fopen("/dev/full", "w"), *err = open_memstream(&err_text, &size);

	if (out != NULL) {
		ck_assert_int_eq(ctl_run(2, argv, stdin, out, err), EXITCODE_FAILED);
		fflush(err);
		assert_contains(err_text, "cannot write the result");
		fclose(out);
	}
	fclose(err);
	free(err_text);
}
END_TEST

/* --- what it looks like ------------------------------------------------------ */

/* What a function of the output prints at the time 1000000 on a terminal of that width (0: none).
 */
static char *
render(void (*print)(struct output *, const json_t *), const char *json, size_t width, bool color)
{
	struct output output;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *value = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(value);
	output_init(&output, out, out, color ? "always" : "never");
	output.width = width;
	output.now = 1000000;
	print(&output, value);
	json_decref(value);
	fclose(out);
	return text;
}

static void
assert_render(void (*print)(struct output *, const json_t *), const char *json, size_t width,
	bool color, const char *expected)
{
	char *text = render(print, json, width, color);

	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(test_slot_rows)
{
	assert_render(human_slots, SLOTS, 0, false,
		"TARGET DEV IMAGE                                       MODE STATE      READ WRITTEN "
		"     RATE SINCE REASON\n"
		"node42 fd  dos.img                                     ro   serving 1.4 MiB     0 B "
		"2.4 MiB/s 5 min \n"
		"node43 cd1 /srv/images/debian-12.5.0-amd64-netinst.iso ro   backoff     0 B     0 B "
		"        -  12 s in use by 192.168.0.77\n"
		"node44 hd  -                                           -    idle          -       - "
		"        -   now \n"
		"\n"
		"3 slots: 1 serving, 1 in backoff, 1 idle\n");
}
END_TEST

/* Paths lose their beginning, and reasons go below their row, before a line is too long. */
START_TEST(test_slot_rows_fit)
{
	char *text, *save;

	assert_render(human_slots, "[" SLOT_43 "]", 80, false,
		"TARGET DEV IMAGE        MODE STATE   READ WRITTEN RATE SINCE REASON\n"
		"node43 cd1 ~netinst.iso ro   backoff  0 B     0 B    -  12 s in use by\n"
		"                                                             192.168.0.77\n"
		"\n"
		"1 slot: 1 in backoff\n");
	assert_render(human_slots, "[" SLOT_43 "]", 64, false,
		"TARGET DEV IMAGE            MODE STATE   READ WRITTEN RATE SINCE\n"
		"node43 cd1 ~d64-netinst.iso ro   backoff  0 B     0 B    -  12 s\n"
		"    in use by 192.168.0.77\n"
		"\n"
		"1 slot: 1 in backoff\n");
	for (size_t width = 72; width < 220; width += 4) {
		text = render(human_slots, SLOTS, width, false);
		for (char *l = strtok_r(text, "\n", &save); l != NULL;
			l = strtok_r(NULL, "\n", &save))
			ck_assert_msg(strlen(l) <= width, "%zu is less than: %s", width, l);
		free(text);
	}
}
END_TEST

START_TEST(test_colors)
{
	char *text = render(human_slots, SLOTS, 0, true);

	assert_contains(text, "\033[32mserving");
	assert_contains(text, "\033[33mbackoff");
	assert_contains(text, "\033[33m1 in backoff\033[0m");
	free(text);
	text = render(human_slots, SLOTS, 0, false);
	assert_lacks(text, "\033");
	free(text);
}
END_TEST

START_TEST(test_target_rows)
{
	assert_render(human_targets,
		"[{\"target\":\"node42\",\"address\":\"10.0.0.42\",\"dialect\":\"legacy\","
		"\"transport\":\"direct\",\"ports\":[{\"device\":\"cd\",\"port\":5120},"
		"{\"device\":\"fd\",\"port\":5123}],\"labels\":[{\"key\":\"rack\",\"value\":\"r1\"}],"
		"\"slots\":[\"node42/fd\",\"node42/cd1\"]}]",
		0, false,
		"TARGET ADDRESS   DIALECT TRANSPORT PORTS           LABELS  SLOTS\n"
		"node42 10.0.0.42 legacy  direct    cd:5120 fd:5123 rack=r1 fd, cd1\n"
		"\n"
		"1 target\n");
	assert_render(human_targets, "[]", 0, false, "no targets are configured\n");
}
END_TEST

START_TEST(test_image_rows)
{
	assert_render(human_images,
		"[{\"image\":\"dos.img\",\"path\":\"/x\",\"size\":1474560,\"kind\":\"FAT12\","
		"\"boot\":\"superfloppy\",\"device\":\"fd\",\"users\":[\"a/fd\",\"b/fd\"]},"
		"{\"image\":\"empty.img\",\"size\":0,\"users\":[],\"error\":\"the file is empty\"},"
		"{\"image\":\"d.iso\",\"size\":0,\"users\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"]}]",
		0, false,
		"IMAGE        SIZE KIND     BOOT        DEV USERS\n"
		"dos.img   1.4 MiB FAT12    superfloppy fd  a/fd, b/fd\n"
		"empty.img       - unusable -           -   the file is empty\n"
		"d.iso         0 B -        -           -   1, 2, 3, 4, 5 and 2 more\n"
		"\n"
		"3 images\n");
}
END_TEST

START_TEST(test_detail)
{
	char *text = render(human_detail,
		"{\"slot\":" SLOT_43
		",\"address\":\"10.0.0.43\",\"port\":5120,\"dialect\":\"legacy\","
		"\"path\":\"/srv/x.iso\",\"size\":1474560,\"standing\":true,\"failure\":\"busy\","
		"\"retry_at\":1000030.5,\"sessions\":1,\"attempts\":4,\"keep_alives\":3,"
		"\"commands\":2881,\"failed\":1,\"last_command\":999990.0,"
		"\"last_error\":\"WRITE(10): write protected\",\"last_error_time\":999000.0,"
		"\"by_command\":[{\"opcode\":0,\"name\":\"TEST UNIT READY\",\"count\":1},"
		"{\"opcode\":40,\"name\":\"READ(10)\",\"count\":2880},"
		"{\"opcode\":158,\"name\":null,\"count\":0}],"
		"\"service_times\":[{\"below\":1.6e-5,\"count\":0},{\"below\":3.2e-5,\"count\":10},"
		"{\"below\":6.4e-5,\"count\":0},{\"below\":1.28e-4,\"count\":5},"
		"{\"below\":2.56e-4,\"count\":0}]}",
		0, false);
	static const char *const parts[] = {
		"node43/cd1: backoff\n",
		"  address        10.0.0.43 port 5120\n",
		"  state          backoff for 12 s\n",
		"  reason         in use by 192.168.0.77\n",
		"  failure        busy\n",
		"  next attempt   in 30 s\n",
		"  attempts       4 failures in a row\n",
		"  accepted       1 time\n",
		"  size           1.4 MiB (1474560 bytes)\n",
		"  attached by    the configuration file\n",
		"  commands       2881, 1 failed\n",
		"  last command   10 s ago\n",
		"  last error     WRITE(10): write protected (16 min ago)\n",
		"  READ(10)                 2880  ################################\n"
		"  TEST UNIT READY             1  #\n",
		"  below 32 us                10  ################################\n"
		"  below 64 us                 0\n"
		"  below 128 us                5  ################\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_contains(text, parts[i]);
	assert_lacks(text, "opcode");
	assert_lacks(text, "below 16 us");
	assert_lacks(text, "below 256 us");
	free(text);
}
END_TEST

static void
assert_text(char *text, const char *expected)
{
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(test_text)
{
	assert_text(text_safe("plain text"), "plain text");
	assert_text(text_safe(NULL), "-");
	assert_text(text_safe("a\033[31m\n\t\x7f"), "a\\x1b[31m\\x0a\\x09\\x7f");
	assert_text(text_safe("\xff\xfe"), "\\xff\\xfe");
	assert_text(text_keep_end("/srv/images/a.iso", 8), "~s/a.iso");
	assert_text(text_keep_end("a.iso", 5), "a.iso");
	assert_text(text_keep_end("a.iso", 1), "~");
	assert_text(text_keep_start("a long line", 7), "a long~");
	assert_text(text_keep_start("a line", 6), "a line");
	assert_text(text_wrap("one two three", 7), "one two\nthree");
	assert_text(text_wrap("one two three", 8), "one two\nthree");
	assert_text(text_wrap("one two three", 1), "o\nn\ne\nt\nw\no\nt\nh\nr\ne\ne");
	assert_text(text_wrap("unbreakable", 4), "unbr\neaka\nble");
	assert_text(text_wrap("", 4), "");
}
END_TEST

START_TEST(test_text_utf8)
{
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	assert_text(text_safe("\xc3\xa4\xe2\x82\xac"), "\xc3\xa4\xe2\x82\xac");
	assert_text(text_safe("\xc2\x9b\xe2\x80\xae"), "\\xc2\\x9b\\xe2\\x80\\xae");
	assert_text(text_safe("\xc3"), "\\xc3");
	ck_assert_uint_eq(text_width("\xc3\xa4\xe2\x82\xac"), 2);
	assert_text(text_keep_end("\xc3\xa4\xc3\xb6\xc3\xbc", 2), "\xe2\x80\xa6\xc3\xbc");
	assert_text(text_wrap("\xc3\xa4\xc3\xb6\xc3\xbc", 2), "\xc3\xa4\xc3\xb6\n\xc3\xbc");
	setlocale(LC_CTYPE, "C");
}
END_TEST

static Suite *
ctl_suite(void)
{
	Suite *suite = suite_create("ctl");

	ADD_CASE(suite, "verbs", test_status, test_status_of_all, test_json, test_json_error,
		test_nothing_acts_on_the_terminal, test_error_is_escaped, test_attach_parameters,
		test_swap_parameters, test_attach_many, test_attach_many_failed, test_attach_error,
		test_attach_interrupted, test_attach_lost, test_detach,
		test_selectors_on_standard_input, test_no_selector_on_standard_input,
		test_bad_selectors, test_no_daemon, test_other_answers, test_other_members,
		test_reload, test_not_allowed_answer, test_version, test_full_disk);
	add_rows(suite, "attach", test_attach_one, ARRAY_SIZE(attach_lines));
	add_rows(suite, "swap", test_swap, ARRAY_SIZE(swap_lines));
	ADD_CASE(suite, "look", test_slot_rows, test_slot_rows_fit, test_colors, test_target_rows,
		test_image_rows, test_detail, test_text, test_text_utf8);
	return suite;
}

int
main(void)
{
	return unit_run(ctl_suite());
}
