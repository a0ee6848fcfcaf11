/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "dns/dns.h"
#include "dns_server.h"
#include "tap.h"

#define MS 1000000U
struct heard {
	unsigned calls;
	int status;
	bool name_exists;
	uint32_t ttl_s;
	size_t count;
	size_t len;
	char first[32]; /* bytes of the first record */
	char reason[80];
};

static struct sx_loop *loop;
static struct sx_dns *dns;
static struct heard heard;

/* Serves and runs the loop until `calls` answers have been heard, ten seconds at most. */
static void run_until(unsigned calls)
{
	uint64_t limit_ns = sx_loop_now_ns() + 10000ULL * MS;

	while (heard.calls < calls && sx_loop_now_ns() < limit_ns) {
		struct pollfd fds[] = {
			{ .fd = sx_loop_fd(loop), .events = POLLIN },
			{ .fd = server.udp, .events = POLLIN },
			{ .fd = server.listener, .events = POLLIN },
		};

		ck_assert_int_ge(poll(fds, SX_COUNT(fds), 10000), 0);
		if (fds[0].revents) {
			sx_loop_run(loop, 0);
		}
		if (fds[1].revents) {
			dns_server_serve_udp();
		}
		if (fds[2].revents) {
			dns_server_serve_tcp();
		}
	}
	ck_assert_uint_eq(heard.calls, calls);
}

static void hear(void *arg, const struct sx_dns_answer *answer)
{
	struct heard *out = arg;

	out->calls++;
	out->status = answer->status;
	out->name_exists = answer->name_exists;
	out->ttl_s = answer->ttl_s;
	out->count = answer->count;
	out->len = answer->count > 0 ? answer->records[0].data.len : 0;
	if (out->len > 0) {
		memcpy(out->first, answer->records[0].data.data,
			out->len < sizeof out->first ? out->len : sizeof out->first);
	}
	(void)snprintf(out->reason, sizeof out->reason, "%s", answer->reason ? answer->reason : "");
}

static struct sx_dns_question *ask(const char *name, enum sx_dns_type type, unsigned wait_ms)
{
	struct sx_dns_request request = {
		.name = name,
		.type = type,
		.deadline_ns = sx_loop_now_ns() + (uint64_t)wait_ms * MS,
		.done = hear,
		.arg = &heard,
	};
	struct sx_dns_question *question;

	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_OK);
	return question;
}

static void open_client(const char *servers, size_t questions_most)
{
	struct sx_dns_config config = { .servers = servers, .questions_most = questions_most };

	heard = (struct heard){ 0 };
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_dns_new(&dns, loop, &config), SX_OK);
}

static void close_client(void)
{
	sx_dns_free(dns);
	sx_loop_free(loop);
}

static void start(enum dns_behaviour behaviour)
{
	dns_server_open(behaviour);
	open_client(server.address, 0);
}

static void stop(void)
{
	close_client();
	dns_server_close();
}

