/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_report: what a look at a BMC has found, as JSON. */
#include "daemon/probe_report.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/methods_private.h"
#include "daemon/probe_stanza.h"

/* NULL for an empty text. */
static json_t *
optional_text(const char *text)
{
	return methods_text(text != NULL && text[0] != '\0' ? text : NULL);
}

/* 0, 1, or -1 for null. */
static json_t *
optional_truth(int truth)
{
	return truth < 0 ? json_null() : json_boolean(truth);
}

static json_t *
optional_number(int number)
{
	return number < 0 ? json_null() : json_integer(number);
}

/* --- ports and certificates --- */

static const char *
service_name(const struct scout_door *door)
{
	switch (door->use) {
	case SCOUT_WEB:
		return "web";
	case SCOUT_MEDIA:
		return device_name(door->device);
	case SCOUT_CONSOLE:
		return "console";
	case SCOUT_HID:
		return "hid";
	}
	return "";
}

static const char *
state_name(enum scout_state state)
{
	static const char *const names[] = {
		[SCOUT_UNTRIED] = "untried",
		[SCOUT_OPEN] = "open",
		[SCOUT_CLOSED] = "closed",
		[SCOUT_SILENT] = "silent",
		[SCOUT_OURS] = "ours",
	};

	return names[state];
}

static json_t *
port_row(const struct scout_door *door)
{
	const char *reason = door->why.text;

	if (door->is_tls && !door->has_tls && door->tls_why.text[0] != '\0')
		reason = door->tls_why.text;
	else if (door->ack_why.text[0] != '\0')
		reason = door->ack_why.text;
	return json_pack("{s:i, s:s, s:s, s:b, s:o, s:b, s:o}", "port", (int)door->port, "service",
		service_name(door), "state", state_name(door->state), "secure", (int)door->is_tls,
		"tls", optional_text(door->has_tls ? door->seen.version : NULL), "legacy",
		(int)door->is_old, "reason", optional_text(reason));
}

/* Whether an earlier port of that use has shown the same certificate. */
static bool
is_repeated(const struct scout_report *report, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (scout_pin(&report->doors[j]) == scout_pin(&report->doors[i]) &&
			strcmp(report->doors[j].seen.fingerprint,
				report->doors[i].seen.fingerprint) == 0)
			return true;
	return false;
}

static json_t *
certificate_row(const struct scout_report *report, const struct scout_door *door, enum pin pin)
{
	const struct tls_seen *seen = &door->seen;

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:b}", "use",
		pin_name(pin), "port", (int)door->port, "fingerprint", seen->fingerprint, "subject",
		methods_text(seen->subject), "issuer", methods_text(seen->issuer), "not_after",
		optional_text(seen->not_after), "self_signed", (int)seen->is_self_signed, "tls",
		seen->version, "cipher", optional_text(seen->cipher), "pinned",
		optional_text(report->pinned[pin]), "trusted", (int)report->is_trusted[pin]);
}

static json_t *
certificate_rows(const struct scout_report *report)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->door_count; i++) {
		int pin = scout_pin(&report->doors[i]);

		if (pin >= 0 && !is_repeated(report, i))
			json_array_append_new(
				rows, certificate_row(report, &report->doors[i], (enum pin)pin));
	}
	return rows;
}

static json_t *
port_rows(const struct scout_report *report)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->door_count; i++)
		json_array_append_new(rows, port_row(&report->doors[i]));
	return rows;
}

/* --- web interface and login --- */

static json_t *
web_row(const struct scout_report *report)
{
	if (report->web_port == 0)
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:o}", "port", (int)report->web_port, "secure",
		(int)report->is_web_tls, "flow", methods_text(scout_web_name(report->web)),
		"reason", optional_text(report->web_why.text));
}

static json_t *
login_row(const struct scout_report *report)
{
	const struct grant *grant = &report->grant;
	const char *failure = NULL;

	if (!report->was_asked)
		return json_null();
	if (report->failure != FAILURE_NONE)
		failure = failure_policy(report->failure)->name;
	if (!report->is_granted)
		return json_pack("{s:o, s:o, s:n, s:n, s:n}", "failure", methods_text(failure),
			"reason", optional_text(report->login_why.text), "licence", "single_port",
			"secure");
	return json_pack("{s:n, s:n, s:o, s:o, s:o}", "failure", "reason", "licence",
		optional_truth(grant->licence), "single_port",
		optional_truth(grant->is_single_port), "secure", optional_truth(grant->is_secure));
}

static json_t *
device_rows(const struct scout_report *report)
{
	const struct grant *grant = &report->grant;
	json_t *rows = json_array();

	if (!report->is_granted || grant->dialect == NULL)
		return rows;
	for (int d = 0; d < DEVICE_COUNT; d++)
		if (d != DEVICE_FD || grant->has_fd)
			json_array_append_new(rows,
				json_pack("{s:s, s:o, s:o, s:o}", "device",
					device_name((enum device)d), "slots",
					optional_number(grant->slots[d]), "port",
					optional_number(grant->port[d] != 0 ? grant->port[d] : -1),
					"attached", optional_truth(grant->is_attached[d])));
	return rows;
}

/* --- slots --- */

static json_t *
slot_row(const struct conf_target *target, const struct scout_slot *slot)
{
	char name[SLOT_NAME_SIZE];

	slot_format(name, target->name, slot->device, slot->instance);
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o}", "slot", name, "device",
		device_name(slot->device), "instance", slot->instance, "state",
		scout_slot_state_name(slot->state), "holder", optional_text(slot->holder), "image",
		optional_text(slot->image), "reason", optional_text(slot->why.text));
}

static json_t *
slot_rows(const struct conf_target *target, const struct scout_report *report)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->slot_count; i++)
		json_array_append_new(rows, slot_row(target, &report->slots[i]));
	return rows;
}

/* --- the whole --- */

static json_t *
way_row(const struct scout_report *report)
{
	if (report->transport < 0)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:b}", "transport",
		transport_name((enum transport)report->transport), "device",
		device_name(report->device), "port",
		optional_number(report->media_port != 0 ? report->media_port : -1), "secure",
		(int)report->is_media_tls);
}

json_t *
probe_report(
	const struct conf_target *target, bool is_configured, const struct scout_report *report)
{
	const char *configured =
		is_configured && !target->dialect->is_auto ? target->dialect->name : NULL;
	char *stanza = probe_stanza(target, report);
	json_t *object = json_pack(
		"{s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:o, s:o}",
		"target", methods_text(is_configured ? target->name : NULL), "address",
		target->address, "numeric", optional_text(report->address), "found",
		(int)report->is_there, "dialect",
		methods_text(report->dialect ? report->dialect->name : NULL), "evidence",
		methods_text(report->evidence), "configured", methods_text(configured),
		"waits_for_login", (int)report->waits_for_auth, "legacy_tls", (int)report->is_old,
		"way", way_row(report), "reason", optional_text(report->plan_why.text), "ports",
		port_rows(report), "certificates", certificate_rows(report), "web", web_row(report),
		"login", login_row(report), "devices", device_rows(report), "slots",
		slot_rows(target, report), "stanza", methods_text(stanza));

	free(stanza);
	return object;
}
