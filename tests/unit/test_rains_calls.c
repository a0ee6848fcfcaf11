/* SPDX-License-Identifier: MIT */
/* Who asks, who follows, and what is due. */
#include "alloc_fail.h"
#include "rains/calls.h"
#include "tap.h"

static const int64_t type = 14;
static struct sx_rains_calls calls;

/* A call about a name, of which these servers have been asked, and these may still answer. */
static struct sx_rains_call call_about(
	const char *name, uint8_t token, uint32_t tried, uint32_t open)
{
	return (struct sx_rains_call){ .question = { .name = sx_bytes_text(name),
					       .context = sx_bytes_text("."),
					       .types = &type,
					       .type_count = 1 },
		.token = { token },
		.tried = tried,
		.open = open,
		.attempt_ns = 100,
		.deadline_ns = 1000 };
}

static struct sx_rains_call *find(uint8_t token)
{
	const uint8_t bytes[SX_RAINS_TOKEN_BYTES] = { token };

	return sx_rains_calls_find(&calls, sx_bytes_of(bytes, sizeof bytes));
}

/* Whom the second call follows, by what it and the first have asked. */
static const struct {
	uint32_t tried, open;             /* of the first */
	uint32_t later_tried, later_open; /* of the second */
	bool follows;
} meetings[] = {
	{ 1, 1, 0, 0, true },
	{ 1, 0, 0, 0, false }, /* nobody will answer */
	{ 1, 1, 1, 0, false }, /* whose answer was of no use */
	{ 1, 1, 1, 1, true },  /* who may still answer both */
	{ 3, 3, 1, 0, true },  /* the second server may */
	{ 3, 1, 1, 0, false },
};

START_TEST(only_who_may_hear_more_is_followed)
{
	struct sx_rains_call first = call_about("a.", 1, meetings[_i].tried, meetings[_i].open);
	struct sx_rains_call second =
		call_about("a.", 2, meetings[_i].later_tried, meetings[_i].later_open);

	ck_assert_int_eq(sx_rains_calls_init(&calls), SX_OK);
	sx_rains_calls_lead(&calls, &first);
	ck_assert(sx_rains_calls_follow(&calls, &second) == meetings[_i].follows);
	ck_assert(sx_rains_calls_is_shared(&calls, &first) == meetings[_i].follows);
	ck_assert_uint_eq(calls.count, meetings[_i].follows ? 2 : 1);
	sx_rains_calls_fini(&calls);
}
END_TEST

START_TEST(the_first_follower_leads_on)
{
	struct sx_rains_call leader = call_about("a.", 1, 1, 1);
	struct sx_rains_call others[2] = { call_about("a.", 2, 0, 0), call_about("a.", 3, 0, 0) };

	ck_assert_int_eq(sx_rains_calls_init(&calls), SX_OK);
	sx_rains_calls_lead(&calls, &leader);
	ck_assert(sx_rains_calls_follow(&calls, &others[0]));
	ck_assert(sx_rains_calls_follow(&calls, &others[1]));
	ck_assert_ptr_null(find(2));
	sx_rains_calls_remove(&calls, &leader);
	ck_assert_ptr_eq(find(1), &others[0]);
	ck_assert_uint_eq(others[0].open, 1);
	ck_assert_uint_eq(others[0].attempt_ns, 100);
	ck_assert(sx_rains_calls_is_shared(&calls, &others[1]));
	sx_rains_calls_remove(&calls, &others[0]);
	ck_assert_ptr_eq(find(1), &others[1]);
	ck_assert(!sx_rains_calls_is_shared(&calls, &others[1]));
	sx_rains_calls_remove(&calls, &others[1]);
	ck_assert_ptr_null(find(1));
	ck_assert_uint_eq(calls.count, 0);
	sx_rains_calls_fini(&calls);
}
END_TEST

