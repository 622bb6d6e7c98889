/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registry: all targets and their slots: which image should be where (attachments) and the sessions
 * that fulfil it. The configuration is merged into it; the store holds what must survive.
 *
 * An attachment comes from a command (it is in the store, and back after a restart) or from the
 * configuration ("standing"). A stored one wins over a standing one in the same slot. A standing
 * one that was detached stays away until the daemon starts again or its entry changes. A stored one
 * whose target is no longer configured stays in the store and comes back with the target.
 */
#ifndef DAEMON_REGISTRY_H
#define DAEMON_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"
#include "base/strlist.h"
#include "bmc/session.h"
#include "daemon/conf.h"
#include "image/image.h"

struct board;
struct event;
struct event_base;
struct pool;
struct registry;
struct store;
struct swap;

enum {
	REGISTRY_IMAGE_RETRY = 30, /* seconds between attempts to open an image */
};

enum slot_phase {
	SLOT_WAITING,    /* the image cannot be opened; tried again and again */
	SLOT_RUNNING,    /* the session has the image */
	SLOT_RESTARTING, /* the session ends, and begins anew with what the slot says then */
	SLOT_LEAVING,    /* detached: the session ends, then the slot goes */
};

struct slot { /* exists while it has an attachment, or its session is still ending. Read only. */
	char name[SLOT_NAME_SIZE];
	const struct conf_target *target;
	enum device device;
	int instance;
	char *image; /* as it was asked for */
	char *path;  /* what is open, or was last; NULL before */
	uint64_t size;
	enum image_mode mode;
	bool is_standing; /* from the configuration file, not from a command */
	double rate;      /* bytes a second, smoothed, both directions */

	/* The registry's own. */
	struct registry *registry;
	enum slot_phase phase;
	struct board *board;          /* of its target, as the session knows it */
	struct session *session;      /* never NULL; idle unless the slot is running */
	struct swap *swap;            /* registry_swap() under way, or NULL */
	struct reason image_why;      /* SLOT_WAITING: why the image cannot be opened */
	double image_since, image_at; /* SLOT_WAITING: since when, and the next attempt */
	struct event *image_retry;
	bool has_old_patience; /* the back-off was configured anew: the session is replaced when it
				  next fails */
	uint64_t traffic;      /* bytes read and written at the last tick */
	size_t order;          /* of the table */
};

enum registry_error { /* what a caller turns into an error of its interface */
	REGISTRY_OK,
	REGISTRY_NO_TARGET, /* no such target */
	REGISTRY_NO_IMAGE,  /* no such image, or nothing that can be served: why says it */
	REGISTRY_NO_DEVICE, /* no such device or instance */
	REGISTRY_IN_USE,    /* the slot has an attachment, or the image is in use */
	REGISTRY_NOT_ATTACHED,
	REGISTRY_NOT_SUPPORTED,
	REGISTRY_NOT_FLUSHED, /* what the host wrote cannot be made durable */
	REGISTRY_STORE,       /* the change could not be made durable, and so was not made */
	REGISTRY_STOPPING,    /* registry_stop() was called */
};

/*
 * Called after a slot's state, attachment or reason has changed, at most once a second while its
 * host reads or writes, and once more with is_gone when it goes: slot must not be used after that.
 * May call registry_unwatch(), but change nothing else in the registry.
 */
typedef void registry_cb(void *arg, struct slot *slot, bool is_gone);

/* Never NULL. store may be NULL (nothing survives: tests). conf is owned by the registry from now
 * on. Standing and stored attachments start; what cannot be attached is logged and stays visible in
 * backoff with its reason. */
struct registry *registry_new(struct event_base *base, struct pool *pool, struct store *store,
	struct conf *conf) MUST_CHECK;

/* Ends what is left at once. A null registry is allowed. */
void registry_free(struct registry *registry);

