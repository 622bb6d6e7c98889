/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_script: what the built-in host is to do, as text: "enumerate,compare=dos.img,eject". */
#ifndef BMCSIM_HOST_SCRIPT_H
#define BMCSIM_HOST_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/reason.h"

struct host;

enum host_takes { /* what may stand behind a verb */
	TAKES_NOTHING,
	TAKES_FILE,         /* =FILE */
	TAKES_FILE_AND_LBA, /* =FILE@LBA, or =FILE for LBA 0 */
	TAKES_SECONDS,      /* =SECONDS */
};

struct host_verb { /* the table is in host_verbs.c */
	const char *name;
	enum host_takes takes;
	void (*start)(struct host *host); /* ends with host_pass() or host_fail() */
	const char *help;
};

/* The verb with that name; verb i; NULL if there is none. */
const struct host_verb *host_verb_find(const char *name);
const struct host_verb *host_verb_at(size_t i);

struct host_step {
	const struct host_verb *verb;
	char *file; /* as given */
	int fd;     /* opened for reading, -1 if none */
	uint64_t size;
	uint32_t lba;
	double seconds;
};

enum {
	HOST_STEPS_MAX = 64,
};

/* Shared by all hosts that run it; steps is owned. */
struct host_script {
	struct host_step steps[HOST_STEPS_MAX];
	size_t count;
	bool is_loop; /* "loop" stood at the end */
};

/* Reads the text and opens the files it names. NULL with the reason. */
struct host_script *host_script_new(const char *text, struct reason *why) MUST_CHECK;
void host_script_free(struct host_script *script);

#endif
