/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_bmcsim: the simulated BMC over a real loopback socket, with a client written from the
 * protocol notes. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "bmcsim/bmc.h"
#include "bmcsim/bmc_fault.h"
#include "bmcsim/bmc_scsi.h"
#include "bmcsim/bmc_wire.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "fake_client.h"
#include "loop.h"
#include "vector.h"

enum {
	FD_BLOCKS = 2880,
	CD_BLOCKS = 400,
	LONG = 100000, /* seconds: never */
};

/* What a test works with. */
static struct event_base *base;
static struct bmc *bmc;
static struct bmc_conf conf;
static struct fake_client client;
static uint8_t medium[FD_BLOCKS * 512];

/* What the BMC reported. */
static unsigned connected, disconnected, complaints;
static char gone_why[256], complaint[512];

/* The last command's outcome. */
static bool is_done, is_good;
static uint8_t got[1 << 20];
static uint32_t got_len;

static void
bmc_event(void *arg, struct bmc *from, enum device device, int instance, enum bmc_event event,
	const char *why)
{
	(void)arg;
	(void)device;
	ck_assert_int_eq(instance, 0);
	ck_assert_ptr_nonnull(from);
	switch (event) {
	case BMC_CONNECTED:
		connected++;
		break;
	case BMC_DISCONNECTED:
		disconnected++;
		snprintf(gone_why, sizeof(gone_why), "%s", why);
		break;
	case BMC_COMPLAINT:
		complaints++;
		snprintf(complaint + strlen(complaint), sizeof(complaint) - strlen(complaint),
			"%s\n", why);
		break;
	case BMC_REFUSED:
	case BMC_SAID:
		break;
	}
}

static void
setup(void)
{
	base = event_base_new();
	bmc = NULL;
	connected = disconnected = complaints = 0;
	gone_why[0] = complaint[0] = '\0';
	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i * 7 + i / 512);
	conf = (struct bmc_conf){
		.name = "sim001",
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.slots = { 1, 1, 1 },
		.owner_field = 24,
		.quirks = QUIRK_ALL,
		.idle = LONG,
		.patience = LONG,
		.is_strict = true,
		.seed = 1,
	};
	client_init(&client, base, medium, FD_BLOCKS, 512);
}

static void
teardown(void)
{
	client_fini(&client);
	bmc_free(bmc);
	event_base_free(base);
}

static void
start(void)
{
	struct reason why = { "" };

	bmc = bmc_new(base, &conf, bmc_event, NULL, &why);
	ck_assert_msg(bmc != NULL, "%s", why.text);
}

/* Connects and waits until the greeting is over: two requests, TEST UNIT READY and READ CAPACITY.
 */
static void
greet(enum device device)
{
	client_connect(&client, bmc_port(bmc, device));
	LOOP_UNTIL(base, connected > disconnected && client.count >= 2);
}

static void
done_cb(void *arg, const struct bmc_result *result)
{
	(void)arg;
	ck_assert(!is_done);
	is_done = true;
	is_good = result->is_good;
	got_len = result->data_len;
	ck_assert_uint_le(got_len, sizeof(got));
	if (got_len > 0)
		memcpy(got, result->data, got_len);
}

static void
submit_read(enum device device, const uint8_t *cdb, size_t len, uint32_t read_len)
{
	struct bmc_command command = { .read_len = read_len };

	memcpy(command.cdb, cdb, len);
	is_done = false;
	bmc_submit(bmc, device, 0, &command, done_cb, NULL);
	ck_assert(!is_done); /* only from the loop */
}

static void
read_from(enum device device, const uint8_t *cdb, size_t len, uint32_t read_len)
{
	submit_read(device, cdb, len, read_len);
	LOOP_UNTIL(base, is_done);
}

#define READ_FROM(device, read_len, ...)                    \
	read_from(device, (const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ }), read_len)

static void
write_to(enum device device, const uint8_t *cdb, size_t len, const uint8_t *data, uint32_t data_len)
{
	struct bmc_command command = { .is_write = true, .data = data, .data_len = data_len };

	memcpy(command.cdb, cdb, len);
	is_done = false;
	bmc_submit(bmc, device, 0, &command, done_cb, NULL);
	LOOP_UNTIL(base, is_done);
}

static void
assert_no_complaint(void)
{
	ck_assert_msg(complaints == 0, "%s", complaint);
}

static uint8_t
header_sum(const uint8_t *header)
{
	uint8_t sum = 0;

	for (int i = 0; i < 32; i++)
		sum = (uint8_t)(sum + header[i]);
	return sum;
}

/* --- greeting and quirks --- */

START_TEST(greeting_is_that_of_2015)
{
	uint8_t vector[256];
	size_t len = vector_read("greeting-2015", vector, sizeof(vector));

	conf.quirks = QUIRK_COALESCE;
	client.is_holding = true;
	start();
	client_connect(&client, bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, client.count == 1);
	ck_assert_uint_eq(len, 148);
	ck_assert_uint_eq(client.first_read, len); /* one segment */
	ck_assert_mem_eq(client.first, vector, len);
	ck_assert_uint_eq(connected, 1);
	ck_assert_uint_eq(client.ack_status, 1);
}
END_TEST

