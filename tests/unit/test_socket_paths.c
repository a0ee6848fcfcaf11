/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "host.h"
#include "scion/route.h"
#include "scion/underlay.h"
#include "tap.h"

/*
 * The network between two hosts: a router in front of each. The stub carries packets as the recorded network would,
 * with its keys (lab.h); what it does not carry it keeps.
 */
struct network {
	json_t *root;
	struct sx_underlay *routers[2];
	char router_texts[2][SX_ADDR_TEXT_BYTES];
	struct host *hosts[2];
	unsigned carried;
};

static const char *const lab_as[2] = { "1-ff00:0:112", "2-ff00:0:211" };
static const char *const lab_addr[2] = { "1-ff00:0:112,127.0.0.1", "2-ff00:0:211,127.0.0.2" };

static void router_open(struct network *network, int side)
{
	struct sx_ip_port local = { .host = addr_of("1-1,127.0.0.3").host };
	int os_error;

	ck_assert_int_eq(sx_underlay_open(&network->routers[side], &local, &os_error), SX_OK);
	(void)snprintf(network->router_texts[side], SX_ADDR_TEXT_BYTES, "127.0.0.3:%u",
		sx_underlay_local(network->routers[side]).port);
}

static void network_open(struct network *network, struct host hosts[2])
{
	memset(network, 0, sizeof *network);
	network->root = sx_vectors_load("scion/packets.json");
	for (int i = 0; i < 2; i++) {
		router_open(network, i);
		host_open(&hosts[i], lab_addr[i], 0,
			sx_lab_path_file(network->root, lab_as[i], network->router_texts[i]));
		network->hosts[i] = &hosts[i];
	}
}

static void network_close(struct network *network)
{
	for (int i = 0; i < 2; i++) {
		sx_underlay_close(network->routers[i]);
		host_close(network->hosts[i]);
	}
	json_decref(network->root);
}

/* From the host of one side, through all MAC checks, to the host of the other. */
static void carry(struct network *network, int from, struct sx_bytes data)
{
	struct host *host = network->hosts[!from];
	struct sx_ip_port to = { host->addr.host, sx_socket_port_number(host->socket) };
	struct sx_vector out;
	struct sx_writer writer = sx_writer_of(out.data, sizeof out.data);
	uint8_t raw[SX_PATH_MAX];
	struct sx_writer path_writer = sx_writer_of(raw, sizeof raw);
	struct sx_packet packet;
	struct sx_path path;

	ck_assert_int_eq(sx_packet_parse(&packet, data), SX_OK);
	ck_assert_int_eq(sx_path_parse(&path, packet.path), SX_OK);
	ck_assert_str_eq(sx_lab_walk(json_object_get(network->root, "ases"), lab_as[from], &path),
		lab_as[!from]);
	sx_path_write(&path, &path_writer);
	packet.path = sx_writer_bytes(&path_writer);
	ck_assert_int_eq(sx_packet_write(&writer, &packet), SX_OK);
	ck_assert_int_eq(sx_underlay_send(network->routers[!from], &to, sx_writer_bytes(&writer),
				 writer.at, 0),
		SX_OK);
	network->carried++;
}

struct carriage {
	struct network *network;
	int from;
};

static void carry_one(void *arg, const struct sx_underlay_datagram *datagram)
{
	const struct carriage *carriage = arg;

	carry(carriage->network, carriage->from, datagram->data);
}

/* Carries one datagram that `from` has sent, and has the other host take it in. */
static void pass_on(struct network *network, int from)
{
	struct carriage carriage = { network, from };
	struct pollfd ready = { .fd = sx_underlay_fd(network->routers[from]), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, 1000), 1);
	ck_assert_int_eq(sx_underlay_receive(network->routers[from], carry_one, &carriage), SX_OK);
	host_await(network->hosts[!from], 1);
}

static void way_of(const struct host *host, const struct sx_route *route, char *out)
{
	char peer[SX_PEER_TEXT_BYTES];

	host->port.ops->describe(route, peer, sizeof peer, out, SX_WAY_TEXT_BYTES);
}

