/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scsi_front: a drive of src/scsi whose transport carries CDBs whole, as iSCSI does; what it
 * decides is carried out on a store at once. Beside bmc/drive, which has twelve bytes of a CDB, it
 * is the other way to the decisions that check_scsi_model.c tests.
 */
#ifndef TESTS_SCSI_FRONT_H
#define TESTS_SCSI_FRONT_H

#include "scsi/scsi.h"
#include "scsi_model.h"

struct front {
	struct scsi_drive drive;
	struct scsi_medium medium;
	struct store *store;
	bool is_dirty; /* something was written since the last flush */
	bool reads_fail, writes_fail, flushes_fail;
};

/* Power-on, with a medium of that size in the drive whose bytes are in the store. */
void front_init(struct front *front, enum device device, uint64_t size, bool is_read_only,
	struct store *store);

/* A new session. */
void front_insert(struct front *front);

/* Another medium, whose bytes are in the store now. */
void front_replace(struct front *front, uint64_t size, bool is_read_only);

/* A flush that the host did not ask for. Returns true if it succeeds. */
bool front_flush(struct front *front);

/* Carries the request's CDB out, all 16 bytes of it. */
void front_execute(
	struct front *front, const struct model_request *request, struct model_outcome *outcome);

#endif
