/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_visitor: connections that get no session: refused, or struck by a fault at connect. */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "bmcsim/bmc_parts.h"

static void
visitor_close(struct visitor *visitor, bool is_reset)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	if (is_reset)
		setsockopt(visitor->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	LIST_REMOVE(visitor, entry);
	visitor->unit->visitor_count--;
	event_free(visitor->readable);
	evutil_closesocket(visitor->fd);
	free(visitor);
}

/* What a visitor sends is read and ignored; when it closes, so do we. */
static void
visitor_cb(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct visitor *visitor = arg;
	uint8_t ignored[4096];
	ssize_t n = recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && EVUTIL_SOCKET_ERROR() != EAGAIN && EVUTIL_SOCKET_ERROR() != EINTR))
		visitor_close(visitor, false);
}

void
bmc_visitor_add(
	struct unit *unit, evutil_socket_t fd, const uint8_t *bytes, size_t len, enum fault_end end)
{
	struct visitor *visitor = mem_new(1, sizeof(*visitor));

	while (unit->visitor_count >= VISITORS_MAX)
		visitor_close(LIST_FIRST(&unit->visitors), false);
	visitor->unit = unit;
	visitor->fd = fd;
	visitor->readable =
		event_new(unit->bmc->base, fd, EV_READ | EV_PERSIST, visitor_cb, visitor);
	LIST_INSERT_HEAD(&unit->visitors, visitor, entry);
	unit->visitor_count++;
	unit->bmc->totals.refused++;
	/* A few bytes on a new connection: they fit, or the client is gone already. */
	if (send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || end != FAULT_THEN_WAIT)
		visitor_close(visitor, end == FAULT_THEN_RESET);
	else
		event_add(visitor->readable, NULL);
}

void
bmc_visitor_close_all(struct unit *unit)
{
	while (!LIST_EMPTY(&unit->visitors))
		visitor_close(LIST_FIRST(&unit->visitors), false);
}
