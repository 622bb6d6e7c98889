/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_schema: the table of all settings. */
#include "daemon/conf_schema.h"

#include <string.h>

#include "daemon/conf.h"

static const struct conf_word transports[] = {
	{ "auto", CHOOSE_TRANSPORT, false },
	{ "direct", CHOOSE_DIRECT, false },
	{ "tunnel", CHOOSE_TUNNEL, false },
	{ "websocket", CHOOSE_WEBSOCKET, false },
	{ NULL, 0, false },
};

static const struct conf_word logins[] = {
	{ "none", CONF_LOGIN_NONE, false },
	{ "token", CONF_LOGIN_TOKEN, false },
	{ "asp", CONF_LOGIN_ASP, false },
	{ "rest", CONF_LOGIN_REST, false },
	{ "auto", CONF_LOGIN_AUTO, false },
	{ NULL, 0, false },
};

static const struct conf_word tls_modes[] = {
	{ "off", TLS_OFF, false },
	{ "on", TLS_ON, false },
	{ "auto", TLS_AUTO, false },
	{ NULL, 0, false },
};

static const struct conf_word tls_verifies[] = {
	{ "ca", TLS_VERIFY_CA, false },
	{ "pin", TLS_VERIFY_PIN, false },
	{ "none", TLS_VERIFY_NONE, false },
	{ NULL, 0, false },
};

static const struct conf_word devices[] = {
	{ "cd", DEVICE_CD, false },
	{ "fd", DEVICE_FD, false },
	{ "hd", DEVICE_HD, false },
	{ NULL, 0, false },
};

static const struct conf_word modes[] = {
	{ "ro", IMAGE_RO, false },
	{ "rw", IMAGE_RW, false },
	{ "cow", IMAGE_COW, true },
	{ NULL, 0, false },
};

/* clang-format off */
#define IN(type, member)       .offset = offsetof(struct type, member)
#define LIST(type, array, n, element) \
	IN(type, array), .count = offsetof(struct type, n), .size = sizeof(struct element)
#define BACKOFF                .what = "a number of seconds", .min = 0.1, .max = 86400

const struct conf_row conf_rows[] = {
	{ CONF_TOP, "socket", CONF_TEXT, IN(conf, socket), .check = conf_check_socket },
	{ CONF_TOP, "state_dir", CONF_TEXT, IN(conf, state_dir), .check = conf_check_path },
	{ CONF_TOP, "image_dirs", CONF_TEXTS, IN(conf, image_dirs), .check = conf_check_path },
	{ CONF_TOP, "login_parallel", CONF_INTEGER, IN(conf, login_parallel),
	  .what = "a number of BMCs", .min = 1, .max = 1000 },
	{ CONF_TOP, "metrics", CONF_TEXT, .check = conf_check_listen, .is_later = true },
	{ CONF_TOP, "defaults", CONF_GROUP, .inside = CONF_DEFAULTS },
	{ CONF_TOP, "images", CONF_LIST, LIST(conf, images, image_count, conf_image),
	  .inside = CONF_IMAGE },
	{ CONF_TOP, "targets", CONF_LIST, LIST(conf, targets, target_count, conf_target),
	  .inside = CONF_TARGET },

	{ CONF_IMAGE, "name", CONF_TEXT, IN(conf_image, name), .check = conf_check_image_name,
	  .is_needed = true },
	{ CONF_IMAGE, "path", CONF_TEXT, IN(conf_image, path), .check = conf_check_image_path,
	  .is_needed = true },

	/* Ranges: conf_target.c checks what they stand for. */
	{ CONF_TARGET, "name", CONF_TEXT, IN(conf_target, name), .is_needed = true },
	{ CONF_TARGET, "address", CONF_TEXT, IN(conf_target, address), .is_needed = true },
	{ CONF_DEFAULTS | CONF_TARGET, "dialect", CONF_DIALECT, IN(conf_target, dialect),
	  .what = "a dialect" },
	{ CONF_TARGET, "labels", CONF_LABEL_SET, IN(conf_target, labels) },
	{ CONF_TARGET, "ports", CONF_GROUP, .inside = CONF_PORTS },
	{ CONF_PORTS, "cd", CONF_PORT, IN(conf_target, port[DEVICE_CD]), .what = "a port" },
	{ CONF_PORTS, "fd", CONF_PORT, IN(conf_target, port[DEVICE_FD]), .what = "a port" },
	{ CONF_PORTS, "hd", CONF_PORT, IN(conf_target, port[DEVICE_HD]), .what = "a port" },
	{ CONF_PORTS, "web", CONF_PORT, IN(conf_target, web_port), .what = "a port" },
	{ CONF_DEFAULTS | CONF_TARGET, "transport", CONF_WORD, IN(conf_target, transport),
	  .what = "a transport", .words = transports },
	{ CONF_DEFAULTS | CONF_TARGET, "login", CONF_GROUP, .inside = CONF_LOGIN },
	{ CONF_LOGIN, "method", CONF_WORD, IN(conf_target, login), .what = "a login method",
	  .words = logins },
	{ CONF_LOGIN, "user", CONF_TEXT, IN(conf_target, login_user), .check = conf_check_user },
	{ CONF_LOGIN, "password_file", CONF_TEXT, IN(conf_target, login_secret),
	  .check = conf_check_password_file },
	{ CONF_DEFAULTS | CONF_TARGET, "tls", CONF_GROUP, .inside = CONF_TLS },
	{ CONF_TLS, "mode", CONF_WORD, IN(conf_target, tls_mode), .what = "a TLS mode",
	  .words = tls_modes },
	{ CONF_TLS, "verify", CONF_WORD, IN(conf_target, tls_verify),
	  .what = "a way to verify", .words = tls_verifies },
	{ CONF_TLS, "legacy", CONF_BOOL, IN(conf_target, tls_legacy) },
	{ CONF_DEFAULTS | CONF_TARGET, "backoff", CONF_GROUP, .inside = CONF_BACKOFF },
	{ CONF_BACKOFF, "min", CONF_NUMBER, IN(conf_target, backoff_min), BACKOFF },
	{ CONF_BACKOFF, "max", CONF_NUMBER, IN(conf_target, backoff_max), BACKOFF },
	{ CONF_TARGET, "attach", CONF_LIST, LIST(conf_target, attach, attach_count, conf_attach),
	  .inside = CONF_ATTACH },

	{ CONF_ATTACH, "device", CONF_WORD, IN(conf_attach, device), .what = "a device",
	  .words = devices, .is_needed = true },
	{ CONF_ATTACH, "instance", CONF_INTEGER, IN(conf_attach, instance),
	  .what = "an instance", .min = 0, .max = SLOT_INSTANCES - 1 },
	{ CONF_ATTACH, "image", CONF_TEXT, IN(conf_attach, image), .check = conf_check_image,
	  .is_needed = true },
	{ CONF_ATTACH, "mode", CONF_WORD, IN(conf_attach, mode), .what = "a mode",
	  .words = modes },
	{ 0, .key = NULL },
};
/* clang-format on */

const struct conf_row *
conf_row_find(enum conf_scope scope, const char *key)
{
	for (const struct conf_row *row = conf_rows; row->key; row++)
		if ((row->scopes & scope) && strcmp(row->key, key) == 0)
			return row;
	return NULL;
}

const char *
conf_word_text(const struct conf_word *words, int value)
{
	while (words->text && words->value != value)
		words++;
	return words->text;
}
