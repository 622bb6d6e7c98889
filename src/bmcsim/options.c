/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options: the command line of iusb-bmcsim. */
#include "config.h"

#include "bmcsim/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bmcsim/bmc_fault.h"
#include "bmcsim/options_parts.h"
#include "bmcsim/profiles.h"
#include "bmcsim/values.h"
#include "iusb/dialect.h"

enum {
	HELP_COLUMN = 26,
	FIRST_LONG = 256, /* getopt's value for row 0; below are characters */
};

int
option_text(const char *text, char **out, struct reason *why)
{
	if (!*text)
		return reason_set(why, "it must not be empty");
	free(*out);
	*out = mem_strdup(text);
	return 0;
}

static int
set_nodes(struct options *out, const char *value, struct reason *why)
{
	return value_number(value, 1, OPTIONS_NODES_MAX, &out->nodes, why);
}

static int
set_name(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->pattern, why);
}

static int
set_address(struct options *out, const char *value, struct reason *why)
{
	if (inet_pton(AF_INET, value, &out->address) != 1)
		return reason_set(why, "\"%s\" is no IPv4 address", value);
	return 0;
}

static int
set_same_address(struct options *out, const char *value UNUSED, struct reason *why UNUSED)
{
	out->is_same_address = true;
	return 0;
}

static int
set_port_base(struct options *out, const char *value, struct reason *why)
{
	return value_number(value, 0, OPTIONS_PORT_MAX, &out->port_base, why);
}

static int
set_port_step(struct options *out, const char *value, struct reason *why)
{
	out->is_same_address = true;
	return value_number(value, 4, OPTIONS_PORT_MAX, &out->port_step, why);
}

static int
set_dialect(struct options *out, const char *value, struct reason *why)
{
	const struct dialect *dialect = dialect_find(value);

	if (!dialect || dialect->is_auto)
		return reason_set(why, "\"%s\" is no dialect", value);
	out->conf.dialect = dialect;
	return 0;
}

static int
set_ready_file(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->ready_file, why);
}

static int
set_print_targets(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->targets_file, why);
}

static int
set_quirks(struct options *out, const char *value, struct reason *why)
{
	return bmc_quirks_parse(value, &out->conf.quirks, why);
}

/* KIND[:AFTER[:TIMES]] */
static int
set_fault(struct options *out, const char *value, struct reason *why)
{
	struct bmc_conf *conf = &out->conf;
	char *copy = mem_strdup(value), *rest = copy;
	const char *kind = strsep(&rest, ":");
	const char *after = strsep(&rest, ":");
	const char *times = strsep(&rest, ":");
	int result = 0;

	conf->fault_after = conf->fault_times = 0;
	if (!bmc_fault_parse(kind, &conf->fault) || rest)
		result = reason_set(why, "\"%s\" is no fault; see iusb-bmcsim(1)", value);
	if (result == 0 && after)
		result = value_number(after, 0, INT32_MAX, &conf->fault_after, why);
	if (result == 0 && times)
		result = value_number(times, 0, INT32_MAX, &conf->fault_times, why);
	if (result == 0 && conf->fault_after > 0 && bmc_fault_is_refusal(conf->fault))
		result = reason_set(why, "\"%s\" happens at connect only, after 0 requests", kind);
	free(copy);
	return result;
}

static int
set_seed(struct options *out, const char *value, struct reason *why)
{
	out->has_seed = true;
	return value_number(value, 0, UINT32_MAX, &out->conf.seed, why);
}

static int
set_idle(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0.001, &out->conf.idle, why);
}

static int
set_patience(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0.001, &out->conf.patience, why);
}

static int
set_filter(struct options *out, const char *value, struct reason *why)
{
	static const char *const names[] = {
		[FILTER_OFF] = "off",
		[FILTER_ON] = "on",
		[FILTER_NONE] = "none",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			out->conf.filter = (enum bmc_filter)i;
			out->given |= GIVEN_FILTER;
			return 0;
		}
	}
	return reason_set(why, "\"%s\" is none of on, off, none", value);
}

static int
set_strict(struct options *out, const char *value, struct reason *why)
{
	return value_switch(value, &out->conf.is_strict, why);
}

