/* SPDX-License-Identifier: MIT */
#include "rains/answer.h"
#include "rains_maker.h"
#include "rains_world.h"
#include "tap.h"

#define EXAMPLE RAINS_EXAMPLE_SEED
#define ADDRESS "1-ff00:0:110,192.0.2.11"

static struct sx_rains_answer answer;

static struct sx_rains_question question_of(const char *name)
{
	static const int64_t types[] = { SX_RAINS_SCION };

	return (struct sx_rains_question){ .name = sx_bytes_text(name),
		.context = sx_bytes_text("."),
		.types = types,
		.type_count = SX_COUNT(types) };
}

/* What sections, in one message, answer to a question for a SCION address. */
static int ask(const char *name, const struct sx_rains_section *sections, size_t count)
{
	const struct sx_rains_section *pointers[32];
	struct sx_rains_question question = question_of(name);
	struct sx_rains_msg msg;

	for (size_t i = 0; i < count; i++) {
		pointers[i] = &sections[i];
	}
	msg = rains_msg(pointers, count);
	return sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW);
}

static struct sx_rains_section by_example(struct sx_rains_section section)
{
	return world_signed(section, EXAMPLE, 1);
}

static struct sx_rains_section by_example_since(struct sx_rains_section section, int64_t since)
{
	const struct rains_signer signer = { EXAMPLE, 1, since, UNTIL, false };

	return rains_signed(section, &signer, 1);
}

static struct sx_rains_section delegation(void)
{
	const struct rains_signer root = { RAINS_ROOT_SEED, 1, SINCE - 5000, UNTIL, false };

	return rains_signed(rains_assertion("example", ".", rains_deleg(EXAMPLE, 1)), &root, 1);
}

static struct sx_rains_section address_of(const char *subject)
{
	return rains_assertion(subject, "example.", rains_scion(ADDRESS));
}

static struct sx_rains_section shard_of(
	const char *from, const char *to, const struct sx_rains_section *inside, size_t count)
{
	struct sx_rains_section shard = rains_container(SX_RAINS_SHARD, "example.", inside, count);

	shard.from = sx_bytes_text(from);
	shard.to = sx_bytes_text(to);
	return shard;
}

static struct sx_rains_section zone_of(const struct sx_rains_section *inside, size_t count)
{
	return rains_container(SX_RAINS_ZONE, "example.", inside, count);
}

