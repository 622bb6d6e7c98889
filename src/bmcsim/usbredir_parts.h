/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usbredir_parts: what usbredir.c (the connection) and usbredir_guest.c (the packets) share. */
#ifndef BMCSIM_USBREDIR_PARTS_H
#define BMCSIM_USBREDIR_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <usbredirparser.h>

#include "base/log.h"
#include "base/slot.h"
#include "bmcsim/usb_storage.h"

struct bufferevent;
struct evbuffer;
struct evconnlistener;
struct event_base;
struct bmc;

enum plug { /* the USB device, as QEMU knows it */
	PLUG_OUT,
	PLUG_IN,
	PLUG_LEAVING, /* until QEMU has acknowledged the disconnect */
};

/* One connection to QEMU. */
struct qemu {
	struct bufferevent *bev;       /* owned */
	struct usbredirparser *parser; /* owned */
	struct evbuffer *first;        /* what the parser is given before the connection's bytes */
	bool has_hello;                /* QEMU's hello was seen and is good enough */
	enum plug plug;
	uint8_t configuration;
};

struct usbredir {
	struct bmc *bmc;
	enum device device;
	int instance;
	bool has_client;
	char *path; /* owned; removed at the end */
	char slot[SLOT_NAME_SIZE];
	struct evconnlistener *listener; /* owned */
	struct event_base *base;
	struct usb_storage *storage; /* owned */
	struct qemu *link;           /* owned; NULL while no QEMU is there */
};

/* One line of log about the slot. */
void usbredir_say(const struct usbredir *u, enum log_level level, const char *text);

/* Hands what the parser has queued to the connection. */
void usbredir_flush(struct usbredir *u);

/* The device's way out: to the BMC and to QEMU. Its argument is the struct usbredir. */
extern const struct usb_storage_ops usbredir_storage_ops;

/* Sets the parser's callbacks for the packets of a guest. */
void usbredir_guest_init(struct usbredirparser *parser);

/* Brings the USB device to where the media session says it should be: plugged in or out. */
void usbredir_guest_update(struct usbredir *u);

/* Plugs it out, whatever is under way; it comes again when QEMU has acknowledged that. */
void usbredir_guest_replug(struct usbredir *u);

#endif
