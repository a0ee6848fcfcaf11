/* SPDX-License-Identifier: MIT */
#include "quic/conn.h"
#include "sim_pair.h"

static const char *const both_labels[] = { "xmpp-server", "xmpp-client", NULL };

START_TEST(one_port_serves_and_dials)
{
	struct sim_link there = sim_connect(a, b), back = sim_connect(b, a);

	ck_assert_uint_ne(info_of(there.near).connection_id, info_of(back.far).connection_id);
	ck_assert_uint_eq(stats_of(a).connections, 2);
	pair_pass(there.near, there.far, 5000);
	pair_pass(back.far, back.near, 5000);
	pair_pass(back.near, back.far, 5000);
	pair_pass(there.far, there.near, 5000);
}
END_TEST

START_TEST(streams_of_one_pair_share_a_connection)
{
	struct sim_link first = sim_connect(a, b), second = sim_connect(a, b);

	ck_assert_uint_eq(info_of(first.near).connection_id, info_of(second.near).connection_id);
	ck_assert_uint_eq(info_of(first.far).connection_id, info_of(second.far).connection_id);
	ck_assert_uint_eq(stats_of(a).connections, 1);
	ck_assert_uint_eq(stats_of(a).streams, 2);
	/* One of them ends, the other does not notice. */
	sim_part(&first);
	pair_pass(second.near, second.far, 5000);
	ck_assert_uint_eq(stats_of(a).streams, 1);
}
END_TEST

static const struct {
	const char *local, *remote, *alpn;
} other_pairs[] = {
	{ "b.example.org", "b.example.org", "xmpp-server" },
	{ "a.example.org", "a.example.org", "xmpp-server" },
	{ "a.example.org", "b.example.org", "xmpp-client" },
};

START_TEST(another_pair_or_label_gets_its_own_connection)
{
	struct sim_stream *usual, *other;

	sim_serve(b, both_labels);
	usual = pair_dial();
	other = sim_dial(a, b, other_pairs[_i].local, other_pairs[_i].remote, other_pairs[_i].alpn);
	sim_until(sim, &usual->opened, SIM_SECOND);
	sim_until(sim, &other->opened, SIM_SECOND);
	ck_assert_uint_ne(info_of(usual).connection_id, info_of(other).connection_id);
	ck_assert_str_eq(info_of(other).alpn, other_pairs[_i].alpn);
	ck_assert_uint_eq(stats_of(b).connections, 2);
	ck_assert_int_eq(sim_write(other, 10), SX_OK);
	sim_run(sim, SIM_SECOND);
	ck_assert_str_eq(info_of(sim_accepted(b, 0)).alpn, other_pairs[_i].alpn);
	ck_assert_str_eq(info_of(sim_accepted(b, 0)).local_name, other_pairs[_i].remote);
}
END_TEST

static const struct {
	const char *remote, *alpn;
	const char *reason;
} refused[] = {
	{ "b.example.org", "h3", "application protocol" },
	{ "b.example.org", "xmpp-client", "application protocol" },
	{ "nobody.example.org", "xmpp-server", "server name" },
	{ "xn--bb-eka.example.org", "xmpp-server", "server name" },
};

START_TEST(an_unknown_label_or_name_is_refused_with_its_reason)
{
	struct sim_stream *stream =
		sim_dial(a, b, "a.example.org", refused[_i].remote, refused[_i].alpn);

	sim_until(sim, &stream->closed, SIM_SECOND);
	ck_assert(!stream->opened);
	ck_assert_int_eq(stream->status, SX_ETLS);
	ck_assert_ptr_nonnull(strstr(stream->reason, refused[_i].reason));
	ck_assert_uint_eq(b->stream_count, 0);
	sim_run(sim, 60 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(a).connections + stats_of(b).connections, 0);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
}
END_TEST

static void export(const struct sim_stream *stream, uint8_t out[32])
{
	ck_assert_int_eq(sx_stream_export(stream->stream, "EXPORTER-Channel-Binding",
				 sx_bytes_of(NULL, 0), out, 32),
		SX_OK);
}

/* RFC 9266. */
START_TEST(the_exporter_is_equal_at_both_ends_and_of_one_connection)
{
	struct sim_link link = sim_connect(a, b), back = sim_connect(b, a);
	uint8_t near[32], far[32], other[32], labelled[32];

	export(link.near, near);
	export(link.far, far);
	export(back.near, other);
	ck_assert_mem_eq(near, far, sizeof near);
	ck_assert_mem_ne(near, other, sizeof near);
	ck_assert_int_eq(sx_stream_export(link.near->stream, "EXPORTER-Other", sx_bytes_of(NULL, 0),
				 labelled, sizeof labelled),
		SX_OK);
	ck_assert_mem_ne(near, labelled, sizeof near);
}
END_TEST

