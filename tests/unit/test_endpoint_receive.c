/* SPDX-License-Identifier: MIT */
/* What strangers get: a connection, a Retry, a version list, a reset, a refusal, or silence. */
#include <stdio.h>

#include "sim_pair.h"

#define DATAGRAM_MAX 65507
#define HELLO_MAX    2048

/* Datagrams that nodes have sent, in order. */
struct record {
	const struct sim_node *of;
	size_t count;
	size_t lens[16];
	uint8_t data[16][HELLO_MAX];
};

static struct record record;

static void keep(void *arg, struct sim_node *from, struct sx_bytes payload)
{
	struct record *into = arg;

	if (from == into->of && into->count < SX_COUNT(into->lens)) {
		into->lens[into->count] = payload.len;
		memcpy(into->data[into->count++], payload.data, payload.len);
	}
}

static void watch(const struct sim_node *node)
{
	record.of = node;
	record.count = 0;
	sim_set_tap(sim, keep, &record);
}

static struct sx_bytes recorded(size_t number)
{
	ck_assert_uint_lt(number, record.count);
	return sx_bytes_of(record.data[number], record.lens[number]);
}

/* What a sends first when it dials b; b never sees it. */
static struct sx_bytes first_hello(void)
{
	watch(a);
	b->deaf = true;
	(void)pair_dial();
	sim_run(sim, SIM_MILLI);
	sim_run(sim, SIM_SECOND / 20);
	b->deaf = false;
	return recorded(0);
}

static struct sx_peer stranger(uint32_t number)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6, .sin6_port = htons(9) } };

	peer.address.sin6_addr.s6_addr[0] = 0xfd;
	memcpy(&peer.address.sin6_addr.s6_addr[4], &number, sizeof number);
	peer.address.sin6_addr.s6_addr[15] = 200;
	return peer;
}

static uint64_t answers_of(const struct sim_node *node)
{
	struct sx_endpoint_stats stats = stats_of(node);

	return stats.versions_sent + stats.resets_sent + stats.retries_sent + stats.refused;
}

static const struct {
	const char *name;
	size_t len;
	uint8_t first[15];
} useless[] = {
	{ "empty", 0, { 0 } },
	{ "one byte, long", 1, { 0xc0 } },
	{ "one byte, short", 1, { 0x40 } },
	{ "the largest, zeroes", DATAGRAM_MAX, { 0 } },
	{ "the largest, long, version 1", DATAGRAM_MAX, { 0xc0, 0, 0, 0, 1, 21 } },
	{ "an ID longer than there may be", 1200, { 0xc0, 0, 0, 0, 1, 255 } },
	{ "no IDs, no token, no length", 1200, { 0xc0, 0, 0, 0, 1, 0, 0, 0 } },
	{ "no IDs, a token", 1200, { 0xc0, 0, 0, 0, 1, 0, 0, 1, 'x', 0x40, 32 } },
	{ "an ID shorter than a first one may be, a token", 1200,
		{ 0xc0, 0, 0, 0, 1, 4, 't', 'o', 'm', 'e', 0, 1, 'x', 0x40, 32 } },
	{ "0-RTT from nowhere", 1200, { 0xd0, 0, 0, 0, 1, 0, 0, 0 } },
	{ "Handshake from nowhere", 1200, { 0xe0, 0, 0, 0, 1, 8 } },
	{ "Retry from nowhere", 1200, { 0xf0, 0, 0, 0, 1, 8 } },
	{ "versions from nowhere", 1200, { 0xc0, 0, 0, 0, 0, 8 } },
	{ "another version, too short", 1199, { 0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8 } },
	{ "short, as short as a reset", 42, { 0x40 } },
};

