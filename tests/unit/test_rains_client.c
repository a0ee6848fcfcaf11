/* SPDX-License-Identifier: MIT */
/* Who is asked, for how long, and whose answer is whose. */
#include "alloc_fail.h"
#include "rains_servers.h"
#include "tap.h"

static char lines[4096];

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
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
