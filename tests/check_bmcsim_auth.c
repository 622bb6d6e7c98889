/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_bmcsim_auth: the simulated BMC of the dialects with AUTH: tokens, slots, refusals, control
 * packets, TLS, the gadget, reboots. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bmcsim/bmc.h"
#include "bmcsim/bmc_event.h"
#include "bmcsim/bmc_scsi.h"
#include "fake_client.h"
#include "loop.h"

enum {
	BLOCKS = 2880,
	CLIENTS = 4,
	LONG = 100000, /* seconds: never */
};

static const char token[] = "0123456789abcdef";

static struct event_base *base;
static struct bmc *bmc;
static struct bmc_conf conf;
static struct fake_client client[CLIENTS];
static uint8_t medium[BLOCKS * 512];

/* What the BMC reported. */
static unsigned connected, disconnected, refused, complaints;
static char gone_why[256], refused_why[256], complaint[1024];

static bool is_done, is_good;
static uint8_t got[1 << 17];
static uint32_t got_len;

static void
bmc_event(void *arg, struct bmc *from, enum device device, int instance, enum bmc_event event,
	const char *why)
{
	(void)arg, (void)from, (void)device, (void)instance;
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
		refused++;
		snprintf(refused_why, sizeof(refused_why), "%s", why);
		break;
	case BMC_SAID:
		break;
	}
}

static void
setup(void)
{
	base = event_base_new();
	bmc = NULL;
	connected = disconnected = refused = complaints = 0;
	gone_why[0] = refused_why[0] = complaint[0] = '\0';
	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i * 7 + i / 512);
	conf = (struct bmc_conf){
		.name = "sim001",
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.dialect = dialect_find("asp"),
		.slots = { 2, 1, 1 },
		.token = token,
		.owner_field = 24,
		.quirks = QUIRK_ALL,
		.filter = FILTER_ON,
		.idle = LONG,
		.patience = LONG,
		.poll = LONG,
		.reboot_time = 0.05,
		.is_strict = true,
		.seed = 1,
	};
	for (int i = 0; i < CLIENTS; i++)
		client_init(&client[i], base, medium, BLOCKS, 512);
}

static void
teardown(void)
{
	for (int i = 0; i < CLIENTS; i++)
		client_fini(&client[i]);
	bmc_free(bmc);
	event_base_free(base);
}

static void
start(const char *dialect)
{
	struct reason why = { "" };

	conf.dialect = dialect_find(dialect);
	bmc = bmc_new(base, &conf, bmc_event, NULL, &why);
	ck_assert_msg(bmc != NULL, "%s", why.text);
}

/* Sends AUTH and waits for the ACK; returns its status. */
static unsigned
log_in(struct fake_client *c, enum device device, uint8_t instance, const char *with)
{
	unsigned acks = c->acks;

	client_log_in(c, bmc_port(bmc, device), instance, with);
	LOOP_UNTIL(base, c->acks == acks + 1);
	return c->ack_status;
}

static bool
is_serving(enum device device, int instance)
{
	struct bmc_slot_status status;

	bmc_slot_status(bmc, device, instance, &status);
	return strcmp(status.state, "serving") == 0;
}

/* Waits until it is served: the machine that the BMC plays has enumerated, nothing is under way. */
static void
greet(struct fake_client *c, enum device device, uint8_t instance)
{
	ck_assert_uint_eq(log_in(c, device, instance, token), 1);
	ck_assert_uint_eq(c->ack_instance, instance);
	LOOP_UNTIL(base, is_serving(device, instance));
}

/* Closes and waits until the BMC has seen it. */
static void
leave(struct fake_client *c)
{
	unsigned before = disconnected;

	client_close(c);
	LOOP_UNTIL(base, disconnected == before + 1);
}

static void
done_cb(void *arg, const struct bmc_result *result)
{
	(void)arg;
	is_done = true;
	is_good = result->is_good;
	got_len = result->data_len;
	ck_assert_uint_le(got_len, sizeof(got));
	if (got_len > 0)
		memcpy(got, result->data, got_len);
}

static void
submit(enum device device, int instance, const uint8_t *cdb, size_t len, uint32_t read_len)
{
	struct bmc_command command = { .read_len = read_len };

	memcpy(command.cdb, cdb, len);
	is_done = false;
	bmc_submit(bmc, device, instance, &command, done_cb, NULL);
}

#define READ_FROM(device, instance, read_len, ...)                           \
	do {                                                                 \
		submit(device, instance, (const uint8_t[]){ __VA_ARGS__ },   \
			sizeof((const uint8_t[]){ __VA_ARGS__ }), read_len); \
		LOOP_UNTIL(base, is_done);                                   \
	} while (0)

static void
assert_no_complaint(void)
{
	ck_assert_msg(complaints == 0, "%s", complaint);
}

/* --- AUTH --- */

START_TEST(asp_waits_for_auth)
{
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	ck_assert_uint_eq(client[0].ack_len, 87);
	ck_assert_uint_eq(connected, 1);
	ck_assert(bmc_has_client(bmc, DEVICE_FD, 0));
	READ_FROM(DEVICE_FD, 0, 512, 0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0);
	ck_assert(is_good);
	ck_assert_mem_eq(got, medium + 7 * 512, 512);
	assert_no_complaint();
}
END_TEST

