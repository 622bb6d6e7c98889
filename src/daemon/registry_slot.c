/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registry_slot: the life of one slot: its image is opened or waited for, its session begins, ends
 * and begins anew. */
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/board.h"
#include "daemon/registry_private.h"

void
slot_log(enum log_level level, const struct slot *slot, const char *reason, const char *fmt, ...)
{
	const struct log_about about = {
		.slot = slot->name,
		.target = slot->target->name,
		.device = device_name(slot->device),
		.image = slot->image,
		.reason = reason,
	};
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_about(level, &about, "%s", text);
}

bool
slot_is_idle(const struct slot *slot)
{
	struct session_status status;

	session_status(slot->session, &status);
	return status.state == SESSION_IDLE;
}

/* The one writer of the phase. */
static void
enter_phase(struct slot *slot, enum slot_phase phase)
{
	if (slot->phase == SLOT_WAITING && phase != SLOT_WAITING) {
		event_del(slot->image_retry);
		reason_clear(&slot->image_why);
	}
	slot->phase = phase;
	if (phase == SLOT_RESTARTING || phase == SLOT_LEAVING)
		registry_schedule(slot->registry);
}

static void
changed_cb(void *arg, struct session *session)
{
	struct slot *slot = arg;
	struct session_status status;

	session_status(session, &status);
	if (status.state == SESSION_SERVING) {
		slot->traffic = status.counters != NULL
					? status.counters->read + status.counters->written
					: 0;
		registry_tick(slot->registry);
	} else {
		slot->rate = 0;
	}
	if (status.state == SESSION_IDLE)
		registry_schedule(slot->registry);
	if (status.state == SESSION_BACKOFF && slot->has_old_patience &&
		slot->phase == SLOT_RUNNING && !slot->registry->is_stopping)
		slot_restart(slot, "new back-off times");
	registry_notify(slot->registry, slot, false);
}

static void
new_session(struct slot *slot)
{
	const struct conf_target *target = slot->target;
	struct board *board = board_get(slot->registry->boards, target);
	const struct session_conf conf = {
		.target = target->name,
		.address = target->address,
		.port = target->port[slot->device],
		.web_port = target->web_port,
		.device = slot->device,
		.instance = slot->instance,
		.dialect = target->dialect,
		.transport = target->transport,
		.tls_mode = target->tls_mode,
		.tls = *board_tls(board),
		.portal = board_portal(board),
		.facts = board_facts(board),
		.backoff_min = target->backoff_min,
		.backoff_max = target->backoff_max,
	};

	session_free(slot->session);
	board_put(slot->board);
	slot->board = board;
	slot->session = session_new(slot->registry->base, &conf, changed_cb, slot);
	slot->has_old_patience = false;
}

static void
retry_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	slot_try(arg);
}

struct slot *
slot_new(struct registry *registry, const struct conf_target *target, enum device device,
	int instance)
{
	struct slot *slot = mem_new(1, sizeof(*slot));

	slot_format(slot->name, target->name, device, instance);
	slot->registry = registry;
	slot->target = target;
	slot->device = device;
	slot->instance = instance;
	slot->image_retry = evtimer_new(registry->base, retry_cb, slot);
	new_session(slot);
	return slot;
}

void
slot_free(struct slot *slot)
{
	static const struct reason why = { "iusbd is stopping" };

	slot_end_swap(slot, REGISTRY_STOPPING, &why);
	session_free(slot->session);
	board_put(slot->board);
	event_free(slot->image_retry);
	free(slot->image);
	free(slot->path);
	free(slot);
}

void
slot_set_image(struct slot *slot, const char *image, enum image_mode mode, bool is_standing)
{
	char *copy = mem_strdup(image);

	free(slot->image);
	slot->image = copy;
	slot->mode = mode;
	slot->is_standing = is_standing;
}

static void
set_path(struct slot *slot, const char *path)
{
	char *copy = mem_strdup(path);

	free(slot->path);
	slot->path = copy;
}

/* The slot of ours that keeps the image from being opened, or NULL. */
static const struct slot *
find_user(const struct registry *registry, const char *path, enum image_mode mode)
{
	for (size_t i = 0; i < registry->count; i++) {
		const struct slot *slot = registry->slots[i];

		if (slot->path != NULL && strcmp(slot->path, path) == 0 &&
			(mode == IMAGE_RW || slot->mode == IMAGE_RW) && !slot_is_idle(slot))
			return slot;
	}
	return NULL;
}

