/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_probe: Probe: a look at one BMC. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmc/scout.h"
#include "daemon/board.h"
#include "daemon/conf_value.h"
#include "daemon/methods_private.h"
#include "daemon/probe_report.h"

enum {
	PROBES_MAX = 8, /* at a time */
};

struct probe { /* a call under way */
	struct methods *methods;
	struct varlink_call *call;
	struct scout *scout;
	struct board *board;       /* of a configured target, or NULL */
	struct conf_target target; /* what matters of it, or what it would be by default; owned */
	TAILQ_ENTRY(probe) link;
};

static void
free_probe(struct probe *probe)
{
	TAILQ_REMOVE(&probe->methods->probes, probe, link);
	scout_free(probe->scout);
	board_put(probe->board);
	conf_target_fini(&probe->target);
	free(probe);
}

static void
gone_cb(void *arg)
{
	free_probe(arg);
}

void
methods_probe_stop(struct methods *methods, const struct reason *why)
{
	struct probe *probe;

	while ((probe = TAILQ_FIRST(&methods->probes)) != NULL) {
		methods_fail(probe->call, REGISTRY_STOPPING, NULL, why);
		free_probe(probe);
	}
}

/* --- the target --- */

/* A target that nobody has configured. */
static void
make_target(struct conf_target *out, const char *address)
{
	*out = (struct conf_target){
		.name = mem_strdup(address),
		.address = mem_strdup(address),
		.dialect = dialect_find("auto"),
		.transport = CHOOSE_TRANSPORT,
		.login = CONF_LOGIN_NONE,
		.tls_mode = TLS_AUTO,
		.tls_verify = TLS_VERIFY_PIN,
	};
	if (target_name_is_valid(address))
		return;
	free(out->name);
	out->name = mem_printf("bmc-%.*s", TARGET_NAME_MAX - 4, address);
	for (char *c = out->name; *c != '\0'; c++)
		if (strchr(":%", *c) != NULL)
			*c = '-';
}

/* The one configured target that the selector means; NULL, and the call is answered, if there is
 * none. */
static const struct conf_target *
find_target(struct methods *methods, struct varlink_call *call, const char *selector)
{
	const struct conf_target *target = NULL;
	struct selection *selections;
	struct reason why;
	size_t count;

	if (!methods_select(methods, call, &selector, 1, &selections, &count))
		return NULL;
	if (count == 1 && !selections[0].has_slot)
		target = selections[0].target;
	else if (count == 1)
		(void)reason_set(
			&why, "%s is a slot, and it is a whole target that is probed", selector);
	else
		(void)reason_set(&why, "%s means %zu targets, and one is needed", selector, count);
	if (target == NULL)
		methods_fail(call, REGISTRY_NO_TARGET, selector, &why);
	free(selections);
	return target;
}

/* --- what this daemon serves there --- */

static void
note_held(struct scout_conf *conf, const struct slot *slot)
{
	struct scout_held *held = &conf->held[conf->held_count];
	struct session_status status;

	registry_status(slot, &status);
	if (status.state != SESSION_SERVING || status.transport < 0 || status.dialect->is_auto)
		return;
	*held = (struct scout_held){
		.device = slot->device,
		.instance = slot->instance,
		.dialect = status.dialect,
		.transport = (enum transport)status.transport,
	};
	(void)snprintf(held->image, sizeof(held->image), "%s", slot->image);
	if (status.tls != NULL)
		held->tls = *status.tls;
	conf->held_count++;
}

static void
note_all_held(struct methods *methods, struct scout_conf *conf, const struct conf_target *target)
{
	const struct selection whole = { .target = target };
	struct slot *slots[SCOUT_SLOTS];
	size_t count = methods_find_slots(methods, &whole, slots);

	for (size_t i = 0; i < count; i++)
		note_held(conf, slots[i]);
}

/* --- the outcome --- */

static void
log_trust(const struct probe *probe, const struct scout_report *report)
{
	const struct facts *facts = board_facts(probe->board);
	const struct log_about about = {
		.slot = probe->target.name,
		.target = probe->target.name,
	};

	for (int i = 0; i < PIN_COUNT; i++)
		if (report->is_trusted[i])
			log_about(LOG_LEVEL_INFO, &about,
				"%s certificate %s pinned by a command of uid %u",
				pin_name((enum pin)i), facts->pin[i],
				(unsigned)varlink_uid(probe->call));
}

/* A certificate is trusted now: what waited for that is tried at once. */
static void
use_trust(const struct probe *probe, const struct scout_report *report)
{
	bool is_any = false;

	for (int i = 0; i < PIN_COUNT; i++)
		is_any = is_any || report->is_trusted[i];
	if (!is_any)
		return;
	log_trust(probe, report);
	registry_retry(probe->methods->world->registry, probe->target.name, FAILURE_CERTIFICATE);
}

static void
scout_report_cb(void *arg, const char *progress, const struct scout_report *report)
{
	struct probe *probe = arg;

	if (progress != NULL) {
		if (varlink_wants_more(probe->call))
			varlink_reply_continue(
				probe->call, json_pack("{s:o, s:n}", "progress",
						     methods_text(progress), "report"));
		return;
	}
	if (report->address[0] == '\0') {
		methods_fail(probe->call, REGISTRY_NO_TARGET, probe->target.address, &report->why);
	} else {
		use_trust(probe, report);
		varlink_reply(probe->call,
			json_pack("{s:n, s:o}", "progress", "report",
				probe_report(&probe->target, probe->board != NULL, report)));
	}
	free_probe(probe);
}

