/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc: one simulated BMC: what it is made of and what it tells its owner. */
#include "bmcsim/bmc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmcsim/bmc_parts.h"

static const char *const state_names[] = {
	[SESSION_NONE] = "free",
	[SESSION_REFUSED] = "refused",
	[SESSION_GREETING] = "greeting",
	[SESSION_SERVING] = "serving",
	[SESSION_MUTE] = "mute",
	[SESSION_CLOSING] = "closing",
};

void
bmc_report(struct unit *unit, enum bmc_event event, const char *why)
{
	unit->bmc->cb(unit->bmc->arg, unit->bmc, unit->device, unit->instance, event, why);
}

void
bmc_say(struct bmc *bmc, const char *fmt, ...)
{
	struct reason what;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what.text, sizeof(what.text), fmt, args);
	va_end(args);
	bmc->cb(bmc->arg, bmc, DEVICE_CD, 0, BMC_SAID, what.text);
}

void
bmc_complain(struct unit *unit, const char *fmt, ...)
{
	struct reason what;
	va_list args;

	if (!unit->bmc->conf.is_strict)
		return;
	va_start(args, fmt);
	vsnprintf(what.text, sizeof(what.text), fmt, args);
	va_end(args);
	unit->bmc->totals.complaints++;
	bmc_report(unit, BMC_COMPLAINT, what.text);
}

bool
bmc_is_legacy(const struct bmc *bmc)
{
	return bmc->conf.dialect->bmc_speaks_first;
}

bool
bmc_is_asp(const struct bmc *bmc)
{
	return bmc->conf.dialect->login == WEB_LOGIN_ASP;
}

bool
bmc_is_gadget(const struct bmc *bmc)
{
	return bmc->conf.dialect->is_disconnect_an_eject;
}

void
bmc_start_timer(struct event *timer, double seconds)
{
	struct timeval tv = {
		.tv_sec = (time_t)seconds,
		.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6),
	};

	event_add(timer, &tv);
}

struct bmc *
bmc_new(struct event_base *base, const struct bmc_conf *conf, bmc_cb *cb, void *arg,
	struct reason *why)
{
	struct bmc *bmc = mem_new(1, sizeof(*bmc));

	bmc->base = base;
	bmc->conf = *conf;
	if (!conf->dialect)
		bmc->conf.dialect = dialect_find("legacy");
	bmc->name = mem_strdup(conf->name);
	bmc->cb = cb;
	bmc->arg = arg;
	chance_init(&bmc->chance, conf->seed);
	for (int i = 0; i < DEVICE_COUNT; i++)
		bmc_service_init(&bmc->service[i], bmc, (enum device)i);
	if (bmc_power_up(bmc, why) < 0) {
		bmc_free(bmc);
		return NULL;
	}
	return bmc;
}

void
bmc_free(struct bmc *bmc)
{
	if (!bmc)
		return;
	bmc_power_down(bmc);
	for (int i = 0; i < DEVICE_COUNT; i++)
		bmc_service_fini(&bmc->service[i]);
	if (bmc->boot)
		event_free(bmc->boot);
	web_free(bmc->web);
	sim_tls_free(bmc->tls);
	free(bmc->name);
	free(bmc);
}

const char *
bmc_name(const struct bmc *bmc)
{
	return bmc->name;
}

struct in_addr
bmc_address(const struct bmc *bmc)
{
	return bmc->conf.address;
}

const struct bmc_conf *
bmc_conf(const struct bmc *bmc)
{
	return &bmc->conf;
}

uint16_t
bmc_port(const struct bmc *bmc, enum device device)
{
	return bmc->service[device].gate[GATE_PLAIN].port;
}

uint16_t
bmc_secure_port(const struct bmc *bmc, enum device device)
{
	return bmc->service[device].gate[GATE_SECURE].port;
}

uint16_t
bmc_web_port(const struct bmc *bmc, bool is_secure)
{
	return is_secure ? bmc->conf.web.secure_port : bmc->conf.web.port;
}

const char *
bmc_fingerprint(const struct bmc *bmc)
{
	return bmc->tls ? sim_tls_fingerprint(bmc->tls) : "";
}

bool
bmc_has_client(const struct bmc *bmc, enum device device, int instance)
{
	return bmc_session_is_up(&bmc->service[device].unit[instance]);
}

void
bmc_slot_status(
	const struct bmc *bmc, enum device device, int instance, struct bmc_slot_status *out)
{
	const struct unit *unit = &bmc->service[device].unit[instance];
	bool is_free = unit->state == SESSION_NONE;

	*out = (struct bmc_slot_status){
		.state = state_names[unit->state],
		.peer = is_free ? "" : unit->caller.peer,
		.image = is_free ? "" : unit->image,
		.disk_type = is_free ? -1 : unit->disk_type,
		.requests = is_free ? 0 : unit->sent,
	};
}

void
bmc_set_ack(struct bmc *bmc, uint8_t ack, unsigned times)
{
	bmc->conf.ack = ack;
	bmc->conf.ack_times = times;
	for (int i = 0; i < DEVICE_COUNT; i++)
		bmc->service[i].acks_shown = 0;
}

const struct bmc_totals *
bmc_totals(const struct bmc *bmc)
{
	return &bmc->totals;
}

const struct web_totals *
bmc_web_totals(const struct bmc *bmc)
{
	return bmc->web ? web_totals(bmc->web) : NULL;
}

uint32_t
bmc_sense(const struct bmc *bmc, enum device device, int instance)
{
	return bmc->service[device].unit[instance].sense;
}
