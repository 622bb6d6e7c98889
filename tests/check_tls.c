/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_tls: which TLS peers a stream accepts, which not and why, and what goes over it. */
#include <malloc.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "stream_world.h"
#include "tls_certs.h"

static struct facts facts;
static unsigned facts_changes;
static char ca_path[64];

static void
facts_changed_cb(void *arg, const struct facts *changed)
{
	ck_assert_ptr_eq(arg, &w);
	ck_assert_ptr_eq(changed, &facts);
	facts_changes++;
}

static void
setup(void)
{
	world_setup();
	facts = (struct facts){ .changed = facts_changed_cb, .arg = &w };
	facts_changes = 0;
	ca_path[0] = '\0';
}

static void
teardown(void)
{
	world_teardown();
	if (ca_path[0])
		unlink(ca_path);
}

/* The peer shows this certificate from now on. */
static void
show(const struct cert_conf *conf)
{
	struct cert cert = cert_make(conf);

	SSL_CTX_free(w.peer_tls);
	w.peer_tls = cert_server(&cert);
	cert_free(&cert);
}

static void
show_self_signed(void)
{
	show(&(struct cert_conf){ .name = "bmc", .san = "IP:127.0.0.1" });
}

/* The CA of the system is this one. Before the first TLS of the process. */
static struct cert
make_ca(void)
{
	struct cert ca = cert_make(&(struct cert_conf){ .name = "our CA", .is_ca = true });

	strcpy(ca_path, "/tmp/check_tls.XXXXXX");
	cert_save(&ca, ca_path);
	setenv("SSL_CERT_FILE", ca_path, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	return ca;
}

static void
start_to(const char *address, enum tls_verify verify, bool is_legacy)
{
	struct tls_conf tls = { .verify = verify, .is_legacy = is_legacy, .facts = &facts };

	start_stream(&(struct stream_conf){
		.address = address, .port = w.port, .tls = &tls, .pin = PIN_MEDIA });
}

static void
start(enum tls_verify verify)
{
	start_to("127.0.0.1", verify, false);
}

static void
expect_connected(void)
{
	LOOP_UNTIL(w.base, has_told('C') || has_told('F'));
	ck_assert_msg(!has_told('F'), "%s", w.why.text);
	ck_assert_str_eq(w.told, "RC");
}

/* Nothing but a greeting has come to the peer. */
static void
expect_failure(enum failure failure, const char *words)
{
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_msg(
		strstr(w.why.text, words) != NULL, "\"%s\" instead of \"%s\"", w.why.text, words);
	ck_assert_str_eq(w.told, "RF");
	ck_assert_int_eq(w.failure, failure);
	if (w.peer && w.peer_tls)
		ck_assert_uint_eq(evbuffer_get_length(at_peer()), 0);
}

/* ---- who is accepted ---- */

START_TEST(test_none)
{
	const struct tls_seen *seen;
	char expected[65];
	struct cert cert = cert_make(&(struct cert_conf){ .name = "b\xc3\xa4r" });

	w.peer_tls = cert_server(&cert);
	cert_fingerprint(&cert, expected);
	start(TLS_VERIFY_NONE);
	ck_assert_str_eq(stream_tls(w.stream)->fingerprint, "");
	expect_connected();
	seen = stream_tls(w.stream);
	ck_assert_str_eq(seen->fingerprint, expected);
	ck_assert_ptr_nonnull(strstr(seen->subject, "CN="));
	ck_assert_str_eq(seen->subject, seen->issuer);
	for (const char *c = seen->subject; *c; c++)
		ck_assert(*c >= ' ' && *c <= '~');
	ck_assert(seen->is_self_signed);
	ck_assert_str_eq(seen->version, "TLSv1.3");
	ck_assert_str_ne(seen->cipher, "");
	ck_assert_uint_eq(strlen(seen->not_after), strlen("2031-05-01"));
	/* Nothing is remembered. */
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	ck_assert_uint_eq(facts_changes, 0);
	cert_free(&cert);
}
END_TEST

START_TEST(test_first_is_pinned)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc" });
	char expected[65];

	w.peer_tls = cert_server(&cert);
	cert_fingerprint(&cert, expected);
	cert_free(&cert);
	start(TLS_VERIFY_PIN);
	expect_connected();
	ck_assert_str_eq(facts.pin[PIN_MEDIA], expected);
	ck_assert_str_eq(facts.pin[PIN_WEB], "");
	ck_assert_uint_eq(facts_changes, 1);
	next();
	start(TLS_VERIFY_PIN);
	expect_connected();
	ck_assert_uint_eq(facts_changes, 1);
}
END_TEST