START_TEST(greeting_asks_until_the_unit_is_ready)
{
	static const uint8_t expected[] = { 0x00, 0x00, 0x25, 0x28 };
	static const uint8_t read_0[] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0 };

	client.has_attention = true;
	start();
	client_connect(&client, bmc_port(bmc, DEVICE_HD));
	LOOP_UNTIL(base, connected == 1);
	read_from(DEVICE_HD, read_0, sizeof(read_0), 512); /* waits for the greeting to end */
	ck_assert(is_good);
	ck_assert_uint_eq(client.count, sizeof(expected));
	for (size_t i = 0; i < sizeof(expected); i++)
		ck_assert_uint_eq(client.requests[i][41], expected[i]);
	ck_assert_uint_eq(client.requests[0][17], 0x80);
	ck_assert_uint_eq(le32(client.requests[2] + 32), 8);
	assert_no_complaint();
}
END_TEST

START_TEST(greeting_gives_up_on_a_unit_that_is_never_ready)
{
	start();
	client.is_holding = true;
	client_connect(&client, bmc_port(bmc, DEVICE_CD));
	for (size_t i = 0; i < 6; i++) {
		LOOP_UNTIL(base, client.count == i + 1);
		client_answer(&client, i, SENSE_NO_MEDIUM);
	}
	ck_assert_uint_eq(client.requests[4][41], 0x00);
	ck_assert_uint_eq(client.requests[5][41], 0x25);
	ck_assert_uint_eq(client.requests[0][17], 0x85);
	client.is_holding = false;
	READ_FROM(DEVICE_CD, 0, 0x1E, 0, 0, 0, 1, 0);
	ck_assert(is_good);
	assert_no_complaint();
}
END_TEST

/* Sends n reads of one block through the BMC. */
static void
read_blocks(int n)
{
	for (int i = 0; i < n; i++) {
		READ_FROM(DEVICE_FD, 512, 0x28, 0, 0, 0, 0, (uint8_t)i, 0, 0, 1, 0);
		ck_assert(is_good);
		ck_assert_uint_eq(got_len, 512);
		ck_assert_mem_eq(got, medium + i * 512, 512);
	}
}

START_TEST(without_quirks_a_bmc_is_regular)
{
	conf.quirks = 0;
	start();
	greet(DEVICE_FD);
	read_blocks(50);
	for (size_t i = 0; i < client.count; i++) {
		const uint8_t *request = client.requests[i];

		ck_assert_uint_eq(le32(request + 24), i + 1);
		ck_assert_uint_eq(le32(request + 28), 0);
		ck_assert_uint_eq(le32(request + 53), 0);
		ck_assert_uint_eq(header_sum(request), 0);
	}
	assert_no_complaint();
}
END_TEST

START_TEST(quirks_are_shown)
{
	unsigned keys = 0, leftovers = 0, gaps = 0, stale = 0;
	uint32_t last = 0;

	start();
	greet(DEVICE_FD);
	read_blocks(200);
	for (size_t i = 0; i < client.count; i++) {
		const uint8_t *request = client.requests[i];
		uint32_t seq = le32(request + 24);

		ck_assert_uint_gt(seq, last);
		gaps += seq != last + 1;
		keys += le32(request + 28) != 0;
		leftovers += le32(request + 53) != 0;
		stale += header_sum(request) != 0;
		last = seq;
	}
	ck_assert_uint_gt(keys, 190);
	ck_assert_uint_gt(leftovers, 190);
	ck_assert_uint_gt(gaps, 10);
	ck_assert_uint_gt(stale, 150);
	assert_no_complaint();
	ck_assert_uint_eq(bmc_totals(bmc)->requests, client.count);
	ck_assert_uint_eq(bmc_totals(bmc)->read, 200 * 512);
}
END_TEST

START_TEST(the_same_seed_plays_the_same)
{
	static uint8_t first[64][61];
	size_t count;

	conf.seed = 4711;
	start();
	greet(DEVICE_FD);
	read_blocks(20);
	count = client.count;
	memcpy(first, client.requests, count * 61);
	client_close(&client);
	bmc_free(bmc);
	client.count = connected = disconnected = 0;
	start();
	greet(DEVICE_FD);
	read_blocks(20);
	ck_assert_uint_eq(client.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_mem_eq(client.requests[i], first[i], 61);
}
END_TEST

START_TEST(wire_splits_or_does_not)
{
	uint8_t bytes[300] = { 1 }, in[300];
	struct bmc_wire wire = { 0 };
	struct chance chance;
	int pair[2], later;

	for (int is_splitting = 0; is_splitting < 2; is_splitting++) {
		chance_init(&chance, 7);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		wire = (struct bmc_wire){ 0 };
		bmc_wire_init(&wire, &chance, is_splitting);
		bmc_wire_open(&wire, link_plain(base, pair[0]), NULL, NULL);
		later = 0;
		for (int i = 0; i < 100; i++) {
			size_t len = 0;

			bmc_wire_queue(&wire, bytes, sizeof(bytes));
			while (bmc_wire_flush(&wire) == WIRE_LATER)
				later++;
			while (len < sizeof(bytes))
				len += (size_t)read(pair[1], in + len, sizeof(bytes) - len);
			ck_assert_mem_eq(in, bytes, sizeof(bytes));
		}
		ck_assert(is_splitting ? later > 30 : later == 0);
		bmc_wire_fini(&wire);
		close(pair[1]);
	}
}
END_TEST

/* --- the BMC's own answers and its filter --- */

START_TEST(inquiry_is_answered_inside)
{
	static const char *const products[] = {
		[DEVICE_CD] = "AMI     Virtual CDROM0  1.00",
		[DEVICE_FD] = "AMI     Virtual Floppy  1.00",
		[DEVICE_HD] = "AMI     Virtual HDisk   1.00",
	};

	start();
	for (int d = 0; d < DEVICE_COUNT; d++) {
		READ_FROM((enum device)d, 96, 0x12, 0, 0, 0, 96, 0); /* with no client, too */
		ck_assert(is_good);
		ck_assert_uint_eq(got_len, 36);
		ck_assert_uint_eq(got[0], d == DEVICE_CD ? 5 : 0);
		ck_assert_mem_eq(got + 1, "\x80\x00\x01\x1F\x00\x00\x00", 7);
		ck_assert_mem_eq(got + 8, products[d], 28);
	}
	READ_FROM(DEVICE_FD, 5, 0x12, 0, 0, 0, 36, 0);
	ck_assert_uint_eq(got_len, 5);
	READ_FROM(DEVICE_FD, 96, 0x12, 0, 0, 0, 8, 0);
	ck_assert_uint_eq(got_len, 8);
	READ_FROM(DEVICE_FD, 96, 0x12, 1, 0x80, 0, 96, 0);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x052400);
}
END_TEST

