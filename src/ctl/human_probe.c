/* SPDX-License-Identifier: GPL-2.0-or-later */
/* human_probe: what a BMC is, in sections: ports, dialect, certificates, web interface, slots, and
 * the configuration to paste. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctl/field.h"
#include "ctl/human.h"
#include "ctl/table.h"

static const char *
or_dash(const char *text)
{
	return text == NULL || text[0] == '\0' ? "-" : text;
}

static bool
is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = field_text(object, key);

	return value != NULL && strcmp(value, text) == 0;
}

static bool
is_false(const json_t *object, const char *key)
{
	return json_is_false(json_object_get(object, key));
}

static void
print_table(struct output *output, struct table *table)
{
	table_print(table, output->out, output->width, output->has_legend, output->has_color);
	table_free(table);
}

/* --- ports ------------------------------------------------------------------ */

enum port_column {
	PORT_NUMBER,
	PORT_SERVICE,
	PORT_STATE,
	PORT_TLS,
	PORT_NOTE,
	PORT_COLUMNS,
};

static const struct table_column port_columns[PORT_COLUMNS] = {
	[PORT_NUMBER] = { "PORT", TABLE_RIGHT },
	[PORT_SERVICE] = { "SERVICE", TABLE_LEFT },
	[PORT_STATE] = { "STATE", TABLE_LEFT },
	[PORT_TLS] = { "TLS", TABLE_LEFT },
	[PORT_NOTE] = { "NOTE", TABLE_WRAP },
};

static const struct {
	const char *state, *text;
	enum style style;
} port_states[] = {
	{ "open", "open", STYLE_GOOD },
	{ "ours", "serving", STYLE_GOOD },
	{ "closed", "closed", STYLE_DIM },
	{ "silent", "no answer", STYLE_DIM },
};

static bool
is_open(const json_t *port)
{
	return is_text(port, "state", "open") || is_text(port, "state", "ours");
}

static const char *
tls_text(const json_t *port)
{
	if (!is_open(port))
		return NULL;
	if (field_text(port, "tls") != NULL)
		return field_text(port, "tls");
	return field_is_true(port, "secure") ? "failed" : "plain";
}

static void
fill_port(struct table *table, const json_t *port)
{
	const char *state = field_text(port, "state");
	enum style style = STYLE_PLAIN;
	char *number = mem_printf("%llu", (unsigned long long)field_count(port, "port"));

	for (size_t i = 0; i < ARRAY_SIZE(port_states); i++)
		if (is_text(port, "state", port_states[i].state)) {
			state = port_states[i].text;
			style = port_states[i].style;
		}
	table_row(table);
	table_set(table, PORT_NUMBER, number, STYLE_PLAIN);
	table_set(table, PORT_SERVICE, field_text(port, "service"), STYLE_PLAIN);
	table_set(table, PORT_STATE, state, style);
	table_set(table, PORT_TLS, tls_text(port),
		field_is_true(port, "legacy") ? STYLE_WARNING : STYLE_PLAIN);
	if (is_open(port))
		table_set(table, PORT_NOTE,
			field_is_true(port, "legacy") ? "only with tls.legacy"
						      : field_text(port, "reason"),
			STYLE_WARNING);
	free(number);
}

static void
print_ports(struct output *output, const json_t *ports)
{
	struct table *table = table_new(port_columns, PORT_COLUMNS);
	json_t *port;
	size_t i;

	human_section(output, "Ports");
	json_array_foreach (ports, i, port)
		fill_port(table, port);
	print_table(output, table);
}

/* --- the BMC ---------------------------------------------------------------- */

static void
print_dialect(struct output *output, const json_t *report)
{
	const char *dialect = field_text(report, "dialect");
	const char *configured = field_text(report, "configured");

	if (dialect != NULL)
		human_value(output, STYLE_GOOD, "dialect", "%s (%s)", dialect,
			or_dash(field_text(report, "evidence")));
	else if (field_is_true(report, "waits_for_login"))
		human_value(output, STYLE_WARNING, "dialect",
			"asp or rest: it waits for authentication");
	else
		human_value(output, STYLE_WARNING, "dialect", "not found");
	if (configured != NULL && (dialect == NULL || strcmp(dialect, configured) != 0))
		human_value(output, dialect == NULL ? STYLE_PLAIN : STYLE_WARNING, "configured",
			"%s", configured);
}

static void
print_way(struct output *output, const json_t *report)
{
	const json_t *way = json_object_get(report, "way");
	const char *reason = field_text(report, "reason");

	if (json_is_object(way))
		human_value(output, STYLE_PLAIN, "transport", "%s: %s on port %llu, %s",
			or_dash(field_text(way, "transport")), or_dash(field_text(way, "device")),
			(unsigned long long)field_count(way, "port"),
			field_is_true(way, "secure") ? "TLS" : "plain");
	if (reason != NULL)
		human_value(output, STYLE_BAD, "not served", "%s", reason);
	if (field_is_true(report, "legacy_tls"))
		human_value(output, STYLE_WARNING, "TLS", "old: needs tls.legacy");
}