/* Ends all sessions cleanly and logs out of the web interfaces; done is called from the loop when
 * that is over. No change is accepted any more. Once. */
void registry_stop(struct registry *registry, void (*done)(void *arg), void *arg);
bool registry_is_stopping(const struct registry *registry);

const struct conf *registry_conf(const struct registry *registry);

/* Subscribers are called in order; the returned handle ends it. */
struct registry_watch *registry_watch(struct registry *registry, registry_cb *cb, void *arg);
void registry_unwatch(struct registry *registry, struct registry_watch *watch);

/*
 * Merges a new configuration (owned from now on): mark, merge, sweep. Unchanged targets' sessions
 * do not notice. Names of targets added, changed and removed go to the lists. A running session
 * moves when its address, port or dialect, its standing attachment, or the path that its image
 * stands for has changed; new back-off times wait for its next failure. Images that could not be
 * opened are tried again.
 */
void registry_apply(struct registry *registry, struct conf *conf, struct strlist *added,
	struct strlist *changed, struct strlist *removed);

struct registry_attachment { /* one slot of a registry_attach() */
	const struct conf_target *target;
	enum device device;
	int instance;

	enum registry_error error; /* what became of it */
	struct reason why;         /* if it is an error, for a person */
	struct slot *slot;         /* if not */
	bool was_there;            /* the same attachment was there already; it is tried at once */
};

/*
 * Attaches an image to slots, all in one transaction: the store has committed when it returns. Each
 * element says what became of it; returns how many have a slot now. image is the name that was
 * asked for, path what conf_image_path() made of it. A slot with the same image in the same mode is
 * no error, it is left as it is or, if it waits, tried at once.
 */
size_t registry_attach(struct registry *registry, struct registry_attachment *attachments,
	size_t count, const char *image, const char *path, enum image_mode mode, uid_t uid);

/* Detaches slots, all in one transaction; each goes when its session has ended cleanly (registry_cb
 * with is_gone). On an error nothing has changed. */
enum registry_error registry_detach(struct registry *registry, struct slot *const *slots,
	size_t count, struct reason *why) MUST_CHECK;

/* error is REGISTRY_OK: slot has the new image. Else why says what was wrong, nothing has changed,
 * and slot must not be looked at. May change nothing in the registry. */
typedef void registry_swap_cb(
	void *arg, const struct slot *slot, enum registry_error error, const struct reason *why);

/*
 * Changes the medium of a slot: another image and mode, or the same, whose file is read anew. The
 * session stays (session_swap()); a slot that waits for its image, or whose session is about to
 * begin anew, has the new one from now on. cb is called once, before this returns or from the loop
 * (or by registry_free()), when the old image is flushed, the new one open and the store has
 * committed. The attachment is a command's from then on, not a standing one, unless image and mode
 * are what they were. Parameters as for registry_attach(); the texts are copied.
 */
void registry_swap(struct slot *slot, const char *image, const char *path, enum image_mode mode,
	uid_t uid, registry_swap_cb *cb, void *arg);

/* The slot, or NULL if nothing is attached there. target is of registry_conf(). */
struct slot *registry_find(struct registry *registry, const struct conf_target *target,
	enum device device, int instance);

/* Slots in the order of targets in the file, then device, then instance. Invalid after the loop has
 * run. */
size_t registry_count(const struct registry *registry);
struct slot *registry_at(const struct registry *registry, size_t i);

/* What the slot is doing: its session's status, or state backoff while the image cannot be opened.
 */
void registry_status(const struct slot *slot, struct session_status *out);

/* What the slots of a target of registry_conf() share; ended by board_put(). */
struct board *registry_board(
	struct registry *registry, const struct conf_target *target) MUST_CHECK;

/* The target's slots that wait because of that failure try at once. */
void registry_retry(struct registry *registry, const char *target, enum failure failure);

/* Detached, its session is still ending. */
bool registry_is_leaving(const struct slot *slot);

#endif
