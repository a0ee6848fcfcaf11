/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <stdint.h>
#include <string.h>

#include "tap.h"

/* getrandom gives at most 256 bytes without a break; chance of a false alarm: 2^-128. */
START_TEST(all_of_a_buffer_is_filled_and_nothing_beyond)
{
	static uint8_t first[70000], second[70000];
	static const size_t lens[] = { 0, 1, 16, 255, 257, 65537 };

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		size_t len = lens[i];

		memset(first, 0, sizeof first);
		memset(second, 0, sizeof second);
		sx_random_bytes(first, len);
		sx_random_bytes(second, len);
		ck_assert(len < 16 || memcmp(first + len - 16, second + len - 16, 16) != 0);
		ck_assert_uint_eq(first[len], 0);
		ck_assert_mem_eq(first + len, first + len + 1, sizeof first - len - 1);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("random");
	TCase *tcase = tcase_create("bytes");

	tcase_add_test(tcase, all_of_a_buffer_is_filled_and_nothing_beyond);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
