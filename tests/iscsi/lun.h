/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lun: one drive of src/scsi with a sparse medium in it, and the hand that puts the medium back. */
#ifndef TESTS_ISCSI_LUN_H
#define TESTS_ISCSI_LUN_H

#include <stdbool.h>
#include <stdint.h>

#include "scsi/scsi.h"

struct lun {
	const char *name; /* the end of the target's iSCSI name */
	enum device device;
	uint64_t size; /* bytes of the medium */
	bool is_read_only;

	/* Set by lun_open(). */
	int fd;
	struct scsi_medium medium;
	struct scsi_drive drive;
};

/* How a command ended. */
struct lun_result {
	uint32_t sense; /* SENSE_NONE: it went well */
	uint32_t len;   /* bytes that moved, one way or the other */
	uint32_t asked; /* bytes that would have moved if the host had offered room for all of them:
			   never below len */
	const uint8_t *data; /* what goes to the host, or NULL; valid until the next command */
};

/* False if the system has no room for the medium; the reason was printed. */
bool lun_open(struct lun *lun) MUST_CHECK;
void lun_close(struct lun *lun);

/* A new host, or a reset: the drive is as after power-on, its medium is in. */
void lun_reset(struct lun *lun);

/* Decides the command and carries it out at once. An ejected medium is put back by START STOP UNIT
 * with "load". */
void lun_execute(struct lun *lun, const struct scsi_command *command, struct lun_result *result);

#endif
