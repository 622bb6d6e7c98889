/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim: runs all simulated BMCs and the machines behind them until it is told to end. */
#ifndef BMCSIM_SIM_H
#define BMCSIM_SIM_H

struct options;

/* Returns the exit status: 0, or 1 if it could not start, or, with is_once, if a host found
 * something wrong or a client broke a rule. */
int sim_run(const struct options *options);

#endif