START_TEST(no_auth_is_ack_6)
{
	conf.patience = 0.02;
	start("asp");
	client_connect(&client[0], bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, client[0].acks == 1);
	ck_assert_uint_eq(client[0].ack_status, 6);
	ck_assert(!client[0].is_closed); /* it is left open */
	ck_assert_uint_eq(bmc_totals(bmc)->refused, 1);
	ck_assert_uint_eq(connected, 0);
}
END_TEST

START_TEST(another_first_packet_is_ack_6)
{
	static const uint8_t ops[] = { 0x00, 0xF1, 0xF3, 0xF7, 0xF8 };

	start("asp");
	client_connect(&client[0], bmc_port(bmc, DEVICE_FD));
	client_send_control(&client[0], ops[_i], 0, 62);
	LOOP_UNTIL(base, client[0].acks == 1);
	ck_assert_uint_eq(client[0].ack_status, 6);
	ck_assert_ptr_nonnull(strstr(refused_why, "not AUTH"));
}
END_TEST

START_TEST(garbage_is_ack_6)
{
	static uint8_t large[2000] = "IUSB    ";

	start("asp");
	client_connect(&client[0], bmc_port(bmc, DEVICE_FD));
	client_send(&client[0], "HELO there", 10);
	LOOP_UNTIL(base, client[0].acks == 1);
	ck_assert_uint_eq(client[0].ack_status, 6);
	client_connect(&client[1], bmc_port(bmc, DEVICE_FD));
	set_le32(large + 12, sizeof(large));
	client_send(&client[1], large, sizeof(large));
	LOOP_UNTIL(base, client[1].acks == 1);
	ck_assert_uint_eq(client[1].ack_status, 6);
	ck_assert_ptr_nonnull(strstr(refused_why, "too long"));
}
END_TEST

START_TEST(a_bad_token_is_ack_3_and_holds_the_slot)
{
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "another"), 3);
	ck_assert_ptr_nonnull(strstr(refused_why, "gets ACK 3: token refused"));
	ck_assert_uint_eq(connected, 0);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_FD, 0, token), 4);
	ck_assert_str_eq(client[1].ack_owner, "127.0.0.1");
	client_close(&client[0]);
	/* The BMC sees the close; until then it is busy. */
	while (log_in(&client[2], DEVICE_FD, 0, token) != 1)
		client_close(&client[2]);
	ck_assert_uint_eq(bmc_totals(bmc)->sessions, 1);
	assert_no_complaint();
}
END_TEST

START_TEST(asp_compares_15_characters)
{
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "0123456789abcdeX"), 1);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_HD, 0, "0123456789abcd"), 3);
	ck_assert_uint_eq(log_in(&client[2], DEVICE_CD, 0, "0123456789abcdXX"), 3);
}
END_TEST

START_TEST(rest_compares_the_whole_token)
{
	start("rest");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_CD, 0, "0123456789abcdeX"), 3);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_HD, 0, token), 1);
}
END_TEST

START_TEST(any_token_is_good_where_none_is_named)
{
	conf.token = NULL;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, ""), 1);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_HD, 0, "whatever"), 1);
}
END_TEST

START_TEST(an_instance_too_high_gets_nothing)
{
	start("asp");
	client_log_in(&client[0], bmc_port(bmc, DEVICE_CD), 2, token);
	LOOP_UNTIL(base, refused == 1);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_CD, 1, token), 1);
	ck_assert_uint_eq(client[0].received, 0);
	ck_assert(!client[0].is_closed);
	ck_assert_ptr_nonnull(strstr(refused_why, "gets no ACK"));
}
END_TEST

/* Accept and AUTH are one loop. Another class shows that the BMC itself goes on. */
START_TEST(a_silent_socket_blocks_its_class)
{
	start("asp");
	client_connect(&client[0], bmc_port(bmc, DEVICE_FD));
	client_log_in(&client[1], bmc_port(bmc, DEVICE_FD), 0, token);
	ck_assert_uint_eq(log_in(&client[2], DEVICE_HD, 0, token), 1);
	ck_assert_uint_eq(client[1].acks, 0);
	client_close(&client[0]);
	LOOP_UNTIL(base, client[1].acks == 1);
	ck_assert_uint_eq(client[1].ack_status, 1);
}
END_TEST

START_TEST(a_refusal_pauses_its_class)
{
	conf.refusal_pause = LONG;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "bad"), 3);
	client_close(&client[0]);
	client_log_in(&client[1], bmc_port(bmc, DEVICE_FD), 0, token);
	ck_assert_uint_eq(log_in(&client[2], DEVICE_HD, 0, token), 1);
	ck_assert_uint_eq(client[1].acks, 0);
}
END_TEST

START_TEST(a_pause_ends)
{
	conf.refusal_pause = 0.02;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "bad"), 3);
	client_close(&client[0]);
	ck_assert_uint_ne(log_in(&client[1], DEVICE_FD, 0, token), 3);
}
END_TEST

/* --- slots --- */

START_TEST(a_busy_slot_is_ack_4)
{
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_FD, 0, token), 4);
	ck_assert_str_eq(client[1].ack_owner, "127.0.0.1");
	ck_assert(!client[1].is_closed);
	READ_FROM(DEVICE_FD, 0, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0); /* not disturbed */
	ck_assert(is_good);
	leave(&client[0]);
	ck_assert_uint_eq(log_in(&client[2], DEVICE_FD, 0, token), 1);
}
END_TEST

