/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_timer: keep-alive and drop rules of the BMC's server loop (iusb-protocol 6.1 and 10.1). */
#include <event2/event.h>

#include "bmcsim/bmc_parts.h"

enum {
	MISSES_MAX = 1, /* one more drops the session */
};

static bool
is_waiting(const struct unit *unit)
{
	return unit->pending.is_open || unit->is_ping_out || unit->is_type_out;
}

static bool
miss(struct unit *unit)
{
	if (++unit->misses <= MISSES_MAX)
		return true;
	bmc_session_end(unit, "dropped: the client does not answer %s",
		unit->pending.is_open ? "a command"
		: unit->is_ping_out   ? "the ping"
				      : "the question for its type");
	return false;
}

static void
timer_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct unit *unit = arg;

	if (unit->state == SESSION_CLOSING) {
		bmc_complain(unit, "the client does not close after the end of its session");
		bmc_session_end(unit, "dropped: not closed");
	} else if (!is_waiting(unit)) {
		bmc_control_ping(unit);
		bmc_timer_arm(unit);
		bmc_session_flush(unit);
	} else if (miss(unit)) {
		bmc_timer_arm(unit);
	}
}

static void
body_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	bmc_session_end(arg, "dropped: the client stopped in the middle of a packet");
}

void
bmc_timer_init(struct unit *unit)
{
	unit->timer = evtimer_new(unit->bmc->base, timer_cb, unit);
	unit->body = evtimer_new(unit->bmc->base, body_cb, unit);
}

void
bmc_timer_fini(struct unit *unit)
{
	if (unit->timer)
		event_free(unit->timer);
	if (unit->body)
		event_free(unit->body);
}

void
bmc_timer_arm(struct unit *unit)
{
	const struct bmc_conf *conf = &unit->bmc->conf;

	if (unit->state == SESSION_NONE || unit->state == SESSION_MUTE)
		event_del(unit->timer);
	else if (unit->state == SESSION_CLOSING || is_waiting(unit))
		bmc_start_timer(unit->timer, conf->patience);
	else
		bmc_start_timer(unit->timer, conf->idle);
}

void
bmc_timer_arm_body(struct unit *unit, bool is_partial)
{
	if (is_partial)
		bmc_start_timer(unit->body, unit->bmc->conf.patience);
	else
		event_del(unit->body);
}

bool
bmc_timer_disturb(struct unit *unit)
{
	return !is_waiting(unit) || miss(unit);
}