START_TEST(useless_datagrams_are_dropped_and_counted)
{
	static uint8_t data[DATAGRAM_MAX];
	struct sim_link link = sim_connect(a, b);
	struct sx_peer from = stranger(1);
	uint64_t dropped = stats_of(b).dropped;

	memcpy(data, useless[_i].first, sizeof useless[_i].first);
	sim_inject(b, &from, sx_bytes_of(data, useless[_i].len));
	sim_run(sim, SIM_SECOND);
	ck_assert_msg(stats_of(b).dropped == dropped + 1, "%s", useless[_i].name);
	ck_assert_uint_eq(stats_of(b).connections, 1);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
	/* Only a short header's sender may be told that its connection is unknown. */
	ck_assert_uint_le(answers_of(b), useless[_i].len == DATAGRAM_MAX);
	pair_pass(link.near, link.far, 1000);
}
END_TEST

START_TEST(a_first_packet_cut_or_bent_anywhere_leaves_nothing)
{
	struct sx_bytes hello = first_hello();
	uint8_t bent[HELLO_MAX];

	for (size_t len = 0; len < hello.len; len++) {
		struct sx_peer from = stranger((uint32_t)len);

		sim_inject(b, &from, sx_bytes_of(hello.data, len));
	}
	for (size_t bit = 0; bit < 8 * hello.len; bit += bit < 800 ? 1 : 61) {
		struct sx_peer from = stranger((uint32_t)(bit + hello.len));

		memcpy(bent, hello.data, hello.len);
		bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
		sim_inject(b, &from, sx_bytes_of(bent, hello.len));
	}
	sim_run(sim, SIM_MILLI);
	ck_assert_uint_eq(b->stream_count, 0);
	sim_run(sim, 60 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).connections, 0);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
	(void)sim_connect(a, b);
}
END_TEST

/* RFC 9000 section 6.1, RFC 8999 section 6. */
START_TEST(another_version_is_answered_with_ours)
{
	uint8_t data[1200] = { 0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 3, 'y', 'o', 'u', 2, 'm', 'e' };
	struct sx_peer from = stranger(1);
	const uint8_t *answer;

	watch(b);
	sim_inject(b, &from, sx_bytes_of(data, sizeof data));
	ck_assert_uint_eq(stats_of(b).versions_sent, 1);
	ck_assert_uint_eq(recorded(0).len, 12 + 8);
	answer = recorded(0).data;
	ck_assert_uint_ge(answer[0], 0x80);
	ck_assert_mem_eq(answer + 1, "\0\0\0\0\2me\3you\0\0\0\1", 15);
	for (int i = 16; i < 20; i++) {
		ck_assert_uint_eq(answer[i] & 0x0f, 0x0a);
	}
	/* One host gets few of them, and all hosts together not many. */
	for (uint32_t i = 0; i < 1000; i++) {
		from = stranger(1 + i / 100);
		sim_inject(b, &from, sx_bytes_of(data, sizeof data));
	}
	ck_assert_uint_le(stats_of(b).versions_sent, 40);
	ck_assert_uint_ge(stats_of(b).versions_sent, 20);
}
END_TEST

/* A version list for the hello that a has sent. */
static size_t list_versions(struct sx_bytes hello, uint8_t *out, const char *versions)
{
	const uint8_t *theirs = hello.data + 6, *ours = theirs + hello.data[5] + 1;
	size_t len = 0;

	out[len++] = 0x80;
	memset(out + len, 0, 4);
	len += 4;
	out[len++] = ours[-1];
	memcpy(out + len, ours, ours[-1]);
	len += ours[-1];
	out[len++] = hello.data[5];
	memcpy(out + len, theirs, hello.data[5]);
	len += hello.data[5];
	memcpy(out + len, versions, 4);
	return len + 4;
}

START_TEST(a_peer_without_our_version_is_given_up_at_once)
{
	struct sx_bytes hello = first_hello();
	uint8_t list[HELLO_MAX];
	size_t len = list_versions(hello, list, "\0\0\0\1");

	/* A list with the version in use cannot be honest. RFC 9000 section 6.2. */
	sim_inject(a, &b->address, sx_bytes_of(list, len));
	sim_run(sim, SIM_MILLI);
	ck_assert(!a->streams[0].closed);
	len = list_versions(hello, list, "\x6b\x33\x43\xcf");
	sim_inject(a, &b->address, sx_bytes_of(list, len));
	sim_run(sim, SIM_MILLI);
	ck_assert_int_eq(a->streams[0].status, SX_EPROTO);
	ck_assert_ptr_nonnull(strstr(a->streams[0].reason, "version 1"));
}
END_TEST

