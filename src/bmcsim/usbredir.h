/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usbredir: shows one virtual drive of a BMC to a QEMU guest. Listens on a Unix socket, to which
 * QEMU's usb-redir device connects (-chardev socket,path=...), and plays the usb-host of the
 * usbredir protocol with a mass-storage device (usb_storage) on it.
 *
 * The USB device is there while the drive has a media session (iusb-protocol 6.3, attach mode 1).
 * It is announced without waiting for QEMU's hello, which QEMU sends only after the guest has begun
 * to run and the firmware may have scanned USB already. For that the capabilities of QEMU must be
 * known beforehand: those of libusbredirparser 0.6 (2012) and newer are taken for granted, and a
 * peer whose hello lacks them is refused.
 */
#ifndef BMCSIM_USBREDIR_H
#define BMCSIM_USBREDIR_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

struct event_base;
struct bmc;
struct usbredir;

/*
 * Listens on socket_path, mode 0600; a socket that nobody listens on any more is replaced. One QEMU
 * at a time, and another one after it has gone. The bmc must outlive the bridge; while the bridge
 * exists nobody else submits commands to that slot. NULL with the reason.
 */
struct usbredir *usbredir_new(struct event_base *base, const char *socket_path, struct bmc *bmc,
	enum device device, int instance, struct reason *why) MUST_CHECK;

/* Ends the connection to QEMU and removes the socket. NULL is allowed. */
void usbredir_free(struct usbredir *usbredir);

/* The media session of the drive came or went (BMC_CONNECTED, BMC_DISCONNECTED). */
void usbredir_client_changed(struct usbredir *usbredir, bool is_connected);

/* The machine is reset: the USB device, if it is there, goes and comes again. */
void usbredir_replug(struct usbredir *usbredir);

#endif