START_TEST(instances_share_a_token)
{
	conf.token = NULL;
	start("rest");
	for (uint8_t i = 0; i < 2; i++) {
		client[i].block_len = 2048;
		client[i].blocks = 400;
		ck_assert_uint_eq(log_in(&client[i], DEVICE_CD, i, "mine"), 1);
	}
	ck_assert_uint_eq(client[1].ack_instance, 1);
	for (int i = 0; i < 2; i++) {
		READ_FROM(DEVICE_CD, i, 2048, 0x28, 0, 0, 0, 0, (uint8_t)i, 0, 0, 1, 0);
		ck_assert(is_good);
		ck_assert_mem_eq(got, medium + i * 2048, 2048);
	}
	READ_FROM(DEVICE_CD, 1, 36, 0x12, 0, 0, 0, 36, 0);
	ck_assert_mem_eq(got + 16, "Virtual CDROM1  ", 16);
	client_close(&client[0]);
	LOOP_UNTIL(base, disconnected == 1);
	/* Instance 1 is still there with its token. */
	ck_assert_uint_eq(log_in(&client[2], DEVICE_CD, 0, "yours"), 4);
	ck_assert_str_eq(client[2].ack_owner, "127.0.0.1");
	client_close(&client[2]);
	while (log_in(&client[3], DEVICE_CD, 0, "mine") != 1)
		client_close(&client[3]);
	/* Another class does not care. */
	ck_assert_uint_eq(log_in(&client[2], DEVICE_HD, 0, "yours"), 1);
	assert_no_complaint();
}
END_TEST

START_TEST(the_last_session_takes_the_token_along)
{
	conf.token = NULL;
	start("asp");
	greet(&client[0], DEVICE_CD, 1);
	leave(&client[0]);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_CD, 0, "another"), 1);
}
END_TEST

static void
wrong_instance(struct fake_client *from, uint8_t *answer, size_t *len)
{
	(void)len;
	if (answer[41] == 0x28 && from->tampered++ == 0)
		answer[23] = 0;
}

START_TEST(the_instance_is_in_every_packet)
{
	start("asp");
	client[0].tamper = wrong_instance;
	greet(&client[0], DEVICE_CD, 1);
	for (size_t i = 0; i < client[0].count; i++)
		ck_assert_uint_eq(client[0].requests[i][23], 1);
	READ_FROM(DEVICE_CD, 1, 2048, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
	ck_assert(!is_good);
	ck_assert_str_eq(gone_why, "dropped: wrong Instance 0");
}
END_TEST

/* --- what is told on demand --- */

START_TEST(a_status_on_demand)
{
	static const uint8_t statuses[] = { 2, 3, 4, 5, 6, 7, 8, 9, 13, 77 };

	conf.ack = statuses[_i];
	conf.ack_times = 1;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, token), statuses[_i]);
	ck_assert_str_eq(client[0].ack_owner, statuses[_i] == 4 ? "192.168.0.77" : "");
	ck_assert_uint_eq(refused, 1);
	client_close(&client[0]);
	while (log_in(&client[1], DEVICE_FD, 0, token) != 1) {
		ck_assert_uint_eq(client[1].ack_status, 4); /* the BMC has not seen the close */
		client_close(&client[1]);
	}
	/* Set anew while it runs, for every class. */
	bmc_set_ack(bmc, 5, 1);
	ck_assert_uint_eq(log_in(&client[2], DEVICE_HD, 0, token), 5);
}
END_TEST

START_TEST(other_ways_to_say_accepted)
{
	conf.ack = (uint8_t)_i;
	start("rest");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_HD, 0, token), (unsigned)_i);
	LOOP_UNTIL(base, client[0].count >= 2);
	ck_assert_uint_eq(connected, 1);
}
END_TEST

START_TEST(a_legacy_bmc_refuses_on_demand)
{
	conf.slots[DEVICE_CD] = 1;
	conf.ack = 8;
	conf.ack_times = 1;
	start("legacy");
	client_connect(&client[0], bmc_port(bmc, DEVICE_FD));
	LOOP_UNTIL(base, client[0].acks == 1);
	ck_assert_uint_eq(client[0].ack_status, 8);
}
END_TEST

START_TEST(owner_fields)
{
	static const struct {
		uint8_t field;
		size_t len;
		const char *owner, *told;
	} rows[] = {
		{ 0, 63, "10.0.0.7", "" },
		{ 24, 87, "10.0.0.7", "10.0.0.7" },
		{ 39, 102, "2001:0db8:1111:2222:3333:4444:5555:6666",
			"2001:0db8:1111:2222:3333:4444:5555:6666" },
		{ 45, 108, "::ffff:10.0.0.7", "::ffff:10.0.0.7" },
	};

	conf.owner_field = rows[_i].field;
	conf.owner = rows[_i].owner;
	conf.ack = 4;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, token), 4);
	ck_assert_uint_eq(client[0].ack_len, rows[_i].len);
	ck_assert_str_eq(client[0].ack_owner, rows[_i].told);
}
END_TEST

START_TEST(a_detached_device_is_ack_7)
{
	conf.attach = ATTACH_DETACHED;
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, token), 7);
}
END_TEST

