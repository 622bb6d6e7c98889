/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log: one line for each thing an operator cares about. */
#include "config.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

enum {
	LINE_SIZE = 1024,
};

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static const char *program_name = "iusbd";
static enum log_level max_level = LOG_LEVEL_INFO;
#ifdef HAVE_SYSTEMD
static bool is_journal;
#endif

#ifdef HAVE_SYSTEMD
/* systemd sets JOURNAL_STREAM to "device:inode" of the stream it connected stderr to. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}
#endif

void
log_init(const char *program)
{
	program_name = program;
#ifdef HAVE_SYSTEMD
	is_journal = stderr_is_journal();
#endif
}

void
log_set_level(enum log_level level)
{
	max_level = level;
}

enum log_level
log_level(void)
{
	return max_level;
}

bool
log_is_on(enum log_level level)
{
	return level <= max_level;
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

bool
log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* Text from a peer or a file must not be able to start a line of its own. */
static void
make_printable(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

#ifdef HAVE_SYSTEMD
static void
send_journal(enum log_level level, const struct log_about *about, const char *line)
{
	char fields[7][LINE_SIZE + 32];
	struct iovec iov[7];
	int n = 0;
	const struct {
		const char *name, *value;
	} extra[] = {
		{ "IUSB_TARGET", about->target },
		{ "IUSB_DEVICE", about->device },
		{ "IUSB_IMAGE", about->image },
		{ "IUSB_REASON", about->reason },
	};

	snprintf(fields[n++], sizeof(fields[0]), "MESSAGE=%s", line);
	snprintf(fields[n++], sizeof(fields[0]), "PRIORITY=%d", levels[level].priority);
	snprintf(fields[n++], sizeof(fields[0]), "SYSLOG_IDENTIFIER=%s", program_name);
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
		if (extra[i].value && extra[i].value[0])
			snprintf(fields[n++], sizeof(fields[0]), "%s=%s", extra[i].name,
				extra[i].value);
	for (int i = 0; i < n; i++)
		iov[i] = (struct iovec){ fields[i], strlen(fields[i]) };
	sd_journal_sendv(iov, n);
}
#endif

static void PRINTF_LIKE(3, 0)
	emit(enum log_level level, const struct log_about *about, const char *fmt, va_list ap)
{
	static const struct log_about nothing;
	char line[LINE_SIZE];
	size_t n = 0;

	if (!log_is_on(level))
		return;
	if (!about)
		about = &nothing;
	if (about->slot)
		n = (size_t)snprintf(line, sizeof(line), "%.200s: ", about->slot);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	n = strlen(line);
	if (about->reason && about->reason[0])
		snprintf(line + n, sizeof(line) - n, ": %s", about->reason);
	make_printable(line);
#ifdef HAVE_SYSTEMD
	if (is_journal) {
		send_journal(level, about, line);
		return;
	}
#endif
	if (level == LOG_LEVEL_INFO)
		fprintf(stderr, "%s: %s\n", program_name, line);
	else
		fprintf(stderr, "%s: %s: %s\n", program_name, levels[level].name, line);
}

void
log_msg(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(level, NULL, fmt, ap);
	va_end(ap);
}

void
log_about(enum log_level level, const struct log_about *about, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(level, about, fmt, ap);
	va_end(ap);
}
