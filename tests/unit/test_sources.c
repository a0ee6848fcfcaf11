/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "sources.h"
#include "tap.h"

#define KEY "ed25519 1 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

static struct sx_loop *loop;
static char problem[512];

static int open_and_close(void *arg)
{
	struct sx_sources_opening opening = { loop, arg, problem, sizeof problem };
	struct sx_sources sources = { .count = 0 };
	int rc = sx_sources_open(&sources, &opening);

	if (rc == SX_OK) {
		sx_sources_close(&sources);
	}
	return rc;
}

static const struct {
	struct sx_resolver_config config;
	int status;
	const char *problem; /* how it begins */
} wrongs[] = {
	{ { .order = "dns,nis" }, SX_EINVAL,
		"order: found \"nis\", expected static, hosts, rains or dns, each once" },
	{ { .order = "dns,dns" }, SX_EINVAL,
		"order: found \"dns\", expected static, hosts, rains or dns, each once" },
	{ { .order = "rains" }, SX_EINVAL,
		"rains.roots: found none, expected the root key of RAINS, as \"ed25519 1 HEX\"" },
	{ { .order = "rains", .roots = "ed25519 1 zz" }, SX_EMALFORMED,
		"rains.roots: line 1: found " },
	{ { .order = "rains", .roots = "/nowhere/root.key" }, SX_ENOTFOUND,
		"rains.roots: file /nowhere/root.key: " },
	{ { .order = "rains", .roots = "/dev/null" }, SX_EIO, "rains.roots: file /dev/null: " },
	{ { .order = "rains", .roots = KEY, .servers = "ns.example.org" }, SX_EMALFORMED,
		"rains.servers: found \"ns.example.org\", expected a server such as " },
	{ { .order = "rains", .roots = KEY, .servers = "1-ff00:0:110,192.0.2.1" }, SX_EINVAL,
		"rains.servers: [1-ff00:0:110,192.0.2.1]:55553 is on SCION, and there is no SCION "
		"address of ours to ask from" },
	{ { .order = "rains", .roots = KEY, .servers = "192.0.2.1 ca /nowhere.pem ns" }, SX_EINVAL,
		"rains.servers: 192.0.2.1:55553: " },
	{ { .order = "rains",
		  .roots = KEY,
		  .servers = "192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n192.0.2.5\n"
			     "192.0.2.6\n192.0.2.7\n192.0.2.8\n192.0.2.9" },
		SX_ELIMIT, "rains.servers: more than 8 servers" },
	{ { .order = "hosts",
		  .hosts = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17" },
		SX_ELIMIT, "hosts: more than 16 files" },
	{ { .order = "static,dns", .dns = "here" }, SX_EINVAL,
		"dns: found \"here\", expected servers such as " },
};

START_TEST(what_is_wrong_is_named_with_what_is_expected)
{
	struct sx_resolver_config config = wrongs[_i].config;
	int rc;

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	problem[0] = '\0';
	rc = open_and_close(&config);
	ck_assert_msg(strncmp(problem, wrongs[_i].problem, strlen(wrongs[_i].problem)) == 0, "%s",
		problem);
	ck_assert_int_eq(rc, wrongs[_i].status);
	sx_loop_free(loop);
}
END_TEST

START_TEST(sources_come_in_their_order)
{
	struct sx_resolver_config config = {
		.order = "dns,rains,static,hosts", .roots = KEY, .dns = "127.0.0.1:1"
	};
	struct sx_sources_opening opening;
	struct sx_sources sources = { .count = 0 };
	const char *const names[] = { "dns", "rains", "static", "hosts" };

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	opening = (struct sx_sources_opening){ loop, &config, problem, sizeof problem };
	ck_assert_int_eq(sx_sources_open(&sources, &opening), SX_OK);
	ck_assert_uint_eq(sources.count, SX_COUNT(names));
	for (size_t i = 0; i < SX_COUNT(names); i++) {
		ck_assert_str_eq(sources.list[i]->ops->name, names[i]);
	}
	ck_assert_ptr_eq(sources.dns, sources.list[0]);
	sx_sources_close(&sources);
	ck_assert_ptr_null(sources.dns);
	sx_loop_free(loop);
}
END_TEST

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_resolver_config config = { .order = "static,hosts,rains,dns",
		.statics = "a.example.org 1-ff00:0:111,10.0.0.1",
		.roots = KEY,
		.servers = "127.0.0.1:1",
		.dns = "127.0.0.1:1" };

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_close, &config), 10);
	sx_loop_free(loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("sources");
	TCase *tcase = tcase_create("sources");

	tcase_add_loop_test(
		tcase, what_is_wrong_is_named_with_what_is_expected, 0, SX_COUNT(wrongs));
	tcase_add_test(tcase, sources_come_in_their_order);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
