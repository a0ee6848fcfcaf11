/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "alloc_fail.h"
#include "rains/msg.h"
#include "rains/zone.h"
#include "rains_vectors.h"
#include "tap.h"

#define KEY  "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"
#define ROOT "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
#define HASH "abababababababababababababababababababababababababababababababab"

static const uint8_t token[SX_RAINS_TOKEN_BYTES] = { 1, 2, 3 };
static struct sx_rains_reason reason;
static uint8_t message[SX_RAINS_ZONE_MSG_MOST];

static struct sx_rains_signing signing_of(uint8_t seed)
{
	return (struct sx_rains_signing){ rains_seed(seed).data, 1, RAINS_SINCE, RAINS_UNTIL,
		sx_bytes_of(token, sizeof token) };
}

/* The message of a zone file; the first section of it is the zone. */
static struct sx_rains_msg sign(const char *text, uint8_t seed)
{
	struct sx_writer out = sx_writer_of(message, sizeof message);
	struct sx_rains_signing signing = signing_of(seed);
	struct sx_rains_zone *zone = NULL;
	struct sx_rains_msg msg;

	ck_assert_msg(
		sx_rains_zone_new(&zone, sx_bytes_text(text), &reason) == SX_OK, "%s", reason.text);
	ck_assert_msg(
		sx_rains_zone_sign(zone, &signing, &out, &reason) == SX_OK, "%s", reason.text);
	sx_rains_zone_free(zone);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof message), SX_OK);
	return msg;
}

static struct sx_rains_section section_at(const struct sx_rains_msg *msg, size_t index)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	for (size_t i = 0; i <= index; i++) {
		ck_assert(sx_rains_next_section(&walk, &section));
	}
	return section;
}

static struct sx_rains_section assertion_at(const struct sx_rains_section *zone, size_t index)
{
	struct sx_reader walk = sx_reader_of(zone->content.items);
	struct sx_rains_section assertion;

	for (size_t i = 0; i <= index; i++) {
		ck_assert(sx_rains_next_contained(&walk, zone, &assertion));
	}
	return assertion;
}

static void expect_section(const struct sx_rains_section *section, size_t vector)
{
	struct rains_vector expected;
	uint8_t out[SX_VECTOR_MAX];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	rains_vector_load(vector, &expected);
	sx_rains_section_write(&writer, section);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(&expected.section)));
}

/* Single assertions, which must come out with the very signature that Go made. */
static const struct {
	const char *text;
	uint8_t seed;
	size_t vector;
} golden[] = {
	{ ":Z: . . [ :A: @ [ :deleg: :ed25519: 1 " ROOT " ] ]", RAINS_ROOT_SEED, 0 },
	{ ":Z: . . [ :A: example [ :deleg: :ed25519: 1 " KEY " ] ]", RAINS_ROOT_SEED, 1 },
	{ ":Z: example. . [ :A: xmpp [ :scion: 1-ff00:0:110,[192.0.2.11]\n"
	  ":cert: :tls: :endEntity: :sha256: " HASH " ] ]",
		RAINS_EXAMPLE_SEED, 2 },
};

START_TEST(assertions_are_signed_as_go_does)
{
	struct sx_rains_msg msg = sign(golden[_i].text, golden[_i].seed);
	struct sx_rains_section zone = section_at(&msg, 0);
	struct sx_rains_section assertion = assertion_at(&zone, 0);

	assertion.is_contained = false;
	expect_section(&assertion, golden[_i].vector);
}
END_TEST

/* The golden zone has one of its two assertions unsigned, which the zone's signature does not see. */
START_TEST(zones_are_signed_as_go_does)
{
	struct sx_rains_msg msg = sign(":Z: example. . [\n"
				       ":A: b [ :scion: 1-ff00:0:110,[2001:db8::11] ]\n"
				       ":A: a [ :ip4: 192.0.2.1 ] ]",
		RAINS_EXAMPLE_SEED);
	struct sx_rains_section zone = section_at(&msg, 0);
	struct sx_rains_section a = assertion_at(&zone, 0);
	struct sx_rains_section b = assertion_at(&zone, 1);
	uint8_t content[SX_VECTOR_MAX];
	struct sx_writer writer = sx_writer_of(content, sizeof content);

	a.signatures = (struct sx_cbor_list){ .count = 0 };
	sx_rains_section_write(&writer, &a);
	sx_rains_section_write(&writer, &b);
	zone.content.items = sx_writer_bytes(&writer);
	expect_section(&zone, 4);
}
END_TEST

START_TEST(pshards_are_signed_as_go_does)
{
	struct sx_rains_msg msg =
		sign(":Z: example. . [ :A: xmpp [ :scion: 1-ff00:0:110,[192.0.2.11] ] ]\n"
		     ":P: example. . < > :bloomKM12: :shake256: "
		     "00008000000100020004100020004000800002000400080010",
			RAINS_EXAMPLE_SEED);
	struct sx_rains_section pshard = section_at(&msg, 1);

	expect_section(&pshard, 5);
}
END_TEST

static void expect_verified(const struct sx_rains_section *section)
{
	static uint8_t bytes[SX_RAINS_TBS_MOST(SX_RAINS_ZONE_MSG_MOST)];
	struct sx_writer tbs = sx_writer_of(bytes, sizeof bytes);
	struct sx_reader walk = sx_reader_of(section->signatures.items);
	struct sx_rains_signature signature;
	uint8_t key[SX_RAINS_KEY_BYTES];

	ck_assert_uint_eq(section->signatures.count, 1);
	ck_assert(sx_rains_next_signature(&walk, &signature));
	sx_rains_tbs_write(&tbs, section);
	sx_rains_tbs_add(&tbs, &signature);
	ck_assert_int_eq(sx_rains_public_key(rains_seed(RAINS_EXAMPLE_SEED).data, key), SX_OK);
	ck_assert_int_eq(sx_rains_verify(sx_bytes_of(key, sizeof key), sx_writer_bytes(&tbs),
				 signature.data),
		SX_OK);
}

