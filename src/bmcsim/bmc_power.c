/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_power: a BMC's boot and reboot: TLS, web server and media servers going up and down. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "bmcsim/bmc_parts.h"

static const double boot_again = 1.0; /* seconds, after a boot that failed */

static uint16_t
media_port_cb(void *arg, enum device device, bool is_secure)
{
	struct bmc *bmc = arg;

	return is_secure ? bmc_secure_port(bmc, device) : bmc_port(bmc, device);
}

/* The address in "10.0.0.7", "10.0.0.7:4711" or "[fe80::1]:4711". */
static void
copy_address(char out[ADDRESS_SIZE], const char *peer)
{
	bool has_bracket = peer[0] == '[';
	size_t len = strcspn(peer + has_bracket, has_bracket ? "]" : ":");

	snprintf(out, ADDRESS_SIZE, "%.*s", (int)len, peer + has_bracket);
}

static void
upgraded_cb(void *arg, enum device device, struct link *link, const char *peer)
{
	struct bmc *bmc = arg;
	struct caller caller = { .link = link, .is_upgraded = true };

	copy_address(caller.address, peer);
	snprintf(caller.peer, sizeof(caller.peer), "%s", peer);
	bmc_door_enter(&bmc->service[device], &caller);
}

static void
said_cb(void *arg, const char *what)
{
	bmc_say(arg, "web: %s", what);
}

static int
start_web(struct bmc *bmc, struct reason *why)
{
	static const struct web_calls calls = {
		.port = media_port_cb,
		.upgraded = upgraded_cb,
		.said = said_cb,
	};
	struct web_conf *web = &bmc->conf.web;

	web->address = bmc->conf.address;
	web->seed = bmc->conf.seed;
	web->frames = bmc->conf.quirks & QUIRK_ODD_FRAMES ? LINK_FRAMES_ODD : LINK_FRAMES_WHOLE;
	web->is_secure_media = bmc->conf.media != MEDIA_PLAIN;
	for (int i = 0; i < DEVICE_COUNT; i++) {
		web->slots[i] = bmc->conf.slots[i];
		web->is_attached[i] = bmc->conf.attach != ATTACH_DETACHED;
	}
	bmc->web = web_new(bmc->base, web, bmc->tls, &calls, bmc, why);
	if (!bmc->web)
		return -1;
	web->port = web_port(bmc->web, false);
	web->secure_port = web_port(bmc->web, true);
	return 0;
}

int
bmc_power_up(struct bmc *bmc, struct reason *why)
{
	const struct bmc_conf *conf = &bmc->conf;
	char address[INET_ADDRSTRLEN];

	if (conf->has_tls && !bmc->tls) {
		inet_ntop(AF_INET, &conf->address, address, sizeof(address));
		bmc->tls = sim_tls_new(bmc->name, address, conf->tls_age, conf->tls_pem, why);
		if (!bmc->tls)
			return -1;
	}
	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (bmc_service_listen(&bmc->service[i], why) < 0)
			return -1;
	}
	if (bmc->web)
		return web_set_listening(bmc->web, true, why);
	return conf->web.flow == WEB_FLOW_NONE ? 0 : start_web(bmc, why);
}

void
bmc_power_down(struct bmc *bmc)
{
	struct reason why;

	for (int d = 0; d < DEVICE_COUNT; d++)
		bmc_service_close(&bmc->service[d]);
	if (!bmc->web)
		return;
	web_reset(bmc->web);
	if (web_set_listening(bmc->web, false, &why) < 0)
		bmc_say(bmc, "web: %s", why.text);
}

static void
boot_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct bmc *bmc = arg;
	struct reason why;

	if (bmc_power_up(bmc, &why) == 0) {
		bmc->is_down = false;
		bmc_say(bmc, "is up again");
		return;
	}
	bmc_say(bmc, "does not come up: %s", why.text);
	bmc_power_down(bmc);
	bmc_start_timer(bmc->boot, boot_again);
}

void
bmc_reboot(struct bmc *bmc)
{
	bmc->is_down = true;
	bmc_say(bmc, "reboots");
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (int i = 0; i < SLOT_INSTANCES; i++) {
			struct unit *unit = &bmc->service[d].unit[i];

			bmc_wire_close(&unit->wire, true);
			if (unit->state != SESSION_NONE)
				bmc_session_end(unit, "the BMC reboots");
		}
	}
	bmc_power_down(bmc);
	if (!bmc->boot)
		bmc->boot = evtimer_new(bmc->base, boot_cb, bmc);
	bmc_start_timer(bmc->boot, bmc->conf.reboot_time);
}

bool
bmc_is_down(const struct bmc *bmc)
{
	return bmc->is_down;
}

void
bmc_expire(struct bmc *bmc)
{
	if (bmc->web)
		web_reset(bmc->web);
	bmc_say(bmc, "all web sessions have expired");
}

int
bmc_renew_cert(struct bmc *bmc, struct reason *why)
{
	if (!bmc->tls)
		return reason_set(why, "%s has no TLS", bmc->name);
	if (sim_tls_renew(bmc->tls, why) < 0)
		return -1;
	bmc_say(bmc, "new certificate %s", sim_tls_fingerprint(bmc->tls));
	return 0;
}

int
bmc_end_session(
	struct bmc *bmc, enum device device, int instance, enum bmc_way way, struct reason *why)
{
	struct unit *unit = &bmc->service[device].unit[instance];
	char slot[SLOT_NAME_SIZE];

	if (!bmc_session_is_up(unit)) {
		slot_format(slot, bmc->name, device, instance);
		return reason_set(why, "%s has no session", slot);
	}
	switch (way) {
	case WAY_KILL:
		bmc_control_close(unit, OP_KILL, "the administrator ends the session (0xf6)");
		break;
	case WAY_DISCONNECT:
		bmc_control_close(unit, OP_DISCONNECT, "the media service restarts (0xf7)");
		break;
	case WAY_RESET:
		bmc_wire_close(&unit->wire, true);
		bmc_session_end(unit, "the connection is reset");
		break;
	}
	return 0;
}
