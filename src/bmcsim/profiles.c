/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profiles: real boards that the simulator can be like. */
#include "bmcsim/profiles.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

/* What is known of them: iusb-protocol 1.1, 7.1 to 7.3, 8.1, 8.2 and 10.4. */
static const struct profile profiles[] = {
	{ "floppy-2012",
		"Supermicro or Tyan of 2012: no login, the BMC speaks first, everything forwarded",
		"--dialect legacy --filter off --slots cd=1,fd=1,hd=1" },
	{ "asmb8", "ASUS ASMB8: empty SESSION_TOKEN, media ports reset until the JNLP was fetched",
		"--dialect asp --tls new --media-tls off --filter on --slots cd=1,fd=1,hd=1 "
		"--tunnel off --web-quirks "
		"http-1.0,status-twice,bad-with-200,redirect,empty-token,ports-locked" },
	{ "rd450x",
		"Lenovo RD450X: console TLS, media plain; says single port, yet its ports listen",
		"--dialect asp --tls new --media-tls off --single-port on --tunnel on --filter on "
		"--web-quirks bad-with-200,redirect,status-twice" },
	{ "irmc-s4",
		"Fujitsu iRMC S4: media by the tunnel only, a fresh token in each JNLP, two CDs",
		"--dialect asp --web digest --tls new --media-tls off --single-port on --tunnel on "
		"--quirks -open-ports --slots cd=2,fd=1,hd=1 "
		"--web-quirks redirect,token-once,tunnel-bare,jnlp-no-ports" },
	{ "spx12", "MegaRAC SP-X 12, Gigabyte MZ32-AR0: REST, TLS, 403 for 3 minutes after a burst",
		"--dialect rest --tls new --media-tls on --ban 30:180 --quirks -event-poll "
		"--slots cd=1,fd=0,hd=1 --web-quirks redirect,status-twice,101-then-200,list-500" },
	{ "gadget", "the newest: media by WebSocket only, a USB gadget that reads with READ(12)",
		"--dialect rest-gadget --tls new --media-tls on --single-port on --websocket on "
		"--quirks -open-ports --slots cd=1,fd=0,hd=0 --web-quirks redirect,101-then-200" },
};

const struct profile *
profile_at(size_t i)
{
	return i < ARRAY_SIZE(profiles) ? &profiles[i] : NULL;
}

const struct profile *
profile_find(const char *name, struct reason *why)
{
	const char *names[ARRAY_SIZE(profiles)], *meant;

	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		names[i] = profiles[i].name;
		if (strcmp(name, profiles[i].name) == 0)
			return &profiles[i];
	}
	meant = nearest(name, names, ARRAY_SIZE(names));
	if (meant)
		reason_set(why, "no profile \"%s\": did you mean \"%s\"?", name, meant);
	else
		reason_set(why, "no profile \"%s\"; \"list\" prints them", name);
	return NULL;
}

void
profiles_print(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		printf("%s\n    %s\n    %s\n", profiles[i].name, profiles[i].help,
			profiles[i].options);
}
