/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scsi: the emulated CD, floppy and disk drives. Pure: a CDB goes in, a decision comes out (these
 * bytes; read, write, verify or flush there; this sense). Whoever carries the decision out
 * (bmc/drive) does the I/O. SPC-3, SBC-3, MMC-5 and UFI 1.0, and iusb-protocol 9.
 */
#ifndef SCSI_SCSI_H
#define SCSI_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slot.h"

/* Sense key, ASC and ASCQ as one constant, KEY << 16 | ASC << 8 | ASCQ; 0 is success
 * (iusb-protocol 9.5). */
enum scsi_sense {
	SENSE_NONE = 0,
	SENSE_NO_MEDIUM = 0x023A00,
	SENSE_WRITE_ERROR = 0x030C00,
	SENSE_READ_ERROR = 0x031100,
	SENSE_UNKNOWN_FORMAT = 0x033002, /* a medium without a single block */
	SENSE_PARAMETER_LIST_LENGTH = 0x051A00,
	SENSE_INVALID_OPCODE = 0x052000,
	SENSE_LBA_OUT_OF_RANGE = 0x052100,
	SENSE_INVALID_FIELD_IN_CDB = 0x052400,
	SENSE_INVALID_PARAMETER_LIST = 0x052600,
	SENSE_WRONG_MEDIUM = 0x053002,  /* READ CD of a DVD, a DVD structure of a CD */
	SENSE_CANNOT_FORMAT = 0x053006, /* no floppy has that size */
	SENSE_SAVING_NOT_SUPPORTED = 0x053900,
	SENSE_REMOVAL_PREVENTED = 0x055302,
	SENSE_ILLEGAL_TRACK_MODE = 0x056400, /* READ CD of another kind of sector */
	SENSE_MEDIUM_CHANGED = 0x062800,
	SENSE_WRITE_PROTECTED = 0x072700,
	SENSE_MISCOMPARE = 0x0E1D00,
};

enum {
	SCSI_CDB_MAX = 16,
	SCSI_INLINE_MAX = 2052,      /* the longest answer that a drive makes up itself */
	SCSI_TRANSFER_MAX = 131072,  /* bytes that one command may move (iusb-protocol 9.6) */
	SCSI_SPAN_MAX = 65535 * 512, /* bytes that it may check or fill with no data moved */
};

/* What is in the drive. */
struct scsi_medium {
	uint64_t size; /* bytes; what does not fill a block is not shown to the host */
	bool is_read_only;
	uint8_t boot_sector[512]; /* the first bytes of a disk medium: its BPB gives heads and
				     sectors (page 05) */
};

/* One drive: embedded in its owner, initialised by scsi_drive_init(). Members are the drive's own.
 */
struct scsi_drive {
	enum device device;
	uint32_t block_len; /* 2048 for a CD, else 512 */
	bool has_medium;
	bool is_read_only;
	bool has_changed; /* 06/28/00 is due to the next TEST UNIT READY */
	bool is_known;    /* a host was told of the medium, or has been at it */
	bool is_replaced; /* another one took its place, and 06/28/00 is due to writes, too */
	bool is_locked;   /* PREVENT ALLOW MEDIUM REMOVAL */
	bool has_event;   /* GET EVENT STATUS has not yet told of the new medium */
	uint64_t blocks;
	uint16_t heads, sectors, cylinders; /* as mode page 05 tells them */
	uint8_t medium_type;                /* of the mode parameter header */
	uint32_t last_sense;                /* what REQUEST SENSE reports */
	bool is_last_deferred;              /* it is of an earlier command */
	uint32_t deferred;                  /* a failed write-back that the host was not told of */
};

struct scsi_command {
	uint8_t cdb[SCSI_CDB_MAX]; /* zero behind what the transport carries */
	bool is_cut; /* the transport carries 12 bytes of it: a 16-byte CDB has lost the lower half
			of its length */
	uint32_t read_len;   /* bytes the host wants to read: nothing longer is ever answered */
	const uint8_t *data; /* write data, NULL if none */
	size_t data_len;
};

