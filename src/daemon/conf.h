/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf: the configuration file (iusbd.conf(5), design section 5), read whole and validated into one
 * fresh object. A file with an error gives no object and all its errors at once.
 */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/slot.h"
#include "base/strlist.h"
#include "bmc/session.h"
#include "image/image.h"
#include "iusb/dialect.h"

struct conf_label {
	char *key, *value;
};

struct conf_attach { /* a standing attachment */
	enum device device;
	int instance;
	char *image; /* as written: a name of images, a path, or relative to image_dirs */
	enum image_mode mode;
};

enum conf_login {           /* how a token is got (iusb-protocol 8) */
	CONF_LOGIN_DEFAULT, /* by dialect; no target has it once it is read */
	CONF_LOGIN_NONE,
	CONF_LOGIN_TOKEN, /* a ready-made one, in the password file */
	CONF_LOGIN_ASP,
	CONF_LOGIN_REST,
	CONF_LOGIN_AUTO, /* tries rest, then asp */
};

struct conf_target { /* one BMC; ranges are expanded */
	char *name, *address;
	const struct dialect *dialect;
	uint16_t port[DEVICE_COUNT]; /* 0: what the BMC says, else the dialect's */
	uint16_t web_port;           /* of the web server; 0: 443, or 80 with tls.mode off */
	enum transport_choice transport;
	enum conf_login login;
	char *login_user, *login_secret; /* or NULL; the secret is a file, or "credential:NAME" */
	enum tls_choice tls_mode;
	enum tls_verify tls_verify;
	bool tls_legacy; /* allow what old firmware needs: SSL versions, ciphers, short keys */
	struct conf_label *labels;
	size_t label_count;
	double backoff_min, backoff_max; /* seconds */
	struct conf_attach *attach;
	size_t attach_count;
};

struct conf_image { /* a named image */
	char *name, *path;
};

struct conf {
	char *path; /* of the file; "" if there is none */
	char *socket, *state_dir;
	struct strlist image_dirs;
	int login_parallel; /* BMCs that are logged in to at once */
	struct conf_image *images;
	size_t image_count;
	struct conf_target *targets; /* in the order of the file */
	size_t target_count;
	const struct conf_target *
		*by_name; /* targets sorted, for conf_target_find(); may be NULL */
};

/* The default path of the file and the built-in values of "socket" and "state_dir" (compile time).
 */
extern const char *const conf_default_path;
extern const char *const conf_default_socket;
extern const char *const conf_default_state_dir;

enum {
	CONF_TARGETS_MAX = 65536, /* of one configuration, ranges expanded */
};

/*
 * Reads the file; the path "" stands for no file, that is, the built-in settings. Returns NULL
 * after adding one line for every error to errors, "file:line: text", in the order of the file.
 * Relative paths in it are refused. A setting or value that iusbd does not bring to life yet is an
 * error too. That an image of a standing attachment is missing is none: it may come. Owned by the
 * caller.
 */
struct conf *conf_load(const char *path, struct strlist *errors) MUST_CHECK;

/* A null conf is allowed. */
void conf_free(struct conf *conf);

/* A copy that owns all that it points to, but for its dialect. conf_target_fini() frees that. */
void conf_target_copy(struct conf_target *out, const struct conf_target *target);

/* Frees what a target owns. */
void conf_target_fini(struct conf_target *target);

/* Prints all settings in canonical form, defaults filled in, ranges expanded; conf_load() reads it
 * back to an equal object. */
void conf_print(const struct conf *conf, FILE *out);

/* The target with that name, or NULL. */
const struct conf_target *conf_target_find(const struct conf *conf, const char *name);

/*
 * The path that an image's name stands for: a name of images; else a relative name looked up in
 * image_dirs; else an absolute path that lies, symbolic links resolved, in one of image_dirs or is
 * the path of one of images: nothing outside is served. Returns a new string, or NULL with the
 * reason.
 */
char *conf_image_path(const struct conf *conf, const char *image, struct reason *why) MUST_CHECK;

#endif
