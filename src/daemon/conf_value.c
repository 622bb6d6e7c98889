/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_value: what the texts of the configuration may be. */
#include "daemon/conf_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	HOST_MAX = 253, /* characters of a host name (RFC 1035) */
	LABEL_MAX = 63, /* of each of its labels */
	IMAGE_NAME_MAX = 255,
	USER_MAX = 128,
};

size_t
conf_utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	static const struct {
		unsigned char mask, lead;
		uint32_t min;
	} forms[] = { { 0x80, 0x00, 0 }, { 0xE0, 0xC0, 0x80 }, { 0xF0, 0xE0, 0x800 },
		{ 0xF8, 0xF0, 0x10000 } };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint32_t c = *p & ~forms[i].mask & 0xFF;

		if ((*p & forms[i].mask) != forms[i].lead)
			continue;
		for (size_t k = 1; k <= i; k++) {
			if ((p[k] & 0xC0) != 0x80)
				return 0;
			c = c << 6 | (p[k] & 0x3F);
		}
		return c >= forms[i].min && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) ? i + 1 : 0;
	}
	return 0;
}

int
conf_check_text(const char *text, struct reason *why)
{
	while (*text) {
		size_t n = conf_utf8_length(text);

		if (n == 0)
			return reason_set(why, "must be UTF-8");
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			return reason_set(why, "must not have control characters");
		text += n;
	}
	return 0;
}

int
conf_check_path(const char *text, struct reason *why)
{
	if (*text != '/')
		return reason_set(why, "\"%.100s\" is not an absolute path", text);
	return 0;
}

int
conf_check_socket(const char *text, struct reason *why)
{
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (strlen(text) > max)
		return reason_set(why, "the path of a socket has %zu characters at most", max);
	return conf_check_path(text, why);
}

int
conf_check_listen(const char *text, struct reason *why)
{
	const char *colon = strrchr(text, ':');
	long port = 0;
	char *end = NULL;

	if (colon && colon > text && isdigit((unsigned char)colon[1]))
		port = strtol(colon + 1, &end, 10);
	if (!end || *end || port < 1 || port > UINT16_MAX)
		return reason_set(
			why, "\"%.100s\" is not an address and port (127.0.0.1:9797)", text);
	return 0;
}

int
conf_check_user(const char *text, struct reason *why)
{
	if (*text == '\0')
		return reason_set(why, "must not be empty");
	if (strlen(text) > USER_MAX)
		return reason_set(why, "the name of a user has %d bytes at most", USER_MAX);
	return 0;
}

/* systemd.exec(5), LoadCredential=: what the unit gives the daemon, and only to it. */
static int
check_credential(const char *name, struct reason *why)
{
	if (*name == '\0' || *name == '.' || strchr(name, '/'))
		return reason_set(why, "\"credential:%.100s\" does not name a credential", name);
	return 0;
}

int
conf_check_password_file(const char *text, struct reason *why)
{
	static const char credential[] = "credential:";
	struct stat st;
	int fd, error;

	if (strncmp(text, credential, sizeof(credential) - 1) == 0)
		return check_credential(text + sizeof(credential) - 1, why);
	if (conf_check_path(text, why) < 0)
		return -1;
	fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	error = fd < 0 || fstat(fd, &st) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (error)
		return reason_set(why, "%.150s cannot be read: %s", text, strerror(error));
	if (!S_ISREG(st.st_mode))
		return reason_set(why, "%.150s is not a regular file", text);
	return 0;
}

static bool
is_host_name(const char *text)
{
	size_t label = 0;

	if (strlen(text) > HOST_MAX)
		return false;
	for (const char *p = text; *p; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)*p) && *p != '_' && (*p != '-' || label == 0)) {
			return false;
		} else if (++label > LABEL_MAX) {
			return false;
		}
	}
	return *text != '\0';
}

/* "2001:db8::1", or with the interface of a link-local address, "fe80::1%eth0". */
static int
check_ipv6(const char *text, struct reason *why)
{
	const char *colon = strchr(text, ':'), *percent = strchr(text, '%');
	char plain[INET6_ADDRSTRLEN] = "";
	size_t len = percent ? (size_t)(percent - text) : strlen(text);
	struct in6_addr ignored;

	if (!strchr(colon + 1, ':') && isdigit((unsigned char)colon[1]))
		return reason_set(why, "\"%.100s\": a port belongs in \"ports\"", text);
	if (len < sizeof(plain))
		memcpy(plain, text, len);
	if (inet_pton(AF_INET6, plain, &ignored) != 1 || (percent && !is_host_name(percent + 1)))
		return reason_set(why, "\"%.100s\" is not an IP address or host name", text);
	return 0;
}

int
conf_check_address(const char *text, struct reason *why)
{
	struct in_addr ignored;

	if (strchr(text, ':'))
		return check_ipv6(text, why);
	if (*text && text[strspn(text, "0123456789.")] == '\0') {
		if (inet_pton(AF_INET, text, &ignored) != 1)
			return reason_set(why, "\"%.100s\" is not an IPv4 address", text);
		return 0;
	}
	if (!is_host_name(text))
		return reason_set(why, "\"%.100s\" is not an IP address or host name", text);
	return 0;
}

static bool
is_nbd(const char *text)
{
	return strncmp(text, "nbd:", 4) == 0 || strncmp(text, "nbds:", 5) == 0 ||
	       strncmp(text, "nbd+unix:", 9) == 0 || strncmp(text, "nbds+unix:", 10) == 0;
}

int
conf_check_image_name(const char *text, struct reason *why)
{
	if (*text == '\0' || strchr(text, '/') || *text == '.' || is_nbd(text))
		return reason_set(why,
			"\"%.100s\" is not a name for an image (no \"/\", no \".\" in front)",
			text);
	if (strlen(text) > IMAGE_NAME_MAX)
		return reason_set(
			why, "the name of an image has %d characters at most", IMAGE_NAME_MAX);
	return 0;
}

int
conf_check_image_path(const char *text, struct reason *why)
{
	if (is_nbd(text))
		return reason_set(why, "\"%.100s\": an image on NBD is not supported yet", text);
	return conf_check_path(text, why);
}

int
conf_check_image(const char *text, struct reason *why)
{
	if (*text == '\0')
		return reason_set(why, "must name an image");
	if (is_nbd(text))
		return reason_set(why, "\"%.100s\": an image on NBD is not supported yet", text);
	for (const char *p = text; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.')
			return reason_set(
				why, "\"%.100s\": \"..\" is refused in the path of an image", text);
		p += len;
	}
	return 0;
}
