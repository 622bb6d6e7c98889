/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_ctl: command lines of iusbctl run in a test, alone or against a scripted daemon. */
#ifndef TESTS_RUN_CTL_H
#define TESTS_RUN_CTL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctl/ctl.h"
#include "fake_daemon.h"

struct run { /* what a command line did */
	char *out, *err;
	int code;
	struct strlist requests; /* that the daemon got */
};

static inline void
run_fini(struct run *run)
{
	free(run->out);
	free(run->err);
	strlist_fini(&run->requests);
}

/* Runs "iusbctl --socket PATH" and the words of line, with input on standard input. */
static inline struct run
run_at(const char *path, const char *line, const char *input)
{
	struct run run = { 0 };
	size_t out_size, err_size;
	FILE *out = open_memstream(&run.out, &out_size), *err = open_memstream(&run.err, &err_size);
	FILE *in = tmpfile();
	char *words = mem_strdup(line), *save, *argv[32] = { NULL };
	int argc = 0;

	fputs(input == NULL ? "" : input, in);
	rewind(in);
	argv[argc++] = mem_strdup("iusbctl");
	argv[argc++] = mem_strdup("--socket");
	argv[argc++] = mem_strdup(path);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = mem_strdup(w);
	run.code = ctl_run(argc, (const char *const *)argv, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
	while (argc > 0)
		free(argv[--argc]);
	free(words);
	return run;
}

/* The same with a daemon that gives these answers. */
static inline struct run
run_with(const char *line, const char *input, const struct answer *answers, size_t count,
	enum fake_end end)
{
	struct fake fake;
	struct run run;

	fake_start(&fake, answers, count, end);
	run = run_at(fake.path, line, input);
	fake_stop(&fake);
	run.requests = fake.requests;
	return run;
}

static inline struct run
run_answer(const char *line, const char *answer)
{
	const struct answer answers[] = { { answer, 0 } };

	return run_with(line, NULL, answers, 1, FAKE_HOLD);
}

/* Nobody listens there: for what must end before the daemon is asked. */
static inline struct run
run_alone(const char *line, const char *input)
{
	return run_at("/nonexistent/socket", line, input);
}

#endif
