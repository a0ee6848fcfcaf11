/* SPDX-License-Identifier: MIT */
#include "rains/object.h"
#include "rains_vectors.h"
#include "tap.h"

static uint8_t scratch[SX_RAINS_TBS_MOST(65536)];

static struct sx_bytes tbs_of(
	const struct sx_rains_section *section, const struct sx_rains_signature *signature)
{
	struct sx_writer writer = sx_writer_of(scratch, sizeof scratch);

	sx_rains_tbs_write(&writer, section);
	if (signature) {
		sx_rains_tbs_add(&writer, signature);
	}
	ck_assert(sx_writer_ok(&writer));
	return sx_writer_bytes(&writer);
}

/* SX_OK when there is a signature we understand, and every one is good. */
static int verify(const struct sx_rains_section *section, struct sx_bytes key)
{
	struct sx_reader walk = sx_reader_of(section->signatures.items);
	struct sx_rains_signature signature;
	int rc = SX_ENOTFOUND;

	while (sx_rains_next_signature(&walk, &signature)) {
		if (signature.alg == SX_RAINS_ED25519 && signature.space == 0) {
			rc = sx_rains_verify(key, tbs_of(section, &signature), signature.data);
			if (rc < 0) {
				return rc;
			}
		}
	}
	return rc;
}

START_TEST(what_was_received_is_spliced_into_what_was_signed)
{
	struct rains_vector vector;
	struct sx_rains_section section;
	struct sx_reader walk;
	struct sx_rains_signature signature;
	struct sx_bytes tbs;

	rains_vector_load((size_t)_i, &vector);
	section = rains_section_of(vector.type, sx_vector_bytes(&vector.section));
	tbs = tbs_of(&section, NULL);
	ck_assert(sx_bytes_equal(tbs, sx_vector_bytes(&vector.tbs)));
	walk = sx_reader_of(section.signatures.items);
	ck_assert(sx_rains_next_signature(&walk, &signature));
	tbs = tbs_of(&section, &signature);
	ck_assert(sx_bytes_equal(sx_bytes_of(tbs.data + vector.tbs.len, tbs.len - vector.tbs.len),
		sx_vector_bytes(&vector.meta)));
	ck_assert_int_eq(verify(&section, sx_vector_bytes(&vector.key)), SX_OK);
}
END_TEST

START_TEST(our_signatures_are_those_of_go)
{
	struct rains_vector vector;
	struct sx_rains_section section;
	struct sx_reader walk;
	struct sx_rains_signature signature;
	uint8_t key[SX_RAINS_KEY_BYTES];
	uint8_t data[SX_RAINS_SIGNATURE_BYTES];
	const uint8_t *seed = rains_seed(_i < 2 ? RAINS_ROOT_SEED : RAINS_EXAMPLE_SEED).data;

	rains_vector_load((size_t)_i, &vector);
	section = rains_section_of(vector.type, sx_vector_bytes(&vector.section));
	walk = sx_reader_of(section.signatures.items);
	ck_assert(sx_rains_next_signature(&walk, &signature));
	ck_assert_int_eq(sx_rains_sign(seed, tbs_of(&section, &signature), data), SX_OK);
	ck_assert(sx_bytes_equal(sx_bytes_of(data, sizeof data), sx_vector_bytes(&vector.data)));
	ck_assert_int_eq(sx_rains_public_key(seed, key), SX_OK);
	ck_assert(sx_bytes_equal(sx_bytes_of(key, sizeof key), sx_vector_bytes(&vector.key)));
}
END_TEST

/* The second assertion of the golden zone, which is signed itself. */
static struct sx_rains_section signed_inside(const struct sx_rains_section *zone)
{
	struct sx_reader walk = sx_reader_of(zone->content.items);
	struct sx_rains_section assertion;

	while (sx_rains_next_contained(&walk, zone, &assertion)) {
		if (assertion.signatures.count > 0) {
			return assertion;
		}
	}
	return *zone;
}

START_TEST(a_contained_assertion_is_signed_with_its_containers_scope)
{
	struct rains_vector vector;
	struct sx_rains_section zone;
	struct sx_rains_section assertion;

	rains_vector_load(4, &vector);
	zone = rains_section_of(SX_RAINS_ZONE, sx_vector_bytes(&vector.section));
	assertion = signed_inside(&zone);
	ck_assert(assertion.is_contained);
	ck_assert_int_eq(verify(&assertion, sx_vector_bytes(&vector.key)), SX_OK);
	assertion.zone = sx_bytes_text("other.");
	ck_assert_int_eq(verify(&assertion, sx_vector_bytes(&vector.key)), SX_EREFUSED);
}
END_TEST

START_TEST(the_scope_of_a_contained_assertion_keeps_the_order_of_keys)
{
	static const struct sx_rains_section container = { .type = SX_RAINS_SHARD,
		.zone = { (const uint8_t *)"z.", 2 },
		.context = { (const uint8_t *)".", 1 } };
	struct sx_vector in;
	struct sx_vector expected;
	struct sx_reader walk;
	struct sx_rains_section assertion;

	/* with unknown keys -1, 5 and 9 */
	sx_vector_unhex("a62000"
			"0080"
			"036161"
			"0500"
			"0780"
			"0900",
		&in);
	walk = sx_reader_of(sx_vector_bytes(&in));
	ck_assert(sx_rains_next_contained(&walk, &container, &assertion));
	sx_vector_unhex("a72000"
			"036161"
			"04627a2e"
			"0500"
			"06612e"
			"0780"
			"0900",
		&expected);
	ck_assert(sx_bytes_equal(tbs_of(&assertion, NULL), sx_vector_bytes(&expected)));
	sx_vector_unhex("a2036161"
			"0780",
		&in);
	walk = sx_reader_of(sx_vector_bytes(&in));
	ck_assert(sx_rains_next_contained(&walk, &container, &assertion));
	sx_vector_unhex("a4036161"
			"04627a2e"
			"06612e"
			"0780",
		&expected);
	ck_assert(sx_bytes_equal(tbs_of(&assertion, NULL), sx_vector_bytes(&expected)));
}
END_TEST

