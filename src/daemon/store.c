/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store: attachments and facts in SQLite, durable before anybody is told that they are made. */
#include "daemon/store.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
	SCHEMA_VERSION = 2,
	BUSY_TIMEOUT = 1000, /* ms; only a person with sqlite3(1) can be in the way */
};

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_PUT,
	STATEMENT_DROP,
	STATEMENT_EACH,
	STATEMENT_PUT_FACT,
	STATEMENT_DROP_FACT,
	STATEMENT_EACH_FACT,
	STATEMENT_COUNT,
};

static const char *const statement_text[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_PUT] = ("INSERT OR REPLACE INTO attachment (slot, image, mode, uid, made)"
			   " VALUES (?1, ?2, ?3, ?4, strftime('%s', 'now'))"),
	[STATEMENT_DROP] = "DELETE FROM attachment WHERE slot = ?1",
	[STATEMENT_EACH] = "SELECT slot, image, mode, uid FROM attachment ORDER BY id",
	[STATEMENT_PUT_FACT] = ("INSERT OR REPLACE INTO fact (target, name, value, learned)"
				" VALUES (?1, ?2, ?3, strftime('%s', 'now'))"),
	[STATEMENT_DROP_FACT] = "DELETE FROM fact WHERE target = ?1 AND name = ?2",
	[STATEMENT_EACH_FACT] = "SELECT name, value FROM fact WHERE target = ?1",
};

/* What makes version i + 1 out of version i. */
static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE attachment ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" slot TEXT NOT NULL UNIQUE,"
	" image TEXT NOT NULL,"
	" mode TEXT NOT NULL,"
	" uid INTEGER NOT NULL,"
	" made INTEGER NOT NULL);"
	"PRAGMA user_version = 1;",
	"CREATE TABLE fact ("
	" target TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" learned INTEGER NOT NULL,"
	" PRIMARY KEY (target, name));"
	"PRAGMA user_version = 2;",
};

struct store {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

static int
fail(const struct store *store, const char *what, struct reason *why)
{
	return reason_set(why, "cannot %s %s: %s", what, store->path, sqlite3_errmsg(store->db));
}

/* Runs a prepared statement that gives no rows; its parameters are bound. */
static int
run(struct store *store, enum statement statement, struct reason *why)
{
	sqlite3_stmt *prepared = store->statements[statement];
	int rc = sqlite3_step(prepared);

	if (rc != SQLITE_DONE)
		(void)fail(store, "write", why); /* before the reset changes the message */
	sqlite3_reset(prepared);
	sqlite3_clear_bindings(prepared);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
schema_version(struct store *store, int *version, struct reason *why)
{
	sqlite3_stmt *query;

	if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &query, NULL) != SQLITE_OK)
		return fail(store, "read", why);
	if (sqlite3_step(query) != SQLITE_ROW) {
		(void)fail(store, "read", why);
		sqlite3_finalize(query);
		return -1;
	}
	*version = sqlite3_column_int(query, 0);
	sqlite3_finalize(query);
	return 0;
}

/* Brings an older or new file to our version, in one transaction. */
static int
migrate(struct store *store, struct reason *why)
{
	int version = 0;

	if (schema_version(store, &version, why) < 0)
		return -1;
	if (version > SCHEMA_VERSION)
		return reason_set(why,
			"%s is of version %d and was written by a newer iusbd; this one knows "
			"version %d",
			store->path, version, SCHEMA_VERSION);
	if (version < 0)
		return reason_set(why, "%s is not a state file of iusbd", store->path);
	if (version == SCHEMA_VERSION)
		return 0;
	if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(store, "write", why);
	for (; version < SCHEMA_VERSION; version++)
		if (sqlite3_exec(store->db, migrations[version], NULL, NULL, NULL) != SQLITE_OK)
			goto undo;
	if (sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
undo:
	(void)fail(store, "write", why);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int
prepare(struct store *store, struct reason *why)
{
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK)
			return fail(store, "read", why);
	return 0;
}

struct store *
store_open(const char *state_dir, struct reason *why)
{
	struct store *store = mem_new(1, sizeof(*store));

	store->path = mem_printf("%s/state.db", state_dir);
	if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		    NULL) != SQLITE_OK) {
		if (store->db != NULL)
			(void)fail(store, "open", why);
		else
			(void)reason_set(why, "cannot open %s: out of memory", store->path);
		goto error;
	}
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT);
	if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
		    NULL, NULL) != SQLITE_OK) {
		(void)fail(store, "use", why);
		goto error;
	}
	if (migrate(store, why) < 0 || prepare(store, why) < 0)
		goto error;
	return store;
