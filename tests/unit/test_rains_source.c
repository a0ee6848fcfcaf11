/* SPDX-License-Identifier: MIT */
/* What a domain's addresses and certificates are by RAINS. */
#include "alloc_fail.h"
#include "rains_servers.h"
#include "rains_source.h"
#include "tap.h"

static int open_and_free(void *arg)
{
	struct sx_rains_reason reason;
	struct sx_source *made;
	int rc = sx_rains_source_new(&made, net.loop, arg, &reason);

	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_config config = { .scion = &net.scion, .unsigned_too = true };

	net_begin();
	config.servers = net.lines;
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_free, &config), 10);
	net_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_source");
	TCase *tcase = tcase_create("source");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
