/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usb_storage: a USB mass-storage device, Bulk-Only Transport 1.0: command wrappers in, data and
 * status wrappers out, stalls and resets. Pure: transfers come in through functions, and what the
 * device does (submit a SCSI command, complete a transfer) goes out through struct usb_storage_ops.
 */
#ifndef BMCSIM_USB_STORAGE_H
#define BMCSIM_USB_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slot.h"
#include "bmcsim/bmc.h"
#include "bmcsim/usb_descriptors.h"

enum {
	USB_STORAGE_DATA_MAX = 1 << 20, /* data bytes of one command; more is refused */
	USB_STORAGE_PENDING_MAX = 64,   /* bulk-in transfers that may wait at the same time */
};

enum usb_status { /* how a transfer ended */
	USB_OK,
	USB_STALL,
	USB_CANCELLED,
	USB_INVALID, /* one transfer too many, or no such endpoint */
	USB_BABBLE,  /* the device has more to say than the transfer has room for */
};

/* A control request as it stands in a SETUP packet (USB 2.0, 9.3). */
struct usb_setup {
	uint8_t request_type;
	uint8_t request;
	uint16_t value;
	uint16_t index;
	uint16_t length;
};

/* What the device needs from its owner. None of these may call back into the device, except that
 * the command's end comes later by usb_storage_done(). */
struct usb_storage_ops {
	/* Runs a SCSI command; its write data lives until the command is done or aborted. */
	void (*submit)(void *arg, const struct bmc_command *command);
	/* Forgets the command that runs; usb_storage_done() is not called for it. */
	void (*abort)(void *arg);
	/* A bulk-in transfer ended; data lives during the call. */
	void (*complete)(
		void *arg, uint64_t id, enum usb_status status, const uint8_t *data, uint32_t len);
};

struct usb_storage;

/* ops must outlive the device. Never NULL. */
struct usb_storage *usb_storage_new(
	enum device device, const struct usb_storage_ops *ops, void *arg) MUST_CHECK;

/* Aborts a command that runs; waiting transfers are not completed. NULL is allowed. */
void usb_storage_free(struct usb_storage *storage);

/* A USB reset, or a new configuration: everything starts anew, waiting transfers are cancelled. */
void usb_storage_reset(struct usb_storage *storage);

/*
 * A control request: standard ones but those that select configurations and interfaces, GET MAX
 * LUN and the Bulk-Only reset. *len is set to the bytes of the answer, at most setup->length.
 */
enum usb_status usb_storage_control(struct usb_storage *storage, const struct usb_setup *setup,
	uint8_t out[USB_DESCRIPTOR_MAX], size_t *len) MUST_CHECK;

/* A bulk-out transfer: a command wrapper or write data. Taken or refused at once. */
enum usb_status usb_storage_out(
	struct usb_storage *storage, const uint8_t *data, size_t len) MUST_CHECK;

/* A bulk-in transfer of at most len bytes; ends by ops->complete, now or later. */
void usb_storage_in(struct usb_storage *storage, uint64_t id, uint32_t len);

/* The host gives a bulk-in transfer up: completed as cancelled, if it has not ended already. */
void usb_storage_cancel(struct usb_storage *storage, uint64_t id);

/* The host has yet to fetch the answer or the status of a command that is done. */
bool usb_storage_owes(const struct usb_storage *storage);

/* The submitted command is done. */
void usb_storage_done(struct usb_storage *storage, const struct bmc_result *result);

#endif
