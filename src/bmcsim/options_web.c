/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_web: options about the web server and TLS, and the secret that clients log in with. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "bmcsim/flags.h"
#include "bmcsim/options_parts.h"
#include "bmcsim/values.h"

enum {
	SESSIONS_MAX = 64,
	BAN_MAX = 10000, /* requests */
	SECRET_MAX = 256,
};

static const char *const quirk_names[] = {
	"http-1.0",
	"status-twice",
	"bad-with-200",
	"redirect",
	"empty-token",
	"token-once",
	"tunnel-bare",
	"101-then-200",
	"ports-locked",
	"jnlp-no-ports",
	"slow",
	"list-500",
};

const char *
option_web_quirk_name(unsigned bit)
{
	return bit < ARRAY_SIZE(quirk_names) ? quirk_names[bit] : NULL;
}

int
option_web_quirks(struct options *out, const char *value, struct reason *why)
{
	static const struct flags names = {
		.what = "web quirk",
		.words = quirk_names,
		.count = ARRAY_SIZE(quirk_names),
	};

	out->given |= GIVEN_WEB_QUIRKS;
	return flags_parse(&names, value, &out->conf.web.quirks, why);
}

int
option_web_port_base(struct options *out, const char *value, struct reason *why)
{
	out->given |= GIVEN_WEB_PORT;
	return value_number(value, 0, OPTIONS_PORT_MAX - 1, &out->web_port_base, why);
}

/* The word's place among words; -1 with the reason. */
static int
choose(const char *const *words, int count, const char *value, struct reason *why)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(value, words[i]) == 0)
			return i;
	}
	reason_set(why, "\"%s\" is none of %s", value, words[0]);
	for (int i = 1; i < count; i++) {
		struct reason so_far = *why;

		reason_set(why, "%s, %s", so_far.text, words[i]);
	}
	return -1;
}

int
option_web(struct options *out, const char *value, struct reason *why)
{
	static const char *const flows[] = {
		[WEB_FLOW_NONE] = "off",
		[WEB_FLOW_ASP] = "asp",
		[WEB_FLOW_REST] = "rest",
		[WEB_FLOW_DIGEST] = "digest",
	};
	int flow = choose(flows, ARRAY_SIZE(flows), value, why);

	if (flow < 0)
		return -1;
	out->conf.web.flow = (enum web_flow)flow;
	out->given |= GIVEN_WEB;
	return 0;
}

int
option_user(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->user, why);
}

int
option_password(struct options *out, const char *value, struct reason *why)
{
	option_erase(&out->password);
	return option_text(value, &out->password, why);
}

int
option_password_file(struct options *out, const char *value, struct reason *why)
{
	char line[SECRET_MAX] = "";
	FILE *file = fopen(value, "re");
	bool is_read = file && fgets(line, sizeof(line), file);
	int result;

	if (!is_read)
		reason_set(why, "%s: %s", value,
			file && !ferror(file) ? "it is empty" : strerror(errno));
	if (file)
		fclose(file);
	if (!is_read || option_text(value, &out->password_file, why) < 0)
		return -1;
	line[strcspn(line, "\r\n")] = '\0';
	result = option_password(out, line, why);
	explicit_bzero(line, sizeof(line));
	return result;
}

int
option_web_sessions(struct options *out, const char *value, struct reason *why)
{
	return value_number(value, 1, SESSIONS_MAX, &out->conf.web.sessions_max, why);
}

int
option_session_life(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0.001, &out->conf.web.session_life, why);
}

int
option_token_life(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0, &out->conf.web.token_life, why);
}

/* REQUESTS:SECONDS, or 0 */
int
option_ban(struct options *out, const char *value, struct reason *why)
{
	struct web_conf *web = &out->conf.web;
	char *copy = mem_strdup(value), *seconds = copy;
	const char *requests = strsep(&seconds, ":");
	int result = value_number(requests, 0, BAN_MAX, &web->ban_after, why);

	if (result == 0 && web->ban_after > 0)
		result = seconds ? value_seconds(seconds, 0.001, &web->ban_time, why)
				 : reason_set(why, "\"%s\" has no :SECONDS", value);
	free(copy);
	return result;
}

int
option_licence(struct options *out, const char *value, struct reason *why)
{
	return value_switch(value, &out->conf.web.has_licence, why);
}

int
option_privilege(struct options *out, const char *value, struct reason *why)
{
	return value_switch(value, &out->conf.web.has_privilege, why);
}

int
option_tls(struct options *out, const char *value, struct reason *why)
{
	static const char *const ages[] = { "new", "old", "off" };
	int age = choose(ages, ARRAY_SIZE(ages), value, why);

	if (age < 0)
		return -1;
	out->conf.has_tls = age < 2;
	out->conf.tls_age = age == 1 ? TLS_OLD : TLS_NEW;
	out->given |= GIVEN_TLS;
	return 0;
}

int
option_tls_pem(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->tls_pem, why);
}

int
option_media_tls(struct options *out, const char *value, struct reason *why)
{
	static const char *const words[] = {
		[MEDIA_PLAIN] = "off",
		[MEDIA_SECURE] = "on",
		[MEDIA_BOTH] = "both",
	};
	int media = choose(words, ARRAY_SIZE(words), value, why);

	if (media < 0)
		return -1;
	out->conf.media = (enum bmc_media)media;
	out->given |= GIVEN_MEDIA;
	return 0;
}

int
option_single_port(struct options *out, const char *value, struct reason *why)
{
	return value_switch(value, &out->conf.web.is_single_port, why);
}

int
option_tunnel(struct options *out, const char *value, struct reason *why)
{
	out->given |= GIVEN_TUNNEL;
	return value_switch(value, &out->conf.web.has_tunnel, why);
}

int
option_websocket(struct options *out, const char *value, struct reason *why)
{
	out->given |= GIVEN_WEBSOCKET;
	return value_switch(value, &out->conf.web.has_websocket, why);
}

/* ---- the secret ---- */

void
option_erase(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

/* Nobody else can read the file, not even for a moment. */
static int
write_secret(const char *path, const char *secret, struct reason *why)
{
	int fd, error = 0;
	FILE *file;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file) {
		error = errno;
		if (fd >= 0)
			close(fd);
		return reason_set(why, "%s: %s", path, strerror(error));
	}
	if (fprintf(file, "%s\n", secret) < 0)
		error = errno;
	if (fclose(file) != 0 && error == 0)
		error = errno;
	return error ? reason_set(why, "%s: %s", path, strerror(error)) : 0;
}

int
options_write_secret(const struct options *options, char **path, struct reason *why)
{
	const char *secret = options->token;
	char absolute[PATH_MAX];
	char *file;
	int result = 0;

	*path = NULL;
	if (options->conf.web.flow != WEB_FLOW_NONE)
		secret = options->password;
	if (!secret)
		return 0;
	if (options->password_file && secret == options->password) {
		file = mem_strdup(options->password_file);
	} else {
		file = mem_printf("%s.secret", options->targets_file);
		result = write_secret(file, secret, why);
	}
	if (result == 0 && !realpath(file, absolute))
		result = reason_set(why, "%s: %s", file, strerror(errno));
	free(file);
	if (result == 0)
		*path = mem_strdup(absolute);
	return result;
}
