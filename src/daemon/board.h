/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board: what the slots of one target share: the facts that were learned of its BMC (durable, by
 * the store) and the portal to its web interface, so that there is one web session at most.
 */
#ifndef DAEMON_BOARD_H
#define DAEMON_BOARD_H

#include "base/compiler.h"
#include "bmc/facts.h"
#include "daemon/conf.h"

struct board;
struct boards;
struct event_base;
struct portal;
struct store;

/* store may be NULL: nothing is durable. parallel as for portals_new(). Never NULL. */
struct boards *boards_new(
	struct event_base *base, struct store *store, unsigned parallel) MUST_CHECK;
void boards_set_parallel(struct boards *boards, unsigned parallel);

/* No board is in use any more: every web session that is left is logged out, then done is called
 * from the loop, after limit seconds at the latest. Once. */
void boards_stop(struct boards *boards, double limit, void (*done)(void *arg), void *arg);

/* After all boards were put back. NULL is allowed. */
void boards_free(struct boards *boards);

/*
 * The board of a target as it is configured now: shared by all who get it while the way to its web
 * interface stays the same, also by those who come while the web session of others is still being
 * logged out, or a ban is not over. Each board_get() needs a board_put(), after the last use of
 * portal and facts.
 */
struct board *board_get(struct boards *boards, const struct conf_target *target) MUST_CHECK;
void board_put(struct board *board); /* NULL is allowed */

struct facts *board_facts(struct board *board);

/* NULL for a target that needs none: no login, and a BMC that speaks first or is to be found. */
struct portal *board_portal(struct board *board);

/* What makes a TLS connection to it a good one; tls.facts is board_facts(). Lives with the board.
 */
const struct tls_conf *board_tls(const struct board *board);

/* Whether two configurations of a target lead to the same board. */
bool board_is_same_way(const struct conf_target *a, const struct conf_target *b);

#endif
