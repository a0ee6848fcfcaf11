/* SPDX-License-Identifier: MIT */
/* Who is asked, for how long, and whose answer is whose. */
#include "alloc_fail.h"
#include "rains_asks.h"
#include "tap.h"

static char lines[4096];

START_TEST(an_answer_is_handed_to_its_question)
{
	struct ask asks[2] = { 0 };

	start();
	net.servers[0].answer = reply_nothing;
	must_begin(&asks[0]);
	must_begin(&asks[1]);
	net_until(&asks[0].over, 1);
	net_until(&asks[1].over, 1);
	ck_assert_uint_eq(asks[0].received + asks[1].received, 2);
	ck_assert(strncmp(asks[0].server, "[1-ff00:0:112,127.0.0.2]:", 25) == 0);
	ck_assert_uint_eq(net.servers[1].asked, 0);
	stop();
}
END_TEST

static void reply_to_another(struct name_server *server, const struct sx_rains_section *query)
{
	server->token[0] ^= 1;
	reply_nothing(server, query);
}

static void reply_garbage(struct name_server *server, const struct sx_rains_section *query)
{
	(void)query;
	reply_bytes(server, sx_bytes_text("no CBOR"));
}

static void reply_refusal_of_another(
	struct name_server *server, const struct sx_rains_section *query)
{
	(void)query;
	server->token[0] ^= 1;
	note(server, SX_RAINS_NOTE_NO_ASSERTION);
}

static void reply_heartbeat(struct name_server *server, const struct sx_rains_section *query)
{
	(void)query;
	note(server, SX_RAINS_NOTE_HEARTBEAT);
}

static const struct {
	void (*answer)(struct name_server *server, const struct sx_rains_section *query);
	bool at_once; /* the next server is asked, not only after a while */
} useless[] = {
	{ NULL, false },
	{ reply_to_another, false },
	{ reply_garbage, false },
	{ reply_refusal_of_another, false },
	{ reply_heartbeat, false },
	{ reply_refusal, true },
};

START_TEST(the_next_server_is_asked_when_one_is_of_no_use)
{
	struct ask ask = { 0 };

	start();
	net.servers[0].answer = useless[_i].answer;
	net.servers[1].answer = reply_nothing;
	must_begin(&ask);
	net_settle();
	ck_assert_uint_eq(net.servers[0].asked, 1);
	ck_assert_uint_eq(ask.over, useless[_i].at_once);
	clock_advance(800 * MS);
	net_until(&ask.over, 1);
	ck_assert_uint_eq(ask.received, 1);
	ck_assert_uint_eq(net.servers[1].asked, 1);
	ck_assert_uint_eq(net.servers[2].asked, 0);
	stop();
}
END_TEST

START_TEST(a_late_answer_still_counts)
{
	struct ask ask = { 0 };

	start();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, 1);
	reply(&net.servers[0], NULL, 0);
	net_until(&ask.over, 1);
	ck_assert(strncmp(ask.server, "[1-ff00:0:112,127.0.0.2]:", 25) == 0);
	reply(&net.servers[1], NULL, 0); /* nobody waits for this one */
	net_settle();
	ck_assert_uint_eq(ask.received, 1);
	stop();
}
END_TEST

START_TEST(silence_of_all_ends_at_the_deadline)
{
	struct ask ask = { 0 };

	start();
	must_begin(&ask);
	for (size_t i = 0; i < 2; i++) {
		net_until(&net.servers[i].asked, 1);
		clock_advance(800 * MS);
	}
	net_until(&net.servers[2].asked, 1);
	ck_assert_uint_eq(ask.over, 0);
	clock_advance(400 * MS);
	net_until(&ask.over, 1);
	ck_assert_int_eq(ask.status, SX_ETIMEDOUT);
	ck_assert(strncmp(ask.reason, "no answer from [", 16) == 0);
	stop();
}
END_TEST

/* The only server, and the question or its answer gets lost. */
static void start_alone(void)
{
	start();
	sx_rains_client_free(client);
	*(strchr(net.lines, '\n') + 1) = '\0';
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop,
				 &(struct sx_rains_client_config){
					 .servers = net.lines, .scion = &net.scion },
				 &(struct sx_rains_reason){ "" }),
		SX_OK);
}

