/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: runs a fuzz target once over its corpus, with no fuzzer: replay_NAME reads every file of
 * tests/fuzz/corpus/NAME. TAP; the file that is in work stands in the log, should the program die.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Exactly as long as the file, so that a read behind its end is seen. */
static bool
replay_file(const char *path)
{
	static uint8_t buffer[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *input;
	size_t size;

	printf("# %s\n", path);
	fflush(stdout);
	if (file == NULL)
		return false;
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	input = malloc(size + (size == 0));
	if (input == NULL)
		return false;
	memcpy(input, buffer, size);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
	return true;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = argc > 0 ? strstr(argv[0], "replay_") : NULL;
	unsigned replayed = 0, failed = 0;
	struct dirent *entry;
	char dir[3072], path[4096];
	DIR *corpus;

	printf("1..1\n");
	name = name != NULL ? name + strlen("replay_") : "";
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name);
	corpus = opendir(dir);
	while (corpus != NULL && (entry = readdir(corpus)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (replay_file(path))
			replayed++;
		else
			failed++;
	}
	if (corpus != NULL)
		closedir(corpus);
	printf("%sok 1 - %s: %u inputs, %u of them unreadable\n",
		replayed > 0 && failed == 0 ? "" : "not ", dir, replayed, failed);
	return replayed > 0 && failed == 0 ? 0 : 1;
}