START_TEST(test_pin_changes)
{
	char expected[240];

	show_self_signed();
	start(TLS_VERIFY_PIN);
	expect_connected();
	next();
	show_self_signed();
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, has_told('F'));
	snprintf(expected, sizeof(expected), "certificate changed: pinned %s, got %s",
		facts.pin[PIN_MEDIA], stream_tls(w.stream)->fingerprint);
	ck_assert_str_ne(facts.pin[PIN_MEDIA], stream_tls(w.stream)->fingerprint);
	ck_assert_str_eq(w.why.text, expected);
	expect_failure(FAILURE_CERTIFICATE, "certificate changed");
	ck_assert_uint_eq(facts_changes, 1);
	/* An operator forgets the old one. */
	next();
	facts_set_pin(&facts, PIN_MEDIA, "");
	start(TLS_VERIFY_PIN);
	expect_connected();
}
END_TEST

/* Two at once see two certificates for the first time: the slower one is refused. */
START_TEST(test_pinned_meanwhile)
{
	static const char other[] =
		"00000000000000000000000000000000000000000000000000000000000000aa";

	show_self_signed();
	/* TLS 1.2: the certificate is seen one turn before the handshake is done. */
	SSL_CTX_set_max_proto_version(w.peer_tls, TLS1_2_VERSION);
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, stream_tls(w.stream)->fingerprint[0] != '\0');
	ck_assert_str_eq(w.told, "R");
	facts_set_pin(&facts, PIN_MEDIA, other);
	expect_failure(FAILURE_CERTIFICATE, "certificate changed: pinned 0000");
	ck_assert_str_eq(facts.pin[PIN_MEDIA], other);
}
END_TEST

/* The peer shows a certificate, and then the handshake fails all the same. */
START_TEST(test_not_pinned_before_done)
{
	show_self_signed();
	SSL_CTX_set_max_proto_version(w.peer_tls, TLS1_2_VERSION);
	SSL_CTX_set_verify(w.peer_tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	start(TLS_VERIFY_PIN);
	expect_failure(FAILURE_TLS, "tls.legacy");
	ck_assert_str_ne(stream_tls(w.stream)->fingerprint, "");
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	ck_assert_uint_eq(facts_changes, 0);
}
END_TEST

START_TEST(test_ca)
{
	struct cert ca = make_ca();

	show(&(struct cert_conf){ .name = "bmc", .san = "IP:127.0.0.1", .issuer = &ca });
	start(TLS_VERIFY_CA);
	expect_connected();
	ck_assert(!stream_tls(w.stream)->is_self_signed);
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	next();
	show(&(struct cert_conf){ .name = "bmc", .san = "DNS:localhost", .issuer = &ca });
	start_to("localhost", TLS_VERIFY_CA, false);
	expect_connected();
	next();
	start(TLS_VERIFY_CA);
	expect_failure(FAILURE_CERTIFICATE, "certificate is for other names than 127.0.0.1");
	next();
	show(&(struct cert_conf){ .name = "bmc", .san = "IP:127.0.0.1", .issuer = &ca });
	start_to("localhost", TLS_VERIFY_CA, false);
	expect_failure(FAILURE_CERTIFICATE, "certificate is for other names than localhost");
	cert_free(&ca);
}
END_TEST

/* The certificate of the BMC itself may stand among the CAs. */
START_TEST(test_ca_is_itself)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc", .san = "IP:127.0.0.1" });

	strcpy(ca_path, "/tmp/check_tls.XXXXXX");
	cert_save(&cert, ca_path);
	setenv("SSL_CERT_FILE", ca_path, 1);
	w.peer_tls = cert_server(&cert);
	cert_free(&cert);
	start(TLS_VERIFY_CA);
	expect_connected();
}
END_TEST

