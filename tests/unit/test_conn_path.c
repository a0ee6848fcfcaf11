/* SPDX-License-Identifier: MIT */
/* Which way datagrams take: what only the peer can have said counts, and silence is doubted. */
#include "quic/conn.h"
#include "sim_pair.h"

#define DATAGRAM_BYTES 2048
#define SEEDS          100

/* The first datagram of a's. */
struct caught {
	size_t len;
	uint8_t data[DATAGRAM_BYTES];
};

static void catch_first(void *arg, struct sim_node *from, struct sx_bytes payload)
{
	struct caught *caught = arg;

	if (from == a && caught->len == 0) {
		caught->len = payload.len;
		memcpy(caught->data, payload.data, payload.len);
	}
}

static struct sx_peer elsewhere(void)
{
	struct sx_peer peer = a->address;

	peer.address.sin6_addr.s6_addr[15] = 99;
	return peer;
}

/* Real clocks never measure the same twice. */
static void begin(uint64_t seed)
{
	static const struct sim_weather breeze = { .delay_ns = 10 * SIM_MILLI, .jitter_ns = 1000 };

	sim = sim_new(seed);
	a = sim_add(sim, tls, NULL);
	b = sim_add(sim, tls, NULL);
	sim_set_weather(sim, &breeze);
}

static void set_up(void)
{
	begin(7);
}

static uint16_t port_seen_by(const struct sim_stream *far)
{
	return info_of(far).peer_port;
}

/* RFC 9000 section 9: as behind a NAT that has forgotten us. */
START_TEST(a_peer_whose_port_changes_is_followed)
{
	struct sim_link link = sim_connect(a, b);

	ck_assert_uint_eq(port_seen_by(link.far), 5000);
	sim_rebind(a, 6000);
	pair_pass(link.near, link.far, 1000);
	pair_pass(link.far, link.near, 60000);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(port_seen_by(link.far), 6000);
	pair_pass(link.near, link.far, 1000);
}
END_TEST

/* quic.md decision 6: ngtcp2 aborts when it sees the like, whatever its settings. */
START_TEST(a_peer_that_flaps_between_addresses_does_no_harm)
{
	struct sim_weather rain = { 0 };
	struct sim_link link;
	uint64_t addresses;

	sim_free(sim);
	begin((uint64_t)_i);
	link = sim_connect(a, b);
	rain.delay_ns = (1 + sim_random(sim, 20)) * SIM_MILLI;
	rain.jitter_ns = 1 + sim_random(sim, 10 * SIM_MILLI);
	rain.loss = (unsigned)sim_random(sim, 50);
	addresses = 2 + sim_random(sim, 3);
	sim_set_weather(sim, &rain);
	for (int i = 0; i < 300; i++) {
		uint64_t number = sim_random(sim, addresses);

		sim_rebind(a, (uint16_t)(5000 + number / 2));
		a->address.address.sin6_addr.s6_addr[14] = number % 2;
		ck_assert_int_eq(sim_write(link.near, 300), SX_OK);
		ck_assert_int_eq(sim_write(link.far, 300), SX_OK);
		sim_run(sim, sim_random(sim, 60 * SIM_MILLI));
		(void)sim_read(link.near, 65536);
		(void)sim_read(link.far, 65536);
	}
	sim_run(sim, 60 * SIM_SECOND);
	pair_pass(link.near, link.far, 60000);
	pair_pass(link.far, link.near, 60000);
}
END_TEST

/* Whoever can read a's datagrams brings a copy of each to b, from its own address and before a's arrives. */
static void race(void *arg, struct sim_node *from, struct sx_bytes payload)
{
	struct sx_peer racer = elsewhere();

	(void)arg;
	if (from == a) {
		sim_inject(b, &racer, payload);
	}
}

START_TEST(a_racer_cannot_have_others_flooded)
{
	struct sim_link link = sim_connect(a, b);
	uint8_t host = elsewhere().address.sin6_addr.s6_addr[15];

	sim_set_tap(sim, race, NULL);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(sim_write(link.near, 100), SX_OK);
		(void)!sim_write(link.far, 20000);
		sim_run(sim, 20 * SIM_MILLI);
		ck_assert_uint_le(b->bytes_to[host], 3 * b->bytes_from[host]);
		(void)sim_read(link.far, 65536);
		(void)sim_read(link.near, 65536);
	}
	ck_assert_uint_gt(b->bytes_from[host], 0);
	sim_set_tap(sim, NULL, NULL);
	sim_run(sim, 60 * SIM_SECOND);
	pair_pass(link.near, link.far, 1000);
	(void)sim_read(link.near, 65536);
	pair_pass(link.far, link.near, 1000);
}
END_TEST

