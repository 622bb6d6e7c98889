/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet: the IUSB packet, bytes to fields and back (iusb-protocol 2, 3 and 4). Pure: no sockets,
 * no memory of its own. The same packet layout carries SCSI requests, their responses and control
 * packets; what a packet is, its opcode tells.
 */
#ifndef IUSB_PACKET_H
#define IUSB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

/* Offsets of the header and of the SCSI envelope, counted from the first byte of the packet. */
enum packet_offset {
	OFF_SIGNATURE = 0,
	OFF_MAJOR = 8,
	OFF_MINOR = 9,
	OFF_HEADER_LEN = 10,
	OFF_CHECKSUM = 11,
	OFF_DATA_PKT_LEN = 12,
	OFF_DEVICE_TYPE = 17,
	OFF_PROTOCOL = 18,
	OFF_DIRECTION = 19,
	OFF_DEVICE_NO = 20,
	OFF_INTERFACE_NO = 21,
	OFF_CLIENT_DATA = 22,
	OFF_INSTANCE = 23,
	OFF_SEQ = 24,
	OFF_KEY = 28,
	OFF_READ_LEN = 32,
	OFF_TAG = 36,
	OFF_DATA_DIR = 40,
	OFF_CDB = 41,
	OFF_STATUS = 53, /* OverallStatus, sense key, ASC, ASCQ */
	OFF_DATA_LEN = 57,
	OFF_DATA = 61,
};

enum {
	PACKET_SIGNATURE_LEN = 8,
	PACKET_HEADER_LEN = 32,
	PACKET_SCSI_LEN = 61, /* header and SCSI envelope, no data */
	PACKET_CDB_LEN = 12,
	PACKET_DATA_MAX = 131072, /* data bytes of one packet (iusb-protocol 3, hard limit) */
	PACKET_MAX =
		32 + 30 + 131072, /* the longest packet that is accepted (iusb-protocol 11.1) */
	PACKET_OP_MIN_LEN = 10,   /* DataPktLen from which on a packet has an opcode */
};

/* "IUSB    " */
extern const uint8_t packet_signature[PACKET_SIGNATURE_LEN];

enum packet_opcode {   /* control packets; below 0xF0 it is the first byte of a CDB */
	OP_ACK = 0xF1, /* also the `legacy` ping */
	OP_AUTH = 0xF2,
	OP_KEEP_ALIVE = 0xF3,
	OP_DISK_TYPE = 0xF4,
	OP_KILL = 0xF6,
	OP_DISCONNECT = 0xF7,
	OP_DEVICE_INFO = 0xF8,
};

enum {
	DIRECTION_TO_CLIENT = 0x00,
	DIRECTION_TO_BMC = 0x80,
	DATA_DIR_READ = 1, /* or no data */
	DATA_DIR_WRITE = 2,
};

/* A decoded packet. data points into the buffer given to packet_decode() and lives as long. */
struct packet {
	uint8_t head[PACKET_SCSI_LEN]; /* the bytes as they came; 0 behind a shorter packet's end */
	size_t total;                  /* bytes of the whole packet */
	uint8_t op;                    /* byte 41 */
	uint8_t instance;
	uint32_t seq;
	uint32_t read_len; /* bytes the host wants to read */
	uint32_t tag;
	uint8_t data_dir;
	uint8_t cdb[PACKET_CDB_LEN];
	uint8_t status[4];   /* of a response: OverallStatus, key, ASC, ASCQ */
	const uint8_t *data; /* what follows byte 61, total - 61 bytes at most */
	size_t data_len; /* DataLen of a SCSI packet; of a control packet what follows byte 61 */
};

enum packet_result {
	PACKET_NEED_MORE, /* not all of it is there yet */
	PACKET_READY,
	PACKET_BAD, /* not IUSB, or against its limits: the stream cannot be read any further */
};

/*
 * Looks at the first header's worth of bytes (iusb-protocol 2). PACKET_READY sets *total to the
 * length of the packet that starts there (PACKET_HEADER_LEN + PACKET_OP_MIN_LEN to PACKET_MAX).
 * As soon as a byte of the signature is wrong, or DataPktLen is there and outside the limits, the
 * result is PACKET_BAD with a reason. Nothing else of the header is checked
 * (iusb-protocol 2.1, 11.1).
 */
enum packet_result packet_measure(
	const uint8_t *buf, size_t len, size_t *total, struct reason *why) MUST_CHECK;

/*
 * Decodes the packet at the start of buf, of which len bytes have arrived. PACKET_READY fills *out
 * (out->total bytes are consumed). PACKET_BAD sets the reason: wrong signature, DataPktLen too
 * small or too large, a SCSI packet shorter than 61 bytes, DataLen that disagrees with DataPktLen
 * (more data than the packet has).
 */
enum packet_result packet_decode(
	const uint8_t *buf, size_t len, struct packet *out, struct reason *why) MUST_CHECK;

/* True for 0xF0 and above: not SCSI. */
bool packet_is_control(const struct packet *packet);

/* True for what must be answered as a keep-alive: 0xF3, or 0xF1 with DataPktLen <= 30
 * (iusb-protocol 11.4). */
bool packet_is_keep_alive(const struct packet *packet);

/* Sets byte 11 so that the 32 header bytes sum to 0 (iusb-protocol 2.1). */
void packet_seal(uint8_t *header);

/*
 * The first 61 bytes of the response to request (iusb-protocol 3): the request's bytes with
 * Direction, DataPktLen, checksum, status and DataLen changed. sense is 0 for success, else KEY <<
 * 16 | ASC << 8 | ASCQ. data_len (0 to PACKET_DATA_MAX) bytes of data follow on the wire; 0 with a
 * sense.
 */
void packet_reply(uint8_t out[PACKET_SCSI_LEN], const struct packet *request, uint32_t sense,
	uint32_t data_len);

/* The BMC's side: what a request is made of. */
struct packet_request {
	enum device device;
	bool fixed_disk; /* hd only: DeviceType 0x00 instead of 0x80 */
	uint8_t device_no, interface_no, instance;
	uint32_t seq, key, read_len, tag;
	uint8_t data_dir;
	uint8_t cdb[PACKET_CDB_LEN];
	uint8_t leftover[4]; /* bytes 53-56, undefined in a request */
	uint32_t data_len;   /* write data that follows */
};

/* The first 61 bytes of a SCSI request from the BMC, sealed (iusb-protocol 2, 3). */
void packet_request(uint8_t out[PACKET_SCSI_LEN], const struct packet_request *request);

#endif
