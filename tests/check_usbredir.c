/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_usbredir: the Bulk-Only Transport by itself, and the bridge as QEMU sees it: this test is
 * the usb-guest of a real usbredir connection, and the client of a real simulated BMC. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <usbredirparser.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"
#include "bmcsim/bmc.h"
#include "bmcsim/usb_descriptors.h"
#include "bmcsim/usb_storage.h"
#include "bmcsim/usbredir.h"
#include "iusb/packet.h"

enum {
	CBW_LEN = 31,
	CSW_LEN = 13,
	TAG = 0x11223344,
};

static void
make_cbw(uint8_t out[CBW_LEN], uint32_t len, bool is_in, const uint8_t *cdb, size_t cdb_len)
{
	memset(out, 0, CBW_LEN);
	memcpy(out, "USBC", 4);
	put_le32(out + 4, TAG);
	put_le32(out + 8, len);
	out[12] = is_in ? 0x80 : 0;
	out[14] = (uint8_t)cdb_len;
	memcpy(out + 15, cdb, cdb_len);
}

/* --- the transport by itself ------------------------------------------------------ */

enum {
	RECORDS_MAX = 128,
};

struct record { /* one bulk-in transfer that ended */
	uint64_t id;
	enum usb_status status;
	uint32_t len;
	uint8_t head[16];
};

static struct record records[RECORDS_MAX];
static unsigned record_count, submit_count, abort_count;
static struct bmc_command submitted;
static uint8_t submitted_first;
static struct usb_storage *dev;
static uint64_t next_id;

static void
fake_submit(void *arg, const struct bmc_command *command)
{
	(void)arg;
	submitted = *command;
	submitted_first = command->data_len > 0 ? command->data[0] : 0;
	submit_count++;
}

static void
fake_abort(void *arg)
{
	(void)arg;
	abort_count++;
}

static void
fake_complete(void *arg, uint64_t id, enum usb_status status, const uint8_t *data, uint32_t len)
{
	struct record *r = &records[record_count++];

	(void)arg;
	ck_assert_uint_le(record_count, RECORDS_MAX);
	*r = (struct record){ .id = id, .status = status, .len = len };
	if (len > 0)
		memcpy(r->head, data, len < sizeof(r->head) ? len : sizeof(r->head));
}

static const struct usb_storage_ops fake_ops = { fake_submit, fake_abort, fake_complete };

static void
storage_start(enum device device)
{
	dev = usb_storage_new(device, &fake_ops, NULL);
	record_count = submit_count = abort_count = 0;
	next_id = 1;
}

static void
setup_hd(void)
{
	storage_start(DEVICE_HD);
}

static void
teardown_storage(void)
{
	usb_storage_free(dev);
}

static enum usb_status
send_cbw(uint32_t len, bool is_in, const uint8_t *cdb, size_t cdb_len)
{
	uint8_t cbw[CBW_LEN];

	make_cbw(cbw, len, is_in, cdb, cdb_len);
	return usb_storage_out(dev, cbw, sizeof(cbw));
}

static void
done(bool is_good, uint32_t len)
{
	static uint8_t data[USB_STORAGE_DATA_MAX];

	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i >> 9);
	usb_storage_done(
		dev, &(struct bmc_result){ .is_good = is_good, .data = data, .data_len = len });
}

/* A bulk-in transfer that ends at once. */
static struct record *
fetch(uint32_t len)
{
	unsigned before = record_count;

	usb_storage_in(dev, next_id, len);
	ck_assert_uint_eq(record_count, before + 1);
	ck_assert_uint_eq(records[before].id, next_id);
	next_id++;
	return &records[before];
}

static void
check_csw(const struct record *r, uint8_t status, uint32_t residue)
{
	ck_assert_int_eq(r->status, USB_OK);
	ck_assert_uint_eq(r->len, CSW_LEN);
	ck_assert_mem_eq(r->head, "USBS", 4);
	ck_assert_uint_eq(get_le32(r->head + 4), TAG);
	ck_assert_uint_eq(get_le32(r->head + 8), residue);
	ck_assert_uint_eq(r->head[12], status);
}

static void
expect_csw(uint8_t status, uint32_t residue)
{
	check_csw(fetch(CSW_LEN), status, residue);
}

static void
expect_stall(void)
{
	ck_assert_int_eq(fetch(CSW_LEN)->status, USB_STALL);
}

static enum usb_status
control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length,
	uint8_t out[USB_DESCRIPTOR_MAX], size_t *len)
{
	const struct usb_setup setup = { type, request, value, index, length };

	return usb_storage_control(dev, &setup, out, len);
}

static void
clear_halt(uint16_t endpoint)
{
	uint8_t out[USB_DESCRIPTOR_MAX];
	size_t len;

	ck_assert_int_eq(control(0x02, 1, 0, endpoint, 0, out, &len), USB_OK);
}

static void
bulk_only_reset(void)
{
	uint8_t out[USB_DESCRIPTOR_MAX];
	size_t len;

	ck_assert_int_eq(control(0x21, 0xFF, 0, 0, 0, out, &len), USB_OK);
}

static const uint8_t cdb_ready[6] = { 0x00 };
static const uint8_t cdb_inquiry[6] = { 0x12, 0, 0, 0, 36, 0 };
static const uint8_t cdb_read_4[10] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 4, 0 };
static const uint8_t cdb_read_0[10] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 0, 0 };
static const uint8_t cdb_write_2[10] = { 0x2A, 0, 0, 0, 0, 9, 0, 0, 2, 0 };

START_TEST(test_no_data)
{
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	ck_assert_uint_eq(submit_count, 1);
	ck_assert(!submitted.is_write);
	ck_assert_uint_eq(submitted.read_len, 0);
	done(true, 0);
	expect_csw(0, 0);
	ck_assert_int_eq(send_cbw(0, true, cdb_ready, 6), USB_OK);
	done(false, 0);
	expect_csw(1, 0);
}
END_TEST

START_TEST(test_status_waits_for_the_command)
{
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	usb_storage_in(dev, 77, 512);
	ck_assert_uint_eq(record_count, 0);
	done(true, 0);
	ck_assert_uint_eq(record_count, 1);
	ck_assert_uint_eq(records[0].id, 77);
	check_csw(&records[0], 0, 0);
}
END_TEST

