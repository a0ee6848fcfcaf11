/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "pem.h"
#include "tap.h"

#define ONE "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"

static const struct {
	const char *text;
	size_t count; /* 0: refused */
} cases[] = {
	{ ONE, 1 },
	{ "a line before\n" ONE "and between\n" ONE, 2 },
	{ ONE ONE ONE ONE ONE ONE ONE ONE ONE ONE ONE ONE, SX_PEM_MOST },
	{ "", 0 },
	{ "nothing", 0 },
	{ "-----BEGIN CERTIFICATE-----\nAQID\n", 0 },
	{ ONE "-----BEGIN CERTIFICATE-----\nAQID\n", 0 },
	{ ONE "-----BEGIN CERTIFICATE-----\n*?*\n-----END CERTIFICATE-----\n", 0 },
	{ "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n", 0 },
};

START_TEST(chains_are_read_or_refused)
{
	struct sx_pem pem = { .count = 0 };
	int rc = sx_pem_read(&pem, cases[_i].text);

	if (cases[_i].count == 0) {
		ck_assert_int_eq(rc, SX_EMALFORMED);
		ck_assert_uint_eq(pem.count, 0);
		return;
	}
	ck_assert_int_eq(rc, SX_OK);
	ck_assert_uint_eq(pem.count, cases[_i].count);
	for (size_t i = 0; i < pem.count; i++) {
		ck_assert(sx_bytes_equal(pem.certificates[i], sx_bytes_text("\1\2\3")));
	}
	sx_pem_free(&pem);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("pem");
	TCase *tcase = tcase_create("texts");

	tcase_add_loop_test(tcase, chains_are_read_or_refused, 0, SX_COUNT(cases));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
