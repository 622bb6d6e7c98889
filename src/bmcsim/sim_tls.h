/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim_tls: the certificate and the TLS of a simulated BMC: self-signed, new or as old as some are
 * (iusb-protocol 7.1). */
#ifndef BMCSIM_SIM_TLS_H
#define BMCSIM_SIM_TLS_H

#include "base/compiler.h"
#include "base/reason.h"

struct sim_tls;
struct ssl_st;

enum tls_age {
	TLS_NEW, /* TLS 1.2 and 1.3 */
	TLS_OLD, /* TLS 1.0 only, an RSA key of 1024 bits, SHA-1, CBC ciphers */
};

/*
 * A self-signed certificate for the name and address, made with its key when it is first needed; or
 * both from a PEM file (key and chain), so that a CA can have signed it. NULL with the reason.
 */
struct sim_tls *sim_tls_new(const char *name, const char *address, enum tls_age age,
	const char *pem_file, struct reason *why) MUST_CHECK;
void sim_tls_free(struct sim_tls *tls); /* NULL is allowed */

/* Another key and self-signed certificate, as after a factory reset; what a PEM file brought is
 * gone. Connections that are there keep theirs. */
int sim_tls_renew(struct sim_tls *tls, struct reason *why) MUST_CHECK;

/* SHA-256 of the certificate, 64 lowercase hex digits; "" if OpenSSL could not make one. */
const char *sim_tls_fingerprint(const struct sim_tls *tls);

/* A server's SSL; the caller owns it. NULL if OpenSSL refuses. */
struct ssl_st *sim_tls_server(struct sim_tls *tls) MUST_CHECK;

#endif
