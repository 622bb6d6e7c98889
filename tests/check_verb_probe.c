/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_verb_probe: "iusbctl probe" against a daemon that answers from a script: what it asks, what
 * it prints, and how it ends. */
#include <jansson.h>
#include <string.h>

#include "cases.h"
#include "ctl/exitcode.h"
#include "run_ctl.h"

#define FINGERPRINT "ab12000000000000000000000000000000000000000000000000000000000000"
#define ANOTHER     "cd34000000000000000000000000000000000000000000000000000000000000"

#define PORT(port, service, state, secure, tls, legacy, reason)             \
	"{\"port\":" port ",\"service\":\"" service "\",\"state\":\"" state \
	"\",\"secure\":" secure ",\"tls\":" tls ",\"legacy\":" legacy ",\"reason\":" reason "}"

#define CERTIFICATE(use, pinned, trusted)                                                     \
	"{\"use\":\"" use "\",\"port\":443,\"fingerprint\":\"" FINGERPRINT                    \
	"\",\"subject\":\"CN=bmc\",\"issuer\":\"CN=bmc\",\"not_after\":\"2031-05-01\","       \
	"\"self_signed\":true,\"tls\":\"TLSv1\",\"cipher\":\"AES256-SHA\",\"pinned\":" pinned \
	",\"trusted\":" trusted "}"

#define SLOT(name, state, holder, image, reason)                                     \
	"{\"slot\":\"" name "\",\"device\":\"cd\",\"instance\":0,\"state\":\"" state \
	"\",\"holder\":" holder ",\"image\":" image ",\"reason\":" reason "}"

#define REPORT(found, dialect, certificates)                                                                           \
	"{\"target\":\"node42\",\"address\":\"10.0.0.42\",\"numeric\":\"10.0.0.42\","                                  \
	"\"found\":" found ",\"dialect\":" dialect ",\"evidence\":\"its web pages\","                                  \
	"\"configured\":\"legacy\",\"waits_for_login\":false,\"legacy_tls\":true,"                                     \
	"\"way\":{\"transport\":\"direct\",\"device\":\"cd\",\"port\":5124,"                                           \
	"\"secure\":true},\"reason\":null,\"ports\":[" PORT(                                                           \
		"443", "web", "open", "true", "\"TLSv1\"", "true", "null") "," PORT("5120", "cd",                      \
		"closed", "false", "null", "false", "\"not listening\"") "," PORT("5124", "cd",                        \
		"ours", "true", "\"TLSv1.2\"", "false", "null") "," PORT("5126", "fd", "open",                         \
		"true", "null", "false", "\"no TLS on this port\"") "," PORT("7578", "console",                        \
		"silent", "false", "null", "false",                                                                    \
		"\"no answer\"") "],\"certificates\":[" certificates                                                   \
				 "],\"web\":{\"port\":443,\"secure\":true,"                                            \
				 "\"flow\":\"asp\",\"reason\":null},\"login\":{\"failure\":null,\"reason\":null,"      \
				 "\"licence\":false,\"single_port\":false,\"secure\":true},\"devices\":["              \
				 "{\"device\":\"cd\",\"slots\":2,\"port\":5124,\"attached\":true},"                    \
				 "{\"device\":\"hd\",\"slots\":1,\"port\":5127,\"attached\":false}],\"slots\":[" SLOT( \
					 "node42/cd", "ours", "null", "\"dos.iso\"",                                   \
					 "null") "," SLOT("node42/cd1", "in-use", "\"10.0.0.7\"",                      \
					 "null",                                                                       \
					 "null") "," SLOT("node42/hd", "detached", "null", "null",                     \
					 "null") "," SLOT("node42/fd", "unknown", "null", "null",                      \
					 "null") "],\"stanza\":\"  { name = \\\"node42\\\";\\n    login = { }; }\\n\"}"

#define ANSWER(report) "{\"parameters\":{\"progress\":null,\"report\":" report "}}"
#define GOOD           ANSWER(REPORT("true", "\"asp\"", CERTIFICATE("web", "null", "false")))

static const char no_target[] =
	"{\"error\":\"org.iusbd.NoSuchTarget\",\"parameters\":{\"selector\":\"nod42\","
	"\"reason\":\"there is no target \\\"nod42\\\"; did you mean \\\"node42\\\"?\"}}";
static const char no_address[] =
	"{\"error\":\"org.iusbd.NoSuchTarget\",\"parameters\":{\"selector\":\"nod42\","
	"\"reason\":\"cannot resolve nod42: no such name\"}}";

/* ---- what is asked ---- */