START_TEST(test_ca_refuses)
{
	struct cert ca = make_ca();
	struct cert other = cert_make(&(struct cert_conf){ .name = "other CA", .is_ca = true });
	char expected[64];

	show_self_signed();
	start(TLS_VERIFY_CA);
	expect_failure(FAILURE_CERTIFICATE, "certificate not trusted: self-signed");
	next();
	show(&(struct cert_conf){ .name = "bmc", .san = "IP:127.0.0.1", .issuer = &other });
	start(TLS_VERIFY_CA);
	expect_failure(FAILURE_CERTIFICATE, "its CA is not known here (CN=other CA)");
	next();
	show(&(struct cert_conf){
		.name = "bmc", .san = "IP:127.0.0.1", .issuer = &ca, .from = -20, .to = -10 });
	start(TLS_VERIFY_CA);
	LOOP_UNTIL(w.base, has_told('F'));
	snprintf(expected, sizeof(expected), "certificate expired %s",
		stream_tls(w.stream)->not_after);
	expect_failure(FAILURE_CERTIFICATE, expected);
	next();
	show(&(struct cert_conf){
		.name = "bmc", .san = "IP:127.0.0.1", .issuer = &ca, .from = 10, .to = 20 });
	start(TLS_VERIFY_CA);
	expect_failure(FAILURE_CERTIFICATE, "certificate is not valid before 2");
	cert_free(&ca);
	cert_free(&other);
}
END_TEST

/* A self-signed, expired certificate with no names is what a pin is for. */
START_TEST(test_pin_takes_expired)
{
	show(&(struct cert_conf){ .name = "bmc", .from = -20, .to = -10 });
	start(TLS_VERIFY_PIN);
	expect_connected();
}
END_TEST

/* ---- old TLS ---- */

static void
show_old(void)
{
	show(&(struct cert_conf){ .name = "bmc", .rsa_bits = 1024, .md = EVP_sha1() });
	SSL_CTX_set_min_proto_version(w.peer_tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(w.peer_tls, TLS1_VERSION);
	SSL_CTX_set_cipher_list(w.peer_tls, "AES128-SHA:@SECLEVEL=0");
}

START_TEST(test_old_tls)
{
	char got[8] = { 0 };

	show_old();
	start_to("127.0.0.1", TLS_VERIFY_PIN, true);
	expect_connected();
	ck_assert_str_eq(stream_tls(w.stream)->version, "TLSv1");
	stream_write(w.stream, "hello", 5, NULL);
	LOOP_UNTIL(w.base, evbuffer_get_length(at_peer()) == 5);
	peer_says("olleh", 5);
	LOOP_UNTIL(w.base, input_len() == 5);
	take_input(got, 5);
	ck_assert_str_eq(got, "olleh");
	/* What one target allows is not allowed to the next. */
	next();
	start(TLS_VERIFY_PIN);
	expect_failure(FAILURE_TLS, "the BMC speaks only an old TLS (1.0 or 1.1): set tls.legacy");
}
END_TEST

/* A server that does not object, but answers with what it knows. */
START_TEST(test_old_server_hello)
{
	uint8_t hello[5 + 4 + 38] = { 0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1 };

	memset(hello + 11, 0x5A, 32);
	hello[5 + 4 + 36] = 0x2F; /* AES128-SHA */
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, w.peer && evbuffer_get_length(at_peer()) > 0);
	peer_says(hello, sizeof(hello));
	expect_failure(FAILURE_TLS, "set tls.legacy");
}
END_TEST

START_TEST(test_short_key)
{
	show(&(struct cert_conf){ .name = "bmc", .rsa_bits = 1024 });
	start(TLS_VERIFY_PIN);
	expect_failure(FAILURE_CERTIFICATE,
		"certificate too weak, its key has only 1024 bits: set tls.legacy");
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	next();
	start_to("127.0.0.1", TLS_VERIFY_PIN, true);
	expect_connected();
}
END_TEST