START_TEST(test_read_in_pieces)
{
	ck_assert_int_eq(send_cbw(2048, true, cdb_read_4, 10), USB_OK);
	ck_assert_uint_eq(submitted.read_len, 2048);
	ck_assert_mem_eq(submitted.cdb, cdb_read_4, 10);
	done(true, 2048);
	for (unsigned i = 0; i < 4; i++) {
		struct record *r = fetch(512);

		ck_assert_uint_eq(r->len, 512);
		ck_assert_uint_eq(r->head[0], i);
	}
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_queued_transfers)
{
	ck_assert_int_eq(send_cbw(2048, true, cdb_read_4, 10), USB_OK);
	usb_storage_in(dev, 1, 1024);
	usb_storage_in(dev, 2, 1024);
	usb_storage_in(dev, 3, CSW_LEN);
	done(true, 2048);
	ck_assert_uint_eq(record_count, 3);
	ck_assert_uint_eq(records[0].id, 1);
	ck_assert_uint_eq(records[1].len, 1024);
	ck_assert_uint_eq(records[1].head[0], 2);
	check_csw(&records[2], 0, 0);
}
END_TEST

START_TEST(test_short_answer)
{
	ck_assert_int_eq(send_cbw(255, true, cdb_inquiry, 6), USB_OK);
	ck_assert_uint_eq(submitted.read_len, 255);
	done(true, 36);
	ck_assert_uint_eq(fetch(255)->len, 36);
	expect_csw(0, 219);
}
END_TEST

/* The last byte of the answer fills a transfer: only an empty one can tell that it was the last. */
START_TEST(test_short_answer_that_fills_a_transfer)
{
	ck_assert_int_eq(send_cbw(2048, true, cdb_inquiry, 6), USB_OK);
	done(true, 512);
	ck_assert_uint_eq(fetch(512)->len, 512);
	ck_assert_uint_eq(fetch(512)->len, 0);
	expect_csw(0, 1536);
}
END_TEST

START_TEST(test_failed_read)
{
	ck_assert_int_eq(send_cbw(2048, true, cdb_read_4, 10), USB_OK);
	done(false, 0);
	ck_assert_uint_eq(fetch(2048)->len, 0);
	expect_csw(1, 2048);
}
END_TEST

START_TEST(test_answer_longer_than_asked_is_cut)
{
	ck_assert_int_eq(send_cbw(36, true, cdb_inquiry, 6), USB_OK);
	done(true, 96);
	ck_assert_uint_eq(fetch(36)->len, 36);
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_write_in_pieces)
{
	uint8_t block[512];

	memset(block, 0x5A, sizeof(block));
	ck_assert_int_eq(send_cbw(1024, false, cdb_write_2, 10), USB_OK);
	ck_assert_uint_eq(submit_count, 0);
	ck_assert_int_eq(usb_storage_out(dev, block, 512), USB_OK);
	ck_assert_int_eq(usb_storage_out(dev, block, 200), USB_OK);
	ck_assert_uint_eq(submit_count, 0);
	ck_assert_int_eq(usb_storage_out(dev, block, 312), USB_OK);
	ck_assert_uint_eq(submit_count, 1);
	ck_assert(submitted.is_write);
	ck_assert_uint_eq(submitted.data_len, 1024);
	ck_assert_uint_eq(submitted.read_len, 0);
	ck_assert_uint_eq(submitted_first, 0x5A);
	done(true, 0);
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_failed_write)
{
	uint8_t blocks[1024] = { 0 };

	ck_assert_int_eq(send_cbw(1024, false, cdb_write_2, 10), USB_OK);
	ck_assert_int_eq(usb_storage_out(dev, blocks, sizeof(blocks)), USB_OK);
	done(false, 0);
	expect_csw(1, 1024);
}
END_TEST

START_TEST(test_more_data_than_announced)
{
	uint8_t blocks[1536] = { 0 };

	ck_assert_int_eq(send_cbw(1024, false, cdb_write_2, 10), USB_OK);
	ck_assert_int_eq(usb_storage_out(dev, blocks, sizeof(blocks)), USB_STALL);
	ck_assert_uint_eq(submit_count, 0);
	expect_csw(2, 1024);
	clear_halt(USB_EP_OUT);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
}
END_TEST

/* The thirteen cases (BOT 6.7) that the wrapper alone can tell: what the host announces and what
 * the CDB moves. The others end above as failed, short or good. */
static const struct {
	int number;
	uint32_t len;
	bool is_in;
	const uint8_t *cdb;
	bool is_run;
	uint8_t status;
	uint32_t residue;
} cases[] = {
	{ 2, 0, false, cdb_read_4, false, 2, 0 },
	{ 3, 0, false, cdb_write_2, false, 2, 0 },
	{ 4, 512, true, cdb_read_0, true, 0, 512 },
	{ 5, 4096, true, cdb_read_4, true, 0, 2048 },
	{ 6, 2048, true, cdb_read_4, true, 0, 0 },
	{ 7, 1024, true, cdb_read_4, false, 2, 1024 },
	{ 8, 1024, true, cdb_write_2, false, 2, 1024 },
	{ 10, 2048, false, cdb_read_4, false, 2, 2048 },
	{ 11, 2048, false, cdb_write_2, true, 0, 1024 },
	{ 12, 1024, false, cdb_write_2, true, 0, 0 },
	{ 13, 512, false, cdb_write_2, false, 2, 512 },
};

START_TEST(test_thirteen_cases)
{
	const uint8_t *cdb = cases[_i].cdb;
	uint32_t len = cases[_i].len;
	bool is_in = cases[_i].is_in;
	static uint8_t data[4096];

	ck_assert_int_eq(send_cbw(len, is_in, cdb, 10), USB_OK);
	if (!cases[_i].is_run) {
		ck_assert_uint_eq(submit_count, 0);
		if (len > 0 && is_in) {
			expect_stall();
			clear_halt(USB_EP_IN);
		} else if (len > 0) {
			ck_assert_int_eq(usb_storage_out(dev, data, len), USB_STALL);
			clear_halt(USB_EP_OUT);
		}
		expect_csw(cases[_i].status, cases[_i].residue);
		return;
	}
	if (!is_in) {
		ck_assert_int_eq(usb_storage_out(dev, data, len), USB_OK);
		ck_assert_uint_eq(submitted.data_len, len - cases[_i].residue);
	} else {
		ck_assert_uint_eq(submitted.read_len, len - cases[_i].residue);
	}
	done(true, is_in ? len - cases[_i].residue : 0);
	if (is_in)
		ck_assert_uint_eq(fetch(len)->len, len - cases[_i].residue);
	expect_csw(cases[_i].status, cases[_i].residue);
}
END_TEST

