/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tunnel: CONNECT, JVIEWER, and one status line. */
#include "bmc/tunnel.h"

#include <string.h>

#include <event2/buffer.h>

#include "bmc/http_head.h"

/* ---- what is sent ---- */

int
tunnel_ask(struct evbuffer *out, const struct tunnel_request *request, struct reason *why)
{
	static const char *const services[DEVICE_COUNT] = {
		[DEVICE_CD] = "CDMEDIA",
		[DEVICE_FD] = "FDMEDIA",
		[DEVICE_HD] = "HDMEDIA",
	};
	bool is_v6 = strchr(request->host, ':') != NULL;

	if (!http_is_safe(request->cookie) || !http_is_safe(request->host))
		return reason_set(why, "the web cookie has characters that do not belong in one");
	/* The bare LF and the space are the vendor's; a live iRMC S4 takes them. */
	evbuffer_add_printf(out,
		"CONNECT %s%s%s:%u %s/1.1\n cookie %s\r\n\r\n"
		"JVIEWER %s cookie %s\r\n\r\n",
		is_v6 ? "[" : "", request->host, is_v6 ? "]" : "", request->secure_port,
		request->is_tls ? "HTTPS" : "HTTP", request->cookie, services[request->device],
		request->cookie);
	return 0;
}

void
tunnel_leave(struct evbuffer *out, const struct tunnel_request *request)
{
	evbuffer_add_printf(out, "JVIEWER DISCONNECT Cookie %s\r\n\r\n", request->cookie);
}

/* ---- what is read ---- */

static bool
is_text(uint8_t byte)
{
	return (byte >= ' ' && byte <= '~') || byte == '\t' || byte == '\r' || byte == '\n';
}

/* "ERROR:3" anywhere in the line under way. The number may go on until the line is over. */
static bool
find_error(const struct tunnel *tunnel, bool is_over, struct reason *why)
{
	const char *at = memmem(tunnel->line, tunnel->len, "ERROR", 5);
	size_t n = 5, max;

	if (!at)
		return false;
	max = tunnel->len - (size_t)(at - tunnel->line);
	if (n < max && at[n] == ':')
		n++;
	while (n < max && at[n] >= '0' && at[n] <= '9')
		n++;
	if (n == max && !is_over)
		return false;
	reason_set(why, "the web server refused the tunnel: %.*s", (int)n, at);
	return true;
}

/* A whole line is there. */
static enum tunnel_result
end_line(struct tunnel *tunnel, struct reason *why)
{
	struct http_head head = { 0 };

	if (find_error(tunnel, true, why))
		return TUNNEL_REFUSED;
	if (tunnel->state != TUNNEL_IN_STATUS) {
		tunnel->len = 0;
		return TUNNEL_MORE;
	}
	if (!http_status_line(tunnel->line, tunnel->len, &head)) {
		reason_set(why, "the web server does not answer in HTTP");
		return TUNNEL_BAD;
	}
	tunnel->len = 0;
	if (head.status == 200) {
		tunnel->state = TUNNEL_IN_TEXT;
		return TUNNEL_OPEN;
	}
	tunnel->state = TUNNEL_IN_REFUSAL;
	reason_set(&tunnel->refusal, "the web server refused the tunnel: %s", head.words);
	return TUNNEL_MORE;
}

static enum tunnel_result
add_byte(struct tunnel *tunnel, uint8_t byte, struct reason *why)
{
	if (++tunnel->total > TUNNEL_TEXT_MAX || !is_text(byte)) {
		if (tunnel_is_refused(tunnel, why))
			return TUNNEL_REFUSED;
		reason_set(why, tunnel->state == TUNNEL_IN_STATUS
					? "the web server does not answer in HTTP"
					: "the web server sends text instead of IUSB");
		return TUNNEL_BAD;
	}
	if (byte == '\n')
		return end_line(tunnel, why);
	if (byte != '\r' && tunnel->len < sizeof(tunnel->line))
		tunnel->line[tunnel->len++] = (char)byte;
	return TUNNEL_MORE;
}

/* IUSB begins with 'I'; what is no text is not ours to judge either. */
static bool
begins_iusb(const struct tunnel *tunnel, uint8_t byte)
{
	return tunnel->state == TUNNEL_IN_TEXT && tunnel->len == 0 &&
	       (byte == 'I' || !is_text(byte));
}

enum tunnel_result
tunnel_read(
	struct tunnel *tunnel, const uint8_t *bytes, size_t len, size_t *used, struct reason *why)
{
	for (*used = 0; *used < len; ++*used) {
		enum tunnel_result result;

		if (begins_iusb(tunnel, bytes[*used]))
			tunnel->state = TUNNEL_IN_IUSB;
		if (tunnel->state == TUNNEL_IN_IUSB)
			return TUNNEL_THROUGH;
		result = add_byte(tunnel, bytes[*used], why);
		if (result != TUNNEL_MORE) {
			++*used;
			return result;
		}
		if (find_error(tunnel, false, why)) {
			++*used;
			return TUNNEL_REFUSED;
		}
	}
	return TUNNEL_MORE;
}

bool
tunnel_is_refused(const struct tunnel *tunnel, struct reason *why)
{
	if (find_error(tunnel, true, why))
		return true;
	if (tunnel->state != TUNNEL_IN_REFUSAL)
		return false;
	*why = tunnel->refusal;
	return true;
}