START_TEST(sense_is_kept_and_cleared)
{
	static const uint8_t expected[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21 };

	start();
	greet(DEVICE_FD);
	READ_FROM(DEVICE_FD, 512, 0x28, 0, 0, 0, 0x0B, 0x40, 0, 0, 1, 0); /* behind the end */
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x052100);
	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 18);
	ck_assert_mem_eq(got, expected, 18);
	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert_uint_eq(got[2], 0);
	ck_assert_uint_eq(got[12], 0);
	/* A good answer overwrites, too. */
	READ_FROM(DEVICE_FD, 512, 0x28, 0, 0, 0, 0x0B, 0x40, 0, 0, 1, 0);
	READ_FROM(DEVICE_FD, 0, 0x00, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0);
	assert_no_complaint();
}
END_TEST

START_TEST(without_a_client_there_is_no_medium)
{
	start();
	ck_assert(!bmc_has_client(bmc, DEVICE_CD, 0));
	READ_FROM(DEVICE_CD, 0, 0x00, 0, 0, 0, 0, 0);
	ck_assert(!is_good);
	READ_FROM(DEVICE_CD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got[2], 0x02);
	ck_assert_uint_eq(got[12], 0x3A);
}
END_TEST

START_TEST(test_unit_ready_with_data_fails)
{
	start();
	greet(DEVICE_FD);
	READ_FROM(DEVICE_FD, 4, 0x00, 0, 0, 0, 0, 0);
	ck_assert(!is_good);
	ck_assert_uint_eq(client.count, 2); /* the client was not asked */
}
END_TEST

/* The table of iusb-protocol 9.1. */
START_TEST(filter_is_that_of_asp)
{
	static const uint8_t cd[] = { 0x00, 0x25, 0x28, 0xA8, 0x43, 0x1B };
	static const uint8_t cd_inside[] = { 0x03, 0x12, 0x1E, 0x2B, 0x35, 0xBB };
	static const uint8_t disk[] = { 0x00, 0x25, 0x23, 0x28, 0xA8, 0x2A, 0xAA, 0x2E, 0x2F, 0x1E,
		0x1B, 0x5A, 0x1A };
	static const uint8_t disk_inside[] = { 0x03, 0x12, 0xBB };

	for (int op = 0; op < 0xF0; op++) {
		enum bmc_route on_cd = ROUTE_REFUSE, on_disk = ROUTE_REFUSE;

		if (memchr(cd, op, sizeof(cd)))
			on_cd = ROUTE_FORWARD;
		else if (memchr(cd_inside, op, sizeof(cd_inside)))
			on_cd = ROUTE_INSIDE;
		if (memchr(disk, op, sizeof(disk)))
			on_disk = ROUTE_FORWARD;
		else if (memchr(disk_inside, op, sizeof(disk_inside)))
			on_disk = ROUTE_INSIDE;
		ck_assert_msg(
			bmc_scsi_route(DEVICE_CD, (uint8_t)op, FILTER_ON) == on_cd, "cd %x", op);
		ck_assert_msg(
			bmc_scsi_route(DEVICE_FD, (uint8_t)op, FILTER_ON) == on_disk, "fd %x", op);
		ck_assert_msg(
			bmc_scsi_route(DEVICE_HD, (uint8_t)op, FILTER_ON) == on_disk, "hd %x", op);
		if (op >= 0xE0)
			on_cd = ROUTE_REFUSE; /* stays inside, on or off */
		else
			on_cd = memchr(disk_inside, op, sizeof(disk_inside)) ? ROUTE_INSIDE
									     : ROUTE_FORWARD;
		ck_assert_msg(
			bmc_scsi_route(DEVICE_CD, (uint8_t)op, FILTER_OFF) == on_cd, "all %x", op);
	}
}
END_TEST

