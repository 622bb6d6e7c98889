/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usb_storage: the Bulk-Only Transport, a phase for each step of a command's life. */
#include "bmcsim/usb_storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

enum phase {            /* in the order of a command's life */
	PHASE_IDLE,     /* a command wrapper may come */
	PHASE_DATA_OUT, /* the host sends write data */
	PHASE_RUNNING,  /* the command is submitted */
	PHASE_DATA_IN,  /* the host fetches the answer */
	PHASE_STATUS,   /* the host fetches the status wrapper */
	PHASE_REFUSED,  /* after a bad wrapper: stalled until reset recovery (BOT 6.6.1) */
};

enum cbw_offset { /* BOT 5.1 */
	CBW_SIGNATURE = 0,
	CBW_TAG = 4,
	CBW_DATA_LEN = 8,
	CBW_FLAGS = 12,
	CBW_LUN = 13,
	CBW_CDB_LEN = 14,
	CBW_CDB = 15,
	CBW_LEN = 31,
};

enum csw_offset { /* BOT 5.2 */
	CSW_SIGNATURE = 0,
	CSW_TAG = 4,
	CSW_RESIDUE = 8,
	CSW_STATUS = 12,
	CSW_LEN = 13,
};

enum csw_status {
	CSW_PASSED = 0,
	CSW_FAILED = 1,
	CSW_PHASE_ERROR = 2,
};

enum {
	SIGNATURE_CBW = 0x43425355, /* "USBC" */
	SIGNATURE_CSW = 0x53425355, /* "USBS" */
	CBW_FLAG_IN = 0x80,
	CDB_MAX = 16,
};

enum direction {
	DIRECTION_NONE,
	DIRECTION_IN,
	DIRECTION_OUT,
};

struct pending {
	uint64_t id;
	uint32_t len;
};

struct usb_storage {
	enum device device;
	const struct usb_storage_ops *ops;
	void *arg;

	enum phase phase;
	bool is_in_halted; /* the endpoints' halt features */
	bool is_out_halted;

	/* the command, from its wrapper on */
	uint32_t tag;
	uint32_t wrapper_len; /* data bytes that the host announced */
	uint32_t moved_len;   /* of these, what the command itself wants moved */
	enum direction direction;
	struct bmc_command command;
	enum csw_status status;
	uint32_t residue;
	uint32_t data_len; /* bytes in data */
	uint32_t sent_len; /* of these, what the host has fetched */
	uint8_t *data;     /* USB_STORAGE_DATA_MAX bytes, owned */

	struct pending pending[USB_STORAGE_PENDING_MAX]; /* bulk-in transfers, oldest first */
	unsigned pending_count;
};

/* Ends the oldest waiting bulk-in transfer. */
static void
finish(struct usb_storage *s, enum usb_status status, const uint8_t *data, uint32_t len)
{
	uint64_t id = s->pending[0].id;

	s->pending_count--;
	memmove(&s->pending[0], &s->pending[1], s->pending_count * sizeof(s->pending[0]));
	s->ops->complete(s->arg, id, status, data, len);
}

static void
send_data(struct usb_storage *s)
{
	uint32_t asked = s->pending[0].len;
	uint32_t left = s->data_len - s->sent_len;
	uint32_t len = left < asked ? left : asked;
	const uint8_t *data = s->data + s->sent_len;

	s->sent_len += len;
	/* A transfer that is not filled tells the host that there is no more to come. */
	if (len < asked || s->sent_len == s->wrapper_len)
		s->phase = PHASE_STATUS;
	finish(s, USB_OK, data, len);
}

static void
send_status(struct usb_storage *s)
{
	uint8_t csw[CSW_LEN];

	if (s->pending[0].len < CSW_LEN) {
		finish(s, USB_BABBLE, NULL, 0);
		return;
	}
	put_le32(csw + CSW_SIGNATURE, SIGNATURE_CSW);
	put_le32(csw + CSW_TAG, s->tag);
	put_le32(csw + CSW_RESIDUE, s->residue);
	csw[CSW_STATUS] = (uint8_t)s->status;
	s->phase = PHASE_IDLE;
	finish(s, USB_OK, csw, CSW_LEN);
}

/* Serves the waiting bulk-in transfers as far as the phase has something for them. */
static void
pump(struct usb_storage *s)
{
	while (s->pending_count > 0) {
		if (s->is_in_halted)
			finish(s, USB_STALL, NULL, 0);
		else if (s->phase == PHASE_DATA_IN)
			send_data(s);
		else if (s->phase == PHASE_STATUS)
			send_status(s);
		else
			return;
	}
}

/* The command ends without being run: the pipe of its data stalls, then comes the status. */
static void
refuse(struct usb_storage *s, enum csw_status status)
{
	s->status = status;
	s->residue = s->wrapper_len;
	s->is_in_halted |= s->direction == DIRECTION_IN;
	s->is_out_halted |= s->direction == DIRECTION_OUT;
	s->phase = PHASE_STATUS;
}

