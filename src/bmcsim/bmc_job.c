/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_job: one command of the host: answered inside, refused, or sent to the client in parts that
 * the protocol can carry. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bmcsim/bmc_gadget.h"
#include "bmcsim/bmc_parts.h"
#include "bmcsim/bmc_scsi.h"

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
job_bytes(const struct job *job)
{
	return job->command.is_write ? job->command.data_len : job->command.read_len;
}

static void
answer_later(struct unit *unit, bool is_good, uint32_t len)
{
	struct job *job = &unit->job;

	job->state = JOB_ANSWERED;
	job->is_good = is_good;
	job->own_len = len;
	event_active(unit->defer, EV_TIMEOUT, 0);
}

void
bmc_job_fail(struct unit *unit, uint32_t sense)
{
	unit->sense = sense;
	unit->is_own_sense = true;
	answer_later(unit, false, 0);
}

static void
answer_inside(struct unit *unit)
{
	struct job *job = &unit->job;
	const uint8_t *cdb = job->command.cdb;
	uint32_t len = 0;
	bool is_good;

	if (cdb[0] == SCSI_GET_EVENT_STATUS) {
		bmc_event_answer(&unit->event_status, job->own);
		len = smaller(EVENT_STATUS_LEN, get_be16(cdb + 7));
		unit->sense = SENSE_NONE;
		is_good = true;
	} else {
		is_good = bmc_scsi_answer(
			unit->device, unit->instance, cdb, &unit->sense, job->own, &len);
	}
	unit->is_own_sense = !is_good;
	answer_later(unit, is_good, smaller(len, job->command.read_len));
}

/* The job is over: done is the last thing that happens to it; a gadget's client hears of the eject
 * behind it. */
static void
finish(struct unit *unit, bool is_good, const uint8_t *data, uint32_t len)
{
	struct bmc_result result = { .is_good = is_good, .data = data, .data_len = len };
	struct job job = unit->job;

	unit->job.state = JOB_NONE;
	unit->job.gathered = NULL;
	job.done(job.arg, &result);
	free(job.gathered);
	if (job.is_eject && bmc_session_is_up(unit))
		bmc_control_close(unit, OP_DISCONNECT, "the host ejects the medium (0xf7)");
}

void
bmc_job_finish(struct unit *unit)
{
	struct job *job = &unit->job;
	uint8_t own[sizeof(job->own)];

	memcpy(own, job->own, sizeof(own)); /* done may submit the next command */
	if (job->gathered)
		finish(unit, job->is_good, job->gathered, job->moved);
	else
		finish(unit, job->is_good, own, job->own_len);
}

/* Looks at the command's range and direction. Returns the sense it is refused with, or 0. */
static uint32_t
plan(struct unit *unit)
{
	struct job *job = &unit->job;
	struct bmc_command *command = &job->command;
	uint32_t bytes = job_bytes(job), block_len = bmc_scsi_block_len(unit->device);
	bool is_write_op;

	if ((command->cdb[0] == SCSI_TEST_UNIT_READY && bytes > 0) || bytes > BMC_TRANSFER_MAX)
		return SENSE_INVALID_FIELD;
	job->has_range = bmc_scsi_range(command->cdb, &job->lba, &job->blocks);
	if (!job->has_range) {
		command->read_len = smaller(command->read_len, PACKET_DATA_MAX);
		return bytes > PACKET_DATA_MAX && command->is_write ? SENSE_INVALID_FIELD : 0;
	}
	is_write_op = command->cdb[0] != SCSI_READ_10 && command->cdb[0] != SCSI_READ_12;
	if (bytes > 0 && is_write_op != command->is_write)
		return SENSE_INVALID_FIELD;
	if (is_write_op && job->blocks != bytes / block_len)
		return SENSE_INVALID_FIELD;
	if (is_write_op && bytes % block_len != 0)
		return SENSE_INVALID_FIELD;
	if (unit->device == DEVICE_CD && command->cdb[0] == SCSI_READ_10)
		job->blocks = bytes / block_len;
	return 0;
}

/* The same for a read of the gadget: within the capacity, and whole blocks. */
static uint32_t
plan_gadget(struct unit *unit)
{
	struct job *job = &unit->job;
	uint32_t bytes = job_bytes(job), block_len = bmc_scsi_block_len(unit->device);

	job->has_range = bmc_scsi_range(job->command.cdb, &job->lba, &job->blocks);
	if (unit->blocks == 0)
		return SENSE_NO_MEDIUM;
	if ((uint64_t)job->lba + job->blocks > unit->blocks)
		return SENSE_OUT_OF_RANGE;
	if (job->command.is_write || bytes > BMC_TRANSFER_MAX || bytes < block_len)
		return SENSE_INVALID_FIELD;
	job->blocks = smaller(job->blocks, bytes / block_len);
	job->command.read_len = job->blocks * block_len;
	return job->blocks > 0 ? SENSE_NONE : SENSE_INVALID_FIELD;
}

static void submit_gadget(struct unit *unit);

