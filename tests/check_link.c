/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_link: what a client's connection to a simulated BMC does to the bytes: plain, TLS,
 * WebSocket and tunnel, with a peer made of nothing but a socket and OpenSSL. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "bmcsim/chance.h"
#include "bmcsim/link.h"
#include "bmcsim/sim_tls.h"
#include "iusb/control.h"
#include "iusb/packet.h"
#include "loop.h"

enum {
	BIG = 1 << 20,
	GOT_SIZE = BIG + 4096,
};

/* The server's end. */
static struct event_base *base;
static struct link *sim_link;
static uint8_t got[GOT_SIZE]; /* what link_read() gave */
static size_t got_len;
static bool has_ended;
static int error;
static char words[256];
static unsigned calls;
static const uint8_t *to_write;
static size_t to_write_len;
static unsigned complaints;
static char complaint[256];

/* The client's end. */
static int peer = -1;
static SSL *ssl;
static uint8_t seen[GOT_SIZE]; /* what the peer received */
static size_t seen_len;
static bool peer_ended;
static int peer_error;

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN); /* of the client's OpenSSL */
	base = event_base_new();
	sim_link = NULL;
	got_len = seen_len = 0;
	has_ended = peer_ended = false;
	error = peer_error = 0;
	words[0] = complaint[0] = '\0';
	calls = complaints = 0;
	to_write_len = 0;
	ssl = NULL;
}

static void
teardown(void)
{
	link_free(sim_link, false);
	SSL_free(ssl);
	if (peer >= 0)
		close(peer);
	peer = -1;
	event_base_free(base);
}

/* Two ends of a TCP connection, both non-blocking; the server's is returned. */
static int
connect_pair(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	peer = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	close(listener);
	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_nonblocking(peer);
	return fd;
}

/* Reads all there is, writes all it can. */
static void
link_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)arg;
	calls++;
	if (what & EV_READ) {
		struct reason why;
		ssize_t n = link_read(sim_link, got + got_len, sizeof(got) - got_len);

		if (n == 0)
			has_ended = true;
		else if (n > 0)
			got_len += (size_t)n;
		else if (errno != EAGAIN)
			error = errno;
		if (error)
			snprintf(words, sizeof(words), "%s", link_error(sim_link));
		if (link_complaint(sim_link, &why)) {
			complaints++;
			snprintf(complaint, sizeof(complaint), "%s", why.text);
		}
	}
	if (what & EV_WRITE) {
		ssize_t n = link_write(sim_link, to_write, to_write_len);

		if (n > 0) {
			to_write += n;
			to_write_len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN) {
			error = errno;
			to_write_len = 0;
		}
	}
	link_want(sim_link,
		(has_ended || error ? 0 : EV_READ) |
			(!error && (to_write_len > 0 || link_is_pending(sim_link)) ? EV_WRITE : 0));
}

static void
start(struct link *link)
{
	sim_link = link;
	link_set_cb(sim_link, link_cb, NULL);
	link_want(sim_link, EV_READ);
}

static void
start_plain(void)
{
	start(link_plain(base, connect_pair()));
}

/* Everything from the link's end, sooner or later. */
static void
write_all(const void *bytes, size_t len)
{
	to_write = bytes;
	to_write_len = len;
	link_want(sim_link, EV_READ | EV_WRITE);
}

/* What can be read at the peer now; true if nothing more will come. */
static bool
peer_read(void)
{
	size_t room = sizeof(seen) - seen_len;
	ssize_t n;

	if (ssl) {
		int result = SSL_read(ssl, seen + seen_len, (int)room);

		n = result;
		if (result <= 0) {
			int kind = SSL_get_error(ssl, result);

			errno = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE
					? EAGAIN
					: EPROTO;
			n = kind == SSL_ERROR_ZERO_RETURN ? 0 : -1;
		}
	} else {
		n = recv(peer, seen + seen_len, room, MSG_DONTWAIT);
	}
	if (n > 0)
		seen_len += (size_t)n;
	else if (n == 0)
		peer_ended = true;
	else if (errno != EAGAIN)
		peer_error = errno;
	return peer_ended || peer_error;
}

static bool
peer_has(size_t len)
{
	while (seen_len < len && !peer_ended && !peer_error) {
		size_t before = seen_len;

		peer_read();
		if (seen_len == before)
			break;
	}
	return seen_len >= len;
}

static void
peer_write(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = ssl ? SSL_write(ssl, p, (int)len) : send(peer, p, len, MSG_NOSIGNAL);
		time_t until = 0;

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else {
			ck_assert(loop_turn(base, &until));
		}
	}
}

static void
fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
}

/* ---- plain ---- */

