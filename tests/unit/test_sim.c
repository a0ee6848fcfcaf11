/* SPDX-License-Identifier: MIT */
#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

static const char *const both_names[] = { "a.example.org", "b.example.org", NULL };

START_TEST(two_endpoints_shake_hands_and_talk)
{
	struct sx_tls *tls = fixture_tls(both_names);
	struct sim *sim = sim_new(1);
	struct sim_node *a = sim_add(sim, tls, NULL);
	struct sim_node *b = sim_add(sim, tls, NULL);
	struct sim_stream *ours = sim_dial(a, b, "a.example.org", "b.example.org", "xmpp-server");
	struct sim_stream *theirs;

	sim_until(sim, &ours->opened, SIM_SECOND);
	ck_assert_int_eq(sim_write(ours, 1000), SX_OK);
	sim_run(sim, SIM_SECOND);
	theirs = sim_accepted(b, 0);
	ck_assert_uint_eq(sim_read(theirs, 2000), 1000);
	ck_assert_int_eq(sim_write(theirs, 3000), SX_OK);
	sx_stream_finish(ours->stream);
	sx_stream_finish(theirs->stream);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(sim_read(ours, 4000), 3000);
	sim_run(sim, SIM_SECOND);
	ck_assert(ours->closed && theirs->closed);
	ck_assert_int_eq(ours->status, SX_ECLOSED);
	ck_assert_int_eq(theirs->status, SX_ECLOSED);
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("sim");
	TCase *tcase = tcase_create("transfer");

	fixture_init();
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, two_endpoints_shake_hands_and_talk);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
