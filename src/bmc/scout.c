/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout: the steps of a look at a BMC, in their order. */
#include "bmc/scout.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/resolve.h"
#include "bmc/scout_private.h"
#include "bmc/secret.h"

const struct scout_times scout_usual_times = {
	.resolve = 6,
	.connect = 3,
	.handshake = 5,
	.listen = 2,
	.ack = 5,
	.login = 20,
	.web = 5,
};

static void look(struct scout *scout);
static void log_in(struct scout *scout);
static void detect(struct scout *scout);
static void look_at_media(struct scout *scout);
static void look_at_floppy(struct scout *scout);
static void ask_slots(struct scout *scout);
static void finish(struct scout *scout);

static void (*const steps[])(struct scout *scout) = {
	scout_find,
	look,           /* web, console and TLS ports */
	log_in,         /* where there is a portal */
	detect,         /* the web interface, without credentials */
	look_at_media,  /* by then it may be known that nobody has to speak first there */
	look_at_floppy, /* 5123, where 5120 is closed (iusb-protocol 1.1) */
	ask_slots,
	finish,
};

enum {
	STEP_LOOK = 1,
};

/* ---- for all steps ---- */

void
scout_next(struct scout *scout)
{
	event_active(scout->next, EV_TIMEOUT, 0);
}

void
scout_skip(struct scout *scout)
{
	scout->step = ARRAY_SIZE(steps) - 1;
	scout_next(scout);
}

static void
next_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct scout *scout = arg;

	steps[scout->step++](scout);
}

void
scout_expect(struct scout *scout, double seconds, void (*expired)(struct scout *scout))
{
	scout->expired = expired;
	clock_arm(scout->deadline, seconds);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct scout *scout = arg;

	scout->expired(scout);
}

void
scout_say(struct scout *scout, const char *progress)
{
	scout->cb(scout->arg, progress, NULL);
}

void
scout_drop_ticket(struct scout *scout)
{
	ticket_free(scout->ticket);
	scout->ticket = NULL;
}

unsigned
scout_slot_index(enum device device, int instance)
{
	return (unsigned)device * SLOT_INSTANCES + (unsigned)instance;
}

const struct scout_held *
scout_held_at(const struct scout *scout, enum device device, int instance)
{
	for (size_t i = 0; i < scout->conf.held_count; i++)
		if (scout->conf.held[i].device == device &&
			scout->conf.held[i].instance == instance)
			return &scout->conf.held[i];
	return NULL;
}

struct session_conf
scout_way(const struct scout *scout, enum device device, int instance)
{
	struct session_conf way = scout->conf.way;

	way.address = scout->report.address;
	way.device = device;
	way.instance = instance;
	way.port = scout->conf.port[device];
	return way;
}

/* ---- look: the ports that nobody waits at ---- */

/* The slot of ours whose connection goes there. */
static const struct scout_held *
held_through(const struct scout *scout, const struct scout_door *door)
{
	for (size_t i = 0; i < scout->conf.held_count; i++) {
		const struct scout_held *held = &scout->conf.held[i];
		bool is_tls = held->tls.version[0] != '\0';
		uint16_t port = is_tls ? held->dialect->secure_port[held->device]
				       : held->dialect->port[held->device];

		if (held->transport == TRANSPORT_DIRECT && door->use == SCOUT_MEDIA &&
			(door->is_default ? door->port == port && door->is_tls == is_tls
					  : door->device == held->device))
			return held;
	}
	return NULL;
}

static void
visit(struct scout *scout, struct scout_door *door, bool listens)
{
	const struct scout_held *held = held_through(scout, door);

	if (!held) {
		scout_visit_start(scout, door, listens);
		return;
	}
	door->state = SCOUT_OURS;
	door->seen = held->tls;
	door->is_tls = door->has_tls = held->tls.version[0] != '\0';
	door->is_old = door->has_tls && strcmp(door->seen.version, "TLSv1.2") < 0;
}

/* By then it is known whether TLS is spoken there, and whether to wait for an ACK. */
static bool
comes_later(const struct scout_door *door)
{
	return door->use == SCOUT_MEDIA && !door->is_tls;
}

static void
look(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	struct reason text;

	scout_note_address(scout);
	reason_set(&text, "looking at %zu ports of %s", report->door_count, report->address);
	scout_say(scout, text.text);
	for (size_t i = 0; i < report->door_count; i++)
		if (!comes_later(&report->doors[i]))
			visit(scout, &report->doors[i], false);
	if (scout->under_way == 0)
		scout_next(scout);
}

/* ---- log_in ---- */

