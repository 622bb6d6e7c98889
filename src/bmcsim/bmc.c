/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc: one simulated BMC: its listeners and what it tells its owner. */
#include "bmcsim/bmc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "bmcsim/bmc_parts.h"

enum {
	BACKLOG = 16,
};

void
bmc_report(struct unit *unit, enum bmc_event event, const char *why)
{
	unit->bmc->cb(unit->bmc->arg, unit->bmc, unit->device, event, why);
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

static void
accept_cb(evutil_socket_t listener, short what UNUSED, void *arg)
{
	char address[PEER_SIZE] = "?", peer[PEER_SIZE + 8];
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	int fd;

	fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	inet_ntop(AF_INET, &from.sin_addr, address, sizeof(address));
	snprintf(peer, sizeof(peer), "%s:%u", address, ntohs(from.sin_port));
	bmc_session_accept(arg, fd, address, peer);
}

/* Opens the port of one device; the kernel's choice is written back. */
static int
unit_listen(struct unit *unit, struct reason *why)
{
	const struct bmc_conf *conf = &unit->bmc->conf;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr = conf->address,
		.sin_port = htons(conf->port[unit->device]),
	};
	socklen_t len = sizeof(sin);
	char address[INET_ADDRSTRLEN];
	int on = 1;

	unit->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (unit->listener < 0)
		return reason_set(why, "no socket: %s", strerror(errno));
	setsockopt(unit->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(unit->listener, (struct sockaddr *)&sin, len) < 0 ||
		listen(unit->listener, BACKLOG) < 0 ||
		getsockname(unit->listener, (struct sockaddr *)&sin, &len) < 0) {
		int error = errno;

		inet_ntop(AF_INET, &conf->address, address, sizeof(address));
		return reason_set(why, "cannot listen on %s port %u (%s): %s", address,
			conf->port[unit->device], device_name(unit->device), strerror(error));
	}
	unit->bmc->conf.port[unit->device] = ntohs(sin.sin_port);
	unit->acceptable =
		event_new(unit->bmc->base, unit->listener, EV_READ | EV_PERSIST, accept_cb, unit);
	event_add(unit->acceptable, NULL);
	return 0;
}

struct bmc *
bmc_new(struct event_base *base, const struct bmc_conf *conf, bmc_cb *cb, void *arg,
	struct reason *why)
{
	struct bmc *bmc = mem_new(1, sizeof(*bmc));

	bmc->base = base;
	bmc->conf = *conf;
	bmc->name = mem_strdup(conf->name);
	bmc->cb = cb;
	bmc->arg = arg;
	chance_init(&bmc->chance, conf->seed);
	for (int i = 0; i < DEVICE_COUNT; i++) {
		struct unit *unit = &bmc->unit[i];

		unit->bmc = bmc;
		unit->device = (enum device)i;
		unit->listener = -1;
		LIST_INIT(&unit->visitors);
		bmc_session_init(unit);
	}
	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (unit_listen(&bmc->unit[i], why) < 0) {
			bmc_free(bmc);
			return NULL;
		}
	}
	return bmc;
}

static void
unit_fini(struct unit *unit)
{
	if (unit->acceptable)
		event_free(unit->acceptable);
	if (unit->listener >= 0)
		close(unit->listener);
	bmc_visitor_close_all(unit);
	bmc_session_fini(unit);
	free(unit->job.gathered);
}

void
bmc_free(struct bmc *bmc)
{
	if (!bmc)
		return;
	for (int i = 0; i < DEVICE_COUNT; i++)
		unit_fini(&bmc->unit[i]);
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

uint16_t
bmc_port(const struct bmc *bmc, enum device device)
{
	return bmc->conf.port[device];
}

bool
bmc_has_client(const struct bmc *bmc, enum device device)
{
	return bmc_session_is_up(&bmc->unit[device]);
}

const struct bmc_totals *
bmc_totals(const struct bmc *bmc)
{
	return &bmc->totals;
}

uint32_t
bmc_sense(const struct bmc *bmc, enum device device)
{
	return bmc->unit[device].sense;
}
