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
#include "iusb/dialect.h"

enum {
	PORT_STEP = 10, /* unless given */
};

static unsigned
port_step(const struct options *options)
{
	return options->port_step ? options->port_step : PORT_STEP;
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
	unsigned long long top = out->port_base + 3ULL;

	if (!out->is_same_address && ntohl(out->address.s_addr) > UINT32_MAX - last)
		return reason_set(why, "%zu addresses do not fit behind --address", last + 1);
	if (out->port_base == 0)
		return out->port_step > 0 ? reason_set(why, "--port-step needs a --port-base") : 0;
	if (out->is_same_address)
		top += (unsigned long long)port_step(out) * last;
	if (top > OPTIONS_PORT_MAX)
		return reason_set(why, "the ports go up to %llu, above %d", top, OPTIONS_PORT_MAX);
	return 0;
}

static int
check_host(const struct options *out, struct reason *why)
{
	int devices = 0;

	for (int i = 0; i < DEVICE_COUNT; i++)
		devices += out->has_device[i];
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
	if (check_names(out, why) < 0 || check_ports(out, why) < 0 || check_host(out, why) < 0)
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

uint16_t
options_port(const struct options *options, size_t i, enum device device)
{
	const uint16_t *legacy = dialect_find("legacy")->port;
	unsigned port = options->port_base;

	if (port == 0)
		return 0;
	port += legacy[device] - legacy[DEVICE_CD];
	if (options->is_same_address)
		port += port_step(options) * (unsigned)i;
	return (uint16_t)port;
}

char *
options_usbredir(const struct options *options, size_t i, enum device device)
{
	char *out = NULL;
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	for (const char *p = options->usbredir; stream && *p; p++) {
		if (p[0] == '%' && p[1] == 'n')
			fputs(options->names.items[i], stream);
		else if (p[0] == '%' && p[1] == 'd')
			fputs(device_name(device), stream);
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