/* What image_open() says, with the image's name in front, and the file's where that does not follow
 * from it. */
static void
name_image(const char *image, const char *path, struct reason *why)
{
	struct reason detail = *why;
	size_t len = strlen(path), part = strlen(image);

	if (len >= part && strcmp(path + len - part, image) == 0)
		(void)reason_set(why, "%s: %s", image, detail.text);
	else
		(void)reason_set(why, "%s (%s): %s", image, path, detail.text);
}

struct image *
slot_open_path(const struct registry *registry, const char *image, const char *path,
	enum image_mode mode, enum registry_error *error, struct reason *why)
{
	struct image *opened = image_open(path, mode, registry->pool, why);
	const struct slot *user;

	*error = REGISTRY_OK;
	if (opened != NULL)
		return opened;
	user = find_user(registry, path, mode);
	if (user != NULL) {
		*error = REGISTRY_IN_USE;
		(void)reason_set(why, "%s is in use by %s (%s)", image, user->name,
			image_mode_name(user->mode));
		return NULL;
	}
	/* The one failure of image_open() that another try may well mend. */
	*error = strncmp(why->text, "in use", 6) == 0 ? REGISTRY_IN_USE : REGISTRY_NO_IMAGE;
	name_image(image, path, why);
	return NULL;
}

void
slot_note_image(struct slot *slot, const struct image *image)
{
	set_path(slot, image_path(image));
	slot->size = image_size(image);
}

void
slot_begin(struct slot *slot, struct image *image)
{
	slot_note_image(slot, image);
	enter_phase(slot, SLOT_RUNNING);
	session_start(slot->session, image);
}

static void
wait_for_image(struct slot *slot, const struct reason *why)
{
	static const struct timeval interval = { .tv_sec = REGISTRY_IMAGE_RETRY };
	bool is_news = slot->phase != SLOT_WAITING || strcmp(slot->image_why.text, why->text) != 0;

	if (slot->phase != SLOT_WAITING || slot->image_since == 0)
		slot->image_since = registry_now();
	enter_phase(slot, SLOT_WAITING);
	slot->image_why = *why;
	slot->image_at = registry_now() + REGISTRY_IMAGE_RETRY;
	event_add(slot->image_retry, &interval);
	slot_log(is_news ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, slot, why->text,
		"cannot serve %s, next attempt in %d s", slot->image, REGISTRY_IMAGE_RETRY);
	if (is_news)
		registry_notify(slot->registry, slot, false);
}

void
slot_try(struct slot *slot)
{
	struct registry *registry = slot->registry;
	struct image *image = NULL;
	enum registry_error error;
	struct reason why;
	char *path = conf_image_path(registry->conf, slot->image, &why);

	if (path != NULL) {
		set_path(slot, path);
		image = slot_open_path(registry, slot->image, path, slot->mode, &error, &why);
	}
	if (image != NULL)
		slot_begin(slot, image);
	else
		wait_for_image(slot, &why);
	free(path);
}

void
slot_restart(struct slot *slot, const char *reason)
{
	enter_phase(slot, SLOT_RESTARTING);
	session_stop(slot->session, reason);
}

void
slot_revive(struct slot *slot, const char *image, enum image_mode mode, bool is_standing)
{
	registry_notify(slot->registry, slot, true);
	slot_set_image(slot, image, mode, is_standing);
	enter_phase(slot, SLOT_RESTARTING);
}

void
slot_leave(struct slot *slot, const char *reason)
{
	enter_phase(slot, SLOT_LEAVING);
	session_stop(slot->session, reason);
	registry_notify(slot->registry, slot, false);
}

void
slot_work(struct slot *slot)
{
	slot_tell_swap(slot);
	if (slot->phase != SLOT_RESTARTING || !slot_is_idle(slot) || slot->registry->is_stopping)
		return;
	new_session(slot);
	slot_try(slot);
}

void
registry_status(const struct slot *slot, struct session_status *out)
{
	session_status(slot->session, out);
	if (slot->phase != SLOT_WAITING)
		return;
	out->state = SESSION_BACKOFF;
	out->failure = FAILURE_IMAGE;
	out->reason = slot->image_why;
	out->since = slot->image_since;
	out->retry_at = slot->image_at;
}

bool
registry_is_leaving(const struct slot *slot)
{
	return slot->phase == SLOT_LEAVING;
}