START_TEST(a_fault_instead_of_the_ack)
{
	conf.fault = FAULT_SILENT;
	conf.fault_times = 1;
	start("asp");
	client_log_in(&client[0], bmc_port(bmc, DEVICE_FD), 0, token);
	LOOP_UNTIL(base, refused == 1);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_FD, 0, token), 1);
	ck_assert_uint_eq(client[0].received, 0);
	ck_assert(!client[0].is_closed);
}
END_TEST

/* A client that was refused and does not close is served keep-alives, and dropped. */
START_TEST(a_refused_client_is_dropped_in_the_end)
{
	conf.idle = 0.02;
	conf.patience = 2;
	start("asp");
	client[0].is_holding = true;
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "bad"), 3);
	LOOP_UNTIL(base, client[0].is_closed);
	ck_assert_uint_eq(client[0].pings, 1);
	ck_assert_uint_eq(disconnected, 0); /* the machine saw nothing of it */
}
END_TEST

/* --- control packets --- */

START_TEST(keep_alive_is_f3)
{
	conf.idle = 0.02;
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	LOOP_UNTIL(base, client[0].pings >= 3);
	ck_assert_uint_eq(disconnected, 0);
	client_send_control(&client[0], 0xF3, 0, 62); /* safe at any time */
	LOOP_UNTIL(base, client[0].pings >= 5);
	assert_no_complaint();
}
END_TEST

START_TEST(keep_alives_cross_requests)
{
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	for (int i = 0; i < 200; i++) {
		READ_FROM(DEVICE_FD, 0, 512, 0x28, 0, 0, 0, 0, (uint8_t)i, 0, 0, 1, 0);
		ck_assert(is_good);
	}
	ck_assert_uint_gt(client[0].pings, 3);
	assert_no_complaint();
}
END_TEST

START_TEST(an_old_harddisk_is_asked_for_its_type)
{
	client[0].disk_type = _i ? 0x80 : 0x00;
	start("asp");
	greet(&client[0], DEVICE_HD, 0);
	ck_assert_uint_eq(client[0].types, 1);
	ck_assert_uint_eq(client[0].requests[0][17], client[0].disk_type);
	ck_assert_uint_eq(client[0].requests[0][41], 0x00);
	greet(&client[1], DEVICE_FD, 0);
	ck_assert_uint_eq(client[1].types, 0);
	assert_no_complaint();
}
END_TEST

START_TEST(a_newer_one_takes_it_from_auth)
{
	struct bmc_slot_status status;

	conf.quirks &= ~(unsigned)QUIRK_DISK_TYPE;
	client[0].disk_type = 0x80;
	start("asp");
	greet(&client[0], DEVICE_HD, 0);
	ck_assert_uint_eq(client[0].types, 0);
	ck_assert_uint_eq(client[0].requests[0][17], 0x80);
	bmc_slot_status(bmc, DEVICE_HD, 0, &status);
	ck_assert_int_eq(status.disk_type, 0x80);
}
END_TEST

/* DEVICE_INFO and DISCONNECT belong to `rest`; on `asp` they fall into the trap of 2.3. */
START_TEST(asp_takes_device_info_for_an_answer)
{
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	client_send_control(&client[0], _i ? 0xF7 : 0xF8, 0, _i ? 62 : 322);
	LOOP_UNTIL(base, complaints == 1);
	ck_assert_ptr_nonnull(strstr(complaint, _i ? "packet 0xf7" : "packet 0xf8"));
	ck_assert_ptr_nonnull(strstr(complaint, "a status that it never asked for"));
	ck_assert_uint_eq(disconnected, 0);
}
END_TEST

START_TEST(the_idle_trap)
{
	uint8_t packet[61];

	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	READ_FROM(DEVICE_FD, 0, 0, 0, 0, 0, 0, 0, 0);
	memcpy(packet, client[0].requests[0], sizeof(packet));
	packet[19] = 0x80;
	set_le32(packet + 24, 0);
	client_send(&client[0], packet, sizeof(packet));
	LOOP_UNTIL(base, complaints == 1);
	ck_assert_str_eq(complaint,
		"unsolicited packet with SeqNo 0: the host gets a status that it "
		"never asked for\n");
}
END_TEST

START_TEST(rest_takes_device_info)
{
	static uint8_t info[322] = "IUSB    \x01\x00\x20";
	struct bmc_slot_status status;

	start("rest");
	set_le32(info + 12, sizeof(info) - 32);
	info[41] = 0xF8;
	info[62] = 2;
	strcpy((char *)info + 66, "dos.iso");
	client_log_in(&client[0], bmc_port(bmc, DEVICE_HD), 0, token);
	client_send(&client[0], info, sizeof(info)); /* without waiting for the ACK */
	LOOP_UNTIL(base, client[0].acks == 1 && is_serving(DEVICE_HD, 0));
	bmc_slot_status(bmc, DEVICE_HD, 0, &status);
	ck_assert_str_eq(status.image, "dos.iso");
	ck_assert_int_eq(strncmp(status.peer, "127.0.0.1:", 10), 0);
	assert_no_complaint();
	/* 0xF7 ends the session at once; the slot is free when the client has closed. */
	client_send_control(&client[0], 0xF7, 0, 62);
	LOOP_UNTIL(base, disconnected == 1);
	ck_assert_str_eq(gone_why, "the client disconnects (0xf7)");
	ck_assert_uint_eq(log_in(&client[1], DEVICE_HD, 0, token), 4);
	client_close(&client[0]);
	client_close(&client[1]);
	while (log_in(&client[2], DEVICE_HD, 0, token) != 1)
		client_close(&client[2]);
	assert_no_complaint();
}
END_TEST

