/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_schema: the table of all settings: where each may stand, what it may be, and where its value
 * goes. conf_read.c reads by it and conf_print.c prints by it: a new setting is one row.
 */
#ifndef DAEMON_CONF_SCHEMA_H
#define DAEMON_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/conf_value.h"

enum conf_scope {          /* the groups that settings stand in; the object their values go to */
	CONF_TOP = 1 << 0, /* struct conf */
	CONF_DEFAULTS = 1 << 1, /* struct conf_target: what targets start from */
	CONF_IMAGE = 1 << 2,    /* struct conf_image */
	CONF_TARGET = 1 << 3,   /* struct conf_target, and so the next four */
	CONF_PORTS = 1 << 4,
	CONF_LOGIN = 1 << 5,
	CONF_TLS = 1 << 6,
	CONF_BACKOFF = 1 << 7,
	CONF_ATTACH = 1 << 8, /* struct conf_attach */
};

enum conf_kind {        /* of value; in brackets what it is in the object */
	CONF_TEXT,      /* (char *) */
	CONF_TEXTS,     /* (struct strlist) */
	CONF_NUMBER,    /* (double) min to max; an integer will do too */
	CONF_INTEGER,   /* (int) min to max */
	CONF_PORT,      /* (uint16_t) 1 to 65535 */
	CONF_BOOL,      /* (bool) */
	CONF_WORD,      /* (int or enum) the value of one of words */
	CONF_DIALECT,   /* (const struct dialect *) */
	CONF_LABEL_SET, /* struct conf_target's labels: any key, text values */
	CONF_GROUP,     /* settings of scope inside, in the same object */
	CONF_LIST, /* (array and size_t at count) groups of scope inside, an object of size each */
};

struct conf_word {
	const char *text; /* NULL ends the list */
	int value;
	bool is_later; /* known, but not supported yet */
};

struct conf_row {
	unsigned scopes; /* where it may stand */
	const char *key;
	enum conf_kind kind;
	size_t offset;                 /* of the value in the object */
	size_t count, size;            /* CONF_LIST: offset of the count, size of an element */
	enum conf_scope inside;        /* CONF_GROUP, CONF_LIST */
	const char *what;              /* what the value is, "a port" */
	double min, max;               /* CONF_NUMBER, CONF_INTEGER */
	const struct conf_word *words; /* CONF_WORD */
	conf_check *check;             /* CONF_TEXT, CONF_TEXTS: NULL if anything goes */
	bool is_needed;                /* must be there */
	bool is_later;                 /* known and checked, but refused: not supported yet */
};

/* All rows, in the order in which they are printed, up to one with a NULL key. */
extern const struct conf_row conf_rows[];

/* The row of a setting, or NULL. */
const struct conf_row *conf_row_find(enum conf_scope scope, const char *key);

/* The word for a value; never NULL for one that is in the list. */
const char *conf_word_text(const struct conf_word *words, int value);

#endif
