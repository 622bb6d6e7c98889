/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web: the web server of a simulated BMC: its ports, and what belongs to no single part of it. */
#include "bmcsim/web.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/memory.h"
#include "bmcsim/web_parts.h"

double
web_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void
web_say(struct web *web, const char *fmt, ...)
{
	char text[sizeof(((struct reason *)0)->text)];
	struct reason clean;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	reason_set(&clean, "%s", text);
	if (web->calls.said)
		web->calls.said(web->arg, clean.text);
}

void
web_secret(struct web *web, char *out, size_t len)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (size_t i = 0; i < len; i++)
		out[i] = letters[chance_below(&web->chance, sizeof(letters) - 1)];
	out[len] = '\0';
}

static void
plain_cb(void *arg, evutil_socket_t fd, const struct sockaddr_in *from UNUSED)
{
	struct web *web = arg;

	web_connection_new(web, link_plain(web->base, fd), false);
}

static void
secure_cb(void *arg, evutil_socket_t fd, const struct sockaddr_in *from UNUSED)
{
	struct web *web = arg;

	web_connection_new(web, link_tls(web->base, fd, web->tls), true);
}

struct web *
web_new(struct event_base *base, const struct web_conf *conf, struct sim_tls *tls,
	const struct web_calls *calls, void *arg, struct reason *why)
{
	struct web *web = mem_new(1, sizeof(*web));
	bool has_plain = conf->flow != WEB_FLOW_NONE && conf->has_plain;
	bool has_secure = conf->flow != WEB_FLOW_NONE && conf->has_secure;

	web->base = base;
	web->conf = *conf;
	web->user = mem_strdup(conf->user ? conf->user : "");
	web->password = mem_strdup(conf->password ? conf->password : "");
	web->tls = tls;
	web->calls = *calls;
	web->arg = arg;
	chance_init(&web->chance, conf->seed);
	TAILQ_INIT(&web->connections);
	web_session_init(web);
	if (has_plain)
		web->plain = tcp_listener_new(base, conf->address, conf->port, plain_cb, web, why);
	if (has_secure)
		web->secure = tcp_listener_new(
			base, conf->address, conf->secure_port, secure_cb, web, why);
	if ((has_plain && !web->plain) || (has_secure && !web->secure)) {
		web_free(web);
		return NULL;
	}
	return web;
}

void
web_free(struct web *web)
{
	if (!web)
		return;
	while (!TAILQ_EMPTY(&web->connections))
		web_connection_free(TAILQ_FIRST(&web->connections), false);
	tcp_listener_free(web->plain);
	tcp_listener_free(web->secure);
	web_session_fini(web);
	free(web->user);
	free(web->password);
	free(web);
}

uint16_t
web_port(const struct web *web, bool is_secure)
{
	const struct tcp_listener *listener = is_secure ? web->secure : web->plain;

	return listener ? tcp_listener_port(listener) : 0;
}

uint16_t
web_secure_port(const struct web *web)
{
	return web->secure ? tcp_listener_port(web->secure) : HTTPS_PORT;
}

void
web_reset(struct web *web)
{
	while (!TAILQ_EMPTY(&web->connections))
		web_connection_free(TAILQ_FIRST(&web->connections), true);
	web_session_close_all(web);
	memset(web->clients, 0, sizeof(web->clients));
}

int
web_set_listening(struct web *web, bool is_listening, struct reason *why)
{
	if (web->plain && tcp_listener_set_open(web->plain, is_listening, why) < 0)
		return -1;
	if (web->secure && tcp_listener_set_open(web->secure, is_listening, why) < 0)
		return -1;
	return 0;
}

const struct web_totals *
web_totals(const struct web *web)
{
	return &web->totals;
}
