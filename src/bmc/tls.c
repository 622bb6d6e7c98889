/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls: the policy of TLS as OpenSSL contexts, and the judgement of a certificate inside the
 * handshake. */
#include "bmc/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/memory.h"

enum {
	STRICT_LEVEL = 2,     /* OpenSSL's security level */
	STRICT_BITS = 112,    /* of a key at that level: RSA 2048 */
	FINGERPRINT_LEN = 32, /* SHA-256 */
};

struct tls_check {
	struct tls_conf conf;
	enum pin pin;
	char *host; /* owned */
	struct tls_seen seen;
	enum failure failure; /* of the last certificate that was judged */
	struct reason why;
};

/* Where a check hangs: on each SSL of a shared context. */
static int ssl_index = -1;

static struct tls_check *
check_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, ssl_index);
}

struct tls_check *
tls_check_new(const struct tls_conf *conf, enum pin pin, const char *host)
{
	struct tls_check *check = mem_new(1, sizeof(*check));

	check->conf = *conf;
	check->pin = pin;
	check->host = mem_strdup(host);
	return check;
}

void
tls_check_free(struct tls_check *check)
{
	if (!check)
		return;
	free(check->host);
	free(check);
}

enum failure
tls_check_verdict(const struct tls_check *check, struct reason *why)
{
	if (why)
		*why = check->why;
	return check->failure;
}

const struct tls_seen *
tls_check_seen(const struct tls_check *check)
{
	return &check->seen;
}

void
tls_check_explain(const struct tls_check *check, unsigned long error, struct reason *why)
{
	static const char advice[] = ": set tls.legacy";
	struct reason text;
	char *at;

	tls_explain(error, &text);
	at = check->conf.is_legacy ? strstr(text.text, advice) : NULL;
	if (at)
		*at = '\0';
	reason_set(why, "%s%s", text.text, at ? ", with tls.legacy too" : "");
}

/* ---- the certificate ---- */

static void
print_name(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		snprintf(out, size, "%.*s", (int)len, text);
	}
	BIO_free(bio);
	for (char *c = out; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void
print_day(char *out, size_t size, const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, size, "%Y-%m-%d", &tm) == 0)
		snprintf(out, size, "?");
}

static void
look_at(struct tls_seen *seen, X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	*seen = (struct tls_seen){ 0 };
	if (X509_digest(cert, EVP_sha256(), digest, &len) != 1 || len != FINGERPRINT_LEN)
		return;
	for (size_t i = 0; i < FINGERPRINT_LEN; i++)
		snprintf(seen->fingerprint + 2 * i, 3, "%02x", digest[i]);
	print_name(seen->subject, sizeof(seen->subject), X509_get_subject_name(cert));
	print_name(seen->issuer, sizeof(seen->issuer), X509_get_issuer_name(cert));
	print_day(seen->not_after, sizeof(seen->not_after), X509_get0_notAfter(cert));
	seen->is_self_signed = X509_self_signed(cert, 0) == 1;
}

static bool
refuse(struct tls_check *check)
{
	check->failure = FAILURE_CERTIFICATE;
	return false;
}

static bool
is_strong(struct tls_check *check, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (check->conf.is_legacy || (key && EVP_PKEY_get_security_bits(key) >= STRICT_BITS))
		return true;
	if (key)
		reason_set(&check->why,
			"certificate too weak, its key has only %d bits: set tls.legacy",
			EVP_PKEY_get_bits(key));
	else
		reason_set(&check->why, "certificate with a key of a kind that is not known");
	return refuse(check);
}

static bool
is_pinned(struct tls_check *check)
{
	const char *pinned = check->conf.facts ? check->conf.facts->pin[check->pin] : "";

	if (!pinned[0] || strcmp(pinned, check->seen.fingerprint) == 0)
		return true;
	reason_set(&check->why, "certificate changed: pinned %s, got %s", pinned,
		check->seen.fingerprint);
	return refuse(check);
}

static void
explain_chain(struct tls_check *check, X509_STORE_CTX *store)
{
	int error = X509_STORE_CTX_get_error(store);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	const char *whose = X509_STORE_CTX_get_error_depth(store) > 0 ? " of its CA" : "";
	char day[32] = "?";

	switch (error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		reason_set(&check->why, "certificate not trusted: self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		reason_set(&check->why, "certificate not trusted: its CA is not known here (%s)",
			check->seen.issuer);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		reason_set(&check->why, "certificate is for other names than %s", check->host);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		if (cert)
			print_day(day, sizeof(day), X509_get0_notAfter(cert));
		reason_set(&check->why, "certificate%s expired %s", whose, day);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		if (cert)
			print_day(day, sizeof(day), X509_get0_notBefore(cert));
		reason_set(&check->why, "certificate%s is not valid before %s", whose, day);
		break;
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		reason_set(&check->why, "certificate%s too weak (%s): set tls.legacy", whose,
			X509_verify_cert_error_string(error));
		break;
	default:
		reason_set(&check->why, "certificate not trusted: %s",
			X509_verify_cert_error_string(error));
	}
}

