/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream_direct: IUSB as it is on the channel (iusb-protocol 7.1). */
#include <event2/buffer.h>

#include "bmc/stream_private.h"
#include "iusb/packet.h"

void
direct_took(struct stream *stream)
{
	stream_tell(stream, STREAM_INPUT);
}

void
direct_drained(struct stream *stream)
{
	stream_tell(stream, STREAM_DRAINED);
}

void
direct_closed(struct stream *stream)
{
	stream_tell(stream, STREAM_CLOSED);
}

void
direct_want(struct stream *stream)
{
	channel_want(stream->channel, stream->is_wanted ? PACKET_MAX : 0);
}

void
direct_write(struct stream *stream, const void *head, size_t len, struct evbuffer *data)
{
	struct evbuffer *out = channel_output(stream->channel);

	evbuffer_add(out, head, len);
	if (data)
		evbuffer_add_buffer(out, data);
	channel_send(stream->channel);
}

size_t
direct_pending(const struct stream *stream)
{
	return evbuffer_get_length(channel_output(stream->channel));
}

struct evbuffer *
direct_input(struct stream *stream)
{
	return channel_input(stream->channel);
}

static void
nothing(struct stream *stream UNUSED)
{
}

const struct carrier carrier_direct = {
	.name = "direct",
	.is_direct = true,
	.start = stream_open,
	.took = direct_took,
	.drained = direct_drained,
	.closed = direct_closed,
	.later = nothing,
	.want = direct_want,
	.write = direct_write,
	.pending = direct_pending,
	.input = direct_input,
	.leave = nothing,
	.clear = nothing,
};
