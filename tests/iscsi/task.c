/* SPDX-License-Identifier: GPL-2.0-or-later */
/* task: SCSI commands, from the request over its data to the response (RFC 7143, sections 11.2 to
 * 11.4, 11.7 and 11.8). */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "connection.h"

enum {
	DATA_OUT_MAX = 1 << 20, /* more is refused before it is asked for */
	STATUS_GOOD = 0x00,
	STATUS_CHECK_CONDITION = 0x02,
	SENSE_LEN = 18,
	SENSE_NO_SUCH_LUN = 0x052500,
};

/* ---- the end of a command ---- */

/* The residual of what moved against what the initiator expected, and its flag. */
static uint8_t
put_residual(uint8_t *bhs, uint32_t expected, const struct lun_result *result)
{
	if (result->len < expected) {
		put_be32(bhs + OFF_RESIDUAL, expected - result->len);
		return FLAG_UNDERFLOW;
	}
	if (result->asked > expected) {
		put_be32(bhs + OFF_RESIDUAL, result->asked - expected);
		return FLAG_OVERFLOW;
	}
	return 0;
}

static void
send_response(struct connection *connection, const uint8_t *request, uint32_t expected,
	const struct lun_result *result)
{
	uint8_t bhs[BHS_SIZE];
	uint8_t sense[2 + SENSE_LEN] = { 0, SENSE_LEN, 0x70 };

	connection_answer(connection, bhs, SCSI_RESPONSE, request);
	bhs[OFF_FLAGS] = FLAG_FINAL | put_residual(bhs, expected, result);
	if (result->sense == SENSE_NONE) {
		connection_send(connection, bhs, NULL, 0);
		return;
	}
	bhs[OFF_STATUS] = STATUS_CHECK_CONDITION;
	sense[4] = (uint8_t)(result->sense >> 16);
	sense[9] = SENSE_LEN - 8;
	put_be16(sense + 14, (uint16_t)result->sense);
	connection_send(connection, bhs, sense, sizeof(sense));
}

/* Data to the host in segments of its choice; the last one carries the status. */
static void
send_data(struct connection *connection, const uint8_t *request, uint32_t expected,
	const struct lun_result *result)
{
	const struct terms *terms = &connection->terms;
	uint32_t data_sn = 0, burst = 0;

	for (uint32_t at = 0; at < result->len;) {
		uint32_t n = result->len - at;
		uint8_t bhs[BHS_SIZE];

		if (n > terms->their_segment)
			n = terms->their_segment;
		if (n > terms->max_burst - burst)
			n = terms->max_burst - burst;
		burst += n;
		if (at + n == result->len) {
			connection_answer(connection, bhs, DATA_IN, request);
			bhs[OFF_FLAGS] =
				FLAG_FINAL | FLAG_HAS_STATUS | put_residual(bhs, expected, result);
		} else {
			memset(bhs, 0, sizeof(bhs));
			bhs[OFF_OPCODE] = DATA_IN;
			memcpy(bhs + OFF_TAG, request + OFF_TAG, 4);
			if (burst == terms->max_burst) {
				bhs[OFF_FLAGS] = FLAG_FINAL;
				burst = 0;
			}
		}
		put_be32(bhs + OFF_TRANSFER_TAG, RESERVED_TAG);
		put_be32(bhs + OFF_DATA_SN, data_sn++);
		put_be32(bhs + OFF_BUFFER, at);
		connection_send(connection, bhs, result->data + at, n);
		at += n;
	}
}

static void
execute(struct connection *connection, uint32_t tag, const struct scsi_command *command)
{
	uint8_t request[BHS_SIZE] = { 0 };
	uint32_t expected = command->read_len + (uint32_t)command->data_len;
	struct lun_result result;

	put_be32(request + OFF_TAG, tag);
	lun_execute(connection->lun, command, &result);
	if (result.data != NULL && result.len > 0 && result.sense == SENSE_NONE)
		send_data(connection, request, expected, &result);
	else
		send_response(connection, request, expected, &result);
}

/* ---- a command that waits for data ---- */

struct task *
task_find(struct connection *connection, uint32_t tag)
{
	struct task *task;

	TAILQ_FOREACH (task, &connection->tasks, link)
		if (task->tag == tag)
			return task;
	return NULL;
}

void
task_free(struct connection *connection, struct task *task)
{
	TAILQ_REMOVE(&connection->tasks, task, link);
	free(task->data);
	free(task);
}

void
task_free_all(struct connection *connection)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&connection->tasks)) != NULL)
		task_free(connection, task);
}