START_TEST(filter_answers_for_the_client)
{
	conf.filter = FILTER_ON;
	start();
	greet(DEVICE_CD);
	READ_FROM(DEVICE_CD, 8, 0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_CD, 0), 0x052000);
	READ_FROM(DEVICE_CD, 0, 0x1E, 0, 0, 0, 1, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(client.count, 2);
	READ_FROM(DEVICE_CD, 20, 0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 20);
	ck_assert_uint_eq(client.count, 3);
}
END_TEST

START_TEST(legacy_forwards_everything_else)
{
	start();
	greet(DEVICE_CD);
	READ_FROM(DEVICE_CD, 8, 0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0);
	ck_assert_uint_eq(client.requests[2][41], 0x46);
	ck_assert(!is_good); /* this client knows no GET CONFIGURATION */
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_CD, 0), 0x052000);
}
END_TEST

START_TEST(no_filter_forwards_all)
{
	static const uint8_t ops_inside[] = { 0x03, 0x12, 0xBB, 0xE0, 0xEF };

	for (int op = 0; op <= 0xFF; op++)
		for (int d = 0; d < DEVICE_COUNT; d++)
			ck_assert_msg(bmc_scsi_route((enum device)d, (uint8_t)op, FILTER_NONE) ==
					      ROUTE_FORWARD,
				"%d %x", d, op);
	conf.filter = FILTER_NONE;
	start();
	greet(DEVICE_CD);
	for (size_t i = 0; i < sizeof(ops_inside); i++) {
		READ_FROM(DEVICE_CD, 36, ops_inside[i], 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0);
		ck_assert_uint_eq(client.count, 3 + i);
		ck_assert_uint_eq(client.requests[2 + i][41], ops_inside[i]);
		ck_assert_uint_eq(le32(client.requests[2 + i] + 32), 36);
		ck_assert(!is_good); /* this client knows none of them */
	}
	assert_no_complaint();
}
END_TEST

/* The client knows nothing of what never reached it, so it cannot be asked for the sense. */
START_TEST(no_filter_tells_of_its_own_failures)
{
	conf.filter = FILTER_NONE;
	start();
	READ_FROM(DEVICE_FD, 36, 0x12, 0, 0, 0, 36, 0); /* with no client */
	ck_assert(!is_good);
	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got[2], 0x02);
	ck_assert_uint_eq(got[12], 0x3A);

	greet(DEVICE_FD);
	READ_FROM(DEVICE_FD, 4, 0x00, 0, 0, 0, 0, 0); /* TEST UNIT READY has no data */
	ck_assert(!is_good);
	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 18);
	ck_assert_uint_eq(got[2], 0x05);
	ck_assert_uint_eq(got[12], 0x24);
	ck_assert_uint_eq(client.count, 2);

	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0); /* that was told */
	ck_assert_uint_eq(client.count, 3);
	READ_FROM(DEVICE_FD, 4, 0x00, 0, 0, 0, 0, 0);
	READ_FROM(DEVICE_FD, 0, 0x00, 0, 0, 0, 0, 0); /* the client has the last word */
	ck_assert(is_good);
	READ_FROM(DEVICE_FD, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert_uint_eq(client.count, 5);
	ck_assert_uint_eq(client.requests[4][41], 0x03);
}
END_TEST

/* --- transfers --- */

START_TEST(large_reads_are_split)
{
	static const uint8_t cdb[] = { 0x28, 0, 0, 0, 0, 10, 0, 600 >> 8, 600 & 0xFF, 0 };

	start();
	greet(DEVICE_FD);
	read_from(DEVICE_FD, cdb, sizeof(cdb), 600 * 512);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 600 * 512);
	ck_assert_mem_eq(got, medium + 10 * 512, 600 * 512);
	ck_assert_uint_eq(client.count, 2 + 3);
	ck_assert_uint_eq(le32(client.requests[2] + 32), 131072);
	ck_assert_uint_eq(le32(client.requests[4] + 32), 88 * 512);
	assert_no_complaint();
}
END_TEST

START_TEST(large_reads_of_a_cd_are_split)
{
	static const uint8_t cdb[] = { 0xA8, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 0 };

	client.block_len = 2048;
	client.blocks = CD_BLOCKS;
	start();
	greet(DEVICE_CD);
	read_from(DEVICE_CD, cdb, sizeof(cdb), 100 * 2048);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 100 * 2048);
	ck_assert_mem_eq(got, medium + 3 * 2048, 100 * 2048);
	ck_assert_uint_eq(client.count, 2 + 2);
	/* READ(10) takes its length from what the host has room for. */
	READ_FROM(DEVICE_CD, 4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 10, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 4096);
	ck_assert_uint_eq(client.requests[4][41 + 8], 2);
	assert_no_complaint();
}
END_TEST

START_TEST(a_split_read_ends_at_its_first_error)
{
	static const uint8_t cdb[] = { 0x28, 0, 0, 0, 0, 0, 0, 600 >> 8, 600 & 0xFF, 0 };

	client.bad_block = 300;
	start();
	greet(DEVICE_FD);
	read_from(DEVICE_FD, cdb, sizeof(cdb), 600 * 512);
	ck_assert(!is_good);
	ck_assert_uint_eq(got_len, 131072);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x031100);
	ck_assert_uint_eq(client.count, 2 + 2);
}
END_TEST

