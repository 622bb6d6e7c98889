/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file: system calls on image files, and what their errors mean to an operator. */
#include "config.h"

#include "image/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* "nbd://host/export", "nbds://...", "nbd+unix:///..." and their like. */
static bool
is_nbd_uri(const char *path)
{
	const char *scheme_end = strstr(path, "://");

	return scheme_end != NULL && memchr(path, '/', (size_t)(scheme_end - path)) == NULL &&
	       strncasecmp(path, "nbd", 3) == 0;
}

static int
refuse_nbd(struct reason *why)
{
#ifdef HAVE_LIBNBD
	return reason_set(why, "an image on NBD is not supported yet");
#else
	return reason_set(why, "this iusbd was built without libnbd");
#endif
}

/* Returns 0 for a regular file, else -1 with the reason. */
static int
check_type(const struct stat *st, struct reason *why)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFDIR:
		return reason_set(why, "a directory, not an image");
	case S_IFBLK:
		return reason_set(why, "block devices are not supported yet");
	case S_IFCHR:
		return reason_set(why, "a character device, not an image");
	case S_IFIFO:
		return reason_set(why, "a FIFO, not an image");
	case S_IFSOCK:
		return reason_set(why, "a socket, not an image");
	default:
		return reason_set(why, "not a regular file");
	}
}

static int
explain_open(int error, bool is_writable, struct reason *why)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return reason_set(why, "no such file");
	case EACCES:
	case EPERM:
	case EROFS:
	case ETXTBSY:
		return reason_set(
			why, "not %s: %s", is_writable ? "writable" : "readable", strerror(error));
	default:
		return reason_set(why, "cannot open: %s", strerror(error));
	}
}

/*
 * The type is asked before the file is opened, since opening a device can do something to it, and
 * again afterwards, since the name may stand for another file by then.
 */
static int
open_regular(const char *path, bool is_writable, struct reason *why)
{
	struct stat st;
	int fd, flags;

	if (is_nbd_uri(path))
		return refuse_nbd(why);
	if (stat(path, &st) != 0)
		return explain_open(errno, false, why);
	if (check_type(&st, why) != 0)
		return -1;
	fd = open(path, (is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return explain_open(errno, is_writable, why);
	if (fstat(fd, &st) != 0) {
		reason_set(why, "cannot open: %s", strerror(errno));
		goto fail;
	}
	if (check_type(&st, why) != 0)
		goto fail;
	/* O_NONBLOCK was for what is no regular file; some filesystems give it a meaning. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
		reason_set(why, "cannot open: %s", strerror(errno));
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

/* The kernel knows the process behind a classic lock, but not the one behind an OFD lock. */
static int
explain_lock(int fd, struct flock lock, struct reason *why)
{
	lock.l_pid = 0;
	if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return reason_set(why, "in use: by another slot or process");
	if (lock.l_pid > 0)
		return reason_set(why, "in use: %s by process %ld",
			lock.l_type == F_WRLCK ? "written" : "read", (long)lock.l_pid);
	return reason_set(why, "in use: %s by another slot or process",
		lock.l_type == F_WRLCK ? "written" : "read");
}

static int
lock_whole(int fd, bool is_writable, struct reason *why)
{
	struct flock lock = { 0 };

	lock.l_type = is_writable ? F_WRLCK : F_RDLCK;
	lock.l_whence = SEEK_SET;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	switch (errno) {
	case EACCES:
	case EAGAIN:
		return explain_lock(fd, lock, why);
	case ENOLCK:
	case EOPNOTSUPP:
	case EINVAL:
	case ENOSYS:
		if (!is_writable)
			return 0;
		/* fallthrough */
	default:
		return reason_set(why, "cannot lock: %s", strerror(errno));
	}
}

/* Size last: whoever had the lock before may have changed it. */
static int
ask_size(int fd, uint64_t *size, struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return reason_set(why, "cannot open: %s", strerror(errno));
	if (st.st_size <= 0)
		return reason_set(why, "the file is empty");
	*size = (uint64_t)st.st_size;
	return 0;
}

int
file_open(const char *path, bool is_writable, uint64_t *size, struct reason *why)
{
	int fd = open_regular(path, is_writable, why);

	if (fd < 0)
		return -1;
	if (lock_whole(fd, is_writable, why) != 0 || ask_size(fd, size, why) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
file_open_unlocked(const char *path, uint64_t *size, struct reason *why)
{
	int fd = open_regular(path, false, why);

	if (fd < 0)
		return -1;
	if (ask_size(fd, size, why) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
file_again(int fd, uint64_t *size, struct reason *why)
{
	int again = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (again < 0)
		return reason_set(why, "cannot open: %s", strerror(errno));
	if (ask_size(again, size, why) != 0) {
		close(again);
		return -1;
	}
	return again;
}

bool
file_is_at(int fd, const char *path)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

int
file_read(int fd, uint64_t off, uint8_t *out, size_t len, bool only_cached)
{
	struct iovec part;
	ssize_t n;

	while (len > 0) {
		part.iov_base = out;
		part.iov_len = len;
		n = preadv2(fd, &part, 1, (off_t)off, only_cached ? RWF_NOWAIT : 0);
		/* Linux 5.9 and 5.10 may return 0 here where the file does not end. */
		if (n <= 0 && only_cached)
			return EAGAIN;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return -1;
		out += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_write(int fd, uint64_t off, const uint8_t *data, size_t len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return errno;
	if ((uint64_t)st.st_size < off || (uint64_t)st.st_size - off < len)
		return -1;
	while (len > 0) {
		n = pwrite(fd, data, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		data += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
