/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_serve: the packets of a session that is accepted: one at a time in order of arrival with
 * one answer each (iusb-protocol 4 and 11.4). */
#include <assert.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "bmc/session_private.h"
#include "iusb/auth.h"
#include "iusb/control.h"
#include "iusb/packet.h"
#include "scsi/scsi.h"

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
	out[OFF_DATA] = DEVICE_TYPE_REMOVABLE;
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

/* Of the `rest` firmware only the one with the USB gadget counts no requests (iusb-protocol 2.3 and
 * 7.3). */
static void
look_for_gadget(struct session *session, const struct packet *packet)
{
	struct plan *plan = &session->plan;

	if (packet->seq != 0 || plan->transport != TRANSPORT_WEBSOCKET ||
		!session->conf.dialect->is_auto || plan->dialect->is_disconnect_an_eject)
		return;
	plan->dialect = dialect_find("rest-gadget");
	session_learn(session, plan->dialect);
	session_log(session, LOG_LEVEL_INFO, NULL, "its dialect is %s", plan->dialect->name);
}

static void
execute(struct session *session, const struct packet *packet)
{
	look_for_gadget(session, packet);
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
		session_refused(session, &ack);
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
		if (session->plan.dialect->is_disconnect_an_eject)
			session_raise(session, EVENT_GONE);
		else
			session_fail(session, FAILURE_KILLED,
				"the BMC ended the session (disconnect, 0xF7)");
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
		switch (session_peek(session, &packet, &why)) {
		case PACKET_NEED_MORE:
			stream_want_input(session->stream, true);
			return;
		case PACKET_BAD:
			session_fail(session, FAILURE_PROTOCOL, "%s", why.text);
			return;
		case PACKET_READY:
			handle(session, &packet);
			session_consume(session, &packet);
		}
	}
}