START_TEST(datagrams_cross_the_network_and_come_back_the_same_way)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char there[SX_WAY_TEXT_BYTES];
	char back[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	hosts[1].on_arrival = keep_route_back;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "there"), SX_OK);
	pass_on(&network, 0);
	ck_assert_mem_eq(hosts[1].inbox.bytes, "there", 5);
	ck_assert(is_same_peer(hosts[1].inbox.last.from, sx_socket_local_peer(hosts[0].socket)));
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "back"), SX_OK);
	pass_on(&network, 1);
	ck_assert_mem_eq(hosts[0].inbox.bytes, "back", 4);
	way_of(&hosts[0], route, there);
	way_of(&hosts[1], hosts[1].back, back);
	ck_assert_int_eq(strncmp(there, "1-ff00:0:112#1 > 1-ff00:0:111#3,", 32), 0);
	ck_assert_int_eq(strncmp(back, "2-ff00:0:211#", 13), 0);
	ck_assert_ptr_nonnull(strstr(back, "> 1-ff00:0:112#1"));
	/* 1400 less common header, addresses, 3 info fields or 2, and hops, and UDP. */
	ck_assert_uint_le(hosts[0].port.ops->budget(route), 1400 - 44 - 4 - 2 * 8 - 4 * 12);
	ck_assert_uint_ge(hosts[0].port.ops->budget(route), 1200);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

START_TEST(a_suspected_path_is_left_for_the_next_until_all_have_been_tried)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char ways[5][SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	route = route_between(&hosts[0], &hosts[1]);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
		pass_on(&network, 0);
		way_of(&hosts[0], route, ways[i]);
		hosts[0].port.ops->suspect(route);
	}
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < i; j++) {
			ck_assert_str_ne(ways[i], ways[j]);
		}
	}
	ck_assert_str_eq(ways[4], ways[0]); /* four paths: round again, the longest ago first */
	ck_assert_uint_eq(stats_of(&hosts[0]).path_switches, 5);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

static void learn_too(struct host *host, const struct sx_datagram *datagram)
{
	keep_route_back(host, datagram);
	host->port.ops->learn(host->back, datagram);
}

START_TEST(an_accepted_route_follows_the_peer_and_a_dialled_one_does_not)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char before[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];
	char own[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	hosts[1].on_arrival = learn_too;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, before);
	hosts[0].port.ops->suspect(route);
	way_of(&hosts[0], route, own);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, after);
	ck_assert_str_ne(before, after);

	/* The other side fails over by itself; we hear it, and keep our own way. */
	hosts[1].port.ops->suspect(hosts[1].back);
	way_of(&hosts[1], hosts[1].back, before);
	ck_assert_str_ne(before, after);
	hosts[0].back = route;
	hosts[0].on_arrival = learn_too;
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "y"), SX_OK);
	pass_on(&network, 1);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(own, after);

	/* What came before is no news: the far side stays where it has moved. */
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, after);
	ck_assert_str_eq(before, after);
	network_close(&network);
}
END_TEST

/* Leaves `keep` paths to the other host in the file of hosts[which], and has it read again. */
static void thin_out(struct network *network, int which, size_t keep, int64_t expiry_change)
{
	struct host *host = network->hosts[which];
	json_t *file = sx_lab_path_file(network->root, lab_as[which], network->router_texts[which]);
	json_t *paths = json_object_get(file, "paths");
	static uint64_t now_ns = 10 * (uint64_t)SECOND_NS;

	for (size_t i = json_array_size(paths); i-- > 0;) {
		json_t *path = json_array_get(paths, i);
		const char *to = json_string_value(json_object_get(path, "destination"));
		json_int_t expiry = json_integer_value(json_object_get(path, "expiry"));

		if (strcmp(to, lab_as[!which]) != 0 || keep == 0) {
			ck_assert_int_eq(json_array_remove(paths, i), 0);
			continue;
		}
		keep--;
		ck_assert_int_eq(
			json_object_set_new(path, "expiry", json_integer(expiry + expiry_change)),
			0);
	}
	write_file(host, file);
	json_decref(file);
	now_ns += 2 * (uint64_t)SECOND_NS;
	sx_socket_set_time(host->socket, now_ns, SX_LAB_NOW);
}

