/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: the table of verbs as a page. */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include <stdio.h>

#include "ctl/command.h"

/* All verbs in their families, and the options that all of them have. */
void help_overview(FILE *out);

/* Everything about one verb; fits on a screen of 24 lines. */
void help_command(FILE *out, const struct command *command);

#endif
