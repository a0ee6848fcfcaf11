/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "scion_txt.h"
#include "tap.h"

static const struct {
	const char *record;
	const char *addrs; /* separated by blanks */
	size_t ignored;
} records[] = {
	{ "scion=1-ff00:0:110,10.0.0.1", "1-ff00:0:110,10.0.0.1", 0 },
	{ "scion=1-ff00:0:110,[10.0.0.1]", "1-ff00:0:110,10.0.0.1", 0 },
	{ "scion=1-ff00:0:110,[2001:db8::1]", "1-ff00:0:110,2001:db8::1", 0 },
	{ "scion=1-ff00:0:110,2001:db8::1", "1-ff00:0:110,2001:db8::1", 0 },
	{ "scion=64-2:0:9,129.132.230.98", "64-2:0:9,129.132.230.98", 0 },
	{ "scion=1-64512,10.0.0.1", "1-64512,10.0.0.1", 0 },
	{ "scion=v1;[1-ff00:0:110,10.0.0.1]", "1-ff00:0:110,10.0.0.1", 0 },
	{ "scion=v1;[1-ff00:0:110,10.0.0.1],[2-ff00:0:210,10.0.0.2]",
		"1-ff00:0:110,10.0.0.1 2-ff00:0:210,10.0.0.2", 0 },
	{ "scion=v1;[1-ff00:0:110,2001:db8::1]", "1-ff00:0:110,2001:db8::1", 0 },
	{ "scion=v1; [1-1,10.0.0.1] ,\t[1-1,10.0.0.2] ", "1-1,10.0.0.1 1-1,10.0.0.2", 0 },
	{ "scion=v1;[1-1,10.0.0.1],[1-1,10.0.0.1]", "1-1,10.0.0.1", 0 },

	/* other records */
	{ "v=spf1 -all", "", 0 },
	{ "", "", 0 },
	{ "scion", "", 0 },
	{ "SCION=1-1,10.0.0.1", "", 0 },
	{ " scion=1-1,10.0.0.1", "", 0 },

	/* broken ones, and what is not a host */
	{ "scion=", "", 1 },
	{ "scion=1-1", "", 1 },
	{ "scion=1-1,", "", 1 },
	{ "scion=,10.0.0.1", "", 1 },
	{ "scion=10.0.0.1", "", 1 },
	{ "scion=1-1,10.0.0.1 ", "", 1 },
	{ "scion=1-1,10.0.0.1 trailing", "", 1 },
	{ "scion=1-1,10.0.0.1,10.0.0.2", "", 1 },
	{ "scion=1-1,10.0.0.1:443", "", 1 },
	{ "scion= 1-1,10.0.0.1", "", 1 },
	{ "scion=[1-1,10.0.0.1]", "", 1 },
	{ "scion=1-ff00:0:110000,10.0.0.1", "", 1 },
	{ "scion=0-1,10.0.0.1", "", 1 },
	{ "scion=1-0,10.0.0.1", "", 1 },
	{ "scion=1-1,CS", "", 1 },
	{ "scion=1-1,fe80::1%eth0", "", 1 },
	{ "scion=v1;", "", 1 },
	{ "scion=v1;1-1,10.0.0.1", "", 1 },
	{ "scion=v1;[]", "", 1 },
	{ "scion=v1;[1-1,10.0.0.1", "", 1 },
	{ "scion=v1;[1-1,10.0.0.1],", "", 1 },
	{ "scion=v1;,[1-1,10.0.0.1]", "", 1 },
	{ "scion=v1;[1-1,10.0.0.1][1-1,10.0.0.2]", "", 1 },
	{ "scion=v1;[1-1,10.0.0.1],[1-1,10.0.0.300]", "", 1 },
	{ "scion=v1;[1-1,10.0.0.1] x", "", 1 },
	{ "scion=v2;[1-1,10.0.0.1]", "", 1 },
};

static void write_addrs(const struct sx_scion_txt *txt, char *out, size_t cap)
{
	out[0] = '\0';
	for (size_t i = 0; i < txt->count; i++) {
		char text[SX_ADDR_TEXT_BYTES];
		size_t at = strlen(out);

		sx_addr_write(&txt->addrs[i], text, sizeof text);
		(void)snprintf(out + at, cap - at, "%s%s", i > 0 ? " " : "", text);
	}
}

START_TEST(a_record_is_read_or_ignored)
{
	struct sx_scion_txt txt = { 0 };
	size_t len = strlen(records[_i].record);
	uint8_t *exact = malloc(len > 0 ? len : 1); /* so that sanitizers see its end */
	char addrs[256];

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, records[_i].record, len);
	sx_scion_txt_add(&txt, sx_bytes_of(exact, len));
	free(exact);
	write_addrs(&txt, addrs, sizeof addrs);
	ck_assert_str_eq(addrs, records[_i].addrs);
	ck_assert_uint_eq(txt.ignored, records[_i].ignored);
}
END_TEST

START_TEST(records_add_up_to_a_bound)
{
	struct sx_scion_txt txt = { 0 };
	char record[64];

	for (int i = 0; i < SX_SCION_TXT_ADDRS_MOST + 3; i++) {
		(void)snprintf(record, sizeof record, "scion=1-1,10.0.0.%d", i);
		sx_scion_txt_add(&txt, sx_bytes_text(record));
	}
	sx_scion_txt_add(&txt, sx_bytes_text("scion=v1;[1-1,10.0.0.1]")); /* published twice */
	ck_assert_uint_eq(txt.count, SX_SCION_TXT_ADDRS_MOST);
	ck_assert_uint_eq(txt.ignored, 3);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	struct sx_scion_txt txt = { 0 };

	sx_scion_txt_add(&txt, sx_bytes_of("scion=1-1,10.0.0.1\0", 19));
	ck_assert_uint_eq(txt.count, 0);
	ck_assert_uint_eq(txt.ignored, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("scion_txt");
	TCase *tcase = tcase_create("records");

	tcase_add_loop_test(tcase, a_record_is_read_or_ignored, 0, SX_COUNT(records));
	tcase_add_test(tcase, records_add_up_to_a_bound);
	tcase_add_test(tcase, a_nul_is_no_end);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
