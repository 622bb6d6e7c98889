/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_serve: the packets of a session: the greeting, then one at a time in order of arrival
 * with one answer each (iusb-protocol 1.1, 4, 11.3 and 11.4). */
#include <assert.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "bmc/session_private.h"
#include "iusb/control.h"
#include "iusb/packet.h"
#include "scsi/scsi.h"

enum {
	DISK_TYPE_REMOVABLE = 0x80, /* answer to 0xF4, byte 61 */
};

/* The first packet of the input; its data lives until the input changes. */
static enum packet_result
peek(struct session *session, struct packet *out, struct reason *why)
{
	struct evbuffer *input = stream_input(session->stream);
	size_t len = evbuffer_get_length(input);
	uint8_t head[PACKET_HEADER_LEN + PACKET_OP_MIN_LEN];
	enum packet_result result;
	size_t total;

	evbuffer_copyout(input, head, sizeof(head));
	result = packet_measure(head, len < sizeof(head) ? len : sizeof(head), &total, why);
	if (result != PACKET_READY)
		return result;
	if (len < total)
		return PACKET_NEED_MORE;
	return packet_decode(evbuffer_pullup(input, (ev_ssize_t)total), total, out, why);
}

static void
consume(struct session *session, const struct packet *packet)
{
	evbuffer_drain(stream_input(session->stream), packet->total);
}

bool
session_is_input_cut(const struct session *session)
{
	struct evbuffer *input = stream_input(session->stream);
	size_t len = evbuffer_get_length(input), off = 0;
	uint8_t head[PACKET_HEADER_LEN + PACKET_OP_MIN_LEN];
	struct evbuffer_ptr at;

	while (off < len) {
		size_t n = len - off < sizeof(head) ? len - off : sizeof(head), total;

		evbuffer_ptr_set(input, &at, off, EVBUFFER_PTR_SET);
		evbuffer_copyout_from(input, &at, head, n);
		switch (packet_measure(head, n, &total, NULL)) {
		case PACKET_NEED_MORE:
			return true;
		case PACKET_BAD:
			return false;
		case PACKET_READY:
			off += total;
		}
	}
	return off > len;
}

/* ---- the greeting ---- */

static void
refuse(struct session *session, const struct ack *ack)
{
	const char *text = ack_status_text(ack->status);
	enum failure failure = FAILURE_REFUSED;

	if (ack->status == ACK_IN_USE || ack->status == ACK_TOO_MANY)
		failure = FAILURE_BUSY;
	if (ack->status == ACK_IN_USE && ack->owner[0])
		session_fail(session, failure, "in use by %s", ack->owner);
	else if (!text)
		session_fail(session, failure, "refused with a status that is not known (ACK %u)",
			ack->status);
	else if (ack->owner[0])
		session_fail(session, failure, "%s (ACK %u, %s)", text, ack->status, ack->owner);
	else
		session_fail(session, failure, "%s (ACK %u)", text, ack->status);
}

void
session_greet(struct session *session)
{
	struct packet packet;
	struct reason why;
	struct ack ack;

	switch (peek(session, &packet, &why)) {
	case PACKET_NEED_MORE:
		return;
	case PACKET_BAD:
		session_fail(session, FAILURE_PROTOCOL, "%s", why.text);
		return;
	case PACKET_READY:
		break;
	}
	if (packet.op != OP_ACK) {
		session_fail(session, FAILURE_PROTOCOL,
			"the BMC began with opcode 0x%02X instead of an ACK", packet.op);
	} else if (!ack_parse(&packet, &ack)) {
		session_fail(session, FAILURE_PROTOCOL, "the BMC's ACK has no status");
	} else if (!ack_is_accepted(ack.status)) {
		refuse(session, &ack);
	} else {
		consume(session, &packet);
		session_raise(session, EVENT_ACCEPTED);
	}
}

/* ---- answers ---- */

static void
send_answer(struct session *session, const uint8_t *head, size_t len, struct evbuffer *data)
{
	/* The BMC works with us: whatever failed before is over. */
	backoff_reset(&session->backoff);
	reason_clear(&session->logged);
	stream_write(session->stream, head, len, data);
}