START_TEST(test_cd_blocks)
{
	usb_storage_free(dev);
	storage_start(DEVICE_CD);
	ck_assert_int_eq(send_cbw(2048, true, cdb_read_4, 10), USB_OK);
	ck_assert_uint_eq(submit_count, 0);
	expect_stall();
	clear_halt(USB_EP_IN);
	expect_csw(2, 2048);
	ck_assert_int_eq(send_cbw(8192, true, cdb_read_4, 10), USB_OK);
	ck_assert_uint_eq(submitted.read_len, 8192);
}
END_TEST

START_TEST(test_too_large)
{
	static const uint8_t read_many[10] = { 0x28, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0 };

	ck_assert_int_eq(send_cbw(65535 * 512, true, read_many, 10), USB_OK);
	ck_assert_uint_eq(submit_count, 0);
	expect_stall();
	clear_halt(USB_EP_IN);
	expect_csw(1, 65535 * 512);
	ck_assert_int_eq(send_cbw(0xFFFFFFFF, false, cdb_inquiry, 6), USB_OK);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_STALL);
}
END_TEST

static const struct {
	size_t len;
	size_t offset;
	uint8_t value;
} bad_wrappers[] = {
	{ 30, 0, 'U' },   /* short */
	{ 0, 0, 'U' },    /* nothing at all */
	{ 512, 0, 'U' },  /* long */
	{ 31, 0, 'X' },   /* signature */
	{ 31, 3, 'S' },   /* signature */
	{ 31, 12, 0x40 }, /* reserved flag */
	{ 31, 13, 0x01 }, /* no such unit */
	{ 31, 14, 0 },    /* no CDB */
	{ 31, 14, 17 },   /* a CDB too long */
	{ 31, 14, 0xFF }, /* a CDB far too long */
};

/* A bad wrapper: both pipes stall, and stay so, until reset recovery: the class's reset, then the
 * halts cleared. */
START_TEST(test_bad_wrapper)
{
	uint8_t cbw[512] = { 0 };

	make_cbw(cbw, 0, false, cdb_ready, 6);
	cbw[bad_wrappers[_i].offset] = bad_wrappers[_i].value;
	ck_assert_int_eq(usb_storage_out(dev, cbw, bad_wrappers[_i].len), USB_STALL);
	expect_stall();
	clear_halt(USB_EP_IN);
	clear_halt(USB_EP_OUT);
	expect_stall();
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_STALL);
	bulk_only_reset();
	expect_stall();
	clear_halt(USB_EP_IN);
	clear_halt(USB_EP_OUT);
	ck_assert_uint_eq(submit_count, 0);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	done(true, 0);
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_command_while_one_runs)
{
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_STALL);
	ck_assert_uint_eq(submit_count, 1);
}
END_TEST

START_TEST(test_reset_aborts)
{
	ck_assert_int_eq(send_cbw(36, true, cdb_inquiry, 6), USB_OK);
	usb_storage_in(dev, 5, 36);
	usb_storage_reset(dev);
	ck_assert_uint_eq(abort_count, 1);
	ck_assert_uint_eq(record_count, 1);
	ck_assert_int_eq(records[0].status, USB_CANCELLED);
	done(true, 36); /* too late: must not be taken for the answer to the next command */
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	usb_storage_reset(dev);
	ck_assert_uint_eq(abort_count, 2);
	usb_storage_reset(dev);
	ck_assert_uint_eq(abort_count, 2);
}
END_TEST

START_TEST(test_bulk_only_reset_aborts)
{
	ck_assert_int_eq(send_cbw(36, true, cdb_inquiry, 6), USB_OK);
	bulk_only_reset();
	ck_assert_uint_eq(abort_count, 1);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	done(true, 0);
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_cancel)
{
	usb_storage_in(dev, 1, 512);
	usb_storage_in(dev, 2, 512);
	usb_storage_in(dev, 3, 512);
	usb_storage_cancel(dev, 2);
	usb_storage_cancel(dev, 9);
	ck_assert_uint_eq(record_count, 1);
	ck_assert_uint_eq(records[0].id, 2);
	ck_assert_int_eq(records[0].status, USB_CANCELLED);
	usb_storage_cancel(dev, 1);
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	done(true, 0);
	ck_assert_uint_eq(record_count, 3);
	ck_assert_uint_eq(records[2].id, 3);
	check_csw(&records[2], 0, 0);
}
END_TEST

START_TEST(test_too_many_transfers)
{
	for (unsigned i = 0; i < USB_STORAGE_PENDING_MAX; i++)
		usb_storage_in(dev, i, 512);
	ck_assert_uint_eq(record_count, 0);
	usb_storage_in(dev, 1000, 512);
	ck_assert_uint_eq(record_count, 1);
	ck_assert_int_eq(records[0].status, USB_INVALID);
	usb_storage_reset(dev);
	ck_assert_uint_eq(record_count, USB_STORAGE_PENDING_MAX + 1);
}
END_TEST

START_TEST(test_status_does_not_fit)
{
	ck_assert_int_eq(send_cbw(0, false, cdb_ready, 6), USB_OK);
	done(true, 0);
	ck_assert_int_eq(fetch(12)->status, USB_BABBLE);
	expect_csw(0, 0);
}
END_TEST

START_TEST(test_halt_feature)
{
	uint8_t out[USB_DESCRIPTOR_MAX];
	size_t len;

	ck_assert_int_eq(control(0x82, 0, 0, USB_EP_IN, 2, out, &len), USB_OK);
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(out[0], 0);
	usb_storage_in(dev, 1, 512);
	ck_assert_int_eq(control(0x02, 3, 0, USB_EP_IN, 0, out, &len), USB_OK);
	ck_assert_uint_eq(record_count, 1);
	ck_assert_int_eq(records[0].status, USB_STALL);
	ck_assert_int_eq(control(0x82, 0, 0, USB_EP_IN, 2, out, &len), USB_OK);
	ck_assert_uint_eq(out[0], 1);
	ck_assert_int_eq(control(0x02, 3, 0, 0x05, 0, out, &len), USB_STALL);
	ck_assert_int_eq(control(0x02, 1, 1, USB_EP_IN, 0, out, &len), USB_STALL);
	clear_halt(USB_EP_IN);
	ck_assert_int_eq(control(0x82, 0, 0, USB_EP_IN, 2, out, &len), USB_OK);
	ck_assert_uint_eq(out[0], 0);
}
END_TEST