/* The one that a login would use, TLS before plain. */
static void
choose_web(struct scout_report *report)
{
	for (size_t i = 0; i < report->door_count; i++) {
		const struct scout_door *door = &report->doors[i];

		if (door->use != SCOUT_WEB || door->state != SCOUT_OPEN ||
			door->is_tls != door->has_tls || (report->web_port && !door->is_tls))
			continue;
		report->web_port = door->port;
		report->is_web_tls = door->is_tls;
	}
}

static bool
is_any(const struct scout_report *report, enum scout_use use, enum scout_state state)
{
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].use == use && report->doors[i].state == state)
			return true;
	return false;
}

static void
take_grant(struct scout *scout, const struct grant *grant)
{
	struct scout_report *report = &scout->report;

	/* Without a login there is nothing in it. */
	if (!grant->dialect && !grant->token[0])
		return;
	report->is_granted = true;
	scout->grant = *grant;
	report->grant = *grant;
	secret_erase(report->grant.token, sizeof(report->grant.token));
	secret_erase(report->grant.cookie, sizeof(report->grant.cookie));
}

static void
login_failed(struct scout *scout, enum failure failure, const struct reason *why)
{
	scout->report.failure = failure;
	scout->report.login_why = *why;
	scout_drop_ticket(scout);
}

static void
login_expired(struct scout *scout)
{
	struct reason why;

	reason_set(&why, "the login took longer than %.0f s", scout->conf.times.login);
	login_failed(scout, FAILURE_SILENT, &why);
	scout_next(scout);
}

static void
granted_cb(void *arg, const struct grant *grant, enum failure failure, const struct reason *why)
{
	struct scout *scout = arg;
	struct reason text = *why;

	event_del(scout->deadline);
	scout->report.was_asked = failure != FAILURE_NONE || grant->dialect;
	if (failure != FAILURE_NONE)
		login_failed(scout, failure, &text);
	else
		take_grant(scout, grant);
	if (!scout->conf.asks_slots || !scout->report.is_granted)
		scout_drop_ticket(scout);
	scout_next(scout);
}

static void
log_in(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	choose_web(report);
	scout_trust(scout);
	/* Where not even a port was refused, a login would only take its time to fail. */
	if (!scout->conf.way.portal || report->was_asked ||
		(is_any(report, SCOUT_WEB, SCOUT_SILENT) &&
			!is_any(report, SCOUT_WEB, SCOUT_OPEN) &&
			!is_any(report, SCOUT_WEB, SCOUT_CLOSED))) {
		scout_next(scout);
		return;
	}
	scout_say(scout, "asking the web interface");
	scout_expect(scout, scout->conf.times.login, login_expired);
	scout->ticket_device = DEVICE_CD;
	scout->ticket = portal_ask(scout->conf.way.portal, DEVICE_CD, granted_cb, scout);
}

/* ---- detect ---- */

static enum scout_web
web_of(const struct dialect *dialect)
{
	return dialect->login == WEB_LOGIN_REST ? SCOUT_WEB_REST : SCOUT_WEB_ASP;
}

static void
detect(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	struct portal *portal = scout->conf.way.portal;

	if (report->is_granted && report->grant.dialect) {
		report->web = web_of(report->grant.dialect);
	} else if (report->failure == FAILURE_BANNED) {
		report->web = SCOUT_WEB_OTHER;
		report->web_why = report->login_why;
	} else if (portal && portal_is_active(portal)) {
		/* One request at a time, whoever makes it. */
		reason_set(&report->web_why, "not asked: a login is under way");
	} else if (report->web_port) {
		scout_say(scout, "looking at its web pages");
		scout_detect_web(scout);
		return;
	}
	scout_next(scout);
}

/* ---- look_at_media ---- */

/* A silent connection blocks the whole class of an `asp` BMC (iusb-protocol 5.3): only where it may
 * be another one. */
static bool
wants_to_listen(const struct scout *scout)
{
	const struct scout_report *report = &scout->report;
	const struct dialect *expected =
		plan_dialect(&scout->conf.way, scout_known_dialect(scout), NULL);

	if (scout->conf.held_count > 0)
		return scout->conf.asks_slots && scout->conf.held[0].dialect->bmc_speaks_first;
	if (report->dialect && report->web != SCOUT_WEB_DIGEST)
		return false;
	return !expected || expected->bmc_speaks_first;
}

static bool
is_floppy(const struct scout_door *door)
{
	return door->use == SCOUT_MEDIA && !door->is_tls &&
	       (door->is_default ? door->port == dialect_find("legacy")->port[DEVICE_FD]
				 : door->device == DEVICE_FD);
}

