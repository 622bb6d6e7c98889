/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_conf: any text as a configuration file gives an object or errors; what is good prints to
 * something that reads back to the same print. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "daemon/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses a text that it reads just before some syntax errors. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\n";
}

static char dir[] = "/tmp/fuzz_conf.XXXXXX";
static char *main_path, *included_path, *again_path;

static void
write_file(const char *path, const void *data, size_t size)
{
	FILE *out = fopen(path, "w");

	if (!out || fwrite(data, 1, size, out) != size || fclose(out) != 0)
		abort();
}

static void
remove_files(void)
{
	unlink(main_path);
	unlink(included_path);
	unlink(again_path);
	rmdir(dir);
	free(main_path);
	free(included_path);
	free(again_path);
}

/* The input may include "a.inc", which includes "*.conf", the input itself. */
static void
make_files(void)
{
	static const char included[] =
		"{ name = \"inc\"; address = \"::1\"; }\n@include \"*.conf\"\n";

	if (!mkdtemp(dir))
		abort();
	main_path = mem_printf("%s/main.conf", dir);
	included_path = mem_printf("%s/a.inc", dir);
	again_path = mem_printf("%s/again", dir);
	write_file(included_path, included, sizeof(included) - 1);
	atexit(remove_files);
}

static char *
print(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	conf_print(conf, out);
	fclose(out);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strlist errors = { 0 };
	struct conf *conf, *again;
	char *first, *second;

	if (!main_path)
		make_files();
	write_file(main_path, data, size);
	conf = conf_load(main_path, &errors);
	if (!conf != (errors.count > 0))
		abort();
	strlist_fini(&errors);
	if (!conf)
		return 0;
	first = print(conf);
	write_file(again_path, first, strlen(first));
	again = conf_load(again_path, &errors);
	if (!again)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	conf_free(conf);
	conf_free(again);
	return 0;
}
