/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_base: bytes, slots' names, strings, units, the log, and the nearest word. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/human.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/reason.h"
#include "base/slot.h"
#include "base/strlist.h"
#include "unit.h"

START_TEST(test_bytes)
{
	static const uint8_t b[] = { 0x81, 0x02, 0x83, 0x04, 0x85, 0x06, 0x87, 0x08 };
	uint8_t out[8];

	ck_assert_uint_eq(get_le16(b), 0x0281);
	ck_assert_uint_eq(get_le32(b), 0x04830281);
	ck_assert_uint_eq(get_be16(b), 0x8102);
	ck_assert_uint_eq(get_be24(b), 0x810283);
	ck_assert_uint_eq(get_be32(b), 0x81028304);
	ck_assert_uint_eq(get_be64(b), 0x8102830485068708);
	put_le32(out, 0x04830281);
	ck_assert_mem_eq(out, b, 4);
	put_be16(out, 0x8102);
	ck_assert_mem_eq(out, b, 2);
	put_be24(out, 0x810283);
	ck_assert_mem_eq(out, b, 3);
	put_be32(out, 0x81028304);
	ck_assert_mem_eq(out, b, 4);
	put_be64(out, 0x8102830485068708);
	ck_assert_mem_eq(out, b, 8);
}
END_TEST

START_TEST(test_slot_names)
{
	char out[SLOT_NAME_SIZE], longest[TARGET_NAME_MAX + 2];
	enum device device;
	struct reason why;
	int instance;

	slot_format(out, "node42", DEVICE_CD, 0);
	ck_assert_str_eq(out, "node42/cd");
	slot_format(out, "node42", DEVICE_HD, 3);
	ck_assert_str_eq(out, "node42/hd3");
	ck_assert_int_eq(slot_parse_suffix("fd", &device, &instance, &why), 0);
	ck_assert(device == DEVICE_FD && instance == 0);
	ck_assert_int_eq(slot_parse_suffix("cd1", &device, &instance, &why), 0);
	ck_assert(device == DEVICE_CD && instance == 1);
	ck_assert_int_eq(slot_parse_suffix("hd0", &device, &instance, &why), 0);
	ck_assert(device == DEVICE_HD && instance == 0);
	ck_assert_int_eq(slot_parse_suffix("cd4", &device, &instance, &why), -1);
	ck_assert_str_eq(why.text, "no such instance: \"cd4\" (cd0 to cd3)");
	ck_assert_int_eq(slot_parse_suffix("cd01", &device, &instance, &why), -1);
	ck_assert_int_eq(slot_parse_suffix("usb", &device, &instance, &why), -1);
	ck_assert_str_eq(why.text, "no such device: \"usb\" (cd, fd or hd)");
	ck_assert_int_eq(slot_parse_suffix("", &device, &instance, &why), -1);
	ck_assert_int_eq(slot_parse_suffix("c", &device, &instance, &why), -1);

	memset(longest, 'n', sizeof(longest));
	longest[TARGET_NAME_MAX + 1] = '\0';
	ck_assert(!target_name_is_valid(longest));
	longest[TARGET_NAME_MAX] = '\0';
	ck_assert(target_name_is_valid(longest));
	slot_format(out, longest, DEVICE_FD, 2);
	ck_assert_uint_eq(strlen(out), TARGET_NAME_MAX + 4);
	ck_assert(target_name_is_valid("rack2-node.01_b"));
	ck_assert(!target_name_is_valid(""));
	ck_assert(!target_name_is_valid("-x"));
	ck_assert(!target_name_is_valid("a/b"));
	ck_assert(!target_name_is_valid("a b"));
	ck_assert(!target_name_is_valid("@a"));
}
END_TEST

START_TEST(test_strlist)
{
	struct strlist list = { 0 };

	for (int i = 0; i < 100; i++)
		strlist_addf(&list, "item %d", i);
	ck_assert_uint_eq(list.count, 100);
	ck_assert_str_eq(list.items[99], "item 99");
	ck_assert_ptr_null(list.items[100]);
	ck_assert(strlist_has(&list, "item 7"));
	ck_assert(!strlist_has(&list, "item"));
	strlist_fini(&list);
	ck_assert_uint_eq(list.count, 0);
	strlist_add(&list, "again");
	ck_assert_str_eq(list.items[0], "again");
	strlist_fini(&list);
}
END_TEST

START_TEST(test_memory)
{
	char *text = mem_printf("%s-%d", "a", 7), *copy = mem_strdup(text);

	ck_assert_str_eq(copy, "a-7");
	ck_assert_ptr_null(mem_strdup(NULL));
	free(text);
	free(copy);
	free(mem_new(0, 8));
}
END_TEST

