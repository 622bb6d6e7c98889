/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_check: holds a client's answer to the rules. */
#include "bmcsim/bmc_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/reason.h"

/* What an answer repeats of its request; not Direction, DataPktLen, checksum, status, DataLen. */
static const struct mirrored {
	const char *name;
	uint8_t offset, len;
} mirrored[] = {
	{ "Signature", OFF_SIGNATURE, 8 },
	{ "Major", OFF_MAJOR, 1 },
	{ "Minor", OFF_MINOR, 1 },
	{ "HeaderLen", OFF_HEADER_LEN, 1 },
	{ "ServerCaps", 16, 1 },
	{ "DeviceType", OFF_DEVICE_TYPE, 1 },
	{ "Protocol", OFF_PROTOCOL, 1 },
	{ "DeviceNo", OFF_DEVICE_NO, 1 },
	{ "InterfaceNo", OFF_INTERFACE_NO, 1 },
	{ "ClientData", OFF_CLIENT_DATA, 1 },
	{ "Instance", OFF_INSTANCE, 1 },
	{ "SeqNo", OFF_SEQ, 4 },
	{ "Key", OFF_KEY, 4 },
	{ "ReadLen", OFF_READ_LEN, 4 },
	{ "TagNo", OFF_TAG, 4 },
	{ "DataDir", OFF_DATA_DIR, 1 },
	{ "CDB", OFF_CDB, PACKET_CDB_LEN },
};

static void
check_lengths(const uint8_t *request, const struct packet *answer, bmc_check_cb *cb, void *arg)
{
	uint32_t asked = get_le32(request + OFF_READ_LEN);
	uint32_t data_len = get_le32(answer->head + OFF_DATA_LEN);
	struct reason why;

	if (answer->total != PACKET_SCSI_LEN + (size_t)data_len) {
		reason_set(&why, "DataPktLen is %zu with DataLen %" PRIu32 ": not 29 + DataLen",
			answer->total - PACKET_HEADER_LEN, data_len);
		cb(arg, why.text);
	}
	if (answer->status[0] != 0 && data_len > 0) {
		reason_set(&why, "%" PRIu32 " bytes of data with an error", data_len);
		cb(arg, why.text);
	} else if (data_len > asked) {
		reason_set(&why, "DataLen %" PRIu32 " is above ReadLen %" PRIu32, data_len, asked);
		cb(arg, why.text);
	}
}

static void
check_status(const struct packet *answer, bmc_check_cb *cb, void *arg)
{
	const uint8_t *status = answer->status;
	struct reason why;

	if (status[0] == 0 && (status[1] | status[2] | status[3])) {
		reason_set(&why, "OverallStatus 0 with sense %02x/%02x/%02x", status[1], status[2],
			status[3]);
		cb(arg, why.text);
	}
	if (status[0] != 0 && status[1] == 0)
		cb(arg, "an error with no sense key");
}

void
bmc_check_answer(const uint8_t request[PACKET_SCSI_LEN], const struct packet *answer,
	bmc_check_cb *cb, void *arg)
{
	struct reason why;

	for (size_t i = 0; i < ARRAY_SIZE(mirrored); i++) {
		const struct mirrored *field = &mirrored[i];

		if (memcmp(request + field->offset, answer->head + field->offset, field->len)) {
			reason_set(&why, "%s is not the request's", field->name);
			cb(arg, why.text);
		}
	}
	if (answer->head[OFF_DIRECTION] != DIRECTION_TO_BMC) {
		reason_set(&why, "Direction is 0x%02x, not 0x80", answer->head[OFF_DIRECTION]);
		cb(arg, why.text);
	}
	check_lengths(request, answer, cb, arg);
	check_status(answer, cb, arg);
}
