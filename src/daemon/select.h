/* SPDX-License-Identifier: GPL-2.0-or-later */
/* select: SELECTORs (design section 6) to targets and slots. */
#ifndef DAEMON_SELECT_H
#define DAEMON_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "daemon/conf.h"

struct selection { /* one target, or one slot of it if that was meant */
	const struct conf_target *target;
	bool has_slot;
	enum device device;
	int instance;
};

enum select_result {
	SELECT_OK,
	SELECT_UNKNOWN,   /* means nothing, or is malformed */
	SELECT_NO_DEVICE, /* what stands behind the slash is no device or instance */
};

/*
 * What the selectors mean, in the order of the configuration, nothing twice: a name, a glob
 * ("rack2-*"), a range ("node[001-128]", all of which must exist), "@label=value", each with
 * "/device[instance]" behind it where one slot is meant. No selectors: every target. A target
 * comes before its slots. *out is a new array of *count elements, freed by the caller.
 *
 * On an error *out is NULL, *bad is the selector (or what stands behind its slash, for
 * SELECT_NO_DEVICE) and why is for a person and names the nearest target if the name is close to
 * one.
 */
enum select_result select_targets(const struct conf *conf, const char *const *selectors,
	size_t selector_count, struct selection **out, size_t *count, const char **bad,
	struct reason *why) MUST_CHECK;

#endif
