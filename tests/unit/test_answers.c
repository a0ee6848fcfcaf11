/* SPDX-License-Identifier: MIT */
/* Questions and answers by handle; the resolver knows a static map, and asks a DNS server that is never there. */
#include "alloc_fail.h"
#include "answers.h"
#include "base/live.h"
#include "tap.h"

#define KNOWN   "a.example.org"
#define UNKNOWN "b.example.org"

static struct sx_loop *loop;
static struct sx_answers answers;

static struct sx_resolver *open_resolver(void)
{
	const struct sx_resolver_config config = { .order = "static,dns",
		.cache_bytes = 65536,
		.statics = KNOWN " 1-ff00:0:111,10.0.0.1",
		.dns = "127.0.0.1:1" };
	struct sx_resolver *resolver;
	char problem[200];

	ck_assert_int_eq(sx_resolver_new(&resolver, loop, &config, problem, sizeof problem), SX_OK);
	return resolver;
}

static void start(void)
{
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	answers = (struct sx_answers){ .count = 0 };
	sx_answers_init(&answers);
	sx_answers_use(&answers, open_resolver());
}

static void stop(void)
{
	sx_answers_fini(&answers);
	sx_loop_free(loop);
	ck_assert_uint_eq(sx_live_count(), 0);
}

static int ask(const char *name, sx_handle *out)
{
	const struct sx_question question = { .size = sizeof question, .name = name, .udata = 7 };

	return sx_answers_ask(&answers, &question, sx_loop_now_ns(), out);
}

static void expect_event(sx_handle handle, int status)
{
	struct sx_event event;

	ck_assert_int_eq(sx_answers_next(&answers, &event), SX_OK);
	ck_assert_int_eq(event.kind, SX_EVENT_ANSWER);
	ck_assert_uint_eq(event.handle, handle);
	ck_assert_uint_eq(event.udata, 7);
	ck_assert_int_eq(event.status, status);
}

static void expect_no_event(void)
{
	struct sx_event event;

	ck_assert_int_eq(sx_answers_next(&answers, &event), SX_EAGAIN);
}

START_TEST(an_answer_stays_until_it_is_released)
{
	struct sx_reply *reply;
	sx_handle handle;

	start();
	ck_assert_int_eq(ask(KNOWN, &handle), SX_OK);
	expect_event(handle, SX_OK);
	expect_no_event();
	reply = sx_answers_find(&answers, handle);
	ck_assert_ptr_nonnull(reply);
	ck_assert_uint_eq(sx_answer_of(reply->answer)->target_count, 1);
	ck_assert_str_eq(reply->name, KNOWN);
	sx_answers_release(reply);
	ck_assert_ptr_null(sx_answers_find(&answers, handle));
	stop();
}
END_TEST

START_TEST(what_is_released_is_not_told)
{
	sx_handle handles[2];

	start();
	ck_assert_int_eq(ask(KNOWN, &handles[0]), SX_OK);
	ck_assert_int_eq(ask(UNKNOWN, &handles[1]), SX_OK);
	sx_answers_release(sx_answers_find(&answers, handles[0]));
	sx_answers_release(sx_answers_find(&answers, handles[1]));
	expect_no_event();
	stop();
}
END_TEST

START_TEST(with_another_resolver_questions_under_way_end)
{
	sx_handle handles[3];

	start();
	for (size_t i = 0; i < SX_COUNT(handles); i++) {
		ck_assert_int_eq(ask(UNKNOWN, &handles[i]), SX_OK);
	}
	sx_answers_use(&answers, open_resolver());
	for (size_t i = 0; i < SX_COUNT(handles); i++) {
		expect_event(handles[i], SX_ECLOSED);
	}
	expect_no_event();
	ck_assert_int_eq(ask(KNOWN, &handles[0]), SX_OK);
	expect_event(handles[0], SX_OK);
	stop();
}
END_TEST

START_TEST(what_cannot_be_asked_leaves_nothing_behind)
{
	sx_handle handle;

	start();
	ck_assert_int_eq(ask("", &handle), SX_EINVAL);
	ck_assert_int_eq(ask("a b", &handle), SX_EINVAL);
	ck_assert_uint_eq(answers.count, 0);
	sx_answers_use(&answers, NULL);
	ck_assert_int_eq(ask(KNOWN, &handle), SX_EINVAL);
	expect_no_event();
	stop();
}
END_TEST

START_TEST(answers_that_nobody_releases_are_bounded)
{
	sx_handle handle;
	size_t count = 0;

	start();
	while (count <= SX_ANSWERS_MOST && ask(KNOWN, &handle) == SX_OK) {
		count++;
	}
	ck_assert_uint_eq(count, SX_ANSWERS_MOST);
	ck_assert_int_eq(ask(KNOWN, &handle), SX_ELIMIT);
	stop();
}
END_TEST

static int ask_and_release(void *name)
{
	sx_handle handle;
	int rc = ask(name, &handle);

	if (rc == SX_OK) {
		rc = sx_answers_find(&answers, handle)->status;
		sx_answers_release(sx_answers_find(&answers, handle));
	}
	return rc == SX_EAGAIN ? SX_OK : rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	char name[] = KNOWN;

	start();
	ck_assert_uint_gt(sx_each_allocation_fails(ask_and_release, name), 2);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("answers");
	TCase *tcase = tcase_create("answers");

	tcase_add_test(tcase, an_answer_stays_until_it_is_released);
	tcase_add_test(tcase, what_is_released_is_not_told);
	tcase_add_test(tcase, with_another_resolver_questions_under_way_end);
	tcase_add_test(tcase, what_cannot_be_asked_leaves_nothing_behind);
	tcase_add_test(tcase, answers_that_nobody_releases_are_bounded);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
