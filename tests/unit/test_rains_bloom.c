/* SPDX-License-Identifier: MIT */
#include "rains/bloom.h"
#include "rains/object.h"
#include "tap.h"
#include "vectors.h"

/* Filters that hold (xmpp, SCION) of zone "example." in context "." and nothing else. */
static const struct {
	int64_t alg;
	int64_t hash;
	const char *bits;
} filters[] = {
	{ 1, SX_RAINS_SHAKE256, "00008000000100020004100020004000800002000400080010" },
	{ 2, SX_RAINS_SHAKE256, "00208040000100020004100820004000800002010400080010" },
	{ 2, SX_RAINS_FNV64, "22002000200200020022002000200200020022002000000200" },
	{ 2, SX_RAINS_FNV128, "02000040000000080001000020000000040000800010000000" },
};

static struct sx_rains_section pshard_of(int64_t alg, int64_t hash, struct sx_bytes bits)
{
	return (struct sx_rains_section){ .type = SX_RAINS_PSHARD,
		.zone = sx_bytes_text("example."),
		.context = sx_bytes_text("."),
		.bloom_alg = alg,
		.bloom_hash = hash,
		.bloom_bits = bits };
}

static bool denies(const struct sx_rains_section *pshard, const char *subject, int64_t type)
{
	return sx_rains_bloom_denies(pshard, sx_bytes_text(subject), type);
}

START_TEST(what_a_filter_holds_is_not_denied)
{
	struct sx_vector bits;
	struct sx_rains_section pshard;

	sx_vector_unhex(filters[_i].bits, &bits);
	pshard = pshard_of(filters[_i].alg, filters[_i].hash, sx_vector_bytes(&bits));
	ck_assert(!denies(&pshard, "xmpp", SX_RAINS_SCION));
	ck_assert(denies(&pshard, "xmpp", SX_RAINS_IP4));
	ck_assert(denies(&pshard, "nope", SX_RAINS_SCION));
	ck_assert(denies(&pshard, "foo", SX_RAINS_SCION));
	pshard.zone = sx_bytes_text("other.");
	ck_assert(denies(&pshard, "xmpp", SX_RAINS_SCION));
}
END_TEST

/* The filter has no bit more than the name needs: without any one of them the name is denied. */
START_TEST(every_bit_of_a_filter_is_looked_at)
{
	struct sx_vector bits;
	struct sx_rains_section pshard;

	sx_vector_unhex(filters[_i].bits, &bits);
	pshard = pshard_of(filters[_i].alg, filters[_i].hash, sx_vector_bytes(&bits));
	for (size_t bit = 0; bit < 8 * bits.len; bit++) {
		uint8_t mask = (uint8_t)(1U << bit % 8);

		if (bits.data[bit / 8] & mask) {
			bits.data[bit / 8] ^= mask;
			ck_assert(denies(&pshard, "xmpp", SX_RAINS_SCION));
			bits.data[bit / 8] ^= mask;
		}
	}
}
END_TEST

START_TEST(a_filter_unknown_here_denies_nothing)
{
	static const uint8_t none[4] = { 0 };
	struct sx_bytes bits = sx_bytes_of(none, sizeof none);
	struct sx_rains_section pshard = pshard_of(1, SX_RAINS_SHAKE256, bits);

	ck_assert(denies(&pshard, "xmpp", 14));
	pshard.bloom_bits.len = 0;
	ck_assert(!denies(&pshard, "xmpp", 14));
	for (int64_t id = -1; id < 10; id++) {
		pshard = pshard_of(id, SX_RAINS_SHAKE256, bits);
		ck_assert_int_eq(denies(&pshard, "xmpp", 14), id >= 1 && id <= 4);
		pshard = pshard_of(1, id, bits);
		ck_assert_int_eq(denies(&pshard, "xmpp", 14), id >= 4 && id <= 6);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_bloom");
	TCase *tcase = tcase_create("filters");

	tcase_add_loop_test(tcase, what_a_filter_holds_is_not_denied, 0, (int)SX_COUNT(filters));
	tcase_add_loop_test(tcase, every_bit_of_a_filter_is_looked_at, 0, (int)SX_COUNT(filters));
	tcase_add_test(tcase, a_filter_unknown_here_denies_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
