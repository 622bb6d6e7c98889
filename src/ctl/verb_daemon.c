/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_daemon: the verbs that change the daemon itself: reload. */
#include "ctl/field.h"
#include "ctl/verb.h"

int
verb_reload(struct verb *verb)
{
	struct client_request request = { .method = "org.iusbd.Reload", .timeout = VERB_TIMEOUT };
	json_t *answer;
	enum exitcode code = verb_call(verb, &request, true, &answer);

	if (code != EXITCODE_DONE)
		return code;
	verb->output->format->reload(verb->output, answer);
	json_decref(answer);
	return code;
}
