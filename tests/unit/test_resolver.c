/* SPDX-License-Identifier: MIT */
/* The resolver with its real sources: the static map, a hosts file, and DNS from the server of dns_server.h. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "base/live.h"
#include "dns_server.h"
#include "resolver.h"
#include "tap.h"

#define MS      UINT64_C(1000000)
#define STATICS "static.example.org 1-ff00:0:111,10.0.0.1 1-ff00:0:111,10.0.0.2"
#define QUESTION \
	6 /* DNS questions that one search for addresses makes: TXT, 3 SRV, and what their targets need */

static struct sx_loop *loop;
static struct sx_resolver *resolver;
static char hosts_name[] = "/tmp/sx-resolver-XXXXXX";
static struct sx_resolver_config config;

/* What was answered to one question. */
struct heard {
	unsigned calls;
	int status;
	char source[16];
	char first[SX_ADDR_TEXT_BYTES];
	size_t count;
	char reason[SX_REASON_BYTES];
};

static void hear(void *arg, struct sx_buf *buf)
{
	struct heard *out = arg;
	const struct sx_answer *answer = sx_answer_of(buf);

	out->calls++;
	out->status = answer->status;
	out->count = answer->target_count;
	(void)snprintf(out->source, sizeof out->source, "%s", answer->source);
	(void)snprintf(out->reason, sizeof out->reason, "%s", answer->reason);
	if (answer->target_count > 0) {
		sx_addr_write(&answer->targets[0].addr, out->first, sizeof out->first);
	}
}

static void write_hosts(const char *text)
{
	FILE *out = fopen(hosts_name, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static int open_resolver(void)
{
	char problem[256];

	return sx_resolver_new(&resolver, loop, &config, problem, sizeof problem);
}

static void start(enum dns_behaviour behaviour)
{
	dns_server_open(behaviour);
	write_hosts("1-ff00:0:112,10.0.0.3 hosts.example.org\n");
	config = (struct sx_resolver_config){ .order = "static,hosts,dns",
		.deadline_ms = 600,
		.cache_bytes = 65536,
		.statics = STATICS,
		.hosts = hosts_name,
		.dns = server.address };
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(open_resolver(), SX_OK);
}

static void stop(void)
{
	sx_resolver_free(resolver);
	sx_loop_free(loop);
	dns_server_close();
	(void)unlink(hosts_name);
	ck_assert_uint_eq(sx_live_count(), 0);
}

static void stir(int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = sx_loop_fd(loop), .events = POLLIN },
		{ .fd = server.udp, .events = POLLIN },
	};

	ck_assert_int_ge(poll(fds, SX_COUNT(fds), timeout_ms), 0);
	if (fds[0].revents) {
		sx_loop_run(loop, 0);
	}
	if (fds[1].revents) {
		dns_server_serve_udp();
	}
}

static void run_until(const struct heard *heard, unsigned calls)
{
	uint64_t limit_ns = sx_loop_now_ns() + 10000 * MS;

	while (heard->calls < calls && sx_loop_now_ns() < limit_ns) {
		stir(1000);
	}
	ck_assert_uint_eq(heard->calls, calls);
}

static struct sx_resolver_ask *begin(
	const struct sx_wish *form, const char *name, struct heard *heard)
{
	struct sx_wish wish = *form;
	struct sx_resolver_ask *ask;

	wish.name = name;
	wish.done = hear;
	wish.arg = heard;
	ck_assert_int_eq(sx_resolver_ask(resolver, &wish, sx_loop_now_ns(), &ask), SX_OK);
	return ask;
}

/* Asks and waits. */
static struct heard find(const struct sx_wish *form, const char *name)
{
	struct heard heard = { 0 };

	(void)begin(form, name, &heard);
	run_until(&heard, 1);
	return heard;
}

static const struct sx_wish plain = { .want = SX_WANT_ADDRESSES };