START_TEST(what_may_be_lost_is_sent_once_more)
{
	struct ask ask = { 0 };

	start_alone();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[0].asked, 2);
	if (_i == 0) {
		clock_advance(800 * MS);
		net_settle();
		ck_assert_uint_eq(net.servers[0].asked, 2);
		clock_advance(400 * MS);
		net_until(&ask.over, 1);
		ck_assert_int_eq(ask.status, SX_ETIMEDOUT);
	} else {
		reply(&net.servers[0], NULL, 0);
		reply(&net.servers[0], NULL, 0); /* to both */
		net_until(&ask.over, 1);
		net_settle();
		ck_assert_uint_eq(ask.received, 1);
	}
	stop();
}
END_TEST

/* It answers others: it is there, and silent about this one. */
START_TEST(what_was_not_lost_is_not_sent_again)
{
	struct ask ask = { 0 }, other = { 0 };

	start_alone();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	net.servers[0].answer = reply_nothing;
	must_begin(&other);
	net_until(&other.over, 1);
	net.servers[0].answer = NULL;
	clock_advance(800 * MS);
	net_settle();
	ck_assert_uint_eq(net.servers[0].asked, 2);
	sx_rains_client_cancel(client, &ask.call);
	stop();
}
END_TEST

START_TEST(who_answered_after_all_is_not_asked_again)
{
	struct ask ask = { .wants_more = true };

	start();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, 1);
	reply(&net.servers[0], NULL, 0);
	net_until(&net.servers[2].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[2].asked, 2);
	ck_assert_uint_eq(net.servers[0].asked, 1);
	sx_rains_client_cancel(client, &ask.call);
	stop();
}
END_TEST

/* The answer of the first does not do; the second has been asked meanwhile, and may still answer. */
START_TEST(who_answered_is_not_waited_for_again)
{
	struct ask ask = { .wants_more = true };

	start();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, 1);
	reply(&net.servers[0], NULL, 0);
	net_until(&net.servers[2].asked, 1);
	reply(&net.servers[2], NULL, 0);
	net_until(&ask.received, 2);
	ck_assert_uint_eq(ask.over, 0);
	reply(&net.servers[1], NULL, 0);
	net_until(&ask.over, 1); /* nobody is left */
	ck_assert_int_eq(ask.status, SX_EUNREACH);
	stop();
}
END_TEST

/* The first says no, late: that is no reason to take the second, asked just now, for silent. */
START_TEST(a_late_refusal_does_not_hurry_the_next_server)
{
	struct ask ask = { 0 };

	start();
	must_begin(&ask);
	net_until(&net.servers[0].asked, 1);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, 1);
	note(&net.servers[0], SX_RAINS_NOTE_NO_ASSERTION);
	net_settle();
	ck_assert_uint_eq(net.servers[2].asked, 0);
	reply(&net.servers[1], NULL, 0);
	net_until(&ask.over, 1);
	stop();
}
END_TEST

/* `count` questions at once, which the first server does not answer. */
static void be_silent(struct ask *asks, unsigned count)
{
	unsigned before = net.servers[0].asked, others = net.servers[1].asked;

	for (unsigned i = 0; i < count; i++) {
		asks[i] = (struct ask){ 0 };
		must_begin(&asks[i]);
	}
	net_until(&net.servers[0].asked, before + count);
	clock_advance(800 * MS);
	net_until(&net.servers[1].asked, others + count);
	for (unsigned i = 0; i < count; i++) {
		net_until(&asks[i].over, 1);
	}
}

/* Whether the first server would be asked. */
static bool is_asked(void)
{
	unsigned before = net.servers[0].asked;
	struct ask ask = { 0 };

	must_begin(&ask);
	net_settle();
	if (!ask.over) {
		sx_rains_client_cancel(client, &ask.call);
	}
	return net.servers[0].asked > before;
}

START_TEST(three_silences_make_a_pause_that_doubles)
{
	static const unsigned pauses[] = { 2, 4, 8, 16, 32, 60, 60 };
	struct ask asks[20];

	start();
	net.servers[1].answer = reply_nothing;
	be_silent(asks, 2);
	ck_assert(is_asked());
	be_silent(asks, 1);
	for (size_t i = 0; i < SX_COUNT(pauses); i++) {
		ck_assert(!is_asked());
		clock_advance(pauses[i] * SECONDS - 500 * MS);
		ck_assert(!is_asked());
		clock_advance(500 * MS);
		be_silent(asks, SX_COUNT(asks)); /* all at once is one failure */
	}
	sx_rains_client_flush(client);
	ck_assert(is_asked());
	stop();
}
END_TEST