START_TEST(test_control_requests)
{
	uint8_t out[USB_DESCRIPTOR_MAX];
	size_t len;

	ck_assert_int_eq(control(0xA1, 0xFE, 0, 0, 1, out, &len), USB_OK);
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(out[0], 0);
	ck_assert_int_eq(control(0x80, 0, 0, 0, 2, out, &len), USB_OK);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(control(0x80, 6, 0x0100, 0, 8, out, &len), USB_OK);
	ck_assert_uint_eq(len, 8);
	ck_assert_int_eq(control(0x80, 6, 0x0100, 0, 64, out, &len), USB_OK);
	ck_assert_uint_eq(len, 18);
	ck_assert_int_eq(control(0x80, 6, 0x0F00, 0, 64, out, &len), USB_STALL);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(control(0xC0, 0x33, 0, 0, 64, out, &len), USB_STALL);
}
END_TEST

START_TEST(test_descriptors)
{
	static const uint16_t products[] = {
		[DEVICE_CD] = 0xFF20, [DEVICE_FD] = 0xFF40, [DEVICE_HD] = 0xFF31
	};
	enum device device = (enum device)_i;
	uint8_t out[USB_DESCRIPTOR_MAX];

	ck_assert_uint_eq(usb_product_id(device), products[device]);
	ck_assert_uint_eq(usb_descriptor(device, 1, 0, out), 18);
	ck_assert_uint_eq(get_le16(out + 8), 0x046B);
	ck_assert_uint_eq(get_le16(out + 10), products[device]);
	ck_assert_uint_eq(get_le16(out + 12), 0x0100);

	/* the lengths add up, and every string that is named is there */
	for (uint8_t type = 2; type <= 7; type += 5) {
		size_t len = usb_descriptor(device, type, 0, out), sum = 0;
		unsigned endpoints = 0;

		ck_assert_uint_eq(len, 32);
		ck_assert_uint_eq(get_le16(out + 2), len);
		for (sum = 0; sum < len; sum += out[sum])
			endpoints += out[sum + 1] == 5;
		ck_assert_uint_eq(sum, len);
		ck_assert_uint_eq(endpoints, 2);
		ck_assert_mem_eq(out + 9 + 5, "\x08\x06\x50", 3);
		ck_assert_uint_eq(get_le16(out + 18 + 4), type == 2 ? 512 : 64);
	}
	ck_assert_uint_eq(usb_descriptor(device, 6, 0, out), 10);
	ck_assert_uint_eq(usb_descriptor(device, 3, 0, out), 4);
	for (uint8_t i = 1; i <= 3; i++) {
		size_t len = usb_descriptor(device, 3, i, out);

		ck_assert_uint_gt(len, 10);
		ck_assert_uint_eq(out[0], len);
		ck_assert_uint_eq(out[1], 3);
	}
	ck_assert_uint_eq(usb_descriptor(device, 3, 4, out), 0);
	ck_assert_uint_eq(usb_descriptor(device, 1, 1, out), 0);
	ck_assert_uint_eq(usb_descriptor(device, 2, 1, out), 0);
}
END_TEST

/* --- the bridge ------------------------------------------------------------------- */

enum {
	WAIT_SECONDS = 60,
	MEDIUM_BLOCKS = 2880,
};

static struct event_base *base;
static struct bmc *bmc;
static struct usbredir *bridge;
static char dir[] = "/tmp/iusb.XXXXXX", path[64];

/* the client of the BMC: a drive with a medium of 1.44 MB */
static struct {
	struct bufferevent *bev;
	uint8_t medium[MEDIUM_BLOCKS * 512];
	unsigned reads;
	bool is_mute; /* leaves reads unanswered */
} drive;

/* QEMU */
static struct guest {
	int fd;
	struct event *event;
	struct usbredirparser *parser;
	bool holds_hello; /* sends nothing, as QEMU before the guest runs */
	bool is_closed;
	bool has_interface, has_endpoints;
	unsigned connects, disconnects;
	struct usb_redir_device_connect_header connect;
	struct usb_redir_ep_info_header endpoints;
	unsigned answers; /* control, bulk and configuration answers so far */
	uint64_t id;
	uint8_t status;
	uint8_t data[1 << 18];
	uint32_t len;
} guest;

static void
timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* Runs the loop until condition is true. */
#define WAIT_FOR(condition)                                                      \
	do {                                                                     \
		bool is_late_ = false;                                           \
		const struct timeval limit_ = { WAIT_SECONDS, 0 };               \
		struct event *timer_ = evtimer_new(base, timeout_cb, &is_late_); \
		evtimer_add(timer_, &limit_);                                    \
		while (!(condition) && !is_late_)                                \
			event_base_loop(base, EVLOOP_ONCE);                      \
		event_free(timer_);                                              \
		ck_assert_msg(!is_late_, "did not come: %s", #condition);        \
	} while (0)

static void
bmc_event_cb(void *arg, struct bmc *from, enum device device, int instance, enum bmc_event event,
	const char *why)
{
	(void)arg;
	(void)from;
	(void)why;
	(void)instance;
	if (device == DEVICE_FD && bridge != NULL &&
		(event == BMC_CONNECTED || event == BMC_DISCONNECTED))
		usbredir_client_changed(bridge, event == BMC_CONNECTED);
}

static void
drive_answer(const struct packet *request)
{
	uint8_t head[PACKET_SCSI_LEN], capacity[8];
	const uint8_t *data = NULL;
	uint32_t sense = 0, len = 0;
	size_t at = (size_t)get_be32(request->cdb + 2) * 512;
	uint32_t bytes = get_be16(request->cdb + 7) * 512u;

	switch (request->op) {
	case 0x00:
		break;
	case 0x25:
		put_be32(capacity, MEDIUM_BLOCKS - 1);
		put_be32(capacity + 4, 512);
		data = capacity;
		len = 8;
		break;
	case 0x28:
		ck_assert_uint_le(at + bytes, sizeof(drive.medium));
		data = drive.medium + at;
		len = bytes;
		break;
	case 0x2A:
		ck_assert_uint_eq(request->data_len, bytes);
		ck_assert_uint_le(at + bytes, sizeof(drive.medium));
		memcpy(drive.medium + at, request->data, bytes);
		break;
	default:
		sense = 0x052000;
	}
	packet_reply(head, request, sense, len);
	bufferevent_write(drive.bev, head, sizeof(head));
	if (len > 0)
		bufferevent_write(drive.bev, data, len);
}

static void
drive_read_cb(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct packet packet;
	struct reason why;

	(void)arg;
	while (evbuffer_get_length(input) > 0 &&
		packet_decode(evbuffer_pullup(input, -1), evbuffer_get_length(input), &packet,
			&why) == PACKET_READY) {
		if (!packet_is_control(&packet)) {
			drive.reads += packet.op == 0x28;
			if (packet.op != 0x28 || !drive.is_mute)
				drive_answer(&packet);
		}
		evbuffer_drain(input, packet.total);
	}
}

static void
drive_connect(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(bmc_port(bmc, DEVICE_FD)),
		.sin_addr = bmc_address(bmc),
	};

	drive.bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(drive.bev, drive_read_cb, NULL, NULL, NULL);
	bufferevent_enable(drive.bev, EV_READ | EV_WRITE);
	ck_assert_int_eq(
		bufferevent_socket_connect(drive.bev, (struct sockaddr *)&address, sizeof(address)),
		0);
	WAIT_FOR(bmc_has_client(bmc, DEVICE_FD, 0));
}

