/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_digest: the web interface of a Fujitsu iRMC S4 (iusb-protocol 8.1): a login by HTTP Digest
 * (RFC 7616, MD5) that answers with a redirect, and the session's name in each query. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <openssl/evp.h>

#include "base/memory.h"
#include "bmcsim/web_parts.h"

enum {
	NONCE_LEN = 32,
	PART_SIZE = 256, /* of one part of an Authorization header */
	MD5_SIZE = 33,   /* as text */
	GET_OR_POST = 1 << WEB_GET | 1 << WEB_POST,
};

static const char realm[] = "iRMC S4";

static void md5(char out[MD5_SIZE], const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
md5(char out[MD5_SIZE], const char *fmt, ...)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[WEB_REQUEST_MAX];
	size_t len = 0;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	out[0] = '\0';
	if (!EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), digest, &len))
		return; /* a system without MD5: nobody can log in */
	for (size_t i = 0; i < len && 2 * i + 2 < MD5_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* NAME=VALUE or NAME="VALUE" in the header's list; "" if it has none that fits. */
static void
find_part(const char *list, const char *name, char out[PART_SIZE])
{
	size_t name_len = strlen(name);

	out[0] = '\0';
	while (*list) {
		const char *start = list += strspn(list, ", \t"), *value;
		size_t len;

		list += strcspn(list, "=,");
		if (*list != '=')
			continue;
		value = ++list;
		if (*value == '"') {
			len = strcspn(++value, "\"");
			list = value + len + (value[len] == '"');
		} else {
			len = strcspn(value, ", \t");
			list = value + len;
		}
		if (strncasecmp(start, name, name_len) == 0 && start[name_len] == '=' &&
			len < PART_SIZE) {
			memcpy(out, value, len);
			out[len] = '\0';
			return;
		}
	}
}

/* Each works once, and only the last few that were given out. */
static bool
use_nonce(struct web *web, const char *nonce)
{
	for (size_t i = 0; i < ARRAY_SIZE(web->nonces); i++) {
		if (nonce[0] && strcmp(web->nonces[i], nonce) == 0) {
			web->nonces[i][0] = '\0';
			return true;
		}
	}
	return false;
}

static const char *
new_nonce(struct web *web)
{
	char *nonce = web->nonces[web->next_nonce++ % ARRAY_SIZE(web->nonces)];

	web_secret(web, nonce, NONCE_LEN);
	return nonce;
}

static bool
is_request_uri(const struct web_request *request, const char *uri)
{
	size_t len = strlen(request->path);

	if (strncmp(uri, request->path, len) != 0)
		return false;
	return uri[len] == '?' ? strcmp(uri + len + 1, request->query) == 0
			       : uri[len] == '\0' && !request->query[0];
}

/* What the Authorization header proves. */
enum proof {
	PROOF_NONE,
	PROOF_WRONG,
	PROOF_GOOD,
};

static enum proof
check(struct web *web, const struct web_request *request)
{
	const char *list = web_request_header(request, "Authorization");
	char user[PART_SIZE], nonce[PART_SIZE], uri[PART_SIZE], nc[PART_SIZE], cnonce[PART_SIZE],
		qop[PART_SIZE], response[PART_SIZE];
	char who[MD5_SIZE], what[MD5_SIZE], expected[MD5_SIZE];

	if (!list || strncasecmp(list, "Digest ", strlen("Digest ")) != 0)
		return PROOF_NONE;
	list += strlen("Digest ");
	find_part(list, "username", user);
	find_part(list, "nonce", nonce);
	find_part(list, "uri", uri);
	find_part(list, "nc", nc);
	find_part(list, "cnonce", cnonce);
	find_part(list, "qop", qop);
	find_part(list, "response", response);
	if (!use_nonce(web, nonce))
		return PROOF_NONE;
	md5(who, "%s:%s:%s", web->user, realm, web->password);
	md5(what, "%s:%s", request->method == WEB_POST ? "POST" : "GET", uri);
	if (qop[0])
		md5(expected, "%s:%s:%s:%s:%s:%s", who, nonce, nc, cnonce, qop, what);
	else
		md5(expected, "%s:%s:%s", who, nonce, what);
	return expected[0] && strcmp(user, web->user) == 0 && is_request_uri(request, uri) &&
			       strcasecmp(response, expected) == 0
		       ? PROOF_GOOD
		       : PROOF_WRONG;
}

static void
answer_login(struct web *web, const struct web_request *request, struct web_session *none UNUSED,
	struct web_answer *answer)
{
	enum proof proof = check(web, request);
	struct web_session *session =
		proof == PROOF_NONE ? NULL : web_page_admit(web, proof == PROOF_GOOD, answer);

	if (session) {
		answer->status = 302;
		evbuffer_add_printf(
			answer->head, "Location: /index.html?sid=%s\r\n", session->cookie);
	} else if (proof == PROOF_NONE || answer->status == 401) {
		answer->status = 401;
		evbuffer_add_printf(answer->head,
			"WWW-Authenticate: Digest realm=\"%s\", qop=\"auth\", nonce=\"%s\", "
			"algorithm=MD5\r\n",
			realm, new_nonce(web));
	} else {
		evbuffer_add_printf(answer->body, "<html><body>%s</body></html>\n",
			answer->status == 503 ? "Maximum number of sessions" : "Login failed");
	}
}

static void
answer_logout(struct web *web, const struct web_request *request UNUSED,
	struct web_session *session, struct web_answer *answer UNUSED)
{
	web_page_logout(web, session);
}

const struct web_page web_digest_pages[] = {
	{ "/login", GET_OR_POST, false, answer_login },
	{ "/logout", GET_OR_POST, true, answer_logout },
	{ "/avr.jnlp", 1 << WEB_GET, true, web_answer_jnlp },
	{ NULL, 0, false, NULL },
};
