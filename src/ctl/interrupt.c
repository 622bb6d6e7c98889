/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupt: Ctrl-C as a question that a waiting call can ask, where there is something to say. */
#include "ctl/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t has_come;

static void
note(int sig)
{
	(void)sig;
	has_come = 1;
}

void
interrupt_catch(struct interrupt *interrupt)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t block;

	has_come = 0;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &interrupt->old_mask);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &interrupt->old_action);
}

bool
interrupt_seen(void)
{
	return has_come != 0;
}

void
interrupt_release(const struct interrupt *interrupt)
{
	sigprocmask(SIG_SETMASK, &interrupt->old_mask, NULL);
	sigaction(SIGINT, &interrupt->old_action, NULL);
}
