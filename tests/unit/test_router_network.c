/* SPDX-License-Identifier: MIT */
/* What happens to packets between routers: ways, faults, counters. */
#include "combine.h"
#include "harness.h"
#include "scion/udp.h"
#include "tap.h"

#define NOW   1795403970
#define BURST 1000
#define MS    1000000

static struct sx_harness *harness;
static struct sx_beacons beacons;
static size_t src, dst;

static void setup(void)
{
	struct sx_dice dice = { 1 };

	harness = sx_harness_new("topology.lua", NOW);
	ck_assert_int_eq(sx_beacons_compute(&beacons, harness->topology, NOW, &dice), SX_OK);
	src = sx_harness_as(harness, "1-ff00:0:113");
	dst = sx_harness_as(harness, "2-ff00:0:211");
}

static void teardown(void)
{
	sx_beacons_fini(&beacons);
	sx_harness_free(harness);
}

static const struct sx_host sender = { SX_HOST_IPV4, { 127, 9, 0, 1 } };
static const struct sx_host receiver = { SX_HOST_IPV4, { 127, 9, 0, 2 } };

/* A packet whose payload is `number`; returns its length. */
static size_t build(
	const struct sx_combined *way, size_t from, size_t to, uint32_t number, uint8_t out[512])
{
	uint8_t bytes[SX_PATH_MAX], payload[4];
	struct sx_writer path = sx_writer_of(bytes, sizeof bytes);
	struct sx_writer body = sx_writer_of(payload, sizeof payload);
	struct sx_writer writer = sx_writer_of(out, 512);
	struct sx_packet packet = { .flow_id = 1,
		.next_header = SX_PROTOCOL_UDP,
		.path_type = SX_PATH_SCION,
		.dst = { harness->topology->ases[to].ia, receiver },
		.src = { harness->topology->ases[from].ia, sender } };
	struct sx_udp udp = { 31467, 31468, { payload, sizeof payload } };

	sx_path_write(&way->path, &path);
	packet.path = sx_writer_bytes(&path);
	sx_write_u32(&body, number);
	ck_assert_int_eq(sx_udp_write(&writer, &packet, &udp), SX_OK);
	return sx_writer_bytes(&writer).len;
}

static struct sx_combined way_of(size_t from, size_t to, size_t index)
{
	struct sx_combined_list list = { 0 };
	struct sx_combined way;

	ck_assert_int_eq(sx_combine(&list, harness->topology, &beacons, from, to), SX_OK);
	ck_assert_uint_gt(list.count, index);
	way = list.items[index];
	sx_combined_list_fini(&list);
	return way;
}

/* Sends BURST numbered packets at once over the peer link 113#3 - 211#2. */
static void send_burst(void)
{
	struct sx_combined way = way_of(src, dst, 0);
	struct sx_host host = { SX_HOST_IPV4, { 127, 0, 0, 9 } };
	uint8_t packet[512];

	harness->count = 0;
	for (uint32_t i = 0; i < BURST; i++) {
		size_t len = build(&way, src, dst, i, packet);

		sx_network_receive(
			harness->network, src, &host, 9, sx_bytes_of(packet, len), harness->clock);
	}
	sx_harness_settle(harness);
}

static struct sx_link_faults *peer_link(void)
{
	const struct sx_topology_as *as = &harness->topology->ases[src];

	return &harness->network->links[sx_topology_find_interface(as, 3)->link].faults;
}

static uint32_t number_of(const struct sx_harness_packet *packet)
{
	struct sx_reader reader = sx_reader_of(sx_bytes_of(packet->data, packet->len));

	sx_read_skip(&reader, packet->len - 4);
	return sx_read_u32(&reader);
}

static bool is_in_order(void)
{
	for (size_t i = 1; i < harness->count && i < SX_HARNESS_PACKETS_MAX; i++) {
		if (number_of(&harness->packets[i]) < number_of(&harness->packets[i - 1])) {
			return false;
		}
	}
	return true;
}

/* All pairs, all paths: MACs are right, and routers saw the packets where the path says. */
START_TEST(every_combined_path_is_walked_as_it_says)
{
	size_t walked = 0;

	for (size_t from = 0; from < harness->topology->as_count; from++) {
		for (size_t to = 0; to < harness->topology->as_count; to++) {
			struct sx_combined_list list = { 0 };

			ck_assert_int_eq(from == to ? SX_OK
						    : sx_combine(&list, harness->topology, &beacons,
							      from, to),
				SX_OK);
			for (size_t i = 0; i < list.count; i++) {
				const struct sx_combined *way = &list.items[i];
				const struct sx_trace *trace;
				uint8_t packet[512];
				size_t len = build(way, from, to, 0, packet);

				sx_network_reset_counters(harness->network);
				sx_harness_exchange(harness, from, sx_bytes_of(packet, len));
				ck_assert_uint_eq(harness->count, 1);
				ck_assert_uint_eq(harness->packets[0].as, to);
				ck_assert_uint_eq(harness->network->flows.count, 1);
				trace = &harness->network->flows.flows[0]->identity.trace;
				ck_assert_uint_eq(trace->count, way->interface_count);
				ck_assert_mem_eq(trace->interfaces, way->interfaces,
					trace->count * sizeof *trace->interfaces);
				walked++;
			}
			sx_combined_list_fini(&list);
		}
	}
	ck_assert_uint_gt(walked, 150);
}
END_TEST

START_TEST(link_without_faults_delays_and_keeps_the_order)
{
	uint64_t start_ns = harness->clock.now_ns;

	send_burst();
	ck_assert_uint_eq(harness->count, BURST);
	ck_assert(is_in_order());
	/* 1.5 ms, and a nanosecond for each packet before it. */
	ck_assert_uint_eq(harness->packets[0].arrival_ns - start_ns, 3 * MS / 2);
	ck_assert_uint_lt(harness->clock.now_ns - start_ns, 3 * MS / 2 + BURST);
	ck_assert_uint_eq(harness->network->flows.count, 1);
	ck_assert_uint_eq(harness->network->flows.flows[0]->packets, BURST);
}
END_TEST

