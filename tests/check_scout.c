/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_scout: what a look at a BMC finds, and what it leaves alone. */
#include "bmc/scout.h"

#include <signal.h>

#include "base/memory.h"
#include "bmc/resolve.h"
#include "cases.h"
#include "fake_portal.h"
#include "fake_web.h"
#include "iusb/auth.h"
#include "iusb/packet.h"
#include "loop.h"
#include "tls_certs.h"

#define UNTIL(condition) LOOP_UNTIL(base, condition)

static struct event_base *base;

/* ---- a port of a BMC ---- */

enum manner { /* what it does with a connection */
	KEEP_SILENT,
	GREET,        /* an ACK, as `legacy` */
	SPEAK_WRONG,  /* something that is no IUSB */
	WAIT_FOR_AUTH /* then an ACK */
};

struct port {
	struct evconnlistener *listener;
	uint16_t port;
	enum manner manner;
	uint8_t status[SLOT_INSTANCES]; /* of the ACK, by instance; 0: none comes */
	const char *owner;
	unsigned connects, gone;
	size_t received;
	char tokens[8][32]; /* of each AUTH */
	unsigned auths, infos, goodbyes;
};

struct port_client {
	struct port *port;
	struct bufferevent *bev;
};

static void
client_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct port_client *client = arg;

	(void)what;
	client->port->gone++;
	bufferevent_free(bev);
	free(client);
}

static void
answer(struct port_client *client, int instance)
{
	struct port *port = client->port;
	uint8_t ack[ACK_LEN];

	if (port->status[instance] == 0)
		return;
	control_ack(ack, (uint8_t)instance, port->status[instance], port->owner);
	bufferevent_write(client->bev, ack, sizeof(ack));
}

static void
take_packet(struct port_client *client, const struct packet *packet)
{
	struct port *port = client->port;
	struct auth auth;

	switch (packet->op) {
	case OP_AUTH:
		ck_assert(auth_parse(packet, &auth));
		ck_assert_uint_lt(port->auths, 8);
		snprintf(port->tokens[port->auths++], sizeof(port->tokens[0]), "%.31s", auth.token);
		answer(client, auth.instance);
		break;
	case OP_DEVICE_INFO:
		port->infos++;
		break;
	case OP_DISCONNECT:
		port->goodbyes++;
		break;
	default:
		ck_abort_msg("opcode 0x%02X", packet->op);
	}
}

static void
client_input_cb(struct bufferevent *bev, void *arg)
{
	struct port_client *client = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	struct packet packet;
	struct reason why;

	client->port->received += evbuffer_get_length(input);
	if (client->port->manner != WAIT_FOR_AUTH) {
		evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	while (packet_decode(evbuffer_pullup(input, -1), evbuffer_get_length(input), &packet,
		       &why) == PACKET_READY) {
		take_packet(client, &packet);
		evbuffer_drain(input, packet.total);
	}
}

static void
port_accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len,
	void *arg)
{
	struct port_client *client = calloc(1, sizeof(*client));

	(void)listener, (void)sa, (void)len;
	ck_assert_ptr_nonnull(client);
	client->port = arg;
	client->port->connects++;
	client->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->bev, client_input_cb, NULL, client_event_cb, client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	if (client->port->manner == GREET)
		answer(client, 0);
	else if (client->port->manner == SPEAK_WRONG)
		bufferevent_write(client->bev, "220 what do you want here?\r\n", 28);
}

/* The rest of *port is as the test wants it. */
static void
port_open(struct port *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	port->listener = evconnlistener_new_bind(base, port_accept_cb, port,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, (struct sockaddr *)&sin,
		sizeof(sin));
	ck_assert_ptr_nonnull(port->listener);
	ck_assert_int_eq(
		getsockname(evconnlistener_get_fd(port->listener), (struct sockaddr *)&sin, &len),
		0);
	port->port = ntohs(sin.sin_port);
	if (!port->owner)
		port->owner = "";
}

/* So many connections have been there, and a scout that has ended has left none open. */
static void
port_close(struct port *port, unsigned connects)
{
	UNTIL(port->connects >= connects && port->gone == port->connects);
	ck_assert_uint_eq(port->connects, connects);
	evconnlistener_free(port->listener);
}

/* A port where nobody listens. */
static uint16_t
closed_port(void)
{
	struct port port = { 0 };

	port_open(&port);
	evconnlistener_free(port.listener);
	return port.port;
}

/* ---- a look ---- */

static struct scout_conf conf;
static struct scout_door doors[SCOUT_DOORS];
static struct facts facts;
static struct scout *scout;
static struct scout_report report;
static unsigned reports, changes;
static char said[1024]; /* the progress */

static void
report_cb(void *arg, const char *progress, const struct scout_report *r)
{
	ck_assert_ptr_eq(arg, &conf);
	ck_assert((progress == NULL) != (r == NULL));
	if (progress) {
		strncat(said, progress, sizeof(said) - strlen(said) - 1);
		strncat(said, ";", sizeof(said) - strlen(said) - 1);
		return;
	}
	report = *r;
	reports++;
	scout_free(scout);
	scout = NULL;
}

static void
facts_changed_cb(void *arg, const struct facts *f)
{
	(void)arg, (void)f;
	changes++;
}

static struct scout_door *
add_door(enum scout_use use, enum device device, uint16_t port, bool is_tls)
{
	struct scout_door *door = &doors[conf.door_count++];

	*door = (struct scout_door){ .port = port, .use = use, .device = device, .is_tls = is_tls };
	return door;
}

