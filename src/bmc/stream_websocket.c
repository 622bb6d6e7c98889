/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream_websocket: one packet a message to the BMC, a stream of bytes out of its frames
 * (iusb-protocol 7.3). */
#include <event2/buffer.h>
#include <event2/event.h>

#include "bmc/stream_private.h"
#include "iusb/packet.h"

enum {
	RAW_MAX = 16384, /* bytes of frames that wait on either side of the codec */
};

/* ---- the way in ---- */

static void
start(struct stream *stream)
{
	struct websocket_request request = {
		.host = stream->address,
		.port = stream->port,
		.is_tls = stream->check != NULL,
		.path = stream->path ? stream->path : "/",
		.cookie = stream->cookie,
		.key = stream->key,
	};
	struct reason why;

	websocket_make_key(stream->key);
	if (websocket_ask(channel_output(stream->channel), &request, &why) != 0) {
		stream_fail(stream, FAILURE_REFUSED, "%s", why.text);
		return;
	}
	channel_send(stream->channel);
	channel_want(stream->channel, HTTP_HEAD_MAX);
}

static void
take_head(struct stream *stream)
{
	struct evbuffer *in = channel_input(stream->channel);
	size_t len = evbuffer_get_length(in);
	struct http_head head;
	enum failure failure;
	struct reason why;

	switch (http_head_parse((const char *)evbuffer_pullup(in, -1), len, &head)) {
	case HTTP_NEED_MORE:
		return;
	case HTTP_BAD:
		stream_fail(stream, FAILURE_PROTOCOL, "the web server does not answer in HTTP");
		return;
	case HTTP_READY:
		break;
	}
	failure = websocket_check(&head, stream->key, &why);
	if (failure != FAILURE_NONE) {
		stream_fail(stream, failure, "%s", why.text);
		return;
	}
	evbuffer_drain(in, head.len);
	stream_call_later(stream); /* frames may have come with it */
	stream_open(stream);
}

/* ---- bytes in ---- */

static bool
has_room(const struct stream *stream)
{
	return stream->is_wanted && evbuffer_get_length(stream->payload) < PACKET_MAX;
}

static void
update_reading(struct stream *stream)
{
	channel_want(stream->channel, has_room(stream) && !stream->is_peer_done ? RAW_MAX : 0);
}

/* Sends what the decoder wants to answer. */
static void
push_out(struct stream *stream)
{
	struct evbuffer *out = channel_output(stream->channel);

	websocket_encode(stream->ws, out, RAW_MAX);
	if (evbuffer_get_length(out) > 0)
		channel_send(stream->channel);
}

static void
end_input(struct stream *stream)
{
	if (stream->is_closed_told)
		return;
	stream->is_closed_told = true;
	stream_tell(stream, STREAM_CLOSED);
}

static void
take_frames(struct stream *stream)
{
	struct evbuffer *raw = channel_input(stream->channel);
	size_t before = evbuffer_get_length(stream->payload);
	enum websocket_result result;
	bool is_more;

	if (!has_room(stream))
		return;
	result = websocket_decode(stream->ws, raw, stream->payload, PACKET_MAX, &stream->why);
	is_more = evbuffer_get_length(stream->payload) > before;
	push_out(stream);
	if (result == WEBSOCKET_CLOSED)
		stream->is_peer_done = true;
	update_reading(stream);
	/* Of two events the second waits for its turn. */
	stream->has_news = is_more && (result == WEBSOCKET_BAD || stream->is_peer_done);
	if (stream->has_news)
		stream_call_later(stream);
	if (is_more)
		stream_tell(stream, STREAM_INPUT);
	else if (result == WEBSOCKET_BAD)
		stream_fail(stream, FAILURE_PROTOCOL, "%s", stream->why.text);
	else if (stream->is_peer_done)
		end_input(stream);
}

static void
took(struct stream *stream)
{
	if (stream->stage == STAGE_REPLY)
		take_head(stream);
	else
		take_frames(stream);
}

/* Only while there is room in the payload, so that all frames that came before are decoded. */
static void
closed(struct stream *stream)
{
	if (stream->stage == STAGE_REPLY) {
		stream_fail(stream, FAILURE_LOST,
			"the web server closed the connection instead of opening the WebSocket");
		return;
	}
	stream->is_peer_done = true;
	take_frames(stream);
}

static void
payload_changed_cb(struct evbuffer *payload UNUSED, const struct evbuffer_cb_info *info, void *arg)
{
	struct stream *stream = arg;

	if (info->n_deleted == 0 || stream->stage != STAGE_OPEN)
		return;
	update_reading(stream);
	if (stream->has_news || evbuffer_get_length(channel_input(stream->channel)) > 0)
		stream_call_later(stream);
}

static void
want(struct stream *stream)
{
	if (!stream->ws) {
		stream->ws = websocket_new();
		stream->payload = evbuffer_new();
		evbuffer_add_cb(stream->payload, payload_changed_cb, stream);
	}
	update_reading(stream);
	if (stream->is_wanted)
		stream_call_later(stream);
}

static struct evbuffer *
input(struct stream *stream)
{
	return stream->payload;
}

/* ---- bytes out ---- */

static void
drained(struct stream *stream)
{
	if (stream->stage != STAGE_OPEN)
		return; /* the request */
	push_out(stream);
	if (evbuffer_get_length(channel_output(stream->channel)) > 0 || !stream->is_sending)
		return;
	stream->is_sending = false;
	stream_tell(stream, STREAM_DRAINED);
}

static void
put(struct stream *stream, const void *head, size_t len, struct evbuffer *data)
{
	stream->is_sending = true;
	websocket_queue(stream->ws, head, len, data);
	push_out(stream);
}

static size_t
pending(const struct stream *stream)
{
	return websocket_pending(stream->ws) + evbuffer_get_length(channel_output(stream->channel));
}

static void
leave(struct stream *stream)
{
	/* Not into the middle of a message. */
	channel_flush(stream->channel);
	if (pending(stream) > 0)
		return;
	websocket_close(stream->ws);
	websocket_encode(stream->ws, channel_output(stream->channel), RAW_MAX);
	channel_flush(stream->channel);
}

static void
clear(struct stream *stream)
{
	websocket_free(stream->ws);
	if (stream->payload) {
		evbuffer_remove_cb(stream->payload, payload_changed_cb, stream);
		evbuffer_free(stream->payload);
	}
}

const struct carrier carrier_websocket = {
	.name = "websocket",
	.start = start,
	.took = took,
	.drained = drained,
	.closed = closed,
	.later = take_frames,
	.want = want,
	.write = put,
	.pending = pending,
	.input = input,
	.leave = leave,
	.clear = clear,
};
