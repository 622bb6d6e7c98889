/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_dir: made if need be, and locked. */
#include "daemon/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int
make(const char *path, struct reason *why)
{
	struct stat st;

	if (mkdir(path, 0750) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0
					   : reason_set(why, "state_dir %s is no directory", path);
	if (errno == ENOENT)
		return reason_set(why,
			"state_dir %s cannot be made, the directory above it is missing: make it, "
			"or set state_dir",
			path);
	return reason_set(why, "state_dir %s cannot be made: %s", path, strerror(errno));
}

static int
explain_lock(int fd, const char *path, struct reason *why)
{
	char text[32] = "";
	long pid;

	if (errno != EAGAIN && errno != EACCES)
		return reason_set(why, "cannot lock state_dir %s: %s", path, strerror(errno));
	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && (pid = strtol(text, NULL, 10)) > 0)
		return reason_set(why, "another iusbd uses state_dir %s: process %ld", path, pid);
	return reason_set(why, "another iusbd uses state_dir %s", path);
}

int
state_dir_lock(const char *path, struct reason *why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *file;
	int fd;

	if (make(path, why) < 0)
		return -1;
	file = mem_printf("%s/lock", path);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		(void)reason_set(
			why, "cannot use state_dir %s: %s: %s", path, file, strerror(errno));
	free(file);
	if (fd < 0)
		return -1;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		(void)explain_lock(fd, path, why);
		close(fd);
		return -1;
	}
	/* For who meets the lock, and only for that. */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
	return fd;
}
