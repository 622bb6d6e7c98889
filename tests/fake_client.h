/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_client: a minimal media client for the tests of iusb-bmcsim, written from the protocol notes
 * alone. It connects to a simulated BMC, serves a medium in memory, and can be told to misbehave.
 */
#ifndef TESTS_FAKE_CLIENT_H
#define TESTS_FAKE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <event2/event.h>

enum {
	CLIENT_IN_SIZE = 64 + 131072,
	REQUESTS_MAX = 4096,
	CLIENT_CONTROL_MAX = 512,
};

struct fake_client;

/* May change an answer of *len bytes before it is sent; *len = 0 sends nothing. */
typedef void tamper_fn(struct fake_client *client, uint8_t *answer, size_t *len);

struct fake_client {
	struct event_base *base;
	struct bufferevent *bev;
	struct ssl_ctx_st *ctx; /* NULL: no TLS was ever used */
	uint8_t *medium;
	uint32_t blocks, block_len;
	bool is_read_only;
	bool is_lying;        /* says that it has written, and has not */
	bool has_attention;   /* the next TEST UNIT READY gets 06/28/00 */
	bool has_events;      /* knows GET EVENT STATUS */
	bool has_head;        /* a tunnel: the text before the first packet is skipped */
	bool is_holding;      /* receives, answers nothing */
	uint32_t bad_block;   /* a read that touches it fails with 03/11/00 */
	unsigned quits_after; /* closes instead of answering that READ(10), counted from 1 */
	tamper_fn *tamper;
	int tampered;

	bool is_closed;     /* by the BMC */
	int error;          /* errno, if it was a reset */
	size_t received;    /* bytes in all */
	uint8_t first[256]; /* the first ones */
	size_t first_read;  /* how many the first read gave */
	unsigned acks, pings, kills, reads;
	unsigned disconnects; /* 0xF7 */
	unsigned polls;       /* 0x4A */
	unsigned types;       /* 0xF4, answered with disk_type */
	uint8_t disk_type;
	uint8_t ack_status, ack_instance;
	size_t ack_len;
	char ack_owner[64];
	uint8_t (*requests)[61]; /* as they came */
	size_t count;
	unsigned ejects;
};

/* The medium is not owned. */
void client_init(struct fake_client *client, struct event_base *base, uint8_t *medium,
	uint32_t blocks, uint32_t block_len);
void client_connect(struct fake_client *client, uint16_t port);

/* The same, with AUTH as the first thing that is said. */
void client_log_in(struct fake_client *client, uint16_t port, uint8_t instance, const char *token);
void client_log_in_tls(
	struct fake_client *client, uint16_t port, uint8_t instance, const char *token);
void client_send_auth(struct fake_client *client, uint8_t instance, const char *token);
void client_close(struct fake_client *client);
void client_fini(struct fake_client *client);

void client_send(struct fake_client *client, const void *bytes, size_t len);

/* Packets that a client sends on its own: 0xF7, 0xF8, ..., zeros but for header and opcode; len is
 * CLIENT_CONTROL_MAX at most. */
void client_send_control(struct fake_client *client, uint8_t op, uint8_t instance, size_t len);

/* Answers request i (61 bytes) with that status, 0 for success, and no data. */
void client_answer(struct fake_client *client, size_t i, uint32_t sense);

static inline uint32_t
le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void
set_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

#endif
