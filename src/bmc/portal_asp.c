/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal_asp: the web interface of `asp` firmware, and the one with HTTP Digest of the Fujitsu iRMC
 * S4 (iusb-protocol 8.1), as tables. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bmc/asp_text.h"
#include "bmc/jnlp.h"
#include "bmc/portal_private.h"

/* ---- login ---- */

static void
ask_login(const struct weblogin *login, const char *secret, struct webrequest *request)
{
	request->form = form_add(NULL, "WEBVAR_USERNAME", login->conf->user);
	request->form = form_add(request->form, "WEBVAR_PASSWORD", secret);
}

/* Says that something is wrong, with whatever status. */
static bool
has_error(const struct webanswer *answer)
{
	char status[16];

	return asp_text_find(answer->body, answer->len, "HAPI_STATUS", status, sizeof(status)) &&
	       strcmp(status, "0") != 0;
}

static bool
is_accepted(const struct webanswer *answer, const char *cookie)
{
	if (has_error(answer))
		return false;
	/* Instead of a cookie: "Failure_..." */
	return cookie_is_valid(cookie) && strncasecmp(cookie, "failure", 7) != 0;
}

static enum step_result
read_login(struct weblogin *login, const struct webanswer *answer)
{
	char cookie[COOKIE_SIZE];
	bool has_cookie;
	enum step_result result = STEP_DONE;

	if (answer->status / 100 != 2)
		return step_login_refused(login, answer);
	has_cookie =
		asp_text_find(answer->body, answer->len, "SESSION_COOKIE", cookie, sizeof(cookie));
	if (!has_cookie && webanswer_is_page(answer))
		return step_login_page(login, answer);
	if (!is_accepted(answer, cookie)) {
		result = step_login_refused(login, answer);
	} else {
		memcpy(login->cookie, cookie, sizeof(cookie));
		login->is_open = true;
	}
	secret_erase(cookie, sizeof(cookie));
	return result;
}

/* The credentials go by HTTP Digest; the answer is a redirect with the session in its query. */
static void
ask_digest(const struct weblogin *login, const char *secret, struct webrequest *request)
{
	request->user = login->conf->user;
	request->password = secret;
}

static bool
find_sid(const char *url, char sid[COOKIE_SIZE])
{
	const char *query = strchr(url, '?');
	size_t len;

	for (; query; query = strchr(query, '&')) {
		query++;
		if (strncmp(query, "sid=", 4) != 0)
			continue;
		len = strcspn(query + 4, "&#");
		if (len == 0 || len >= COOKIE_SIZE)
			return false;
		memcpy(sid, query + 4, len);
		sid[len] = '\0';
		return cookie_is_valid(sid);
	}
	return false;
}

static enum step_result
read_digest(struct weblogin *login, const struct webanswer *answer)
{
	if (answer->status / 100 == 3 && find_sid(answer->location, login->cookie)) {
		login->is_open = true;
		return STEP_DONE;
	}
	login->cookie[0] = '\0';
	if (answer->status != 404 && answer->status != 405 && answer->status / 100 != 2)
		return step_login_refused(login, answer);
	step_fail(login, FAILURE_CONFIGURATION, "the web server has no login page that is known");
	return STEP_ELSEWHERE;
}

/* ---- settings ---- */

static int
truth(int number)
{
	return number < 0 ? -1 : number != 0;
}

static uint16_t
port_of(int number)
{
	return number > 0 ? (uint16_t)number : 0;
}

static enum step_result
read_settings(struct weblogin *login, const struct webanswer *answer)
{
	static const struct {
		const char *port, *secure_port, *slots, *status;
	} names[DEVICE_COUNT] = {
		[DEVICE_CD] = { "V_STR_CD_PORT", "V_STR_CD_SECURE_PORT", "V_NUM_CD",
			"V_CD_STATUS" },
		[DEVICE_FD] = { "V_STR_FD_PORT", "V_STR_FD_SECURE_PORT", "V_NUM_FD",
			"V_FD_STATUS" },
		[DEVICE_HD] = { "V_STR_HD_PORT", "V_STR_HD_SECURE_PORT", "V_NUM_HD",
			"V_HD_STATUS" },
	};
	struct grant *grant = &login->settings;
	const char *text = answer->body;
	size_t len = answer->len;

	if (webanswer_is_page(answer) || has_error(answer))
		return step_fail(
			login, FAILURE_PROTOCOL, "the web server does not tell the media settings");
	grant->is_secure = truth(asp_text_number(text, len, "V_STR_SECURE_CHANNEL"));
	grant->is_single_port = truth(asp_text_number(text, len, "V_SINGLE_PORT_ENABLED"));
	grant->licence = truth(asp_text_number(text, len, "V_MEDIA_LICENSE_STATUS"));
	for (int i = 0; i < DEVICE_COUNT; i++) {
		grant->port[i] = port_of(asp_text_number(
			text, len, grant->is_secure == 1 ? names[i].secure_port : names[i].port));
		grant->slots[i] = asp_text_number(text, len, names[i].slots);
		grant->is_attached[i] = truth(asp_text_number(text, len, names[i].status));
	}
	return STEP_DONE;
}

