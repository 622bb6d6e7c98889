/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * websocket: the client's side of RFC 6455 as BMCs speak it (iusb-protocol 7.3), on libwslay's
 * frames. Buffers in, buffers out: no sockets. Received frames are a stream of bytes that need not
 * match packets; each packet that is sent is one masked message of one frame.
 */
#ifndef BMC_WEBSOCKET_H
#define BMC_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/failure.h"
#include "bmc/http_head.h"

struct evbuffer;
struct websocket;

enum {
	WEBSOCKET_KEY_SIZE = 25,      /* 16 bytes in base64, and NUL */
	WEBSOCKET_ACCEPT_SIZE = 29,   /* 20 bytes in base64, and NUL */
	WEBSOCKET_FRAME_MAX = 262144, /* a BMC's own buffer; nothing of a larger frame is taken */
};

/* ---- the handshake ---- */

/* A new random key. */
void websocket_make_key(char key[WEBSOCKET_KEY_SIZE]);

/* What a server must answer to that key. */
void websocket_accept(char accept[WEBSOCKET_ACCEPT_SIZE], const char *key);

struct websocket_request {
	const char *host; /* an address or a name */
	uint16_t port;
	bool is_tls;
	const char *path;   /* "/cd-server" */
	const char *cookie; /* QSESSIONID; may be NULL */
	const char *key;
};

/* Appends the request, with the one subprotocol "binary". 0, or -1 with the reason: a cookie or
 * path that is none. */
int websocket_ask(struct evbuffer *out, const struct websocket_request *request,
	struct reason *why) MUST_CHECK;

/* FAILURE_NONE: the head accepts the WebSocket of that key. Else the reason: "no WebSocket on this
 * web server: 404 Not Found". */
enum failure websocket_check(
	const struct http_head *head, const char *key, struct reason *why) MUST_CHECK;

/* ---- the frames ---- */

struct websocket *websocket_new(void) MUST_CHECK;
void websocket_free(struct websocket *ws); /* NULL is allowed */

enum websocket_result {
	WEBSOCKET_MORE,   /* raw is used up, or payload holds max bytes */
	WEBSOCKET_CLOSED, /* a close frame has come; nothing is read any more */
	WEBSOCKET_BAD,    /* with the reason; the same again from now on */
};

/*
 * Moves the payload of what came from the server. A second status line and its header behind the
 * 101 are skipped. Pings are noted: websocket_encode() answers the last one. Masked frames, frames
 * of text, fragments out of order, and frames above WEBSOCKET_FRAME_MAX are bad.
 */
enum websocket_result websocket_decode(struct websocket *ws, struct evbuffer *raw,
	struct evbuffer *payload, size_t max, struct reason *why) MUST_CHECK;

/* Queues one message; moves all of data when it is not NULL. */
void websocket_queue(struct websocket *ws, const void *head, size_t len, struct evbuffer *data);

/* Queues a close frame behind what is queued; nothing is sent after it. */
void websocket_close(struct websocket *ws);

/* Adds masked frames to out until it holds max bytes or a little more, or nothing is left. */
void websocket_encode(struct websocket *ws, struct evbuffer *out, size_t max);

/* Bytes of messages that were queued and not yet encoded. */
size_t websocket_pending(const struct websocket *ws);

#endif
