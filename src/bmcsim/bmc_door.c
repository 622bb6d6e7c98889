/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_door: looks at one client after another: AUTH, and what is said to it (iusb-protocol 5.3). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "base/bytes.h"
#include "bmcsim/bmc_parts.h"
#include "iusb/control.h"

enum {
	OWNER_MAX = ACK_MAX - 63, /* where the owner's address begins in an ACK */
	ASP_TOKEN_MAX = 15,       /* characters that `asp` compares */
};

static const char owner_default[] = "192.168.0.77"; /* who is said to hold a slot that is free */

/* What becomes of a client. */
struct verdict {
	struct unit *unit; /* the slot that it gets, or at least takes; NULL: none */
	uint8_t status;    /* of the ACK; 0: there is none */
	const char *owner;
	bool is_struck;  /* the fault is shown instead */
	const char *why; /* NULL: the status says it all */
};

size_t
bmc_ack_make(uint8_t out[ACK_MAX], int instance, uint8_t status, const char *owner, unsigned field)
{
	size_t start = ACK_MAX - OWNER_MAX;

	memset(out, 0, ACK_MAX);
	control_ack(out, (uint8_t)instance, status, "");
	put_le32(out + OFF_DATA_PKT_LEN, (uint32_t)(start + field - PACKET_HEADER_LEN));
	memcpy(out + start, owner, strnlen(owner, field));
	return start + field;
}

/* ---- the decision ---- */

static const char *
owner_of(const struct unit *unit)
{
	const char *told = unit->bmc->conf.owner;

	return told ? told : unit->caller.address;
}

/* What --ack says, 0 if it does not. */
static uint8_t
forced_status(struct service *service)
{
	const struct bmc_conf *conf = &service->bmc->conf;

	if (conf->ack == 0 || (conf->ack_times > 0 && service->acks_shown >= conf->ack_times))
		return 0;
	service->acks_shown++;
	return conf->ack;
}

static bool
is_same_token(const struct bmc *bmc, const char *a, const char *b)
{
	if (bmc_is_asp(bmc))
		return strncmp(a, b, ASP_TOKEN_MAX) == 0;
	return strcmp(a, b) == 0;
}

static uint8_t
check_token(const struct bmc *bmc, const char *token)
{
	static const uint8_t statuses[] = {
		[WEB_TOKEN_GOOD] = ACK_ACCEPTED,
		[WEB_TOKEN_UNKNOWN] = ACK_TOKEN_INVALID,
		[WEB_TOKEN_NO_PRIVILEGE] = ACK_NO_PRIVILEGE,
		[WEB_TOKEN_NO_LICENCE] = ACK_NO_LICENCE,
	};

	if (bmc->web)
		return statuses[web_check_token(bmc->web, token)];
	if (!bmc->conf.token || is_same_token(bmc, token, bmc->conf.token))
		return ACK_ACCEPTED;
	return ACK_TOKEN_INVALID;
}

/* A fault that comes instead of the ACK; those that are an ACK themselves are one. */
static struct verdict
strike(struct service *service)
{
	const struct bmc_conf *conf = &service->bmc->conf;
	struct verdict verdict = { .owner = "", .why = bmc_fault_name(conf->fault) };

	if (conf->fault == FAULT_IN_USE) {
		verdict.status = ACK_IN_USE;
		verdict.owner = conf->owner ? conf->owner : owner_default;
	} else if (conf->fault == FAULT_DENIED) {
		verdict.status = ACK_DENIED;
	} else {
		verdict.is_struck = true;
	}
	return verdict;
}

