/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_session: the life of a client's session at one device: acknowledged, greeted, served, gone.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bmcsim/bmc_parts.h"
#include "bmcsim/bmc_scsi.h"
#include "iusb/control.h"

enum {
	GREETING_TRIES = 5, /* TEST UNIT READY until it succeeds */
	READ_CAPACITY_LEN = 8,
};

bool
bmc_session_is_up(const struct unit *unit)
{
	return unit->state == SESSION_GREETING || unit->state == SESSION_SERVING;
}

/* The device goes from the host; the connection may stay. */
static void
detach(struct unit *unit, const char *why)
{
	unit->pending.is_open = false;
	unit->is_ping_out = false;
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
	bmc_timer_arm(unit);
	bmc_timer_arm_body(unit, false);
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
		bmc_session_end(unit, "connection lost: %s", strerror(errno));
}

/*
 * TEST UNIT READY until it succeeds, then READ CAPACITY: what the BMC asks on its own behalf
 * (iusb-protocol 1.1).
 */
void
bmc_session_greet(struct unit *unit, bool is_ready)
{
	uint8_t cdb[16] = { SCSI_TEST_UNIT_READY };
	struct ask ask = { .cdb = cdb, .is_own = true };

	if (unit->state != SESSION_GREETING || unit->pending.is_open)
		return;
	if (is_ready && unit->greeting_step < GREETING_TRIES)
		unit->greeting_step = GREETING_TRIES;
	if (unit->greeting_step > GREETING_TRIES) {
		unit->state = SESSION_SERVING;
		bmc_job_send(unit);
		return;
	}
	if (unit->greeting_step == GREETING_TRIES) {
		cdb[0] = SCSI_READ_CAPACITY;
		ask.read_len = READ_CAPACITY_LEN;
	}
	unit->greeting_step++;
	bmc_ask_send(unit, &ask);
}

static void
receive(struct unit *unit)
{
	enum wire_result result = bmc_wire_receive(&unit->wire);
	struct packet packet;
	struct reason why;

	if (result == WIRE_ENDED)
		bmc_session_end(unit, "closed by the client%s",
			unit->wire.in_len > 0   ? " in the middle of a packet"
			: unit->pending.is_open ? ", a command unanswered"
						: "");
	else if (result == WIRE_LOST)
		bmc_session_end(unit, "connection lost: %s", strerror(errno));
	while (bmc_session_is_up(unit)) {
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
wire_cb(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct unit *unit = arg;

	if (what & EV_WRITE)
		bmc_session_flush(unit);
	if ((what & EV_READ) && bmc_wire_is_open(&unit->wire))
		receive(unit);
}

static void
start(struct unit *unit, evutil_socket_t fd, const char *address, const char *peer)
{
	uint8_t ack[ACK_LEN];

	snprintf(unit->peer_address, sizeof(unit->peer_address), "%s", address);
	unit->state = SESSION_GREETING;
	unit->greeting_step = 0;
	unit->sent = 0;
	unit->last_seq = 0;
	unit->sense = SENSE_NONE;
	unit->is_own_sense = false;
	unit->bmc->totals.sessions++;
	bmc_wire_open(&unit->wire, fd, wire_cb, unit);
	control_ack(ack, 0, ACK_ACCEPTED, "");
	bmc_wire_queue(&unit->wire, ack, sizeof(ack));
	if (unit->bmc->conf.quirks & QUIRK_COALESCE) {
		unit->wire.is_corked = true;
		bmc_session_greet(unit, false);
		unit->wire.is_corked = false;
	} else {
		event_active(unit->defer, EV_TIMEOUT, 0);
	}
	bmc_timer_arm(unit);
	bmc_session_flush(unit);
	if (bmc_session_is_up(unit))
		bmc_report(unit, BMC_CONNECTED, peer);
}

/* A second client, or a fault that comes instead of the greeting. */
static void
turn_away(struct unit *unit, evutil_socket_t fd, enum bmc_fault fault)
{
	uint8_t ack[ACK_LEN], out[FAULT_PACKET_MAX];
	enum fault_end end = FAULT_THEN_WAIT;
	size_t len = ACK_LEN;

	control_ack(ack, 0, ACK_ACCEPTED, "");
	if (fault == FAULT_NONE)
		control_ack(out, 0, ACK_IN_USE, unit->peer_address);
	else
		len = bmc_fault_make(fault, ack, sizeof(ack), &unit->bmc->chance, out, &end);
	bmc_visitor_add(unit, fd, out, len, end);
}

void
bmc_session_accept(struct unit *unit, evutil_socket_t fd, const char *address, const char *peer)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (unit->state != SESSION_NONE) {
		turn_away(unit, fd, FAULT_NONE);
		return;
	}
	unit->sent = 0;
	if (bmc_ask_is_struck(unit))
		turn_away(unit, fd, unit->bmc->conf.fault);
	else
		start(unit, fd, address, peer);
}

static void
defer_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct unit *unit = arg;

	if (unit->job.state == JOB_ANSWERED)
		bmc_job_finish(unit);
	bmc_session_greet(unit, false);
}

void
bmc_session_init(struct unit *unit)
{
	struct bmc *bmc = unit->bmc;

	bmc_wire_init(&unit->wire, bmc->base, &bmc->chance, bmc->conf.quirks & QUIRK_SPLIT);
	bmc_timer_init(unit);
	unit->defer = event_new(bmc->base, -1, 0, defer_cb, unit);
}

void
bmc_session_fini(struct unit *unit)
{
	bmc_wire_fini(&unit->wire);
	bmc_timer_fini(unit);
	if (unit->defer)
		event_free(unit->defer);
}
