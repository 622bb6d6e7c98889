/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usbredir_guest: the packets of QEMU's guest, and when the USB device comes and goes. */
#include "bmcsim/usbredir_parts.h"

#include "bmcsim/bmc.h"
#include "bmcsim/usb_descriptors.h"

static uint8_t
redir_status(enum usb_status status)
{
	static const uint8_t map[] = {
		[USB_OK] = usb_redir_success,
		[USB_STALL] = usb_redir_stall,
		[USB_CANCELLED] = usb_redir_cancelled,
		[USB_INVALID] = usb_redir_inval,
		[USB_BABBLE] = usb_redir_babble,
	};

	return map[status];
}

/* --- when the USB device comes and goes -------------------------------------- */

static void
send_interface_and_endpoints(struct usbredir *u)
{
	struct usb_redir_interface_info_header interface = {
		.interface_count = 1,
		.interface_class = { USB_CLASS_STORAGE },
		.interface_subclass = { USB_SUBCLASS_SCSI },
		.interface_protocol = { USB_PROTOCOL_BULK_ONLY },
	};
	struct usb_redir_ep_info_header endpoints = { .type = { 0 } };
	const unsigned in = 16 + (USB_EP_IN & 0x0F), out = USB_EP_OUT;

	/* 32 endpoints: 0 to 15 out, 16 to 31 in; number 0 of each is the control endpoint. */
	for (unsigned i = 0; i < 32; i++)
		endpoints.type[i] = i % 16 == 0 ? usb_redir_type_control : usb_redir_type_invalid;
	endpoints.type[in] = endpoints.type[out] = usb_redir_type_bulk;
	endpoints.max_packet_size[in] = endpoints.max_packet_size[out] = USB_BULK_MAX_PACKET;
	usbredirparser_send_interface_info(u->link->parser, &interface);
	usbredirparser_send_ep_info(u->link->parser, &endpoints);
}

static void
plug_in(struct usbredir *u)
{
	struct usb_redir_device_connect_header connect = {
		.speed = usb_redir_speed_high,
		.vendor_id = USB_VENDOR_ID,
		.product_id = usb_product_id(u->device),
		.device_version_bcd = USB_DEVICE_VERSION,
	};

	send_interface_and_endpoints(u);
	usbredirparser_send_device_connect(u->link->parser, &connect);
	u->link->plug = PLUG_IN;
	u->link->configuration = USB_CONFIGURATION;
	usbredir_say(u, LOG_LEVEL_INFO, "usbredir: the USB device is plugged in");
}

static void
plug_out(struct usbredir *u)
{
	usb_storage_reset(u->storage);
	usbredirparser_send_device_disconnect(u->link->parser);
	u->link->plug = PLUG_LEAVING;
	usbredir_say(u, LOG_LEVEL_INFO, "usbredir: the USB device is unplugged");
}

void
usbredir_guest_update(struct usbredir *u)
{
	if (u->link == NULL)
		return;
	if (u->link->plug == PLUG_OUT && u->has_client)
		plug_in(u);
	/* A command that is done is seen by the host: the answer to an eject, above all. */
	else if (u->link->plug == PLUG_IN && !u->has_client && !usb_storage_owes(u->storage))
		plug_out(u);
	usbredir_flush(u);
}

void
usbredir_guest_replug(struct usbredir *u)
{
	if (u->link == NULL || u->link->plug != PLUG_IN)
		return;
	plug_out(u);
	usbredir_flush(u);
}

static void
got_disconnect_ack(void *arg)
{
	struct usbredir *u = arg;

	if (u->link->plug != PLUG_LEAVING)
		return;
	u->link->plug = PLUG_OUT;
	usbredir_guest_update(u);
}

/* --- packets of the guest ------------------------------------------------------ */

static void
got_hello(void *arg, struct usb_redir_hello_header *hello)
{
	(void)arg;
	(void)hello;
}

static void
got_reset(void *arg)
{
	struct usbredir *u = arg;

	usb_storage_reset(u->storage);
	usbredir_guest_update(u);
}

static void
got_set_configuration(void *arg, uint64_t id, struct usb_redir_set_configuration_header *set)
{
	struct usbredir *u = arg;
	struct usb_redir_configuration_status_header status = { .status = usb_redir_stall };

	if (set->configuration == USB_CONFIGURATION || set->configuration == 0) {
		u->link->configuration = set->configuration;
		usb_storage_reset(u->storage);
		send_interface_and_endpoints(u);
		status.status = usb_redir_success;
	}
	status.configuration = u->link->configuration;
	usbredirparser_send_configuration_status(u->link->parser, id, &status);
}

static void
got_get_configuration(void *arg, uint64_t id)
{
	struct usbredir *u = arg;
	struct usb_redir_configuration_status_header status = {
		.status = usb_redir_success,
		.configuration = u->link->configuration,
	};

	usbredirparser_send_configuration_status(u->link->parser, id, &status);
}

