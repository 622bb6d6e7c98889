/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_visitor: connections that get no slot: refused, or struck by a fault at connect. */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "bmcsim/bmc_parts.h"

static void
visitor_close(struct visitor *visitor, bool is_reset)
{
	LIST_REMOVE(visitor, entry);
	visitor->service->visitor_count--;
	link_free(visitor->link, is_reset);
	free(visitor);
}

/* What a visitor sends is read and ignored; when it closes, so do we. */
static void
visitor_cb(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct visitor *visitor = arg;
	uint8_t ignored[4096];
	ssize_t n;

	if (what & EV_WRITE) {
		(void)link_write(visitor->link, NULL, 0); /* an error is read next */
		if (!link_is_pending(visitor->link))
			link_want(visitor->link, EV_READ);
	}
	if (!(what & EV_READ))
		return;
	n = link_read(visitor->link, ignored, sizeof(ignored));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		visitor_close(visitor, false);
}

void
bmc_visitor_add(struct service *service, struct link *link, const uint8_t *bytes, size_t len,
	enum fault_end end)
{
	struct visitor *visitor = mem_new(1, sizeof(*visitor));

	while (service->visitor_count >= VISITORS_MAX)
		visitor_close(LIST_FIRST(&service->visitors), false);
	visitor->service = service;
	visitor->link = link;
	LIST_INSERT_HEAD(&service->visitors, visitor, entry);
	service->visitor_count++;
	/* A few bytes on a new connection: they fit, or the client is gone already. */
	if ((len > 0 && link_write(link, bytes, len) < 0) || end != FAULT_THEN_WAIT) {
		visitor_close(visitor, end == FAULT_THEN_RESET);
		return;
	}
	link_set_cb(link, visitor_cb, visitor);
	link_want(link, link_is_pending(link) ? EV_READ | EV_WRITE : EV_READ);
}

void
bmc_visitor_close_all(struct service *service, bool is_reset)
{
	while (!LIST_EMPTY(&service->visitors))
		visitor_close(LIST_FIRST(&service->visitors), is_reset);
}