static void
drive_leave(void)
{
	bufferevent_free(drive.bev);
	drive.bev = NULL;
	WAIT_FOR(!bmc_has_client(bmc, DEVICE_FD, 0));
}

static int
guest_read(void *arg, uint8_t *data, int count)
{
	ssize_t n = read(guest.fd, data, (size_t)count);

	(void)arg;
	if (n > 0)
		return (int)n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	guest.is_closed = true;
	return -1;
}

static int
guest_write(void *arg, uint8_t *data, int count)
{
	ssize_t n = send(guest.fd, data, (size_t)count, MSG_NOSIGNAL);

	(void)arg;
	return n < 0 ? (errno == EAGAIN ? 0 : -1) : (int)n;
}

static void
guest_log(void *arg, int level, const char *text)
{
	(void)arg;
	if (level == usbredirparser_error && !guest.is_closed)
		fprintf(stderr, "guest: %s\n", text);
}

static void
guest_connected(void *arg, struct usb_redir_device_connect_header *header)
{
	(void)arg;
	guest.connects++;
	guest.connect = *header;
}

static void
guest_disconnected(void *arg)
{
	(void)arg;
	guest.disconnects++;
}

static void
guest_interface(void *arg, struct usb_redir_interface_info_header *header)
{
	(void)arg;
	ck_assert_uint_eq(header->interface_count, 1);
	ck_assert_uint_eq(header->interface_class[0], 8);
	ck_assert_uint_eq(header->interface_subclass[0], 6);
	ck_assert_uint_eq(header->interface_protocol[0], 0x50);
	guest.has_interface = true;
}

static void
guest_endpoints(void *arg, struct usb_redir_ep_info_header *header)
{
	(void)arg;
	guest.endpoints = *header;
	guest.has_endpoints = true;
}

static void
guest_answer(uint64_t id, uint8_t status, uint8_t *data, uint32_t data_len)
{
	guest.id = id;
	guest.status = status;
	guest.len = data_len;
	ck_assert_uint_le(data_len, sizeof(guest.data));
	if (data_len > 0)
		memcpy(guest.data, data, data_len);
	usbredirparser_free_packet_data(guest.parser, data);
	guest.answers++;
}

static void
guest_control(void *arg, uint64_t id, struct usb_redir_control_packet_header *header, uint8_t *data,
	int data_len)
{
	(void)arg;
	guest_answer(id, header->status, data, (uint32_t)data_len);
}

static void
guest_bulk(void *arg, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *data,
	int data_len)
{
	(void)arg;
	guest_answer(id, header->status, data, (uint32_t)data_len);
}

static void
guest_configuration(void *arg, uint64_t id, struct usb_redir_configuration_status_header *header)
{
	(void)arg;
	guest_answer(id, header->status, NULL, 0);
	guest.data[0] = header->configuration;
}

static void
guest_alt_setting(void *arg, uint64_t id, struct usb_redir_alt_setting_status_header *header)
{
	(void)arg;
	guest_answer(id, header->status, NULL, 0);
	guest.data[0] = header->alt;
}

/* Waits for writability only while there is something to write. */
static void
guest_watch(void)
{
	bool has_more = !guest.holds_hello && usbredirparser_has_data_to_write(guest.parser) > 0;
	short what = (short)(EV_READ | EV_PERSIST | (has_more ? EV_WRITE : 0));
	event_callback_fn cb = event_get_callback(guest.event);

	event_del(guest.event);
	event_assign(guest.event, base, guest.fd, what, cb, NULL);
	if (!guest.is_closed)
		event_add(guest.event, NULL);
}

static void
guest_flush(void)
{
	if (!guest.holds_hello)
		(void)usbredirparser_do_write(guest.parser);
	guest_watch();
}

static void
guest_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)arg;
	if ((what & EV_READ) != 0)
		ck_assert_int_ne(
			usbredirparser_do_read(guest.parser), usbredirparser_read_parse_error);
	guest_flush();
}

static int
connect_path(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	evutil_make_socket_nonblocking(fd);
	return fd;
}

static void
guest_start(bool holds_hello)
{
	static const int caps_of_qemu[] = { usb_redir_cap_connect_device_version,
		usb_redir_cap_filter, usb_redir_cap_ep_info_max_packet_size,
		usb_redir_cap_64bits_ids, usb_redir_cap_32bits_bulk_length,
		usb_redir_cap_bulk_receiving };
	uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };

	memset(&guest, 0, sizeof(guest));
	guest.fd = connect_path();
	guest.holds_hello = holds_hello;
	guest.event = event_new(base, guest.fd, EV_READ | EV_PERSIST, guest_cb, NULL);
	guest.parser = usbredirparser_create();
	guest.parser->log_func = guest_log;
	guest.parser->read_func = guest_read;
	guest.parser->write_func = guest_write;
	guest.parser->device_connect_func = guest_connected;
	guest.parser->device_disconnect_func = guest_disconnected;
	guest.parser->interface_info_func = guest_interface;
	guest.parser->ep_info_func = guest_endpoints;
	guest.parser->control_packet_func = guest_control;
	guest.parser->bulk_packet_func = guest_bulk;
	guest.parser->configuration_status_func = guest_configuration;
	guest.parser->alt_setting_status_func = guest_alt_setting;
	for (size_t i = 0; i < ARRAY_SIZE(caps_of_qemu); i++)
		usbredirparser_caps_set_cap(caps, caps_of_qemu[i]);
	usbredirparser_init(guest.parser, "check_usbredir", caps, USB_REDIR_CAPS_SIZE, 0);
	guest_flush();
}

