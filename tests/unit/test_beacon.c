/* SPDX-License-Identifier: MIT */
#include "beacon.h"
#include "harness.h"
#include "tap.h"
#include "vectors.h"

#define TIMESTAMP 1795403970

struct fixture {
	struct sx_topology *topology;
	struct sx_beacons beacons;
};

static struct fixture fixture;

static void setup(void)
{
	struct sx_topology_error error;
	struct sx_dice dice = { 7 };

	ck_assert_msg(
		sx_topology_load(&fixture.topology, SX_SANDBOX_DIR "/lab8as.lua", &error) == SX_OK,
		"%s", error.text);
	ck_assert_int_eq(
		sx_beacons_compute(&fixture.beacons, fixture.topology, TIMESTAMP, &dice), SX_OK);
}

static void teardown(void)
{
	sx_beacons_fini(&fixture.beacons);
	sx_topology_free(fixture.topology);
}

START_TEST(recorded_hop_keys_are_derived)
{
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	const char *ia;
	json_t *entry;

	json_object_foreach(json_object_get(root, "ases"), ia, entry)
	{
		uint64_t value = 0;
		const struct sx_topology_as *as;
		struct sx_vector key;

		ck_assert_int_eq(sx_ia_parse(sx_bytes_text(ia), &value), SX_OK);
		as = sx_topology_find_as(fixture.topology, value);
		ck_assert_ptr_nonnull(as);
		ck_assert(sx_vector_get(entry, "hop_key", &key));
		ck_assert_mem_eq(as->hop_key, key.data, SX_HOP_KEY_BYTES);
	}
	ck_assert_uint_eq(json_object_size(json_object_get(root, "ases")), 8);
	json_decref(root);
}
END_TEST

/* A MAC that a real control service made: the first recorded packet, as delivered in 1-ff00:0:120. */
START_TEST(recorded_hop_mac_is_computed)
{
	const struct sx_topology_as *as = sx_topology_find_as(fixture.topology, 0x0001ff0000000120);
	struct sx_info_field info = { .seg_id = 0x7448, .timestamp = 0x6b03b0b9 };
	struct sx_hop_field hop = { .exp_time = 0x3f, .cons_egress = 1 };
	static const uint8_t expected[] = { 0x6c, 0xb4, 0xe7, 0xd9, 0x2d, 0x2e };

	sx_hop_key_sign(as->hop_key, &info, &hop);
	ck_assert_mem_eq(hop.mac, expected, sizeof expected);
	ck_assert(sx_hop_key_verify(as->hop_key, &info, &hop));
	hop.mac[5] ^= 1;
	ck_assert(!sx_hop_key_verify(as->hop_key, &info, &hop));
}
END_TEST

START_TEST(every_entry_and_peer_verifies_at_its_beta)
{
	ck_assert_uint_gt(fixture.beacons.count, 0);
	for (size_t i = 0; i < fixture.beacons.count; i++) {
		const struct sx_segment *segment = &fixture.beacons.segments[i];

		for (size_t j = 0; j < segment->count; j++) {
			const struct sx_segment_entry *entry = &segment->entries[j];
			const uint8_t *key = fixture.topology->ases[entry->as].hop_key;
			struct sx_info_field info = { .seg_id = sx_segment_beta(segment, j),
				.timestamp = TIMESTAMP };

			ck_assert(sx_hop_key_verify(key, &info, &entry->hop));
			info.seg_id = sx_segment_beta(segment, j + 1);
			for (size_t k = 0; k < entry->peer_count; k++) {
				ck_assert(sx_hop_key_verify(key, &info, &entry->peers[k].hop));
			}
		}
	}
}
END_TEST

/* Counted by hand: the triangle of core ASes gives 6 direct ways and 6 detours. */
START_TEST(segments_are_all_there)
{
	size_t core = 0, other = 0;

	for (size_t i = 0; i < fixture.beacons.count; i++) {
		if (fixture.beacons.segments[i].core) {
			core++;
		} else {
			other++;
		}
	}
	ck_assert_uint_eq(core, 12);
	/* 110: 111, 112, 114. 120: 111, 113, 112, 114. 210: 211. */
	ck_assert_uint_eq(other, 8);
	ck_assert(!fixture.beacons.cut);
}
END_TEST

START_TEST(peer_links_are_announced_below_the_core)
{
	bool found = false;

	for (size_t i = 0; i < fixture.beacons.count; i++) {
		const struct sx_segment *segment = &fixture.beacons.segments[i];
		const struct sx_segment_entry *last = &segment->entries[segment->count - 1];

		ck_assert(!segment->core || last->peer_count == 0);
		if (fixture.topology->ases[last->as].ia == 0x0002ff0000000211) {
			found = true;
			ck_assert_uint_eq(last->peer_count, 1);
			ck_assert_uint_eq(last->peers[0].remote_id, 3);
			ck_assert_uint_eq(last->peers[0].hop.cons_ingress, 2);
			ck_assert_uint_eq(last->peers[0].mtu, 1370);
		}
	}
	ck_assert(found);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("beacon");
	TCase *tc = tcase_create("beacon");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, recorded_hop_keys_are_derived);
	tcase_add_test(tc, recorded_hop_mac_is_computed);
	tcase_add_test(tc, every_entry_and_peer_verifies_at_its_beta);
	tcase_add_test(tc, segments_are_all_there);
	tcase_add_test(tc, peer_links_are_announced_below_the_core);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
