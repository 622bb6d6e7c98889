/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_upgrade: how a connection to the web server becomes one to the media service: the tunnel
 * (iusb-protocol 7.2) and WebSocket (7.3, RFC 6455 section 4.2). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "bmcsim/web_parts.h"

enum {
	LINE_MAX_LEN = 512, /* of the JVIEWER line */
	KEY_LEN = 24,       /* of Sec-WebSocket-Key: 16 bytes in base64 */
	ACCEPT_SIZE = 29,   /* 20 bytes in base64 and a NUL */
	HTTP_PORT = 80,

	/* what a refusal calls itself (iusb-protocol 5.2) */
	ERROR_COOKIE = 3,
	ERROR_NO_SERVICE = 9,
};

/* ---- tunnel ---- */

bool
web_upgrade_is_tunnel(const struct web_request *request)
{
	return request->method == WEB_CONNECT;
}

/* Copies the line and cuts off what ends it, the empty line among it. Bytes used, 0: it is not all
 * there; SIZE_MAX: it never will be. */
static size_t
take_line(const char *bytes, size_t len, char out[LINE_MAX_LEN])
{
	size_t seen = len < LINE_MAX_LEN ? len : LINE_MAX_LEN;

	for (size_t i = 1; i < seen; i++) {
		bool is_end = bytes[i] == '\n' &&
			      (bytes[i - 1] == '\n' ||
				      (i >= 3 && memcmp(bytes + i - 3, "\r\n\r\n", 4) == 0));
		size_t n;

		if (!is_end)
			continue;
		n = strcspn(memcpy(out, bytes, i), "\r\n");
		out[n] = '\0';
		return i + 1;
	}
	return len < LINE_MAX_LEN ? 0 : SIZE_MAX;
}

static bool
find_service(const char *name, enum device *device)
{
	static const char *const names[DEVICE_COUNT] = {
		[DEVICE_CD] = "CDMEDIA",
		[DEVICE_FD] = "FDMEDIA",
		[DEVICE_HD] = "HDMEDIA",
	};

	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			*device = (enum device)i;
			return true;
		}
	}
	return false;
}

/* The port of CONNECT's host:port; 0: none. */
static long
target_port(const char *target)
{
	const char *colon = strrchr(target, ':');
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	return colon && *end == '\0' && port > 0 && port <= UINT16_MAX ? port : 0;
}

static void
say_status(struct web_connection *connection, int status, int error)
{
	struct web *web = connection->web;
	const char *version = web->conf.quirks & WEB_HTTP_10 ? "HTTP/1.0" : "HTTP/1.1";
	const char *end = web->conf.quirks & WEB_TUNNEL_BARE ? "" : "\r\n";

	if (error) {
		evbuffer_add_printf(connection->out, "%s %d %s ERROR:%d\r\n%s", version, status,
			web_status_text(status), error, end);
		web_say(web, "tunnel refused: ERROR:%d", error);
		connection->after = AFTER_CLOSE;
	} else {
		evbuffer_add_printf(connection->out, "%s %d OK\r\n%s", version, status, end);
	}
}

bool
web_upgrade_tunnel(struct web_connection *connection, const struct web_request *request,
	const char *bytes, size_t len)
{
	struct web *web = connection->web;
	const char *first_cookie = web_request_header(request, "cookie");
	long port = target_port(request->path);
	char line[LINE_MAX_LEN], *rest = line, *jviewer, *service, *word, *cookie;
	size_t used = take_line(bytes, len, line);

	if (used == 0)
		return false;
	connection->in_used = request->total + (used == SIZE_MAX ? 0 : used);
	if (used == SIZE_MAX) {
		say_status(connection, 400, ERROR_NO_SERVICE);
		return true;
	}
	jviewer = strsep(&rest, " ");
	service = strsep(&rest, " ");
	word = strsep(&rest, " ");
	cookie = strsep(&rest, " ");
	if (strcmp(jviewer, "JVIEWER") != 0 || !cookie || rest || strcasecmp(word, "cookie") != 0)
		say_status(connection, 400, ERROR_NO_SERVICE);
	else if (!first_cookie || strcmp(first_cookie, cookie) != 0 ||
		 !web_cookie_is_good(web, cookie))
		say_status(connection, 401, ERROR_COOKIE);
	else if (strcmp(service, "DISCONNECT") == 0) {
		say_status(connection, 200, 0);
		connection->after = AFTER_CLOSE;
	} else if (port != HTTPS_PORT && port != web_secure_port(web)) {
		say_status(connection, 200, 0);
		web_say(web, "tunnel to port %ld: silence", port);
		connection->after = AFTER_SILENCE;
	} else if (!find_service(service, &connection->device) ||
		   web->conf.slots[connection->device] == 0) {
		say_status(connection, 503, ERROR_NO_SERVICE);
	} else {
		say_status(connection, 200, 0);
		connection->after = AFTER_UPGRADE;
	}
	return true;
}

