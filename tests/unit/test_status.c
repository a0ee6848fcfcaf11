/* SPDX-License-Identifier: MIT */
#include "base/status.h"

#include <string.h>

#include "tap.h"

START_TEST(every_status_has_its_own_name_and_text)
{
	for (int status = SX_OK; status >= SX_EPROTO; status--) {
		ck_assert_str_ne(sx_status_name(status), "EUNKNOWN");
		ck_assert_str_ne(sx_status_text(status), "");
		for (int other = SX_OK; other > status; other--) {
			ck_assert_str_ne(sx_status_name(other), sx_status_name(status));
			ck_assert_str_ne(sx_status_text(other), sx_status_text(status));
		}
	}
	/* The table is in the order of the numbers. */
	ck_assert_str_eq(sx_status_name(SX_ELIMIT), "ELIMIT");
	ck_assert_str_eq(sx_status_name(SX_EPROTO), "EPROTO");
}
END_TEST

START_TEST(other_numbers_are_unknown)
{
	static const int others[] = { 1, SX_EPROTO - 1, INT32_MAX, INT32_MIN + 1 };

	for (size_t i = 0; i < SX_COUNT(others); i++) {
		ck_assert_str_eq(sx_status_name(others[i]), "EUNKNOWN");
		ck_assert_str_eq(sx_status_text(others[i]), "unknown error");
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("status");
	TCase *tcase = tcase_create("table");

	tcase_add_test(tcase, every_status_has_its_own_name_and_text);
	tcase_add_test(tcase, other_numbers_are_unknown);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
