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

enum options_given { /* what was set, so that the dialect does not */
	GIVEN_FILTER = 1 << 0,
	GIVEN_TLS = 1 << 1,
	GIVEN_MEDIA = 1 << 2,
	GIVEN_WEB = 1 << 3,
	GIVEN_WEB_QUIRKS = 1 << 4,
	GIVEN_OWNER_FIELD = 1 << 5,
	GIVEN_SLOTS = 1 << 6,
	GIVEN_TUNNEL = 1 << 7,
	GIVEN_WEBSOCKET = 1 << 8,
	GIVEN_WEB_PORT = 1 << 9,
};

/* Owned by the caller; options_fini() frees what is inside. */
struct options {
	unsigned nodes;       /* 0: as many as there are names */
	char *pattern;        /* NULL: "sim[001-N]" */
	struct strlist names; /* one for each node */
	struct in_addr address;
	bool is_same_address;   /* else node i has address + i */
	unsigned port_base;     /* 0: the kernel chooses every port */
	unsigned port_step;     /* from node to node at the same address; 0: not given */
	unsigned web_port_base; /* HTTP; HTTPS is one above */
	struct bmc_conf conf;   /* what all nodes share; name, address and ports are not set */
	unsigned given;         /* enum options_given */
	bool has_seed;          /* given, not random */
	bool has_device[DEVICE_COUNT]; /* what the host and the bridge look at */
	struct host_script *script;    /* NULL: no built-in host */
	char *usbredir;                /* NULL: no bridge */
	char *ready_file, *targets_file;
	char *control; /* NULL: no control socket */
	char *token, *owner, *user, *password, *password_file, *tls_pem; /* conf points there */
	bool is_once;
	enum log_level log_level;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* help or version were printed */
	OPTIONS_BAD,  /* said on stderr what is wrong */
};

enum options_result options_parse(int argc, char **argv, struct options *out) MUST_CHECK;

/* Completes what was read: names, seed, what the dialect decides; checks what only fits together or
 * not. For options_parse(). */
int options_complete(struct options *options, struct reason *why) MUST_CHECK;

void options_fini(struct options *options);

/* All of node i. It lives as long as the options. */
void options_node(const struct options *options, size_t i, struct bmc_conf *out);

/* The address and ports of node i; TLS ports are 0 if there is no TLS. */
struct in_addr options_address(const struct options *options, size_t i);
uint16_t options_port(const struct options *options, size_t i, enum device device);
uint16_t options_secure_port(const struct options *options, size_t i, enum device device);
uint16_t options_web_port(const struct options *options, size_t i, bool is_secure);

/* --usbredir with %n and %d filled in; the caller frees it. */
char *options_usbredir(
	const struct options *options, size_t i, enum device device, int instance) MUST_CHECK;

/* "N[:TIMES]" into ack and ack_times. */
int options_parse_ack(const char *text, struct bmc_conf *out, struct reason *why) MUST_CHECK;

/*
 * The file that the targets name for the password or token: --password-file, or one that is written
 * beside the targets' file, mode 0600. *path is absolute, the caller frees it; NULL if no secret is
 * needed.
 */
int options_write_secret(const struct options *options, char **path, struct reason *why) MUST_CHECK;

#endif
