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

	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
