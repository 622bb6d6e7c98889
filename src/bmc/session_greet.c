/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_greet: how a session begins and ends towards the BMC: AUTH and DEVICE_INFO, what its ACK
 * says, DISCONNECT (iusb-protocol 1, 4, 5, 6.3 and 11.3). */
#include <assert.h>
#include <string.h>

#include "bmc/session_private.h"
#include "image/image.h"
#include "iusb/auth.h"
#include "iusb/control.h"

/* ---- what we say ---- */

static const char *
image_name(const struct session *session)
{
	const char *path = image_path(drive_image(session->drive));
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void
session_authenticate(struct session *session)
{
	const struct plan *plan = &session->plan;
	int instance = session->conf.instance;
	union {
		uint8_t auth[AUTH_LEN_MAX];
		uint8_t info[DEVICE_INFO_LEN];
	} out;
	size_t len;

	if (plan->dialect->bmc_speaks_first)
		return;
	assert(session->grant);
	len = auth_build(
		out.auth, plan->kind, session->conf.device, instance, session->grant->token);
	stream_write(session->stream, out.auth, len, NULL);
	explicit_bzero(&out, sizeof(out));
	if (!plan->dialect->has_device_info)
		return;
	len = device_info_build(
		out.info, plan->transport == TRANSPORT_WEBSOCKET, instance, image_name(session));
	stream_write(session->stream, out.info, len, NULL);
}

void
session_say_goodbye(struct session *session)
{
	uint8_t out[CONTROL_LEN];

	disconnect_build(out, session->conf.instance);
	stream_write(session->stream, out, sizeof(out), NULL);
}

/* ---- what the BMC says ---- */

/* "in use by 10.0.0.7" */
static void
explain(struct session *session, const struct ack *ack)
{
	enum failure failure = failure_of_ack(ack->status);
	const char *text = ack_status_text(ack->status);
	bool is_own = strcmp(ack->owner, "127.0.0.1") == 0 || strcmp(ack->owner, "::1") == 0;

	if (ack->status == ACK_IN_USE && is_own)
		session_fail(session, failure, "in use by the BMC's own media");
	else if (ack->status == ACK_IN_USE && ack->owner[0])
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
session_refused(struct session *session, const struct ack *ack)
{
	bool is_greeting = session->phase == PHASE_AUTHENTICATING;

	if (ack->status == ACK_TOKEN_INVALID && session->grant) {
		ticket_refused(session->ticket);
		if (is_greeting && !session->has_renewed) {
			session->has_renewed = true;
			session_log(session, LOG_LEVEL_INFO, NULL,
				"token refused, asking for another one");
			session_raise(session, EVENT_RENEW);
			return;
		}
	}
	if (ack->status == ACK_OTHER_ERROR && is_greeting && !session->has_repeated) {
		session->has_repeated = true;
		session_log(session, LOG_LEVEL_INFO, NULL, "%s, trying once more",
			ack_status_text(ack->status));
		session_raise(session, EVENT_REPEAT);
		return;
	}
	explain(session, ack);
}

void
session_greet(struct session *session)
{
	struct packet packet;
	struct reason why;
	struct ack ack;

	switch (session_peek(session, &packet, &why)) {
	case PACKET_NEED_MORE:
		return;
	case PACKET_BAD:
		session_fail(session, FAILURE_PROTOCOL, "%s", why.text);
		return;
	case PACKET_READY:
		break;
	}
	if (packet.op == OP_KILL || packet.op == OP_DISCONNECT) {
		session_fail(session, FAILURE_KILLED,
			"the BMC ended the session before it began (0x%02X)", packet.op);
	} else if (packet.op != OP_ACK) {
		session_fail(session, FAILURE_PROTOCOL,
			"the BMC began with opcode 0x%02X instead of an ACK", packet.op);
	} else if (!ack_parse(&packet, &ack)) {
		session_fail(session, FAILURE_PROTOCOL, "the BMC's ACK has no status");
	} else if (!ack_is_accepted(ack.status)) {
		session_refused(session, &ack);
	} else {
		session_consume(session, &packet);
		session_raise(session, EVENT_ACCEPTED);
	}
}
