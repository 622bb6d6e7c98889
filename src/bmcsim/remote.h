/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote: a Unix socket on which each line gets one line as its answer. */
#ifndef BMCSIM_REMOTE_H
#define BMCSIM_REMOTE_H

#include "base/compiler.h"
#include "base/reason.h"

struct event_base;
struct remote;

enum {
	REMOTE_LINE_MAX = 1024, /* characters of a line; who sends a longer one is hung up on */
	REMOTE_CLIENTS_MAX = 32,
};

/* Answers a line, which it may change. Returns text without a newline; free()d afterwards. */
typedef char *remote_answer(void *arg, char *line);

/* Listens on path, mode 0600. NULL with the reason. */
struct remote *remote_new(struct event_base *base, const char *path, remote_answer *answer,
	void *arg, struct reason *why) MUST_CHECK;

/* Hangs up and removes the socket. NULL is allowed. */
void remote_free(struct remote *remote);

#endif