START_TEST(large_writes_are_split)
{
	static const uint8_t cdb[] = { 0x2A, 0, 0, 0, 0, 5, 0, 600 >> 8, 600 & 0xFF, 0 };
	static uint8_t data[600 * 512];

	memset(data, 0xA5, sizeof(data));
	start();
	greet(DEVICE_HD);
	write_to(DEVICE_HD, cdb, sizeof(cdb), data, sizeof(data));
	ck_assert(is_good);
	ck_assert_mem_eq(medium + 5 * 512, data, sizeof(data));
	ck_assert_uint_ne(medium[5 * 512 - 1], 0xA5);
	ck_assert_uint_eq(client.count, 2 + 3);
	ck_assert_uint_eq(bmc_totals(bmc)->written, sizeof(data));
	/* Too little data for the blocks named: refused inside. */
	write_to(DEVICE_HD, cdb, sizeof(cdb), data, 512);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_HD, 0), 0x052400);
	ck_assert_uint_eq(client.count, 2 + 3);
	assert_no_complaint();
}
END_TEST

START_TEST(a_write_error_reaches_the_host)
{
	static const uint8_t cdb[] = { 0x2A, 0, 0, 0, 0, 5, 0, 0, 1, 0 };
	static uint8_t data[512];

	client.is_read_only = true;
	start();
	greet(DEVICE_FD);
	write_to(DEVICE_FD, cdb, sizeof(cdb), data, sizeof(data));
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x072700);
	assert_no_complaint();
}
END_TEST

/* --- clients that come and go --- */

START_TEST(a_second_client_is_told_who_is_there)
{
	struct fake_client second;

	start();
	greet(DEVICE_FD);
	client_init(&second, base, medium, FD_BLOCKS, 512);
	client_connect(&second, bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, second.acks == 1);
	ck_assert_uint_eq(second.ack_status, 4);
	ck_assert_str_eq(second.ack_owner, "127.0.0.1");
	read_blocks(20); /* the owner is not disturbed */
	ck_assert(!second.is_closed);
	ck_assert_uint_eq(second.count, 0);
	ck_assert_uint_eq(bmc_totals(bmc)->refused, 1);
	/* Another device is free. */
	client_close(&second);
	client_connect(&second, bmc_port(bmc, DEVICE_HD));
	LOOP_UNTIL(base, second.acks == 2);
	ck_assert_uint_eq(second.ack_status, 1);
	client_fini(&second);
}
END_TEST

START_TEST(a_client_can_come_back)
{
	start();
	greet(DEVICE_FD);
	read_blocks(1);
	ck_assert(bmc_has_client(bmc, DEVICE_FD, 0));
	client_close(&client);
	LOOP_UNTIL(base, disconnected == 1);
	ck_assert(!bmc_has_client(bmc, DEVICE_FD, 0));
	ck_assert_str_eq(gone_why, "closed by the client");
	client.count = 0;
	greet(DEVICE_FD);
	read_blocks(3);
	ck_assert_uint_eq(bmc_totals(bmc)->sessions, 2);
	assert_no_complaint();
}
END_TEST

START_TEST(a_pending_command_fails_when_the_client_goes)
{
	static const uint8_t read_0[] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0 };

	start();
	greet(DEVICE_FD);
	client.is_holding = true;
	submit_read(DEVICE_FD, read_0, sizeof(read_0), 512);
	LOOP_UNTIL(base, client.count == 3);
	client_close(&client);
	LOOP_UNTIL(base, is_done);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x023A00);
	ck_assert_str_eq(gone_why, "closed by the client, a command unanswered");
}
END_TEST

START_TEST(an_aborted_command_is_forgotten)
{
	static const uint8_t read_0[] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
	static const uint8_t ready[] = { 0, 0, 0, 0, 0, 0 };

	start();
	greet(DEVICE_FD);
	client.is_holding = true;
	submit_read(DEVICE_FD, read_0, sizeof(read_0), 512);
	LOOP_UNTIL(base, client.count == 3);
	bmc_abort(bmc, DEVICE_FD, 0);
	submit_read(DEVICE_FD, ready, sizeof(ready), 0);
	LOOP_UNTIL(base, client.count == 4);
	ck_assert(!is_done);
	client_answer(&client, 2, 0x031100); /* late: dropped without a complaint */
	client_answer(&client, 3, 0);
	LOOP_UNTIL(base, is_done);
	ck_assert(is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0);
	assert_no_complaint();
}
END_TEST

/* --- keep-alive and drop rules --- */

START_TEST(an_idle_client_is_pinged)
{
	conf.idle = 0.02;
	start();
	greet(DEVICE_FD);
	LOOP_UNTIL(base, client.pings >= 4);
	read_blocks(2);
	ck_assert_uint_eq(disconnected, 0);
	assert_no_complaint();
}
END_TEST

START_TEST(an_unanswered_ping_drops_the_session)
{
	conf.idle = 0.01;
	start();
	greet(DEVICE_FD);
	client.is_holding = true;
	LOOP_UNTIL(base, client.pings >= 1);
	/* Two commands of the host while the ping is unanswered are two misses. */
	for (int i = 0; i < 2 && disconnected == 0; i++) {
		static const uint8_t ready[] = { 0, 0, 0, 0, 0, 0 };

		ck_assert_uint_eq(disconnected, 0);
		submit_read(DEVICE_FD, ready, sizeof(ready), 0);
		bmc_abort(bmc, DEVICE_FD, 0);
	}
	LOOP_UNTIL(base, disconnected == 1 && client.is_closed);
	ck_assert_str_eq(gone_why, "dropped: the client does not answer the ping");
}
END_TEST