START_TEST(what_is_at_hand_is_answered_at_once)
{
	struct heard heard = { 0 };

	start(ANSWER);
	ck_assert_ptr_null(begin(&plain, "STATIC.example.org.", &heard));
	ck_assert_uint_eq(heard.calls, 1);
	ck_assert_str_eq(heard.source, "static");
	ck_assert_uint_eq(heard.count, 2);
	ck_assert_str_eq(heard.first, "1-ff00:0:111,10.0.0.1");
	ck_assert_ptr_null(begin(&plain, "hosts.example.org", &heard));
	ck_assert_str_eq(heard.source, "hosts");
	ck_assert_uint_eq(server.questions, 0);
	stop();
}
END_TEST

START_TEST(dns_is_asked_once_and_remembered)
{
	struct sx_resolver_stats stats;
	struct heard heard;
	unsigned asked;

	start(ANSWER);
	heard = find(&plain, "scion.example.org");
	ck_assert_str_eq(heard.source, "dns");
	ck_assert_str_eq(heard.first, "2-ff00:0:211,192.0.2.20");
	ck_assert_uint_eq(heard.count, 3); /* and two for plain QUIC */
	asked = server.questions;
	ck_assert_uint_gt(asked, QUESTION);
	heard = (struct heard){ 0 };
	ck_assert_ptr_null(begin(&plain, "scion.example.org", &heard));
	ck_assert_str_eq(heard.first, "2-ff00:0:211,192.0.2.20");
	ck_assert_uint_eq(server.questions, asked);
	sx_resolver_stats(resolver, &stats);
	ck_assert_uint_eq(stats.asked, 2);
	ck_assert_uint_eq(stats.searches, 1);
	ck_assert_uint_eq(stats.cache_entries, 1);
	stop();
}
END_TEST

START_TEST(fresh_and_flushed_names_are_asked_for_anew)
{
	struct sx_wish fresh = { .want = SX_WANT_ADDRESSES, .fresh = true };
	unsigned asked;

	start(ANSWER);
	(void)find(&plain, "scion.example.org");
	asked = server.questions;
	(void)find(&fresh, "scion.example.org");
	ck_assert_uint_eq(server.questions, 2 * asked);
	sx_resolver_flush(resolver);
	(void)find(&plain, "scion.example.org");
	ck_assert_uint_eq(server.questions, 3 * asked);
	stop();
}
END_TEST

START_TEST(equal_questions_share_one_search)
{
	struct sx_resolver_stats stats;
	struct heard heard[100] = { 0 };

	start(ANSWER);
	for (size_t i = 0; i < SX_COUNT(heard); i++) {
		ck_assert_ptr_nonnull(begin(&plain, "scion.example.org", &heard[i]));
	}
	run_until(&heard[SX_COUNT(heard) - 1], 1);
	for (size_t i = 0; i < SX_COUNT(heard); i++) {
		ck_assert_uint_eq(heard[i].calls, 1);
	}
	sx_resolver_stats(resolver, &stats);
	ck_assert_uint_eq(stats.searches, 1);
	ck_assert_uint_eq(stats.running, 0);
	stop();
}
END_TEST

START_TEST(under_scion_only_no_dns_question_leaves)
{
	struct sx_wish strict = { .want = SX_WANT_ADDRESSES, .scion_only = true };
	struct heard heard;

	start(ANSWER);
	heard = find(&strict, "scion.example.org");
	ck_assert_int_eq(heard.status, SX_ENOTFOUND);
	ck_assert_str_eq(heard.reason, "static: not listed; hosts: not listed");
	heard = find(&strict, "static.example.org");
	ck_assert_int_eq(heard.status, SX_OK);
	ck_assert_uint_eq(server.questions, 0);
	stop();
}
END_TEST

START_TEST(dns_proves_no_certificate)
{
	struct sx_wish certs = { .want = SX_WANT_CERTIFICATES };
	struct heard heard;

	start(ANSWER);
	heard = find(&certs, "scion.example.org");
	ck_assert_int_eq(heard.status, SX_ENOTFOUND);
	ck_assert_uint_eq(server.questions, 0);
	stop();
}
END_TEST

START_TEST(a_name_added_to_a_hosts_file_is_seen_though_nothing_is_cached)
{
	struct heard heard;

	start(NO_NAME);
	heard = find(&plain, "new.example.org");
	ck_assert_int_eq(heard.status, SX_ENOTFOUND);
	write_hosts("1-ff00:0:112,10.0.0.4 new.example.org # and more bytes than before\n");
	(void)sleep(1); /* files are looked at once a second */
	heard = find(&plain, "new.example.org");
	ck_assert_str_eq(heard.first, "1-ff00:0:112,10.0.0.4");
	stop();
}
END_TEST

