/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_rest: the REST interface (iusb-protocol 8.2): JSON. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <jansson.h>

#include "bmcsim/web_parts.h"

enum {
	PRIVILEGE_NONE = 0,
	PRIVILEGE_ALL = 259,
	CODE_REFUSED = 7,
	CODE_NO_SESSION = 8,
};

/* Takes the object over. */
static void
say_json(struct web_answer *answer, json_t *object)
{
	char *text = json_dumps(object, 0);

	answer->type = "application/json";
	if (text)
		evbuffer_add_printf(answer->body, "%s\n", text);
	free(text);
	json_decref(object);
}

static void
answer_login(struct web *web, const struct web_request *request, struct web_session *none UNUSED,
	struct web_answer *answer)
{
	struct web_session *session = web_page_login(web, request, "username", "password", answer);
	bool is_full = answer->status == 503;

	if (!session) {
		say_json(answer, json_pack("{s:i, s:s}", "cc",
					 is_full ? CODE_NO_SESSION : CODE_REFUSED, "error",
					 is_full ? "Maximum number of sessions reached"
						 : "Invalid Authentication"));
		return;
	}
	evbuffer_add_printf(answer->head,
		"Set-Cookie: lang=en; path=/\r\n"
		"Set-Cookie: QSESSIONID=%s; path=/; secure; HttpOnly\r\n",
		session->cookie);
	say_json(answer,
		json_pack("{s:i, s:i, s:i, s:i, s:s}", "ok", 0, "privilege", 4, "extendedpriv",
			web->conf.has_privilege ? PRIVILEGE_ALL : PRIVILEGE_NONE, "racsession_id",
			(int)web->totals.logins, "CSRFToken", session->csrf));
}

static void
answer_logout(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session, struct web_answer *answer)
{
	web_page_logout(web, session);
	say_json(answer, json_pack("{s:i}", "ok", 0));
}

static void
set_number(json_t *object, const char *name, json_int_t value)
{
	json_object_set_new(object, name, json_integer(value));
}

static void
answer_instance(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	const struct web_conf *conf = &web->conf;
	json_t *object = json_object();

	set_number(object, "id", 1);
	set_number(object, "single_port_enabled", conf->is_single_port);
	set_number(object, "license", conf->has_licence);
	set_number(object, "secure_channel", conf->is_secure_media);
	set_number(object, "cd_port", web->calls.port(web->arg, DEVICE_CD, false));
	set_number(object, "hd_port", web->calls.port(web->arg, DEVICE_HD, false));
	set_number(object, "cd_secure_port", web->calls.port(web->arg, DEVICE_CD, true));
	set_number(object, "hd_secure_port", web->calls.port(web->arg, DEVICE_HD, true));
	set_number(object, "num_cd", conf->slots[DEVICE_CD]);
	set_number(object, "num_hd", conf->slots[DEVICE_HD]);
	set_number(object, "cd_status", conf->is_attached[DEVICE_CD]);
	set_number(object, "hd_status", conf->is_attached[DEVICE_HD]);
	set_number(object, "kvm_num_cd", conf->slots[DEVICE_CD]);
	set_number(object, "kvm_num_hd", conf->slots[DEVICE_HD]);
	set_number(object, "power_save_mode", 0);
	json_object_set_new(object, "oemFeature", json_string(""));
	say_json(answer, object);
}

static void
answer_adviser(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	json_t *object;

	if (web->conf.quirks & WEB_LIST_500) {
		answer->status = 500;
		return;
	}
	object = json_object();
	set_number(object, "status", 1);
	set_number(object, "secure_channel", 1);
	set_number(object, "kvm_port", VIDEO_PORT);
	set_number(object, "web_port", web_secure_port(web));
	set_number(object, "license", web->conf.has_licence);
	set_number(object, "retry_count", 3);
	set_number(object, "retry_interval", 10);
	json_object_set_new(object, "keyboard_layout", json_string("AD"));
	say_json(answer, object);
}

static void
answer_token(struct web *web, const struct web_request *request UNUSED, struct web_session *session,
	struct web_answer *answer)
{
	char address[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &web->conf.address, address, sizeof(address));
	session->has_fetched = true;
	say_json(
		answer, json_pack("{s:s, s:s, s:s}", "client_ip", address, "token",
				web_ticket_fetch(web, session)->token, "session", session->cookie));
}

static void
answer_browser(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session, struct web_answer *answer)
{
	char address[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &web->conf.address, address, sizeof(address));
	session->has_fetched = true;
	say_json(answer, json_pack("{s:s, s:s, s:s, s:i, s:i}", "server_ip", address, "token",
				 web_ticket_fetch(web, session)->token, "session", session->cookie,
				 "single_port_enabled", (int)web->conf.is_single_port, "web_port",
				 (int)web_secure_port(web)));
}

const struct web_page web_rest_pages[] = {
	{ "/api/session", 1 << WEB_POST, false, answer_login },
	{ "/api/session", 1 << WEB_DELETE, true, answer_logout },
	{ "/api/settings/media/instance", 1 << WEB_GET, true, answer_instance },
	{ "/api/settings/media/adviser", 1 << WEB_GET, true, answer_adviser },
	{ "/api/settings/media/h5viewercfg", 1 << WEB_GET, true, answer_browser },
	{ "/api/kvm/token", 1 << WEB_GET, true, answer_token },
	{ NULL, 0, false, NULL },
};
