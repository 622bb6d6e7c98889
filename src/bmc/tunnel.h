/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tunnel: the text before raw IUSB through the web port (iusb-protocol 7.2). Pure: bytes in, result
 * out. */
#ifndef BMC_TUNNEL_H
#define BMC_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

struct evbuffer;

enum {
	TUNNEL_LINE_MAX = 128,  /* characters of a line that are looked at */
	TUNNEL_TEXT_MAX = 4096, /* bytes of text that are read before IUSB begins */
};

/* What is asked for. */
struct tunnel_request {
	const char *host;     /* an address or a name */
	uint16_t secure_port; /* of the web server, whatever port the socket goes to */
	const char *cookie;
	enum device device;
	bool is_tls;
};

/* Appends the request for the tunnel, or the words that end it. 0, or -1 with the reason: a cookie
 * that is none. */
int tunnel_ask(
	struct evbuffer *out, const struct tunnel_request *request, struct reason *why) MUST_CHECK;
void tunnel_leave(struct evbuffer *out, const struct tunnel_request *request);

enum tunnel_result {
	TUNNEL_MORE,    /* all bytes are used */
	TUNNEL_OPEN,    /* the web server said 200: the client may speak. Once */
	TUNNEL_THROUGH, /* text is over: what follows is IUSB, no byte of it is used */
	TUNNEL_REFUSED, /* with the reason */
	TUNNEL_BAD,     /* with the reason */
};

enum tunnel_state {
	TUNNEL_IN_STATUS,  /* the status line */
	TUNNEL_IN_REFUSAL, /* it was not 200: more words may follow */
	TUNNEL_IN_TEXT,    /* it was: an empty line may follow, or header lines, or IUSB */
	TUNNEL_IN_IUSB,
};

/* The reader of the answer. Begins as { 0 }. */
struct tunnel {
	enum tunnel_state state;
	size_t total;               /* bytes of text so far */
	char line[TUNNEL_LINE_MAX]; /* the line under way, printable, cut */
	size_t len;
	struct reason refusal;
};

/*
 * Reads bytes as they come; *used of them are done with. TUNNEL_OPEN: call again with the rest.
 * After TUNNEL_REFUSED and TUNNEL_BAD it is over.
 */
enum tunnel_result tunnel_read(struct tunnel *tunnel, const uint8_t *bytes, size_t len,
	size_t *used, struct reason *why) MUST_CHECK;

/* The peer closed, or says no more: true if that is a refusal, with its reason. */
bool tunnel_is_refused(const struct tunnel *tunnel, struct reason *why);

#endif
