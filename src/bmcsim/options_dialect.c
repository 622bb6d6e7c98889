/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_dialect: what a dialect decides where nothing was said, and what fits together or not. */
#include <string.h>

#include "base/memory.h"
#include "bmcsim/options_parts.h"

enum {
	OWNER_OLD = 24, /* bytes of an ACK's address; IPv6 came with `rest` (iusb-protocol 4) */
	OWNER_NEW = 39,
	ASP_QUIRKS =
		WEB_HTTP_10 | WEB_STATUS_TWICE | WEB_BAD_WITH_200 | WEB_REDIRECT | WEB_TUNNEL_BARE,
	REST_QUIRKS = WEB_STATUS_TWICE | WEB_REDIRECT | WEB_101_THEN_200 | WEB_LIST_500,
};

static const char default_user[] = "admin", default_password[] = "admin";

static bool
is_given(const struct options *options, enum options_given what)
{
	return options->given & what;
}

static void
follow_web(struct options *out)
{
	const struct dialect *dialect = out->conf.dialect;
	struct web_conf *web = &out->conf.web;

	if (!is_given(out, GIVEN_WEB) && !out->token && dialect->login != WEB_LOGIN_NONE)
		web->flow = dialect->login == WEB_LOGIN_ASP ? WEB_FLOW_ASP : WEB_FLOW_REST;
	if (!is_given(out, GIVEN_WEB_QUIRKS))
		web->quirks = web->flow == WEB_FLOW_REST ? REST_QUIRKS : ASP_QUIRKS;
	if (!is_given(out, GIVEN_TUNNEL))
		web->has_tunnel = dialect->has_tunnel;
	if (!is_given(out, GIVEN_WEBSOCKET))
		web->has_websocket = dialect->has_websocket;
	web->has_plain = true;
	web->has_secure = out->conf.has_tls;
	if (!out->user)
		out->user = mem_strdup(default_user);
	if (!out->password)
		out->password = mem_strdup(default_password);
	web->user = out->user;
	web->password = out->password;
}

/* JViewer 2.x has no floppy (iusb-protocol 7.1), and by WebSocket there are CDs only (7.3). */
static void
follow_slots(struct options *out)
{
	const struct dialect *dialect = out->conf.dialect;

	if (is_given(out, GIVEN_SLOTS))
		return;
	if (dialect->has_device_info)
		out->conf.slots[DEVICE_FD] = 0;
	if (dialect->is_disconnect_an_eject)
		out->conf.slots[DEVICE_HD] = 0;
}

static void
follow_media(struct options *out)
{
	struct bmc_conf *conf = &out->conf;
	bool is_legacy = conf->dialect->bmc_speaks_first, is_rest = conf->dialect->has_device_info;

	if (!is_given(out, GIVEN_TLS))
		conf->has_tls = !is_legacy;
	if (!is_given(out, GIVEN_MEDIA))
		conf->media = is_rest && conf->has_tls ? MEDIA_SECURE : MEDIA_PLAIN;
	if (!is_given(out, GIVEN_FILTER))
		conf->filter = is_legacy ? FILTER_OFF : FILTER_ON;
	if (!is_given(out, GIVEN_OWNER_FIELD))
		conf->owner_field = is_rest ? OWNER_NEW : OWNER_OLD;
	conf->token = out->token;
	conf->owner = out->owner;
	conf->tls_pem = out->tls_pem;
}

static int
check_legacy(const struct options *out, struct reason *why)
{
	const struct bmc_conf *conf = &out->conf;

	if (conf->web.flow != WEB_FLOW_NONE || out->token)
		return reason_set(why, "dialect legacy has no login: neither --web nor --token");
	if (conf->media != MEDIA_PLAIN)
		return reason_set(why, "dialect legacy has no TLS");
	for (int d = 0; d < DEVICE_COUNT; d++) {
		if (conf->slots[d] > 1)
			return reason_set(why, "dialect legacy has one slot for each device");
	}
	return 0;
}

int
options_follow_dialect(struct options *out, struct reason *why)
{
	const struct bmc_conf *conf = &out->conf;

	follow_slots(out);
	follow_media(out);
	follow_web(out);
	if (conf->dialect->bmc_speaks_first)
		return check_legacy(out, why);
	if (conf->media != MEDIA_PLAIN && !conf->has_tls)
		return reason_set(why, "--media-tls needs --tls new or old");
	if (conf->web.flow != WEB_FLOW_NONE && out->token)
		return reason_set(why, "--token is for BMCs with no --web");
	if (conf->web.flow == WEB_FLOW_NONE && conf->web.is_single_port &&
		!(conf->quirks & QUIRK_OPEN_PORTS))
		return reason_set(why, "--single-port needs a --web server to come in by");
	if (out->targets_file && strcmp(out->targets_file, "-") == 0 && !out->password_file &&
		(out->token || conf->web.flow != WEB_FLOW_NONE))
		return reason_set(why,
			"--print-targets - has no place for a password: --password-file, or a "
			"--print-targets file");
	return 0;
}
