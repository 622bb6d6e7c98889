/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_parts: the inside of a host, shared by its driver (host.c) and its verbs (host_verbs.c,
 * host_media.c, host_change.c). Nobody else includes it. */
#ifndef BMCSIM_HOST_PARTS_H
#define BMCSIM_HOST_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/compiler.h"
#include "bmcsim/bmc.h"
#include "bmcsim/bmc_scsi.h"
#include "bmcsim/host.h"
#include "iusb/packet.h"

struct event;
struct event_base;

enum host_state {
	HOST_IDLE,    /* no client, or the script has run */
	HOST_RUNNING, /* in a step, or about to begin one */
};

/* What a verb does when its command is answered. result is good, or host->sense says why not. */
typedef void host_next(struct host *host, const struct bmc_result *result);

struct host {
	struct event_base *base;
	struct bmc *bmc;
	enum device device;
	int instance;
	const struct host_script *script;
	host_say_cb *say;
	host_done_cb *done;
	void *arg;
	struct event *kick; /* begins the next step */

	enum host_state state;
	size_t step;
	unsigned failures;

	/* the command in work */
	struct bmc_command command;
	host_next *next;
	unsigned attention;   /* unit attentions in a row */
	bool shows_attention; /* a unit attention is passed on */
	uint32_t sense;       /* of the last command that failed */

	void (*after_pause)(struct host *host); /* instead of a step, at the next kick */
	void (*after_measure)(struct host *host);
	void (*after_compare)(struct host *host);

	/* what the drive said of itself in this step */
	uint32_t blocks, block_len;
	char summary[128];

	/* a transfer in work */
	uint32_t lba, part;            /* next block; blocks of the command in work */
	uint32_t end;                  /* one behind the last block */
	uint32_t crc;                  /* of what was read */
	struct timespec since;         /* its begin */
	uint8_t data[PACKET_DATA_MAX]; /* of a write, or of the file to compare with */
};

/* The step that runs. */
const struct host_step *host_current(const struct host *host);

/*
 * Sends a command that reads at most read_len bytes, or writes data_len bytes of host->data. A
 * command that fails is followed by REQUEST SENSE; one that fails with a unit attention is sent
 * again, as every operating system does.
 */
void host_read_command(
	struct host *host, const uint8_t *cdb, size_t cdb_len, uint32_t read_len, host_next *next);
void host_write_command(
	struct host *host, const uint8_t *cdb, size_t cdb_len, uint32_t data_len, host_next *next);

/* TEST UNIT READY once; a unit attention is a failure like others. */
void host_test_unit_ready(struct host *host, host_next *next);

/* READ CAPACITY into blocks and block_len, then next; a wrong answer fails the step. */
void host_measure(struct host *host, void (*next)(struct host *host));

/* End the step, with what was seen. */
void host_pass(struct host *host, const char *fmt, ...) PRINTF_LIKE(2, 3);
void host_fail(struct host *host, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Fails the step for a command that failed: "READ(10) at 5: 03/11/00". */
void host_fail_command(struct host *host, const char *what);

/* Continues with the next step after that time. */
void host_kick(struct host *host, double seconds);

/* Of host_verbs.c; it is always the last step. */
void host_start_eject(struct host *host);

/* Verb of host_change.c. */
void host_start_change(struct host *host);

/* Compares the medium with the step's file, then next; a difference fails the step. */
void host_compare(struct host *host, void (*next)(struct host *host));

/* Verbs of host_media.c. */
void host_start_read(struct host *host);
void host_start_compare(struct host *host);
void host_start_write(struct host *host);
void host_start_write_protected(struct host *host);

#endif
