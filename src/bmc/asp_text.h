/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asp_text: the JavaScript text in which `.asp` pages answer (iusb-protocol 8.1):
 * { 'NAME' : 'value', OTHER : 0 }. Pure; any bytes are allowed. */
#ifndef BMC_ASP_TEXT_H
#define BMC_ASP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * Looks for the first NAME (bare or quoted, outside of comments and strings) that is followed by
 * ':' or '=' and a quoted text or a bare word. Sets out to the value and returns true; false if
 * there is none, or it does not fit into size, or it has characters other than printable ASCII.
 */
bool asp_text_find(
	const char *text, size_t len, const char *name, char *out, size_t size) MUST_CHECK;

/* As above, a number of 0..65535, or true or false; -1: not there, or something else. HAPI_STATUS
 * can be negative: use asp_text_find(). */
int asp_text_number(const char *text, size_t len, const char *name);

/* What text says: 0..65535, true, false, enabled, ... ; -1: none of them. */
int number_of_text(const char *text);

#endif
