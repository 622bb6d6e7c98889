/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log: one line for each thing an operator cares about, to stderr or to the journal with fields. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* What a line is about. All members may be NULL. They become the journal fields IUSB_TARGET,
 * IUSB_DEVICE, IUSB_IMAGE and IUSB_REASON. */
struct log_about {
	const char *slot; /* the prefix of the line, "node42/cd" */
	const char *target;
	const char *device;
	const char *image;
	const char *reason; /* appended to the line as ": reason" */
};

/*
 * Where lines go: to the journal if stderr is connected to it (JOURNAL_STREAM) and libsystemd is
 * built in, else to stderr as "program: LEVEL: text" (no level for info). Start level: info.
 */
void log_init(const char *program);

/* The level can be changed at any time. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
bool log_is_on(enum log_level level);

/* "error", "warning", "info", "debug"; log_level_parse() returns false for any other text. */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *text, enum log_level *level);

/* A line about the program as a whole. Never a token or password. */
void log_msg(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A line about a slot or image. about may be NULL. */
void log_about(enum log_level level, const struct log_about *about, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
