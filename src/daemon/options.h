/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options: the command line of iusbd(8). */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/log.h"

enum exit_status { /* of iusbd(8), EXIT STATUS */
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct options {                        /* strings are those of argv */
	const char *config;             /* NULL: the default path, or no file if it is not there */
	const char *socket, *state_dir; /* NULL: as configured */
	enum log_level log_level;
	bool is_foreground;
	bool check_config, print_config;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* --help or --version was asked for and printed */
	OPTIONS_BAD,  /* and a line on standard error says why */
};

enum options_result options_parse(struct options *options, int argc, char **argv) MUST_CHECK;

#endif
