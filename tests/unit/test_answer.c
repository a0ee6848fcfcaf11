/* SPDX-License-Identifier: MIT */
/* What sources find, and the answers made of it: finding.c, answer.c. */
#include "alloc_fail.h"
#include "answer.h"
#include "tap.h"

static struct sx_finding finding;

static void add(const char *address, uint16_t port, uint16_t priority)
{
	struct sx_found_target target = { .port = port, .priority = priority };

	ck_assert_int_eq(sx_addr_parse(sx_bytes_text(address), &target.addr), SX_OK);
	sx_finding_add_target(&finding, &target);
}

static void expect(const struct sx_answer *answer, size_t index, const char *address, uint16_t port)
{
	char text[SX_ADDR_TEXT_BYTES];

	ck_assert_uint_lt(index, answer->target_count);
	sx_addr_write(&answer->targets[index].addr, text, sizeof text);
	ck_assert_str_eq(text, address);
	ck_assert_uint_eq(answer->targets[index].port, port);
}

static void set_up(void)
{
	sx_finding_init(&finding);
}

static void tear_down(void)
{
	sx_finding_fini(&finding);
}

START_TEST(targets_lie_by_priority_each_once)
{
	struct sx_buf *buf;

	add("1-ff00:0:111,10.0.0.1", 1, 10);
	add("1-ff00:0:111,10.0.0.2", 0, 5);
	add("1-ff00:0:111,10.0.0.3", 0, 10);
	add("1-ff00:0:111,10.0.0.2", 0, 7);
	add("1-ff00:0:111,10.0.0.2", 9, 7);
	finding.status = SX_OK;
	ck_assert_int_eq(sx_answer_new(&buf, &finding, "dns", ""), SX_OK);
	ck_assert_uint_eq(sx_answer_of(buf)->target_count, 4);
	expect(sx_answer_of(buf), 0, "1-ff00:0:111,10.0.0.2", 0);
	expect(sx_answer_of(buf), 1, "1-ff00:0:111,10.0.0.2", 9);
	expect(sx_answer_of(buf), 2, "1-ff00:0:111,10.0.0.1", 1);
	expect(sx_answer_of(buf), 3, "1-ff00:0:111,10.0.0.3", 0);
	sx_buf_unref(buf);
}
END_TEST

START_TEST(a_line_of_the_trace_is_told_once)
{
	sx_finding_trace(&finding, "zone a.b");
	sx_finding_trace(&finding, "zone a");
	sx_finding_trace(&finding, "zone a");
	sx_finding_trace(&finding, "a.b");
	sx_finding_trace(&finding, "zone a.b");
	ck_assert_str_eq(finding.trace, "zone a.b\nzone a\na.b\n");
	ck_assert_uint_eq(finding.trace_len, strlen(finding.trace));
}
END_TEST

START_TEST(ten_thousand_targets_and_certificates_stay_within_bounds)
{
	for (uint16_t i = 0; i < 10000; i++) {
		add("1-ff00:0:111,10.0.0.1", (uint16_t)(i + 1), i);
		ck_assert_int_eq(sx_finding_add_cert(&finding, sx_bytes_of(&i, sizeof i)), SX_OK);
		sx_finding_trace(&finding, "line %u", i);
	}
	ck_assert_uint_eq(finding.target_count, SX_FINDING_TARGETS_MOST);
	ck_assert_uint_eq(finding.cert_count, SX_FINDING_CERTS_MOST);
	ck_assert_uint_lt(finding.trace_len, sizeof finding.trace);
	ck_assert_int_eq(finding.trace[finding.trace_len - 1], '\n');
}
END_TEST

START_TEST(an_answer_holds_all_that_was_found)
{
	const struct sx_answer *answer;
	struct sx_buf *buf;

	add("2-ff00:0:211,fd00::1", 31467, 0);
	ck_assert_int_eq(sx_finding_add_cert(&finding, sx_bytes_text("one")), SX_OK);
	ck_assert_int_eq(sx_finding_add_cert(&finding, sx_bytes_text("three")), SX_OK);
	finding.status = SX_OK;
	ck_assert_int_eq(sx_answer_new(&buf, &finding, "rains", "asked\nanswered\n"), SX_OK);
	sx_finding_fini(&finding);
	answer = sx_answer_of(buf);
	ck_assert_int_eq(answer->status, SX_OK);
	ck_assert_str_eq(answer->source, "rains");
	ck_assert_str_eq(answer->reason, "");
	ck_assert_str_eq(answer->trace, "asked\nanswered\n");
	expect(answer, 0, "2-ff00:0:211,fd00::1", 31467);
	ck_assert_uint_eq(answer->cert_count, 2);
	ck_assert(sx_bytes_equal(answer->certs, sx_bytes_text("onethree")));
	sx_buf_unref(buf);
}
END_TEST

START_TEST(a_failure_has_a_reason_and_the_shortest_time)
{
	struct sx_buf *buf;

	sx_finding_limit(&finding, 60);
	sx_finding_limit(&finding, 30);
	sx_finding_limit(&finding, 90);
	ck_assert_uint_eq(finding.ttl, 30);
	sx_finding_fail(&finding, SX_ETIMEDOUT, "no answer from %s", "192.0.2.1");
	ck_assert_int_eq(sx_answer_new(&buf, &finding, "", ""), SX_OK);
	ck_assert_int_eq(sx_answer_of(buf)->status, SX_ETIMEDOUT);
	ck_assert_str_eq(sx_answer_of(buf)->reason, "no answer from 192.0.2.1");
	sx_buf_unref(buf);
}
END_TEST

static int make_answer(void *arg)
{
	struct sx_buf *buf;
	int rc = sx_answer_new(&buf, arg, "dns", "trace");

	if (rc == SX_OK) {
		sx_buf_unref(buf);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	add("1-ff00:0:111,10.0.0.1", 1, 10);
	ck_assert_uint_eq(sx_each_allocation_fails(make_answer, &finding), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("answer");
	TCase *tcase = tcase_create("answers");

	tcase_add_test(tcase, a_line_of_the_trace_is_told_once);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, targets_lie_by_priority_each_once);
	tcase_add_test(tcase, ten_thousand_targets_and_certificates_stay_within_bounds);
	tcase_add_test(tcase, an_answer_holds_all_that_was_found);
	tcase_add_test(tcase, a_failure_has_a_reason_and_the_shortest_time);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
