/* SPDX-License-Identifier: MIT */
#include "combine.h"
#include "harness.h"
#include "scion/scmp.h"
#include "scion/udp.h"
#include "tap.h"
#include "vectors.h"

static uint64_t recorded_at(void)
{
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	uint64_t created = (uint64_t)json_integer_value(json_object_get(root, "created"));

	json_decref(root);
	ck_assert_uint_gt(created, 0);
	return created;
}

/* The AS whose router is at "127.3.0.3:31002". */
static size_t as_at(const struct sx_harness *harness, const char *next_hop)
{
	for (size_t i = 0; i < harness->topology->as_count; i++) {
		char host[SX_HOST_TEXT_BYTES];

		sx_host_write(&harness->topology->ases[i].router, host, sizeof host);
		if (strncmp(host, next_hop, strlen(host)) == 0 && next_hop[strlen(host)] == ':') {
			return i;
		}
	}
	ck_abort_msg("no router at %s", next_hop);
	return 0;
}

START_TEST(recorded_packets_are_delivered_byte_for_byte)
{
	struct sx_harness *harness = sx_harness_new("lab8as.lua", recorded_at());
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	json_t *packets = json_object_get(root, "packets");
	json_t *recorded;
	size_t index;

	ck_assert_uint_eq(json_array_size(packets), 152);
	json_array_foreach(packets, index, recorded)
	{
		struct sx_vector sent, delivered;

		ck_assert(sx_vector_get(recorded, "sent", &sent));
		ck_assert(sx_vector_get(recorded, "delivered", &delivered));
		sx_harness_exchange(harness,
			as_at(harness, json_string_value(json_object_get(recorded, "next_hop"))),
			sx_vector_bytes(&sent));
		ck_assert_uint_eq(harness->count, 1);
		ck_assert_uint_eq(harness->packets[0].len, delivered.len);
		ck_assert_mem_eq(harness->packets[0].data, delivered.data, delivered.len);
		ck_assert_uint_eq(harness->packets[0].as,
			as_at(harness, json_string_value(json_object_get(recorded, "from_"))));
	}
	json_decref(root);
	sx_harness_free(harness);
}
END_TEST

/* An answer must equal the recorded one; where none was recorded, nothing may come back to the sender. */
static void check_answer(
	struct sx_harness *harness, size_t as, const json_t *recorded, size_t *silences)
{
	const char *name = json_string_value(json_object_get(recorded, "name"));
	struct sx_vector reply;

	if (!sx_vector_get(recorded, "reply", &reply)) {
		for (size_t i = 0; i < harness->count; i++) {
			ck_assert_msg(harness->packets[i].as != as, "%s: answered", name);
		}
		(*silences)++;
		return;
	}
	ck_assert_msg(harness->count == 1, "%s: %zu packets", name, harness->count);
	ck_assert_msg(harness->packets[0].as == as, "%s: went elsewhere", name);
	ck_assert_msg(harness->packets[0].len == reply.len &&
			      memcmp(harness->packets[0].data, reply.data, reply.len) == 0,
		"%s: another answer", name);
}

START_TEST(recorded_scmp_answers_are_given_byte_for_byte)
{
	struct sx_harness *harness = sx_harness_new("lab8as.lua", recorded_at());
	json_t *root = sx_vectors_load("scion/lab8as-scmp-v0.14.0.json");
	json_t *recorded;
	size_t index, silences = 0;

	ck_assert_uint_eq(json_array_size(root), 31);
	json_array_foreach(root, index, recorded)
	{
		size_t as =
			as_at(harness, json_string_value(json_object_get(recorded, "next_hop")));
		struct sx_vector sent;

		ck_assert(sx_vector_get(recorded, "sent", &sent));
		sx_harness_exchange(harness, as, sx_vector_bytes(&sent));
		check_answer(harness, as, recorded, &silences);
	}
	ck_assert_uint_eq(silences, 7);
	json_decref(root);
	sx_harness_free(harness);
}
END_TEST

/* A packet made by us, from one AS of the default topology to another over their n-th path. */
struct probe {
	struct sx_harness *harness;
	size_t src;
	struct sx_combined way;
	struct sx_packet packet;
	uint8_t path[SX_PATH_MAX];
	uint8_t bytes[SX_ROUTER_PACKET_MAX];
};

