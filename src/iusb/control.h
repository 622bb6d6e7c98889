/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: the control packets, 0xF0 and above (iusb-protocol 4, 5.2 and 6.1). Pure. */
#ifndef IUSB_CONTROL_H
#define IUSB_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "iusb/packet.h"

enum {
	CONTROL_OWNER_SIZE = 46, /* an address as text and its NUL */
	CONTROL_LEN = 62,        /* a control packet of newer code with nothing behind it */
	ACK_LEN = 87,            /* ACK with an owner field of 24 bytes */
};

enum ack_status { /* byte 62 of an ACK (iusb-protocol 5.2) */
	ACK_ACCEPTED = 1,
	ACK_DENIED = 2,
	ACK_TOKEN_INVALID = 3,
	ACK_IN_USE = 4,
	ACK_NO_PRIVILEGE = 5,
	ACK_OTHER_ERROR = 6,
	ACK_DETACHED = 7,
	ACK_TOO_MANY = 8,
	ACK_NOT_REACHABLE = 9,
	ACK_NO_LICENCE = 13,
	ACK_ACCEPTED_BOOST = 27,
	ACK_ACCEPTED_NO_BOOST = 28,
};

struct ack {
	uint8_t status;
	char owner[CONTROL_OWNER_SIZE]; /* who holds the slot; "" if the BMC did not say */
};

/*
 * Reads an ACK: status at 62, then text up to NUL or the end of the packet. Characters that do
 * not belong in an address make the owner "". Returns false if the packet is no ACK or has no
 * status.
 */
bool ack_parse(const struct packet *packet, struct ack *out) MUST_CHECK;

/* True for 1, 27 and 28. */
bool ack_is_accepted(uint8_t status);

/* The meaning of a status in words, NULL for an unknown number. */
const char *ack_status_text(uint8_t status);

/*
 * The answer to a keep-alive or `legacy` ping (iusb-protocol 6.1): the header echoed, opcode
 * echoed, 61 bytes. Status 0 for 0xF3; for the `legacy` ping 0xF1 the 01 05 20 00 that was seen on
 * the wire.
 */
void control_keep_alive_answer(uint8_t out[PACKET_SCSI_LEN], const struct packet *request);

/* The BMC's side, header empty but for signature, length and instance (iusb-protocol 2). */

/* An ACK with an owner field of 24 bytes; owner may be "". */
void control_ack(uint8_t out[ACK_LEN], uint8_t instance, uint8_t status, const char *owner);

/* An opcode-only packet: keep-alive, ping or kill. len is PACKET_SCSI_LEN or CONTROL_LEN. */
void control_plain(uint8_t out[CONTROL_LEN], size_t len, uint8_t instance, uint8_t opcode);

#endif