static bool
is_cd(const struct scout_door *door)
{
	return door->use == SCOUT_MEDIA && !door->is_tls && door->device == DEVICE_CD;
}

static void
look_at_media(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	scout_settle_dialect(scout);
	if (report->is_granted)
		scout_add_granted(scout);
	scout->listens = wants_to_listen(scout);
	scout_say(scout,
		scout->listens ? "waiting for it to speak first" : "looking at its media ports");
	for (size_t i = 0; i < report->door_count; i++) {
		struct scout_door *door = &report->doors[i];
		bool is_all = scout->listens && scout->conf.asks_slots;

		if (door->use != SCOUT_MEDIA || (is_floppy(door) && scout->listens && !is_all))
			continue;
		/* Some firmware opens its ports only after a login (iusb-protocol 7.1). */
		if (door->state == SCOUT_UNTRIED ||
			(door->state == SCOUT_CLOSED && report->is_granted))
			visit(scout, door, is_all || (scout->listens && is_cd(door)));
	}
	if (scout->under_way == 0)
		scout_next(scout);
}

static void
look_at_floppy(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	bool is_cd_open = false;

	for (size_t i = 0; i < report->door_count; i++)
		is_cd_open |= is_cd(&report->doors[i]) && report->doors[i].state == SCOUT_OPEN;
	for (size_t i = 0; i < report->door_count; i++)
		if (is_floppy(&report->doors[i]) && report->doors[i].state == SCOUT_UNTRIED)
			visit(scout, &report->doors[i], scout->listens && !is_cd_open);
	if (scout->under_way == 0)
		scout_next(scout);
}

/* ---- ask_slots ---- */

static bool
is_anything_open(const struct scout_report *report)
{
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].state == SCOUT_OPEN || report->doors[i].state == SCOUT_OURS)
			return true;
	return false;
}

static void
ask_slots(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	report->is_there = is_anything_open(report);
	if (!report->is_there && scout->at->ai_next) {
		scout->at = scout->at->ai_next;
		scout->step = STEP_LOOK;
		for (size_t i = 0; i < report->door_count; i++)
			report->doors[i].state = SCOUT_UNTRIED;
		scout_next(scout);
		return;
	}
	scout_settle_dialect(scout);
	if (scout->conf.asks_slots && report->is_granted &&
		!(report->dialect && report->dialect->bmc_speaks_first)) {
		scout_ask_slots(scout);
		return;
	}
	scout_drop_ticket(scout);
	scout_next(scout);
}

/* ---- finish ---- */

static void
finish(struct scout *scout)
{
	scout_conclude(scout);
	secret_erase(&scout->grant, sizeof(scout->grant));
	scout->cb(scout->arg, NULL, &scout->report);
}

/* ---- life ---- */

struct scout *
scout_start(struct event_base *base, const struct scout_conf *conf, scout_cb *cb, void *arg)
{
	struct scout *scout = mem_new(1, sizeof(*scout));
	struct scout_report *report = &scout->report;
	const struct facts *facts = conf->way.facts;

	scout->base = base;
	scout->conf = *conf;
	scout->conf.way.address = mem_strdup(conf->way.address);
	scout->conf.way.target = NULL;
	scout->conf.doors = NULL;
	scout->cb = cb;
	scout->arg = arg;
	scout->next = evtimer_new(base, next_cb, scout);
	scout->deadline = evtimer_new(base, deadline_cb, scout);
	report->transport = -1;
	if (facts)
		memcpy(report->pinned, facts->pin, sizeof(report->pinned));
	if (conf->doors) {
		report->door_count =
			conf->door_count < SCOUT_DOORS ? conf->door_count : SCOUT_DOORS;
		memcpy(report->doors, conf->doors, report->door_count * sizeof(*conf->doors));
	} else {
		report->door_count = scout_doors(report->doors, &conf->way, conf->port);
	}
	scout_next(scout);
	return scout;
}

void
scout_free(struct scout *scout)
{
	if (!scout)
		return;
	resolve_cancel(scout->resolve);
	if (scout->list)
		evutil_freeaddrinfo(scout->list);
	for (size_t i = 0; i < SCOUT_DOORS; i++)
		if (scout->visits[i].is_under_way)
			scout_visit_stop(&scout->visits[i]);
	webclient_free(scout->client);
	stream_free(scout->stream);
	scout_drop_ticket(scout);
	event_free(scout->next);
	event_free(scout->deadline);
	free((char *)scout->conf.way.address);
	secret_erase(&scout->grant, sizeof(scout->grant));
	free(scout);
}
