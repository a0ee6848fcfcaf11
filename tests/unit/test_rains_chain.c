/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "alloc_fail.h"
#include "rains/chain.h"
#include "rains_maker.h"
#include "rains_world.h"
#include "tap.h"

static struct sx_rains_verdict verdict;

static int judge(const struct sx_rains_section *section)
{
	memset(&verdict, 0, sizeof verdict);
	return sx_rains_chain_judge(world.chain, section, NOW, &verdict);
}

static void expect_need(const char *zone, int64_t phase)
{
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&verdict.need.zone), sx_bytes_text(zone)));
	ck_assert_int_eq(verdict.need.phase, phase);
}

static void expect_reason(const char *text)
{
	ck_assert_msg(strstr(verdict.reason.text, text), "%s", verdict.reason.text);
}

/* The seed of zone number `level`: the root is 1, and each zone delegates to the next. */
static uint8_t seed_of(unsigned level)
{
	return (uint8_t)(level + 1);
}

/* "z2.z1." and so on; level 0 is ".". */
static const char *zone_of(unsigned level)
{
	static char zones[32][SX_RAINS_NAME_MOST];
	size_t at = 0;

	(void)snprintf(zones[level], sizeof zones[level], ".");
	for (unsigned i = level; i > 0; i--) {
		at += (size_t)snprintf(zones[level] + at, sizeof zones[level] - at, "z%u.", i);
	}
	return zones[level];
}

/* The delegation of zone number `level` by the one above it. */
static struct sx_rains_section delegation_of(unsigned level)
{
	char subject[8];
	size_t start = rains_writer.at;
	struct sx_rains_section section;

	(void)snprintf(subject, sizeof subject, "z%u", level);
	sx_write_bytes(&rains_writer, sx_bytes_text(subject));
	section = rains_assertion("", zone_of(level - 1), rains_deleg(seed_of(level), 1));
	section.subject = sx_bytes_of(rains_arena + start, strlen(subject));
	return world_signed(section, seed_of(level - 1), 1);
}

static struct sx_rains_section leaf_of(unsigned level)
{
	return world_signed(
		rains_assertion("a", zone_of(level), rains_text("t")), seed_of(level), 1);
}