START_TEST(all_sections_and_assertions_verify)
{
	struct sx_rains_msg msg =
		sign(":Z: example. . [ :A: a [ :ip4: 192.0.2.1 ] :A: b [ :regr: x ] ]\n"
		     ":S: example. . < b [ :A: a [ :ip4: 192.0.2.1 ] ]\n"
		     ":P: example. . c d :bloomKM12: :shake256: 00\n",
			RAINS_EXAMPLE_SEED);

	ck_assert_uint_eq(msg.content.count, 3);
	ck_assert_uint_eq(msg.capabilities.count, 1);
	ck_assert(sx_bytes_equal(msg.token, sx_bytes_of(token, sizeof token)));
	for (size_t i = 0; i < msg.content.count; i++) {
		struct sx_rains_section section = section_at(&msg, i);

		expect_verified(&section);
		for (size_t j = 0; j < section.content.count; j++) {
			struct sx_rains_section assertion = assertion_at(&section, j);

			expect_verified(&assertion);
		}
	}
}
END_TEST

START_TEST(dates_of_the_file_win)
{
	struct sx_rains_msg msg = sign(":Z: a. . [ :A: b [ :regr: x ] ( :sig: :ed25519: :rains: 1 "
				       "1700000100 1700000200 ) ]",
		RAINS_EXAMPLE_SEED);
	struct sx_rains_section zone = section_at(&msg, 0);
	struct sx_rains_section assertion = assertion_at(&zone, 0);
	struct sx_reader walk = sx_reader_of(assertion.signatures.items);
	struct sx_rains_signature signature;

	ck_assert(sx_rains_next_signature(&walk, &signature));
	ck_assert_int_eq(signature.since, 1700000100);
	ck_assert_int_eq(signature.until, 1700000200);
	walk = sx_reader_of(zone.signatures.items);
	ck_assert(sx_rains_next_signature(&walk, &signature));
	ck_assert_int_eq(signature.until, RAINS_UNTIL);
}
END_TEST

START_TEST(another_phase_than_that_of_the_key_is_refused)
{
	struct sx_rains_signing signing = signing_of(1);
	struct sx_writer out = sx_writer_of(message, sizeof message);
	struct sx_rains_zone *zone = NULL;

	ck_assert_int_eq(
		sx_rains_zone_new(&zone,
			sx_bytes_text(":Z: a. . [ ]\n( :sig: :ed25519: :rains: 2 1 2 )"), &reason),
		SX_OK);
	ck_assert_int_eq(sx_rains_zone_sign(zone, &signing, &out, &reason), SX_EINVAL);
	ck_assert_str_eq(
		reason.text, "line 1: found key phase 2, expected 1, the phase of the key");
	sx_rains_zone_free(zone);
}
END_TEST

/* Objects alone fit, but not with their signatures. */
START_TEST(what_does_not_fit_a_message_is_refused)
{
	static char text[65536];
	size_t at = (size_t)sprintf(text, ":Z: a. . [\n");
	struct sx_rains_signing signing = signing_of(1);
	struct sx_writer out = sx_writer_of(message, sizeof message);
	struct sx_rains_zone *zone = NULL;

	for (int i = 0; i < 1000; i++) {
		at += (size_t)sprintf(text + at, ":A: b%d [ :ip4: 1.2.3.4 ]\n", i);
	}
	(void)sprintf(text + at, "]");
	ck_assert_int_eq(sx_rains_zone_new(&zone, sx_bytes_text(text), &reason), SX_OK);
	ck_assert_int_eq(sx_rains_zone_sign(zone, &signing, &out, &reason), SX_ELIMIT);
	ck_assert_str_eq(
		reason.text, "the zone does not fit a message of 65536 bytes; make two of it");
	sx_rains_zone_free(zone);
}
END_TEST

static int sign_zone(void *arg)
{
	struct sx_rains_signing signing = signing_of(1);
	struct sx_writer out = sx_writer_of(message, sizeof message);

	return sx_rains_zone_sign(arg, &signing, &out, &reason);
}

START_TEST(failing_allocations_leave_nothing)
{
	struct sx_rains_zone *zone = NULL;

	ck_assert_int_eq(sx_rains_zone_new(&zone, sx_bytes_text(":Z: a. . [ ]"), &reason), SX_OK);
	ck_assert_uint_ge(sx_each_allocation_fails(sign_zone, zone), 1);
	sx_rains_zone_free(zone);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rains_zone_sign");
	TCase *tc = tcase_create("zone_sign");

	tcase_add_loop_test(tc, assertions_are_signed_as_go_does, 0, SX_COUNT(golden));
	tcase_add_test(tc, zones_are_signed_as_go_does);
	tcase_add_test(tc, pshards_are_signed_as_go_does);
	tcase_add_test(tc, all_sections_and_assertions_verify);
	tcase_add_test(tc, dates_of_the_file_win);
	tcase_add_test(tc, another_phase_than_that_of_the_key_is_refused);
	tcase_add_test(tc, what_does_not_fit_a_message_is_refused);
	tcase_add_test(tc, failing_allocations_leave_nothing);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
