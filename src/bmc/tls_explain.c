/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_explain: OpenSSL's errors of a handshake in words that an operator can act on. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bmc/tls.h"

#define OLD_TLS   "the BMC speaks only an old TLS (1.0 or 1.1): set tls.legacy"
#define NO_COMMON "no TLS version and cipher that both sides accept: set tls.legacy"
#define WEAK_KEYS "the BMC's TLS uses keys that are too short: set tls.legacy"
#define WEAK_SIGN "the BMC's TLS uses signatures that are too weak: set tls.legacy"
#define NO_RENEG  "the BMC's TLS knows no secure renegotiation: set tls.legacy"
#define NO_TLS    "no TLS on this port"

static const struct {
	int reason;
	const char *words;
} explanations[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, OLD_TLS },
	{ SSL_R_WRONG_SSL_VERSION, OLD_TLS },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, OLD_TLS },
	{ SSL_R_VERSION_TOO_LOW, OLD_TLS },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, NO_COMMON },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, NO_COMMON },
	{ SSL_R_UNKNOWN_CIPHER_RETURNED, NO_COMMON },
	{ SSL_R_WRONG_CIPHER_RETURNED, NO_COMMON },
	{ SSL_R_NO_CIPHERS_AVAILABLE, NO_COMMON },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, NO_COMMON },
	{ SSL_R_DH_KEY_TOO_SMALL, WEAK_KEYS },
	{ SSL_R_EE_KEY_TOO_SMALL, WEAK_KEYS },
	{ SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, WEAK_SIGN },
	{ SSL_R_WRONG_SIGNATURE_TYPE, WEAK_SIGN },
	{ SSL_R_CA_MD_TOO_WEAK, WEAK_SIGN },
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, NO_RENEG },
	{ SSL_R_WRONG_VERSION_NUMBER, NO_TLS },
	{ SSL_R_HTTP_REQUEST, NO_TLS },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, NO_TLS },
	{ SSL_R_RECORD_LENGTH_MISMATCH, NO_TLS },
};

void
tls_explain(unsigned long error, struct reason *why)
{
	const char *text = ERR_reason_error_string(error);

	ERR_clear_error();
	if (error == 0) {
		reason_set(why, "the BMC closed the connection during the TLS handshake: "
				"set tls.legacy if it is an old one");
		return;
	}
	if (ERR_GET_LIB(error) == ERR_LIB_SSL)
		for (size_t i = 0; i < ARRAY_SIZE(explanations); i++)
			if (explanations[i].reason == ERR_GET_REASON(error)) {
				reason_set(why, "%s", explanations[i].words);
				return;
			}
	reason_set(why, "TLS handshake failed: %s", text ? text : "no reason");
}