START_TEST(test_old_cipher)
{
	show_self_signed();
	SSL_CTX_set_max_proto_version(w.peer_tls, TLS1_2_VERSION);
	ck_assert_int_eq(SSL_CTX_set_cipher_list(w.peer_tls, "ECDHE-ECDSA-CAMELLIA128-SHA256"), 1);
	start(TLS_VERIFY_NONE);
	expect_failure(FAILURE_TLS, "set tls.legacy");
	next();
	start_to("127.0.0.1", TLS_VERIFY_NONE, true);
	expect_connected();
}
END_TEST

/* ---- no TLS ---- */

START_TEST(test_plain_peer)
{
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, w.peer != NULL);
	peer_says("IUSB    \0\0\0\0", 12);
	expect_failure(FAILURE_TLS, "no TLS on this port");
}
END_TEST

START_TEST(test_close_in_handshake)
{
	start_to("127.0.0.1", TLS_VERIFY_PIN, _i);
	LOOP_UNTIL(w.base, w.peer && evbuffer_get_length(at_peer()) > 0);
	drop_peer();
	expect_failure(FAILURE_TLS, "the BMC closed the connection during the TLS handshake");
	ck_assert_int_eq(strstr(w.why.text, ": set tls.legacy") != NULL, _i == 0);
}
END_TEST

START_TEST(test_reset_in_handshake)
{
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, w.peer && evbuffer_get_length(at_peer()) > 0);
	reset_peer();
	expect_failure(FAILURE_LOST, "connection reset during the TLS handshake");
}
END_TEST

START_TEST(test_not_listening)
{
	show_self_signed();
	evconnlistener_free(w.listener);
	w.listener = NULL;
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_eq(w.told, "F");
	ck_assert_int_eq(w.failure, FAILURE_UNREACHABLE);
}
END_TEST

START_TEST(test_free_in_handshake)
{
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, w.peer && evbuffer_get_length(at_peer()) > 0);
	stream_free(w.stream);
	w.stream = NULL;
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_str_eq(w.told, "R");
}
END_TEST

/* ---- bytes ---- */

static void
connect_both(void)
{
	show_self_signed();
	start(TLS_VERIFY_PIN);
	expect_connected();
	LOOP_UNTIL(w.base, w.is_peer_up);
}

START_TEST(test_largest_answer)
{
	static uint8_t big[PACKET_DATA_MAX], got[PACKET_SCSI_LEN + PACKET_DATA_MAX];
	uint8_t head[PACKET_SCSI_LEN];
	struct evbuffer *data = evbuffer_new();

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	memset(head, 0xA5, sizeof(head));
	connect_both();
	/* In pieces of all sizes. */
	for (size_t off = 0, n = 1; off < sizeof(big); off += n, n = n * 3 + 1) {
		if (n > sizeof(big) - off)
			n = sizeof(big) - off;
		evbuffer_add_reference(data, big + off, n, NULL, NULL);
	}
	w.is_inside = true;
	stream_write(w.stream, head, sizeof(head), data);
	w.is_inside = false;
	ck_assert_uint_eq(stream_pending(w.stream), sizeof(got));
	ck_assert_uint_eq(evbuffer_get_length(data), 0);
	LOOP_UNTIL(w.base, has_told('D'));
	ck_assert_uint_eq(stream_pending(w.stream), 0);
	LOOP_UNTIL(w.base, evbuffer_get_length(at_peer()) == sizeof(got));
	evbuffer_remove(at_peer(), got, sizeof(got));
	ck_assert_mem_eq(got, head, sizeof(head));
	ck_assert_mem_eq(got + sizeof(head), big, sizeof(big));
	evbuffer_free(data);
}
END_TEST