START_TEST(plain_bytes_both_ways)
{
	start_plain();
	peer_write("hello", 5);
	LOOP_UNTIL(base, got_len == 5);
	ck_assert_mem_eq(got, "hello", 5);
	write_all("world", 5);
	LOOP_UNTIL(base, peer_has(5));
	ck_assert_mem_eq(seen, "world", 5);
	ck_assert(!link_is_pending(sim_link));
}
END_TEST

START_TEST(plain_nothing_is_told_that_is_not_wanted)
{
	time_t until = 0;

	start_plain();
	link_want(sim_link, 0);
	peer_write("x", 1);
	for (int i = 0; i < 5; i++)
		ck_assert(loop_turn(base, &until));
	ck_assert_uint_eq(calls, 0);
	link_want(sim_link, EV_READ);
	LOOP_UNTIL(base, got_len == 1);
}
END_TEST

START_TEST(plain_unread_comes_first_and_at_once)
{
	start_plain();
	peer_write("def", 3);
	LOOP_UNTIL(base, got_len == 3);
	got_len = 0;
	link_unread(sim_link, "c", 1);
	link_unread(sim_link, "ab", 2);
	LOOP_UNTIL(base, got_len == 3);
	ck_assert_mem_eq(got, "abc", 3);
}
END_TEST

START_TEST(plain_more_than_the_kernel_takes)
{
	static uint8_t big[BIG];

	fill(big, sizeof(big));
	start_plain();
	write_all(big, sizeof(big));
	LOOP_UNTIL(base, peer_has(sizeof(big)));
	ck_assert_mem_eq(seen, big, sizeof(big));
	ck_assert_uint_eq(to_write_len, 0);
}
END_TEST

START_TEST(plain_end_and_reset)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	start_plain();
	peer_write("bye", 3);
	shutdown(peer, SHUT_WR);
	LOOP_UNTIL(base, has_ended);
	ck_assert_uint_eq(got_len, 3);
	link_free(sim_link, false);
	LOOP_UNTIL(base, peer_read());
	ck_assert(peer_ended);
	close(peer);

	has_ended = false;
	start_plain();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(peer);
	peer = -1;
	LOOP_UNTIL(base, error);
	ck_assert_int_eq(error, ECONNRESET);
	ck_assert_str_eq(words, strerror(ECONNRESET));
	ck_assert_int_eq(link_write(sim_link, "x", 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(plain_reset_by_us)
{
	start_plain();
	link_free(sim_link, true);
	sim_link = NULL;
	LOOP_UNTIL(base, peer_read());
	ck_assert_int_eq(peer_error, ECONNRESET);
}
END_TEST

START_TEST(plain_shut_is_an_end_for_the_peer_only)
{
	start_plain();
	write_all("last", 4);
	LOOP_UNTIL(base, to_write_len == 0);
	link_shut(sim_link);
	LOOP_UNTIL(base, peer_read());
	ck_assert(peer_ended);
	ck_assert_uint_eq(seen_len, 4);
	peer_write("still", 5);
	LOOP_UNTIL(base, got_len == 5);
}
END_TEST

static void
free_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	link_free(sim_link, false);
	sim_link = NULL;
}

START_TEST(plain_may_be_freed_from_its_callback)
{
	start_plain();
	link_set_cb(sim_link, free_cb, NULL);
	peer_write("x", 1);
	LOOP_UNTIL(base, sim_link == NULL);
	start_plain();
	link_set_cb(sim_link, free_cb, NULL);
	link_unread(sim_link, "x", 1);
	LOOP_UNTIL(base, sim_link == NULL);
	start_plain();
	link_set_cb(sim_link, free_cb, NULL);
	link_want(sim_link, EV_WRITE);
	LOOP_UNTIL(base, sim_link == NULL);
}
END_TEST

/* ---- TLS ---- */

static SSL_CTX *
client_context(int min, int max, bool is_weak)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (is_weak) {
		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	}
	SSL_CTX_set_min_proto_version(ctx, min);
	SSL_CTX_set_max_proto_version(ctx, max);
	return ctx;
}

/* One step of the client's handshake: 1 done, 0 later, -1 failed. */
static int
step_handshake(void)
{
	int result = SSL_connect(ssl), kind;

	if (result == 1)
		return 1;
	kind = SSL_get_error(ssl, result);
	return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* Connects with TLS; how the handshake ends: 1 or -1. */
static int
start_tls(struct sim_tls *tls, int min, int max, bool is_weak)
{
	SSL_CTX *ctx = client_context(min, max, is_weak);
	int result = 0;

	start(link_tls(base, connect_pair(), tls));
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, peer);
	LOOP_UNTIL(base, (result = step_handshake()) != 0);
	return result;
}