/* auth is NULL for `legacy`, which wants none and has one slot. */
static struct verdict
judge(struct service *service, const struct auth *auth)
{
	struct bmc *bmc = service->bmc;
	struct unit *unit = &service->unit[auth ? auth->instance % SLOT_INSTANCES : 0];
	struct unit *holder = bmc_service_holder(service);
	struct verdict verdict = { .unit = unit, .owner = "" };

	if (auth && auth->instance >= service->slots)
		return (struct verdict){ .why = "no such instance", .owner = "" };
	if (unit->state != SESSION_NONE)
		return (struct verdict){ .status = ACK_IN_USE, .owner = owner_of(unit) };
	unit->sent = 0;
	if (bmc_ask_is_struck(unit))
		return strike(service);
	verdict.status = forced_status(service);
	if (verdict.status == ACK_IN_USE)
		verdict.owner = bmc->conf.owner ? bmc->conf.owner : owner_default;
	if (verdict.status != 0 && !ack_is_accepted(verdict.status))
		return verdict;
	if (bmc->conf.attach == ATTACH_DETACHED) {
		verdict.status = ACK_DETACHED;
	} else if (auth && holder && !is_same_token(bmc, auth->token, service->token)) {
		verdict.status = ACK_IN_USE;
		verdict.owner = owner_of(holder);
		verdict.why = "another token than the other instances";
	} else {
		uint8_t status = auth ? check_token(bmc, auth->token) : ACK_ACCEPTED;

		if (verdict.status == 0 || status != ACK_ACCEPTED)
			verdict.status = status;
	}
	return verdict;
}

/* ---- what follows ---- */

static void look(struct service *service);

/* The next client, from the web server or from a port. */
static void
open_door(struct service *service)
{
	struct door *door = &service->door;

	door->state = DOOR_OPEN;
	door->caller = (struct caller){ 0 };
	door->in_len = 0;
	event_del(door->timer);
	if (door->waiting_count == 0) {
		bmc_service_accept(service, true);
		return;
	}
	door->caller = door->waiting[0];
	door->waiting_count--;
	memmove(door->waiting, door->waiting + 1, door->waiting_count * sizeof(door->waiting[0]));
	look(service);
}

static void
report_refusal(struct service *service, const struct verdict *verdict, int instance)
{
	const char *meaning = ack_status_text(verdict->status);
	struct reason why;

	if (verdict->status == 0)
		reason_set(&why, "%s gets no ACK: %s", service->door.caller.peer, verdict->why);
	else
		reason_set(&why, "%s gets ACK %u: %s%s%s", service->door.caller.peer,
			verdict->status, meaning ? meaning : "not known", verdict->why ? ": " : "",
			verdict->why ? verdict->why : "");
	service->bmc->totals.refused++;
	bmc_report(&service->unit[instance % SLOT_INSTANCES], BMC_REFUSED, why.text);
}

/* Lets the client in or out of the door, and whoever waits behind it. */
static void
pronounce(struct service *service, const struct verdict *verdict, const struct auth *auth)
{
	struct bmc *bmc = service->bmc;
	struct door *door = &service->door;
	struct caller caller = door->caller;
	int instance = auth ? auth->instance : 0;
	bool is_refused = verdict->status != 0 && !ack_is_accepted(verdict->status);
	uint8_t ack[ACK_MAX], out[FAULT_PACKET_MAX];
	enum fault_end end = FAULT_THEN_WAIT;
	size_t len = 0;

	event_del(door->timer);
	if (verdict->status != 0)
		len = bmc_ack_make(
			ack, instance, verdict->status, verdict->owner, bmc->conf.owner_field);
	if (is_refused || !verdict->unit)
		report_refusal(service, verdict, instance);
	if (verdict->is_struck) {
		len = bmc_ack_make(ack, instance, ACK_ACCEPTED, "", bmc->conf.owner_field);
		len = bmc_fault_make(bmc->conf.fault, ack, len, &bmc->chance, out, &end);
		bmc_visitor_add(service, caller.link, out, len, end);
	} else if (!verdict->unit) {
		bmc_visitor_add(service, caller.link, ack, len, FAULT_THEN_WAIT);
	} else {
		bmc_session_start(verdict->unit, &caller, auth, verdict->status, verdict->owner);
	}
	if (is_refused && bmc->conf.refusal_pause > 0 && !bmc_is_legacy(bmc)) {
		door->caller = (struct caller){ 0 };
		door->state = DOOR_ASLEEP;
		bmc_start_timer(door->timer, bmc->conf.refusal_pause);
	} else {
		open_door(service);
	}
}

static void
refuse_first_packet(struct service *service, const char *why)
{
	struct verdict verdict = { .status = ACK_OTHER_ERROR, .owner = "", .why = why };

	pronounce(service, &verdict, NULL);
}

/* ---- AUTH ---- */

