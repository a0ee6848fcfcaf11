/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "rains/keys.h"
#include "tap.h"

#define NOW 1000

static const uint8_t seed[16] = { 1 };
static struct sx_rains_keys keys;

static struct sx_rains_key_id id_of(const char *zone, int64_t phase)
{
	return (struct sx_rains_key_id){ sx_bytes_text(zone), sx_bytes_text("."), 1, phase };
}

static void put(struct sx_rains_key_id id, uint8_t data, int64_t since, int64_t until)
{
	const struct sx_rains_key key = { .since = since, .until = until, .data = { data } };

	ck_assert_int_eq(sx_rains_keys_put(&keys, &id, &key, NOW), SX_OK);
}

/* The first byte of a key, 0 when there is none. */
static int get(struct sx_rains_key_id id)
{
	const struct sx_rains_key *key = sx_rains_keys_find(&keys, &id);

	return key ? key->data[0] : 0;
}

START_TEST(a_key_has_zone_context_algorithm_and_phase)
{
	struct sx_rains_key_id other = id_of("a.", 1);

	put(id_of("a.", 1), 7, 0, 2000);
	ck_assert_int_eq(get(id_of("a.", 1)), 7);
	ck_assert_int_eq(get(id_of("a.", 2)), 0);
	ck_assert_int_eq(get(id_of("b.", 1)), 0);
	other.alg = 2;
	ck_assert_int_eq(get(other), 0);
	other = id_of("a.", 1);
	other.context = sx_bytes_text("cx-");
	ck_assert_int_eq(get(other), 0);
	other = id_of("a", 1);
	other.context = sx_bytes_text("..");
	ck_assert_int_eq(get(other), 0);
}
END_TEST

START_TEST(the_key_signed_later_stays_while_it_is_valid)
{
	put(id_of("a.", 1), 1, 500, 2000);
	put(id_of("a.", 1), 2, 400, 3000);
	ck_assert_int_eq(get(id_of("a.", 1)), 1);
	put(id_of("a.", 1), 3, 500, 1500);
	ck_assert_int_eq(get(id_of("a.", 1)), 3);
	put(id_of("a.", 1), 4, 900, 1000);
	put(id_of("a.", 1), 5, 400, 3000);
	ck_assert_int_eq(get(id_of("a.", 1)), 5);
}
END_TEST

START_TEST(the_key_used_least_recently_goes_first)
{
	for (int64_t phase = 1; phase <= 4; phase++) {
		put(id_of("a.", phase), (uint8_t)phase, 0, 2000);
	}
	ck_assert_int_eq(get(id_of("a.", 1)), 1);
	put(id_of("a.", 5), 5, 0, 2000);
	ck_assert_int_eq(get(id_of("a.", 2)), 0);
	ck_assert_int_eq(get(id_of("a.", 1)), 1);
	for (int64_t phase = 100; phase < 1100; phase++) {
		put(id_of("a.", phase), (uint8_t)1, 0, 2000);
	}
	ck_assert_uint_eq(keys.map.count, 4);
}
END_TEST

static int fill(void *arg)
{
	struct sx_rains_keys made = { .most = 0 };
	struct sx_rains_key_id id = id_of("a.", 1);
	const struct sx_rains_key key = { .until = 2000 };
	int rc = sx_rains_keys_init(&made, 2, seed);

	(void)arg;
	if (rc == SX_OK) {
		rc = sx_rains_keys_put(&made, &id, &key, NOW);
	}
	sx_rains_keys_fini(&made);
	return rc;
}

START_TEST(keys_without_memory_are_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(fill, NULL), 0);
}
END_TEST

static void make(void)
{
	ck_assert_int_eq(sx_rains_keys_init(&keys, 4, seed), SX_OK);
}

static void drop(void)
{
	sx_rains_keys_fini(&keys);
}

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, make, drop);
	tcase_add_test(tcase, a_key_has_zone_context_algorithm_and_phase);
	tcase_add_test(tcase, the_key_signed_later_stays_while_it_is_valid);
	tcase_add_test(tcase, the_key_used_least_recently_goes_first);
	tcase_add_test(tcase, keys_without_memory_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
