/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scsi_model: a drive as SPC-3, SBC-3, MMC-5 and UFI 1.0 describe it and iusb-protocol 9 bounds it,
 * in the plainest way and with no code of src/scsi: what check_scsi_model.c holds the real one to.
 */
#ifndef TESTS_SCSI_MODEL_H
#define TESTS_SCSI_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- a medium of any size: each block has made-up bytes until it is written ---- */

enum {
	STORE_BLOCK = 512,
	STORE_SLOTS = 1 << 14,
	STORE_FULL = STORE_SLOTS / 2, /* blocks written, from which on nothing is certain */
};

struct store {
	uint64_t seed;
	unsigned used;
	uint64_t key[STORE_SLOTS]; /* number of the block, plus one */
	uint8_t bytes[STORE_SLOTS][STORE_BLOCK];
};

static inline void
store_clear(struct store *store, uint64_t seed)
{
	store->seed = seed;
	store->used = 0;
	memset(store->key, 0, sizeof(store->key));
}

static inline unsigned
store_slot(const struct store *store, uint64_t block)
{
	unsigned slot = (unsigned)((block + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 50);

	while (store->key[slot] != 0 && store->key[slot] != block + 1)
		slot = (slot + 1) % STORE_SLOTS;
	return slot;
}

static inline void
store_read(const struct store *store, uint64_t block, uint8_t *out)
{
	unsigned slot = store_slot(store, block);

	if (store->key[slot] != 0) {
		memcpy(out, store->bytes[slot], STORE_BLOCK);
		return;
	}
	for (unsigned i = 0; i < STORE_BLOCK; i += 8) {
		uint64_t word = (block * 64 + i + store->seed) * UINT64_C(0xBF58476D1CE4E5B9);

		word ^= word >> 29;
		memcpy(out + i, &word, sizeof(word));
	}
}

static inline void
store_write(struct store *store, uint64_t block, const uint8_t *bytes)
{
	unsigned slot = store_slot(store, block);

	if (store->key[slot] == 0) {
		if (store->used >= STORE_FULL)
			abort();
		store->used++;
	}
	store->key[slot] = block + 1;
	memcpy(store->bytes[slot], bytes, STORE_BLOCK);
}

static inline void
store_read_bytes(const struct store *store, uint64_t offset, size_t len, uint8_t *out)
{
	uint8_t block[STORE_BLOCK];

	for (size_t done = 0; done < len;) {
		size_t from = (offset + done) % STORE_BLOCK, n = STORE_BLOCK - from;

		if (n > len - done)
			n = len - done;
		store_read(store, (offset + done) / STORE_BLOCK, block);
		memcpy(out + done, block + from, n);
		done += n;
	}
}

static inline void
store_write_bytes(struct store *store, uint64_t offset, size_t len, const uint8_t *bytes)
{
	for (size_t done = 0; done < len; done += STORE_BLOCK)
		store_write(store, (offset + done) / STORE_BLOCK, bytes + done);
}

/* ---- the drive ---- */

enum model_kind { MODEL_CD = 'c', MODEL_FD = 'f', MODEL_HD = 'h' };

struct model {
	enum model_kind kind;
	uint64_t size;
	bool is_protected;
	uint8_t boot[512];
	struct store *store;

	uint64_t blocks; /* of what is in it now */
	bool is_present, is_locked;
	bool has_attention, has_event;
	bool is_seen;            /* a host knows of what is in it now */
	bool is_another;         /* and of what was in it, but not that this is another one */
	uint32_t sense, waiting; /* of the last command; of a write-back */
	bool is_sense_old;       /* it was a write-back's */

	bool is_dirty; /* something was written since the last flush */
	bool reads_fail, writes_fail, flushes_fail;
};

struct model_request {
	uint8_t cdb[16];
	bool is_cut;   /* the drive gets the first 12 bytes only */
	uint32_t want; /* bytes */
	const uint8_t *data;
	uint32_t data_len;
};

struct model_outcome {
	uint32_t sense;
	bool is_eject;
	uint32_t len;
	uint8_t bytes[131072];
};

/* Power-on. */
void model_init(struct model *model, enum model_kind kind, uint64_t size, bool is_protected,
	struct store *store);

/* The medium is put in (again): the host has to be told. */
void model_insert(struct model *model);

/* Another medium takes its place, whose bytes are in the store now. */
void model_replace(struct model *model, uint64_t size, bool is_protected);

/* A flush that the host did not ask for. Returns true if it succeeds. */
bool model_flush(struct model *model);

/* What the command does and gives. */
void model_execute(
	struct model *model, const struct model_request *request, struct model_outcome *outcome);

/* All mode pages as MODE SENSE gives them, with changeable values or the others. Returns the
 * length. */
unsigned model_pages(const struct model *model, uint8_t code, bool is_changeable, uint8_t *out);

#endif