/* A peer that does not read: what is queued waits, and more may be queued behind it. */
START_TEST(test_slow_reader)
{
	enum { TIMES = 20 };
	static uint8_t big[PACKET_DATA_MAX];
	size_t got = 0;

	shrink_window();
	connect_both();
	bufferevent_disable(w.peer, EV_READ);
	for (int i = 0; i < TIMES; i++) {
		memset(big, i, sizeof(big));
		stream_write(w.stream, big, sizeof(big), NULL);
		turn(2);
	}
	ck_assert_uint_gt(stream_pending(w.stream), 0);
	bufferevent_enable(w.peer, EV_READ);
	while (got < TIMES * sizeof(big)) {
		size_t len, wrong = 0;

		LOOP_UNTIL(w.base, evbuffer_get_length(at_peer()) > 0);
		len = (size_t)evbuffer_remove(at_peer(), big, sizeof(big));
		for (size_t i = 0; i < len; i++, got++)
			wrong += big[i] != got / sizeof(big);
		ck_assert_uint_eq(wrong, 0);
	}
	LOOP_UNTIL(w.base, has_told('D'));
}
END_TEST

START_TEST(test_input_is_bounded)
{
	enum { TOTAL = 4 * PACKET_MAX };
	static uint8_t flood[TOTAL], got[PACKET_MAX];
	size_t off = 0;

	for (size_t i = 0; i < sizeof(flood); i++)
		flood[i] = (uint8_t)(i * 5 + i / 253);
	connect_both();
	peer_says(flood, sizeof(flood));
	while (off < TOTAL) {
		size_t expected = TOTAL - off < PACKET_MAX ? TOTAL - off : PACKET_MAX;

		LOOP_UNTIL(w.base, input_len() >= expected);
		turn(3);
		ck_assert_uint_eq(input_len(), expected);
		take_input(got, expected);
		ck_assert_mem_eq(got, flood + off, expected);
		off += expected;
	}
}
END_TEST

START_TEST(test_input_not_wanted)
{
	connect_both();
	stream_want_input(w.stream, false);
	peer_says("later", 5);
	LOOP_UNTIL(w.base, peer_has_sent());
	turn(10);
	ck_assert_uint_eq(input_len(), 0);
	ck_assert_str_eq(w.told, "RC");
	stream_want_input(w.stream, true);
	LOOP_UNTIL(w.base, input_len() == 5);
	ck_assert_str_eq(w.told, "RCI");
}
END_TEST

/* One record holds both: the second half is inside OpenSSL when reading stops. */
START_TEST(test_stop_inside_record)
{
	static uint8_t fill[PACKET_MAX - 4], rest[8];

	connect_both();
	peer_says(fill, sizeof(fill));
	LOOP_UNTIL(w.base, input_len() == sizeof(fill));
	peer_says("abcdefgh", 8);
	LOOP_UNTIL(w.base, input_len() == PACKET_MAX);
	evbuffer_drain(stream_input(w.stream), sizeof(fill));
	LOOP_UNTIL(w.base, input_len() == 8);
	take_input(rest, 8);
	ck_assert_mem_eq(rest, "abcdefgh", 8);
}
END_TEST

/* With and without a close_notify. */
START_TEST(test_data_and_close)
{
	connect_both();
	peer_says("goodbye", 7);
	LOOP_UNTIL(w.base, peer_has_sent());
	if (_i == 1)
		SSL_shutdown(bufferevent_openssl_get_ssl(w.peer));
	drop_peer();
	LOOP_UNTIL(w.base, has_told('X'));
	ck_assert_str_eq(w.told, "RCIX");
	ck_assert_uint_eq(input_len(), 7);
	evbuffer_drain(stream_input(w.stream), 7);
	stream_want_input(w.stream, false);
	stream_want_input(w.stream, true);
	turn(5);
	ck_assert_uint_eq(w.closes, 1);
}
END_TEST

START_TEST(test_reset)
{
	connect_both();
	reset_peer();
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_str_eq(w.why.text, "connection reset");
	ck_assert_int_eq(w.failure, FAILURE_LOST);
}
END_TEST

/* What is no record costs the connection. */
START_TEST(test_garbage)
{
	connect_both();
	ck_assert_int_gt(send(bufferevent_getfd(w.peer), "IUSB    IUSB    ", 16, 0), 0);
	LOOP_UNTIL(w.base, has_told('F'));
	ck_assert_ptr_nonnull(strstr(w.why.text, "the TLS connection broke: "));
	ck_assert_int_eq(w.failure, FAILURE_LOST);
}
END_TEST

