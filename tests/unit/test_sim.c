/* SPDX-License-Identifier: MIT */
/* Whole transfers in all weathers; quic.md 5.2 lists what must hold, sim.c checks it for every datagram. */
#include <stdlib.h>

#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

#define TRANSFER_BYTES (256 * 1024)
#define STREAMS        2
#define SEEDS          1000
#define SEEDS_A_TEST   50
#define PATIENCE       (3600 * SIM_SECOND)

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static struct sx_tls *tls;

/* One end of a stream that sends a fixed amount in odd portions and reads in odd portions, with pauses. */
struct mover {
	struct sim_stream *record;
	bool paused;
	bool fin;
};

static unsigned seeds(void)
{
	const char *text = getenv("SX_SEEDS");
	unsigned long count = text ? strtoul(text, NULL, 10) : SEEDS;

	return count > 0 && count < 1000000 ? (unsigned)count : SEEDS;
}

static void send_some(struct sim *sim, struct mover *mover)
{
	size_t left = TRANSFER_BYTES - mover->record->sent;
	size_t len = 1 + sim_random(sim, 16000);

	if (!mover->record->opened || mover->fin) {
		return;
	}
	if (left == 0) {
		sx_stream_finish(mover->record->stream);
		mover->fin = true;
		return;
	}
	if (sx_stream_unsent_bytes(mover->record->stream) < 64 * 1024) {
		if (sim_write(mover->record, len < left ? len : left) != SX_OK) {
			ck_abort_msg("a write was refused");
		}
	}
}

static void read_some(struct sim *sim, struct mover *mover)
{
	if (sim_random(sim, 20) == 0) {
		mover->paused = !mover->paused;
		sx_stream_pause(mover->record->stream, mover->paused);
	}
	if (!mover->paused) {
		(void)sim_read(mover->record, 1 + sim_random(sim, 30000));
	}
}

static bool is_done(const struct mover *mover)
{
	return mover->record->received == TRANSFER_BYTES && mover->record->finished &&
	       mover->record->closed;
}

/* What the far side has accepted so far joins in, under the pattern of the stream it belongs to. */
static void join(struct sim_node *node, struct mover *movers, size_t *count)
{
	while (*count < STREAMS && node->stream_count > *count) {
		movers[*count] = (struct mover){ .record = &node->streams[*count] };
		++*count;
	}
}

static bool turn(struct sim *sim, struct mover *movers, size_t count)
{
	bool done = count == STREAMS;

	for (size_t i = 0; i < count; i++) {
		send_some(sim, &movers[i]);
		read_some(sim, &movers[i]);
		done = done && is_done(&movers[i]);
	}
	return done;
}

/* What the weathers of one test have done, and in how many of them it has been done. */
struct climate {
	struct sim_fates seen;
	uint64_t bytes;
};

static void note(struct climate *climate, const struct sim *sim, const struct mover *movers)
{
	struct sim_fates fates = sim_fates(sim);

	climate->seen.lost += fates.lost > 0;
	climate->seen.duplicated += fates.duplicated > 0;
	climate->seen.overtaken += fates.overtaken > 0;
	for (size_t i = 0; i < STREAMS; i++) {
		climate->bytes += movers[i].record->received;
	}
}

static void transfer(uint64_t seed, struct climate *climate)
{
	/* Nobody gives up: bad luck costs time only. */
	static const struct sx_endpoint_limits patient = {
		.handshake_timeout_ns = PATIENCE,
		.idle_timeout_ns = PATIENCE,
	};
	struct sim *sim = sim_new(seed);
	struct sim_weather weather = {
		.delay_ns = (1 + sim_random(sim, 100)) * SIM_MILLI,
		.jitter_ns = sim_random(sim, 20) * SIM_MILLI,
		.loss = (unsigned)sim_random(sim, 101),
		.duplicate = (unsigned)sim_random(sim, 50),
	};
	struct sim_weather storm;
	struct sim_node *a = sim_add(sim, tls, &patient), *b = sim_add(sim, tls, &patient);
	struct mover ours[STREAMS], theirs[STREAMS];
	size_t joined = 0;
	uint64_t limit = sim_now(sim) + PATIENCE, pause;
	bool done = false;

	storm = weather; /* comes up once the streams are there */
	storm.loss = (unsigned)sim_random(sim, 301);
	sim_set_weather(sim, &weather);
	for (size_t i = 0; i < STREAMS; i++) {
		ours[i] = (struct mover){ .record = sim_dial(
						  a, b, names[0], names[1], "xmpp-server") };
	}
	while (!done && sim_now(sim) < limit) {
		join(b, theirs, &joined);
		sim_set_weather(sim, joined < STREAMS ? &weather : &storm);
		done = turn(sim, ours, STREAMS);
		done = turn(sim, theirs, joined) && done;
		pause = sim_now(sim) + 1 + sim_random(sim, 20 * SIM_MILLI);
		while (sim_step(sim, pause)) {
		}
	}
	ck_assert_msg(done, "seed %llu: not all has arrived", (unsigned long long)seed);
	ck_assert(sx_endpoint_is_quiet(a->endpoint) && sx_endpoint_is_quiet(b->endpoint));
	note(climate, sim, ours);
	note(climate, sim, theirs);
	sim_free(sim);
}

START_TEST(transfers_arrive_whole_in_all_weathers)
{
	unsigned last = seeds() < (unsigned)(_i + 1) * SEEDS_A_TEST
				? seeds()
				: (unsigned)(_i + 1) * SEEDS_A_TEST;

	unsigned first = (unsigned)_i * SEEDS_A_TEST;
	struct climate climate = { 0 };

	for (unsigned seed = first; seed < last; seed++) {
		transfer(seed, &climate);
	}
	ck_assert_uint_eq(climate.bytes, 2 * STREAMS * TRANSFER_BYTES * (uint64_t)(last - first));
	if (last - first == SEEDS_A_TEST) {
		/* Each fate is met in most weathers; it is counted for both directions. */
		ck_assert_uint_gt(climate.seen.lost, SEEDS_A_TEST);
		ck_assert_uint_gt(climate.seen.duplicated, SEEDS_A_TEST);
		ck_assert_uint_gt(climate.seen.overtaken, SEEDS_A_TEST);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("sim");
	TCase *tcase = tcase_create("transfer");

	fixture_init();
	tls = fixture_tls(names);
	tcase_set_timeout(tcase, 280);
	tcase_add_loop_test(tcase, transfers_arrive_whole_in_all_weathers, 0,
		(int)((seeds() + SEEDS_A_TEST - 1) / SEEDS_A_TEST));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