START_TEST(a_dialled_route_out_of_candidates_follows_the_peer)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char own[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	thin_out(&network, 0, 1, 0);
	hosts[1].on_arrival = learn_too;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[0], route, own);
	hosts[0].port.ops->suspect(route);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(own, after);
	hosts[0].back = route;
	hosts[0].on_arrival = learn_too;
	hosts[1].port.ops->suspect(hosts[1].back);
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "y"), SX_OK);
	pass_on(&network, 1);
	way_of(&hosts[0], route, after);
	ck_assert_str_ne(own, after); /* a way that our source does not know: told by interfaces */
	ck_assert_ptr_nonnull(strstr(after, "> #"));
	ck_assert_uint_eq(hosts[0].port.ops->budget(route), 1200);
	ck_assert_int_eq(send_text(&hosts[0], route, "z"), SX_OK);
	pass_on(&network, 0);
	network_close(&network);
}
END_TEST

START_TEST(fresh_hop_fields_are_swapped_in_and_expired_paths_left)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	uint64_t expiry;
	char before[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	thin_out(&network, 0, 4, -1000);
	route = route_between(&hosts[0], &hosts[1]);
	expiry = route->expiry;
	way_of(&hosts[0], route, before);
	thin_out(&network, 0, 4, -500);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	ck_assert_uint_eq(route->expiry, expiry + 500);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(stats_of(&hosts[0]).path_switches, 0);
	sx_socket_set_time(hosts[0].socket, 100 * (uint64_t)SECOND_NS, SX_LAB_NOW + 7 * 86400);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_EUNREACH);
	ck_assert_uint_eq(stats_of(&hosts[0]).lost_out, 1);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

START_TEST(without_a_path_there_is_no_route)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_addr nowhere = addr_of("9-9,127.0.0.1");
	struct sx_addr service = addr_of("2-ff00:0:211,CS");
	struct sx_route *route;

	network_open(&network, hosts);
	ck_assert_int_eq(sx_socket_route_new(hosts[0].socket, &nowhere, 1, &route), SX_EUNREACH);
	ck_assert_int_eq(sx_socket_route_new(hosts[0].socket, &service, 1, &route), SX_EINVAL);
	sx_socket_set_time(hosts[0].socket, 2 * SECOND_NS, SX_LAB_NOW + 7 * 86400);
	ck_assert_int_eq(
		sx_socket_route_new(hosts[0].socket, &hosts[1].addr, 1, &route), SX_EUNREACH);
	network_close(&network);
}
END_TEST

static int dial_and_free(void *arg)
{
	struct host *hosts = arg;
	struct sx_route *route;
	int rc = sx_socket_route_new(hosts[0].socket, &hosts[1].addr, 1, &route);

	if (rc == SX_OK) {
		hosts[0].port.ops->route_free(route);
	}
	return rc;
}

START_TEST(every_allocation_of_dialling_may_fail)
{
	static struct network network;
	static struct host hosts[2];

	network_open(&network, hosts);
	ck_assert_uint_eq(sx_each_allocation_fails(dial_and_free, hosts), 2);
	network_close(&network);
}
END_TEST

/* A route back lives without the source's knowledge of its way, so only its own allocation is needed. */
static void answer_without_memory(struct host *host, const struct sx_datagram *datagram)
{
	static const int expected[] = { SX_ENOMEM, SX_OK };

	for (unsigned nth = 1; nth <= SX_COUNT(expected); nth++) {
		struct sx_route *route = NULL;
		int rc;

		sx_alloc_countdown = nth;
		rc = host->port.ops->route_back(host->port.port, datagram, &route);
		ck_assert_uint_eq(sx_alloc_countdown, 0);
		ck_assert_int_eq(rc, expected[nth - 1]);
		host->port.ops->route_free(route);
	}
}

START_TEST(every_allocation_of_answering_may_fail)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;

	network_open(&network, hosts);
	hosts[1].on_arrival = answer_without_memory;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("socket_paths");
	TCase *tcase = tcase_create("paths");

	tcase_add_test(tcase, datagrams_cross_the_network_and_come_back_the_same_way);
	tcase_add_test(tcase, a_suspected_path_is_left_for_the_next_until_all_have_been_tried);
	tcase_add_test(tcase, an_accepted_route_follows_the_peer_and_a_dialled_one_does_not);
	tcase_add_test(tcase, a_dialled_route_out_of_candidates_follows_the_peer);
	tcase_add_test(tcase, fresh_hop_fields_are_swapped_in_and_expired_paths_left);
	tcase_add_test(tcase, without_a_path_there_is_no_route);
	tcase_add_test(tcase, every_allocation_of_dialling_may_fail);
	tcase_add_test(tcase, every_allocation_of_answering_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