error:
	store_close(store);
	return NULL;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

int
store_begin(struct store *store, struct reason *why)
{
	return run(store, STATEMENT_BEGIN, why);
}

int
store_commit(struct store *store, struct reason *why)
{
	if (run(store, STATEMENT_COMMIT, why) == 0)
		return 0;
	store_rollback(store);
	return -1;
}

void
store_rollback(struct store *store)
{
	/* SQLite may have rolled back by itself, after a full disk for one. */
	if (sqlite3_get_autocommit(store->db) == 0)
		(void)run(store, STATEMENT_ROLLBACK, NULL);
}

int
store_put_attachment(
	struct store *store, const struct store_attachment *attachment, struct reason *why)
{
	sqlite3_stmt *put = store->statements[STATEMENT_PUT];

	if (sqlite3_bind_text(put, 1, attachment->slot, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_text(put, 2, attachment->image, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_text(put, 3, attachment->mode, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_int64(put, 4, attachment->uid) != SQLITE_OK)
		return fail(store, "write", why);
	return run(store, STATEMENT_PUT, why);
}

int
store_drop_attachment(struct store *store, const char *slot, struct reason *why)
{
	sqlite3_stmt *drop = store->statements[STATEMENT_DROP];

	if (sqlite3_bind_text(drop, 1, slot, -1, SQLITE_STATIC) != SQLITE_OK)
		return fail(store, "write", why);
	return run(store, STATEMENT_DROP, why);
}

static const char *
column(sqlite3_stmt *row, int i)
{
	const unsigned char *text = sqlite3_column_text(row, i);

	return text != NULL ? (const char *)text : "";
}

int
store_each_attachment(struct store *store, store_attachment_cb *cb, void *arg, struct reason *why)
{
	sqlite3_stmt *each = store->statements[STATEMENT_EACH];
	int rc;

	while ((rc = sqlite3_step(each)) == SQLITE_ROW) {
		const struct store_attachment attachment = {
			.slot = column(each, 0),
			.image = column(each, 1),
			.mode = column(each, 2),
			.uid = (unsigned)sqlite3_column_int64(each, 3),
		};

		cb(arg, &attachment);
	}
	if (rc != SQLITE_DONE)
		(void)fail(store, "read", why);
	sqlite3_reset(each);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
store_put_fact(struct store *store, const char *target, const char *name, const char *value,
	struct reason *why)
{
	enum statement statement = *value ? STATEMENT_PUT_FACT : STATEMENT_DROP_FACT;
	sqlite3_stmt *put = store->statements[statement];

	if (sqlite3_bind_text(put, 1, target, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_text(put, 2, name, -1, SQLITE_STATIC) != SQLITE_OK ||
		(*value && sqlite3_bind_text(put, 3, value, -1, SQLITE_STATIC) != SQLITE_OK))
		return fail(store, "write", why);
	return run(store, statement, why);
}

int
store_each_fact(
	struct store *store, const char *target, store_fact_cb *cb, void *arg, struct reason *why)
{
	sqlite3_stmt *each = store->statements[STATEMENT_EACH_FACT];
	int rc = sqlite3_bind_text(each, 1, target, -1, SQLITE_STATIC);

	if (rc != SQLITE_OK)
		return fail(store, "read", why);
	while ((rc = sqlite3_step(each)) == SQLITE_ROW)
		cb(arg, column(each, 0), column(each, 1));
	if (rc != SQLITE_DONE)
		(void)fail(store, "read", why);
	sqlite3_reset(each);
	sqlite3_clear_bindings(each);
	return rc == SQLITE_DONE ? 0 : -1;
}