static struct sim_tls *
new_tls(enum tls_age age)
{
	struct reason why = { "" };
	struct sim_tls *tls = sim_tls_new("sim001", "127.0.0.1", age, NULL, &why);

	ck_assert_msg(tls != NULL, "%s", why.text);
	return tls;
}

static void
fingerprint_of(X509 *cert, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	ck_assert(X509_digest(cert, EVP_sha256(), digest, &len));
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

START_TEST(tls_bytes_both_ways)
{
	static uint8_t big[BIG];
	struct sim_tls *tls = new_tls(TLS_NEW);
	char print[65];
	X509 *cert;

	fill(big, sizeof(big));
	ck_assert_int_eq(
		start_tls(tls, TLS1_2_VERSION, _i ? TLS1_3_VERSION : TLS1_2_VERSION, false), 1);
	ck_assert_str_eq(SSL_get_version(ssl), _i ? "TLSv1.3" : "TLSv1.2");
	cert = SSL_get1_peer_certificate(ssl);
	fingerprint_of(cert, print);
	ck_assert_str_eq(print, sim_tls_fingerprint(tls));
	ck_assert_int_eq(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_host(cert, "sim001", 0, 0, NULL), 1);
	ck_assert_int_ne(X509_check_ip_asc(cert, "127.0.0.2", 0), 1);
	X509_free(cert);

	peer_write("hello", 5);
	LOOP_UNTIL(base, got_len == 5);
	ck_assert_mem_eq(got, "hello", 5);
	write_all(big, sizeof(big));
	LOOP_UNTIL(base, peer_has(sizeof(big)));
	ck_assert_mem_eq(seen, big, sizeof(big));
	got_len = 0;
	peer_write(big, sizeof(big) / 4);
	LOOP_UNTIL(base, got_len == sizeof(big) / 4);
	ck_assert_mem_eq(got, big, got_len);

	link_free(sim_link, false);
	sim_link = NULL;
	LOOP_UNTIL(base, peer_read());
	ck_assert(peer_ended); /* that is, close_notify came */
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_end_of_the_client)
{
	struct sim_tls *tls = new_tls(TLS_NEW);

	ck_assert_int_eq(start_tls(tls, TLS1_2_VERSION, TLS1_3_VERSION, false), 1);
	peer_write("x", 1);
	if (_i == 0)
		SSL_shutdown(ssl);
	else
		shutdown(peer, SHUT_WR); /* without close_notify */
	LOOP_UNTIL(base, has_ended);
	ck_assert_uint_eq(got_len, 1);
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_unread_comes_first)
{
	struct sim_tls *tls = new_tls(TLS_NEW);

	ck_assert_int_eq(start_tls(tls, TLS1_2_VERSION, TLS1_3_VERSION, false), 1);
	peer_write("b", 1);
	LOOP_UNTIL(base, got_len == 1);
	got_len = 0;
	link_unread(sim_link, "ab", 2);
	LOOP_UNTIL(base, got_len == 2);
	ck_assert_mem_eq(got, "ab", 2);
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_of_old_firmware)
{
	struct sim_tls *tls = new_tls(TLS_OLD);
	X509 *cert;

	ck_assert_int_eq(start_tls(tls, TLS1_VERSION, TLS1_3_VERSION, true), 1);
	ck_assert_str_eq(SSL_get_version(ssl), "TLSv1");
	cert = SSL_get1_peer_certificate(ssl);
	ck_assert_int_eq(X509_get_signature_nid(cert), NID_sha1WithRSAEncryption);
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 1024);
	X509_free(cert);
	peer_write("hello", 5);
	LOOP_UNTIL(base, got_len == 5);
	write_all("world", 5);
	LOOP_UNTIL(base, peer_has(5));
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_old_and_new_do_not_meet)
{
	struct sim_tls *tls = new_tls(_i == 0 ? TLS_OLD : TLS_NEW);

	ck_assert_int_eq(_i == 0 ? start_tls(tls, TLS1_2_VERSION, TLS1_3_VERSION, true)
				 : start_tls(tls, TLS1_VERSION, TLS1_VERSION, true),
		-1);
	LOOP_UNTIL(base, error);
	ck_assert_int_eq(error, EPROTO);
	ck_assert_ptr_nonnull(strstr(words, "unsupported protocol"));
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_garbage_instead)
{
	struct sim_tls *tls = new_tls(TLS_NEW);

	start(link_tls(base, connect_pair(), tls));
	peer_write("GET / HTTP/1.1\r\n\r\n", 18);
	LOOP_UNTIL(base, error);
	ck_assert_int_eq(error, EPROTO);
	ck_assert_msg(strncmp(words, "TLS handshake: ", 15) == 0, "%s", words);
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_closed_in_the_handshake)
{
	struct sim_tls *tls = new_tls(TLS_NEW);

	start(link_tls(base, connect_pair(), tls));
	peer_write("\x16\x03\x01", 3);
	shutdown(peer, SHUT_WR);
	LOOP_UNTIL(base, error || has_ended);
	ck_assert_int_eq(error, ECONNRESET);
	sim_tls_free(tls);
}
END_TEST