START_TEST(a_target_is_asked_for_first)
{
	struct run run = run_answer("probe node42", GOOD);

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_uint_eq(run.requests.count, 1);
	ck_assert_str_eq(run.requests.items[0],
		"{\"method\":\"org.iusbd.Probe\",\"parameters\":{\"target\":\"node42\","
		"\"slots\":false,\"trust\":false},\"more\":true}");
	run_fini(&run);
}
END_TEST

START_TEST(what_is_no_target_is_an_address)
{
	const struct answer answers[] = { { no_target, 0 }, { GOOD, 0 } };
	struct run run = run_with("probe --slots 10.0.0.42", NULL, answers, 2, FAKE_HOLD);

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	ck_assert_str_eq(run.err, "");
	ck_assert_uint_eq(run.requests.count, 2);
	assert_contains(run.requests.items[1],
		"\"parameters\":{\"address\":\"10.0.0.42\",\"slots\":true,\"trust\":false}");
	run_fini(&run);
}
END_TEST

START_TEST(what_is_neither_is_not_found)
{
	const struct answer answers[] = { { no_target, 0 }, { no_address, 0 } };
	struct run run = run_with("probe nod42", NULL, answers, 2, FAKE_HOLD);

	ck_assert_int_eq(run.code, EXITCODE_NOT_FOUND);
	ck_assert_str_eq(run.out, "");
	ck_assert_str_eq(run.err,
		"iusbctl: there is no target \"nod42\"; did you mean \"node42\"?\n"
		"iusbctl: cannot resolve nod42: no such name\n");
	run_fini(&run);
}
END_TEST

START_TEST(one_argument_is_wanted)
{
	struct run none = run_alone("probe", NULL), two = run_alone("probe a b", NULL);

	ck_assert_int_eq(none.code, EXITCODE_USAGE);
	ck_assert_int_eq(two.code, EXITCODE_USAGE);
	run_fini(&none);
	run_fini(&two);
}
END_TEST

/* ---- what is printed ---- */

START_TEST(a_report_for_a_person)
{
	struct run run = run_answer("probe node42", GOOD);

	ck_assert_str_eq(run.out, "node42 (10.0.0.42): asp\n"
				  "\n"
				  "Ports\n"
				  "PORT SERVICE STATE     TLS     NOTE\n"
				  " 443 web     open      TLSv1   only with tls.legacy\n"
				  "5120 cd      closed    -       \n"
				  "5124 cd      serving   TLSv1.2 -\n"
				  "5126 fd      open      failed  no TLS on this port\n"
				  "7578 console no answer -       \n"
				  "\n"
				  "BMC\n"
				  "  dialect        asp (its web pages)\n"
				  "  configured     legacy\n"
				  "  transport      direct: cd on port 5124, TLS\n"
				  "  TLS            old: needs tls.legacy\n"
				  "  web interface  port 443, TLS: asp (pages that end in .asp)\n"
				  "  login          accepted\n"
				  "  licence        missing\n"
				  "  slots          cd 2, hd 1 (detached)\n"
				  "\n"
				  "Certificate of the web ports\n"
				  "  SHA-256        " FINGERPRINT "\n"
				  "  subject        CN=bmc\n"
				  "  issuer         itself (self-signed)\n"
				  "  valid until    2031-05-01\n"
				  "  seen with      port 443, TLSv1, AES256-SHA\n"
				  "\n"
				  "Slots\n"
				  "SLOT       STATE     HOLDER   NOTE\n"
				  "node42/cd  serving   iusbd    dos.iso\n"
				  "node42/cd1 in use    10.0.0.7 -\n"
				  "node42/hd  detached  -        in the BMC's attach mode\n"
				  "node42/fd  not asked -        --slots asks\n"
				  "\n"
				  "For the list \"targets\" of iusbd.conf\n"
				  "  { name = \"node42\";\n"
				  "    login = { }; }\n");
	run_fini(&run);
}
END_TEST

START_TEST(a_report_as_json_is_an_array_of_one)
{
	struct run run = run_answer("--json probe node42", GOOD);
	json_t *array = json_loads(run.out, 0, NULL);

	ck_assert_uint_eq(json_array_size(array), 1);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(array, 0), "dialect")), "asp");
	json_decref(array);
	run_fini(&run);
}
END_TEST

static const struct pin_row {
	const char *pinned, *trusted, *text;
} pin_rows[] = {
	{ "null", "false", NULL },
	{ "\"" FINGERPRINT "\"", "false", "  pinned         yes, this one\n" },
	{ "\"" ANOTHER "\"", "false", "  pinned         another one: " ANOTHER "\n" },
	{ "\"" ANOTHER "\"", "true", "  pinned         yes, from now on instead of " ANOTHER "\n" },
	{ "null", "true", "  pinned         yes, from now on\n" },
};

