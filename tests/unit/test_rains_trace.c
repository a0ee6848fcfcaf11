/* SPDX-License-Identifier: MIT */
/* What operators read of a lookup's way. */
#include <stdio.h>

#include "base/loop.h"
#include "rains/trace.h"
#include "rains_maker.h"
#include "tap.h"

#define HOUR 3600

static char lines[4096];

static void on_line(void *arg, enum sx_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	(void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", text);
}

static const struct sx_log trace = { on_line, NULL };

static int64_t now(void)
{
	return (int64_t)sx_loop_unix_time();
}

static struct sx_rains_section delegation(const char *subject, const char *zone, uint8_t seed)
{
	const struct rains_signer signer = { 1, 1, now() - HOUR, now() + HOUR, false };

	return rains_signed(rains_assertion(subject, zone, rains_deleg(seed, 3)), &signer, 1);
}

static unsigned line_count(void)
{
	unsigned count = 0;

	for (const char *at = lines; (at = strchr(at, '\n')); at++) {
		count++;
	}
	return count;
}

START_TEST(keys_on_the_way_are_named)
{
	struct sx_rains_section sections[4];
	const struct sx_rains_section *pointers[] = { &sections[0], &sections[1], &sections[2],
		&sections[3] };
	struct sx_rains_msg msg;

	rains_make_begin();
	lines[0] = '\0';
	sections[0] = delegation("example", ".", 2);
	sections[1] = delegation("b", "example.", 3); /* the name's own zone */
	sections[2] = delegation("other", ".", 4);
	sections[3] = delegation("a.b", "example.", 5);
	msg = rains_msg(pointers, SX_COUNT(pointers));
	sx_rains_trace_keys(&trace, &msg, sx_bytes_text("b.example."));
	ck_assert_uint_eq(line_count(), 2);
	ck_assert_ptr_nonnull(strstr(lines, "rains: key of example., phase 3: ed25519 "));
	ck_assert_ptr_nonnull(strstr(lines, "rains: key of b.example., phase 3: ed25519 "));
	ck_assert_ptr_nonnull(strstr(lines, ", delegated by zone example. for 3"));
}
END_TEST

START_TEST(of_many_keys_a_few_are_named)
{
	const struct sx_rains_section *pointers[20];
	struct sx_rains_section section;
	struct sx_rains_msg msg;

	rains_make_begin();
	lines[0] = '\0';
	section = delegation("example", ".", 2);
	for (size_t i = 0; i < SX_COUNT(pointers); i++) {
		pointers[i] = &section;
	}
	msg = rains_msg(pointers, SX_COUNT(pointers));
	sx_rains_trace_keys(&trace, &msg, sx_bytes_text("b.example."));
	ck_assert_uint_eq(line_count(), 8);
}
END_TEST

START_TEST(an_answer_is_told_with_its_zone_and_time)
{
	static const int64_t type = SX_RAINS_SCION;
	const struct sx_rains_question question = { sx_bytes_text("b.example."), sx_bytes_text("."),
		&type, 1, 0 };
	struct sx_rains_answer answer = { .kind = SX_RAINS_ANSWER_DATA, .count = 1 };

	lines[0] = '\0';
	answer.until = now() + HOUR;
	answer.hits[0].assertion.zone = sx_bytes_text("example.");
	sx_rains_trace_answer(&trace, "192.0.2.1:1", &question, &answer);
	ck_assert_ptr_nonnull(strstr(lines, "rains: 192.0.2.1:1: b.example. scion: signed by zone "
					    "example., valid for 3"));
	lines[0] = '\0';
	answer.kind = SX_RAINS_ANSWER_DENIED;
	answer.count = 0;
	sx_rains_trace_answer(&trace, "192.0.2.1:1", &question, &answer);
	ck_assert_ptr_nonnull(strstr(lines, "b.example. scion: proven that there is none, for 3"));
	ck_assert_str_eq(sx_rains_type_text(SX_RAINS_NEXT), "?");
	ck_assert_str_eq(sx_rains_type_text(-1), "?");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_trace");
	TCase *tcase = tcase_create("lines");

	tcase_add_test(tcase, keys_on_the_way_are_named);
	tcase_add_test(tcase, of_many_keys_a_few_are_named);
	tcase_add_test(tcase, an_answer_is_told_with_its_zone_and_time);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