START_TEST(tls_renewed)
{
	struct sim_tls *tls = new_tls(_i ? TLS_OLD : TLS_NEW);
	char first[65], print[65];
	struct reason why;
	X509 *cert;

	snprintf(first, sizeof(first), "%s", sim_tls_fingerprint(tls));
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 64);
	ck_assert_str_eq(first, sim_tls_fingerprint(tls));
	ck_assert_int_eq(sim_tls_renew(tls, &why), 0);
	ck_assert_str_ne(first, sim_tls_fingerprint(tls));
	ck_assert_int_eq(start_tls(tls, TLS1_VERSION, TLS1_3_VERSION, true), 1);
	cert = SSL_get1_peer_certificate(ssl);
	fingerprint_of(cert, print);
	X509_free(cert);
	ck_assert_str_eq(print, sim_tls_fingerprint(tls));
	sim_tls_free(tls);
}
END_TEST

/* Key and certificate in a file of their own; its name, to be unlinked. */
static void
write_pem(char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *file;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
		(const unsigned char *)"of-a-file", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	ck_assert(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	ck_assert(PEM_write_X509(file, cert));
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

START_TEST(tls_of_a_file)
{
	char path[] = "/tmp/check_link_XXXXXX", subject[128];
	struct reason why = { "" };
	struct sim_tls *tls;
	X509 *cert;

	write_pem(path);
	tls = sim_tls_new("sim001", "127.0.0.1", TLS_NEW, path, &why);
	unlink(path);
	ck_assert_msg(tls != NULL, "%s", why.text);
	ck_assert_int_eq(start_tls(tls, TLS1_2_VERSION, TLS1_3_VERSION, false), 1);
	cert = SSL_get1_peer_certificate(ssl);
	X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
	X509_free(cert);
	ck_assert_str_eq(subject, "/CN=of-a-file");
	sim_tls_free(tls);

	ck_assert_ptr_null(sim_tls_new("sim001", "127.0.0.1", TLS_NEW, "/nonexistent.pem", &why));
	ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent.pem"));
	ck_assert_ptr_null(sim_tls_new("sim001", "127.0.0.1", TLS_NEW, "/dev/null", &why));
}
END_TEST

/* ---- WebSocket ---- */

/* A SCSI packet of the client with n bytes of data. */
static size_t
make_packet(uint8_t *out, uint32_t n)
{
	memset(out, 0, PACKET_SCSI_LEN);
	memcpy(out, packet_signature, PACKET_SIGNATURE_LEN);
	put_le32(out + OFF_DATA_PKT_LEN, 29 + n);
	out[OFF_CDB] = 0x28;
	put_le32(out + OFF_DATA_LEN, n);
	for (uint32_t i = 0; i < n; i++)
		out[PACKET_SCSI_LEN + i] = (uint8_t)(i * 13 + 'J');
	return PACKET_SCSI_LEN + n;
}

/* Writes a frame of the client into out and returns its length; first is FIN and opcode. */
static size_t
make_frame(uint8_t *out, uint8_t first, bool is_masked, const void *payload, size_t len)
{
	static const uint8_t mask[4] = { 0x12, 0x34, 0xab, 0xcd };
	const uint8_t *p = payload;
	uint8_t bit = is_masked ? 0x80 : 0;
	size_t at = 0;

	out[at++] = first;
	if (len < 126) {
		out[at++] = bit | (uint8_t)len;
	} else if (len < 65536) {
		out[at++] = bit | 126;
		put_be16(out + at, (uint16_t)len);
		at += 2;
	} else {
		out[at++] = bit | 127;
		put_be64(out + at, len);
		at += 8;
	}
	if (is_masked) {
		memcpy(out + at, mask, 4);
		at += 4;
	}
	for (size_t i = 0; i < len; i++)
		out[at + i] = is_masked ? p[i] ^ mask[i % 4] : p[i];
	return at + len;
}

static void
send_frame(uint8_t first, const void *payload, size_t len)
{
	static uint8_t frame[PACKET_MAX + 2 * LINK_FRAME_MAX];

	peer_write(frame, make_frame(frame, first, true, payload, len));
}

static void
start_websocket(enum link_frames frames)
{
	start_plain();
	link_become_websocket(sim_link, frames, NULL, 0);
	link_want(sim_link, EV_READ);
}

START_TEST(websocket_messages_of_all_sizes)
{
	static const uint32_t sizes[] = { 0, 64, 65, 126 - 61, 127 - 61, 65535 - 61, 65536 - 61,
		131072 };
	static uint8_t packet[PACKET_MAX];
	size_t len = make_packet(packet, sizes[_i]);

	start_websocket(LINK_FRAMES_WHOLE);
	send_frame(0x82, packet, len);
	LOOP_UNTIL(base, got_len == len);
	ck_assert_mem_eq(got, packet, len);
	ck_assert_uint_eq(complaints, 0);
}
END_TEST

START_TEST(websocket_fragments_and_what_is_between_them)
{
	uint8_t packet[PACKET_SCSI_LEN + 200];
	size_t len = make_packet(packet, 200);

	start_websocket(LINK_FRAMES_WHOLE);
	send_frame(0x02, packet, 10);
	send_frame(0x89, "ping", 4);
	send_frame(0x00, packet + 10, 0);
	send_frame(0x00, packet + 10, 100);
	send_frame(0x8a, "pong", 4);
	send_frame(0x80, packet + 110, len - 110);
	LOOP_UNTIL(base, got_len == len);
	ck_assert_mem_eq(got, packet, len);
	ck_assert_uint_eq(complaints, 0);

	/* nothing was said to the ping: the next that comes is what we write */
	write_all(packet, len);
	LOOP_UNTIL(base, peer_has(4 + len));
	ck_assert_mem_eq(seen, "\x82\x7e\x01\x05", 4);
}
END_TEST

START_TEST(websocket_input_of_the_request)
{
	uint8_t packet[PACKET_SCSI_LEN], frame[128];
	size_t len = make_packet(packet, 0), frame_len = make_frame(frame, 0x82, true, packet, len);

	start_plain();
	link_become_websocket(sim_link, LINK_FRAMES_WHOLE, frame, 7);
	link_want(sim_link, EV_READ);
	peer_write(frame + 7, frame_len - 7);
	LOOP_UNTIL(base, got_len == len);
	ck_assert_mem_eq(got, packet, len);
	link_unread(sim_link, packet, len);
	LOOP_UNTIL(base, got_len == 2 * len);
	ck_assert_mem_eq(got + len, packet, len);
}
END_TEST

START_TEST(websocket_byte_by_byte)
{
	uint8_t packet[PACKET_SCSI_LEN + 300], frame[512];
	size_t len = make_packet(packet, 300),
	       frame_len = make_frame(frame, 0x82, true, packet, len);
	int on = 1;

	start_websocket(LINK_FRAMES_WHOLE);
	setsockopt(peer, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
	for (size_t i = 0; i < frame_len; i++) {
		peer_write(frame + i, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	LOOP_UNTIL(base, got_len == len);
	ck_assert_mem_eq(got, packet, len);
}
END_TEST

/* Reads the frames that the peer has seen; the payload goes to out. */
struct frames {
	size_t payload, count, fragments, inside; /* inside: that end between two packets */
	bool is_closed;
};

static struct frames
read_frames(uint8_t *out)
{
	struct frames result = { 0 };
	size_t at = 0;
	bool is_open = false;

	while (at + 2 <= seen_len) {
		uint8_t opcode = seen[at] & 0x0f, len7 = seen[at + 1] & 0x7f;
		bool is_final = seen[at] & 0x80;
		size_t head = len7 == 126 ? 4 : len7 == 127 ? 10 : 2, len;

		if (at + head > seen_len)
			break;
		ck_assert(!(seen[at + 1] & 0x80)); /* the BMC does not mask */
		ck_assert(!(seen[at] & 0x70));
		len = len7 == 126   ? get_be16(seen + at + 2)
		      : len7 == 127 ? (size_t)get_be64(seen + at + 2)
				    : len7;
		if (at + head + len > seen_len)
			break;
		if (opcode == 8) {
			result.is_closed = true;
		} else {
			ck_assert_uint_eq(opcode, is_open ? 0 : 2);
			memcpy(out + result.payload, seen + at + head, len);
			result.payload += len;
			result.count++;
			result.fragments += !is_final;
			result.inside += result.payload % PACKET_SCSI_LEN != 0;
			is_open = !is_final;
		}
		at += head + len;
	}
	return result;
}

START_TEST(websocket_one_packet_a_frame_out)
{
	static uint8_t packets[PACKET_SCSI_LEN + PACKET_SCSI_LEN + 70000], out[sizeof(packets)];
	size_t first = make_packet(packets, 0), len = first + make_packet(packets + first, 70000);
	struct frames frames;

	start_websocket(LINK_FRAMES_WHOLE);
	/* in pieces that do not match packets */
	write_all(packets, 40);
	LOOP_UNTIL(base, to_write_len == 0);
	ck_assert(link_is_pending(sim_link));
	ck_assert(!peer_has(1));
	write_all(packets + 40, len - 40);
	LOOP_UNTIL(base, (frames = read_frames(out)).payload == len || (peer_has(seen_len + 1), 0));
	ck_assert_mem_eq(out, packets, len);
	ck_assert_uint_eq(frames.count, 2);
	ck_assert_uint_eq(frames.fragments, 0);
	ck_assert(!link_is_pending(sim_link));
}
END_TEST

START_TEST(websocket_what_is_no_packet_goes_out_too)
{
	uint8_t packet[PACKET_SCSI_LEN], out[256];

	make_packet(packet, 0);
	start_websocket(LINK_FRAMES_WHOLE);
	ck_assert_int_eq(link_write(sim_link, packet, 30), 30);
	ck_assert_int_eq(link_write(sim_link, NULL, 0), 0); /* half a packet, and that was it */
	ck_assert(!link_is_pending(sim_link));
	LOOP_UNTIL(base, peer_has(32));
	ck_assert_uint_eq(read_frames(out).payload, 30);
	ck_assert_int_eq(link_write(sim_link, "garbage", 7), 7);
	LOOP_UNTIL(base, peer_has(32 + 9));
	ck_assert_uint_eq(read_frames(out).payload, 37);
}
END_TEST

START_TEST(websocket_odd_frames_out)
{
	enum {
		PACKETS = 40,
	};
	static uint8_t packets[PACKETS * PACKET_SCSI_LEN], out[sizeof(packets)];
	struct frames frames;

	for (int i = 0; i < PACKETS; i++)
		make_packet(packets + i * PACKET_SCSI_LEN, 0);
	start_websocket(LINK_FRAMES_ODD);
	for (int i = 0; i < PACKETS; i += 4) {
		write_all(packets + i * PACKET_SCSI_LEN, 4 * PACKET_SCSI_LEN);
		LOOP_UNTIL(base, to_write_len == 0 && !link_is_pending(sim_link));
	}
	LOOP_UNTIL(base, (frames = read_frames(out)).payload == sizeof(packets) ||
				 (peer_has(seen_len + 1), 0));
	ck_assert_mem_eq(out, packets, sizeof(packets));
	ck_assert_uint_gt(frames.fragments, 0);
	ck_assert_uint_gt(frames.inside, 0);
}
END_TEST

START_TEST(websocket_close_ends)
{
	uint8_t out[64];

	start_websocket(LINK_FRAMES_WHOLE);
	send_frame(0x88, "\x03\xe8", 2);
	send_frame(0x82, "more", 4); /* is nothing any more */
	LOOP_UNTIL(base, has_ended);
	ck_assert_uint_eq(got_len, 0);
	LOOP_UNTIL(base, peer_has(4));
	ck_assert(read_frames(out).is_closed);
	ck_assert_int_eq(link_write(sim_link, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(websocket_closed_by_us)
{
	uint8_t out[64];

	start_websocket(LINK_FRAMES_WHOLE);
	link_free(sim_link, false);
	sim_link = NULL;
	LOOP_UNTIL(base, peer_read());
	ck_assert(peer_ended);
	ck_assert(read_frames(out).is_closed);
}
END_TEST

/* What a client must not do, and whether the link survives it. */
static const struct offence {
	const char *what;
	uint8_t first;
	bool is_masked;
	size_t len; /* of a payload that is a packet's beginning */
	uint32_t data_len;
	bool is_fatal;
	const char *complaint;
} offences[] = {
	{ "unmasked", 0x82, false, 61, 0, true, "unmasked frame" },
	{ "reserved bit", 0xc2, true, 61, 0, true, "reserved bits" },
	{ "no packet", 0x82, true, 60, 0, false, "message of 60 bytes is no packet" },
	{ "half a packet", 0x82, true, 100, 100, false,
		"message of 100 bytes with a packet of 161" },
	{ "two packets", 0x82, true, 122, 0, false, "message of 122 bytes with a packet of 61" },
	{ "text", 0x81, true, 61, 0, false, "text frame" },
	{ "opcode 3", 0x83, true, 61, 0, false, "opcode 3" },
	{ "opcode 15", 0x8f, true, 61, 0, false, "opcode 15" },
	{ "long ping", 0x89, true, 126, 0, false, "control frame of 126 bytes" },
	{ "ping in fragments", 0x09, true, 4, 0, false, "a fragment" },
	{ "continuation of nothing", 0x80, true, 61, 0, false, "without a message" },
	{ "too long", 0x82, true, LINK_FRAME_MAX + 1, 0, true, "longer than 262144" },
};

START_TEST(websocket_offence)
{
	static uint8_t payload[LINK_FRAME_MAX + 64], frame[sizeof(payload) + 32];
	const struct offence *offence = &offences[_i];
	bool is_data = (offence->first & 0x0f) <= 2;
	size_t len;

	memset(payload, 0, sizeof(payload));
	make_packet(payload, 0);
	put_le32(payload + OFF_DATA_LEN, offence->data_len);
	start_websocket(LINK_FRAMES_WHOLE);
	len = make_frame(frame, offence->first, offence->is_masked, payload, offence->len);
	/* of one that is refused by its header no more is needed */
	peer_write(frame, offence->is_fatal ? 14 : len);
	LOOP_UNTIL(base, complaints > 0);
	ck_assert_msg(
		strstr(complaint, offence->complaint) != NULL, "%s: %s", offence->what, complaint);
	if (offence->is_fatal) {
		LOOP_UNTIL(base, error);
		ck_assert_int_eq(error, EPROTO);
		ck_assert_uint_eq(got_len, 0);
	} else {
		LOOP_UNTIL(base, got_len == (is_data ? offence->len : 0));
		ck_assert_int_eq(error, 0);
		got_len = 0;
		send_frame(0x82, payload, PACKET_SCSI_LEN);
		LOOP_UNTIL(base, got_len == PACKET_SCSI_LEN);
	}
	ck_assert_uint_eq(complaints, _i == 3 ? complaints : 1);
}
END_TEST

START_TEST(websocket_message_too_long_in_fragments)
{
	static uint8_t payload[LINK_FRAME_MAX];

	make_packet(payload, 0);
	start_websocket(LINK_FRAMES_WHOLE);
	send_frame(0x02, payload, LINK_FRAME_MAX - 1);
	LOOP_UNTIL(base, got_len == LINK_FRAME_MAX - 1);
	send_frame(0x80, payload, 2);
	LOOP_UNTIL(base, error);
	ck_assert_int_eq(error, EPROTO);
}
END_TEST

START_TEST(websocket_control_packets_count_by_their_length)
{
	uint8_t packet[193] = { 0 };

	memcpy(packet, packet_signature, PACKET_SIGNATURE_LEN);
	put_le32(packet + OFF_DATA_PKT_LEN, 161);
	packet[OFF_CDB] = OP_AUTH;
	start_websocket(LINK_FRAMES_WHOLE);
	send_frame(0x82, packet, sizeof(packet));
	LOOP_UNTIL(base, got_len == sizeof(packet));
	ck_assert_uint_eq(complaints, 0);
	send_frame(0x82, packet, sizeof(packet) - 1);
	LOOP_UNTIL(base, complaints == 1);
	ck_assert_str_eq(complaint, "message of 192 bytes with a packet of 193");
}
END_TEST

START_TEST(websocket_over_tls)
{
	static uint8_t packet[PACKET_MAX], frame[PACKET_MAX + 14], out[PACKET_MAX];
	size_t len = make_packet(packet, 131072);
	struct sim_tls *tls = new_tls(TLS_NEW);
	struct frames frames;

	ck_assert_int_eq(start_tls(tls, TLS1_2_VERSION, TLS1_3_VERSION, false), 1);
	link_become_websocket(sim_link, _i ? LINK_FRAMES_ODD : LINK_FRAMES_WHOLE, NULL, 0);
	link_want(sim_link, EV_READ);
	peer_write(frame, make_frame(frame, 0x82, true, packet, len));
	LOOP_UNTIL(base, got_len == len);
	ck_assert_mem_eq(got, packet, len);
	write_all(packet, len);
	LOOP_UNTIL(base, (frames = read_frames(out)).payload == len || (peer_has(seen_len + 1), 0));
	ck_assert_mem_eq(out, packet, len);
	ck_assert_uint_eq(frames.count == 1, !_i);
	sim_tls_free(tls);
}
END_TEST

/* Whatever comes, the link ends or goes on, and gives no more than it got. */
START_TEST(websocket_noise)
{
	struct chance chance;
	uint8_t noise[512];
	size_t sent = 0;

	chance_init(&chance, (uint32_t)_i);
	start_websocket(LINK_FRAMES_WHOLE);
	for (int i = 0; i < 20 && !error && !has_ended; i++) {
		chance_fill(&chance, noise, sizeof(noise));
		noise[0] = 0x82; /* else most of it ends with the first frame */
		noise[1] = 0x80 | (noise[1] & 0x7f);
		peer_write(noise, sizeof(noise));
		sent += sizeof(noise);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	shutdown(peer, SHUT_WR);
	LOOP_UNTIL(base, error || has_ended);
	ck_assert_uint_le(got_len, sent);
}
END_TEST

/* ---- tunnel ---- */

START_TEST(tunnel_text_between_packets)
{
	static const char bye[] = "JVIEWER DISCONNECT Cookie abc\r\n\r\n";
	static const char reply[] = "HTTP/1.1 200 OK\r\n\r\n";
	uint8_t packet[PACKET_SCSI_LEN + 100]; /* its data begins with a J */
	size_t len = make_packet(packet, 100);

	start_plain();
	link_become_tunnel(sim_link);
	peer_write(packet, len);
	LOOP_UNTIL(base, got_len == len);
	peer_write(packet, PACKET_SCSI_LEN);
	LOOP_UNTIL(base, got_len == len + PACKET_SCSI_LEN);
	peer_write(packet + PACKET_SCSI_LEN, 100); /* a piece that begins with a J */
	LOOP_UNTIL(base, got_len == 2 * len);
	ck_assert(!has_ended);
	peer_write(packet, len);
	peer_write(bye, strlen(bye));
	LOOP_UNTIL(base, has_ended);
	ck_assert_uint_eq(got_len, 3 * len);
	ck_assert_mem_eq(got + 2 * len, packet, len);
	LOOP_UNTIL(base, peer_has(strlen(reply)));
	ck_assert_mem_eq(seen, reply, strlen(reply));
}
END_TEST

START_TEST(tunnel_takes_any_length)
{
	uint8_t packet[PACKET_SCSI_LEN];

	make_packet(packet, 0);
	put_le32(packet + OFF_DATA_PKT_LEN, UINT32_MAX);
	start_plain();
	link_become_tunnel(sim_link);
	peer_write(packet, sizeof(packet));
	peer_write("JJJJ", 4);
	LOOP_UNTIL(base, got_len == sizeof(packet) + 4);
}
END_TEST

static Suite *
link_suite(void)
{
	Suite *suite = suite_create("link");
	TCase *plain = tcase_create("plain"), *tls = tcase_create("tls");
	TCase *websocket = tcase_create("websocket"), *tunnel = tcase_create("tunnel");
	TCase *all[] = { plain, tls, websocket, tunnel };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		tcase_set_timeout(all[i], 120);
		tcase_add_checked_fixture(all[i], setup, teardown);
		suite_add_tcase(suite, all[i]);
	}
	tcase_add_test(plain, plain_bytes_both_ways);
	tcase_add_test(plain, plain_nothing_is_told_that_is_not_wanted);
	tcase_add_test(plain, plain_unread_comes_first_and_at_once);
	tcase_add_test(plain, plain_more_than_the_kernel_takes);
	tcase_add_test(plain, plain_end_and_reset);
	tcase_add_test(plain, plain_reset_by_us);
	tcase_add_test(plain, plain_shut_is_an_end_for_the_peer_only);
	tcase_add_test(plain, plain_may_be_freed_from_its_callback);
	tcase_add_loop_test(tls, tls_bytes_both_ways, 0, 2);
	tcase_add_loop_test(tls, tls_end_of_the_client, 0, 2);
	tcase_add_test(tls, tls_unread_comes_first);
	tcase_add_test(tls, tls_of_old_firmware);
	tcase_add_loop_test(tls, tls_old_and_new_do_not_meet, 0, 2);
	tcase_add_test(tls, tls_garbage_instead);
	tcase_add_test(tls, tls_closed_in_the_handshake);
	tcase_add_loop_test(tls, tls_renewed, 0, 2);
	tcase_add_test(tls, tls_of_a_file);
	tcase_add_loop_test(websocket, websocket_messages_of_all_sizes, 0, 8);
	tcase_add_test(websocket, websocket_fragments_and_what_is_between_them);
	tcase_add_test(websocket, websocket_input_of_the_request);
	tcase_add_test(websocket, websocket_byte_by_byte);
	tcase_add_test(websocket, websocket_one_packet_a_frame_out);
	tcase_add_test(websocket, websocket_what_is_no_packet_goes_out_too);
	tcase_add_test(websocket, websocket_odd_frames_out);
	tcase_add_test(websocket, websocket_close_ends);
	tcase_add_test(websocket, websocket_closed_by_us);
	tcase_add_loop_test(websocket, websocket_offence, 0, ARRAY_SIZE(offences));
	tcase_add_test(websocket, websocket_message_too_long_in_fragments);
	tcase_add_test(websocket, websocket_control_packets_count_by_their_length);
	tcase_add_loop_test(websocket, websocket_over_tls, 0, 2);
	tcase_add_loop_test(websocket, websocket_noise, 0, 20);
	tcase_add_test(tunnel, tunnel_text_between_packets);
	tcase_add_test(tunnel, tunnel_takes_any_length);
	return suite;
}

int
main(void)
{
	return unit_run(link_suite());
}
