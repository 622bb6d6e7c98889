/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_jnlp: what the web pages of BMCs say, read from good, odd and bad bytes: JNLP, JavaScript
 * text, heads of HTTP answers. */
#include <stdio.h>
#include <string.h>

#include "bmc/asp_text.h"
#include "bmc/jnlp.h"
#include "bmc/webanswer.h"
#include "bmc/webhead.h"
#include "unit.h"

#define ARG(text)  "<argument>" text "</argument>"
#define PAIR(n, v) ARG(n) ARG(v)
#define JNLP(inner) \
	"<?xml version=\"1.0\"?><jnlp><application-desc>" inner "</application-desc></jnlp>"

static struct jnlp jnlp;
static struct reason why;

static int
parse(const char *text)
{
	reason_clear(&why);
	return jnlp_parse(text, strlen(text), &jnlp, &why);
}

static void
refuse(const char *text, const char *words)
{
	ck_assert_int_eq(parse(text), -1);
	ck_assert_msg(strstr(why.text, words) != NULL, "\"%s\" instead of \"%s\"", why.text, words);
	ck_assert_str_eq(jnlp.token, "");
}

/* ---- JNLP ---- */

START_TEST(all_arguments)
{
	ck_assert_int_eq(
		parse(JNLP(PAIR("-apptype", "JViewer") PAIR("-hostname", "10.0.0.7") PAIR(
			"-kvmtoken", "Tok3n") PAIR("-kvmtokentype", "1") PAIR("-kvmsecure",
			"1") PAIR("-kvmport", "7578") PAIR("-vmsecure", "0") PAIR("-cdstate",
			"1") PAIR("-cdport", "5120") PAIR("-cdnum", "2") PAIR("-fdstate",
			"0") PAIR("-fdport", "5122") PAIR("-fdnum", "1") PAIR("-hdstate",
			"1") PAIR("-hdport", "5123") PAIR("-hdnum", "4") PAIR("-webcookie",
			"C00kie") PAIR("-webport", "80") PAIR("-websecureport", "443") PAIR("-u",
			"admin") PAIR("-p", "secret") PAIR("-singleportenabled", "1"))),
		0);
	ck_assert_str_eq(jnlp.token, "Tok3n");
	ck_assert_str_eq(jnlp.web_cookie, "C00kie");
	ck_assert_int_eq(jnlp.token_type, 1);
	ck_assert_int_eq(jnlp.is_secure, 0);
	ck_assert_int_eq(jnlp.is_single_port, 1);
	ck_assert_int_eq(jnlp.web_port, 80);
	ck_assert_int_eq(jnlp.web_secure_port, 443);
	ck_assert_int_eq(jnlp.state[DEVICE_CD], 1);
	ck_assert_int_eq(jnlp.state[DEVICE_FD], 0);
	ck_assert_int_eq(jnlp.state[DEVICE_HD], 1);
	ck_assert_int_eq(jnlp.port[DEVICE_CD], 5120);
	ck_assert_int_eq(jnlp.port[DEVICE_FD], 5122);
	ck_assert_int_eq(jnlp.port[DEVICE_HD], 5123);
	ck_assert_int_eq(jnlp.num[DEVICE_CD], 2);
	ck_assert_int_eq(jnlp.num[DEVICE_FD], 1);
	ck_assert_int_eq(jnlp.num[DEVICE_HD], 4);
}
END_TEST

START_TEST(what_is_not_there)
{
	ck_assert_int_eq(parse(JNLP(PAIR("-kvmtoken", "") PAIR("-cdport", "70000")
					 PAIR("-hdport", "x") PAIR("-hdnum", "-1"))),
		0);
	ck_assert_str_eq(jnlp.token, "");
	ck_assert_str_eq(jnlp.web_cookie, "");
	ck_assert_int_eq(jnlp.is_secure, -1);
	ck_assert_int_eq(jnlp.port[DEVICE_CD], -1);
	ck_assert_int_eq(jnlp.port[DEVICE_FD], -1);
	ck_assert_int_eq(jnlp.port[DEVICE_HD], -1);
	ck_assert_int_eq(jnlp.num[DEVICE_HD], -1);
}
END_TEST

