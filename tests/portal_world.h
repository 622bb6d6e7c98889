/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal_world: a session between a web interface and a BMC that are both moved by hand, over an
 * image of memory. */
#ifndef TESTS_PORTAL_WORLD_H
#define TESTS_PORTAL_WORLD_H

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "bmc/session_private.h"
#include "fake_bmc.h"
#include "fake_image.h"
#include "fake_portal.h"
#include "loop.h"
#include "scsi/scsi.h"
#include "unit.h"

static struct event_base *base;
static struct fake_bmc bmc;
static struct portal portal;
static struct facts facts;
static unsigned facts_changes;
static struct session_conf wish; /* of the session that is made next */
static struct session *session;
static struct session_status status;
static char trail[512]; /* states as they were told, "login connecting ..." */
static uint8_t buf[PACKET_MAX + 64], other[PACKET_MAX + 64];

static inline void
told_cb(void *arg, struct session *about)
{
	size_t n = strlen(trail);

	ck_assert_ptr_eq(arg, &session);
	session_status(about, &status);
	snprintf(trail + n, sizeof(trail) - n, "%s%s", n ? " " : "",
		session_state_name(status.state));
}

static inline void
facts_changed_cb(void *arg, const struct facts *about)
{
	ck_assert_ptr_eq(arg, &facts);
	ck_assert_ptr_eq(about, &facts);
	facts_changes++;
}

/* The configuration is that of a CD whose port the web interface tells. */
static inline void
open_world(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	fake_bmc_open(&bmc, base);
	portal = (struct portal){ 0 };
	facts = (struct facts){ .changed = facts_changed_cb, .arg = &facts };
	facts_changes = 0;
	trail[0] = '\0';
	session = NULL;
	wish = (struct session_conf){
		.target = "node42",
		.address = "127.0.0.1",
		.device = DEVICE_CD,
		.dialect = dialect_find("asp"),
		.transport = CHOOSE_TRANSPORT,
		.tls_mode = TLS_AUTO,
		.tls = { .verify = TLS_VERIFY_NONE },
		.portal = &portal,
		.facts = &facts,
		.backoff_min = 100,
		.backoff_max = 100,
	};
}

static inline void
close_world(void)
{
	session_free(session);
	ck_assert_uint_eq(portal.freed, portal.asked);
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

/* No deadline comes by itself, however slow the machine is. */
static inline void
start_session(enum image_mode mode)
{
	session = session_new(base, &wish, told_cb, &session);
	session->time_scale = 1e4;
	session_start(session, fake_open(mode, FAKE_SIZE));
}

/* The web interface gives a token, and names the BMC's port for the session's device. */
static inline void
grant_token(const struct dialect *dialect, const char *token)
{
	struct grant grant = fake_grant(dialect, token);

	grant.port[wish.device] = bmc.port;
	fake_portal_grant(&portal, &grant);
}

/* The session has reached the BMC n times, and that one is in this phase. */
static inline void
reach_bmc(unsigned n, enum session_phase phase)
{
	LOOP_UNTIL(base, bmc.accepts == n && session->phase == phase);
}

/* AUTH arrives, with that token. */
static inline void
expect_auth(enum auth_kind kind, const char *token)
{
	uint8_t want[AUTH_LEN_MAX];
	size_t len = auth_build(want, kind, wish.device, wish.instance, token);

	fake_bmc_receive(&bmc, buf, len);
	ck_assert_mem_eq(buf, want, len);
}

/* DEVICE_INFO arrives, with the name of the image. */
static inline void
expect_device_info(bool is_browser)
{
	size_t len = is_browser ? DEVICE_INFO_BROWSER_LEN : DEVICE_INFO_LEN;

	fake_bmc_receive(&bmc, buf, len);
	ck_assert_uint_eq(get_le32(buf + OFF_DATA_PKT_LEN), len - PACKET_HEADER_LEN);
	ck_assert_uint_eq(buf[OFF_CDB], OP_DEVICE_INFO);
	ck_assert_uint_eq(buf[OFF_INSTANCE], (unsigned)wish.instance);
	ck_assert_str_eq((const char *)buf + 66, "fake.img");
}

static inline void
expect_goodbye(void)
{
	uint8_t want[CONTROL_LEN];

	disconnect_build(want, wish.instance);
	fake_bmc_receive(&bmc, buf, CONTROL_LEN);
	ck_assert_mem_eq(buf, want, CONTROL_LEN);
}

static inline void
accept_session(void)
{
	fake_bmc_ack(&bmc, ACK_ACCEPTED, "");
	LOOP_UNTIL(base, is_in(SESSION_SERVING));
}

/* A session that is served, in its first attempt. */
static inline void
serve_session(const char *dialect, enum image_mode mode)
{
	wish.dialect = dialect_find(dialect);
	start_session(mode);
	grant_token(wish.dialect, "AbCd");
	reach_bmc(1, PHASE_AUTHENTICATING);
	expect_auth(AUTH_WEB_TOKEN, "AbCd");
	if (wish.dialect->has_device_info)
		expect_device_info(false);
	accept_session();
}

/* The attempt fails, with this reason, and gives back what it held. */
static inline void
expect_failure(enum failure failure, const char *reason)
{
	LOOP_UNTIL(base, is_in(SESSION_BACKOFF));
	ck_assert_str_eq(status.reason.text, reason);
	ck_assert_int_eq(status.failure, failure);
	ck_assert_ptr_null(session->stream);
	ck_assert_ptr_null(session->ticket);
	ck_assert_uint_eq(portal.freed, portal.asked);
	if (bmc.bev)
		LOOP_UNTIL(base, bmc.is_ended);
}

/* The host asks; START STOP ejects. */
static inline void
ask(uint8_t op)
{
	enum { BLOCK = 2048, READ_10 = 0x28, START_STOP = 0x1B };
	size_t len = fake_bmc_request(
		&bmc, other, op, 0, op == READ_10, op == READ_10 ? BLOCK : 0, NULL, 0);

	if (op == START_STOP)
		other[OFF_CDB + 4] = 2;
	fake_bmc_send(&bmc, other, len);
}

/* The sense of the next response, which is to op. */
static inline uint32_t
response_sense(uint8_t op)
{
	struct packet packet;

	fake_bmc_response(&bmc, buf, &packet);
	ck_assert_uint_eq(packet.op, op);
	return get_be24(packet.status + 1);
}

#endif
