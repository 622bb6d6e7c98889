/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_status: Status, Show and Targets: what there is and how it is. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/methods_private.h"
#include "scsi/scsi.h"

/* --- rows --- */

static json_t *
optional_time(double time)
{
	return time > 0 ? json_real(time) : json_null();
}

static json_t *
optional_reason(const struct reason *reason)
{
	return methods_text(reason->text[0] != '\0' ? reason->text : NULL);
}

static json_t *
slot_row(const struct slot *slot)
{
	struct session_status status;
	uint64_t read = 0, written = 0;

	registry_status(slot, &status);
	if (status.counters != NULL) {
		read = status.counters->read;
		written = status.counters->written;
	}
	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:o, s:I, s:I, s:f, s:f}", "slot",
		slot->name, "target", slot->target->name, "device", device_name(slot->device),
		"instance", slot->instance, "image", methods_text(slot->image), "mode",
		image_mode_name(slot->mode), "state", session_state_name(status.state), "reason",
		optional_reason(&status.reason), "read", (json_int_t)read, "written",
		(json_int_t)written, "rate", slot->rate, "since", status.since);
}

/* A slot, or all of a target, with nothing in it. */
static json_t *
idle_row(const struct selection *selection)
{
	const char *target = selection->target->name;
	char name[SLOT_NAME_SIZE];

	if (selection->has_slot)
		slot_format(name, target, selection->device, selection->instance);
	return json_pack("{s:s, s:s, s:s, s:i, s:n, s:n, s:s, s:n, s:i, s:i, s:f, s:f}", "slot",
		selection->has_slot ? name : target, "target", target, "device",
		selection->has_slot ? device_name(selection->device) : "", "instance",
		selection->has_slot ? selection->instance : 0, "image", "mode", "state",
		session_state_name(SESSION_IDLE), "reason", "read", 0, "written", 0, "rate", 0.0,
		"since", 0.0);
}

/* --- Status --- */

/* With selectors: the slots that were meant. The whole of a target comes before its slots, so what
 * it had already told of is left out. */
static json_t *
selected_rows(struct methods *methods, const struct selection *selections, size_t count)
{
	struct slot *slots[DEVICE_COUNT * SLOT_INSTANCES];
	const struct conf_target *whole = NULL;
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		size_t slot_count = methods_find_slots(methods, &selections[i], slots);

		if (!selections[i].has_slot)
			whole = selections[i].target;
		if (slot_count == 0)
			json_array_append_new(rows, idle_row(&selections[i]));
		else if (!selections[i].has_slot || selections[i].target != whole)
			for (size_t j = 0; j < slot_count; j++)
				json_array_append_new(rows, slot_row(slots[j]));
	}
	return rows;
}

static json_t *
all_rows(struct methods *methods)
{
	struct registry *registry = methods->world->registry;
	json_t *rows = json_array();

	for (size_t i = 0; i < registry_count(registry); i++)
		json_array_append_new(rows, slot_row(registry_at(registry, i)));
	return rows;
}

void
methods_status(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	struct param_strings selectors = { 0 };
	const struct param params[] = {
		{ "selectors", PARAM_STRINGS, false, &selectors },
	};
	struct selection *selections;
	json_t *rows = NULL;
	size_t count;

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	if (selectors.count == 0) {
		rows = all_rows(methods);
	} else if (methods_select(
			   methods, call, selectors.items, selectors.count, &selections, &count)) {
		rows = selected_rows(methods, selections, count);
		free(selections);
	}
	free(selectors.items);
	if (rows != NULL)
		varlink_reply(call, json_pack("{s:o}", "slots", rows));
}

/* --- Show --- */

static json_t *
command_rows(const struct drive_counters *counters)
{
	json_t *rows = json_array();

	for (int opcode = 0; counters != NULL && opcode < 256; opcode++)
		if (counters->by_opcode[opcode] > 0)
			json_array_append_new(
				rows, json_pack("{s:i, s:o, s:I}", "opcode", opcode, "name",
					      methods_text(scsi_opcode_name((uint8_t)opcode)),
					      "count", (json_int_t)counters->by_opcode[opcode]));
	return rows;
}

static json_t *
service_time_rows(const struct drive_counters *counters)
{
	json_t *rows = json_array();
	int last = DRIVE_TIME_BUCKETS - 1;

	if (counters == NULL)
		return rows;
	while (last >= 0 && counters->service_time[last] == 0)
		last--;
	for (int i = 0; i <= last; i++)
		json_array_append_new(
			rows, json_pack("{s:f, s:I}", "below", (double)(1U << i) * 16e-6, "count",
				      (json_int_t)counters->service_time[i]));
	return rows;
}

/* The port that is configured, else what the dialect has; the BMC's web pages may say another. */
static int
port_of(const struct slot *slot, const struct session_status *status)
{
	uint16_t port = slot->target->port[slot->device];

	return port != 0 ? port : status->dialect->port[slot->device];
}

