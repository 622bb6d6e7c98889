/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jnlp: what the file that starts the vendor's Java client says (iusb-protocol 8.1): successive
 * <argument> elements are name and value. Pure; any bytes are allowed. */
#ifndef BMC_JNLP_H
#define BMC_JNLP_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "base/slot.h"

enum {
	JNLP_VALUE_SIZE = 512,    /* of a value that is kept, and its NUL */
	JNLP_ARGUMENTS_MAX = 512, /* more are refused */
	JNLP_DEPTH_MAX = 32,      /* elements in elements */
};

/* A text that was not there is "", a number -1. */
struct jnlp {
	char token[JNLP_VALUE_SIZE];      /* -kvmtoken */
	char web_cookie[JNLP_VALUE_SIZE]; /* -webcookie */
	int token_type;                   /* -kvmtokentype */
	int is_secure;                    /* -vmsecure */
	int is_single_port;               /* -singleportenabled */
	int web_port;                     /* -webport */
	int web_secure_port;              /* -websecureport */
	int state[DEVICE_COUNT];          /* -cdstate, ... */
	int port[DEVICE_COUNT];           /* -cdport, ...: fits -vmsecure */
	int num[DEVICE_COUNT];            /* -cdnum, ... */
};

/*
 * Reads the arguments by their names. Returns 0, or -1 with the reason: no XML, a document type or
 * entity declaration (nothing of them is ever expanded), above a limit, no arguments, or only
 * positional ones, as the oldest firmware has them. out may hold a token: secret_erase() it.
 */
int jnlp_parse(const char *text, size_t len, struct jnlp *out, struct reason *why) MUST_CHECK;

#endif
