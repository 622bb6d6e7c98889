/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolve: one lookup by libevent's resolver. */
#include "bmc/resolve.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/memory.h"

const char *resolve_conf_path = "/etc/resolv.conf";

/*
 * Owns its resolver. Both are freed from the loop by the event "done", never from within the
 * resolver's callback, and after a cancellation not before the resolver has called back.
 */
struct resolve {
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request; /* NULL once it has called back */
	struct event *done;
	struct evutil_addrinfo *list;
	int error;      /* an EVUTIL_EAI_ value */
	resolve_cb *cb; /* NULL when cancelled */
	void *arg;
};

static void
done_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct resolve *resolve = arg;
	struct evutil_addrinfo *list = resolve->list;
	resolve_cb *cb = resolve->cb;
	void *cb_arg = resolve->arg;
	int error = resolve->error;

	if (resolve->dns)
		evdns_base_free(resolve->dns, 0);
	event_free(resolve->done);
	free(resolve);
	if (cb)
		cb(cb_arg, list, list ? NULL : evutil_gai_strerror(error));
	else if (list)
		evutil_freeaddrinfo(list);
}

static void
answer_cb(int error, struct evutil_addrinfo *list, void *arg)
{
	struct resolve *resolve = arg;

	resolve->request = NULL;
	resolve->error = error ? error : EVUTIL_EAI_NONAME;
	resolve->list = list;
	event_active(resolve->done, EV_TIMEOUT, 0);
}

struct resolve *
resolve_start(struct event_base *base, const char *name, uint16_t port, resolve_cb *cb, void *arg)
{
	struct resolve *resolve = mem_new(1, sizeof(*resolve));
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct evdns_getaddrinfo_request *request;
	char service[8];

	resolve->cb = cb;
	resolve->arg = arg;
	resolve->error = EVUTIL_EAI_FAIL;
	resolve->done = evtimer_new(base, done_cb, resolve);
	resolve->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!resolve->dns) {
		event_active(resolve->done, EV_TIMEOUT, 0);
		return resolve;
	}
	/* What cannot be read or is empty leaves the hosts file, which may be enough. */
	evdns_base_resolv_conf_parse(resolve->dns, DNS_OPTIONS_ALL, resolve_conf_path);
	/* Two tries together stay below the deadline of a connection attempt. */
	evdns_base_set_option(resolve->dns, "timeout:", "2");
	evdns_base_set_option(resolve->dns, "attempts:", "2");
	snprintf(service, sizeof(service), "%u", port);
	request = evdns_getaddrinfo(resolve->dns, name, service, &hints, answer_cb, resolve);
	/* NULL if it has called back already. */
	if (request)
		resolve->request = request;
	return resolve;
}

void
resolve_cancel(struct resolve *resolve)
{
	if (!resolve)
		return;
	resolve->cb = NULL;
	if (resolve->request)
		evdns_getaddrinfo_cancel(resolve->request);
}