static const struct {
	enum sx_dns_type type;
	const char *first;
	size_t len;
} types[] = {
	{ SX_DNS_A, "\x0a\0\0\1", 4 },
	{ SX_DNS_AAAA, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
	{ SX_DNS_TXT, "hello", 5 },
	{ SX_DNS_SRV, "x", 1 },
};

START_TEST(each_type_is_answered_with_its_ttl)
{
	start(ANSWER);
	(void)ask("a.example.org", types[_i].type, 5000);
	run_until(1);
	ck_assert_int_eq(heard.status, SX_OK);
	ck_assert_uint_eq(heard.count, 1);
	ck_assert_uint_eq(heard.ttl_s, 77);
	ck_assert(sx_bytes_equal(
		sx_bytes_of(heard.first, heard.len), sx_bytes_of(types[_i].first, types[_i].len)));
	stop();
}
END_TEST

static const struct {
	enum dns_behaviour behaviour;
	int status;
	const char *reason; /* NULL: depends on the version of c-ares */
} outcomes[] = {
	{ SECOND_TIME, SX_OK, "" },
	{ WRONG_ID, SX_OK, "" },
	{ WRONG_PORT, SX_OK, "" },
	{ NO_NAME, SX_ENOTFOUND, "no such name in DNS" },
	{ SERVER_FAILURE, SX_EREFUSED, NULL },
	{ REFUSAL, SX_EREFUSED, NULL },
};

START_TEST(a_bad_server_costs_no_more_than_the_answer)
{
	start(outcomes[_i].behaviour);
	(void)ask("a.example.org", SX_DNS_TXT, 5000);
	run_until(1);
	ck_assert_int_eq(heard.status, outcomes[_i].status);
	if (outcomes[_i].reason) {
		ck_assert_str_eq(heard.reason, outcomes[_i].reason);
	} else {
		ck_assert_str_ne(heard.reason, "");
	}
	if (outcomes[_i].status == SX_OK) {
		ck_assert(sx_bytes_equal(
			sx_bytes_of(heard.first, heard.len), sx_bytes_text("hello")));
	}
	stop();
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
	uint64_t before_ns = sx_loop_now_ns();

	start(SILENCE);
	(void)ask("a.example.org", SX_DNS_TXT, 60);
	(void)ask("b.example.org", SX_DNS_TXT, 30);
	run_until(2);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	ck_assert_str_eq(heard.reason, "no DNS server answered in time");
	ck_assert_uint_ge(sx_loop_now_ns() - before_ns, 60U * MS);
	ck_assert_uint_eq(server.questions, 2); /* not even a second try */
	stop();
}
END_TEST

START_TEST(no_server_at_all_is_told)
{
	start(ANSWER);
	(void)close(server.udp);
	server.udp = -1;
	(void)ask("a.example.org", SX_DNS_TXT, 5000);
	run_until(1);
	ck_assert_int_eq(heard.status, SX_EREFUSED);
	ck_assert_str_eq(heard.reason, "no DNS server is there, or all failed or refused");
	stop();
}
END_TEST

START_TEST(a_truncated_answer_comes_over_tcp)
{
	start(TRUNCATION);
	(void)ask("a.example.org", SX_DNS_TXT, 5000);
	run_until(1);
	ck_assert_int_eq(heard.status, SX_OK);
	ck_assert_uint_eq(heard.len, LARGE_BYTES - LARGE_BYTES / 100);
	stop();
}
END_TEST

START_TEST(a_cut_tcp_connection_is_a_failure_without_a_signal)
{
	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	start(TRUNCATION_CUT);
	(void)ask("a.example.org", SX_DNS_TXT, 300);
	run_until(1);
	ck_assert_int_lt(heard.status, 0);
	stop();
}
END_TEST

START_TEST(a_cancelled_question_is_not_answered)
{
	struct sx_dns_question *question;

	start(ANSWER);
	question = ask("a.example.org", SX_DNS_TXT, 5000);
	(void)ask("b.example.org", SX_DNS_TXT, 5000);
	sx_dns_cancel(question);
	sx_dns_cancel(NULL);
	run_until(1);
	question = ask("a.example.org", SX_DNS_TXT, 5000);
	sx_dns_cancel(question); /* the last: c-ares is told to stop */
	sx_loop_run(loop, 0);
	ck_assert_uint_eq(heard.calls, 1);
	stop();
}
END_TEST

static void cancel_another(void *arg, const struct sx_dns_answer *answer)
{
	(void)answer;
	sx_dns_cancel(*(struct sx_dns_question **)arg);
}

START_TEST(a_cancel_in_an_answer_leaves_the_others_alone)
{
	struct sx_dns_question *other, *question;
	struct sx_dns_request request = {
		.name = "a.example.org",
		.type = SX_DNS_A,
		.done = cancel_another,
		.arg = &other,
	};

	start(SILENCE);
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_OK);
	other = ask("b.example.org", SX_DNS_A, 5000);
	(void)ask("c.example.org", SX_DNS_A, 0); /* over at the same time as the first */
	run_until(1);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	stop();
}
END_TEST

START_TEST(a_client_goes_with_questions_under_way)
{
	start(SILENCE);
	sx_dns_cancel(ask("a.example.org", SX_DNS_TXT, 5000));
	(void)ask("b.example.org", SX_DNS_TXT, 5000);
	sx_dns_cancel(ask("c.example.org", SX_DNS_TXT, 5000));
	stop();
	ck_assert_uint_eq(heard.calls, 0);
}
END_TEST

