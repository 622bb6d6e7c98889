/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_private: what the families of methods share. */
#ifndef DAEMON_METHODS_PRIVATE_H
#define DAEMON_METHODS_PRIVATE_H

#include <sys/queue.h>

#include "bmc/scout.h"
#include "daemon/methods.h"
#include "daemon/params.h"
#include "daemon/registry.h"
#include "daemon/select.h"

struct probe;
struct wait;

struct methods {
	const struct methods_world *world;
	TAILQ_HEAD(, wait) waits;       /* calls under way (methods_wait.h) */
	TAILQ_HEAD(, probe) probes;     /* and those of Probe (methods_probe.c) */
	struct scout_times probe_times; /* tests have other ones */
};

/* The text of the interface, made from org.iusbd.varlink. */
extern const char methods_description[];

/* The methods; context is a struct methods. */
varlink_method_cb methods_status, methods_show, methods_targets;
varlink_method_cb methods_images;
varlink_method_cb methods_probe;
varlink_method_cb methods_attach, methods_detach;
varlink_method_cb methods_swap;
varlink_method_cb methods_reload, methods_version;

/* Every call of Probe ends with org.iusbd.Stopping. */
void methods_probe_stop(struct methods *methods, const struct reason *why);

/* A JSON string; what is not UTF-8 in it becomes '?'. A null text gives null. */
json_t *methods_text(const char *text) MUST_CHECK;

/* A JSON array of the strings. */
json_t *methods_strings(const struct strlist *list) MUST_CHECK;

/* "org.iusbd.NoSuchTarget" */
const char *methods_error_name(enum registry_error error);

/* The error as the last answer. subject is the value of its first parameter (the selector, image,
 * device or slot), not used if it has none. */
void methods_fail(struct varlink_call *call, enum registry_error error, const char *subject,
	const struct reason *why);

/* As select_targets(); on an error the call is answered and the result is false. */
bool methods_select(struct methods *methods, struct varlink_call *call, const char *const *items,
	size_t item_count, struct selection **out, size_t *count) MUST_CHECK;

/* Appends the slots with an attachment that a selection means to slots, which has room for
 * DEVICE_COUNT * SLOT_INSTANCES more; returns how many. */
size_t methods_find_slots(
	struct methods *methods, const struct selection *selection, struct slot **slots);

/* The one slot with an attachment that the selector means; NULL, and the call is answered, if that
 * is none or several. */
struct slot *methods_find_slot(
	struct methods *methods, struct varlink_call *call, const char *selector) MUST_CHECK;

#endif