START_TEST(the_chain_is_asked_for_from_below)
{
	struct sx_rains_section leaf = leaf_of(3);

	for (unsigned level = 3; level >= 1; level--) {
		struct sx_rains_section delegation = delegation_of(level);

		ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
		expect_need(zone_of(level), 1);
		ck_assert_int_eq(judge(&leaf), SX_EAGAIN); /* while the question is out */
		expect_need(zone_of(level), 1);
		world_learn(&delegation);
		sx_rains_chain_settle(world.chain, &verdict.need);
	}
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

START_TEST(glue_in_any_order_needs_no_question)
{
	struct sx_rains_section delegations[] = { delegation_of(3), delegation_of(1),
		delegation_of(2) };
	const struct sx_rains_section *sections[] = { &delegations[0], &delegations[1],
		&delegations[2] };
	struct sx_rains_section leaf = leaf_of(3);
	struct sx_rains_msg msg = rains_msg(sections, SX_COUNT(sections));

	ck_assert_int_eq(sx_rains_chain_learn(world.chain, &msg, NOW), SX_OK);
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

START_TEST(what_one_resolution_learned_serves_the_next)
{
	struct sx_rains_section delegation = delegation_of(1);
	struct sx_rains_section leaf = leaf_of(1);

	world_learn(&delegation);
	ck_assert_int_eq(judge(&leaf), SX_OK);
	world_next_resolution();
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

START_TEST(a_settled_question_is_not_asked_again)
{
	struct sx_rains_section leaf = leaf_of(1);
	struct sx_rains_need need;

	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	need = verdict.need;
	sx_rains_chain_settle(world.chain, &need);
	ck_assert_int_eq(judge(&leaf), SX_EREFUSED);
	expect_reason("no delegation of zone z1. with key phase 1 was to be had");
}
END_TEST

/* Delegations that look right until they are checked. */
static const struct rains_signer bad_signers[] = {
	{ RAINS_ROOT_SEED, 1, SINCE, UNTIL, true },
	{ 77, 1, SINCE, UNTIL, false },
	{ RAINS_ROOT_SEED, 1, SINCE, NOW - 1, false },
	{ RAINS_ROOT_SEED, 1, NOW + 500, UNTIL, false },
	{ RAINS_ROOT_SEED, 5, SINCE, UNTIL, false },
};

#define NO_ROOT "signed by no root key that is trusted (rains.roots, --root)"

/* Why each is not believed. */
static const char *const bad_reasons[] = { NO_ROOT, NO_ROOT,
	"the signature of key phase 1 expired 1 s ago",
	"the signature of key phase 1 begins in 500 s only", NO_ROOT };

START_TEST(who_asked_in_vain_hears_why)
{
	struct sx_rains_section leaf = leaf_of(1);
	struct sx_rains_section bad = rains_signed(
		rains_assertion("z1", ".", rains_deleg(seed_of(1), 1)), &bad_signers[_i], 1);
	char text[SX_RAINS_REASON_BYTES];

	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	world_learn(&bad);
	sx_rains_chain_settle(world.chain, &verdict.need);
	ck_assert_int_eq(judge(&leaf), SX_EREFUSED);
	(void)snprintf(text, sizeof text, "assertion in zone .: %s; it delegates zone z1.",
		bad_reasons[_i]);
	ck_assert_str_eq(verdict.reason.text, text);
}
END_TEST

/* The delegation waited for the key of the zone above it. */
START_TEST(who_waited_in_vain_hears_why)
{
	struct sx_rains_section leaf = leaf_of(2), above = delegation_of(1);
	struct sx_rains_section bad =
		world_signed(rains_assertion("z2", "z1.", rains_deleg(seed_of(2), 1)), 9, 1);

	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	expect_need("z2.z1.", 1);
	world_learn(&bad);
	sx_rains_chain_settle(world.chain, &verdict.need);
	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	expect_need("z1.", 1);
	world_learn(&above);
	sx_rains_chain_settle(world.chain, &verdict.need);
	ck_assert_int_eq(judge(&leaf), SX_EREFUSED);
	ck_assert_str_eq(verdict.reason.text,
		"assertion in zone z1.: the signature of key phase 1 does not verify; it delegates "
		"zone z2.z1.");
}
END_TEST

START_TEST(a_bad_delegation_does_not_hide_the_good_one)
{
	struct sx_rains_section bad =
		rains_signed(rains_assertion("z1", ".", rains_deleg(99, 1)), &bad_signers[_i], 1);
	struct sx_rains_section good = delegation_of(1);
	struct sx_rains_section leaf = leaf_of(1);

	world_learn(&bad);
	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	world_learn(&good);
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

/* Kept because the key above was missing; found bad once it came. */
START_TEST(a_kept_delegation_that_is_bad_is_dropped)
{
	const struct rains_signer forger = { seed_of(1), 1, SINCE, UNTIL, true };
	struct sx_rains_section forged =
		rains_signed(rains_assertion("z2", "z1.", rains_deleg(99, 1)), &forger, 1);
	struct sx_rains_section good = delegation_of(2);
	struct sx_rains_section above = delegation_of(1);
	struct sx_rains_section leaf = leaf_of(2);

	world_learn(&forged);
	world_learn(&good);
	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	expect_need("z1.", 1);
	world_learn(&above);
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

START_TEST(a_zone_can_carry_the_delegation)
{
	struct sx_rains_section inside = rains_assertion("z1", ".", rains_deleg(seed_of(1), 1));
	struct sx_rains_section zone =
		world_signed(rains_container(SX_RAINS_ZONE, ".", &inside, 1), RAINS_ROOT_SEED, 1);
	struct sx_rains_section leaf = leaf_of(1);

	world_learn(&zone);
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

/* Two zones that delegate to each other, and one that delegates to itself. */
START_TEST(a_loop_of_delegations_leads_nowhere)
{
	struct sx_rains_section loop[] = {
		world_signed(rains_assertion("@", "z1.", rains_deleg(8, 1)), 8, 1),
		world_signed(rains_assertion("b", "b.", rains_deleg(8, 1)), 8, 1),
		world_signed(rains_assertion("z1", "b.", rains_deleg(8, 1)), 8, 1),
		world_signed(rains_assertion("b", "z1.", rains_deleg(8, 1)), 8, 1),
	};
	struct sx_rains_section leaf =
		world_signed(rains_assertion("a", "z1.", rains_text("t")), 8, 1);

	for (size_t i = 0; i < SX_COUNT(loop); i++) {
		world_learn(&loop[i]);
	}
	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	expect_need("z1.", 1);
	sx_rains_chain_settle(world.chain, &verdict.need);
	ck_assert_int_eq(judge(&leaf), SX_EREFUSED);
}
END_TEST

START_TEST(the_chain_has_a_depth)
{
	struct sx_rains_section leaf = leaf_of(SX_RAINS_CHAIN_DEPTH + 1);

	for (unsigned level = SX_RAINS_CHAIN_DEPTH + 1; level >= 2; level--) {
		struct sx_rains_section delegation = delegation_of(level);

		world_learn(&delegation);
	}
	ck_assert_int_eq(judge(&leaf), SX_ELIMIT);
	expect_reason("more than 16 delegations above each other");
}
END_TEST

START_TEST(questions_are_counted)
{
	for (int64_t phase = 0; phase <= SX_RAINS_CHAIN_NEEDS; phase++) {
		struct sx_rains_section leaf =
			world_signed(rains_assertion("a", "z1.", rains_text("t")), 5, phase);

		ck_assert_int_eq(
			judge(&leaf), phase < SX_RAINS_CHAIN_NEEDS ? SX_EAGAIN : SX_ELIMIT);
	}
	expect_reason("more than 32 delegations to ask for");
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
	struct sx_rains_section leaf = leaf_of(2);
	struct sx_rains_section good = delegation_of(2);

	for (int64_t phase = 0; phase < 2 * SX_RAINS_CHAIN_KEPT; phase++) {
		struct sx_rains_section junk =
			world_signed(rains_assertion("b", "z1.", rains_deleg(9, phase)), 9, 1);

		world_learn(&junk);
	}
	world_learn(&good); /* no room */
	ck_assert_int_eq(judge(&leaf), SX_EAGAIN);
	expect_need("z2.z1.", 1);
}
END_TEST

/* Forged delegations use up the checks for glue; those for what was asked still find the good one. */
START_TEST(glue_leaves_checks_for_the_answer)
{
	static struct sx_rains_section forged[64];
	static const struct sx_rains_section *sections[SX_COUNT(forged)];
	struct sx_rains_section delegation = delegation_of(1);
	struct sx_rains_section leaf = leaf_of(1);
	struct sx_rains_msg msg;

	for (size_t i = 0; i < SX_COUNT(forged); i++) {
		const struct rains_signer forger = { RAINS_ROOT_SEED, 1, SINCE + (int64_t)i, UNTIL,
			true };

		forged[i] = rains_signed(rains_assertion("b", ".", rains_deleg(9, 1)), &forger, 1);
		sections[i] = &forged[i];
	}
	sections[SX_COUNT(forged) - 1] = &delegation;
	msg = rains_msg(sections, SX_COUNT(sections));
	ck_assert_int_eq(sx_rains_chain_learn(world.chain, &msg, NOW), SX_OK);
	ck_assert_int_eq(judge(&leaf), SX_OK);
}
END_TEST

START_TEST(a_resolution_has_its_checks)
{
	const struct rains_signer forger = { RAINS_ROOT_SEED, 1, SINCE, UNTIL, true };
	struct sx_rains_section forged =
		rains_signed(rains_assertion("a", ".", rains_text("t")), &forger, 1);
	struct sx_rains_section harmless = delegation_of(1);
	unsigned checks = 0;
	int rc;

	do {
		world_learn(&harmless); /* another answer */
		rc = judge(&forged);
		checks++;
		ck_assert_uint_lt(checks, 2 * SX_RAINS_RESOLUTION_CHECKS);
	} while (rc == SX_EREFUSED);
	ck_assert_int_eq(rc, SX_ELIMIT);
	ck_assert_uint_eq(checks, SX_RAINS_RESOLUTION_CHECKS);
}
END_TEST

static int make_chain(void *arg)
{
	const struct sx_rains_msg *msg = arg;
	struct sx_rains_chain *chain;
	int rc = sx_rains_chain_new(&chain, world.trust);

	if (rc == SX_OK) {
		rc = sx_rains_chain_learn(chain, msg, NOW);
		sx_rains_chain_free(chain);
	}
	return rc;
}

START_TEST(a_chain_without_memory_is_refused)
{
	struct sx_rains_section delegations[] = { delegation_of(1), delegation_of(3) };
	const struct sx_rains_section *sections[] = { &delegations[0], &delegations[1] };
	struct sx_rains_msg msg = rains_msg(sections, SX_COUNT(sections));

	ck_assert_uint_gt(sx_each_allocation_fails(make_chain, &msg), 1);
	sx_rains_chain_free(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_chain");
	TCase *tcase = tcase_create("chain");

	tcase_add_checked_fixture(tcase, world_begin, world_end);
	tcase_add_test(tcase, the_chain_is_asked_for_from_below);
	tcase_add_test(tcase, glue_in_any_order_needs_no_question);
	tcase_add_test(tcase, what_one_resolution_learned_serves_the_next);
	tcase_add_test(tcase, a_settled_question_is_not_asked_again);
	tcase_add_loop_test(tcase, who_asked_in_vain_hears_why, 0, SX_COUNT(bad_signers));
	tcase_add_test(tcase, who_waited_in_vain_hears_why);
	tcase_add_loop_test(
		tcase, a_bad_delegation_does_not_hide_the_good_one, 0, (int)SX_COUNT(bad_signers));
	tcase_add_test(tcase, a_kept_delegation_that_is_bad_is_dropped);
	tcase_add_test(tcase, a_zone_can_carry_the_delegation);
	tcase_add_test(tcase, a_loop_of_delegations_leads_nowhere);
	tcase_add_test(tcase, the_chain_has_a_depth);
	tcase_add_test(tcase, questions_are_counted);
	tcase_add_test(tcase, what_is_kept_is_bounded);
	tcase_add_test(tcase, glue_leaves_checks_for_the_answer);
	tcase_add_test(tcase, a_resolution_has_its_checks);
	tcase_add_test(tcase, a_chain_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
