/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_tls: the server's side of TLS on a link. OpenSSL works on memory; the link does the I/O. */
#include <errno.h>

#include <event2/buffer.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bmcsim/link_parts.h"
#include "bmcsim/sim_tls.h"

enum {
	READS_AT_ONCE = 16, /* of the socket, for one link_read(): then others have their turn */
};

struct link *
link_tls(struct event_base *base, evutil_socket_t fd, struct sim_tls *tls)
{
	struct link *link = link_plain(base, fd);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	link->ssl = sim_tls_server(tls);
	if (!link->ssl || !in || !out) {
		BIO_free(in);
		BIO_free(out);
		SSL_free(link->ssl);
		link->ssl = NULL;
		link_fail(link, EPROTO, "no TLS");
		return link;
	}
	BIO_set_mem_eof_return(in, -1); /* empty means later */
	SSL_set_bio(link->ssl, in, out);
	SSL_set_accept_state(link->ssl);
	return link;
}

bool
link_tls_has_input(const struct link *link)
{
	return SSL_pending(link->ssl) > 0 || BIO_ctrl_pending(SSL_get_rbio(link->ssl)) > 0;
}

/* What OpenSSL wrote goes to the link's output. */
static void
drain(struct link *link)
{
	uint8_t chunk[LINK_CHUNK];
	int n;

	while ((n = BIO_read(SSL_get_wbio(link->ssl), chunk, sizeof(chunk))) > 0)
		evbuffer_add(link->out, chunk, (size_t)n);
}

/* Asks the socket for more. 1: there was some, else as recv(). */
static ssize_t
fill(struct link *link)
{
	uint8_t chunk[LINK_CHUNK];
	ssize_t n = link_socket_read(link, chunk, sizeof(chunk));

	if (n > 0)
		BIO_write(SSL_get_rbio(link->ssl), chunk, (int)n);
	return n > 0 ? 1 : n;
}

/* OpenSSL says no: its alert goes out, its words are kept. */
static int
give_up(struct link *link, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);

	drain(link);
	(void)link_flush(link); /* the alert; it does not matter if it is lost */
	ERR_clear_error();
	return link_fail(link, EPROTO, "%s: %s", what, text ? text : "protocol error");
}

int
link_tls_handshake(struct link *link)
{
	if (link->error)
		return link_fail(link, link->error, "%s", link->why.text);
	for (int i = 0; i < READS_AT_ONCE && !link->is_secured; i++) {
		int result;
		ssize_t n;

		ERR_clear_error();
		result = SSL_do_handshake(link->ssl);
		if (result == 1) {
			link->is_secured = true;
			break;
		}
		if (SSL_get_error(link->ssl, result) != SSL_ERROR_WANT_READ)
			return give_up(link, "TLS handshake");
		drain(link);
		if (link_flush(link) < 0 && errno != EAGAIN)
			return -1;
		n = fill(link);
		if (n == 0)
			return link_fail(link, ECONNRESET, "closed in the TLS handshake");
		if (n < 0)
			return -1;
	}
	drain(link);
	(void)link_flush(link); /* the rest goes when it can */
	if (link->error)
		return link_fail(link, link->error, "%s", link->why.text);
	errno = EAGAIN;
	return link->is_secured ? 0 : -1;
}

ssize_t
link_tls_read(struct link *link, void *buf, size_t len)
{
	if (!link->is_secured && link_tls_handshake(link) < 0)
		return -1;
	for (int i = 0; i < READS_AT_ONCE; i++) {
		size_t got;
		int result;
		ssize_t n;

		ERR_clear_error();
		result = SSL_read_ex(link->ssl, buf, len, &got);
		if (result == 1)
			return (ssize_t)got;
		switch (SSL_get_error(link->ssl, result)) {
		case SSL_ERROR_WANT_READ:
			break;
		case SSL_ERROR_ZERO_RETURN:
			link->has_ended = true;
			return 0;
		default:
			return give_up(link, "TLS");
		}
		drain(link); /* a key update wants its answer */
		n = fill(link);
		if (n <= 0)
			return n;
	}
	errno = EAGAIN;
	return -1;
}

ssize_t
link_tls_write(struct link *link, const void *bytes, size_t len)
{
	size_t taken;
	int result;

	if (!link->is_secured) {
		errno = EAGAIN;
		return -1;
	}
	ERR_clear_error();
	result = SSL_write_ex(link->ssl, bytes, len, &taken);
	if (result != 1)
		return give_up(link, "TLS");
	drain(link);
	return (ssize_t)taken;
}

void
link_tls_shut(struct link *link)
{
	if (!link->is_secured)
		return;
	ERR_clear_error();
	SSL_shutdown(link->ssl); /* one way: what the peer says to it is not waited for */
	ERR_clear_error();
	drain(link);
}