START_TEST(rest_polls_a_cd)
{
	conf.poll = 0.02;
	client[0].has_events = true;
	start("rest");
	greet(&client[0], DEVICE_CD, 0);
	LOOP_UNTIL(base, client[0].polls >= 3);
	READ_FROM(DEVICE_CD, 0, 8, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got[3], 0x10); /* the client's own */
	assert_no_complaint();
}
END_TEST

/* On other SoCs the BMC keeps the events to itself (10.2). */
START_TEST(rest_keeps_events_to_itself)
{
	conf.quirks &= ~(unsigned)QUIRK_EVENT_POLL;
	start("rest");
	READ_FROM(DEVICE_CD, 0, 8, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
	ck_assert(is_good);
	ck_assert_mem_eq(got, "\x06\x00\x04\xDE\x03\x01\x00\x00", 8); /* removed, no session */
	greet(&client[0], DEVICE_CD, 0);
	READ_FROM(DEVICE_CD, 0, 8, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
	ck_assert_mem_eq(got, "\x06\x00\x04\xDE\x02\x02\x00\x00", 8); /* new medium, once */
	READ_FROM(DEVICE_CD, 0, 8, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
	ck_assert_mem_eq(got, "\x06\x00\x04\xDE\x00\x02\x00\x00", 8);
	leave(&client[0]);
	READ_FROM(DEVICE_CD, 0, 8, 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
	ck_assert_uint_eq(got[4], 1); /* an eject was requested */
	ck_assert_uint_eq(client[0].polls, 0);
}
END_TEST

/* --- rest-gadget --- */

static void
start_gadget(void)
{
	client[0].block_len = 2048;
	client[0].blocks = 700;
	start("rest-gadget");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_CD, 0, token), 1);
}

START_TEST(a_gadget_wants_blocks_only)
{
	start_gadget();
	READ_FROM(DEVICE_CD, 0, 0, 0, 0, 0, 0, 0, 0); /* waits for the capacity */
	ck_assert(is_good);
	READ_FROM(DEVICE_CD, 0, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	ck_assert_mem_eq(got, "\x00\x00\x02\xBB\x00\x00\x08\x00", 8);
	READ_FROM(DEVICE_CD, 0, 20, 0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0);
	ck_assert(is_good);
	ck_assert_mem_eq(got + 16, "\x00\x00\x02\xBC", 4);
	READ_FROM(DEVICE_CD, 0, 8, 0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0);
	ck_assert(!is_good);
	ck_assert_uint_eq(client[0].count, 1); /* READ CAPACITY, at the start */
	READ_FROM(DEVICE_CD, 0, 3 * 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 3, 0);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 3 * 2048);
	ck_assert_mem_eq(got, medium + 5 * 2048, 3 * 2048);
	ck_assert_uint_eq(client[0].count, 2);
	ck_assert_mem_eq(
		client[0].requests[1] + 41, "\xA8\x00\x00\x00\x00\x05\x03\x00\x00\x00", 10);
	for (size_t i = 0; i < client[0].count; i++)
		ck_assert_uint_eq(le32(client[0].requests[i] + 24), 0); /* SeqNo */
	READ_FROM(DEVICE_CD, 0, 2048, 0x28, 0, 0, 0, 2, 0xBC, 0, 0, 1, 0);
	ck_assert(!is_good);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_CD, 0), SENSE_OUT_OF_RANGE);
	ck_assert_uint_eq(client[0].count, 2);
	assert_no_complaint();
}
END_TEST

START_TEST(a_gadget_splits_reads)
{
	static const uint8_t cdb[] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 100, 0 };
	static uint8_t large[100 * 2048];

	start_gadget();
	submit(DEVICE_CD, 0, cdb, sizeof(cdb), 64 * 2048);
	LOOP_UNTIL(base, is_done);
	ck_assert(is_good);
	ck_assert_uint_eq(got_len, 64 * 2048);
	memcpy(large, got, got_len);
	ck_assert_mem_eq(large, medium, 64 * 2048);
	ck_assert_mem_eq(client[0].requests[1] + 47, "\x40\x00\x00\x00", 4);
}
END_TEST

