/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_media: options about slots, tokens, refusals and what happens to a BMC. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bmcsim/options_parts.h"
#include "bmcsim/values.h"
#include "iusb/auth.h"

enum {
	STATUS_MAX = 255,
};

/* cd=2,fd=1 */
int
option_slots(struct options *out, const char *value, struct reason *why)
{
	char *copy = mem_strdup(value), *rest = copy, *word;
	enum device device;
	int result = 0;

	while (result == 0 && (word = strsep(&rest, ","))) {
		const char *name = strsep(&word, "=");
		uint32_t count;

		if (!word || !device_parse(name, &device))
			result = reason_set(why, "\"%s\" is no device and number, as cd=2", name);
		else
			result = value_number(word, 0, SLOT_INSTANCES, &count, why);
		if (result == 0)
			out->conf.slots[device] = count;
	}
	free(copy);
	out->given |= GIVEN_SLOTS;
	return result;
}

int
option_token(struct options *out, const char *value, struct reason *why)
{
	if (strlen(value) >= AUTH_TOKEN_SIZE)
		return reason_set(
			why, "it is longer than the %d characters of AUTH", AUTH_TOKEN_SIZE - 1);
	return option_text(value, &out->token, why);
}

int
options_parse_ack(const char *text, struct bmc_conf *out, struct reason *why)
{
	char *copy = mem_strdup(text), *times = copy;
	const char *status = strsep(&times, ":");
	uint32_t ack = 0, ack_times = 0;
	int result = value_number(status, 0, STATUS_MAX, &ack, why);

	if (result == 0 && times)
		result = value_number(times, 0, INT32_MAX, &ack_times, why);
	free(copy);
	if (result < 0)
		return -1;
	out->ack = (uint8_t)ack;
	out->ack_times = ack_times;
	return 0;
}

int
option_ack(struct options *out, const char *value, struct reason *why)
{
	return options_parse_ack(value, &out->conf, why);
}

int
option_owner(struct options *out, const char *value, struct reason *why)
{
	uint8_t binary[16];

	if (inet_pton(AF_INET, value, binary) != 1 && inet_pton(AF_INET6, value, binary) != 1)
		return reason_set(why, "\"%s\" is no address", value);
	return option_text(value, &out->owner, why);
}

int
option_owner_field(struct options *out, const char *value, struct reason *why)
{
	static const uint8_t sizes[] = { 0, 24, 39, 45 };
	uint32_t size;

	if (value_number(value, 0, STATUS_MAX, &size, why) < 0)
		return -1;
	if (!memchr(sizes, (int)size, sizeof(sizes)))
		return reason_set(why, "\"%s\" is none of 0, 24, 39, 45", value);
	out->conf.owner_field = (uint8_t)size;
	out->given |= GIVEN_OWNER_FIELD;
	return 0;
}

int
option_attach_mode(struct options *out, const char *value, struct reason *why)
{
	static const char *const names[] = {
		[ATTACH_SESSION] = "session",
		[ATTACH_ALWAYS] = "always",
		[ATTACH_DETACHED] = "detached",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			out->conf.attach = (enum bmc_attach)i;
			return 0;
		}
	}
	return reason_set(why, "\"%s\" is none of session, always, detached", value);
}

int
option_refusal_pause(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0, &out->conf.refusal_pause, why);
}

int
option_poll(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0.001, &out->conf.poll, why);
}

int
option_reboot_time(struct options *out, const char *value, struct reason *why)
{
	return value_seconds(value, 0, &out->conf.reboot_time, why);
}

int
option_control(struct options *out, const char *value, struct reason *why)
{
	return option_text(value, &out->control, why);
}