/* Who waits for 150 ms only knows nothing about the server. */
START_TEST(short_patience_blames_nobody)
{
	struct ask asks[5] = { 0 };

	start();
	for (size_t i = 0; i < SX_COUNT(asks); i++) {
		ck_assert_int_eq(begin(&asks[i], 150 * MS), SX_OK);
	}
	net_until(&net.servers[0].asked, SX_COUNT(asks));
	clock_advance(150 * MS);
	for (size_t i = 0; i < SX_COUNT(asks); i++) {
		net_until(&asks[i].over, 1);
		ck_assert(strncmp(asks[i].reason, "no answer from [", 16) == 0);
	}
	ck_assert(is_asked());
	stop();
}
END_TEST

START_TEST(silence_about_one_name_is_forgiven_when_others_are_answered)
{
	struct ask asks[10] = { 0 }, other = { 0 };

	start();
	net.servers[1].answer = reply_nothing;
	for (size_t i = 0; i < SX_COUNT(asks); i++) {
		must_begin(&asks[i]);
	}
	net_until(&net.servers[0].asked, SX_COUNT(asks));
	net.servers[0].answer = reply_nothing;
	must_begin(&other);
	net_until(&other.over, 1);
	net.servers[0].answer = NULL;
	clock_advance(800 * MS);
	for (size_t i = 0; i < SX_COUNT(asks); i++) {
		net_until(&asks[i].over, 1);
	}
	ck_assert(is_asked());
	stop();
}
END_TEST

START_TEST(a_callback_may_cancel_other_questions)
{
	struct ask asks[3] = { 0 };

	start();
	net.servers[0].answer = _i == 0 ? reply_nothing : NULL;
	asks[0].cancels = &asks[1];
	for (size_t i = 0; i < SX_COUNT(asks); i++) {
		must_begin(&asks[i]);
	}
	if (_i > 0) {
		net_settle();
		clock_advance(2 * SECONDS);
	}
	net_until(&asks[0].over, 1);
	net_until(&asks[2].over, 1);
	net_settle();
	ck_assert_uint_eq(asks[1].over, 0);
	stop();
}
END_TEST

START_TEST(questions_at_once_are_bounded)
{
	static struct ask asks[513];
	size_t count = 0;

	start();
	while (count < SX_COUNT(asks) && begin(&asks[count], SECONDS) == SX_OK) {
		count++;
	}
	ck_assert_uint_eq(count, 512);
	ck_assert_str_eq(asks[512].call.reason, "too many questions at once");
	for (size_t i = 0; i < count; i++) {
		sx_rains_client_cancel(client, &asks[i].call);
	}
	stop();
}
END_TEST

static int open_and_free(void *arg)
{
	struct sx_rains_client_config config = { .servers = arg, .scion = &net.scion };
	struct sx_rains_reason reason;
	struct sx_rains_client *made;
	int rc = sx_rains_client_new(&made, net.loop, &config, &reason);

	if (rc == SX_OK) {
		sx_rains_client_free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	net_begin();
	(void)snprintf(lines, sizeof lines, "127.0.0.1:1\n%s", net.lines);
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_free, lines), 10);
	net_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_client");
	TCase *tcase = tcase_create("calls");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_answer_is_handed_to_its_question);
	tcase_add_loop_test(
		tcase, the_next_server_is_asked_when_one_is_of_no_use, 0, SX_COUNT(useless));
	tcase_add_test(tcase, a_late_answer_still_counts);
	tcase_add_test(tcase, silence_of_all_ends_at_the_deadline);
	tcase_add_loop_test(tcase, what_may_be_lost_is_sent_once_more, 0, 2);
	tcase_add_test(tcase, what_was_not_lost_is_not_sent_again);
	tcase_add_test(tcase, who_answered_after_all_is_not_asked_again);
	tcase_add_test(tcase, who_answered_is_not_waited_for_again);
	tcase_add_test(tcase, a_late_refusal_does_not_hurry_the_next_server);
	tcase_add_test(tcase, three_silences_make_a_pause_that_doubles);
	tcase_add_test(tcase, short_patience_blames_nobody);
	tcase_add_test(tcase, silence_about_one_name_is_forgiven_when_others_are_answered);
	tcase_add_loop_test(tcase, a_callback_may_cancel_other_questions, 0, 2);
	tcase_add_test(tcase, questions_at_once_are_bounded);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