static const struct sx_host sender = { SX_HOST_IPV4, { 127, 9, 0, 1 } };
static const struct sx_host receiver = { SX_HOST_IPV4, { 127, 9, 0, 2 } };

static struct probe *probe_new(const char *src, const char *dst, size_t index)
{
	struct probe *probe = calloc(1, sizeof *probe);
	struct sx_dice dice = { 1 };
	struct sx_beacons beacons;
	struct sx_combined_list list = { 0 };
	size_t dst_index;

	ck_assert_ptr_nonnull(probe);
	probe->harness = sx_harness_new("topology.lua", recorded_at());
	probe->src = sx_harness_as(probe->harness, src);
	dst_index = sx_harness_as(probe->harness, dst);
	ck_assert_int_eq(sx_beacons_compute(&beacons, probe->harness->topology,
				 (uint32_t)recorded_at(), &dice),
		SX_OK);
	ck_assert_int_eq(
		sx_combine(&list, probe->harness->topology, &beacons, probe->src, dst_index),
		SX_OK);
	ck_assert_uint_gt(list.count, index);
	probe->way = list.items[index];
	probe->packet = (struct sx_packet){ .flow_id = 1,
		.next_header = SX_PROTOCOL_UDP,
		.path_type = SX_PATH_SCION,
		.dst = { probe->harness->topology->ases[dst_index].ia, receiver },
		.src = { probe->harness->topology->ases[probe->src].ia, sender } };
	sx_combined_list_fini(&list);
	sx_beacons_fini(&beacons);
	return probe;
}

static void probe_free(struct probe *probe)
{
	sx_harness_free(probe->harness);
	free(probe);
}

static void use_path(struct probe *probe)
{
	struct sx_writer writer = sx_writer_of(probe->path, sizeof probe->path);

	sx_path_write(&probe->way.path, &writer);
	probe->packet.path = sx_writer_bytes(&writer);
}

/* A UDP packet of `len` bytes, header included. */
static struct sx_bytes udp_of_len(struct probe *probe, size_t len)
{
	static const uint8_t zeros[SX_ROUTER_PACKET_MAX];
	struct sx_writer writer = sx_writer_of(probe->bytes, sizeof probe->bytes);
	struct sx_udp udp = { .src_port = 31467, .dst_port = 31468 };

	use_path(probe);
	udp.payload = sx_bytes_of(
		zeros, len - sx_packet_header_len(&probe->packet) - SX_UDP_HEADER_BYTES);
	ck_assert_int_eq(sx_udp_write(&writer, &probe->packet, &udp), SX_OK);
	ck_assert_uint_eq(sx_writer_bytes(&writer).len, len);
	return sx_writer_bytes(&writer);
}

static struct sx_bytes scmp_of(struct probe *probe, struct sx_scmp scmp)
{
	struct sx_writer writer = sx_writer_of(probe->bytes, sizeof probe->bytes);

	use_path(probe);
	probe->packet.next_header = SX_PROTOCOL_SCMP;
	ck_assert_int_eq(sx_scmp_write(&writer, &probe->packet, &scmp), SX_OK);
	return sx_writer_bytes(&writer);
}

/* The SCMP message that is the only thing which has come back to the sender. */
static struct sx_scmp answer_of(const struct probe *probe, struct sx_packet *packet)
{
	const struct sx_harness_packet *got = &probe->harness->packets[0];
	struct sx_scmp scmp;

	ck_assert_uint_eq(probe->harness->count, 1);
	ck_assert_uint_eq(got->as, probe->src);
	ck_assert_int_eq(sx_packet_parse(packet, sx_bytes_of(got->data, got->len)), SX_OK);
	ck_assert_int_eq(sx_scmp_parse(&scmp, packet), SX_OK);
	return scmp;
}

static uint64_t drops(const struct sx_harness *harness, enum sx_drop reason)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < harness->topology->as_count; i++) {
		sum += harness->network->ases[i].inside.drops[reason];
		for (size_t j = 0; j < harness->topology->ases[i].interface_count; j++) {
			sum += harness->network->ases[i].interfaces[j].drops[reason];
		}
	}
	return sum;
}

