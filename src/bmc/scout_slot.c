/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_slot: who holds a slot, asked by AUTH: an ACK, and the connection is closed at once
 * (iusb-protocol 5). One slot after the other, each with a token of its own. */
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "bmc/scout_private.h"
#include "bmc/secret.h"
#include "iusb/auth.h"

static void ask_from(struct scout *scout, unsigned index);

static enum device
asked_device(const struct scout *scout)
{
	return (enum device)(scout->asked / SLOT_INSTANCES);
}

static int
asked_instance(const struct scout *scout)
{
	return (int)(scout->asked % SLOT_INSTANCES);
}

/* ---- the outcome ---- */

void
scout_take_ack(struct scout_slot *slot, const struct ack *ack)
{
	const char *text = ack_status_text(ack->status);

	if (ack_is_accepted(ack->status)) {
		slot->state = SCOUT_SLOT_FREE;
	} else if (ack->status == ACK_IN_USE) {
		slot->state = SCOUT_SLOT_IN_USE;
		memcpy(slot->holder, ack->owner, sizeof(slot->holder));
	} else if (ack->status == ACK_DETACHED) {
		slot->state = SCOUT_SLOT_DETACHED;
	} else {
		slot->state = SCOUT_SLOT_REFUSED;
		reason_set(&slot->why, "%s (ACK %u)", text ? text : "a status that is not known",
			ack->status);
	}
}

/* The slot is done: the connection ends, its token is given back. That comes before the next one is
 * asked for, which would be the same else; the web session stays, since both happen in one turn of
 * the loop. */
static void
go_on(struct scout *scout)
{
	event_del(scout->deadline);
	stream_free(scout->stream);
	scout->stream = NULL;
	scout_drop_ticket(scout);
	ask_from(scout, scout->asked + 1);
}

static void
give_up(struct scout *scout, enum scout_slot_state state, const struct reason *why)
{
	struct scout_slot *slot = &scout->answers[scout->asked];

	slot->state = state;
	slot->why = *why;
	go_on(scout);
}

/* The slot has been had, and the BMC is being told that we go. */
static bool
is_parting(const struct scout *scout)
{
	return scout->answers[scout->asked].state == SCOUT_SLOT_FREE;
}

static void
expired(struct scout *scout)
{
	struct reason why;

	if (is_parting(scout)) {
		go_on(scout);
		return;
	}
	if (scout->stream)
		reason_set(&why, "no ACK within %.0f s", scout->conf.times.ack);
	else
		reason_set(&why, "no token within %.0f s", scout->conf.times.login);
	give_up(scout, SCOUT_SLOT_FAILED, &why);
}

/* ---- the connection ---- */

static void
authenticate(struct scout *scout)
{
	const struct plan *plan = &scout->plan;
	union {
		uint8_t auth[AUTH_LEN_MAX];
		uint8_t info[DEVICE_INFO_LEN];
	} out;
	size_t len = auth_build(out.auth, plan->kind, asked_device(scout), asked_instance(scout),
		scout->grant.token);

	stream_write(scout->stream, out.auth, len, NULL);
	secret_erase(&out, sizeof(out));
	if (!plan->dialect->has_device_info)
		return;
	len = device_info_build(out.info, plan->transport == TRANSPORT_WEBSOCKET,
		asked_instance(scout), "probe.iso");
	stream_write(scout->stream, out.info, len, NULL);
}

static void
say_goodbye(struct scout *scout)
{
	uint8_t out[CONTROL_LEN];

	disconnect_build(out, asked_instance(scout));
	stream_write(scout->stream, out, sizeof(out), NULL);
}

static void
read_answer(struct scout *scout)
{
	struct scout_slot *slot = &scout->answers[scout->asked];
	struct reason why;
	struct ack ack;

	switch (scout_read_ack(stream_input(scout->stream), &ack, &why)) {
	case PACKET_NEED_MORE:
		return;
	case PACKET_BAD:
		give_up(scout, SCOUT_SLOT_FAILED, &why);
		return;
	case PACKET_READY:
		break;
	}
	scout_take_ack(slot, &ack);
	if (slot->state == SCOUT_SLOT_FREE && scout->plan.dialect->has_device_info)
		say_goodbye(scout);
	else
		go_on(scout);
}

