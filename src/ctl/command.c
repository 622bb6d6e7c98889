/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command: the one table of verbs, each with its arguments, options, help and examples. */
#include "ctl/command.h"

#include <string.h>

#include "base/nearest.h"
#include "ctl/verb.h"

const struct command_option command_globals[] = {
	{ "socket", 0, "PATH", NULL, "where iusbd listens (default " VERB_DEFAULT_SOCKET ")" },
	{ "json", 0, NULL, NULL, "print one JSON array of objects" },
	{ "no-legend", 0, NULL, NULL, "print no headings and no summary" },
	{ "color", 0, "WHEN", "auto|always|never", "use colours: auto (default), always, never" },
	{ "quiet", 'q', NULL, NULL, "print no progress, no summary and no success" },
	{ "help", 'h', NULL, NULL, "print help" },
	{ "version", 0, NULL, NULL, "print the version of iusbctl" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.name = "status",
		.family = COMMAND_LOOK,
		.arguments = "[SELECTOR...]",
		.max = COMMAND_ANY,
		.summary = "what is in which slot and how it is doing, a row each",
		.text = "Without a SELECTOR: every slot that has an attachment. With one: the\n"
			"slots that it means, \"idle\" where nothing is attached.\n"
			"READ and WRITTEN count what the host has read from and written to the\n"
			"medium, RATE is a second; SINCE is how long the STATE has lasted.\n",
		.examples = {
			{ "iusbctl status", "all that is attached" },
			{ "iusbctl status 'rack2-*' --json", "some targets, for a script" },
		},
		.run = verb_status,
	},
	{
		.name = "show",
		.family = COMMAND_LOOK,
		.arguments = "SLOT",
		.min = 1,
		.max = 1,
		.summary = "everything about one slot",
		.text = "Its BMC, state and reason, medium, counters, the commands of the host\n"
			"and how long they took, and the last error.\n",
		.examples = {
			{ "iusbctl show node42/fd", "the floppy of node42" },
			{ "iusbctl show node42/cd1 --json", "its second CD, for a script" },
		},
		.run = verb_show,
	},
	{
		.name = "targets",
		.family = COMMAND_LOOK,
		.arguments = "[SELECTOR...]",
		.max = COMMAND_ANY,
		.summary = "the BMCs that are configured",
		.text = "SLOTS are those with an attachment.\n",
		.examples = {
			{ "iusbctl targets", "all of them" },
			{ "iusbctl targets @rack=r1", "those with the label rack=r1" },
		},
		.run = verb_targets,
	},
	{
		.name = "images",
		.family = COMMAND_LOOK,
		.arguments = "",
		.summary = "the images that can be attached",
		.text = "With their size, what is in them, how a machine boots from them, the\n"
			"device they fit (DEV) and the slots they are in (USERS).\n",
		.examples = {
			{ "iusbctl images", "a table" },
			{ "iusbctl images --json", "with paths and bytes" },
		},
		.run = verb_images,
	},
	{
		.name = "probe",
		.family = COMMAND_LOOK,
		.arguments = "TARGET|ADDRESS",
		.min = 1,
		.max = 1,
		.summary = "what a BMC is, and what to configure for it",
		.text = "Its open ports, certificates, web interface and dialect, who holds its slots,\n"
			"and the entry for iusbd.conf. With the credentials of a configured TARGET\n"
			"also what its web interface says. It disturbs nobody's session; but with\n"
			"--slots a host may see a device come and go, and \"boot once\" may detach.\n",
		.options = {
			{ "slots", 's', NULL, NULL, "take each free slot for a moment, to see who holds it" },
			{ "trust", 0, NULL, NULL, "pin the certificates that it shows now" },
		},
		.examples = {
			{ "iusbctl probe 10.0.0.42", "a BMC that is not configured yet" },
			{ "iusbctl probe --trust node42", "its certificate was renewed" },
		},
		.run = verb_probe,
	},
	{
		.name = "attach",
		.family = COMMAND_CHANGE,
		.arguments = "SELECTOR... IMAGE",
		.min = 2,
		.max = COMMAND_ANY,
		.summary = "put an image into a slot of each target",
		.text = "Returns when the BMC has accepted. The attachment stays, over restarts of\n"
			"iusbd, BMC and host, until it is detached: when the BMC refuses or the\n"
			"time is up, iusbd keeps trying. Ctrl-C ends the waiting only.\n"
			"By default the device is chosen from the image: an ISO is a cd, up to\n"
			"2.88 MB are an fd, all else is an hd.\n",
		.options = {
			{ "device", 'd', "D", "cd|fd|hd", "cd, fd (floppy) or hd (USB stick)" },
			{ "mode", 'm', "M", "ro|rw", "ro (default), or rw: writes go to the image" },
			{ "wait", 'w', "FOR", "accepted|read|none",
				"accepted (default), read (by the host) or none" },
			{ "timeout", 't', "S", NULL, "wait S seconds at most (default 30)" },
		},
		.examples = {
			{ "iusbctl attach node42 dos.img", "one machine" },
			{ "iusbctl attach 'node[01-40]' bios.iso -t 60", "forty of them" },
		},
		.run = verb_attach,
	},
	{
		.name = "swap",
		.family = COMMAND_CHANGE,
		.arguments = "SLOT IMAGE",
		.min = 2,
		.max = 2,
		.summary = "change the medium under a host that goes on",
		.text = "The session with the BMC stays; the host sees that its medium was changed,\n"
			"as by hand. What it wrote to the old one is flushed first; if that fails,\n"
			"the old one stays. Let the host unmount it before. The same image again is\n"
			"read anew. After the host has ejected, the new medium is in at once.\n",
		.options = {
			{ "mode", 'm', "M", "ro|rw", "ro or rw (default: as it was)" },
		},
		.examples = {
			{ "iusbctl swap node42/cd disk2.iso", "the installer asks for disk 2" },
			{ "iusbctl swap node42/fd out.img -m rw", "a floppy to write to" },
		},
		.run = verb_swap,
	},
	{
		.name = "detach",
		.family = COMMAND_CHANGE,
		.arguments = "SELECTOR...",
		.min = 1,
		.max = COMMAND_ANY,
		.summary = "take the images out of the slots",
		.text = "Cleanly: the answer in work is finished and what was written is flushed.\n"
			"Returns when that is done. A target without a slot behind it means all\n"
			"of its slots.\n",
		.examples = {
			{ "iusbctl detach node42/fd", "one slot" },
			{ "iusbctl detach 'node[01-40]'", "all slots of forty machines" },
		},
		.run = verb_detach,
	},
	{
		.name = "reload",
		.family = COMMAND_DAEMON,
		.arguments = "",
		.summary = "make iusbd read its configuration again",
		.text = "A file with an error changes nothing, and each error is shown. Targets\n"
			"that have not changed do not notice.\n",
		.examples = {
			{ "iusbctl reload", "after editing iusbd.conf" },
			{ "iusbctl reload --json", "the names of what has changed" },
		},
		.run = verb_reload,
	},
	{
		.name = "version",
		.family = COMMAND_DAEMON,
		.arguments = "",
		.summary = "the versions of iusbctl and iusbd",
		.text = "With what iusbd was built with, its process and its configuration file.\n",
		.examples = {
			{ "iusbctl version", "both" },
			{ "iusbctl --version", "iusbctl alone, without iusbd" },
		},
		.run = verb_version,
	},
	{
		.name = "help",
		.family = COMMAND_DAEMON,
		.arguments = "[VERB]",
		.max = 1,
		.summary = "this list, or everything about a verb",
		.text = "\"iusbctl VERB --help\" is the same. The manual is iusbctl(1).\n",
		.examples = {
			{ "iusbctl help", "all verbs and options" },
			{ "iusbctl help attach", "one verb with its options" },
		},
		.run = verb_help,
	},
	{
		.name = "complete",
		.family = COMMAND_UNLISTED,
		.arguments = "-- [WORD...]",
		.max = COMMAND_ANY,
		.summary = "what the last WORD may become, for a shell",
		.text = "The WORDs are those behind \"iusbctl\", the last one as far as it is typed.\n"
			"Verbs, options and their values, a line each.\n",
		.examples = {
			{ "iusbctl complete -- att", "attach" },
			{ "iusbctl complete -- attach --mode=", "--mode=ro and --mode=rw" },
		},
		.run = verb_complete,
	},
};

