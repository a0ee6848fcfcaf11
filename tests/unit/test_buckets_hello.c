/* SPDX-License-Identifier: MIT */
/* The rate of handshakes with strangers: in its bucket, and at an endpoint. */
#include "quic/buckets.h"
#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

#define CALLERS  3
#define EACH     8 /* what one host may have half open */
#define ADMITTED 16
#define MILLI    UINT64_C(1000000)

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static const char *const alpn[] = { "xmpp-server", "xmpp-client", NULL };
static struct sx_tls *tls;
static struct sx_buckets buckets;

/* How many of `tries` at the same time get a handshake. */
static unsigned admitted(unsigned tries, uint64_t now_ns)
{
	unsigned count = 0;

	while (tries-- > 0) {
		count += sx_buckets_take_hello(&buckets, now_ns);
	}
	return count;
}

START_TEST(strangers_get_sixteen_handshakes_at_once_and_then_one_every_five_milliseconds)
{
	sx_buckets_init(&buckets);
	ck_assert_uint_eq(admitted(1000, 1000 * MILLI), ADMITTED);
	ck_assert_uint_eq(admitted(1000, 1005 * MILLI - 1), 0);
	ck_assert_uint_eq(admitted(1000, 1005 * MILLI), 1);
	ck_assert_uint_eq(admitted(1000, 1020 * MILLI), 3);
	/* Rest restores no more than the sixteen. */
	ck_assert_uint_eq(admitted(1000, 9000 * MILLI), ADMITTED);
}
END_TEST

/* Streams with other names or labels do not share a connection: eight of them are eight handshakes. */
static void dial_all(struct sim_node *from, const struct sim_node *to, struct sim_stream **out)
{
	for (size_t i = 0; i < EACH; i++) {
		out[i] = sim_dial(from, to, names[i & 1], names[i >> 1 & 1], alpn[i >> 2 & 1]);
	}
}

START_TEST(a_crowd_is_let_in_after_some_of_it_have_proven_their_addresses)
{
	struct sim *sim = sim_new(11);
	struct sim_node *server = sim_add(sim, tls, NULL);
	struct sim_stream *streams[CALLERS * EACH];
	struct sx_endpoint_stats stats;

	sim_serve(server, alpn);
	for (size_t i = 0; i < CALLERS; i++) {
		dial_all(sim_add(sim, tls, NULL), server, streams + i * EACH);
	}
	for (size_t i = 0; i < SX_COUNT(streams); i++) {
		sim_until(sim, &streams[i]->opened, SIM_SECOND);
	}
	sim_run(sim, SIM_SECOND);
	sx_endpoint_stats(server->endpoint, &stats);
	ck_assert_uint_eq(stats.handshakes, CALLERS * EACH);
	ck_assert_uint_eq(stats.retries_sent, CALLERS * EACH - ADMITTED);
	sim_free(sim);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("buckets_hello");
	TCase *tcase = tcase_create("rate");

	fixture_init();
	tls = fixture_tls(names);
	tcase_add_test(tcase, a_crowd_is_let_in_after_some_of_it_have_proven_their_addresses);
	tcase_add_test(tcase,
		strangers_get_sixteen_handshakes_at_once_and_then_one_every_five_milliseconds);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
