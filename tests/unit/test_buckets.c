/* SPDX-License-Identifier: MIT */
#include "quic/buckets.h"

#include <string.h>

#include "tap.h"

#define SECOND UINT64_C(1000000000)

static struct sx_buckets buckets;

static struct sx_peer host(uint32_t number)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6 } };

	memcpy(&peer.address.sin6_addr, &number, sizeof number);
	return peer;
}

/* How many of `tries` at the same time are answered. */
static unsigned answered(const struct sx_peer *peer, unsigned tries, uint64_t now_ns)
{
	unsigned count = 0;

	while (tries-- > 0) {
		count += sx_buckets_take(&buckets, peer, now_ns);
	}
	return count;
}

START_TEST(one_host_gets_four_at_once_and_then_one_a_second)
{
	struct sx_peer peer = host(1);

	sx_buckets_init(&buckets);
	ck_assert_uint_eq(answered(&peer, 100, 100 * SECOND), 4);
	ck_assert_uint_eq(answered(&peer, 100, 101 * SECOND - 1), 0);
	ck_assert_uint_eq(answered(&peer, 100, 101 * SECOND), 1);
	ck_assert_uint_eq(answered(&peer, 100, 103 * SECOND), 2);
	/* Rest restores no more than the four, and another port is the same host. */
	peer.address.sin6_port = 7;
	ck_assert_uint_eq(answered(&peer, 100, 1000 * SECOND), 4);
}
END_TEST

START_TEST(all_hosts_together_get_fifty_a_second)
{
	unsigned count = 0;

	sx_buckets_init(&buckets);
	for (uint32_t i = 0; i < 10000; i++) {
		struct sx_peer peer = host(i);

		count += answered(&peer, 1, 100 * SECOND + i * SECOND / 1000);
	}
	/* Ten seconds, and the burst at their beginning. */
	ck_assert_uint_ge(count, 500);
	ck_assert_uint_le(count, 550);
}
END_TEST

START_TEST(the_flood_of_one_host_leaves_tokens_for_others)
{
	struct sx_peer loud = host(1), quiet = host(2);

	sx_buckets_init(&buckets);
	while (sx_buckets_counts(&buckets, &loud) == sx_buckets_counts(&buckets, &quiet)) {
		sx_buckets_init(&buckets); /* they share a bucket under this seed */
	}
	for (uint64_t i = 0; i < 10000; i++) {
		(void)answered(&loud, 1, 100 * SECOND + i);
	}
	ck_assert_uint_eq(answered(&quiet, 10, 101 * SECOND), 4);
}
END_TEST

START_TEST(counts_belong_to_hosts)
{
	struct sx_peer one = host(1), same = host(1);

	same.address.sin6_port = 9;
	sx_buckets_init(&buckets);
	sx_buckets_counts(&buckets, &one)->half_open++;
	ck_assert_uint_eq(sx_buckets_counts(&buckets, &same)->half_open, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("buckets");
	TCase *tcase = tcase_create("rates");

	tcase_add_test(tcase, one_host_gets_four_at_once_and_then_one_a_second);
	tcase_add_test(tcase, all_hosts_together_get_fifty_a_second);
	tcase_add_test(tcase, the_flood_of_one_host_leaves_tokens_for_others);
	tcase_add_test(tcase, counts_belong_to_hosts);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