START_TEST(the_peer_opens_no_more_streams_than_it_may)
{
	static const struct sx_endpoint_limits limits = { .streams = 3 };
	struct sim_stream *streams[5];

	sim_free(sim);
	pair_set_up_with(&limits);
	streams[0] = pair_dial();
	sim_until(sim, &streams[0]->opened, SIM_SECOND);
	for (size_t i = 1; i < SX_COUNT(streams); i++) {
		streams[i] = pair_dial();
	}
	sim_run(sim, SIM_SECOND);
	/* Whom the connection has no room for goes on another one. */
	for (size_t i = 0; i < SX_COUNT(streams); i++) {
		ck_assert(streams[i]->opened);
	}
	ck_assert_uint_eq(info_of(streams[0]).connection_id, info_of(streams[2]).connection_id);
	ck_assert_uint_ne(info_of(streams[0]).connection_id, info_of(streams[3]).connection_id);
	ck_assert_uint_eq(info_of(streams[3]).connection_id, info_of(streams[4]).connection_id);
}
END_TEST

/* Dialled before the handshake has told how many there may be. */
START_TEST(streams_over_the_limit_wait_until_one_has_gone)
{
	static const struct sx_endpoint_limits limits = { .streams = 2 };
	struct sim_stream *streams[3];

	sim_free(sim);
	pair_set_up_with(&limits);
	for (size_t i = 0; i < SX_COUNT(streams); i++) {
		streams[i] = pair_dial();
	}
	sim_run(sim, SIM_SECOND);
	ck_assert(streams[0]->opened && streams[1]->opened && !streams[2]->opened);
	sim_release(streams[0]);
	sim_until(sim, &streams[2]->opened, SIM_SECOND);
}
END_TEST

START_TEST(connections_over_the_limit_are_refused_at_both_ends)
{
	static const struct sx_endpoint_limits limits = { .connections = 1 };
	struct sx_dial dial = {
		.local_name = names[1], .remote_name = names[1], .alpn = "xmpp-server"
	};
	struct sim_node *c;
	struct sim_stream *stream;

	sim_free(sim);
	pair_set_up_with(&limits);
	c = sim_add(sim, tls, NULL);
	(void)sim_connect(a, b);
	ck_assert_int_eq(sim_try_dial(a, b, &dial, &stream), SX_ELIMIT);
	stream = sim_dial(c, b, names[0], names[1], "xmpp-server");
	sim_until(sim, &stream->closed, SIM_SECOND);
	ck_assert_int_eq(stream->status, SX_EREFUSED);
	ck_assert_uint_eq(stats_of(b).connections, 1);
	ck_assert_uint_eq(stats_of(b).refused, 1);
}
END_TEST

/* A connection for each pair of five domains. */
static size_t dial_all_pairs(struct sim_stream *streams[25])
{
	static const char *const domains[] = { "a.example.org", "b.example.org", "c.example.org",
		"d.example.org", "e.example.org" };
	size_t count = 0;

	for (size_t i = 2; i < SX_COUNT(domains); i++) {
		fixture_make(domains[i], FIXTURE_VALID);
		fixture_add(tls, domains[i]);
	}
	for (size_t i = 0; i < SX_COUNT(domains); i++) {
		for (size_t j = 0; j < SX_COUNT(domains); j++) {
			streams[count++] = sim_dial(a, b, domains[i], domains[j], "xmpp-server");
			sim_run(sim, SIM_SECOND / 10);
		}
	}
	return count;
}

START_TEST(one_host_cannot_have_all_connections)
{
	static const struct sx_endpoint_limits limits = { .connections = 64 };
	struct sim_stream *streams[25];
	size_t opened = 0, refused_count = 0, count;
	struct sim_stream *other;

	sim_free(sim);
	pair_set_up_with(&limits);
	count = dial_all_pairs(streams);
	for (size_t i = 0; i < count; i++) {
		opened += streams[i]->opened;
		refused_count += streams[i]->closed && streams[i]->status == SX_EREFUSED;
	}
	ck_assert_uint_eq(opened, 16);
	/* Refusals are answers to strangers, and few: the rest waits in vain. */
	ck_assert_uint_ge(refused_count, 4);
	other = sim_dial(sim_add(sim, tls, NULL), b, names[0], names[1], "xmpp-server");
	sim_until(sim, &other->opened, SIM_SECOND);
	/* Places come free again. */
	sim_run(sim, 60 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).connections, 0);
	(void)sim_connect(a, b);
}
END_TEST

