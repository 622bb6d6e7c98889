/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: what makes a TLS connection to a BMC a good one (iusb-protocol 7.1): by a CA, by the pinned
 * SHA-256 of its certificate, or whatever it is. One place for both users: the media streams and
 * the web logins, which share bmc/channel.
 */
#ifndef BMC_TLS_H
#define BMC_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/reason.h"
#include "bmc/facts.h"
#include "bmc/failure.h"

struct ssl_st;

enum tls_verify {
	TLS_VERIFY_CA,  /* a chain to a CA of the system (SSL_CERT_FILE, SSL_CERT_DIR are
			   honoured), and the name or address */
	TLS_VERIFY_PIN, /* the fingerprint in the facts; the first one seen is kept there */
	TLS_VERIFY_NONE,
};

/* For one target. facts is shared, not owned, and outlives all users; NULL: nothing is pinned. */
struct tls_conf {
	enum tls_verify verify;
	bool is_legacy; /* allow TLS 1.0, old ciphers, short keys and SHA-1 signatures */
	struct facts *facts;
};

/* The certificate and connection, for people. */
struct tls_seen {
	char fingerprint[FINGERPRINT_SIZE]; /* "" if there was no certificate */
	char subject[128], issuer[128];     /* one line, printable */
	char not_after[32];                 /* "2031-05-01" */
	char version[16], cipher[48];       /* "TLSv1.3" ...; "" before the handshake is done */
	bool is_self_signed;
};

/*
 * One connection's verification, which happens during the handshake: nothing is sent to a peer that
 * fails. host is what the certificate must name with TLS_VERIFY_CA: copied.
 */
struct tls_check;
struct tls_check *tls_check_new(
	const struct tls_conf *conf, enum pin pin, const char *host) MUST_CHECK;
void tls_check_free(struct tls_check *check); /* NULL is allowed. After its SSL */

/* A client's SSL on a context that is shared by all connections of the same strength
 * (SSL_MODE_RELEASE_BUFFERS: an idle one holds no record buffers); with SNI if host is a name. NULL
 * with the reason. The caller owns it. */
struct ssl_st *tls_client(struct tls_check *check, struct reason *why) MUST_CHECK;

/*
 * After the handshake was done or has failed: what the verification said. FAILURE_NONE if it was
 * good (or never came to it, then why is ""); FAILURE_CERTIFICATE with the reason: "certificate
 * changed: pinned ab12..., got cd34..." (both whole), "certificate not trusted: self-signed",
 * "certificate is for other names than 10.0.0.7", "certificate expired 2019-01-01".
 */
enum failure tls_check_verdict(const struct tls_check *check, struct reason *why);

/* What was seen so far. */
const struct tls_seen *tls_check_seen(const struct tls_check *check);

/* Why a handshake failed that was not the certificate's fault, for an operator: "the BMC speaks
 * only an old TLS (1.0 or 1.1): set tls.legacy", "no TLS on this port". error is OpenSSL's; 0: the
 * BMC closed the connection. The advice is left out if it is taken already. Empties OpenSSL's
 * queue. */
void tls_check_explain(const struct tls_check *check, unsigned long error, struct reason *why);
/* The same without a check: the policy is taken to be the strict one. */
void tls_explain(unsigned long error, struct reason *why);

#endif