/* Without the table of default ports: only what the test adds. Times that nothing comes near. */
static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	facts = (struct facts){ .changed = facts_changed_cb };
	conf = (struct scout_conf){
		.way = { .address = "127.0.0.1",
			.dialect = dialect_find("auto"),
			.transport = CHOOSE_TRANSPORT,
			.tls_mode = TLS_AUTO,
			.tls = { .verify = TLS_VERIFY_NONE },
			.facts = &facts },
		.doors = doors,
		.times = { 50, 50, 50, 50, 50, 50, 50 },
	};
	memset(doors, 0, sizeof(doors));
	memset(&report, 0, sizeof(report));
	reports = changes = 0;
	said[0] = '\0';
}

static void
teardown(void)
{
	scout_free(scout);
	scout = NULL;
	event_base_free(base);
}

static void
start(void)
{
	scout = scout_start(base, &conf, report_cb, &conf);
	ck_assert_ptr_nonnull(scout);
}

static void
look(void)
{
	start();
	UNTIL(reports == 1);
}

static const char *
dialect_name(void)
{
	return report.dialect ? report.dialect->name : "";
}

/* "cd0=free cd1=in-use(10.0.0.7) " */
static const char *
slots(void)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < report.slot_count; i++) {
		const struct scout_slot *slot = &report.slots[i];
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%d=%s%s%s%s ",
			device_name(slot->device), slot->instance,
			scout_slot_state_name(slot->state), slot->holder[0] ? "(" : "",
			slot->holder, slot->holder[0] ? ")" : "");
	}
	return text;
}

/* ---- which ports ---- */

/* "80 443t cd:5120 cd:5124t console:7578 " */
static const char *
list_doors(const char *dialect, enum tls_choice tls_mode, uint16_t web, uint16_t cd)
{
	static char text[512];
	const struct session_conf way = {
		.dialect = dialect_find(dialect), .tls_mode = tls_mode, .web_port = web
	};
	const uint16_t port[DEVICE_COUNT] = { [DEVICE_CD] = cd };
	struct scout_door list[SCOUT_DOORS];
	size_t count = scout_doors(list, &way, port);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *what = list[i].use == SCOUT_MEDIA     ? device_name(list[i].device)
				   : list[i].use == SCOUT_CONSOLE ? "console"
				   : list[i].use == SCOUT_HID     ? "hid"
								  : "web";
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s:%u%s%s ", what, list[i].port,
			list[i].is_tls ? "t" : "", list[i].is_default ? "" : "!");
	}
	return text;
}

START_TEST(ports_are_those_of_the_dialect)
{
	ck_assert_str_eq(list_doors("auto", TLS_AUTO, 0, 0),
		"web:80 web:443t cd:5120 cd:5124t fd:5123 fd:5126t hd:5122 hd:5127t hid:5121 "
		"console:7578 console:7582t ");
	ck_assert_str_eq(list_doors("asp", TLS_AUTO, 0, 0),
		"web:80 web:443t cd:5120 cd:5124t fd:5122 fd:5126t hd:5123 hd:5127t "
		"console:7578 console:7582t ");
	ck_assert_str_eq(list_doors("legacy", TLS_AUTO, 0, 0),
		"web:80 web:443t cd:5120 fd:5123 hd:5122 hid:5121 console:7578 console:7582t ");
}
END_TEST

START_TEST(configured_ports_take_the_place_of_the_usual_ones)
{
	ck_assert_str_eq(list_doors("asp", TLS_AUTO, 8443, 7120),
		"web:8443t! cd:7120! fd:5122 fd:5126t hd:5123 hd:5127t console:7578 console:7582t ");
	ck_assert_str_eq(list_doors("asp", TLS_OFF, 8080, 7120),
		"web:8080! cd:7120! fd:5122 hd:5123 console:7578 console:7582t ");
	ck_assert_str_eq(list_doors("asp", TLS_ON, 0, 7124),
		"web:80 web:443t cd:7124t! fd:5126t hd:5127t console:7578 console:7582t ");
}
END_TEST

/* ---- open or not ---- */

START_TEST(nothing_is_there)
{
	add_door(SCOUT_WEB, 0, closed_port(), true);
	add_door(SCOUT_MEDIA, DEVICE_CD, closed_port(), false);
	look();
	ck_assert(!report.is_there);
	ck_assert_str_eq(report.address, "127.0.0.1");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(report.doors[i].state, SCOUT_CLOSED);
		assert_contains(report.doors[i].why.text, "not listening on");
	}
	ck_assert_ptr_null(report.dialect);
	ck_assert_int_eq(report.transport, -1);
	ck_assert_uint_eq(report.slot_count, 0);
}
END_TEST

START_TEST(a_port_that_is_only_looked_at_is_closed_at_once)
{
	struct port console = { .manner = KEEP_SILENT };

	port_open(&console);
	add_door(SCOUT_CONSOLE, 0, console.port, false);
	look();
	ck_assert(report.is_there);
	ck_assert_int_eq(report.doors[0].state, SCOUT_OPEN);
	port_close(&console, 1);
	ck_assert_uint_eq(console.received, 0);
}
END_TEST

