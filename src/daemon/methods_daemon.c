/* SPDX-License-Identifier: GPL-2.0-or-later */
/* methods_daemon: Reload and Version: the daemon itself. */
#include "config.h"

#include <unistd.h>

#include "daemon/methods_private.h"

void
methods_reload(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;
	struct strlist added = { 0 }, changed = { 0 }, removed = { 0 }, errors = { 0 };
	struct reason why;

	if (!params_read(call, parameters, NULL, 0))
		return;
	if (registry_is_stopping(methods->world->registry)) {
		(void)reason_set(&why, "iusbd is stopping");
		methods_fail(call, REGISTRY_STOPPING, NULL, &why);
	} else if (methods->world->reload(
			   methods->world->arg, &added, &changed, &removed, &errors) < 0) {
		(void)reason_set(&why, "the configuration has %zu error%s, nothing has changed",
			errors.count, errors.count == 1 ? "" : "s");
		varlink_error(call, "org.iusbd.BadConfig",
			json_pack("{s:o, s:o}", "errors", methods_strings(&errors), "reason",
				methods_text(why.text)));
	} else {
		varlink_reply(call,
			json_pack("{s:o, s:o, s:o}", "added", methods_strings(&added), "changed",
				methods_strings(&changed), "removed", methods_strings(&removed)));
	}
	strlist_fini(&added);
	strlist_fini(&changed);
	strlist_fini(&removed);
	strlist_fini(&errors);
}

static json_t *
features(void)
{
	json_t *list = json_array();

#ifdef HAVE_SYSTEMD
	json_array_append_new(list, json_string("+systemd"));
#else
	json_array_append_new(list, json_string("-systemd"));
#endif
#ifdef HAVE_LIBNBD
	json_array_append_new(list, json_string("+libnbd"));
#else
	json_array_append_new(list, json_string("-libnbd"));
#endif
	return list;
}

void
methods_version(void *context, struct varlink_call *call, json_t *parameters)
{
	struct methods *methods = context;

	if (!params_read(call, parameters, NULL, 0))
		return;
	varlink_reply(call, json_pack("{s:s, s:o, s:i, s:o}", "version", PACKAGE_VERSION,
				    "features", features(), "pid", (int)getpid(), "config",
				    methods_text(registry_conf(methods->world->registry)->path)));
}
