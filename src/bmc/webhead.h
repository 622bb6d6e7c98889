/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhead: mends the head of HTTP answers. The web servers of some BMCs say their status line
 * twice, in a row or with an empty line between, which libcurl refuses (a header line must have a
 * colon). Pure; any bytes are allowed.
 */
#ifndef BMC_WEBHEAD_H
#define BMC_WEBHEAD_H

#include <stdbool.h>
#include <stddef.h>

enum {
	WEBHEAD_LINE_MAX = 512, /* a longer status line is passed on as it is */
};

enum webhead_state {
	WEBHEAD_START,  /* an answer begins */
	WEBHEAD_REPEAT, /* behind a status line, perhaps comes another one */
	WEBHEAD_PASS,   /* the rest of the answer */
};

/* Zero-initialised = an answer begins. */
struct webhead {
	enum webhead_state state;
	char held[WEBHEAD_LINE_MAX]; /* the status line that was seen last, and an empty line */
	size_t held_len;
	bool has_gap;                /* it ends with the empty line */
	char line[WEBHEAD_LINE_MAX]; /* what may be another one */
	size_t line_len;
};

/* Bytes that go on to the reader. */
typedef void webhead_cb(void *arg, const void *bytes, size_t len);

/* Gives bytes of an answer; of repeated status lines only the last one is passed on. */
void webhead_feed(struct webhead *head, const void *bytes, size_t len, webhead_cb *pass, void *arg);

/* There are no more bytes: what was held back is passed on. */
void webhead_end(struct webhead *head, webhead_cb *pass, void *arg);

#endif
