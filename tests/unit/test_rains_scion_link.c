/* SPDX-License-Identifier: MIT */
/* One RAINS server over SCION, and who is not it. */
#include "alloc_fail.h"
#include "rains/scion_link.h"
#include "rains_servers.h"
#include "scion/underlay.h"
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

uint64_t __wrap_sx_loop_unix_time(void);

/* The paths below were recorded at this time, and hold for some hours. */
uint64_t __wrap_sx_loop_unix_time(void)
{
	return SX_LAB_NOW;
}

/* The path of a packet as the router has it from us. */
static void take_path(void *arg, const struct sx_underlay_datagram *datagram)
{
	struct sx_vector *path = arg;
	struct sx_packet packet;

	ck_assert_int_eq(sx_packet_parse(&packet, datagram->data), SX_OK);
	memcpy(path->data, packet.path.data, packet.path.len);
	path->len = packet.path.len;
}

static struct sx_vector path_of_next(struct sx_underlay *router, struct sx_rains_link *link)
{
	struct pollfd ready = { .fd = sx_underlay_fd(router), .events = POLLIN };
	struct sx_vector path = { .len = 0 };

	ck_assert_int_eq(link->ops->send(link, query_bytes(), 0), SX_OK);
	ck_assert_int_eq(poll(&ready, 1, 1000), 1);
	ck_assert_int_eq(sx_underlay_receive(router, take_path, &path), SX_OK);
	return path;
}

START_TEST(a_suspected_path_is_left)
{
	const struct sx_rains_link_events events = { .received = on_received };
	struct sx_ip_port local = { .host = addr_of("1-1,127.0.0.3").host };
	struct sx_rains_server server = { .over_scion = true, .port = 31000 };
	json_t *root = sx_vectors_load("scion/packets.json");
	char router_text[SX_ADDR_TEXT_BYTES];
	struct sx_rains_reason reason;
	struct sx_underlay *router;
	struct sx_vector first, second;
	struct sx_rains_link *link;
	struct sx_rains_port *port;
	int os_error;

	net_begin();
	ck_assert_int_eq(sx_underlay_open(&router, &local, &os_error), SX_OK);
	(void)snprintf(
		router_text, sizeof router_text, "127.0.0.3:%u", sx_underlay_local(router).port);
	host_close(&net.us);
	host_open(&net.us, OUR_AS ",127.0.0.1", 0, sx_lab_path_file(root, OUR_AS, router_text));
	net.scion.paths = net.us.source;
	server.addr = addr_of("2-ff00:0:211,127.0.0.2");
	ck_assert_int_eq(sx_rains_port_new(&port, net.loop, &net.scion, &reason), SX_OK);
	ck_assert_int_eq(sx_rains_scion_link_new(&link, port, &server, &events), SX_OK);
	link->ops->suspect(link); /* before any path is in use */
	first = path_of_next(router, link);
	second = path_of_next(router, link);
	ck_assert(sx_bytes_equal(sx_vector_bytes(&first), sx_vector_bytes(&second)));
	link->ops->suspect(link);
	second = path_of_next(router, link);
	ck_assert(!sx_bytes_equal(sx_vector_bytes(&first), sx_vector_bytes(&second)));
	link->ops->free(link);
	sx_rains_port_free(port);
	sx_underlay_close(router);
	json_decref(root);
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
	tcase_add_test(tcase, a_suspected_path_is_left);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
