/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_parts: what the files options*.c share. Nobody else includes it. */
#ifndef BMCSIM_OPTIONS_PARTS_H
#define BMCSIM_OPTIONS_PARTS_H

#include "base/compiler.h"
#include "base/reason.h"
#include "bmcsim/options.h"

/* Sets what the option stands for. 0, or -1 with the reason. */
typedef int option_set(struct options *out, const char *value, struct reason *why);

/* ---- options.c ---- */

/* Replaces *out by a copy of text, which must not be empty. */
int option_text(const char *text, char **out, struct reason *why) MUST_CHECK;

/* ---- options_media.c ---- */

option_set option_slots, option_token, option_ack, option_owner, option_owner_field,
	option_attach_mode, option_refusal_pause, option_poll, option_reboot_time, option_control;

/* ---- options_web.c ---- */

option_set option_web_port_base, option_web, option_user, option_password, option_password_file,
	option_web_quirks, option_web_sessions, option_session_life, option_token_life, option_ban,
	option_licence, option_privilege, option_tls, option_tls_pem, option_media_tls,
	option_single_port, option_tunnel, option_websocket;

/* In the order of their bits, NULL behind the last. */
const char *option_web_quirk_name(unsigned bit);

/* Frees a secret and leaves no trace of it. */
void option_erase(char **secret);

/* ---- options_dialect.c ---- */

/* What was not given is as the dialect has it; what does not fit together has a reason. */
int options_follow_dialect(struct options *options, struct reason *why) MUST_CHECK;

#endif
