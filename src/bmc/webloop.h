/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webloop: libcurl's multi interface on the libevent loop. */
#ifndef BMC_WEBLOOP_H
#define BMC_WEBLOOP_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/compiler.h"

struct event_base;
struct webloop;

/* A transfer has ended and left the loop; easy stays the caller's. Called from the loop only; may
 * call any webloop_ function. */
typedef void webloop_cb(void *arg, CURL *easy, CURLcode result);

/* Initialises libcurl when it is the first one. NULL if libcurl has no memory left. */
struct webloop *webloop_new(struct event_base *base, webloop_cb *cb, void *arg) MUST_CHECK;

/* No transfer may be under way. NULL is allowed. */
void webloop_free(struct webloop *loop);

/* Starts a transfer; false: libcurl refused it. One at a time. */
bool webloop_start(struct webloop *loop, CURL *easy) MUST_CHECK;

/* Ends a transfer that is under way; the callback is not called. */
void webloop_abort(struct webloop *loop, CURL *easy);

#endif
