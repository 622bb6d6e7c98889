/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_ask: SCSI requests out, with the quirks and faults of real BMCs; the client's answers in. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "bmcsim/bmc_check.h"
#include "bmcsim/bmc_parts.h"
#include "bmcsim/bmc_scsi.h"

enum {
	GAP_MAX = 16, /* of SeqNos, and of tags */
	ONE_IN = 4,   /* requests have a gap before them */
	TAG_FIRST = 2,
	CDB_REST = 12, /* where the CDB bytes start that do not fit in a packet */
};

static const uint8_t device_numbers[DEVICE_COUNT] = {
	[DEVICE_CD] = 1,
	[DEVICE_FD] = 2,
	[DEVICE_HD] = 3,
};

/* Shows a SCSI packet at level debug. */
static void
trace(const struct unit *unit, const char *what, const uint8_t *head)
{
	char slot[SLOT_NAME_SIZE];
	struct log_about about = { .slot = slot };
	const uint8_t *status = head + OFF_STATUS;

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	slot_format(slot, unit->bmc->name, unit->device, 0);
	log_about(LOG_LEVEL_DEBUG, &about,
		"%s 0x%02x SeqNo %" PRIu32 " ReadLen %" PRIu32 " DataLen %" PRIu32
		" status %02x %02x/%02x/%02x",
		what, head[OFF_CDB], get_le32(head + OFF_SEQ), get_le32(head + OFF_READ_LEN),
		get_le32(head + OFF_DATA_LEN), status[0], status[1], status[2], status[3]);
}

/* The number that counter has next: 1 and up, now and then with a gap. */
static uint32_t
count_on(struct bmc *bmc, uint32_t *counter, uint32_t first)
{
	if (*counter < first)
		*counter = first;
	else if ((bmc->conf.quirks & QUIRK_SEQUENCE_GAPS) && chance_one_in(&bmc->chance, ONE_IN))
		*counter += 1 + chance_below(&bmc->chance, GAP_MAX);
	else
		*counter += 1;
	if (*counter == 0)
		*counter = 1;
	return *counter;
}

/* Bytes 53-56, which hold bytes 12-15 of the host's command block or whatever was there before. */
static void
leave_over(struct bmc *bmc, const uint8_t *cdb, uint8_t out[4])
{
	if (!(bmc->conf.quirks & QUIRK_LEFTOVERS))
		return;
	memcpy(out, cdb + CDB_REST, 4);
	if (get_be32(out) == 0)
		chance_fill(&bmc->chance, out, 4);
}

static void
encode(struct unit *unit, const struct ask *ask, uint8_t head[PACKET_SCSI_LEN])
{
	struct bmc *bmc = unit->bmc;
	struct packet_request request = {
		.device = unit->device,
		.device_no = device_numbers[unit->device],
		.seq = count_on(bmc, &bmc->seq, 1),
		.tag = count_on(bmc, &bmc->tag, TAG_FIRST),
		.read_len = ask->read_len,
		.data_dir = ask->is_write ? DATA_DIR_WRITE : DATA_DIR_READ,
		.data_len = ask->data_len,
	};

	memcpy(request.cdb, ask->cdb, PACKET_CDB_LEN);
	leave_over(bmc, ask->cdb, request.leftover);
	packet_request(head, &request);
	if (bmc->conf.quirks & QUIRK_GARBAGE_KEY) {
		put_le32(head + OFF_KEY, chance_next(&bmc->chance));
		if (!(bmc->conf.quirks & QUIRK_STALE_CHECKSUM))
			packet_seal(head);
	}
}

bool
bmc_ask_is_struck(struct unit *unit)
{
	const struct bmc_conf *conf = &unit->bmc->conf;

	if (conf->fault == FAULT_NONE || unit->sent != conf->fault_after ||
		(conf->fault_times > 0 && unit->faults_shown >= conf->fault_times))
		return false;
	unit->faults_shown++;
	return true;
}

static void
strike(struct unit *unit, const uint8_t head[PACKET_SCSI_LEN])
{
	enum bmc_fault fault = unit->bmc->conf.fault;
	uint8_t out[FAULT_PACKET_MAX];
	enum fault_end end;
	struct reason why;
	size_t len;

	reason_set(&why, "fault \"%s\" after %u requests", bmc_fault_name(fault), unit->sent);
	len = bmc_fault_make(fault, head, PACKET_SCSI_LEN, &unit->bmc->chance, out, &end);
	bmc_wire_queue(&unit->wire, out, len);
	(void)bmc_wire_flush_whole(&unit->wire);
	if (end == FAULT_THEN_RESET)
		bmc_wire_close(&unit->wire, true);
	if (end != FAULT_THEN_WAIT)
		bmc_session_end(unit, "%s", why.text);
	else
		bmc_session_mute(
			unit, fault == FAULT_KILL ? SESSION_KILLED : SESSION_MUTE, why.text);
}