/* The last answer arrives, and with it a proper end. */
START_TEST(test_free_delivers)
{
	static uint8_t answer[8192];

	connect_both();
	peer_says("unread", 6);
	LOOP_UNTIL(w.base, peer_has_sent());
	w.free_on = 'D';
	stream_write(w.stream, answer, sizeof(answer), NULL);
	LOOP_UNTIL(w.base, !w.stream);
	LOOP_UNTIL(w.base, w.has_peer_ended);
	ck_assert_int_eq(w.peer_what & BEV_EVENT_EOF, BEV_EVENT_EOF);
	ck_assert_uint_eq(evbuffer_get_length(at_peer()), sizeof(answer));
	ck_assert_int_eq(
		SSL_get_shutdown(bufferevent_openssl_get_ssl(w.peer)) & SSL_RECEIVED_SHUTDOWN,
		SSL_RECEIVED_SHUTDOWN);
}
END_TEST

START_TEST(test_free_from_callback)
{
	w.free_on = "RCIDXF"[_i];
	show_self_signed();
	start(TLS_VERIFY_PIN);
	LOOP_UNTIL(w.base, !w.stream || has_told('C'));
	if (w.stream)
		LOOP_UNTIL(w.base, w.is_peer_up);
	switch (w.free_on) {
	case 'I':
		peer_says("x", 1);
		break;
	case 'D':
		stream_write(w.stream, "x", 1, NULL);
		break;
	case 'X':
		drop_peer();
		break;
	case 'F':
		reset_peer();
		break;
	}
	LOOP_UNTIL(w.base, !w.stream);
}
END_TEST

/* ---- what it costs ---- */

enum {
	STREAMS = 200,
	STREAM_COST_MAX = 65536, /* bytes of memory of one idle TLS stream */
	HELLO_LEN = 3000,
};

static void
serve_read_cb(struct bufferevent *bev, void *arg)
{
	static char hello[HELLO_LEN];

	(void)arg;
	if (evbuffer_get_length(bufferevent_get_input(bev)) < PACKET_DATA_MAX)
		return;
	evbuffer_drain(bufferevent_get_input(bev), PACKET_DATA_MAX);
	bufferevent_write(bev, hello, sizeof(hello));
}