START_TEST(silence_ends_at_the_deadline_and_is_remembered_for_a_while)
{
	uint64_t begin_ns;
	struct heard heard;
	unsigned asked;

	start(SILENCE);
	begin_ns = sx_loop_now_ns();
	heard = find(&plain, "scion.example.org");
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	ck_assert_uint_ge(sx_loop_now_ns() - begin_ns, 600 * MS);
	ck_assert_ptr_nonnull(strstr(heard.reason, "dns: no answer"));
	asked = server.questions;
	heard = find(&plain, "scion.example.org");
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	ck_assert_uint_eq(server.questions, asked);
	stop();
}
END_TEST

START_TEST(a_cancelled_question_is_never_answered)
{
	struct heard heard = { 0 }, other = { 0 };
	struct sx_resolver_ask *ask;

	start(ANSWER);
	ask = begin(&plain, "scion.example.org", &heard);
	(void)begin(&plain, "scion.example.org", &other);
	sx_resolver_cancel(ask);
	run_until(&other, 1);
	ck_assert_uint_eq(heard.calls, 0);
	(void)begin(&plain, "late.example.org", &heard); /* goes with the resolver */
	stop();
	ck_assert_uint_eq(heard.calls, 0);
}
END_TEST

START_TEST(searches_under_way_are_bounded)
{
	struct sx_wish wish = { .want = SX_WANT_ADDRESSES, .done = hear };
	struct sx_resolver_stats stats;
	struct sx_resolver_ask *ask;
	struct heard heard = { 0 };
	char name[32];

	start(SILENCE);
	wish.arg = &heard;
	wish.name = name;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof name, "n%d.example.org", i);
		ck_assert_int_eq(sx_resolver_ask(resolver, &wish, sx_loop_now_ns(), &ask), SX_OK);
	}
	ck_assert_uint_gt(heard.calls, 9000); /* DNS takes no more: failed at once */
	sx_resolver_stats(resolver, &stats);
	ck_assert_uint_le(stats.running, 256);
	ck_assert_uint_le(stats.cache_bytes, config.cache_bytes);
	stop();
}
END_TEST

static const char *const no_domains[] = { "", ".", "a b", "a\tb", "a\nb" };

START_TEST(what_is_no_domain_is_refused)
{
	struct sx_wish wish = { .name = no_domains[_i], .done = hear };
	struct sx_resolver_ask *ask;

	start(ANSWER);
	ck_assert_int_eq(sx_resolver_ask(resolver, &wish, sx_loop_now_ns(), &ask), SX_EINVAL);
	stop();
}
END_TEST

static int open_and_free(void *arg)
{
	struct sx_resolver *made;
	char problem[256];
	int rc = sx_resolver_new(&made, loop, arg, problem, sizeof problem);

	if (rc == SX_OK) {
		sx_resolver_free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	start(ANSWER);
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_free, &config), 10);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tcase = tcase_create("names");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_is_at_hand_is_answered_at_once);
	tcase_add_test(tcase, dns_is_asked_once_and_remembered);
	tcase_add_test(tcase, fresh_and_flushed_names_are_asked_for_anew);
	tcase_add_test(tcase, equal_questions_share_one_search);
	tcase_add_test(tcase, under_scion_only_no_dns_question_leaves);
	tcase_add_test(tcase, dns_proves_no_certificate);
	tcase_add_test(tcase, a_name_added_to_a_hosts_file_is_seen_though_nothing_is_cached);
	tcase_add_test(tcase, silence_ends_at_the_deadline_and_is_remembered_for_a_while);
	tcase_add_test(tcase, a_cancelled_question_is_never_answered);
	tcase_add_test(tcase, searches_under_way_are_bounded);
	tcase_add_loop_test(tcase, what_is_no_domain_is_refused, 0, SX_COUNT(no_domains));
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	int fd = mkstemp(hosts_name);

	if (fd < 0 || close(fd) < 0) {
		return EXIT_FAILURE;
	}
	return sx_tap_run(suite());
}
