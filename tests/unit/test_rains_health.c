/* SPDX-License-Identifier: MIT */
#include "base/status.h"
#include "rains/health.h"
#include "tap.h"

#define SECOND UINT64_C(1000000000)

START_TEST(pauses_double_up_to_a_minute)
{
	static const unsigned pauses[] = { 2, 4, 8, 16, 32, 60, 60 };
	struct sx_rains_health health = { 0 };
	uint64_t now_ns = SECOND;

	for (size_t i = 0; i < SX_COUNT(pauses); i++) {
		ck_assert(sx_rains_health_failed(&health, "gone", now_ns));
		ck_assert(!sx_rains_health_failed(&health, "still gone", now_ns));
		ck_assert_str_eq(health.failure.text, "gone");
		ck_assert_uint_eq(health.retry_ns - now_ns, pauses[i] * SECOND);
		now_ns = health.retry_ns;
	}
	sx_rains_health_heard(&health, now_ns);
	ck_assert_uint_eq(health.retry_ns, 0);
	ck_assert(sx_rains_health_failed(&health, "gone", now_ns));
	ck_assert_uint_eq(health.retry_ns - now_ns, 2 * SECOND);
}
END_TEST

START_TEST(the_third_silence_in_a_row_is_a_failure)
{
	struct sx_rains_health health = { 0 };

	ck_assert(!sx_rains_health_silent(&health, 1));
	ck_assert(!sx_rains_health_silent(&health, 2));
	sx_rains_health_heard(&health, 5);
	ck_assert(!sx_rains_health_is_mute(&health, 4));
	ck_assert(sx_rains_health_is_mute(&health, 6));
	ck_assert(!sx_rains_health_silent(&health, 4)); /* it answered others meanwhile */
	ck_assert(!sx_rains_health_silent(&health, 6));
	ck_assert(!sx_rains_health_silent(&health, 7));
	ck_assert(sx_rains_health_silent(&health, 8));
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_health");
	TCase *tcase = tcase_create("health");

	tcase_add_test(tcase, pauses_double_up_to_a_minute);
	tcase_add_test(tcase, the_third_silence_in_a_row_is_a_failure);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
