/* SPDX-License-Identifier: MIT */
/* tap: runs one check suite and prints TAP. Every unit test file is one suite with a main made by SX_TAP_MAIN. */
#pragma once

#include <check.h>
#include <stdlib.h>

static inline int sx_tap_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SX_TAP_MAIN(suite_function)                  \
	int main(void)                               \
	{                                            \
		return sx_tap_run(suite_function()); \
	}
