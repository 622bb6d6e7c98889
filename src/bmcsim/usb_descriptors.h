/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usb_descriptors: what a BMC's virtual drive says about itself on USB (iusb-protocol 10.3). Pure.
 */
#ifndef BMCSIM_USB_DESCRIPTORS_H
#define BMCSIM_USB_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/slot.h"

enum {
	USB_VENDOR_ID = 0x046B,
	USB_DEVICE_VERSION = 0x0100, /* 1.00 as BCD; Linux has quirks for this revision */
	USB_CONFIGURATION = 1,       /* the only one, with interface 0 */
	USB_EP_IN = 0x81,
	USB_EP_OUT = 0x02,
	USB_BULK_MAX_PACKET = 512, /* at high speed */
	USB_CLASS_STORAGE = 0x08,
	USB_SUBCLASS_SCSI = 0x06,
	USB_PROTOCOL_BULK_ONLY = 0x50,
	USB_DESCRIPTOR_MAX = 64, /* bytes of the longest descriptor here */
};

/* idProduct: FF20 CD, FF40 floppy, FF31 disk. */
uint16_t usb_product_id(enum device device);

/*
 * GET_DESCRIPTOR (USB 2.0, 9.4.3 and 9.6): the descriptor of that type and index in full, for the
 * caller to clip. Returns its length; 0 if there is none, which the device answers with a stall.
 */
size_t usb_descriptor(
	enum device device, uint8_t type, uint8_t index, uint8_t out[USB_DESCRIPTOR_MAX]);

#endif