/* Values that look like names, names without values, names that nobody knows, odd white space. */
START_TEST(pairs_by_name)
{
	ck_assert_int_eq(
		parse(JNLP(PAIR("-title", "-not a name") PAIR("-new", "x") PAIR("-kvmtoken", "abc")
				ARG("-launch") PAIR("-cdport", "\n  5120\n ") ARG("stray")
					PAIR("-other", "") PAIR("-hdport", "&#x35;123"))),
		0);
	ck_assert_str_eq(jnlp.token, "abc");
	ck_assert_int_eq(jnlp.port[DEVICE_CD], 5120);
	ck_assert_int_eq(jnlp.port[DEVICE_HD], 5123);

	ck_assert_int_eq(parse(JNLP(ARG("-kvmtoken") "<argument/>" PAIR("-cdnum", "1"))), 0);
	ck_assert_str_eq(jnlp.token, "");
	ck_assert_int_eq(jnlp.num[DEVICE_CD], 1);
	/* In pieces: CDATA, references, comments. */
	ck_assert_int_eq(parse(JNLP(PAIR("-kvmtoken", "a<![CDATA[b<]]>&amp;<!-- x -->c"))), 0);
	ck_assert_str_eq(jnlp.token, "ab<&c");
}
END_TEST

START_TEST(bad_jnlps)
{
	char *text, *at;
	size_t room = 64 * (JNLP_ARGUMENTS_MAX + 2);

	refuse("", "no XML");
	refuse("<html><body>login<br></html>", "no XML");
	refuse("<jnlp><argument>-kvmtoken</argument><argument>abc", "no XML");
	refuse(JNLP(""), "no arguments");
	refuse(JNLP(ARG("10.0.0.7") ARG("7578") ARG("token")), "have no names");
	refuse("<!DOCTYPE jnlp SYSTEM \"http://127.0.0.1/x.dtd\">" JNLP(PAIR("-kvmtoken", "a")),
		"document type");
	refuse("<!DOCTYPE jnlp><jnlp>" PAIR("-kvmtoken", "a") "</jnlp>", "document type");
	refuse("<!DOCTYPE a [<!ENTITY b \"c\">]><jnlp>" PAIR("-kvmtoken", "&b;") "</jnlp>",
		"document type");
	refuse("<jnlp>" PAIR("-kvmtoken", "&b;") "</jnlp>", "no XML");

	text = at = malloc(room);
	at += sprintf(at, "<jnlp>");
	for (int i = 0; i <= JNLP_ARGUMENTS_MAX; i++)
		at += sprintf(at, ARG("-kvmtoken"));
	sprintf(at, "</jnlp>");
	refuse(text, "too many arguments");

	at = text;
	for (int i = 0; i <= JNLP_DEPTH_MAX; i++)
		at += sprintf(at, "<a>");
	refuse(text, "too deep");

	at = text + sprintf(text, "<jnlp>" ARG("-kvmtoken") "<argument>");
	memset(at, 'x', JNLP_VALUE_SIZE);
	sprintf(at + JNLP_VALUE_SIZE, "</argument></jnlp>");
	refuse(text, "too long");
	/* Elsewhere a long text does no harm. */
	at = text + sprintf(text, "<jnlp>" ARG("-title") "<argument>");
	memset(at, 'x', JNLP_VALUE_SIZE);
	sprintf(at + JNLP_VALUE_SIZE, "</argument>" PAIR("-kvmtoken", "abc") "</jnlp>");
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(jnlp.token, "abc");
	free(text);
}
END_TEST

/* ---- JavaScript text ---- */

START_TEST(asp_values)
{
	static const struct {
		const char *text, *value; /* of NAME; NULL: not there */
	} rows[] = {
		{ "{ 'NAME' : 'value' }", "value" },
		{ "{'NAME':'value'}", "value" },
		{ "{ \"NAME\" : \"value\" }", "value" },
		{ "NAME:0 };", "0" },
		{ "var NAME = -1;", "-1" },
		{ "NAME\n:\r\n\t'x'", "x" },
		{ "{ 'NAME' : '' }", "" },
		{ "{ 'NAME' : 'it\\'s \\\"so\\\"' }", "it's \"so\"" },
		{ "{ 'NAMES' : 'a', 'MYNAME' : 'b', 'NAME' : 'c' }", "c" },
		{ "{ 'A' : 'NAME', 'NAME' : 'b' }", "b" },
		{ "{ 'A' : 'NAME : x', 'NAME' : 'b' }", "b" },
		{ "// NAME : 'a', don't\nNAME : 'b'", "b" },
		{ "/* 'NAME' : 'a' don't */ 'NAME' : 'b'", "b" },
		{ "'unfinished\n'NAME' : 'b'", "b" },
		{ "'NAME' : { 'x' : 1 }, 'NAME' : 'b'", "b" },
		{ "NAME : 'first', NAME : 'second'", "first" },
		{ "'NAME' : 'cut of", "cut of" },
		{ "'NAME' : 'a\x01' ", NULL },
		{ "'NAME' : '\xc3\xb6'", NULL },
		{ "'NAME' : 'longer than fifteen'", NULL },
		{ "'NAME' :", NULL },
		{ "'NAME'", NULL },
		{ "'NAME", NULL },
		{ "NAME 'x'", NULL },
		{ "/* 'NAME' : 'a'", NULL },
		{ "'\\", NULL },
		{ "", NULL },
	};
	char out[16];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_there =
			asp_text_find(rows[i].text, strlen(rows[i].text), "NAME", out, sizeof(out));

		ck_assert_msg(is_there == (rows[i].value != NULL), "row %zu", i);
		ck_assert_str_eq(out, rows[i].value ? rows[i].value : "");
	}
}
END_TEST

