/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_disk: the commands of the floppy and the hard disk drive.
 *
 * Refused with 05/20/00, because to take them would be to claim what these drives have not: defects
 * (07, 37), raw sectors and buffers (3B, 3C, 3E, 3F), logs (4C, 4D), unmapping (42), persistent
 * reservations (5E, 5F), ATA (85, A1), descriptions of commands (A3/0C).
 */
#include "scsi/ops.h"

const struct op ops_disk[256] = {
	[OP_TEST_UNIT_READY] = { medium_test_unit_ready, TELLS_ATTENTION | NEEDS_MEDIUM },
	[OP_REZERO_UNIT] = { block_seek, NEEDS_MEDIUM },
	[OP_REQUEST_SENSE] = { sense_request, PASSES_DEFERRED },
	[OP_FORMAT_UNIT] = { format_unit, ONLY_FLOPPY | NEEDS_MEDIUM | WRITES },
	[OP_READ_6] = { block_read, NEEDS_MEDIUM },
	[OP_WRITE_6] = { block_write, NEEDS_MEDIUM | WRITES },
	[OP_SEEK_6] = { block_seek, NEEDS_MEDIUM },
	[OP_INQUIRY] = { inquiry_tell, PASSES_DEFERRED },
	[OP_MODE_SELECT_6] = { mode_select, 0 },
	[OP_RESERVE_6] = { medium_reserve, 0 },
	[OP_RELEASE_6] = { medium_reserve, 0 },
	[OP_MODE_SENSE_6] = { mode_sense, 0 },
	[OP_START_STOP_UNIT] = { medium_start_stop, 0 },
	[OP_SEND_DIAGNOSTIC] = { medium_send_diagnostic, 0 },
	[OP_PREVENT_ALLOW] = { medium_prevent_allow, 0 },
	[OP_READ_FORMAT_CAPACITIES] = { capacity_format, 0 },
	[OP_READ_CAPACITY_10] = { capacity_10, NEEDS_MEDIUM },
	[OP_READ_10] = { block_read, NEEDS_MEDIUM },
	[OP_WRITE_10] = { block_write, NEEDS_MEDIUM | WRITES },
	[OP_SEEK_10] = { block_seek, NEEDS_MEDIUM },
	[OP_WRITE_AND_VERIFY_10] = { block_write_and_verify, NEEDS_MEDIUM | WRITES },
	[OP_VERIFY_10] = { block_verify, NEEDS_MEDIUM },
	[OP_PRE_FETCH_10] = { block_pre_fetch, NEEDS_MEDIUM },
	[OP_SYNCHRONIZE_CACHE_10] = { block_synchronize, NEEDS_MEDIUM },
	[OP_WRITE_SAME_10] = { block_write_same, NEEDS_MEDIUM | WRITES },
	[OP_MODE_SELECT_10] = { mode_select, 0 },
	[OP_MODE_SENSE_10] = { mode_sense, 0 },
	[OP_READ_16] = { block_read, NEEDS_MEDIUM },
	[OP_WRITE_16] = { block_write, NEEDS_MEDIUM | WRITES },
	[OP_WRITE_AND_VERIFY_16] = { block_write_and_verify, NEEDS_MEDIUM | WRITES },
	[OP_VERIFY_16] = { block_verify, NEEDS_MEDIUM },
	[OP_PRE_FETCH_16] = { block_pre_fetch, NEEDS_MEDIUM },
	[OP_SYNCHRONIZE_CACHE_16] = { block_synchronize, NEEDS_MEDIUM },
	[OP_WRITE_SAME_16] = { block_write_same, NEEDS_MEDIUM | WRITES },
	[OP_SERVICE_ACTION_IN_16] = { capacity_service_action_in, NEEDS_MEDIUM },
	[OP_REPORT_LUNS] = { inquiry_report_luns, PASSES_DEFERRED },
	[OP_READ_12] = { block_read, NEEDS_MEDIUM },
	[OP_WRITE_12] = { block_write, NEEDS_MEDIUM | WRITES },
	[OP_WRITE_AND_VERIFY_12] = { block_write_and_verify, NEEDS_MEDIUM | WRITES },
	[OP_VERIFY_12] = { block_verify, NEEDS_MEDIUM },
};