START_TEST(test_human)
{
	/* clang-format off */
	static const struct { uint64_t n; const char *text; } bytes[] = {
		{ 0, "0 B" }, { 512, "512 B" }, { 999, "999 B" }, { 1000, "1.0 KiB" },
		{ 1024, "1.0 KiB" }, { 1474560, "1.4 MiB" }, { 10240, "10 KiB" },
		{ 1023488, "1.0 MiB" }, { 3221225472, "3.0 GiB" }, { UINT64_MAX, "16 EiB" },
	};
	static const struct { double s; const char *text; } ages[] = {
		{ -3, "now" }, { 0.2, "now" }, { 12.9, "12 s" }, { 59.99, "59 s" }, { 60, "1 min" },
		{ 150, "2 min" }, { 3600, "1 h" }, { 86400 * 5.5, "5 d" }, { 1e300, "100000 d" },
	}, times[] = {
		{ 0, "0 us" }, { 85e-6, "85 us" }, { 1.2e-3, "1.2 ms" }, { 0.0456, "46 ms" },
		{ 3.4, "3.4 s" }, { -1, "0 us" },
	}, rates[] = {
		{ 0, "-" }, { 0.4, "-" }, { 2048, "2.0 KiB/s" }, { 3355443.2, "3.2 MiB/s" },
	};
	/* clang-format on */
	char out[HUMAN_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		ck_assert_str_eq(human_bytes(out, bytes[i].n), bytes[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++)
		ck_assert_str_eq(human_age(out, ages[i].s), ages[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		ck_assert_str_eq(human_duration(out, times[i].s), times[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		ck_assert_str_eq(human_rate(out, rates[i].s), rates[i].text);
	ck_assert_str_eq(human_count(out, 1, "slot"), "1 slot");
	ck_assert_str_eq(human_count(out, 0, "slot"), "0 slots");
}
END_TEST

START_TEST(test_nearest)
{
	static const char *const words[] = { "status", "show", "attach", "detach", "reload" };

	ck_assert_str_eq(nearest("statsu", words, ARRAY_SIZE(words)), "status");
	ck_assert_str_eq(nearest("atach", words, ARRAY_SIZE(words)), "attach");
	ck_assert_str_eq(nearest("detacch", words, ARRAY_SIZE(words)), "detach");
	ck_assert_str_eq(nearest("reload", words, ARRAY_SIZE(words)), "reload");
	ck_assert_ptr_null(nearest("frobnicate", words, ARRAY_SIZE(words)));
	ck_assert_ptr_null(nearest("", words, ARRAY_SIZE(words)));
	ck_assert_ptr_null(nearest("x", NULL, 0));
}
END_TEST

START_TEST(test_reason)
{
	struct reason why;
	char big[1000];

	ck_assert_int_eq(reason_set(&why, "in use by %s", "10.0.0.7"), -1);
	ck_assert_str_eq(why.text, "in use by 10.0.0.7");
	reason_set(&why, "%s", "a\nb\033[1mc\x7f");
	ck_assert_str_eq(why.text, "a?b?[1mc?");
	memset(big, 'x', sizeof(big));
	big[999] = '\0';
	reason_set(&why, "%s", big);
	ck_assert_uint_eq(strlen(why.text), sizeof(why.text) - 1);
	reason_clear(&why);
	ck_assert_str_eq(why.text, "");
	ck_assert_int_eq(reason_set(NULL, "nobody asks"), -1);
}
END_TEST

/* What the function writes to stderr. */
static void
capture(void (*run)(void), char *out, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	ck_assert_ptr_nonnull(f);
	dup2(fileno(f), STDERR_FILENO);
	run();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void
write_some_lines(void)
{
	const struct log_about about = { .slot = "node42/cd", .reason = "in use by\n10.0.0.7" };

	log_init("iusbd");
	log_msg(LOG_LEVEL_INFO, "ready, %d targets", 3);
	log_msg(LOG_LEVEL_DEBUG, "not shown");
	log_about(LOG_LEVEL_WARNING, &about, "refused");
	log_set_level(LOG_LEVEL_ERROR);
	log_msg(LOG_LEVEL_WARNING, "not shown");
	log_msg(LOG_LEVEL_ERROR, "%s", "broken");
}

START_TEST(test_log)
{
	enum log_level level;
	char out[2048];

	unsetenv("JOURNAL_STREAM");
	capture(write_some_lines, out, sizeof(out));
	ck_assert_str_eq(out, "iusbd: ready, 3 targets\n"
			      "iusbd: warning: node42/cd: refused: in use by?10.0.0.7\n"
			      "iusbd: error: broken\n");
	ck_assert(log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG);
	ck_assert(!log_level_parse("loud", &level));
	ck_assert_str_eq(log_level_name(LOG_LEVEL_WARNING), "warning");
	ck_assert_int_eq(log_level(), LOG_LEVEL_ERROR);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_slot_names);
	tcase_add_test(tc, test_strlist);
	tcase_add_test(tc, test_memory);
	tcase_add_test(tc, test_human);
	tcase_add_test(tc, test_nearest);
	tcase_add_test(tc, test_reason);
	tcase_add_test(tc, test_log);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
