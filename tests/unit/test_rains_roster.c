/* SPDX-License-Identifier: MIT */
/* Which servers are known, in which order they are asked, and when those that were referred to are forgotten. */
#include <stdio.h>

#include "base/loop.h"
#include "rains/roster.h"
#include "tap.h"

#define SECOND UINT64_C(1000000000)

static struct sx_rains_roster roster;

static void on_received(void *entry, struct sx_bytes message)
{
	(void)entry;
	(void)message;
}

static void on_broken(void *entry, int status, const char *reason)
{
	(void)entry;
	(void)status;
	(void)reason;
}

static void start(const char *lines)
{
	struct sx_rains_reason reason;

	roster = (struct sx_rains_roster){ .received = on_received, .broken = on_broken };
	ck_assert_int_eq(sx_loop_new(&roster.loop), SX_OK);
	ck_assert_int_eq(sx_rains_roster_configure(&roster, lines, &reason), SX_OK);
}

static void stop(void)
{
	sx_rains_roster_fini(&roster);
	sx_loop_free(roster.loop);
}

static int meet(const char *text, uint32_t *servers)
{
	struct sx_rains_server server;
	struct sx_rains_reason reason;

	ck_assert_int_eq(sx_rains_server_parse(&server, text, &reason), SX_OK);
	return sx_rains_roster_meet(&roster, &server, servers);
}

/* A server of its own for each number. */
static int meet_number(unsigned number, uint32_t *servers)
{
	char text[32];

	(void)snprintf(text, sizeof text, "127.0.0.1:%u", 1000 + number);
	return meet(text, servers);
}

static const char *chosen(const struct sx_rains_call *call, uint64_t now_ns)
{
	const struct sx_rains_entry *entry = sx_rains_roster_choose(&roster, call, now_ns);

	return entry ? entry->at.text : "nobody";
}

START_TEST(whom_an_answer_refers_to_is_asked_first)
{
	struct sx_rains_call call = { 0 };

	start("127.0.0.1:1\n127.0.0.1:2\n");
	ck_assert_str_eq(chosen(&call, 0), "127.0.0.1:1");
	ck_assert_int_eq(meet("127.0.0.1:3", &call.referred), SX_OK);
	ck_assert_str_eq(chosen(&call, 0), "127.0.0.1:3");
	call.tried = call.referred;
	ck_assert_str_eq(chosen(&call, 0), "127.0.0.1:1");
	sx_rains_roster_rest(&roster.entries[0], "gone", SECOND);
	ck_assert_str_eq(chosen(&call, SECOND), "127.0.0.1:2");
	call.scion_only = true;
	ck_assert_str_eq(chosen(&call, SECOND), "nobody");
	stop();
}
END_TEST

START_TEST(a_call_that_was_not_referred_never_sees_them)
{
	struct sx_rains_call call = { 0 };
	uint32_t others = 0;

	start("");
	ck_assert_int_eq(meet("127.0.0.1:3", &others), SX_OK);
	ck_assert_str_eq(chosen(&call, 0), "nobody");
	sx_rains_roster_explain(&roster, &call);
	ck_assert_str_eq(call.reason, "no server is configured");
	stop();
}
END_TEST

START_TEST(one_that_is_configured_is_itself)
{
	uint32_t servers = 0;

	start("127.0.0.1:1\n127.0.0.1:2\n");
	ck_assert_int_eq(meet("127.0.0.1:2", &servers), SX_OK);
	ck_assert_uint_eq(servers, 2);
	sx_rains_roster_part(&roster, servers, 0);
	sx_rains_roster_sweep(&roster, SX_NEVER - 1);
	ck_assert_ptr_nonnull(roster.entries[1].link);
	stop();
}
END_TEST

START_TEST(without_an_address_on_scion_nobody_there_is_met)
{
	uint32_t servers = 0;

	start("");
	ck_assert_int_eq(meet("[1-ff00:0:110,192.0.2.1]:31468", &servers), SX_EINVAL);
	ck_assert_uint_eq(servers, 0);
	stop();
}
END_TEST

START_TEST(they_stay_a_minute_beyond_their_last_user)
{
	uint32_t one = 0, two = 0;

	start("");
	ck_assert_int_eq(meet_number(1, &one), SX_OK);
	ck_assert_int_eq(meet_number(1, &one), SX_OK); /* the same user */
	ck_assert_int_eq(meet_number(1, &two), SX_OK);
	ck_assert_uint_eq(one, two);
	sx_rains_roster_part(&roster, one, SECOND);
	ck_assert_uint_eq(sx_rains_roster_deadline(&roster), SX_NEVER);
	sx_rains_roster_part(&roster, two, 2 * SECOND);
	ck_assert_uint_eq(sx_rains_roster_deadline(&roster), 62 * SECOND);
	sx_rains_roster_sweep(&roster, 62 * SECOND - 1);
	ck_assert_ptr_nonnull(roster.entries[SX_RAINS_CONFIGURED_MOST].link);
	sx_rains_roster_sweep(&roster, 62 * SECOND);
	ck_assert_ptr_null(roster.entries[SX_RAINS_CONFIGURED_MOST].link);
	ck_assert_uint_eq(sx_rains_roster_deadline(&roster), SX_NEVER);
	stop();
}
END_TEST

START_TEST(only_idle_ones_make_room)
{
	uint32_t users[SX_RAINS_REFERRED_MOST + 3] = { 0 };
	unsigned number = 0;

	start("");
	for (; number < SX_RAINS_REFERRED_MOST; number++) {
		ck_assert_int_eq(meet_number(number, &users[number]), SX_OK);
	}
	ck_assert_int_eq(meet_number(number, &users[number]), SX_ELIMIT);
	sx_rains_roster_part(&roster, users[5], 2 * SECOND);
	sx_rains_roster_part(&roster, users[9], 1 * SECOND);
	roster.speaking = &roster.entries[SX_RAINS_CONFIGURED_MOST + 9];
	ck_assert_int_eq(meet_number(number, &users[number]), SX_OK);
	ck_assert_uint_eq(users[number], users[5]); /* in its place, for the other speaks */
	roster.speaking = NULL;
	ck_assert_int_eq(meet_number(number + 1, &users[number + 1]), SX_OK);
	ck_assert_uint_eq(users[number + 1], users[9]);
	ck_assert_int_eq(meet_number(number + 2, &users[number + 2]), SX_ELIMIT);
	stop();
}
END_TEST

START_TEST(too_many_lines_are_refused)
{
	char lines[SX_RAINS_CONFIGURED_MOST * 16 + 32] = "";
	struct sx_rains_reason reason;

	start("");
	for (unsigned i = 0; i <= SX_RAINS_CONFIGURED_MOST; i++) {
		(void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
			"127.0.0.1:%u\n", i + 1);
	}
	ck_assert_int_eq(sx_rains_roster_configure(&roster, lines, &reason), SX_ELIMIT);
	ck_assert_str_eq(reason.text, "more than 8 servers");
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_roster");
	TCase *tcase = tcase_create("servers");

	tcase_add_test(tcase, whom_an_answer_refers_to_is_asked_first);
	tcase_add_test(tcase, a_call_that_was_not_referred_never_sees_them);
	tcase_add_test(tcase, one_that_is_configured_is_itself);
	tcase_add_test(tcase, without_an_address_on_scion_nobody_there_is_met);
	tcase_add_test(tcase, they_stay_a_minute_beyond_their_last_user);
	tcase_add_test(tcase, only_idle_ones_make_room);
	tcase_add_test(tcase, too_many_lines_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
