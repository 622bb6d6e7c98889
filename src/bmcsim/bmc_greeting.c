/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_greeting: what the BMC asks a client on its own, and what the machine asks that it plays
 * while nobody else does (iusb-protocol 1.1 to 1.3, 7.3 and 9.1). */
#include <event2/event.h>

#include "base/bytes.h"
#include "bmcsim/bmc_parts.h"
#include "bmcsim/bmc_scsi.h"

enum {
	READY_TRIES = 5, /* TEST UNIT READY until it succeeds */
	CAPACITY_LEN = 8,
};

static void
ask(struct unit *unit, uint8_t opcode, uint32_t read_len)
{
	uint8_t cdb[16] = { opcode };
	struct ask what = { .cdb = cdb, .from = FROM_GREETING, .read_len = read_len };

	bmc_ask_send(unit, &what);
}

static void
serve(struct unit *unit)
{
	const struct bmc_conf *conf = &unit->bmc->conf;

	unit->state = SESSION_SERVING;
	if (conf->dialect->has_device_info && !bmc_is_gadget(unit->bmc) &&
		unit->device == DEVICE_CD && (conf->quirks & QUIRK_EVENT_POLL) &&
		!conf->has_host[unit->device])
		bmc_start_timer(unit->poll, conf->poll);
	bmc_job_send(unit);
}

/* TEST UNIT READY until it succeeds, then READ CAPACITY. */
static void
enumerate(struct unit *unit, const struct packet *answer)
{
	if (answer && answer->status[0] == 0 && unit->greeting_step < READY_TRIES)
		unit->greeting_step = READY_TRIES;
	if (unit->greeting_step > READY_TRIES)
		serve(unit);
	else if (unit->greeting_step++ < READY_TRIES)
		ask(unit, SCSI_TEST_UNIT_READY, 0);
	else
		ask(unit, SCSI_READ_CAPACITY, CAPACITY_LEN);
}

/* One READ CAPACITY: the gadget answers all of its host's questions from it. */
static void
measure(struct unit *unit, const struct packet *answer)
{
	if (unit->greeting_step++ == 0) {
		ask(unit, SCSI_READ_CAPACITY, CAPACITY_LEN);
		return;
	}
	if (answer && answer->status[0] == 0 && answer->data_len >= CAPACITY_LEN) {
		unit->blocks = get_be32(answer->data) + 1;
		if (get_be32(answer->data + 4) != bmc_scsi_block_len(unit->device))
			bmc_complain(unit, "blocks of %u bytes, not %u",
				(unsigned)get_be32(answer->data + 4),
				(unsigned)bmc_scsi_block_len(unit->device));
	} else {
		bmc_complain(unit, "READ CAPACITY(10) behind the ACK failed");
	}
	serve(unit);
}

/* An older harddisk service asks at once. */
static bool
wants_type(const struct unit *unit)
{
	const struct bmc_conf *conf = &unit->bmc->conf;

	return bmc_is_asp(unit->bmc) && (conf->quirks & QUIRK_DISK_TYPE) &&
	       unit->device == DEVICE_HD && !unit->is_type_told;
}

void
bmc_greeting_next(struct unit *unit, const struct packet *answer)
{
	const struct bmc *bmc = unit->bmc;

	if (unit->state != SESSION_GREETING || unit->pending.is_open || unit->is_type_out)
		return;
	if (bmc_is_gadget(bmc))
		measure(unit, answer);
	else if (wants_type(unit))
		bmc_control_ask_type(unit);
	else if (bmc_is_legacy(bmc) || !bmc->conf.has_host[unit->device])
		enumerate(unit, answer);
	else
		serve(unit);
}

/* ---- an idle machine's polls ---- */

static void
poll_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	static const uint8_t cdb[16] = { SCSI_GET_EVENT_STATUS, 1, 0, 0, 0x10, 0, 0, 0,
		EVENT_STATUS_LEN };
	struct unit *unit = arg;
	struct ask request = { .cdb = cdb, .from = FROM_POLL, .read_len = EVENT_STATUS_LEN };

	if (unit->state != SESSION_SERVING)
		return;
	bmc_start_timer(unit->poll, unit->bmc->conf.poll);
	if (unit->job.state == JOB_NONE && !unit->pending.is_open && !unit->is_ping_out)
		bmc_ask_send(unit, &request);
}

/* Table 4A of iusb-protocol 9.2: length and class must be right. */
void
bmc_greeting_polled(struct unit *unit, const struct packet *answer)
{
	const uint8_t *data = answer->data;

	if (answer->status[0] == 0 &&
		(answer->data_len != EVENT_STATUS_LEN || get_be16(data) != EVENT_STATUS_LEN - 2 ||
			(data[2] & 0x07) != 0x04))
		bmc_complain(unit, "GET EVENT STATUS was answered with something else");
	bmc_job_send(unit);
}

void
bmc_greeting_stop(struct unit *unit)
{
	event_del(unit->poll);
}

void
bmc_greeting_init(struct unit *unit)
{
	unit->poll = evtimer_new(unit->bmc->base, poll_cb, unit);
}

void
bmc_greeting_fini(struct unit *unit)
{
	if (unit->poll)
		event_free(unit->poll);
}