START_TEST(asp_numbers)
{
	static const char text[] = "A:0,B:'65535',C:65536,D:-1,E:true,F:'Disabled',G:'',H:1x";
	static const int values[] = { 0, 65535, -1, -1, 1, 0, -1, -1 };

	for (int i = 0; i < (int)ARRAY_SIZE(values); i++)
		ck_assert_int_eq(
			asp_text_number(text, strlen(text), (char[]){ (char)('A' + i), '\0' }),
			values[i]);
}
END_TEST

/* ---- heads of answers ---- */

static char passed[4096];
static size_t n_passed;

static void
pass_cb(void *arg, const void *bytes, size_t len)
{
	(void)arg;
	ck_assert_uint_lt(n_passed + len, sizeof(passed));
	memcpy(passed + n_passed, bytes, len);
	n_passed += len;
	passed[n_passed] = '\0';
}

#define LINE "HTTP/1.1 200 OK\r\n"
#define REST "Server: x\r\n\r\nbody HTTP/1.1 200 OK\r\n"

static const struct {
	const char *in, *out;
	bool is_held; /* some of it until the end */
} heads[] = {
	{ LINE REST, LINE REST, false },
	{ LINE LINE REST, LINE REST, false },
	{ LINE LINE LINE REST, LINE REST, false },
	{ LINE "\r\n" LINE REST, LINE REST, false },
	{ LINE "\n" LINE REST, LINE REST, false },
	{ "HTTP/1.0 200 OK\r\nHTTP/1.1 401 No\r\n" REST, "HTTP/1.1 401 No\r\n" REST, false },
	{ LINE "\r\nbody", LINE "\r\nbody", false },
	{ LINE "\r\nHTTPS is nice", LINE "\r\nHTTPS is nice", false },
	{ LINE "\r\n\r\n" LINE, LINE "\r\n\r\n" LINE, false },
	{ LINE "\r\n", LINE "\r\n", true },
	{ LINE "\r\nHT", LINE "\r\nHT", true },
	{ "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", false },
	{ "HTTP/1.1 100 Go on\r\n\r\n" LINE REST, "HTTP/1.1 100 Go on\r\n\r\n" LINE REST, false },
	{ "HTTP/1.1", "HTTP/1.1", true },
	{ "garbage", "garbage", false },
	{ "\r\n\r\n", "\r\n\r\n", false },
	{ "", "", false },
};

/* In one piece, and byte by byte. */
START_TEST(heads_are_mended)
{
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		for (size_t piece = 1; piece < 100; piece += 98) {
			struct webhead head = { 0 };
			const char *at = heads[i].in;

			n_passed = 0;
			passed[0] = '\0';
			while (*at) {
				size_t len = strnlen(at, piece);

				webhead_feed(&head, at, len, pass_cb, NULL);
				at += len;
			}
			ck_assert_msg(heads[i].is_held == (strcmp(passed, heads[i].out) != 0),
				"row %zu: \"%s\"", i, passed);
			webhead_end(&head, pass_cb, NULL);
			ck_assert_str_eq(passed, heads[i].out);
		}
	}
}
END_TEST

START_TEST(long_status_line)
{
	char line[3 * WEBHEAD_LINE_MAX];
	struct webhead head = { 0 };

	n_passed = 0;
	memset(line, 'x', sizeof(line));
	memcpy(line, "HTTP/1.1 200 ", 13);
	webhead_feed(&head, line, sizeof(line), pass_cb, NULL);
	ck_assert_uint_eq(n_passed, sizeof(line));
	ck_assert_mem_eq(passed, line, sizeof(line));
}
END_TEST

/* ---- answers ---- */

static void
line(struct webanswer *answer, const char *text)
{
	webanswer_line(answer, text, strlen(text));
}

