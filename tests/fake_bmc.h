/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_bmc: the BMC's end of a session's connection, in the test's own loop and moved by hand. */
#ifndef TESTS_FAKE_BMC_H
#define TESTS_FAKE_BMC_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/bytes.h"
#include "iusb/control.h"
#include "iusb/packet.h"
#include "loop.h"

struct fake_bmc {
	struct event_base *base;
	struct evconnlistener *listener;
	uint16_t port;
	unsigned accepts;
	struct bufferevent *bev; /* of the last connection */
	bool is_ended;           /* the session has closed it */
	short how;               /* BEV_EVENT_ bits of the end */
	uint32_t seq;
};

static inline void
fake_bmc_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct fake_bmc *bmc = arg;

	if (bev == bmc->bev) {
		bmc->is_ended = true;
		bmc->how = what;
	}
}

static inline void
fake_bmc_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
	int len, void *arg)
{
	struct fake_bmc *bmc = arg;

	(void)listener, (void)sa, (void)len;
	if (bmc->bev)
		bufferevent_free(bmc->bev);
	bmc->bev = bufferevent_socket_new(bmc->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bmc->is_ended = false;
	bmc->accepts++;
	bufferevent_setcb(bmc->bev, NULL, NULL, fake_bmc_event_cb, bmc);
	bufferevent_enable(bmc->bev, EV_READ | EV_WRITE);
}

static inline void
fake_bmc_open(struct fake_bmc *bmc, struct event_base *base)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	memset(bmc, 0, sizeof(*bmc));
	bmc->base = base;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bmc->listener = evconnlistener_new_bind(base, fake_bmc_accept_cb, bmc,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, (struct sockaddr *)&sin,
		sizeof(sin));
	ck_assert_ptr_nonnull(bmc->listener);
	ck_assert_int_eq(
		getsockname(evconnlistener_get_fd(bmc->listener), (struct sockaddr *)&sin, &len),
		0);
	bmc->port = ntohs(sin.sin_port);
}

static inline void
fake_bmc_hang_up(struct fake_bmc *bmc)
{
	bufferevent_free(bmc->bev);
	bmc->bev = NULL;
}

static inline void
fake_bmc_reset(struct fake_bmc *bmc)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	ck_assert_int_eq(setsockopt(bufferevent_getfd(bmc->bev), SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger)),
		0);
	fake_bmc_hang_up(bmc);
}

static inline void
fake_bmc_close(struct fake_bmc *bmc)
{
	if (bmc->bev)
		fake_bmc_hang_up(bmc);
	evconnlistener_free(bmc->listener);
}

static inline void
fake_bmc_send(struct fake_bmc *bmc, const void *data, size_t len)
{
	ck_assert_int_eq(bufferevent_write(bmc->bev, data, len), 0);
}

/* All that was sent has left. */
static inline bool
fake_bmc_has_sent(const struct fake_bmc *bmc)
{
	return evbuffer_get_length(bufferevent_get_output(bmc->bev)) == 0;
}

static inline void
fake_bmc_ack(struct fake_bmc *bmc, uint8_t status, const char *owner)
{
	uint8_t ack[ACK_LEN];

	control_ack(ack, 0, status, owner);
	fake_bmc_send(bmc, ack, sizeof(ack));
}

/* A SCSI request of a floppy; the CDB is op, lba and count of a 10-byte command. */
static inline size_t
fake_bmc_request(struct fake_bmc *bmc, uint8_t *out, uint8_t op, uint32_t lba, uint16_t count,
	uint32_t read_len, const uint8_t *data, uint32_t data_len)
{
	struct packet_request request = {
		.device = DEVICE_FD,
		.device_no = 2,
		.seq = ++bmc->seq,
		.key = 0xBF0238BC,
		.read_len = read_len,
		.tag = 0x1000 + bmc->seq,
		.data_dir = data_len ? DATA_DIR_WRITE : DATA_DIR_READ,
		.leftover = { 9, 8, 7, 6 },
		.data_len = data_len,
	};

	request.cdb[0] = op;
	put_be32(request.cdb + 2, lba);
	put_be16(request.cdb + 7, count);
	packet_request(out, &request);
	if (data_len)
		memcpy(out + PACKET_SCSI_LEN, data, data_len);
	return PACKET_SCSI_LEN + data_len;
}

/* Waits for that many bytes from the session and takes them. */
static inline void
fake_bmc_receive(struct fake_bmc *bmc, void *out, size_t len)
{
	struct evbuffer *input = bufferevent_get_input(bmc->bev);

	LOOP_UNTIL(bmc->base, evbuffer_get_length(input) >= len);
	evbuffer_remove(input, out, len);
}

/* Nothing that the session has sent is left. */
static inline bool
fake_bmc_has_read_all(const struct fake_bmc *bmc)
{
	return evbuffer_get_length(bufferevent_get_input(bmc->bev)) == 0;
}

/* One whole response, its data included. buf has room for PACKET_MAX bytes. */
static inline void
fake_bmc_response(struct fake_bmc *bmc, uint8_t *buf, struct packet *out)
{
	struct reason why;

	fake_bmc_receive(bmc, buf, PACKET_SCSI_LEN);
	fake_bmc_receive(bmc, buf + PACKET_SCSI_LEN,
		get_le32(buf + OFF_DATA_PKT_LEN) + PACKET_HEADER_LEN - PACKET_SCSI_LEN);
	ck_assert_int_eq(packet_decode(buf, PACKET_MAX, out, &why), PACKET_READY);
	ck_assert_uint_eq(buf[OFF_DIRECTION], DIRECTION_TO_BMC);
}

#endif
