/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registry_private: what the files of the registry share. registry.c has the table, the watches and
 * the timers; registry_slot.c the life of one slot; registry_attach.c and registry_swap.c what a
 * command changes; registry_apply.c what the configuration and the store say.
 */
#ifndef DAEMON_REGISTRY_PRIVATE_H
#define DAEMON_REGISTRY_PRIVATE_H

#include <sys/queue.h>

#include "base/log.h"
#include "daemon/registry.h"

struct registry_watch {
	registry_cb *cb; /* NULL: ended, and freed when no round of calls is under way */
	void *arg;
	TAILQ_ENTRY(registry_watch) link;
};

struct registry {
	struct event_base *base;
	struct pool *pool;
	struct store *store; /* or NULL */
	struct conf *conf;
	struct boards *boards;

	struct conf **retired; /* replaced, but a slot that is leaving still points into it */
	size_t retired_count;

	struct slot **slots; /* sorted by order */
	size_t count, room;

	struct strlist freed; /* paths that slots have let go; who waits for them tries */
	struct event *work;   /* what must not happen within a session's callback */
	struct event *tick;   /* once a second while something is served */
	double ticked;        /* monotonic seconds of the last tick */

	TAILQ_HEAD(, registry_watch) watches;
	unsigned rounds; /* of calls to watches that are under way */

	bool is_stopping;
	void (*stopped)(void *arg); /* NULL once called */
	void *stopped_arg;
};

/* Seconds since the epoch. */
double registry_now(void);

/* The place in the table of a slot of the current configuration. */
size_t registry_order(const struct registry *registry, const struct conf_target *target,
	enum device device, int instance);

/* A slot has let its image go: has the loop look soon for another one that waits for it. */
void registry_let_go(struct registry *registry, const char *path);

/* Puts a slot into the table; it is owned by it from now on. */
void registry_insert(struct registry *registry, struct slot *slot);

/* Sorts the table after targets have moved. */
void registry_sort(struct registry *registry);

/* Has the loop look soon for sessions that have ended. */
void registry_schedule(struct registry *registry);

/* Starts the tick if it is not running. */
void registry_tick(struct registry *registry);

/* Frees configurations that no slot points into any more. */
void registry_free_retired(struct registry *registry);

/* Tells all watches. */
void registry_notify(struct registry *registry, struct slot *slot, bool is_gone);

/* A new slot with an idle session, not yet in the table. */
struct slot *slot_new(struct registry *registry, const struct conf_target *target,
	enum device device, int instance) MUST_CHECK;
void slot_free(struct slot *slot);

/* What should be in the slot. */
void slot_set_image(struct slot *slot, const char *image, enum image_mode mode, bool is_standing);

/* Opens path, or says which slot of ours is in the way. error is REGISTRY_NO_IMAGE or
 * REGISTRY_IN_USE. */
struct image *slot_open_path(const struct registry *registry, const char *image, const char *path,
	enum image_mode mode, enum registry_error *error, struct reason *why) MUST_CHECK;

/* Notes what is open in the slot. */
void slot_note_image(struct slot *slot, const struct image *image);

/* Tells of a swap that is done, if there is one. */
void slot_tell_swap(struct slot *slot);

/* A swap under way ends with that error; no swap is no error. */
void slot_end_swap(struct slot *slot, enum registry_error error, const struct reason *why);

/* Gives an image to the idle session. Takes it. */
void slot_begin(struct slot *slot, struct image *image);

/* Opens the image by its name and begins, or waits with the reason. */
void slot_try(struct slot *slot);

/* Ends the session and begins anew. */
void slot_restart(struct slot *slot, const char *reason);

/* As slot_restart() for a slot that is leaving: what was there is gone for all watches, something
 * new comes. */
void slot_revive(struct slot *slot, const char *image, enum image_mode mode, bool is_standing);

/* Ends the session; then the slot goes. */
void slot_leave(struct slot *slot, const char *reason);

/* From the loop: tells of a swap that is done, begins anew what was put off until the session is
 * idle. */
void slot_work(struct slot *slot);

bool slot_is_idle(const struct slot *slot);

/* A line about the slot; reason may be NULL. */
void slot_log(enum log_level level, const struct slot *slot, const char *reason, const char *fmt,
	...) PRINTF_LIKE(4, 5);

/* Attachments of the store that have no slot and whose target is configured begin. */
void registry_restore(struct registry *registry);

/* Standing attachments that have no slot begin; with old, only those that differ from it. */
void registry_start_standing(struct registry *registry, const struct conf *old);

#endif
