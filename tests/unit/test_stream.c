/* SPDX-License-Identifier: MIT */
#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

#define WINDOW (64 * 1024)

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static struct sx_tls *tls;
static struct sim *sim;
static struct sim_node *a, *b;

static void set_up(void)
{
	static const struct sx_endpoint_limits limits = {
		.stream_window = WINDOW,
		.streams = 8,
		.send_queue_bytes = 128 * 1024,
	};

	sim = sim_new(7);
	a = sim_add(sim, tls, &limits);
	b = sim_add(sim, tls, &limits);
}

static void tear_down(void)
{
	sim_free(sim);
}

/* Writes until the queue is full and nothing moves any more. Returns how much was taken. */
static size_t fill(struct sim_stream *stream)
{
	size_t before = stream->sent;

	for (;;) {
		uint64_t sent = stream->sent;

		while (sim_write(stream, 1000) == SX_OK) {
		}
		sim_run(sim, SIM_SECOND);
		if (stream->sent == sent) {
			return stream->sent - before;
		}
	}
}

START_TEST(a_reader_who_does_not_read_stalls_the_writer_within_bounds)
{
	struct sim_link link = sim_connect(a, b);
	size_t taken = fill(link.near);

	ck_assert_uint_ge(taken, WINDOW);
	ck_assert_uint_le(taken, WINDOW + 128 * 1024 + 1000);
	ck_assert_uint_le(sx_stream_readable_bytes(link.far->stream), WINDOW);
	/* The other direction and the connection are not held up. */
	ck_assert_int_eq(sim_write(link.far, 5000), SX_OK);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(sim_read(link.near, 10000), 5000);
	while (link.far->received < link.near->sent) {
		ck_assert_uint_gt(sim_read(link.far, 777), 0);
		sim_run(sim, SIM_MILLI * 30);
	}
	ck_assert_uint_gt(link.near->writable_told, 0);
	ck_assert_uint_eq(sx_stream_unacked_bytes(link.near->stream), 0);
}
END_TEST

static void until_received(struct sim_stream *record)
{
	while (sim_read(record, 100) == 0) {
		ck_assert(sim_step(sim, SIM_FOREVER));
	}
}

/* Nobody paces by the round trip that is assumed before one has been measured: a third of a second. */
START_TEST(first_bytes_cross_as_fast_as_the_network)
{
	struct sim_weather weather = { .delay_ns = SIM_MILLI };
	uint64_t begin = sim_now(sim);
	struct sim_link link;

	sim_set_weather(sim, &weather);
	link.near = sim_dial(a, b, names[0], names[1], "xmpp-server");
	sim_until(sim, &link.near->opened, SIM_SECOND);
	ck_assert_int_eq(sim_write(link.near, 10), SX_OK);
	while (b->stream_count == 0) {
		ck_assert(sim_step(sim, SIM_FOREVER));
	}
	link.far = sim_accepted(b, 0);
	until_received(link.far);
	ck_assert_int_eq(sim_write(link.far, 10), SX_OK);
	until_received(link.near);
	/* Two round trips are four milliseconds. */
	ck_assert_uint_le(sim_now(sim) - begin, 5 * SIM_MILLI);
	sim_part(&link);
}
END_TEST

/* The pacer's next datagram would be due a microsecond later: nobody needs to wake up for that. */
START_TEST(who_has_sent_all_sleeps)
{
	struct sim_weather weather = { .delay_ns = SIM_MILLI };
	struct sim_link link;
	bool more;

	sim_set_weather(sim, &weather);
	link = sim_connect(a, b);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sim_write(link.near, 10), SX_OK);
		sx_endpoint_process(a->endpoint, sim_now(sim), &more);
		ck_assert_uint_ge(sx_endpoint_deadline(a->endpoint), sim_now(sim) + SIM_MILLI);
		sim_run(sim, 3 * SIM_MILLI);
	}
	(void)sim_read(link.far, 100);
	sim_part(&link);
}
END_TEST

START_TEST(a_full_queue_takes_nothing)
{
	struct sim_link link = sim_connect(a, b);
	static uint8_t big[300 * 1024];

	/* One stanza over the bound is taken by an empty queue: it could never pass otherwise. */
	ck_assert_int_eq(sx_stream_write(link.near->stream, sx_bytes_of(big, sizeof big)), SX_OK);
	ck_assert_int_eq(sx_stream_write(link.near->stream, sx_bytes_of(big, 1)), SX_ELIMIT);
	ck_assert_uint_eq(sx_stream_unsent_bytes(link.near->stream), sizeof big);
	ck_assert_int_eq(sx_stream_write(link.far->stream, sx_bytes_of(big, 0)), SX_OK);
}
END_TEST

