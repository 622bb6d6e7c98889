/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_cd: the commands of the CD drive. Nothing here writes.
 *
 * Refused with 05/20/00, because to take them would be to claim what this drive has not: audio
 * (42, 45, 47, 4B, 4E), keys (A3, A4), real-time streaming (AC, B6, 5C), a changer (A6), logs (4D),
 * descriptions of commands (A3/0C), and all that writes.
 */
#include "scsi/ops.h"

const struct op ops_cd[256] = {
	[OP_TEST_UNIT_READY] = { medium_test_unit_ready, TELLS_ATTENTION | NEEDS_MEDIUM },
	[OP_REQUEST_SENSE] = { sense_request, PASSES_DEFERRED },
	[OP_READ_6] = { block_read, NEEDS_MEDIUM },
	[OP_INQUIRY] = { inquiry_tell, PASSES_DEFERRED },
	[OP_MODE_SELECT_6] = { mode_select, 0 },
	[OP_RESERVE_6] = { medium_reserve, 0 },
	[OP_RELEASE_6] = { medium_reserve, 0 },
	[OP_MODE_SENSE_6] = { mode_sense, 0 },
	[OP_START_STOP_UNIT] = { medium_start_stop, 0 },
	[OP_SEND_DIAGNOSTIC] = { medium_send_diagnostic, 0 },
	[OP_PREVENT_ALLOW] = { medium_prevent_allow, 0 },
	[OP_READ_CAPACITY_10] = { capacity_10, NEEDS_MEDIUM },
	[OP_READ_10] = { block_read, NEEDS_MEDIUM },
	[OP_SEEK_10] = { block_seek, NEEDS_MEDIUM },
	[OP_VERIFY_10] = { block_verify, NEEDS_MEDIUM },
	[OP_SYNCHRONIZE_CACHE_10] = { block_synchronize, NEEDS_MEDIUM },
	[OP_READ_TOC] = { disc_read_toc, NEEDS_MEDIUM },
	[OP_READ_HEADER] = { disc_read_header, NEEDS_MEDIUM },
	[OP_GET_CONFIGURATION] = { configuration_get, 0 },
	[OP_GET_EVENT_STATUS] = { mmc_get_event_status, 0 },
	[OP_READ_DISC_INFORMATION] = { disc_read_information, NEEDS_MEDIUM },
	[OP_READ_TRACK_INFORMATION] = { disc_read_track_information, NEEDS_MEDIUM },
	[OP_MODE_SELECT_10] = { mode_select, 0 },
	[OP_MODE_SENSE_10] = { mode_sense, 0 },
	[OP_REPORT_LUNS] = { inquiry_report_luns, PASSES_DEFERRED },
	[OP_READ_12] = { block_read, NEEDS_MEDIUM },
	[OP_READ_DVD_STRUCTURE] = { disc_read_dvd_structure, NEEDS_MEDIUM },
	[OP_READ_CD_MSF] = { read_cd_msf, NEEDS_MEDIUM },
	[OP_SET_CD_SPEED] = { mmc_set_cd_speed, 0 },
	[OP_MECHANISM_STATUS] = { mmc_mechanism_status, 0 },
	[OP_READ_CD] = { read_cd_lba, NEEDS_MEDIUM },
};
