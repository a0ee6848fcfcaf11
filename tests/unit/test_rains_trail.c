/* SPDX-License-Identifier: MIT */
/* The way down from zone to zone. */
#include <stdio.h>

#include "base/loop.h"
#include "rains/trail.h"
#include "tap.h"

static struct sx_loop *loop;
static struct sx_rains_client *client;
static struct sx_rains_trail trail;
static struct sx_rains_reason reason;

static void start(void)
{
	struct sx_rains_client_config config = { .servers = "127.0.0.1:1" };

	memset(&trail, 0, sizeof trail);
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_rains_client_new(&client, loop, &config, &reason), SX_OK);
}

static void stop(void)
{
	sx_rains_trail_restart(&trail, client, 0);
	sx_rains_client_free(client);
	sx_loop_free(loop);
}

/* A referral to servers of a zone; each port is one. */
static int follow(const char *zone, const char *addr, uint16_t port, bool scion_only)
{
	struct sx_rains_referral referral = { .zone.len = strlen(zone) };
	struct sx_addr at = { .ia = 0 };

	memcpy(referral.zone.data, zone, referral.zone.len);
	if (strchr(addr, ',')) {
		ck_assert_int_eq(sx_addr_parse(sx_bytes_text(addr), &at), SX_OK);
	} else {
		ck_assert_int_eq(sx_host_parse(sx_bytes_text(addr), &at.host), SX_OK);
	}
	sx_rains_referral_add(&referral, &at, port);
	return sx_rains_trail_follow(&trail, client, &referral, scion_only, &reason);
}

static uint32_t servers_for(const char *name)
{
	return sx_rains_trail_servers(&trail, sx_bytes_text(name));
}

START_TEST(each_name_has_the_servers_of_its_lowest_zone)
{
	start();
	ck_assert(sx_bytes_equal(sx_rains_trail_zone(&trail), sx_bytes_text(".")));
	ck_assert_uint_eq(servers_for("a.b.example."), 0);
	ck_assert_int_eq(follow("example.", "127.0.0.2", 1, false), SX_OK);
	ck_assert_int_eq(follow("b.example.", "127.0.0.3", 1, false), SX_OK);
	ck_assert(sx_bytes_equal(sx_rains_trail_zone(&trail), sx_bytes_text("b.example.")));
	ck_assert_uint_ne(servers_for("a.b.example."), servers_for("b.example."));
	ck_assert_uint_eq(servers_for("b.example."), servers_for("c.example."));
	ck_assert_uint_eq(servers_for("example."), 0); /* its delegation is known above it */
	ck_assert_uint_eq(servers_for("elsewhere."), 0);
	sx_rains_trail_restart(&trail, client, 0);
	ck_assert_uint_eq(servers_for("a.b.example."), 0);
	stop();
}
END_TEST

START_TEST(redirections_are_bounded_over_all_names)
{
	start();
	for (unsigned i = 0; i < SX_RAINS_REDIRECTIONS_MOST; i++) {
		ck_assert_int_eq(follow("example.", "127.0.0.2", 1, false), SX_OK);
		sx_rains_trail_restart(&trail, client, 0);
	}
	ck_assert_int_eq(follow("example.", "127.0.0.2", 1, false), SX_ELIMIT);
	ck_assert_str_eq(reason.text, "more than 8 redirections");
	stop();
}
END_TEST

START_TEST(servers_that_cannot_be_asked_are_no_use)
{
	start();
	ck_assert_int_eq(follow("example.", "127.0.0.2", 1, true), SX_EUNREACH);
	ck_assert_str_eq(
		reason.text, "refers to servers of zone example. that cannot be asked over SCION");
	ck_assert_int_eq(follow("example.", "1-ff00:0:110,192.0.2.1", 1, false), SX_EUNREACH);
	ck_assert_str_eq(reason.text, "refers to servers of zone example. that cannot be asked");
	ck_assert(sx_bytes_equal(sx_rains_trail_zone(&trail), sx_bytes_text(".")));
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_trail");
	TCase *tcase = tcase_create("trails");

	tcase_add_test(tcase, each_name_has_the_servers_of_its_lowest_zone);
	tcase_add_test(tcase, redirections_are_bounded_over_all_names);
	tcase_add_test(tcase, servers_that_cannot_be_asked_are_no_use);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
