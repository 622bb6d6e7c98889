/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unix_listener: listens on a Unix socket. */
#ifndef BMCSIM_UNIX_LISTENER_H
#define BMCSIM_UNIX_LISTENER_H

#include <event2/listener.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;

/*
 * Listens on path, mode 0600. A socket there that nobody listens on any more is replaced; any other
 * file is left alone. NULL with the reason. The caller removes the path after
 * evconnlistener_free().
 */
struct evconnlistener *unix_listener_new(struct event_base *base, const char *path,
	evconnlistener_cb cb, void *arg, struct reason *why) MUST_CHECK;

#endif
