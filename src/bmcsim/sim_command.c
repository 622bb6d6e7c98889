/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim_command: what happens to simulated BMCs while they run, told by lines on the control socket.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/hostlist.h"
#include "base/memory.h"
#include "bmcsim/bmc.h"
#include "bmcsim/host.h"
#include "bmcsim/options.h"
#include "bmcsim/sim_parts.h"
#include "bmcsim/usbredir.h"
#include "bmcsim/values.h"

enum {
	WORDS_MAX = 4,
};

/* Does it to one node. argument is NULL for a verb that takes none. */
typedef int verb_fn(struct node *node, const char *argument, struct reason *why);

static int
do_reboot(struct node *node, const char *argument UNUSED, struct reason *why UNUSED)
{
	bmc_reboot(node->bmc);
	return 0;
}

/* The USB devices go and come, as with the power. */
static int
do_host_reset(struct node *node, const char *argument UNUSED, struct reason *why UNUSED)
{
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (int i = 0; i < SLOT_INSTANCES; i++) {
			if (node->host[d][i])
				host_reset(node->host[d][i]);
			if (node->bridge[d][i])
				usbredir_replug(node->bridge[d][i]);
		}
	}
	return 0;
}

static int
do_expire(struct node *node, const char *argument UNUSED, struct reason *why UNUSED)
{
	bmc_expire(node->bmc);
	return 0;
}

static int
do_renew_cert(struct node *node, const char *argument UNUSED, struct reason *why)
{
	return bmc_renew_cert(node->bmc, why);
}

static int
end_session(struct node *node, const char *slot, enum bmc_way way, struct reason *why)
{
	enum device device;
	int instance;

	if (slot_parse_suffix(slot, &device, &instance, why) < 0)
		return -1;
	return bmc_end_session(node->bmc, device, instance, way, why);
}

static int
do_kill(struct node *node, const char *argument, struct reason *why)
{
	return end_session(node, argument, WAY_KILL, why);
}

static int
do_disconnect(struct node *node, const char *argument, struct reason *why)
{
	return end_session(node, argument, WAY_DISCONNECT, why);
}

static int
do_reset(struct node *node, const char *argument, struct reason *why)
{
	return end_session(node, argument, WAY_RESET, why);
}

static int
do_ack(struct node *node, const char *argument, struct reason *why)
{
	struct bmc_conf parsed = { 0 };

	if (options_parse_ack(argument, &parsed, why) < 0)
		return -1;
	bmc_set_ack(node->bmc, parsed.ack, parsed.ack_times);
	return 0;
}

static const struct verb {
	const char *name;
	const char *argument; /* NULL: none */
	verb_fn *run;
} verbs[] = {
	{ "reboot", NULL, do_reboot },
	{ "host-reset", NULL, do_host_reset },
	{ "expire", NULL, do_expire },
	{ "renew-cert", NULL, do_renew_cert },
	{ "kill", "SLOT", do_kill },
	{ "disconnect", "SLOT", do_disconnect },
	{ "reset", "SLOT", do_reset },
	{ "ack", "STATUS[:TIMES]", do_ack },
};

/* ---- status ---- */

static json_t *
slot_status(const struct bmc *bmc, enum device device, int instance)
{
	struct bmc_slot_status status;
	char slot[SLOT_NAME_SIZE];
	json_t *type;

	bmc_slot_status(bmc, device, instance, &status);
	slot_format(slot, bmc_name(bmc), device, instance);
	type = status.disk_type < 0 ? json_null() : json_integer(status.disk_type);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:i}", "slot", slot, "state", status.state,
		"peer", status.peer, "image", status.image, "disk_type", type, "requests",
		(int)status.requests);
}