static void
guest_stop(void)
{
	if (guest.parser == NULL)
		return;
	event_free(guest.event);
	usbredirparser_destroy(guest.parser);
	close(guest.fd);
	guest.parser = NULL;
}

/* Sends what is queued and waits for its answer. */
static void
guest_await(uint64_t id)
{
	unsigned before = guest.answers;

	guest_flush();
	WAIT_FOR(guest.answers > before);
	ck_assert_uint_eq(guest.id, id);
}

static void
bulk_out(uint64_t id, const uint8_t *data, uint32_t len)
{
	struct usb_redir_bulk_packet_header header = {
		.endpoint = USB_EP_OUT,
		.length = (uint16_t)len,
		.length_high = (uint16_t)(len >> 16),
	};

	usbredirparser_send_bulk_packet(guest.parser, id, &header, (uint8_t *)data, (int)len);
	guest_await(id);
	ck_assert_uint_eq(guest.status, usb_redir_success);
}

static void
ask_bulk_in(uint64_t id, uint32_t len)
{
	struct usb_redir_bulk_packet_header header = {
		.endpoint = USB_EP_IN,
		.length = (uint16_t)len,
		.length_high = (uint16_t)(len >> 16),
	};

	usbredirparser_send_bulk_packet(guest.parser, id, &header, NULL, 0);
	guest_flush();
}

static void
bulk_in(uint64_t id, uint32_t len)
{
	ask_bulk_in(id, len);
	guest_await(id);
}

static void
fetch_csw(uint64_t id, uint8_t status)
{
	bulk_in(id, CSW_LEN);
	ck_assert_uint_eq(guest.status, usb_redir_success);
	ck_assert_uint_eq(guest.len, CSW_LEN);
	ck_assert_mem_eq(guest.data, "USBS", 4);
	ck_assert_uint_eq(get_le32(guest.data + 4), TAG);
	ck_assert_uint_eq(guest.data[12], status);
}

static void
command(uint64_t id, uint32_t len, bool is_in, const uint8_t *cdb, size_t cdb_len)
{
	uint8_t cbw[CBW_LEN];

	make_cbw(cbw, len, is_in, cdb, cdb_len);
	bulk_out(id, cbw, sizeof(cbw));
}

static void
setup_bridge(void)
{
	const struct bmc_conf conf = {
		.name = "sim1",
		.address = { htonl(INADDR_LOOPBACK) },
		.slots = { 1, 1, 1 },
		.quirks = QUIRK_ALL,
		.idle = 3600,
		.patience = 3600,
		.seed = 7,
	};
	struct reason why;

	log_init("check_usbredir");
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fd.sock", dir);
	base = event_base_new();
	bmc = bmc_new(base, &conf, bmc_event_cb, NULL, &why);
	ck_assert_msg(bmc != NULL, "%s", why.text);
	bridge = usbredir_new(base, path, bmc, DEVICE_FD, 0, &why);
	ck_assert_msg(bridge != NULL, "%s", why.text);
	for (size_t i = 0; i < sizeof(drive.medium); i++)
		drive.medium[i] = (uint8_t)(i * 7 + (i >> 9));
}

static void
teardown_bridge(void)
{
	guest_stop();
	usbredir_free(bridge);
	bridge = NULL;
	bmc_free(bmc);
	if (drive.bev != NULL)
		bufferevent_free(drive.bev);
	event_base_free(base);
	ck_assert_msg(access(path, F_OK) != 0, "the socket is still there");
	rmdir(dir);
	libevent_global_shutdown();
}

static void
start_all(void)
{
	drive_connect();
	guest_start(false);
	WAIT_FOR(guest.connects == 1);
}

/* The firmware scans USB before QEMU has said hello. */
START_TEST(test_announced_without_hello)
{
	drive_connect();
	guest_start(true);
	WAIT_FOR(guest.connects == 1);
	ck_assert(guest.has_interface);
	ck_assert(guest.has_endpoints);
	ck_assert_uint_eq(guest.connect.speed, usb_redir_speed_high);
	ck_assert_uint_eq(guest.connect.vendor_id, 0x046B);
	ck_assert_uint_eq(guest.connect.product_id, 0xFF40);
	ck_assert_uint_eq(guest.connect.device_version_bcd, 0x0100);
	ck_assert_uint_eq(guest.endpoints.type[16 + 1], usb_redir_type_bulk);
	ck_assert_uint_eq(guest.endpoints.max_packet_size[16 + 1], 512);
	ck_assert_uint_eq(guest.endpoints.type[2], usb_redir_type_bulk);
	ck_assert_uint_eq(guest.endpoints.max_packet_size[2], 512);
	ck_assert_uint_eq(guest.endpoints.type[1], usb_redir_type_invalid);

	/* and the hello that comes later does no harm */
	guest.holds_hello = false;
	command(1, 36, true, cdb_inquiry, 6);
	bulk_in(2, 36);
	ck_assert_mem_eq(guest.data + 8, "AMI     Virtual Floppy", 22);
	fetch_csw(3, 0);
}
END_TEST

START_TEST(test_comes_with_the_session)
{
	guest_start(false);
	ck_assert_uint_eq(guest.connects, 0);
	drive_connect();
	WAIT_FOR(guest.connects == 1);
	ck_assert(guest.has_interface);
}
END_TEST

START_TEST(test_goes_with_the_session)
{
	start_all();
	ask_bulk_in(5, 512);
	drive_leave();
	WAIT_FOR(guest.disconnects == 1);
	ck_assert_uint_eq(guest.answers, 1);
	ck_assert_uint_eq(guest.id, 5);
	ck_assert_uint_eq(guest.status, usb_redir_cancelled);
	drive_connect();
	WAIT_FOR(guest.connects == 2);
	command(6, 0, false, cdb_ready, 6);
	fetch_csw(7, 0);
}
END_TEST

START_TEST(test_machine_reset)
{
	start_all();
	usbredir_replug(bridge);
	WAIT_FOR(guest.disconnects == 1);
	WAIT_FOR(guest.connects == 2);
	command(6, 0, false, cdb_ready, 6);
	fetch_csw(7, 0);
}
END_TEST

