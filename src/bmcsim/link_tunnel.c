/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_tunnel: raw IUSB behind CONNECT, and the text that may come between two packets
 * (iusb-protocol 7.2). */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bmcsim/link_parts.h"

void
link_become_tunnel(struct link *link)
{
	if (!link->tunnel)
		link->tunnel = mem_new(1, sizeof(*link->tunnel));
}

/* How many of the bytes are IUSB: all, unless a packet's end is followed by the J of JVIEWER. */
static size_t
follow(struct link_tunnel *tunnel, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (tunnel->left > 0) {
			size_t n = len - at;

			if (n > tunnel->left)
				n = (size_t)tunnel->left;
			tunnel->left -= n;
			at += n;
		} else if (tunnel->head_len == 0 && bytes[at] == 'J') {
			return at;
		} else {
			tunnel->head[tunnel->head_len++] = bytes[at++];
			if (tunnel->head_len == TUNNEL_HEAD) {
				tunnel->left = (uint64_t)PACKET_HEADER_LEN - TUNNEL_HEAD +
					       get_le32(tunnel->head + OFF_DATA_PKT_LEN);
				tunnel->head_len = 0;
			}
		}
	}
	return at;
}

ssize_t
link_tunnel_read(struct link *link, void *buf, size_t len)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\n\r\n";
	ssize_t n = link_clear_read(link, buf, len);
	size_t iusb;

	if (n <= 0)
		return n;
	iusb = follow(link->tunnel, buf, (size_t)n);
	if (iusb < (size_t)n) {
		link_clear_put(link, reply, sizeof(reply) - 1);
		(void)link_flush(link); /* the client may not wait for it */
		link->has_ended = true;
	}
	return (ssize_t)iusb;
}