START_TEST(single_bytes_arrive_and_are_read_singly)
{
	struct sim_link link = sim_connect(a, b);
	size_t told = link.far->readable_told;

	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(sim_write(link.near, 1), SX_OK);
		if (i % 7 == 0) {
			sim_run(sim, 3 * SIM_MILLI);
		}
	}
	sim_run(sim, SIM_SECOND);
	for (int i = 0; i < 300; i++) {
		ck_assert_uint_eq(sim_read(link.far, 1), 1);
	}
	ck_assert_uint_eq(sim_read(link.far, 1), 0);
	/* Told once, when there was nothing before. */
	ck_assert_uint_eq(link.far->readable_told, told + 1);
}
END_TEST

START_TEST(a_paused_stream_is_silent_until_it_goes_on)
{
	struct sim_link link = sim_connect(a, b);
	size_t told = link.far->readable_told;

	sx_stream_pause(link.far->stream, true);
	ck_assert_int_eq(sim_write(link.near, 1000), SX_OK);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(link.far->readable_told, told);
	ck_assert_uint_eq(sx_stream_readable_bytes(link.far->stream), 1000);
	sx_stream_pause(link.far->stream, false);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(link.far->readable_told, told + 1);
}
END_TEST

START_TEST(a_held_stream_keeps_bytes_and_fin)
{
	struct sim_link link = sim_connect(a, b);

	sx_stream_hold(link.near->stream, true);
	ck_assert_int_eq(sim_write(link.near, 1000), SX_OK);
	sx_stream_finish(link.near->stream);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(sx_stream_readable_bytes(link.far->stream), 0);
	ck_assert_uint_eq(sx_stream_unsent_bytes(link.near->stream), 1000);
	sx_stream_hold(link.near->stream, false);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(sim_read(link.far, 2000), 1000);
	ck_assert(link.far->finished);
}
END_TEST

START_TEST(a_reset_ends_both_sides)
{
	struct sim_link link = sim_connect(a, b);

	ck_assert_int_eq(sim_write(link.near, 50000), SX_OK);
	sx_stream_reset(link.near->stream);
	ck_assert_int_eq(sim_write(link.near, 1), SX_ECLOSED);
	sim_run(sim, SIM_SECOND);
	ck_assert(link.near->closed && link.far->closed);
	ck_assert_int_eq(link.near->status, SX_ERESET);
	ck_assert_int_eq(link.far->status, SX_ERESET);
	/* The connection below is as good as before. */
	(void)sim_connect(a, b);
}
END_TEST

START_TEST(finish_is_half_a_close_and_may_be_repeated)
{
	struct sim_link link = sim_connect(a, b);

	sx_stream_finish(link.near->stream);
	sx_stream_finish(link.near->stream);
	ck_assert_int_eq(sim_write(link.near, 1), SX_ECLOSED);
	sim_run(sim, SIM_SECOND);
	ck_assert(link.far->finished && !link.far->closed && !link.near->closed);
	ck_assert_int_eq(sim_write(link.far, 100), SX_OK);
	sx_stream_finish(link.far->stream);
	sim_run(sim, SIM_SECOND);
	ck_assert_int_eq(link.near->status, SX_ECLOSED);
	ck_assert_int_eq(link.far->status, SX_ECLOSED);
	/* What came before the end is there after it. */
	ck_assert_uint_eq(sim_read(link.near, 1000), 100);
}
END_TEST

/* quic.md 2.7, 5: forty times the connection's window is thrown away unread. */
START_TEST(discarded_bytes_are_credited_to_the_connection)
{
	for (int i = 0; i < 160; i++) {
		struct sim_link link = sim_connect(a, b);

		ck_assert_int_eq(sim_write(link.near, WINDOW - 1000), SX_OK);
		sim_run(sim, SIM_SECOND);
		ck_assert_uint_eq(sx_stream_readable_bytes(link.far->stream), WINDOW - 1000);
		sim_release(link.far);
		sim_run(sim, SIM_SECOND);
		ck_assert_int_eq(link.near->status, SX_ERESET);
		sim_release(link.near);
		if (i % 2) {
			a->stream_count = b->stream_count = 0;
		}
	}
}
END_TEST