void
bmc_ask_send(struct unit *unit, const struct ask *ask)
{
	struct pending *pending = &unit->pending;

	encode(unit, ask, pending->head);
	if (bmc_ask_is_struck(unit)) {
		strike(unit, pending->head);
		return;
	}
	pending->is_open = true;
	pending->is_own = ask->is_own;
	pending->seq = get_le32(pending->head + OFF_SEQ);
	pending->read_len = ask->read_len;
	pending->write_len = ask->data_len;
	unit->sent++;
	unit->bmc->totals.requests++;
	trace(unit, "request", pending->head);
	bmc_wire_queue(&unit->wire, pending->head, PACKET_SCSI_LEN);
	if (ask->data_len > 0)
		bmc_wire_queue(&unit->wire, ask->data, ask->data_len);
	bmc_timer_arm(unit);
	bmc_session_flush(unit);
}

void
bmc_ask_forget(struct unit *unit)
{
	if (!unit->pending.is_open)
		return;
	unit->pending.is_open = false;
	unit->forgotten[unit->forgotten_next++ % FORGOTTEN_MAX] = unit->pending.seq;
	bmc_timer_arm(unit);
}

/* True if seq is of a request that the host has aborted; its answer is expected once. */
static bool
take_forgotten(struct unit *unit, uint32_t seq)
{
	for (size_t i = 0; i < FORGOTTEN_MAX; i++) {
		if (seq != 0 && unit->forgotten[i] == seq) {
			unit->forgotten[i] = 0;
			return true;
		}
	}
	return false;
}

static void
complain_cb(void *arg, const char *what)
{
	struct unit *unit = arg;

	bmc_complain(unit, "answer to 0x%02x (SeqNo %" PRIu32 "): %s", unit->pending.head[OFF_CDB],
		unit->pending.seq, what);
}

/* The BMC discards an answer whose SeqNo it does not wait for (iusb-protocol 2.3). */
static void
discard(struct unit *unit, uint32_t seq)
{
	if (take_forgotten(unit, seq))
		return;
	if (seq != 0 && seq == unit->last_seq)
		bmc_complain(unit, "a second answer to SeqNo %" PRIu32 ": discarded", seq);
	else if (unit->pending.is_open)
		bmc_complain(unit, "answer with SeqNo %" PRIu32 ", not %" PRIu32 ": discarded", seq,
			unit->pending.seq);
	else
		bmc_complain(unit, "unsolicited packet with SeqNo %" PRIu32 ": discarded", seq);
}

static void
receive_answer(struct unit *unit, const struct packet *packet)
{
	struct pending *pending = &unit->pending;
	bool is_good = packet->status[0] == 0;
	uint32_t len = is_good ? (uint32_t)packet->data_len : 0;

	trace(unit, "answer", packet->head);
	if (!pending->is_open || packet->seq != pending->seq) {
		discard(unit, packet->seq);
		return;
	}
	bmc_check_answer(pending->head, packet, complain_cb, unit);
	pending->is_open = false;
	unit->last_seq = pending->seq;
	unit->sense = get_be24(packet->status + 1);
	unit->is_own_sense = false;
	if (len > pending->read_len)
		len = pending->read_len;
	bmc_timer_arm(unit);
	if (pending->is_own)
		bmc_session_greet(unit, is_good);
	else
		bmc_job_answered(unit, packet, len);
}

static void
receive_control(struct unit *unit, const struct packet *packet)
{
	if (packet->op != OP_ACK) {
		bmc_complain(unit, "unsolicited control packet 0x%02x", packet->op);
		return;
	}
	if (!unit->is_ping_out) {
		bmc_complain(unit, "answer to a ping that was not sent");
		return;
	}
	if (packet->head[OFF_DIRECTION] != DIRECTION_TO_BMC)
		bmc_complain(unit, "answer to the ping: Direction is 0x%02x, not 0x80",
			packet->head[OFF_DIRECTION]);
	unit->is_ping_out = false;
}

void
bmc_ask_receive(struct unit *unit, const struct packet *packet)
{
	if (packet->instance != 0) {
		bmc_complain(unit, "Instance is %u, not the slot's own 0", packet->instance);
		bmc_session_end(unit, "dropped: wrong Instance %u", packet->instance);
		return;
	}
	unit->misses = 0;
	bmc_timer_arm(unit);
	if (packet_is_control(packet)) {
		receive_control(unit, packet);
		bmc_timer_arm(unit);
	} else {
		receive_answer(unit, packet);
	}
}
