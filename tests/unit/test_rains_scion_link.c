/* SPDX-License-Identifier: MIT */
/* One RAINS server over SCION, and who is not it. */
#include "alloc_fail.h"
#include "rains/scion_link.h"
#include "rains_servers.h"
#include "tap.h"

static int make_port(void *arg)
{
	struct sx_rains_reason reason;
	struct sx_rains_port *port;
	int rc = sx_rains_port_new(&port, net.loop, arg, &reason);

	if (rc == SX_OK) {
		sx_rains_port_free(port);
	}
	return rc;
}

static struct sx_rains_server server_number(size_t index)
{
	struct sx_rains_server server = { .over_scion = true,
		.addr = net.servers[index].host.addr,
		.port = sx_socket_port_number(net.servers[index].host.socket) };

	return server;
}

static int make_link(void *arg)
{
	struct sx_rains_server server = server_number(0);
	struct sx_rains_link_events events = { 0 };
	struct sx_rains_link *link;
	int rc = sx_rains_scion_link_new(&link, arg, &server, &events);

	if (rc == SX_OK) {
		link->ops->free(link);
	}
	return rc;
}

static unsigned received;
static size_t received_len;

static void on_received(void *arg, struct sx_bytes message)
{
	(void)arg;
	received++;
	received_len = message.len;
}

/* A query, for the servers of the test read nothing else. */
static struct sx_bytes query_bytes(void)
{
	static const int64_t types[] = { SX_RAINS_SCION };
	static const uint8_t token[SX_RAINS_TOKEN_BYTES] = { 7 };
	const struct sx_rains_question question = { .name = sx_bytes_text("b.example."),
		.context = sx_bytes_text("."),
		.types = types,
		.type_count = 1 };
	size_t start = rains_writer.at;

	sx_rains_query_write(&rains_writer, sx_bytes_of(token, sizeof token), &question, 1);
	return rains_made(start);
}

/* The same bytes from somebody else in our AS. */
static void send_as_stranger(struct sx_bytes bytes)
{
	uint16_t port = ntohs(net.servers[0].from.from.address.sin6_port);
	struct sx_route *route;

	ck_assert_int_eq(sx_socket_route_new(net.us.socket, &net.scion.local, port, &route), SX_OK);
	ck_assert_int_eq(net.us.port.ops->send(route, bytes, bytes.len, 0), SX_OK);
	net.us.port.ops->route_free(route);
}

START_TEST(only_the_server_is_heard)
{
	static const uint8_t large[3000] = { 0x59, 0x0b, 0xb5 };
	const struct sx_rains_link_events events = { .received = on_received };
	struct sx_rains_reason reason;
	struct sx_rains_server server;
	struct sx_rains_link *link;
	struct sx_rains_port *port;

	received = 0;
	net_begin();
	server = server_number(0);
	ck_assert_int_eq(sx_rains_port_new(&port, net.loop, &net.scion, &reason), SX_OK);
	ck_assert_int_eq(sx_rains_scion_link_new(&link, port, &server, &events), SX_OK);
	ck_assert_int_eq(link->ops->send(link, query_bytes(), sx_loop_now_ns()), SX_OK);
	net_until(&net.servers[0].asked, 1);
	send_as_stranger(query_bytes());
	reply_bytes(&net.servers[0], sx_bytes_text("no CBOR"));
	net_settle();
	ck_assert_uint_eq(received, 0);
	reply_nothing(&net.servers[0], NULL);
	net_until(&received, 1);
	ck_assert_uint_gt(received_len, 0);
	ck_assert_int_eq(link->ops->send(link, sx_bytes_of(large, sizeof large), 0), SX_ELIMIT);
	link->ops->free(link);
	sx_rains_port_free(port);
	net_end();
}
END_TEST

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_reason reason;
	struct sx_rains_port *port;

	net_begin();
	ck_assert_uint_gt(sx_each_allocation_fails(make_port, &net.scion), 2);
	ck_assert_int_eq(sx_rains_port_new(&port, net.loop, &net.scion, &reason), SX_OK);
	ck_assert_uint_eq(sx_each_allocation_fails(make_link, port), 1);
	sx_rains_port_free(port);
	net_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_scion_link");
	TCase *tcase = tcase_create("link");

	tcase_add_test(tcase, only_the_server_is_heard);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
