/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupt: Ctrl-C as a question that a waiting call can ask, where there is something to say. */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

struct interrupt { /* initialised by interrupt_catch() */
	struct sigaction old_action;
	sigset_t old_mask; /* what to wait with: SIGINT comes through here and nowhere else */
};

/* From now on SIGINT is blocked, and only noted when it comes through old_mask. One at a time. */
void interrupt_catch(struct interrupt *interrupt);

/* True once SIGINT has come. */
bool interrupt_seen(void);

/* SIGINT ends the program again. */
void interrupt_release(const struct interrupt *interrupt);

#endif
