/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pdu: opcodes, flags and fields of iSCSI PDUs (RFC 7143, section 11). All fields are big-endian.
 */
#ifndef TESTS_ISCSI_PDU_H
#define TESTS_ISCSI_PDU_H

#include <stdint.h>

enum {
	BHS_SIZE = 48,
	SEGMENT_MAX = 65536, /* MaxRecvDataSegmentLength that the front declares */
	RESERVED_TAG = 0xFFFFFFFF,
};

/* Byte 0: bits 0-5; bit 6 is "immediate". */
enum pdu_opcode {
	NOP_OUT = 0x00,
	SCSI_COMMAND = 0x01,
	TASK_REQUEST = 0x02,
	LOGIN_REQUEST = 0x03,
	TEXT_REQUEST = 0x04,
	DATA_OUT = 0x05,
	LOGOUT_REQUEST = 0x06,
	NOP_IN = 0x20,
	SCSI_RESPONSE = 0x21,
	TASK_RESPONSE = 0x22,
	LOGIN_RESPONSE = 0x23,
	TEXT_RESPONSE = 0x24,
	DATA_IN = 0x25,
	LOGOUT_RESPONSE = 0x26,
	R2T = 0x31,
	REJECT = 0x3F,
	OPCODE_MASK = 0x3F,
	IMMEDIATE = 0x40,
};

/* Fields, by their first byte. */
enum pdu_field {
	OFF_OPCODE = 0,
	OFF_FLAGS = 1,
	OFF_RESPONSE = 2, /* and reason, version max */
	OFF_STATUS = 3,   /* and version active */
	OFF_AHS_LEN = 4,  /* in words of four bytes */
	OFF_DATA_LEN = 5, /* three bytes */
	OFF_LUN = 8,      /* and ISID */
	OFF_TSIH = 14,
	OFF_TAG = 16,          /* initiator task tag */
	OFF_TRANSFER_TAG = 20, /* target transfer tag, */
	OFF_EXPECTED_LEN = 20, /* expected data transfer length, */
	OFF_REFERENCED = 20,   /* or referenced task tag */
	OFF_CMD_SN = 24,       /* of requests */
	OFF_STAT_SN = 24,      /* of responses */
	OFF_EXP_CMD_SN = 28,
	OFF_MAX_CMD_SN = 32,
	OFF_CDB = 32,
	OFF_STATUS_CLASS = 36, /* and detail: of a login response */
	OFF_DATA_SN = 36,      /* and R2TSN */
	OFF_BUFFER = 40,       /* offset in the buffer */
	OFF_RESIDUAL = 44,     /* and desired data transfer length */
};

/* Byte 1. */
enum pdu_flag {
	FLAG_FINAL = 0x80,
	FLAG_READ = 0x40,
	FLAG_WRITE = 0x20,
	FLAG_OVERFLOW = 0x04,
	FLAG_UNDERFLOW = 0x02,
	FLAG_HAS_STATUS = 0x01, /* of a Data-In */
	LOGIN_TRANSIT = 0x80,
	LOGIN_CONTINUE = 0x40,
	LOGIN_STAGES = 0x0F, /* current stage << 2 | next stage */
	LOGIN_NEXT = 0x03,
};

enum { STAGE_SECURITY = 0, STAGE_OPERATIONAL = 1, STAGE_FULL_FEATURE = 3 };

/* A PDU that came in; points into the connection's input buffer. */
struct pdu {
	const uint8_t *bhs;
	const uint8_t *data;
	uint32_t data_len;
};

#endif
