/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_host: the built-in host of iusb-bmcsim: what its scripts see on good and on bad media. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "bmcsim/bmc.h"
#include "bmcsim/host.h"
#include "fake_client.h"
#include "loop.h"

enum {
	BLOCKS = 700, /* more than two of the largest transfers, and a rest */
	SIZE = BLOCKS * 512,
	CD_BLOCKS = 150,
};

static struct event_base *base;
static struct bmc *bmc;
static struct host *host;
static struct host_script *script;
static struct fake_client client;
static uint8_t medium[SIZE];
static const char *dialect = "legacy";
static char directory[] = "/tmp/check_host.XXXXXX";

/* What the host said, and how its runs ended. */
static char said[4096];
static unsigned good_runs, bad_runs;

static void
bmc_event(void *arg, struct bmc *from, enum device device, int instance, enum bmc_event event,
	const char *why)
{
	(void)arg;
	(void)from;
	(void)device;
	(void)instance;
	ck_assert_msg(event != BMC_COMPLAINT, "%s", why);
	if (event == BMC_CONNECTED || event == BMC_DISCONNECTED)
		host_client_changed(host, event == BMC_CONNECTED);
}

static void
say(void *arg, struct host *from, const char *line)
{
	(void)arg;
	ck_assert_ptr_nonnull(from);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

static void
done(void *arg, struct host *from, bool is_good)
{
	(void)arg;
	ck_assert(!host_is_running(from));
	*(is_good ? &good_runs : &bad_runs) += 1;
}

static void
setup(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	base = event_base_new();
	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i * 31 + i / 512);
	dialect = "legacy";
	said[0] = '\0';
	good_runs = bad_runs = 0;
	client_init(&client, base, medium, BLOCKS, 512);
}

static void
teardown(void)
{
	client_fini(&client);
	host_free(host);
	host = NULL;
	bmc_free(bmc);
	host_script_free(script);
	event_base_free(base);
	unlink("image");
	unlink("part");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(directory);
}

static void
write_file(const char *name, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void
client_log_in_as(struct fake_client *from, struct bmc *to, enum device device)
{
	if (strcmp(dialect, "legacy") == 0)
		client_connect(from, bmc_port(to, device));
	else
		client_log_in(from, bmc_port(to, device), 0, "token");
}

static void
start_run(enum device device, const char *text)
{
	struct bmc_conf conf = {
		.name = "sim001",
		.dialect = dialect_find(dialect),
		.owner_field = 24,
		.filter = strcmp(dialect, "legacy") ? FILTER_ON : FILTER_OFF,
		.has_host = { true, true, true },
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.slots = { 1, 1, 1 },
		.quirks = QUIRK_ALL,
		.idle = 100000,
		.patience = 100000,
		.is_strict = true,
	};
	struct reason why = { "" };

	script = host_script_new(text, &why);
	ck_assert_msg(script != NULL, "%s", why.text);
	bmc = bmc_new(base, &conf, bmc_event, NULL, &why);
	ck_assert_msg(bmc != NULL, "%s", why.text);
	host = host_new(base, bmc, device, 0, script, say, done, NULL);
	client_log_in_as(&client, bmc, device);
}

/* Runs the script until it has ended once. */
static void
run(enum device device, const char *text)
{
	start_run(device, text);
	LOOP_UNTIL(base, good_runs + bad_runs > 0);
}

/* Bit by bit, not as the host does it. */
static uint32_t
crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return ~crc;
}

START_TEST(a_good_disk)
{
	char expected[512];

	client.has_attention = true;
	write_file("image", medium, sizeof(medium));
	run(DEVICE_FD, "enumerate,ready,read,compare=image,sense,eject");
	snprintf(expected, sizeof(expected),
		"enumerate: AMI Virtual Floppy 1.00, 700 blocks of 512 bytes, writable\n"
		"ready: the drive is ready\n"
		"read: 358400 bytes, crc32 %08x, ",
		crc32_of(medium, sizeof(medium)));
	ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s", said);
	ck_assert_ptr_nonnull(strstr(said, "\ncompare image: 358400 bytes equal\n"
					   "sense: 00/00/00\n"
					   "eject: the drive accepted it\n"
					   "host script done: good\n"));
	ck_assert_uint_eq(good_runs, 1);
	ck_assert_uint_eq(client.ejects, 1);
}
END_TEST

