/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media_ports: the three media ports of a `legacy` BMC, for tests of the daemon: it greets as it is
 * told to, and can have its host read. */
#ifndef TESTS_MEDIA_PORTS_H
#define TESTS_MEDIA_PORTS_H

#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/slot.h"
#include "iusb/control.h"
#include "iusb/packet.h"

struct media_client {
	struct media_port *port;
	struct bufferevent *bev;
	LIST_ENTRY(media_client) link;
};

struct media_port {
	struct media_ports *owner;
	enum device device;
	uint16_t port;
	struct evconnlistener *listener;
	LIST_HEAD(, media_client) clients;
	struct media_client *client; /* the last one, NULL once it has gone */
	unsigned connects;
	size_t received; /* bytes from all clients */
};

struct media_ports {
	uint8_t status; /* of the greeting; 0: it says nothing */
	struct media_port ports[DEVICE_COUNT];
};

static inline void
media_client_free(struct media_client *client)
{
	if (client->port->client == client)
		client->port->client = NULL;
	LIST_REMOVE(client, link);
	bufferevent_free(client->bev);
	free(client);
}

static inline void
media_input_cb(struct bufferevent *bev, void *arg)
{
	struct media_client *client = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	client->port->received += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
}

static inline void
media_event_cb(struct bufferevent *bev, short events, void *arg)
{
	(void)bev, (void)events;
	media_client_free(arg);
}

static inline void
media_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int len, void *arg)
{
	struct media_port *port = arg;
	struct media_client *client = calloc(1, sizeof(*client));
	uint8_t status = port->owner->status, ack[ACK_LEN];

	(void)address, (void)len;
	ck_assert_ptr_nonnull(client);
	port->connects++;
	port->client = client;
	client->port = port;
	client->bev = bufferevent_socket_new(
		evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->bev, media_input_cb, NULL, media_event_cb, client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&port->clients, client, link);
	if (status == 0)
		return;
	control_ack(ack, 0, status, status == ACK_IN_USE ? "10.0.0.7" : "");
	bufferevent_write(client->bev, ack, sizeof(ack));
}

static inline void
media_ports_init(struct media_ports *media, struct event_base *base)
{
	memset(media, 0, sizeof(*media));
	media->status = ACK_ACCEPTED;
	for (int i = 0; i < DEVICE_COUNT; i++) {
		struct media_port *port = &media->ports[i];
		struct sockaddr_in address = { .sin_family = AF_INET };
		socklen_t len = sizeof(address);

		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		port->owner = media;
		port->device = (enum device)i;
		port->listener = evconnlistener_new_bind(base, media_accept_cb, port,
			LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
			(struct sockaddr *)&address, sizeof(address));
		ck_assert_ptr_nonnull(port->listener);
		ck_assert_int_eq(getsockname(evconnlistener_get_fd(port->listener),
					 (struct sockaddr *)&address, &len),
			0);
		port->port = ntohs(address.sin_port);
	}
}

/* The client loses its connection. */
static inline void
media_port_drop(struct media_port *port)
{
	ck_assert_ptr_nonnull(port->client);
	media_client_free(port->client);
}

/* The host reads the first block. */
static inline void
media_port_read(struct media_port *port)
{
	uint32_t block = port->device == DEVICE_CD ? 2048 : 512;
	const struct packet_request request = {
		.device = port->device,
		.seq = 7,
		.read_len = block,
		.data_dir = DATA_DIR_READ,
		.cdb = { 0x28, 0, 0, 0, 0, 0, 0, 0, 1 },
	};
	uint8_t head[PACKET_SCSI_LEN];

	ck_assert_ptr_nonnull(port->client);
	packet_request(head, &request);
	bufferevent_write(port->client->bev, head, sizeof(head));
}

/* The host writes the first block of a disk. */
static inline void
media_port_write(struct media_port *port)
{
	const struct packet_request request = {
		.device = port->device,
		.seq = 8,
		.data_dir = DATA_DIR_WRITE,
		.data_len = 512,
		.cdb = { 0x2A, 0, 0, 0, 0, 0, 0, 0, 1 },
	};
	uint8_t packet[PACKET_SCSI_LEN + 512];

	ck_assert_ptr_nonnull(port->client);
	memset(packet, 0x5A, sizeof(packet));
	packet_request(packet, &request);
	bufferevent_write(port->client->bev, packet, sizeof(packet));
}

static inline void
media_ports_fini(struct media_ports *media)
{
	for (int i = 0; i < DEVICE_COUNT; i++) {
		evconnlistener_free(media->ports[i].listener);
		while (!LIST_EMPTY(&media->ports[i].clients))
			media_client_free(LIST_FIRST(&media->ports[i].clients));
	}
}

#endif
