/* SPDX-License-Identifier: MIT */
/* Who is asked when, and whose answer counts; the sources are puppets, the clock is a number. */
#include <assert.h>

#include "alloc_fail.h"
#include "base/heap.h"
#include "base/list.h"
#include "search.h"
#include "tap.h"

#define MILLI  UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

/* A source that answers when it is told to; `at_once`: with this status, in the very call. */
struct puppet {
	struct sx_source source;
	struct sx_source_ops ops;
	struct sx_query *query;
	int at_once;
	bool is_plain; /* it knows an IP address, not on SCION */
	unsigned asked;
	unsigned cancelled;
};

static struct puppet puppets[3];
static struct sx_source *sources[3];
static unsigned changes;
static uint64_t now;

static void answer(struct puppet *puppet, int status, uint32_t ttl)
{
	struct sx_query *query = puppet->query;
	struct sx_found_target target = { .addr.ia = puppet->is_plain ? 0 : 1,
		.port = (uint16_t)(puppet - puppets + 1) };

	puppet->query = NULL;
	sx_finding_trace(&query->finding, "%s was asked", puppet->ops.name);
	sx_finding_limit(&query->finding, ttl);
	if (status == SX_OK) {
		sx_finding_add_target(&query->finding, &target);
		query->finding.status = SX_OK;
	} else {
		sx_finding_fail(&query->finding, status, "%s knows nothing", puppet->ops.name);
	}
	query->done(query);
}

static void puppet_ask(struct sx_source *source, struct sx_query *query, uint64_t now_ns)
{
	struct puppet *puppet = sx_container_of(source, struct puppet, source);

	assert(now_ns == now && strcmp(query->name, "b.example.org") == 0);
	puppet->asked++;
	puppet->query = query;
	if (puppet->at_once != SX_EAGAIN) {
		answer(puppet, puppet->at_once, 60);
	}
}

static void puppet_cancel(struct sx_source *source, struct sx_query *query)
{
	struct puppet *puppet = sx_container_of(source, struct puppet, source);

	assert(puppet->query == query);
	puppet->query = NULL;
	puppet->cancelled++;
}

static void on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static void set_up(void)
{
	static const char *const names[] = { "hosts", "rains", "dns" };

	for (size_t i = 0; i < SX_COUNT(puppets); i++) {
		puppets[i] = (struct puppet){ .at_once = SX_EAGAIN };
		puppets[i].ops = (struct sx_source_ops){
			.name = names[i], .ask = puppet_ask, .cancel = puppet_cancel
		};
		puppets[i].source.ops = &puppets[i].ops;
		sources[i] = &puppets[i].source;
	}
	puppets[0].at_once = SX_ENOTFOUND;
	changes = 0;
	now = SECOND;
}

static struct sx_search_plan plan_now(void)
{
	return (struct sx_search_plan){ .name = "b.example.org",
		.want = SX_WANT_ADDRESSES,
		.sources = sources,
		.count = SX_COUNT(sources),
		.deadline_ns = now + 2 * SECOND,
		.changed = on_changed };
}

static struct sx_search *begin(void)
{
	struct sx_search_plan plan = plan_now();
	struct sx_search *search;

	ck_assert_int_eq(sx_search_new(&search, &plan, now), SX_OK);
	return search;
}

/* The answer now is of this source, and holds that many seconds; "": there is none, with this status. */
static void expect(struct sx_search *search, const char *source, int status, unsigned seconds)
{
	struct sx_buf *buf;

	ck_assert_int_eq(sx_search_decide(search, now, &buf), SX_OK);
	ck_assert_str_eq(sx_answer_of(buf)->source, source);
	ck_assert_int_eq(sx_answer_of(buf)->status, status);
	ck_assert_uint_eq((sx_answer_of(buf)->expiry_ns - now) / SECOND, seconds);
	sx_buf_unref(buf);
}

static void expect_none(struct sx_search *search, uint64_t deadline)
{
	struct sx_buf *buf;

	ck_assert_int_eq(sx_search_decide(search, now, &buf), SX_EAGAIN);
	ck_assert_uint_eq(sx_search_deadline(search, now), deadline);
}

START_TEST(who_answers_at_once_is_the_last_asked)
{
	struct sx_search *search;

	puppets[0].at_once = SX_OK;
	search = begin();
	expect(search, "hosts", SX_OK, 60);
	ck_assert(sx_search_is_over(search, now));
	ck_assert_uint_eq(puppets[1].asked + puppets[2].asked, 0);
	sx_search_free(search);
}
END_TEST

/* The preferred source knows plain QUIC alone, the next one, in time or too late, the way over SCION. */
START_TEST(plain_quic_does_not_hide_the_way_over_scion)
{
	struct sx_search *search = begin();

	puppets[1].is_plain = true;
	answer(&puppets[1], SX_OK, 60);
	expect_none(search, now + 150 * MILLI);
	ck_assert(!sx_search_is_over(search, now));
	if (_i > 0) {
		now += 150 * MILLI;
		expect(search, "rains", SX_OK, 60);
	}
	answer(&puppets[2], SX_OK, 50);
	expect(search, "dns", SX_OK, 50);
	ck_assert(sx_search_is_over(search, now));
	sx_search_free(search);
}
END_TEST

START_TEST(plain_quic_is_better_than_nothing)
{
	struct sx_search *search = begin();

	puppets[1].is_plain = true;
	answer(&puppets[1], SX_OK, 60);
	answer(&puppets[2], SX_ENOTFOUND, 50);
	expect(search, "rains", SX_OK, 60);
	ck_assert(sx_search_is_over(search, now));
	sx_search_free(search);
}
END_TEST

