/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_fixture: what tests of a session share: the session, a BMC that is moved by hand, and the
 * way to being served. */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "bmc/session_private.h"
#include "disk_commands.h"
#include "fake_bmc.h"
#include "image/image.h"
#include "loop.h"
#include "scsi/scsi.h"
#include "unit.h"

enum {
	NEVER = 1000000, /* seconds */
};

static struct event_base *base;
static struct fake_bmc bmc;
static struct facts facts;
static struct session *session;
static struct session_status status;
static char trail[512]; /* states as they were told, "connecting serving ..." */
static void (*on_state)(enum session_state state); /* called when a state is told */
static uint8_t buf[PACKET_MAX + 64], other[PACKET_MAX + 64];

static inline void
told_cb(void *arg, struct session *about)
{
	size_t n = strlen(trail);

	ck_assert_ptr_eq(arg, &session);
	session_status(about, &status);
	snprintf(trail + n, sizeof(trail) - n, "%s%s", n ? " " : "",
		session_state_name(status.state));
	if (on_state)
		on_state(status.state);
}

/* A session that has not started; the seconds are those of its back-off. */
static inline void
make_session(const char *dialect, enum device device, double min, double max)
{
	struct session_conf conf = {
		.target = "node42",
		.address = "127.0.0.1",
		.port = bmc.port,
		.device = device,
		.dialect = dialect_find(dialect),
		.facts = &facts,
		.backoff_min = min,
		.backoff_max = max,
	};

	session = session_new(base, &conf, told_cb, &session);
}

static inline void
open_world(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	fake_bmc_open(&bmc, base);
	trail[0] = '\0';
	on_state = NULL;
}

/* The session goes first. */
static inline void
close_world(void)
{
	fake_bmc_close(&bmc);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}

static inline bool
is_in(enum session_state state)
{
	session_status(session, &status);
	return status.state == state;
}

/* Nothing is flushed but when a test or the session wants it, however long the test takes. */
static inline void
start_session(struct image *image)
{
	session_start(session, image);
	drive_set_flush_delay(session->drive, NEVER);
}

/* The session is connected and waits for the greeting. */
static inline void
connect_session(struct image *image)
{
	start_session(image);
	LOOP_UNTIL(base, bmc.accepts > 0 && is_in(SESSION_AUTHENTICATING));
}

/* The BMC accepts it. */
static inline void
accept_session(void)
{
	fake_bmc_ack(&bmc, ACK_ACCEPTED, "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
}

/* After a failure: tries at once, and is accepted. */
static inline void
accept_again(void)
{
	unsigned accepts = bmc.accepts;

	session_reconnect(session);
	LOOP_UNTIL(base, bmc.accepts > accepts && is_in(SESSION_AUTHENTICATING));
	accept_session();
}

/* The host asks for one block, or for what needs none; START STOP ejects. */
static inline void
ask(uint8_t op, uint32_t lba)
{
	static uint8_t data[BLOCK];
	uint32_t read_len = op == READ_10 ? BLOCK : op == READ_CAPACITY ? 8 : 0;
	size_t len;

	memset(data, 0x5A, sizeof(data));
	len = fake_bmc_request(&bmc, other, op, lba, op == READ_CAPACITY ? 0 : 1, read_len,
		op == WRITE_10 ? data : NULL, op == WRITE_10 ? BLOCK : 0);
	if (op == START_STOP)
		other[OFF_CDB + 4] = 2;
	fake_bmc_send(&bmc, other, len);
}

/* The next response, which is to op: its sense; its data is in packet. */
static inline uint32_t
response(uint8_t op, struct packet *packet)
{
	fake_bmc_response(&bmc, buf, packet);
	ck_assert_uint_eq(packet->op, op);
	return get_be24(packet->status + 1);
}

/* The same without its data. */
static inline uint32_t
response_sense(uint8_t op)
{
	struct packet packet;

	return response(op, &packet);
}

/* The block of an image arrives at the host. */
static inline void
expect_block(const uint8_t *bytes, uint32_t lba)
{
	struct packet packet;

	ck_assert_uint_eq(response(READ_10, &packet), SENSE_NONE);
	ck_assert_uint_eq(packet.status[0], 0);
	ck_assert_uint_eq(packet.data_len, BLOCK);
	ck_assert_mem_eq(packet.data, bytes + lba * BLOCK, BLOCK);
}

/* Raises every event that has nothing to say in this phase. */
static inline void
raise_foreign_events(void)
{
	enum session_phase phase = session->phase;
	size_t told = strlen(trail);

	for (int event = 0; event < EVENT_COUNT; event++) {
		/* Of finishing, this one ends the phase when nothing is in work any more. */
		if (phase == PHASE_FINISHING && event == EVENT_DRAINED)
			continue;
		if (session_next_phase(phase, (enum session_event)event) != phase)
			continue;
		session_raise(session, (enum session_event)event);
		ck_assert_int_eq(session->phase, phase);
	}
	ck_assert_uint_eq(strlen(trail), told);
}

#endif
