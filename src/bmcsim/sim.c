/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim: runs all simulated BMCs and the machines behind them. */
#include "bmcsim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "base/human.h"
#include "base/memory.h"
#include "bmcsim/bmc.h"
#include "bmcsim/host.h"
#include "bmcsim/listing.h"
#include "bmcsim/options.h"
#include "bmcsim/remote.h"
#include "bmcsim/sim_parts.h"
#include "bmcsim/usbredir.h"

enum {
	FILES_OF_SIM = 64,                /* descriptors that are no node's */
	FILES_OF_NODE = DEVICE_COUNT * 2, /* a listener and a client for each device */
	FILES_OF_WEB = 24, /* more of what a node with a web server has: ports, slots, requests */
};

/* The machine sees the USB device come or go (iusb-protocol 6.3). */
static void
tell_machine(struct node *node, enum device device, int instance, bool is_connected)
{
	bool is_always = bmc_conf(node->bmc)->attach == ATTACH_ALWAYS;

	if (node->host[device][instance])
		host_client_changed(node->host[device][instance], is_connected);
	if (node->bridge[device][instance] && !is_always)
		usbredir_client_changed(node->bridge[device][instance], is_connected);
}

static void
bmc_event_cb(void *arg, struct bmc *bmc, enum device device, int instance, enum bmc_event event,
	const char *why)
{
	char slot[SLOT_NAME_SIZE];
	struct log_about about = {
		.slot = slot,
		.target = bmc_name(bmc),
		.device = device_name(device),
		.reason = why,
	};

	slot_format(slot, bmc_name(bmc), device, instance);
	switch (event) {
	case BMC_COMPLAINT:
		log_about(LOG_LEVEL_WARNING, &about, "complaint");
		break;
	case BMC_REFUSED:
		log_about(LOG_LEVEL_INFO, &about, "client refused");
		break;
	case BMC_SAID:
		about = (struct log_about){ .slot = bmc_name(bmc), .target = bmc_name(bmc) };
		log_about(LOG_LEVEL_INFO, &about, "%s", why);
		break;
	case BMC_CONNECTED:
		about.reason = NULL;
		log_about(LOG_LEVEL_INFO, &about, "client %s connected", why);
		tell_machine(arg, device, instance, true);
		break;
	case BMC_DISCONNECTED:
		log_about(LOG_LEVEL_INFO, &about, "client gone");
		tell_machine(arg, device, instance, false);
		break;
	}
}

static void
host_say(void *arg, struct host *host, const char *line)
{
	struct node *node = arg;
	char slot[SLOT_NAME_SIZE];

	slot_format(slot, bmc_name(node->bmc), host_device(host), host_instance(host));
	printf("%s: %s\n", slot, line);
	fflush(stdout);
}

static bool
is_running(const struct node *node)
{
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (int i = 0; i < SLOT_INSTANCES; i++) {
			if (node->host[d][i] && host_is_running(node->host[d][i]))
				return true;
		}
	}
	return false;
}

static void
host_done(void *arg, struct host *host UNUSED, bool is_good)
{
	struct node *node = arg;
	struct sim *sim = node->sim;

	sim->is_bad = sim->is_bad || !is_good;
	if (node->has_run || is_running(node))
		return;
	node->has_run = true;
	if (--sim->runs_left == 0 && sim->options->is_once)
		event_base_loopbreak(sim->base);
}

/* Every node needs its descriptors; the soft limit is often 1024. */
static int
raise_file_limit(const struct options *options, struct reason *why)
{
	size_t nodes = options->names.count;
	bool has_web = options->conf.web.flow != WEB_FLOW_NONE;
	rlim_t each = FILES_OF_NODE + (has_web ? FILES_OF_WEB : 0);
	rlim_t need = FILES_OF_SIM + (rlim_t)nodes * each;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need)
		return reason_set(why,
			"%zu nodes need %ju open files, the limit is %ju (ulimit -n)", nodes,
			(uintmax_t)need, (uintmax_t)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

/* The machine behind one slot. */
static int
machine_start(struct node *node, size_t i, enum device device, int instance, struct reason *why)
{
	struct sim *sim = node->sim;
	const struct options *options = sim->options;
	struct usbredir *bridge;
	char *path;

	if (options->script)
		node->host[device][instance] = host_new(sim->base, node->bmc, device, instance,
			options->script, host_say, host_done, node);
	if (!options->usbredir)
		return 0;
	path = options_usbredir(options, i, device, instance);
	bridge = usbredir_new(sim->base, path, node->bmc, device, instance, why);
	free(path);
	node->bridge[device][instance] = bridge;
	if (bridge && bmc_conf(node->bmc)->attach == ATTACH_ALWAYS)
		usbredir_client_changed(bridge, true);
	return bridge ? 0 : -1;
}

static int
node_start(struct sim *sim, size_t i, struct reason *why)
{
	const struct options *options = sim->options;
	struct node *node = &sim->nodes[i];
	struct bmc_conf conf;

	node->sim = sim;
	options_node(options, i, &conf);
	node->bmc = sim->bmcs[i] = bmc_new(sim->base, &conf, bmc_event_cb, node, why);
	if (!node->bmc)
		return -1;
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (unsigned k = 0; options->has_device[d] && k < conf.slots[d]; k++) {
			if (machine_start(node, i, (enum device)d, (int)k, why) < 0)
				return -1;
		}
	}
	return 0;
}

