/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usbredir: QEMU's connection and its bytes, the first words of the protocol. */
#include "config.h"

#include "bmcsim/usbredir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bmcsim/bmc.h"
#include "bmcsim/unix_listener.h"
#include "bmcsim/usbredir_parts.h"

enum {
	INPUT_MAX = 1 << 18,  /* bytes read ahead of the parser */
	OUTPUT_MAX = 4 << 20, /* bytes QEMU has not fetched; nothing more is read from it then */
};

enum hello_offset { /* a hello packet always has the header with 32 bits of id */
	HELLO_TYPE = 0,
	HELLO_LEN = 4,
	HELLO_VERSION = 12,
	HELLO_CAPS = 12 + 64,
	HELLO_END = 12 + 64 + 4,
	HELLO_LEN_MAX = 64 + 8 * 4,
};

/* What QEMU must be capable of, and what is announced to it. */
static const int caps_needed[] = {
	usb_redir_cap_connect_device_version,
	usb_redir_cap_device_disconnect_ack,
	usb_redir_cap_ep_info_max_packet_size,
	usb_redir_cap_64bits_ids,
	usb_redir_cap_32bits_bulk_length,
};

void
usbredir_say(const struct usbredir *u, enum log_level level, const char *text)
{
	log_about(level, &(struct log_about){ .slot = u->slot }, "%s", text);
}

void
usbredir_flush(struct usbredir *u)
{
	/* Cannot fail: write_parser() takes everything. */
	(void)usbredirparser_do_write(u->link->parser);
}

/* The connection goes; the USB device is no more. */
static void
hang_up(struct usbredir *u, const char *why)
{
	struct qemu *link = u->link;

	if (link == NULL)
		return;
	log_about(LOG_LEVEL_INFO, &(struct log_about){ .slot = u->slot, .reason = why },
		"usbredir: QEMU is gone");
	usb_storage_reset(u->storage);
	u->link = NULL;
	usbredirparser_destroy(link->parser);
	evbuffer_free(link->first);
	bufferevent_free(link->bev);
	free(link);
}

static int
read_parser(void *arg, uint8_t *data, int count)
{
	struct usbredir *u = arg;
	struct qemu *link = u->link;
	struct evbuffer *output = bufferevent_get_output(link->bev);

	if (evbuffer_get_length(link->first) > 0)
		return evbuffer_remove(link->first, data, (size_t)count);
	if (!link->has_hello || evbuffer_get_length(output) > OUTPUT_MAX)
		return 0;
	return evbuffer_remove(bufferevent_get_input(link->bev), data, (size_t)count);
}

static int
write_parser(void *arg, uint8_t *data, int count)
{
	struct usbredir *u = arg;

	if (evbuffer_add(bufferevent_get_output(u->link->bev), data, (size_t)count) != 0)
		return -1;
	return count;
}

static void
log_parser(void *arg, int level, const char *text)
{
	struct usbredir *u = arg;

	if (level <= usbredirparser_warning)
		usbredir_say(u, level == usbredirparser_error ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
			text);
}

static uint32_t
needed_caps(void)
{
	uint32_t caps = 0;

	for (size_t i = 0; i < ARRAY_SIZE(caps_needed); i++)
		usbredirparser_caps_set_cap(&caps, caps_needed[i]);
	return caps;
}

/*
 * The parser lays packets out by the capabilities of both sides. For the device to be announced
 * before QEMU has said its own, the parser is given a hello with those that QEMU must have;
 * QEMU's hello is checked against them and goes no further.
 */
static void
expect_hello(struct qemu *link)
{
	uint8_t hello[HELLO_END] = { 0 };

	put_le32(hello + HELLO_TYPE, usb_redir_hello);
	put_le32(hello + HELLO_LEN, HELLO_END - HELLO_VERSION);
	put_le32(hello + HELLO_CAPS, needed_caps());
	evbuffer_add(link->first, hello, sizeof(hello));
}

/* Takes QEMU's hello from the input. Returns false if the peer cannot be talked to. */
static bool
take_hello(struct usbredir *u)
{
	struct evbuffer *input = bufferevent_get_input(u->link->bev);
	uint8_t hello[HELLO_END];
	uint32_t len;

	if (evbuffer_copyout(input, hello, HELLO_VERSION) < HELLO_VERSION)
		return true;
	len = get_le32(hello + HELLO_LEN);
	if (get_le32(hello + HELLO_TYPE) != usb_redir_hello || len < HELLO_CAPS - HELLO_VERSION ||
		len > HELLO_LEN_MAX) {
		hang_up(u, "it does not speak usbredir");
		return false;
	}
	if (evbuffer_get_length(input) < HELLO_VERSION + len)
		return true;
	memset(hello, 0, sizeof(hello));
	evbuffer_copyout(
		input, hello, HELLO_VERSION + len < HELLO_END ? HELLO_VERSION + len : HELLO_END);
	evbuffer_drain(input, HELLO_VERSION + len);
	if ((get_le32(hello + HELLO_CAPS) & needed_caps()) != needed_caps()) {
		hang_up(u, "its usbredir is older than 0.6");
		return false;
	}
	u->link->has_hello = true;
	return true;
}