START_TEST(what_is_not_minimal_stays_so_under_the_signature)
{
	struct sx_vector in;
	struct sx_vector expected;
	struct sx_rains_section section;

	sx_vector_unhex("a60080"
			"180378016104612e06612e07980018"
			"64f6",
		&in);
	section = rains_section_of(SX_RAINS_ASSERTION, sx_vector_bytes(&in));
	sx_vector_unhex("a5"
			"180378016104612e06612e07980018"
			"64f6",
		&expected);
	ck_assert(sx_bytes_equal(tbs_of(&section, NULL), sx_vector_bytes(&expected)));
}
END_TEST

static struct rains_vector mutated;

/*
 * Whether a mutant differs only in the signature of the assertion inside the golden zone, which the zone's leaves out.
 */
static bool is_only_inside(struct sx_bytes mutant)
{
	struct sx_bytes golden = sx_vector_bytes(&mutated.section);
	struct sx_rains_section zone;
	struct sx_rains_section assertion;
	size_t first;

	if (mutated.type != SX_RAINS_ZONE || mutant.len != golden.len) {
		return false;
	}
	zone = rains_section_of(SX_RAINS_ZONE, golden);
	assertion = signed_inside(&zone);
	first = (size_t)(assertion.signatures.items.data - golden.data);
	for (size_t i = 0; i < golden.len; i++) {
		if (mutant.data[i] != golden.data[i]) {
			return i >= first && i < first + assertion.signatures.items.len;
		}
	}
	return true;
}

static void expect_unbelieved(struct sx_bytes mutant)
{
	struct sx_rains_section section;
	struct sx_rains_section inside;
	struct sx_bytes key = sx_vector_bytes(&mutated.key);

	if (sx_bytes_equal(mutant, sx_vector_bytes(&mutated.section)) ||
		sx_cbor_check(mutant, 65536) < 0 ||
		sx_rains_section_parse(&section, mutated.type, mutant) < 0) {
		return;
	}
	if (!is_only_inside(mutant)) {
		ck_assert_int_lt(verify(&section, key), 0);
		return;
	}
	ck_assert_int_eq(verify(&section, key), SX_OK);
	inside = signed_inside(&section);
	ck_assert_int_lt(verify(&inside, key), 0);
}

START_TEST(no_mutation_of_a_signed_section_verifies)
{
	rains_vector_load((size_t)_i, &mutated);
	sx_each_mutation(sx_vector_bytes(&mutated.section), expect_unbelieved);
}
END_TEST

/* With these a signature of zeros, or of what the attacker likes, verifies for many messages. */
static const char *const weak_keys[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"01",
	"",
	"000000000000000000000000000000000000000000000000000000000000000000",
};

START_TEST(a_weak_key_is_refused)
{
	struct sx_vector key;
	uint8_t data[SX_RAINS_SIGNATURE_BYTES] = { 1 };

	sx_vector_unhex(weak_keys[_i], &key);
	ck_assert(!sx_rains_key_is_sound(sx_vector_bytes(&key)));
	ck_assert_int_eq(sx_rains_verify(sx_vector_bytes(&key), sx_bytes_text("message"),
				 sx_bytes_of(data, sizeof data)),
		SX_EREFUSED);
}
END_TEST

START_TEST(data_of_another_length_is_no_signature)
{
	struct rains_vector vector;
	struct sx_bytes tbs = sx_bytes_text("message");
	uint8_t data[SX_RAINS_SIGNATURE_BYTES + 1];

	rains_vector_load(0, &vector);
	ck_assert_int_eq(sx_rains_sign(rains_seed(RAINS_ROOT_SEED).data, tbs, data), SX_OK);
	for (size_t len = 0; len <= sizeof data; len++) {
		ck_assert_int_eq(
			sx_rains_verify(sx_vector_bytes(&vector.key), tbs, sx_bytes_of(data, len)),
			len == SX_RAINS_SIGNATURE_BYTES ? SX_OK : SX_EREFUSED);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_sign");
	TCase *tcase = tcase_create("signatures");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(
		tcase, what_was_received_is_spliced_into_what_was_signed, 0, RAINS_VECTORS);
	tcase_add_loop_test(tcase, our_signatures_are_those_of_go, 0, RAINS_VECTORS);
	tcase_add_test(tcase, a_contained_assertion_is_signed_with_its_containers_scope);
	tcase_add_test(tcase, the_scope_of_a_contained_assertion_keeps_the_order_of_keys);
	tcase_add_test(tcase, what_is_not_minimal_stays_so_under_the_signature);
	tcase_add_loop_test(tcase, no_mutation_of_a_signed_section_verifies, 0, RAINS_VECTORS);
	tcase_add_loop_test(tcase, a_weak_key_is_refused, 0, (int)SX_COUNT(weak_keys));
	tcase_add_test(tcase, data_of_another_length_is_no_signature);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
