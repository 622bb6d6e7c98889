/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bmc: one simulated BMC: its media servers, one per device class with up to four slots, and its
 * web server (iusb-protocol 1, 5, 6.1, 7, 9.1 and 10). The machine it belongs to is a host
 * (host.h): its SCSI commands come in through bmc_submit(), what the BMC does not answer itself
 * goes over the wire.
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
#include "bmcsim/sim_tls.h"
#include "bmcsim/web.h"
#include "iusb/dialect.h"

struct event_base;
struct bmc;

enum bmc_quirk {                       /* all on by default (iusb-protocol 10.4) */
	QUIRK_STALE_CHECKSUM = 1 << 0, /* computed before instance and key are filled in */
	QUIRK_GARBAGE_KEY = 1 << 1,    /* bytes 28-31 */
	QUIRK_LEFTOVERS = 1 << 2,      /* bytes 53-56 of requests */
	QUIRK_SEQUENCE_GAPS = 1 << 3,
	QUIRK_SPLIT = 1 << 4,      /* packets in odd pieces */
	QUIRK_COALESCE = 1 << 5,   /* the ACK and the first request in one segment */
	QUIRK_SHORT_PING = 1 << 6, /* `legacy`: now 61, now 62 bytes */
	QUIRK_DISK_TYPE = 1 << 7,  /* `asp`: 0xF4 behind the ACK of a harddisk */
	QUIRK_EVENT_POLL = 1 << 8, /* `rest`: 0x4A of a CD reaches the client; an idle machine asks
				      every conf.poll seconds */
	QUIRK_CROSSING = 1 << 9, /* not `legacy`: now and then KEEP-ALIVE right before a request */
	QUIRK_OPEN_PORTS = 1 << 10, /* single port, yet the dedicated ports listen */
	QUIRK_ODD_FRAMES = 1 << 11, /* WebSocket frames that do not match packets */
	QUIRK_ALL = (1 << 12) - 1,
};

