/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_scsi_model: thousands of random and hostile commands to a drive and to a model of one: same
 * data, same sense, same state, and in the end the same medium. The drive is src/scsi behind
 * bmc/drive, which gets 12 bytes of each CDB, on an image that may be slow or fail; or behind
 * scsi_front.h, which gets all 16. To see a run again: CHECK_SCSI_MODEL_SEED=... in its
 * environment; CHECK_SCSI_MODEL_COMMANDS says how many commands each test makes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/bytes.h"
#include "bmc/drive.h"
#include "image/image.h"
#include "scsi/scsi.h"
#include "scsi_front.h"
#include "scsi_model.h"
#include "unit.h"

enum {
	RUNS = 8,              /* tests, each with a seed of its own */
	COMMANDS = 3000,       /* of each */
	COMMANDS_SLOWLY = 400, /* under valgrind */
	NEVER = 1000000,       /* seconds */
	LIFE = 400,            /* commands to a drive, about */
	DATA_ROOM = SCSI_TRANSFER_MAX + 2048,
};

/* ---- the image: a store whose operations may take their time, and fail ---- */

struct image_op {
	char kind; /* 'r', 'w', 'f' */
	uint64_t off;
	size_t len;
	uint8_t *data;
	struct evbuffer *out;
	image_cb *cb;
	void *arg;
	TAILQ_ENTRY(image_op) link;
};

static struct {
	struct store store;
	uint64_t size;
	enum image_mode mode;
	bool is_slow, reads_fail, writes_fail, flushes_fail;
	TAILQ_HEAD(, image_op) ops;
} disk;

static int
perform(const struct image_op *op)
{
	uint8_t *bytes;

	if (op->kind == 'f')
		return disk.flushes_fail ? EIO : 0;
	if (op->off > disk.size || op->len > disk.size - op->off)
		return ERANGE; /* a drive must not ask for it */
	if (op->kind == 'w') {
		if (disk.mode == IMAGE_RO)
			return EROFS;
		if (disk.writes_fail)
			return ENOSPC;
		store_write_bytes(&disk.store, op->off, op->len, op->data);
		return 0;
	}
	if (disk.reads_fail)
		return EIO;
	bytes = malloc(op->len + 1);
	store_read_bytes(&disk.store, op->off, op->len, bytes);
	evbuffer_add(op->out, bytes, op->len);
	free(bytes);
	return 0;
}

static struct image_op *
start(struct image_op op, const uint8_t *data)
{
	struct image_op *waiting;

	op.data = (uint8_t *)(uintptr_t)data;
	if (!disk.is_slow) {
		op.cb(op.arg, perform(&op));
		return NULL;
	}
	waiting = malloc(sizeof(*waiting));
	*waiting = op;
	if (data != NULL) {
		waiting->data = malloc(op.len + 1);
		memcpy(waiting->data, data, op.len);
	}
	TAILQ_INSERT_TAIL(&disk.ops, waiting, link);
	return waiting;
}

/* Completes what waits; false if nothing does. */
static bool
complete(void)
{
	struct image_op *op = TAILQ_FIRST(&disk.ops);

	if (op == NULL)
		return false;
	TAILQ_REMOVE(&disk.ops, op, link);
	op->cb(op->arg, perform(op));
	free(op->data);
	free(op);
	return true;
}

void
image_close(struct image *image UNUSED)
{
}

enum image_mode
image_mode(const struct image *image UNUSED)
{
	return disk.mode;
}

uint64_t
image_size(const struct image *image UNUSED)
{
	return disk.size;
}

const char *
image_trouble(const struct image *image UNUSED)
{
	return "";
}

struct image_op *
image_read(struct image *image UNUSED, uint64_t off, size_t len, struct evbuffer *out, image_cb *cb,
	void *arg)
{
	struct image_op op = {
		.kind = 'r', .off = off, .len = len, .out = out, .cb = cb, .arg = arg
	};

	return start(op, NULL);
}

struct image_op *
image_write(struct image *image UNUSED, uint64_t off, const uint8_t *data, size_t len, image_cb *cb,
	void *arg)
{
	struct image_op op = { .kind = 'w', .off = off, .len = len, .cb = cb, .arg = arg };

	return start(op, data);
}

struct image_op *
image_flush(struct image *image UNUSED, image_cb *cb, void *arg)
{
	struct image_op op = { .kind = 'f', .cb = cb, .arg = arg };

	return start(op, NULL);
}