void
bmc_job_send(struct unit *unit)
{
	struct job *job = &unit->job;
	struct bmc_command *command = &job->command;
	uint32_t block_len = bmc_scsi_block_len(unit->device), bytes;
	struct ask ask = { .cdb = command->cdb, .is_write = command->is_write };
	uint8_t swapped[sizeof(command->cdb)];

	if (job->state != JOB_WAITING || unit->state != SESSION_SERVING || unit->pending.is_open)
		return;
	if (bmc_is_gadget(unit->bmc) && !job->has_range) { /* it waited for the greeting */
		submit_gadget(unit);
		return;
	}
	bytes = job_bytes(job) - job->moved;
	if (job->has_range) {
		job->part_blocks = smaller(job->blocks, PACKET_DATA_MAX / block_len);
		if (job->part_blocks < job->blocks)
			bytes = smaller(bytes, job->part_blocks * block_len);
		bytes = smaller(bytes, PACKET_DATA_MAX);
		bmc_scsi_set_range(command->cdb, job->lba, job->part_blocks);
		if (!command->is_write && job->part_blocks < job->blocks && !job->gathered)
			job->gathered = mem_new(command->read_len, 1);
	}
	if (bmc_is_gadget(unit->bmc)) {
		memcpy(swapped, command->cdb, sizeof(swapped));
		bmc_gadget_swap(swapped);
		ask.cdb = swapped;
	}
	if (command->is_write) {
		ask.data = command->data + job->moved;
		ask.data_len = bytes;
	} else {
		ask.read_len = bytes;
	}
	job->state = JOB_SENT;
	bmc_ask_send(unit, &ask);
}

/* A gadget answers everything but reads. */
static void
submit_gadget(struct unit *unit)
{
	struct job *job = &unit->job;
	bool is_up = bmc_session_is_up(unit), is_good;
	uint8_t *cdb = job->command.cdb;
	uint32_t sense, len;

	if (unit->state == SESSION_GREETING)
		return; /* nothing is known of the medium yet */
	if (is_up && bmc_gadget_read(cdb)) {
		sense = plan_gadget(unit);
		if (sense != SENSE_NONE)
			bmc_job_fail(unit, sense);
		else if (bmc_timer_disturb(unit))
			bmc_job_send(unit);
		return;
	}
	is_good = bmc_gadget_answer(
		unit->device, is_up ? unit->blocks : 0, cdb, &sense, job->own, &len);
	job->is_eject = is_up && bmc_gadget_is_eject(cdb);
	unit->sense = sense;
	unit->is_own_sense = !is_good;
	answer_later(unit, is_good, smaller(len, job->command.read_len));
}

/* After a good part: true if another one is to be sent. */
static bool
step(struct job *job, uint32_t part_bytes, uint32_t asked)
{
	job->moved += part_bytes;
	job->lba += job->part_blocks;
	job->blocks -= job->part_blocks;
	return job->blocks > 0 && part_bytes == asked && job->moved < job_bytes(job);
}

void
bmc_job_answered(struct unit *unit, const struct packet *answer, uint32_t len)
{
	struct job *job = &unit->job;
	struct pending *pending = &unit->pending;
	bool is_good = answer->status[0] == 0, is_write = job->command.is_write;
	uint32_t asked = is_write ? pending->write_len : pending->read_len;
	uint32_t part = is_write && is_good ? asked : len;

	assert(job->state == JOB_SENT);
	if (job->has_range)
		*(is_write ? &unit->bmc->totals.written : &unit->bmc->totals.read) += part;
	if (job->gathered)
		memcpy(job->gathered + job->moved, answer->data, len);
	if (is_good && job->has_range && step(job, part, asked)) {
		job->state = JOB_WAITING;
		bmc_job_send(unit);
	} else if (job->gathered) {
		finish(unit, is_good, job->gathered, job->moved);
	} else {
		finish(unit, is_good, answer->data, len);
	}
}

/* `rest`: on some SoCs the BMC keeps a CD's events to itself, on others it forwards the question
 * (iusb-protocol 10.2). */
static enum bmc_route
route_event(const struct bmc *bmc)
{
	return bmc->conf.quirks & QUIRK_EVENT_POLL ? ROUTE_FORWARD : ROUTE_INSIDE;
}

/* What the BMC itself has failed, the client cannot tell the host of. */
static enum bmc_route
route(const struct unit *unit, uint8_t opcode)
{
	const struct bmc_conf *conf = &unit->bmc->conf;

	if (opcode == SCSI_REQUEST_SENSE && unit->is_own_sense)
		return ROUTE_INSIDE;
	if (opcode == SCSI_GET_EVENT_STATUS && unit->device == DEVICE_CD &&
		conf->dialect->has_device_info && conf->filter == FILTER_ON)
		return route_event(unit->bmc);
	return bmc_scsi_route(unit->device, opcode, conf->filter);
}

void
bmc_submit(struct bmc *bmc, enum device device, int instance, const struct bmc_command *command,
	bmc_done_cb *done, void *arg)
{
	struct unit *unit = &bmc->service[device].unit[instance];
	struct job *job = &unit->job;
	uint32_t sense;

	assert(job->state == JOB_NONE);
	*job = (struct job){ .state = JOB_WAITING, .command = *command, .done = done, .arg = arg };
	if (bmc_is_gadget(bmc) && command->cdb[0] != SCSI_INQUIRY &&
		command->cdb[0] != SCSI_REQUEST_SENSE) {
		submit_gadget(unit);
		return;
	}
	switch (route(unit, command->cdb[0])) {
	case ROUTE_INSIDE:
		answer_inside(unit);
		return;
	case ROUTE_REFUSE:
		bmc_job_fail(
			unit, bmc_session_is_up(unit) ? SENSE_INVALID_OPCODE : SENSE_NO_MEDIUM);
		return;
	case ROUTE_FORWARD:
		break;
	}
	sense = bmc_session_is_up(unit) ? plan(unit) : SENSE_NO_MEDIUM;
	if (sense != SENSE_NONE)
		bmc_job_fail(unit, sense);
	else if (bmc_timer_disturb(unit))
		bmc_job_send(unit);
}

void
bmc_abort(struct bmc *bmc, enum device device, int instance)
{
	struct unit *unit = &bmc->service[device].unit[instance];
	struct job *job = &unit->job;

	if (job->state == JOB_SENT)
		bmc_ask_forget(unit);
	free(job->gathered);
	job->gathered = NULL;
	job->state = JOB_NONE;
}
