/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channel_io: the reads and writes of a socket, and the same through OpenSSL. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bmc/channel_private.h"
#include "bmc/tls.h"

enum {
	RECORD_MAX = 16384,
};

/* ---- reasons ---- */

static void
explain_loss(struct channel *ch, int error)
{
	const char *during = ch->is_ready ? "" : " during the TLS handshake";

	ch->failure = FAILURE_LOST;
	switch (error) {
	case ECONNRESET:
		reason_set(&ch->why, "connection reset%s", during);
		break;
	case EPIPE:
		reason_set(&ch->why, "the BMC closed the connection%s", during);
		break;
	case ETIMEDOUT:
		reason_set(&ch->why, "no answer to TCP keep-alives%s", during);
		break;
	case 0:
		reason_set(&ch->why, "the connection broke%s", during);
		break;
	default:
		reason_set(&ch->why, "connection lost%s: %s", during, strerror(error));
	}
}

/* What SSL_get_error() gave, while the error queue is as it was. */
static void
explain_tls(struct channel *ch, int kind, int error)
{
	unsigned long code = ERR_peek_error();

	if (kind == SSL_ERROR_SYSCALL && code == 0) {
		explain_loss(ch, error);
		return;
	}
	if (ch->is_ready) {
		const char *words = ERR_reason_error_string(code);

		ch->failure = FAILURE_LOST;
		reason_set(&ch->why, "the TLS connection broke: %s", words ? words : "no reason");
	} else {
		ch->failure = tls_check_verdict(ch->check, &ch->why);
		if (ch->failure == FAILURE_NONE) {
			ch->failure = FAILURE_TLS;
			tls_check_explain(ch->check, code, &ch->why);
		}
	}
	ERR_clear_error();
}

/* ---- bytes ---- */

/* IO_LATER sets *waits_for_other if TLS wants the other direction first. */
static int
tls_result(struct channel *ch, int result, int wanted, bool *waits_for_other)
{
	int error = errno;
	int kind = SSL_get_error(ch->ssl, result);

	*waits_for_other = false;
	switch (kind) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		*waits_for_other = kind != wanted;
		return IO_LATER;
	case SSL_ERROR_ZERO_RETURN:
		return IO_CLOSED;
	default:
		explain_tls(ch, kind, error);
		return IO_FAILED;
	}
}

static int
plain_result(struct channel *ch)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return IO_LATER;
	explain_loss(ch, errno);
	return IO_FAILED;
}

int
channel_read(struct channel *ch, void *buf, size_t len)
{
	ssize_t n;

	if (ch->ssl) {
		ERR_clear_error();
		n = SSL_read(ch->ssl, buf, (int)len);
		return n > 0 ? (int)n
			     : tls_result(
				       ch, (int)n, SSL_ERROR_WANT_READ, &ch->read_waits_to_write);
	}
	n = recv(ch->fd, buf, len, 0);
	if (n > 0)
		return (int)n;
	return n == 0 ? IO_CLOSED : plain_result(ch);
}

/* A record is made of one piece of memory: small pieces are put together, so that the head of an
 * answer and its data share one. */
static int
write_record(struct channel *ch)
{
	unsigned char together[RECORD_MAX];
	struct evbuffer_iovec piece;
	size_t total = evbuffer_get_length(ch->out), len;
	const void *from;
	int n;

	evbuffer_peek(ch->out, RECORD_MAX, NULL, &piece, 1);
	len = piece.iov_len < RECORD_MAX ? piece.iov_len : RECORD_MAX;
	from = piece.iov_base;
	if (len < RECORD_MAX && len < total) {
		len = total < RECORD_MAX ? total : RECORD_MAX;
		evbuffer_copyout(ch->out, together, len);
		from = together;
	}
	ERR_clear_error();
	n = SSL_write(ch->ssl, from, (int)len);
	if (n <= 0)
		return tls_result(ch, n, SSL_ERROR_WANT_WRITE, &ch->write_waits_to_read);
	evbuffer_drain(ch->out, (size_t)n);
	return n;
}

static int
write_some(struct channel *ch)
{
	int n;

	if (ch->ssl)
		return write_record(ch);
	n = evbuffer_write(ch->out, ch->fd);
	return n > 0 ? n : plain_result(ch);
}

int
channel_write(struct channel *ch)
{
	while (evbuffer_get_length(ch->out) > 0) {
		int n = write_some(ch);

		if (n == IO_CLOSED) {
			explain_loss(ch, EPIPE);
			n = IO_FAILED;
		}
		if (n < 0)
			return n;
	}
	return 0;
}

int
channel_handshake(struct channel *ch)
{
	bool waits_to_write;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(ch->ssl);
	if (result == 1) {
		/* Another connection may have pinned another certificate meanwhile. */
		ch->failure = tls_check_verdict(ch->check, &ch->why);
		return ch->failure == FAILURE_NONE ? 0 : IO_FAILED;
	}
	switch (tls_result(ch, result, SSL_ERROR_WANT_READ, &waits_to_write)) {
	case IO_LATER:
		ch->handshake = waits_to_write ? EV_WRITE : EV_READ;
		return IO_LATER;
	case IO_CLOSED:
		ch->failure = FAILURE_TLS;
		tls_check_explain(ch->check, 0, &ch->why);
		break;
	}
	return IO_FAILED;
}
