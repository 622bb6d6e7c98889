/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim_parts: the inside of the running program, shared by sim.c and sim_command.c. Nobody else
 * includes it. */
#ifndef BMCSIM_SIM_PARTS_H
#define BMCSIM_SIM_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slot.h"

struct bmc;
struct event;
struct event_base;
struct host;
struct options;
struct remote;
struct usbredir;

struct node {
	struct sim *sim;
	struct bmc *bmc;
	struct host *host[DEVICE_COUNT][SLOT_INSTANCES];
	struct usbredir *bridge[DEVICE_COUNT][SLOT_INSTANCES];
	bool has_run; /* its host script, once */
};

struct sim {
	const struct options *options;
	struct event_base *base;
	struct event *sigint, *sigterm;
	struct remote *remote;
	struct node *nodes;
	struct bmc **bmcs;
	size_t count;
	size_t runs_left; /* nodes whose script has not run */
	bool is_bad;      /* a host found something wrong */
};

/* ---- sim_command.c ---- */

/* What a line on the control socket is answered with: "ok", "error: ...", or JSON. arg is the
 * struct sim; the caller frees the text. */
char *sim_command(void *arg, char *line);

#endif
