/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jnlp: the arguments of the vendor's Java client, by expat. */
#include "bmc/jnlp.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <expat.h>

#include "bmc/asp_text.h"
#include "bmc/secret.h"

/* Each argument that is known by name; those without a place are known so that a missing value
 * before them does not shift what follows. */
enum type {
	IGNORED,
	TEXT,
	NUMBER,
};

static const struct row {
	const char *name;
	enum type type;
	size_t offset;
} rows[] = {
#define AT(member)   offsetof(struct jnlp, member)
#define OF(table, d) (offsetof(struct jnlp, table) + (d) * sizeof(int))
	{ "-kvmtoken", TEXT, AT(token) },
	{ "-webcookie", TEXT, AT(web_cookie) },
	{ "-kvmtokentype", NUMBER, AT(token_type) },
	{ "-vmsecure", NUMBER, AT(is_secure) },
	{ "-singleportenabled", NUMBER, AT(is_single_port) },
	{ "-webport", NUMBER, AT(web_port) },
	{ "-websecureport", NUMBER, AT(web_secure_port) },
	{ "-cdstate", NUMBER, OF(state, DEVICE_CD) },
	{ "-fdstate", NUMBER, OF(state, DEVICE_FD) },
	{ "-hdstate", NUMBER, OF(state, DEVICE_HD) },
	{ "-cdport", NUMBER, OF(port, DEVICE_CD) },
	{ "-fdport", NUMBER, OF(port, DEVICE_FD) },
	{ "-hdport", NUMBER, OF(port, DEVICE_HD) },
	{ "-cdnum", NUMBER, OF(num, DEVICE_CD) },
	{ "-fdnum", NUMBER, OF(num, DEVICE_FD) },
	{ "-hdnum", NUMBER, OF(num, DEVICE_HD) },
	{ "-apptype", IGNORED, 0 },
	{ "-title", IGNORED, 0 },
	{ "-hostname", IGNORED, 0 },
	{ "-kvmsecure", IGNORED, 0 },
	{ "-kvmport", IGNORED, 0 },
	{ "-localization", IGNORED, 0 },
	{ "-lang", IGNORED, 0 },
	{ "-websecure", IGNORED, 0 },
	{ "-keyboardlayout", IGNORED, 0 },
	{ "-videofile", IGNORED, 0 },
	{ "-u", IGNORED, 0 },
	{ "-p", IGNORED, 0 },
	{ "-extendedpriv", IGNORED, 0 },
	{ "-oemfeatures", IGNORED, 0 },
	{ "-launch", IGNORED, 0 },
	{ "-retrycount", IGNORED, 0 },
	{ "-retryinterval", IGNORED, 0 },
	{ "-kvmcdnum", IGNORED, 0 },
	{ "-kvmhdnum", IGNORED, 0 },
	{ "-powersavemode", IGNORED, 0 },
#undef AT
#undef OF
};

static const struct row unknown_row = { "", IGNORED, 0 };

struct reader {
	XML_Parser parser;
	struct jnlp *out;
	struct reason *why;
	const struct row *pending; /* a name was read, its value comes next */
	unsigned depth, arguments, named;
	bool is_inside;   /* an <argument> */
	bool is_too_long; /* that does not fit */
	bool has_failed;
	char text[JNLP_VALUE_SIZE];
	size_t len;
};

/* what: the reason, of which the first one counts. */
static void
give_up(struct reader *reader, const char *what)
{
	if (reader->has_failed)
		return;
	reader->has_failed = true;
	reason_set(reader->why, "the JNLP %s", what);
	XML_StopParser(reader->parser, XML_FALSE);
}

static const struct row *
find_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void
keep_value(struct reader *reader, const struct row *row)
{
	char *place = (char *)reader->out + row->offset;
	int number;

	switch (row->type) {
	case TEXT:
		if (reader->is_too_long)
			give_up(reader, "has a token or cookie that is too long");
		else
			memcpy(place, reader->text, reader->len + 1);
		break;
	case NUMBER:
		number = number_of_text(reader->text);
		memcpy(place, &number, sizeof(number));
		break;
	case IGNORED:
		break;
	}
}

