/* SPDX-License-Identifier: MIT */
/* Questions about the same, which go out once. */
#include "rains_asks.h"
#include "tap.h"

#define EQUALS 4

/* Questions about the same, with so much patience each. */
static void begin_equals(struct ask *asks, const uint64_t *patience_ns)
{
	for (size_t i = 0; i < EQUALS; i++) {
		(void)snprintf(asks[i].name, sizeof asks[i].name, "same.example.org.");
		ck_assert_int_eq(
			begin(&asks[i], patience_ns ? patience_ns[i] : 2 * SECONDS), SX_OK);
	}
}

static unsigned asked_of_all(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < SERVERS; i++) {
		count += net.servers[i].asked;
	}
	return count;
}

START_TEST(equal_questions_go_out_once)
{
	struct ask asks[EQUALS] = { 0 };

	start();
	net.servers[0].answer = reply_nothing;
	begin_equals(asks, NULL);
	net_settle();
	for (size_t i = 0; i < EQUALS; i++) {
		ck_assert_uint_eq(asks[i].received, 1);
	}
	ck_assert_uint_eq(asked_of_all(), 1);
	stop();
}
END_TEST

START_TEST(questions_that_differ_are_asked_each)
{
	static const int64_t other = SX_RAINS_CERT;
	struct ask asks[2] = { { .name = "same.example.org." }, { .name = "same.example.org." } };
	struct sx_rains_call *call = &asks[1].call;

	start();
	must_begin(&asks[0]);
	must_begin(&asks[1]);
	sx_rains_client_cancel(client, call);
	net_settle();
	ck_assert_uint_eq(asked_of_all(), 1);
	switch (_i) {
	case 0:
		call->question.types = &other;
		break;
	case 1:
		call->question.context = sx_bytes_text("cx-lab.");
		break;
	case 2:
		call->question.phase = 1;
		break;
	default:
		call->scion_only = true;
		break;
	}
	ck_assert_int_eq(sx_rains_client_call(client, call, sx_loop_now_ns()), SX_OK);
	net_settle();
	ck_assert_uint_eq(asked_of_all(), 2);
	sx_rains_client_cancel(client, &asks[0].call);
	sx_rains_client_cancel(client, call);
	stop();
}
END_TEST

/* The one that asks is cancelled, before the answer comes; so is the next, and one that only waits. */
START_TEST(whoever_is_left_gets_the_answer)
{
	struct ask asks[EQUALS] = { 0 };

	start();
	begin_equals(asks, NULL);
	net_until(&net.servers[0].asked, 1);
	for (size_t i = 0; i < 2; i++) {
		sx_rains_client_cancel(client, &asks[i].call);
	}
	sx_rains_client_cancel(client, &asks[3].call);
	reply(&net.servers[0], NULL, 0);
	net_until(&asks[2].over, 1);
	ck_assert_uint_eq(asked_of_all(), 1);
	ck_assert_uint_eq(asks[0].over + asks[1].over + asks[3].over, 0);
	stop();
}
END_TEST

START_TEST(deadlines_are_kept_each)
{
	static const uint64_t patience_ns[EQUALS] = { 550 * MS, 2 * SECONDS, 50 * MS, 300 * MS };
	struct ask asks[EQUALS] = { 0 };

	start();
	begin_equals(asks, patience_ns);
	net_until(&net.servers[0].asked, 1);
	clock_advance(60 * MS);
	net_until(&asks[2].over, 1);
	ck_assert_uint_eq(asks[3].over, 0);
	clock_advance(250 * MS);
	net_until(&asks[3].over, 1);
	ck_assert_uint_eq(asks[0].over, 0);
	clock_advance(250 * MS);
	net_until(&asks[0].over, 1); /* which was the one that asked */
	ck_assert_int_eq(asks[0].status, SX_ETIMEDOUT);
	ck_assert(strncmp(asks[0].reason, "no answer from [", 16) == 0);
	ck_assert_str_eq(asks[2].reason, asks[0].reason);
	clock_advance(300 * MS);
	net_until(&net.servers[1].asked, 1);
	reply(&net.servers[0], NULL, 0);
	net_until(&asks[1].over, 1);
	ck_assert_uint_eq(asks[1].received, 1);
	ck_assert_uint_eq(asked_of_all(), 2);
	stop();
}
END_TEST

