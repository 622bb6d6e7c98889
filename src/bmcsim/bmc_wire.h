/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_wire: the BMC's end of one connection: bytes out, whole or in odd pieces, and a bounded
 * buffer for what comes in. */
#ifndef BMCSIM_BMC_WIRE_H
#define BMCSIM_BMC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/compiler.h"

struct chance;
struct evbuffer;
struct link;

enum wire_result {
	WIRE_OK,
	WIRE_LATER, /* nothing to read yet; or not everything is written yet */
	WIRE_ENDED, /* the peer closed */
	WIRE_LOST,  /* bmc_wire_error() says how */
};

/* Embedded in its owner; zero-initialised and bmc_wire_init() before anything else. */
struct bmc_wire {
	struct link *link; /* owned; NULL while closed */
	struct evbuffer *out;
	uint8_t *in; /* PACKET_MAX bytes, made at the first open, kept until fini */
	size_t in_len;
	struct chance *chance;
	bool is_corked;    /* what is queued now goes together later */
	bool is_splitting; /* each write may be a piece only; the rest a turn of the loop later */
};

void bmc_wire_init(struct bmc_wire *wire, struct chance *chance, bool is_splitting);
void bmc_wire_fini(struct bmc_wire *wire);

/* Takes the link over. cb gets EV_READ and EV_WRITE; on the latter it flushes. */
void bmc_wire_open(struct bmc_wire *wire, struct link *link, event_callback_fn cb, void *arg);

/* Closes; with is_reset the peer sees a reset. Harmless when closed. */
void bmc_wire_close(struct bmc_wire *wire, bool is_reset);

/* Why the connection is lost, "" if it is not. */
const char *bmc_wire_error(const struct bmc_wire *wire);

bool bmc_wire_is_open(const struct bmc_wire *wire);

/* Queues bytes; bmc_wire_flush() sends them. Small packets that are queued together go in one
 * segment. */
void bmc_wire_queue(struct bmc_wire *wire, const void *bytes, size_t len);

/* WIRE_OK when everything is sent, WIRE_LATER when the rest goes at the next EV_WRITE. */
enum wire_result bmc_wire_flush(struct bmc_wire *wire);

/* The same, never in pieces. */
enum wire_result bmc_wire_flush_whole(struct bmc_wire *wire);

/* Reads once into in[]. */
enum wire_result bmc_wire_receive(struct bmc_wire *wire);

/* Forgets the first n bytes of in[]. */
void bmc_wire_consume(struct bmc_wire *wire, size_t n);

#endif
