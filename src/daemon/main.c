/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main: iusbd(8). */
#include "daemon/daemon.h"

int
main(int argc, char **argv)
{
	return daemon_main(argc, argv);
}
