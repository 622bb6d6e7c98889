/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_wait: outcomes become known one by one; the last one answers the call. */
#include "daemon/methods_wait.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct wait_slot {
	char name[SLOT_NAME_SIZE];
	struct slot *slot; /* NULL once the outcome is known */
	unsigned sessions; /* times the BMC had accepted before */
	json_t *outcome;   /* or NULL */
};

struct wait {
	struct methods *methods;
	struct varlink_call *call;
	struct registry_watch *watch;
	struct event *timer; /* or NULL */
	enum wait_for wait_for;
	double timeout;
	struct wait_slot *slots;
	size_t count, known;
	TAILQ_ENTRY(wait) link;
};

static const char *const names[] = {
	[WAIT_NONE] = "none",
	[WAIT_ACCEPTED] = "accepted",
	[WAIT_READ] = "read",
};

bool
wait_for_parse(const char *text, enum wait_for *wait_for)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*wait_for = (enum wait_for)i;
			return true;
		}
	return false;
}

static void
free_wait(struct wait *wait)
{
	TAILQ_REMOVE(&wait->methods->waits, wait, link);
	registry_unwatch(wait->methods->world->registry, wait->watch);
	if (wait->timer != NULL)
		event_free(wait->timer);
	for (size_t i = 0; i < wait->count; i++)
		json_decref(wait->slots[i].outcome);
	free(wait->slots);
	free(wait);
}

static void
gone_cb(void *arg)
{
	free_wait(arg);
}

/* --- outcomes --- */

json_t *
wait_outcome(const char *name, const struct slot *slot, const char *what,
	const struct session_status *status)
{
	const char *reason = status->reason.text[0] != '\0' ? status->reason.text : NULL;

	return json_pack("{s:s, s:s, s:n, s:o, s:o, s:s, s:s, s:I}", "slot", name, "outcome", what,
		"error", "reason", methods_text(reason), "image", methods_text(slot->image), "mode",
		image_mode_name(slot->mode), "state", session_state_name(status->state), "size",
		(json_int_t)slot->size);
}

static void
finish(struct wait *wait)
{
	json_t *outcomes = json_array();

	for (size_t i = 0; i < wait->count; i++)
		json_array_append(outcomes, wait->slots[i].outcome);
	varlink_reply(wait->call, json_pack("{s:o}", "outcomes", outcomes));
	free_wait(wait);
}

/* Notes an outcome, which it takes. Returns true if it was the last one: the wait is gone. */
static bool
settle(struct wait *wait, struct wait_slot *slot, json_t *outcome)
{
	slot->slot = NULL;
	slot->outcome = outcome;
	wait->known++;
	if (wait->known == wait->count) {
		finish(wait);
		return true;
	}
	if (varlink_wants_more(wait->call))
		varlink_reply_continue(wait->call, json_pack("{s:[O]}", "outcomes", slot->outcome));
	return false;
}

static bool
has_read(const struct session_status *status)
{
	return status->counters != NULL && status->counters->read > 0;
}

static bool
is_accepted(const struct wait_slot *slot, const struct session_status *status)
{
	return status->state == SESSION_SERVING || status->sessions > slot->sessions;
}

/* What has become of the slot, NULL if that is not known yet. */
static const char *
judge(const struct wait *wait, const struct wait_slot *slot, const struct session_status *status)
{
	if (wait->wait_for == WAIT_GONE)
		return NULL;
	if (registry_is_leaving(slot->slot))
		return "detached";
	if (wait->wait_for == WAIT_NONE || (wait->wait_for == WAIT_READ && has_read(status)) ||
		(wait->wait_for == WAIT_ACCEPTED && is_accepted(slot, status)))
		return names[wait->wait_for];
	if (status->state == SESSION_BACKOFF && failure_policy(status->failure)->is_refusal)
		return "refused";
	return NULL;
}

/* Returns true if the wait is gone. */
static bool
check_slot(struct wait *wait, struct wait_slot *slot)
{
	struct session_status status;
	const char *what;

	registry_status(slot->slot, &status);
	what = judge(wait, slot, &status);
	if (what == NULL)
		return false;
	return settle(wait, slot, wait_outcome(slot->name, slot->slot, what, &status));
}

static void
changed_cb(void *arg, struct slot *slot, bool is_gone)
{
	struct wait *wait = arg;
	struct session_status status;

	for (size_t i = 0; i < wait->count; i++) {
		struct wait_slot *waiting = &wait->slots[i];

		if (waiting->slot != slot)
			continue;
		if (is_gone) {
			registry_status(slot, &status);
			settle(wait, waiting,
				wait_outcome(waiting->name, slot, "detached", &status));
		} else {
			check_slot(wait, waiting);
		}
		return;
	}
}

static void
timer_cb(evutil_socket_t fd, short events, void *arg)
{
	struct wait *wait = arg;
	size_t count = wait->count;

	(void)fd, (void)events;
	for (size_t i = 0; i < count; i++) {
		struct wait_slot *slot = &wait->slots[i];
		struct session_status status;

		if (slot->slot == NULL)
			continue;
		registry_status(slot->slot, &status);
		if (settle(wait, slot, wait_outcome(slot->name, slot->slot, "timeout", &status)))
			return;
	}
}

/* --- life --- */

struct wait *
wait_new(struct methods *methods, struct varlink_call *call, enum wait_for wait_for, double timeout,
	size_t slot_max)
{
	struct wait *wait = mem_new(1, sizeof(*wait));

	wait->methods = methods;
	wait->call = call;
	wait->wait_for = wait_for;
	wait->timeout = timeout;
	wait->slots = mem_new(slot_max + 1, sizeof(*wait->slots));
	wait->watch = registry_watch(methods->world->registry, changed_cb, wait);
	TAILQ_INSERT_TAIL(&methods->waits, wait, link);
	varlink_on_gone(call, gone_cb, wait);
	return wait;
}

void
wait_add(struct wait *wait, struct slot *slot)
{
	struct wait_slot *added = &wait->slots[wait->count++];
	struct session_status status;

	registry_status(slot, &status);
	memcpy(added->name, slot->name, sizeof(added->name));
	added->slot = slot;
	added->sessions = status.sessions;
}

void
wait_add_failed(
	struct wait *wait, const char *slot, enum registry_error error, const struct reason *why)
{
	struct wait_slot *added = &wait->slots[wait->count++];

	added->outcome = json_pack("{s:s, s:s, s:s, s:o, s:n, s:n, s:s, s:i}", "slot", slot,
		"outcome", "failed", "error", methods_error_name(error), "reason",
		methods_text(why->text), "image", "mode", "state", session_state_name(SESSION_IDLE),
		"size", 0);
}

void
wait_begin(struct wait *wait)
{
	size_t count = wait->count;

	if (count == 0) {
		finish(wait);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct wait_slot *slot = &wait->slots[i];

		if (slot->slot == NULL ? settle(wait, slot, slot->outcome) : check_slot(wait, slot))
			return;
	}
	if (wait->timeout >= 0) {
		const struct timeval timeout = {
			.tv_sec = (time_t)wait->timeout,
			.tv_usec = (suseconds_t)((wait->timeout - (time_t)wait->timeout) * 1e6),
		};

		wait->timer = evtimer_new(wait->methods->world->base, timer_cb, wait);
		event_add(wait->timer, &timeout);
	}
}

void
wait_fail_all(struct methods *methods, enum registry_error error, const struct reason *why)
{
	struct wait *wait;

	while ((wait = TAILQ_FIRST(&methods->waits)) != NULL) {
		methods_fail(wait->call, error, "", why);
		free_wait(wait);
	}
}