static bool
is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool
is_signed(struct tls_check *check, X509_STORE_CTX *store)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
	int is_named = is_address(check->host) ? X509_VERIFY_PARAM_set1_ip_asc(param, check->host)
					       : X509_VERIFY_PARAM_set1_host(param, check->host, 0);

	if (is_named == 1 && X509_verify_cert(store) == 1)
		return true;
	if (is_named == 1)
		explain_chain(check, store);
	else
		reason_set(&check->why, "certificates cannot name %s", check->host);
	return refuse(check);
}

static bool
judge(struct tls_check *check, X509_STORE_CTX *store)
{
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	look_at(&check->seen, cert);
	check->failure = FAILURE_NONE;
	reason_clear(&check->why);
	if (!check->seen.fingerprint[0]) {
		reason_set(&check->why, "no SHA-256 of the certificate");
		return refuse(check);
	}
	if (!is_strong(check, cert))
		return false;
	switch (check->conf.verify) {
	case TLS_VERIFY_CA:
		return is_signed(check, store);
	case TLS_VERIFY_PIN:
		return is_pinned(check);
	case TLS_VERIFY_NONE:
		return true;
	}
	return false;
}

/* ---- what OpenSSL calls ---- */

/* Before anything but greetings has been exchanged. */
static int
verify_cb(X509_STORE_CTX *store, void *arg UNUSED)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (judge(check_of(ssl), store)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* The peer has proven that the certificate is its own. */
static void
handshake_done(struct tls_check *check, const SSL *ssl)
{
	struct facts *facts = check->conf.facts;

	snprintf(check->seen.version, sizeof(check->seen.version), "%s", SSL_get_version(ssl));
	snprintf(check->seen.cipher, sizeof(check->seen.cipher), "%s", SSL_get_cipher_name(ssl));
	if (check->conf.verify != TLS_VERIFY_PIN || !facts || check->failure != FAILURE_NONE ||
		!is_pinned(check))
		return;
	if (!facts->pin[check->pin][0])
		facts_set_pin(facts, check->pin, check->seen.fingerprint);
}

static void
info_cb(const SSL *ssl, int where, int result UNUSED)
{
	if (where & SSL_CB_HANDSHAKE_DONE)
		handshake_done(check_of(ssl), ssl);
}

/* ---- contexts ---- */

static int
set_policy(SSL_CTX *ctx, const struct tls_conf *conf, struct reason *why)
{
	int version = conf->is_legacy ? TLS1_VERSION : TLS1_2_VERSION;
	const char *ciphers = conf->is_legacy ? "ALL:COMPLEMENTOFALL:!aNULL:!eNULL" : "DEFAULT";

	if (ssl_index < 0)
		ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	SSL_CTX_set_security_level(ctx, conf->is_legacy ? 0 : STRICT_LEVEL);
	if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
		SSL_CTX_set_max_proto_version(ctx, 0) != 1 ||
		SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
		ERR_clear_error();
		return reason_set(why, "OpenSSL allows no TLS as it is wanted");
	}
	/* A BMC that just closes cuts nothing: packets have lengths. */
	SSL_CTX_set_options(
		ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	if (conf->is_legacy)
		SSL_CTX_set_options(ctx,
			SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	/* A resumed session would show no certificate. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_cb, NULL);
	SSL_CTX_set_info_callback(ctx, info_cb);
	/* Without any CA each certificate is from one that is not known: no reason to stop here. */
	(void)SSL_CTX_set_default_verify_paths(ctx);
	ERR_clear_error();
	return 0;
}

/* One for each strength, made at its first use, for as long as the program runs. */
static SSL_CTX *
shared_context(const struct tls_conf *conf, struct reason *why)
{
	static SSL_CTX *contexts[2];
	SSL_CTX **ctx = &contexts[conf->is_legacy];

	if (*ctx)
		return *ctx;
	*ctx = SSL_CTX_new(TLS_client_method());
	if (!*ctx) {
		ERR_clear_error();
		reason_set(why, "no TLS: OpenSSL does not start");
	} else if (set_policy(*ctx, conf, why) != 0) {
		SSL_CTX_free(*ctx);
		*ctx = NULL;
	} else {
		SSL_CTX_set_mode(
			*ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	return *ctx;
}

struct ssl_st *
tls_client(struct tls_check *check, struct reason *why)
{
	SSL_CTX *ctx = shared_context(&check->conf, why);
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;

	if (!ctx)
		return NULL;
	if (!ssl || SSL_set_ex_data(ssl, ssl_index, check) != 1 ||
		(!is_address(check->host) && SSL_set_tlsext_host_name(ssl, check->host) != 1)) {
		ERR_clear_error();
		SSL_free(ssl);
		reason_set(why, "no TLS to %s", check->host);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}
