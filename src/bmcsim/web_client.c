/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_client: what the web server remembers of a client's address: bursts, bans (iusb-protocol 8.2)
 * and requests that overlap. */
#include <string.h>

#include "bmcsim/web_parts.h"

enum {
	BAN_WINDOW = 10, /* seconds, unless the configuration says another */
};

/* The row of the address; else a free one, or that which was not seen for the longest time. A busy
 * one is never taken: there are fewer connections than rows. */
struct web_client *
web_client_find(struct web *web, struct in_addr address)
{
	struct web_client *oldest = NULL;

	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct web_client *client = &web->clients[i];

		if (client->window > 0 && client->address.s_addr == address.s_addr)
			return client;
		if (client->busy == 0 && (!oldest || client->seen < oldest->seen))
			oldest = client;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->address = address;
	oldest->seen = oldest->window = web_now();
	return oldest;
}

void
web_client_begin(struct web *web, struct web_client *client)
{
	if (client->busy > 0)
		web->totals.overlaps++;
	client->busy++;
	client->seen = web_now();
}

void
web_client_end(struct web_client *client)
{
	client->busy--;
}

bool
web_client_is_banned(struct web *web, struct web_client *client)
{
	double span = web->conf.ban_window > 0 ? web->conf.ban_window : BAN_WINDOW;
	double now = web_now();

	if (now < client->banned)
		return true;
	if (now - client->window > span) {
		client->window = now;
		client->count = 0;
	}
	client->count++;
	if (web->conf.ban_after == 0 || client->count <= web->conf.ban_after)
		return false;
	client->banned = now + web->conf.ban_time;
	client->window = now;
	client->count = 0;
	web_say(web, "banned: more than %u requests within %g s", web->conf.ban_after, span);
	return true;
}