static int
set_device(struct options *out, const char *value, struct reason *why)
{
	bool *has_device = out->has_device;
	char *copy = mem_strdup(value), *rest = copy, *word;
	enum device device;
	int result = 0;

	for (int i = 0; i < DEVICE_COUNT; i++)
		has_device[i] = strcmp(value, "all") == 0;
	while (!has_device[DEVICE_CD] && result == 0 && (word = strsep(&rest, ","))) {
		if (strcmp(word, "all") != 0 && !device_parse(word, &device))
			result = reason_set(why, "\"%s\" is no device: cd, fd, hd or all", word);
		else if (strcmp(word, "all") != 0)
			has_device[device] = true;
	}
	free(copy);
	return result;
}

static int
set_host(struct options *out, const char *value, struct reason *why)
{
	host_script_free(out->script);
	out->script = host_script_new(value, why);
	return out->script ? 0 : -1;
}

static int
set_usbredir(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->usbredir, why);
}

static int
set_once(struct options *out, const char *value UNUSED, struct reason *why UNUSED)
{
	out->is_once = true;
	return 0;
}

static int
set_log_level(struct options *out, const char *value, struct reason *why)
{
	if (!log_level_parse(value, &out->log_level))
		return reason_set(why, "\"%s\" is none of error, warning, info, debug", value);
	return 0;
}

static int set_profile(struct options *out, const char *value, struct reason *why);

static const struct row {
	const char *name;
	const char *value; /* what it is called in the help; NULL: takes none */
	option_set *set;   /* NULL: a heading, its text in help */
	const char *help;
} rows[] = {
	{ NULL, NULL, NULL, "BMCs" },
	{ "nodes", "N", set_nodes, "how many BMCs to simulate [1]" },
	{ "name", "PATTERN", set_name, "their names, node[01-40] [sim[001-N]]" },
	{ "address", "A", set_address, "address of the first; node i gets A + i [127.0.0.1]" },
	{ "same-address", NULL, set_same_address, "all of them at A, ports further up" },
	{ "port-base", "P", set_port_base, "port of the cd, others above; 0: free ports [5120]" },
	{ "port-step", "S", set_port_step, "ports from node to node at the same address [10]" },
	{ "web-port-base", "P", option_web_port_base, "HTTP P, HTTPS P+1 [port-base + 8]" },
	{ "dialect", "D", set_dialect, "legacy, asp, rest or rest-gadget [legacy]" },
	{ "profile", "NAME", set_profile, "as a real board; what follows changes it; or list" },
	{ NULL, NULL, NULL, "When they listen" },
	{ "ready-file", "FILE", set_ready_file, "write the lines that are printed there, too" },
	{ "print-targets", "FILE", set_print_targets,
		"write \"targets = (...);\" for iusbd.conf; - is stdout" },
	{ "control", "PATH", option_control, "Unix socket for reboot, kill, status and others" },
	{ NULL, NULL, NULL, "Slots and tokens" },
	{ "slots", "LIST", option_slots, "how many of each: cd=2,fd=1,hd=0 [the dialect's]" },
	{ "token", "TEXT", option_token, "no web server; the token that is good [any]" },
	{ "ack", "N[:TIMES]", option_ack, "tell clients that are not refused anyway status N" },
	{ "owner", "ADDRESS", option_owner, "who is said to hold a slot [who does]" },
	{ "owner-field", "0|24|39|45", option_owner_field,
		"bytes of the owner in an ACK [24; rest: 39]" },
	{ "attach-mode", "MODE", option_attach_mode, "session, always or detached [session]" },
	{ "refusal-pause", "S", option_refusal_pause, "seconds after a refusal [3]" },
	{ NULL, NULL, NULL, "Web server and TLS" },
	{ "web", "FLOW", option_web, "how one logs in: off, asp, rest or digest [the dialect's]" },
	{ "user", "NAME", option_user, "[admin]" },
	{ "password", "TEXT", option_password, "[admin]" },
	{ "password-file", "FILE", option_password_file, "the password is its first line" },
	{ "web-quirks", "LIST", option_web_quirks, "all, none, or a list [the flow's]" },
	{ "web-sessions", "N", option_web_sessions, "web sessions at a time [4]" },
	{ "session-life", "S", option_session_life, "seconds without a request [300]" },
	{ "token-life", "S", option_token_life, "seconds; 0: as long as its web session [0]" },
	{ "ban", "N:S", option_ban, "403 for S seconds after N requests within 10 [0]" },
	{ "licence", "on|off", option_licence, "media are licensed [on]" },
	{ "privilege", "on|off", option_privilege, "the user may use media [on]" },
	{ "tls", "off|new|old", option_tls, "old: TLS 1.0 [new; legacy: off]" },
	{ "tls-pem", "FILE", option_tls_pem, "key and certificate [self-signed]" },
	{ "media-tls", "on|off|both", option_media_tls, "media ports [rest: on; else off]" },
	{ "single-port", "on|off", option_single_port, "media by the web port only [off]" },
	{ "tunnel", "on|off", option_tunnel, "CONNECT on the web port [the dialect's]" },
	{ "websocket", "on|off", option_websocket, "on the web port [the dialect's]" },
	{ NULL, NULL, NULL, "Behaviour" },
	{ "quirks", "LIST", set_quirks, "all, none, or a list; -NAME takes one away [all]" },
	{ "fault", "KIND[:AFTER[:TIMES]]", set_fault,
		"break the session after so many good requests [none]" },
	{ "filter", "on|off|none", set_filter,
		"forward what newer firmware does, what legacy does, or all [legacy: off]" },
	{ "idle", "S", set_idle, "seconds without a command before a ping [60]" },
	{ "patience", "S", set_patience, "seconds of each step of the drop rule [60]" },
	{ "poll", "S", option_poll, "seconds between the polls of an idle machine [1]" },
	{ "reboot-time", "S", option_reboot_time, "seconds that a reboot takes [5]" },
	{ "strict", "on|off", set_strict, "complain of clients that break a rule [on]" },
	{ "seed", "N", set_seed, "play the same quirks again [random, logged]" },
	{ NULL, NULL, NULL, "The machine behind the BMC" },
	{ "device", "LIST", set_device, "what it looks at: cd, fd, hd, all [all]" },
	{ "host", "SCRIPT", set_host, "built-in host: enumerate,compare=dos.img,eject" },
	{ "once", NULL, set_once, "exit when the script has run on every node; 1 if it failed" },
	{ "usbredir", "PATH", set_usbredir, "socket for QEMU's usb-redir; %n node, %d device" },
	{ NULL, NULL, NULL, "Other" },
	{ "log-level", "LEVEL", set_log_level, "error, warning, info or debug [info]" },
	{ "help", NULL, NULL, "print this" },
	{ "version", NULL, NULL, "print the version" },
};