START_TEST(a_pinned_certificate_is_told)
{
	const struct pin_row *row = &pin_rows[_i];
	char answer[8192];
	struct run run;

	snprintf(answer, sizeof(answer),
		ANSWER(REPORT("true", "\"asp\"", CERTIFICATE("web", "%s", "%s"))), row->pinned,
		row->trusted);
	run = run_answer("probe node42", answer);
	ck_assert_int_eq(run.code, EXITCODE_DONE);
	if (row->text)
		assert_contains(run.out, row->text);
	else
		assert_lacks(run.out, "pinned");
	run_fini(&run);
}
END_TEST

START_TEST(one_certificate_is_described_once)
{
	struct run run = run_answer(
		"probe node42", ANSWER(REPORT("true", "\"asp\"",
					CERTIFICATE("web", "null", "false") "," CERTIFICATE(
						"media", "null", "false"))));

	assert_contains(run.out, "Certificate of the media ports\n  SHA-256        the same\n");
	run_fini(&run);
}
END_TEST

/* ---- how it ends ---- */

START_TEST(nothing_there_is_a_failure)
{
	struct run run = run_answer("probe node42", ANSWER(REPORT("false", "null", "")));

	ck_assert_int_eq(run.code, EXITCODE_FAILED);
	assert_contains(run.out, "node42 (10.0.0.42): nothing answers\n");
	assert_lacks(run.out, "iusbd.conf");
	ck_assert_str_eq(run.err, "iusbctl: nothing answers at node42\n");
	run_fini(&run);
}
END_TEST

START_TEST(nothing_to_trust_is_a_failure)
{
	struct run some = run_answer("probe --trust node42",
		ANSWER(REPORT("true", "\"asp\"", CERTIFICATE("web", "null", "true"))));
	struct run none = run_answer("probe --trust node42", GOOD);

	ck_assert_int_eq(some.code, EXITCODE_DONE);
	assert_contains(some.requests.items[0], "\"trust\":true");
	ck_assert_int_eq(none.code, EXITCODE_FAILED);
	ck_assert_str_eq(none.err, "iusbctl: node42 has shown no certificate: none is pinned\n");
	run_fini(&some);
	run_fini(&none);
}
END_TEST

START_TEST(progress_is_not_the_answer)
{
	static const char both[] =
		"{\"parameters\":{\"progress\":\"looking at 9 ports\",\"report\":null},"
		"\"continues\":true}\0" GOOD;
	const struct answer answers[] = { { both, sizeof(both) } };
	struct run run = run_with("probe node42", NULL, answers, 1, FAKE_HOLD);

	ck_assert_int_eq(run.code, EXITCODE_DONE);
	assert_contains(run.out, "node42 (10.0.0.42): asp\n");
	assert_lacks(run.out, "looking at");
	run_fini(&run);
}
END_TEST

START_TEST(other_errors_are_told_as_they_are)
{
	struct run busy = run_answer("probe node42",
		"{\"error\":\"org.iusbd.Busy\",\"parameters\":{\"reason\":\"node42 is being "
		"probed already\"}}");
	struct run odd = run_answer("probe node42", "{\"parameters\":{}}");
	struct run gone = run_alone("probe node42", NULL);

	ck_assert_int_eq(busy.code, EXITCODE_FAILED);
	assert_contains(busy.err, "node42 is being probed already\n");
	ck_assert_int_eq(odd.code, EXITCODE_FAILED);
	assert_contains(odd.err, "\"report\"");
	ck_assert_int_eq(gone.code, EXITCODE_NO_DAEMON);
	run_fini(&busy);
	run_fini(&odd);
	run_fini(&gone);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("verb_probe");

	ADD_CASE(suite, "asks", a_target_is_asked_for_first, what_is_no_target_is_an_address,
		what_is_neither_is_not_found, one_argument_is_wanted);
	ADD_CASE(suite, "prints", a_report_for_a_person, a_report_as_json_is_an_array_of_one,
		one_certificate_is_described_once);
	add_rows(suite, "pins", a_pinned_certificate_is_told, ARRAY_SIZE(pin_rows));
	ADD_CASE(suite, "ends", nothing_there_is_a_failure, nothing_to_trust_is_a_failure,
		progress_is_not_the_answer, other_errors_are_told_as_they_are);
	return unit_run(suite);
}