/* --- the call --- */

/* Takes *target. */
static void
begin(struct methods *methods, struct varlink_call *call, struct conf_target *target,
	struct board *board, struct scout_conf *conf)
{
	struct probe *probe = mem_new(1, sizeof(*probe));

	probe->methods = methods;
	probe->call = call;
	probe->target = *target;
	probe->board = board;
	conf->way = (struct session_conf){
		.address = target->address,
		.web_port = target->web_port,
		.dialect = target->dialect,
		.transport = target->transport,
		.tls_mode = target->tls_mode,
		.tls = { .verify = TLS_VERIFY_NONE },
	};
	if (board != NULL) {
		conf->way.tls = *board_tls(board);
		conf->way.portal = board_portal(board);
		conf->way.facts = board_facts(board);
	}
	memcpy(conf->port, target->port, sizeof(conf->port));
	conf->times = methods->probe_times;
	TAILQ_INSERT_TAIL(&methods->probes, probe, link);
	varlink_on_gone(call, gone_cb, probe);
	probe->scout = scout_start(methods->world->base, conf, scout_report_cb, probe);
}

/* False, and the call is answered, if there are too many, or one of that address: two of them would
 * take each other for somebody else. */
static bool
has_room(struct methods *methods, struct varlink_call *call, const char *address)
{
	struct probe *probe;
	struct reason why = { 0 };
	unsigned count = 0;

	TAILQ_FOREACH (probe, &methods->probes, link) {
		count++;
		if (strcmp(probe->target.address, address) == 0)
			(void)reason_set(&why, "%s is being probed already", address);
	}
	if (count >= PROBES_MAX)
		(void)reason_set(
			&why, "%u probes are under way, and more at a time are too many", count);
	if (why.text[0] == '\0')
		return true;
	varlink_error(call, "org.iusbd.Busy", json_pack("{s:o}", "reason", methods_text(why.text)));
	return false;
}

static void
probe_target(struct methods *methods, struct varlink_call *call, const char *name,
	struct scout_conf *conf)
{
	const struct conf_target *target = find_target(methods, call, name);
	struct conf_target copy;
	struct reason why;

	if (target == NULL || !has_room(methods, call, target->address))
		return;
	if (conf->trusts && target->tls_verify != TLS_VERIFY_PIN) {
		(void)reason_set(&why,
			"%s trusts certificates by tls.verify = \"%s\": none is pinned",
			target->name, target->tls_verify == TLS_VERIFY_CA ? "ca" : "none");
		methods_fail(call, REGISTRY_NOT_SUPPORTED, NULL, &why);
		return;
	}
	note_all_held(methods, conf, target);
	conf_target_copy(&copy, target); /* a new configuration may take the original away */
	begin(methods, call, &copy, registry_board(methods->world->registry, target), conf);
}

/* The only target that has the address, or NULL. */
static const struct conf_target *
find_by_address(const struct methods *methods, const char *address)
{
	const struct conf *conf = registry_conf(methods->world->registry);
	const struct conf_target *found = NULL;

	for (size_t i = 0; i < conf->target_count; i++) {
		if (strcmp(conf->targets[i].address, address) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &conf->targets[i];
	}
	return found;
}

static void
probe_address(struct methods *methods, struct varlink_call *call, const char *address,
	struct scout_conf *conf)
{
	const struct conf_target *known = find_by_address(methods, address);
	struct conf_target target;
	struct reason why;

	/* What is served there shall not be disturbed. */
	if (known != NULL) {
		probe_target(methods, call, known->name, conf);
		return;
	}
	if (conf_check_address(address, &why) < 0) {
		methods_fail(call, REGISTRY_NO_TARGET, address, &why);
		return;
	}
	if (conf->trusts) {
		(void)reason_set(&why,
			"%s is no configured target: there is nothing to pin a certificate for",
			address);
		methods_fail(call, REGISTRY_NOT_SUPPORTED, NULL, &why);
		return;
	}
	if (!has_room(methods, call, address))
		return;
	make_target(&target, address);
	begin(methods, call, &target, NULL, conf);
}

void
methods_probe(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	const char *target = NULL, *address = NULL;
	struct scout_conf conf = { 0 };
	const struct param params[] = {
		{ "target", PARAM_STRING, false, &target },
		{ "address", PARAM_STRING, false, &address },
		{ "slots", PARAM_BOOL, false, &conf.asks_slots },
		{ "trust", PARAM_BOOL, false, &conf.trusts },
	};
	static const struct reason stopping = { "iusbd is stopping" };

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	if ((target == NULL) == (address == NULL))
		varlink_invalid(call, "target");
	else if (registry_is_stopping(methods->world->registry))
		methods_fail(call, REGISTRY_STOPPING, NULL, &stopping);
	else if (target != NULL)
		probe_target(methods, call, target, &conf);
	else
		probe_address(methods, call, address, &conf);
}