static const struct row *
find_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].name && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* A profile is a command line: "--name value --name value". */
static int
set_profile(struct options *out, const char *value, struct reason *why)
{
	const struct profile *profile = profile_find(value, why);
	char *copy, *rest, *word;
	int result = 0;

	if (!profile)
		return -1;
	copy = rest = mem_strdup(profile->options);
	while (result == 0 && (word = strsep(&rest, " ")))
		result = find_row(word + strlen("--"))->set(out, strsep(&rest, " "), why);
	free(copy);
	return result;
}

static void
print_words(const char *title, const char *word)
{
	printf("%s%s", title, word);
}

static void
print_help(void)
{
	char left[64];

	printf("usage: iusb-bmcsim [OPTION...]\n"
	       "Simulates BMCs that offer virtual media to an iusbd, and the machines behind them.\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].name) {
			printf("\n%s:\n", rows[i].help);
			continue;
		}
		snprintf(left, sizeof(left), "  --%s%s%s", rows[i].name, rows[i].value ? " " : "",
			rows[i].value ? rows[i].value : "");
		if (strlen(left) < HELP_COLUMN)
			printf("%-*s%s\n", HELP_COLUMN, left, rows[i].help);
		else
			printf("%s\n%*s%s\n", left, HELP_COLUMN, "", rows[i].help);
	}
	print_words("\nQuirks: ", bmc_quirk_name(0));
	for (unsigned bit = 1; bmc_quirk_name(bit); bit++)
		print_words(", ", bmc_quirk_name(bit));
	print_words("\nWeb quirks: ", option_web_quirk_name(0));
	for (unsigned bit = 1; option_web_quirk_name(bit); bit++)
		print_words(", ", option_web_quirk_name(bit));
	print_words("\nFaults: ", bmc_fault_name(FAULT_NONE));
	for (enum bmc_fault fault = FAULT_NONE + 1; fault <= FAULT_KILL; fault++)
		print_words(", ", bmc_fault_name(fault));
	printf("\nSteps of a host script:\n");
	for (size_t i = 0; host_verb_at(i); i++) {
		static const char *const arguments[] = {
			[TAKES_NOTHING] = "",
			[TAKES_FILE] = "=FILE",
			[TAKES_FILE_AND_LBA] = "=FILE[@BLOCK]",
			[TAKES_SECONDS] = "=SECONDS",
		};
		const struct host_verb *verb = host_verb_at(i);

		snprintf(left, sizeof(left), "  %s%s", verb->name, arguments[verb->takes]);
		printf("%-*s%s\n", HELP_COLUMN, left, verb->help);
	}
	printf("%-*s%s\n", HELP_COLUMN, "  loop", "at the end: start again");
}

