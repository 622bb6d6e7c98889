/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store: what must survive a restart, in SQLite (state_dir/state.db, WAL, synchronous=FULL, a
 * schema version). */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include "base/compiler.h"
#include "base/reason.h"

struct store;

struct store_attachment {
	const char *slot;  /* "node42/cd1" */
	const char *image; /* as it was asked for */
	const char *mode;  /* "ro", "rw" */
	unsigned uid;      /* who asked */
};

typedef void store_attachment_cb(void *arg, const struct store_attachment *attachment);

/* Opens or creates state_dir/state.db; the directory must exist. NULL with the reason, a newer
 * schema version among them. */
struct store *store_open(const char *state_dir, struct reason *why) MUST_CHECK;

/* A null store is allowed. An open transaction is rolled back. */
void store_close(struct store *store);

/*
 * Several changes as one: all of them after store_commit(), none of them if it fails, after
 * store_rollback(), or if the machine stops between. Does not nest. 0, or -1 with the reason.
 */
int store_begin(struct store *store, struct reason *why) MUST_CHECK;
int store_commit(struct store *store, struct reason *why) MUST_CHECK;
void store_rollback(struct store *store);

/*
 * Each returns 0, or -1 with the reason and nothing changed: after the commit, unless it is part of
 * a transaction that was begun. A slot has one attachment: a second one takes its place. Dropping
 * what is not there is no error.
 */
int store_put_attachment(struct store *store, const struct store_attachment *attachment,
	struct reason *why) MUST_CHECK;
int store_drop_attachment(struct store *store, const char *slot, struct reason *why) MUST_CHECK;

typedef void store_fact_cb(void *arg, const char *name, const char *value);

/* What was learned of a target: one value for each name; "" drops it. Results as above. */
int store_put_fact(struct store *store, const char *target, const char *name, const char *value,
	struct reason *why) MUST_CHECK;

/* Calls cb for each fact of the target. cb must not change the store. */
int store_each_fact(struct store *store, const char *target, store_fact_cb *cb, void *arg,
	struct reason *why) MUST_CHECK;

/* Calls cb for each attachment, in the order they were made. cb must not change the store. */
int store_each_attachment(
	struct store *store, store_attachment_cb *cb, void *arg, struct reason *why) MUST_CHECK;

#endif