START_TEST(what_is_finished_arrives_although_the_owner_lets_go)
{
	struct sim_link link = sim_connect(a, b);
	struct sim_weather rain = { .delay_ns = 50 * SIM_MILLI, .loss = 200 };

	sx_stream_finish(link.far->stream);
	sim_run(sim, SIM_SECOND);
	sim_set_weather(sim, &rain);
	ck_assert_int_eq(sim_write(link.near, 60000), SX_OK);
	sx_stream_finish(link.near->stream);
	sim_release(link.near);
	sim_run(sim, 60 * SIM_SECOND);
	ck_assert_uint_eq(sim_read(link.far, 65536), 60000);
	ck_assert_int_eq(link.far->status, SX_ECLOSED);
}
END_TEST

START_TEST(shutdown_after_quiet_loses_nothing)
{
	struct sim_link link = sim_connect(a, b);
	struct sim_weather rain = {
		.delay_ns = 30 * SIM_MILLI, .loss = 100, .jitter_ns = SIM_MILLI
	};
	uint64_t patience = sim_now(sim) + 60 * SIM_SECOND;

	sim_set_weather(sim, &rain);
	ck_assert_int_eq(sim_write(link.near, 60000), SX_OK);
	sx_stream_finish(link.near->stream);
	ck_assert(!sx_endpoint_is_quiet(a->endpoint));
	while (!sx_endpoint_is_quiet(a->endpoint) && sim_step(sim, patience)) {
	}
	ck_assert(sx_endpoint_is_quiet(a->endpoint));
	sx_endpoint_free(a->endpoint);
	a->endpoint = NULL;
	sim_run(sim, SIM_SECOND);
	ck_assert(link.far->finished);
	ck_assert_uint_eq(sim_read(link.far, 65536), 60000);
	/* What the owner had not read yet would still be readable, the rest says that it is over. */
	ck_assert_int_eq(sx_stream_write(link.near->stream, sx_bytes_text("x")), SX_ECLOSED);
}
END_TEST

START_TEST(a_stream_outlives_its_endpoint_for_its_owner)
{
	struct sim_link link = sim_connect(a, b);
	struct sx_stream_info info;
	struct sx_bytes leaf;
	char peer[64], path[64], secret[32];

	ck_assert_int_eq(sim_write(link.near, 1000), SX_OK);
	sim_run(sim, SIM_SECOND);
	sx_stream_describe(link.far->stream, peer, sizeof peer, path, sizeof path);
	ck_assert_str_eq(peer, "node 1");
	ck_assert_str_eq(path, "wire");
	sx_endpoint_free(b->endpoint);
	b->endpoint = NULL;
	ck_assert_uint_eq(sim_read(link.far, 2000), 1000);
	sx_stream_info(link.far->stream, &info);
	ck_assert_str_eq(info.local_name, "b.example.org");
	sx_stream_pause(link.far->stream, true);
	sx_stream_pause(link.far->stream, false);
	sx_stream_hold(link.far->stream, true);
	sx_stream_finish(link.far->stream);
	sx_stream_reset(link.far->stream);
	sx_stream_describe(link.far->stream, peer, sizeof peer, path, sizeof path);
	ck_assert_str_eq(peer, "");
	ck_assert_int_eq(sx_stream_certificate(link.far->stream, 0, &leaf), SX_ENOTFOUND);
	ck_assert_int_eq(sx_stream_export(link.far->stream, "EXPORTER-Channel-Binding",
				 sx_bytes_of(NULL, 0), secret, sizeof secret),
		SX_ECLOSED);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("stream");
	TCase *tcase = tcase_create("stream");

	fixture_init();
	tls = fixture_tls(names);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_reader_who_does_not_read_stalls_the_writer_within_bounds);
	tcase_add_test(tcase, first_bytes_cross_as_fast_as_the_network);
	tcase_add_test(tcase, who_has_sent_all_sleeps);
	tcase_add_test(tcase, a_full_queue_takes_nothing);
	tcase_add_test(tcase, single_bytes_arrive_and_are_read_singly);
	tcase_add_test(tcase, a_paused_stream_is_silent_until_it_goes_on);
	tcase_add_test(tcase, a_held_stream_keeps_bytes_and_fin);
	tcase_add_test(tcase, a_reset_ends_both_sides);
	tcase_add_test(tcase, finish_is_half_a_close_and_may_be_repeated);
	tcase_add_test(tcase, discarded_bytes_are_credited_to_the_connection);
	tcase_add_test(tcase, what_is_finished_arrives_although_the_owner_lets_go);
	tcase_add_test(tcase, shutdown_after_quiet_loses_nothing);
	tcase_add_test(tcase, a_stream_outlives_its_endpoint_for_its_owner);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