static void
answer_keep_alive(struct session *session, const struct packet *packet)
{
	uint8_t out[PACKET_SCSI_LEN];

	control_keep_alive_answer(out, packet);
	session->keep_alives++;
	send_answer(session, out, sizeof(out), NULL);
}

/* What the host sees is removable (iusb-protocol 4). */
static void
answer_disk_type(struct session *session, const struct packet *packet)
{
	uint8_t out[CONTROL_LEN];

	packet_reply(out, packet, 0, 0);
	put_le32(out + OFF_DATA_PKT_LEN, CONTROL_LEN - PACKET_HEADER_LEN);
	packet_seal(out);
	out[OFF_DATA] = DISK_TYPE_REMOVABLE;
	send_answer(session, out, sizeof(out), NULL);
}

static void
answer_unknown(struct session *session, const struct packet *packet)
{
	uint8_t out[PACKET_SCSI_LEN];

	packet_reply(out, packet, SENSE_INVALID_OPCODE, 0);
	send_answer(session, out, sizeof(out), NULL);
}

static void
drive_answer_cb(void *arg, const struct drive_answer *answer)
{
	struct session *session = arg;
	uint8_t out[PACKET_SCSI_LEN];

	packet_reply(
		out, &session->request, answer->sense, (uint32_t)evbuffer_get_length(answer->data));
	session_log(session, LOG_LEVEL_DEBUG, NULL, "answer to 0x%02X, sense %06X, %zu bytes",
		session->request.op, answer->sense, evbuffer_get_length(answer->data));
	send_answer(session, out, sizeof(out), answer->data);
	if (answer->is_eject)
		session_raise(session, EVENT_EJECT);
}

static void
execute(struct session *session, const struct packet *packet)
{
	session->request = *packet;
	session->request.data = NULL;
	drive_execute(session->drive, packet, drive_answer_cb, session);
}

/* An ACK once more, with a status: nothing to answer if it is good. */
static void
check_ack(struct session *session, const struct packet *packet)
{
	struct ack ack;

	if (!ack_parse(packet, &ack))
		answer_unknown(session, packet);
	else if (!ack_is_accepted(ack.status))
		refuse(session, &ack);
}

static void
handle(struct session *session, const struct packet *packet)
{
	session_log(session, LOG_LEVEL_DEBUG, NULL, "packet 0x%02X, seq %u, %zu bytes", packet->op,
		packet->seq, packet->total);
	if (packet_is_keep_alive(packet)) {
		answer_keep_alive(session, packet);
		return;
	}
	if (!packet_is_control(packet)) {
		execute(session, packet);
		return;
	}
	switch (packet->op) {
	case OP_ACK:
		check_ack(session, packet);
		break;
	case OP_DISK_TYPE:
		answer_disk_type(session, packet);
		break;
	case OP_KILL:
		session_fail(session, FAILURE_KILLED, "the BMC ended the session (kill, 0xF6)");
		break;
	case OP_DISCONNECT:
		session_fail(
			session, FAILURE_KILLED, "the BMC ended the session (disconnect, 0xF7)");
		break;
	default:
		answer_unknown(session, packet);
	}
}

bool
session_is_at_work(const struct session *session)
{
	return drive_is_busy(session->drive) || stream_pending(session->stream) > 0;
}

void
session_serve(struct session *session)
{
	struct packet packet;
	struct reason why;

	/* An event that was raised ends the turn: it may end the connection. */
	while (session->queued == 0) {
		if (session_is_at_work(session)) {
			stream_want_input(session->stream, false);
			return;
		}
		switch (peek(session, &packet, &why)) {
		case PACKET_NEED_MORE:
			stream_want_input(session->stream, true);
			return;
		case PACKET_BAD:
			session_fail(session, FAILURE_PROTOCOL, "%s", why.text);
			return;
		case PACKET_READY:
			handle(session, &packet);
			consume(session, &packet);
		}
	}
}