START_TEST(an_unanswered_command_drops_the_session)
{
	static const uint8_t ready[] = { 0, 0, 0, 0, 0, 0 };

	conf.patience = 0.01;
	client.is_holding = true;
	start();
	client_connect(&client, bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, connected == 1);
	submit_read(DEVICE_FD, ready, sizeof(ready), 0);
	LOOP_UNTIL(base, disconnected == 1 && client.is_closed && is_done);
	ck_assert(!is_good);
	ck_assert_str_eq(gone_why, "dropped: the client does not answer a command");
}
END_TEST

START_TEST(half_a_packet_drops_the_session)
{
	conf.patience = 0.01;
	client.is_holding = true;
	start();
	client_connect(&client, bmc_port(bmc, DEVICE_FD));
	client_send(&client, "IUSB    half a packet", 21);
	LOOP_UNTIL(base, disconnected == 1 && client.is_closed);
	ck_assert_ptr_nonnull(strstr(gone_why, "dropped"));
}
END_TEST

/* --- clients that break a rule --- */

static void
wrong_seq_first(struct fake_client *from, uint8_t *answer, size_t *len)
{
	uint8_t wrong[61];

	if (answer[41] != 0x00 || from->tampered++)
		return;
	memcpy(wrong, answer, sizeof(wrong));
	set_le32(wrong + 24, le32(answer + 24) + 1000);
	wrong[53] = 1;
	wrong[54] = 4;
	client_send(from, wrong, sizeof(wrong));
	ck_assert_uint_eq(*len, 61);
}

START_TEST(a_wrong_seq_no_is_discarded)
{
	client.tamper = wrong_seq_first;
	start();
	greet(DEVICE_FD);
	read_blocks(1);
	ck_assert_uint_eq(complaints, 1);
	ck_assert_ptr_nonnull(strstr(complaint, "discarded"));
	ck_assert_uint_eq(disconnected, 0);
}
END_TEST

/* One rule broken, by changing an answer to a READ(10) of one block. */
struct breach {
	const char *name;
	void (*break_rule)(uint8_t *answer, size_t *len);
	const char *complaint;
	const char *gone; /* NULL: the session goes on */
};

static const struct breach *breach;

static void
break_key(uint8_t *a, size_t *len)
{
	(void)len;
	a[28] ^= 1;
}

static void
break_device_no(uint8_t *a, size_t *len)
{
	(void)len;
	a[20] ^= 1;
}

static void
break_tag(uint8_t *a, size_t *len)
{
	(void)len;
	a[36] ^= 1;
}

static void
break_read_len(uint8_t *a, size_t *len)
{
	(void)len;
	a[32] ^= 1;
}

static void
break_cdb(uint8_t *a, size_t *len)
{
	(void)len;
	a[45] ^= 1;
}

static void
break_direction(uint8_t *a, size_t *len)
{
	(void)len;
	a[19] = 0;
}

static void
break_instance(uint8_t *a, size_t *len)
{
	(void)len;
	a[23] = 1;
}

static void
break_signature(uint8_t *a, size_t *len)
{
	(void)len;
	a[3] = 'X';
}

static void
break_data_len(uint8_t *a, size_t *len)
{
	a[61 + 512] = 0;
	*len = 61 + 513;
	set_le32(a + 12, 29 + 513);
	set_le32(a + 57, 513);
}

static void
break_data_pkt_len(uint8_t *a, size_t *len)
{
	a[61 + 512] = 0;
	*len = 61 + 513;
	set_le32(a + 12, 29 + 513);
}

static void
break_error_with_data(uint8_t *a, size_t *len)
{
	(void)len;
	memcpy(a + 53, "\x01\x03\x11\x00", 4);
}

static void
break_good_with_sense(uint8_t *a, size_t *len)
{
	(void)len;
	memcpy(a + 53, "\x00\x03\x30\x01", 4);
}

static void
break_error_without_sense(uint8_t *a, size_t *len)
{
	*len = 61;
	set_le32(a + 12, 29);
	set_le32(a + 57, 0);
	memcpy(a + 53, "\x01\x00\x00\x00", 4);
}

static void
break_twice(uint8_t *a, size_t *len)
{
	client_send(&client, a, *len);
}

static void
break_auth(uint8_t *a, size_t *len)
{
	uint8_t auth[62] = "IUSB    ";

	(void)a;
	(void)len;
	auth[12] = 30;
	auth[19] = 0x80;
	auth[41] = 0xF2;
	client_send(&client, auth, sizeof(auth));
}

static void
break_ping(uint8_t *a, size_t *len)
{
	uint8_t ping[61] = "IUSB    ";

	(void)a;
	(void)len;
	ping[12] = 29;
	ping[19] = 0x80;
	ping[41] = 0xF1;
	client_send(&client, ping, sizeof(ping));
}

