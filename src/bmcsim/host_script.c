/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_script: reads what the built-in host is to do. */
#include "bmcsim/host_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "bmcsim/values.h"

static const char loop_word[] = "loop";

enum {
	VERBS_MAX = 32,
};

static int
open_file(struct host_step *step, const char *path, struct reason *why)
{
	struct stat st;

	step->file = mem_strdup(path);
	step->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (step->fd < 0 || fstat(step->fd, &st) < 0)
		return reason_set(why, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return reason_set(
			why, "%s: %s", path, S_ISREG(st.st_mode) ? "is empty" : "is not a file");
	step->size = (uint64_t)st.st_size;
	return 0;
}

static int
unknown_verb(const char *name, struct reason *why)
{
	const char *names[VERBS_MAX], *meant;
	size_t count = 0;

	while (count + 1 < VERBS_MAX && host_verb_at(count)) {
		names[count] = host_verb_at(count)->name;
		count++;
	}
	names[count++] = loop_word;
	meant = nearest(name, names, count);
	if (meant)
		return reason_set(
			why, "the host knows no \"%s\": did you mean \"%s\"?", name, meant);
	return reason_set(why, "the host knows no \"%s\"", name);
}

/* word is "verb" or "verb=argument" and is cut in two. */
static int
parse_step(char *word, struct host_step *step, struct reason *why)
{
	char *argument = strchr(word, '='), *at;

	if (argument)
		*argument++ = '\0';
	step->fd = -1;
	step->verb = host_verb_find(word);
	if (!step->verb)
		return unknown_verb(word, why);
	if (step->verb->takes == TAKES_NOTHING) {
		if (argument)
			return reason_set(why, "\"%s\" takes no argument", word);
		return 0;
	}
	if (!argument || !*argument)
		return reason_set(why, "\"%s\" needs %s behind it: %s=...", word,
			step->verb->takes == TAKES_SECONDS ? "seconds" : "a file", word);
	switch (step->verb->takes) {
	case TAKES_SECONDS:
		return value_seconds(argument, 0, &step->seconds, why);
	case TAKES_FILE_AND_LBA:
		at = strrchr(argument, '@');
		if (at && value_number(at + 1, 0, UINT32_MAX, &step->lba, why) < 0)
			return -1;
		if (at)
			*at = '\0';
		return open_file(step, argument, why);
	case TAKES_FILE:
		return open_file(step, argument, why);
	case TAKES_NOTHING:
		break;
	}
	return 0;
}

static int
add_word(struct host_script *script, char *word, struct reason *why)
{
	const struct host_step *before =
		script->count > 0 ? &script->steps[script->count - 1] : NULL;

	if (script->is_loop)
		return reason_set(why, "nothing can follow \"loop\"");
	if (strcmp(word, loop_word) == 0) {
		if (!before)
			return reason_set(why, "\"loop\" has nothing to repeat");
		script->is_loop = true;
		return 0;
	}
	if (script->count == HOST_STEPS_MAX)
		return reason_set(why, "more than %d steps", HOST_STEPS_MAX);
	if (before && strcmp(before->verb->name, "eject") == 0)
		return reason_set(why, "nothing but \"loop\" can follow \"eject\"");
	return parse_step(word, &script->steps[script->count++], why);
}

struct host_script *
host_script_new(const char *text, struct reason *why)
{
	struct host_script *script = mem_new(1, sizeof(*script));
	char *copy, *rest, *word;
	int result = 0;

	for (size_t i = 0; i < HOST_STEPS_MAX; i++)
		script->steps[i].fd = -1;
	copy = rest = mem_strdup(text);
	while (result == 0 && (word = strsep(&rest, ",")))
		result = add_word(script, word, why);
	free(copy);
	if (result == 0)
		return script;
	host_script_free(script);
	return NULL;
}

void
host_script_free(struct host_script *script)
{
	if (!script)
		return;
	for (size_t i = 0; i < script->count; i++) {
		free(script->steps[i].file);
		if (script->steps[i].fd >= 0)
			close(script->steps[i].fd);
	}
	free(script);
}