static enum options_result
bad(const char *option, const struct reason *why)
{
	fprintf(stderr, "iusb-bmcsim: %s%s%s%s\n", option ? "--" : "", option ? option : "",
		option ? ": " : "", why->text);
	return OPTIONS_BAD;
}

static enum options_result
read_all(int argc, char **argv, struct options *out)
{
	struct option options[ARRAY_SIZE(rows) + 1] = { 0 };
	const struct row *row;
	struct reason why;
	size_t count = 0;
	int i = -1;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		if (row->name)
			options[count++] = (struct option){
				.name = row->name,
				.has_arg = row->value ? required_argument : no_argument,
				.val = FIRST_LONG + (int)(row - rows),
			};
	}
	optind = 1;
	while ((i = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (i == '?') {
			fprintf(stderr, "Try \"iusb-bmcsim --help\".\n");
			return OPTIONS_BAD;
		}
		row = i == 'h' ? NULL : &rows[i - FIRST_LONG];
		if (!row || strcmp(row->name, "help") == 0) {
			print_help();
			return OPTIONS_DONE;
		}
		if (row->set == set_profile && strcmp(optarg, "list") == 0) {
			profiles_print();
			return OPTIONS_DONE;
		}
		if (!row->set) {
			printf("iusb-bmcsim %s\n", PACKAGE_VERSION);
			return OPTIONS_DONE;
		}
		if (row->set(out, optarg, &why) < 0)
			return bad(row->name, &why);
	}
	if (optind < argc) {
		reason_set(&why, "unexpected argument \"%s\"", argv[optind]);
		return bad(NULL, &why);
	}
	return options_complete(out, &why) < 0 ? bad(NULL, &why) : OPTIONS_RUN;
}

enum options_result
options_parse(int argc, char **argv, struct options *out)
{
	enum options_result result;

	*out = (struct options){
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.port_base = dialect_find("legacy")->port[DEVICE_CD],
		.has_device = { true, true, true },
		.log_level = LOG_LEVEL_INFO,
		.conf = {
			.dialect = dialect_find("legacy"),
			.slots = { 1, 1, 1 },
			.quirks = QUIRK_ALL,
			.idle = 60,
			.patience = 60,
			.refusal_pause = 3,
			.poll = 1,
			.reboot_time = 5,
			.is_strict = true,
			.web = {
				.sessions_max = 4,
				.session_life = 300,
				.has_licence = true,
				.has_privilege = true,
			},
		},
	};
	result = read_all(argc, argv, out);
	if (result != OPTIONS_RUN)
		options_fini(out);
	return result;
}

void
options_fini(struct options *options)
{
	strlist_fini(&options->names);
	host_script_free(options->script);
	free(options->pattern);
	free(options->usbredir);
	free(options->ready_file);
	free(options->targets_file);
	free(options->control);
	free(options->token);
	free(options->owner);
	free(options->user);
	option_erase(&options->password);
	free(options->password_file);
	free(options->tls_pem);
	*options = (struct options){ 0 };
}
