/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink_service: org.varlink.service, by which a client finds out what is served. */
#include <string.h>

#include "base/compiler.h"
#include "config.h"
#include "daemon/varlink_private.h"

static const char description[] =
	"# What every Varlink service tells about itself.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Who made this service, and the interfaces that it implements.\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# The text of an interface.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n";

static void
get_info(void *context, struct varlink_call *call, json_t *parameters)
{
	const struct varlink_server *server = context;
	json_t *interfaces;

	if (json_object_size(parameters) > 0) {
		varlink_invalid(call, json_object_iter_key(json_object_iter(parameters)));
		return;
	}
	interfaces = json_array();
	for (int i = 0; i < VARLINK_INTERFACES; i++)
		json_array_append_new(
			interfaces, json_string(server->interfaces[i].interface->name));
	varlink_reply(
		call, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", "iusbd", "product", "iusbd",
			      "version", PACKAGE_VERSION, "url", "", "interfaces", interfaces));
}

static void
get_description(void *context, struct varlink_call *call, json_t *parameters)
{
	const struct varlink_server *server = context;
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	if (name == NULL || json_object_size(parameters) > 1) {
		varlink_invalid(call, "interface");
		return;
	}
	for (int i = 0; i < VARLINK_INTERFACES; i++) {
		const struct varlink_interface *interface = server->interfaces[i].interface;

		if (strcmp(interface->name, name) == 0) {
			varlink_reply(
				call, json_pack("{s:s}", "description", interface->description));
			return;
		}
	}
	varlink_error(call, "org.varlink.service.InterfaceNotFound",
		json_pack("{s:s}", "interface", name));
}

static const struct varlink_method methods[] = {
	{ "org.varlink.service.GetInfo", VARLINK_ROLE_NONE, get_info },
	{ "org.varlink.service.GetInterfaceDescription", VARLINK_ROLE_NONE, get_description },
};

const struct varlink_interface varlink_service = {
	.name = "org.varlink.service",
	.description = description,
	.methods = methods,
	.method_count = ARRAY_SIZE(methods),
};