START_TEST(a_good_cd)
{
	client.block_len = 2048;
	client.blocks = CD_BLOCKS;
	write_file("image", medium, CD_BLOCKS * 2048);
	run(DEVICE_CD, "enumerate,compare=image");
	ck_assert_str_eq(said,
		"enumerate: AMI Virtual CDROM0 1.00, 150 blocks of 2048 bytes, one data track\n"
		"compare image: 307200 bytes equal\n"
		"host script done: good\n");
}
END_TEST

START_TEST(a_file_with_a_broken_last_block)
{
	write_file("image", medium, sizeof(medium));
	write_file("part", medium, sizeof(medium) - 100);
	memset(medium + sizeof(medium) - 100, 0, 100); /* padded with zeros */
	run(DEVICE_HD, "compare=part");
	ck_assert_str_eq(said, "compare part: 358300 bytes equal\nhost script done: good\n");
}
END_TEST

START_TEST(one_wrong_byte_is_found)
{
	write_file("image", medium, sizeof(medium));
	medium[300 * 512 + 7] ^= 0x80;
	run(DEVICE_HD, "compare=image,ready");
	ck_assert_ptr_nonnull(strstr(
		said, "compare image: FAIL: first difference at byte 153607 (block 300): medium "));
	ck_assert_ptr_nonnull(strstr(said, "ready: the drive is ready\n"));
	ck_assert_ptr_nonnull(strstr(said, "host script done: bad (1 of 2 steps failed)\n"));
	ck_assert_uint_eq(bad_runs, 1);
}
END_TEST

START_TEST(another_size_is_found)
{
	write_file("image", medium, 1000);
	run(DEVICE_HD, "compare=image");
	ck_assert_str_eq(said, "compare image: FAIL: the medium has 358400 bytes, the file 1000\n"
			       "host script done: bad (1 of 1 steps failed)\n");
}
END_TEST

START_TEST(a_bad_block_is_found)
{
	client.bad_block = 511;
	run(DEVICE_HD, "read");
	ck_assert_str_eq(said, "read: FAIL: READ(10) of 256 blocks at 256 failed with 03/11/00\n"
			       "host script done: bad (1 of 1 steps failed)\n");
}
END_TEST

START_TEST(what_is_written_is_there)
{
	uint8_t bytes[513 * 300 + 1];

	memset(bytes, 0x5A, sizeof(bytes));
	write_file("part", bytes, sizeof(bytes));
	run(DEVICE_HD, "write=part@10");
	ck_assert_str_eq(said,
		"write part: 153901 bytes in 301 blocks at 10 written, read back equal\n"
		"host script done: good\n");
	ck_assert_mem_eq(medium + 10 * 512, bytes, sizeof(bytes));
	ck_assert_uint_eq(medium[10 * 512 + sizeof(bytes)], 0);
}
END_TEST

START_TEST(a_drive_that_lies_about_writing_is_found)
{
	write_file("part", (const uint8_t *)"hello", 5);
	client.is_lying = true;
	run(DEVICE_FD, "write=part");
	ck_assert_ptr_nonnull(
		strstr(said, "write part: FAIL: first difference at byte 0 (block 0)"));
	ck_assert_uint_eq(bad_runs, 1);
}
END_TEST

START_TEST(a_write_behind_the_end_is_not_tried)
{
	write_file("part", medium, 1024);
	run(DEVICE_FD, "write=part@699");
	ck_assert_ptr_nonnull(strstr(said, "2 blocks at 699 do not fit on a medium of 700"));
}
END_TEST

