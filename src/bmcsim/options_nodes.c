/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_nodes: names, addresses and ports of the nodes, and what of the options fits together. */
#include "bmcsim/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hostlist.h"
#include "base/memory.h"
#include "bmcsim/options_parts.h"
#include "iusb/dialect.h"

enum {
	PORT_STEP = 10,    /* unless given */
	LEGACY_PORTS = 4,  /* of a node, from its lowest to its highest */
	ALL_PORTS = 10,    /* with TLS and the web server */
	WEB_PORT_REST = 8, /* the web server's, above --port-base */
};

static bool
is_legacy(const struct options *options)
{
	return options->conf.dialect->bmc_speaks_first;
}

static unsigned
port_step(const struct options *options)
{
	return options->port_step ? options->port_step : PORT_STEP;
}

static unsigned
raw_web_port(const struct options *options, size_t i, bool is_secure)
{
	unsigned port = options->web_port_base;

	if (!(options->given & GIVEN_WEB_PORT))
		port = options->port_base ? options->port_base + WEB_PORT_REST : 0;
	if (port == 0)
		return 0;
	if (options->is_same_address)
		port += port_step(options) * (unsigned)i;
	return port + is_secure;
}

static int
check_names(struct options *out, struct reason *why)
{
	const char *name = out->pattern ? out->pattern : "sim";
	struct strlist *names = &out->names;
	unsigned nodes = out->nodes ? out->nodes : 1;
	char *pattern;
	int result;

	if (hostlist_is_range(name) || (out->pattern && nodes == 1))
		pattern = mem_strdup(name);
	else
		pattern = mem_printf("%s[%03u-%03u]", name, 1, nodes);
	result = hostlist_expand(pattern, names, why);
	free(pattern);
	if (result < 0)
		return -1;
	if (names->count > OPTIONS_NODES_MAX)
		return reason_set(
			why, "%zu nodes are more than %d", names->count, OPTIONS_NODES_MAX);
	if (out->nodes && names->count != nodes)
		return reason_set(why, "--name has %zu names for %u nodes", names->count, nodes);
	for (size_t i = 0; i < names->count; i++) {
		if (!target_name_is_valid(names->items[i]))
			return reason_set(
				why, "\"%.80s\" cannot be the name of a target", names->items[i]);
	}
	return 0;
}

static int
check_ports(const struct options *out, struct reason *why)
{
	size_t last = out->names.count - 1;
	unsigned ports = is_legacy(out) ? LEGACY_PORTS : ALL_PORTS;
	unsigned long long top = out->port_base + ports - 1ULL;

	if (!out->is_same_address && ntohl(out->address.s_addr) > UINT32_MAX - last)
		return reason_set(why, "%zu addresses do not fit behind --address", last + 1);
	if (out->port_base == 0)
		return out->port_step > 0 ? reason_set(why, "--port-step needs a --port-base") : 0;
	if (port_step(out) < ports)
		return reason_set(why, "--port-step: dialect %s has %u ports",
			out->conf.dialect->name, ports);
	if (out->is_same_address)
		top += (unsigned long long)port_step(out) * last;
	if (top > OPTIONS_PORT_MAX)
		return reason_set(why, "the ports go up to %llu, above %d", top, OPTIONS_PORT_MAX);
	if (raw_web_port(out, last, true) > OPTIONS_PORT_MAX)
		return reason_set(
			why, "the ports of the web servers go above %d", OPTIONS_PORT_MAX);
	return 0;
}

static int
check_host(const struct options *out, struct reason *why)
{
	int devices = 0;

	for (int i = 0; i < DEVICE_COUNT; i++)
		devices += out->has_device[i] ? (int)out->conf.slots[i] : 0;
	if (out->is_once && (!out->script || out->script->is_loop))
		return reason_set(why, "--once needs a --host script that does not loop");
	if (!out->usbredir)
		return 0;
	if (out->script)
		return reason_set(why, "--host and --usbredir cannot look at the same device");
	if (devices > 1 && !strstr(out->usbredir, "%d"))
		return reason_set(
			why, "--usbredir needs --device cd, fd or hd, or %%d in its path");
	if (out->names.count > 1 && !strstr(out->usbredir, "%n"))
		return reason_set(why, "--usbredir needs %%n in its path for more than one node");
	return 0;
}

int
options_complete(struct options *out, struct reason *why)
{
	if (options_follow_dialect(out, why) < 0 || check_names(out, why) < 0 ||
		check_ports(out, why) < 0 || check_host(out, why) < 0)
		return -1;
	if (!out->has_seed && getrandom(&out->conf.seed, sizeof(out->conf.seed), 0) !=
				      (ssize_t)sizeof(out->conf.seed))
		return reason_set(why, "no random seed: %s", strerror(errno));
	return 0;
}

struct in_addr
options_address(const struct options *options, size_t i)
{
	struct in_addr address = options->address;

	if (!options->is_same_address)
		address.s_addr = htonl(ntohl(address.s_addr) + (uint32_t)i);
	return address;
}

/* A port of node i that lies above --port-base, as port lies above that of a CD. */
static uint16_t
port_above(const struct options *options, size_t i, unsigned port)
{
	if (options->port_base == 0 || port == 0)
		return 0;
	port += options->port_base - options->conf.dialect->port[DEVICE_CD];
	if (options->is_same_address)
		port += port_step(options) * (unsigned)i;
	return (uint16_t)port;
}

uint16_t
options_port(const struct options *options, size_t i, enum device device)
{
	return port_above(options, i, options->conf.dialect->port[device]);
}

uint16_t
options_secure_port(const struct options *options, size_t i, enum device device)
{
	return port_above(options, i, options->conf.dialect->secure_port[device]);
}

uint16_t
options_web_port(const struct options *options, size_t i, bool is_secure)
{
	return (uint16_t)raw_web_port(options, i, is_secure);
}

void
options_node(const struct options *options, size_t i, struct bmc_conf *out)
{
	*out = options->conf;
	out->name = options->names.items[i];
	out->address = options_address(options, i);
	out->seed += (uint32_t)i;
	out->web.port = options_web_port(options, i, false);
	out->web.secure_port = options_web_port(options, i, true);
	for (int d = 0; d < DEVICE_COUNT; d++) {
		out->port[d] = options_port(options, i, (enum device)d);
		out->secure_port[d] = options_secure_port(options, i, (enum device)d);
		out->has_host[d] = options->has_device[d] && (options->script || options->usbredir);
	}
}

char *
options_usbredir(const struct options *options, size_t i, enum device device, int instance)
{
	char *out = NULL;
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	for (const char *p = options->usbredir; stream && *p; p++) {
		if (p[0] == '%' && p[1] == 'n')
			fputs(options->names.items[i], stream);
		else if (p[0] == '%' && p[1] == 'd')
			fprintf(stream, instance > 0 ? "%s%d" : "%s", device_name(device),
				instance);
		else if (p[0] == '%' && p[1] == '%')
			fputc('%', stream);
		else {
			fputc(*p, stream);
			continue;
		}
		p++;
	}
	if (stream)
		fclose(stream);
	return out ? out : mem_strdup("");
}
