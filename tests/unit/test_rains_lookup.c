/* SPDX-License-Identifier: MIT */
/* One name and one type, from the first question to what is believed. */
#include "alloc_fail.h"
#include "rains_lookups.h"
#include "tap.h"

START_TEST(a_missing_key_is_asked_for_and_kept)
{
	start();
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	find("b.example");
	expect(SX_OK, "");
	ck_assert_uint_eq(heard.count, 1);
	ck_assert_int_le(heard.seconds, 600);
	ck_assert_uint_eq(net.servers[0].asked, 2);
	heard.done = 0;
	find("b.example");
	ck_assert_uint_eq(net.servers[0].asked, 3); /* the key is known */
	ck_assert_uint_eq(net.servers[1].asked, 0);
	stop();
}
END_TEST

START_TEST(without_its_key_an_answer_is_not_believed)
{
	start();
	record_count = 0;
	if (_i > 0) { /* a key that nobody above has signed */
		records_add("example.", SX_RAINS_DELEG,
			records_sign(rains_assertion("example", ".", rains_deleg(EXAMPLE, 1)),
				EXAMPLE, 600));
	}
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	find("b.example");
	ck_assert(heard.status == SX_EREFUSED || heard.status == SX_ETIMEDOUT);
	ck_assert_str_ne(heard.reason, "");
	ck_assert(_i == 0 || strstr(heard.reason, "(rains.roots, --root)"));
	stop();
}
END_TEST

START_TEST(an_alias_holds_no_longer_than_its_shortest_part)
{
	start();
	records_say("a.example.", SX_RAINS_SCION, "a", rains_alias("b.example."), 60);
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	find("a.example");
	expect(SX_OK, "");
	ck_assert_int_le(heard.seconds, 60);
	ck_assert_int_gt(heard.seconds, 0);
	stop();
}
END_TEST

/* a0 is an alias of a1, and so on; the last one has an address. */
static void chain_of(unsigned count)
{
	static char names[16][32];
	static char subjects[16][8];

	for (unsigned i = 0; i <= count; i++) {
		(void)snprintf(names[i], sizeof names[i], "a%u.example.", i);
		(void)snprintf(subjects[i], sizeof subjects[i], "a%u", i);
	}
	for (unsigned i = 0; i < count; i++) {
		records_say(names[i], SX_RAINS_SCION, subjects[i], rains_alias(names[i + 1]), 600);
	}
	records_say(names[count], SX_RAINS_SCION, subjects[count], rains_scion(ADDRESS), 600);
}

START_TEST(eight_aliases_are_followed_and_no_more)
{
	start();
	chain_of(SX_RAINS_ALIASES_MOST);
	find("a0.example");
	expect(SX_OK, "");
	stop();
	start();
	chain_of(SX_RAINS_ALIASES_MOST + 1);
	find("a0.example");
	expect(SX_ELIMIT, "aliases lead nowhere");
	stop();
}
END_TEST

START_TEST(aliases_in_a_circle_end)
{
	start();
	records_say("a.example.", SX_RAINS_SCION, "a", rains_alias("b.example."), 600);
	records_say("b.example.", SX_RAINS_SCION, "b", rains_alias("a.example."), 600);
	find("a.example");
	expect(SX_ELIMIT, "aliases lead nowhere");
	stop();
}
END_TEST

START_TEST(proof_of_nothing_is_told)
{
	start();
	records_add("b.example.", SX_RAINS_SCION,
		records_sign(rains_container(SX_RAINS_SHARD, "example.", NULL, 0), EXAMPLE, 600));
	find("b.example");
	expect(SX_ENOTFOUND, "");
	stop();
}
END_TEST

START_TEST(who_answers_something_else_is_passed_over)
{
	start();
	net.servers[0].answer = reply_nothing;
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	begin("b.example");
	while (net_turn(20)) {
	}
	ck_assert_uint_eq(net.servers[1].asked, 1);
	stop();
}
END_TEST

/*
 * The first answers late, with what needs a key that it does not have; the second, asked meanwhile, answers well while
 * that key is asked for.
 */
