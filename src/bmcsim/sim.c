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
#include "bmcsim/usbredir.h"

enum {
	FILES_OF_SIM = 64,               /* descriptors that are no node's */
	FILES_OF_NODE = DEVICE_COUNT * 2 /* a listener and a client for each device */
};

struct node {
	struct sim *sim;
	struct bmc *bmc;
	struct host *host[DEVICE_COUNT];
	struct usbredir *bridge[DEVICE_COUNT];
	bool has_run; /* its host script, once */
};

struct sim {
	const struct options *options;
	struct event_base *base;
	struct event *sigint, *sigterm;
	struct node *nodes;
	struct bmc **bmcs;
	size_t count;
	size_t runs_left; /* nodes whose script has not run */
	bool is_bad;      /* a host found something wrong */
};

static void
bmc_event_cb(void *arg, struct bmc *bmc, enum device device, enum bmc_event event, const char *why)
{
	struct node *node = arg;
	bool is_connected = event == BMC_CONNECTED;
	char slot[SLOT_NAME_SIZE];
	struct log_about about = {
		.slot = slot,
		.target = bmc_name(bmc),
		.device = device_name(device),
		.reason = is_connected ? NULL : why,
	};

	slot_format(slot, bmc_name(bmc), device, 0);
	if (event == BMC_COMPLAINT) {
		log_about(LOG_LEVEL_WARNING, &about, "complaint");
		return;
	}
	if (is_connected)
		log_about(LOG_LEVEL_INFO, &about, "client %s connected", why);
	else
		log_about(LOG_LEVEL_INFO, &about, "client gone");
	if (node->host[device])
		host_client_changed(node->host[device], is_connected);
	if (node->bridge[device])
		usbredir_client_changed(node->bridge[device], is_connected);
}

static void
host_say(void *arg, struct host *host, const char *line)
{
	struct node *node = arg;
	char slot[SLOT_NAME_SIZE];

	slot_format(slot, bmc_name(node->bmc), host_device(host), 0);
	printf("%s: %s\n", slot, line);
	fflush(stdout);
}

static void
host_done(void *arg, struct host *host UNUSED, bool is_good)
{
	struct node *node = arg;
	struct sim *sim = node->sim;

	sim->is_bad = sim->is_bad || !is_good;
	if (node->has_run)
		return;
	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (node->host[i] && host_is_running(node->host[i]))
			return;
	}
	node->has_run = true;
	if (--sim->runs_left == 0 && sim->options->is_once)
		event_base_loopbreak(sim->base);
}

/* Every node needs its descriptors; the soft limit is often 1024. */
static int
raise_file_limit(size_t nodes, struct reason *why)
{
	rlim_t need = FILES_OF_SIM + (rlim_t)nodes * FILES_OF_NODE;
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

static int
node_start(struct sim *sim, size_t i, struct reason *why)
{
	const struct options *options = sim->options;
	struct node *node = &sim->nodes[i];
	struct bmc_conf conf = options->conf;

	node->sim = sim;
	conf.name = options->names.items[i];
	conf.address = options_address(options, i);
	conf.seed += (uint32_t)i;
	for (int d = 0; d < DEVICE_COUNT; d++)
		conf.port[d] = options_port(options, i, (enum device)d);
	node->bmc = sim->bmcs[i] = bmc_new(sim->base, &conf, bmc_event_cb, node, why);
	if (!node->bmc)
		return -1;
	for (int d = 0; d < DEVICE_COUNT; d++) {
		enum device device = (enum device)d;

		if (!options->has_device[d])
			continue;
		if (options->script)
			node->host[d] = host_new(sim->base, node->bmc, device, options->script,
				host_say, host_done, node);
		if (options->usbredir) {
			char *path = options_usbredir(options, i, device);

			node->bridge[d] = usbredir_new(sim->base, path, node->bmc, device, why);
			free(path);
			if (!node->bridge[d])
				return -1;
		}
	}
	return 0;
}

static void
node_stop(struct node *node)
{
	for (int i = 0; i < DEVICE_COUNT; i++) {
		host_free(node->host[i]);
		usbredir_free(node->bridge[i]);
	}
	bmc_free(node->bmc);
}

/* Files first, then the lines: who waits for "ready" finds everything in its place. */
static int
announce(const struct sim *sim, struct reason *why)
{
	const struct options *options = sim->options;
	char *ready = listing_ready(sim->bmcs, sim->count);
	char *targets = listing_targets(sim->bmcs, sim->count);
	int result = 0;

	if (options->targets_file)
		result = listing_write(options->targets_file, targets, why);
	if (result == 0 && options->ready_file)
		result = listing_write(options->ready_file, ready, why);
	if (result == 0)
		result = listing_write("-", ready, why);
	free(ready);
	free(targets);
	return result;
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

	if (raise_file_limit(options->names.count, why) < 0)
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
	if (!options->has_seed)
		log_msg(LOG_LEVEL_INFO, "random seed: --seed %" PRIu32 " plays it again",
			options->conf.seed);
	return announce(sim, why);
}

static void
stop(struct sim *sim)
{
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