/* "cd 2, hd 1 (detached)"; owned by the caller. */
static char *
join_devices(const json_t *devices)
{
	char *joined = mem_strdup("");
	json_t *device;
	size_t i;

	json_array_foreach (devices, i, device) {
		const json_t *slots = json_object_get(device, "slots");
		char *longer, number[24] = "";

		if (json_is_integer(slots))
			(void)snprintf(number, sizeof(number), " %lld",
				(long long)json_integer_value(slots));
		longer = mem_printf("%s%s%s%s%s", joined, i > 0 ? ", " : "",
			or_dash(field_text(device, "device")), number,
			is_false(device, "attached") ? " (detached)" : "");
		free(joined);
		joined = longer;
	}
	return joined;
}

static void
print_login(struct output *output, const json_t *report)
{
	const json_t *login = json_object_get(report, "login");
	char *devices = join_devices(field_array(report, "devices"));

	if (!json_is_object(login)) {
		free(devices);
		return;
	}
	if (field_text(login, "failure") != NULL)
		human_value(output, STYLE_BAD, "login", "%s", or_dash(field_text(login, "reason")));
	else
		human_value(output, STYLE_GOOD, "login", "accepted");
	if (json_is_boolean(json_object_get(login, "licence")))
		human_value(output, is_false(login, "licence") ? STYLE_BAD : STYLE_PLAIN, "licence",
			"%s", is_false(login, "licence") ? "missing" : "there");
	if (devices[0] != '\0')
		human_value(output, STYLE_PLAIN, "slots", "%s", devices);
	free(devices);
}

static void
print_web(struct output *output, const json_t *web)
{
	static const struct {
		const char *flow, *text;
	} flows[] = {
		{ "asp", "asp (pages that end in .asp)" },
		{ "rest", "rest (/api)" },
		{ "digest", "HTTP authentication" },
		{ "other", "of another kind" },
	};
	const char *text = "no answer", *reason = field_text(web, "reason");

	for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
		if (is_text(web, "flow", flows[i].flow))
			text = flows[i].text;
	human_value(output, STYLE_PLAIN, "web interface", "port %llu, %s: %s%s%s",
		(unsigned long long)field_count(web, "port"),
		field_is_true(web, "secure") ? "TLS" : "plain", text, reason != NULL ? ", " : "",
		reason != NULL ? reason : "");
}

static void
print_bmc(struct output *output, const json_t *report)
{
	const json_t *web = json_object_get(report, "web");

	human_section(output, "BMC");
	print_dialect(output, report);
	print_way(output, report);
	if (json_is_object(web))
		print_web(output, web);
	print_login(output, report);
}

/* --- certificates ----------------------------------------------------------- */

static void
print_pin(struct output *output, const json_t *certificate)
{
	const char *pinned = field_text(certificate, "pinned");
	const char *fingerprint = field_text(certificate, "fingerprint");
	const bool is_same =
		pinned != NULL && fingerprint != NULL && strcmp(pinned, fingerprint) == 0;

	if (is_same)
		human_value(output, STYLE_GOOD, "pinned", "yes, this one");
	else if (field_is_true(certificate, "trusted"))
		human_value(output, STYLE_GOOD, "pinned", "yes, from now on%s%s",
			pinned != NULL ? " instead of " : "", pinned != NULL ? pinned : "");
	else if (pinned != NULL)
		human_value(output, STYLE_BAD, "pinned", "another one: %s", pinned);
}

static void
print_details(struct output *output, const json_t *certificate)
{
	human_value(output, STYLE_PLAIN, "SHA-256", "%s",
		or_dash(field_text(certificate, "fingerprint")));
	human_value(
		output, STYLE_PLAIN, "subject", "%s", or_dash(field_text(certificate, "subject")));
	human_value(output, STYLE_PLAIN, "issuer", "%s",
		field_is_true(certificate, "self_signed")
			? "itself (self-signed)"
			: or_dash(field_text(certificate, "issuer")));
	human_value(output, STYLE_PLAIN, "valid until", "%s",
		or_dash(field_text(certificate, "not_after")));
}

/* first: another one that was printed before, or NULL. */
static void
print_certificate(struct output *output, const json_t *certificate, const json_t *first)
{
	const char *fingerprint = field_text(certificate, "fingerprint");
	char *title = mem_printf("Certificate of the %s ports",
		is_text(certificate, "use", "web") ? "web" : "media");

	human_section(output, title);
	free(title);
	if (first != NULL && fingerprint != NULL && is_text(first, "fingerprint", fingerprint))
		human_value(output, STYLE_PLAIN, "SHA-256", "the same");
	else
		print_details(output, certificate);
	human_value(output, STYLE_PLAIN, "seen with", "port %llu, %s, %s",
		(unsigned long long)field_count(certificate, "port"),
		or_dash(field_text(certificate, "tls")),
		or_dash(field_text(certificate, "cipher")));
	print_pin(output, certificate);
}