static const struct breach breaches[] = {
	{ "key", break_key, "Key is not the request's", NULL },
	{ "device number", break_device_no, "DeviceNo is not the request's", NULL },
	{ "tag", break_tag, "TagNo is not the request's", NULL },
	{ "read length", break_read_len, "ReadLen is not the request's", NULL },
	{ "cdb", break_cdb, "CDB is not the request's", NULL },
	{ "direction", break_direction, "Direction is 0x00", NULL },
	{ "instance", break_instance, "Instance is 1", "wrong Instance 1" },
	{ "signature", break_signature, "wrong signature", "wrong signature" },
	{ "data length", break_data_len, "DataLen 513 is above ReadLen 512", NULL },
	{ "packet length", break_data_pkt_len, "not 29 + DataLen", NULL },
	{ "data with an error", break_error_with_data, "512 bytes of data with an error", NULL },
	{ "good with a sense", break_good_with_sense, "OverallStatus 0 with sense 03/30/01", NULL },
	{ "error, no sense", break_error_without_sense, "an error with no sense key", NULL },
	{ "answered twice", break_twice, "a second answer to SeqNo", NULL },
	{ "auth", break_auth, "unsolicited control packet 0xf2", NULL },
	{ "ping", break_ping, "answer to a ping that was not sent", NULL },
};

static void
tamper_with(struct fake_client *from, uint8_t *answer, size_t *len)
{
	if (answer[41] == 0x28 && from->tampered++ == 0)
		breach->break_rule(answer, len);
}

START_TEST(a_broken_rule_is_complained_of)
{
	breach = &breaches[_i];
	client.tamper = tamper_with;
	start();
	greet(DEVICE_FD);
	READ_FROM(DEVICE_FD, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
	ck_assert_uint_le(got_len, 512);
	LOOP_UNTIL(base, complaints > 0);
	ck_assert_msg(
		strstr(complaint, breach->complaint) != NULL, "%s: %s", breach->name, complaint);
	ck_assert_uint_eq(complaints, 1);
	ck_assert_uint_eq(bmc_totals(bmc)->complaints, 1);
	if (breach->gone) {
		LOOP_UNTIL(base, disconnected == 1);
		ck_assert_ptr_nonnull(strstr(gone_why, breach->gone));
	} else {
		read_blocks(3);
		ck_assert_uint_eq(disconnected, 0);
		ck_assert_uint_eq(complaints, 1);
	}
}
END_TEST

START_TEST(a_lenient_bmc_does_not_complain)
{
	breach = &breaches[_i];
	conf.is_strict = false;
	client.tamper = tamper_with;
	start();
	greet(DEVICE_FD);
	READ_FROM(DEVICE_FD, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
	if (breach->gone)
		LOOP_UNTIL(base, disconnected == 1);
	else
		read_blocks(2);
	assert_no_complaint();
}
END_TEST

/* --- faults --- */

START_TEST(faults_at_connect)
{
	conf.fault = (enum bmc_fault)_i;
	start();
	client_connect(&client, bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, bmc_totals(bmc)->refused == 1);
	switch (conf.fault) {
	case FAULT_IN_USE:
		LOOP_UNTIL(base, client.acks == 1);
		ck_assert_uint_eq(client.ack_status, 4);
		ck_assert_str_eq(client.ack_owner, "192.168.0.77");
		break;
	case FAULT_DENIED:
		LOOP_UNTIL(base, client.acks == 1);
		ck_assert_uint_eq(client.ack_status, 2);
		break;
	case FAULT_SILENT:
		break;
	case FAULT_GARBAGE:
		LOOP_UNTIL(base, client.received > 0);
		ck_assert_uint_ne(client.first[0], 'I');
		break;
	case FAULT_SIGNATURE:
		LOOP_UNTIL(base, client.received == 87);
		ck_assert_int_ne(memcmp(client.first, "IUSB    ", 8), 0);
		break;
	case FAULT_OVERSIZE:
		LOOP_UNTIL(base, client.received == 87);
		ck_assert_uint_gt(le32(client.first + 12), 131072 + 30);
		break;
	case FAULT_TRUNCATED:
		LOOP_UNTIL(base, client.is_closed);
		ck_assert_uint_eq(client.received, 43);
		ck_assert_int_eq(client.error, 0);
		break;
	case FAULT_RESET:
		LOOP_UNTIL(base, client.is_closed);
		ck_assert_int_eq(client.error, ECONNRESET);
		break;
	case FAULT_KILL:
		LOOP_UNTIL(base, client.kills == 1);
		break;
	case FAULT_NONE:
		break;
	}
	ck_assert_uint_eq(connected, 0);
	ck_assert_uint_eq(client.count, 0);
}
END_TEST

/* From the third request on; the second session is whole. */
START_TEST(faults_in_a_session)
{
	static const uint8_t read_0[] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0 };

	conf.fault = (enum bmc_fault)_i;
	conf.fault_after = 2;
	conf.fault_times = 1;
	start();
	greet(DEVICE_FD);
	submit_read(DEVICE_FD, read_0, sizeof(read_0), 512);
	LOOP_UNTIL(base, is_done && disconnected == 1);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_FD, 0), 0x023A00);
	ck_assert_ptr_nonnull(strstr(gone_why, bmc_fault_name(conf.fault)));
	ck_assert_ptr_nonnull(strstr(gone_why, "after 2 requests"));
	if (conf.fault == FAULT_KILL)
		LOOP_UNTIL(base, client.kills == 1);
	if (conf.fault == FAULT_TRUNCATED || conf.fault == FAULT_RESET)
		LOOP_UNTIL(base, client.is_closed);
	ck_assert_uint_eq(client.count, 2);
	client_close(&client);
	client.count = 0;
	client.acks = 0;
	/* The BMC sees the close before it takes another client; until then it is busy. */
	while (client.ack_status != 1 || client.acks == 0) {
		client_close(&client);
		client.acks = 0;
		client_connect(&client, bmc_port(bmc, DEVICE_FD));
		LOOP_UNTIL(base, client.acks > 0);
	}
	read_blocks(10);
	ck_assert_uint_eq(connected, 2);
	ck_assert_uint_eq(disconnected, 1);
}
END_TEST

