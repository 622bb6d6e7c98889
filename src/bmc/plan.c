/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan: how a slot is reached. */
#include "bmc/plan.h"

#include <string.h>

#include "bmc/portal.h"

enum {
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
};

const struct dialect *
plan_dialect(
	const struct session_conf *conf, const struct dialect *known, const struct grant *grant)
{
	if (!conf->dialect->is_auto)
		return conf->dialect;
	if (grant && grant->dialect && !(known && known->login == grant->dialect->login))
		return grant->dialect;
	return known;
}

/* The device and the instance are there, and may be used. */
static enum failure
check_slot(const struct session_conf *conf, const struct grant *grant, struct reason *why)
{
	const char *device = device_name(conf->device);
	int slots = grant->slots[conf->device];

	if (grant->licence == 0) {
		reason_set(why, "licence missing");
		return FAILURE_REFUSED;
	}
	if (conf->device == DEVICE_FD && grant->dialect && !grant->has_fd) {
		reason_set(why, "this firmware has no floppy");
		return FAILURE_CONFIGURATION;
	}
	if (slots == 0) {
		reason_set(why, "the BMC has no %s slot", device);
		return FAILURE_CONFIGURATION;
	}
	/* It would neither answer nor close (iusb-protocol 5.3). */
	if (slots > 0 && conf->instance >= slots) {
		reason_set(why, "the BMC has %d %s slot%s: there is no %s%d", slots, device,
			slots == 1 ? "" : "s", device, conf->instance);
		return FAILURE_CONFIGURATION;
	}
	if (grant->is_attached[conf->device] == 0) {
		reason_set(why, "%s is detached in the BMC's attach mode", device);
		return FAILURE_REFUSED;
	}
	return FAILURE_NONE;
}

static enum transport
choose_transport(
	const struct session_conf *conf, const struct dialect *dialect, const struct grant *grant)
{
	if (conf->transport != CHOOSE_TRANSPORT)
		return (enum transport)conf->transport;
	if (conf->port)
		return TRANSPORT_DIRECT; /* who names a port means it */
	if (dialect->has_websocket && !dialect->has_tunnel)
		return TRANSPORT_WEBSOCKET;
	if (!grant || !dialect->has_tunnel)
		return TRANSPORT_DIRECT;
	if (grant->is_single_port == 1)
		return dialect->has_websocket && conf->device == DEVICE_CD ? TRANSPORT_WEBSOCKET
									   : TRANSPORT_TUNNEL;
	/* A JNLP that names no port has none (Fujitsu iRMC S4); a REST interface may just fail. */
	if (grant->dialect && !dialect->has_websocket && !grant->port[conf->device] &&
		grant->is_single_port != 0)
		return TRANSPORT_TUNNEL;
	return TRANSPORT_DIRECT;
}

static enum failure
check_transport(const struct session_conf *conf, const struct plan *plan, struct reason *why)
{
	const char *dialect = plan->dialect->name;

	switch (plan->transport) {
	case TRANSPORT_DIRECT:
		return FAILURE_NONE;
	case TRANSPORT_TUNNEL:
		if (plan->dialect->has_tunnel)
			return FAILURE_NONE;
		reason_set(why, "dialect %s has no tunnel", dialect);
		break;
	case TRANSPORT_WEBSOCKET:
		if (plan->dialect->has_websocket && conf->device == DEVICE_CD)
			return FAILURE_NONE;
		if (plan->dialect->has_websocket)
			reason_set(why, "WebSocket serves cd only, and this is %s",
				device_name(conf->device));
		else
			reason_set(why, "dialect %s has no WebSocket", dialect);
	}
	return FAILURE_CONFIGURATION;
}

/* Tunnel and WebSocket are the web server's, but for the WebSocket of a BMC that has a port for
 * each device (iusb-protocol 7.3). */
static bool
is_of_web_server(
	const struct session_conf *conf, enum transport transport, const struct grant *grant)
{
	if (transport == TRANSPORT_WEBSOCKET)
		return !conf->port && !(grant && grant->is_single_port == 0);
	return transport == TRANSPORT_TUNNEL;
}

