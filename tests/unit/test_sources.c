/* SPDX-License-Identifier: MIT */
/* Options become sources; each that is wrong is named, and nothing is left open. */
#include <stdio.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "dns_source.h"
#include "hosts_source.h"
#include "rains_source.h"
#include "sources.h"
#include "tap.h"

#define ROOT "ed25519 1 " KEY
#define KEY  "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

static struct sx_loop *loop;
static struct sx_resolver_config config;
static char problem[256];

static int open_sources(struct sx_sources *sources)
{
	struct sx_sources_opening opening = { loop, &config, problem, sizeof problem };

	*sources = (struct sx_sources){ .count = 0 };
	problem[0] = '\0';
	return sx_sources_open(sources, &opening);
}

static void set_up(void)
{
	config = (struct sx_resolver_config){ .order = "static,hosts,rains,dns",
		.statics = "static.example.org 1-ff00:0:111,10.0.0.1",
		.hosts = "no/such/hosts\nnor/these",
		.roots = ROOT,
		.servers = "127.0.0.1:55553\n[::1]:55553 pin " KEY,
		.dns = "127.0.0.1" };
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
}

static void tear_down(void)
{
	sx_loop_free(loop);
}

START_TEST(sources_stand_in_the_order_asked_for)
{
	static const char *const orders[] = { "static,hosts,rains,dns", "dns,static", "rains" };
	struct sx_sources sources;

	for (size_t i = 0; i < SX_COUNT(orders); i++) {
		char names[64] = "";
		size_t len = 0;

		config.order = orders[i];
		ck_assert_int_eq(open_sources(&sources), SX_OK);
		for (size_t k = 0; k < sources.count; k++) {
			len += (size_t)snprintf(names + len, sizeof names - len, "%s%s",
				k > 0 ? "," : "", sources.list[k]->ops->name);
		}
		ck_assert_str_eq(names, orders[i]);
		ck_assert_int_eq(sources.dns != NULL, strstr(orders[i], "dns") != NULL);
		sx_sources_close(&sources);
		ck_assert_uint_eq(sources.count, 0);
	}
}
END_TEST

static const struct {
	const char *order, *roots, *servers, *dns, *problem;
} wrong[] = {
	{ .order = "static,mdns", .problem = "order: found \"mdns\", expected static, hosts" },
	{ .order = "dns,dns,dns,dns,dns", .problem = "order: found \"dns\"" },
	{ .roots = "", .problem = "rains.roots: found none, expected the root key of RAINS" },
	{ .roots = "ed25519 1 8a88", .problem = "rains.roots: " },
	{ .roots = "no/such/root.pem", .problem = "rains.roots: file no/such/root.pem: " },
	{ .servers = "rains.example.org", .problem = "rains.servers: " },
	{ .servers = "[1-ff00:0:110,192.0.2.1]:31468",
		.problem = "rains.servers: [1-ff00:0:110,192.0.2.1]:31468 is on SCION" },
	{ .servers = "127.0.0.1 ca no/such/ca.pem ns.example.org",
		.problem = "rains.servers: 127.0.0.1:55553: no/such/ca.pem" },
	{ .servers = "::1\n::1\n::1\n::1\n::1\n::1\n::1\n::1\n::1",
		.problem = "rains.servers: more than 8 servers" },
	{ .dns = "one.one", .problem = "dns: found \"one.one\", expected servers such as" },
};

START_TEST(a_wrong_option_is_named)
{
	struct sx_sources sources;

	config.order = wrong[_i].order ? wrong[_i].order : config.order;
	config.roots = wrong[_i].roots ? wrong[_i].roots : config.roots;
	config.servers = wrong[_i].servers ? wrong[_i].servers : config.servers;
	config.dns = wrong[_i].dns ? wrong[_i].dns : config.dns;
	ck_assert_int_lt(open_sources(&sources), 0);
	ck_assert_msg(strncmp(problem, wrong[_i].problem, strlen(wrong[_i].problem)) == 0,
		"%s, not %s", problem, wrong[_i].problem);
	ck_assert_uint_eq(sources.count, 0);
}
END_TEST

static int all(void *arg)
{
	struct sx_sources_opening opening = { loop, &config, problem, sizeof problem };
	struct sx_sources sources = { .count = 0 };
	int rc = sx_sources_open(&sources, &opening);

	(void)arg;
	sx_sources_close(&sources);
	return rc;
}

static int hosts(void *arg)
{
	struct sx_log log = { NULL, NULL };
	struct sx_source *source;
	struct sx_hosts *texts;
	int rc = sx_hosts_new_text(&texts, "here", "", log);

	(void)arg;
	if (rc == SX_OK) {
		rc = sx_hosts_source_new(&source, "static", texts);
	}
	if (rc == SX_OK) {
		source->ops->free(source);
	}
	return rc;
}

static int dns(void *arg)
{
	struct sx_source *source;
	int rc = sx_dns_source_new(&source, loop, "127.0.0.1");

	(void)arg;
	if (rc == SX_OK) {
		source->ops->free(source);
	}
	return rc;
}

static int rains(void *arg)
{
	struct sx_rains_config rains = { .roots = ROOT, .servers = config.servers };
	struct sx_rains_reason reason;
	struct sx_source *source;
	int rc = sx_rains_source_new(&source, loop, &rains, &reason);

	(void)arg;
	if (rc == SX_OK) {
		source->ops->free(source);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	ck_assert_uint_gt(sx_each_allocation_fails(hosts, NULL), 1);
	ck_assert_uint_gt(sx_each_allocation_fails(dns, NULL), 1);
	ck_assert_uint_gt(sx_each_allocation_fails(rains, NULL), 5);
	ck_assert_uint_gt(sx_each_allocation_fails(all, NULL), 10);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("sources");
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, sources_stand_in_the_order_asked_for);
	tcase_add_loop_test(tcase, a_wrong_option_is_named, 0, SX_COUNT(wrong));
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