START_TEST(test_session_lost_in_a_command)
{
	start_all();
	drive.is_mute = true;
	command(1, 512 * 4, true, cdb_read_4, 10);
	ask_bulk_in(2, 512 * 4);
	WAIT_FOR(drive.reads == 1);
	drive_leave();
	WAIT_FOR(guest.disconnects == 1);
	drive.is_mute = false;
	drive_connect();
	WAIT_FOR(guest.connects == 2);
	command(3, 0, false, cdb_ready, 6);
	fetch_csw(4, 0);
}
END_TEST

START_TEST(test_descriptors_by_control)
{
	struct usb_redir_control_packet_header header = {
		.endpoint = 0x80,
		.request = 6,
		.requesttype = 0x80,
		.value = 0x0100,
		.length = 64,
	};

	start_all();
	usbredirparser_send_control_packet(guest.parser, 0x123456789AULL, &header, NULL, 0);
	guest_await(0x123456789AULL); /* ids of 64 bits come back whole */
	ck_assert_uint_eq(guest.status, usb_redir_success);
	ck_assert_uint_eq(guest.len, 18);
	ck_assert_uint_eq(get_le16(guest.data + 10), 0xFF40);
	header.value = 0x0F00;
	usbredirparser_send_control_packet(guest.parser, 2, &header, NULL, 0);
	guest_await(2);
	ck_assert_uint_eq(guest.status, usb_redir_stall);
	header = (struct usb_redir_control_packet_header){
		.request = 1, .requesttype = 0x02, .index = USB_EP_IN
	};
	usbredirparser_send_control_packet(guest.parser, 3, &header, NULL, 0);
	guest_await(3);
	ck_assert_uint_eq(guest.status, usb_redir_success);
}
END_TEST

START_TEST(test_configuration)
{
	struct usb_redir_set_configuration_header set = { .configuration = 1 };
	struct usb_redir_get_alt_setting_header get_alt = { .interface = 0 };
	struct usb_redir_set_alt_setting_header set_alt = { .interface = 0, .alt = 0 };

	start_all();
	guest.has_endpoints = false;
	usbredirparser_send_set_configuration(guest.parser, 1, &set);
	guest_await(1);
	ck_assert_uint_eq(guest.status, usb_redir_success);
	ck_assert(guest.has_endpoints);
	set.configuration = 9;
	usbredirparser_send_set_configuration(guest.parser, 2, &set);
	guest_await(2);
	ck_assert_uint_eq(guest.status, usb_redir_stall);
	usbredirparser_send_get_configuration(guest.parser, 3);
	guest_await(3);
	ck_assert_uint_eq(guest.status, usb_redir_success);
	ck_assert_uint_eq(guest.data[0], 1);
	usbredirparser_send_get_alt_setting(guest.parser, 4, &get_alt);
	guest_await(4);
	ck_assert_uint_eq(guest.status, usb_redir_success);
	usbredirparser_send_set_alt_setting(guest.parser, 5, &set_alt);
	guest_await(5);
	ck_assert_uint_eq(guest.status, usb_redir_success);
	set_alt.alt = 1;
	usbredirparser_send_set_alt_setting(guest.parser, 6, &set_alt);
	guest_await(6);
	ck_assert_uint_eq(guest.status, usb_redir_stall);
}
END_TEST

/* 240 blocks in one transfer, as Linux asks for them; more than the length field of old usbredir
 * can say. */
START_TEST(test_large_read)
{
	static const uint8_t cdb[10] = { 0x28, 0, 0, 0, 0, 3, 0, 0, 240, 0 };

	start_all();
	command(1, 122880, true, cdb, sizeof(cdb));
	bulk_in(2, 122880);
	ck_assert_uint_eq(guest.len, 122880);
	ck_assert_mem_eq(guest.data, drive.medium + 3 * 512, 122880);
	fetch_csw(3, 0);
}
END_TEST

/* Above what one IUSB packet carries. */
START_TEST(test_split_read)
{
	static const uint8_t cdb[10] = { 0x28, 0, 0, 0, 0, 3, 0, 0x01, 0x80, 0 };

	start_all();
	command(1, 384 * 512, true, cdb, sizeof(cdb));
	bulk_in(2, 384 * 512);
	ck_assert_uint_eq(guest.len, 384 * 512);
	ck_assert_mem_eq(guest.data, drive.medium + 3 * 512, 384 * 512);
	fetch_csw(3, 0);
}
END_TEST

START_TEST(test_large_write)
{
	static const uint8_t cdb[10] = { 0x2A, 0, 0, 0, 0, 3, 0, 0, 240, 0 };
	static uint8_t data[122880];

	start_all();
	memset(data, 0xA5, sizeof(data));
	command(1, sizeof(data), false, cdb, sizeof(cdb));
	bulk_out(2, data, sizeof(data));
	fetch_csw(3, 0);
	ck_assert_mem_eq(drive.medium + 3 * 512, data, sizeof(data));
}
END_TEST

START_TEST(test_failed_command)
{
	static const uint8_t cdb_unknown[6] = { 0xC1 };
	static const uint8_t cdb_sense[6] = { 0x03, 0, 0, 0, 18, 0 };

	start_all();
	command(1, 0, false, cdb_unknown, 6);
	fetch_csw(2, 1);
	command(3, 18, true, cdb_sense, 6);
	bulk_in(4, 18);
	ck_assert_uint_eq(guest.len, 18);
	ck_assert_uint_eq(guest.data[2], 0x05);
	ck_assert_uint_eq(guest.data[12], 0x20);
	fetch_csw(5, 0);
}
END_TEST

START_TEST(test_reset_in_a_command)
{
	start_all();
	drive.is_mute = true;
	command(1, 512 * 4, true, cdb_read_4, 10);
	ask_bulk_in(2, 512 * 4);
	WAIT_FOR(drive.reads == 1);
	usbredirparser_send_reset(guest.parser);
	guest_await(2);
	ck_assert_uint_eq(guest.status, usb_redir_cancelled);
	drive.is_mute = false;
	command(3, 36, true, cdb_inquiry, 6);
	bulk_in(4, 36);
	ck_assert_uint_eq(guest.len, 36);
	fetch_csw(5, 0);
}
END_TEST

START_TEST(test_cancel_packet)
{
	start_all();
	ask_bulk_in(7, 512);
	usbredirparser_send_cancel_data_packet(guest.parser, 7);
	guest_await(7);
	ck_assert_uint_eq(guest.status, usb_redir_cancelled);
}
END_TEST