START_TEST(a_gadget_ejects_with_f7)
{
	start_gadget();
	READ_FROM(DEVICE_CD, 0, 0, 0x1B, 0, 0, 0, 2, 0);
	ck_assert(is_good); /* the host has its answer first */
	LOOP_UNTIL(base, client[0].disconnects == 1);
	ck_assert_uint_eq(disconnected, 1);
	ck_assert_str_eq(gone_why, "the host ejects the medium (0xf7)");
	READ_FROM(DEVICE_CD, 0, 0, 0, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(bmc_sense(bmc, DEVICE_CD, 0), SENSE_NO_MEDIUM);
	assert_no_complaint();
}
END_TEST

/* --- with a web server --- */

static char page[8192];
static bool is_page_whole;

static void
page_cb(struct bufferevent *bev, short what, void *arg)
{
	size_t n;

	(void)arg;
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	n = bufferevent_read(bev, page, sizeof(page) - 1);
	page[n] = '\0';
	is_page_whole = true;
}

/* One request to the web server; its answer is in page. */
static void
fetch(const char *head, const char *cookie, const char *body)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(bmc_web_port(bmc, false)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	is_page_whole = false;
	bufferevent_setcb(bev, NULL, NULL, page_cb, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	ck_assert_int_eq(bufferevent_socket_connect(bev, (struct sockaddr *)&sin, sizeof(sin)), 0);
	evbuffer_add_printf(bufferevent_get_output(bev),
		"%s HTTP/1.1\r\nHost: bmc\r\nConnection: close\r\nCookie: SessionCookie=%s\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		head, cookie, strlen(body), body);
	LOOP_UNTIL(base, is_page_whole);
	bufferevent_free(bev);
}

/* What stands in page between before and the next end. */
static void
cut(char out[64], const char *before, char end)
{
	const char *at = strstr(page, before);
	size_t len;

	ck_assert_msg(at != NULL, "%s is not in: %s", before, page);
	at += strlen(before);
	len = strcspn(at, (char[]){ end, '\0' });
	snprintf(out, 64, "%.*s", (int)len, at);
}

static char cookie[64], web_token[64];

static void
start_web(void)
{
	conf.token = NULL;
	conf.web = (struct web_conf){
		.flow = WEB_FLOW_ASP,
		.has_plain = true,
		.user = "admin",
		.password = "admin",
		.sessions_max = 4,
		.session_life = LONG,
		.has_licence = true,
		.has_privilege = true,
		.has_tunnel = true,
	};
}

static void
log_in_to_web(void)
{
	fetch("POST /rpc/WEBSES/create.asp", "", "WEBVAR_USERNAME=admin&WEBVAR_PASSWORD=admin");
	cut(cookie, "'SESSION_COOKIE' : '", '\'');
	fetch("GET /Java/jviewer.jnlp?EXTRNIP=bmc&JNLPSTR=JViewer", cookie, "");
	cut(web_token, "<argument>-kvmtoken</argument>", '/');
	memmove(web_token, strchr(web_token, '>') + 1, strlen(strchr(web_token, '>')));
	*strchr(web_token, '<') = '\0';
}

START_TEST(a_token_of_the_web_server)
{
	start_web();
	start("asp");
	ck_assert_uint_eq(log_in(&client[0], DEVICE_FD, 0, "guess"), 3);
	client_close(&client[0]);
	log_in_to_web();
	while (log_in(&client[1], DEVICE_FD, 0, web_token) == 4) /* the close is not seen yet */
		client_close(&client[1]);
	ck_assert_uint_eq(client[1].ack_status, 1);
	LOOP_UNTIL(base, is_serving(DEVICE_FD, 0));
	leave(&client[1]);
	/* It died with the last session of its class. */
	ck_assert_uint_eq(log_in(&client[2], DEVICE_FD, 0, web_token), 3);
	ck_assert_uint_eq(bmc_web_totals(bmc)->logins, 1);
}
END_TEST

START_TEST(media_ports_are_locked_until_the_jnlp_was_fetched)
{
	start_web();
	conf.web.quirks = WEB_PORTS_LOCKED;
	start("asp");
	client_log_in(&client[0], bmc_port(bmc, DEVICE_FD), 0, "guess");
	LOOP_UNTIL(base, client[0].is_closed);
	ck_assert_uint_eq(client[0].received, 0);
	log_in_to_web();
	ck_assert_uint_eq(log_in(&client[1], DEVICE_FD, 0, web_token), 1);
	bmc_expire(bmc);
	client_log_in(&client[2], bmc_port(bmc, DEVICE_HD), 0, web_token);
	LOOP_UNTIL(base, client[2].is_closed);
	ck_assert(bmc_has_client(bmc, DEVICE_FD, 0)); /* who is in, stays in */
}
END_TEST

/* A tunnel comes to the same door as everybody else. */
START_TEST(a_tunnel_leads_to_the_door)
{
	char text[256];

	start_web();
	conf.web.is_single_port = true;
	conf.quirks &= ~(unsigned)QUIRK_OPEN_PORTS;
	start("asp");
	log_in_to_web();
	for (int i = 0; i < 2; i++) {
		char own_cookie[64];

		fetch("GET /Java/jviewer.jnlp?EXTRNIP=bmc&JNLPSTR=JViewer", cookie, "");
		cut(own_cookie, "<argument>-webcookie</argument>", '/');
		memmove(own_cookie, strchr(own_cookie, '>') + 1, strlen(strchr(own_cookie, '>')));
		*strchr(own_cookie, '<') = '\0';
		snprintf(text, sizeof(text),
			"CONNECT bmc:443 HTTP/1.1\n cookie %s\r\n\r\n"
			"JVIEWER FDMEDIA cookie %s\r\n\r\n",
			own_cookie, own_cookie);
		client[i].has_head = true;
		client_connect(&client[i], bmc_web_port(bmc, false));
		client_send(&client[i], text, strlen(text));
	}
	/* The second one waits for the first one's AUTH. */
	LOOP_UNTIL(base, bmc_web_totals(bmc)->upgrades == 2);
	client_send_auth(&client[1], 0, web_token);
	client_send_auth(&client[0], 0, web_token);
	LOOP_UNTIL(base, client[0].acks == 1 && client[1].acks == 1);
	ck_assert_uint_eq(client[0].ack_status + client[1].ack_status, 1 + 4);
	LOOP_UNTIL(base, is_serving(DEVICE_FD, 0));
	READ_FROM(DEVICE_FD, 0, 512, 0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0);
	ck_assert(is_good);
	ck_assert_mem_eq(got, medium + 7 * 512, 512);
	assert_no_complaint();
}
END_TEST

/* A WebSocket on a media port begins with HTTP: the web server answers, the class goes on. */
START_TEST(http_on_a_media_port)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: bmc\r\n\r\n";

	start_web();
	conf.web.flow = WEB_FLOW_REST;
	conf.web.has_websocket = true;
	start("rest");
	client_connect(&client[0], bmc_port(bmc, DEVICE_CD));
	client_send(&client[0], request, strlen(request));
	LOOP_UNTIL(base, client[0].received > 12);
	ck_assert_int_eq(strncmp((const char *)client[0].first, "HTTP/1.1 4", 10), 0);
	ck_assert_uint_eq(log_in(&client[1], DEVICE_CD, 0, "guess"), 3);
}
END_TEST

/* --- what happens to a BMC --- */

START_TEST(a_session_is_ended_on_demand)
{
	struct reason why;

	start("asp");
	ck_assert_int_eq(bmc_end_session(bmc, DEVICE_FD, 0, WAY_KILL, &why), -1);
	ck_assert_str_eq(why.text, "sim001/fd has no session");
	greet(&client[0], DEVICE_FD, 0);
	ck_assert_int_eq(bmc_end_session(bmc, DEVICE_FD, 0, (enum bmc_way)_i, &why), 0);
	ck_assert_uint_eq(disconnected, 1);
	switch ((enum bmc_way)_i) {
	case WAY_KILL:
		LOOP_UNTIL(base, client[0].kills == 1);
		break;
	case WAY_DISCONNECT:
		LOOP_UNTIL(base, client[0].disconnects == 1);
		break;
	case WAY_RESET:
		LOOP_UNTIL(base, client[0].is_closed);
		ck_assert_int_eq(client[0].error, ECONNRESET);
		break;
	}
}
END_TEST

START_TEST(a_client_that_stays_is_dropped)
{
	struct reason why;

	conf.patience = 2;
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	ck_assert_int_eq(bmc_end_session(bmc, DEVICE_FD, 0, WAY_KILL, &why), 0);
	LOOP_UNTIL(base, client[0].is_closed);
	ck_assert_ptr_nonnull(strstr(complaint, "does not close after the end of its session"));
}
END_TEST

START_TEST(a_reboot_resets_and_comes_back)
{
	uint16_t port, web;

	start_web();
	conf.reboot_time = 0.5;
	start("asp");
	port = bmc_port(bmc, DEVICE_FD);
	web = bmc_web_port(bmc, false);
	ck_assert_uint_ne(web, 0);
	client_connect(&client[0], port);
	client_connect(&client[1], web);
	client_log_in(&client[2], port, 0, token); /* waits behind the first one */
	ck_assert_uint_eq(log_in(&client[3], DEVICE_HD, 0, token), 3); /* all have come */
	bmc_reboot(bmc);
	ck_assert(bmc_is_down(bmc));
	LOOP_UNTIL(base, client[0].is_closed && client[1].is_closed && client[2].is_closed &&
				 client[3].is_closed);
	client_close(&client[3]);
	client_connect(&client[3], port);
	LOOP_UNTIL(base, client[3].is_closed); /* refused */
	ck_assert_int_eq(client[3].error, ECONNREFUSED);
	LOOP_UNTIL(base, !bmc_is_down(bmc));
	ck_assert_uint_eq(bmc_port(bmc, DEVICE_FD), port);
	ck_assert_uint_eq(bmc_web_port(bmc, false), web);
	client_close(&client[3]);
	ck_assert_uint_eq(log_in(&client[3], DEVICE_FD, 0, "no such token"), 3);
}
END_TEST

START_TEST(a_reboot_ends_sessions)
{
	start("asp");
	greet(&client[0], DEVICE_FD, 0);
	bmc_reboot(bmc);
	ck_assert_uint_eq(disconnected, 1);
	ck_assert_str_eq(gone_why, "the BMC reboots");
	LOOP_UNTIL(base, client[0].is_closed);
	ck_assert_int_eq(client[0].error, ECONNRESET);
	LOOP_UNTIL(base, !bmc_is_down(bmc));
	client_close(&client[0]);
	greet(&client[0], DEVICE_FD, 0);
}
END_TEST

START_TEST(a_device_that_is_not_there)
{
	conf.slots[DEVICE_FD] = 0;
	start("rest");
	ck_assert_uint_eq(bmc_port(bmc, DEVICE_FD), 0);
	ck_assert_uint_ne(bmc_port(bmc, DEVICE_CD), 0);
}
END_TEST

/* --- TLS and ports --- */

START_TEST(media_ports)
{
	conf.has_tls = true;
	conf.media = (enum bmc_media)_i;
	start("asp");
	ck_assert(!bmc_port(bmc, DEVICE_CD) == (conf.media == MEDIA_SECURE));
	ck_assert(!bmc_secure_port(bmc, DEVICE_CD) == (conf.media == MEDIA_PLAIN));
	if (conf.media == MEDIA_PLAIN)
		return;
	client_log_in_tls(&client[0], bmc_secure_port(bmc, DEVICE_FD), 0, token);
	LOOP_UNTIL(base, client[0].acks == 1);
	ck_assert_uint_eq(client[0].ack_status, 1);
	LOOP_UNTIL(base, client[0].count >= 2);
	READ_FROM(DEVICE_FD, 0, 65536, 0x28, 0, 0, 0, 0, 7, 0, 0, 128, 0);
	ck_assert(is_good);
	ck_assert_mem_eq(got, medium + 7 * 512, 65536);
	assert_no_complaint();
}
END_TEST

/* Plain bytes on a TLS port: the connection ends, the class goes on. */
START_TEST(no_tls_where_it_is_wanted)
{
	conf.has_tls = true;
	conf.media = MEDIA_SECURE;
	start("asp");
	client_log_in(&client[0], bmc_secure_port(bmc, DEVICE_FD), 0, token);
	LOOP_UNTIL(base, client[0].is_closed);
	client_log_in_tls(&client[1], bmc_secure_port(bmc, DEVICE_FD), 0, token);
	LOOP_UNTIL(base, client[1].acks == 1);
	ck_assert_uint_eq(client[1].ack_status, 1);
}
END_TEST

START_TEST(a_single_port_closes_the_others)
{
	conf.web.is_single_port = true;
	conf.quirks &= ~(unsigned)QUIRK_OPEN_PORTS;
	start("asp");
	ck_assert_uint_eq(bmc_port(bmc, DEVICE_CD), 0);
	bmc_free(bmc);
	conf.quirks |= QUIRK_OPEN_PORTS; /* seen live */
	start("asp");
	ck_assert_uint_ne(bmc_port(bmc, DEVICE_CD), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bmcsim_auth");
	TCase *tc = tcase_create("auth");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, asp_waits_for_auth);
	tcase_add_test(tc, no_auth_is_ack_6);
	tcase_add_loop_test(tc, another_first_packet_is_ack_6, 0, 5);
	tcase_add_test(tc, garbage_is_ack_6);
	tcase_add_test(tc, a_bad_token_is_ack_3_and_holds_the_slot);
	tcase_add_test(tc, asp_compares_15_characters);
	tcase_add_test(tc, rest_compares_the_whole_token);
	tcase_add_test(tc, any_token_is_good_where_none_is_named);
	tcase_add_test(tc, an_instance_too_high_gets_nothing);
	tcase_add_test(tc, a_silent_socket_blocks_its_class);
	tcase_add_test(tc, a_refusal_pauses_its_class);
	tcase_add_test(tc, a_pause_ends);
	tcase_add_test(tc, a_busy_slot_is_ack_4);
	tcase_add_test(tc, instances_share_a_token);
	tcase_add_test(tc, the_last_session_takes_the_token_along);
	tcase_add_test(tc, the_instance_is_in_every_packet);
	tcase_add_loop_test(tc, a_status_on_demand, 0, 10);
	tcase_add_loop_test(tc, other_ways_to_say_accepted, 27, 29);
	tcase_add_test(tc, a_legacy_bmc_refuses_on_demand);
	tcase_add_loop_test(tc, owner_fields, 0, 4);
	tcase_add_test(tc, a_detached_device_is_ack_7);
	tcase_add_test(tc, a_fault_instead_of_the_ack);
	tcase_add_test(tc, a_refused_client_is_dropped_in_the_end);
	suite_add_tcase(s, tc);

	tc = tcase_create("session");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keep_alive_is_f3);
	tcase_add_test(tc, keep_alives_cross_requests);
	tcase_add_loop_test(tc, an_old_harddisk_is_asked_for_its_type, 0, 2);
	tcase_add_test(tc, a_newer_one_takes_it_from_auth);
	tcase_add_loop_test(tc, asp_takes_device_info_for_an_answer, 0, 2);
	tcase_add_test(tc, the_idle_trap);
	tcase_add_test(tc, rest_takes_device_info);
	tcase_add_test(tc, rest_polls_a_cd);
	tcase_add_test(tc, rest_keeps_events_to_itself);
	tcase_add_test(tc, a_gadget_wants_blocks_only);
	tcase_add_test(tc, a_gadget_splits_reads);
	tcase_add_test(tc, a_gadget_ejects_with_f7);
	tcase_add_test(tc, a_token_of_the_web_server);
	tcase_add_test(tc, media_ports_are_locked_until_the_jnlp_was_fetched);
	tcase_add_test(tc, a_tunnel_leads_to_the_door);
	tcase_add_test(tc, http_on_a_media_port);
	suite_add_tcase(s, tc);

	tc = tcase_create("power and ports");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_session_is_ended_on_demand, WAY_KILL, WAY_RESET + 1);
	tcase_add_test(tc, a_client_that_stays_is_dropped);
	tcase_add_test(tc, a_reboot_resets_and_comes_back);
	tcase_add_test(tc, a_reboot_ends_sessions);
	tcase_add_test(tc, a_device_that_is_not_there);
	tcase_add_loop_test(tc, media_ports, MEDIA_PLAIN, MEDIA_BOTH + 1);
	tcase_add_test(tc, no_tls_where_it_is_wanted);
	tcase_add_test(tc, a_single_port_closes_the_others);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