START_TEST(an_answer_that_came_meanwhile_is_not_lost)
{
	struct sx_rains_section strange;
	const struct rains_signer signer = { EXAMPLE, 9, (int64_t)sx_loop_unix_time() - 100,
		(int64_t)sx_loop_unix_time() + 100, false };

	start();
	strange = rains_signed(rains_assertion("b", "example.", rains_scion(ADDRESS)), &signer, 1);
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	net.servers[0].answer = NULL;
	net.servers[1].answer = _i == 0 ? NULL : reply_nothing;
	begin("b.example");
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	if (_i == 0) {
		net_until(&net.servers[1].asked, 1);
	} else { /* it is of no use, and the third answers well */
		net.servers[2].answer = NULL;
		net_until(&net.servers[2].asked, 1);
	}
	reply(&net.servers[0], &strange, 1);
	net_until(&net.servers[0].asked, 2); /* for the key */
	reply(&net.servers[_i == 0 ? 1 : 2], &records[1].section, 1);
	net_settle();
	ck_assert_uint_eq(heard.done, 0);
	net.servers[0].answer = records_answer;
	reply(&net.servers[0], NULL, 0);
	net_until(&heard.done, 1);
	expect(SX_OK, "");
	ck_assert_ptr_nonnull(
		strstr(heard.trace, "no delegation of zone example. with key phase 9"));
	stop();
}
END_TEST

/* As above, but the first was good enough: who else answers is not heard. */
START_TEST(an_answer_that_came_meanwhile_may_not_be_needed)
{
	start();
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	net.servers[0].answer = NULL;
	net.servers[1].answer = NULL;
	begin("b.example");
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, 1);
	reply(&net.servers[0], &records[1].section, 1);
	net_until(&net.servers[0].asked, 2);
	if (_i > 0) {
		reply(&net.servers[1], NULL, 0);
		net_settle();
	}
	reply(&net.servers[0], &records[0].section, 1);
	net_until(&heard.done, 1);
	expect(SX_OK, "");
	reply(&net.servers[1], NULL, 0);
	net_settle();
	ck_assert_uint_eq(net.servers[2].asked, 0);
	stop();
}
END_TEST

START_TEST(nobody_knows_better)
{
	start();
	for (size_t i = 0; i < SERVERS; i++) {
		net.servers[i].answer = reply_nothing;
	}
	find("b.example");
	expect(SX_EPROTO, "answers something else");
	stop();
}
END_TEST

/* After so many turns, with a question for the name or for the key under way. */
START_TEST(a_lookup_may_be_cancelled_at_any_time)
{
	start();
	records_say("a.example.", SX_RAINS_SCION, "a", rains_alias("b.example."), 60);
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 600);
	begin("a.example");
	for (int i = 0; i < _i && lookup; i++) {
		(void)net_turn(20);
	}
	sx_rains_lookup_free(lookup);
	lookup = NULL;
	heard.done = 0;
	net_settle();
	clock_advance(3 * SECONDS);
	net_settle();
	ck_assert_uint_eq(heard.done, 0);
	stop();
}
END_TEST

START_TEST(a_hurried_lookup_ends_sooner)
{
	start();
	begin("silent.example");
	net_settle();
	sx_rains_lookup_hurry(lookup, sx_loop_now_ns() + 150 * MS);
	sx_rains_lookup_hurry(lookup, sx_loop_now_ns() + 10 * SECONDS); /* never later */
	clock_advance(150 * MS);
	net_until(&heard.done, 1);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	stop();
}
END_TEST

static int make_lookup(void *arg)
{
	struct sx_rains_wish wish = { .client = client,
		.trust = trust,
		.name = "b.example.org",
		.type = SX_RAINS_SCION,
		.deadline_ns = SX_NEVER };
	struct sx_rains_reason reason;
	struct sx_rains_lookup *made;
	int rc = sx_rains_lookup_new(&made, &wish, sx_loop_now_ns(), &reason);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_lookup_free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	start();
	ck_assert_uint_ge(sx_each_allocation_fails(make_lookup, NULL), 2);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_lookup");
	TCase *tcase = tcase_create("lookups");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_missing_key_is_asked_for_and_kept);
	tcase_add_loop_test(tcase, without_its_key_an_answer_is_not_believed, 0, 2);
	tcase_add_test(tcase, an_alias_holds_no_longer_than_its_shortest_part);
	tcase_add_test(tcase, eight_aliases_are_followed_and_no_more);
	tcase_add_test(tcase, aliases_in_a_circle_end);
	tcase_add_test(tcase, proof_of_nothing_is_told);
	tcase_add_test(tcase, who_answers_something_else_is_passed_over);
	tcase_add_loop_test(tcase, an_answer_that_came_meanwhile_is_not_lost, 0, 2);
	tcase_add_loop_test(tcase, an_answer_that_came_meanwhile_may_not_be_needed, 0, 2);
	tcase_add_test(tcase, nobody_knows_better);
	tcase_add_loop_test(tcase, a_lookup_may_be_cancelled_at_any_time, 0, 16);
	tcase_add_test(tcase, a_hurried_lookup_ends_sooner);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
