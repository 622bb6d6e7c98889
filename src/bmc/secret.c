/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret: passwords and ready-made tokens. */
#include "bmc/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char credential_prefix[] = "credential:";

enum {
	LINE_END = 2, /* bytes that a line's end has at most */
	LONGEST = 512,
};

/* The file that is meant. Returns -1 with the reason. */
static int
find_file(const char *where, char path[PATH_MAX], bool *is_credential, struct reason *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY"), *name;
	int n;

	*is_credential = strncmp(where, credential_prefix, sizeof(credential_prefix) - 1) == 0;
	if (!*is_credential) {
		n = snprintf(path, PATH_MAX, "%s", where);
	} else {
		name = where + sizeof(credential_prefix) - 1;
		if (!name[0] || name[0] == '.' || strchr(name, '/'))
			return reason_set(why, "%s is no name of a credential", where);
		if (!dir || dir[0] != '/')
			return reason_set(why,
				"%s: the daemon was given no credentials (LoadCredential= of its "
				"unit)",
				where);
		n = snprintf(path, PATH_MAX, "%s/%s", dir, name);
	}
	if (n < 0 || n >= PATH_MAX)
		return reason_set(why, "cannot read %s: %s", where, strerror(ENAMETOOLONG));
	return 0;
}

/* As many bytes as there are, at most size; -1 with errno. */
static ssize_t
read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, out + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int
first_line(const char *where, char *text, size_t len, char *out, size_t max, struct reason *why)
{
	char *end = memchr(text, '\n', len);

	if (end)
		len = (size_t)(end - text);
	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (memchr(text, '\0', len))
		return reason_set(why, "the first line of %s has a NUL in it", where);
	if (len > max)
		return reason_set(why, "the first line of %s is longer than %zu bytes", where, max);
	if (len == 0)
		return reason_set(why, "the first line of %s is empty", where);
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

int
secret_read(const char *where, char *out, size_t max, bool *is_warned, struct reason *why)
{
	char path[PATH_MAX], text[LONGEST + LINE_END];
	bool is_credential;
	struct stat st;
	ssize_t len;
	int fd, rc;

	out[0] = '\0';
	if (max > LONGEST)
		max = LONGEST;
	if (find_file(where, path, &is_credential, why) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return reason_set(why, "cannot read %s: %s", where, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return reason_set(why, "cannot read %s: not a regular file", where);
	}
	/* systemd gives a credential to the unit's user by an ACL, which looks like a group's. */
	if ((st.st_mode & (S_IRGRP | S_IROTH)) && !is_credential && !*is_warned) {
		*is_warned = true;
		log_msg(LOG_LEVEL_WARNING,
			"%s holds a secret and can be read by others (mode %03o)", where,
			(unsigned)(st.st_mode & 0777));
	}
	len = read_all(fd, text, max + LINE_END);
	rc = len < 0 ? reason_set(why, "cannot read %s: %s", where, strerror(errno))
		     : first_line(where, text, (size_t)len, out, max, why);
	secret_erase(text, sizeof(text));
	close(fd);
	return rc;
}

void
secret_erase(void *memory, size_t size)
{
	explicit_bzero(memory, size);
}

void
secret_free(char *text)
{
	if (text)
		secret_erase(text, strlen(text));
	free(text);
}
