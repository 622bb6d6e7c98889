/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portal_answer: what the flows share: refusals, redirects, tokens, forms. Pure. What a BMC says is
 * never quoted where it could hold what we have sent. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "bmc/portal_private.h"

void
grant_clear(struct grant *grant)
{
	memset(grant, 0, sizeof(*grant));
	grant->is_secure = grant->is_single_port = grant->licence = -1;
	for (int i = 0; i < DEVICE_COUNT; i++)
		grant->slots[i] = grant->is_attached[i] = -1;
	grant->has_fd = true;
}

enum step_result
step_fail(struct weblogin *login, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	login->failure = failure;
	va_start(ap, fmt);
	vsnprintf(login->why.text, sizeof(login->why.text), fmt, ap);
	va_end(ap);
	return STEP_FAILED;
}

/* ---- redirects ---- */

/* The host of a URL, "" if it names none. */
static void
host_of(const char *url, char *host, size_t size)
{
	const char *at = strstr(url, "//");
	size_t len;

	host[0] = '\0';
	if (!at || (size_t)(at - url) != strcspn(url, "/"))
		return;
	at += 2;
	len = strcspn(at, "/?#");
	if (memchr(at, '@', len) || len >= size)
		return;
	memcpy(host, at, len);
	host[len] = '\0';
}

static bool
wants_https(const struct weblogin *login, const struct webanswer *answer)
{
	return login->conf->is_plain && strncasecmp(answer->location, "https:", 6) == 0;
}

/* Credentials follow no redirect; it is explained instead. */
static enum step_result
explain_redirect(struct weblogin *login, const struct webanswer *answer)
{
	char host[128];

	host_of(answer->location, host, sizeof(host));
	if (wants_https(login, answer))
		return step_fail(login, FAILURE_CONFIGURATION,
			"the BMC's web server wants HTTPS (it redirects to https://%s)", host);
	if (host[0])
		return step_fail(login, FAILURE_CONFIGURATION,
			"the BMC's web server redirects (%d) to %s", answer->status, host);
	return step_fail(login, FAILURE_CONFIGURATION,
		"the BMC's web server redirects (%d) to another page", answer->status);
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* ---- refusals ---- */

static enum step_result
is_busy(struct weblogin *login, const struct webanswer *answer)
{
	if (answer->status == 429)
		return step_fail(login, FAILURE_BUSY, "too many requests for the web server (429)");
	if (answer->status == 503)
		return step_fail(
			login, FAILURE_BUSY, "the BMC's web server is not available (503)");
	return STEP_DONE;
}

enum step_result
step_login_refused(struct weblogin *login, const struct webanswer *answer)
{
	int status = answer->status;

	if (status == 404 || status == 405 || status == 501) {
		step_fail(login, FAILURE_CONFIGURATION,
			"the web server has no login page of %s (%d)", login->flow->name, status);
		return STEP_ELSEWHERE;
	}
	if (is_redirect(status)) {
		explain_redirect(login, answer);
		return wants_https(login, answer) ? STEP_FAILED : STEP_ELSEWHERE;
	}
	if (answer->wants_digest && login->flow != &flow_digest) {
		step_fail(login, FAILURE_LOGIN, "the web server wants HTTP Digest");
		return STEP_ELSEWHERE;
	}
	if (webanswer_says_full(answer))
		return step_fail(login, FAILURE_BUSY, "all web sessions of the BMC are in use");
	if (is_busy(login, answer) == STEP_FAILED)
		return STEP_FAILED;
	if (status == 400 || status == 401 || status / 100 == 2)
		return step_fail(
			login, FAILURE_LOGIN, "login refused for user %s", login->conf->user);
	return step_fail(
		login, FAILURE_PROTOCOL, "the web server answers the login with %d", status);
}

enum step_result
step_login_page(struct weblogin *login, const struct webanswer *answer)
{
	if (webanswer_says_full(answer) || webanswer_says_refused(answer))
		return step_login_refused(login, answer);
	step_fail(login, FAILURE_CONFIGURATION,
		"the web server answers the login of %s with a page", login->flow->name);
	return STEP_ELSEWHERE;
}

enum step_result
step_bad_status(struct weblogin *login, const struct step *step, const struct webanswer *answer)
{
	if (is_redirect(answer->status)) {
		explain_redirect(login, answer);
		login->failure = FAILURE_PROTOCOL;
		return STEP_FAILED;
	}
	if (is_busy(login, answer) == STEP_FAILED)
		return STEP_FAILED;
	if (answer->status == 401)
		return step_fail(login, FAILURE_REFUSED,
			"the web server does not let user %s have the %s (401)", login->conf->user,
			step->what);
	return step_fail(login, FAILURE_PROTOCOL, "the web server has no %s (%d)", step->what,
		answer->status);
}

/* ---- tokens and forms ---- */

enum step_result
step_take_token(struct weblogin *login, const char *token, enum auth_kind kind)
{
	size_t len = strlen(token);

	/* A longer one than usual tells the kind. */
	if (len > auth_token_max(kind) && kind == AUTH_WEB_TOKEN)
		kind = len <= auth_token_max(AUTH_BROWSER) ? AUTH_BROWSER : AUTH_SSI_TOKEN;
	if (len > auth_token_max(kind))
		return step_fail(login, FAILURE_PROTOCOL,
			"the token is too long: %zu characters, AUTH has room for %zu", len,
			auth_token_max(kind));
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			return step_fail(login, FAILURE_PROTOCOL,
				"the token has characters that are not printable ASCII");
	memcpy(login->grant.token, token, len + 1);
	login->grant.kind = kind;
	return STEP_DONE;
}

static char *
encode(char *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_' || c == '.' || c == '~') {
			*out++ = (char)c;
		} else {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		}
	}
	return out;
}

char *
form_add(char *form, const char *name, const char *value)
{
	size_t had = form ? strlen(form) : 0;
	char *out = mem_new(had + strlen(name) + 3 * strlen(value) + 3, 1);
	char *end = out;

	if (form) {
		memcpy(out, form, had);
		end += had;
		*end++ = '&';
	}
	end += sprintf(end, "%s=", name);
	end = encode(end, value);
	*end = '\0';
	secret_free(form);
	return out;
}
