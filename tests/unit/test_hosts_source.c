/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "hosts_source.h"
#include "tap.h"

#define TEXT "a.example.org 1-ff00:0:111,10.0.0.1 1-ff00:0:111,10.0.0.2\n"

static unsigned done;

static void on_done(struct sx_query *query)
{
	(void)query;
	done++;
}

static int make_source(void *arg)
{
	struct sx_hosts *hosts;
	struct sx_source *made;
	int rc = sx_hosts_new_text(&hosts, "a test", arg, (struct sx_log){ 0 });

	if (rc == SX_OK) {
		rc = sx_hosts_source_new(&made, "hosts", hosts); /* which frees them if it fails */
	}
	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

static struct sx_source *open_source(void)
{
	struct sx_hosts *hosts;
	struct sx_source *made;

	ck_assert_int_eq(sx_hosts_new_text(&hosts, "a test", TEXT, (struct sx_log){ 0 }), SX_OK);
	ck_assert_int_eq(sx_hosts_source_new(&made, "static", hosts), SX_OK);
	return made;
}

static const struct {
	const char *name;
	enum sx_want want;
	int status;
	size_t count;
} cases[] = {
	{ "a.example.org", SX_WANT_ADDRESSES, SX_OK, 2 },
	{ "b.example.org", SX_WANT_ADDRESSES, SX_ENOTFOUND, 0 },
	{ "a.example.org", SX_WANT_CERTIFICATES, SX_ENOTFOUND, 0 },
};

START_TEST(a_query_is_answered_at_once)
{
	struct sx_source *source = open_source();
	struct sx_query query = { .name = cases[_i].name, .want = cases[_i].want, .done = on_done };

	done = 0;
	sx_finding_init(&query.finding);
	source->ops->ask(source, &query, 1);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(query.finding.status, cases[_i].status);
	ck_assert_uint_eq(query.finding.target_count, cases[_i].count);
	ck_assert_str_eq(query.finding.reason, cases[_i].count ? "" : "not listed");
	ck_assert(strncmp(query.finding.trace, "static: ", strlen("static: ")) == 0);
	if (cases[_i].count) {
		ck_assert_uint_eq(query.finding.ttl, 0); /* a file may change at any time */
	}
	sx_finding_fini(&query.finding);
	source->ops->free(source);
}
END_TEST

START_TEST(it_says_what_it_knows)
{
	struct sx_source *source = open_source();

	ck_assert(source->ops->knows(source, "a.example.org", 1));
	ck_assert(!source->ops->knows(source, "b.example.org", 1));
	source->ops->flush(source);
	ck_assert(source->ops->knows(source, "a.example.org", 1));
	source->ops->free(source);
}
END_TEST

START_TEST(failing_allocations_leave_nothing_behind)
{
	char text[] = TEXT;

	ck_assert_uint_gt(sx_each_allocation_fails(make_source, text), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("hosts_source");
	TCase *tcase = tcase_create("source");

	tcase_add_loop_test(tcase, a_query_is_answered_at_once, 0, SX_COUNT(cases));
	tcase_add_test(tcase, it_says_what_it_knows);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
