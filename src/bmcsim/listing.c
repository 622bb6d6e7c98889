/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing: tells other programs where the simulated BMCs listen. */
#include "bmcsim/listing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "bmcsim/bmc.h"

static void
put_address(FILE *out, const struct bmc *bmc)
{
	struct in_addr in = bmc_address(bmc);
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in, address, sizeof(address));
	fputs(address, out);
}

/* A string of libconfig. */
static void
put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static bool
is_legacy(const struct bmc *bmc)
{
	return bmc_conf(bmc)->dialect->bmc_speaks_first;
}

/* ---- ready ---- */

static void
put_port(FILE *out, const char *name, uint16_t port)
{
	if (port != 0)
		fprintf(out, " %s=%u", name, port);
}

static void
ready_line(FILE *out, const struct bmc *bmc)
{
	fprintf(out, "%s ", bmc_name(bmc));
	put_address(out, bmc);
	fprintf(out, " cd=%u hd=%u fd=%u", bmc_port(bmc, DEVICE_CD), bmc_port(bmc, DEVICE_HD),
		bmc_port(bmc, DEVICE_FD));
	if (!is_legacy(bmc)) {
		put_port(out, "cd-tls", bmc_secure_port(bmc, DEVICE_CD));
		put_port(out, "hd-tls", bmc_secure_port(bmc, DEVICE_HD));
		put_port(out, "fd-tls", bmc_secure_port(bmc, DEVICE_FD));
		put_port(out, "web", bmc_web_port(bmc, false));
		put_port(out, "web-tls", bmc_web_port(bmc, true));
		fprintf(out, " dialect=%s", bmc_conf(bmc)->dialect->name);
	}
	fputc('\n', out);
}

/* Memory that a stream writes to; NULL cannot be. */
static FILE *
open_text(char **text, size_t *len)
{
	FILE *out = open_memstream(text, len);

	if (!out) {
		log_msg(LOG_LEVEL_ERROR, "out of memory");
		abort();
	}
	return out;
}

char *
listing_ready(struct bmc *const *bmcs, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_text(&text, &len);

	for (size_t i = 0; i < count; i++)
		ready_line(out, bmcs[i]);
	fputs("ready\n", out);
	fclose(out);
	return text;
}

/* ---- targets ---- */

static uint16_t
media_port(const struct bmc *bmc, enum device device)
{
	if (bmc_conf(bmc)->media != MEDIA_PLAIN)
		return bmc_secure_port(bmc, device);
	return bmc_port(bmc, device);
}

/* A BMC with a web server says the ports of its media there. */
static void
put_ports(FILE *out, const struct bmc *bmc)
{
	const struct bmc_conf *conf = bmc_conf(bmc);

	fputs(" ports = {", out);
	for (int d = 0; d < DEVICE_COUNT && conf->web.flow == WEB_FLOW_NONE; d++) {
		uint16_t port = media_port(bmc, (enum device)d);

		if (port != 0)
			fprintf(out, " %s = %u;", device_name((enum device)d), port);
	}
	if (conf->web.flow != WEB_FLOW_NONE)
		fprintf(out, " web = %u;", bmc_web_port(bmc, conf->has_tls));
	fputs(" };", out);
}

static void
put_login(FILE *out, const struct bmc *bmc, const char *secret_file)
{
	const struct bmc_conf *conf = bmc_conf(bmc);

	if (conf->web.flow != WEB_FLOW_NONE) {
		fprintf(out, " login = { method = \"%s\"; user = ",
			conf->web.flow == WEB_FLOW_REST ? "rest" : "asp");
		put_string(out, conf->web.user);
		fputs("; password_file = ", out);
		put_string(out, secret_file);
	} else if (conf->token) {
		fputs(" login = { method = \"token\"; password_file = ", out);
		put_string(out, secret_file);
	} else {
		fputs(" login = { method = \"none\"", out);
	}
	fputs("; };", out);
}

/* The transport that it has, if it is one only. */
static void
put_transport(FILE *out, const struct bmc *bmc)
{
	const struct bmc_conf *conf = bmc_conf(bmc);

	if (conf->web.flow == WEB_FLOW_NONE)
		fputs(" transport = \"direct\";", out);
}

static void
put_tls(FILE *out, const struct bmc *bmc)
{
	const struct bmc_conf *conf = bmc_conf(bmc);
	const char *mode = "auto"; /* the web pages say it */

	if (!conf->has_tls || (conf->web.flow == WEB_FLOW_NONE && conf->media == MEDIA_PLAIN))
		mode = "off";
	else if (conf->web.flow == WEB_FLOW_NONE)
		mode = "on";
	fprintf(out, " tls = { mode = \"%s\"; verify = \"pin\";%s };", mode,
		conf->has_tls && conf->tls_age == TLS_OLD ? " legacy = true;" : "");
}

static void
target_line(FILE *out, const struct bmc *bmc, const char *secret_file)
{
	fprintf(out, "  { name = \"%s\"; address = \"", bmc_name(bmc));
	put_address(out, bmc);
	fprintf(out, "\"; dialect = \"%s\";", bmc_conf(bmc)->dialect->name);
	put_ports(out, bmc);
	if (!is_legacy(bmc)) {
		put_transport(out, bmc);
		put_login(out, bmc, secret_file);
		put_tls(out, bmc);
	}
	fputs(" }", out);
}

char *
listing_targets(struct bmc *const *bmcs, size_t count, const char *secret_file)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_text(&text, &len);

	fputs("targets = (\n", out);
	for (size_t i = 0; i < count; i++) {
		target_line(out, bmcs[i], secret_file ? secret_file : "");
		fputs(i + 1 < count ? ",\n" : "\n", out); /* libconfig takes no last comma */
	}
	fputs(");\n", out);
	fclose(out);
	return text;
}

int
listing_write(const char *path, const char *text, struct reason *why)
{
	char *draft;
	FILE *out;
	int error = 0;

	if (strcmp(path, "-") == 0) {
		fputs(text, stdout);
		return fflush(stdout) == 0 ? 0 : reason_set(why, "%s", strerror(errno));
	}
	draft = mem_printf("%s.%ld", path, (long)getpid());
	out = fopen(draft, "we");
	if (!out || fputs(text, out) == EOF)
		error = errno;
	if (out && fclose(out) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(draft, path) < 0)
		error = errno;
	if (error != 0 && out)
		unlink(draft);
	free(draft);
	return error ? reason_set(why, "%s: %s", path, strerror(error)) : 0;
}
