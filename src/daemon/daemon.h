/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon: iusbd as a whole: wires everything together, and lives from READY to the end. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "base/compiler.h"

enum {
	DAEMON_STOP_LIMIT = 10, /* seconds for all sessions to end cleanly */
};

/* The whole of iusbd(8). Returns its exit status. */
int daemon_main(int argc, char **argv) MUST_CHECK;

#endif