static void
take_argument(struct reader *reader)
{
	const struct row *row = reader->is_too_long ? NULL : find_row(reader->text);

	reader->arguments++;
	if (row) {
		reader->named++;
		reader->pending = row;
	} else if (reader->pending) {
		keep_value(reader, reader->pending);
		reader->pending = NULL;
	} else if (reader->text[0] == '-') {
		reader->pending = &unknown_row;
	}
}

static void
start_cb(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = arg;

	(void)attributes;
	if (++reader->depth > JNLP_DEPTH_MAX)
		give_up(reader, "has elements too deep in others");
	else if (strcmp(name, "argument") == 0 && reader->arguments >= JNLP_ARGUMENTS_MAX)
		give_up(reader, "has too many arguments");
	reader->is_inside = strcmp(name, "argument") == 0;
	reader->is_too_long = false;
	reader->len = 0;
}

static void
text_cb(void *arg, const XML_Char *text, int len)
{
	struct reader *reader = arg;
	size_t room = sizeof(reader->text) - 1 - reader->len;

	if (!reader->is_inside)
		return;
	if ((size_t)len > room) {
		reader->is_too_long = true;
		len = (int)room;
	}
	memcpy(reader->text + reader->len, text, (size_t)len);
	reader->len += (size_t)len;
}

/* Firmware breaks lines around a value. */
static void
trim(struct reader *reader)
{
	size_t skip;

	while (reader->len > 0 && strchr(" \t\r\n", reader->text[reader->len - 1]))
		reader->len--;
	reader->text[reader->len] = '\0';
	skip = strspn(reader->text, " \t\r\n");
	reader->len -= skip;
	memmove(reader->text, reader->text + skip, reader->len + 1);
}

static void
end_cb(void *arg, const XML_Char *name)
{
	struct reader *reader = arg;

	reader->depth--;
	if (reader->is_inside && strcmp(name, "argument") == 0 && !reader->has_failed) {
		trim(reader);
		take_argument(reader);
	}
	reader->is_inside = false;
}

static void
doctype_cb(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	int has_internal)
{
	(void)name, (void)system, (void)public, (void)has_internal;
	give_up(arg, "has a document type declaration");
}

static void
entity_cb(void *arg, const XML_Char *name, int is_parameter, const XML_Char *value, int len,
	const XML_Char *base, const XML_Char *system, const XML_Char *public,
	const XML_Char *notation)
{
	(void)name, (void)is_parameter, (void)value, (void)len;
	(void)base, (void)system, (void)public, (void)notation;
	give_up(arg, "declares an entity");
}

static void
clear(struct jnlp *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == NUMBER)
			memcpy((char *)out + rows[i].offset, &(int){ -1 }, sizeof(int));
}

static int
judge(const struct reader *reader, struct reason *why)
{
	if (reader->named > 0)
		return 0;
	if (reader->arguments > 0)
		return reason_set(why,
			"the JNLP's %u arguments have no names: this firmware is too old",
			reader->arguments);
	return reason_set(why, "the JNLP has no arguments");
}

int
jnlp_parse(const char *text, size_t len, struct jnlp *out, struct reason *why)
{
	struct reader reader = { .out = out, .why = why };
	enum XML_Status status;
	int rc;

	clear(out);
	reader.parser = XML_ParserCreate(NULL);
	if (!reader.parser)
		return reason_set(why, "the JNLP cannot be read: out of memory");
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, start_cb, end_cb);
	XML_SetCharacterDataHandler(reader.parser, text_cb);
	XML_SetStartDoctypeDeclHandler(reader.parser, doctype_cb);
	XML_SetEntityDeclHandler(reader.parser, entity_cb);
	status = XML_Parse(reader.parser, text, (int)len, XML_TRUE);
	if (reader.has_failed)
		rc = -1;
	else if (status != XML_STATUS_OK)
		rc = reason_set(why, "the JNLP is no XML: %s in line %lu",
			XML_ErrorString(XML_GetErrorCode(reader.parser)),
			(unsigned long)XML_GetCurrentLineNumber(reader.parser));
	else
		rc = judge(&reader, why);
	XML_ParserFree(reader.parser);
	secret_erase(reader.text, sizeof(reader.text));
	if (rc < 0)
		secret_erase(out, sizeof(*out));
	return rc;
}
