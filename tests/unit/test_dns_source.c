/* SPDX-License-Identifier: MIT */
/* DNS as a source; the server is that of dns_server.h. */
#include <poll.h>

#include "alloc_fail.h"
#include "dns_server.h"
#include "dns_source.h"
#include "tap.h"

#define SECOND UINT64_C(1000000000)

static struct sx_loop *loop;
static struct sx_source *source;
static struct sx_query query;
static unsigned done;

static void on_done(struct sx_query *answered)
{
	ck_assert_ptr_eq(answered, &query);
	done++;
}

static void start(enum dns_behaviour behaviour)
{
	done = 0;
	dns_server_open(behaviour);
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_dns_source_new(&source, loop, server.address), SX_OK);
}

static void stop(void)
{
	sx_finding_fini(&query.finding);
	source->ops->free(source);
	sx_loop_free(loop);
	dns_server_close();
}

static void begin(const char *name, enum sx_want want, uint64_t patience_ns)
{
	query = (struct sx_query){ .name = name,
		.want = want,
		.deadline_ns = sx_loop_now_ns() + patience_ns,
		.done = on_done };
	sx_finding_init(&query.finding);
	source->ops->ask(source, &query, sx_loop_now_ns());
}

static void turn(void)
{
	struct pollfd fds[] = {
		{ .fd = sx_loop_fd(loop), .events = POLLIN },
		{ .fd = server.udp, .events = POLLIN },
	};

	ck_assert_int_gt(poll(fds, SX_COUNT(fds), 10000), 0);
	if (fds[0].revents) {
		sx_loop_run(loop, 0);
	}
	if (fds[1].revents) {
		dns_server_serve_udp();
	}
}

static void finish(void)
{
	while (done == 0) {
		turn();
	}
	ck_assert_uint_eq(done, 1);
}

START_TEST(addresses_come_from_texts_and_services)
{
	const struct sx_finding *finding = &query.finding;

	start(ANSWER);
	begin("scion.example.org", SX_WANT_ADDRESSES, 5 * SECOND);
	ck_assert_uint_eq(done, 0);
	finish();
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->ttl, 77);
	ck_assert_uint_eq(finding->target_count, 3);
	ck_assert_uint_eq(finding->targets[0].port, 0); /* that of a TCP service is not ours */
	ck_assert(finding->targets[0].addr.ia != 0);
	ck_assert_uint_eq(finding->targets[1].addr.ia, 0);
	ck_assert_uint_eq(finding->targets[1].port, 5222);
	ck_assert_uint_eq(finding->targets[1].priority, 1);
	ck_assert_ptr_nonnull(strstr(finding->trace, "dns: scion.example.org TXT: found"));
	stop();
}
END_TEST

START_TEST(a_part_is_believed_for_a_while_only)
{
	start(SERVICE_FAILURE);
	begin("scion.example.org", SX_WANT_ADDRESSES, 5 * SECOND);
	finish();
	ck_assert_int_eq(query.finding.status, SX_OK);
	ck_assert_uint_eq(query.finding.target_count, 1);
	ck_assert_uint_eq(query.finding.ttl, 60);
	stop();
}
END_TEST

static const struct {
	enum dns_behaviour behaviour;
	int status;
	const char *reason;
} nothings[] = {
	{ NO_NAME, SX_ENOTFOUND, "no SCION address" },
	{ SERVER_FAILURE, SX_ETIMEDOUT, "no answer" },
	{ SILENCE, SX_ETIMEDOUT, "no answer" },
};

START_TEST(nothing_is_told_from_no_answer)
{
	start(nothings[_i].behaviour);
	begin("b.example.org", SX_WANT_ADDRESSES, SECOND / 2);
	finish();
	ck_assert_int_eq(query.finding.status, nothings[_i].status);
	ck_assert_str_eq(query.finding.reason, nothings[_i].reason);
	stop();
}
END_TEST

START_TEST(certificates_are_not_asked_for)
{
	start(ANSWER);
	begin("scion.example.org", SX_WANT_CERTIFICATES, SECOND);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(query.finding.status, SX_ENOTFOUND);
	ck_assert_uint_eq(server.questions, 0);
	stop();
}
END_TEST

START_TEST(what_is_no_name_fails_at_once)
{
	start(ANSWER);
	begin("a..b", SX_WANT_ADDRESSES, SECOND);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(query.finding.status, SX_ETIMEDOUT);
	stop();
}
END_TEST

START_TEST(a_cancelled_query_is_forgotten)
{
	start(ANSWER);
	begin("scion.example.org", SX_WANT_ADDRESSES, SECOND);
	if (_i > 0) {
		for (unsigned asked = server.questions; server.questions < asked + (unsigned)_i;) {
			turn();
		}
	}
	source->ops->cancel(source, &query);
	for (int i = 0; i < 3; i++) {
		struct pollfd ready = { .fd = sx_loop_fd(loop), .events = POLLIN };

		if (poll(&ready, 1, 10) > 0) {
			sx_loop_run(loop, 0);
		}
	}
	ck_assert_uint_eq(done, 0);
	stop();
}
END_TEST

static int open_and_free(void *arg)
{
	struct sx_source *made;
	int rc = sx_dns_source_new(&made, arg, "127.0.0.1:1");

	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_free, loop), 1);
	sx_loop_free(loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("dns_source");
	TCase *tcase = tcase_create("source");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, addresses_come_from_texts_and_services);
	tcase_add_test(tcase, a_part_is_believed_for_a_while_only);
	tcase_add_loop_test(tcase, nothing_is_told_from_no_answer, 0, SX_COUNT(nothings));
	tcase_add_test(tcase, certificates_are_not_asked_for);
	tcase_add_test(tcase, what_is_no_name_fails_at_once);
	tcase_add_loop_test(tcase, a_cancelled_query_is_forgotten, 0, 6);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
