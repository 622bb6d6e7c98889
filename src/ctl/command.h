/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command: the one table of verbs, each with its arguments, options, help and examples, and the
 * parser of a command line against it. A new verb is one row.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

struct verb; /* ctl/verb.h */

enum {
	COMMAND_OPTIONS_MAX = 6,  /* of one verb */
	COMMAND_EXAMPLES = 2,     /* of one verb */
	COMMAND_GIVEN_MAX = 32,   /* options on one command line */
	COMMAND_ANY = 1000000000, /* as many arguments as one likes */
};

enum command_family {
	COMMAND_LOOK,
	COMMAND_CHANGE,
	COMMAND_DAEMON,
	COMMAND_FAMILIES,
	COMMAND_UNLISTED = COMMAND_FAMILIES, /* for shells: in no list, known by its full name */
};

struct command_option {
	const char *name;  /* "device" for --device; NULL ends a list */
	char letter;       /* 'q' for -q, or 0 */
	const char *value; /* what its value is called in the help; NULL: it takes none */
	const char *words; /* the values that there are, "cd|fd|hd"; NULL: any text */
	const char *help;
};

struct command_example {
	const char *line, *help;
};

struct command {
	const char *name;
	enum command_family family;
	const char *arguments; /* as in the help, "SELECTOR... IMAGE"; "" for none */
	unsigned min, max;     /* how many */
	const char *summary;   /* what it does, in the list of verbs */
	const char *text;      /* the rest of the help: whole lines */
	struct command_option options[COMMAND_OPTIONS_MAX + 1];
	struct command_example examples[COMMAND_EXAMPLES];
	int (*run)(struct verb *verb); /* returns an exit code */
};

struct command_line {                  /* a parsed command line; its texts are those of argv */
	const struct command *command; /* NULL: no verb was given */
	const char **arguments;        /* argument_count of them, NULL behind the last */
	unsigned argument_count;
	struct {
		const struct command_option *option;
		const char *value; /* "" if it takes none */
	} given[COMMAND_GIVEN_MAX];
	unsigned given_count;
};

/* The options that every verb has; ends with a NULL name. */
extern const struct command_option command_globals[];

/* Row i of the table in the order of the help, NULL behind the last. */
const struct command *command_at(size_t i);

/* The verb that is called so, or the only one that begins so. NULL with the reason, which names the
 * candidates or the nearest verb. */
const struct command *command_find(const char *word, struct reason *why) MUST_CHECK;

/* "Looking" and so on: the heading of a family in the help. */
const char *command_family_name(enum command_family family);

/*
 * Parses argv[1..argc). Options may stand in any order, those of the verb behind it; "--name=value"
 * and "--name value" are the same; a name may be cut as long as it is unique; behind "--" there
 * are no options. Returns 0; or -1 with the reason. The number of arguments is not checked if help
 * is asked for. line needs command_line_fini() in both cases.
 */
int command_parse(struct command_line *line, int argc, const char *const argv[],
	struct reason *why) MUST_CHECK;

void command_line_fini(struct command_line *line);

/* The value of an option, "" if it takes none; the last one counts. NULL if it was not given. */
const char *command_value(const struct command_line *line, const char *option);

#endif
