/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_client: a minimal media client for the tests of iusb-bmcsim. */
#include "fake_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

#include "unit.h"

static uint32_t
be(const uint8_t *p, int len)
{
	uint32_t v = 0;

	while (len-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
set_be(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
client_send(struct fake_client *client, const void *bytes, size_t len)
{
	bufferevent_write(client->bev, bytes, len);
}

static void
reply(struct fake_client *client, const uint8_t *request, uint32_t sense, const uint8_t *data,
	size_t data_len)
{
	static uint8_t out[61 + 131072 + 64];
	size_t len = 61 + data_len;
	uint8_t sum = 0;

	memcpy(out, request, 61);
	out[19] = 0x80;
	set_le32(out + 12, (uint32_t)(29 + data_len));
	out[11] = 0;
	for (int i = 0; i < 32; i++)
		sum = (uint8_t)(sum + out[i]);
	out[11] = (uint8_t)-sum;
	out[53] = sense != 0;
	out[54] = (uint8_t)(sense >> 16);
	out[55] = (uint8_t)(sense >> 8);
	out[56] = (uint8_t)sense;
	set_le32(out + 57, (uint32_t)data_len);
	if (data_len > 0)
		memcpy(out + 61, data, data_len);
	if (client->tamper)
		client->tamper(client, out, &len);
	if (len > 0 && client->bev)
		client_send(client, out, len);
}

void
client_answer(struct fake_client *client, size_t i, uint32_t sense)
{
	reply(client, client->requests[i], sense, NULL, 0);
}

static void
read_toc(struct fake_client *client, const uint8_t *request)
{
	uint8_t toc[20] = { 0, 0x12, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA };
	uint32_t end = client->blocks;

	if (request[42] & 2) {
		toc[10] = 2;
		end += 150;
		end = end / 4500 << 16 | end / 75 % 60 << 8 | end % 75;
	}
	set_be(toc + 16, end);
	reply(client, request, 0, toc, sizeof(toc));
}

static void
read_blocks(struct fake_client *client, const uint8_t *request, uint32_t lba, uint32_t count)
{
	if ((uint64_t)lba + count > client->blocks)
		reply(client, request, 0x052100, NULL, 0);
	else if (client->bad_block >= lba && client->bad_block < lba + count)
		reply(client, request, 0x031100, NULL, 0);
	else
		reply(client, request, 0, client->medium + (size_t)lba * client->block_len,
			(size_t)count * client->block_len);
}

static void
write_blocks(struct fake_client *client, const uint8_t *request, const uint8_t *data, uint32_t lba,
	uint32_t count)
{
	ck_assert_uint_eq(request[40], 2);
	ck_assert_uint_eq(le32(request + 32), 0);
	ck_assert_uint_eq(le32(request + 57), count * client->block_len);
	if (client->is_read_only) {
		reply(client, request, 0x072700, NULL, 0);
		return;
	}
	ck_assert_uint_le((uint64_t)lba + count, client->blocks);
	if (!client->is_lying)
		memcpy(client->medium + (size_t)lba * client->block_len, data,
			(size_t)count * client->block_len);
	reply(client, request, 0, NULL, 0);
}

static void
test_unit_ready(struct fake_client *client, const uint8_t *request)
{
	reply(client, request, client->has_attention ? 0x062800 : 0, NULL, 0);
	client->has_attention = false;
}

static void
serve_scsi(struct fake_client *client, const uint8_t *request)
{
	const uint8_t *cdb = request + 41;
	uint8_t short_data[8];
	uint32_t len;

	switch (cdb[0]) {
	case 0x00:
		test_unit_ready(client, request);
		break;
	case 0x1A:
		memcpy(short_data, "\x03\x00\x00\x00", 4);
		short_data[2] = client->is_read_only ? 0x80 : 0;
		reply(client, request, 0, short_data, 4);
		break;
	case 0x1B:
		client->ejects += cdb[4] == 2;
		reply(client, request, 0, NULL, 0);
		break;
	case 0x1E:
		reply(client, request, 0, NULL, 0);
		break;
	case 0x25:
		set_be(short_data, client->blocks - 1);
		set_be(short_data + 4, client->block_len);
		reply(client, request, 0, short_data, 8);
		break;
	case 0x28:
		if (++client->reads == client->quits_after)
			client_close(client);
		else
			read_blocks(client, request, be(cdb + 2, 4), be(cdb + 7, 2));
		break;
	case 0xA8: /* on `rest-gadget` the length is little-endian: ReadLen decides */
		len = be(cdb + 6, 4);
		if (len * client->block_len != le32(request + 32) &&
			le32(cdb + 6) * client->block_len == le32(request + 32))
			len = le32(cdb + 6);
		read_blocks(client, request, be(cdb + 2, 4), len);
		break;
	case 0x4A:
		memcpy(short_data, "\x00\x06\x04\x10\x00\x02\x00\x00", 8);
		client->polls++;
		reply(client, request, client->has_events ? 0 : 0x052000, short_data,
			client->has_events ? 8 : 0);
		break;
	case 0x2A:
		write_blocks(client, request, request + 61, be(cdb + 2, 4), be(cdb + 7, 2));
		break;
	case 0x43:
		read_toc(client, request);
		break;
	default:
		reply(client, request, 0x052000, NULL, 0);
		break;
	}
}

static void
serve_control(struct fake_client *client, const uint8_t *packet, size_t len)
{
	uint8_t answer[62] = { 0 };
	uint8_t op = packet[41];

	if (op == 0xF1 && len > 62) {
		client->acks++;
		client->ack_status = packet[62];
		client->ack_instance = packet[23];
		client->ack_len = len;
		snprintf(client->ack_owner, sizeof(client->ack_owner), "%.*s", (int)(len - 63),
			(const char *)packet + 63);
	} else if (op == 0xF3) {
		client->pings++;
		memcpy(answer, packet, 53);
		answer[19] = 0x80;
		if (!client->is_holding)
			client_send(client, answer, sizeof(answer));
	} else if (op == 0xF4) {
		client->types++;
		memcpy(answer, packet, 53);
		answer[19] = 0x80;
		answer[61] = client->disk_type;
		if (!client->is_holding)
			client_send(client, answer, sizeof(answer));
	} else if (op == 0xF7) {
		client->disconnects++;
	} else if (op == 0xF1) {
		client->pings++;
		memcpy(answer, packet, 53);
		set_le32(answer + 12, 29);
		answer[19] = 0x80;
		memcpy(answer + 53, "\x01\x05\x20\x00", 4);
		if (!client->is_holding)
			client_send(client, answer, 61);
	} else if (op == 0xF6) {
		client->kills++;
	} else {
		ck_abort_msg("unexpected control packet 0x%02x", op);
	}
}

static void
read_cb(struct bufferevent *bev, void *arg)
{
	struct fake_client *client = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (client->received == 0) {
		client->first_read = evbuffer_get_length(in);
		evbuffer_copyout(in, client->first, sizeof(client->first));
	}
	/* No more than a header is looked at while the start is no packet: a fault is shown. */
	client->received = evbuffer_get_length(in) > client->received ? evbuffer_get_length(in)
								      : client->received;
	while (client->has_head && evbuffer_get_length(in) >= 8) {
		client->has_head = memcmp(evbuffer_pullup(in, 8), "IUSB    ", 8) != 0;
		evbuffer_drain(in, client->has_head);
	}
	while (client->bev && evbuffer_get_length(in) >= 32) {
		uint8_t *packet = evbuffer_pullup(in, 32);
		size_t total = 32 + (size_t)le32(packet + 12);

		if (memcmp(packet, "IUSB    ", 8) != 0 || total > CLIENT_IN_SIZE ||
			evbuffer_get_length(in) < total)
			return;
		packet = evbuffer_pullup(in, (ev_ssize_t)total);
		if (packet[41] >= 0xF0) {
			serve_control(client, packet, total);
		} else {
			ck_assert_uint_eq(total, 61 + le32(packet + 57));
			ck_assert_uint_lt(client->count, REQUESTS_MAX);
			memcpy(client->requests[client->count++], packet, 61);
			if (!client->is_holding)
				serve_scsi(client, packet);
		}
		if (client->bev)
			evbuffer_drain(in, total);
	}
}

static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct fake_client *client = arg;

	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		client->is_closed = true;
		client->error = what & BEV_EVENT_ERROR ? errno : 0;
	}
}

void
client_init(struct fake_client *client, struct event_base *base, uint8_t *medium, uint32_t blocks,
	uint32_t block_len)
{
	*client = (struct fake_client){
		.base = base,
		.medium = medium,
		.blocks = blocks,
		.block_len = block_len,
		.bad_block = UINT32_MAX,
		.requests = calloc(REQUESTS_MAX, sizeof(*client->requests)),
	};
}

/* ssl may be NULL: plain. */
static void
connect_by(struct fake_client *client, uint16_t port, SSL *ssl)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	client->is_closed = false;
	client->received = 0;
	if (ssl)
		client->bev = bufferevent_openssl_socket_new(
			client->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	else
		client->bev = bufferevent_socket_new(client->base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->bev, read_cb, NULL, event_cb, client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	ck_assert_int_eq(
		bufferevent_socket_connect(client->bev, (struct sockaddr *)&sin, sizeof(sin)), 0);
}

void
client_connect(struct fake_client *client, uint16_t port)
{
	connect_by(client, port, NULL);
}

void
client_send_control(struct fake_client *client, uint8_t op, uint8_t instance, size_t len)
{
	uint8_t packet[CLIENT_CONTROL_MAX] = "IUSB    \x01\x00\x20";

	ck_assert_uint_le(len, sizeof(packet));
	set_le32(packet + 12, (uint32_t)len - 32);
	packet[17] = 5;
	packet[18] = 1;
	packet[19] = 0x80;
	packet[23] = instance;
	packet[41] = op;
	client_send(client, packet, len);
}

void
client_send_auth(struct fake_client *client, uint8_t instance, const char *token)
{
	uint8_t auth[160] = "IUSB    \x01\x00\x20";

	ck_assert_uint_lt(strlen(token), sizeof(auth) - 63);
	set_le32(auth + 12, sizeof(auth) - 32);
	auth[17] = 5;
	auth[18] = 1;
	auth[19] = 0x80;
	auth[22] = client->disk_type;
	auth[23] = instance;
	auth[41] = 0xF2;
	memcpy(auth + 63, token, strlen(token));
	client_send(client, auth, sizeof(auth));
}

void
client_log_in(struct fake_client *client, uint16_t port, uint8_t instance, const char *token)
{
	client_connect(client, port);
	client_send_auth(client, instance, token);
}

void
client_log_in_tls(struct fake_client *client, uint16_t port, uint8_t instance, const char *token)
{
	if (!client->ctx)
		client->ctx = SSL_CTX_new(TLS_client_method());
	connect_by(client, port, SSL_new(client->ctx));
	client_send_auth(client, instance, token);
}

void
client_close(struct fake_client *client)
{
	if (client->bev)
		bufferevent_free(client->bev);
	client->bev = NULL;
}

void
client_fini(struct fake_client *client)
{
	client_close(client);
	SSL_CTX_free(client->ctx);
	free(client->requests);
}