START_TEST(loss_takes_its_share)
{
	const struct sx_network_as *as = &harness->network->ases[src];
	size_t place = (size_t)(sx_topology_find_interface(&harness->topology->ases[src], 3) -
				harness->topology->ases[src].interfaces);

	peer_link()->loss = 20;
	send_burst();
	ck_assert_uint_gt(harness->count, 700);
	ck_assert_uint_lt(harness->count, 900);
	ck_assert_uint_eq(as->interfaces[place].drops[SX_DROP_LOSS], BURST - harness->count);
	peer_link()->loss = 100;
	send_burst();
	ck_assert_uint_eq(harness->count, 0);
}
END_TEST

START_TEST(same_seed_loses_the_same_packets)
{
	size_t first;

	peer_link()->loss = 50;
	send_burst();
	first = harness->count;
	teardown();
	setup();
	peer_link()->loss = 50;
	send_burst();
	ck_assert_uint_eq(harness->count, first);
}
END_TEST

START_TEST(duplicates_come_twice)
{
	peer_link()->duplicate = 100;
	send_burst();
	ck_assert_uint_eq(harness->count, 2 * BURST);
	ck_assert_uint_eq(number_of(&harness->packets[0]), number_of(&harness->packets[1]));
}
END_TEST

START_TEST(only_reordering_changes_the_order)
{
	peer_link()->jitter_ms = 10;
	send_burst();
	ck_assert_uint_eq(harness->count, BURST);
	ck_assert(is_in_order());
	peer_link()->reorder = 30;
	send_burst();
	ck_assert_uint_eq(harness->count, BURST);
	ck_assert(!is_in_order());
}
END_TEST

START_TEST(corruption_turns_one_bit)
{
	struct sx_combined way = way_of(src, dst, 0);
	uint8_t packet[512];
	size_t len = build(&way, src, dst, 7, packet);
	size_t arrived = 0;

	peer_link()->corrupt = 100;
	for (size_t i = 0; i < 200; i++) {
		sx_harness_exchange(harness, src, sx_bytes_of(packet, len));
		arrived += harness->count == 1 && harness->packets[0].as == dst;
	}
	/* Some bits do not matter to the router there; most do. */
	ck_assert_uint_gt(arrived, 10);
	ck_assert_uint_lt(arrived, 190);
}
END_TEST

/* 93 + 4 bytes in 1000 packets at 1 Mbit/s take far longer than the 200 ms that may wait. */
START_TEST(rate_spaces_packets_and_bounds_the_queue)
{
	uint64_t start_ns = harness->clock.now_ns;

	peer_link()->rate_kbit = 1000;
	send_burst();
	ck_assert_uint_lt(harness->count, BURST / 2);
	ck_assert_uint_gt(harness->count, BURST / 5);
	ck_assert(is_in_order());
	ck_assert_uint_ge(harness->clock.now_ns - start_ns, 200 * MS);
	ck_assert_uint_lt(harness->clock.now_ns - start_ns, 210 * MS);
}
END_TEST

START_TEST(queue_of_a_slow_link_is_bounded)
{
	struct sx_host host = { SX_HOST_IPV4, { 127, 0, 0, 9 } };
	struct sx_combined way = way_of(src, dst, 0);
	uint8_t packet[512];
	size_t len = build(&way, src, dst, 7, packet);

	peer_link()->delay_ms = 60000;
	for (size_t i = 0; i < 3 * SX_LINK_QUEUE_PACKETS; i++) {
		sx_network_receive(
			harness->network, src, &host, 9, sx_bytes_of(packet, len), harness->clock);
	}
	ck_assert_uint_le(harness->network->flights.count, SX_LINK_QUEUE_PACKETS);
	ck_assert_uint_gt(harness->network->flights.count, SX_LINK_QUEUE_PACKETS - 3);
	/* What is still on the way when the network ends is freed with it. */
}
END_TEST

START_TEST(cut_link_loses_what_is_on_it)
{
	struct sx_host host = { SX_HOST_IPV4, { 127, 0, 0, 9 } };
	struct sx_combined way = way_of(src, dst, 0);
	uint8_t packet[512];
	size_t len = build(&way, src, dst, 7, packet);
	size_t link = sx_topology_find_interface(&harness->topology->ases[src], 3)->link;

	harness->count = 0;
	sx_network_receive(
		harness->network, src, &host, 9, sx_bytes_of(packet, len), harness->clock);
	sx_network_set_down(harness->network, link, true);
	sx_harness_settle(harness);
	ck_assert_uint_eq(harness->count, 0);
	sx_network_heal(harness->network);
	sx_harness_exchange(harness, src, sx_bytes_of(packet, len));
	ck_assert_uint_eq(harness->count, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("router_network");
	TCase *tc = tcase_create("network");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_combined_path_is_walked_as_it_says);
	tcase_add_test(tc, link_without_faults_delays_and_keeps_the_order);
	tcase_add_test(tc, loss_takes_its_share);
	tcase_add_test(tc, same_seed_loses_the_same_packets);
	tcase_add_test(tc, duplicates_come_twice);
	tcase_add_test(tc, only_reordering_changes_the_order);
	tcase_add_test(tc, corruption_turns_one_bit);
	tcase_add_test(tc, rate_spaces_packets_and_bounds_the_queue);
	tcase_add_test(tc, queue_of_a_slow_link_is_bounded);
	tcase_add_test(tc, cut_link_loses_what_is_on_it);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
