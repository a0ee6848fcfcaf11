/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/map.h"
#include "tap.h"

#define NODES 1000

static const uint8_t seed[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* The first and the sixteenth value of the reference vectors in the SipHash paper and code. */
START_TEST(siphash_gives_the_published_values)
{
	uint8_t in[15];

	for (size_t i = 0; i < sizeof in; i++) {
		in[i] = (uint8_t)i;
	}
	ck_assert_uint_eq(sx_siphash(seed, sx_bytes_of(in, 0)), 0x726fdb47dd0e0e31);
	ck_assert_uint_eq(sx_siphash(seed, sx_bytes_of(in, 15)), 0xa129ca6149be45e5);
}
END_TEST

START_TEST(what_is_inserted_is_found_until_removed)
{
	static struct {
		struct sx_map_node node;
		char key[8];
	} items[NODES];
	struct sx_map map;

	ck_assert_int_eq(sx_map_init(&map, seed), SX_OK);
	for (size_t i = 0; i < NODES; i++) {
		(void)snprintf(items[i].key, sizeof items[i].key, "%zu", i);
		sx_map_insert(&map, &items[i].node, sx_bytes_text(items[i].key));
	}
	ck_assert_uint_eq(map.count, NODES);
	for (size_t i = 0; i < NODES; i += 2) {
		sx_map_remove(&map, &items[i].node);
	}
	for (size_t i = 0; i < NODES; i++) {
		struct sx_map_node *found = sx_map_find(&map, sx_bytes_text(items[i].key));

		ck_assert_ptr_eq(found, i % 2 ? &items[i].node : NULL);
	}
	ck_assert_ptr_null(sx_map_find(&map, sx_bytes_text("")));
	sx_map_fini(&map);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("map");
	TCase *tcase = tcase_create("hash");

	tcase_add_test(tcase, siphash_gives_the_published_values);
	tcase_add_test(tcase, what_is_inserted_is_found_until_removed);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
