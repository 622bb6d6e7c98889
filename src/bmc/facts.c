/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: what has been learned of a BMC. */
#include "bmc/facts.h"

#include <assert.h>
#include <string.h>

const char *
pin_name(enum pin pin)
{
	return pin == PIN_WEB ? "web" : "media";
}

static void
tell(const struct facts *facts)
{
	if (facts->changed)
		facts->changed(facts->arg, facts);
}

void
facts_set_dialect(struct facts *facts, const struct dialect *dialect)
{
	assert(!dialect || !dialect->is_auto);
	if (facts->dialect == dialect)
		return;
	facts->dialect = dialect;
	tell(facts);
}

void
facts_set_pin(struct facts *facts, enum pin pin, const char *fingerprint)
{
	assert(strlen(fingerprint) < FINGERPRINT_SIZE);
	if (strcmp(facts->pin[pin], fingerprint) == 0)
		return;
	strcpy(facts->pin[pin], fingerprint);
	tell(facts);
}
