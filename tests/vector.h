/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector: reads the packets of tests/vectors, and hex in tests. */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include <check.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads hex digits, white space ignored; returns the number of bytes, at most size. */
static inline size_t
hex_parse(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	int high = -1;

	for (; *text; text++) {
		int digit;

		if (!isxdigit((unsigned char)*text))
			continue;
		digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
		if (high < 0) {
			high = digit;
			continue;
		}
		ck_assert_uint_lt(n, size);
		out[n++] = (uint8_t)(high << 4 | digit);
		high = -1;
	}
	return n;
}

/* The bytes of tests/vectors/NAME.hex. */
static inline size_t
vector_read(const char *name, uint8_t *out, size_t size)
{
	const char *srcdir = getenv("srcdir");
	char path[512], text[16384];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/vectors/%s.hex", srcdir ? srcdir : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return hex_parse(text, out, size);
}

#endif