/* b's one half-open place is taken by a stranger's hello, so the next must prove its address. */
static void crowd(void)
{
	static const struct sx_endpoint_limits limits = { .half_open = 1 };
	struct sx_peer from = stranger(1);
	struct sim_node *caller;

	sim_free(sim);
	sim = sim_new(7);
	caller = a = sim_add(sim, tls, NULL);
	b = sim_add(sim, tls, &limits);
	sim_inject(b, &from, first_hello());
	sim_crash(caller);
	a = sim_add(sim, tls, NULL);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).half_open, 1);
}

START_TEST(under_load_an_address_must_be_proven_first)
{
	struct sim_link link;

	crowd();
	link = sim_connect(a, b);
	ck_assert_uint_eq(stats_of(b).retries_sent, 1);
	ck_assert_uint_eq(stats_of(b).connections, 2);
	ck_assert_uint_eq(stats_of(b).half_open, 1);
	pair_pass(link.near, link.far, 1000);
	/* The stranger is given up in time, and the next is taken without further ado. */
	sim_run(sim, 20 * SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).half_open, 0);
	(void)sim_dial(a, b, names[1], names[1], "xmpp-server");
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(stats_of(b).retries_sent, 1);
}
END_TEST

/* The second hello of a, which holds b's token. */
static struct sx_bytes hello_with_token(void)
{
	struct sx_bytes hello;

	crowd();
	watch(a);
	(void)pair_dial();
	while (record.count < 2) {
		ck_assert(sim_step(sim, sim_now(sim) + SIM_SECOND));
	}
	hello = recorded(1);
	a->deaf = true; /* it shall not go on by itself */
	return hello;
}

static const struct {
	uint64_t after_ns;
	uint16_t port; /* bits to flip in the sender's port, its address, and the token */
	uint8_t address;
	uint8_t token;
	bool taken;
} tokens[] = {
	{ 9 * SIM_SECOND, 0, 0, 0, true },
	{ 0, 1, 0, 0, false },
	{ 0, 0, 1, 0, false },
	{ 0, 0, 0, 1, false },
	{ 11 * SIM_SECOND, 0, 0, 0, false },
};

/* First byte, version, two IDs with their lengths, the token's length in two bytes, its kind, its text. */
static size_t token_at(const uint8_t *hello)
{
	size_t second = 6 + hello[5];

	return second + 1 + hello[second] + 2 + 1;
}

START_TEST(a_token_is_good_for_its_address_and_for_ten_seconds)
{
	struct sx_bytes hello = hello_with_token();
	struct sx_peer from = a->address;
	uint8_t copy[HELLO_MAX];
	uint64_t refused, connections;

	memcpy(copy, hello.data, hello.len);
	from.address.sin6_addr.s6_addr[14] ^= tokens[_i].address;
	from.address.sin6_port ^= htons(tokens[_i].port);
	copy[token_at(copy) + 5] ^= tokens[_i].token;
	b->deaf = true; /* a's own are on their way: b shall see ours only */
	sim_run(sim, 50 * SIM_MILLI + tokens[_i].after_ns);
	b->deaf = false;
	refused = stats_of(b).refused;
	connections = stats_of(b).connections;
	sim_inject(b, &from, sx_bytes_of(copy, hello.len));
	ck_assert_uint_eq(stats_of(b).connections, connections + tokens[_i].taken);
	ck_assert_uint_eq(stats_of(b).refused, refused + !tokens[_i].taken);
}
END_TEST

START_TEST(one_host_alone_must_prove_its_address_sooner)
{
	for (uint32_t i = 0; i < 9; i++) {
		char name[32];

		(void)snprintf(name, sizeof name, "%u.example.org", i);
		(void)sim_dial(a, b, names[0], name, "xmpp-server");
	}
	a->deaf = true;
	sim_run(sim, 15 * SIM_MILLI);
	ck_assert_uint_eq(stats_of(b).half_open, 8);
	ck_assert_uint_eq(stats_of(b).retries_sent, 1);
}
END_TEST

