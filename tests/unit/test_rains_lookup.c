/* SPDX-License-Identifier: MIT */
/* One name and one type, from the first question to what is believed. */
#include "alloc_fail.h"
#include "rains/lookup.h"
#include "rains_servers.h"
#include "tap.h"

static struct sx_rains_client *client;
static struct sx_rains_trust *trust;
static struct sx_rains_anchors anchors;

static void start(void)
{
	static const uint8_t seed[16] = { 1 };
	struct sx_rains_client_config config = { .scion = &net.scion };
	struct sx_rains_trust_config trusting = {
		.anchors = &anchors, .keys_most = 100, .validity_most = 86400, .seed = seed
	};
	struct sx_rains_reason reason;

	net_begin();
	config.servers = net.lines;
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop, &config, &reason), SX_OK);
	ck_assert_int_eq(sx_rains_trust_new(&trust, &trusting), SX_OK);
}

static void stop(void)
{
	sx_rains_client_free(client);
	sx_rains_trust_free(trust);
	net_end();
}

static int make_lookup(void *arg)
{
	struct sx_rains_wish wish = { .client = client,
		.trust = trust,
		.name = "b.example.org",
		.type = SX_RAINS_SCION,
		.deadline_ns = SX_NEVER };
	struct sx_rains_reason reason;
	struct sx_rains_lookup *made;
	int rc = sx_rains_lookup_new(&made, &wish, sx_loop_now_ns(), &reason);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_lookup_free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	start();
	ck_assert_uint_ge(sx_each_allocation_fails(make_lookup, NULL), 2);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_lookup");
	TCase *tcase = tcase_create("lookups");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
