/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_certs: keys, certificates and server contexts for the tests of TLS. */
#ifndef TESTS_TLS_CERTS_H
#define TESTS_TLS_CERTS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* A certificate and its key; both owned. */
struct cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* What a certificate says. */
struct cert_conf {
	const char *name; /* CN */
	const char *san;  /* "IP:127.0.0.1", "DNS:bmc.test"; NULL: none */
	bool is_ca;
	int rsa_bits;              /* 0: an EC key on P-256 */
	long from, to;             /* days from now; both 0: valid since yesterday for a year */
	const struct cert *issuer; /* NULL: self-signed */
	const EVP_MD *md;          /* NULL: SHA-256 */
};

static inline void
cert_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline struct cert
cert_make(const struct cert_conf *conf)
{
	static long serial;
	enum { DAY = 24 * 3600 };
	struct cert cert = { X509_new(), NULL };
	const struct cert *issuer = conf->issuer ? conf->issuer : &cert;
	bool is_default = conf->from == 0 && conf->to == 0;
	X509_NAME *name = X509_get_subject_name(cert.x509);

	cert.key = conf->rsa_bits ? EVP_RSA_gen((unsigned)conf->rsa_bits) : EVP_EC_gen("P-256");
	ck_assert_ptr_nonnull(cert.key);
	X509_set_version(cert.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert.x509), (is_default ? -1 : conf->from) * DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert.x509), (is_default ? 365 : conf->to) * DAY);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8, (const unsigned char *)conf->name, -1, -1, 0);
	X509_set_issuer_name(cert.x509, X509_get_subject_name(issuer->x509));
	X509_set_pubkey(cert.x509, cert.key);
	if (conf->is_ca) {
		cert_extend(cert.x509, issuer->x509, NID_basic_constraints, "critical,CA:TRUE");
		cert_extend(cert.x509, issuer->x509, NID_key_usage, "critical,keyCertSign");
	}
	if (conf->san)
		cert_extend(cert.x509, issuer->x509, NID_subject_alt_name, conf->san);
	ck_assert_int_gt(X509_sign(cert.x509, issuer->key, conf->md ? conf->md : EVP_sha256()), 0);
	return cert;
}

static inline void
cert_free(struct cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
}

/* What `openssl x509 -fingerprint -sha256` prints, as iusbd writes it. */
static inline void
cert_fingerprint(const struct cert *cert, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	ck_assert_int_eq(X509_digest(cert->x509, EVP_sha256(), digest, &len), 1);
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Writes the certificate alone, as a file of CAs. path is a template for mkstemp(). */
static inline void
cert_save(const struct cert *cert, char *path)
{
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, cert->x509), 1);
	fclose(f);
}

/* A server's context; the caller frees it. */
static inline SSL_CTX *
cert_server(const struct cert *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_ptr_nonnull(ctx);
	SSL_CTX_set_security_level(ctx, 0); /* it is the client that is tested */
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert->x509), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, cert->key), 1);
	return ctx;
}

#endif
