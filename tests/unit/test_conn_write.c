/* SPDX-License-Identifier: MIT */
/* What a connection sends, and when its port does not take it. */
#include "quic/conn.h"
#include "sim_pair.h"

START_TEST(what_was_written_may_be_overwritten)
{
	struct sim_link link = sim_connect(a, b);
	char text[] = "a stanza that the writer forgets at once", got[64] = "";
	size_t len = 0;

	ck_assert_int_eq(sx_stream_write(link.near->stream, sx_bytes_text(text)), SX_OK);
	memset(text, '?', sizeof text - 1);
	/* Lost and sent again from our own copy. */
	b->deaf = true;
	sim_run(sim, 30 * SIM_MILLI);
	b->deaf = false;
	sim_run(sim, 10 * SIM_SECOND);
	ck_assert_int_eq(sx_stream_read(link.far->stream, got, sizeof got - 1, &len), SX_OK);
	ck_assert_str_eq(got, "a stanza that the writer forgets at once");
}
END_TEST

START_TEST(stanzas_of_one_turn_share_a_datagram)
{
	struct sim_link link = sim_connect(a, b);
	uint64_t before = a->sent_count;

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(sim_write(link.near, 100), SX_OK);
	}
	sim_run(sim, 5 * SIM_MILLI);
	ck_assert_uint_eq(a->sent_count - before, 1);
}
END_TEST

START_TEST(bulk_goes_in_trains)
{
	struct sim_link link = sim_connect(a, b);
	uint64_t sends, datagrams;

	for (int i = 0; i < 20; i++) {
		pair_pass(link.near, link.far, 60000);
	}
	sends = a->sends;
	datagrams = a->sent_count;
	pair_pass(link.near, link.far, 60000);
	ck_assert_uint_gt(a->largest_train, 10 * a->budget);
	ck_assert_uint_gt(a->sent_count - datagrams, 40);
	ck_assert_uint_lt(a->sends - sends, 20);
}
END_TEST

static const struct {
	uint64_t full_ns;
	uint64_t waited_at_most;
} full[] = {
	{ 0, 12 * SIM_MILLI },
	{ 5 * SIM_MILLI, 17 * SIM_MILLI },
	{ 500 * SIM_MILLI, 2 * SIM_SECOND },
};

/* quic.md 2.7, 11: what QUIC has encoded is kept, sent as it is, and dropped once it has been given up for lost. */
START_TEST(a_full_port_delays_and_loses_nothing)
{
	struct sim_link link = sim_connect(a, b);
	uint64_t since = sim_now(sim);

	a->refuse = 1000000;
	ck_assert_int_eq(sim_write(link.near, 5000), SX_OK);
	sim_run(sim, full[_i].full_ns);
	ck_assert_uint_lt(a->refuse, 1000000);
	a->refuse = 0;
	while (sx_stream_readable_bytes(link.far->stream) < 5000) {
		ck_assert(sim_step(sim, since + full[_i].waited_at_most));
	}
	ck_assert_uint_eq(sim_read(link.far, 65536), 5000);
	ck_assert(sx_list_is_empty(&link.near->stream->conn->backlog));
}
END_TEST

START_TEST(what_a_full_port_keeps_waiting_is_bounded)
{
	struct sim_link link = sim_connect(a, b);
	size_t most = 0;

	for (int i = 0; i < 20; i++) {
		pair_pass(link.near, link.far, 60000);
	}
	a->refuse = 1000000;
	for (int i = 0; i < 4; i++) {
		(void)!sim_write(link.near, 60000);
	}
	for (int i = 0; i < 1000; i++) {
		size_t parcels = 0;

		sim_run(sim, SIM_MILLI);
		sx_list_each (parcel, following, &link.near->stream->conn->backlog) {
			parcels++;
		}
		most = parcels > most ? parcels : most;
	}
	ck_assert_uint_ge(most, 1);
	ck_assert_uint_le(most, 64);
	a->refuse = 0;
	sim_run(sim, 10 * SIM_SECOND);
	ck_assert_uint_gt(sim_read(link.far, 65536), 0);
}
END_TEST

static const size_t budgets[] = { 1200, 1201, 1404, 1452 };

START_TEST(datagrams_keep_to_the_budget_even_when_it_changes)
{
	struct sim_link link = sim_connect(a, b);

	for (int i = 0; i < 8; i++) {
		a->budget = b->budget = budgets[(i + _i) % 4];
		pair_pass(link.near, link.far, 50000);
		pair_pass(link.far, link.near, 50000);
	}
}
END_TEST

/*
 * quic.md 2.7, 1: a packet under construction must be brought to its end, however many streams turn out to be blocked
 * while it is filled.
 */
START_TEST(blocked_streams_do_not_disturb_each_other)
{
	static const struct sx_endpoint_limits limits = { .stream_window = 1500, .streams = 8 };
	struct sim_link links[8];

	sim_free(sim);
	pair_set_up_with(&limits);
	for (size_t i = 0; i < SX_COUNT(links); i++) {
		links[i] = sim_connect(a, b);
	}
	for (size_t i = 0; i < SX_COUNT(links); i++) {
		ck_assert_int_eq(sim_write(links[i].near, 1400 + 50 * i), SX_OK);
		ck_assert_int_eq(sim_write(links[i].far, 5000), SX_OK);
	}
	for (int turn = 0; turn < 400; turn++) {
		size_t i = sim_random(sim, SX_COUNT(links));

		sim_run(sim, 10 * SIM_MILLI);
		(void)sim_read(links[i].far, 1 + sim_random(sim, 1000));
		(void)sim_read(links[i].near, 1 + sim_random(sim, 1000));
	}
	for (int turn = 0; turn < 100; turn++) {
		for (size_t i = 0; i < SX_COUNT(links); i++) {
			(void)sim_read(links[i].far, 65536);
			(void)sim_read(links[i].near, 65536);
		}
		sim_run(sim, 30 * SIM_MILLI);
	}
	for (size_t i = 0; i < SX_COUNT(links); i++) {
		ck_assert_uint_eq(links[i].far->received, links[i].near->sent);
		ck_assert_uint_eq(links[i].near->received, links[i].far->sent);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("conn_write");
	TCase *tcase = tcase_create("write");

	pair_init();
	tcase_add_checked_fixture(tcase, pair_set_up, pair_tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_was_written_may_be_overwritten);
	tcase_add_test(tcase, stanzas_of_one_turn_share_a_datagram);
	tcase_add_test(tcase, bulk_goes_in_trains);
	tcase_add_loop_test(tcase, a_full_port_delays_and_loses_nothing, 0, SX_COUNT(full));
	tcase_add_test(tcase, what_a_full_port_keeps_waiting_is_bounded);
	tcase_add_loop_test(
		tcase, datagrams_keep_to_the_budget_even_when_it_changes, 0, SX_COUNT(budgets));
	tcase_add_test(tcase, blocked_streams_do_not_disturb_each_other);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
