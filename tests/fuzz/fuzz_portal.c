/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_portal: any bytes as the answer of a BMC's web server to a request of a flow: the head is
 * mended and read, the body is bounded and read, and what comes of it can be used. The first byte
 * chooses the request. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bmc/portal_private.h"
#include "bmc/webhead.h"

static const struct flow *const flows[] = { &flow_rest, &flow_asp, &flow_digest };

struct reader {
	struct webanswer answer;
	char line[1024];
	size_t line_len;
	bool is_body;
};

/* As libcurl hands an answer over: lines, then the body. */
static void
pass_cb(void *arg, const void *bytes, size_t len)
{
	struct reader *reader = arg;
	const char *at = bytes, *end = at + len;

	for (; at < end && !reader->is_body; at++) {
		reader->line[reader->line_len++] = *at;
		if (*at != '\n' && reader->line_len < sizeof(reader->line))
			continue;
		webanswer_line(&reader->answer, reader->line, reader->line_len);
		reader->is_body = reader->line_len <= 2;
		reader->line_len = 0;
	}
	if (at < end && !webanswer_add(&reader->answer, at, (size_t)(end - at)) &&
		reader->answer.len + (size_t)(end - at) <= WEBANSWER_BODY_MAX)
		abort();
}

static void
check_login(const struct weblogin *login, const struct step *step, enum step_result result)
{
	const struct grant *grant = &login->grant;

	if (result != STEP_DONE && (login->failure == FAILURE_NONE || !login->why.text[0]))
		abort();
	if ((step->flags & STEP_LOGIN) && result == STEP_DONE &&
		(!login->is_open || !cookie_is_valid(login->cookie)))
		abort();
	if (login->is_open && !cookie_is_valid(login->cookie))
		abort();
	if (login->csrf[0] && !cookie_is_valid(login->csrf))
		abort();
	if (strnlen(grant->token, sizeof(grant->token)) > auth_token_max(grant->kind))
		abort();
	if (grant->cookie[0] && !cookie_is_valid(grant->cookie))
		abort();
	for (int i = 0; i < DEVICE_COUNT; i++)
		if (login->settings.slots[i] < -1 || login->settings.is_attached[i] > 1)
			abort();
}

static void
check(const struct flow *flow, const struct step *step, const uint8_t *data, size_t size)
{
	const struct portal_conf conf = { .user = "admin", .is_plain = size % 2 };
	struct weblogin login = { .conf = &conf, .flow = flow };
	struct webhead head = { 0 };
	struct reader reader = { 0 };
	enum step_result result;

	grant_clear(&login.settings);
	grant_clear(&login.grant);
	webanswer_init(&reader.answer, flow->cookie_name);
	webhead_feed(&head, data, size, pass_cb, &reader);
	webhead_end(&head, pass_cb, &reader);
	if (!(step->flags & STEP_LOGIN) && reader.answer.status / 100 != 2)
		result = step_bad_status(&login, step, &reader.answer);
	else
		result = step->read(&login, &reader.answer);
	check_login(&login, step, result);
	webanswer_fini(&reader.answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct flow *flow;
	unsigned n = 0;

	if (size == 0)
		return 0;
	flow = flows[data[0] % ARRAY_SIZE(flows)];
	while (flow->steps[n].path)
		n++;
	check(flow, &flow->steps[data[0] / ARRAY_SIZE(flows) % n], data + 1, size - 1);
	return 0;
}