/* ---- the JNLP ---- */

static void
ask_jnlp(const struct weblogin *login, const char *secret, struct webrequest *request)
{
	char *query = form_add(NULL, "EXTRNIP", login->conf->address);

	(void)secret;
	query = form_add(query, "JNLPSTR", "JViewer");
	snprintf(request->path, sizeof(request->path), "%s?%s", "/Java/jviewer.jnlp", query);
	free(query);
}

/* What the JNLP says goes before what the settings said. */
static void
merge(struct grant *grant, const struct jnlp *jnlp)
{
	int is_secure = truth(jnlp->is_secure);

	if (is_secure >= 0 && is_secure != grant->is_secure) {
		grant->is_secure = is_secure;
		memset(grant->port, 0, sizeof(grant->port)); /* of the other kind */
	}
	if (jnlp->is_single_port >= 0)
		grant->is_single_port = truth(jnlp->is_single_port);
	if (jnlp->web_port > 0)
		grant->web_port = (uint16_t)jnlp->web_port;
	if (jnlp->web_secure_port > 0)
		grant->web_secure_port = (uint16_t)jnlp->web_secure_port;
	for (int i = 0; i < DEVICE_COUNT; i++) {
		if (jnlp->port[i] > 0)
			grant->port[i] = (uint16_t)jnlp->port[i];
		if (jnlp->num[i] >= 0)
			grant->slots[i] = jnlp->num[i];
		if (jnlp->state[i] >= 0)
			grant->is_attached[i] = truth(jnlp->state[i]);
	}
	grant->has_fd = grant->slots[DEVICE_FD] > 0 || jnlp->port[DEVICE_FD] >= 0 ||
			jnlp->num[DEVICE_FD] >= 0 || jnlp->state[DEVICE_FD] >= 0;
	if (cookie_is_valid(jnlp->web_cookie))
		snprintf(grant->cookie, sizeof(grant->cookie), "%s", jnlp->web_cookie);
}

static enum step_result
read_jnlp(struct weblogin *login, const struct webanswer *answer)
{
	enum step_result result;
	struct jnlp jnlp;
	struct reason why;

	if (jnlp_parse(answer->body, answer->len, &jnlp, &why) < 0)
		return step_fail(login, FAILURE_PROTOCOL, "%s", why.text);
	merge(&login->grant, &jnlp);
	result = step_take_token(
		login, jnlp.token, jnlp.token_type == 1 ? AUTH_SSI_TOKEN : AUTH_WEB_TOKEN);
	secret_erase(&jnlp, sizeof(jnlp));
	return result;
}

/* ---- the token alone ---- */

static enum step_result
read_token(struct weblogin *login, const struct webanswer *answer)
{
	char token[AUTH_TOKEN_SIZE];
	enum step_result result;

	if (has_error(answer))
		return step_fail(
			login, FAILURE_PROTOCOL, "the web server does not give a session token");
	/* Empty, or not there at all: what the JNLP's fault was is the reason. */
	if (!asp_text_find(answer->body, answer->len, "SESSION_TOKEN", token, sizeof(token)) ||
		!token[0])
		return STEP_DONE;
	result = step_take_token(login, token, AUTH_WEB_TOKEN);
	secret_erase(token, sizeof(token));
	return result;
}

/*
 * The JNLP in any case: some firmware opens its media ports only then (iusb-protocol 7.1). Its
 * token is the one that the vendor's client uses.
 */
const struct flow flow_asp = {
	.name = "ASP",
	.dialect = "asp",
	.cookie_name = "SessionCookie",
	.steps = {
		{ "login", WEB_POST, "/rpc/WEBSES/create.asp", STEP_LOGIN, ask_login, read_login },
		{ "media settings", WEB_GET, "/rpc/getvmediacfg.asp",
			STEP_OPTIONAL | STEP_SETTINGS, NULL, read_settings },
		{ "JNLP", WEB_GET, "/Java/jviewer.jnlp", STEP_OPTIONAL, ask_jnlp, read_jnlp },
		{ "session token", WEB_GET, "/rpc/getsessiontoken.asp",
			STEP_OPTIONAL | STEP_IF_NO_TOKEN, NULL, read_token },
	},
	.logout = { "logout", WEB_GET, "/rpc/WEBSES/logout.asp", 0, NULL, NULL },
	.elsewhere = &flow_digest,
};

/* Each fetch of the JNLP gives a fresh token and cookie. No page is known to end the web session;
 * where the guess is wrong nothing is lost but a 404, and the BMC ends it in time. */
const struct flow flow_digest = {
	.name = "HTTP Digest",
	.dialect = "asp",
	.steps = {
		{ "login", WEB_POST, "/login", STEP_LOGIN, ask_digest, read_digest },
		{ "JNLP", WEB_GET, "/avr.jnlp", 0, NULL, read_jnlp },
	},
	.logout = { "logout", WEB_GET, "/logout", 0, NULL, NULL },
};
