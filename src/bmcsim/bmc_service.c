/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_service: the media server of one device class: its ports and who comes in by them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "bmcsim/bmc_parts.h"

enum {
	BACKLOG = 16,
};

static void
slam(evutil_socket_t fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	evutil_closesocket(fd);
}

static void
accept_cb(evutil_socket_t listener, short what UNUSED, void *arg)
{
	struct gate *gate = arg;
	struct service *service = gate->service;
	struct bmc *bmc = service->bmc;
	struct caller caller = { .address = "?" };
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	int fd, on = 1;

	fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (bmc->web && !web_is_unlocked(bmc->web)) {
		bmc_say(bmc, "%s refused: nobody has fetched the JNLP yet",
			device_name(service->device));
		slam(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	inet_ntop(AF_INET, &from.sin_addr, caller.address, sizeof(caller.address));
	snprintf(caller.peer, sizeof(caller.peer), "%s:%u", caller.address, ntohs(from.sin_port));
	if (gate->is_secure)
		caller.link = link_tls(bmc->base, fd, bmc->tls);
	else
		caller.link = link_plain(bmc->base, fd);
	bmc_door_enter(service, &caller);
}

/* Opens one port; the kernel's choice is kept, so that it is the same after a reboot. */
static int
gate_open(struct gate *gate, struct reason *why)
{
	const struct bmc_conf *conf = &gate->service->bmc->conf;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr = conf->address,
		.sin_port = htons(gate->port),
	};
	socklen_t len = sizeof(sin);
	char address[INET_ADDRSTRLEN];
	int on = 1;

	gate->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (gate->fd < 0)
		return reason_set(why, "no socket: %s", strerror(errno));
	setsockopt(gate->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(gate->fd, (struct sockaddr *)&sin, len) < 0 || listen(gate->fd, BACKLOG) < 0 ||
		getsockname(gate->fd, (struct sockaddr *)&sin, &len) < 0) {
		int error = errno;

		inet_ntop(AF_INET, &conf->address, address, sizeof(address));
		close(gate->fd);
		gate->fd = -1;
		return reason_set(why, "cannot listen on %s port %u (%s): %s", address, gate->port,
			device_name(gate->service->device), strerror(error));
	}
	gate->port = ntohs(sin.sin_port);
	gate->acceptable = event_new(
		gate->service->bmc->base, gate->fd, EV_READ | EV_PERSIST, accept_cb, gate);
	return 0;
}

/* Which of its ports a class has at all. */
static bool
has_gate(const struct service *service, int i)
{
	const struct bmc_conf *conf = &service->bmc->conf;

	if (service->slots == 0)
		return false;
	if (conf->web.is_single_port && !(conf->quirks & QUIRK_OPEN_PORTS))
		return false;
	return conf->media == MEDIA_BOTH || (conf->media == MEDIA_SECURE) == (i == GATE_SECURE);
}

int
bmc_service_listen(struct service *service, struct reason *why)
{
	for (int i = 0; i < GATES; i++) {
		if (has_gate(service, i) && gate_open(&service->gate[i], why) < 0)
			return -1;
		if (!has_gate(service, i))
			service->gate[i].port = 0;
	}
	bmc_service_accept(service, service->door.state == DOOR_OPEN);
	return 0;
}

void
bmc_service_accept(struct service *service, bool is_on)
{
	for (int i = 0; i < GATES; i++) {
		struct event *acceptable = service->gate[i].acceptable;

		if (acceptable && is_on)
			event_add(acceptable, NULL);
		else if (acceptable)
			event_del(acceptable);
	}
}

void
bmc_service_close(struct service *service)
{
	bmc_door_fini(service);
	bmc_visitor_close_all(service, true);
	for (int i = 0; i < GATES; i++) {
		struct gate *gate = &service->gate[i];

		if (gate->acceptable)
			event_free(gate->acceptable);
		if (gate->fd >= 0)
			close(gate->fd);
		gate->acceptable = NULL;
		gate->fd = -1;
	}
}

struct unit *
bmc_service_holder(struct service *service)
{
	for (int i = 0; i < SLOT_INSTANCES; i++) {
		if (service->unit[i].state > SESSION_REFUSED)
			return &service->unit[i];
	}
	return NULL;
}

void
bmc_service_init(struct service *service, struct bmc *bmc, enum device device)
{
	const struct bmc_conf *conf = &bmc->conf;

	service->bmc = bmc;
	service->device = device;
	service->slots = (int)conf->slots[device];
	LIST_INIT(&service->visitors);
	for (int i = 0; i < GATES; i++) {
		service->gate[i] = (struct gate){
			.service = service,
			.is_secure = i == GATE_SECURE,
			.port = i == GATE_SECURE ? conf->secure_port[device] : conf->port[device],
			.fd = -1,
		};
	}
	bmc_door_init(service);
	for (int i = 0; i < SLOT_INSTANCES; i++) {
		struct unit *unit = &service->unit[i];

		unit->bmc = bmc;
		unit->service = service;
		unit->device = device;
		unit->instance = i;
		bmc_session_init(unit);
	}
}

void
bmc_service_fini(struct service *service)
{
	bmc_service_close(service);
	for (int i = 0; i < SLOT_INSTANCES; i++) {
		bmc_session_fini(&service->unit[i]);
		free(service->unit[i].job.gathered);
	}
	if (service->door.timer)
		event_free(service->door.timer);
}
