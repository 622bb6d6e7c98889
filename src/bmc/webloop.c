/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webloop: libcurl says what it waits for, libevent waits. */
#include "bmc/webloop.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmc/clock.h"
#include "bmc/secret.h"

struct webloop {
	CURLM *multi;
	struct event_base *base;
	struct event *timer;
	webloop_cb *cb;
	void *arg;
};

/* ---- libcurl's memory: passwords pass through it, so nothing of it stays behind ---- */

static void
erase_free(void *memory)
{
	if (memory)
		secret_erase(memory, malloc_usable_size(memory));
	free(memory);
}

static void *
erase_realloc(void *old, size_t size)
{
	void *memory = malloc(size);
	size_t had = old ? malloc_usable_size(old) : 0;

	if (!memory)
		return NULL;
	if (old)
		memcpy(memory, old, had < size ? had : size);
	erase_free(old);
	return memory;
}

static bool
init_libcurl(void)
{
	static bool is_ready;

	if (!is_ready)
		is_ready = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, erase_free,
				   erase_realloc, strdup, calloc) == CURLE_OK;
	return is_ready;
}

/* ---- events ---- */

/* Transfers that have ended. The last act of its caller: the receiver may free the loop. */
static void
reap(struct webloop *loop)
{
	CURLMsg *message;
	CURLcode result;
	CURL *easy;
	int left;

	message = curl_multi_info_read(loop->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return;
	easy = message->easy_handle;
	result = message->data.result;
	curl_multi_remove_handle(loop->multi, easy);
	loop->cb(loop->arg, easy, result);
}

static void
socket_event_cb(evutil_socket_t fd, short what, void *arg)
{
	struct webloop *loop = arg;
	int running;

	curl_multi_socket_action(loop->multi, fd,
		((what & EV_READ) ? CURL_CSELECT_IN : 0) |
			((what & EV_WRITE) ? CURL_CSELECT_OUT : 0),
		&running);
	reap(loop);
}

static void
timer_event_cb(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct webloop *loop = arg;
	int running;

	curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(loop);
}

static int
socket_cb(CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct webloop *loop = arg;
	struct event *event = socket_arg;

	if (event)
		event_free(event);
	event = NULL;
	if (what != CURL_POLL_REMOVE && what != CURL_POLL_NONE) {
		event = event_new(loop->base, fd,
			(short)(EV_PERSIST | ((what & CURL_POLL_IN) ? EV_READ : 0) |
				((what & CURL_POLL_OUT) ? EV_WRITE : 0)),
			socket_event_cb, loop);
		event_add(event, NULL);
	}
	curl_multi_assign(loop->multi, fd, event);
	return 0;
}

static int
timer_cb(CURLM *multi UNUSED, long milliseconds, void *arg)
{
	struct webloop *loop = arg;

	if (milliseconds < 0)
		event_del(loop->timer);
	else
		clock_arm(loop->timer, (double)milliseconds / 1000);
	return 0;
}

/* ---- interface ---- */

struct webloop *
webloop_new(struct event_base *base, webloop_cb *cb, void *arg)
{
	struct webloop *loop;
	CURLM *multi;

	if (!init_libcurl())
		return NULL;
	multi = curl_multi_init();
	if (!multi)
		return NULL;
	loop = mem_new(1, sizeof(*loop));
	loop->multi = multi;
	loop->base = base;
	loop->cb = cb;
	loop->arg = arg;
	loop->timer = evtimer_new(base, timer_event_cb, loop);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_cb);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
	return loop;
}

void
webloop_free(struct webloop *loop)
{
	if (!loop)
		return;
	curl_multi_cleanup(loop->multi);
	event_free(loop->timer);
	free(loop);
}

bool
webloop_start(struct webloop *loop, CURL *easy)
{
	return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void
webloop_abort(struct webloop *loop, CURL *easy)
{
	curl_multi_remove_handle(loop->multi, easy);
}