START_TEST(a_failure_is_shared)
{
	struct ask asks[EQUALS] = { 0 };

	start();
	for (size_t i = 0; i < SERVERS; i++) {
		net.servers[i].answer = reply_refusal;
	}
	begin_equals(asks, NULL);
	net_settle();
	for (size_t i = 0; i < EQUALS; i++) {
		ck_assert_uint_eq(asks[i].failed, 1);
		ck_assert_int_eq(asks[i].status, SX_EUNREACH);
		ck_assert_ptr_nonnull(strstr(asks[i].reason, " says 404"));
	}
	ck_assert_uint_eq(asked_of_all(), SERVERS);
	stop();
}
END_TEST

/* The first cancels the second once it has heard, the third the fourth: with an answer, and with a failure. */
START_TEST(a_callback_may_cancel_who_waits_for_the_same)
{
	struct ask asks[EQUALS] = { 0 };

	start();
	for (size_t i = 0; i < SERVERS; i++) {
		net.servers[i].answer = _i == 0 ? reply_nothing : reply_refusal;
	}
	asks[0].cancels = &asks[1];
	asks[2].cancels = &asks[3];
	begin_equals(asks, NULL);
	net_settle();
	ck_assert_uint_eq(asks[0].over, 1);
	ck_assert_uint_eq(asks[1].over, 0);
	ck_assert_uint_eq(asks[2].over, 1);
	ck_assert_uint_eq(asks[3].over, 0);
	stop();
}
END_TEST

/* Two of four are not content; the next server is asked once for both, and so on. */
START_TEST(retries_stay_together)
{
	struct ask asks[EQUALS] = { 0 };

	start();
	for (size_t i = 0; i < SERVERS; i++) {
		net.servers[i].answer = reply_nothing;
	}
	asks[1].wants_more = true;
	asks[3].wants_more = true;
	begin_equals(asks, NULL);
	net_settle();
	for (size_t i = 0; i < EQUALS; i++) {
		ck_assert_uint_eq(asks[i].received, asks[i].wants_more ? SERVERS : 1);
		ck_assert_uint_eq(asks[i].over, 1);
		ck_assert_int_eq(asks[i].status, asks[i].wants_more ? SX_EUNREACH : SX_OK);
	}
	ck_assert_uint_eq(asked_of_all(), SERVERS);
	stop();
}
END_TEST

/* A question that begins when an equal one has got as far as the second server follows that one. */
START_TEST(a_latecomer_follows)
{
	struct ask asks[2] = { { .name = "same.example.org.", .wants_more = true },
		{ .name = "same.example.org." } };

	start();
	net.servers[0].answer = reply_nothing;
	must_begin(&asks[0]);
	net_until(&net.servers[1].asked, 1);
	must_begin(&asks[1]);
	net_settle();
	ck_assert_uint_eq(asked_of_all(), 2);
	reply(&net.servers[1], NULL, 0);
	net_until(&asks[1].over, 1);
	ck_assert_uint_eq(asks[0].received, 2);
	sx_rains_client_cancel(client, &asks[0].call);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_client_shared");
	TCase *tcase = tcase_create("shared");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, equal_questions_go_out_once);
	tcase_add_loop_test(tcase, questions_that_differ_are_asked_each, 0, 4);
	tcase_add_test(tcase, whoever_is_left_gets_the_answer);
	tcase_add_test(tcase, deadlines_are_kept_each);
	tcase_add_test(tcase, a_failure_is_shared);
	tcase_add_loop_test(tcase, a_callback_may_cancel_who_waits_for_the_same, 0, 2);
	tcase_add_test(tcase, retries_stay_together);
	tcase_add_test(tcase, a_latecomer_follows);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