/* --- slots ------------------------------------------------------------------ */

enum slot_column {
	SLOT_NAME,
	SLOT_STATE,
	SLOT_HOLDER,
	SLOT_NOTE,
	SLOT_COLUMNS,
};

static const struct table_column slot_columns[SLOT_COLUMNS] = {
	[SLOT_NAME] = { "SLOT", TABLE_LEFT },
	[SLOT_STATE] = { "STATE", TABLE_LEFT },
	[SLOT_HOLDER] = { "HOLDER", TABLE_LEFT },
	[SLOT_NOTE] = { "NOTE", TABLE_WRAP },
};

static const struct {
	const char *state, *text;
	enum style style;
} slot_states[] = {
	{ "unknown", "not asked", STYLE_DIM },
	{ "ours", "serving", STYLE_GOOD },
	{ "free", "free", STYLE_GOOD },
	{ "in-use", "in use", STYLE_WARNING },
	{ "detached", "detached", STYLE_BAD },
	{ "refused", "refused", STYLE_BAD },
	{ "failed", "failed", STYLE_BAD },
};

static void
fill_slot(struct table *table, const json_t *slot)
{
	const char *state = field_text(slot, "state"), *holder = field_text(slot, "holder");
	const char *note = field_text(slot, "reason");
	enum style style = STYLE_PLAIN;

	for (size_t i = 0; i < ARRAY_SIZE(slot_states); i++)
		if (is_text(slot, "state", slot_states[i].state)) {
			state = slot_states[i].text;
			style = slot_states[i].style;
		}
	if (is_text(slot, "state", "ours")) {
		holder = "iusbd";
		note = field_text(slot, "image");
	} else if (is_text(slot, "state", "detached")) {
		note = "in the BMC's attach mode";
	} else if (is_text(slot, "state", "unknown")) {
		note = "--slots asks";
	}
	table_row(table);
	table_set(table, SLOT_NAME, field_text(slot, "slot"), STYLE_PLAIN);
	table_set(table, SLOT_STATE, state, style);
	table_set(table, SLOT_HOLDER, holder, STYLE_PLAIN);
	table_set(table, SLOT_NOTE, note, STYLE_PLAIN);
}

static void
print_slots(struct output *output, const json_t *slots)
{
	struct table *table;
	json_t *slot;
	size_t i;

	if (json_array_size(slots) == 0)
		return;
	human_section(output, "Slots");
	table = table_new(slot_columns, SLOT_COLUMNS);
	json_array_foreach (slots, i, slot)
		fill_slot(table, slot);
	print_table(output, table);
}

/* --- the whole --------------------------------------------------------------- */

/* Line by line, as it is to be pasted. */
static void
print_stanza(struct output *output, const char *stanza)
{
	human_section(output, "For the list \"targets\" of iusbd.conf");
	while (stanza != NULL && *stanza != '\0') {
		const size_t len = strcspn(stanza, "\n");

		output_line(output, "%.*s", (int)len, stanza);
		stanza += len + (stanza[len] == '\n');
	}
}

static void
print_heading(struct output *output, const json_t *report)
{
	const char *target = field_text(report, "target");
	const char *address = field_text(report, "address");
	const char *numeric = field_text(report, "numeric");
	const bool is_name = numeric != NULL && address != NULL && strcmp(numeric, address) != 0;

	output_text(output, STYLE_TITLE, "%s", or_dash(target != NULL ? target : address));
	if (target != NULL || is_name)
		output_text(output, STYLE_PLAIN, " (%s)", or_dash(is_name ? numeric : address));
	fputs(": ", output->out);
	if (!field_is_true(report, "found"))
		output_text(output, STYLE_BAD, "nothing answers");
	else if (field_text(report, "dialect") != NULL)
		output_text(output, STYLE_GOOD, "%s", field_text(report, "dialect"));
	else
		output_text(output, STYLE_WARNING, "of an unknown dialect");
	fputc('\n', output->out);
}

void
human_probe(struct output *output, const json_t *report)
{
	const json_t *first = NULL;
	json_t *certificate;
	size_t i;

	print_heading(output, report);
	print_ports(output, field_array(report, "ports"));
	if (!field_is_true(report, "found"))
		return;
	print_bmc(output, report);
	json_array_foreach (field_array(report, "certificates"), i, certificate) {
		print_certificate(output, certificate, first);
		first = certificate;
	}
	print_slots(output, field_array(report, "slots"));
	print_stanza(output, field_text(report, "stanza"));
}
