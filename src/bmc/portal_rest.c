/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal_rest: the web interface of `rest` firmware (iusb-protocol 8.2), as a table. Pure. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "bmc/asp_text.h"
#include "bmc/portal_private.h"

/* The object that an answer is, or has as its first element; NULL: it is none. */
static json_t *
load_object(const struct webanswer *answer)
{
	json_t *root = json_loadb(answer->body, answer->len,
		JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	json_t *object = json_is_array(root) ? json_array_get(root, 0) : root;

	object = json_is_object(object) ? json_incref(object) : NULL;
	json_decref(root);
	return object;
}

/* Firmware writes numbers as numbers, truths or texts. */
static int
get_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number;

	if (json_is_boolean(value))
		return json_is_true(value);
	if (json_is_string(value))
		return number_of_text(json_string_value(value));
	number = json_is_integer(value) ? json_integer_value(value) : -1;
	return number >= 0 && number <= 65535 ? (int)number : -1;
}

static int
get_truth(const json_t *object, const char *key)
{
	int number = get_number(object, key);

	return number < 0 ? -1 : number != 0;
}

/* "" if it is not there. */
static const char *
get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- steps ---- */

static void
ask_login(const struct weblogin *login, const char *secret, struct webrequest *request)
{
	request->form = form_add(NULL, "username", login->conf->user);
	request->form = form_add(request->form, "password", secret);
}

/* Does it say that something is wrong, with whatever status? */
static bool
has_error(const json_t *object)
{
	int code = get_number(object, "cc");

	if (code < 0)
		code = get_number(object, "code");
	return code > 0 || get_text(object, "error")[0];
}

static enum step_result
open_session(struct weblogin *login, const struct webanswer *answer, const json_t *object)
{
	const char *csrf = get_text(object, "CSRFToken");

	if (has_error(object) && !csrf[0])
		return step_login_refused(login, answer);
	if (!answer->cookie[0]) {
		if (!csrf[0])
			return step_login_refused(login, answer);
		return step_fail(login, FAILURE_PROTOCOL,
			"the login was accepted, but gave no usable cookie QSESSIONID");
	}
	memcpy(login->cookie, answer->cookie, sizeof(login->cookie));
	login->is_open = true;
	if (!object)
		return step_fail(login, FAILURE_PROTOCOL,
			"the web server's answer to the login is no JSON object");
	/* Early firmware has none, and asks for none. */
	login->csrf[0] = '\0';
	if (csrf[0] && (strlen(csrf) >= sizeof(login->csrf) || !cookie_is_valid(csrf)))
		return step_fail(login, FAILURE_PROTOCOL, "the login gave an unusable CSRFToken");
	strcpy(login->csrf, csrf);
	return STEP_DONE;
}

static enum step_result
read_login(struct weblogin *login, const struct webanswer *answer)
{
	enum step_result result;
	json_t *object;

	if (answer->status / 100 != 2)
		return step_login_refused(login, answer);
	if (!answer->cookie[0] && webanswer_is_page(answer))
		return step_login_page(login, answer);
	object = load_object(answer);
	result = open_session(login, answer, object);
	json_decref(object);
	return result;
}

static enum step_result
read_settings(struct weblogin *login, const struct webanswer *answer)
{
	static const struct {
		enum device device;
		const char *port, *secure_port, *slots, *status;
	} names[] = {
		{ DEVICE_CD, "cd_port", "cd_secure_port", "num_cd", "cd_status" },
		{ DEVICE_HD, "hd_port", "hd_secure_port", "num_hd", "hd_status" },
	};
	struct grant *grant = &login->settings;
	json_t *object = load_object(answer);
	int port;

	if (!object)
		return step_fail(login, FAILURE_PROTOCOL, "the media settings are no JSON object");
	if (has_error(object)) {
		json_decref(object);
		return step_fail(
			login, FAILURE_PROTOCOL, "the web server does not tell the media settings");
	}
	grant->is_secure = get_truth(object, "secure_channel");
	grant->is_single_port = get_truth(object, "single_port_enabled");
	grant->licence = get_truth(object, "license");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		enum device device = names[i].device;

		port = get_number(
			object, grant->is_secure == 1 ? names[i].secure_port : names[i].port);
		grant->port[device] = port > 0 ? (uint16_t)port : 0;
		grant->slots[device] = get_number(object, names[i].slots);
		grant->is_attached[device] = get_truth(object, names[i].status);
	}
	grant->has_fd = false;
	json_decref(object);
	return STEP_DONE;
}

static enum step_result
read_token(struct weblogin *login, const struct webanswer *answer)
{
	json_t *object = load_object(answer);
	enum step_result result;

	if (!object)
		return step_fail(login, FAILURE_PROTOCOL, "the token is no JSON object");
	result = step_take_token(login, get_text(object, "token"), AUTH_WEB_TOKEN);
	login->grant.has_fd = false;
	json_decref(object);
	return result;
}

const struct flow flow_rest = {
	.name = "REST",
	.dialect = "rest",
	.cookie_name = "QSESSIONID",
	.steps = {
		{ "login", WEB_POST, "/api/session", STEP_LOGIN, ask_login, read_login },
		{ "media settings", WEB_GET, "/api/settings/media/instance",
			STEP_OPTIONAL | STEP_SETTINGS, NULL, read_settings },
		{ "token", WEB_GET, "/api/kvm/token", STEP_OPTIONAL, NULL, read_token },
		{ "H5Viewer settings", WEB_GET, "/api/settings/media/h5viewercfg",
			STEP_OPTIONAL | STEP_IF_NO_TOKEN, NULL, read_token },
	},
	.logout = { "logout", WEB_DELETE, "/api/session", 0, NULL, NULL },
	.elsewhere = &flow_asp,
};
