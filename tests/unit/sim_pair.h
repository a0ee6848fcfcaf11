/* SPDX-License-Identifier: MIT */
/* sim_pair: the usual world of a test of QUIC: two nodes that both serve both domains, on a calm network. */
#pragma once

#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static struct sx_tls *tls;
static struct sim *sim;
static struct sim_node *a, *b;

static inline void pair_set_up_with(const struct sx_endpoint_limits *limits)
{
	sim = sim_new(7);
	a = sim_add(sim, tls, limits);
	b = sim_add(sim, tls, limits);
}

static inline void pair_set_up(void)
{
	pair_set_up_with(NULL);
}

static inline void pair_tear_down(void)
{
	sim_free(sim);
}

/* Once, in the suite function. */
static inline void pair_init(void)
{
	fixture_init();
	tls = fixture_tls(names);
}

static inline struct sx_endpoint_stats stats_of(const struct sim_node *node)
{
	struct sx_endpoint_stats stats;

	sx_endpoint_stats(node->endpoint, &stats);
	return stats;
}

/* A stream from a to b in the usual names, whatever becomes of it. */
static inline struct sim_stream *pair_dial(void)
{
	return sim_dial(a, b, names[0], names[1], "xmpp-server");
}

static inline struct sx_stream_info info_of(const struct sim_stream *stream)
{
	struct sx_stream_info info;

	sx_stream_info(stream->stream, &info);
	return info;
}

/* Something from one end of a stream to the other. */
static inline void pair_pass(struct sim_stream *from, struct sim_stream *to, size_t len)
{
	ck_assert_int_eq(sim_write(from, len), SX_OK);
	for (int turns = 0; to->received < from->sent && turns < 20000; turns++) {
		sim_run(sim, 10 * SIM_MILLI);
		(void)sim_read(to, 65536);
	}
	ck_assert_uint_eq(to->received, from->sent);
}
