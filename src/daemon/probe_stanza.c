/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_stanza: what was found, as text that iusbd.conf takes. */
#include "daemon/probe_stanza.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/conf_schema.h"

struct stanza {
	FILE *out;
	const struct conf_target *target;
	const struct scout_report *report;
	const struct dialect *dialect;
};

static void
put_text(const struct stanza *stanza, const char *key, const char *text)
{
	fprintf(stanza->out, "%s = \"", key);
	for (; *text; text++)
		fprintf(stanza->out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	fputs("\";", stanza->out);
}

/* A word of the configuration for a value of one of its enums. */
static const char *
word(enum conf_scope scope, const char *key, int value)
{
	return conf_word_text(conf_row_find(scope, key)->words, value);
}

/* ---- transport and ports ---- */

static bool
is_direct(const struct stanza *stanza)
{
	return stanza->report->is_granted && stanza->report->transport == TRANSPORT_DIRECT;
}

static const char *
transport_of(const struct stanza *stanza)
{
	const struct scout_report *report = stanza->report;

	if (stanza->target->transport != CHOOSE_TRANSPORT)
		return word(CONF_TARGET, "transport", (int)stanza->target->transport);
	if (!stanza->dialect->has_tunnel && !stanza->dialect->has_websocket)
		return transport_name(TRANSPORT_DIRECT);
	if (!report->is_granted || report->transport < 0)
		return "auto";
	/* The other devices come by the tunnel. */
	if (report->transport == TRANSPORT_WEBSOCKET && stanza->dialect->has_tunnel &&
		report->grant.slots[DEVICE_HD] != 0)
		return "auto";
	return transport_name((enum transport)report->transport);
}

/* 0: none that has to be said. */
static uint16_t
port_of(const struct stanza *stanza, enum device device)
{
	const struct grant *grant = &stanza->report->grant;
	uint16_t usual = grant->is_secure == 1 ? stanza->dialect->secure_port[device]
					       : stanza->dialect->port[device];

	if (stanza->target->port[device] != 0)
		return stanza->target->port[device];
	return is_direct(stanza) && grant->port[device] != usual ? grant->port[device] : 0;
}

static void
put_ports(const struct stanza *stanza)
{
	bool has_any = false;

	for (int d = 0; d < DEVICE_COUNT; d++) {
		uint16_t port = port_of(stanza, (enum device)d);

		if (port == 0)
			continue;
		fprintf(stanza->out, "%s%s = %u; ", has_any ? "" : "\n    ports = { ",
			device_name((enum device)d), port);
		has_any = true;
	}
	if (stanza->target->web_port != 0) {
		fprintf(stanza->out, "%sweb = %u; ", has_any ? "" : "\n    ports = { ",
			stanza->target->web_port);
		has_any = true;
	}
	if (has_any)
		fputs("};", stanza->out);
}

/* ---- login and TLS ---- */

static enum conf_login
login_of(const struct stanza *stanza)
{
	if (stanza->dialect->bmc_speaks_first && !stanza->dialect->is_auto)
		return CONF_LOGIN_NONE;
	if (stanza->target->login == CONF_LOGIN_TOKEN)
		return CONF_LOGIN_TOKEN;
	if (stanza->dialect->login == WEB_LOGIN_ASP)
		return CONF_LOGIN_ASP;
	return stanza->dialect->login == WEB_LOGIN_REST ? CONF_LOGIN_REST : CONF_LOGIN_AUTO;
}

static bool
has_placeholder(const struct stanza *stanza)
{
	enum conf_login login = login_of(stanza);

	return login != CONF_LOGIN_NONE &&
	       ((login != CONF_LOGIN_TOKEN && !stanza->target->login_user) ||
		       !stanza->target->login_secret);
}

static void
put_login(const struct stanza *stanza)
{
	const struct conf_target *target = stanza->target;
	enum conf_login login = login_of(stanza);
	char *path;

	fputs("\n    login = { ", stanza->out);
	put_text(stanza, "method", word(CONF_LOGIN, "method", (int)login));
	if (login != CONF_LOGIN_NONE && login != CONF_LOGIN_TOKEN) {
		putc(' ', stanza->out);
		put_text(stanza, "user", target->login_user ? target->login_user : "USER");
	}
	if (login != CONF_LOGIN_NONE) {
		path = mem_printf("/etc/iusbd/%s.pass", target->name);
		putc(' ', stanza->out);
		put_text(stanza, "password_file",
			target->login_secret ? target->login_secret : path);
		free(path);
	}
	fputs(" };", stanza->out);
}

/* Nobody is led to send a password in the clear where there is a port for TLS. */
static bool
is_web_plain(const struct scout_report *report)
{
	for (size_t i = 0; i < report->door_count; i++)
		if (report->doors[i].use == SCOUT_WEB && report->doors[i].is_tls &&
			report->doors[i].state == SCOUT_OPEN)
			return false;
	return report->web_port != 0 && !report->is_web_tls;
}

static void
put_tls(const struct stanza *stanza)
{
	const struct scout_report *report = stanza->report;
	const struct conf_target *target = stanza->target;
	bool is_plain = is_web_plain(report);

	if (stanza->dialect->bmc_speaks_first && !stanza->dialect->is_auto)
		return;
	fputs("\n    tls = { ", stanza->out);
	put_text(
		stanza, "mode", word(CONF_TLS, "mode", is_plain ? TLS_OFF : (int)target->tls_mode));
	putc(' ', stanza->out);
	put_text(stanza, "verify", word(CONF_TLS, "verify", (int)target->tls_verify));
	fprintf(stanza->out, " legacy = %s; };",
		report->is_old || target->tls_legacy ? "true" : "false");
}

/* ---- the whole ---- */

static void
put_comments(const struct stanza *stanza)
{
	if (stanza->dialect->is_auto)
		fputs("  # Nothing says which dialect it is: iusbd tries.\n", stanza->out);
	if (has_placeholder(stanza))
		fputs("  # User and password_file are yours to fill in.\n", stanza->out);
}

char *
probe_stanza(const struct conf_target *target, const struct scout_report *report)
{
	struct stanza stanza = {
		.target = target,
		.report = report,
		.dialect = report->dialect ? report->dialect : target->dialect,
	};
	char *text = NULL;
	size_t len;

	stanza.out = open_memstream(&text, &len);
	if (!stanza.out)
		return mem_strdup("");
	put_comments(&stanza);
	fputs("  { ", stanza.out);
	put_text(&stanza, "name", target->name);
	putc(' ', stanza.out);
	put_text(&stanza, "address", target->address);
	putc(' ', stanza.out);
	put_text(&stanza, "dialect", stanza.dialect->name);
	putc(' ', stanza.out);
	put_text(&stanza, "transport", transport_of(&stanza));
	put_ports(&stanza);
	put_login(&stanza);
	put_tls(&stanza);
	fputs(" }\n", stanza.out);
	if (fclose(stanza.out) != 0) {
		free(text);
		return mem_strdup("");
	}
	return text;
}