START_TEST(an_assertion_answers)
{
	struct sx_rains_section section = by_example(address_of("xmpp"));

	ck_assert_int_eq(ask("xmpp.example.", &section, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_int_eq(answer.until, UNTIL);
	ck_assert(sx_bytes_equal(answer.hits[0].assertion.subject, sx_bytes_text("xmpp")));
}
END_TEST

START_TEST(an_answer_may_need_a_delegation_first)
{
	struct sx_rains_section sections[2];

	world_end();
	world_begin();
	sections[0] = by_example(address_of("xmpp"));
	sections[1] = delegation();
	ck_assert_int_eq(ask("xmpp.example.", sections, 1), SX_EAGAIN);
	ck_assert(
		sx_bytes_equal(sx_rains_name_bytes(&answer.need.zone), sx_bytes_text("example.")));
	ck_assert_int_eq(answer.need.phase, 1);
	world_learn(&sections[1]);
	sx_rains_chain_settle(world.chain, &answer.need);
	ck_assert_int_eq(ask("xmpp.example.", sections, 1), SX_OK);
	world_end();
	world_begin();
	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK); /* or have it with it */
}
END_TEST

START_TEST(what_is_not_about_the_question_is_no_answer)
{
	struct sx_rains_section sections[] = {
		by_example(address_of("other")),
		by_example(rains_assertion("xmpp", "example.", rains_text("no address"))),
		by_example(rains_assertion("xmpp", "example.", rains_deleg(9, 1))),
		by_example(rains_assertion("example.xmpp", "example.", rains_scion(ADDRESS))),
	};

	ck_assert_int_eq(ask("xmpp.example.", sections, SX_COUNT(sections)), SX_ENOTFOUND);
	ck_assert_int_eq(ask("XMPP.example.", sections, SX_COUNT(sections)), SX_ENOTFOUND);
	ck_assert_int_eq(ask("xmpp.example.", sections, 0), SX_ENOTFOUND);
}
END_TEST

START_TEST(another_context_is_no_answer)
{
	struct sx_rains_section section = address_of("xmpp");

	section.context = sx_bytes_text("cx--lab.");
	section = by_example(section);
	ck_assert_int_eq(ask("xmpp.example.", &section, 1), SX_ENOTFOUND);
}
END_TEST

START_TEST(an_unbelieved_assertion_says_why)
{
	const struct rains_signer signers[] = {
		{ EXAMPLE, 1, SINCE, NOW - 7, false },
		{ EXAMPLE, 1, SINCE, UNTIL, true },
	};
	struct sx_rains_section sections[] = {
		rains_signed(address_of("xmpp"), &signers[0], 1),
		rains_signed(address_of("xmpp"), &signers[1], 1),
		address_of("xmpp"),
		by_example(address_of("xmpp")),
	};

	ck_assert_int_eq(ask("xmpp.example.", &sections[0], 1), SX_EEXPIRED);
	ck_assert_ptr_nonnull(strstr(answer.reason.text, "expired 7 s ago"));
	ck_assert_int_eq(ask("xmpp.example.", &sections[1], 1), SX_EREFUSED);
	ck_assert_ptr_nonnull(strstr(answer.reason.text, "does not verify"));
	ck_assert_int_eq(ask("xmpp.example.", &sections[2], 1), SX_EREFUSED);
	ck_assert_ptr_nonnull(strstr(answer.reason.text, "no signature"));
	ck_assert_int_eq(ask("xmpp.example.", sections, 4), SX_OK); /* and hides nothing */
	ck_assert_uint_eq(answer.count, 1);
}
END_TEST

START_TEST(an_alias_answers_for_its_types)
{
	struct sx_rains_section sections[] = {
		by_example(rains_assertion("xmpp", "example.", rains_alias("host.example."))),
		by_example(address_of("xmpp")),
	};
	static const int64_t types[] = { SX_RAINS_IP4 };
	struct sx_rains_question question = question_of("xmpp.example.");
	const struct sx_rains_section *first = &sections[0];
	struct sx_rains_msg msg = rains_msg(&first, 1);

	ck_assert_int_eq(ask("xmpp.example.", sections, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_ALIAS);
	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	ck_assert_uint_eq(answer.count, 1);
	question.types = types;
	ck_assert_int_eq(
		sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_ENOTFOUND);
}
END_TEST

START_TEST(a_zone_or_shard_can_hold_the_answer)
{
	struct sx_rains_section inside[] = { address_of("a"), address_of("xmpp"),
		address_of("xmpp") };
	struct sx_rains_section zone = by_example(zone_of(inside, SX_COUNT(inside)));
	struct sx_rains_section shard = by_example(shard_of("b", "y", &inside[1], 1));

	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	ck_assert_uint_eq(answer.count, 2);
	ck_assert_int_eq(ask("xmpp.example.", &shard, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	ck_assert(answer.hits[0].assertion.is_contained);
}
END_TEST

START_TEST(an_assertion_inside_may_be_signed_itself)
{
	struct sx_rains_section inside = by_example(address_of("xmpp"));
	struct sx_rains_section zone = zone_of(&inside, 1);

	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_OK);
	ck_assert_uint_eq(answer.count, 1);
	inside = address_of("xmpp");
	zone = zone_of(&inside, 1);
	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_EREFUSED);
}
END_TEST

START_TEST(a_zone_denies_what_it_does_not_hold)
{
	struct sx_rains_section inside[] = { address_of("a"),
		rains_assertion("xmpp", "example.", rains_text("t")) };
	struct sx_rains_section zone = by_example(zone_of(inside, SX_COUNT(inside)));

	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_int_eq(answer.until, UNTIL);
	ck_assert_uint_eq(answer.count, 0);
	ck_assert_int_eq(ask("_xmpp._udpscion.b.example.", &zone, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_int_eq(ask("xmpp.other.", &zone, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("example.", &zone, 1), SX_ENOTFOUND); /* the parent's business */
}
END_TEST

START_TEST(an_unbelieved_denial_is_none)
{
	struct sx_rains_section zone = zone_of(NULL, 0);

	zone = rains_received(&zone);
	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_EREFUSED);
	zone = world_signed(zone_of(NULL, 0), 9, 1);
	ck_assert_int_eq(ask("xmpp.example.", &zone, 1), SX_EREFUSED);
}
END_TEST

START_TEST(a_zone_does_not_speak_for_what_it_delegates)
{
	struct sx_rains_section inside[] = {
		rains_assertion("sub", "example.", rains_deleg(9, 1)),
	};
	struct sx_rains_section zone = by_example(zone_of(inside, SX_COUNT(inside)));

	ck_assert_int_eq(ask("a.sub.example.", &zone, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("a.b.sub.example.", &zone, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("sub.example.", &zone, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_int_eq(ask("a.other.example.", &zone, 1), SX_OK);
}
END_TEST

START_TEST(a_shard_denies_within_its_range)
{
	struct sx_rains_section inside[] = { address_of("d") };
	struct sx_rains_section shard = by_example(shard_of("b", "f", inside, 1));

	ck_assert_int_eq(ask("c.example.", &shard, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_int_eq(ask("d.example.", &shard, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	ck_assert_int_eq(ask("b.example.", &shard, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("f.example.", &shard, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("a.example.", &shard, 1), SX_ENOTFOUND);
	/* "x" might be delegated: it is outside the range */
	ck_assert_int_eq(ask("c.x.example.", &shard, 1), SX_ENOTFOUND);
	ck_assert_int_eq(ask("c.e.example.", &shard, 1), SX_OK);
}
END_TEST

START_TEST(a_pshard_denies_what_its_filter_does_not_hold)
{
	struct rains_vector vector;
	struct sx_rains_section pshard;

	rains_vector_load(5, &vector);
	pshard = rains_section_of(SX_RAINS_PSHARD, sx_vector_bytes(&vector.section));
	ck_assert_int_eq(ask("nope.example.", &pshard, 1), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_int_eq(answer.until, UNTIL); /* of the key */
	ck_assert_int_eq(ask("xmpp.example.", &pshard, 1), SX_ENOTFOUND);
}
END_TEST

START_TEST(every_type_asked_for_must_be_denied)
{
	static const int64_t types[] = { SX_RAINS_IP4, SX_RAINS_SCION };
	struct rains_vector vector;
	struct sx_rains_section pshard;
	const struct sx_rains_section *sections = &pshard;
	struct sx_rains_question question = question_of("xmpp.example.");
	struct sx_rains_msg msg;

	rains_vector_load(5, &vector);
	pshard = rains_section_of(SX_RAINS_PSHARD, sx_vector_bytes(&vector.section));
	msg = rains_msg(&sections, 1);
	question.types = types;
	question.type_count = 2;
	ck_assert_int_eq(
		sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_ENOTFOUND);
	question.type_count = 1;
	ck_assert_int_eq(sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_OK);
	question.type_count = 0;
	ck_assert_int_eq(
		sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_ENOTFOUND);
}
END_TEST

START_TEST(what_is_there_beats_the_proof_that_it_is_not_unless_that_is_newer)
{
	struct sx_rains_section inside = address_of("a");
	struct sx_rains_section sections[] = {
		by_example_since(zone_of(&inside, 1), SINCE),
		by_example_since(address_of("xmpp"), SINCE),
	};

	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	sections[1] = by_example_since(address_of("xmpp"), SINCE + 1);
	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DATA);
	sections[0] = by_example_since(zone_of(&inside, 1), SINCE + 2);
	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
	ck_assert_uint_eq(answer.count, 0);
}
END_TEST

START_TEST(a_denial_waits_for_data_that_may_yet_be_believed)
{
	struct sx_rains_section inside = address_of("a");
	struct sx_rains_section sections[] = {
		by_example(zone_of(&inside, 1)),
		world_signed(address_of("xmpp"), 9, 2),
	};

	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_EAGAIN);
	ck_assert_int_eq(answer.need.phase, 2);
	sx_rains_chain_settle(world.chain, &answer.need);
	ck_assert_int_eq(ask("xmpp.example.", sections, 2), SX_OK);
	ck_assert_int_eq(answer.kind, SX_RAINS_ANSWER_DENIED);
}
END_TEST

START_TEST(hits_are_bounded_and_the_whole_ends_with_the_first)
{
	struct sx_rains_section sections[2 * SX_RAINS_HITS_MOST];

	for (size_t i = 0; i < SX_COUNT(sections); i++) {
		const struct rains_signer signer = { EXAMPLE, 1, SINCE, UNTIL - (int64_t)i, false };

		sections[i] = rains_signed(address_of("xmpp"), &signer, 1);
	}
	ck_assert_int_eq(ask("xmpp.example.", sections, SX_COUNT(sections)), SX_OK);
	ck_assert_uint_eq(answer.count, SX_RAINS_HITS_MOST);
	ck_assert_int_eq(answer.until, UNTIL - (SX_RAINS_HITS_MOST - 1));
}
END_TEST

START_TEST(sections_about_one_question_are_bounded)
{
	static struct sx_rains_section sections[SX_RAINS_ANSWER_CHECKS + 1];
	static const struct sx_rains_section *pointers[SX_COUNT(sections)];
	struct sx_rains_question question = question_of("xmpp.example.");
	struct sx_rains_msg msg;

	for (size_t i = 0; i < SX_COUNT(sections); i++) {
		sections[i] = address_of("xmpp"); /* not signed */
		pointers[i] = &sections[i];
	}
	sections[SX_RAINS_ANSWER_CHECKS - 1] = by_example(address_of("xmpp"));
	msg = rains_msg(pointers, SX_COUNT(sections));
	ck_assert_int_eq(sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_OK);
	sections[SX_RAINS_ANSWER_CHECKS] = sections[SX_RAINS_ANSWER_CHECKS - 1];
	sections[SX_RAINS_ANSWER_CHECKS - 1] = sections[0];
	msg = rains_msg(pointers, SX_COUNT(sections));
	ck_assert_int_eq(
		sx_rains_answer_read(&answer, world.chain, &msg, &question, NOW), SX_EREFUSED);
}
END_TEST

static void begin(void)
{
	struct sx_rains_section section;

	world_begin();
	section = delegation();
	world_learn(&section);
}

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_answer");
	TCase *tcase = tcase_create("answers");

	tcase_add_checked_fixture(tcase, begin, world_end);
	tcase_add_test(tcase, an_assertion_answers);
	tcase_add_test(tcase, an_answer_may_need_a_delegation_first);
	tcase_add_test(tcase, what_is_not_about_the_question_is_no_answer);
	tcase_add_test(tcase, another_context_is_no_answer);
	tcase_add_test(tcase, an_unbelieved_assertion_says_why);
	tcase_add_test(tcase, an_alias_answers_for_its_types);
	tcase_add_test(tcase, a_zone_or_shard_can_hold_the_answer);
	tcase_add_test(tcase, an_assertion_inside_may_be_signed_itself);
	tcase_add_test(tcase, a_zone_denies_what_it_does_not_hold);
	tcase_add_test(tcase, an_unbelieved_denial_is_none);
	tcase_add_test(tcase, a_zone_does_not_speak_for_what_it_delegates);
	tcase_add_test(tcase, a_shard_denies_within_its_range);
	tcase_add_test(tcase, a_pshard_denies_what_its_filter_does_not_hold);
	tcase_add_test(tcase, every_type_asked_for_must_be_denied);
	tcase_add_test(tcase, what_is_there_beats_the_proof_that_it_is_not_unless_that_is_newer);
	tcase_add_test(tcase, a_denial_waits_for_data_that_may_yet_be_believed);
	tcase_add_test(tcase, hits_are_bounded_and_the_whole_ends_with_the_first);
	tcase_add_test(tcase, sections_about_one_question_are_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