START_TEST(test_qemu_comes_back)
{
	start_all();
	command(1, 36, true, cdb_inquiry, 6);
	guest_stop(); /* in the middle of a command */
	guest_start(false);
	WAIT_FOR(guest.connects == 1);
	command(1, 0, false, cdb_ready, 6);
	fetch_csw(2, 0);
}
END_TEST

static bool is_other_closed;

static void
other_cb(evutil_socket_t fd, short what, void *arg)
{
	uint8_t buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)what;
	(void)arg;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		is_other_closed = true;
}

/* A connection that is not QEMU's, or a second one, is ended, and the first does not notice. */
static void
expect_hang_up(const void *bytes, size_t len)
{
	int fd = connect_path();
	struct event *event = event_new(base, fd, EV_READ | EV_PERSIST, other_cb, NULL);

	is_other_closed = false;
	event_add(event, NULL);
	if (len > 0)
		ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (int)len);
	WAIT_FOR(is_other_closed);
	event_free(event);
	close(fd);
}

START_TEST(test_second_qemu)
{
	start_all();
	expect_hang_up(NULL, 0);
	command(1, 0, false, cdb_ready, 6);
	fetch_csw(2, 0);
}
END_TEST

START_TEST(test_garbage_instead_of_hello)
{
	uint8_t hello[12 + 64 + 4] = { 0 };

	drive_connect();
	expect_hang_up("GET / HTTP/1.1\r\n\r\n", 18);
	put_le32(hello + 4, 0xFFFFFFFF);
	expect_hang_up(hello, sizeof(hello));
	put_le32(hello + 4, 64 + 4); /* a hello, but of no capabilities */
	expect_hang_up(hello, sizeof(hello));
	guest_start(false);
	WAIT_FOR(guest.connects == 1);
}
END_TEST

START_TEST(test_garbage_after_hello)
{
	static const uint8_t garbage[64] = { 0xEE, 0xEE, 0xEE, 0xEE, 0xFF, 0xFF, 0xFF, 0x7F };

	start_all();
	ck_assert_int_eq(
		send(guest.fd, garbage, sizeof(garbage), MSG_NOSIGNAL), (int)sizeof(garbage));
	WAIT_FOR(guest.is_closed);
	guest_stop();
	guest_start(false);
	WAIT_FOR(guest.connects == 1);
}
END_TEST

START_TEST(test_socket_paths)
{
	struct reason why;
	struct stat st;
	char other[80], longest[160];
	struct usbredir *second;
	FILE *file;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0077, 0);
	ck_assert_ptr_null(usbredir_new(base, path, bmc, DEVICE_CD, 0, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "another program listens there"));

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_ptr_null(usbredir_new(base, longest, bmc, DEVICE_CD, 0, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "longer than"));

	snprintf(other, sizeof(other), "%s/plain", dir);
	file = fopen(other, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_ptr_null(usbredir_new(base, other, bmc, DEVICE_CD, 0, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "no socket"));
	unlink(other);

	ck_assert_ptr_null(usbredir_new(base, "/nonexistent/cd.sock", bmc, DEVICE_CD, 0, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "No such file"));

	/* left behind: bound, and its owner is no more */
	{
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		strcpy(address.sun_path, other);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		close(fd);
	}
	second = usbredir_new(base, other, bmc, DEVICE_CD, 0, &why);
	ck_assert_msg(second != NULL, "%s", why.text);
	usbredir_free(second);
	ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

static Suite *
usbredir_suite(void)
{
	Suite *suite = suite_create("usbredir");
	TCase *storage = tcase_create("storage"), *redir = tcase_create("bridge");

	tcase_set_timeout(storage, 120);
	tcase_add_checked_fixture(storage, setup_hd, teardown_storage);
	tcase_add_test(storage, test_no_data);
	tcase_add_test(storage, test_status_waits_for_the_command);
	tcase_add_test(storage, test_read_in_pieces);
	tcase_add_test(storage, test_queued_transfers);
	tcase_add_test(storage, test_short_answer);
	tcase_add_test(storage, test_short_answer_that_fills_a_transfer);
	tcase_add_test(storage, test_failed_read);
	tcase_add_test(storage, test_answer_longer_than_asked_is_cut);
	tcase_add_test(storage, test_write_in_pieces);
	tcase_add_test(storage, test_failed_write);
	tcase_add_test(storage, test_more_data_than_announced);
	tcase_add_loop_test(storage, test_thirteen_cases, 0, ARRAY_SIZE(cases));
	tcase_add_test(storage, test_cd_blocks);
	tcase_add_test(storage, test_too_large);
	tcase_add_loop_test(storage, test_bad_wrapper, 0, ARRAY_SIZE(bad_wrappers));
	tcase_add_test(storage, test_command_while_one_runs);
	tcase_add_test(storage, test_reset_aborts);
	tcase_add_test(storage, test_bulk_only_reset_aborts);
	tcase_add_test(storage, test_cancel);
	tcase_add_test(storage, test_too_many_transfers);
	tcase_add_test(storage, test_status_does_not_fit);
	tcase_add_test(storage, test_halt_feature);
	tcase_add_test(storage, test_control_requests);
	tcase_add_loop_test(storage, test_descriptors, 0, DEVICE_COUNT);
	suite_add_tcase(suite, storage);

	tcase_set_timeout(redir, 120);
	tcase_add_checked_fixture(redir, setup_bridge, teardown_bridge);
	tcase_add_test(redir, test_announced_without_hello);
	tcase_add_test(redir, test_comes_with_the_session);
	tcase_add_test(redir, test_goes_with_the_session);
	tcase_add_test(redir, test_machine_reset);
	tcase_add_test(redir, test_session_lost_in_a_command);
	tcase_add_test(redir, test_descriptors_by_control);
	tcase_add_test(redir, test_configuration);
	tcase_add_test(redir, test_large_read);
	tcase_add_test(redir, test_split_read);
	tcase_add_test(redir, test_large_write);
	tcase_add_test(redir, test_failed_command);
	tcase_add_test(redir, test_reset_in_a_command);
	tcase_add_test(redir, test_cancel_packet);
	tcase_add_test(redir, test_qemu_comes_back);
	tcase_add_test(redir, test_second_qemu);
	tcase_add_test(redir, test_garbage_instead_of_hello);
	tcase_add_test(redir, test_garbage_after_hello);
	tcase_add_test(redir, test_socket_paths);
	suite_add_tcase(suite, redir);
	return suite;
}

int
main(void)
{
	return unit_run(usbredir_suite());
}