/* Path 3 of 113 -> 211 goes 1>4 120 2>1 210 3>1: links of 1400, 1460 and 1390 bytes. */
START_TEST(link_mtu_is_enforced_with_packet_too_big)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	struct sx_packet packet;
	struct sx_scmp scmp;

	ck_assert_uint_eq(probe->way.mtu, 1390);
	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 1390));
	ck_assert_uint_eq(probe->harness->count, 1);
	ck_assert_uint_eq(probe->harness->packets[0].port, 31468);

	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 1391));
	scmp = answer_of(probe, &packet);
	ck_assert_uint_eq(scmp.type, SX_SCMP_PACKET_TOO_BIG);
	ck_assert_uint_eq(scmp.mtu, 1390);
	ck_assert_uint_eq(packet.src.ia, 0x0002ff0000000210);
	ck_assert_uint_eq(probe->harness->packets[0].len, SX_SCMP_PACKET_MAX);
	ck_assert_uint_eq(drops(probe->harness, SX_DROP_TOO_BIG), 1);

	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 1401));
	scmp = answer_of(probe, &packet);
	ck_assert_uint_eq(scmp.mtu, 1400);
	ck_assert_uint_eq(packet.src.ia, 0x0001ff0000000113);
	probe_free(probe);
}
END_TEST

START_TEST(link_down_is_told_until_it_is_up)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	const struct sx_topology_as *as =
		sx_topology_find_as(probe->harness->topology, 0x0002ff0000000210);
	size_t link = sx_topology_find_interface(as, 3)->link;
	struct sx_packet packet;
	struct sx_scmp scmp;

	sx_network_set_down(probe->harness->network, link, true);
	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 500));
	scmp = answer_of(probe, &packet);
	ck_assert_uint_eq(scmp.type, SX_SCMP_EXTERNAL_INTERFACE_DOWN);
	ck_assert_uint_eq(scmp.ia, as->ia);
	ck_assert_uint_eq(scmp.interface, 3);
	ck_assert_uint_eq(probe->harness->packets[0].port, 31467);

	sx_network_set_down(probe->harness->network, link, false);
	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 500));
	ck_assert_uint_eq(probe->harness->packets[0].port, 31468);
	probe_free(probe);
}
END_TEST

/*
 * In the last AS, whose segment is walked in construction direction. Against it the answer is lost, here as in
 * scionproto: expiry is checked before the SegID is brought up to date, and the answer's path is made as if after.
 */
START_TEST(clock_of_an_as_decides_what_is_expired)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	size_t far = sx_harness_as(probe->harness, "2-ff00:0:211");
	struct sx_packet packet;

	probe->harness->network->ases[far].clock_shift = 6 * 3600 - 1;
	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 500));
	ck_assert_uint_eq(probe->harness->packets[0].port, 31468);
	probe->harness->network->ases[far].clock_shift = 6 * 3600;
	sx_harness_exchange(probe->harness, probe->src, udp_of_len(probe, 500));
	ck_assert_uint_eq(answer_of(probe, &packet).code, SX_SCMP_EXPIRED_HOP);
	ck_assert_uint_eq(packet.src.ia, 0x0002ff0000000211);
	probe_free(probe);
}
END_TEST

START_TEST(no_error_answers_an_error)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);

	probe->way.path.hops[1].mac[0] ^= 1;
	sx_harness_exchange(probe->harness, probe->src,
		scmp_of(probe, (struct sx_scmp){ .type = SX_SCMP_EXTERNAL_INTERFACE_DOWN }));
	ck_assert_uint_eq(probe->harness->count, 0);
	ck_assert_uint_eq(drops(probe->harness, SX_DROP_ANSWER), 1);
	probe_free(probe);
}
END_TEST

/* From inside an AS, a packet that claims to have come in elsewhere. */
START_TEST(transit_from_inside_is_dropped)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	struct sx_bytes packet = udp_of_len(probe, 500);
	size_t middle = sx_harness_as(probe->harness, "1-ff00:0:120");

	probe->way.path.curr_hf = 1;
	packet = udp_of_len(probe, 500);
	sx_harness_exchange(probe->harness, middle, packet);
	ck_assert_uint_eq(probe->harness->count, 0);
	ck_assert_uint_eq(drops(probe->harness, SX_DROP_TRANSIT), 1);
	probe_free(probe);
}
END_TEST