static json_t *
web_status(const struct bmc *bmc)
{
	const struct web_totals *web = bmc_web_totals(bmc);

	if (!web)
		return json_null();
	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:I}", "port",
		bmc_web_port(bmc, false), "secure_port", bmc_web_port(bmc, true), "requests",
		(json_int_t)web->requests, "logins", (json_int_t)web->logins, "refused",
		(json_int_t)web->refused, "logouts", (json_int_t)web->logouts, "sessions",
		(int)web->sessions, "sessions_most", (int)web->sessions_most, "overlaps",
		(int)web->overlaps, "upgrades", (json_int_t)web->upgrades);
}

static json_t *
node_status(const struct node *node)
{
	const struct bmc *bmc = node->bmc;
	const struct bmc_conf *conf = bmc_conf(bmc);
	const struct bmc_totals *totals = bmc_totals(bmc);
	json_t *slots = json_array();
	struct in_addr in = bmc_address(bmc);
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in, address, sizeof(address));
	for (int d = 0; d < DEVICE_COUNT; d++) {
		for (unsigned i = 0; i < conf->slots[d]; i++)
			json_array_append_new(slots, slot_status(bmc, (enum device)d, (int)i));
	}
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"name", bmc_name(bmc), "address", address, "dialect", conf->dialect->name, "down",
		bmc_is_down(bmc), "fingerprint", bmc_fingerprint(bmc), "slots", slots, "sessions",
		(json_int_t)totals->sessions, "refused", (json_int_t)totals->refused, "requests",
		(json_int_t)totals->requests, "pings", (json_int_t)totals->pings, "complaints",
		(json_int_t)totals->complaints, "read", (json_int_t)totals->read, "written",
		(json_int_t)totals->written, "web", web_status(bmc));
}

/* ---- lines ---- */

static bool
is_meant(const struct node *node, const char *name)
{
	return strcmp(name, "*") == 0 || hostlist_has(name, bmc_name(node->bmc));
}

/* One object for a name, an array for a range. */
static char *
answer_status(const struct sim *sim, const char *name)
{
	json_t *all = json_array(), *one;
	char *text;

	for (size_t i = 0; i < sim->count; i++) {
		if (is_meant(&sim->nodes[i], name))
			json_array_append_new(all, node_status(&sim->nodes[i]));
	}
	one = json_array_get(all, 0);
	if (!one)
		text = mem_printf("error: no node is called %s", name);
	else
		text = json_dumps(hostlist_is_range(name) || strcmp(name, "*") == 0 ? all : one,
			JSON_COMPACT);
	json_decref(all);
	return text ? text : mem_strdup("error: out of memory");
}

static char *
run(struct sim *sim, const struct verb *verb, const char *name, const char *argument)
{
	struct reason why;
	size_t meant = 0;

	for (size_t i = 0; i < sim->count; i++) {
		if (!is_meant(&sim->nodes[i], name))
			continue;
		meant++;
		if (verb->run(&sim->nodes[i], argument, &why) < 0)
			return mem_printf("error: %s", why.text);
	}
	return meant > 0 ? mem_strdup("ok") : mem_printf("error: no node is called %s", name);
}

static char *
usage(void)
{
	char *text = mem_strdup("error: one of: status NODE"), *longer;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		longer = mem_printf("%s, %s NODE%s%s", text, verbs[i].name,
			verbs[i].argument ? " " : "", verbs[i].argument ? verbs[i].argument : "");
		free(text);
		text = longer;
	}
	return text;
}

char *
sim_command(void *arg, char *line)
{
	struct sim *sim = arg;
	char *words[WORDS_MAX] = { NULL }, *word;
	size_t count = 0;

	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (count == WORDS_MAX)
			return usage();
		words[count++] = word;
	}
	if (count == 2 && strcmp(words[0], "status") == 0)
		return answer_status(sim, words[1]);
	for (size_t i = 0; count > 0 && i < ARRAY_SIZE(verbs); i++) {
		size_t wanted = verbs[i].argument ? 3 : 2;

		if (strcmp(words[0], verbs[i].name) == 0 && count == wanted)
			return run(sim, &verbs[i], words[1], words[2]);
	}
	return usage();
}