START_TEST(who_stops_accepting_keeps_what_is_there)
{
	struct sim_link link = sim_connect(a, b);
	struct sim_stream *on_old, *on_new;

	sx_endpoint_stop_accepting(b->endpoint);
	on_old = pair_dial();
	on_new = sim_dial(a, b, names[1], names[1], "xmpp-server");
	sim_run(sim, SIM_SECOND);
	ck_assert_int_eq(sim_write(on_old, 10), SX_OK);
	sim_run(sim, SIM_SECOND);
	ck_assert(on_old->closed);
	ck_assert_int_eq(on_old->status, SX_ERESET);
	ck_assert_int_eq(on_new->status, SX_EREFUSED);
	ck_assert_uint_eq(stats_of(b).refused, 2);
	pair_pass(link.near, link.far, 1000);
	pair_pass(link.far, link.near, 1000);
}
END_TEST

/* quic.md 2.7, 1: the library aborts when time runs backwards. */
START_TEST(a_clock_that_runs_backwards_stands_still)
{
	struct sim_link link = sim_connect(a, b);
	bool more;

	ck_assert_int_eq(sim_write(link.near, 1000), SX_OK);
	sx_endpoint_process(a->endpoint, 1, &more);
	sim_inject(b, &a->address, sx_bytes_text("@"));
	sx_endpoint_receive(b->endpoint,
		&(struct sx_datagram){ .from = a->address, .payload = sx_bytes_text("@@") }, 5);
	sx_endpoint_process(b->endpoint, 0, &more);
	pair_pass(link.near, link.far, 1000);
}
END_TEST

static void fill(struct sim_stream *stream)
{
	while (sim_write(stream, 10000) == SX_OK) {
	}
}

/* One call of process sends a bounded number of datagrams, and all connections get their turn. */
START_TEST(work_in_one_turn_is_bounded_and_shared_out)
{
	struct sim_stream *streams[] = { pair_dial(),
		sim_dial(a, b, names[1], names[1], "xmpp-server") };
	uint64_t before;
	bool more = false;

	/* Long enough for the congestion windows to grow. */
	for (int i = 0; i < 100; i++) {
		fill(streams[0]);
		fill(streams[1]);
		sim_run(sim, 50 * SIM_MILLI);
		for (size_t j = 0; j < b->stream_count; j++) {
			while (sim_read(&b->streams[j], 65536) > 0) {
			}
		}
	}
	before = a->sent_count;
	sx_endpoint_process(a->endpoint, sim_now(sim), &more);
	ck_assert_uint_le(a->sent_count - before, 512 + 64);
	ck_assert_uint_gt(b->streams[0].received, 4 << 20);
	ck_assert_uint_gt(b->streams[1].received, b->streams[0].received / 2);
	ck_assert_uint_lt(b->streams[1].received, b->streams[0].received * 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *tcase = tcase_create("endpoint");

	pair_init();
	tcase_add_checked_fixture(tcase, pair_set_up, pair_tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, one_port_serves_and_dials);
	tcase_add_test(tcase, streams_of_one_pair_share_a_connection);
	tcase_add_loop_test(
		tcase, another_pair_or_label_gets_its_own_connection, 0, SX_COUNT(other_pairs));
	tcase_add_loop_test(
		tcase, an_unknown_label_or_name_is_refused_with_its_reason, 0, SX_COUNT(refused));
	tcase_add_test(tcase, the_exporter_is_equal_at_both_ends_and_of_one_connection);
	tcase_add_test(tcase, the_peer_opens_no_more_streams_than_it_may);
	tcase_add_test(tcase, streams_over_the_limit_wait_until_one_has_gone);
	tcase_add_test(tcase, connections_over_the_limit_are_refused_at_both_ends);
	tcase_add_test(tcase, one_host_cannot_have_all_connections);
	tcase_add_test(tcase, who_stops_accepting_keeps_what_is_there);
	tcase_add_test(tcase, a_clock_that_runs_backwards_stands_still);
	tcase_add_test(tcase, work_in_one_turn_is_bounded_and_shared_out);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
