/* SPDX-License-Identifier: GPL-2.0-or-later */
/* websocket_handshake: the request for a WebSocket, and whether the answer accepts it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/util.h>
#include <openssl/evp.h>

#include "bmc/websocket.h"

enum {
	KEY_LEN = 16,
	SHA1_LEN = 20,
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
};

void
websocket_make_key(char key[WEBSOCKET_KEY_SIZE])
{
	unsigned char bytes[KEY_LEN];

	evutil_secure_rng_get_bytes(bytes, sizeof(bytes));
	EVP_EncodeBlock((unsigned char *)key, bytes, sizeof(bytes));
}

void
websocket_accept(char accept[WEBSOCKET_ACCEPT_SIZE], const char *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	char text[WEBSOCKET_KEY_SIZE + 40];

	snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, digest, SHA1_LEN);
}

int
websocket_ask(struct evbuffer *out, const struct websocket_request *request, struct reason *why)
{
	bool is_v6 = strchr(request->host, ':') != NULL;
	const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";
	char port[8] = "";

	if (!http_is_safe(request->host) || !http_is_safe(request->path) ||
		(request->cookie && !http_is_safe(request->cookie)))
		return reason_set(why, "the web cookie has characters that do not belong in one");
	if (request->port != (request->is_tls ? HTTPS_PORT : HTTP_PORT))
		snprintf(port, sizeof(port), ":%u", request->port);
	evbuffer_add_printf(out,
		"GET %s HTTP/1.1\r\n"
		"Host: %s%s%s%s\r\n"
		"Upgrade: websocket\r\n"
		"Connection: Upgrade\r\n"
		"Sec-WebSocket-Key: %s\r\n"
		"Sec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Protocol: binary\r\n"
		"Origin: %s://%s%s%s%s\r\n",
		request->path, open, request->host, close, port, request->key,
		request->is_tls ? "https" : "http", open, request->host, close, port);
	if (request->cookie)
		evbuffer_add_printf(out, "Cookie: QSESSIONID=%s\r\n", request->cookie);
	evbuffer_add_printf(out, "\r\n");
	return 0;
}

static enum failure
refuse(const struct http_head *head, struct reason *why)
{
	bool is_about_us = head->status == 401 || head->status == 403 || head->status == 429 ||
			   head->status >= 500;

	reason_set(why,
		is_about_us ? "the web server refused the WebSocket: %s"
			    : "no WebSocket on this web server: %s",
		head->words);
	return FAILURE_REFUSED;
}

enum failure
websocket_check(const struct http_head *head, const char *key, struct reason *why)
{
	char expected[WEBSOCKET_ACCEPT_SIZE], got[64];

	reason_clear(why);
	if (head->status != 101)
		return refuse(head, why);
	websocket_accept(expected, key);
	if (!http_head_has_token(head, "Upgrade", "websocket"))
		reason_set(why, "the web server switched to something else than WebSocket");
	else if (!http_head_field(head, "Sec-WebSocket-Accept", got, sizeof(got)) ||
		 strcmp(got, expected) != 0)
		reason_set(why, "the web server's WebSocket answer is to another request");
	else if (http_head_field(head, "Sec-WebSocket-Protocol", got, sizeof(got)) &&
		 strcasecmp(got, "binary") != 0)
		reason_set(why, "the web server chose the WebSocket subprotocol %s", got);
	else if (http_head_field(head, "Sec-WebSocket-Extensions", got, sizeof(got)) && got[0])
		reason_set(why, "the web server chose the WebSocket extension %s", got);
	else
		return FAILURE_NONE;
	return FAILURE_PROTOCOL;
}