static json_t *
detail_of(const struct slot *slot)
{
	static const struct drive_counters none;
	const struct conf_target *target = slot->target;
	const struct drive_counters *counters;
	struct session_status status;
	const char *failure, *transport;

	registry_status(slot, &status);
	transport = status.transport >= 0 ? transport_name((enum transport)status.transport) : NULL;
	counters = status.counters != NULL ? status.counters : &none;
	failure = status.failure != FAILURE_NONE ? failure_policy(status.failure)->name : NULL;
	return json_pack(
		"{s:o, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I,"
		" s:o, s:o, s:o, s:o, s:o}",
		"slot", slot_row(slot), "address", target->address, "port", port_of(slot, &status),
		"dialect", status.dialect->name, "transport", methods_text(transport), "tls",
		methods_text(status.tls != NULL ? status.tls->version : NULL), "fingerprint",
		methods_text(status.tls != NULL ? status.tls->fingerprint : NULL), "path",
		methods_text(slot->path), "size", (json_int_t)slot->size, "standing",
		(int)slot->is_standing, "failure", methods_text(failure), "retry_at",
		optional_time(status.retry_at), "sessions", (json_int_t)status.sessions, "attempts",
		(json_int_t)status.attempts, "keep_alives", (json_int_t)status.keep_alives,
		"commands", (json_int_t)counters->commands, "failed", (json_int_t)counters->failed,
		"last_command", optional_time(counters->last_command), "last_error",
		optional_reason(&counters->last_error), "last_error_time",
		optional_time(counters->last_error_time), "by_command", command_rows(counters),
		"service_times", service_time_rows(counters));
}

/* The one slot that the selection means, or NULL, and the call is answered. */
static struct slot *
find_one(struct methods *methods, struct varlink_call *call, const char *selector,
	const struct selection *selections, size_t count)
{
	struct slot *slots[DEVICE_COUNT * SLOT_INSTANCES];
	struct reason why;
	size_t found;

	if (count != 1) {
		(void)reason_set(
			&why, "%s means %zu slots or targets, and one is needed", selector, count);
		methods_fail(call, REGISTRY_NO_TARGET, selector, &why);
		return NULL;
	}
	found = methods_find_slots(methods, selections, slots);
	if (found == 1)
		return slots[0];
	if (found == 0) {
		(void)reason_set(&why, "nothing is attached to %s", selector);
		methods_fail(call, REGISTRY_NOT_ATTACHED, selector, &why);
	} else {
		(void)reason_set(&why, "%zu slots of %s have an image: say which one, as in %s",
			found, selector, slots[0]->name);
		methods_fail(call, REGISTRY_NO_DEVICE, selector, &why);
	}
	return NULL;
}

struct slot *
methods_find_slot(struct methods *methods, struct varlink_call *call, const char *selector)
{
	struct selection *selections;
	struct slot *slot;
	size_t count;

	if (!methods_select(methods, call, &selector, 1, &selections, &count))
		return NULL;
	slot = find_one(methods, call, selector, selections, count);
	free(selections);
	return slot;
}

void
methods_show(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	const char *selector;
	const struct param params[] = {
		{ "slot", PARAM_STRING, true, &selector },
	};
	struct slot *slot;

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	slot = methods_find_slot(methods, call, selector);
	if (slot != NULL)
		varlink_reply(call, json_pack("{s:o}", "detail", detail_of(slot)));
}

/* --- Targets --- */

static json_t *
port_rows(const struct conf_target *target)
{
	json_t *rows = json_array();

	for (int device = 0; device < DEVICE_COUNT; device++)
		if (target->port[device] != 0)
			json_array_append_new(rows,
				json_pack("{s:s, s:i}", "device", device_name((enum device)device),
					"port", (int)target->port[device]));
	return rows;
}

static json_t *
label_rows(const struct conf_target *target)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < target->label_count; i++)
		json_array_append_new(
			rows, json_pack("{s:o, s:o}", "key", methods_text(target->labels[i].key),
				      "value", methods_text(target->labels[i].value)));
	return rows;
}

static json_t *
target_row(struct methods *methods, const struct conf_target *target)
{
	const struct selection whole = { .target = target };
	struct slot *slots[DEVICE_COUNT * SLOT_INSTANCES];
	size_t count = methods_find_slots(methods, &whole, slots);
	json_t *names = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(slots[i]->name));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "target", target->name, "address",
		target->address, "dialect", target->dialect->name, "transport",
		target->transport == CHOOSE_TRANSPORT
			? "auto"
			: transport_name((enum transport)target->transport),
		"ports", port_rows(target), "labels", label_rows(target), "slots", names);
}

void
methods_targets(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	struct param_strings selectors = { 0 };
	const struct param params[] = {
		{ "selectors", PARAM_STRINGS, false, &selectors },
	};
	const struct conf_target *last = NULL;
	struct selection *selections;
	json_t *rows = NULL;
	size_t count;

	if (!params_read(call, parameters, params, ARRAY_SIZE(params)))
		return;
	if (methods_select(methods, call, selectors.items, selectors.count, &selections, &count)) {
		rows = json_array();
		for (size_t i = 0; i < count; last = selections[i++].target)
			if (selections[i].target != last)
				json_array_append_new(
					rows, target_row(methods, selections[i].target));
		free(selections);
	}
	free(selectors.items);
	if (rows != NULL)
		varlink_reply(call, json_pack("{s:o}", "targets", rows));
}