START_TEST(faults_have_names)
{
	enum bmc_fault fault;
	struct reason why;
	unsigned quirks = 0;

	for (int i = FAULT_NONE; i <= FAULT_KILL; i++) {
		ck_assert(bmc_fault_parse(bmc_fault_name((enum bmc_fault)i), &fault));
		ck_assert_int_eq(fault, i);
	}
	ck_assert(!bmc_fault_parse("", &fault));
	ck_assert_int_eq(bmc_quirks_parse("all", &quirks, &why), 0);
	ck_assert_uint_eq(quirks, QUIRK_ALL);
	ck_assert_int_eq(bmc_quirks_parse("none", &quirks, &why), 0);
	ck_assert_uint_eq(quirks, 0);
	ck_assert_int_eq(bmc_quirks_parse("split,short-ping", &quirks, &why), 0);
	ck_assert_uint_eq(quirks, QUIRK_SPLIT | QUIRK_SHORT_PING);
	ck_assert_int_eq(bmc_quirks_parse("-split,-leftovers", &quirks, &why), 0);
	ck_assert_uint_eq(quirks, QUIRK_ALL & ~(QUIRK_SPLIT | QUIRK_LEFTOVERS));
	ck_assert_int_eq(bmc_quirks_parse("spilt", &quirks, &why), -1);
	ck_assert_str_eq(why.text, "no quirk \"spilt\": did you mean \"split\"?");
}
END_TEST

START_TEST(a_port_in_use_has_a_reason)
{
	struct reason why;

	start();
	conf.port[DEVICE_FD] = bmc_port(bmc, DEVICE_FD);
	ck_assert_ptr_null(bmc_new(base, &conf, bmc_event, NULL, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "cannot listen on 127.0.0.1 port"));
	ck_assert_ptr_nonnull(strstr(why.text, "(fd)"));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bmcsim");
	TCase *tc = tcase_create("bmc");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, greeting_is_that_of_2015);
	tcase_add_test(tc, greeting_asks_until_the_unit_is_ready);
	tcase_add_test(tc, greeting_gives_up_on_a_unit_that_is_never_ready);
	tcase_add_test(tc, without_quirks_a_bmc_is_regular);
	tcase_add_test(tc, quirks_are_shown);
	tcase_add_test(tc, the_same_seed_plays_the_same);
	tcase_add_test(tc, wire_splits_or_does_not);
	tcase_add_test(tc, inquiry_is_answered_inside);
	tcase_add_test(tc, sense_is_kept_and_cleared);
	tcase_add_test(tc, without_a_client_there_is_no_medium);
	tcase_add_test(tc, test_unit_ready_with_data_fails);
	tcase_add_test(tc, filter_is_that_of_asp);
	tcase_add_test(tc, filter_answers_for_the_client);
	tcase_add_test(tc, no_filter_forwards_all);
	tcase_add_test(tc, no_filter_tells_of_its_own_failures);
	tcase_add_test(tc, legacy_forwards_everything_else);
	tcase_add_test(tc, large_reads_are_split);
	tcase_add_test(tc, large_reads_of_a_cd_are_split);
	tcase_add_test(tc, a_split_read_ends_at_its_first_error);
	tcase_add_test(tc, large_writes_are_split);
	tcase_add_test(tc, a_write_error_reaches_the_host);
	tcase_add_test(tc, a_second_client_is_told_who_is_there);
	tcase_add_test(tc, a_client_can_come_back);
	tcase_add_test(tc, a_pending_command_fails_when_the_client_goes);
	tcase_add_test(tc, an_aborted_command_is_forgotten);
	tcase_add_test(tc, an_idle_client_is_pinged);
	tcase_add_test(tc, an_unanswered_ping_drops_the_session);
	tcase_add_test(tc, an_unanswered_command_drops_the_session);
	tcase_add_test(tc, half_a_packet_drops_the_session);
	tcase_add_test(tc, a_wrong_seq_no_is_discarded);
	tcase_add_loop_test(tc, a_broken_rule_is_complained_of, 0, ARRAY_SIZE(breaches));
	tcase_add_loop_test(tc, a_lenient_bmc_does_not_complain, 0, ARRAY_SIZE(breaches));
	tcase_add_loop_test(tc, faults_at_connect, FAULT_IN_USE, FAULT_KILL + 1);
	tcase_add_loop_test(tc, faults_in_a_session, FAULT_SILENT, FAULT_KILL + 1);
	tcase_add_test(tc, faults_have_names);
	tcase_add_test(tc, a_port_in_use_has_a_reason);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