/* Asks for the next part of the data. */
static void
send_r2t(struct connection *connection, struct task *task)
{
	uint32_t n = task->expected - task->received;
	uint8_t bhs[BHS_SIZE] = { R2T, FLAG_FINAL };

	if (n > connection->terms.max_burst)
		n = connection->terms.max_burst;
	task->burst_end = task->received + n;
	task->transfer_tag = connection->next_transfer_tag++;
	task->data_sn = 0;
	put_be32(bhs + OFF_TAG, task->tag);
	put_be32(bhs + OFF_TRANSFER_TAG, task->transfer_tag);
	put_be32(bhs + OFF_STAT_SN, connection->stat_sn);
	put_be32(bhs + OFF_DATA_SN, task->r2t_sn++);
	put_be32(bhs + OFF_BUFFER, task->received);
	put_be32(bhs + OFF_RESIDUAL, n);
	connection_send(connection, bhs, NULL, 0);
}

/* A sequence of data is over: more is asked for, or the command can go. */
static void
advance(struct connection *connection, struct task *task)
{
	if (task->received < task->expected) {
		send_r2t(connection, task);
		return;
	}
	task->command.data = task->data;
	task->command.data_len = task->expected;
	execute(connection, task->tag, &task->command);
	task_free(connection, task);
}

static bool
take_data(struct task *task, const struct pdu *pdu)
{
	if (pdu->data_len > task->burst_end - task->received)
		return false;
	if (pdu->data_len > 0)
		memcpy(task->data + task->received, pdu->data, pdu->data_len);
	task->received += pdu->data_len;
	return true;
}

bool
task_data_out(struct connection *connection, const struct pdu *pdu)
{
	const uint8_t *bhs = pdu->bhs;
	struct task *task = task_find(connection, get_be32(bhs + OFF_TAG));

	if (!task) /* aborted, or answered before its data was here */
		return true;
	/* At error recovery level 0 a gap cannot be repaired (section 7.1.5). */
	if (get_be32(bhs + OFF_TRANSFER_TAG) != task->transfer_tag ||
		get_be32(bhs + OFF_DATA_SN) != task->data_sn++ ||
		get_be32(bhs + OFF_BUFFER) != task->received || !take_data(task, pdu))
		return false;
	if (bhs[OFF_FLAGS] & FLAG_FINAL)
		advance(connection, task);
	return true;
}

/* ---- the request ---- */

static void
fail(struct connection *connection, const uint8_t *request, uint32_t expected, uint32_t sense)
{
	struct lun_result result = { .sense = sense };

	send_response(connection, request, expected, &result);
}

static bool
start_write(struct connection *connection, const struct pdu *pdu, uint32_t expected)
{
	const struct terms *terms = &connection->terms;
	const uint8_t *bhs = pdu->bhs;
	bool has_more = !(bhs[OFF_FLAGS] & FLAG_FINAL); /* unsolicited Data-Out follow */
	struct task *task;

	if ((pdu->data_len > 0 && !terms->has_immediate) || (has_more && terms->is_r2t_first))
		return false;
	task = mem_new(1, sizeof(*task));
	task->tag = get_be32(bhs + OFF_TAG);
	memcpy(task->command.cdb, bhs + OFF_CDB, SCSI_CDB_MAX);
	task->expected = expected;
	task->data = mem_new(expected, 1);
	task->burst_end = expected < terms->first_burst ? expected : terms->first_burst;
	task->transfer_tag = RESERVED_TAG;
	TAILQ_INSERT_TAIL(&connection->tasks, task, link);
	if (!take_data(task, pdu))
		return false;
	if (!has_more)
		advance(connection, task);
	return true;
}

bool
task_command(struct connection *connection, const struct pdu *pdu)
{
	const uint8_t *bhs = pdu->bhs;
	uint8_t flags = bhs[OFF_FLAGS];
	uint32_t expected = get_be32(bhs + OFF_EXPECTED_LEN);
	struct scsi_command command = { 0 };

	if (task_find(connection, get_be32(bhs + OFF_TAG)))
		return false;
	if (get_be64(bhs + OFF_LUN) != 0) {
		fail(connection, bhs, expected, SENSE_NO_SUCH_LUN);
		return true;
	}
	if ((flags & FLAG_WRITE) && ((flags & FLAG_READ) || expected > DATA_OUT_MAX)) {
		fail(connection, bhs, expected, SENSE_INVALID_FIELD_IN_CDB);
		return true;
	}
	if ((flags & FLAG_WRITE) && expected > 0)
		return start_write(connection, pdu, expected);
	if (pdu->data_len > 0)
		return false;
	memcpy(command.cdb, bhs + OFF_CDB, SCSI_CDB_MAX);
	if (flags & FLAG_READ)
		command.read_len = expected;
	execute(connection, get_be32(bhs + OFF_TAG), &command);
	return true;
}
