/* SPDX-License-Identifier: GPL-2.0-or-later */
/* board: facts and portal of one target. */
#include "daemon/board.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmc/portal.h"
#include "daemon/store.h"

struct board {
	struct boards *boards;
	unsigned users;
	bool is_stale; /* the target is reached in another way now: nobody gets it any more */
	struct conf_target target; /* as it is reached; owned */
	struct facts facts;
	struct facts stored; /* what of them is durable */
	struct tls_conf tls;
	struct portal *portal; /* owned, or NULL */
	LIST_ENTRY(board) link;
};

struct boards {
	struct store *store; /* or NULL */
	struct portals *portals;
	LIST_HEAD(, board) list;
};

/* Names of facts in the store. */
static const char fact_dialect[] = "dialect";
static const char *const fact_pin[PIN_COUNT] = {
	[PIN_WEB] = "pin.web",
	[PIN_MEDIA] = "pin.media",
};

/* ---- facts ---- */

static void
fact_cb(void *arg, const char *name, const char *value)
{
	struct facts *facts = arg;
	const struct dialect *dialect = dialect_find(value);

	if (strcmp(name, fact_dialect) == 0 && dialect && !dialect->is_auto)
		facts->dialect = dialect;
	for (int i = 0; i < PIN_COUNT; i++)
		if (strcmp(name, fact_pin[i]) == 0 && strlen(value) == FINGERPRINT_SIZE - 1)
			strcpy(facts->pin[i], value);
}

static void
log_store(const struct board *board, const struct reason *why)
{
	log_about(LOG_LEVEL_ERROR,
		&(struct log_about){ .target = board->target.name, .reason = why->text },
		"what was learned of the BMC cannot be kept over a restart");
}

static int
store_dialect(struct board *board, const struct dialect *dialect, struct reason *why)
{
	if (dialect == board->stored.dialect)
		return 0;
	if (store_put_fact(board->boards->store, board->target.name, fact_dialect,
		    dialect ? dialect->name : "", why) < 0)
		return -1;
	board->stored.dialect = dialect;
	return 0;
}

static int
store_pin(struct board *board, enum pin pin, const char *fingerprint, struct reason *why)
{
	if (strcmp(fingerprint, board->stored.pin[pin]) == 0)
		return 0;
	if (store_put_fact(
		    board->boards->store, board->target.name, fact_pin[pin], fingerprint, why) < 0)
		return -1;
	strcpy(board->stored.pin[pin], fingerprint);
	return 0;
}

/* Each write waits for the disk: only what is new is written. */
static void
changed_cb(void *arg, const struct facts *facts)
{
	struct board *board = arg;
	struct reason why;
	int result;

	if (!board->boards->store)
		return;
	result = store_dialect(board, facts->dialect, &why);
	for (int i = 0; i < PIN_COUNT && result == 0; i++)
		result = store_pin(board, (enum pin)i, facts->pin[i], &why);
	if (result < 0)
		log_store(board, &why);
}

static void
load_facts(struct board *board)
{
	struct store *store = board->boards->store;
	struct reason why;

	if (store && store_each_fact(store, board->target.name, fact_cb, &board->facts, &why) < 0)
		log_store(board, &why);
	board->stored = board->facts;
	board->facts.changed = changed_cb;
	board->facts.arg = board;
}

/* ---- the way to the web interface ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
board_is_same_way(const struct conf_target *a, const struct conf_target *b)
{
	return strcmp(a->address, b->address) == 0 && a->dialect == b->dialect &&
	       a->web_port == b->web_port && a->login == b->login &&
	       is_same_text(a->login_user, b->login_user) &&
	       is_same_text(a->login_secret, b->login_secret) &&
	       (a->tls_mode == TLS_OFF) == (b->tls_mode == TLS_OFF) &&
	       a->tls_verify == b->tls_verify && a->tls_legacy == b->tls_legacy;
}

static void
keep_way(struct board *board, const struct conf_target *target)
{
	conf_target_copy(&board->target, target);
	board->tls = (struct tls_conf){
		.verify = target->tls_verify,
		.is_legacy = target->tls_legacy,
		.facts = &board->facts,
	};
}

static enum portal_method
method_of(enum conf_login login)
{
	switch (login) {
	case CONF_LOGIN_TOKEN:
		return PORTAL_TOKEN;
	case CONF_LOGIN_ASP:
		return PORTAL_ASP;
	case CONF_LOGIN_REST:
		return PORTAL_REST;
	case CONF_LOGIN_AUTO:
		return PORTAL_FIND;
	default:
		return PORTAL_NONE;
	}
}

static void
open_portal(struct board *board)
{
	const struct portal_conf conf = {
		.target = board->target.name,
		.address = board->target.address,
		.port = board->target.web_port,
		.is_plain = board->target.tls_mode == TLS_OFF,
		.method = method_of(board->target.login),
		.user = board->target.login_user,
		.secret_file = board->target.login_secret,
		.tls = board->tls,
	};

	if (conf.method != PORTAL_NONE || !board->target.dialect->bmc_speaks_first)
		board->portal = portal_new(board->boards->portals, &conf);
}

/* ---- boards ---- */

static struct board *
board_new(struct boards *boards, const struct conf_target *target)
{
	struct board *board = mem_new(1, sizeof(*board));

	board->boards = boards;
	keep_way(board, target);
	load_facts(board);
	open_portal(board);
	LIST_INSERT_HEAD(&boards->list, board, link);
	return board;
}

static void
board_free(struct board *board)
{
	LIST_REMOVE(board, link);
	portal_free(board->portal);
	conf_target_fini(&board->target);
	free(board);
}

struct board *
board_get(struct boards *boards, const struct conf_target *target)
{
	struct board *board;

	LIST_FOREACH (board, &boards->list, link) {
		if (board->is_stale || strcmp(board->target.name, target->name) != 0)
			continue;
		if (board_is_same_way(&board->target, target)) {
			board->users++;
			return board;
		}
		board->is_stale = true;
	}
	board = board_new(boards, target);
	board->users = 1;
	return board;
}

static bool
is_needed(const struct board *board)
{
	return board->users > 0 ||
	       (!board->is_stale && board->portal && !portal_is_idle(board->portal));
}

void
board_put(struct board *board)
{
	struct boards *boards;
	struct board *next;

	if (!board)
		return;
	board->users--;
	boards = board->boards;
	for (board = LIST_FIRST(&boards->list); board; board = next) {
		next = LIST_NEXT(board, link);
		if (!is_needed(board))
			board_free(board);
	}
}

struct facts *
board_facts(struct board *board)
{
	return &board->facts;
}

struct portal *
board_portal(struct board *board)
{
	return board->portal;
}

const struct tls_conf *
board_tls(const struct board *board)
{
	return &board->tls;
}

struct boards *
boards_new(struct event_base *base, struct store *store, unsigned parallel)
{
	struct boards *boards = mem_new(1, sizeof(*boards));

	boards->store = store;
	boards->portals = portals_new(base, parallel);
	LIST_INIT(&boards->list);
	return boards;
}

void
boards_set_parallel(struct boards *boards, unsigned parallel)
{
	portals_set_parallel(boards->portals, parallel);
}

void
boards_stop(struct boards *boards, double limit, void (*done)(void *arg), void *arg)
{
	portals_stop(boards->portals, limit, done, arg);
}

void
boards_free(struct boards *boards)
{
	if (!boards)
		return;
	while (!LIST_EMPTY(&boards->list))
		board_free(LIST_FIRST(&boards->list));
	portals_free(boards->portals);
	free(boards);
}