/* ---- WebSocket ---- */

bool
web_upgrade_is_websocket(const struct web_request *request)
{
	return request->method == WEB_GET && web_request_has(request, "Upgrade", "websocket");
}

/* The slot's device by the path; on a media port it is known. */
static bool
find_path(struct web_connection *connection, const char *path)
{
	static const struct {
		const char *path;
		enum device device;
	} rows[] = {
		{ "/cd-server", DEVICE_CD },
		{ "/hd-server", DEVICE_HD },
	};

	if (connection->is_media)
		return strcmp(path, "/") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(path, rows[i].path) == 0) {
			connection->device = rows[i].device;
			return connection->web->conf.slots[rows[i].device] > 0;
		}
	}
	return false;
}

/* 16 bytes in base64. */
static bool
is_key(const char *key)
{
	unsigned char bytes[KEY_LEN];

	return key && strlen(key) == KEY_LEN && strcmp(key + KEY_LEN - 2, "==") == 0 &&
	       EVP_DecodeBlock(bytes, (const unsigned char *)key, KEY_LEN) == KEY_LEN / 4 * 3;
}

/* 101, or why not. */
static int
judge(struct web_connection *connection, const struct web_request *request)
{
	struct web *web = connection->web;
	const char *version = web_request_header(request, "Sec-WebSocket-Version");
	char cookie[SECRET_SIZE];

	if (!web->conf.has_websocket || !find_path(connection, request->path))
		return 404;
	if (!web_page_cookie(web, request, cookie) || !web_session_find(web, cookie))
		return 401;
	if (!version || strcmp(version, "13") != 0)
		return 426;
	if (request->is_http_10 || !web_request_header(request, "Host") ||
		!web_request_has(request, "Connection", "Upgrade") ||
		!is_key(web_request_header(request, "Sec-WebSocket-Key")) ||
		!web_request_has(request, "Sec-WebSocket-Protocol", "binary"))
		return 400;
	return 101;
}

/* What proves that the key was read. */
static void
make_accept(const char *key, char out[ACCEPT_SIZE])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[KEY_LEN + sizeof(guid)];

	memcpy(text, key, KEY_LEN);
	memcpy(text + KEY_LEN, guid, sizeof(guid));
	SHA1((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
}

bool
web_upgrade_websocket(struct web_connection *connection, const struct web_request *request,
	struct web_answer *answer)
{
	struct web *web = connection->web;
	char proof[ACCEPT_SIZE];

	answer->status = judge(connection, request);
	if (answer->status != 101) {
		web_say(web, "WebSocket %s refused: %d", request->path, answer->status);
		if (answer->status == 426)
			evbuffer_add_printf(answer->head, "Sec-WebSocket-Version: 13\r\n");
		return false;
	}
	make_accept(web_request_header(request, "Sec-WebSocket-Key"), proof);
	evbuffer_add_printf(connection->out,
		"HTTP/1.1 101 Switching Protocols\r\n"
		"Upgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
		proof);
	if (web->conf.quirks & WEB_101_THEN_200)
		evbuffer_add_printf(
			connection->out, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
	connection->after = AFTER_UPGRADE;
	connection->is_websocket = true;
	return true;
}
