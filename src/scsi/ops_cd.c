/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ops_cd: the commands of the CD drive. Nothing here writes. */
#include "scsi/ops.h"

const struct op ops_cd[256] = {
	[OP_TEST_UNIT_READY] = { medium_test_unit_ready, TELLS_ATTENTION | NEEDS_MEDIUM },
	[OP_REQUEST_SENSE] = { sense_request, 0 },
	[OP_READ_6] = { block_read, NEEDS_MEDIUM },
	[OP_INQUIRY] = { inquiry_tell, 0 },
	[OP_MODE_SELECT_6] = { mode_select, 0 },
	[OP_MODE_SENSE_6] = { mode_sense_6, 0 },
	[OP_START_STOP_UNIT] = { medium_start_stop, 0 },
	[OP_PREVENT_ALLOW] = { medium_prevent_allow, 0 },
	[OP_READ_CAPACITY_10] = { block_capacity_10, NEEDS_MEDIUM },
	[OP_READ_10] = { block_read, NEEDS_MEDIUM },
	[OP_SEEK_10] = { block_seek, NEEDS_MEDIUM },
	[OP_VERIFY_10] = { block_verify, NEEDS_MEDIUM },
	[OP_SYNCHRONIZE_CACHE_10] = { block_synchronize, NEEDS_MEDIUM },
	[OP_READ_TOC] = { mmc_read_toc, NEEDS_MEDIUM },
	[OP_GET_CONFIGURATION] = { mmc_get_configuration, 0 },
	[OP_GET_EVENT_STATUS] = { mmc_get_event_status, 0 },
	[OP_READ_DISC_INFORMATION] = { mmc_read_disc_information, NEEDS_MEDIUM },
	[OP_READ_TRACK_INFORMATION] = { mmc_read_track_information, NEEDS_MEDIUM },
	[OP_MODE_SELECT_10] = { mode_select, 0 },
	[OP_MODE_SENSE_10] = { mode_sense_10, 0 },
	[OP_REPORT_LUNS] = { inquiry_report_luns, 0 },
	[OP_READ_12] = { block_read, NEEDS_MEDIUM },
};