enum scsi_action {
	SCSI_FAIL,   /* sense */
	SCSI_DONE,   /* success, no data */
	SCSI_ANSWER, /* success with answer[0..len) */
	SCSI_READ,   /* len bytes at offset of the medium go to the host */
	SCSI_WRITE,  /* the command's data, len bytes, goes to the medium at offset; nothing is
			answered before it is there */
	SCSI_VERIFY, /* the command's data is compared with len bytes at offset, SENSE_MISCOMPARE if
			it differs */
	SCSI_CHECK,  /* len bytes at offset are read and go nowhere: are they readable? */
	SCSI_FILL,   /* len bytes at offset become copies of the block answer[0..block length) */
	SCSI_FLUSH,  /* what was written goes to stable storage */
	SCSI_EJECT,  /* success; the medium leaves the drive after the answer was sent */
};

struct scsi_decision {
	enum scsi_action action;
	uint32_t sense;    /* enum scsi_sense, for SCSI_FAIL */
	uint64_t offset;   /* bytes, a multiple of the block length */
	uint32_t len;      /* bytes, never above SCSI_TRANSFER_MAX, SCSI_CHECK and SCSI_FILL:
			      SCSI_SPAN_MAX; SCSI_READ and SCSI_ANSWER: never above read_len */
	bool flush_after;  /* SCSI_WRITE with FUA, WRITE AND VERIFY, FORMAT UNIT: stable storage
			      before the answer */
	bool verify_after; /* SCSI_WRITE: then it is read back and compared as for SCSI_VERIFY */
	uint8_t answer[SCSI_INLINE_MAX];
};

/* An empty drive of that kind. */
void scsi_drive_init(struct scsi_drive *drive, enum device device);

/* Puts a medium in, the first one or the same one for another session; the lock is gone. The host
 * is told by one unit attention (iusb-protocol 11.7) and, on a CD drive, by one event. */
void scsi_drive_insert(struct scsi_drive *drive, const struct scsi_medium *medium);

/*
 * Puts another medium in, in the place of what is in there. A host that knows of the old one may
 * still believe in it, and what it writes then is meant for the old one: until the host was told,
 * by whatever session, a write fails with the unit attention, once. A host that knows of no medium
 * yet, or that has ejected it, is told as by scsi_drive_insert().
 */
void scsi_drive_replace(struct scsi_drive *drive, const struct scsi_medium *medium);

/* Takes the medium out: 02/3A/00 from now on. */
void scsi_drive_remove(struct scsi_drive *drive);

/*
 * What the host had written, and was told to be written, is lost: the next command that would do
 * something fails with that sense instead (SPC-3 4.5.5). It outlives a change of the medium.
 */
void scsi_defer(struct scsi_drive *drive, uint32_t sense);

/*
 * Decides a command (iusb-protocol 9.2). Always fills *out; any CDB, data and length is allowed.
 * The drive's state is what changes (attention told, lock set); the outcome of an I/O goes
 * into it by scsi_complete().
 */
void scsi_decide(
	struct scsi_drive *drive, const struct scsi_command *command, struct scsi_decision *out);

/*
 * Tells the drive how a command ended, so that REQUEST SENSE can report it: sense, or SENSE_NONE.
 * Needed for what is read, written or flushed; scsi_decide() has done it for what it decided
 * itself, and to do it again changes nothing.
 */
void scsi_complete(struct scsi_drive *drive, uint8_t opcode, uint32_t sense);

/* "READ(10)", "INQUIRY"; NULL for an opcode that no host sends to such a drive. */
const char *scsi_opcode_name(uint8_t opcode);

/* "write protected"; NULL for a triple that no drive here reports. */
const char *scsi_sense_text(uint32_t sense);

#endif