static void
run(struct usb_storage *s)
{
	struct bmc_command *command = &s->command;

	command->is_write = s->direction == DIRECTION_OUT;
	command->read_len = command->is_write ? 0 : s->moved_len;
	command->data = command->is_write ? s->data : NULL;
	command->data_len = command->is_write ? s->moved_len : 0;
	s->phase = PHASE_RUNNING;
	s->ops->submit(s->arg, command);
}

/*
 * What a command that moves blocks wants to move, by its CDB. False for all others: how much they
 * answer, only the drive knows.
 */
static bool
cdb_moves(const uint8_t *cdb, uint32_t block_len, enum direction *direction, uint64_t *len)
{
	uint32_t blocks;

	switch (cdb[0]) {
	case 0x08: /* READ(6) */
	case 0x0A: /* WRITE(6) */
		blocks = cdb[4] == 0 ? 256 : cdb[4];
		break;
	case 0x28: /* READ(10) */
	case 0x2A: /* WRITE(10) */
	case 0x2E: /* WRITE AND VERIFY(10) */
		blocks = get_be16(cdb + 7);
		break;
	case 0xA8: /* READ(12) */
	case 0xAA: /* WRITE(12) */
		blocks = get_be32(cdb + 6);
		break;
	default:
		return false;
	}
	*direction =
		cdb[0] == 0x08 || cdb[0] == 0x28 || cdb[0] == 0xA8 ? DIRECTION_IN : DIRECTION_OUT;
	*len = (uint64_t)blocks * block_len;
	return true;
}

/* The thirteen cases of BOT 6.7: does the wrapper allow what the CDB wants? */
static bool
agree(struct usb_storage *s)
{
	enum direction wanted;
	uint64_t len;

	s->moved_len = s->wrapper_len;
	if (!cdb_moves(s->command.cdb, s->device == DEVICE_CD ? 2048 : 512, &wanted, &len))
		return true;
	if (len > s->wrapper_len || (len > 0 && wanted != s->direction))
		return false;
	s->moved_len = (uint32_t)len;
	return true;
}

static enum usb_status
take_wrapper(struct usb_storage *s, const uint8_t *cbw, size_t len)
{
	uint8_t cdb_len = len == CBW_LEN ? cbw[CBW_CDB_LEN] : 0;

	if (len != CBW_LEN || get_le32(cbw + CBW_SIGNATURE) != SIGNATURE_CBW ||
		(cbw[CBW_FLAGS] & ~CBW_FLAG_IN) != 0 || cbw[CBW_LUN] != 0 || cdb_len == 0 ||
		cdb_len > CDB_MAX) {
		s->phase = PHASE_REFUSED;
		s->is_in_halted = s->is_out_halted = true;
		return USB_STALL;
	}
	s->tag = get_le32(cbw + CBW_TAG);
	s->wrapper_len = get_le32(cbw + CBW_DATA_LEN);
	s->direction = s->wrapper_len == 0                   ? DIRECTION_NONE
		       : (cbw[CBW_FLAGS] & CBW_FLAG_IN) != 0 ? DIRECTION_IN
							     : DIRECTION_OUT;
	memset(s->command.cdb, 0, sizeof(s->command.cdb));
	memcpy(s->command.cdb, cbw + CBW_CDB, cdb_len);
	s->data_len = s->sent_len = 0;

	if (!agree(s))
		refuse(s, CSW_PHASE_ERROR);
	else if (s->wrapper_len > USB_STORAGE_DATA_MAX)
		refuse(s, CSW_FAILED);
	else if (s->direction == DIRECTION_OUT)
		s->phase = PHASE_DATA_OUT;
	else
		run(s);
	return USB_OK;
}

static enum usb_status
take_data(struct usb_storage *s, const uint8_t *data, size_t len)
{
	if (len > s->wrapper_len - s->data_len) {
		refuse(s, CSW_PHASE_ERROR);
		return USB_STALL;
	}
	memcpy(s->data + s->data_len, data, len);
	s->data_len += (uint32_t)len;
	if (s->data_len == s->wrapper_len)
		run(s);
	return USB_OK;
}

struct usb_storage *
usb_storage_new(enum device device, const struct usb_storage_ops *ops, void *arg)
{
	struct usb_storage *s = mem_new(1, sizeof(*s));

	s->device = device;
	s->ops = ops;
	s->arg = arg;
	s->data = mem_new(1, USB_STORAGE_DATA_MAX);
	return s;
}

static void
forget_command(struct usb_storage *s)
{
	if (s->phase == PHASE_RUNNING)
		s->ops->abort(s->arg);
	s->phase = PHASE_IDLE;
}

void
usb_storage_free(struct usb_storage *s)
{
	if (s == NULL)
		return;
	forget_command(s);
	free(s->data);
	free(s);
}

void
usb_storage_reset(struct usb_storage *s)
{
	forget_command(s);
	s->is_in_halted = s->is_out_halted = false;
	while (s->pending_count > 0)
		finish(s, USB_CANCELLED, NULL, 0);
}

