/* SPDX-License-Identifier: MIT */
/* Floods of forged first packets: memory stays flat, who is there is served, and who is honest gets in. */
#include <malloc.h>

#include "sim_pair.h"

#define HELLO_MAX     2048
#define CONN_BYTES    (128 << 10) /* more than one takes with ngtcp2 0.12 */
#define HALF_OPEN_MAX 100         /* quic.md 9 */
#define HONEST        2

static uint8_t hello[HELLO_MAX];
static size_t hello_len;

static void keep(void *arg, struct sim_node *from, struct sx_bytes payload)
{
	if (from == arg && hello_len == 0) {
		hello_len = payload.len;
		memcpy(hello, payload.data, payload.len);
	}
}

static struct sx_peer stranger(uint32_t number)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6, .sin6_port = htons(9) } };

	peer.address.sin6_addr.s6_addr[0] = 0xfd;
	memcpy(&peer.address.sin6_addr.s6_addr[4], &number, sizeof number);
	peer.address.sin6_addr.s6_addr[15] = 200;
	return peer;
}

/* What a caller says first when it dials b for a name. Nothing of it arrives by itself. */
static void record_hello(const char *name)
{
	struct sim_node *caller = sim_add(sim, tls, NULL);
	struct sim_weather calm = { .delay_ns = 10 * SIM_MILLI }, storm = { .loss = 1000 };
	bool more;

	hello_len = 0;
	sim_set_tap(sim, keep, caller);
	sim_set_weather(sim, &storm);
	(void)sim_dial(caller, b, names[0], name, "xmpp-server");
	sx_endpoint_process(caller->endpoint, sim_now(sim), &more);
	sim_set_tap(sim, NULL, NULL);
	sim_set_weather(sim, &calm);
	sim_remove(caller);
}

/* Under a forged connection ID nobody can decrypt it, which takes a connection to find out. */
static void spoil_id(void)
{
	if (hello_len == 0) {
		record_hello(names[1]);
	}
	for (size_t i = 0; i < 8; i++) {
		hello[6 + i] = (uint8_t)sim_random(sim, 256);
	}
}

/* A whole hello whose sender never says more. */
static void fall_silent(void)
{
	record_hello(names[1]);
}

/* A whole hello that is turned down. */
static void ask_for_nobody(void)
{
	record_hello("nobody.example.org");
}

static const struct {
	void (*forge)(void);
	uint32_t count;
} floods[] = {
	{ spoil_id, 100000 },
	{ fall_silent, 2000 },
	{ ask_for_nobody, 2000 },
};

static void expect_bounds(void)
{
	ck_assert_uint_le(stats_of(b).half_open, HALF_OPEN_MAX);
	ck_assert_uint_le(stats_of(b).connections, HALF_OPEN_MAX + HONEST);
}

/* Ten hellos a millisecond, from thousands of addresses. */
static void flood(int kind, uint32_t from, uint32_t until)
{
	for (uint32_t i = from; i < until; i++) {
		struct sx_peer peer = stranger(i % 5000);

		floods[kind].forge();
		sim_inject(b, &peer, sx_bytes_of(hello, hello_len));
		if (i % 10 == 0) {
			sim_run(sim, SIM_MILLI);
			expect_bounds();
		}
	}
}

START_TEST(forged_hellos_leave_memory_flat_and_the_honest_served)
{
	struct sim_link link = sim_connect(a, b);
	uint32_t part = floods[_i].count / 10;
	size_t most = mallinfo2().uordblks + HALF_OPEN_MAX * CONN_BYTES;

	for (uint32_t i = 0; i < 10; i++) {
		flood(_i, i * part, (i + 1) * part);
		ck_assert_uint_le(mallinfo2().uordblks, most);
		pair_pass(link.near, link.far, 10000);
		pair_pass(link.far, link.near, 10000);
	}
	/* A newcomer proves its address and gets in. */
	link.near = sim_dial(a, b, names[1], names[1], "xmpp-server");
	sim_until(sim, &link.near->opened, SIM_SECOND);
	ck_assert_int_eq(sim_write(link.near, 100), SX_OK);
	sim_run(sim, 20 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
	ck_assert_uint_eq(stats_of(b).connections, HONEST);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("endpoint_flood");
	TCase *tcase = tcase_create("flood");

	pair_init();
	tcase_add_checked_fixture(tcase, pair_set_up, pair_tear_down);
	tcase_set_timeout(tcase, 250);
	tcase_add_loop_test(
		tcase, forged_hellos_leave_memory_flat_and_the_honest_served, 0, SX_COUNT(floods));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
