/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connection: one iSCSI connection, which is a session of its own (MaxConnections=1). */
#ifndef TESTS_ISCSI_CONNECTION_H
#define TESTS_ISCSI_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lun.h"
#include "pdu.h"

/* The drives that the front shows; never changes while a connection lives. */
struct portal {
	struct event_base *base;
	struct lun *luns;
	size_t count;
	TAILQ_HEAD(, connection) connections;
};

/* A command that waits for its data. */
struct task {
	TAILQ_ENTRY(task) link;
	uint32_t tag;
	struct scsi_command command; /* data is owned */
	uint8_t *data;
	uint32_t expected;  /* bytes that the initiator wants to send */
	uint32_t received;  /* how many are here, from the start: data comes in order */
	uint32_t burst_end; /* where the present sequence of Data-Out ends */
	uint32_t transfer_tag;
	uint32_t data_sn; /* of the next Data-Out */
	uint32_t r2t_sn;
};

/* What login has agreed on. */
struct terms {
	bool is_r2t_first;      /* InitialR2T */
	bool has_immediate;     /* ImmediateData */
	uint32_t max_burst;     /* MaxBurstLength */
	uint32_t first_burst;   /* FirstBurstLength */
	uint32_t their_segment; /* the initiator's MaxRecvDataSegmentLength */
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct portal *portal;
	struct bufferevent *bev;
	bool is_closing; /* it ends when everything has been sent */
	bool is_logged_in;
	struct lun *lun; /* set by login */
	struct terms terms;
	uint32_t stat_sn;
	uint32_t exp_cmd_sn;
	uint32_t next_transfer_tag;
	TAILQ_HEAD(, task) tasks;
};

/* A new connection on an accepted socket, which it owns. Ends by itself. */
void connection_new(struct portal *portal, evutil_socket_t fd);

/* Ends it now. */
void connection_free(struct connection *connection);

/* Ends it when everything has been sent; what comes in is no longer read. */
void connection_finish(struct connection *connection);

/* A zeroed header for an answer to that request: its task tag, and the next StatSN. */
void connection_answer(struct connection *connection, uint8_t bhs[BHS_SIZE], uint8_t opcode,
	const uint8_t *request);

/* Puts ExpCmdSN and MaxCmdSN in, pads, and sends. */
void connection_send(
	struct connection *connection, uint8_t bhs[BHS_SIZE], const void *data, uint32_t data_len);

/* Login and text negotiation. False: the initiator broke the rules. */
bool login_request(struct connection *connection, const struct pdu *pdu) MUST_CHECK;

/* SCSI commands and their data. False: the initiator broke the rules. */
bool task_command(struct connection *connection, const struct pdu *pdu) MUST_CHECK;
bool task_data_out(struct connection *connection, const struct pdu *pdu) MUST_CHECK;
struct task *task_find(struct connection *connection, uint32_t tag);
void task_free(struct connection *connection, struct task *task);
void task_free_all(struct connection *connection);

#endif