START_TEST(write_protection_is_expected)
{
	client.is_read_only = true;
	write_file("part", medium, 512);
	run(DEVICE_FD, "enumerate,write-protected,write=part");
	ck_assert_ptr_nonnull(strstr(said, "bytes, write protected\n"));
	ck_assert_ptr_nonnull(
		strstr(said, "write-protected: the drive refused a write with 07/27/00\n"));
	ck_assert_ptr_nonnull(
		strstr(said, "write part: FAIL: WRITE(10) of 1 blocks at 0 failed with 07/27/00"));
	ck_assert_ptr_nonnull(strstr(said, "bad (1 of 3 steps failed)"));
}
END_TEST

START_TEST(missing_write_protection_is_found)
{
	uint8_t before[512];

	memcpy(before, medium, sizeof(before));
	run(DEVICE_FD, "write-protected");
	ck_assert_ptr_nonnull(strstr(said, "write-protected: FAIL: the drive accepted a write\n"));
	ck_assert_mem_eq(medium, before, sizeof(before));
}
END_TEST

static void
wrong_toc(struct fake_client *from, uint8_t *answer, size_t *len)
{
	(void)from;
	(void)len;
	if (answer[41] == 0x43)
		answer[61 + 19]++;
}

START_TEST(a_wrong_table_of_contents_is_found)
{
	client.block_len = 2048;
	client.blocks = CD_BLOCKS;
	client.tamper = wrong_toc;
	run(DEVICE_CD, "enumerate");
	ck_assert_ptr_nonnull(
		strstr(said, "enumerate: FAIL: the table of contents has a wrong lead-out\n"));
}
END_TEST

START_TEST(a_wrong_block_length_is_found)
{
	client.block_len = 1024;
	run(DEVICE_HD, "read");
	ck_assert_ptr_nonnull(
		strstr(said, "read: FAIL: READ CAPACITY: 700 blocks of 1024 bytes, not 512\n"));
}
END_TEST

START_TEST(a_client_that_goes_fails_the_script)
{
	client.quits_after = 2;
	run(DEVICE_HD, "read,ready");
	ck_assert_str_eq(said, "read: FAIL: the client is gone\n"
			       "host script done: bad (1 of 2 steps failed)\n");
	ck_assert_uint_eq(bad_runs, 1);
	/* The next one starts it again. */
	client.quits_after = 0;
	client_connect(&client, bmc_port(bmc, DEVICE_HD));
	LOOP_UNTIL(base, good_runs == 1);
	ck_assert_uint_eq(bad_runs, 1);
}
END_TEST

START_TEST(a_loop_repeats)
{
	run(DEVICE_HD, "ready,loop");
	LOOP_UNTIL(base, good_runs >= 5);
	ck_assert_uint_eq(bad_runs, 0);
}
END_TEST

START_TEST(a_pause_ends)
{
	run(DEVICE_HD, "pause=0.01,ready");
	ck_assert_uint_eq(good_runs, 1);
	ck_assert_ptr_nonnull(strstr(said, "pause: 10 ms\n"));
}
END_TEST

/* Which TEST UNIT READY of the host get 06/28/00, counted from 1: a bit each. The very first is the
 * BMC's own. */
static unsigned attentions;

/* What GET EVENT STATUS tells; 0: it is not supported. */
static uint8_t media_event;

static void
tell_of_change(struct fake_client *from, uint8_t *answer, size_t *len)
{
	if (answer[41] == 0x00 && from->tampered < 31 && attentions & 1U << from->tampered++)
		memcpy(answer + 53, "\x01\x06\x28\x00", 4);
	if (answer[41] != 0x4A || media_event == 0)
		return;
	memcpy(answer + 53, "\x00\x00\x00\x00\x08\x00\x00\x00", 8);
	memcpy(answer + 61, "\x00\x06\x04\x10\x00\x02\x00\x00", 8);
	answer[65] = media_event;
	answer[11] = (uint8_t)(answer[11] - 8); /* the checksum of a header with 8 more bytes */
	set_le32(answer + 12, 29 + 8);
	*len = 61 + 8;
}

