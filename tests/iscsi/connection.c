/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connection: PDUs in and out, command numbering, and everything but login and SCSI commands. */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>

#include "base/bytes.h"
#include "base/memory.h"

enum {
	WINDOW = 64, /* commands that the initiator may send ahead */
	IO_CHUNK = 262144,
	REASON_NOT_SUPPORTED = 0x05,
};

/* Functions and answers of task management (RFC 7143, 11.5 and 11.6). */
enum {
	ABORT_TASK = 1,
	ABORT_TASK_SET = 2,
	CLEAR_TASK_SET = 4,
	LOGICAL_UNIT_RESET = 5,
	TARGET_WARM_RESET = 6,
	TARGET_COLD_RESET = 7,
	FUNCTION_MASK = 0x7F,
	FUNCTION_COMPLETE = 0,
	NO_SUCH_TASK = 1,
	FUNCTION_NOT_SUPPORTED = 5,
};

/* ---- sending ---- */

void
connection_answer(struct connection *connection, uint8_t bhs[BHS_SIZE], uint8_t opcode,
	const uint8_t *request)
{
	memset(bhs, 0, BHS_SIZE);
	bhs[OFF_OPCODE] = opcode;
	bhs[OFF_FLAGS] = FLAG_FINAL;
	memcpy(bhs + OFF_TAG, request + OFF_TAG, 4);
	put_be32(bhs + OFF_STAT_SN, connection->stat_sn++);
}

void
connection_send(
	struct connection *connection, uint8_t bhs[BHS_SIZE], const void *data, uint32_t data_len)
{
	static const uint8_t padding[4];
	struct evbuffer *out = bufferevent_get_output(connection->bev);

	put_be24(bhs + OFF_DATA_LEN, data_len);
	put_be32(bhs + OFF_EXP_CMD_SN, connection->exp_cmd_sn);
	put_be32(bhs + OFF_MAX_CMD_SN, connection->exp_cmd_sn + WINDOW - 1);
	evbuffer_add(out, bhs, BHS_SIZE);
	evbuffer_add(out, data, data_len);
	evbuffer_add(out, padding, -data_len & 3);
}

void
connection_finish(struct connection *connection)
{
	connection->is_closing = true;
	bufferevent_disable(connection->bev, EV_READ);
}

/* ---- requests ---- */

static void
answer_nop(struct connection *connection, const struct pdu *pdu)
{
	uint8_t bhs[BHS_SIZE];

	if (get_be32(pdu->bhs + OFF_TAG) == RESERVED_TAG)
		return;
	connection_answer(connection, bhs, NOP_IN, pdu->bhs);
	put_be32(bhs + OFF_TRANSFER_TAG, RESERVED_TAG);
	connection_send(connection, bhs, pdu->data, pdu->data_len);
}

/* Nothing is left to be negotiated after login. */
static void
answer_text(struct connection *connection, const struct pdu *pdu)
{
	uint8_t bhs[BHS_SIZE];

	connection_answer(connection, bhs, TEXT_RESPONSE, pdu->bhs);
	put_be32(bhs + OFF_TRANSFER_TAG, RESERVED_TAG);
	connection_send(connection, bhs, NULL, 0);
}

static void
answer_logout(struct connection *connection, const struct pdu *pdu)
{
	uint8_t bhs[BHS_SIZE];

	connection_answer(connection, bhs, LOGOUT_RESPONSE, pdu->bhs);
	connection_send(connection, bhs, NULL, 0);
	connection_finish(connection);
}

static void
reject(struct connection *connection, const struct pdu *pdu, uint8_t reason)
{
	uint8_t bhs[BHS_SIZE];

	connection_answer(connection, bhs, REJECT, pdu->bhs);
	bhs[OFF_RESPONSE] = reason;
	put_be32(bhs + OFF_TAG, RESERVED_TAG);
	connection_send(connection, bhs, pdu->bhs, BHS_SIZE);
}

/* The tasks of all initiators on that drive. */
static void
clear_tasks(struct portal *portal, const struct lun *lun)
{
	struct connection *connection;

	TAILQ_FOREACH (connection, &portal->connections, link)
		if (connection->lun == lun)
			task_free_all(connection);
}

static uint8_t
manage_tasks(struct connection *connection, const uint8_t *bhs)
{
	struct task *task;

	switch (bhs[OFF_FLAGS] & FUNCTION_MASK) {
	case ABORT_TASK:
		task = task_find(connection, get_be32(bhs + OFF_REFERENCED));
		if (!task)
			return NO_SUCH_TASK;
		task_free(connection, task);
		return FUNCTION_COMPLETE;
	case ABORT_TASK_SET:
		task_free_all(connection);
		return FUNCTION_COMPLETE;
	case CLEAR_TASK_SET:
		clear_tasks(connection->portal, connection->lun);
		return FUNCTION_COMPLETE;
	case LOGICAL_UNIT_RESET:
	case TARGET_WARM_RESET:
	case TARGET_COLD_RESET:
		clear_tasks(connection->portal, connection->lun);
		lun_reset(connection->lun);
		return FUNCTION_COMPLETE;
	default:
		return FUNCTION_NOT_SUPPORTED;
	}
}