const struct command *
command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

const struct command *
command_find(const char *word, struct reason *why)
{
	const struct command *found = NULL;
	const char *names[ARRAY_SIZE(commands)], *near;
	size_t listed = 0, matches = 0;
	struct reason list = { 0 }, longer;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *name = commands[i].name;

		if (strcmp(name, word) == 0)
			return &commands[i];
		if (commands[i].family == COMMAND_UNLISTED)
			continue;
		names[listed++] = name;
		if (word[0] == '\0' || strncmp(name, word, strlen(word)) != 0)
			continue;
		found = &commands[i];
		reason_set(&longer, "%s%s%s", list.text, matches > 0 ? ", " : "", name);
		list = longer;
		matches++;
	}
	if (matches == 1)
		return found;
	near = nearest(word, names, listed);
	if (matches > 1)
		reason_set(why, "\"%s\" may be one of %s", word, list.text);
	else if (near != NULL)
		reason_set(why, "there is no verb \"%s\"; did you mean \"%s\"?", word, near);
	else
		reason_set(why, "there is no verb \"%s\"; \"iusbctl help\" lists them", word);
	return NULL;
}

const char *
command_family_name(enum command_family family)
{
	static const char *const names[COMMAND_FAMILIES] = {
		[COMMAND_LOOK] = "Looking",
		[COMMAND_CHANGE] = "Changing",
		[COMMAND_DAEMON] = "The daemon and this tool",
	};

	return names[family];
}