void
image_cancel(struct image_op *op)
{
	TAILQ_REMOVE(&disk.ops, op, link);
	free(op->data);
	free(op);
}

/* ---- chance ---- */

static uint64_t state; /* xorshift64*: the same numbers everywhere for the same seed */

static uint64_t
chance(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(0x2545F4914F6CDD1D) >> 16) % below;
}

static bool
one_in(unsigned n)
{
	return chance(n) == 0;
}

static uint64_t
seed_of_run(void)
{
	const char *text = getenv("CHECK_SCSI_MODEL_SEED");
	struct timespec now;

	if (text != NULL)
		return strtoull(text, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
}

static unsigned long
commands_of_run(void)
{
	const char *text = getenv("CHECK_SCSI_MODEL_COMMANDS"), *preload = getenv("LD_PRELOAD");

	if (text != NULL)
		return strtoul(text, NULL, 0);
	return preload != NULL && strstr(preload, "vgpreload") != NULL ? COMMANDS_SLOWLY : COMMANDS;
}

/* ---- two drives ---- */

static struct {
	struct event_base *base;
	struct drive *drive; /* or NULL: */
	struct front front;
	struct model model;
	struct store store; /* the model's */
	char context[160];  /* to find it again */

	unsigned answers;
	uint32_t sense;
	bool is_eject;
	uint32_t len;
	uint8_t bytes[SCSI_TRANSFER_MAX + 1];
	struct model_outcome wanted;
} pair;

static void
answer_cb(void *arg UNUSED, const struct drive_answer *answer)
{
	pair.answers++;
	pair.sense = answer->sense;
	pair.is_eject = answer->is_eject;
	pair.len = (uint32_t)evbuffer_get_length(answer->data);
	if (pair.len < sizeof(pair.bytes))
		evbuffer_remove(answer->data, pair.bytes, pair.len);
}

static uint64_t
some_size(enum model_kind kind)
{
	static const uint64_t floppies[] = { 2880, 2880, 2880, 1440, 320, 360, 640, 720, 2400, 3360,
		5760, 2881, 4096, 1, 100 };
	static const uint64_t disks[] = { UINT64_C(131072) * 512, UINT64_C(2097152) * 512, 512, 511,
		2880 * 512, UINT64_C(1) << 41, (UINT64_C(1) << 41) + 512, (UINT64_C(1) << 41) - 512,
		UINT64_C(3) << 40, UINT64_C(1) << 62, UINT64_MAX };
	static const uint64_t discs[] = { 1000 * 2048, 350000 * UINT64_C(2048),
		358400 * UINT64_C(2048), 358401 * UINT64_C(2048), 2295104 * UINT64_C(2048), 2048,
		2047, 20000 * 2048 + 100, UINT64_C(1) << 43, UINT64_C(1) << 44 };

	switch (kind) {
	case MODEL_FD:
		return floppies[chance(ARRAY_SIZE(floppies))] * 512;
	case MODEL_HD:
		return disks[chance(ARRAY_SIZE(disks))];
	default:
		return discs[chance(ARRAY_SIZE(discs))];
	}
}

/* A boot sector that has a BPB, or looks as if it had one. */
static void
put_boot_sector(void)
{
	uint8_t sector[512];

	store_read(&disk.store, 0, sector);
	sector[0] = one_in(2) ? 0xEB : 0xE9;
	put_be16(sector + 11, 0x0002);
	sector[24] = (uint8_t)chance(64);
	sector[25] = one_in(8);
	sector[26] = (uint8_t)chance(256);
	sector[27] = one_in(8);
	store_write(&disk.store, 0, sector);
	store_write(&pair.store, 0, sector);
}

/* What the image is from now on. */
static void
make_disk(enum model_kind kind)
{
	uint64_t seed = chance(UINT64_MAX);

	store_clear(&disk.store, seed);
	store_clear(&pair.store, seed);
	disk.size = some_size(kind);
	disk.mode = one_in(4) ? IMAGE_RO : IMAGE_RW;
	if (kind != MODEL_CD && one_in(3))
		put_boot_sector();
}

static void
begin_life(void)
{
	static const enum model_kind kinds[] = { MODEL_CD, MODEL_FD, MODEL_HD };
	static const enum device devices[] = { DEVICE_CD, DEVICE_FD, DEVICE_HD };
	unsigned which = (unsigned)chance(3);

	make_disk(kinds[which]);
	disk.is_slow = false;
	disk.reads_fail = disk.writes_fail = disk.flushes_fail = false;
	TAILQ_INIT(&disk.ops);
	if (one_in(2)) {
		pair.drive = drive_new(pair.base, devices[which], NULL);
		drive_set_limit(pair.drive, NEVER); /* time is not what is tested here */
		drive_set_flush_delay(pair.drive, NEVER);
	} else {
		front_init(
			&pair.front, devices[which], disk.size, disk.mode == IMAGE_RO, &disk.store);
	}
	model_init(&pair.model, kinds[which], disk.size, disk.mode == IMAGE_RO, &pair.store);
}

static void
check_same_medium(void)
{
	uint8_t ours[STORE_BLOCK], theirs[STORE_BLOCK];

	for (unsigned i = 0; i < STORE_SLOTS; i++) {
		uint64_t block = disk.store.key[i] ? disk.store.key[i] : pair.store.key[i];

		if (block == 0)
			continue;
		store_read(&disk.store, block - 1, ours);
		store_read(&pair.store, block - 1, theirs);
		if (memcmp(ours, theirs, STORE_BLOCK) != 0)
			ck_abort_msg("%s: block %" PRIu64 " of the medium differs", pair.context,
				block - 1);
	}
}

static void
end_life(void)
{
	check_same_medium();
	drive_free(pair.drive);
	pair.drive = NULL;
}

/* ---- commands ---- */

static uint8_t data[DATA_ROOM];

/* A length that somebody might write into a CDB. */
static uint32_t
some_allocation(void)
{
	static const uint16_t usual[] = { 0, 1, 2, 4, 8, 12, 16, 18, 20, 24, 32, 34, 36, 64, 96,
		128, 192, 252, 255, 256, 804, 2048, 2052, 4096, 65535 };

	return one_in(8) ? (uint32_t)chance(65536) : usual[chance(ARRAY_SIZE(usual))];
}

static uint64_t
some_address(void)
{
	uint64_t blocks = pair.model.blocks;

	switch (chance(8)) {
	case 0:
		return blocks;
	case 1:
		return blocks - chance(4);
	case 2:
		return blocks + chance(4);
	case 3:
		return chance(2) ? 0xFFFFFFFF : UINT64_MAX - chance(4);
	default:
		return blocks > 0 && !one_in(4) ? chance(blocks < 3000 ? blocks : 3000) : 0;
	}
}

static uint32_t
some_count(void)
{
	static const uint32_t usual[] = { 0, 1, 1, 1, 2, 3, 8, 16, 63, 64, 65, 127, 128, 255, 256,
		257 };

	if (one_in(200))
		return one_in(2) ? 65535 : 65536;
	return one_in(6) ? (uint32_t)chance(300) : usual[chance(ARRAY_SIZE(usual))];
}

/* Puts an address and a length where the opcode has them. */
static void
put_extent(uint8_t *cdb, uint64_t lba, uint32_t count)
{
	switch (cdb[0] >> 5) {
	case 0:
		put_be24(cdb + 1, lba & 0x1FFFFF);
		cdb[4] = (uint8_t)count;
		break;
	case 4:
		put_be64(cdb + 2, lba);
		put_be32(cdb + 10, count);
		break;
	case 5:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be32(cdb + 6, count);
		if (one_in(8)) /* as the newest firmware has it */
			put_le32(cdb + 6, count);
		break;
	default:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be16(cdb + 7, (uint16_t)count);
		break;
	}
}

static void
fill_data(struct model_request *r, uint64_t len)
{
	r->data_len = (uint32_t)(len < DATA_ROOM ? len : DATA_ROOM);
	r->data = r->data_len > 0 ? data : NULL;
	for (uint32_t i = 0; i + 8 <= r->data_len; i += 512) {
		uint64_t word = chance(UINT64_MAX);

		memset(data + i, (int)word, r->data_len - i < 512 ? r->data_len - i : 512);
		memcpy(data + i, &word, sizeof(word));
	}
}

static bool
is_transfer(uint8_t op)
{
	return strchr("\x08\x0A\x28\x2A\x2E\x2F\x34\x35\x41\x88\x8A\x8E\x8F\x90\x91\x93\xA8\xAA\xAE\xAF"
		      "\x0B\x2B",
		       op) != NULL &&
	       op != 0;
}

/* Reads, writes, verifies. */
static void
shape_transfer(struct model_request *r)
{
	uint64_t lba = some_address(), blocks = pair.model.blocks;
	uint32_t count = some_count(), bs = pair.model.kind == MODEL_CD ? 2048 : 512;
	uint8_t op = r->cdb[0];
	bool is_same = op == 0x41 || op == 0x93;

	if (is_same && count > 300)
		count = 300;
	put_extent(r->cdb, lba, count);
	if (one_in(2))
		r->cdb[1] = op >> 5 == 0 ? r->cdb[1] : (uint8_t)(one_in(2) ? 8 : 2);
	if (r->want > 0 || one_in(2))
		r->want = count * bs;
	if (one_in(10))
		r->want += (uint32_t)chance(1024) - 512;
	if (op == 0x08 || op == 0x28 || op == 0x88 || op == 0xA8)
		return;
	fill_data(r, is_same ? bs : (uint64_t)count * bs);
	if (one_in(16))
		fill_data(r, chance(DATA_ROOM));
	/* What is there, so that a comparison may succeed. */
	if (!one_in(3) && r->data_len == count * bs && lba < blocks && count <= blocks - lba &&
		r->data_len <= SCSI_TRANSFER_MAX && r->data_len > 0)
		store_read_bytes(&pair.store, lba * bs, r->data_len, data);
	if (one_in(8) && r->data_len > 0)
		data[chance(r->data_len)] ^= 1;
}

static void
shape_format(struct model_request *r)
{
	static const uint8_t flags[] = { 0x00, 0x80, 0xA2, 0xB0, 0xB1, 0xB0, 0xB1, 0xC0 };

	r->cdb[1] = one_in(8) ? (uint8_t)chance(256) : 0x17;
	r->cdb[2] = (uint8_t)chance(90);
	memset(data, 0, 12);
	data[1] = flags[chance(ARRAY_SIZE(flags))];
	data[3] = 8;
	put_be32(data + 4, (uint32_t)pair.model.blocks);
	data[10] = 2;
	if (one_in(8))
		data[chance(12)] ^= (uint8_t)(1 << chance(8));
	r->data = data;
	r->data_len = one_in(12) ? (uint32_t)chance(20) : 12;
}

static void
shape_mode_select(struct model_request *r)
{
	static const uint8_t codes[] = { 0x01, 0x05, 0x08, 0x0A, 0x1A, 0x1C, 0x1D, 0x2A, 0x3F };
	bool is_six = r->cdb[0] == 0x15;
	uint32_t head = is_six ? 4 : 8, len = head;

	memset(data, 0, 512);
	if (one_in(4)) {
		data[is_six ? 3 : 7] = 8;
		put_be32(data + len, one_in(2) ? 0 : (uint32_t)pair.model.blocks);
		put_be24(data + len + 5, one_in(2) ? 0 : 512);
		len += 8;
	}
	for (unsigned i = (unsigned)chance(3); i > 0; i--)
		len += model_pages(
			&pair.model, codes[chance(ARRAY_SIZE(codes))], false, data + len);
	if (one_in(4))
		data[chance(len)] ^= (uint8_t)(1 << chance(8));
	r->data = data;
	r->data_len = len;
	if (one_in(8))
		len = (uint32_t)chance(len + 4);
	r->cdb[1] = one_in(8) ? (uint8_t)chance(256) : 0x10;
	if (is_six)
		r->cdb[4] = (uint8_t)len;
	else
		put_be16(r->cdb + 7, (uint16_t)len);
}

static void
shape_read_cd(struct model_request *r)
{
	uint32_t count = some_count();

	r->cdb[1] = one_in(4) ? (uint8_t)chance(32) : 0;
	if (r->cdb[0] == 0xBE) {
		put_be32(r->cdb + 2, (uint32_t)some_address());
		put_be24(r->cdb + 6, count);
	} else {
		uint32_t from = 150 + (uint32_t)chance(1000), to = from + count;

		r->cdb[3] = (uint8_t)(from / 4500);
		r->cdb[4] = (uint8_t)(from / 75 % 60);
		r->cdb[5] = (uint8_t)(from % 75);
		r->cdb[6] = (uint8_t)(to / 4500);
		r->cdb[7] = (uint8_t)(to / 75 % 60);
		r->cdb[8] = (uint8_t)(to % 75);
	}
	r->cdb[9] = one_in(6) ? (uint8_t)chance(256) : 0x10;
	r->cdb[10] = one_in(10);
	r->want = count * 2048;
}

/* What is neither of these: a few fields, and an allocation length at its place. */
static void
shape_question(struct model_request *r)
{
	static const uint8_t pages[] = { 0x00, 0x01, 0x02, 0x05, 0x08, 0x0A, 0x1A, 0x1C, 0x2A, 0x3F,
		0x7F, 0x85, 0xC8, 0x80, 0x83, 0xB0, 0x40 };
	static const uint16_t features[] = { 0, 1, 2, 3, 0x10, 0x1E, 0x1F, 0x20, 0x100, 0x105 };
	uint32_t allocation = some_allocation();
	uint8_t *c = r->cdb, op = c[0];

	r->want = one_in(4) ? some_allocation() : allocation;
	c[1] = (uint8_t)chance(4);
	c[2] = one_in(2) ? pages[chance(ARRAY_SIZE(pages))] : 0;
	if (op == 0x1A || op == 0x03)
		c[4] = (uint8_t)allocation;
	else if (op == 0x12)
		put_be16(c + 3, (uint16_t)allocation);
	else if (op == 0xA0)
		put_be32(c + 6, allocation);
	else if (op == 0xAD || op == 0xBD)
		put_be16(c + 8, (uint16_t)allocation);
	else if (op >> 5 == 1 || op >> 5 == 2)
		put_be16(c + 7, (uint16_t)allocation);
	if (op == 0x1B || op == 0x1E)
		c[4] = (uint8_t)(one_in(4) ? chance(256) : chance(4));
	if (op == 0x16 || op == 0x17 || op == 0x1D)
		c[1] = (uint8_t)(one_in(2) ? 0 : chance(256));
	if (op == 0x43) {
		c[2] = (uint8_t)chance(6);
		c[6] = one_in(3) ? 0xAA : (uint8_t)chance(3);
		c[9] = (uint8_t)(one_in(4) ? chance(4) << 6 : 0);
	}
	if (op == 0x44 || op == 0x52)
		put_be32(c + 2, one_in(2) ? 1 : (uint32_t)some_address());
	if (op == 0x46)
		put_be16(c + 2, features[chance(ARRAY_SIZE(features))]);
	if (op == 0x4A) {
		c[1] = !one_in(8);
		c[4] = one_in(2) ? 0x10 : (uint8_t)chance(256);
	}
	if (op == 0x9E)
		put_be32(c + 10, allocation);
	if (op == 0x9E)
		c[1] = one_in(8) ? (uint8_t)chance(32) : 0x10;
	if (op == 0xAD) {
		c[1] = one_in(8);
		c[2] = 0;
		c[6] = one_in(8);
		c[7] = one_in(3) ? 0xFF : (uint8_t)chance(5);
	}
	if (op == 0x25 && !one_in(4))
		c[2] = 0;
	if (op == 0x1A || op == 0x5A)
		c[3] = (uint8_t)(one_in(4) ? chance(256) : one_in(4) ? 0xFF : 0);
}

static unsigned
cdb_len(uint8_t op)
{
	static const uint8_t lengths[8] = { 6, 10, 10, 16, 16, 12, 16, 16 };

	return lengths[op >> 5];
}

/* Mostly what the drive knows; sometimes anything. */
static void
some_command(struct model_request *r)
{
	static const uint8_t known[] = { 0x00, 0x01, 0x03, 0x04, 0x08, 0x0A, 0x0B, 0x12, 0x15, 0x16,
		0x17, 0x1A, 0x1B, 0x1D, 0x1E, 0x23, 0x25, 0x28, 0x2A, 0x2B, 0x2E, 0x2F, 0x34, 0x35,
		0x41, 0x43, 0x44, 0x46, 0x4A, 0x51, 0x52, 0x55, 0x5A, 0x88, 0x8A, 0x8E, 0x8F, 0x90,
		0x91, 0x93, 0x9E, 0xA0, 0xA8, 0xAA, 0xAD, 0xAE, 0xAF, 0xB9, 0xBB, 0xBD, 0xBE, 0x28,
		0x2A, 0x28, 0x2A, 0x2F, 0x00, 0x03, 0x04, 0x04, 0x04 };
	uint8_t *c = r->cdb;
	static const uint8_t asking[] = { 0x03, 0x12, 0xA0 };
	bool is_hostile = one_in(6);

	memset(r, 0, sizeof(*r));
	for (unsigned i = 1; is_hostile && i < sizeof(r->cdb); i++)
		c[i] = (uint8_t)(one_in(2) ? 0 : chance(256));
	r->want = one_in(2) ? some_allocation() : (uint32_t)chance(200000);
	c[0] = one_in(20) ? (uint8_t)chance(0xF0) : known[chance(ARRAY_SIZE(known))];
	if (pair.model.sense && pair.model.is_sense_old &&
		one_in(2)) /* it is still to be asked for */
		c[0] = asking[chance(ARRAY_SIZE(asking))];
	if (is_hostile) {
		if (one_in(2))
			fill_data(r, one_in(2) ? chance(DATA_ROOM) : chance(1024));
	} else if (is_transfer(c[0])) {
		shape_transfer(r);
	} else if (c[0] == 0x04) {
		shape_format(r);
	} else if (c[0] == 0x15 || c[0] == 0x55) {
		shape_mode_select(r);
	} else if (c[0] == 0xB9 || c[0] == 0xBE) {
		shape_read_cd(r);
	} else {
		shape_question(r);
	}
	/* What is behind a short CDB is what the host left there. */
	for (unsigned i = cdb_len(c[0]); i < sizeof(r->cdb); i++)
		c[i] = (uint8_t)chance(256);
	/* And what does not arrive is 00. */
	r->is_cut = pair.drive != NULL;
	if (r->is_cut)
		memset(c + PACKET_CDB_LEN, 0, sizeof(r->cdb) - PACKET_CDB_LEN);
}

/* ---- comparison ---- */

static void
print_bytes(char *out, size_t size, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < len && at + 4 < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%02x ", bytes[i]);
}

static void
check_same(const struct model_request *r)
{
	const struct model_outcome *wanted = &pair.wanted;
	char cdb[64], got_bytes[400], wanted_bytes[400];

	if (pair.answers == 1 && pair.sense == wanted->sense && pair.is_eject == wanted->is_eject &&
		pair.len == wanted->len && memcmp(pair.bytes, wanted->bytes, pair.len) == 0)
		return;
	print_bytes(cdb, sizeof(cdb), r->cdb, sizeof(r->cdb));
	print_bytes(got_bytes, sizeof(got_bytes), pair.bytes, pair.len < 100 ? pair.len : 100);
	print_bytes(wanted_bytes, sizeof(wanted_bytes), wanted->bytes,
		wanted->len < 100 ? wanted->len : 100);
	ck_abort_msg("%s: drive '%c' of %" PRIu64 " blocks, CDB %s, read %" PRIu32 ", data %" PRIu32
		     ":\nwanted sense %06X, eject %d, %" PRIu32
		     " bytes %s\ngot %u answers, sense %06X, eject %d, %" PRIu32 " bytes %s",
		pair.context, pair.model.kind, pair.model.blocks, cdb, r->want, r->data_len,
		wanted->sense, wanted->is_eject, wanted->len, wanted_bytes, pair.answers,
		pair.sense, pair.is_eject, pair.len, got_bytes);
}

/* The drive goes on until it has answered. */
static void
let_it_work(void)
{
	do {
		while (complete())
			continue;
	} while (pair.answers == 0 && event_base_loop(pair.base, EVLOOP_ONCE) == 0);
}

static void
drive_runs(const struct model_request *r)
{
	static uint8_t copy[DATA_ROOM];
	struct packet packet = { 0 };

	if (r->data != NULL)
		memcpy(copy, r->data, r->data_len);
	packet.op = r->cdb[0];
	memcpy(packet.cdb, r->cdb, sizeof(packet.cdb));
	packet.read_len = r->want;
	packet.data = r->data != NULL ? copy : NULL;
	packet.data_len = r->data_len;
	disk.is_slow = one_in(4);
	drive_execute(pair.drive, &packet, answer_cb, NULL);
	memset(copy, 0xEE, r->data_len); /* it needs to live no longer */
	let_it_work();
}

static void
front_runs(const struct model_request *r)
{
	static struct model_outcome outcome;

	front_execute(&pair.front, r, &outcome);
	pair.answers++;
	pair.sense = outcome.sense;
	pair.is_eject = outcome.is_eject;
	pair.len = outcome.sense ? 0 : outcome.len;
	memcpy(pair.bytes, outcome.bytes, pair.len);
}

static void
run_command(void)
{
	struct model_request r;

	some_command(&r);
	pair.answers = 0;
	if (pair.drive != NULL)
		drive_runs(&r);
	else
		front_runs(&r);
	model_execute(&pair.model, &r, &pair.wanted);
	check_same(&r);
}

/* ---- what happens besides ---- */

static void
flushed_cb(void *arg, int error, const char *words UNUSED)
{
	*(int *)arg = error;
	pair.answers++;
}

/* A new session: the medium is new, or back. */
static void
begin_session(void)
{
	if (pair.drive != NULL)
		drive_attention(pair.drive);
	else
		front_insert(&pair.front);
	model_insert(&pair.model);
}

/* A flush behind the host's back. */
static void
flush_both(void)
{
	int error = -1;

	pair.answers = 0;
	if (pair.drive != NULL) {
		disk.is_slow = one_in(2);
		drive_flush(pair.drive, flushed_cb, &error);
		let_it_work();
	} else {
		error = front_flush(&pair.front) ? 0 : EIO;
	}
	if ((error == 0) != model_flush(&pair.model))
		ck_abort_msg("%s: the flush gave %d", pair.context, error);
}

/* The image fails, or works again. */
static void
fail_both(void)
{
	disk.reads_fail = pair.model.reads_fail = pair.front.reads_fail = one_in(6);
	disk.writes_fail = pair.model.writes_fail = pair.front.writes_fail = one_in(6);
	disk.flushes_fail = pair.model.flushes_fail = pair.front.flushes_fail = one_in(3);
}

/* The old medium is flushed; it stays if that fails. */
static struct image *
swap_cb(void *arg, int error, const char *words UNUSED)
{
	static uint8_t other; /* no image has an inside here */

	*(int *)arg = error;
	pair.answers++;
	if (error)
		return NULL;
	check_same_medium();
	make_disk(pair.model.kind);
	return (struct image *)(void *)&other;
}

/* Another medium under a host that goes on. */
static void
swap_both(void)
{
	int error = -1;

	pair.answers = 0;
	if (pair.drive != NULL) {
		disk.is_slow = one_in(2);
		drive_swap(pair.drive, swap_cb, &error);
		let_it_work();
	} else if (front_flush(&pair.front)) {
		swap_cb(&error, 0, "");
		front_replace(&pair.front, disk.size, disk.mode == IMAGE_RO);
	} else {
		swap_cb(&error, EIO, "");
	}
	if ((error == 0) != model_flush(&pair.model))
		ck_abort_msg("%s: the swap gave %d", pair.context, error);
	if (error == 0)
		model_replace(&pair.model, disk.size, disk.mode == IMAGE_RO);
}

static void
happen(void)
{
	switch (chance(40)) {
	case 0:
		begin_session();
		break;
	case 1:
		flush_both();
		break;
	case 2:
		fail_both();
		break;
	case 3:
		if (one_in(2))
			swap_both();
		break;
	default:
		break;
	}
}

START_TEST(test_model)
{
	uint64_t seed = seed_of_run();
	unsigned long commands = commands_of_run();

	if (_i == 0)
		fprintf(stderr,
			"# check_scsi_model: CHECK_SCSI_MODEL_SEED=%" PRIu64
			", %lu commands each\n",
			seed, commands);
	state = (seed + (unsigned)_i) * UINT64_C(0x9E3779B97F4A7C15) | 1;
	pair.base = event_base_new();
	begin_life();
	for (unsigned long i = 0; i < commands; i++) {
		snprintf(pair.context, sizeof(pair.context),
			"CHECK_SCSI_MODEL_SEED=%" PRIu64 ", test %d, command %lu", seed, _i, i);
		if (one_in(LIFE) || disk.store.used > STORE_FULL - 6000) {
			end_life();
			begin_life();
		}
		happen();
		run_command();
	}
	end_life();
	event_base_free(pair.base);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scsi model");
	TCase *tc = tcase_create("model");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_model, 0, RUNS);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
