/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing: tells other programs where the simulated BMCs listen. */
#include "bmcsim/listing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "bmcsim/bmc.h"

typedef void line_fn(FILE *out, const struct bmc *bmc, const char *address);

/* The text that line() makes for every node, between head and tail. */
static char *
list(struct bmc *const *bmcs, size_t count, const char *head, line_fn *line, const char *tail)
{
	char address[INET_ADDRSTRLEN], *text = NULL;
	struct in_addr in;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return mem_strdup("");
	fputs(head, out);
	for (size_t i = 0; i < count; i++) {
		in = bmc_address(bmcs[i]);
		inet_ntop(AF_INET, &in, address, sizeof(address));
		line(out, bmcs[i], address);
	}
	fputs(tail, out);
	return fclose(out) == 0 ? text : (free(text), mem_strdup(""));
}

static void
ready_line(FILE *out, const struct bmc *bmc, const char *address)
{
	fprintf(out, "%s %s cd=%u hd=%u fd=%u\n", bmc_name(bmc), address, bmc_port(bmc, DEVICE_CD),
		bmc_port(bmc, DEVICE_HD), bmc_port(bmc, DEVICE_FD));
}

static void
target_line(FILE *out, const struct bmc *bmc, const char *address)
{
	fprintf(out,
		"  { name = \"%s\"; address = \"%s\"; dialect = \"legacy\";"
		" ports = { cd = %u; fd = %u; hd = %u; }; },\n",
		bmc_name(bmc), address, bmc_port(bmc, DEVICE_CD), bmc_port(bmc, DEVICE_FD),
		bmc_port(bmc, DEVICE_HD));
}

char *
listing_ready(struct bmc *const *bmcs, size_t count)
{
	return list(bmcs, count, "", ready_line, "ready\n");
}

char *
listing_targets(struct bmc *const *bmcs, size_t count)
{
	char *text = list(bmcs, count, "targets = (\n", target_line, ");\n");
	char *comma = strrchr(text, ',');

	if (comma) /* libconfig takes no comma behind the last one */
		memmove(comma, comma + 1, strlen(comma));
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
