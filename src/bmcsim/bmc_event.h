/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmc_event: the event status of a CD that a BMC keeps itself (iusb-protocol 10.2). Pure. */
#ifndef BMCSIM_BMC_EVENT_H
#define BMCSIM_BMC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	EVENT_STATUS_LEN = 8,
};

enum bmc_media_event { /* what GET EVENT STATUS tells next */
	MEDIA_EVENT_NONE = 0,
	MEDIA_EVENT_EJECT_REQUEST = 1, /* the session exits */
	MEDIA_EVENT_NEW = 2,           /* the slot was activated */
	MEDIA_EVENT_REMOVED = 3,       /* read with no session */
};

/* Zero-initialised: no medium, nothing to tell. */
struct bmc_event_state {
	bool has_medium;
	enum bmc_media_event next;
};

/* A session came or went. */
void bmc_event_set(struct bmc_event_state *state, bool has_medium);

/* The answer to GET EVENT STATUS, not yet clipped; what was told is forgotten. */
void bmc_event_answer(struct bmc_event_state *state, uint8_t out[EVENT_STATUS_LEN]);

#endif