START_TEST(a_restarted_peer_is_noticed_at_once)
{
	struct sim_link link = sim_connect(a, b);
	uint64_t since;

	sim_crash(b);
	sim_start(b);
	since = sim_now(sim);
	ck_assert_int_eq(sim_write(link.near, 100), SX_OK);
	sim_until(sim, &link.near->closed, SIM_SECOND);
	ck_assert_uint_le(sim_now(sim) - since, 25 * SIM_MILLI);
	ck_assert_int_eq(link.near->status, SX_ERESET);
	ck_assert_ptr_nonnull(strstr(link.near->reason, "stateless reset"));
	ck_assert_uint_eq(stats_of(b).resets_sent, 1);
	(void)sim_connect(a, b);
}
END_TEST

/* The reset of a restarted b, caught before it arrives. */
static struct sx_bytes reset_for(const struct sim_link *link)
{
	sim_crash(b);
	sim_start(b);
	watch(b);
	a->deaf = true;
	ck_assert_int_eq(sim_write(link->near, 100), SX_OK);
	sim_run(sim, 25 * SIM_MILLI);
	a->deaf = false;
	return recorded(0);
}

START_TEST(a_reset_counts_by_any_way_but_only_with_its_token)
{
	struct sim_link link = sim_connect(a, b);
	struct sx_bytes reset = reset_for(&link);
	struct sx_peer from = stranger(1);
	uint8_t bent[64];

	ck_assert_uint_le(reset.len, 42);
	memcpy(bent, reset.data, reset.len);
	bent[reset.len - 1] ^= 1;
	sim_inject(a, &from, sx_bytes_of(bent, reset.len));
	sim_inject(a, &b->address, sx_bytes_of(bent, reset.len));
	ck_assert(!link.near->closed);
	sim_inject(a, &from, reset);
	ck_assert(link.near->closed);
}
END_TEST

START_TEST(resets_are_few_and_shorter_than_what_they_answer)
{
	uint8_t data[1200] = { 0x40 };
	struct sx_peer from = stranger(1);

	watch(b);
	for (size_t len = 0; len < 100; len++) {
		data[1]++;
		sim_inject(b, &from, sx_bytes_of(data, len));
	}
	ck_assert_uint_eq(stats_of(b).resets_sent, 4);
	ck_assert_uint_eq(record.count, 4);
	ck_assert_uint_eq(recorded(0).len, 42);
	for (int second = 0; second < 10; second++) {
		sim_run(sim, SIM_SECOND);
		sim_inject(b, &from, sx_bytes_of(data, sizeof data));
		sim_inject(b, &from, sx_bytes_of(data, sizeof data));
	}
	ck_assert_uint_le(stats_of(b).resets_sent, 4 + 10);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("endpoint_receive");
	TCase *tcase = tcase_create("strangers");

	pair_init();
	tcase_add_checked_fixture(tcase, pair_set_up, pair_tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, useless_datagrams_are_dropped_and_counted, 0, SX_COUNT(useless));
	tcase_add_test(tcase, a_first_packet_cut_or_bent_anywhere_leaves_nothing);
	tcase_add_test(tcase, another_version_is_answered_with_ours);
	tcase_add_test(tcase, a_peer_without_our_version_is_given_up_at_once);
	tcase_add_test(tcase, under_load_an_address_must_be_proven_first);
	tcase_add_loop_test(
		tcase, a_token_is_good_for_its_address_and_for_ten_seconds, 0, SX_COUNT(tokens));
	tcase_add_test(tcase, one_host_alone_must_prove_its_address_sooner);
	tcase_add_test(tcase, a_restarted_peer_is_noticed_at_once);
	tcase_add_test(tcase, a_reset_counts_by_any_way_but_only_with_its_token);
	tcase_add_test(tcase, resets_are_few_and_shorter_than_what_they_answer);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
