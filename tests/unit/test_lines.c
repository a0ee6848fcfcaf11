/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lines.h"
#include "tap.h"

START_TEST(lines_come_out_in_order)
{
	struct sx_lines lines = { 0 };
	enum sx_log_level level;
	char line[SX_LINE_BYTES];

	for (int round = 0; round < 3 * SX_LINES; round++) {
		char text[16];

		(void)snprintf(text, sizeof text, "%d", round);
		sx_lines_add(&lines, SX_LOG_INFO, text);
		sx_lines_add(&lines, SX_LOG_WARN, "again");
		ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_OK);
		ck_assert_str_eq(line, text);
		ck_assert_int_eq(level, SX_LOG_INFO);
		ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_OK);
		ck_assert_int_eq(level, SX_LOG_WARN);
	}
	ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_EAGAIN);
}
END_TEST

START_TEST(a_full_ring_counts_what_it_loses)
{
	struct sx_lines lines = { 0 };
	enum sx_log_level level;
	char line[SX_LINE_BYTES];

	for (int i = 0; i < SX_LINES + 7; i++) {
		sx_lines_add(&lines, SX_LOG_INFO, "line");
	}
	for (int i = 0; i < SX_LINES; i++) {
		ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_OK);
		ck_assert_str_eq(line, "line");
	}
	ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_OK);
	ck_assert_str_eq(line, "7 log lines were lost: too many at once");
	ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_EAGAIN);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	static struct sx_lines lines;
	enum sx_log_level level;
	char text[2 * SX_LINE_BYTES], line[2 * SX_LINE_BYTES];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	sx_lines_add(&lines, SX_LOG_ERROR, text);
	ck_assert_int_eq(sx_lines_next(&lines, &level, line, sizeof line), SX_OK);
	ck_assert_uint_eq(strlen(line), SX_LINE_BYTES - 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("ring");

	tcase_add_test(tcase, lines_come_out_in_order);
	tcase_add_test(tcase, a_full_ring_counts_what_it_loses);
	tcase_add_test(tcase, a_long_line_is_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
