/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream_tunnel: text first, then IUSB as it is on the channel (iusb-protocol 7.2). */
#include <event2/buffer.h>

#include "bmc/clock.h"
#include "bmc/stream_private.h"

/* Seconds in which a web server that said no may add why. */
static const double REFUSAL_LIMIT = 1;

static struct tunnel_request
request_of(const struct stream *stream)
{
	return (struct tunnel_request){
		.host = stream->address,
		.secure_port = stream->secure_port,
		.cookie = stream->cookie ? stream->cookie : "",
		.device = stream->device,
		.is_tls = stream->check != NULL,
	};
}

static void
start(struct stream *stream)
{
	struct tunnel_request request = request_of(stream);
	struct reason why;

	if (tunnel_ask(channel_output(stream->channel), &request, &why) != 0) {
		stream_fail(stream, FAILURE_REFUSED, "%s", why.text);
		return;
	}
	channel_send(stream->channel);
	channel_want(stream->channel, TUNNEL_TEXT_MAX);
}

/* Takes the text off the input. The receiver never sees any of it: this comes before each of its
 * events. */
static enum tunnel_result
take_text(struct stream *stream, struct reason *why)
{
	struct evbuffer *in = channel_input(stream->channel);
	enum tunnel_result result = TUNNEL_MORE;
	struct evbuffer_iovec piece;
	size_t used;

	while (result == TUNNEL_MORE && evbuffer_peek(in, 1, NULL, &piece, 1) > 0) {
		result = tunnel_read(&stream->tunnel, piece.iov_base, piece.iov_len, &used, why);
		evbuffer_drain(in, used);
	}
	return result;
}

static void
took(struct stream *stream)
{
	struct reason why;

	switch (take_text(stream, &why)) {
	case TUNNEL_MORE:
		/* It said no, and may add why. */
		if (stream->tunnel.state == TUNNEL_IN_REFUSAL &&
			!evtimer_pending(stream->later, NULL))
			clock_arm(stream->later, REFUSAL_LIMIT);
		return;
	case TUNNEL_OPEN:
		/* What follows in the same breath is told after this. */
		stream->has_news = evbuffer_get_length(channel_input(stream->channel)) > 0;
		if (stream->has_news)
			stream_call_later(stream);
		stream_open(stream);
		return;
	case TUNNEL_THROUGH:
		direct_took(stream);
		return;
	case TUNNEL_REFUSED:
		stream_fail(stream, FAILURE_REFUSED, "%s", why.text);
		return;
	case TUNNEL_BAD:
		stream_fail(stream, FAILURE_PROTOCOL, "%s", why.text);
		return;
	}
}

static void
drained(struct stream *stream)
{
	/* Of the request nobody is told. */
	if (stream->stage == STAGE_OPEN && stream->is_sending) {
		stream->is_sending = false;
		direct_drained(stream);
	}
}

static void
closed(struct stream *stream)
{
	struct reason why;

	stream->is_peer_done = true;
	if (stream->has_news)
		return;
	if (tunnel_is_refused(&stream->tunnel, &why))
		stream_fail(stream, FAILURE_REFUSED, "%s", why.text);
	else if (stream->stage == STAGE_REPLY)
		stream_fail(stream, FAILURE_LOST,
			"the web server closed the connection instead of opening the tunnel");
	else
		direct_closed(stream);
}

/* The web server has had its time to say why not; or what came with its yes is to be told. */
static void
later(struct stream *stream)
{
	if (!stream->has_news) {
		closed(stream);
		return;
	}
	stream->has_news = false;
	if (stream->is_peer_done)
		stream_call_later(stream);
	took(stream);
}

static void
put(struct stream *stream, const void *head, size_t len, struct evbuffer *data)
{
	stream->is_sending = true;
	direct_write(stream, head, len, data);
}

static void
leave(struct stream *stream)
{
	struct tunnel_request request = request_of(stream);

	/* Not into the middle of a packet. */
	channel_flush(stream->channel);
	if (direct_pending(stream) > 0)
		return;
	tunnel_leave(channel_output(stream->channel), &request);
	channel_flush(stream->channel);
}

static void
clear(struct stream *stream UNUSED)
{
}

const struct carrier carrier_tunnel = {
	.name = "tunnel",
	.start = start,
	.took = took,
	.drained = drained,
	.closed = closed,
	.later = later,
	.want = direct_want,
	.write = put,
	.pending = direct_pending,
	.input = direct_input,
	.leave = leave,
	.clear = clear,
};