static const struct {
	const char *what;
	struct sx_scmp scmp;
	uint16_t port;
} messages[] = {
	{ "echo request", { .type = SX_SCMP_ECHO_REQUEST, .id = 500 }, SX_ENDHOST_PORT },
	{ "echo reply", { .type = SX_SCMP_ECHO_REPLY, .id = 500 }, 500 },
	{ "traceroute request", { .type = SX_SCMP_TRACEROUTE_REQUEST, .id = 500 },
		SX_ENDHOST_PORT },
	{ "traceroute reply", { .type = SX_SCMP_TRACEROUTE_REPLY, .id = 500 }, 500 },
	{ "error without a quote", { .type = SX_SCMP_PACKET_TOO_BIG }, 0 },
	{ "unknown message", { .type = 200 }, 0 },
};

START_TEST(control_messages_reach_the_port_they_are_for)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);

	sx_harness_exchange(probe->harness, probe->src, scmp_of(probe, messages[_i].scmp));
	ck_assert_msg(probe->harness->count == (messages[_i].port != 0), "%s", messages[_i].what);
	if (messages[_i].port != 0) {
		ck_assert_uint_eq(probe->harness->packets[0].port, messages[_i].port);
	}
	probe_free(probe);
}
END_TEST

START_TEST(quoting_error_reaches_the_port_that_is_quoted)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	uint8_t quote[500];
	struct sx_bytes quoted = udp_of_len(probe, sizeof quote);

	memcpy(quote, quoted.data, quoted.len);
	sx_harness_exchange(probe->harness, probe->src,
		scmp_of(probe, (struct sx_scmp){ .type = SX_SCMP_PACKET_TOO_BIG,
				       .mtu = 1300,
				       .data = sx_bytes_of(quote, sizeof quote) }));
	ck_assert_uint_eq(probe->harness->count, 1);
	ck_assert_uint_eq(probe->harness->packets[0].port, 31467);
	probe_free(probe);
}
END_TEST

START_TEST(other_path_types_are_dropped_and_counted)
{
	struct probe *probe = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	struct sx_bytes packet = udp_of_len(probe, 500);
	static const uint8_t types[] = { SX_PATH_ONE_HOP, SX_PATH_EPIC, 4, 255 };

	for (size_t i = 0; i < SX_COUNT(types); i++) {
		probe->bytes[8] = types[i];
		sx_harness_exchange(probe->harness, probe->src, packet);
		ck_assert_uint_eq(probe->harness->count, 0);
		ck_assert_uint_eq(drops(probe->harness, SX_DROP_PATH_TYPE), i + 1);
	}
	probe_free(probe);
}
END_TEST

static struct probe *mutated;

static void send_mutant(struct sx_bytes mutant)
{
	sx_harness_exchange(mutated->harness, mutated->src, mutant);
	ck_assert_uint_le(mutated->harness->count, 1);
}

/* Every prefix, every bit flip: from inside, and what passes the first router at those behind it. */
START_TEST(damaged_packets_do_no_harm)
{
	uint8_t whole[180];

	mutated = probe_new("1-ff00:0:113", "2-ff00:0:211", 3);
	memcpy(whole, udp_of_len(mutated, sizeof whole).data, sizeof whole);
	sx_each_mutation(sx_bytes_of(whole, sizeof whole), send_mutant);
	/* All were heard; and the network is as good as before. */
	ck_assert_uint_eq(
		mutated->harness->network->ases[mutated->src].inside.in_packets, 11 * sizeof whole);
	send_mutant(sx_bytes_of(whole, sizeof whole));
	ck_assert_uint_eq(mutated->harness->packets[0].port, 31468);
	probe_free(mutated);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("router");
	TCase *tc = tcase_create("recordings");
	TCase *own = tcase_create("own packets");

	tcase_add_test(tc, recorded_packets_are_delivered_byte_for_byte);
	tcase_add_test(tc, recorded_scmp_answers_are_given_byte_for_byte);
	suite_add_tcase(s, tc);
	tcase_add_test(own, link_mtu_is_enforced_with_packet_too_big);
	tcase_add_test(own, link_down_is_told_until_it_is_up);
	tcase_add_test(own, clock_of_an_as_decides_what_is_expired);
	tcase_add_test(own, no_error_answers_an_error);
	tcase_add_test(own, transit_from_inside_is_dropped);
	tcase_add_loop_test(
		own, control_messages_reach_the_port_they_are_for, 0, (int)SX_COUNT(messages));
	tcase_add_test(own, quoting_error_reaches_the_port_that_is_quoted);
	tcase_add_test(own, other_path_types_are_dropped_and_counted);
	tcase_add_test(own, damaged_packets_do_no_harm);
	suite_add_tcase(s, own);
	return s;
}

SX_TAP_MAIN(suite)
