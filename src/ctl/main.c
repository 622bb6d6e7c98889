/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main: iusbctl. */
#include <locale.h>

#include "ctl/ctl.h"

int
main(int argc, char *argv[])
{
	/* Which characters can be shown; numbers are written the same everywhere. */
	setlocale(LC_CTYPE, "");
	return ctl_run(argc, (const char *const *)argv, stdin, stdout, stderr);
}
