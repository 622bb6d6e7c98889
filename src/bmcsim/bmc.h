/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bmc: one simulated BMC: its listeners, one per device class, and the `legacy` media server behind
 * them (iusb-protocol 1.1, 6.1, 9.1 and 10). The machine it belongs to is a host (host.h): its SCSI
 * commands come in through bmc_submit(), what the BMC does not answer itself goes over the wire.
 */
#ifndef BMCSIM_BMC_H
#define BMCSIM_BMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

struct event_base;
struct bmc;

enum bmc_quirk {                       /* all on by default (iusb-protocol 10.4) */
	QUIRK_STALE_CHECKSUM = 1 << 0, /* computed before instance and key are filled in */
	QUIRK_GARBAGE_KEY = 1 << 1,    /* bytes 28-31 */
	QUIRK_LEFTOVERS = 1 << 2,      /* bytes 53-56 of requests */
	QUIRK_SEQUENCE_GAPS = 1 << 3,
	QUIRK_SPLIT = 1 << 4,      /* packets in odd pieces */
	QUIRK_COALESCE = 1 << 5,   /* the ACK and the first request in one segment */
	QUIRK_SHORT_PING = 1 << 6, /* now 61, now 62 bytes */
	QUIRK_ALL = (1 << 7) - 1,
};

enum bmc_fault { /* what a broken or unwilling BMC does on connect, or at its n-th request */
	FAULT_NONE,
	FAULT_IN_USE,    /* ACK 4 with an owner; at connect only */
	FAULT_DENIED,    /* ACK 2; at connect only */
	FAULT_SILENT,    /* says nothing at all */
	FAULT_GARBAGE,   /* random bytes instead of an ACK */
	FAULT_SIGNATURE, /* a request with a wrong signature */
	FAULT_OVERSIZE,  /* DataPktLen above the maximum */
	FAULT_TRUNCATED, /* half a request, then close */
	FAULT_RESET,     /* RST in the middle of a request */
	FAULT_KILL,      /* 0xF6 */
};

enum bmc_filter {    /* which commands reach the client (iusb-protocol 9.1) */
	FILTER_OFF,  /* those that `legacy` forwards: all but a few */
	FILTER_ON,   /* those that `asp` and `rest` forward */
	FILTER_NONE, /* all; the BMC answers and refuses none by its operation code */
};

struct bmc_conf {
	const char *name; /* "sim001" */
	struct in_addr address;
	uint16_t port[DEVICE_COUNT]; /* 0: the kernel chooses */
	unsigned quirks;
	enum bmc_fault fault;
	unsigned fault_after; /* requests of each session that are still good; 0 = the fault comes
				 instead of the greeting */
	unsigned fault_times; /* how often the fault comes at each device; 0 = always */
	enum bmc_filter filter;
	double idle;     /* seconds without a command before a ping (60) */
	double patience; /* seconds that each step of the drop rule waits (60) */
	bool is_strict;  /* complain of a client that does not mirror the whole header, answers more
			    than ReadLen, ... */
	uint32_t seed;
};

enum bmc_event {
	BMC_CONNECTED,    /* a client was accepted and acknowledged: the USB device comes */
	BMC_DISCONNECTED, /* it is gone, why says how: the USB device goes */
	BMC_COMPLAINT,    /* the client broke a rule: why says which */
};

/* why of BMC_CONNECTED is the client's address and port. Must not free the BMC. */
typedef void bmc_cb(
	void *arg, struct bmc *bmc, enum device device, enum bmc_event event, const char *why);

/* Listens. NULL with the reason. Events come from the loop. */
struct bmc *bmc_new(struct event_base *base, const struct bmc_conf *conf, bmc_cb *cb, void *arg,
	struct reason *why) MUST_CHECK;
void bmc_free(struct bmc *bmc);

const char *bmc_name(const struct bmc *bmc);
struct in_addr bmc_address(const struct bmc *bmc);
uint16_t bmc_port(const struct bmc *bmc, enum device device);
bool bmc_has_client(const struct bmc *bmc, enum device device);

struct bmc_totals {
	uint64_t sessions;   /* accepted and acknowledged */
	uint64_t refused;    /* connections that got no session: busy, or a fault */
	uint64_t requests;   /* SCSI requests sent to clients */
	uint64_t pings;      /* keep-alives sent */
	uint64_t complaints; /* rules that clients broke */
	uint64_t read;       /* bytes of media that clients delivered */
	uint64_t written;    /* bytes of write data that clients accepted */
};

const struct bmc_totals *bmc_totals(const struct bmc *bmc);

enum {
	BMC_TRANSFER_MAX = 16 << 20, /* bytes of one command; more is refused with 05/24/00 */
};

/* A SCSI command of the host. */
struct bmc_command {
	uint8_t cdb[16];
	bool is_write;
	uint32_t read_len;   /* bytes the host wants, 0 for writes */
	const uint8_t *data; /* write data, lives until done is called */
	uint32_t data_len;
};

struct bmc_result {
	bool is_good;        /* CSW status passed */
	const uint8_t *data; /* lives during the callback */
	uint32_t data_len;   /* never above read_len */
};

typedef void bmc_done_cb(void *arg, const struct bmc_result *result);

/*
 * One command at a time for each device; the command itself is copied. Answered by the BMC itself
 * (INQUIRY and REQUEST SENSE unless FILTER_NONE forwards them, with no client 02/3A/00, what the
 * filter refuses), split where it is above the protocol's 131072 bytes, else forwarded. done is
 * called from the loop, exactly once, also when the client goes meanwhile.
 */
void bmc_submit(struct bmc *bmc, enum device device, const struct bmc_command *command,
	bmc_done_cb *done, void *arg);

/* The host resets the device: an outstanding command is forgotten, done is not called, its late
 * answer is dropped by SeqNo. */
void bmc_abort(struct bmc *bmc, enum device device);

/* The sense that the next REQUEST SENSE would report: KEY << 16 | ASC << 8 | ASCQ. */
uint32_t bmc_sense(const struct bmc *bmc, enum device device);

#endif
