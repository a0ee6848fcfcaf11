/* SPDX-License-Identifier: MIT */
#include "scion/pathset.h"
#include "tap.h"

#define PATHS 4

/* Two links each: by interface ids, 1-1 to 1-2 over one, 1-2 to 1-3 over another. */
#define WAY(a, b, c, d)                                                                          \
	{                                                                                        \
		{ 0x0001000000000001, a }, { 0x0001000000000002, b }, { 0x0001000000000002, c }, \
		{                                                                                \
			0x0001000000000003, d                                                    \
		}                                                                                \
	}

static const struct sx_interface ways[PATHS][4] = {
	WAY(1, 1, 2, 1), WAY(1, 1, 3, 2), /* shares the first link with 0 */
	WAY(2, 4, 5, 3),                  /* shares none with 0 */
	WAY(3, 6, 2, 1),                  /* shares the second link with 0 */
};

/* A source of PATHS paths to everywhere. */
struct fixture {
	struct sx_pathsrc source;
	struct sx_known_path paths[PATHS];
	const struct sx_known_path *list[PATHS];
	uint64_t doubts[PATHS];
};

static size_t find(const struct sx_pathsrc *source, uint64_t destination,
	const struct sx_known_path *const **out)
{
	const struct fixture *fixture = (const struct fixture *)source;

	(void)destination;
	*out = fixture->list;
	return PATHS;
}

static const struct sx_pathsrc_ops ops = { .find = find };

static void setup_fixture(struct fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->source.ops = &ops;
	for (uint8_t i = 0; i < PATHS; i++) {
		struct sx_known_path *path = &fixture->paths[i];

		path->expiry = 1000;
		path->interfaces = ways[i];
		path->interface_count = 4;
		path->fingerprint[0] = i;
		fixture->list[PATHS - 1 - i] = path;
	}
}

static uint64_t doubted_at(const void *arg, const struct sx_known_path *path)
{
	const struct fixture *fixture = arg;

	return fixture->doubts[path->fingerprint[0]];
}

static int alternative(const struct fixture *fixture, const struct sx_known_path *current)
{
	struct sx_pathset set;
	const struct sx_known_path *path;

	sx_pathset_of(&set, &fixture->source, 1, 0);
	path = sx_pathset_alternative(
		&set, current, (struct sx_pathset_doubts){ doubted_at, fixture });
	return path ? path->fingerprint[0] : -1;
}

static void assert_order(const struct fixture *fixture, const char *expected)
{
	struct sx_pathset set;

	sx_pathset_of(&set, &fixture->source, 1, 0);
	ck_assert_uint_eq(set.count, strlen(expected));
	for (size_t i = 0; i < set.count; i++) {
		ck_assert_int_eq(set.paths[i]->fingerprint[0], expected[i] - '0');
	}
}

START_TEST(fewest_hops_come_first_then_latency_then_always_the_same)
{
	struct fixture fixture;

	setup_fixture(&fixture);
	assert_order(&fixture, "0123");
	fixture.paths[3].interface_count = 2;
	assert_order(&fixture, "3012");
	fixture.paths[2].latency_us = 20000;
	fixture.paths[1].latency_us = 10000;
	assert_order(&fixture, "3120");
}
END_TEST

START_TEST(expired_path_is_not_offered)
{
	struct fixture fixture;
	struct sx_pathset set;

	setup_fixture(&fixture);
	fixture.paths[1].expiry = 500;
	sx_pathset_of(&set, &fixture.source, 1, 499);
	ck_assert_uint_eq(set.count, 4);
	sx_pathset_of(&set, &fixture.source, 1, 500);
	ck_assert_uint_eq(set.count, 3);
	ck_assert_ptr_null(sx_pathset_find(&set, fixture.paths[1].fingerprint));
	sx_pathset_of(&set, &fixture.source, 1, 1000);
	ck_assert_uint_eq(set.count, 0);
	ck_assert_int_eq(alternative(&fixture, NULL), 0);
}
END_TEST

START_TEST(a_path_is_found_by_fingerprint_and_by_interfaces)
{
	static const uint16_t ids[] = { 1, 1, 3, 2 };
	static const uint16_t others[] = { 1, 1, 3, 3 };
	struct fixture fixture;
	struct sx_pathset set;

	setup_fixture(&fixture);
	sx_pathset_of(&set, &fixture.source, 1, 0);
	ck_assert_ptr_eq(sx_pathset_find(&set, fixture.paths[2].fingerprint), &fixture.paths[2]);
	ck_assert_ptr_eq(sx_pathset_find_ids(&set, ids, 4), &fixture.paths[1]);
	ck_assert_ptr_null(sx_pathset_find_ids(&set, others, 4));
	ck_assert_ptr_null(sx_pathset_find_ids(&set, ids, 3));
}
END_TEST

START_TEST(the_alternative_is_the_most_disjoint)
{
	struct fixture fixture;

	setup_fixture(&fixture);
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[0]), 2);
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[2]), 0);
	ck_assert_int_eq(alternative(&fixture, NULL), 0);
}
END_TEST

START_TEST(what_failed_comes_last_and_what_failed_longest_ago_first)
{
	struct fixture fixture;

	setup_fixture(&fixture);
	fixture.doubts[2] = 1;
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[0]), 1);
	fixture.doubts[1] = 2;
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[0]), 3);
	fixture.doubts[3] = 3;
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[0]), 2);
}
END_TEST

START_TEST(without_another_path_there_is_no_alternative)
{
	struct fixture fixture;

	setup_fixture(&fixture);
	for (int i = 0; i < PATHS; i++) {
		fixture.paths[i].expiry = i == 1 ? 1000 : 0;
	}
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[1]), -1);
	ck_assert_int_eq(alternative(&fixture, &fixture.paths[0]), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("pathset");
	TCase *tcase = tcase_create("pathset");

	tcase_add_test(tcase, fewest_hops_come_first_then_latency_then_always_the_same);
	tcase_add_test(tcase, expired_path_is_not_offered);
	tcase_add_test(tcase, a_path_is_found_by_fingerprint_and_by_interfaces);
	tcase_add_test(tcase, the_alternative_is_the_most_disjoint);
	tcase_add_test(tcase, what_failed_comes_last_and_what_failed_longest_ago_first);
	tcase_add_test(tcase, without_another_path_there_is_no_alternative);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
