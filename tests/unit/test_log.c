/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <string.h>

#include "tap.h"

struct kept {
	enum sx_log_level level;
	char text[1024];
};

static void keep(void *arg, enum sx_log_level level, const char *text)
{
	struct kept *kept = arg;

	ck_assert_uint_lt(strlen(text), sizeof kept->text);
	kept->level = level;
	(void)strcpy(kept->text, text); // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
}

START_TEST(a_line_reaches_its_sink)
{
	struct kept kept = { 0 };
	struct sx_log log = { keep, &kept };

	sx_log(&log, SX_LOG_WARN, "%s has %d paths", "1-ff00:0:110", 4);
	ck_assert_int_eq(kept.level, SX_LOG_WARN);
	ck_assert_str_eq(kept.text, "1-ff00:0:110 has 4 paths");
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	struct kept kept = { 0 };
	struct sx_log log = { keep, &kept };

	sx_log(&log, SX_LOG_INFO, "%0*d", 2000, 7);
	ck_assert_uint_eq(strlen(kept.text), 511);
}
END_TEST

START_TEST(a_zeroed_sink_drops_everything)
{
	struct sx_log log = { 0 };

	sx_log(&log, SX_LOG_ERROR, "%s", "nobody hears this");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("sink");

	tcase_add_test(tcase, a_line_reaches_its_sink);
	tcase_add_test(tcase, a_long_line_is_cut);
	tcase_add_test(tcase, a_zeroed_sink_drops_everything);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
