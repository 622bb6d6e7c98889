/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_session: the life of a client's session at one slot: acknowledged, greeted, served, gone. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "bmcsim/bmc_parts.h"
#include "bmcsim/bmc_scsi.h"
#include "iusb/control.h"

bool
bmc_session_is_up(const struct unit *unit)
{
	return unit->state == SESSION_GREETING || unit->state == SESSION_SERVING;
}

/* The device goes from the host; the connection may stay. */
static void
detach(struct unit *unit, const char *why)
{
	bmc_greeting_stop(unit);
	bmc_event_set(&unit->event_status, false);
	unit->pending.is_open = false;
	unit->is_ping_out = false;
	unit->is_type_out = false;
	unit->misses = 0;
	memset(unit->forgotten, 0, sizeof(unit->forgotten));
	if (unit->job.state == JOB_WAITING || unit->job.state == JOB_SENT)
		bmc_job_fail(unit, SENSE_NO_MEDIUM);
	bmc_report(unit, BMC_DISCONNECTED, why);
}

void
bmc_session_end(struct unit *unit, const char *fmt, ...)
{
	bool was_up = bmc_session_is_up(unit);
	struct reason why;
	va_list args;

	va_start(args, fmt);
	vsnprintf(why.text, sizeof(why.text), fmt, args);
	va_end(args);
	bmc_wire_close(&unit->wire, false);
	unit->state = SESSION_NONE;
	unit->is_ping_out = false;
	unit->misses = 0;
	bmc_timer_arm(unit);
	bmc_timer_arm_body(unit, false);
	bmc_door_slot_freed(unit->service);
	if (was_up)
		detach(unit, why.text);
}

void
bmc_session_mute(struct unit *unit, enum session_state state, const char *why)
{
	unit->state = state;
	detach(unit, why);
	bmc_timer_arm(unit);
}

void
bmc_session_flush(struct unit *unit)
{
	if (bmc_wire_flush(&unit->wire) == WIRE_LOST)
		bmc_session_end(unit, "connection lost: %s", bmc_wire_error(&unit->wire));
}

/* Something is to be read: packets are taken while there is somebody who wants them. */
static void
take_packets(struct unit *unit)
{
	struct packet packet;
	struct reason why;

	while (bmc_session_is_up(unit) || unit->state == SESSION_REFUSED) {
		switch (packet_decode(unit->wire.in, unit->wire.in_len, &packet, &why)) {
		case PACKET_NEED_MORE:
			bmc_timer_arm_body(unit, unit->wire.in_len > 0);
			if (unit->wire.in_len > 0)
				bmc_timer_arm(unit);
			return;
		case PACKET_BAD:
			bmc_complain(unit, "%s", why.text);
			bmc_session_end(unit, "dropped: %s", why.text);
			return;
		case PACKET_READY:
			bmc_ask_receive(unit, &packet);
			if (bmc_wire_is_open(&unit->wire))
				bmc_wire_consume(&unit->wire, packet.total);
			break;
		}
	}
	unit->wire.in_len = 0; /* muted: what the client says is ignored */
}

static void
receive(struct unit *unit)
{
	enum wire_result result = bmc_wire_receive(&unit->wire);
	struct reason what;

	if (link_complaint(unit->wire.link, &what))
		bmc_complain(unit, "%s", what.text);
	if (result == WIRE_ENDED)
		bmc_session_end(unit, "closed by the client%s",
			unit->wire.in_len > 0   ? " in the middle of a packet"
			: unit->pending.is_open ? ", a command unanswered"
						: "");
	else if (result == WIRE_LOST)
		bmc_session_end(unit, "connection lost: %s", bmc_wire_error(&unit->wire));
	else
		take_packets(unit);
}

static void
wire_cb(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct unit *unit = arg;

	if (what & EV_WRITE)
		bmc_session_flush(unit);
	if ((what & EV_READ) && bmc_wire_is_open(&unit->wire))
		receive(unit);
}

/* Nothing of an earlier session is left. */
static void
reset(struct unit *unit, const struct caller *caller, const struct auth *auth)
{
	unit->caller = *caller;
	unit->caller.link = NULL;
	unit->image[0] = '\0';
	unit->disk_type = auth && unit->device == DEVICE_HD ? auth->drive_type : -1;
	unit->is_type_told = false;
	unit->greeting_step = 0;
	unit->sent = 0;
	unit->last_key = 0;
	unit->misses = 0;
	unit->blocks = 0;
	unit->sense = SENSE_NONE;
	unit->is_own_sense = false;
}

static void
take_slot(struct unit *unit, const struct auth *auth)
{
	struct service *service = unit->service;

	unit->state = SESSION_GREETING;
	unit->bmc->totals.sessions++;
	bmc_event_set(&unit->event_status, true);
	if (auth && !service->has_token) {
		service->has_token = true;
		memcpy(service->token, auth->token, sizeof(service->token));
	}
}

void
bmc_session_start(struct unit *unit, const struct caller *caller, const struct auth *auth,
	uint8_t status, const char *owner)
{
	struct bmc *bmc = unit->bmc;
	uint8_t ack[ACK_MAX];
	size_t len = bmc_ack_make(ack, unit->instance, status, owner, bmc->conf.owner_field);

	reset(unit, caller, auth);
	bmc_wire_open(&unit->wire, caller->link, wire_cb, unit);
	bmc_wire_queue(&unit->wire, ack, len);
	if (!ack_is_accepted(status)) {
		unit->state = SESSION_REFUSED;
		bmc_timer_arm(unit);
		bmc_session_flush(unit);
		return;
	}
	take_slot(unit, auth);
	if (bmc->conf.quirks & QUIRK_COALESCE) {
		unit->wire.is_corked = true;
		bmc_greeting_next(unit, NULL);
		unit->wire.is_corked = false;
	} else {
		event_active(unit->defer, EV_TIMEOUT, 0);
	}
	bmc_timer_arm(unit);
	bmc_session_flush(unit);
	if (bmc_session_is_up(unit))
		bmc_report(unit, BMC_CONNECTED, unit->caller.peer);
}

static void
defer_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct unit *unit = arg;

	if (unit->job.state == JOB_ANSWERED)
		bmc_job_finish(unit);
	bmc_greeting_next(unit, NULL);
}

void
bmc_session_init(struct unit *unit)
{
	struct bmc *bmc = unit->bmc;

	bmc_wire_init(&unit->wire, &bmc->chance, bmc->conf.quirks & QUIRK_SPLIT);
	bmc_timer_init(unit);
	bmc_greeting_init(unit);
	unit->disk_type = -1;
	unit->defer = event_new(bmc->base, -1, 0, defer_cb, unit);
}

void
bmc_session_fini(struct unit *unit)
{
	bmc_wire_fini(&unit->wire);
	bmc_timer_fini(unit);
	bmc_greeting_fini(unit);
	if (unit->defer)
		event_free(unit->defer);
}
