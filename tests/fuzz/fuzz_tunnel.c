/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_tunnel: any bytes from a web server that is asked for a tunnel: they mean the same in
 * whatever pieces they arrive, and the text that is read has a bound. */
#include <assert.h>
#include <string.h>

#include "bmc/http_head.h"
#include "bmc/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum tunnel_result result;
	bool has_opened, is_refused;
	size_t used;
	struct reason why;
};

static struct outcome
read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct outcome outcome = { 0 };
	struct tunnel tunnel = { 0 };
	size_t end = 0, used;

	while (outcome.used < size && outcome.result == TUNNEL_MORE) {
		if (outcome.used == end)
			end = piece < size - end ? end + piece : size;
		outcome.result = tunnel_read(
			&tunnel, data + outcome.used, end - outcome.used, &used, &outcome.why);
		outcome.used += used;
		assert(outcome.used <= end);
		assert(tunnel.total <= TUNNEL_TEXT_MAX + 1 && tunnel.len <= TUNNEL_LINE_MAX);
		if (outcome.result == TUNNEL_OPEN) {
			assert(!outcome.has_opened);
			outcome.has_opened = true;
			outcome.result = TUNNEL_MORE;
		}
	}
	assert(outcome.used <= TUNNEL_TEXT_MAX + 1);
	if (outcome.result == TUNNEL_MORE)
		outcome.is_refused = tunnel_is_refused(&tunnel, &outcome.why);
	return outcome;
}

/* What is a head with few bytes is the same head with more. */
static void
check_head(const char *text, size_t size)
{
	struct http_head whole, part;
	char value[32];

	if (http_head_parse(text, size, &whole) != HTTP_READY)
		return;
	assert(whole.len <= size && whole.len <= HTTP_HEAD_MAX);
	assert(http_head_parse(text, whole.len, &part) == HTTP_READY);
	assert(part.len == whole.len && part.status == whole.status);
	assert(http_head_parse(text, whole.len - 1, &part) == HTTP_NEED_MORE);
	if (http_head_field(&whole, "Server", value, sizeof(value)))
		assert(strlen(value) < sizeof(value));
	(void)http_head_has_token(&whole, "Connection", "upgrade");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = read_all(data, size, size + 1), bytes = read_all(data, size, 1),
		       pieces = read_all(data, size, 7);

	assert(whole.result == bytes.result && whole.result == pieces.result);
	assert(whole.used == bytes.used && whole.used == pieces.used);
	assert(whole.has_opened == bytes.has_opened && whole.is_refused == bytes.is_refused);
	assert(strcmp(whole.why.text, bytes.why.text) == 0);
	assert((whole.result == TUNNEL_REFUSED || whole.result == TUNNEL_BAD || whole.is_refused) ==
		(whole.why.text[0] != '\0'));
	check_head((const char *)data, size);
	return 0;
}
