/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl: the tool as a function. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdio.h>

/* Runs the command line with these streams; returns the exit status (enum exitcode). */
int ctl_run(int argc, const char *const argv[], FILE *in, FILE *out, FILE *err);

#endif
