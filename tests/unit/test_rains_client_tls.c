/* SPDX-License-Identifier: MIT */
/* A client of a server over TLS and of one over SCION. */
#include "rains_servers.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

static struct sx_rains_client *client;
static unsigned received;
static unsigned failed;

static void on_received(struct sx_rains_call *call, struct sx_bytes message, const char *from)
{
	(void)call;
	(void)message;
	(void)from;
	received++;
}

static void on_failed(struct sx_rains_call *call, int status, const char *reason)
{
	(void)call;
	(void)status;
	(void)reason;
	failed++;
}

/* A client of the TLS server at a port, and of the first one on SCION. */
static void start(uint16_t port)
{
	struct sx_rains_client_config config = { .scion = &net.scion };
	struct sx_rains_reason reason;
	char lines[32 + sizeof net.lines];

	received = 0;
	failed = 0;
	(void)snprintf(lines, sizeof lines, "127.0.0.1:%u\n%s", port, net.lines);
	*(strchr(strchr(lines, '\n') + 1, '\n')) = '\0';
	config.servers = lines;
	net.servers[0].answer = reply_nothing;
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop, &config, &reason), SX_OK);
}

static void stop(void)
{
	sx_rains_client_free(client);
	net_end();
}

static void begin(struct sx_rains_call *call)
{
	static const int64_t type = SX_RAINS_SCION;

	call->question = (struct sx_rains_question){ .name = sx_bytes_text("b.example."),
		.context = sx_bytes_text("."),
		.types = &type,
		.type_count = 1 };
	call->deadline_ns = sx_loop_now_ns() + 2000 * MS;
	call->received = on_received;
	call->failed = on_failed;
	ck_assert_int_eq(sx_rains_client_call(client, call, sx_loop_now_ns()), SX_OK);
}

START_TEST(under_scion_only_no_tls_server_is_asked)
{
	struct sx_rains_call call = { .scion_only = true };

	net_begin();
	tls_server_init(GOODBYE, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	start(server.address.port);
	begin(&call);
	net_until(&received, 1);
	ck_assert(!tls_server_turn(net.loop, 20)); /* nobody came */
	tls_server_close();
	stop();
}
END_TEST

START_TEST(with_no_server_on_scion_there_is_nobody_to_ask)
{
	struct sx_rains_client_config config = { .servers = "127.0.0.1:1" };
	struct sx_rains_call call = { .scion_only = true };
	struct sx_rains_reason reason;

	net_begin();
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop, &config, &reason), SX_OK);
	ck_assert_int_eq(sx_rains_client_call(client, &call, sx_loop_now_ns()), SX_EUNREACH);
	ck_assert_str_eq(call.reason, "no server on SCION is configured");
	stop();
}
END_TEST

START_TEST(a_refused_connection_makes_way_for_the_next_server)
{
	struct sx_rains_call call = { 0 };

	net_begin();
	start(1);
	begin(&call);
	net_until(&received, 1);
	begin(&call);
	net_until(&received, 2); /* without a try at the one that rests */
	stop();
}
END_TEST

/* Turns until the TLS server has closed its connection once more. */
static void until_closed(void)
{
	server.accepted = 0;
	while (server.fd < 0) {
		(void)tls_server_turn(net.loop, 1000);
	}
	while (server.fd >= 0) {
		(void)tls_server_turn(net.loop, 1000);
	}
	gnutls_deinit(server.session);
	server.session = NULL;
	server.is_shaken = false;
}

START_TEST(who_closes_in_order_is_asked_once_more)
{
	struct sx_rains_call call = { 0 };

	net_begin();
	tls_server_init(GOODBYE, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	start(server.address.port);
	begin(&call);
	until_closed();
	ck_assert_uint_eq(net.servers[0].asked, 0);
	until_closed();
	net_until(&received, 1);
	ck_assert_uint_eq(net.servers[0].asked, 1);
	ck_assert_uint_eq(failed, 0);
	tls_server_close();
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_client_tls");
	TCase *tcase = tcase_create("calls");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, under_scion_only_no_tls_server_is_asked);
	tcase_add_test(tcase, with_no_server_on_scion_there_is_nobody_to_ask);
	tcase_add_test(tcase, a_refused_connection_makes_way_for_the_next_server);
	tcase_add_test(tcase, who_closes_in_order_is_asked_once_more);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	return sx_tap_run(suite());
}
