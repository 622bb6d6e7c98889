/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webhead: repeated status lines. */
#include "bmc/webhead.h"

#include <string.h>

static const char prefix[] = "HTTP/";

enum { PREFIX_LEN = sizeof(prefix) - 1 };

static bool
may_be_status(const char *line, size_t len)
{
	return memcmp(line, prefix, len < PREFIX_LEN ? len : PREFIX_LEN) == 0;
}

static bool
is_empty(const char *line, size_t len)
{
	return len == 1 || (len == 2 && line[0] == '\r');
}

/* Nothing but the status line is sure to come with 1xx, 204 and 304: nobody may wait for more. */
static bool
is_waited_for(const char *line, size_t len)
{
	const char *code = memchr(line, ' ', len);

	return !code || (size_t)(line + len - code) < 4 ||
	       !(code[1] == '1' || memcmp(code + 1, "204", 3) == 0 ||
		       memcmp(code + 1, "304", 3) == 0);
}

static void
pass_all(struct webhead *head, webhead_cb *pass, void *arg)
{
	if (head->held_len > 0)
		pass(arg, head->held, head->held_len);
	if (head->line_len > 0)
		pass(arg, head->line, head->line_len);
	head->held_len = head->line_len = 0;
	head->state = WEBHEAD_PASS;
}

/* True if what is in line may still become what we look for. */
static bool
is_worth_waiting(const struct webhead *head)
{
	if (head->line_len >= sizeof(head->line))
		return false;
	if (may_be_status(head->line, head->line_len))
		return true;
	return head->state == WEBHEAD_REPEAT && head->line[0] == '\r' && head->line_len == 1;
}

/* A whole line has come. */
static void
take_line(struct webhead *head, webhead_cb *pass, void *arg)
{
	if (head->line_len >= PREFIX_LEN && may_be_status(head->line, head->line_len)) {
		memcpy(head->held, head->line, head->line_len);
		head->held_len = head->line_len;
		head->has_gap = false;
		head->line_len = 0;
		head->state = WEBHEAD_REPEAT;
		if (!is_waited_for(head->held, head->held_len))
			pass_all(head, pass, arg);
	} else if (head->state == WEBHEAD_REPEAT && is_empty(head->line, head->line_len) &&
		   !head->has_gap && head->held_len + head->line_len <= sizeof(head->held)) {
		memcpy(head->held + head->held_len, head->line, head->line_len);
		head->held_len += head->line_len;
		head->has_gap = true;
		head->line_len = 0;
	} else {
		pass_all(head, pass, arg);
	}
}

void
webhead_feed(struct webhead *head, const void *bytes, size_t len, webhead_cb *pass, void *arg)
{
	const char *at = bytes, *end = at + len;

	while (at < end && head->state != WEBHEAD_PASS) {
		head->line[head->line_len++] = *at++;
		if (head->line[head->line_len - 1] == '\n')
			take_line(head, pass, arg);
		else if (!is_worth_waiting(head))
			pass_all(head, pass, arg);
	}
	if (at < end)
		pass(arg, at, (size_t)(end - at));
}

void
webhead_end(struct webhead *head, webhead_cb *pass, void *arg)
{
	pass_all(head, pass, arg);
}
