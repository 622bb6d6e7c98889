/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scout_door: one look at one port: is it open, what TLS does it speak, does it speak first. */
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "bmc/channel.h"
#include "bmc/clock.h"
#include "bmc/scout_private.h"
#include "bmc/tcp_connect.h"

enum {
	GREETING_MAX = 512, /* bytes that an ACK, and what may follow it at once, can have */
};

static void try_tls(struct scout_visit *visit, bool is_old);

/* ---- the end of a visit ---- */

static void
hang_up(struct scout_visit *visit)
{
	tcp_connect_cancel(visit->tcp);
	visit->tcp = NULL;
	channel_free(visit->channel);
	visit->channel = NULL;
	tls_check_free(visit->check);
	visit->check = NULL;
}

void
scout_visit_stop(struct scout_visit *visit)
{
	hang_up(visit);
	if (visit->deadline)
		event_free(visit->deadline);
	visit->deadline = NULL;
	visit->is_under_way = false;
}

/* The last act of its caller. */
static void
done(struct scout_visit *visit)
{
	scout_visit_stop(visit);
	if (--visit->scout->under_way == 0)
		scout_next(visit->scout);
}

/* ---- TLS ---- */

/* No handshake, for that reason: old TLS may be all that it knows. */
static void
tls_failed(struct scout_visit *visit, const struct reason *why)
{
	visit->door->tls_why = *why;
	if (visit->is_old)
		done(visit);
	else
		try_tls(visit, true);
}

static void
tls_done(struct scout_visit *visit)
{
	struct scout_door *door = visit->door;

	door->has_tls = true;
	door->is_old = visit->is_old;
	door->seen = *tls_check_seen(visit->check);
	reason_clear(&door->tls_why);
	done(visit);
}

static void
tls_cb(void *arg, enum channel_event event, enum failure failure UNUSED, const struct reason *why)
{
	struct scout_visit *visit = arg;
	struct reason text;

	if (event == CHANNEL_READY) {
		tls_done(visit);
	} else if (event == CHANNEL_FAILED) {
		text = *why;
		tls_failed(visit, &text);
	}
}

static void
secure(struct scout_visit *visit, int fd)
{
	const struct scout *scout = visit->scout;
	const struct tls_conf conf = { .verify = TLS_VERIFY_NONE, .is_legacy = visit->is_old };
	struct ssl_st *ssl;
	struct reason why;

	visit->check = tls_check_new(&conf, PIN_WEB, scout->conf.way.address);
	ssl = tls_client(visit->check, &why);
	if (!ssl) {
		close(fd);
		visit->door->tls_why = why;
		done(visit);
		return;
	}
	clock_arm(visit->deadline, scout->conf.times.handshake);
	visit->channel = channel_new(scout->base, fd, ssl, visit->check, tls_cb, visit);
}

/* ---- does it speak first? ---- */

enum packet_result
scout_read_ack(struct evbuffer *input, struct ack *ack, struct reason *why)
{
	uint8_t bytes[GREETING_MAX];
	size_t len = evbuffer_get_length(input), total = 0;
	struct packet packet;
	enum packet_result result;

	len = len < sizeof(bytes) ? len : sizeof(bytes);
	evbuffer_copyout(input, bytes, len);
	result = packet_measure(bytes, len, &total, why);
	if (result == PACKET_READY)
		result = total > sizeof(bytes) ? PACKET_BAD
					       : packet_decode(bytes, len, &packet, why);
	if (total > sizeof(bytes))
		reason_set(why, "the BMC began with %zu bytes instead of an ACK", total);
	if (result != PACKET_READY)
		return result;
	if (packet.op != OP_ACK) {
		reason_set(why, "the BMC began with opcode 0x%02X instead of an ACK", packet.op);
		return PACKET_BAD;
	}
	if (!ack_parse(&packet, ack)) {
		reason_set(why, "the BMC's ACK has no status");
		return PACKET_BAD;
	}
	return PACKET_READY;
}

static void
heard_cb(void *arg, enum channel_event event, enum failure failure UNUSED, const struct reason *why)
{
	struct scout_visit *visit = arg;
	struct scout_door *door = visit->door;

	switch (event) {
	case CHANNEL_READY:
		channel_want(visit->channel, GREETING_MAX);
		return;
	case CHANNEL_INPUT:
		switch (scout_read_ack(channel_input(visit->channel), &door->ack, &door->ack_why)) {
		case PACKET_NEED_MORE:
			return;
		case PACKET_READY:
			door->has_ack = true;
			break;
		case PACKET_BAD:
			break;
		}
		break;
	case CHANNEL_CLOSED:
		reason_set(&door->ack_why, "the BMC closed the connection");
		break;
	case CHANNEL_FAILED:
		door->ack_why = *why;
		break;
	case CHANNEL_DRAINED:
		return;
	}
	done(visit);
}

static void
listen_to(struct scout_visit *visit, int fd)
{
	struct scout *scout = visit->scout;

	visit->door->was_heard = true;
	clock_arm(visit->deadline, scout->conf.times.listen);
	visit->channel = channel_new(scout->base, fd, NULL, NULL, heard_cb, visit);
}

/* ---- the connection ---- */

static void
connected_cb(void *arg, int fd, const struct reason *why)
{
	struct scout_visit *visit = arg;
	struct scout_door *door = visit->door;

	visit->tcp = NULL;
	if (fd < 0 && visit->is_old) {
		/* It was open before. */
		door->tls_why = *why;
		done(visit);
	} else if (fd < 0) {
		door->state = SCOUT_CLOSED;
		door->why = *why;
		done(visit);
	} else {
		door->state = SCOUT_OPEN;
		if (door->is_tls) {
			secure(visit, fd);
		} else if (visit->listens) {
			listen_to(visit, fd);
		} else {
			close(fd);
			done(visit);
		}
	}
}

static void
connect_to(struct scout_visit *visit)
{
	struct scout *scout = visit->scout;

	clock_arm(visit->deadline, scout->conf.times.connect);
	visit->tcp = tcp_connect_start(
		scout->base, scout->report.address, visit->door->port, connected_cb, visit);
}

static void
try_tls(struct scout_visit *visit, bool is_old)
{
	hang_up(visit);
	visit->is_old = is_old;
	connect_to(visit);
}

static void
deadline_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct scout_visit *visit = arg;
	struct scout_door *door = visit->door;
	struct reason why;

	if (visit->tcp && door->state != SCOUT_OPEN) {
		door->state = SCOUT_SILENT;
		reason_set(&door->why, "no answer");
		done(visit);
	} else if (door->is_tls) {
		reason_set(&why, "no answer to a TLS handshake");
		tls_failed(visit, &why);
	} else {
		done(visit);
	}
}

void
scout_visit_start(struct scout *scout, struct scout_door *door, bool listens)
{
	struct scout_visit *visit = &scout->visits[door - scout->report.doors];

	*visit = (struct scout_visit){
		.scout = scout,
		.door = door,
		.listens = listens,
		.is_under_way = true,
		.deadline = evtimer_new(scout->base, deadline_cb, visit),
	};
	door->state = SCOUT_UNTRIED;
	reason_clear(&door->why);
	scout->under_way++;
	connect_to(visit);
}