/* A WebSocket on a media port begins with HTTP (iusb-protocol 7.3). */
static bool
is_http(const struct service *service)
{
	const struct bmc *bmc = service->bmc;
	const struct door *door = &service->door;

	return bmc->web && bmc->conf.web.has_websocket && !door->caller.is_upgraded &&
	       door->in[0] == 'G';
}

static void
hand_to_web(struct service *service)
{
	struct door *door = &service->door;
	struct link *link = door->caller.link;

	link_want(link, 0);
	link_unread(link, door->in, door->in_len);
	door->caller = (struct caller){ 0 };
	open_door(service);
	web_serve_upgrade(service->bmc->web, link, service->device);
}

static void
read_auth(struct service *service)
{
	struct door *door = &service->door;
	struct packet packet;
	struct verdict verdict;
	struct auth auth;
	struct reason why;

	switch (packet_decode(door->in, door->in_len, &packet, &why)) {
	case PACKET_NEED_MORE:
		if (door->in_len == sizeof(door->in))
			refuse_first_packet(service, "the first packet is too long");
		return;
	case PACKET_BAD:
		refuse_first_packet(service, why.text);
		return;
	case PACKET_READY:
		break;
	}
	if (!auth_parse(&packet, &auth)) {
		reason_set(&why, "the first packet is 0x%02x, not AUTH", packet.op);
		refuse_first_packet(service, why.text);
		return;
	}
	link_unread(door->caller.link, door->in + packet.total, door->in_len - packet.total);
	verdict = judge(service, &auth);
	pronounce(service, &verdict, &auth);
}

static void
door_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct service *service = arg;
	struct door *door = &service->door;
	ssize_t n = link_read(
		door->caller.link, door->in + door->in_len, sizeof(door->in) - door->in_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		bmc_say(service->bmc, "%s: %s has gone without AUTH: %s",
			device_name(service->device), door->caller.peer,
			n < 0 ? link_error(door->caller.link) : "closed");
		link_free(door->caller.link, false);
		open_door(service);
		return;
	}
	door->in_len += (size_t)n;
	bmc_start_timer(door->timer, service->bmc->conf.patience);
	if (is_http(service))
		hand_to_web(service);
	else
		read_auth(service);
}

static void
timer_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct service *service = arg;

	if (service->door.state == DOOR_AUTH)
		refuse_first_packet(service, "no AUTH");
	else
		open_door(service);
}

/* The client in door->caller is the next one. */
static void
look(struct service *service)
{
	struct door *door = &service->door;

	if (bmc_is_legacy(service->bmc)) {
		struct verdict verdict = judge(service, NULL);

		pronounce(service, &verdict, NULL);
		return;
	}
	door->state = DOOR_AUTH;
	bmc_service_accept(service, false);
	bmc_start_timer(door->timer, service->bmc->conf.patience);
	link_set_cb(door->caller.link, door_cb, service);
	link_want(door->caller.link, EV_READ);
}

void
bmc_door_enter(struct service *service, const struct caller *caller)
{
	struct door *door = &service->door;

	if (door->state == DOOR_OPEN) {
		door->caller = *caller;
		look(service);
	} else if (door->waiting_count < CALLERS_MAX) {
		door->waiting[door->waiting_count++] = *caller;
	} else {
		link_free(caller->link, false);
	}
}

void
bmc_door_slot_freed(struct service *service)
{
	struct bmc *bmc = service->bmc;

	if (!service->has_token || bmc_service_holder(service))
		return;
	service->has_token = false;
	if (bmc->web)
		web_forget_token(bmc->web, service->token);
	memset(service->token, 0, sizeof(service->token));
}

void
bmc_door_init(struct service *service)
{
	service->door.timer = evtimer_new(service->bmc->base, timer_cb, service);
}

void
bmc_door_fini(struct service *service)
{
	struct door *door = &service->door;

	if (door->caller.link)
		link_free(door->caller.link, true);
	for (unsigned i = 0; i < door->waiting_count; i++)
		link_free(door->waiting[i].link, true);
	door->waiting_count = 0;
	door->caller = (struct caller){ 0 };
	door->in_len = 0;
	door->state = DOOR_OPEN;
	event_del(door->timer);
}
