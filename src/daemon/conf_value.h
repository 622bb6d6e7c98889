/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_value: what the texts of the configuration may be. Each check returns 0, or -1 with the
 * reason, which goes behind the setting's name. */
#ifndef DAEMON_CONF_VALUE_H
#define DAEMON_CONF_VALUE_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"

typedef int conf_check(const char *text, struct reason *why);

/* Length in bytes of the UTF-8 character at p, 0 if there is none (RFC 3629). p is NUL terminated.
 */
size_t conf_utf8_length(const char *p);

/* Every text: UTF-8 (it travels in JSON) without control characters. */
conf_check conf_check_text MUST_CHECK;

conf_check conf_check_path MUST_CHECK;   /* absolute */
conf_check conf_check_socket MUST_CHECK; /* as conf_check_path, fits a socket address */
conf_check conf_check_listen MUST_CHECK; /* "address:port" */
conf_check conf_check_user MUST_CHECK;   /* of a web login */
/* A file that can be read now, or "credential:NAME" of systemd. */
conf_check conf_check_password_file MUST_CHECK;
conf_check conf_check_address MUST_CHECK;    /* of a BMC: IPv4, IPv6 or a host name */
conf_check conf_check_image_name MUST_CHECK; /* of a named image */
conf_check conf_check_image_path MUST_CHECK; /* of a named image */
conf_check conf_check_image MUST_CHECK;      /* of an attachment: a name or a path */

#endif