START_TEST(a_group_is_taken_out_whole)
{
	struct sx_rains_call leader = call_about("a.", 1, 1, 0);
	struct sx_rains_call follower = call_about("a.", 2, 0, 0);
	struct sx_rains_call cancelled = call_about("a.", 3, 0, 0);
	struct sx_rains_call stranger = call_about("b.", 4, 1, 1);
	struct sx_list group;

	ck_assert_int_eq(sx_rains_calls_init(&calls), SX_OK);
	sx_list_init(&group);
	leader.open = 1;
	sx_rains_calls_lead(&calls, &leader);
	sx_rains_calls_lead(&calls, &stranger);
	ck_assert(sx_rains_calls_follow(&calls, &cancelled));
	ck_assert(sx_rains_calls_follow(&calls, &follower));
	sx_rains_calls_take(&calls, &leader, &group);
	ck_assert_ptr_null(find(1));
	ck_assert(!sx_rains_calls_follow(
		&calls, &(struct sx_rains_call){ .question = leader.question }));
	ck_assert_ptr_eq(sx_rains_calls_next(&calls, &group), &leader);
	sx_rains_calls_remove(&calls, &cancelled);
	ck_assert_ptr_eq(sx_rains_calls_next(&calls, &group), &follower);
	ck_assert_uint_eq(follower.tried, 1);
	ck_assert_ptr_null(sx_rains_calls_next(&calls, &group));
	ck_assert_ptr_eq(find(4), &stranger);
	ck_assert_uint_eq(calls.count, 1);
	sx_rains_calls_fini(&calls);
}
END_TEST

START_TEST(who_listens_asks_nobody_and_leads_nobody)
{
	struct sx_rains_call listener = call_about("a.", 1, 3, 2);
	struct sx_rains_call twin = call_about("a.", 1, 3, 2); /* of the same group */
	struct sx_rains_call deaf = call_about("a.", 2, 3, 0);
	struct sx_rains_call fresh = call_about("a.", 3, 0, 0);

	ck_assert_int_eq(sx_rains_calls_init(&calls), SX_OK);
	ck_assert(!sx_rains_calls_listen(&calls, &deaf));
	ck_assert(sx_rains_calls_listen(&calls, &listener));
	ck_assert_uint_eq(sx_rains_calls_deadline(&calls), 1000);
	ck_assert(!sx_rains_calls_follow(&calls, &fresh));
	ck_assert(sx_rains_calls_listen(&calls, &twin));
	sx_rains_calls_remove(&calls, &listener);
	ck_assert_ptr_eq(find(1), &twin);
	ck_assert(!sx_rains_calls_follow(&calls, &fresh));
	sx_rains_calls_remove(&calls, &twin);
	sx_rains_calls_lead(&calls, &listener); /* and now it asks */
	ck_assert(sx_rains_calls_follow(&calls, &fresh));
	sx_rains_calls_fini(&calls);
}
END_TEST

START_TEST(what_is_due_first_is_found)
{
	struct sx_rains_call first = call_about("a.", 1, 1, 1);
	struct sx_rains_call second = call_about("b.", 2, 1, 1);

	ck_assert_int_eq(sx_rains_calls_init(&calls), SX_OK);
	ck_assert_uint_eq(sx_rains_calls_deadline(&calls), SX_NEVER);
	second.deadline_ns = 50;
	sx_rains_calls_lead(&calls, &first);
	sx_rains_calls_lead(&calls, &second);
	ck_assert_uint_eq(sx_rains_calls_deadline(&calls), 50);
	ck_assert_ptr_null(sx_rains_calls_due(&calls, 49));
	ck_assert_ptr_eq(sx_rains_calls_due(&calls, 50), &second);
	sx_rains_calls_remove(&calls, &second);
	ck_assert_uint_eq(sx_rains_calls_deadline(&calls), 100);
	sx_rains_calls_fini(&calls);
}
END_TEST

static int init_and_fini(void *arg)
{
	int rc = sx_rains_calls_init(&calls);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_calls_fini(&calls);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	ck_assert_uint_ge(sx_each_allocation_fails(init_and_fini, NULL), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_calls");
	TCase *tcase = tcase_create("calls");

	tcase_add_loop_test(tcase, only_who_may_hear_more_is_followed, 0, SX_COUNT(meetings));
	tcase_add_test(tcase, the_first_follower_leads_on);
	tcase_add_test(tcase, a_group_is_taken_out_whole);
	tcase_add_test(tcase, who_listens_asks_nobody_and_leads_nobody);
	tcase_add_test(tcase, what_is_due_first_is_found);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