static const struct {
	enum device device;
	unsigned attentions;
	uint8_t event;
	bool is_other; /* the medium is not what the file has */
	const char *said;
} changes[] = {
	{ DEVICE_FD, 1 << 1, 0, false, "told once with 06/28/00, 307200 bytes equal\n" },
	{ DEVICE_HD, 1 << 3, 0, false, "told once with 06/28/00, 307200 bytes equal\n" },
	{ DEVICE_CD, 1 << 2, 2, false, "told once with 06/28/00, 307200 bytes equal\n" },
	{ DEVICE_CD, 1 << 2, 0, false, "told once with 06/28/00, 307200 bytes equal\n" },
	{ DEVICE_CD, 1 << 2, 1, false, "FAIL: GET EVENT STATUS does not tell of a new medium\n" },
	{ DEVICE_FD, 1 << 1, 0, true, "FAIL: first difference at byte 5 (block 0): " },
	{ DEVICE_FD, 1 << 2 | 1 << 3, 0, false,
		"FAIL: TEST UNIT READY behind 06/28/00 failed with 06/28/00\n" },
	{ DEVICE_FD, 1 << 1 | 1 << 3, 0, false,
		"FAIL: TEST UNIT READY behind the change failed with 06/28/00\n" },
};

START_TEST(a_change_is_waited_for)
{
	char expected[128];

	client.block_len = changes[_i].device == DEVICE_CD ? 2048 : 512;
	client.blocks = CD_BLOCKS * 2048 / client.block_len;
	client.tamper = tell_of_change;
	attentions = changes[_i].attentions;
	media_event = changes[_i].event;
	write_file("image", medium, CD_BLOCKS * 2048);
	medium[5] ^= changes[_i].is_other;
	run(changes[_i].device, "change=image");
	snprintf(expected, sizeof(expected), "change image: %s", changes[_i].said);
	ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s", said);
	ck_assert_uint_eq(bad_runs, strncmp(changes[_i].said, "FAIL", 4) == 0);
}
END_TEST

/* Every device of every dialect, as its own machine sees it. */
static const struct {
	const char *dialect;
	enum device device;
} machines[] = {
	{ "asp", DEVICE_CD },
	{ "asp", DEVICE_FD },
	{ "asp", DEVICE_HD },
	{ "rest", DEVICE_CD },
	{ "rest", DEVICE_HD },
	{ "rest-gadget", DEVICE_CD },
	{ "rest-gadget", DEVICE_HD },
};

START_TEST(every_dialect_has_its_machine)
{
	bool is_gadget = strcmp(machines[_i].dialect, "rest-gadget") == 0;
	enum device device = machines[_i].device;

	dialect = machines[_i].dialect;
	client.block_len = device == DEVICE_CD ? 2048 : 512;
	client.blocks = CD_BLOCKS * 2048 / client.block_len;
	client.has_attention = true;
	write_file("image", medium, CD_BLOCKS * 2048);
	run(device, "enumerate,ready,compare=image,sense,eject");
	ck_assert_ptr_nonnull(strstr(said, "compare image: 307200 bytes equal\n"));
	ck_assert_ptr_nonnull(strstr(said, "eject: the drive accepted it\n"
					   "host script done: good\n"));
	if (is_gadget)
		LOOP_UNTIL(base, client.disconnects == 1);
	ck_assert_uint_eq(client.ejects, !is_gadget);
	ck_assert_uint_eq(client.requests[0][41], is_gadget ? 0x25 : 0x00);
}
END_TEST

