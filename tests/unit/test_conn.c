/* SPDX-License-Identifier: MIT */
/* How a connection lives and ends. */
#include "quic/conn.h"
#include "sim_pair.h"

static void set_up_idle(uint64_t idle_ns)
{
	struct sx_endpoint_limits limits = { .idle_timeout_ns = idle_ns };

	sim_free(sim);
	pair_set_up_with(&limits);
}

static const struct {
	uint64_t idle;
	uint64_t pings; /* in an hour */
} idles[] = {
	{ 180 * SIM_SECOND, 60 },
	{ 30 * SIM_SECOND, 360 },
	{ 9 * SIM_SECOND, 1200 },
};

START_TEST(an_idle_stream_is_kept_alive_at_a_third_of_the_timeout)
{
	struct sim_link link;
	uint64_t before;

	set_up_idle(idles[_i].idle);
	link = sim_connect(a, b);
	before = a->sent_count + b->sent_count;
	sim_run(sim, 3600 * SIM_SECOND);
	ck_assert(!link.near->closed && !link.far->closed);
	/* A PING and its acknowledgement; both sides may ping. */
	ck_assert_uint_ge(a->sent_count + b->sent_count - before, 2 * idles[_i].pings - 10);
	ck_assert_uint_le(a->sent_count + b->sent_count - before, 4 * idles[_i].pings + 10);
	pair_pass(link.near, link.far, 1000);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_given_up_at_the_idle_timeout)
{
	struct sim_link link;
	uint64_t since;

	set_up_idle(30 * SIM_SECOND);
	link = sim_connect(a, b);
	sim_crash(b);
	since = sim_now(sim);
	sim_until(sim, &link.near->closed, 60 * SIM_SECOND);
	ck_assert_int_eq(link.near->status, SX_ETIMEDOUT);
	ck_assert_uint_le(sim_now(sim) - since, 41 * SIM_SECOND);
	ck_assert_uint_ge(sim_now(sim) - since, 29 * SIM_SECOND);
}
END_TEST

/* quic.md 2.7, 4: the library of Debian 13 has no such timeout of its own. */
START_TEST(a_handshake_without_answer_ends_after_ten_seconds)
{
	uint64_t since = sim_now(sim);
	struct sim_stream *stream = pair_dial();

	b->deaf = true;
	sim_until(sim, &stream->closed, 60 * SIM_SECOND);
	ck_assert_int_eq(stream->status, SX_ETIMEDOUT);
	ck_assert_uint_eq((sim_now(sim) - since) / SIM_SECOND, 10);
	ck_assert_uint_eq(stats_of(a).connections, 0);
}
END_TEST

START_TEST(a_caller_that_falls_silent_is_forgotten_after_ten_seconds)
{
	(void)pair_dial();
	sim_run(sim, 11 * SIM_MILLI);
	a->deaf = true;
	ck_assert_uint_eq(stats_of(b).half_open, 1);
	sim_run(sim, 9 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).half_open, 1);
	sim_run(sim, 2 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
	ck_assert_uint_eq(stats_of(b).connections, 0);
}
END_TEST

START_TEST(a_connection_without_streams_lingers_ten_seconds)
{
	struct sim_link first = sim_connect(a, b), second;

	sim_part(&first);
	sim_run(sim, 8 * SIM_SECOND);
	second = sim_connect(a, b);
	ck_assert_uint_eq(info_of(first.near).connection_id, info_of(second.near).connection_id);
	sim_part(&second);
	sim_run(sim, 9 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(a).connections, 1);
	sim_run(sim, 3 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(a).connections, 0);
	ck_assert_uint_eq(stats_of(b).connections, 0);
}
END_TEST

START_TEST(whoever_missed_the_close_is_told_when_it_speaks)
{
	static const struct sim_weather calm = { .delay_ns = 10 * SIM_MILLI },
					storm = { .loss = 1000 };
	struct sim_link link = sim_connect(a, b);
	uint64_t since;
	bool more;

	sim_set_weather(sim, &storm);
	sx_endpoint_process(a->endpoint, sim_now(sim), &more);
	sx_conn_close(link.near->stream->conn, SX_ECLOSED, "for a test");
	sim_set_weather(sim, &calm);
	ck_assert(link.near->closed);
	since = sim_now(sim);
	ck_assert_int_eq(sim_write(link.far, 100), SX_OK);
	sim_until(sim, &link.far->closed, SIM_SECOND);
	ck_assert_uint_le(sim_now(sim) - since, 25 * SIM_MILLI);
	ck_assert_int_eq(link.far->status, SX_ERESET);
}
END_TEST

/* RFC 9000 section 10.2.1: ever more rarely, lest two closed ends talk to each other for ever. */
START_TEST(stragglers_are_answered_ever_more_rarely)
{
	struct sim_link link = sim_connect(a, b);
	struct sx_conn *conn = link.near->stream->conn;
	uint64_t before;

	sx_conn_close(conn, SX_ECLOSED, "for a test");
	before = a->sent_count;
	for (int i = 0; i < 1000; i++) {
		sx_conn_answer(conn);
	}
	ck_assert_uint_eq(a->sent_count - before, 10);
}
END_TEST

