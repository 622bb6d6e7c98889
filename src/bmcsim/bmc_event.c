/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_event: the event status of a CD that a BMC keeps itself. */
#include "bmcsim/bmc_event.h"

#include <string.h>

enum {
	CLASS_MEDIA = 0x04,
	CLASSES_KNOWN = 0xDE,
	TRAY_OPEN = 1,
	MEDIUM_PRESENT = 2,
};

void
bmc_event_set(struct bmc_event_state *state, bool has_medium)
{
	if (has_medium != state->has_medium)
		state->next = has_medium ? MEDIA_EVENT_NEW : MEDIA_EVENT_EJECT_REQUEST;
	state->has_medium = has_medium;
}

void
bmc_event_answer(struct bmc_event_state *state, uint8_t out[EVENT_STATUS_LEN])
{
	enum bmc_media_event event = state->next;

	if (event == MEDIA_EVENT_NONE && !state->has_medium)
		event = MEDIA_EVENT_REMOVED;
	memset(out, 0, EVENT_STATUS_LEN);
	out[0] = EVENT_STATUS_LEN - 2; /* in its own byte order, not SCSI's */
	out[2] = CLASS_MEDIA;
	out[3] = CLASSES_KNOWN;
	out[4] = (uint8_t)event;
	out[5] = event == MEDIA_EVENT_REMOVED ? TRAY_OPEN : state->has_medium ? MEDIUM_PRESENT : 0;
	state->next = MEDIA_EVENT_NONE;
}
