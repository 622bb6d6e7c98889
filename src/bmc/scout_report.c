/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_report: what follows from what was found: the dialect, certificates to trust, the way to
 * the slots, and who holds them. */
#include <string.h>

#include "bmc/scout_private.h"

const char *
scout_slot_state_name(enum scout_slot_state state)
{
	static const char *const names[] = {
		[SCOUT_SLOT_UNKNOWN] = "unknown",
		[SCOUT_SLOT_OURS] = "ours",
		[SCOUT_SLOT_FREE] = "free",
		[SCOUT_SLOT_IN_USE] = "in-use",
		[SCOUT_SLOT_DETACHED] = "detached",
		[SCOUT_SLOT_REFUSED] = "refused",
		[SCOUT_SLOT_FAILED] = "failed",
	};

	return names[state];
}

/* ---- the dialect ---- */

const struct dialect *
scout_known_dialect(const struct scout *scout)
{
	return scout->conf.way.facts ? scout->conf.way.facts->dialect : NULL;
}

/* What was configured or is known, where it is more precise than what was found: `rest-gadget` has
 * the web interface of `rest`. */
static const struct dialect *
refine(const struct scout *scout, const struct dialect *found)
{
	const struct dialect *configured = scout->conf.way.dialect,
			     *known = scout_known_dialect(scout);

	if (!configured->is_auto && configured->login == found->login)
		return configured;
	if (known && known->login == found->login)
		return known;
	return found;
}

static const struct scout_door *
find_ack(const struct scout *scout)
{
	for (size_t i = 0; i < scout->report.door_count; i++)
		if (scout->report.doors[i].has_ack)
			return &scout->report.doors[i];
	return NULL;
}

static const struct dialect *
dialect_of_web(enum scout_web web)
{
	if (web == SCOUT_WEB_REST)
		return dialect_find("rest");
	return web == SCOUT_WEB_ASP || web == SCOUT_WEB_DIGEST ? dialect_find("asp") : NULL;
}

/* By what was found so far, the surest first. */
void
scout_settle_dialect(struct scout *scout)
{
	struct scout_report *report = &scout->report;
	const struct dialect *by_web = dialect_of_web(report->web);

	report->dialect = NULL;
	report->evidence = NULL;
	if (find_ack(scout)) {
		report->dialect = dialect_find("legacy");
		report->evidence = "it spoke first";
	} else if (scout->conf.held_count > 0) {
		report->dialect = scout->conf.held[0].dialect;
		report->evidence = "a slot of it is served";
	} else if (report->is_granted && report->grant.dialect) {
		report->dialect = refine(scout, report->grant.dialect);
		report->evidence = "the login worked";
	} else if (by_web) {
		report->dialect = refine(scout, by_web);
		report->evidence = "its web pages";
	}
}

const struct dialect *
scout_dialect(const struct scout *scout)
{
	if (scout->report.dialect)
		return scout->report.dialect;
	return plan_dialect(&scout->conf.way, scout_known_dialect(scout),
		scout->report.is_granted ? &scout->grant : NULL);
}

/* ---- certificates ---- */

int
scout_pin(const struct scout_door *door)
{
	if (!door->has_tls || !door->seen.fingerprint[0])
		return -1;
	if (door->use == SCOUT_WEB)
		return PIN_WEB;
	return door->use == SCOUT_MEDIA ? PIN_MEDIA : -1;
}

/* The first of each kind, in the order of the table: where the ports of the devices differ, that of
 * the CD. */
void
scout_trust(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	if (!scout->conf.trusts || !scout->conf.way.facts)
		return;
	for (size_t i = 0; i < report->door_count; i++) {
		const struct scout_door *door = &report->doors[i];
		int pin = scout_pin(door);

		if (pin < 0 || report->is_trusted[pin])
			continue;
		facts_set_pin(scout->conf.way.facts, (enum pin)pin, door->seen.fingerprint);
		report->is_trusted[pin] = true;
	}
}

/* ---- the way to the slots ---- */