static bool
choose_tls(const struct session_conf *conf, const struct plan *plan, const struct grant *grant)
{
	int is_secure = grant ? grant->is_secure : -1;
	bool has_login = grant && grant->dialect; /* by HTTPS: what came from there stays secret */

	if (conf->tls_mode != TLS_AUTO)
		return conf->tls_mode == TLS_ON;
	switch (plan->transport) {
	case TRANSPORT_WEBSOCKET: /* wss, whatever the media ports are (iusb-protocol 7.3) */
		return plan->is_web || is_secure != 0;
	case TRANSPORT_TUNNEL:
		return is_secure == 1 || (has_login && is_secure < 0);
	case TRANSPORT_DIRECT:
		break;
	}
	/* A REST interface whose settings could not be read. */
	return is_secure == 1 || (has_login && is_secure < 0 && plan->dialect->has_websocket &&
					 !grant->port[conf->device]);
}

/* 0: there is none. */
static uint16_t
choose_port(const struct session_conf *conf, const struct plan *plan, const struct grant *grant)
{
	if (plan->is_web) {
		/* The web interface is HTTPS: the configured port is not the plain one. */
		if (!plan->is_tls && conf->tls_mode == TLS_AUTO && grant && grant->dialect)
			return grant->web_port ? grant->web_port : HTTP_PORT;
		if (conf->web_port)
			return conf->web_port;
		if (!plan->is_tls)
			return HTTP_PORT;
		return grant && grant->web_secure_port ? grant->web_secure_port : HTTPS_PORT;
	}
	if (conf->port)
		return conf->port;
	if (grant && grant->port[conf->device] &&
		(grant->is_secure < 0 || plan->is_tls == (grant->is_secure == 1)))
		return grant->port[conf->device];
	return plan->is_tls ? plan->dialect->secure_port[conf->device]
			    : plan->dialect->port[conf->device];
}

static enum failure
choose_auth(struct plan *plan, const struct grant *grant, struct reason *why)
{
	size_t len = strlen(grant->token), max;

	plan->kind = plan->transport == TRANSPORT_WEBSOCKET ? AUTH_BROWSER : grant->kind;
	max = auth_token_max(plan->kind);
	if (len <= max)
		return FAILURE_NONE;
	reason_set(why, "the token is too long: %zu characters, AUTH has room for %zu", len, max);
	return FAILURE_CONFIGURATION;
}

/* What nobody said. Only a plain connection to the device's port can be `legacy`. */
static const struct dialect *
guess(const struct session_conf *conf, bool *is_guess)
{
	if (conf->transport == CHOOSE_WEBSOCKET)
		return dialect_find("rest");
	if (conf->transport == CHOOSE_TUNNEL || conf->tls_mode == TLS_ON)
		return dialect_find("asp");
	*is_guess = true;
	return dialect_find("legacy");
}

enum failure
plan_make(const struct session_conf *conf, const struct dialect *dialect, const struct grant *grant,
	struct plan *out, struct reason *why)
{
	struct plan plan = { .dialect = dialect };
	enum failure failure;

	if (!dialect)
		plan.dialect = guess(conf, &plan.is_guess);
	if (!plan.dialect->bmc_speaks_first && !grant) {
		reason_set(why, "dialect %s: it needs a login", plan.dialect->name);
		return FAILURE_CONFIGURATION;
	}
	if (grant) {
		failure = check_slot(conf, grant, why);
		if (failure != FAILURE_NONE)
			return failure;
	}
	plan.transport = choose_transport(conf, plan.dialect, grant);
	failure = check_transport(conf, &plan, why);
	if (failure != FAILURE_NONE)
		return failure;
	plan.is_web = is_of_web_server(conf, plan.transport, grant);
	if (plan.transport == TRANSPORT_WEBSOCKET)
		plan.path = plan.is_web ? "/cd-server" : "/";
	plan.is_tls = choose_tls(conf, &plan, grant);
	plan.port = choose_port(conf, &plan, grant);
	if (!plan.port) {
		reason_set(why, "dialect %s has no TLS", plan.dialect->name);
		return FAILURE_CONFIGURATION;
	}
	failure = grant ? choose_auth(&plan, grant, why) : FAILURE_NONE;
	if (failure == FAILURE_NONE)
		*out = plan;
	return failure;
}

bool
plan_guess_again(const struct session_conf *conf, const struct grant *grant, struct plan *plan)
{
	if (!plan->is_guess || !grant || !grant->token[0])
		return false;
	return plan_make(conf, dialect_find("asp"), grant, plan, NULL) == FAILURE_NONE;
}
