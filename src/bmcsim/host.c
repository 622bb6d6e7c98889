/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host: runs the script, step by step, and each step's commands. */
#include "bmcsim/host.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "bmcsim/host_parts.h"

enum {
	ATTENTIONS_MAX = 5, /* unit attentions in a row that a host puts up with */
	KEY_UNIT_ATTENTION = 0x06,
	LINE_SIZE = 512,
};

static const double pause_after_failure = 1.0; /* seconds before a failed script loops */

const struct host_step *
host_current(const struct host *host)
{
	return &host->script->steps[host->step];
}

enum device
host_device(const struct host *host)
{
	return host->device;
}

int
host_instance(const struct host *host)
{
	return host->instance;
}

bool
host_is_running(const struct host *host)
{
	return host->state == HOST_RUNNING;
}

void
host_kick(struct host *host, double seconds)
{
	struct timeval tv = {
		.tv_sec = (time_t)seconds,
		.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6),
	};

	event_add(host->kick, &tv);
}

/* Says "compare dos.img: TEXT" or "compare dos.img: FAIL: TEXT". */
static void
say_step(struct host *host, const char *verdict, const char *text)
{
	const struct host_step *step = host_current(host);
	char line[LINE_SIZE], *copy = mem_strdup(step->file ? step->file : "");

	snprintf(line, sizeof(line), "%s%s%s: %s%s", step->verb->name, step->file ? " " : "",
		step->file ? basename(copy) : "", verdict, text);
	free(copy);
	host->say(host->arg, host, line);
}

static void
end_script(struct host *host)
{
	bool is_good = host->failures == 0;
	char line[LINE_SIZE];

	event_del(host->kick);
	host->after_pause = NULL;
	host->state = HOST_IDLE;
	if (is_good)
		snprintf(line, sizeof(line), "host script done: good");
	else
		snprintf(line, sizeof(line), "host script done: bad (%u of %zu steps failed)",
			host->failures, host->script->count);
	host->say(host->arg, host, line);
	host->done(host->arg, host, is_good);
}

static void
begin_script(struct host *host, double delay)
{
	host->state = HOST_RUNNING;
	host->step = 0;
	host->failures = 0;
	host_kick(host, delay);
}

static void
end_step(struct host *host)
{
	bool is_ejected = host_current(host)->verb->start == host_start_eject;
	unsigned failures = host->failures;

	if (++host->step < host->script->count) {
		host_kick(host, 0);
		return;
	}
	end_script(host);
	/* After an eject the client may be about to go: the next one starts the script again. */
	if (host->script->is_loop && !is_ejected &&
		bmc_has_client(host->bmc, host->device, host->instance))
		begin_script(host, failures > 0 ? pause_after_failure : 0);
}

void
host_pass(struct host *host, const char *fmt, ...)
{
	char text[LINE_SIZE / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say_step(host, "", text);
	end_step(host);
}

void
host_fail(struct host *host, const char *fmt, ...)
{
	char text[LINE_SIZE / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say_step(host, "FAIL: ", text);
	host->failures++;
	end_step(host);
}

void
host_fail_command(struct host *host, const char *what)
{
	host_fail(host, "%s failed with %02x/%02x/%02x", what, host->sense >> 16,
		host->sense >> 8 & 0xFF, host->sense & 0xFF);
}

static void result_cb(void *arg, const struct bmc_result *result);

static void
sense_cb(void *arg, const struct bmc_result *result)
{
	static const struct bmc_result failed;
	struct host *host = arg;

	host->sense = 0;
	if (result->is_good && result->data_len >= SENSE_LEN && (result->data[0] & 0x7F) == 0x70)
		host->sense =
			(uint32_t)(result->data[2] & 0x0F) << 16 | get_be16(result->data + 12);
	if (host->sense >> 16 == KEY_UNIT_ATTENTION && !host->shows_attention &&
		host->attention++ < ATTENTIONS_MAX)
		bmc_submit(
			host->bmc, host->device, host->instance, &host->command, result_cb, host);
	else
		host->next(host, &failed);
}

static void
result_cb(void *arg, const struct bmc_result *result)
{
	static const struct bmc_command request_sense = {
		.cdb = { SCSI_REQUEST_SENSE, 0, 0, 0, SENSE_LEN },
		.read_len = SENSE_LEN,
	};
	struct host *host = arg;

	if (result->is_good)
		host->next(host, result);
	else
		bmc_submit(host->bmc, host->device, host->instance, &request_sense, sense_cb, host);
}

static void
submit(struct host *host, const uint8_t *cdb, size_t cdb_len, host_next *next)
{
	memcpy(host->command.cdb, cdb, cdb_len);
	host->next = next;
	host->attention = 0;
	host->shows_attention = false;
	bmc_submit(host->bmc, host->device, host->instance, &host->command, result_cb, host);
}

void
host_read_command(
	struct host *host, const uint8_t *cdb, size_t cdb_len, uint32_t read_len, host_next *next)
{
	host->command = (struct bmc_command){ .read_len = read_len };
	submit(host, cdb, cdb_len, next);
}

void
host_test_unit_ready(struct host *host, host_next *next)
{
	static const uint8_t cdb[] = { SCSI_TEST_UNIT_READY, 0, 0, 0, 0, 0 };

	host_read_command(host, cdb, sizeof(cdb), 0, next);
	host->shows_attention = true;
}

void
host_write_command(
	struct host *host, const uint8_t *cdb, size_t cdb_len, uint32_t data_len, host_next *next)
{
	host->command = (struct bmc_command){
		.is_write = true,
		.data = host->data,
		.data_len = data_len,
	};
	submit(host, cdb, cdb_len, next);
}

static void
kick_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct host *host = arg;
	void (*start)(struct host *) = host->after_pause;

	host->after_pause = NULL;
	if (!start)
		start = host_current(host)->verb->start;
	start(host);
}

struct host *
host_new(struct event_base *base, struct bmc *bmc, enum device device, int instance,
	const struct host_script *script, host_say_cb *say, host_done_cb *done, void *arg)
{
	struct host *host = mem_new(1, sizeof(*host));

	host->base = base;
	host->bmc = bmc;
	host->device = device;
	host->instance = instance;
	host->script = script;
	host->say = say;
	host->done = done;
	host->arg = arg;
	host->kick = evtimer_new(base, kick_cb, host);
	return host;
}

void
host_free(struct host *host)
{
	if (!host)
		return;
	bmc_abort(host->bmc, host->device, host->instance);
	event_free(host->kick);
	free(host);
}

void
host_client_changed(struct host *host, bool is_connected)
{
	if (is_connected && host->state == HOST_IDLE) {
		begin_script(host, 0);
	} else if (!is_connected && host->state == HOST_RUNNING) {
		bmc_abort(host->bmc, host->device, host->instance);
		say_step(host, "FAIL: ", "the client is gone");
		host->failures++;
		end_script(host);
	}
}

void
host_reset(struct host *host)
{
	bmc_abort(host->bmc, host->device, host->instance);
	event_del(host->kick);
	host->after_pause = NULL;
	if (host->state == HOST_RUNNING)
		host->say(host->arg, host, "the machine was reset");
	host->state = HOST_IDLE;
	if (bmc_has_client(host->bmc, host->device, host->instance))
		begin_script(host, 0);
}
