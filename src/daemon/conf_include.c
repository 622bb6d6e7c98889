/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_include: finds and reads the files that make up the configuration. */
#include "daemon/conf_include.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int glob_errno; /* glob() has no argument to pass on; the configuration has one reader */

static int
directory_failed(const char *path UNUSED, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return 0;
	glob_errno = error;
	return 1;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
find_pattern(const char *pattern, struct strlist *paths, struct reason *why)
{
	glob_t found = { 0 };
	int result;

	glob_errno = ENOMEM;
	result = glob(pattern, GLOB_NOSORT, directory_failed, &found);
	if (result != 0 && result != GLOB_NOMATCH) {
		globfree(&found);
		return reason_set(why, "%s", strerror(glob_errno));
	}
	if (found.gl_pathc > 0)
		qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_paths);
	for (size_t i = 0; i < found.gl_pathc; i++)
		strlist_add(paths, found.gl_pathv[i]);
	globfree(&found);
	return 0;
}

/* The directory of the file with its slash, every character that glob() would interpret escaped
 * if is_pattern. */
static char *
directory_of(const char *file, bool is_pattern)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash ? (size_t)(slash - file) + 1 : 0;
	char *dir = mem_new(2 * len + 1, 1);
	char *p = dir;

	for (size_t i = 0; i < len; i++) {
		if (is_pattern && strchr("*?[]\\", file[i]))
			*p++ = '\\';
		*p++ = file[i];
	}
	return dir;
}

int
conf_include_find(const char *from, const char *name, struct strlist *paths, struct reason *why)
{
	bool is_pattern = strpbrk(name, "*?[") != NULL;
	char *dir = *name == '/' ? mem_strdup("") : directory_of(from, is_pattern);
	char *path = mem_printf("%s%s", dir, name);
	int result = 0;

	if (is_pattern)
		result = find_pattern(path, paths, why);
	else
		strlist_add(paths, path);
	free(path);
	free(dir);
	return result;
}

static int
read_all(int fd, struct conf_file *out, struct reason *why)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (out->len == room) {
			room = room ? 2 * room : 16384;
			out->data = mem_resize(out->data, room + 1, 1);
		}
		n = read(fd, out->data + out->len, room - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return reason_set(why, "%s", strerror(errno));
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > CONF_BYTES_MAX)
			return reason_set(why, "it has more than %d MiB", CONF_BYTES_MAX >> 20);
	}
	out->data[out->len] = '\0';
	return 0;
}

int
conf_include_read(const char *path, bool is_included, struct conf_file *out, struct reason *why)
{
	/* An included FIFO must not hold up a reload: it is opened, looked at and refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_included ? O_NONBLOCK : 0));
	struct stat st;
	int result;

	*out = (struct conf_file){ 0 };
	if (fd < 0)
		return reason_set(why, "%s", strerror(errno));
	if (fstat(fd, &st) < 0) {
		result = reason_set(why, "%s", strerror(errno));
	} else if (is_included && !S_ISREG(st.st_mode)) {
		result = reason_set(why, "it is not a regular file");
	} else {
		out->dev = st.st_dev;
		out->ino = st.st_ino;
		result = read_all(fd, out, why);
	}
	close(fd);
	if (result < 0) {
		free(out->data);
		*out = (struct conf_file){ 0 };
	}
	return result;
}