/* quic.md 2.7, 15. A close as some other server might send it. */
START_TEST(the_peers_reason_is_shown_in_printable_form)
{
	static const uint8_t text[] = "\x1b[2Jgo away\n\xff";
	struct sim_link link = sim_connect(a, b);
	ngtcp2_conn *quic = link.far->stream->conn->quic;
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info = { 0 };
	uint8_t out[1500];
	ngtcp2_ccerr error;
	ngtcp2_ssize len;
	bool more;

	sx_endpoint_process(b->endpoint, sim_now(sim), &more); /* its clock must not lag behind */
	ngtcp2_ccerr_default(&error);
	ngtcp2_ccerr_set_application_error(&error, 7, text, sizeof text - 1);
	ngtcp2_path_storage_zero(&path);
	len = ngtcp2_conn_write_connection_close(
		quic, &path.path, &info, out, sizeof out, &error, sim_now(sim));
	ck_assert_int_gt(len, 0);
	sim_inject(a, &b->address, sx_bytes_of(out, (size_t)len));
	ck_assert_str_eq(link.near->reason, "the peer closed the connection (7): ?[2Jgo away??");
	ck_assert_int_eq(link.near->status, SX_ERESET);
}
END_TEST

/* RFC 9001 section 6. quic.md 2.7, 14. */
START_TEST(keys_are_changed_again_and_again_under_way)
{
	struct sim_link link = sim_connect(a, b);
	unsigned updates = 0;

	for (int i = 0; i < 200; i++) {
		struct sim_stream *side = i % 2 ? link.near : link.far;

		updates += ngtcp2_conn_initiate_key_update(
				   side->stream->conn->quic, sim_now(sim)) == 0;
		pair_pass(link.near, link.far, 20000);
		pair_pass(link.far, link.near, 20000);
	}
	ck_assert_uint_ge(updates, 20);
}
END_TEST

/* quic.md 2.7, 9: the flight is larger than what may be sent to an address that is not proven. sim_port.c checks. */
START_TEST(a_long_certificate_takes_its_time_and_arrives)
{
	struct sim_stream *stream;

	fixture_make("long.example.org", FIXTURE_LONG);
	fixture_add(tls, "long.example.org");
	stream = sim_dial(a, b, "long.example.org", "long.example.org", "xmpp-server");
	sim_until(sim, &stream->opened, SIM_SECOND);
	ck_assert_int_eq(info_of(stream).verify_status, SX_OK);
	ck_assert_uint_gt(info_of(stream).handshake_ns, 30 * SIM_MILLI);
}
END_TEST

START_TEST(a_handshake_takes_one_round_trip)
{
	struct sim_stream *stream = pair_dial();

	sim_until(sim, &stream->opened, SIM_SECOND);
	ck_assert_uint_ge(info_of(stream).handshake_ns, 20 * SIM_MILLI);
	ck_assert_uint_le(info_of(stream).handshake_ns, 21 * SIM_MILLI);
}
END_TEST

START_TEST(thousands_of_streams_come_and_go)
{
	for (int i = 0; i < 2000; i++) {
		struct sim_stream *near = pair_dial();
		size_t at = b->stream_count;

		sim_until(sim, &near->opened, SIM_SECOND);
		ck_assert_int_eq(sim_write(near, 100), SX_OK);
		sx_stream_finish(near->stream);
		while (b->stream_count == at || !b->streams[at].finished) {
			ck_assert(sim_step(sim, sim_now(sim) + SIM_SECOND));
		}
		sx_stream_finish(b->streams[at].stream);
		sim_until(sim, &near->closed, SIM_SECOND);
		ck_assert_int_eq(near->status, SX_ECLOSED);
		sim_run(sim, 30 * SIM_MILLI);
		sim_release(near);
		sim_release(&b->streams[at]);
		a->stream_count = b->stream_count = 0;
	}
	ck_assert_uint_eq(stats_of(b).connections, 1);
	ck_assert_uint_eq(stats_of(b).streams, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("conn");
	TCase *tcase = tcase_create("life");

	pair_init();
	tcase_add_checked_fixture(tcase, pair_set_up, pair_tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
		tcase, an_idle_stream_is_kept_alive_at_a_third_of_the_timeout, 0, SX_COUNT(idles));
	tcase_add_test(tcase, a_peer_that_is_gone_is_given_up_at_the_idle_timeout);
	tcase_add_test(tcase, a_handshake_without_answer_ends_after_ten_seconds);
	tcase_add_test(tcase, a_caller_that_falls_silent_is_forgotten_after_ten_seconds);
	tcase_add_test(tcase, a_connection_without_streams_lingers_ten_seconds);
	tcase_add_test(tcase, whoever_missed_the_close_is_told_when_it_speaks);
	tcase_add_test(tcase, stragglers_are_answered_ever_more_rarely);
	tcase_add_test(tcase, the_peers_reason_is_shown_in_printable_form);
	tcase_add_test(tcase, keys_are_changed_again_and_again_under_way);
	tcase_add_test(tcase, a_long_certificate_takes_its_time_and_arrives);
	tcase_add_test(tcase, a_handshake_takes_one_round_trip);
	tcase_add_test(tcase, thousands_of_streams_come_and_go);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