START_TEST(questions_under_way_are_bounded)
{
	struct sx_dns_request request = { .name = "a.example.org",
		.type = SX_DNS_A,
		.deadline_ns = SX_NEVER,
		.done = hear,
		.arg = &heard };
	struct sx_dns_question *question;

	dns_server_open(ANSWER);
	open_client(server.address, 2);
	(void)ask("a.example.org", SX_DNS_A, 5000);
	(void)ask("b.example.org", SX_DNS_A, 5000);
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_ELIMIT);
	run_until(2);
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_OK);
	run_until(3);
	sx_alloc_countdown = 1;
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_ENOMEM);
	stop();
}
END_TEST

static void ask_again(void *arg, const struct sx_dns_answer *answer)
{
	hear(arg, answer);
	sx_dns_cancel(ask("c.example.org", SX_DNS_A, 5000));
	(void)ask("b.example.org", SX_DNS_A, 5000);
}

START_TEST(an_answer_may_lead_to_a_question)
{
	struct sx_dns_request request = {
		.name = "a.example.org",
		.type = SX_DNS_SRV,
		.deadline_ns = SX_NEVER,
		.done = ask_again,
		.arg = &heard,
	};
	struct sx_dns_question *question;

	start(ANSWER);
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_OK);
	run_until(2);
	ck_assert_int_eq(heard.status, SX_OK);
	stop();
}
END_TEST

static const char *const bad_names[] = { "", ".", "a..b", "a b", "\xc3\xa4.example.org", "a\\.b" };

START_TEST(what_is_no_name_is_not_sent)
{
	struct sx_dns_request request = { .name = bad_names[_i], .type = SX_DNS_A, .done = hear };
	struct sx_dns_question *question;
	uint8_t byte;

	start(ANSWER);
	ck_assert_int_eq(sx_dns_ask(dns, &request, &question), SX_EINVAL);
	ck_assert_int_eq(recv(server.udp, &byte, 1, MSG_DONTWAIT), -1);
	stop();
}
END_TEST

static const struct {
	const char *servers;
	int status;
} server_lists[] = {
	{ NULL, SX_OK }, /* resolv.conf, or its default */
	{ "127.0.0.1:5353,[::1]:53", SX_OK },
	{ "192.0.2.1,2001:db8::1", SX_OK },
	{ "", SX_EINVAL },
	{ "ns.example.org", SX_EINVAL },
	{ "127.0.0.1:x", SX_EINVAL },
	{ "300.0.0.1", SX_EINVAL },
};

START_TEST(lists_of_servers_are_checked)
{
	struct sx_dns_config config = { .servers = server_lists[_i].servers };

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_dns_new(&dns, loop, &config), server_lists[_i].status);
	if (server_lists[_i].status == SX_OK) {
		sx_dns_free(dns);
	}
	sx_loop_free(loop);
}
END_TEST

static int make_dns(void *arg)
{
	struct sx_dns_config config = { .servers = "127.0.0.1" };
	struct sx_dns *made;
	int rc = sx_dns_new(&made, arg, &config);

	if (rc == SX_OK) {
		sx_dns_free(made);
	}
	return rc;
}

START_TEST(a_client_without_memory_is_refused)
{
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(make_dns, loop), 0);
	sx_loop_free(loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("dns");
	TCase *tcase = tcase_create("client");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, each_type_is_answered_with_its_ttl, 0, SX_COUNT(types));
	tcase_add_loop_test(
		tcase, a_bad_server_costs_no_more_than_the_answer, 0, SX_COUNT(outcomes));
	tcase_add_test(tcase, silence_ends_at_the_deadline);
	tcase_add_test(tcase, no_server_at_all_is_told);
	tcase_add_test(tcase, a_truncated_answer_comes_over_tcp);
	tcase_add_test(tcase, a_cut_tcp_connection_is_a_failure_without_a_signal);
	tcase_add_test(tcase, a_cancelled_question_is_not_answered);
	tcase_add_test(tcase, a_cancel_in_an_answer_leaves_the_others_alone);
	tcase_add_test(tcase, a_client_goes_with_questions_under_way);
	tcase_add_test(tcase, questions_under_way_are_bounded);
	tcase_add_test(tcase, an_answer_may_lead_to_a_question);
	tcase_add_loop_test(tcase, what_is_no_name_is_not_sent, 0, SX_COUNT(bad_names));
	tcase_add_loop_test(tcase, lists_of_servers_are_checked, 0, SX_COUNT(server_lists));
	tcase_add_test(tcase, a_client_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