static void
node_stop(struct node *node)
{
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (int i = 0; i < SLOT_INSTANCES; i++) {
			host_free(node->host[d][i]);
			usbredir_free(node->bridge[d][i]);
		}
	}
	bmc_free(node->bmc);
}

/* Files first, then the lines: who waits for "ready" finds everything in its place. */
static int
announce(const struct sim *sim, struct reason *why)
{
	const struct options *options = sim->options;
	char *ready = listing_ready(sim->bmcs, sim->count), *targets = NULL, *secret = NULL;
	int result = 0;

	if (options->targets_file) {
		result = options_write_secret(options, &secret, why);
		targets = listing_targets(sim->bmcs, sim->count, secret);
	}
	if (result == 0 && targets)
		result = listing_write(options->targets_file, targets, why);
	if (result == 0 && options->ready_file)
		result = listing_write(options->ready_file, ready, why);
	if (result == 0)
		result = listing_write("-", ready, why);
	free(ready);
	free(targets);
	free(secret);
	return result;
}

static void
print_web_totals(const struct sim *sim)
{
	struct web_totals sum = { 0 };

	for (size_t i = 0; i < sim->count; i++) {
		const struct web_totals *one = bmc_web_totals(sim->bmcs[i]);

		if (!one)
			return; /* none has a web server */
		sum.requests += one->requests;
		sum.logins += one->logins;
		sum.refused += one->refused;
		sum.logouts += one->logouts;
		sum.sessions += one->sessions;
		sum.upgrades += one->upgrades;
		sum.overlaps += one->overlaps;
	}
	printf("web: requests %" PRIu64 ", logins %" PRIu64 ", refused %" PRIu64
	       ", logouts %" PRIu64 ", still logged in %u, upgrades %" PRIu64 ", overlaps %u\n",
		sum.requests, sum.logins, sum.refused, sum.logouts, sum.sessions, sum.upgrades,
		sum.overlaps);
}

static void
print_totals(const struct sim *sim)
{
	char read[HUMAN_SIZE], written[HUMAN_SIZE];
	struct bmc_totals sum = { 0 };

	for (size_t i = 0; i < sim->count; i++) {
		const struct bmc_totals *one = bmc_totals(sim->bmcs[i]);

		sum.sessions += one->sessions;
		sum.refused += one->refused;
		sum.requests += one->requests;
		sum.pings += one->pings;
		sum.complaints += one->complaints;
		sum.read += one->read;
		sum.written += one->written;
	}
	printf("totals: sessions %" PRIu64 ", refused %" PRIu64 ", requests %" PRIu64
	       ", pings %" PRIu64 ", read %s, written %s, complaints %" PRIu64 "\n",
		sum.sessions, sum.refused, sum.requests, sum.pings, human_bytes(read, sum.read),
		human_bytes(written, sum.written), sum.complaints);
	print_web_totals(sim);
	fflush(stdout);
}

static bool
has_complaints(const struct sim *sim)
{
	for (size_t i = 0; i < sim->count; i++) {
		if (bmc_totals(sim->bmcs[i])->complaints > 0)
			return true;
	}
	return false;
}

static void
signal_cb(evutil_socket_t number UNUSED, short what UNUSED, void *arg)
{
	event_base_loopbreak(arg);
}

static int
start(struct sim *sim, struct reason *why)
{
	const struct options *options = sim->options;

	if (raise_file_limit(options, why) < 0)
		return -1;
	sim->base = event_base_new();
	if (!sim->base)
		return reason_set(why, "no event loop");
	sim->sigint = evsignal_new(sim->base, SIGINT, signal_cb, sim->base);
	sim->sigterm = evsignal_new(sim->base, SIGTERM, signal_cb, sim->base);
	event_add(sim->sigint, NULL);
	event_add(sim->sigterm, NULL);
	sim->nodes = mem_new(options->names.count, sizeof(*sim->nodes));
	sim->bmcs = mem_new(options->names.count, sizeof(*sim->bmcs));
	while (sim->count < options->names.count) {
		if (node_start(sim, sim->count++, why) < 0)
			return -1;
	}
	sim->runs_left = sim->count;
	if (options->control) {
		sim->remote = remote_new(sim->base, options->control, sim_command, sim, why);
		if (!sim->remote)
			return -1;
	}
	if (!options->has_seed)
		log_msg(LOG_LEVEL_INFO, "random seed: --seed %" PRIu32 " plays it again",
			options->conf.seed);
	return announce(sim, why);
}

static void
stop(struct sim *sim)
{
	remote_free(sim->remote);
	for (size_t i = 0; i < sim->count; i++)
		node_stop(&sim->nodes[i]);
	free(sim->nodes);
	free(sim->bmcs);
	if (sim->sigint)
		event_free(sim->sigint);
	if (sim->sigterm)
		event_free(sim->sigterm);
	if (sim->base)
		event_base_free(sim->base);
}

int
sim_run(const struct options *options)
{
	struct sim sim = { .options = options };
	struct reason why;
	int status = 0;

	signal(SIGPIPE, SIG_IGN);
	if (start(&sim, &why) < 0) {
		log_msg(LOG_LEVEL_ERROR, "%s", why.text);
		status = 1;
	} else {
		event_base_dispatch(sim.base);
		print_totals(&sim);
		if (options->is_once && (sim.is_bad || sim.runs_left > 0 || has_complaints(&sim)))
			status = 1;
	}
	stop(&sim);
	return status;
}