START_TEST(answer_head)
{
	struct webanswer answer;
	char text[COOKIE_SIZE + 100];

	webanswer_init(&answer, "SID");
	line(&answer, "HTTP/1.1 302 Found\r\n");
	line(&answer, "LOCATION:   /login?a=b  \r\n");
	line(&answer, "Set-Cookie: SIDE=no; SID=no\r\n");
	line(&answer, "set-cookie: SID = \"yes\" ; Path=/\r\n");
	line(&answer, "Set-Cookie: SID=\r\n");
	line(&answer, "Set-Cookie: SID=a b\r\n");
	line(&answer, "Set-Cookie: SID\r\n");
	line(&answer, "Set-Cookie:\r\n");
	line(&answer, "Set-Cookie\r\n");
	ck_assert_int_eq(answer.status, 302);
	ck_assert_str_eq(answer.location, "/login?a=b");
	ck_assert_str_eq(answer.cookie, "yes");
	memset(text, 'x', sizeof(text));
	memcpy(text, "Set-Cookie: SID=", 16);
	webanswer_line(&answer, text, sizeof(text));
	ck_assert_str_eq(answer.cookie, "yes");
	line(&answer, "WWW-Authenticate: digest realm=x\r\n");
	ck_assert(answer.wants_digest);

	line(&answer, "HTTP/1.0 20\r\n");
	ck_assert_int_eq(answer.status, 0);
	ck_assert_str_eq(answer.location, "");
	ck_assert_str_eq(answer.cookie, "");
	ck_assert(!answer.wants_digest);
	line(&answer, "HTTP/1.0  200\r\n");
	ck_assert_int_eq(answer.status, 200);
	line(&answer, "HTTP/1.0");
	ck_assert_int_eq(answer.status, 0);
	webanswer_fini(&answer);
}
END_TEST

START_TEST(answer_body)
{
	struct webanswer answer;
	char piece[1000];
	size_t n = 0;

	memset(piece, 'x', sizeof(piece));
	webanswer_init(&answer, NULL);
	ck_assert_str_eq(answer.body, "");
	while (webanswer_add(&answer, piece, sizeof(piece)))
		n += sizeof(piece);
	ck_assert_uint_eq(answer.len, n);
	ck_assert_uint_le(n, WEBANSWER_BODY_MAX);
	ck_assert_uint_gt(n, WEBANSWER_BODY_MAX - sizeof(piece));
	ck_assert_uint_eq(strlen(answer.body), n);
	ck_assert(webanswer_add(&answer, piece, WEBANSWER_BODY_MAX - n));
	ck_assert(!webanswer_add(&answer, piece, 1));
	webanswer_fini(&answer);
	ck_assert_ptr_null(answer.body);
	webanswer_fini(&answer);
}
END_TEST

START_TEST(answer_words)
{
	static const struct {
		const char *body;
		bool is_page, is_refused, is_full;
	} rows[] = {
		{ "\n <html>", true, false, false },
		{ "{ \"error\": \"Invalid credentials\" }", false, true, false },
		{ "<h1>Login FAILED</h1>", true, true, false },
		{ "Session table is full", false, false, true },
		{ "'Failure_Session_Limit'", false, true, true },
		{ "the session is yours", false, false, false },
		{ "the disk is full", false, false, false },
		{ "", false, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct webanswer answer;

		webanswer_init(&answer, NULL);
		ck_assert(webanswer_add(&answer, rows[i].body, strlen(rows[i].body)));
		ck_assert_int_eq(webanswer_is_page(&answer), rows[i].is_page);
		ck_assert_int_eq(webanswer_says_refused(&answer), rows[i].is_refused);
		ck_assert_int_eq(webanswer_says_full(&answer), rows[i].is_full);
		webanswer_fini(&answer);
	}
}
END_TEST

static Suite *
jnlp_suite(void)
{
	Suite *suite = suite_create("jnlp");
	TCase *tc = tcase_create("jnlp");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, all_arguments);
	tcase_add_test(tc, what_is_not_there);
	tcase_add_test(tc, pairs_by_name);
	tcase_add_test(tc, bad_jnlps);
	tcase_add_test(tc, asp_values);
	tcase_add_test(tc, asp_numbers);
	tcase_add_test(tc, heads_are_mended);
	tcase_add_test(tc, long_status_line);
	tcase_add_test(tc, answer_head);
	tcase_add_test(tc, answer_body);
	tcase_add_test(tc, answer_words);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return unit_run(jnlp_suite());
}