/* With a login that worked, or a dialect that needs none: as a session would do it. */
static bool
make_plan(struct scout *scout, enum device device)
{
	struct scout_report *report = &scout->report;
	const struct session_conf way = scout_way(scout, device, 0);
	const struct dialect *dialect = scout_dialect(scout);
	const struct grant *grant = report->is_granted ? &scout->grant : NULL;
	struct plan plan;
	struct reason why;

	if (!dialect || (!grant && !dialect->bmc_speaks_first))
		return false;
	if (plan_make(&way, dialect, grant, &plan, &why) != FAILURE_NONE) {
		if (!report->plan_why.text[0])
			report->plan_why = why;
		return false;
	}
	report->transport = plan.transport;
	report->device = device;
	report->media_port = plan.port;
	report->is_media_tls = plan.is_tls;
	reason_clear(&report->plan_why);
	return true;
}

static void
plan_way(struct scout *scout)
{
	static const enum device order[] = { DEVICE_CD, DEVICE_HD, DEVICE_FD };
	struct scout_report *report = &scout->report;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (make_plan(scout, order[i]))
			return;
	for (size_t i = 0; i < report->door_count && !report->is_granted; i++) {
		const struct scout_door *door = &report->doors[i];

		if (!report->dialect || door->use != SCOUT_MEDIA || door->state != SCOUT_OPEN)
			continue;
		report->transport = TRANSPORT_DIRECT;
		report->device = door->device;
		report->media_port = door->port;
		report->is_media_tls = door->is_tls;
		return;
	}
}

/* ---- slots ---- */

/* How many slots of the device there are, as far as anybody said. */
static int
count_slots(const struct scout_report *report, enum device device)
{
	if (report->is_granted && report->grant.slots[device] >= 0)
		return report->grant.slots[device];
	if (!report->dialect || !report->dialect->bmc_speaks_first)
		return 0;
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].use == SCOUT_MEDIA && report->doors[i].device == device &&
			report->doors[i].state == SCOUT_OPEN)
			return 1;
	return 0;
}

/* What the port of the device has said by itself, NULL: nothing. */
static const struct ack *
find_greeting(const struct scout_report *report, enum device device)
{
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].has_ack && report->doors[i].device == device)
			return &report->doors[i].ack;
	return NULL;
}

/* Whether there is something to say about the slot. */
static bool
describe_slot(const struct scout *scout, enum device device, int instance, struct scout_slot *out)
{
	const struct scout_report *report = &scout->report;
	const struct scout_held *held = scout_held_at(scout, device, instance);
	const struct ack *ack = instance == 0 ? find_greeting(report, device) : NULL;

	*out = scout->answers[scout_slot_index(device, instance)];
	out->device = device;
	out->instance = instance;
	if (held) {
		out->state = SCOUT_SLOT_OURS;
		memcpy(out->image, held->image, sizeof(out->image));
	} else if (ack) {
		scout_take_ack(out, ack);
	} else if (out->state == SCOUT_SLOT_UNKNOWN && report->is_granted &&
		   report->grant.is_attached[device] == 0) {
		out->state = SCOUT_SLOT_DETACHED;
	}
	return held || ack || out->state > SCOUT_SLOT_DETACHED ||
	       instance < count_slots(report, device) ||
	       (out->state != SCOUT_SLOT_UNKNOWN && out->state != SCOUT_SLOT_DETACHED);
}

static void
list_slots(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	for (int d = 0; d < DEVICE_COUNT; d++)
		for (int i = 0; i < SLOT_INSTANCES; i++)
			if (describe_slot(
				    scout, (enum device)d, i, &report->slots[report->slot_count]))
				report->slot_count++;
}

/* ---- the whole ---- */

void
scout_conclude(struct scout *scout)
{
	struct scout_report *report = &scout->report;

	scout_tidy_doors(report);
	scout_trust(scout);
	for (size_t i = 0; i < report->door_count; i++) {
		const struct scout_door *door = &report->doors[i];

		report->is_old |= scout_pin(door) >= 0 && door->is_old;
		report->waits_for_auth |= !report->dialect && door->was_heard &&
					  door->state == SCOUT_OPEN && !door->has_ack &&
					  !door->ack_why.text[0];
	}
	plan_way(scout);
	list_slots(scout);
}
