/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_change: the built-in host's verb that waits for a new medium: change. It polls the drive as
 * an operating system does, is told once, and then reads what is in it. */
#include <inttypes.h>
#include <string.h>

#include "bmcsim/host_parts.h"

enum {
	EVENT_LEN = 8,
	EVENT_POLLED = 0x01,
	EVENT_MEDIA = 0x10, /* the class, as a bit */
	EVENT_NEW_MEDIA = 2,
	EVENT_PRESENT = 0x02,
	EVENT_CLASSES_OF_BMC =
		0xDE, /* what a BMC supports that answers itself (iusb-protocol 10.2) */
};

static const double poll_interval = 0.1; /* seconds */

static void
quiet_next(struct host *host, const struct bmc_result *result)
{
	if (!result->is_good)
		host_fail_command(host, "TEST UNIT READY behind the change");
	else
		host_pass(host, "told once with 06/28/00, %" PRIu64 " bytes equal",
			host_current(host)->size);
}

static void
compared(struct host *host)
{
	host_test_unit_ready(host, quiet_next);
}

/* MMC-5 6.6: the media class has to tell of the new medium, too. */
static void
event_next(struct host *host, const struct bmc_result *result)
{
	const uint8_t *event = result->data;

	if ((!result->is_good && host->sense == SENSE_INVALID_OPCODE) ||
		(result->data_len == EVENT_LEN && event[3] == EVENT_CLASSES_OF_BMC))
		host_compare(host, compared); /* the BMC keeps it to itself */
	else if (!result->is_good)
		host_fail_command(host, "GET EVENT STATUS");
	else if (result->data_len != EVENT_LEN || (event[4] & 0x0F) != EVENT_NEW_MEDIA ||
		 !(event[5] & EVENT_PRESENT))
		host_fail(host, "GET EVENT STATUS does not tell of a new medium");
	else
		host_compare(host, compared);
}

static void
told_next(struct host *host, const struct bmc_result *result)
{
	static const uint8_t cdb[] = { SCSI_GET_EVENT_STATUS, EVENT_POLLED, 0, 0, EVENT_MEDIA, 0, 0,
		0, EVENT_LEN, 0 };

	if (!result->is_good)
		host_fail_command(host, "TEST UNIT READY behind 06/28/00");
	else if (host->device == DEVICE_CD)
		host_read_command(host, cdb, sizeof(cdb), EVENT_LEN, event_next);
	else
		host_compare(host, compared);
}

static void
poll_next(struct host *host, const struct bmc_result *result)
{
	if (!result->is_good && host->sense == SENSE_MEDIUM_CHANGED) {
		host_test_unit_ready(host, told_next);
	} else if (!result->is_good && host->sense != SENSE_NO_MEDIUM) {
		host_fail_command(host, "TEST UNIT READY");
	} else {
		host->after_pause = host_start_change;
		host_kick(host, poll_interval);
	}
}

void
host_start_change(struct host *host)
{
	host_test_unit_ready(host, poll_next);
}
