/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usb_descriptors: device, configuration, qualifier and string descriptors of the virtual drives.
 */
#include "bmcsim/usb_descriptors.h"

#include <string.h>

#include "base/compiler.h"

enum descriptor_type { /* USB 2.0, table 9-5 */
	TYPE_DEVICE = 1,
	TYPE_CONFIGURATION = 2,
	TYPE_STRING = 3,
	TYPE_INTERFACE = 4,
	TYPE_ENDPOINT = 5,
	TYPE_QUALIFIER = 6,
	TYPE_OTHER_SPEED = 7,
};

enum string_index {
	STRING_LANGUAGES,
	STRING_MANUFACTURER,
	STRING_PRODUCT,
	STRING_SERIAL,
	STRING_COUNT,
};

enum {
	CONFIGURATION_LEN = 9 + 9 + 7 + 7,
	CONTROL_MAX_PACKET = 64,
	BULK_MAX_PACKET_FULL_SPEED = 64,
	LANGUAGE_ENGLISH_US = 0x0409,
	ATTRIBUTE_RESERVED = 0x80, /* bit 7 of bmAttributes is always set */
	ENDPOINT_BULK = 2,
	POWER_100_MA = 50,
};

struct identity {
	uint16_t product_id;
	const char *strings[STRING_COUNT]; /* ASCII, by index; languages are none of them */
};

static const struct identity identities[DEVICE_COUNT] = {
	[DEVICE_CD] = { 0xFF20,
		{ NULL, "American Megatrends Inc.", "Virtual Cdrom Device", "AAAABBBBCCCC1" } },
	[DEVICE_FD] = { 0xFF40,
		{ NULL, "American Megatrends Inc.", "Virtual Floppy Device", "AAAABBBBCCCC2" } },
	[DEVICE_HD] = { 0xFF31,
		{ NULL, "American Megatrends Inc.", "Virtual HDisk Device", "AAAABBBBCCCC3" } },
};

static uint8_t
low(unsigned v)
{
	return (uint8_t)(v & 0xFF);
}

static uint8_t
high(unsigned v)
{
	return (uint8_t)(v >> 8);
}

static size_t
put(uint8_t *out, const uint8_t *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return len;
}

static size_t
describe_device(const struct identity *identity, uint8_t *out)
{
	const uint8_t bytes[] = {
		18, TYPE_DEVICE, 0x00, 0x02,             /* USB 2.00 */
		0, 0, 0,                                 /* the class stands in the interface */
		CONTROL_MAX_PACKET,                      /* of endpoint 0 */
		low(USB_VENDOR_ID), high(USB_VENDOR_ID), /* */
		low(identity->product_id), high(identity->product_id), /* */
		low(USB_DEVICE_VERSION), high(USB_DEVICE_VERSION),     /* */
		STRING_MANUFACTURER, STRING_PRODUCT, STRING_SERIAL,    /* */
		1,                                                     /* configuration */
	};

	return put(out, bytes, sizeof(bytes));
}

static size_t
describe_qualifier(uint8_t *out)
{
	const uint8_t bytes[] = { 10, TYPE_QUALIFIER, 0x00, 0x02, 0, 0, 0, CONTROL_MAX_PACKET, 1,
		0 };

	return put(out, bytes, sizeof(bytes));
}

static size_t
describe_endpoint(uint8_t *out, uint8_t address, unsigned max_packet)
{
	const uint8_t bytes[] = { 7, TYPE_ENDPOINT, address, ENDPOINT_BULK, low(max_packet),
		high(max_packet), 0 };

	return put(out, bytes, sizeof(bytes));
}

static size_t
describe_configuration(uint8_t *out, uint8_t type, unsigned max_packet)
{
	const uint8_t bytes[] = { /* configuration: one interface */
		9, type, low(CONFIGURATION_LEN), high(CONFIGURATION_LEN), 1, USB_CONFIGURATION, 0,
		ATTRIBUTE_RESERVED, POWER_100_MA,
		/* interface 0: two endpoints */
		9, TYPE_INTERFACE, 0, 0, 2, USB_CLASS_STORAGE, USB_SUBCLASS_SCSI,
		USB_PROTOCOL_BULK_ONLY, 0
	};
	size_t len = put(out, bytes, sizeof(bytes));

	len += describe_endpoint(out + len, USB_EP_IN, max_packet);
	len += describe_endpoint(out + len, USB_EP_OUT, max_packet);
	return len;
}

static size_t
describe_string(const struct identity *identity, uint8_t index, uint8_t *out)
{
	const uint8_t languages[] = { 4, TYPE_STRING, low(LANGUAGE_ENGLISH_US),
		high(LANGUAGE_ENGLISH_US) };
	const char *text;
	size_t len = 2;

	if (index == STRING_LANGUAGES)
		return put(out, languages, sizeof(languages));
	if (index >= STRING_COUNT)
		return 0;
	for (text = identity->strings[index]; *text != '\0' && len + 2 <= USB_DESCRIPTOR_MAX;
		text++) {
		out[len++] = (uint8_t)*text;
		out[len++] = 0;
	}
	out[0] = (uint8_t)len;
	out[1] = TYPE_STRING;
	return len;
}

uint16_t
usb_product_id(enum device device)
{
	return identities[device].product_id;
}

size_t
usb_descriptor(enum device device, uint8_t type, uint8_t index, uint8_t out[USB_DESCRIPTOR_MAX])
{
	const struct identity *identity = &identities[device];

	if (type == TYPE_STRING)
		return describe_string(identity, index, out);
	if (index != 0)
		return 0;
	switch (type) {
	case TYPE_DEVICE:
		return describe_device(identity, out);
	case TYPE_CONFIGURATION:
		return describe_configuration(out, type, USB_BULK_MAX_PACKET);
	case TYPE_QUALIFIER:
		return describe_qualifier(out);
	case TYPE_OTHER_SPEED:
		return describe_configuration(out, type, BULK_MAX_PACKET_FULL_SPEED);
	default:
		return 0;
	}
}
