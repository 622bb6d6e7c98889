/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim_tls: the certificate and the TLS of a simulated BMC. */
#include "bmcsim/sim_tls.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/memory.h"

enum {
	OLD_RSA_BITS = 1024,
	SERIAL_BITS = 64,
	DAY = 24 * 60 * 60,
	LIFE_DAYS = 3650,
	FINGERPRINT_LEN = 64,
};

/* What is made when it is first needed: many simulated BMCs are never asked. */
struct identity {
	SSL_CTX *ctx;
	char fingerprint[FINGERPRINT_LEN + 1];
};

struct sim_tls {
	char *name, *address;
	enum tls_age age;
	struct identity *identity;
};

/* OpenSSL's own words; its queue is empty afterwards. */
static int
openssl_says(struct reason *why, const char *what)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason_set(why, "%s: %s", what, text ? text : "OpenSSL failed");
}

static int
add_names(X509 *cert, const char *name, const char *address)
{
	char *text = mem_printf("DNS:%s,IP:%s", name, address);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	int result = names ? X509_add_ext(cert, names, -1) : 0;

	X509_EXTENSION_free(names);
	free(text);
	return result;
}

static X509 *
make_certificate(const struct sim_tls *tls, EVP_PKEY *key)
{
	const unsigned char *name = (const unsigned char *)tls->name;
	X509 *cert = X509_new();
	BIGNUM *serial = BN_new();
	bool is_good = cert && serial &&
		       BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) &&
		       X509_set_version(cert, X509_VERSION_3) &&
		       X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
		       X509_time_adj_ex(X509_getm_notAfter(cert), LIFE_DAYS, 0, NULL) &&
		       X509_set_pubkey(cert, key) &&
		       X509_NAME_add_entry_by_txt(
			       X509_get_subject_name(cert), "CN", MBSTRING_ASC, name, -1, -1, 0) &&
		       X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
		       add_names(cert, tls->name, tls->address) &&
		       X509_sign(cert, key, tls->age == TLS_OLD ? EVP_sha1() : EVP_sha256()) > 0;

	BN_free(serial);
	if (!is_good) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

/* Versions and ciphers of that age. */
static int
configure(SSL_CTX *ctx, enum tls_age age)
{
	static const char old_ciphers[] = "AES128-SHA:AES256-SHA:@SECLEVEL=0";
	bool is_old = age == TLS_OLD;

	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	if (is_old)
		SSL_CTX_set_security_level(ctx, 0);
	return SSL_CTX_set_min_proto_version(ctx, is_old ? TLS1_VERSION : TLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(ctx, is_old ? TLS1_VERSION : TLS1_3_VERSION) &&
	       (!is_old || SSL_CTX_set_cipher_list(ctx, old_ciphers));
}

static int
set_fingerprint(struct identity *identity)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	X509 *cert = SSL_CTX_get0_certificate(identity->ctx);

	if (!cert || !X509_digest(cert, EVP_sha256(), digest, &len) || len * 2 != FINGERPRINT_LEN)
		return 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(identity->fingerprint + 2 * i, 3, "%02x", digest[i]);
	return 1;
}

static void
forget(struct identity *identity)
{
	SSL_CTX_free(identity->ctx);
	identity->ctx = NULL;
	identity->fingerprint[0] = '\0';
}

/* Key, certificate and context, self-signed. */
static int
make_own(const struct sim_tls *tls, struct reason *why)
{
	struct identity *identity = tls->identity;
	EVP_PKEY *key = tls->age == TLS_OLD ? EVP_RSA_gen(OLD_RSA_BITS) : EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(tls, key) : NULL;
	bool is_good;

	identity->ctx = SSL_CTX_new(TLS_server_method());
	is_good = cert && identity->ctx && configure(identity->ctx, tls->age) &&
		  SSL_CTX_use_certificate(identity->ctx, cert) &&
		  SSL_CTX_use_PrivateKey(identity->ctx, key) && set_fingerprint(identity);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (is_good)
		return 0;
	forget(identity);
	return openssl_says(why, "cannot make a certificate");
}

/* The same from a file with key and chain. */
static int
read_pem(const struct sim_tls *tls, const char *path, struct reason *why)
{
	struct identity *identity = tls->identity;

	identity->ctx = SSL_CTX_new(TLS_server_method());
	if (identity->ctx && configure(identity->ctx, tls->age) &&
		SSL_CTX_use_certificate_chain_file(identity->ctx, path) == 1 &&
		SSL_CTX_use_PrivateKey_file(identity->ctx, path, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(identity->ctx) == 1 && set_fingerprint(identity))
		return 0;
	forget(identity);
	return openssl_says(why, path);
}

/* What the identity is needed for can be done. */
static int
ensure(const struct sim_tls *tls, struct reason *why)
{
	return tls->identity->ctx ? 0 : make_own(tls, why);
}

struct sim_tls *
sim_tls_new(const char *name, const char *address, enum tls_age age, const char *pem_file,
	struct reason *why)
{
	struct sim_tls *tls = mem_new(1, sizeof(*tls));

	tls->name = mem_strdup(name);
	tls->address = mem_strdup(address);
	tls->age = age;
	tls->identity = mem_new(1, sizeof(*tls->identity));
	if (pem_file && read_pem(tls, pem_file, why) < 0) {
		sim_tls_free(tls);
		return NULL;
	}
	return tls;
}

void
sim_tls_free(struct sim_tls *tls)
{
	if (!tls)
		return;
	forget(tls->identity);
	free(tls->identity);
	free(tls->name);
	free(tls->address);
	free(tls);
}

int
sim_tls_renew(struct sim_tls *tls, struct reason *why)
{
	forget(tls->identity);
	return make_own(tls, why);
}

const char *
sim_tls_fingerprint(const struct sim_tls *tls)
{
	struct reason why;

	(void)ensure(tls, &why); /* without a certificate there is no fingerprint: "" */
	return tls->identity->fingerprint;
}

struct ssl_st *
sim_tls_server(struct sim_tls *tls)
{
	struct reason why;

	return ensure(tls, &why) == 0 ? SSL_new(tls->identity->ctx) : NULL;
}