START_TEST(what_does_not_answer_in_time_is_silent)
{
	struct port port = { .manner = KEEP_SILENT };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int held[64], count = 0;

	/* A port whose queue of connections is full answers nothing. */
	port_open(&port);
	evconnlistener_disable(port.listener);
	listen(evconnlistener_get_fd(port.listener), 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port.port);
	for (; count < 64; count++) {
		held[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(held[count], (struct sockaddr *)&sin, sizeof(sin));
	}
	conf.times.connect = 0.05;
	add_door(SCOUT_CONSOLE, 0, port.port, false);
	look();
	ck_assert(!report.is_there);
	ck_assert_int_eq(report.doors[0].state, SCOUT_SILENT);
	ck_assert_str_eq(report.doors[0].why.text, "no answer");
	while (count > 0)
		close(held[--count]);
	evconnlistener_free(port.listener);
}
END_TEST

/* ---- names ---- */

START_TEST(a_name_is_looked_up)
{
	struct port console = { .manner = KEEP_SILENT };

	/* /etc/hosts may give ::1 first, where nobody listens. */
	resolve_conf_path = "/dev/null";
	conf.way.address = "localhost";
	port_open(&console);
	add_door(SCOUT_CONSOLE, 0, console.port, false);
	look();
	ck_assert_str_eq(report.address, "127.0.0.1");
	ck_assert(report.is_there);
	port_close(&console, 1);
}
END_TEST

START_TEST(a_name_that_nobody_knows_is_said_so)
{
	resolve_conf_path = "/dev/null";
	conf.way.address = "nobody.invalid";
	add_door(SCOUT_CONSOLE, 0, closed_port(), false);
	look();
	ck_assert_str_eq(report.address, "");
	assert_contains(report.why.text, "cannot resolve nobody.invalid");
	ck_assert_int_eq(report.doors[0].state, SCOUT_UNTRIED);
}
END_TEST

/* ---- TLS ---- */

struct tls_server {
	struct cert cert;
	SSL_CTX *ctx;
	struct fake_web web;
	char fingerprint[FINGERPRINT_SIZE];
};

static void
tls_open(struct tls_server *server, int rsa_bits)
{
	*server = (struct tls_server){ 0 };
	server->cert = cert_make(&(struct cert_conf){ .name = "bmc", .rsa_bits = rsa_bits });
	server->ctx = cert_server(&server->cert);
	cert_fingerprint(&server->cert, server->fingerprint);
	server->web.tls = server->ctx;
	server->web.kind = FAKE_NOTHING;
	fake_listen(&server->web, base);
}

static void
tls_close(struct tls_server *server)
{
	fake_close(&server->web);
	SSL_CTX_free(server->ctx);
	cert_free(&server->cert);
}

START_TEST(a_certificate_is_shown)
{
	struct tls_server server;

	tls_open(&server, 0);
	add_door(SCOUT_MEDIA, DEVICE_CD, server.web.port, true);
	look();
	ck_assert(report.doors[0].has_tls);
	ck_assert(!report.doors[0].is_old);
	ck_assert_str_eq(report.doors[0].seen.fingerprint, server.fingerprint);
	ck_assert_str_eq(report.doors[0].seen.subject, "CN=bmc");
	ck_assert(report.doors[0].seen.is_self_signed);
	ck_assert_int_eq(scout_pin(&report.doors[0]), PIN_MEDIA);
	ck_assert(!report.is_old);
	/* Looking pins nothing. */
	ck_assert_uint_eq(changes, 0);
	ck_assert_str_eq(facts.pin[PIN_MEDIA], "");
	tls_close(&server);
}
END_TEST

START_TEST(old_tls_is_told_from_new)
{
	struct tls_server server;

	tls_open(&server, 2048);
	SSL_CTX_set_max_proto_version(server.ctx, TLS1_VERSION);
	SSL_CTX_set_min_proto_version(server.ctx, TLS1_VERSION);
	add_door(SCOUT_MEDIA, DEVICE_CD, server.web.port, true);
	look();
	ck_assert(report.doors[0].has_tls);
	ck_assert(report.doors[0].is_old);
	ck_assert_str_eq(report.doors[0].seen.version, "TLSv1");
	ck_assert_str_eq(report.doors[0].seen.fingerprint, server.fingerprint);
	ck_assert(report.is_old);
	tls_close(&server);
}
END_TEST

START_TEST(a_short_key_is_old_too)
{
	struct tls_server server;

	tls_open(&server, 1024);
	add_door(SCOUT_WEB, 0, server.web.port, true);
	look();
	ck_assert(report.doors[0].is_old);
	ck_assert_str_eq(report.doors[0].seen.fingerprint, server.fingerprint);
	ck_assert(report.is_old);
	tls_close(&server);
}
END_TEST

START_TEST(a_port_without_tls_is_open_all_the_same)
{
	struct port port = { .manner = SPEAK_WRONG };

	port_open(&port);
	add_door(SCOUT_MEDIA, DEVICE_CD, port.port, true);
	look();
	ck_assert_int_eq(report.doors[0].state, SCOUT_OPEN);
	ck_assert(!report.doors[0].has_tls);
	assert_contains(report.doors[0].tls_why.text, "no TLS on this port");
	ck_assert_int_eq(scout_pin(&report.doors[0]), -1);
	port_close(&port, 2);
}
END_TEST

START_TEST(a_port_that_says_nothing_to_a_handshake_is_given_up)
{
	struct port port = { .manner = KEEP_SILENT };

	port_open(&port);
	conf.times.handshake = 0.05;
	add_door(SCOUT_MEDIA, DEVICE_CD, port.port, true);
	look();
	ck_assert_int_eq(report.doors[0].state, SCOUT_OPEN);
	assert_contains(report.doors[0].tls_why.text, "no answer to a TLS handshake");
	port_close(&port, 2); /* old TLS was tried, too */
}
END_TEST

START_TEST(trust_pins_what_is_shown)
{
	static const char old[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct tls_server web, media;

	tls_open(&web, 0);
	tls_open(&media, 0);
	strcpy(facts.pin[PIN_WEB], old);
	add_door(SCOUT_WEB, 0, web.web.port, true);
	add_door(SCOUT_MEDIA, DEVICE_CD, media.web.port, true);
	conf.trusts = true;
	look();
	ck_assert_str_eq(facts.pin[PIN_WEB], web.fingerprint);
	ck_assert_str_eq(facts.pin[PIN_MEDIA], media.fingerprint);
	ck_assert(report.is_trusted[PIN_WEB] && report.is_trusted[PIN_MEDIA]);
	ck_assert_str_eq(report.pinned[PIN_WEB], old);
	ck_assert_str_eq(report.pinned[PIN_MEDIA], "");
	ck_assert_uint_eq(changes, 2);
	tls_close(&web);
	tls_close(&media);
}
END_TEST

/* ---- who speaks first ---- */

START_TEST(legacy_speaks_first)
{
	struct port cd = { .manner = GREET, .status = { ACK_ACCEPTED } };

	port_open(&cd);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert_str_eq(dialect_name(), "legacy");
	ck_assert_str_eq(report.evidence, "it spoke first");
	ck_assert_str_eq(slots(), "cd0=free ");
	ck_assert_int_eq(report.transport, TRANSPORT_DIRECT);
	ck_assert(!report.waits_for_auth);
	port_close(&cd, 1);
	ck_assert_uint_eq(cd.received, 0);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(legacy_says_who_holds_the_slot)
{
	struct port cd = { .manner = GREET, .status = { ACK_IN_USE }, .owner = "10.0.0.7" };

	port_open(&cd);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert_str_eq(dialect_name(), "legacy");
	ck_assert_str_eq(slots(), "cd0=in-use(10.0.0.7) ");
	port_close(&cd, 1);
}
END_TEST

START_TEST(only_one_port_is_waited_at)
{
	struct port cd = { .manner = GREET, .status = { ACK_ACCEPTED } };
	struct port fd = { .manner = GREET, .status = { ACK_IN_USE }, .owner = "10.0.0.7" };

	port_open(&cd);
	port_open(&fd);
	add_door(SCOUT_MEDIA, DEVICE_FD, fd.port, false);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert_str_eq(slots(), "cd0=free fd0=unknown ");
	ck_assert(!report.doors[0].was_heard);
	ck_assert(report.doors[1].was_heard);
	port_close(&cd, 1);
	port_close(&fd, 1);
}
END_TEST

START_TEST(all_ports_are_waited_at_for_their_slots)
{
	struct port cd = { .manner = GREET, .status = { ACK_ACCEPTED } };
	struct port fd = { .manner = GREET, .status = { ACK_IN_USE }, .owner = "10.0.0.7" };

	port_open(&cd);
	port_open(&fd);
	add_door(SCOUT_MEDIA, DEVICE_FD, fd.port, false);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	conf.asks_slots = true;
	look();
	ck_assert_str_eq(slots(), "cd0=free fd0=in-use(10.0.0.7) ");
	port_close(&cd, 1);
	port_close(&fd, 1);
	/* A second connection would have met the first. */
}
END_TEST

START_TEST(the_floppy_is_asked_where_there_is_no_cd)
{
	struct port fd = { .manner = GREET, .status = { ACK_ACCEPTED } };

	port_open(&fd);
	add_door(SCOUT_MEDIA, DEVICE_FD, fd.port, false);
	add_door(SCOUT_MEDIA, DEVICE_CD, closed_port(), false);
	look();
	ck_assert_str_eq(dialect_name(), "legacy");
	ck_assert_str_eq(slots(), "fd0=free ");
	port_close(&fd, 1);
}
END_TEST

START_TEST(who_keeps_silent_waits_for_a_login)
{
	struct port cd = { .manner = KEEP_SILENT };

	port_open(&cd);
	conf.times.listen = 0.05;
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert_ptr_null(report.dialect);
	ck_assert(report.waits_for_auth);
	ck_assert_uint_eq(report.slot_count, 0);
	port_close(&cd, 1);
	ck_assert_uint_eq(cd.received, 0);
}
END_TEST

START_TEST(who_speaks_something_else_is_no_bmc)
{
	struct port cd = { .manner = SPEAK_WRONG };

	port_open(&cd);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert_ptr_null(report.dialect);
	ck_assert(!report.waits_for_auth);
	ck_assert(report.doors[0].ack_why.text[0] != '\0');
	port_close(&cd, 1);
}
END_TEST

START_TEST(where_asp_is_expected_nobody_is_kept_waiting)
{
	struct port cd = { .manner = KEEP_SILENT };

	port_open(&cd);
	conf.way.dialect = dialect_find("asp");
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert(!report.doors[0].was_heard);
	ck_assert(!report.waits_for_auth);
	facts.dialect = dialect_find("rest");
	conf.way.dialect = dialect_find("auto");
	reports = 0;
	look();
	ck_assert(!report.doors[0].was_heard);
	port_close(&cd, 2);
}
END_TEST

/* ---- the web interface, without a login ---- */

#define HEAD    "HTTP/1.1 "
#define EMPTY   "Content-Length: 0\r\nConnection: close\r\n\r\n"
#define PAGE    "Connection: close\r\n\r\n<html><body>no</body></html>"
#define REFUSAL "Connection: close\r\n\r\n{ \"cc\": 7, \"error\": \"Invalid Authentication\" }"
#define ASP     "Connection: close\r\n\r\n//Dynamic Data Begin\n HAPI_STATUS:1 };"

static const struct web_row {
	const char *rest, *asp, *login; /* the answers to the three pages; NULL: 404 */
	enum scout_web web;
	unsigned requests;
	const char *dialect;
} web_rows[] = {
	{ HEAD "401 Unauthorized\r\n" REFUSAL, NULL, NULL, SCOUT_WEB_REST, 1, "rest" },
	{ HEAD "405 Method Not Allowed\r\n" EMPTY, NULL, NULL, SCOUT_WEB_REST, 1, "rest" },
	{ HEAD "400 Bad Request\r\n" EMPTY, NULL, NULL, SCOUT_WEB_REST, 1, "rest" },
	{ HEAD "200 OK\r\n" REFUSAL, NULL, NULL, SCOUT_WEB_REST, 1, "rest" },
	{ NULL, HEAD "200 OK\r\n" ASP, NULL, SCOUT_WEB_ASP, 2, "asp" },
	{ NULL, HEAD "405 Method Not Allowed\r\n" PAGE, NULL, SCOUT_WEB_ASP, 2, "asp" },
	{ "HTTP/1.0 404 Not Found\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nHAPI_STATUS:1", NULL,
		SCOUT_WEB_ASP, 2, "asp" },
	/* All pages want a password: it may be the Fujitsu's. */
	{ HEAD "401 Unauthorized\r\n" PAGE, HEAD "401 Unauthorized\r\n" PAGE,
		HEAD "401 Unauthorized\r\n" PAGE, SCOUT_WEB_DIGEST, 3, "asp" },
	{ NULL, NULL, NULL, SCOUT_WEB_OTHER, 3, "" },
	/* Some have the same page for all. */
	{ HEAD "200 OK\r\n" PAGE, HEAD "200 OK\r\n" PAGE, HEAD "200 OK\r\n" PAGE, SCOUT_WEB_OTHER,
		3, "" },
	{ HEAD "302 Found\r\nLocation: /login.html\r\n" EMPTY, NULL, NULL, SCOUT_WEB_OTHER, 3, "" },
	{ HEAD "403 Forbidden\r\n" PAGE, NULL, NULL, SCOUT_WEB_OTHER, 1, "" },
	/* Not HTTP at all. */
	{ "220 mail server\r\n", NULL, NULL, SCOUT_WEB_NONE, 1, "" },
};

START_TEST(the_web_interface_is_recognised)
{
	const struct web_row *row = &web_rows[_i];
	struct fake_web web = { .kind = FAKE_NOTHING };

	fake_listen(&web, base);
	if (row->rest)
		fake_rule(&web, "/api/session", row->rest);
	if (row->asp)
		fake_rule(&web, "/rpc/WEBSES/create.asp", row->asp);
	if (row->login)
		fake_rule(&web, "/login", row->login);
	add_door(SCOUT_WEB, 0, web.port, false);
	look();
	ck_assert_int_eq(report.web, row->web);
	ck_assert_uint_eq(report.web_port, web.port);
	ck_assert_str_eq(dialect_name(), row->dialect);
	ck_assert_uint_eq(web.n, row->requests);
	ck_assert_uint_eq(web.overlaps, 0);
	ck_assert_uint_eq(web.sessions, 0);
	for (unsigned i = 0; i < web.n; i++) {
		ck_assert_str_eq(web.requests[i].method, "GET");
		ck_assert_str_eq(web.requests[i].authorization, "");
		ck_assert_str_eq(web.requests[i].cookie, "");
		ck_assert_str_eq(web.requests[i].body, "");
	}
	if (row->web == SCOUT_WEB_NONE || row->web == SCOUT_WEB_OTHER)
		ck_assert_str_ne(report.web_why.text, "");
	fake_close(&web);
}
END_TEST

START_TEST(tls_is_preferred_to_plain)
{
	struct fake_web plain = { .kind = FAKE_NOTHING };
	struct tls_server server;

	fake_listen(&plain, base);
	tls_open(&server, 0);
	fake_rule(&server.web, "/api/session", web_rows[0].rest);
	add_door(SCOUT_WEB, 0, plain.port, false);
	add_door(SCOUT_WEB, 0, server.web.port, true);
	look();
	ck_assert_uint_eq(report.web_port, server.web.port);
	ck_assert(report.is_web_tls);
	ck_assert_int_eq(report.web, SCOUT_WEB_REST);
	ck_assert_uint_eq(plain.n, 0);
	fake_close(&plain);
	tls_close(&server);
}
END_TEST

START_TEST(an_old_web_server_is_asked_with_old_tls)
{
	struct tls_server server;

	tls_open(&server, 2048);
	SSL_CTX_set_max_proto_version(server.ctx, TLS1_VERSION);
	SSL_CTX_set_min_proto_version(server.ctx, TLS1_VERSION);
	fake_rule(&server.web, "/rpc/WEBSES/create.asp", HEAD "200 OK\r\n" ASP);
	add_door(SCOUT_WEB, 0, server.web.port, true);
	look();
	ck_assert_int_eq(report.web, SCOUT_WEB_ASP);
	ck_assert(report.is_old);
	tls_close(&server);
}
END_TEST

START_TEST(media_ports_of_a_known_web_interface_are_not_blocked)
{
	struct fake_web web = { .kind = FAKE_NOTHING };
	struct port cd = { .manner = KEEP_SILENT };

	fake_listen(&web, base);
	port_open(&cd);
	fake_rule(&web, "/rpc/WEBSES/create.asp", HEAD "200 OK\r\n" ASP);
	add_door(SCOUT_WEB, 0, web.port, false);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	look();
	ck_assert(!report.doors[1].was_heard);
	ck_assert_str_eq(dialect_name(), "asp");
	ck_assert_int_eq(report.transport, TRANSPORT_DIRECT);
	port_close(&cd, 1);
	fake_close(&web);
}
END_TEST

/* ---- with a login ---- */

static struct portal portal;

static void
use_portal(void)
{
	portal = (struct portal){ 0 };
	conf.way.portal = &portal;
	start();
	UNTIL(fake_portal_is_asked(&portal));
}

static struct grant
rest_grant(uint16_t cd_port)
{
	struct grant grant = fake_grant(dialect_find("rest"), "Token1");

	grant.is_secure = grant.is_single_port = 0;
	grant.port[DEVICE_CD] = cd_port;
	grant.slots[DEVICE_CD] = 2;
	grant.slots[DEVICE_HD] = 1;
	grant.is_attached[DEVICE_HD] = 0;
	grant.licence = 1;
	grant.has_fd = false;
	strcpy(grant.cookie, "Cookie1");
	return grant;
}

START_TEST(a_login_says_what_there_is)
{
	struct fake_web web = { .kind = FAKE_NOTHING };
	struct port cd = { .manner = KEEP_SILENT };
	struct grant grant;

	fake_listen(&web, base);
	port_open(&cd);
	add_door(SCOUT_WEB, 0, web.port, false);
	use_portal();
	grant = rest_grant(cd.port);
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(dialect_name(), "rest");
	ck_assert_int_eq(report.web, SCOUT_WEB_REST);
	ck_assert(report.was_asked && report.is_granted);
	ck_assert_int_eq(report.grant.licence, 1);
	ck_assert_str_eq(report.grant.token, "");
	ck_assert_str_eq(report.grant.cookie, "");
	/* Its port was looked at, though nobody had named it before. */
	ck_assert_uint_eq(report.door_count, 2);
	ck_assert_uint_eq(report.doors[1].port, cd.port);
	ck_assert_int_eq(report.doors[1].state, SCOUT_OPEN);
	ck_assert(!report.doors[1].was_heard);
	ck_assert_int_eq(report.transport, TRANSPORT_DIRECT);
	ck_assert_uint_eq(report.media_port, cd.port);
	ck_assert_str_eq(slots(), "cd0=unknown cd1=unknown hd0=detached ");
	/* One visit, and nothing without credentials beside it. */
	ck_assert_uint_eq(portal.asked, 1);
	ck_assert_uint_eq(portal.freed, 1);
	ck_assert_uint_eq(web.n, 0);
	port_close(&cd, 1);
	fake_close(&web);
}
END_TEST

START_TEST(ports_that_a_login_opens_are_looked_at_again)
{
	struct port cd = { .manner = KEEP_SILENT };
	uint16_t port = closed_port();
	struct grant grant = rest_grant(port);
	struct sockaddr_in sin = { .sin_family = AF_INET };

	conf.way.tls_mode = TLS_ON;
	add_door(SCOUT_MEDIA, DEVICE_CD, port, true);
	use_portal();
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	cd.listener = evconnlistener_new_bind(base, port_accept_cb, &cd,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1, (struct sockaddr *)&sin,
		sizeof(sin));
	ck_assert_ptr_nonnull(cd.listener);
	fake_portal_grant(&portal, &grant);
	UNTIL(cd.connects > 0);
	scout_free(scout);
	scout = NULL;
	port_close(&cd, 1);
}
END_TEST

START_TEST(a_refused_login_is_told_and_the_pages_are_looked_at)
{
	struct fake_web web = { .kind = FAKE_NOTHING };

	fake_listen(&web, base);
	fake_rule(&web, "/api/session", web_rows[0].rest);
	add_door(SCOUT_WEB, 0, web.port, false);
	use_portal();
	fake_portal_fail(&portal, FAILURE_LOGIN, "login refused for user admin");
	UNTIL(reports == 1);
	ck_assert(report.was_asked && !report.is_granted);
	ck_assert_int_eq(report.failure, FAILURE_LOGIN);
	ck_assert_str_eq(report.login_why.text, "login refused for user admin");
	ck_assert_str_eq(dialect_name(), "rest");
	ck_assert_str_eq(report.evidence, "its web pages");
	ck_assert_uint_eq(portal.freed, 1);
	fake_close(&web);
}
END_TEST

START_TEST(a_ban_is_not_made_longer)
{
	struct fake_web web = { .kind = FAKE_NOTHING };

	fake_listen(&web, base);
	add_door(SCOUT_WEB, 0, web.port, false);
	use_portal();
	fake_portal_fail(&portal, FAILURE_BANNED, "banned by the BMC's web server (403)");
	UNTIL(reports == 1);
	ck_assert_int_eq(report.web, SCOUT_WEB_OTHER);
	assert_contains(report.web_why.text, "banned");
	ck_assert_uint_eq(web.n, 0);
	fake_close(&web);
}
END_TEST

START_TEST(a_login_of_somebody_else_is_not_disturbed)
{
	struct fake_web web = { .kind = FAKE_NOTHING };

	fake_listen(&web, base);
	add_door(SCOUT_WEB, 0, web.port, false);
	use_portal();
	portal.is_active = true;
	fake_portal_fail(&portal, FAILURE_SILENT, "no answer");
	UNTIL(reports == 1);
	ck_assert_uint_eq(web.n, 0);
	fake_close(&web);
}
END_TEST

START_TEST(a_login_that_takes_too_long_is_given_up)
{
	conf.times.login = 0.05;
	add_door(SCOUT_WEB, 0, closed_port(), false);
	use_portal();
	UNTIL(reports == 1);
	ck_assert_int_eq(report.failure, FAILURE_SILENT);
	ck_assert(report.login_why.text[0] != '\0');
	ck_assert_uint_eq(portal.freed, 1);
}
END_TEST

START_TEST(a_missing_licence_is_told)
{
	struct grant grant = rest_grant(closed_port());

	grant.licence = 0;
	add_door(SCOUT_WEB, 0, closed_port(), false);
	conf.asks_slots = true;
	use_portal();
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(report.plan_why.text, "licence missing");
	ck_assert_int_eq(report.transport, -1);
	ck_assert_uint_eq(portal.asked, portal.freed);
}
END_TEST

/* ---- the slots ---- */

START_TEST(each_slot_is_asked_with_a_token_of_its_own)
{
	struct port cd = {
		.manner = WAIT_FOR_AUTH, .status = { ACK_ACCEPTED, ACK_IN_USE }, .owner = "10.0.0.9"
	};
	struct grant grant;

	port_open(&cd);
	add_door(SCOUT_WEB, 0, closed_port(), false);
	conf.asks_slots = true;
	use_portal();
	grant = rest_grant(cd.port);
	fake_portal_grant(&portal, &grant);
	UNTIL(portal.asked == 2);
	/* The first one is over by then. */
	ck_assert_uint_eq(portal.freed, 1);
	strcpy(grant.token, "Token2");
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(slots(), "cd0=free cd1=in-use(10.0.0.9) hd0=detached ");
	ck_assert_uint_eq(portal.asked, 2);
	ck_assert_uint_eq(portal.freed, 2);
	ck_assert_uint_eq(portal.denied, 0);
	port_close(&cd, 3);
	ck_assert_uint_eq(cd.auths, 2);
	ck_assert_str_eq(cd.tokens[0], "Token1");
	ck_assert_str_eq(cd.tokens[1], "Token2");
	/* `rest` is told that we go, where there was something to leave. */
	ck_assert_uint_eq(cd.infos, 2);
	ck_assert_uint_eq(cd.goodbyes, 1);
}
END_TEST

static const struct ack_row {
	uint8_t status;
	const char *slot, *reason;
} ack_rows[] = {
	{ ACK_ACCEPTED_BOOST, "cd0=free ", "" },
	{ ACK_IN_USE, "cd0=in-use(10.0.0.9) ", "" },
	{ ACK_DETACHED, "cd0=detached ", "" },
	{ ACK_TOKEN_INVALID, "cd0=refused ", "(ACK 3)" },
	{ ACK_NO_PRIVILEGE, "cd0=refused ", "(ACK 5)" },
	{ 99, "cd0=refused ", "(ACK 99)" },
};

START_TEST(an_ack_is_read)
{
	const struct ack_row *row = &ack_rows[_i];
	struct port cd = {
		.manner = WAIT_FOR_AUTH, .status = { row->status }, .owner = "10.0.0.9"
	};
	struct grant grant = fake_grant(dialect_find("asp"), "Token1");

	port_open(&cd);
	add_door(SCOUT_WEB, 0, closed_port(), false);
	conf.asks_slots = true;
	use_portal();
	grant.port[DEVICE_CD] = cd.port;
	grant.slots[DEVICE_CD] = 1;
	grant.slots[DEVICE_FD] = grant.slots[DEVICE_HD] = 0;
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(slots(), row->slot);
	assert_contains(report.slots[0].why.text, row->reason);
	port_close(&cd, 2);
	ck_assert_uint_eq(cd.infos, 0); /* `asp` gets none */
}
END_TEST

START_TEST(a_slot_without_an_answer_is_given_up)
{
	struct port cd = { .manner = WAIT_FOR_AUTH };
	struct grant grant = fake_grant(dialect_find("asp"), "Token1");

	port_open(&cd);
	conf.times.ack = 0.05;
	conf.asks_slots = true;
	add_door(SCOUT_WEB, 0, closed_port(), false);
	use_portal();
	grant.port[DEVICE_CD] = cd.port;
	grant.slots[DEVICE_CD] = 1;
	grant.slots[DEVICE_FD] = grant.slots[DEVICE_HD] = 0;
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(slots(), "cd0=failed ");
	assert_contains(report.slots[0].why.text, "no ACK within");
	ck_assert_uint_eq(portal.asked, portal.freed);
	port_close(&cd, 2);
}
END_TEST

/* ---- what this daemon serves ---- */

START_TEST(what_we_serve_is_left_alone)
{
	struct port cd = { .manner = GREET, .status = { ACK_IN_USE } };
	struct port fd = { .manner = GREET, .status = { ACK_ACCEPTED } };

	port_open(&cd);
	port_open(&fd);
	add_door(SCOUT_MEDIA, DEVICE_CD, cd.port, false);
	add_door(SCOUT_MEDIA, DEVICE_FD, fd.port, false);
	conf.held[0] = (struct scout_held){
		.device = DEVICE_CD,
		.image = "dos.iso",
		.dialect = dialect_find("legacy"),
		.transport = TRANSPORT_DIRECT,
	};
	conf.held_count = 1;
	look();
	ck_assert_int_eq(report.doors[0].state, SCOUT_OURS);
	ck_assert_int_eq(report.doors[1].state, SCOUT_OPEN);
	ck_assert_str_eq(dialect_name(), "legacy");
	ck_assert_str_eq(report.evidence, "a slot of it is served");
	ck_assert_str_eq(slots(), "cd0=ours fd0=unknown ");
	ck_assert_str_eq(report.slots[0].image, "dos.iso");
	/* The dialect is known: nobody has to be waited for. */
	ck_assert(!report.doors[1].was_heard);
	port_close(&cd, 0);
	port_close(&fd, 1);
}
END_TEST

START_TEST(our_slot_is_not_asked)
{
	struct port cd = { .manner = WAIT_FOR_AUTH, .status = { ACK_IN_USE, ACK_ACCEPTED } };
	struct grant grant;

	port_open(&cd);
	add_door(SCOUT_WEB, 0, closed_port(), false);
	conf.held[0] = (struct scout_held){
		.device = DEVICE_CD,
		.image = "dos.iso",
		.dialect = dialect_find("rest"),
		.transport = TRANSPORT_DIRECT,
	};
	conf.held_count = 1;
	conf.asks_slots = true;
	use_portal();
	grant = rest_grant(cd.port);
	fake_portal_grant(&portal, &grant);
	UNTIL(reports == 1);
	ck_assert_str_eq(slots(), "cd0=ours cd1=free hd0=detached ");
	ck_assert_int_eq(report.doors[1].state, SCOUT_OURS);
	port_close(&cd, 1);
	ck_assert_uint_eq(cd.auths, 1);
}
END_TEST

/* ---- the end ---- */

START_TEST(it_can_be_ended_at_any_moment)
{
	struct fake_web web = { .kind = FAKE_NOTHING };
	struct port cd = { .manner = WAIT_FOR_AUTH };
	struct grant grant;

	fake_listen(&web, base);
	port_open(&cd);
	add_door(SCOUT_WEB, 0, web.port, false);
	/* Nothing has begun. */
	start();
	scout_free(scout);
	/* A port is being looked at. */
	start();
	UNTIL(strstr(said, "looking at 1 ports"));
	scout_free(scout);
	/* The web interface is being asked. */
	use_portal();
	scout_free(scout);
	ck_assert_uint_eq(portal.freed, 1);
	/* A slot is being asked. */
	conf.asks_slots = true;
	use_portal();
	grant = rest_grant(cd.port);
	fake_portal_grant(&portal, &grant);
	UNTIL(cd.auths == 1);
	scout_free(scout);
	ck_assert_uint_eq(portal.freed, 1);
	/* Pages are being looked at, whose answer does not come. */
	conf.way.portal = NULL;
	fake_rule(&web, NULL, NULL);
	start();
	UNTIL(web.n > 0);
	scout_free(scout);
	scout = NULL;
	ck_assert_uint_eq(reports, 0);
	scout_free(NULL);
	port_close(&cd, 2);
	fake_close(&web);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scout");
	TCase *tc;

#define CASE(name, ...)                                         \
	do {                                                    \
		const TTest *const tests[] = { __VA_ARGS__ };   \
                                                                \
		tc = tcase_create(name);                        \
		tcase_set_timeout(tc, 120);                     \
		tcase_add_checked_fixture(tc, setup, teardown); \
		for (size_t i = 0; i < ARRAY_SIZE(tests); i++)  \
			tcase_add_test(tc, tests[i]);           \
		suite_add_tcase(suite, tc);                     \
	} while (0)

	CASE("ports", ports_are_those_of_the_dialect,
		configured_ports_take_the_place_of_the_usual_ones, nothing_is_there,
		a_port_that_is_only_looked_at_is_closed_at_once,
		what_does_not_answer_in_time_is_silent);
	CASE("names", a_name_is_looked_up, a_name_that_nobody_knows_is_said_so);
	CASE("TLS", a_certificate_is_shown, old_tls_is_told_from_new, a_short_key_is_old_too,
		a_port_without_tls_is_open_all_the_same,
		a_port_that_says_nothing_to_a_handshake_is_given_up, trust_pins_what_is_shown);
	CASE("legacy", legacy_speaks_first, legacy_says_who_holds_the_slot,
		only_one_port_is_waited_at, all_ports_are_waited_at_for_their_slots,
		the_floppy_is_asked_where_there_is_no_cd, who_keeps_silent_waits_for_a_login,
		who_speaks_something_else_is_no_bmc, where_asp_is_expected_nobody_is_kept_waiting);
	CASE("web", tls_is_preferred_to_plain, an_old_web_server_is_asked_with_old_tls,
		media_ports_of_a_known_web_interface_are_not_blocked);
	tcase_add_loop_test(tc, the_web_interface_is_recognised, 0, (int)ARRAY_SIZE(web_rows));
	CASE("login", a_login_says_what_there_is, ports_that_a_login_opens_are_looked_at_again,
		a_refused_login_is_told_and_the_pages_are_looked_at, a_ban_is_not_made_longer,
		a_login_of_somebody_else_is_not_disturbed, a_login_that_takes_too_long_is_given_up,
		a_missing_licence_is_told);
	CASE("slots", each_slot_is_asked_with_a_token_of_its_own,
		a_slot_without_an_answer_is_given_up, what_we_serve_is_left_alone,
		our_slot_is_not_asked);
	tcase_add_loop_test(tc, an_ack_is_read, 0, (int)ARRAY_SIZE(ack_rows));
	CASE("end", it_can_be_ended_at_any_moment);
	return unit_run(suite);
}