START_TEST(the_others_are_asked_side_by_side)
{
	struct sx_search *search = begin();

	ck_assert_uint_eq(puppets[1].asked, 1);
	ck_assert_uint_eq(puppets[2].asked, 1);
	expect_none(search, 3 * SECOND);
	sx_search_free(search);
	ck_assert_uint_eq(puppets[1].cancelled + puppets[2].cancelled, 2);
}
END_TEST

START_TEST(a_later_source_waits_150_ms_for_the_preferred_one)
{
	struct sx_search *search = begin();

	now += 10 * MILLI;
	answer(&puppets[2], SX_OK, 600);
	ck_assert_uint_eq(changes, 1);
	expect_none(search, now + 150 * MILLI);
	now += 149 * MILLI;
	expect_none(search, now + MILLI);
	now += MILLI;
	expect(search, "dns", SX_OK, 30); /* looked at again soon, for RAINS may come back */
	ck_assert(!sx_search_is_over(search, now));
	now += SECOND;
	answer(&puppets[1], SX_OK, 600);
	expect(search, "rains", SX_OK, 600);
	ck_assert(sx_search_is_over(search, now));
	sx_search_free(search);
}
END_TEST

START_TEST(the_preferred_source_wins_within_its_time)
{
	struct sx_search *search = begin();

	answer(&puppets[2], SX_OK, 600);
	expect_none(search, now + 150 * MILLI);
	now += 100 * MILLI;
	answer(&puppets[1], SX_OK, 700);
	expect(search, "rains", SX_OK, 700);
	sx_search_free(search);
}
END_TEST

START_TEST(a_certain_no_of_the_preferred_source_does_not_stop_the_others)
{
	struct sx_search *search = begin();

	answer(&puppets[1], SX_ENOTFOUND, 60);
	expect_none(search, 3 * SECOND);
	answer(&puppets[2], SX_OK, 600);
	expect(search, "dns", SX_OK, 600);
	sx_search_free(search);
}
END_TEST

START_TEST(a_failure_of_the_preferred_source_lets_the_others_in_for_a_while)
{
	struct sx_search *search = begin();

	answer(&puppets[1], SX_ETIMEDOUT, 60);
	answer(&puppets[2], SX_OK, 600);
	expect(search, "dns", SX_OK, 30);
	sx_search_free(search);
}
END_TEST

START_TEST(nothing_is_certain_only_when_all_are)
{
	struct sx_search *search = begin();

	answer(&puppets[1], SX_ENOTFOUND, 100);
	answer(&puppets[2], SX_ENOTFOUND, 1000);
	expect(search, "", SX_ENOTFOUND, 60); /* hosts files, of all */
	sx_search_free(search);

	search = begin();
	answer(&puppets[1], SX_ENOTFOUND, 100);
	answer(&puppets[2], SX_ETIMEDOUT, 1000);
	expect(search, "", SX_ETIMEDOUT, 5);
	sx_search_free(search);
}
END_TEST

START_TEST(the_deadline_ends_it_and_the_reason_names_all)
{
	struct sx_search *search = begin();
	struct sx_buf *buf;

	answer(&puppets[1], SX_EPROTO, 100);
	now += 2 * SECOND;
	ck_assert(sx_search_is_over(search, now));
	ck_assert_int_eq(sx_search_decide(search, now, &buf), SX_OK);
	ck_assert_int_eq(sx_answer_of(buf)->status, SX_EPROTO);
	ck_assert_str_eq(sx_answer_of(buf)->reason,
		"hosts: hosts knows nothing; rains: rains knows nothing; dns: no answer in time");
	ck_assert_str_eq(sx_answer_of(buf)->trace, "hosts was asked\nrains was asked\n");
	sx_buf_unref(buf);
	sx_search_free(search);
}
END_TEST

static int begin_and_end(void *plan)
{
	struct sx_search *search;
	int rc = sx_search_new(&search, plan, now);

	if (rc == SX_OK) {
		sx_search_free(search);
	}
	return rc;
}

static int decide(void *search)
{
	struct sx_buf *buf;
	int rc = sx_search_decide(search, now, &buf);

	if (rc == SX_OK) {
		sx_buf_unref(buf);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_search_plan plan = plan_now();
	struct sx_search *search;

	ck_assert_uint_eq(sx_each_allocation_fails(begin_and_end, &plan), 1);
	search = begin();
	now += 2 * SECOND;
	ck_assert_uint_eq(sx_each_allocation_fails(decide, search), 3);
	sx_search_free(search);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("search");
	TCase *tcase = tcase_create("sources");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, who_answers_at_once_is_the_last_asked);
	tcase_add_loop_test(tcase, plain_quic_does_not_hide_the_way_over_scion, 0, 2);
	tcase_add_test(tcase, plain_quic_is_better_than_nothing);
	tcase_add_test(tcase, the_others_are_asked_side_by_side);
	tcase_add_test(tcase, a_later_source_waits_150_ms_for_the_preferred_one);
	tcase_add_test(tcase, the_preferred_source_wins_within_its_time);
	tcase_add_test(tcase, a_certain_no_of_the_preferred_source_does_not_stop_the_others);
	tcase_add_test(tcase, a_failure_of_the_preferred_source_lets_the_others_in_for_a_while);
	tcase_add_test(tcase, nothing_is_certain_only_when_all_are);
	tcase_add_test(tcase, the_deadline_ends_it_and_the_reason_names_all);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
