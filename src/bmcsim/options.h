/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options: the command line of iusb-bmcsim, as a table and as a checked struct. */
#ifndef BMCSIM_OPTIONS_H
#define BMCSIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/slot.h"
#include "base/strlist.h"
#include "bmcsim/bmc.h"
#include "bmcsim/host_script.h"

enum {
	OPTIONS_NODES_MAX = 10000,
	OPTIONS_PORT_MAX = 65535,
};

/* Owned by the caller; options_fini() frees what is inside. */
struct options {
	unsigned nodes;       /* 0: as many as there are names */
	char *pattern;        /* NULL: "sim[001-N]" */
	struct strlist names; /* one for each node */
	struct in_addr address;
	bool is_same_address; /* else node i has address + i */
	unsigned port_base;   /* 0: the kernel chooses every port */
	unsigned port_step;   /* from node to node at the same address; 0: not given */
	struct bmc_conf conf; /* what all nodes share; name, address and ports are not set */
	bool has_seed;        /* given, not random */
	bool has_device[DEVICE_COUNT]; /* what the host and the bridge look at */
	struct host_script *script;    /* NULL: no built-in host */
	char *usbredir;                /* NULL: no bridge */
	char *ready_file, *targets_file;
	bool is_once;
	enum log_level log_level;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* help or version were printed */
	OPTIONS_BAD,  /* said on stderr what is wrong */
};

enum options_result options_parse(int argc, char **argv, struct options *out) MUST_CHECK;

/* Completes what was read: names, seed; checks what only fits together or not. For
 * options_parse(). */
int options_complete(struct options *options, struct reason *why) MUST_CHECK;

void options_fini(struct options *options);

/* The address and port of node i. */
struct in_addr options_address(const struct options *options, size_t i);
uint16_t options_port(const struct options *options, size_t i, enum device device);

/* --usbredir with %n and %d filled in; the caller frees it. */
char *options_usbredir(const struct options *options, size_t i, enum device device) MUST_CHECK;

#endif
