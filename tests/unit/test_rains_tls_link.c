/* SPDX-License-Identifier: MIT */
/* Messages over TLS: the server of the test says what it hears. */
#include "alloc_fail.h"
#include "rains/tls_link.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

static struct sx_loop *loop;

static int make_link(void *arg)
{
	struct sx_rains_link_events events = { 0 };
	struct sx_rains_reason reason;
	struct sx_rains_link *made;
	int rc = sx_rains_tls_link_new(&made, loop, arg, &events, &reason);

	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_server at = { .is_pinned = true };

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(make_link, &at), 1);
	sx_loop_free(loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_tls_link");
	TCase *tcase = tcase_create("link");

	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	return sx_tap_run(suite());
}
