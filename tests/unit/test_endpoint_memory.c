/* SPDX-License-Identifier: MIT */
/* Endpoints, connections and streams when memory runs out: ngtcp2's allocations fail, too, for they are ours. */
#include "alloc_fail.h"
#include "quic/conn.h"
#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static struct sx_tls *tls;
static struct sim *sim;
static struct sim_node *a, *b;

static void set_up(void)
{
	sim = sim_new(3);
	a = sim_add(sim, tls, NULL);
	b = sim_add(sim, tls, NULL);
}

static void tear_down(void)
{
	sim_free(sim);
}

static int make_endpoint(void *arg)
{
	const struct sim_node *node = arg;
	struct sx_endpoint *endpoint;
	int rc = sx_endpoint_new(&endpoint, &node->config, sim_now(sim));

	if (rc == SX_OK) {
		sx_endpoint_free(endpoint);
	}
	return rc;
}

START_TEST(an_endpoint_without_memory_is_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_endpoint, a), 4);
}
END_TEST

static int make_stream(void *arg)
{
	struct sx_stream *stream;
	int rc = sx_stream_new(&stream, arg);

	if (rc == SX_OK) {
		sx_stream_detach(stream);
	}
	return rc;
}

START_TEST(a_stream_without_memory_is_refused)
{
	struct sim_link link = sim_connect(a, b);

	ck_assert_uint_eq(sx_each_allocation_fails(make_stream, link.near->stream->conn), 1);
}
END_TEST

static int dial(void *arg)
{
	struct sx_dial wish = {
		.local_name = names[0], .remote_name = names[1], .alpn = "xmpp-server"
	};
	struct sim_stream *record;

	return sim_try_dial(arg, b, &wish, &record);
}

START_TEST(a_dial_without_memory_is_refused_and_leaves_nothing)
{
	struct sx_endpoint_stats stats;

	ck_assert_uint_gt(sx_each_allocation_fails(dial, a), 10);
	sx_endpoint_stats(a->endpoint, &stats);
	ck_assert_uint_eq(stats.connections, 1);
	/* The one that was taken is as good as any. */
	sim_until(sim, &a->streams[0].opened, SIM_SECOND);
}
END_TEST

/* What becomes of a dialled stream to which a line is sent, and which is then closed by both sides. */
static void exchange(void)
{
	struct sx_dial wish = {
		.local_name = names[0], .remote_name = names[1], .alpn = "xmpp-server"
	};
	struct sim_stream *near = NULL;

	if (sim_try_dial(a, b, &wish, &near) < 0) {
		return;
	}
	sim_run(sim, SIM_SECOND);
	if (near->opened && !near->closed && sim_write(near, 3000) == SX_OK) {
		sx_stream_finish(near->stream);
	}
	sim_run(sim, SIM_SECOND);
	for (size_t i = 0; i < b->stream_count; i++) {
		(void)sim_read(&b->streams[i], 3000);
		sx_stream_finish(b->streams[i].stream);
	}
	sim_run(sim, 400 * SIM_SECOND);
}

/*
 * The n-th of all allocations of both sides fails. Either the stream goes through, or its owner hears what happened;
 * nothing is left of it, and the endpoints work on.
 */
static bool survives(unsigned nth)
{
	bool all;

	set_up();
	sx_alloc_countdown = nth;
	exchange();
	all = sx_alloc_countdown > 0;
	sx_alloc_countdown = 0;
	if (a->stream_count > 0) {
		ck_assert_msg(a->streams[0].closed, "allocation %u: nobody heard of it", nth);
	}
	for (size_t i = 0; i < b->stream_count; i++) {
		ck_assert_msg(b->streams[i].closed, "allocation %u: nobody heard of it", nth);
	}
	if (all) {
		ck_assert_int_eq(a->streams[0].status, SX_ECLOSED);
		ck_assert_uint_eq(b->streams[0].received, 3000);
	}
	(void)sim_connect(a, b);
	tear_down();
	return all;
}

START_TEST(any_allocation_of_a_conversation_may_fail)
{
	unsigned nth = 1;

	while (!survives(nth)) {
		nth++;
	}
	ck_assert_uint_gt(nth, 100);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("endpoint_memory");
	TCase *parts = tcase_create("parts");
	TCase *whole = tcase_create("whole");

	fixture_init();
	tls = fixture_tls(names);
	tcase_add_checked_fixture(parts, set_up, tear_down);
	tcase_add_test(parts, an_endpoint_without_memory_is_refused);
	tcase_add_test(parts, a_stream_without_memory_is_refused);
	tcase_add_test(parts, a_dial_without_memory_is_refused_and_leaves_nothing);
	suite_add_tcase(suite, parts);
	tcase_set_timeout(whole, 120);
	tcase_add_test(whole, any_allocation_of_a_conversation_may_fail);
	suite_add_tcase(suite, whole);
	return suite;
}

SX_TAP_MAIN(suite)