enum usb_status
usb_storage_out(struct usb_storage *s, const uint8_t *data, size_t len)
{
	enum usb_status status = USB_STALL;

	if (s->is_out_halted)
		return USB_STALL;
	if (s->phase == PHASE_IDLE)
		status = take_wrapper(s, data, len);
	else if (s->phase == PHASE_DATA_OUT)
		status = take_data(s, data, len);
	else
		s->is_out_halted = true;
	pump(s);
	return status;
}

void
usb_storage_in(struct usb_storage *s, uint64_t id, uint32_t len)
{
	if (s->pending_count == USB_STORAGE_PENDING_MAX) {
		s->ops->complete(s->arg, id, USB_INVALID, NULL, 0);
		return;
	}
	s->pending[s->pending_count++] = (struct pending){ id, len };
	pump(s);
}

void
usb_storage_cancel(struct usb_storage *s, uint64_t id)
{
	for (unsigned i = 0; i < s->pending_count; i++) {
		if (s->pending[i].id != id)
			continue;
		s->pending_count--;
		memmove(&s->pending[i], &s->pending[i + 1],
			(s->pending_count - i) * sizeof(s->pending[0]));
		s->ops->complete(s->arg, id, USB_CANCELLED, NULL, 0);
		return;
	}
}

bool
usb_storage_owes(const struct usb_storage *s)
{
	return s->phase == PHASE_DATA_IN || s->phase == PHASE_STATUS;
}

void
usb_storage_done(struct usb_storage *s, const struct bmc_result *result)
{
	uint32_t moved = 0;

	if (s->phase != PHASE_RUNNING)
		return;
	s->data_len = 0;
	if (s->direction == DIRECTION_OUT) {
		moved = result->is_good ? s->moved_len : 0;
	} else if (result->data_len > 0) {
		moved = result->data_len < s->moved_len ? result->data_len : s->moved_len;
		memcpy(s->data, result->data, moved);
		s->data_len = moved;
	}
	s->status = result->is_good ? CSW_PASSED : CSW_FAILED;
	s->residue = s->wrapper_len - moved;
	s->phase = s->direction == DIRECTION_IN ? PHASE_DATA_IN : PHASE_STATUS;
	pump(s);
}

enum setup { /* bmRequestType << 8 | bRequest (USB 2.0, table 9-3; BOT 3) */
	SETUP_GET_STATUS_DEVICE = 0x8000,
	SETUP_GET_STATUS_INTERFACE = 0x8100,
	SETUP_GET_STATUS_ENDPOINT = 0x8200,
	SETUP_CLEAR_FEATURE_ENDPOINT = 0x0201,
	SETUP_SET_FEATURE_ENDPOINT = 0x0203,
	SETUP_GET_DESCRIPTOR = 0x8006,
	SETUP_STORAGE_RESET = 0x21FF,
	SETUP_GET_MAX_LUN = 0xA1FE,
};

/* The halt feature of an endpoint, NULL if there is no such endpoint. */
static bool *
endpoint_halt(struct usb_storage *s, uint16_t endpoint)
{
	if (endpoint == USB_EP_IN)
		return &s->is_in_halted;
	return endpoint == USB_EP_OUT ? &s->is_out_halted : NULL;
}

static enum usb_status
set_halt(struct usb_storage *s, const struct usb_setup *setup, bool is_halted)
{
	bool *halt = endpoint_halt(s, setup->index);

	if (setup->value != 0) /* ENDPOINT_HALT is the only feature of an endpoint */
		return USB_STALL;
	if (halt == NULL) /* the default pipe never stays halted */
		return (setup->index & 0x7F) == 0 ? USB_OK : USB_STALL;
	/* Before reset recovery the host cannot talk its way out of a refused wrapper. */
	*halt = is_halted || s->phase == PHASE_REFUSED;
	pump(s);
	return USB_OK;
}

enum usb_status
usb_storage_control(struct usb_storage *s, const struct usb_setup *setup,
	uint8_t out[USB_DESCRIPTOR_MAX], size_t *len)
{
	const bool *halt;

	*len = 0;
	memset(out, 0, USB_DESCRIPTOR_MAX);
	switch (setup->request_type << 8 | setup->request) {
	case SETUP_GET_STATUS_ENDPOINT:
		halt = endpoint_halt(s, setup->index);
		out[0] = halt != NULL && *halt;
		*len = 2;
		break;
	case SETUP_GET_STATUS_DEVICE:
	case SETUP_GET_STATUS_INTERFACE:
		*len = 2;
		break;
	case SETUP_GET_DESCRIPTOR:
		*len = usb_descriptor(
			s->device, (uint8_t)(setup->value >> 8), (uint8_t)setup->value, out);
		if (*len == 0)
			return USB_STALL;
		break;
	case SETUP_GET_MAX_LUN:
		*len = 1;
		break;
	case SETUP_STORAGE_RESET: /* leaves the halts to CLEAR FEATURE (BOT 3.1) */
		forget_command(s);
		return USB_OK;
	case SETUP_CLEAR_FEATURE_ENDPOINT:
		return set_halt(s, setup, false);
	case SETUP_SET_FEATURE_ENDPOINT:
		return set_halt(s, setup, true);
	default:
		return USB_STALL;
	}
	if (*len > setup->length)
		*len = setup->length;
	return USB_OK;
}
