/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolve: a host name to its addresses without blocking, by /etc/hosts and the name servers of
 * /etc/resolv.conf. */
#ifndef BMC_RESOLVE_H
#define BMC_RESOLVE_H

#include <stdint.h>

#include <event2/util.h>

#include "base/compiler.h"

struct event_base;
struct resolve;

/* Called once, from the loop. list is the receiver's (evutil_freeaddrinfo()), NULL with the error
 * in words. */
typedef void resolve_cb(void *arg, struct evutil_addrinfo *list, const char *error);

/* Where the name servers are written; tests set another. */
extern const char *resolve_conf_path;

/* The object ends by itself before its callback is called. */
struct resolve *resolve_start(struct event_base *base, const char *name, uint16_t port,
	resolve_cb *cb, void *arg) MUST_CHECK;

/* The callback will not be called. A null object is allowed. */
void resolve_cancel(struct resolve *resolve);

#endif