enum bmc_fault { /* what a broken or unwilling BMC does on connect, or at its n-th request */
	FAULT_NONE,
	FAULT_IN_USE,    /* ACK 4 with an owner; at connect only, that is, instead of the ACK */
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

enum bmc_media {      /* which of its media ports listen (iusb-protocol 7.1) */
	MEDIA_PLAIN,  /* vmsecure 0, whatever the web server does */
	MEDIA_SECURE, /* vmsecure 1: TLS only */
	MEDIA_BOTH,   /* vmsecure 1, and plain ones, too */
};

enum bmc_attach {        /* attach mode (iusb-protocol 6.3) */
	ATTACH_SESSION,  /* the USB device comes and goes with the session */
	ATTACH_ALWAYS,   /* it is always there, with no session it has no medium */
	ATTACH_DETACHED, /* ACK 7 */
};

struct bmc_conf {
	const char *name; /* "sim001" */
	struct in_addr address;
	const struct dialect *dialect;      /* NULL: `legacy` */
	unsigned slots[DEVICE_COUNT];       /* 0: it has no such device; SLOT_INSTANCES at most */
	uint16_t port[DEVICE_COUNT];        /* 0: the kernel chooses */
	uint16_t secure_port[DEVICE_COUNT]; /* the same, TLS */
	enum bmc_media media;               /* other than MEDIA_PLAIN needs has_tls */
	bool has_tls;
	enum tls_age tls_age;
	const char *tls_pem; /* key and certificate; NULL: self-signed */
	/* The web server; flow WEB_FLOW_NONE: none. Address, seed, frames, is_secure_media, slots
	 * and is_attached are filled in; is_single_port closes the media ports
	 * (QUIRK_OPEN_PORTS). */
	struct web_conf web;
	const char *token; /* without a web server: the one that is good; NULL: any is */
	enum bmc_attach attach;
	uint8_t ack;         /* what clients that are not refused anyway are told; 0: accepted */
	unsigned ack_times;  /* how often at each device; 0 = always */
	const char *owner;   /* who is said to hold a slot; NULL: who does */
	uint8_t owner_field; /* bytes of an ACK's address: 0, 24, 39 or 45 */
	bool has_host[DEVICE_COUNT]; /* somebody submits commands; else the BMC plays a machine
					that enumerates and, with QUIRK_EVENT_POLL, polls */
	double refusal_pause; /* seconds after a refusal in which nobody else is looked at (3) */
	double poll;          /* seconds between two 0x4A (1) */
	double reboot_time;   /* seconds (5) */
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
	BMC_REFUSED,      /* a client got no session at this device: why says who and why */
	BMC_SAID,         /* of the BMC as a whole, for the log; device and instance mean nothing */
};

/* why of BMC_CONNECTED is the client's address and port. Must not free the BMC. */
typedef void bmc_cb(void *arg, struct bmc *bmc, enum device device, int instance,
	enum bmc_event event, const char *why);

/* Listens. NULL with the reason. Events come from the loop. */
struct bmc *bmc_new(struct event_base *base, const struct bmc_conf *conf, bmc_cb *cb, void *arg,
	struct reason *why) MUST_CHECK;
void bmc_free(struct bmc *bmc);

const char *bmc_name(const struct bmc *bmc);
struct in_addr bmc_address(const struct bmc *bmc);
const struct bmc_conf *bmc_conf(const struct bmc *bmc); /* as completed, with the ports in use */

/* 0: does not listen. */
uint16_t bmc_port(const struct bmc *bmc, enum device device);
uint16_t bmc_secure_port(const struct bmc *bmc, enum device device);
uint16_t bmc_web_port(const struct bmc *bmc, bool is_secure);

/* SHA-256 of its certificate, "" if it has no TLS. */
const char *bmc_fingerprint(const struct bmc *bmc);

bool bmc_has_client(const struct bmc *bmc, enum device device, int instance);

/* What an administrator sees of a slot. */
struct bmc_slot_status {
	const char *state; /* "free", "refused", "greeting", "serving", "mute", "closing" */
	const char *peer;  /* "" if free */
	const char *image; /* as DEVICE_INFO said; "" if it did not */
	int disk_type;     /* 0x00 fixed, 0x80 removable, as the client said; -1 if it did not */
	unsigned requests; /* of this session */
};

void bmc_slot_status(
	const struct bmc *bmc, enum device device, int instance, struct bmc_slot_status *out);

/* ---- what happens to a BMC ---- */

/* Every connection is reset, every token forgotten, and nothing listens for conf.reboot_time
 * seconds. */
void bmc_reboot(struct bmc *bmc);
bool bmc_is_down(const struct bmc *bmc);

/* The web sessions and their tokens end. */
void bmc_expire(struct bmc *bmc);

/* Another key and certificate. -1 if it has no TLS of its own making. */
int bmc_renew_cert(struct bmc *bmc, struct reason *why) MUST_CHECK;

/* The next clients are told that status (conf.ack); 0: none is. */
void bmc_set_ack(struct bmc *bmc, uint8_t ack, unsigned times);

enum bmc_way {          /* how the BMC ends a session */
	WAY_KILL,       /* 0xF6 */
	WAY_DISCONNECT, /* 0xF7: the media service restarts */
	WAY_RESET,      /* a TCP reset */
};

/* -1 with the reason if there is no session. */
int bmc_end_session(struct bmc *bmc, enum device device, int instance, enum bmc_way way,
	struct reason *why) MUST_CHECK;

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
const struct web_totals *bmc_web_totals(const struct bmc *bmc); /* NULL: no web server */

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
 * One command at a time for each slot; the command itself is copied. Answered by the BMC itself
 * (INQUIRY and REQUEST SENSE unless FILTER_NONE forwards them, with no client 02/3A/00, what the
 * filter refuses), split where it is above the protocol's 131072 bytes, else forwarded. done is
 * called from the loop, exactly once, also when the client goes meanwhile.
 */
void bmc_submit(struct bmc *bmc, enum device device, int instance,
	const struct bmc_command *command, bmc_done_cb *done, void *arg);

/* The host resets the device: an outstanding command is forgotten, done is not called, its late
 * answer is dropped by SeqNo. */
void bmc_abort(struct bmc *bmc, enum device device, int instance);

/* The sense that the next REQUEST SENSE would report: KEY << 16 | ASC << 8 | ASCQ. */
uint32_t bmc_sense(const struct bmc *bmc, enum device device, int instance);

#endif