static void
stream_event_cb(void *arg, enum stream_event event, const struct reason *why)
{
	struct scout *scout = arg;
	struct reason text;

	switch (event) {
	case STREAM_REACHED:
		return;
	case STREAM_DRAINED:
		if (is_parting(scout))
			go_on(scout);
		return;
	case STREAM_CONNECTED:
		authenticate(scout);
		return;
	case STREAM_INPUT:
		if (!is_parting(scout))
			read_answer(scout);
		return;
	case STREAM_CLOSED:
		reason_set(&text, "the BMC closed the connection");
		break;
	case STREAM_FAILED:
		text = *why;
		break;
	}
	if (is_parting(scout))
		go_on(scout);
	else
		give_up(scout, SCOUT_SLOT_FAILED, &text);
}

static void
connect_slot(struct scout *scout)
{
	const struct session_conf way =
		scout_way(scout, asked_device(scout), asked_instance(scout));
	const struct dialect *dialect = scout_dialect(scout);
	const struct plan *plan = &scout->plan;
	const struct grant *grant = &scout->grant;
	struct stream_conf to;
	struct reason why;

	if (!dialect) {
		reason_set(&why, "the dialect is not known");
		give_up(scout, SCOUT_SLOT_FAILED, &why);
		return;
	}
	if (plan_make(&way, dialect, grant, &scout->plan, &why) != FAILURE_NONE) {
		give_up(scout, SCOUT_SLOT_FAILED, &why);
		return;
	}
	to = (struct stream_conf){
		.address = scout->conf.way.address, /* what its certificate may have to name */
		.port = plan->port,
		.tls = plan->is_tls ? &scout->conf.way.tls : NULL,
		.pin = plan->is_web ? PIN_WEB : PIN_MEDIA,
		.transport = plan->transport,
		.device = way.device,
		.secure_port = grant->web_secure_port,
		.cookie = grant->cookie[0] ? grant->cookie : NULL,
		.path = plan->path,
	};
	scout_expect(scout, scout->conf.times.ack, expired);
	scout->stream = stream_connect(scout->base, &to, stream_event_cb, scout);
}

/* ---- the token ---- */

static void
granted_cb(void *arg, const struct grant *grant, enum failure failure, const struct reason *why)
{
	struct scout *scout = arg;
	struct reason text = *why;

	event_del(scout->deadline);
	if (failure != FAILURE_NONE) {
		give_up(scout, SCOUT_SLOT_FAILED, &text);
		return;
	}
	scout->grant = *grant;
	connect_slot(scout);
}

/* Whether it is of use to ask the BMC about the slot. */
static bool
is_open_question(const struct scout *scout, unsigned index)
{
	enum device device = (enum device)(index / SLOT_INSTANCES);
	int instance = (int)(index % SLOT_INSTANCES);
	const struct grant *grant = &scout->report.grant;
	int slots = grant->slots[device] >= 0 ? grant->slots[device] : 1;

	return instance < slots && grant->licence != 0 && grant->is_attached[device] != 0 &&
	       (device != DEVICE_FD || grant->has_fd) && !scout_held_at(scout, device, instance);
}

/* Of the slot and those behind it. */
static void
ask_from(struct scout *scout, unsigned index)
{
	char progress[64];

	while (index < SCOUT_SLOTS && !is_open_question(scout, index))
		index++;
	if (index == SCOUT_SLOTS) {
		scout_drop_ticket(scout);
		scout_next(scout);
		return;
	}
	scout->asked = index;
	snprintf(progress, sizeof(progress), "asking for slot %s%d",
		device_name(asked_device(scout)), asked_instance(scout));
	scout_say(scout, progress);
	/* The first one has its token from the login. */
	if (scout->ticket && scout->ticket_device == asked_device(scout)) {
		connect_slot(scout);
		return;
	}
	scout_drop_ticket(scout);
	scout_expect(scout, scout->conf.times.login, expired);
	scout->ticket_device = asked_device(scout);
	scout->ticket = portal_ask(scout->conf.way.portal, scout->ticket_device, granted_cb, scout);
}

void
scout_ask_slots(struct scout *scout)
{
	ask_from(scout, 0);
}
