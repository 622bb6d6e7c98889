/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_asp: the pages of the `asp` web interface (iusb-protocol 8.1): JavaScript text. */
#include <stdarg.h>
#include <string.h>

#include <event2/buffer.h>

#include "bmcsim/web_parts.h"

enum {
	HAPI_GOOD = 0,
	HAPI_REFUSED = 1,
	GET_OR_POST = 1 << WEB_GET | 1 << WEB_POST,
	PRIVILEGE_NONE = 0,
	PRIVILEGE_ALL = 259,
};

/* One record of fields, given as a comma separated text, and the status. */
static void record(struct web_answer *answer, const char *name, int status, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static void
record(struct web_answer *answer, const char *name, int status, const char *fmt, ...)
{
	va_list args;

	answer->type = "text/html"; /* that is what it says */
	evbuffer_add_printf(answer->body,
		"//Dynamic Data Begin\n WEBVAR_JSONVAR_%s = \n { \n WEBVAR_STRUCTNAME_%s : \n [ \n { ",
		name, name);
	va_start(args, fmt);
	evbuffer_add_vprintf(answer->body, fmt, args);
	va_end(args);
	evbuffer_add_printf(
		answer->body, " },  {} ],  \n HAPI_STATUS:%d }; \n//Dynamic data end\n", status);
}

static void
answer_create(struct web *web, const struct web_request *request, struct web_session *none UNUSED,
	struct web_answer *answer)
{
	struct web_session *session =
		web_page_login(web, request, "WEBVAR_USERNAME", "WEBVAR_PASSWORD", answer);

	if (session)
		record(answer, "WEB_SESSION", HAPI_GOOD, "'SESSION_COOKIE' : '%s','CSRFTOKEN' : ''",
			session->cookie);
	else
		record(answer, "WEB_SESSION", HAPI_REFUSED, "'SESSION_COOKIE' : '%s'",
			answer->status == 503 ? "Failure_Session_Limit" : "Failure_Login");
}

static void
answer_logout(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session, struct web_answer *answer)
{
	web_page_logout(web, session);
	record(answer, "WEB_SESSION", HAPI_GOOD, "'LOGOUT' : 1");
}

static void
answer_role(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	record(answer, "GETROLE", HAPI_GOOD, "'CURUSERNAME' : '%s','EXTENDED_PRIV' : %d", web->user,
		web->conf.has_privilege ? PRIVILEGE_ALL : PRIVILEGE_NONE);
}

static void
add_adviser(const struct web *web, struct evbuffer *out)
{
	evbuffer_add_printf(out,
		"'V_STR_KVM_STATUS' : 1,'V_STR_SECURE_CHANNEL' : 1,'V_STR_KVM_PORT' : %d,"
		"'V_STR_WEB_PORT' : %u,'V_STR_KVM_LICENSE_STATUS' : %d",
		VIDEO_SECURE_PORT, web_secure_port(web), web->conf.has_licence);
}

static void
add_media(const struct web *web, struct evbuffer *out)
{
	static const char *const name[DEVICE_COUNT] = { "CD", "FD", "HD" };
	const struct web_conf *conf = &web->conf;

	evbuffer_add_printf(out,
		"'V_SINGLE_PORT_ENABLED' : %d,'V_MEDIA_LICENSE_STATUS' : %d,"
		"'V_STR_SECURE_CHANNEL' : %d,'V_POWER_SAVE_MODE' : 0",
		conf->is_single_port, conf->has_licence, conf->is_secure_media);
	for (int i = 0; i < DEVICE_COUNT; i++)
		evbuffer_add_printf(out,
			",'V_STR_%s_PORT' : %u,'V_STR_%s_SECURE_PORT' : %u,'V_NUM_%s' : %u,"
			"'V_%s_STATUS' : %d",
			name[i], web->calls.port(web->arg, (enum device)i, false), name[i],
			web->calls.port(web->arg, (enum device)i, true), name[i], conf->slots[i],
			name[i], conf->is_attached[i]);
	evbuffer_add_printf(out, ",'V_KVM_NUM_CD' : %u,'V_KVM_NUM_HD' : %u", conf->slots[DEVICE_CD],
		conf->slots[DEVICE_HD]);
}

/* A record of those parts. */
static void
answer_parts(const struct web *web, const char *name, bool has_adviser, bool has_media,
	struct web_answer *answer)
{
	struct evbuffer *text = evbuffer_new();

	if (has_adviser)
		add_adviser(web, text);
	if (has_adviser && has_media)
		evbuffer_add_printf(text, ",");
	if (has_media)
		add_media(web, text);
	evbuffer_add(text, "", 1);
	record(answer, name, HAPI_GOOD, "%s", (const char *)evbuffer_pullup(text, -1));
	evbuffer_free(text);
}

static void
answer_adviser(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	answer_parts(web, "GETADVISERCFG", true, false, answer);
}

static void
answer_media(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	answer_parts(web, "GETVMEDIACFG", false, true, answer);
}

static void
answer_all(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session UNUSED, struct web_answer *answer)
{
	answer_parts(web, "GETALLCONFIGS", true, true, answer);
}

static void
answer_token(struct web *web, const struct web_request *request UNUSED, struct web_session *session,
	struct web_answer *answer)
{
	bool is_empty = web->conf.quirks & WEB_EMPTY_TOKEN;

	record(answer, "GETSESSIONTOKEN", HAPI_GOOD, "'SESSION_TOKEN' : '%s'",
		is_empty ? "" : web_ticket_fetch(web, session)->token);
}

const struct web_page web_asp_pages[] = {
	{ "/rpc/WEBSES/create.asp", 1 << WEB_POST, false, answer_create },
	{ "/rpc/WEBSES/logout.asp", GET_OR_POST, true, answer_logout },
	{ "/rpc/getrole.asp", GET_OR_POST, true, answer_role },
	{ "/rpc/getadvisercfg.asp", GET_OR_POST, true, answer_adviser },
	{ "/rpc/getvmediacfg.asp", GET_OR_POST, true, answer_media },
	{ "/rpc/getallconfigs.asp", GET_OR_POST, true, answer_all },
	{ "/rpc/getsessiontoken.asp", GET_OR_POST, true, answer_token },
	{ "/Java/jviewer.jnlp", 1 << WEB_GET, true, web_answer_jnlp },
	{ NULL, 0, false, NULL },
};