static void
answer_task_request(struct connection *connection, const struct pdu *pdu)
{
	uint8_t bhs[BHS_SIZE];
	uint8_t response = manage_tasks(connection, pdu->bhs);

	connection_answer(connection, bhs, TASK_RESPONSE, pdu->bhs);
	bhs[OFF_RESPONSE] = response;
	connection_send(connection, bhs, NULL, 0);
}

/*
 * The command number of a request: inside the window and the next one, else the request is ignored
 * (RFC 7143, 4.2.2.1). What is immediate, and data, does not count.
 */
static bool
is_in_order(struct connection *connection, const uint8_t *bhs)
{
	if ((bhs[OFF_OPCODE] & OPCODE_MASK) == DATA_OUT || (bhs[OFF_OPCODE] & IMMEDIATE))
		return true;
	if (get_be32(bhs + OFF_CMD_SN) != connection->exp_cmd_sn)
		return false;
	connection->exp_cmd_sn++;
	return true;
}

/* False: the connection cannot go on. */
static bool
dispatch(struct connection *connection, const struct pdu *pdu)
{
	uint8_t opcode = pdu->bhs[OFF_OPCODE] & OPCODE_MASK;

	if (!connection->is_logged_in)
		return opcode == LOGIN_REQUEST && login_request(connection, pdu);
	if (!is_in_order(connection, pdu->bhs))
		return true;
	switch (opcode) {
	case NOP_OUT:
		answer_nop(connection, pdu);
		return true;
	case SCSI_COMMAND:
		return task_command(connection, pdu);
	case TASK_REQUEST:
		answer_task_request(connection, pdu);
		return true;
	case TEXT_REQUEST:
		answer_text(connection, pdu);
		return true;
	case DATA_OUT:
		return task_data_out(connection, pdu);
	case LOGOUT_REQUEST:
		answer_logout(connection, pdu);
		return true;
	case LOGIN_REQUEST:
		return false;
	default:
		reject(connection, pdu, REASON_NOT_SUPPORTED);
		return true;
	}
}

/* ---- events ---- */

static void
read_cb(struct bufferevent *bev, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	while (!connection->is_closing && evbuffer_get_length(in) >= BHS_SIZE) {
		const uint8_t *bhs = evbuffer_pullup(in, BHS_SIZE);
		uint32_t head = BHS_SIZE + 4u * bhs[OFF_AHS_LEN];
		struct pdu pdu = { .data_len = get_be24(bhs + OFF_DATA_LEN) };
		size_t whole = head + ((pdu.data_len + 3u) & ~3u);

		if (pdu.data_len > SEGMENT_MAX) {
			connection_free(connection);
			return;
		}
		if (evbuffer_get_length(in) < whole)
			return;
		pdu.bhs = evbuffer_pullup(in, (ev_ssize_t)whole);
		pdu.data = pdu.bhs + head;
		if (!dispatch(connection, &pdu)) {
			connection_free(connection);
			return;
		}
		evbuffer_drain(in, whole);
	}
}

/* Everything has been sent. */
static void
write_cb(struct bufferevent *bev UNUSED, void *arg)
{
	struct connection *connection = arg;

	if (connection->is_closing)
		connection_free(connection);
}

static void
event_cb(struct bufferevent *bev UNUSED, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		connection_free(arg);
}

void
connection_new(struct portal *portal, evutil_socket_t fd)
{
	struct connection *connection = mem_new(1, sizeof(*connection));
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->portal = portal;
	connection->terms = (struct terms){
		.is_r2t_first = true,
		.has_immediate = true,
		.max_burst = 262144,
		.first_burst = 65536,
		.their_segment = 8192,
	};
	TAILQ_INIT(&connection->tasks);
	TAILQ_INSERT_TAIL(&portal->connections, connection, link);
	connection->bev = bufferevent_socket_new(portal->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_set_max_single_read(connection->bev, IO_CHUNK);
	bufferevent_set_max_single_write(connection->bev, IO_CHUNK);
	bufferevent_setcb(connection->bev, read_cb, write_cb, event_cb, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

void
connection_free(struct connection *connection)
{
	task_free_all(connection);
	TAILQ_REMOVE(&connection->portal->connections, connection, link);
	bufferevent_free(connection->bev);
	free(connection);
}
