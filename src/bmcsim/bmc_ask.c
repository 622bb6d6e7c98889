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
	CROSSING_ONE_IN = 16, /* requests have a KEEP-ALIVE right before them */
	NUMBERS = 3,          /* device numbers of an instance */
	CDB_REST = 12,        /* where the CDB bytes start that do not fit in a packet */
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
	slot_format(slot, unit->bmc->name, unit->device, unit->instance);
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
		.fixed_disk = unit->disk_type == 0,
		.device_no = (uint8_t)(device_numbers[unit->device] + NUMBERS * unit->instance),
		.seq = bmc_is_gadget(bmc) ? 0 : count_on(bmc, &bmc->seq, 1),
		.tag = count_on(bmc, &bmc->tag, TAG_FIRST),
		.read_len = ask->read_len,
		.data_dir = ask->is_write ? DATA_DIR_WRITE : DATA_DIR_READ,
		.data_len = ask->data_len,
	};

	memcpy(request.cdb, ask->cdb, PACKET_CDB_LEN);
	leave_over(bmc, ask->cdb, request.leftover);
	packet_request(head, &request);
	/* The checksum comes first (iusb-protocol 2.1). */
	head[OFF_INSTANCE] = (uint8_t)unit->instance;
	if (bmc->conf.quirks & QUIRK_GARBAGE_KEY)
		put_le32(head + OFF_KEY, chance_next(&bmc->chance));
	if (!(bmc->conf.quirks & QUIRK_STALE_CHECKSUM))
		packet_seal(head);
}

/* By what its answer is known. */
static uint32_t
key_of(const struct unit *unit, uint32_t seq, uint32_t tag)
{
	return bmc_is_gadget(unit->bmc) ? tag : seq;
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
			unit, fault == FAULT_KILL ? SESSION_CLOSING : SESSION_MUTE, why.text);
}

/* A KEEP-ALIVE that is not answered yet when a request follows (iusb-protocol 10.1). */
static void
cross(struct unit *unit, const struct ask *ask)
{
	struct bmc *bmc = unit->bmc;

	if ((bmc->conf.quirks & QUIRK_CROSSING) && !bmc_is_legacy(bmc) && ask->from == FROM_HOST &&
		!unit->is_ping_out && chance_one_in(&bmc->chance, CROSSING_ONE_IN))
		bmc_control_ping(unit);
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
	cross(unit, ask);
	pending->is_open = true;
	pending->from = ask->from;
	pending->key =
		key_of(unit, get_le32(pending->head + OFF_SEQ), get_le32(pending->head + OFF_TAG));
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
	unit->forgotten[unit->forgotten_next++ % FORGOTTEN_MAX] = unit->pending.key;
	bmc_timer_arm(unit);
}

/* True if the key is of a request that the host has aborted; its answer is expected once. */
static bool
take_forgotten(struct unit *unit, uint32_t key)
{
	for (size_t i = 0; i < FORGOTTEN_MAX; i++) {
		if (key != 0 && unit->forgotten[i] == key) {
			unit->forgotten[i] = 0;
			return true;
		}
	}
	return false;
}

static const char *
key_name(const struct unit *unit)
{
	return bmc_is_gadget(unit->bmc) ? "tag" : "SeqNo";
}

static void
complain_cb(void *arg, const char *what)
{
	struct unit *unit = arg;

	bmc_complain(unit, "answer to 0x%02x (%s %" PRIu32 "): %s", unit->pending.head[OFF_CDB],
		key_name(unit), unit->pending.key, what);
}

/* The BMC discards an answer whose SeqNo it does not wait for, but for the trap of iusb-protocol
 * 2.3. */
static void
discard(struct unit *unit, uint32_t key)
{
	const char *name = key_name(unit);

	if (take_forgotten(unit, key))
		return;
	if (key != 0 && key == unit->last_key)
		bmc_complain(unit, "a second answer to %s %" PRIu32 ": discarded", name, key);
	else if (unit->pending.is_open)
		bmc_complain(unit, "answer with %s %" PRIu32 ", not %" PRIu32 ": discarded", name,
			key, unit->pending.key);
	else
		bmc_complain(unit, "unsolicited packet with %s %" PRIu32 ": %s", name, key,
			key == 0 ? "the host gets a status that it never asked for" : "discarded");
}

static void
receive_answer(struct unit *unit, const struct packet *packet)
{
	struct pending *pending = &unit->pending;
	uint32_t len = packet->status[0] == 0 ? (uint32_t)packet->data_len : 0;
	uint32_t key = key_of(unit, packet->seq, packet->tag);

	trace(unit, "answer", packet->head);
	if (!pending->is_open || key != pending->key) {
		discard(unit, key);
		return;
	}
	bmc_check_answer(pending->head, packet, complain_cb, unit);
	pending->is_open = false;
	unit->last_key = pending->key;
	unit->sense = get_be24(packet->status + 1);
	unit->is_own_sense = false;
	if (len > pending->read_len)
		len = pending->read_len;
	bmc_timer_arm(unit);
	switch (pending->from) {
	case FROM_HOST:
		bmc_job_answered(unit, packet, len);
		break;
	case FROM_GREETING:
		bmc_greeting_next(unit, packet);
		break;
	case FROM_POLL:
		bmc_greeting_polled(unit, packet);
		break;
	}
}

void
bmc_ask_receive(struct unit *unit, const struct packet *packet)
{
	if (packet->instance != unit->instance) {
		bmc_complain(unit, "Instance is %u, not the slot's own %d", packet->instance,
			unit->instance);
		bmc_session_end(unit, "dropped: wrong Instance %u", packet->instance);
		return;
	}
	unit->misses = 0;
	bmc_timer_arm(unit);
	if (unit->state == SESSION_REFUSED) {
		if (packet->op == unit->bmc->conf.dialect->ping)
			unit->is_ping_out = false;
		bmc_timer_arm(unit);
	} else if (packet_is_control(packet)) {
		bmc_control_receive(unit, packet);
		bmc_timer_arm(unit);
	} else {
		receive_answer(unit, packet);
	}
}