static void
got_set_alt_setting(void *arg, uint64_t id, struct usb_redir_set_alt_setting_header *set)
{
	struct usbredir *u = arg;
	struct usb_redir_alt_setting_status_header status = {
		.status = usb_redir_stall,
		.interface = set->interface,
	};

	if (set->interface == 0 && set->alt == 0) {
		usb_storage_reset(u->storage);
		send_interface_and_endpoints(u);
		status.status = usb_redir_success;
	}
	usbredirparser_send_alt_setting_status(u->link->parser, id, &status);
}

static void
got_get_alt_setting(void *arg, uint64_t id, struct usb_redir_get_alt_setting_header *get)
{
	struct usbredir *u = arg;
	struct usb_redir_alt_setting_status_header status = {
		.status = get->interface == 0 ? usb_redir_success : usb_redir_stall,
		.interface = get->interface,
	};

	usbredirparser_send_alt_setting_status(u->link->parser, id, &status);
}

static void
got_control_packet(void *arg, uint64_t id, struct usb_redir_control_packet_header *header,
	uint8_t *data, int data_len)
{
	struct usbredir *u = arg;
	const struct usb_setup setup = {
		.request_type = header->requesttype,
		.request = header->request,
		.value = header->value,
		.index = header->index,
		.length = header->length,
	};
	struct usb_redir_control_packet_header answer = *header;
	uint8_t out[USB_DESCRIPTOR_MAX];
	size_t len = 0;

	usbredirparser_free_packet_data(u->link->parser, data);
	answer.status = redir_status(usb_storage_control(u->storage, &setup, out, &len));
	if ((header->endpoint & 0x80) == 0) { /* no request here takes data */
		answer.length = answer.status == usb_redir_success ? (uint16_t)data_len : 0;
		len = 0;
	} else {
		answer.length = (uint16_t)len;
	}
	usbredirparser_send_control_packet(
		u->link->parser, id, &answer, len > 0 ? out : NULL, (int)len);
	usbredir_guest_update(u); /* a reset may have ended the command */
}

static void
send_bulk(struct usbredir *u, uint64_t id, uint8_t endpoint, enum usb_status status,
	const uint8_t *data, uint32_t len)
{
	struct usb_redir_bulk_packet_header header = {
		.endpoint = endpoint,
		.status = redir_status(status),
		.length = (uint16_t)len,
		.length_high = (uint16_t)(len >> 16),
	};

	/* The library copies the data and does not change it. */
	usbredirparser_send_bulk_packet(
		u->link->parser, id, &header, (uint8_t *)data, data == NULL ? 0 : (int)len);
}

static void
got_bulk_packet(void *arg, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *data,
	int data_len)
{
	struct usbredir *u = arg;
	uint32_t len = header->length | (uint32_t)header->length_high << 16;
	enum usb_status status = USB_INVALID;

	if (u->link->plug != PLUG_IN) {
		/* Sent before QEMU heard that the device is gone: it expects no answer. */
	} else if (header->endpoint == USB_EP_IN) {
		usb_storage_in(u->storage, id, len);
	} else {
		if (header->endpoint == USB_EP_OUT)
			status = usb_storage_out(u->storage, data, (size_t)data_len);
		send_bulk(u, id, header->endpoint, status, NULL,
			status == USB_OK ? (uint32_t)data_len : 0);
	}
	usbredirparser_free_packet_data(u->link->parser, data);
	usbredir_guest_update(u);
}

static void
got_cancel(void *arg, uint64_t id)
{
	struct usbredir *u = arg;

	usb_storage_cancel(u->storage, id);
}

/* --- between the USB device and the BMC ---------------------------------------- */

static void
command_done_cb(void *arg, const struct bmc_result *result)
{
	struct usbredir *u = arg;

	usb_storage_done(u->storage, result);
	if (u->link != NULL)
		usbredir_flush(u);
}

static void
do_submit(void *arg, const struct bmc_command *command)
{
	struct usbredir *u = arg;

	bmc_submit(u->bmc, u->device, u->instance, command, command_done_cb, u);
}

static void
do_abort(void *arg)
{
	struct usbredir *u = arg;

	bmc_abort(u->bmc, u->device, u->instance);
}

static void
do_complete(void *arg, uint64_t id, enum usb_status status, const uint8_t *data, uint32_t len)
{
	struct usbredir *u = arg;

	send_bulk(u, id, USB_EP_IN, status, data, len);
}

const struct usb_storage_ops usbredir_storage_ops = {
	.submit = do_submit,
	.abort = do_abort,
	.complete = do_complete,
};

void
usbredir_guest_init(struct usbredirparser *parser)
{
	parser->hello_func = got_hello;
	parser->reset_func = got_reset;
	parser->set_configuration_func = got_set_configuration;
	parser->get_configuration_func = got_get_configuration;
	parser->set_alt_setting_func = got_set_alt_setting;
	parser->get_alt_setting_func = got_get_alt_setting;
	parser->control_packet_func = got_control_packet;
	parser->bulk_packet_func = got_bulk_packet;
	parser->cancel_data_packet_func = got_cancel;
	parser->device_disconnect_ack_func = got_disconnect_ack;
}
