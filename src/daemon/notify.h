/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify: what the service manager wants to know of us, and what it gives us. Without libsystemd
 * there is none. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct event;

/* A service manager has started us and waits for notify_ready(), or has passed us sockets. */
bool notify_is_managed(void);

/* The listening Unix socket that was passed to us, -1 if none was. Once. */
int notify_socket(void);

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* One line for a person, as in "systemctl status". */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Starts to tell the manager's watchdog that the loop runs; NULL if it does not want to know. Freed
 * with event_free(). */
struct event *notify_watchdog(struct event_base *base) MUST_CHECK;

#endif