static void
feed(struct usbredir *u)
{
	if (!u->link->has_hello && !take_hello(u))
		return;
	if (usbredirparser_do_read(u->link->parser) != 0) {
		hang_up(u, "it sent a malformed usbredir packet");
		return;
	}
	usbredir_flush(u);
	if (evbuffer_get_length(bufferevent_get_output(u->link->bev)) > OUTPUT_MAX)
		bufferevent_disable(u->link->bev, EV_READ);
}

static void
read_cb(struct bufferevent *bev UNUSED, void *arg)
{
	feed(arg);
}

static void
drained_cb(struct bufferevent *bev, void *arg)
{
	if ((bufferevent_get_enabled(bev) & EV_READ) != 0)
		return;
	bufferevent_enable(bev, EV_READ);
	feed(arg);
}

static void
end_cb(struct bufferevent *bev UNUSED, short what, void *arg)
{
	hang_up(arg, (what & BEV_EVENT_ERROR) != 0 ? strerror(errno) : "it closed the connection");
}

static struct usbredirparser *
new_parser(struct usbredir *u)
{
	struct usbredirparser *parser = usbredirparser_create();
	uint32_t caps[USB_REDIR_CAPS_SIZE] = { needed_caps() };

	if (parser == NULL)
		return NULL;
	parser->priv = u;
	parser->log_func = log_parser;
	parser->read_func = read_parser;
	parser->write_func = write_parser;
	usbredir_guest_init(parser);
	usbredirparser_init(parser, "iusb-bmcsim " PACKAGE_VERSION, caps, USB_REDIR_CAPS_SIZE,
		usbredirparser_fl_usb_host);
	return parser;
}

static void
accept_cb(struct evconnlistener *listener UNUSED, evutil_socket_t fd,
	struct sockaddr *address UNUSED, int address_len UNUSED, void *arg)
{
	struct usbredir *u = arg;
	struct qemu *link;

	if (u->link != NULL) {
		usbredir_say(u, LOG_LEVEL_WARNING, "usbredir: a second QEMU was turned away");
		evutil_closesocket(fd);
		return;
	}
	link = mem_new(1, sizeof(*link));
	link->bev = bufferevent_socket_new(u->base, fd, BEV_OPT_CLOSE_ON_FREE);
	link->first = evbuffer_new();
	link->parser = new_parser(u);
	if (link->bev == NULL || link->first == NULL || link->parser == NULL) {
		log_msg(LOG_LEVEL_ERROR, "out of memory");
		abort();
	}
	u->link = link;
	usbredir_say(u, LOG_LEVEL_INFO, "usbredir: QEMU is here");
	bufferevent_setcb(link->bev, read_cb, drained_cb, end_cb, u);
	bufferevent_setwatermark(link->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_enable(link->bev, EV_READ | EV_WRITE);
	expect_hello(link);
	(void)usbredirparser_do_read(link->parser);
	usbredir_guest_update(u);
}

struct usbredir *
usbredir_new(struct event_base *base, const char *socket_path, struct bmc *bmc, enum device device,
	int instance, struct reason *why)
{
	struct usbredir *u = mem_new(1, sizeof(*u));

	u->base = base;
	u->bmc = bmc;
	u->device = device;
	u->instance = instance;
	u->has_client = bmc_has_client(bmc, device, instance);
	u->path = mem_strdup(socket_path);
	slot_format(u->slot, bmc_name(bmc), device, instance);
	u->storage = usb_storage_new(device, &usbredir_storage_ops, u);
	u->listener = unix_listener_new(base, socket_path, accept_cb, u, why);
	if (u->listener == NULL) {
		usb_storage_free(u->storage);
		free(u->path);
		free(u);
		return NULL;
	}
	return u;
}

void
usbredir_free(struct usbredir *u)
{
	if (u == NULL)
		return;
	hang_up(u, "the simulator ends");
	evconnlistener_free(u->listener);
	unlink(u->path);
	usb_storage_free(u->storage);
	free(u->path);
	free(u);
}

void
usbredir_client_changed(struct usbredir *u, bool is_connected)
{
	u->has_client = is_connected;
	usbredir_guest_update(u);
}

void
usbredir_replug(struct usbredir *u)
{
	usbredir_guest_replug(u);
}