static void
serve_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len,
	void *arg)
{
	struct bufferevent *bev;

	(void)sa, (void)len;
	be_quick(fd);
	bev = bufferevent_openssl_socket_new(evconnlistener_get_base(listener), fd, SSL_new(arg),
		BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(bev, serve_read_cb, NULL, NULL, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* A process that serves TLS on a port, until it is killed. */
static pid_t
fork_server(int rsa_bits, uint16_t *port)
{
	struct cert cert = cert_make(&(struct cert_conf){ .name = "bmc", .rsa_bits = rsa_bits });
	struct sockaddr_in sin = loopback();
	struct evconnlistener *listener;
	struct event_base *base;
	SSL_CTX *ctx = cert_server(&cert);
	int pipes[2];
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		close(pipes[1]);
		ck_assert_int_eq(read(pipes[0], port, sizeof(*port)), sizeof(*port));
		close(pipes[0]);
		SSL_CTX_free(ctx);
		cert_free(&cert);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	base = event_base_new();
	listener = evconnlistener_new_bind(base, serve_accept_cb, ctx, LEV_OPT_CLOSE_ON_FREE, -1,
		(struct sockaddr *)&sin, sizeof(sin));
	*port = port_of(evconnlistener_get_fd(listener));
	if (write(pipes[1], port, sizeof(*port)) != sizeof(*port))
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}

static size_t
memory_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Not under valgrind and the sanitizers, which have allocators of their own. */
static bool
is_memory_counted(void)
{
	size_t before = memory_in_use();
	void *volatile block = malloc(50000);
	size_t after = memory_in_use();

	free(block);
	return after >= before + 50000;
}

static unsigned connected, answered;

static void
idle_cb(void *arg, enum stream_event event, const struct reason *why)
{
	struct stream **stream = arg;

	if (event == STREAM_FAILED)
		ck_abort_msg("%s", why->text);
	connected += event == STREAM_CONNECTED;
	if (event == STREAM_INPUT && evbuffer_get_length(stream_input(*stream)) == HELLO_LEN) {
		evbuffer_drain(stream_input(*stream), HELLO_LEN);
		answered++;
	}
}

/* Streams that have worked, and wait now. */
START_TEST(test_memory)
{
	struct tls_conf tls = { .verify = TLS_VERIFY_PIN, .facts = &facts };
	struct stream_conf conf = { .address = "127.0.0.1", .tls = &tls, .pin = PIN_MEDIA };
	struct stream *streams[1 + STREAMS];
	static uint8_t big[PACKET_DATA_MAX];
	unsigned n = is_memory_counted() ? STREAMS : 5;
	pid_t server = fork_server(n == STREAMS ? 2048 : 0, &conf.port);
	size_t before = 0, after;

	/* The first one makes what all share. */
	for (unsigned i = 0; i < 1 + n; i++) {
		if (i == 1)
			before = memory_in_use();
		streams[i] = stream_connect(w.base, &conf, idle_cb, &streams[i]);
		LOOP_UNTIL(w.base, connected == i + 1);
		stream_write(streams[i], big, sizeof(big), NULL);
		LOOP_UNTIL(w.base, answered == i + 1);
	}
	after = memory_in_use();
	if (n == STREAMS) {
		printf("# an idle TLS stream costs %zu bytes\n", (after - before) / n);
		fflush(stdout);
		ck_assert_uint_le((after - before) / n, STREAM_COST_MAX);
	}
	for (unsigned i = 0; i < 1 + n; i++)
		stream_free(streams[i]);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tls");
	TCase *peers = tcase_create("peers");
	TCase *bytes = tcase_create("bytes");
	TCase *cost = tcase_create("cost");

	tcase_set_timeout(peers, 120);
	tcase_add_checked_fixture(peers, setup, teardown);
	tcase_add_test(peers, test_none);
	tcase_add_test(peers, test_first_is_pinned);
	tcase_add_test(peers, test_pin_changes);
	tcase_add_test(peers, test_pinned_meanwhile);
	tcase_add_test(peers, test_not_pinned_before_done);
	tcase_add_test(peers, test_ca);
	tcase_add_test(peers, test_ca_is_itself);
	tcase_add_test(peers, test_ca_refuses);
	tcase_add_test(peers, test_pin_takes_expired);
	tcase_add_test(peers, test_old_tls);
	tcase_add_test(peers, test_old_server_hello);
	tcase_add_test(peers, test_short_key);
	tcase_add_test(peers, test_old_cipher);
	tcase_add_test(peers, test_plain_peer);
	tcase_add_loop_test(peers, test_close_in_handshake, 0, 2);
	tcase_add_test(peers, test_reset_in_handshake);
	tcase_add_test(peers, test_not_listening);
	tcase_add_test(peers, test_free_in_handshake);
	suite_add_tcase(suite, peers);

	tcase_set_timeout(bytes, 120);
	tcase_add_checked_fixture(bytes, setup, teardown);
	tcase_add_test(bytes, test_largest_answer);
	tcase_add_test(bytes, test_slow_reader);
	tcase_add_test(bytes, test_input_is_bounded);
	tcase_add_test(bytes, test_input_not_wanted);
	tcase_add_test(bytes, test_stop_inside_record);
	tcase_add_loop_test(bytes, test_data_and_close, 0, 2);
	tcase_add_test(bytes, test_reset);
	tcase_add_test(bytes, test_garbage);
	tcase_add_test(bytes, test_free_delivers);
	tcase_add_loop_test(bytes, test_free_from_callback, 0, 6);
	suite_add_tcase(suite, bytes);

	tcase_set_timeout(cost, 120);
	tcase_add_checked_fixture(cost, setup, teardown);
	tcase_add_test(cost, test_memory);
	suite_add_tcase(suite, cost);
	return unit_run(suite);
}