START_TEST(a_reset_starts_again)
{
	write_file("image", medium, sizeof(medium));
	client.is_holding = true;
	dialect = "asp";
	start_run(DEVICE_FD, "ready,compare=image");
	LOOP_UNTIL(base, client.count >= 1);
	host_reset(host);
	client.is_holding = false;
	LOOP_UNTIL(base, good_runs + bad_runs > 0);
	ck_assert_str_eq(said, "the machine was reset\n"
			       "ready: the drive is ready\n"
			       "compare image: 358400 bytes equal\n"
			       "host script done: good\n");
}
END_TEST

static const struct {
	const char *text, *why;
} bad_scripts[] = {
	{ "", "the host knows no \"\"" },
	{ "raed", "the host knows no \"raed\": did you mean \"read\"?" },
	{ "read=1", "\"read\" takes no argument" },
	{ "compare", "\"compare\" needs a file behind it: compare=..." },
	{ "change", "\"change\" needs a file behind it: change=..." },
	{ "compare=", "\"compare\" needs a file behind it: compare=..." },
	{ "compare=none", "none: No such file or directory" },
	{ "compare=/", "/: is not a file" },
	{ "compare=empty", "empty: is empty" },
	{ "write=image@x", "\"x\" is no number from 0 to 4294967295" },
	{ "write=image@5000000000", "\"5000000000\" is no number from 0 to 4294967295" },
	{ "pause", "\"pause\" needs seconds behind it: pause=..." },
	{ "pause=-1", "\"-1\" is no number of seconds from 0 to 86400" },
	{ "loop", "\"loop\" has nothing to repeat" },
	{ "read,loop,read", "nothing can follow \"loop\"" },
	{ "eject,read", "nothing but \"loop\" can follow \"eject\"" },
};

START_TEST(bad_scripts_have_reasons)
{
	struct reason why = { "" };

	write_file("image", medium, 512);
	write_file("empty", medium, 0);
	ck_assert_ptr_null(host_script_new(bad_scripts[_i].text, &why));
	ck_assert_str_eq(why.text, bad_scripts[_i].why);
	unlink("empty");
}
END_TEST

static void
no_bmc(void)
{
	setup();
	host = NULL;
	bmc = NULL;
	script = NULL;
}

static void
no_bmc_teardown(void)
{
	client_fini(&client);
	event_base_free(base);
	unlink("image");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(directory);
}

static Suite *
suite(void)
{
	Suite *s = suite_create("host");
	TCase *tc = tcase_create("host");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_disk);
	tcase_add_test(tc, a_good_cd);
	tcase_add_test(tc, a_file_with_a_broken_last_block);
	tcase_add_test(tc, one_wrong_byte_is_found);
	tcase_add_test(tc, another_size_is_found);
	tcase_add_test(tc, a_bad_block_is_found);
	tcase_add_test(tc, what_is_written_is_there);
	tcase_add_test(tc, a_drive_that_lies_about_writing_is_found);
	tcase_add_test(tc, a_write_behind_the_end_is_not_tried);
	tcase_add_test(tc, write_protection_is_expected);
	tcase_add_test(tc, missing_write_protection_is_found);
	tcase_add_test(tc, a_wrong_table_of_contents_is_found);
	tcase_add_test(tc, a_wrong_block_length_is_found);
	tcase_add_test(tc, a_client_that_goes_fails_the_script);
	tcase_add_test(tc, a_loop_repeats);
	tcase_add_test(tc, a_pause_ends);
	tcase_add_loop_test(tc, every_dialect_has_its_machine, 0, (int)ARRAY_SIZE(machines));
	tcase_add_test(tc, a_reset_starts_again);
	tcase_add_loop_test(tc, a_change_is_waited_for, 0, (int)ARRAY_SIZE(changes));
	suite_add_tcase(s, tc);

	tc = tcase_create("script");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, no_bmc, no_bmc_teardown);
	tcase_add_loop_test(
		tc, bad_scripts_have_reasons, 0, sizeof(bad_scripts) / sizeof(bad_scripts[0]));
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