/* Before the handshake is over nobody may move. RFC 9000 section 9. */
START_TEST(a_handshake_is_finished_where_it_was_begun)
{
	struct sim_stream *stream = pair_dial();
	uint64_t dropped;

	sim_run(sim, 15 * SIM_MILLI);
	sim_rebind(a, 6000);
	dropped = stats_of(b).dropped;
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_gt(stats_of(b).dropped, dropped);
	ck_assert(!stream->opened);
	sim_rebind(a, 5000);
	sim_until(sim, &stream->opened, 5 * SIM_SECOND);
}
END_TEST

START_TEST(what_anybody_can_send_teaches_nothing)
{
	struct sim_link link = sim_connect(a, b);
	struct caught caught = { 0 };
	struct sx_peer from = elsewhere();
	unsigned learned;

	sim_set_tap(sim, catch_first, &caught);
	pair_pass(link.near, link.far, 1000);
	sim_run(sim, SIM_SECOND);
	learned = b->learned;
	/* The same again, from where it came and from elsewhere; and with a bit flipped. */
	sim_inject(b, &a->address, sx_bytes_of(caught.data, caught.len));
	sim_inject(b, &from, sx_bytes_of(caught.data, caught.len));
	caught.data[caught.len - 1] ^= 1;
	sim_inject(b, &a->address, sx_bytes_of(caught.data, caught.len));
	sim_inject(b, &from, sx_bytes_of(caught.data, caught.len));
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(b->learned, learned);
	ck_assert_ptr_null(link.far->stream->conn->ways[1].route);
	pair_pass(link.far, link.near, 1000);
	ck_assert_uint_eq(port_seen_by(link.far), 5000);
	pair_pass(link.near, link.far, 1000);
	ck_assert_uint_gt(b->learned, learned);
	sim_set_tap(sim, NULL, NULL);
}
END_TEST

START_TEST(silence_with_bytes_in_flight_is_doubted)
{
	struct sim_link link = sim_connect(a, b);
	uint64_t since;

	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(a->suspected, 0);
	b->deaf = true;
	since = sim_now(sim);
	ck_assert_int_eq(sim_write(link.near, 100), SX_OK);
	while (a->suspected == 0) {
		ck_assert(sim_step(sim, since + 10 * SIM_SECOND));
	}
	/* A probe timeout of a path of 20 ms: RFC 9002 section 6.2.1. */
	ck_assert_uint_le(sim_now(sim) - since, 120 * SIM_MILLI);
	/* Again, but after ever longer times. */
	sim_run(sim, 10 * SIM_SECOND);
	ck_assert_uint_ge(a->suspected, 4);
	ck_assert_uint_le(a->suspected, 10);
	b->deaf = false;
	pair_pass(link.near, link.far, 100);
	a->suspected = 0;
	sim_run(sim, 600 * SIM_SECOND);
	ck_assert_uint_eq(a->suspected, 0);
}
END_TEST

START_TEST(a_first_packet_without_answer_is_doubted)
{
	uint64_t since = sim_now(sim);

	b->deaf = true;
	(void)pair_dial();
	while (a->suspected == 0) {
		ck_assert(sim_step(sim, since + 10 * SIM_SECOND));
	}
	/* RFC 9002 section 6.2.2: twice 333 ms and half of it twice. */
	ck_assert_uint_le(sim_now(sim) - since, SIM_SECOND + 10 * SIM_MILLI);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("conn_path");
	TCase *tcase = tcase_create("ways");

	pair_init();
	tcase_add_checked_fixture(tcase, set_up, pair_tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_peer_whose_port_changes_is_followed);
	tcase_add_loop_test(tcase, a_peer_that_flaps_between_addresses_does_no_harm, 0, SEEDS);
	tcase_add_test(tcase, a_racer_cannot_have_others_flooded);
	tcase_add_test(tcase, a_handshake_is_finished_where_it_was_begun);
	tcase_add_test(tcase, what_anybody_can_send_teaches_nothing);
	tcase_add_test(tcase, silence_with_bytes_in_flight_is_doubted);
	tcase_add_test(tcase, a_first_packet_without_answer_is_doubted);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
