/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_jnlp: any bytes as a JNLP and as the JavaScript text of an `.asp` page: what is found fits
 * its place. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bmc/asp_text.h"
#include "bmc/jnlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_number(int number)
{
	if (number < -1 || number > 65535)
		abort();
}

static void
check_jnlp(const char *text, size_t size)
{
	struct reason why = { 0 };
	struct jnlp jnlp;

	if (jnlp_parse(text, size, &jnlp, &why) < 0) {
		if (!why.text[0] || jnlp.token[0])
			abort();
		return;
	}
	if (strnlen(jnlp.token, JNLP_VALUE_SIZE) >= JNLP_VALUE_SIZE ||
		strnlen(jnlp.web_cookie, JNLP_VALUE_SIZE) >= JNLP_VALUE_SIZE)
		abort();
	check_number(jnlp.token_type);
	check_number(jnlp.is_secure);
	check_number(jnlp.web_secure_port);
	for (int i = 0; i < DEVICE_COUNT; i++) {
		check_number(jnlp.state[i]);
		check_number(jnlp.port[i]);
		check_number(jnlp.num[i]);
	}
}

static void
check_asp(const char *text, size_t size)
{
	static const char *const names[] = { "SESSION_COOKIE", "HAPI_STATUS", "A" };
	char value[24];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!asp_text_find(text, size, names[i], value, sizeof(value)) && value[0])
			abort();
		if (strnlen(value, sizeof(value)) >= sizeof(value))
			abort();
		check_number(asp_text_number(text, size, names[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_jnlp((const char *)data, size);
	check_asp((const char *)data, size);
	return 0;
}
